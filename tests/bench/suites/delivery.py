"""Durable deliveries into 100 Maildirs: over LMTP, with and without a Sieve script; through Postfix's queue."""
import glob
import os
import subprocess
import sys
import time

import bench
import sides
from bench import Row

sys.path.append(sides.TOP + "/tests/lib")
import receivers  # noqa: E402

TITLE = "local delivery"
USERS, OCTETS, RULES = 100, 4000, 50
PLAIN, SIEVE = "example.test", "sieve.test"
LOADS = {  # clients, connections, messages of each, recipients of a message, domain
    "one": (1, 1, 500, 1, PLAIN),
    "connections": (10, 2000, 1, 1, PLAIN),
    "messages": (10, 50, 20, 1, PLAIN),
    "sieve-connections": (10, 2000, 1, 1, SIEVE),
    "sieve-messages": (10, 50, 20, 1, SIEVE),
    "recipients-10": (10, 50, 2, 10, PLAIN),
    "recipients-100": (10, 20, 1, 100, PLAIN),
}
WITH_SIEVE, FROM_QUEUE = "Dovecot with Pigeonhole", "Postfix"
ROWS = [
    Row("one", "1 client, 1 connection, 1 recipient", "/s", limit="deliveries"),
    Row("connections", "10 clients, 1 message a connection", "/s", 2, limit="deliveries, 10 at once"),
    Row("messages", "10 clients, 20 messages a connection", "/s", 3, limit="deliveries, 10 at once"),
    Row("sieve-connections", f"a Sieve script of {RULES} rules, 1 message a connection", "/s", 3, limit="deliveries, 10 at once", peer=WITH_SIEVE),
    Row("sieve-messages", f"a Sieve script of {RULES} rules, 20 messages a connection", "/s", 3, limit="deliveries, 10 at once", peer=WITH_SIEVE),
    Row("recipients-10", "10 clients, 10 recipients a message", "/s", 2, limit="deliveries, 10 at once", peer=FROM_QUEUE),
    Row("recipients-100", "10 clients, 100 recipients a message", "/s", 2, limit="deliveries, 10 at once", peer=FROM_QUEUE),
]


def script():
    """As people have them: lists and senders into folders. None of the rules fits the messages of the load."""
    tests = ['header :contains "subject" "project {0}"', 'address :is :domain "from" "list{0}.example"', 'header :matches "list-id" "*<list-{0}.*"',
             'anyof (header :is "x-list" "list{0}", exists "x-number-{0}")', 'allof (size :over {0}M, not address :all :contains ["to", "cc"] "u{0}")']
    rules = "".join(f"{'if' if not i else 'elsif'} {tests[i % len(tests)].format(i + 1)} {{\n  fileinto \"Folder {i}\";\n}}\n" for i in range(RULES))
    return f'require ["fileinto"];\n{rules}'


class Pigeonhole(sides.Dovecot):
    name = WITH_SIEVE
    more = "protocol lmtp {\n  mail_plugins = sieve\n}\nplugin {\n  sieve = file:~/sieve;active=~/.dovecot.sieve\n}\n"

    @staticmethod
    def missing():
        plugin = "/usr/lib/dovecot/modules/lib90_sieve_plugin.so"
        return sides.Dovecot.missing() or (None if os.path.exists(plugin) else "dovecot-sieve is not installed")


class Postfix(receivers.Postfix):
    """virtual(8), which is reached through the queue: from the client's start until nothing waits there."""
    name = FROM_QUEUE

    def put(self, name, text, mode=0o644):
        # smtp-source numbers all recipients of a run.
        text = "".join(f"{i}u@pf.test u{i % USERS}/\n" for i in range(20000)) if name == "conf/users" else text
        super().put(name, text, mode)

    def said(self):
        return self.log()

    def count(self):
        return len(glob.glob(self.dir + "/mail/*/new/*"))

    def waits(self):
        """What is in its queue: to look there costs less than to count what has come out."""
        return any(files for queue in ("maildrop", "incoming", "active", "deferred") for _, _, files in os.walk(f"{self.dir}/queue/{queue}"))

    def deliver(self, clients, messages, recipients):
        """Deliveries a second."""
        have, begin = self.count(), time.monotonic()
        subprocess.run(["smtp-source", "-N", "-s", str(clients), "-m", str(messages), "-r", str(recipients), "-l", str(OCTETS), "-f", "sender@remote.test",
                        "-t", "u@pf.test", f"127.0.0.1:{self.port}"], check=True, stdin=subprocess.DEVNULL, timeout=sides.LIMIT)
        while self.waits():
            if time.monotonic() > begin + 60:
                raise RuntimeError("Postfix delivers no more")
            time.sleep(0.005)
        seconds = time.monotonic() - begin
        if self.count() != have + messages * recipients:
            raise RuntimeError(f"Postfix has delivered {self.count() - have} of {messages * recipients}")
        return messages * recipients / seconds


class Suite(bench.MailSuite):
    accounts = {PLAIN: USERS, SIEVE: USERS}

    def __init__(self, b):
        super().__init__(b)
        self.postfix = None
        if self.messages >= 1000:  # a very short run is about the suite
            if not Pigeonhole.missing():
                self.sides.append(Pigeonhole(b.top, self.accounts))
            if not receivers.missing()["Postfix"]:
                key, cert = b.top + "/key.pem", b.top + "/cert.pem"
                subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                                "-out", cert, "-days", "10", "-subj", "/CN=mx.pf.test"], check=True, capture_output=True)
                self.postfix = Postfix(cert, key, below=b.top)
                self.sides.append(self.postfix)
        self.steps = [lambda side, key=key: self.load(side, key) for key in LOADS]

    def describe(self):
        return f"messages of {OCTETS / 1000:.0f} KB into {USERS} Maildirs"

    def start(self):
        for side in self.sides:
            if side is self.postfix:
                side.__enter__()
            else:
                side.start()

    def setup(self):
        """Scripts, in the place that is Dovecot's and ours; Maildirs are made, scripts compiled."""
        for side in self.sides:
            if side is self.postfix:
                side.deliver(1, 2, USERS)
                continue
            for i in range(USERS):
                home = side.home(SIEVE, i)
                os.makedirs(home + "/sieve", exist_ok=True)
                with open(home + "/sieve/rules.sieve", "w", encoding="ascii") as f:
                    f.write(script())
                os.symlink("sieve/rules.sieve", home + "/.dovecot.sieve")
                for path in (home, home + "/sieve", home + "/sieve/rules.sieve"):
                    os.chown(path, *sides.owner())
            for domain in self.accounts:
                self.bench.lmtp(side.lmtp, 4, 10, 1, USERS // 10, USERS, domain, OCTETS)

    def close(self):
        if self.postfix:
            self.postfix.__exit__()
        sides.stop([side for side in self.sides if side is not self.postfix])

    def load(self, side, key):
        clients, connections, messages, recipients, domain = LOADS[key]
        # Each side where it is the row's peer; Dovecot with many recipients, too.
        if side.name == FROM_QUEUE and recipients == 1 or side.name == WITH_SIEVE and domain != SIEVE or side.name == "Dovecot" and domain == SIEVE:
            return
        part = min(1, self.messages / 10000)  # a short run
        if connections == 1:
            messages = max(1, int(messages * part))
        else:
            connections = max(2, int(connections * part))
        if side is self.postfix:
            rate = side.deliver(clients, connections * messages, recipients)
        else:
            rate = self.bench.lmtp(side.lmtp, clients, connections, messages, recipients, USERS, domain, OCTETS)["per_second"]
        self.bench.note(side, key, rate)
