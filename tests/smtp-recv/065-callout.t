#!/usr/bin/env python3
"""Relay domains whose own server is asked (smtp-callout, scripted here): its answer is the client's, who is asked about and who is
not, what goes on without an answer."""
import os, shutil, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import Instance, Lmtp, Tap

tap = Tap()
i = Instance({"relay-domains": "call.test: callout\nopen.test\n"})
RULES = {"no": "550 5.1.1 its server says: no such user", "later": "450 4.7.1 its server says: come back", "bye": "421 4.3.2 going down",
         "close": ["close", "close"], "once": ["close"]}
callout = Lmtp(i.path("run/callout/sock"), RULES, ("PIPELINING", "8BITMIME", "SMTPUTF8"))


def asked():
    return [l[8:] for l in callout.lines if l.startswith("RCPT")]


c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<s@b.example> SIZE=100 RET=HDRS ENVID=x")
for rcpt, want in (("ann", "250 2.1.5 recipient ok"), ("no", RULES["no"]), ("later", RULES["later"]), ("bye", "451 4.3.2 going down"), ("ann", "250 2.1.5 recipient named before"),
                   ("bob", "250 2.1.5 recipient ok")):
    tap.eq(c.cmd(f"RCPT TO:<{rcpt}@call.test>"), want, f"{rcpt}: {want}")
tap.eq(c.cmd("RCPT TO:<carl@open.test>"), "250 2.1.5 recipient ok", "a relay domain without callout")
tap.eq(c.cmd("RCPT TO:<abuse@call.test> NOTIFY=NEVER"), "250 2.1.5 recipient ok", "abuse is taken unasked")
tap.eq(c.cmd("RCPT TO:<dan@example.test>"), "250 2.1.5 recipient ok", "a local recipient beside them")
c.cmd("DATA")
c.send("x\r\n.\r\n")
tap.like(c.reply(), "^250", "... and the message")
tap.eq([r.split("@")[0][9:] for r in i.spool.messages[-1]["rcpts"]], ["ann", "bob", "carl", "abuse"], "... in the spool for those that were taken")
tap.eq(i.lmtp.messages[-1]["rcpts"], ["RCPT TO:<dan@example.test>"], "... and here")
tap.eq(len(asked()), 5, "each was asked about once")
tap.eq((callout.connections, callout.messages), (1, []), "over one connection, with no message")
c.cmd("MAIL FROM:<s@b.example>")
tap.like(c.cmd("RCPT TO:<ann@call.test>"), "^250", "the next message")
tap.eq(callout.lines[-3:-1], ["RSET", "MAIL FROM:<s@b.example>"], "... begins anew there")
c.cmd("RSET")
c.cmd("MAIL FROM:<s@b.example>")
tap.like(c.cmd("RCPT TO:<no@call.test>"), "^550 5.1.1", "after RSET")
tap.eq(c.cmd("RCPT TO:<close@call.test>"), "451 4.3.0 delivery does not answer, try later", "it dies")
tap.like(c.cmd("RCPT TO:<ann@call.test>"), "^250", "... and is there again")
tap.eq(c.close(), 0, "the end")
c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<s@b.example>")
callout.rules["once"] = "close"
tap.eq(c.cmd("RCPT TO:<once@call.test>"), "451 4.3.0 delivery does not answer, try later", "it dies at the first one")
c.close()
had = len(asked())
for name, env in ("RELAYCLIENT", {"RELAYCLIENT": ""}), ("a trusted network", {}):
    if not env:
        i.write("trusted-networks", "192.0.2.0/24\n")
    c = i.client(**env)
    tap.eq(c.mail(["no@call.test"])[0], ["250 2.1.5 recipient ok"], f"{name}: nobody is asked")
    c.close()
os.unlink(i.path("etc/trusted-networks"))
tap.eq(len(asked()), had, "... indeed")
c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<s@b.example> SMTPUTF8")
tap.like(c.cmd("RCPT TO:<b\u00f6b@call.test>"), "^250", "an address outside ASCII")
c.close()
callout.close()
os.unlink(i.path("run/callout/sock"))
c = i.client()
tap.eq(c.mail(["ann@call.test"])[0], ["451 4.3.0 delivery does not answer, try later"], "nobody there: try later")
c.close()
tap.like(i.logged(), r"event=lmtp-unreachable server=\S+/run/callout/sock", "... and a line of it")
os.rename(i.path("run/lmtp"), i.path("run/elsewhere"))
i.write("smtp-callout", "run/elsewhere/sock")
c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<s@b.example>")
tap.like(c.cmd("RCPT TO:<ann@call.test>"), "^250", "the setting smtp-callout")
c.close()
i.close()
tap.done()
