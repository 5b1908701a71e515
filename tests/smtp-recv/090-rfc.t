#!/usr/bin/env python3
"""The RFCs' own examples: RFC 5321 D, RFC 3030 4, RFC 2920 4, RFC 4954 4.1, RFC 1870 8, RFC 2034 5. The
client's lines are the RFC's; of the server's the codes are compared."""
import os, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import Instance, Tap

tap = Tap()
CHECK = "import os, sys\nos.read(3, 512).startswith((b'test\\0001234\\000', b'tim\\000tanstaaftanstaaf\\000')) or sys.exit(1)\nos.execvp(sys.argv[1], sys.argv[1:])\n"
i = Instance({"domains": "foo.com:\nexample.com:\ninnosoft.com:\ndbc.mtview.ca.us:\nlocalhost:\nbar.com:\nmicrosoft.com:\nxyz.com:\n"},
             lmtp={"Green": "550 5.1.1 no such user", "dbc": "550 5.1.1 no", "xyz": "550 5.1.1 no such user"}, login_delay=0)
with open(i.path("check"), "w") as f:
    f.write(CHECK)
TLS = {"SSL_PROTOCOL": "TLSv1.2", "SSL_CIPHER": "x"}


def dialog(name, steps, messages, auth=False, **env):
    """steps: what the client sends (a str: one line; bytes: as they are) and the codes that come back."""
    had = len(i.lmtp.messages) + len(i.spool.messages)
    c = i.client(*((sys.executable, i.path("check"), "true") if auth else ()), **env)
    wrong = [] if c.greeting[:3] == "220" else [c.greeting]
    for said, codes in steps:
        c.send(said if isinstance(said, bytes) else said + "\r\n")
        for code in codes.split():
            got = c.reply()
            if not got or not got.startswith(code):
                wrong.append((said, code, got))
    c.close()
    got = len(i.lmtp.messages) + len(i.spool.messages) - had
    tap.ok(not wrong and got == messages, name, (wrong, got))


BODY = b"Blah blah blah...\r\n...etc. etc. etc.\r\n.\r\n"
dialog("RFC 5321 D.1: a typical transaction", [
    ("EHLO bar.com", "250"), ("MAIL FROM:<Smith@bar.com>", "250"), ("RCPT TO:<Jones@foo.com>", "250"),
    ("RCPT TO:<Green@foo.com>", "550"), ("RCPT TO:<Brown@foo.com>", "250"), ("DATA", "354"), (BODY, "250"), ("QUIT", "221")], 1)
dialog("RFC 5321 D.2: aborted", [
    ("EHLO bar.com", "250"), ("MAIL FROM:<Smith@bar.com>", "250"), ("RCPT TO:<Jones@foo.com>", "250"),
    ("RCPT TO:<Green@foo.com>", "550"), ("RSET", "250"), ("QUIT", "221")], 0)
dialog("RFC 5321 D.3: relayed, the source route is ignored", [
    ("EHLO bar.com", "250"), ("MAIL FROM:<JQP@bar.com>", "250"), ("RCPT TO:<@foo.com:Jones@XYZ.COM>", "250"), ("DATA", "354"),
    (b"Received: from bar.com by foo.com ; Thu, 21 May 1998\r\n\t05:33:29 -0700\r\nDate: Thu, 21 May 1998 05:33:22 -0700\r\n"
     b"From: John Q. Public <JQP@bar.com>\r\nSubject:  The Next Meeting of the Board\r\nTo: Jones@xyz.com\r\n\r\nBill:\r\n"
     b"The next meeting of the board of directors will be\r\non Tuesday.\r\n\t\t\tJohn.\r\n.\r\n", "250"), ("QUIT", "221")], 1)
dialog("RFC 5321 D.4: verifying and sending", [
    ("EHLO bar.com", "250"), ("VRFY Crispin", "252"), ("MAIL FROM:<EAK@bar.com>", "250"), ("RCPT TO:<Admin.MRC@foo.com>", "250"),
    ("DATA", "354"), (BODY, "250"), ("QUIT", "221")], 1)
dialog("RFC 3030 4.1: simple chunking", [
    ("EHLO cnri.reston.va.us", "250"), ("MAIL FROM:<Sam@Random.com>", "250"), ("RCPT TO:<Susan@innosoft.com>", "250"),
    (b"BDAT 86 LAST\r\nTo: Susan@random.com\r\nFrom: Sam@random.com\r\nSubject: This is a bodyless test message\r\n"[:14 + 86], "250"),
    ("QUIT", "221")], 1)
dialog("RFC 3030 4.2: pipelining with chunks (8BITMIME for BINARYMIME)", [
    ("EHLO cnri.reston.va.us", "250"),
    (b"MAIL FROM:<ned@ymir.claremont.edu> BODY=8BITMIME\r\nRCPT TO:<gvaudre@example.com>\r\nRCPT TO:<jstewart@example.com>\r\n",
     "250 250 250"),
    (b"BDAT 20\r\n" + b"A: b\r\n\r\n" + b"x" * 12 + b"BDAT 12\r\n" + b"y" * 10 + b"\r\nBDAT 0 LAST\r\n", "250 250 250"), ("QUIT", "221")], 1)
dialog("RFC 2920 4: with pipelining", [
    ("EHLO dbc.mtview.ca.us", "250"),
    (b"MAIL FROM:<mrose@dbc.mtview.ca.us>\r\nRCPT TO:<ned@innosoft.com>\r\nRCPT TO:<dan@innosoft.com>\r\nRCPT TO:<kvc@innosoft.com>\r\n"
     b"DATA\r\n", "250 250 250 250 354"), (b"Subject: x\r\n\r\ny\r\n.\r\nQUIT\r\n", "250 221")], 1)
dialog("RFC 2920 4: all recipients refused, and the empty message", [
    ("EHLO dbc.mtview.ca.us", "250"),
    (b"MAIL FROM:<mrose@dbc.mtview.ca.us>\r\nRCPT TO:<nsb@thumper.bellcore.com>\r\nRCPT TO:<galvin@tis.com>\r\nDATA\r\n", "250 550 550 503"),
    (b"RSET\r\nQUIT\r\n", "250 221")], 0)
dialog("RFC 4954 4.1: PLAIN with initial response under TLS", [
    ("EHLO client.example.com", "250"), ("AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=", "235")], 0, True, **TLS)
dialog("RFC 4954 4.1: PLAIN with empty challenge", [
    ("EHLO client.example.com", "250"), ("AUTH PLAIN", "334"), ("AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235")], 0, True, **TLS)
dialog("RFC 4954 4.1: a mechanism that is not there, cancelled, malformed", [
    ("EHLO client.example.com", "250"), ("AUTH CRAM-MD5", "504"), ("AUTH PLAIN", "334"), ("*", "501"), ("AUTH PLAIN =x", "501")],
    0, True, **TLS)
dialog("RFC 1870 8: SIZE", [
    ("EHLO ymir.claremont.edu", "250"), ("MAIL FROM:<ned@thor.innosoft.com> SIZE=500000", "250"), ("RCPT TO:<ned@innosoft.com>", "250"),
    ("RSET", "250"), ("MAIL FROM:<ned@thor.innosoft.com> SIZE=500000000", "552"), ("QUIT", "221")], 0)
dialog("RFC 2034 5: enhanced codes", [
    ("EHLO dbc.mtview.ca.us", "250"), ("MAIL FROM:<mrose@dbc.mtview.ca.us>", "250"), ("RCPT TO:<ned@innosoft.com>", "250"),
    ("RCPT TO:<remote@example.net>", "550"), ("DATA", "354"), (b"x\r\n.\r\n", "250"), ("QUIT", "221")], 1)
i.close()
tap.done()
