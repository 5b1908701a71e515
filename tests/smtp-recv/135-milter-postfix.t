#!/usr/bin/env python3
"""The same filter behind Debian's Postfix and here: what it is told at each stage, with every macro, and what message comes of
its changes. Differences that are meant stand in MEANT. Needs root (Postfix)."""
import os, re, socket, ssl, subprocess, sys, tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import postfixserver
from milter import Milter, add, body, change, insert, packet, strings
from pki import Pki
from ports import free_port
from instance import wait_for
from smtprecv import BIN, LIMIT, Instance, Lmtp, Tap

if not postfixserver.available:
    print("1..0 # SKIP no postfix, or not root")
    sys.exit(0)
tap = Tap()
MESSAGE = ("Received: from far.example\r\n\tby remote.example; Sun, 22 Nov 2026 10:00:00 +0000\r\nFrom: a@b.example\r\nTo: u@example.test\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
           "Message-ID: <1@b.example>\r\nSubject: one\r\n two\r\nX-Tag:  a\r\nx-tag: b\r\n\r\nhello\r\n..dot\r\nlast\r\n")
RCPTS = ("u@example.test", "v@example.test")
SENDER = "sender@remote.example"
plus, minus, sender = lambda a, *args: packet("2" if args else "+", strings(a, *args)), lambda a: packet("-", strings(a)), lambda *a: packet("e", strings(*a))


class Speaker:
    """An SMTP client over a connected socket."""
    def __init__(self, s):
        self.socket, self.file = s, s.makefile("rb")
        s.settimeout(LIMIT)

    def reply(self):
        while True:
            line = self.file.readline().decode(errors="replace")
            if line[3:4] != "-":
                return line.rstrip()

    def cmd(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def start_tls(self, context):
        self.cmd("STARTTLS")
        self.file.detach()
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def talk(self, rcpts, message, tls=None):
        """The last reply before QUIT."""
        self.reply()
        self.cmd("EHLO client.example")
        if tls:
            self.start_tls(tls)
            self.cmd("EHLO client.example")
        for line in (f"MAIL FROM:<{SENDER}> SIZE=900 BODY=8BITMIME", *(f"RCPT TO:<{r}>" for r in rcpts), "DATA"):
            last = self.cmd(line)
        if last.startswith("354"):
            self.socket.sendall(message.encode() + b".\r\n")
            last = self.reply()
        self.cmd("QUIT")
        self.socket.close()
        return last


class Side:
    """One of the two servers, its filter, and what it delivers."""
    def deliver(self, answers, rcpts=RCPTS, message=MESSAGE, tls=None):
        self.filter.answers, self.filter.heard, self.filter.macros = answers, [], {}
        self.lmtp.messages.clear()
        last = Speaker(self.connect()).talk(rcpts, message, tls)
        want = last.startswith("250") and self.comes
        if want:
            self.arrived()
        return last[0], sorted((m["mail"].split(" ")[1], sorted(r.split(" ")[1] for r in m["rcpts"]), self.text(m["body"])) for m in self.lmtp.messages)

    @staticmethod
    def text(octets):
        """Our own Received by its name alone: what was inserted in front of it or behind stays where it is."""
        return re.sub(rb"(?m)^Received: from (?!far).*\r\n(?:[ \t].*\r\n)*", b"Received\r\n", octets)


class Ours(Side):
    def __init__(self, env, **settings):
        self.filter = Milter()
        self.i = Instance(milters=f"m {self.filter.name}\n", **settings)
        self.lmtp, self.env, self.comes = self.i.lmtp, env, False

    def connect(self):
        ours, theirs = socket.socketpair()
        e = self.i.environment(TCPREMOTEIP="127.0.0.1", TCPLOCALIP="127.0.0.1", **self.env)
        self.process = subprocess.Popen([BIN + "/ucspitlsd", "-Y", BIN + "/smtp-recv"], stdin=theirs, stdout=theirs, stderr=self.i.log, env=e, cwd=self.i.dir)
        theirs.close()
        return ours


class Theirs(Side):
    def __init__(self, directory, tls):
        self.filter, self.comes, self.port = Milter(), True, free_port()
        self.lmtp = Lmtp(None, tcp=True)
        self.postfix = postfixserver.Postfix({("127.0.0.1", self.port): {}}, below=directory, myhostname="mx.example.test", smtpd_milters=self.filter.name,
                                             default_transport=f"lmtp:inet:127.0.0.1:{self.lmtp.port}", local_header_rewrite_clients="", lmtp_send_xforward_command="no",
                                             smtpd_peername_lookup="no", **tls)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def arrived(self):
        wait_for(lambda: self.lmtp.messages, "Postfix delivers")


work = tempfile.TemporaryDirectory(prefix="postern-test.", dir="/var/tmp")
os.chmod(work.name, 0o755)
pki = Pki(work.name)
os.chmod(pki.key, 0o644)
ca = pki.authority()
cert, client_cert = pki.leaf(ca, "mx.example.test"), pki.leaf(ca, "client.example")
context = ssl._create_unverified_context()
context.load_cert_chain(client_cert, pki.key)
ours = Ours(dict(KEYFILE=pki.key, CERTFILE=cert, CAFILE=ca[0], TLS_UID="65534", TLS_GID="65534", TLS_ENGINE=None))
theirs = Theirs(work.name, dict(smtpd_tls_security_level="may", smtpd_tls_cert_file=cert, smtpd_tls_key_file=pki.key, smtpd_tls_CAfile=ca[0], smtpd_tls_ask_ccert="yes"))
# What Postfix says otherwise, or not at all unless it is told to; what is here as Sendmail has it.
MEANT = {
    "v": "the server's own name",
    "{daemon_name}": "the service here, so that a filter can tell them apart",
    "{daemon_port}": "the port that it listens on",
    "{cert_subject}": "the whole name, as with Sendmail; Postfix has the common name",
    "{cert_issuer}": "the same",
    "{mail_mailer}": "Postfix has its transport", "{mail_host}": "and its next hop",
    "{rcpt_mailer}": "the same", "{rcpt_host}": "the same",
    "i": "an id of its own",
}
# Sent by Postfix with each field and piece; a filter still has it from DATA.
REPEATED = ("header", "body")


def macros(side, event):
    """The last ones of the stage; the id of an earlier one lasts."""
    seen = side.filter.macros.get(event, [{}])[-1]
    return seen if event not in REPEATED else {}


def check_told(name, tls):
    ours.deliver({}, tls=tls), theirs.deliver({}, tls=tls)
    told = [[x for x in side.filter.heard if x[0] not in ("connect", "abort", "options", "quit")] for side in (ours, theirs)]
    # Here a filter hears of the session at MAIL only, so of the greeting under TLS alone.
    late = [("helo", b"client.example\0")] if tls else []
    tap.eq(late + told[0], told[1], f"{name}: the same events with the same words")
    shape = lambda side: [re.sub(rb"\x004..", b"\x004", d, flags=re.S) for d in side.filter.octets("connect")]
    tap.eq(shape(ours), shape(theirs), f"{name}: the connection, but for the client's port")
    for event in ("connect", "helo", "mail", "rcpt", "data", "header", "eoh", "body", "eom"):
        mine, other = macros(ours, event), macros(theirs, event)
        tap.eq({k: v for k, v in mine.items() if k in other and k not in MEANT}, {k: v for k, v in other.items() if k not in MEANT}, f"{name}: every macro that Postfix sends at {event}")
        tap.ok(not set(other) - set(mine), f"{name}: none is missing", f"{mine}\n{other}")


# Not among them: a recipient who is there already is added; Postfix delivers twice then.
CHANGES = (
    ("nothing", []),
    ("a field at the end", [add("X-A", "1")]),
    ("two at the end", [add("X-A", "1"), add("X-B", "2")]),
    ("a folded one", [add("X-A", "1\n\t2\n 3")]),
    ("an empty one", [add("X-A", "")]),
    *((f"inserted at {n}", [insert(n, "X-A", "1")]) for n in (0, 1, 2, 3, 5, 8, 9, 99)),
    ("two inserted at 1", [insert(1, "X-A", "1"), insert(1, "X-B", "2")]),
    ("another body of a field", [change(1, "Subject", "new")]),
    ("in other letters", [change(1, "SUBJECT", "new\n folded")]),
    ("the second of two", [change(2, "X-Tag", "c")]),
    ("the third of two", [change(3, "X-Tag", "c")]),
    ("taken away", [change(1, "X-Tag", "")]),
    ("both taken away, the last first", [change(2, "X-Tag", ""), change(1, "X-Tag", "")]),
    ("one that is not there", [change(1, "X-No", "1")]),
    ("one that is not there is taken away", [change(1, "X-No", "")]),
    ("the first Received of the message", [change(1, "Received", "changed")]),
    ("changed, inserted and added", [change(1, "From", "x@y.example"), insert(1, "X-A", "1"), add("X-B", "2"), change(1, "X-A", "3")]),
    ("another text", [body(b"new\r\ntext\r\n")]),
    ("another text in pieces", [add("X-A", "1"), body(b"a\r\n"), body(b".b\r\n"), body(b"c\r\n")]),
    ("no text", [body(b"")]),
    ("a text without a line end", [body(b"a")]),
    ("one more recipient", [plus("<w@example.test>")]),
    ("with a parameter", [plus("<w@example.test>", "NOTIFY=NEVER")]),
    ("one less", [minus("<u@example.test>")]),
    ("one that is not there less", [minus("<x@example.test>")]),
    ("one less, one more", [minus("<u@example.test>"), plus("<w@example.test>")]),
    ("another sender", [sender("<new@x.example>")]),
    ("no sender", [sender("<>")]),
    ("all of it", [sender("<new@x.example>"), minus("<v@example.test>"), plus("<w@example.test>"), insert(1, "X-A", "1"), change(1, "Subject", ""), body(b"new\r\n")]),
)
with theirs.postfix:
    check_told("in clear", None)
    check_told("TLS", context)
    for name, changes in CHANGES:
        answers = {"eom": changes + ["cont"]}
        tap.eq(ours.deliver(answers), theirs.deliver(answers), f"the same message: {name}")
    for event in ("mail", "rcpt", "data", "header", "eoh", "body", "eom"):
        for verdict in ("reject", "tempfail", "accept"):
            answers = {event: verdict}
            tap.eq(ours.deliver(answers), theirs.deliver(answers), f"the same end: {verdict} at {event}")
work.cleanup()
ours.i.close()
tap.done()
