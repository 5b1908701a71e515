"""Short TLS connections: TCP, handshake, greeting, LOGOUT, end; eight at a time."""
import json
import os
import subprocess

import sides
from bench import Row

TITLE = "short TLS connections"
LEAST = 20  # connections: processor time is counted in hundredths of a second
SIDES = ["postern", "Dovecot", "postern, an engine each", "Dovecot, shared processes"]
ROWS = [Row(f"{kind}-{key}", f"{kind} handshakes: {text}", unit)
        for kind in ("full", "resumed")
        for key, text, unit in (("rate", "connections", "/s"), ("cpu", "server CPU each", "ms"), ("median", "median", "ms"),
                                ("p99", "99th percentile", "ms"), ("resumed", "resumed", "%"))
        ] + [Row(f"greeter-{kind}-{key}", f"{kind} handshakes, a program of 20 lines behind: {text}", unit)
             for kind in ("full", "resumed") for key, text, unit in (("rate", "connections", "/s"), ("cpu", "server CPU each", "ms"))]
DOVECOT = """base_dir = {dir}/run
state_dir = {dir}/state
protocols = imap
listen = 127.0.0.1
log_path = {dir}/log
ssl = required
ssl_cert = <{cert}
ssl_key = <{key}
service imap-login {{
  service_count = {count}
  process_min_avail = 2
  client_limit = 1000
  process_limit = 1000
{login}  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
    ssl = yes
  }}
}}
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
"""


class Postern(sides.Server):
    def __init__(self, name, top, key, cert, holder, greeter):
        super().__init__(f"{top}/{'holder' if holder else 'engines'}")
        self.name, self.holder, self.key, self.cert, self.greeter = name, holder, key, cert, greeter

    def start(self):
        os.makedirs(self.dir + "/run/tls")
        self.put("etc/tls/key.pem", open(self.key).read())
        self.put("etc/tls/cert.pem", open(self.cert).read())
        env = dict(POSTERN_DIR=self.dir)
        if self.holder:
            env.update(TLS_ENGINE=self.dir + "/run/tls/sock")
            self.launch("tls-keeper", "-v", "0", env["TLS_ENGINE"], POSTERN_DIR=self.dir)
            sides.wait_for(lambda: os.path.exists(env["TLS_ENGINE"]), "tls-keeper listens")
        else:
            env.update(KEYFILE=self.dir + "/etc/tls/key.pem", CERTFILE=self.dir + "/etc/tls/cert.pem")
        drop = ["env", "UID=%d" % sides.owner()[0], "GID=%d" % sides.owner()[1]] if os.getuid() == 0 else []
        self.ports = [self.tcpserver("tlsd", "-v", "0", *program, **env)
                      for program in ([*drop, "imap-login", "false", "false"], [self.greeter])]


class Dovecot(sides.Server):
    def __init__(self, name, top, key, cert, count):
        super().__init__(f"{top}/dovecot{count}")
        self.name, self.port = name, sides.free_port()
        text = DOVECOT.format(dir=self.dir, key=key, cert=cert, count=count, port=self.port, login=sides.LOGIN if os.getuid() else "")
        self.put("conf", text + sides.unprivileged())

    def start(self):
        self.launch("dovecot", "-F", "-c", self.dir + "/conf")
        self.ports = [f"127.0.0.1:{self.port}"]
        sides.wait_for(lambda: sides.listens(self.port), "Dovecot listens")


class Suite:
    def __init__(self, b):
        self.bench, self.steps = b, [lambda side, kind=kind: self.load(side, kind) for kind in ("full", "resumed")]
        key, cert = b.top + "/key.pem", b.top + "/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                        "-out", cert, "-days", "10", "-subj", "/CN=mail.example.test"], check=True, capture_output=True)
        greeter = b.top + "/greeter"
        subprocess.run(["cc", "-O2", "-static", "-o", greeter, sides.TOP + "/tests/bench/greeter.c"], check=True)
        self.sides = [Postern(SIDES[0], b.top, key, cert, True, greeter), Postern(SIDES[2], b.top, key, cert, False, greeter)]
        if not sides.Dovecot.missing():
            self.sides += [Dovecot(SIDES[1], b.top, key, cert, 1), Dovecot(SIDES[3], b.top, key, cert, 0)]

    def describe(self):
        return "TLS 1.3, an ECDSA P-256 certificate, eight connections at a time"

    def start(self):
        for side in self.sides:
            side.start()

    def setup(self):
        pass

    def load(self, side, kind):
        for prefix, place in zip(("", "greeter-"), side.ports):
            before = side.cpu()
            got = json.loads(self.bench.program("tls-load", "-t", self.bench.options.seconds, "-n", LEAST, *["-r"] * (kind == "resumed"),
                                                *place.split(":")))
            count = got["connections"]
            if got["failed"] or not count:
                raise RuntimeError(f"{side.name}: {got['failed']} connections failed, {count} did not")
            values = dict(rate=got["per_second"], cpu=1000 * (side.cpu() - before) / count, median=got["median_ms"],
                          p99=got["p99_ms"], resumed=100 * got["resumed"] / count)
            for key, value in values.items():
                if not prefix or key in ("rate", "cpu"):
                    self.bench.note(side, f"{prefix}{kind}-{key}", value)

    def close(self):
        sides.stop(self.sides)
