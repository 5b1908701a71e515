#!/usr/bin/env python3
"""STARTTLS (RFC 3207) behind ucspitlsd: what was said before is forgotten, what was injected is dropped."""
import base64, os, ssl, subprocess, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Tap

tap = Tap()
i = Instance(login_delay=0)
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", i.path("key"),
                "-out", i.path("cert"), "-days", "30", "-subj", "/CN=mx.example.test"], check=True, capture_output=True)
with open(i.path("check"), "w") as f:
    f.write("import os, sys\nos.read(3, 512).startswith(b'a@b\\0pw\\0') or sys.exit(1)\nos.execvp(sys.argv[1], sys.argv[1:])\n")
os.chmod(i.path("key"), 0o644)
ENV = dict(before=[BIN + "/ucspitlsd"], KEYFILE=i.path("key"), CERTFILE=i.path("cert"), TLS_UID="65534", TLS_GID="65534", TLS_ENGINE=None)
if os.getuid():
    del ENV["TLS_UID"], ENV["TLS_GID"]
ENV["PATH"] = BIN + ":" + os.environ["PATH"]
context = ssl._create_unverified_context()
AUTH = (sys.executable, i.path("check"), "true")


def start_tls(c):
    c.file.detach()
    c.socket = context.wrap_socket(c.socket)
    c.file = c.socket.makefile("rb")


for name, args in (("alone", ()), ("with the login pair", AUTH)):
    c = i.client(*args, **ENV)
    tap.like(c.cmd("EHLO before.example"), "250-STARTTLS", f"{name}: STARTTLS is announced")
    tap.like(c.cmd("MAIL FROM:<a@b.example>"), "^250", "in clear")
    tap.like(c.cmd("STARTTLS"), "^503 5.5.1 not during", "not within a transaction")
    c.cmd("RSET")
    tap.like(c.cmd("STARTTLS x"), "^501", "no argument")
    tap.eq(c.cmd("STARTTLS"), "220 2.0.0 ready to start TLS", "STARTTLS")
    start_tls(c)
    tap.like(c.cmd("MAIL FROM:<a@b.example>"), "^503 5.5.1 EHLO", "the greeting is forgotten")
    said = c.cmd("EHLO after.example")
    tap.ok("STARTTLS" not in said and ("AUTH PLAIN LOGIN" in said) == bool(args), "STARTTLS is not announced again", said)
    tap.like(c.cmd("STARTTLS"), "^503 5.5.1 TLS is on", "... and refused")
    if args:
        tap.like(c.cmd("AUTH PLAIN " + base64.b64encode(b"\0a@b\0pw").decode()), "^235", "AUTH under TLS")
    tap.like(c.mail(["u@example.test"], hello=False)[1], "^250", "a message")
    tap.like(i.lmtp.messages[-1]["body"].decode(), r"^Received: from after.example \(\[192.0.2.7\]\)\r\n\tby mx.example.test with ESMTPS"
             + ("A" if args else "") + r" id \S+\r\n\t\(TLSv1.3 TLS_AES_256_GCM_SHA384\)", "Received tells it")
    big = "Subject: big\r\n\r\n" + ("x" * 78 + "\r\n") * 20000
    tap.like(c.mail(["u@example.test"], big, hello=False)[1], "^250", "a big message")
    tap.ok(len(i.lmtp.messages[-1]["body"]) > 1600000, "... is whole")
    tap.like(c.cmd("QUIT"), "^221", "QUIT")
    try:
        tap.eq(c.reply(), None, "closed, with close_notify")
    except ssl.SSLError as error:
        tap.ok(False, "closed, with close_notify", error)
    c.close()

# REQUIRETLS (RFC 8689): under TLS only, and it goes along.
for offered in True, False:
    if not offered:
        with open(i.path("etc/smtp-requiretls"), "w") as f:
            f.write("no\n")
    i.lmtp.ext = ("PIPELINING", "REQUIRETLS")
    c = i.client(**ENV)
    tap.ok("REQUIRETLS" not in c.cmd("EHLO a.example"), "REQUIRETLS is not announced in clear")
    tap.like(c.cmd("MAIL FROM:<a@b.example> REQUIRETLS"), "^555 5.5.4", "... and refused")
    c.cmd("STARTTLS")
    start_tls(c)
    tap.ok(("REQUIRETLS" in c.cmd("EHLO a.example")) == offered, f"under TLS it is {'' if offered else 'not '}announced")
    said = c.cmd("MAIL FROM:<a@b.example> REQUIRETLS")
    tap.like(said, "^250" if offered else "^555 5.5.4", "... and taken" if offered else "... nor taken")
    if offered:
        c.cmd("RCPT TO:<u@example.test>")
        tap.like(i.lmtp.lines[-2], "^MAIL FROM:<a@b.example> REQUIRETLS", "... and goes along")
    c.close()
os.remove(i.path("etc/smtp-requiretls"))
i.lmtp.ext = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "XFORWARD IDENT")

c = i.client(*AUTH, **{**ENV, "TCPREMOTEIP": "127.0.0.1"})
c.cmd("EHLO a.example")
LOGIN = "AUTH PLAIN " + base64.b64encode(b"\0a@b\0pw").decode()
tap.like(c.cmd(LOGIN), "^235", "AUTH in clear, on the loopback")
c.cmd("STARTTLS")
start_tls(c)
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b>")
tap.like(c.cmd("RCPT TO:<x@far.example>"), "^550 5.7.1", "who has logged in is forgotten, too")
c.cmd("RSET")
tap.like(c.cmd(LOGIN), "^235", "... and may again")
c.close()

c = i.client(**ENV)
c.cmd("EHLO a.example")
c.send("STARTTLS\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<u@example.test>\r\n")
tap.like(c.reply(), "^220", "commands pipelined behind STARTTLS")
start_tls(c)
tap.like(c.cmd("NOOP"), "^250 2.0.0 ok", "... are dropped")
tap.like(i.logged(), "event=starttls-injection octets=5", "... and told in the log")
c.close()
c = i.client(**ENV)
c.cmd("EHLO a.example")
c.cmd("STARTTLS")
c.send("EHLO this is no handshake\r\n" * 20)
tap.ok("250" not in (c.reply() or ""), "no TLS after STARTTLS: nothing is answered in clear")
c.close()
tap.like(i.logged(), "event=tls-failed", "... and told in the log")
i.close()
tap.done()
