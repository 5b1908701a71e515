#!/usr/bin/env python3
"""AUTH (RFC 4954), the right to relay, and which sender addresses are one's own."""
import base64, os, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import Instance, Tap

tap = Tap()
CHECK = """import os, sys
login, password = os.read(3, 512).split(b"\\0")[:2]
if login == b"broken@example.test": sys.exit(111)
if password != b"secret": sys.exit(1)
os.execvp(sys.argv[1], sys.argv[1:])
"""
i = Instance({"senders": "alice@example.test: team@example.test, @alice.example\n",
              "aliases": "info@example.test: alice@example.test, bob\nsales: alice\nboss@example.test: info@example.test\n"
                         "@catch.example: alice@example.test\n"
                         "list: \\\\alice, \"|program\"\nnamed: Our Alice <alice@example.test> (her), x@remote.test\n"
                         "prog: \"|run, alice, alice@example.test\", /alice\nincluded: :include:/alice\n",
              "domains": "example.test:\nsame.example: alias:Example.test\ncatch.example:\nxn--bcher-kva.example:\n"}, login_delay=0)
with open(i.path("check"), "w") as f:
    f.write(CHECK)
os.chmod(i.path("check"), 0o644)
ARGS = (sys.executable, i.path("check"), "true")
TLS = {"SSL_PROTOCOL": "TLSv1.3", "SSL_CIPHER": "TLS_AES_256_GCM_SHA384"}


def b64(s):
    return base64.b64encode(s.encode()).decode()


def plain(login="alice@example.test", password="secret", authzid=""):
    return b64(f"{authzid}\0{login}\0{password}")


def client(*args, hello=True, **env):
    c = i.client(*(args + ARGS), **{**TLS, **env})
    if hello:
        c.ehlo = c.cmd("EHLO a.example")
    return c


# Where AUTH is offered.
for name, env, offered in [("TLS", TLS, True), ("clear", {"SSL_PROTOCOL": None}, False),
                           ("loopback", {"SSL_PROTOCOL": None, "TCPREMOTEIP": "127.0.0.1"}, True)]:
    c = client(**env)
    tap.eq("AUTH PLAIN LOGIN" in c.ehlo, offered, f"AUTH is {'' if offered else 'not '}announced: {name}")
    tap.like(c.cmd("AUTH PLAIN " + plain()), "^235 2.7.0" if offered else "^538 5.7.11", f"... and AUTH answers so: {name}")
    c.close()
i.write("cleartext-networks", "192.0.2.0/24\n")
c = client(SSL_PROTOCOL=None)
tap.like(c.cmd("AUTH PLAIN " + plain()), "^235", "etc/cleartext-networks adds to the loopback")
c.close()
os.unlink(i.path("etc/cleartext-networks"))
c = i.client(**TLS)
c.cmd("EHLO a.example")
tap.like(c.cmd("AUTH PLAIN " + plain()), "^502 5.5.1", "no checkpassword program, no AUTH")
c.close()

# AUTH= of MAIL, RFC 4954 5: whose message it is goes on where the sender is trusted and the server knows the parameter.
for name, env, args, ext, wanted in [
        ("a trusted client's", {"RELAYCLIENT": ""}, ARGS, ("AUTH PLAIN",), True), ("a stranger's", {}, ARGS, ("AUTH PLAIN",), False),
        ("to a server without AUTH", {"RELAYCLIENT": ""}, ARGS, (), False)]:
    other = Instance(login_delay=0)
    other.lmtp.ext = ("PIPELINING", *ext)
    c = other.client(*args, **TLS, **env)
    c.cmd("EHLO a.example")
    c.cmd("MAIL FROM:<x@other.example> AUTH=joe+2Bx@other.example")
    c.cmd("RCPT TO:<bob@example.test>")
    c.cmd("DATA")
    c.send("x\r\n.\r\n")
    tap.like(c.reply(), "^250", f"AUTH=: {name} is taken")
    tap.eq("AUTH=joe+2Bx@other.example" in other.lmtp.messages[0]["mail"], wanted, f"... and {'goes on' if wanted else 'does not go on'}")
    c.close()
    other.close()

# The exchange; RFC 4954 4.
c = client()
tap.eq(c.cmd("AUTH PLAIN"), "334 ", "PLAIN without initial response")
tap.like(c.cmd(plain()), "^235 2.7.0", "... and then")
tap.eq(c.cmd("AUTH PLAIN " + plain()), "503 5.5.1 authenticated already", "twice")
tap.like(c.cmd("MAIL FROM:<x@other.example> AUTH=<>"), "^250", "MAIL with AUTH=<>")
tap.like(c.cmd("AUTH PLAIN"), "^503 5.5.1 not during", "during a transaction")
c.close()
c = client()
tap.eq(c.cmd("AUTH LOGIN"), "334 " + b64("Username:"), "LOGIN")
tap.eq(c.cmd(b64("alice@example.test")), "334 " + b64("Password:"), "... password")
tap.like(c.cmd(b64("secret")), "^235", "... done")
c.close()
c = client()
tap.eq(c.cmd("AUTH LOGIN " + b64("alice@example.test")), "334 " + b64("Password:"), "LOGIN with initial response")
tap.like(c.cmd(b64("secret")), "^235", "... done")
c.close()
c = client()
for line, wanted in [("AUTH GSSAPI", "504 5.5.4"), ("AUTH PLAIN " + plain(password="wrong"), "535 5.7.8"), ("AUTH PLAIN !!", "501 5.5.2"),
                     ("AUTH PLAIN " + plain("broken@example.test"), "454 4.7.0"), ("AUTH PLAIN " + plain(authzid="bob"), "535 5.7.8"),
                     ("AUTH PLAIN", "334"), ("*", "501 5.7.0"), ("AUTH PLAIN", "334"), ("x" * 12292, "500 5.5.6"),
                     ("AUTH PLAIN " + "A" * 12292, "500 5.5.6"), ("AUTH plain " + plain(), "235")]:
    tap.like(c.cmd(line), "^" + wanted, f"{line[:40]}: {wanted}")
c.close()
c = client()
said = [c.cmd("AUTH PLAIN " + plain(password="no")) for _ in range(6)]
tap.eq([s[:3] for s in said], ["535"] * 5 + ["421"], "six wrong passwords")
tap.eq(c.reply(), None, "... close")
c.close()
tap.ok("secret" not in i.logged() and plain() not in i.logged(), "no password in the log")
c = client()
c.send("AUTH PLAIN " + plain() + "\r\nMAIL FROM:<alice@example.test>\r\nRCPT TO:<x@far.example>\r\n")
tap.eq([c.reply()[:3] for _ in range(3)], ["235", "250", "250"], "pipelined behind AUTH; relaying is allowed now")
c.close()

# -s: nobody without login; then only as oneself.
c = client("-s")
tap.eq(c.cmd("MAIL FROM:<alice@example.test>"), "530 5.7.0 authentication required", "submission without login")
c.cmd("AUTH PLAIN " + plain())
for sender, wanted in [("alice@example.test", "250"), ("Alice+x@EXAMPLE.test", "250"), ("", "250"), ("bob@example.test", "550 5.7.1"),
                       ("team@example.test", "250"), ("anyone@alice.example", "250"), ("info@example.test", "250"),
                       ("info+a@example.test", "250"), ("sales@example.test", "250"), ("boss@example.test", "550 5.7.1"),
                       ("list@example.test", "250"), ("named@same.example", "250"), ("prog@example.test", "550 5.7.1"), ("included@example.test", "550 5.7.1"),
                       ("alice@same.example", "250"), ("Alice+x@same.example", "250"), ("info@same.example", "250"),
                       ("bob@same.example", "550 5.7.1"), ("any@catch.example", "250"), ("alice@far.example", "550 5.7.1"), ("alice@catch.example", "250"),
                       ("sales@far.example", "550 5.7.1"), ("x@sub.alice.example", "550 5.7.1")]:
    tap.like(c.cmd(f"MAIL FROM:<{sender}>"), "^" + wanted, f"alice sends as <{sender}>: {wanted}")
    c.cmd("RSET")
answers, last = c.mail(["bob@example.test", "x@far.example"], sender="alice@example.test", hello=False)
tap.like(last, "^250", "a message to here and there")
body = i.lmtp.messages[-1]["body"].decode()
tap.like(body, r"^Received: from a.example \(\[192.0.2.7\]\)\r\n\tby mx.example.test with ESMTPSA id .*\r\nDate: .*\r\nMessage-ID: <",
         "Received by RFC 3848, Date, Message-ID")
tap.eq(i.spool.messages[-1]["body"].decode(), body, "the spool has the same")
tap.eq((i.spool.messages[-1]["login"], i.lmtp.messages[-1]["login"]), ("alice@example.test", None), "the spool is told who it was, which is nothing to mda-local")
c.close()

# Submission defers what a mail client would lose.
i.lmtp.rules["late"] = "451 4.2.2 not now"
i.lmtp.rules["never"] = "550 5.1.1 no such user"
c = client("-s")
c.cmd("AUTH PLAIN " + plain())
answers, last = c.mail(["late@example.test", "never@example.test"], sender="alice@example.test", hello=False)
tap.eq([a[:9] for a in answers] + [last[:3]], ["250 2.1.5", "550 5.1.1", "250"], "a temporary failure at RCPT goes to the spool")
tap.like(i.spool.messages[-1]["rcpts"][0], "late@example.test", "... and is there")
c.close()
tap.eq(i.spool.messages[-1]["login"], "alice@example.test", "... with the login")
c = client()
tap.like(c.mail(["late@example.test"])[0][0], "^451 4.2.2", "other senders try again themselves")
c.close()

c = i.client(RELAYCLIENT="", unix=True)
c.cmd("EHLO a.example")
said = c.cmd("XFORWARD IDENT=peer.1 LOGIN=alice@example.test")
c.mail(["x@far.example"], hello=False)
tap.eq((said[:3], i.spool.messages[-1]["login"]), ("501", None), "who may relay has no login, whatever it says")
c.close()
c = client()
c.cmd("AUTH PLAIN " + plain("o=l+a\u00e4@example.test"))
c.mail(["x@far.example"], hello=False)
tap.eq(i.spool.messages[-1]["login"], "o+3Dl+2Ba+C3+A4@example.test", "a login travels as xtext")
c.close()

# Who may relay.
for name, env, args, wanted in [("a stranger", {}, (), "550 5.7.1"), ("loopback", {"TCPREMOTEIP": "127.0.0.1"}, (), "550 5.7.1"),
                                ("RELAYCLIENT", {"RELAYCLIENT": ""}, (), "250"), ("a local peer without -s", {"unix": True}, (), "550 5.7.1"),
                                ("a local peer with -s", {"unix": True}, ("-s",), "250")]:
    c = i.client(*args, **env)
    c.cmd("EHLO a.example")
    c.cmd("MAIL FROM:<>")
    tap.like(c.cmd("RCPT TO:<x@far.example>"), "^" + wanted, f"relaying: {name}: {wanted}")
    for bad in ("<x%far.example@example.test>", "<\"x@far.example\"@example.test>", "<@example.test:x@far.example>"):
        said = c.cmd("RCPT TO:" + bad)
        tap.ok(said[:3] == ("250" if wanted == "250" or "@example.test>" in bad else "550"), f"... {bad}", said)
    c.close()
# "none" is no list of letters.
i.write("subaddress", "none\n")
c = client("-s")
c.cmd("AUTH PLAIN " + plain("alic@example.test"))
tap.like(c.cmd("MAIL FROM:<alice@example.test>"), "^550", "subaddress none: another login is another login")
tap.like(c.cmd("MAIL FROM:<alic+x@example.test>"), "^550", "... and there is no subaddress")
tap.like(c.cmd("MAIL FROM:<alic@example.test>"), "^250", "... the login's own address is")
c.close()
os.unlink(i.path("etc/subaddress"))
# A local peer is who the kernel says.
if os.getuid():
    tap.ok(True, "local users: SKIP, only root can be several")
else:
    i.write("senders", "uid-4711: guest@example.test\ndaemon: @daemon.example\n")
    for uid, sender, wanted in [(1, "daemon@example.test", "250"), (1, "daemon@mx.example.test", "250"), (1, "daemon@far.example", "550"),
                                (1, "x@daemon.example", "250"), (1, "alice@example.test", "550"), (1, "", "250"),
                                (4711, "guest@example.test", "250"), (4711, "daemon@example.test", "550"), (0, "any@far.example", "250")]:
        c = i.client("-s", uid=uid)
        c.cmd("EHLO a.example")
        tap.like(c.cmd(f"MAIL FROM:<{sender}>"), "^" + wanted, f"uid {uid} as <{sender}>: {wanted}")
        c.close()
    c = i.client("-s", uid=4711)
    c.mail(["x@far.example"], sender="guest@example.test")
    tap.eq(i.spool.messages[-1]["login"], "uid-4711", "the spool is told which local user it was")
    c.close()
i.close()
tap.done()
