#!/usr/bin/env python3
"""A message for one remote recipient goes to the spool in one piece with its envelope where the spool takes that (PIPELINING, CHUNKING), else step by
step: the same replies, the same octets, nothing kept of what was refused, nothing sent twice."""
import os, sys, threading
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import SPOOL_EXT, Instance, Tap, behind_received

tap = Tap()
GONE = "451 4.3.0"
BODIES = {"dots": "Subject: x\r\n\r\n..\r\n..x\r\n..\r\n", "empty": "", "blank": "\r\n", "long": "Subject: x\r\n\r\n" + ("y" * 900 + "\r\n") * 300,
          "on disk": "Subject: x\r\n\r\n" + ("z" * 99 + "\r\n") * 12000}
for chunking in (True, False):
    name = "along" if chunking else "step by step"

    def instance(rules=None):
        i = Instance(lmtp=False, spool=rules)
        i.spool.ext = (*SPOOL_EXT, "CHUNKING") if chunking else SPOOL_EXT
        return i

    for what, body in BODIES.items():
        i = instance()
        c = i.client(RELAYCLIENT="")
        _, said = c.mail(["f@far.example"], body)
        got = i.spool.messages
        want = body.replace("\r\n..", "\r\n.").encode()
        tap.ok(said[:9] == "250 2.0.0" and [behind_received(m["body"]) for m in got] == [want], f"{name}: {what}", (said, got and got[0]["body"][-100:]))
        # Whatever has a last line end goes in one chunk.
        tap.ok(any(l.startswith("BDAT ") for l in i.spool.lines) == (chunking and what != "empty"), "... by its own way", i.spool.lines[-3:])
        c.close()
        i.close()

    # rules of the spool, the reply, copies that it has kept
    for rules, wanted, copies in (
            ({"mail": "452 4.3.1 full"}, "452 4.3.1", 0), ({"mail": "552 5.3.4 big"}, "552 5.3.4", 0), ({"f": "553 5.1.3 no"}, "553 5.1.3", 0), ({"f": "451 4.3.0 later"}, GONE, 0),
            ({"dot": "452 4.3.1 full"}, "452 4.3.1", 0), ({"dot": "552 5.3.4 big"}, "552 5.3.4", 0), ({"mail": "close"}, GONE, 0), ({"f": "close"}, GONE, 0), ({"dot": "close"}, GONE, 0),
            ({"dot": "lost"}, GONE, 1), ({"f": "what?"}, GONE, 0), ({"dot": "302 x"}, GONE, 0)):
        i = instance({k: [v] if k != "dot" else v for k, v in rules.items()})
        c = i.client(RELAYCLIENT="")
        _, said = c.mail(["f@far.example"])
        kept = [m for m in i.spool.messages if m["rcpts"]]
        tap.ok((said[:9], len(kept)) == (wanted, copies), f"{name}: {rules}", (said, i.spool.lines))
        i.spool.rules = {}
        _, said = c.mail(["g@far.example"], hello=False)
        tap.ok(said[:9] == "250 2.0.0" and i.spool.messages[-1]["rcpts"] == ["RCPT TO:<g@far.example>"], "... and the next message goes", (said, i.spool.lines))
        c.close()
        i.close()

    # A spool that closes between two messages is asked anew, and gets no message twice.
    i = instance()
    c = i.client(RELAYCLIENT="")
    talk, over = i.spool.talk, threading.Event()

    def one_message(f, peer):
        i.spool.answer, kept = (lambda out, peer, key, default, answer=i.spool.answer: (answer(out, peer, key, default), key.startswith("dot:") and (peer.shutdown(2), over.set()))[0]), i.spool.answer
        try:
            talk(f, peer)
        finally:
            i.spool.answer = kept
    i.spool.talk = one_message
    _, first = c.mail(["f@far.example"])
    over.wait(120)
    i.spool.talk = talk
    _, second = c.mail(["g@far.example"], hello=False)
    tap.ok((first[:3], second[:3], i.spool.connections) == ("250", "250", 2) and [len(m["rcpts"]) for m in i.spool.messages] == [1, 1], f"{name}: a spool that closes behind a message", (first, second, i.spool.lines))
    c.close()
    i.close()
tap.done()
