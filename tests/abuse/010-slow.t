#!/usr/bin/env python3
"""Who sends an octet now and then, or reads nothing: on every port and socket an absolute deadline ends it, with the protocol's own words where
there are any, and leaves no process behind; clients who do as they should are served meanwhile."""
import os
import re
import select
import ssl
import subprocess
import time

import abuse
from abuse import PROOF, SECRET, Abused, Connection, count, plain, private, tap, wait_for

abuse.proof("no client holds a connection for ever: slow to send, never reading")
EACH = count(1, 20)
DRIP = 0.05  # seconds between two octets
MB = 1 << 20
SMTP = "EHLO slow.test\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
LATE = rb"421 4\.4\.2 [^\r\n]*\r\n\Z"
IMAP = f'a LOGIN alice@example.test "{SECRET}"\r\nb SELECT INBOX\r\n'
POP = f"USER alice@example.test\r\nPASS {SECRET}\r\n"
SIEVE = f'AUTHENTICATE "PLAIN" "{plain("alice@example.test")}"\r\n'
# name, port, TLS from the start, what is said at once, what drips then, the last words
BEFORE_LOGIN = [
    ("IMAP before login", "imap", False, "", "a NOOP", rb"\* BYE Login took too long\r\n\Z"),
    ("IMAP before login, a literal", "imap", False, "a LOGIN {9+}\r\n", "x", rb"\* BYE Login took too long\r\n\Z"),
    ("IMAP under TLS", "imaps", True, "", "a NOOP", rb"\* BYE Login took too long\r\n\Z"),
    ("POP3 before login", "pop3", False, "", "NOOP", rb"\+OK [^\r\n]*\r\n(-ERR [^\r\n]*\r\n)?\Z"),
    ("POP3 under TLS", "pop3s", True, "", "NOOP", rb"\+OK [^\r\n]*\r\n(-ERR [^\r\n]*\r\n)?\Z"),
    ("ManageSieve before login", "managesieve", False, "", "NOOP", rb'BYE "Login took too long"\r\n\Z'),
    ("ManageSieve before login, a literal", "managesieve", False, 'AUTHENTICATE "PLAIN" {50+}\r\n', "x", rb'BYE "Login took too long"\r\n\Z'),
]
AFTER = [
    ("SMTP, a command", "smtp", False, "", "NOOP ", LATE),
    ("SMTP, nothing", "smtp", False, "EHLO slow.test\r\n", "", LATE),
    ("SMTP, a message", "smtp", False, SMTP, "x", LATE),
    ("submission, a command", "submission", False, "", "NOOP ", LATE),
    ("submission, a password", "submission", False, "EHLO slow.test\r\nAUTH PLAIN\r\n", "A", LATE),
    ("submission under TLS", "submissions", True, "", "NOOP ", LATE),
    ("IMAP, a command", "imap", False, IMAP + "c SEARCH TEXT ", "x", rb"\* BYE The command did not come whole in time\.\r\n\Z"),
    ("IMAP, a literal", "imap", False, IMAP + "c SEARCH TEXT {60000+}\r\n", "x", rb"\* BYE The command did not come whole in time\.\r\n\Z"),
    ("IMAP, a message", "imap", False, IMAP + "c APPEND INBOX {60000+}\r\n", "x", rb"\* BYE The command did not come whole in time\.\r\n\Z"),
    ("IMAP, nothing", "imap", False, IMAP, "", rb"\* BYE Disconnected for inactivity\.\r\n\Z"),
    ("IMAP, nothing in IDLE", "imap", False, IMAP + "c IDLE\r\n", "", rb"\* BYE Disconnected for inactivity\.\r\n\Z"),
    ("POP3, a command", "pop3", False, POP, "NOOP", rb"\+OK [^\r\n]*\r\n\Z"),
    ("ManageSieve, a script", "managesieve", False, SIEVE + 'PUTSCRIPT "a" {60000+}\r\n', "x", rb'BYE "[^"]*"\r\n\Z'),
    ("ManageSieve, nothing", "managesieve", False, SIEVE, "", rb'BYE "No command for too long"\r\n\Z'),
    ("LMTP, a command", "run/lmtp/sock", False, "", "NOOP ", LATE),
    ("LMTP, a message", "run/lmtp/sock", False, SMTP.replace("EHLO", "LHLO"), "x", LATE),
    ("the spool's socket, a command", "run/spool/sock", False, "", "NOOP ", LATE),
    ("the spool's socket, a message", "run/spool/sock", False, SMTP.replace("EHLO", "LHLO"), "x", LATE),
    ("the relay socket", "run/relay/sock", False, SMTP, "x", LATE),
    ("the socket for local programs", "run/submission/sock", False, "", "NOOP ", LATE),
]
# Closed without a word: there is no protocol yet to say it in.
HANDSHAKE = [
    ("the key holder, no request", "run/tls/sock", "", b""),
    ("the handshake of IMAP under TLS", "imaps", "", b"\x16\x03\x01"),
    ("the handshake of submission under TLS", "submissions", "", b"\x16\x03\x01"),
    ("the handshake of POP3 under TLS", "pop3s", "", b"\x16\x03\x01"),
    ("STARTTLS of IMAP", "imap", "a STARTTLS\r\n", b"\x16\x03\x01"),
    ("STARTTLS of submission", "submission", "EHLO slow.test\r\nSTARTTLS\r\n", b"\x16\x03\x01"),
]
LOW = {"smtp-idle-seconds": "1", "lmtp-idle-seconds": "1", "imap-timeout": "1", "imap-read-timeout": "1", "pop3-timeout": "1",
       "managesieve-timeout": "1", "managesieve-read-timeout": "1"}


class Slow(Connection):
    def __init__(self, one, number, row, of):
        name, port, tls, first, self.drip, self.wanted = row
        self.name, self.at = name, 0
        super().__init__(one.dir + "/" + port if "/" in port else one.port(port), f"127.9.{number}.{of + 1}", tls)
        if first:
            self.send(first)
        self.socket.setblocking(False)

    def more(self):
        """One octet, whether anybody wants it or not."""
        if self.drip and not self.over:
            try:
                self.socket.send((self.drip if isinstance(self.drip, bytes) else self.drip.encode())[self.at % len(self.drip):][:1])
            except OSError:
                pass
            self.at += 1


def open_slow(one, rows):
    return [Slow(one, n, row, k) for n, row in enumerate(rows) for k in range(EACH)]


def drip(slow, limit=abuse.LIMIT):
    """Until all of them have been ended."""
    end = time.monotonic() + limit
    left = list(slow)
    while left and time.monotonic() < end:
        ready = select.select(left, [], [], DRIP)[0]
        for c in ready:
            c.take()
        left = [c for c in left if not c.over]
        if len(ready) < len(left):
            time.sleep(DRIP)  # the drip's own pace: nothing waits for it
        for c in left:
            c.more()
    return left


def judge(slow):
    for name in dict.fromkeys(c.name for c in slow):
        those = [c for c in slow if c.name == name]
        bad = [c.data[-300:] for c in those if not c.over or not re.search(c.wanted, c.data)]
        tap.ok(not bad, f"{name}: {len(those)} ended", bad[:2])


def serves(one, what):
    got = one.deliver("bob", what)
    c = one.imap("bob")
    c.send("b STATUS INBOX (MESSAGES)\r\nc LOGOUT\r\n")
    said = c.ended()
    c.close()
    tap.ok(got.startswith("250 ") and b"b OK" in said, f"who does as he should is served {what}", got, said)


# ---- clients that send too slowly ----

def status(place):
    return subprocess.run(["s6-svstat", "-o", "pid,ready", place], capture_output=True, text=True).stdout.strip()


def listens(port):
    try:
        Connection(port).close()
        return True
    except ConnectionRefusedError:
        return False


def quick_handshakes(one):
    """The handshake's deadline is the launcher's option."""
    for service in ("imaps", "pop3s", "submissions", "imap", "submission"):
        place = f"{one.dir}/run/service/{service}@127.0.0.1"
        with open(place + "/run") as f:
            text = f.read()
        with open(place + "/run", "w") as f:
            f.write(text.replace(" tlsd ", " tlsd -K 1000 ").replace(" ucspitlsd ", " ucspitlsd -K 1000 "))
        before = status(place)
        subprocess.run(["s6-svc", "-r", place], check=True)
        wait_for(lambda: status(place).endswith("true") and status(place) != before and listens(one.port(service)), f"{service} started anew")


def slow_to_send(one):
    quick_handshakes(one)
    handshakes = [Slow(one, 100 + n, (name, port, False, first, rest, rb""), k) for n, (name, port, first, rest) in enumerate(HANDSHAKE) for k in range(EACH)]
    one.set("login-timeout", "1")
    slow = open_slow(one, BEFORE_LOGIN)
    abuse.each(slow, lambda c: b"\n" in c.data, "greeted")
    one.unset("login-timeout")
    for name, value in LOW.items():
        one.set(name, value)
    late = [Slow(one, 30 + n, row, k) for n, row in enumerate(AFTER) for k in range(EACH)]
    abuse.each([c for c in late if "imap" in c.name.lower()], lambda c: b"\nb OK" in c.data, "in their mailbox")
    abuse.each([c for c in late if "POP3" in c.name or "ManageSieve" in c.name], lambda c: c.data.count(b"OK") > 1, "logged in")
    one.unset(*LOW)
    serves(one, "while the slow are there")
    everybody = handshakes + slow + late
    left = drip(everybody)
    tap.ok(not left, f"{len(everybody)} slow clients have been ended", [c.name for c in left])
    judge(slow + late)
    for name in dict.fromkeys(c.name for c in handshakes):
        tap.ok(all(c.over for c in handshakes if c.name == name), f"{name}: ended")
    for c in everybody:
        c.close()
    one.settle()
    tap.ok("event=lost reason=" in one.said("smtp"), "the log says who was late (SMTP)", one.said("smtp")[-500:])
    for service in ("imap", "pop3", "managesieve"):
        tap.ok("event=timeout during=" in one.said(service), f"the log says who was late ({service})", one.said(service)[-800:])
    files = [f for d in ("run/tmp", "mail/example.test/alice/Maildir/tmp", "spool/tmp") for f in os.listdir(f"{one.dir}/{d}")]
    tap.ok(not files, "and no file", files)


# ---- clients that read nothing ----

NEVER = [
    ("IMAP, a message of 4 MB over and over", "imap", False, IMAP + "c FETCH 1 BODY.PEEK[]\r\n" * 5),
    ("IMAP under TLS, the same", "imaps", True, IMAP + "c FETCH 1 BODY.PEEK[]\r\n" * 5),
    ("POP3, the same", "pop3", False, POP + "RETR 1\r\n" * 5),
    ("POP3 under TLS, the same", "pop3s", True, POP + "RETR 1\r\n" * 5),
    ("ManageSieve, a script of 900 kB over and over", "managesieve", False, SIEVE + 'GETSCRIPT "long"\r\n' * 20),
    ("SMTP, commands without end", "smtp", False, "EHLO never.test\r\n" * 200000),
    ("submission, the same", "submission", False, "HELP\r\n" * 500000),
    ("LMTP, the same", "run/lmtp/sock", False, "LHLO never.test\r\n" * 200000),
    ("the spool's socket, the same", "run/spool/sock", False, "LHLO never.test\r\n" * 200000),
]


READERS = "imap", "imaps", "pop3", "pop3s", "managesieve"


def fill(one):
    """What there is too much of to be sent at once: a message and a script."""
    c = one.imap("alice")
    text = b"Subject: long\r\n\r\n" + (b"y" * 78 + b"\r\n") * (4 * MB // 80)
    c.send(b"b APPEND INBOX {%d+}\r\n" % len(text) + text + b"\r\nc LOGOUT\r\n")
    tap.ok(b"b OK" in c.ended(), "a message of 4 MB is stored")
    c = Connection(one.port("managesieve"))
    script = "# a comment\r\n" * 70000
    c.send(SIEVE + f'PUTSCRIPT "long" {{{len(script)}+}}\r\n{script}\r\nLOGOUT\r\n')
    tap.ok(c.ended().count(b"\r\nOK") >= 2, "a script of 900 kB is stored", c.data[-200:])


class Never(Connection):
    """Sends what it can, and never reads."""

    def __init__(self, one, number, row, of):
        self.name, port, tls, text = row
        super().__init__(one.dir + "/" + port if "/" in port else one.port(port), f"127.8.{number}.{of + 1}", tls, room=4096)
        self.until(b"\n")
        self.socket.setblocking(False)
        self.rest = text.encode()

    def more(self):
        """True once the server takes no more of it, or has ended it."""
        try:
            while self.rest:
                self.rest = self.rest[self.socket.send(self.rest[:65536]):]
        except (BlockingIOError, ssl.SSLWantWriteError):
            return False
        except OSError:
            self.rest = b""
        return True


def never_reading(one):
    fill(one)
    for name, value in LOW.items():
        one.set(name, value)
    never = [Never(one, n, row, k) for n, row in enumerate(NEVER) for k in range(EACH)]
    for c in never:
        c.more()
    for service in READERS:
        wait_for(lambda: len(re.findall(r"event=login .* ip=127\.8\.", one.said(service))) == EACH, f"sessions of {service}")
    one.unset(*LOW)
    serves(one, "while they read nothing")
    wait_for(lambda: (all([c.more() for c in never]) or True) and not one.sessions(), "the end of those who read nothing", abuse.LIMIT)
    tap.ok(True, f"{len(never)} clients who read nothing have been ended: {', '.join(row[0] for row in NEVER)}")
    for service in READERS:
        wait_for(lambda: one.said(service).count("event=timeout during=reply") >= EACH, f"the log of {service}")
        got = one.said(service).count("event=timeout during=reply")
        tap.ok(got == EACH, f"the log says so ({service})", got, one.said(service)[-800:])
    for c in never:
        c.close()


# Of one user, too: there is only one.
with Abused({"max-per-address": "100", **{f"{p}-user-connections": "100" for p in ("imap", "pop3", "managesieve")}}) as one:
    serves(one, "at first")
    slow_to_send(one)
    never_reading(one)
    serves(one, "at last")
tap.done()
