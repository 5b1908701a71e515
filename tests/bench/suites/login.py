"""Short IMAP sessions as a webmail has them: connect, LOGIN, SELECT, LOGOUT; ten at a time."""
import json
import os
import shutil
import signal
import subprocess
import sys

import bench
import sides
from bench import Row

TITLE = "short IMAP sessions"
DOMAIN, USERS, AT_ONCE, MESSAGES = "inbox.test", 10, 10, 100
REUSED = "Dovecot, reused"  # login processes that serve many connections
SIDES = ["postern", "Dovecot", REUSED, "Courier"]
HASH = "{CRYPT}$1$abcdefgh$znAnv9M.XU2pRYfmSs46h/"  # of x; the cheapest that all of them take
PLAIN, TLS = "connect, LOGIN, SELECT, LOGOUT", "the same over TLS with resumption"
ROWS = [
    Row("plain", PLAIN, "/s", 4, limit="execs"),
    Row("plain-reused", PLAIN, "/s", 1.5, peer=REUSED),
    Row("plain-courier", PLAIN, "/s", 1, peer="Courier"),
    Row("tls", TLS, "/s", 3),
    Row("tls-reused", TLS, "/s", peer=REUSED),
]
DOVECOT_TLS = """ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
service imap-login {{
{count}  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3s {{
    port = 0
  }}
}}
"""
SCRIPT = sides.TOP + "/tests/bench/courier"
COUNT_REUSED = "  service_count = 0\n  process_min_avail = 2\n  client_limit = 1000\n"


def users(side):
    uid, gid = sides.owner()
    return "".join(f"u{i}@{DOMAIN}:{HASH}:{uid}:{gid}::{side.home(DOMAIN, i)}::\n" for i in range(USERS))


def certificate(top):
    key, cert = top + "/key.pem", top + "/cert.pem"
    if not os.path.exists(cert):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                        "-out", cert, "-days", "10", "-subj", "/CN=mail.example.test"], check=True, capture_output=True)
    return key, cert


class Postern(sides.Postern):
    users = users

    def prepare(self):
        super().prepare()
        os.makedirs(self.dir + "/run/tls")
        os.makedirs(self.dir + "/etc/tls")
        for path in certificate(os.path.dirname(self.dir)):
            shutil.copy(path, self.dir + "/etc/tls")

    def start(self):
        super().start()
        env = dict(zip(("UID", "GID"), map(str, sides.owner()))) if os.getuid() == 0 else {}
        holder = self.dir + "/run/tls/sock"
        self.launch("tls-keeper", "-v", "0", "-c", str(self.connections), holder, POSTERN_DIR=self.dir)
        sides.wait_for(lambda: os.path.exists(holder), "tls-keeper listens")
        self.tls = self.tcpserver("tlsd", "-v", "0", "imap-login", "auth-file", "imap", POSTERN_DIR=self.dir, TLS_ENGINE=holder, **env)


class Dovecot(sides.Dovecot):
    users, count = users, ""

    def prepare(self):
        super().prepare()
        port = sides.free_port()
        for path in certificate(os.path.dirname(self.dir)):
            shutil.copy(path, self.dir)
        with open(self.dir + "/conf", "a") as f:
            f.write(DOVECOT_TLS.format(dir=self.dir, port=port, count=self.count))
        self.tls = f"127.0.0.1:{port}"


class Reused(Dovecot):
    name, count = REUSED, COUNT_REUSED


class Courier(sides.Side):
    name, tls = "Courier", None
    end_signal = signal.SIGKILL  # unshare heeds no other; with it goes all that it has started

    def prepare(self):
        self.port = sides.free_port()
        uid, gid = sides.owner()
        self.put("userdb", "".join(
            f"u{i}@{DOMAIN}\thome={self.home(DOMAIN, i)}|mail={self.maildir(DOMAIN, i)}|uid={uid}|gid={gid}|imappw={HASH[7:]}\n"
            for i in range(USERS)))

    def start(self):
        self.launch("unshare", "-m", "--pid", "--fork", "--kill-child", SCRIPT, "run", self.dir, str(self.port))
        self.imap = f"127.0.0.1:{self.port}"
        sides.wait_for(lambda: sides.listens(self.port), "Courier listens")

    @staticmethod
    def fetch(top):
        """Its packages, unpacked. 0 with a word where it cannot be had."""
        done = subprocess.run([SCRIPT, "get", top], capture_output=True, text=True)
        if done.returncode or os.getuid():
            print(f"without Courier: it needs root and Debian's packages {done.stderr.strip()[-200:]}", file=sys.stderr)
        return not done.returncode and not os.getuid()


class Suite(bench.MailSuite):
    accounts = {DOMAIN: USERS}

    def __init__(self, b):
        self.bench, self.messages = b, min(b.options.messages, MESSAGES)
        self.pool = bench.mail.Pool(b.top + "/pool", self.messages, sides.owner())
        kinds = [Postern] + [Dovecot, Reused] * (not sides.Dovecot.missing()) + [Courier] * Courier.fetch(b.top)
        self.sides = [kind(b.top, self.accounts) for kind in kinds]
        self.steps = [self.plain, self.tls]

    def describe(self):
        return f"{AT_ONCE} sessions at once, {USERS} accounts of {self.messages} messages, MD5-crypt passwords"

    def setup(self):
        for side in self.sides:
            for i in range(USERS):
                self.pool.fill(side.maildir(DOMAIN, i), self.messages)
            self.sessions(side, 2 * USERS)

    def sessions(self, side, count):
        return self.bench.mail_load("imap", side.imap, f"u#@{DOMAIN}", "SELECT INBOX", "LOGOUT", clients=AT_ONCE, sessions=count)

    def plain(self, side):
        load = self.sessions(side, max(AT_ONCE, int(200 * self.bench.options.seconds)))
        self.note(side, "plain", load.count / load.seconds)

    def tls(self, side):
        if side.tls:
            got = json.loads(self.bench.program("tls-load", "-r", "-c", AT_ONCE, "-t", max(1, self.bench.options.seconds), "-n", AT_ONCE,
                                                *side.tls.split(":"), f"LOGIN u0@{DOMAIN} x", "SELECT INBOX"))
            if got["failed"] or not got["connections"]:
                raise RuntimeError(f"{side.name}: {got['failed']} connections failed, {got['connections']} did not")
            self.note(side, "tls", got["per_second"])

    def note(self, side, key, value):
        """In every row of this key: they differ in their peer."""
        for row in ROWS:
            if row.key.startswith(key):
                self.bench.note(side, row.key, value)
