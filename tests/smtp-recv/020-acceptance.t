#!/usr/bin/env python3
"""How a message is accepted (doc/acceptance.md): every combination of what mda-local and the spool say,
by kind of sender: the reply, who has a copy, what waits in the spool, who is told."""
import itertools, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from smtprecv import Instance, Tap

tap = Tap()
LOCAL = {"ok": "250 2.1.5 delivered", "temp": "451 4.2.2 not now", "perm": "552 5.2.2 full"}
SPOOL = {"ok": "250 2.0.0 kept", "temp": "452 4.3.1 spool full", "perm": "552 5.3.4 too big for the spool"}


def expected(kinds, spool, submission, relay):
    """The rules again, in the words of the document: (class of reply, copies in the spool)."""
    done, temp, perm = kinds.count("ok"), kinds.count("temp"), kinds.count("perm")
    remote = kinds.count("remote")
    if not remote and not temp:
        return (2 if done else 5), []
    if not done and not remote and not submission:
        return 4, []
    waiting = [i for i, k in enumerate(kinds) if k in ("remote", "temp")]
    if spool == "ok":
        return 2, waiting
    if spool == "temp":
        return 4, []
    return (4 if temp and not done else 5), []


def run(kinds, spool, sender):
    rules = {f"dot:u{i}": LOCAL[k] for i, k in enumerate(kinds) if k != "remote"}
    i = Instance(lmtp=rules, spool={"dot": SPOOL[spool]})
    env = {"stranger": {}, "relay": {"RELAYCLIENT": ""}, "local": {"unix": True}}[sender]
    args = ("-s",) if sender == "local" else ()
    c = i.client(*args, **env)
    i.write("senders", "nobody: @remote.example\nroot: @remote.example\n")
    rcpts = [f"u{n}@" + ("far.example" if k == "remote" else "example.test") for n, k in enumerate(kinds)]
    answers, last = c.mail(rcpts)
    wanted, waiting = expected(kinds, spool, sender == "local", sender != "stranger")
    c.close()
    name = f"{sender}: {' '.join(kinds)}, spool {spool}"
    got_spool = sorted(r.split("<u")[1].split("@")[0] for m in i.spool.messages if "FROM:<>" not in m["mail"]
                       for r in m["rcpts"])
    got_local = sorted(r.split("<u")[1].split("@")[0] for m in i.lmtp.messages for r in m["rcpts"])
    told = sum("FROM:<>" in m["mail"] for m in i.spool.messages)
    told_wanted = int(wanted == 2 and "perm" in kinds and sender != "stranger" and spool == "ok")
    good = (last and last[0] == str(wanted) and got_spool == [str(w) for w in waiting]
            and got_local == [str(n) for n, k in enumerate(kinds) if k == "ok"] and told == told_wanted)
    tap.ok(good, name, f"{answers} {last!r}, wanted {wanted}xx; spool {got_spool}, wanted {waiting}; "
           f"copies {got_local}; notices {told}, wanted {told_wanted}\n" + i.logged())
    i.close()


for sender in ("stranger", "relay", "local"):
    pool = ("ok", "temp", "perm") + (("remote",) if sender != "stranger" else ())
    for size in (1, 2, 3):
        for kinds in itertools.combinations_with_replacement(pool, size):
            needs_spool = "remote" in kinds or "temp" in kinds
            for spool in SPOOL if needs_spool else ("ok",):
                run(kinds, spool, sender)
tap.done()
