#!/usr/bin/env python3
"""Transcripts, word for word: each verb, each parameter of MAIL and RCPT, and the replies that no other test spells out. C: the client's
line, S: the server's; each names the section that it is about."""
import base64, os, re, shutil, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Tap

tap = Tap()
i = Instance(lmtp={"full": "552 5.2.2 over quota"}, login_delay=0, login_attempts=20, smtp_errors=1000)
old = Instance(lmtp={}, login_check_timeout=1, login_attempts=1, login_delay=0)
old.lmtp.ext = ("PIPELINING",)
for one in i, old:
    with open(one.path("check"), "w") as f:
        f.write("import os, sys\nlogin, password = os.read(3, 512).split(b'\\0')[:2]\nlogin == b'slow' and os.read(os.pipe()[0], 1)\n"
                "login == b'broken' and sys.exit(111)\npassword == b'secret' or sys.exit(1)\nos.execvp(sys.argv[1], sys.argv[1:])\n")
AUTH = (sys.executable, i.path("check"), "true")
TLS = {"SSL_PROTOCOL": "TLSv1.3", "SSL_CIPHER": "x"}
RELAY = {"RELAYCLIENT": ""}
HELLO = "C: EHLO a.example\nS~ 250[ -].*\n"


def b64(text):
    return base64.b64encode(text.encode()).decode()


def transcript(name, text, instance=i, args=(), end=False, **env):
    """S: is a line as it stands, S~ a regular expression for a whole reply (lines by a newline)."""
    c = instance.client(*args, **env)
    wrong = None
    for line in text.strip("\n").split("\n"):
        kind, rest = line[:2], line[3:]
        if kind == "C:":
            c.send(rest + "\r\n")
        elif kind == "C!":
            c.send(rest.encode().decode("unicode_escape").encode("latin-1"))
        else:
            got = c.reply()
            if got is None or not (got == rest if kind == "S:" else re.fullmatch(rest, got, re.S)):
                wrong = f"wanted {line}\ngot {got}"
                break
    if end and not wrong and (got := c.reply()) is not None:
        wrong = f"not closed: {got}"
    c.close()
    tap.ok(not wrong, name, wrong)


MAIL, RCPT = "C: MAIL FROM:<a@b.example>\nS: 250 2.1.0 sender ok\n", "C: RCPT TO:<bob@example.test>\nS: 250 2.1.5 recipient ok\n"

transcript("RFC 5321 4.1.1.1: HELO, EHLO again", "C: HELO a.example\nS: 250 mx.example.test\n" + HELLO + "C: HELO (\nS: 501 5.5.4 a host name or an address literal, please")
transcript("RFC 5321 4.1.1.2 - 4.1.1.5: a message, RSET", HELLO + MAIL + RCPT + "C: RSET\nS: 250 2.0.0 forgotten\nC: DATA\nS: 503 5.5.1 MAIL first\n" + MAIL +
           "C: DATA\nS: 503 5.5.1 no recipient so far\n" + RCPT + "C: DATA\nS: 354 go on, end with a dot on a line of its own\nC: x\nC: .\nS~ 250 2.0.0 accepted as .*")
transcript("RFC 5321 4.1.1.6 - 4.1.1.10: VRFY, EXPN, HELP, NOOP, QUIT", "C: VRFY bob\nS: 252 2.0.0 send a message and it will be tried\nC: EXPN list\nS: 502 5.5.1 EXPN is not offered\n"
           "C: HELP noop\nS: 214 2.0.0 NOOP [string]\nC: HELP xyz\nS: 504 5.5.4 no such command; HELP names them all\nC: NOOP x y\nS: 250 2.0.0 ok\nC: QUIT\nS: 221 2.0.0 goodbye", end=True)
transcript("RFC 5321 4.2.4, 4.3.1: unknown, no argument, an argument too many, a control", "C: FOO\nS: 500 5.5.1 unknown command\nC: MAIL FROM:<>\nS: 503 5.5.1 EHLO or HELO first\nC: HELO a\nS~ 250 .*\nC: STARTTLS\nS: 503 5.5.1 EHLO first\nC: MAIL\nS: 501 5.5.4 argument missing; syntax: MAIL FROM:<address> [parameters]\n"
           "C: RSET x\nS: 501 5.5.4 no argument allowed; syntax: RSET\nC! NO\\x01OP\\r\\n\nS: 500 5.5.2 control character in command\nC: " + "x" * 5000 + "\nS: 500 5.5.1 unknown command\n"
           "C: NOOP " + "x" * 5000 + "\nS: 500 5.5.2 line too long")
transcript("RFC 3030 2: BDAT", HELLO + MAIL + RCPT + "C! BDAT 3\\r\\nx\\r\\n\nS: 250 2.0.0 octets received: 3\nC: DATA\nS: 503 5.5.1 only BDAT may follow BDAT\n"
           "C: BDAT 0 LAST\nS~ 250 2.0.0 accepted as .*\nC: BDAT 3 LAST x\nS: 501 5.5.4 syntax: BDAT size [LAST]; closing, since what follows is unclear", end=True)
transcript("XFORWARD", HELLO + "C: XFORWARD ADDR=1\nS: 501 5.5.4 syntax: XFORWARD IDENT=id\nC: XFORWARD IDENT=peer.7\nS: 250 2.0.0 ok", **RELAY)
transcript("HTTP is cut off", "C: GET / HTTP/1.1\nS: 421 5.7.0 this is SMTP, not HTTP", end=True)
transcript("RFC 3207 4: no TLS here; there is TLS already", HELLO + "C: STARTTLS\nS: 502 5.5.1 TLS is not offered here")
transcript("... and when it is on", HELLO + "C: STARTTLS\nS: 503 5.5.1 TLS is on already", **TLS)

# RFC 4954.
transcript("RFC 4954 4: no checkpassword program", HELLO + "C: AUTH PLAIN\nS: 502 5.5.1 authentication is not offered here", **TLS)
transcript("RFC 4954 4: in clear", HELLO + "C: AUTH PLAIN\nS: 538 5.7.11 encryption required: STARTTLS first", args=AUTH)
transcript("RFC 4954 4, 6: every end of an exchange", HELLO + "C: AUTH CRAM-MD5\nS: 504 5.5.4 no such mechanism\nC: AUTH PLAIN\nS: 334 \nC: *\nS: 501 5.7.0 cancelled\n"
           "C: AUTH PLAIN %%\nS: 501 5.5.2 not what this mechanism wants\nC: AUTH PLAIN " + b64("\0joe\0wrong") + "\nS: 535 5.7.8 login or password wrong\n"
           "C: AUTH PLAIN " + b64("\0broken\0secret") + "\nS: 454 4.7.0 authentication fails for now, try later\nC: AUTH PLAIN\nS: 334 \nC: " + "x" * 13000 +
           "\nS: 500 5.5.6 authentication line too long\nC: AUTH LOGIN " + b64("joe") + "\nS: 334 " + b64("Password:") + "\nC: " + b64("secret") +
           "\nS: 235 2.7.0 authenticated\nC: AUTH PLAIN\nS: 503 5.5.1 authenticated already", args=AUTH, **TLS)
transcript("RFC 4954 4: no answer", HELLO + "C: AUTH PLAIN " + b64("\0slow\0secret") + "\nS: 421 4.7.0 authentication does not answer, closing", old, AUTH, True, **TLS)
transcript("RFC 4954 5, RFC 6409 6.1: another's address on submission", HELLO + "C: MAIL FROM:<joe@example.test>\nS: 530 5.7.0 authentication required\nC: AUTH PLAIN " + b64("\0joe\0secret") +
           "\nS: 235 2.7.0 authenticated\nC: MAIL FROM:<eve@far.example>\nS: 550 5.7.1 this sender address is not yours", args=("-s", *AUTH), **TLS)

# Each parameter: a good value, in any case; none, or one that is none; given twice; without its extension.
MAIL_PARAMETERS = [("SIZE", "100", ["", "x", "1" * 21], "RFC 1870 6"), ("BODY", "8BITMIME", ["", "9BIT", "BINARYMIME"], "RFC 6152 2"), ("SMTPUTF8", None, [], "RFC 6531 3.4"),
                   ("RET", "HDRS", ["", "BOTH"], "RFC 3461 4.3"), ("ENVID", "QQ+2B1", ["", "a=b", "+zz", "x" * 101], "RFC 3461 4.4"),
                   ("AUTH", "joe+40example.test", ["", "a=b", "x" * 501], "RFC 4954 5"), ("REQUIRETLS", None, [], "RFC 8689 2"), ("PRDR", None, [], "draft-hall-prdr-00")]
RCPT_PARAMETERS = [("NOTIFY", "SUCCESS,FAILURE,DELAY", ["", "NEVER,DELAY", "x", "SUCCESS,"], "RFC 3461 4.1"),
                   ("ORCPT", "rfc822;bob+40example.test", ["", "rfc822", ";x", "rfc 822;x", "r=c;x", "rfc822;" + "x" * 501], "RFC 3461 4.2")]
for command, parameters in (("MAIL FROM:<a@b.example>", MAIL_PARAMETERS), ("RCPT TO:<bob@example.test>", RCPT_PARAMETERS)):
    first = HELLO + (MAIL if command[0] == "R" else "")
    for word, good, bad, section in parameters:
        given = word + ("=" + good if good else "")
        said = "S~ 250 2\\.1\\..*\n"
        text = first
        for b in bad if good else ["x"]:
            text += f"C: {command} {word}={b}\nS~ (501 5.5.4 Bad parameter value|555 5.5.4 Parameter not recognized or not offered)\n" if " " in b \
                else f"C: {command} {word}={b}\nS: 501 5.5.4 Bad parameter value\n"
        text += (f"C: {command} {word}\nS: 501 5.5.4 Bad parameter value\n" if good else "") + f"C: {command} {given} {given}\nS: 501 5.5.4 Parameter given twice\n" \
            + f"C: {command} {given.lower() if word not in ('ENVID', 'AUTH', 'ORCPT') else word.lower() + '=' + good}\n{said}"
        transcript(f"{section}: {command[:4]} {word}", text, args=AUTH, **TLS)
    transcript(f"RFC 5321 4.1.1.11: {command[:4]}, a parameter of nobody's", first + f"C: {command} FOO=1\nS: 555 5.5.4 Parameter not recognized or not offered\n"
               f"C: {command} FOO\nS: 555 5.5.4 Parameter not recognized or not offered")
transcript("RFC 8689 2, RFC 4954 3: parameters whose extension is not offered", HELLO + "C: MAIL FROM:<a@b.example> REQUIRETLS\nS: 555 5.5.4 Parameter not recognized or not offered\n"
           "C: MAIL FROM:<a@b.example> AUTH=<>\nS: 555 5.5.4 Parameter not recognized or not offered")
transcript("RFC 5321 4.1.2, RFC 6531 3.3: addresses", HELLO + "C: MAIL FROM:<a b@c>\nS: 501 5.1.7 Bad sender address syntax\nC: MAIL TO:<a@b>\nS: 501 5.5.4 Syntax: MAIL FROM:<address>\n" + MAIL +
           "C: RCPT FROM:<x>\nS: 501 5.5.4 Syntax: RCPT TO:<address>\nC: RCPT TO:<>\nS: 501 5.1.3 Bad recipient address syntax\nC: RCPT TO:<b\u00fcb@example.test>\n"
           "S: 553 5.6.7 The address needs SMTPUTF8\nC: RCPT TO:<eve@far.example>\nS: 550 5.7.1 no relaying: not a domain of this server, and you are not authenticated")
transcript("RFC 6531 3.2: a server that takes no such addresses", HELLO + "C: MAIL FROM:<a@b.example> SMTPUTF8\nS: 250 2.1.0 sender ok\nC: RCPT TO:<b\u00fcb@example.test>\n"
           "S: 550 5.6.7 the server of this recipient takes no addresses outside ASCII", old)
transcript("RELAYCLIENT that makes no address", HELLO + MAIL + "C: RCPT TO:<bob@far.example>\nS: 553 5.1.3 the address cannot be rewritten by RELAYCLIENT", RELAYCLIENT="@bad name")
transcript("draft-hall-prdr-00 4.4: what is queued", HELLO + "C: MAIL FROM:<a@b.example> PRDR\nS: 250 2.1.0 sender ok\nC: RCPT TO:<bob@far.example>\nS: 250 2.1.5 recipient ok\n"
           "C! DATA\\r\\n\nS~ 354 .*\nC: x\nC: .\nS: 353 a reply for each recipient follows\nS: 250 2.1.5 queued\nS~ 250 2.0.0 accepted as .*", **RELAY)
transcript("RFC 5321 6.3: a loop", HELLO + MAIL + RCPT + "C: DATA\nS~ 354 .*\nC! " + "Received: x\\r\\n" * 51 + "\\r\\n.\\r\\n\nS: 554 5.4.6 too many hops, this message loops")

strict = Instance(smtp_check_helo_name="refuse")
transcript("RFC 5321 4.1.4: a greeting that cannot be true (doc/door.md)", "C: EHLO localhost\nS~ 250-.*\n" + MAIL + "C: RCPT TO:<bob@example.test>\nS~ 550 5.7.1 your greeting cannot be true: .*", strict)
strict.close()
gone = Instance()
c = gone.client()
shutil.rmtree(gone.path("run/tmp"))
tap.eq(c.mail(["bob@example.test"], "Subject: x\r\n\r\n" + "x\r\n" * 600000)[1], "451 4.3.0 message cannot be stored, try later", "RFC 5321 4.2.4.2: no place for a long message")
tap.like(c.mail(["bob@example.test"])[1], "^250 2.0.0 accepted as", "... a short one needs none")
c.close()
gone.close()

# No memory: as much as 16 MB of addresses. Sanitizers want far more for themselves.
if b"__asan_init" not in open(BIN + "/smtp-recv", "rb").read():
    many = Instance(smtp_recipients=10000)
    c = many.client(RELAYCLIENT="", before=("sh", "-c", 'ulimit -v 16384 && exec "$@"', "sh"))
    c.cmd("EHLO a.example")
    c.cmd("MAIL FROM:<a@b.example>")
    long = "x" * 480
    for n in range(100):
        c.send("".join(f"RCPT TO:<{m}{long}@far.example> ORCPT=rfc822;{long}\r\n" for m in range(100 * n, 100 * n + 100)))
        if (said := [c.reply() for _ in range(100)]).count(None):
            break
    tap.ok([r for r in said if r and r[0] != "2"] == ["421 4.3.0 out of memory, closing"] and c.close() == 111, "no memory: 421, and exit 111", set(said))
    many.close()
for one in i, old:
    one.close()
tap.done()
