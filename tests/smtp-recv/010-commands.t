#!/usr/bin/env python3
"""Every row of the dispatch table (smtp-recv/commands.c) in every state, with and without argument."""
import os, re, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import Instance, Tap

STATES = ["ST_START", "ST_HELO", "ST_EHLO", "ST_MAIL", "ST_RCPT", "ST_BDAT"]
BITS = {name: 1 << i for i, name in enumerate(STATES)}
BITS["ST_ANY"] = 63
BITS["ST_READY"] = BITS["ST_HELO"] | BITS["ST_EHLO"]
# Argument, and the code where the state is right ("" ends the connection afterwards).
SAMPLES = {"HELO": ("a.example", "250"), "EHLO": ("a.example", "250"), "MAIL": ("FROM:<a@b.example>", "250"),
           "RCPT": ("TO:<u@example.test>", "250"), "DATA": ("", "354"), "BDAT": ("5\r\nabc", "250"), "RSET": ("", "250"),
           "VRFY": ("bob", "252"), "EXPN": ("list", "502"), "HELP": ("", "214"), "NOOP": ("", "250"), "QUIT": ("", "221"),
           "STARTTLS": ("", "502"), "AUTH": ("PLAIN AGEAYg==", "502"), "XFORWARD": ("IDENT=abc", "250"),
           "XCLIENT": ("NAME=a.example", "220")}
WRONG = {"ST_START": "503 5.5.1 EHLO or HELO first"}
tap = Tap()
instance = Instance(smtp_xclient="192.0.2.7\n")


def session(state):
    c = instance.client(RELAYCLIENT="")
    if state != "ST_START":
        c.cmd("HELO a.example" if state == "ST_HELO" else "EHLO a.example")
    if state in ("ST_MAIL", "ST_RCPT", "ST_BDAT"):
        c.cmd("MAIL FROM:<a@b.example>")
    if state in ("ST_RCPT", "ST_BDAT"):
        c.cmd("RCPT TO:<bob@example.test>")
    if state == "ST_BDAT":
        c.cmd("BDAT 5\r\nxyz")
    return c


rows = re.findall(r'^\t\{"(\w+)",\s*\w+,\s*([^,]+?),\s*(ARGS_\w+),\s*([^,]+?),', open(ROOT + "/smtp-recv/commands.c").read(), re.M)
tap.ok(len(rows) > 15, "the table was read")
for verb, states, args, flags in rows:
    allowed = eval(re.sub(r"ST_\w+", lambda m: str(BITS[m[0]]), states))
    argument, code = SAMPLES.get(verb, ("/ HTTP/1.1", "421"))
    for state in STATES:
        c = session(state)
        got = c.cmd(f"{verb} {argument}".rstrip(" "))
        if allowed & BITS[state]:
            tap.ok(got and got[:3] == code, f"{verb} in {state}: {code}", got)
        else:
            tap.like(got, "^" + WRONG.get(state, "503 5.5.1"), f"{verb} in {state}: 503")
        if verb == "BDAT":
            tap.like(c.cmd("NOOP"), "^250", f"BDAT in {state}: its octets are not commands")
        if code in ("421", "221"):
            tap.eq(c.reply(), None, f"{verb} in {state}: closed")
        c.close()
    c = session("ST_RCPT" if allowed & BITS["ST_RCPT"] else "ST_EHLO")
    if args == "ARGS_NONE":
        tap.like(c.cmd(verb + " x"), "^501 5.5.4 no argument allowed; syntax: " + verb, f"{verb} takes no argument")
    elif args == "ARGS_SOME":
        tap.like(c.cmd(verb), "^501 5.5.4 argument missing; syntax: " + verb, f"{verb} needs an argument")
    if not re.search("HTTP|HIDDEN", flags):
        tap.like(c.cmd("RSET"), "^250", f"RSET after {verb}")
        tap.like(c.cmd("HELP " + verb.lower()), "^214 2.0.0 " + verb, f"HELP {verb}")
    else:
        tap.like(session("ST_EHLO").cmd("HELP " + verb), "^504", f"HELP hides {verb}")
    c.close()

c = session("ST_EHLO")
shown = [verb for verb, states, args, flags in rows if not re.search("HTTP|HIDDEN", flags)]
tap.eq(c.cmd("HELP"), "214 2.0.0 " + " ".join(shown), "HELP lists every verb")
for line, wanted in [
        ("", "500 5.5.1"), ("FOO", "500 5.5.1"), ("NO\x01OP", "500 5.5.2"), ("NOOP\0", "500 5.5.2"), ("noop", "250"),
        ("NoOp  with words ", "250"), ("MAIL", "501"), ("MAIL TO:<a@b.example>", "501"), ("MAIL FROM:a@b.example", "250"),
        ("RSET", "250"), ("MAIL FROM: <a@b.example>", "250"), ("RSET", "250"), ("MAIL FROM:<a@b.example> FOO=1", "555"),
        ("MAIL FROM:<a@b.example> SIZE=x", "501"), ("MAIL FROM:<a@b.example> SIZE=99999999999", "552"),
        ("MAIL FROM:<a@b.example> BODY=8BITMIME RET=HDRS ENVID=q", "250"), ("RCPT TO:<>", "501"),
        ("RCPT TO:<bob@example.test> NOTIFY=NEVER,SUCCESS", "501"), ("RCPT TO:<b\xc3\xbcb@example.test>", "5"),
        ("RCPT TO:<bob@example.test> NOTIFY=SUCCESS ORCPT=rfc822;bob+40example.test", "250"), ("RSET", "250"),
        ("MAIL FROM:<> BODY=BINARYMIME", "5"), ("MAIL FROM:<@a,@b:x@c.example>", "250"),
        ("RCPT TO:<Postmaster>", "250"), ("RCPT TO:<\"b o b\"@example.test>", "250"), ("QUIT", "221")]:
    tap.like(c.cmd(line), "^" + wanted, f"{line!r}: {wanted}")
c.close()
c = session("ST_START")
tap.eq(c.greeting, "220 mx.example.test ESMTP postern", "greeting")
tap.eq(c.cmd("EHLO a.example"), "250-mx.example.test\n250-SIZE 67108864\n250-PIPELINING\n250-CHUNKING\n250-8BITMIME\n"
       "250-SMTPUTF8\n250-DSN\n250-XFORWARD IDENT\n"
       "250-XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT\n250-PRDR\n"
       "250-LIMITS MAILMAX=1000 RCPTMAX=1000\n250 ENHANCEDSTATUSCODES", "EHLO of a trusted peer")
tap.like(c.cmd("HELO bad(name)"), "^501", "a name that cannot stand in Received")
tap.like(c.cmd("HELO " + "a" * 300), "^501", "a name that is too long")
tap.like(c.cmd("HELO [192.0.2.1]"), "^250 mx.example.test$", "HELO with a literal")
tap.like(c.cmd("XFORWARD ADDR=1"), "^501", "XFORWARD of something else")
tap.like(c.cmd("XFORWARD IDENT=a/b"), "^501", "XFORWARD with a bad id")
c.close()
c = instance.client()
tap.ok("XFORWARD" not in c.cmd("EHLO a.example"), "XFORWARD is not announced to strangers")
tap.like(c.cmd("XFORWARD IDENT=abc"), "^550", "XFORWARD of a stranger")
c.close()
c = session("ST_EHLO")
c.cmd("XFORWARD IDENT=peer.7")
tap.like(c.mail(["bob@example.test"], hello=False)[1], "accepted as peer.7$", "XFORWARD: the peer's id")
tap.eq(instance.lmtp.messages[-1]["ident"], "peer.7", "... goes on to delivery")
c.close()
instance.close()
tap.done()
