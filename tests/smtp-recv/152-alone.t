#!/usr/bin/env python3
"""A recipient whose rules may refuse the message when they see it is taken alone, from senders that hear one reply for all."""
import os, shutil, subprocess, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from instance import wait_for
from owner import give
from smtprecv import BIN, LIMIT, NOBODY, Instance, Tap

tap = Tap()
EXT = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "XFORWARD IDENT")
FUSSY = "250 2.7.0 recipient ok, its rules may refuse the message"
ALONE = "452 4.5.3 send this one in another message: its rules, or another's, may refuse the message"
OK = "250 2.1.5 recipient ok"
RULES = {"fussy": FUSSY, "picky": FUSSY, "no": "550 5.1.1 no such user", "dot:fussy": "550 5.7.1 not this one", "dot:picky": "250 2.0.0 delivered"}


def instance(ext=EXT + ("XREFUSAL",), **more):
    i = Instance(lmtp=dict(RULES), **more)
    i.lmtp.ext = ext
    return i


def turn(i, c, rcpts, params=""):
    """What RCPT says to each, what stands behind the message, and who has it."""
    before = len(i.lmtp.messages)
    c.cmd("EHLO client.example")
    assert c.cmd("MAIL FROM:<sender@remote.example>" + params)[0] == "2"
    said = [c.cmd(f"RCPT TO:<{r}@example.test>") for r in rcpts]
    if not any(s[0] == "2" for s in said):
        c.cmd("RSET")
        return said, None, []
    c.cmd("DATA")
    c.send("Subject: x\r\n\r\nhello\r\n.\r\n")
    last = c.reply()
    if params and last[:3] == "353":
        last = [last] + [c.reply() for s in said if s[0] == "2"] + [c.reply()]
    return said, last, [r.split("<")[1].split("@")[0] for m in i.lmtp.messages[before:] for r in m["rcpts"]]


i = instance()
c = i.client()
said, last, who = turn(i, c, ["fussy", "bob", "no", "fussy"])
tap.eq(said, [OK, ALONE, ALONE, "250 2.1.5 recipient named before"], "who comes behind it is to be sent in another message; itself once more is itself")
tap.eq((last, who), ("550 5.7.1 not this one", []), "the reply is its own")
said, last, who = turn(i, c, ["picky", "bob"])
tap.eq((said, last[:9], who), ([OK, ALONE], "250 2.0.0", ["picky"]), "another, which takes it")
said, last, who = turn(i, c, ["bob", "fussy", "carol", "picky", "no"])
tap.eq((said, last[:9], who), ([OK, ALONE, OK, ALONE, "550 5.1.1 no such user"], "250 2.0.0", ["bob", "carol"]), "those that come behind others are to be sent in another message, and do not get this one")
said, last, who = turn(i, c, ["no", "fussy"])
tap.eq((said, last), (["550 5.1.1 no such user", OK], "550 5.7.1 not this one"), "behind one that was refused it is the first")
said, last, who = turn(i, c, ["bob", "carol"])
tap.eq((said, who), ([OK, OK], ["bob", "carol"]), "the next message knows nothing of it")
c.cmd("MAIL FROM:<sender@remote.example>")
c.cmd("RCPT TO:<fussy@example.test>")
c.cmd("RSET")
tap.eq(turn(i, c, ["bob", "carol"])[0], [OK, OK], "nor after RSET")
said, last, who = turn(i, c, ["bob", "fussy", "picky"], " PRDR")
tap.eq((said, [x[:9] for x in last], who), ([OK] * 3, ["353 a rep", last[1][:9], "550 5.7.1", "250 2.0.0", "250 2.0.0"], ["bob", "picky"]), "with PRDR each has a reply of its own")
c.close()
c = i.client(RELAYCLIENT="")
said, last, who = turn(i, c, ["bob", "fussy"])
tap.eq((said, who), ([OK, OK], ["bob"]), "who is told by mail brings all at once")
tap.eq(["FROM:<>" in m["mail"] for m in i.spool.messages], [True], "... and is told")
c.close()
i.close()

i = instance()
i.write("senders", "nobody: @remote.example\nroot: @remote.example\n")
c = i.client("-s", unix=True)
said, last, who = turn(i, c, ["fussy", "bob", "picky"])
tap.eq((said, who), ([OK] * 3, ["bob", "picky"]), "so does submission")
c.close()
i.close()

i = instance(ext=EXT)
c = i.client()
said, last, who = turn(i, c, ["bob", "fussy", "picky"])
tap.eq((said, who), ([OK] * 3, ["bob", "picky"]), "2.7.0 of a server that does not announce XREFUSAL says nothing")
c.close()
i.close()

# All in one packet.
i = instance()
c = i.client()
c.cmd("EHLO client.example")
c.send("MAIL FROM:<s@remote.example>\r\n" + "".join(f"RCPT TO:<{r}@example.test>\r\n" for r in ("bob", "picky", "dave")) + "DATA\r\n")
tap.eq([c.reply()[:9] for _ in range(5)], ["250 2.1.0", OK[:9], "452 4.5.3", OK[:9], "354 go on"], "by PIPELINING")
c.send("x\r\n.\r\n")
c.reply()
tap.eq([r.split("<")[1].split("@")[0] for m in i.lmtp.messages for r in m["rcpts"]], ["bob", "dave"], "... the same")
c.close()
i.close()

# mda-local, and a script that may refuse.
if shutil.which("s6-ipcserver-socketbinder"):
    owner = NOBODY if not os.geteuid() else os.geteuid()
    i = Instance(lmtp=False, tables={"users": "".join(f"{u}@example.test: x:{owner}:{owner if not os.geteuid() else os.getegid()}::::\n" for u in ("fussy", "bob"))})
    home = i.path("mail/example.test/fussy")
    os.makedirs(home)
    with open(home + "/.dovecot.sieve", "w") as f:
        f.write('require "reject"; if header :contains "subject" "x" { reject "not this one"; }')
    give(owner, owner, i.path("mail"))
    path = i.path("run/lmtp/sock")
    env = dict(i.environment(), **({} if os.geteuid() else {"UID": str(owner), "GID": str(owner)}))
    mda = subprocess.Popen(["s6-ipcserver-socketbinder", "-a", "0666", path, BIN + "/mda-local", "-l", "10"], env=env, stderr=i.log, stdin=subprocess.DEVNULL)
    wait_for(lambda: os.path.exists(path), "mda-local's socket")
    i.lmtp = type("None", (), {"messages": [], "close": lambda self: None})()
    c = i.client()
    said, last, _ = turn(i, c, ["fussy", "bob"])
    tap.eq((said, last), ([OK, ALONE], "550 5.7.1 not this one"), "Sieve's reject: its text is the sender's reply")
    said, last, _ = turn(i, c, ["bob", "fussy"])
    tap.eq((said, last[:9]), ([OK, ALONE], "250 2.0.0"), "... behind another it is to come alone")
    c.close()
    mda.terminate()
    mda.wait(LIMIT)
    i.close()
tap.done()
