#!/usr/bin/env python3
"""PRDR (draft-hall-prdr-00): every combination of what mda-local and the spool say, by kind of sender: one reply for each
recipient, who has a copy, what waits in the spool; nobody is told twice."""
import itertools, os, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from milter import Milter, packet, strings
from smtprecv import Instance, Tap

tap = Tap()
LOCAL = {"ok": "250 2.1.5 delivered", "temp": "451 4.2.2 not now", "perm": "552 5.2.2 full"}
SPOOL = {"ok": "250 2.0.0 kept", "temp": "452 4.3.1 spool full", "perm": "552 5.3.4 too big for the spool"}
EACH = "353 a reply for each recipient follows"


def send(c, rcpts, body="Subject: x\r\n\r\nhello\r\n.\r\n", bdat=False):
    """The replies behind the message, and the last one."""
    c.cmd("EHLO client.example")
    c.cmd("MAIL FROM:<sender@remote.example> PRDR")
    taken = [c.cmd(f"RCPT TO:<{r}>")[0] for r in rcpts].count("2")
    if bdat:
        c.send(f"BDAT {len(body)} LAST\r\n{body}")
    else:
        c.cmd("DATA")
        c.send(body)
    said = [c.reply()]
    while said[0] == EACH and len(said) < taken + 2:
        said.append(c.reply())
    return said


def expected(kinds, spool, submission):
    """The rules again: each recipient's class of reply, the last one's, and who waits in the spool."""
    waiting = [i for i, k in enumerate(kinds) if k == "remote" or (k == "temp" and submission)]
    classes = ["2" if k == "ok" or (i in waiting and spool == "ok") else {"temp": "4", "perm": "5"}[spool if k == "remote" else k]
               for i, k in enumerate(kinds)]
    last = "2" if "2" in classes else "4" if "4" in classes else "5"
    return classes, last, waiting if spool == "ok" else []


def run(kinds, spool, sender):
    i = Instance(lmtp={f"dot:u{n}": LOCAL[k] for n, k in enumerate(kinds) if k != "remote"}, spool={"dot": SPOOL[spool]})
    c = i.client(*(("-s",) if sender == "local" else ()), **{"stranger": {}, "relay": {"RELAYCLIENT": ""}, "local": {"unix": True}}[sender])
    i.write("senders", "nobody: @remote.example\nroot: @remote.example\n")
    said = send(c, [f"u{n}@" + ("far.example" if k == "remote" else "example.test") for n, k in enumerate(kinds)], bdat=len(kinds) == 2)
    after = c.cmd("NOOP")
    c.close()
    classes, last, waiting = expected(kinds, spool, sender == "local")
    kept = sorted(r.split("<u")[1].split("@")[0] for m in i.spool.messages for r in m["rcpts"])
    copies = sorted(r.split("<u")[1].split("@")[0] for m in i.lmtp.messages for r in m["rcpts"])
    notices = sum("FROM:<>" in m["mail"] for m in i.spool.messages)
    tap.ok(said[0] == EACH and [s[0] for s in said[1:]] == classes + [last] and after == "250 2.0.0 ok" and not notices
           and kept == [str(w) for w in waiting] and copies == [str(n) for n, k in enumerate(kinds) if k == "ok"],
           f"{sender}: {' '.join(kinds)}, spool {spool}", f"{said}, wanted {classes} {last}; {after}; spool {kept}, wanted {waiting}; {copies}; {notices}\n" + i.logged())
    i.close()


for sender in ("stranger", "relay", "local"):
    pool = ("ok", "temp", "perm") + (("remote",) if sender != "stranger" else ())
    for size in (1, 2, 3):
        for kinds in itertools.combinations_with_replacement(pool, size):
            for spool in SPOOL if "remote" in kinds or ("temp" in kinds and sender == "local") else ("ok",):
                run(kinds, spool, sender)

# The words are those of who decided, in the order of RCPT.
i = Instance(lmtp={"dot:full": "552 5.2.2 over quota", "dot:slow": "451 4.3.2 not now", "no": "550 5.1.1 no such user"}, smtp_errors=3)
c = i.client()
said = send(c, [f"{r}@example.test" for r in ("full", "bob", "no", "slow", "bob", "full")])
tap.eq(said[:-1], [EACH, "552 5.2.2 over quota", "250 2.1.5 delivered", "451 4.3.2 not now", "250 2.1.5 delivered", "552 5.2.2 over quota"],
       "in the order of RCPT, a refused one left out, one that was named twice told twice")
tap.like(said[-1], "^250 2.0.0 accepted as", "... and the message's own")
tap.eq(len(i.lmtp.messages[-1]["rcpts"]), 1, "... one copy")
c.cmd("MAIL FROM:<sender@remote.example> PRDR")
c.cmd("RCPT TO:<full@example.test>")
c.cmd("DATA")
c.send("x\r\n.\r\n")
tap.eq([c.reply() for _ in range(3)], [EACH, "552 5.2.2 over quota", "554 5.0.0 nobody gets the message"], "nobody gets it; refusals of recipients are no errors of the client")
c.cmd("MAIL FROM:<sender@remote.example>")
c.cmd("RCPT TO:<slow@example.test>")
c.cmd("DATA")
c.send("x\r\n.\r\n")
tap.eq(c.reply(), "451 4.3.2 not now", "who does not ask for it gets one reply, in the same session too")
c.close()
c = i.client()
tap.eq(send(c, ["slow@example.test"]), [EACH, "451 4.3.2 not now", "451 4.0.0 nobody has got the message so far"], "nobody so far")
tap.like(send(c, ["bob@example.test"], "a\rb\r\n.\r\n")[0], "^554 5.6.0", "a message that nobody can have is refused in one reply")
tap.like(c.cmd("EHLO client.example"), "\n250.PRDR\n", "announced")
tap.like(c.cmd("MAIL FROM:<a@b.example> PRDR=1"), "^501", "it takes no value")
c.cmd("RSET")
c.cmd("MAIL FROM:<a@b.example> PRDR")
c.cmd("RCPT TO:<bob@example.test>")
tap.ok(not any("PRDR" in line for line in i.lmtp.lines), "it is passed on to nobody")
c.close()
i.close()

# NOTIFY=SUCCESS is answered all the same.
i = Instance(lmtp={"dot:full": "552 5.2.2 over quota"})
i.lmtp.ext = ("PIPELINING",)
c = i.client(RELAYCLIENT="")
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<sender@remote.example> PRDR")
for r in "bob", "full":
    c.cmd(f"RCPT TO:<{r}@example.test> NOTIFY=SUCCESS,FAILURE")
c.cmd("DATA")
c.send("x\r\n.\r\n")
tap.eq([c.reply()[:3] for _ in range(4)], ["353", "250", "552", "250"], "NOTIFY=SUCCESS,FAILURE")
notice = i.spool.messages[-1]["body"]
tap.ok(len(i.spool.messages) == 1 and b"Action: delivered" in notice and b"Action: failed" not in notice, "... the delivery by mail, the failure by reply", notice)
c.close()
i.close()

# The spool takes one recipient and not the next, who comes to it again with those that mda-local puts off: nobody is there twice.
i = Instance(lmtp={"dot:slow": "451 4.3.2 not now"}, spool={"two": ["452 4.3.1 not this one now"]})
i.write("senders", "nobody: @remote.example\nroot: @remote.example\n")
c = i.client("-s", unix=True)
said = send(c, ["one@far.example", "two@far.example", "slow@example.test"])
tap.eq([s[:3] for s in said], ["353", "250", "250", "250", "250"], "the spool refuses one, and then takes all")
tap.eq(sorted(r.split("<")[1].split("@")[0] for m in i.spool.messages for r in m["rcpts"]), ["one", "slow", "two"], "... each once")
c.close()
i.close()

# Filters.
GOES, COMES = packet("-", strings("<bob@example.test>")), packet("+", strings("<eve@example.test>"))
for name, answer, wanted in (("a recipient taken away is as one that was delivered", [GOES, "cont"], ["353", "250", "552", "554"]),
                             ("a recipient added, who hears no reply: one for all", [COMES, "cont"], ["250"]),
                             ("discarded: one reply", ["discard"], ["250"]), ("refused: one reply", ["reject"], ["550"])):
    i = Instance(lmtp={"dot:full": "552 5.2.2 over quota"})
    f = Milter(i.path("run/filter"), {"eom": answer})
    i.write("milters", "f unix:run/filter\n")
    c = i.client()
    tap.eq([s[:3] for s in send(c, ["bob@example.test", "full@example.test"])], wanted, "a filter: " + name)
    c.close()
    f.close()
    i.close()
tap.done()
