#!/usr/bin/env python3
"""CHUNKING to the octet, LIMITS, several messages over one connection that ends between them, replies per recipient, a peer that drips."""
import os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap
from smtppeer import ALL, DROP, STALL, Endless, Peer
from smtpsend import send

CHUNKS = ALL + ["CHUNKING"]
at = lambda peer, name="peer.test", rank=0: (name, "127.0.0.1", peer.port, rank)


def wire(text):
    text = text.replace(b"\r", b" ")
    return (text if text.endswith(b"\n") or not text else text + b"\n").replace(b"\n", b"\r\n")


# The text, whatever it is.
TEXTS = {"dots": b"Subject: x\n\n.dot\n..dots\n.\nend\n", "no line end": b"Subject: x\n\nno end", "a bare CR": b"Subject: x\n\na\rb\r\n", "only a header": b"Subject: x\n",
         "a dot at the end": b"Subject: x\n\n.", "64 KiB": b"a: b\n\n" + b"y" * 65518 + b"\n", "one octet more": b"a: b\n\n" + b"y" * 65519 + b"\n",
         "3 MB": b"a: b\n\n" + b".line\n" * 500000, "eight bits": b"a: b\n\n\xc3\xa4\n"}
for extensions, how in (CHUNKS, "BDAT"), ([e for e in CHUNKS if e != "PIPELINING"], "BDAT, one by one"), (ALL, "DATA"):
    for name, text in TEXTS.items():
        with Peer(ext=extensions) as peer:
            r = send([at(peer)], [(text, ["a@x.test", "b@x.test"])])
            m = peer.messages
            verbs = [l.split(" ")[0] for l in peer.sessions[0]]
            tap.ok(len(m) == 1 and m[0].data == wire(text) and set(r.states.values()) == {"d"} and ("BDAT" in verbs) == ("CHUNKING" in extensions) == ("DATA" not in verbs),
                   f"{how}: {name}", r, verbs, m and m[0].data[:80])
with Peer(ext=["CHUNKING", "PIPELINING", "SIZE"]) as peer:
    r = send([at(peer)], [(b"Subject: 8\n\n\xc3\xa4\n", ["a@x.test"])])
    m = peer.messages[0]
    tap.ok(m.data.endswith(b"quoted-printable\r\n\r\n=C3=A4\r\n") and m.mail.endswith(f"SIZE={len(m.data)}"), "BDAT without 8BITMIME: quoted-printable, and its size", m.data, m.mail)

# Refusals in the group.
for extensions in CHUNKS, [e for e in CHUNKS if e != "PIPELINING"]:
    with Peer(ext=extensions, script={"RCPT": lambda l: "550 5.1.1 no" if "bad" in l else None}) as peer:
        r = send([at(peer)], [("a: b\n\nx\n", ["good@x.test", "bad@x.test"]), ("a: b\n\ny\n", ["bad@y.test"]), ("a: b\n\nz\n", ["good@z.test"])])
        got = {a: v[0][0] for a, v in r.verdict.items()}
        tap.ok(got == {"good@x.test": "d", "bad@x.test": "f", "bad@y.test": "f", "good@z.test": "d"} and [m.data[-3:-2] for m in peer.messages] == [b"x", b"z"] and
               [l.split(" ")[0] for l in peer.sessions[0]].count("RSET") == 1, "BDAT, some or all recipients refused; RSET only behind what did not end", r, peer.sessions)
with Peer(ext=CHUNKS, lmtp=True, script={"dot": lambda rcpt: "452 4.2.2 full" if "full" in rcpt else "550 5.7.1 no" if "bad" in rcpt else None}) as peer:
    r = send([at(peer)], [("a: b\n\nx\n", ["a@x.test", "full@x.test", "b@x.test", "bad@x.test"])], lmtp=True)
    tap.ok([r.verdict[f"{a}@x.test"][0][0] for a in ("a", "full", "b", "bad")] == ["d", "w", "d", "f"] and "".join(r.states.values()) == "dwdw", "BDAT over LMTP: a reply for each", r)

# LIMITS (RFC 9422).
five = [f"u{i}@x.test" for i in range(5)]
for limits, rcpts, want, ends in (
        ("RCPTMAX=2", five, [2, 2, 1], ["e"]), ("rcptmax=3 mailmax=10", five, [3, 2], ["e"]), ("RCPTMAX=2 MAILMAX=2", five, [2, 2], ["b"]),
        ("RCPTMAX=2 MAILMAX=3", five, [2, 2, 1], ["q"]), ("MAILMAX=1", five, [5], ["q"]), ("RCPTDOMAINMAX=1", ["a@x.test", "b@y.test", "c@x.test"], [2, 1], ["e"]),
        ("RCPTDOMAINMAX=2", ["a@x.test", "b@y.test", "c@z.test", "d@x.test"], [3, 1], ["e"]), ("RCPTMAX=nonsense MAILMAX= RCPTMAX=12345678 X", five, [5], ["e"])):
    with Peer(ext=ALL + ["LIMITS " + limits]) as peer:
        r = send([at(peer)], [("a: b\n\nx\n", rcpts)])
        said = [l for s in peer.sessions for l in s]
        tap.ok([len(m.rcpts) for m in peer.messages] == want and r.ends == ends and "".join(r.states.values()).count("d") == sum(want) and (ends == ["b"] or said[-1] == "QUIT"),
               f"LIMITS {limits}: {want}", r, [len(m.rcpts) for m in peer.messages])
for extensions in ALL, CHUNKS, [e for e in CHUNKS if e != "PIPELINING"]:
    count = [0]

    def three(line):
        count[0] = count[0] + 1 if line.startswith("RCPT") else 0
        return "452 4.5.3 too many" if count[0] > 3 else None
    with Peer(ext=extensions, script={"RCPT": three, "MAIL": three}) as peer:
        r = send([at(peer)], [("a: b\n\nx\n", [f"u{i}@x.test" for i in range(8)])])
        sizes = [len(m.rcpts) for m in peer.messages]
        asked = sum(l.startswith("RCPT") for l in peer.sessions[0])
        tap.ok(sizes == [3, 3, 2] and set(r.states.values()) == {"d"} and ("PIPELINING" in extensions or asked == 10), "452 for too many: the rest in the next transaction", sizes, asked, r)

# The connection ends between two messages: the second goes back, for another one.
two = [("a: b\n\nx\n", ["one@x.test"]), ("a: b\n\ny\n", ["two@x.test"])]
for extensions in ALL, CHUNKS:
    for what, script in {
            "421 behind the first": {"dot": ["250 2.0.0 taken\r\n421 4.3.2 closing"]}, "a close behind the first": {"dot": [("250 2.0.0 taken", DROP)]},
            "a reply too many": {"dot": ["250 2.0.0 taken\r\n250 2.0.0 really"]}, "421 to MAIL": {"MAIL": ["250 2.1.0 ok", "421 4.3.2 closing"]},
            "a close at MAIL": {"MAIL": ["250 2.1.0 ok", DROP]}}.items():
        with Peer(ext=extensions, script=script) as peer:
            r = send([at(peer)], two)
            tap.ok(r.states == {"one@x.test": "d", "two@x.test": "w"} and "two@x.test" not in r.verdict and r.ends == ["e", "b"] and len(peer.messages) == 1,
                   f"{'BDAT' if extensions is CHUNKS else 'DATA'}: {what}: the second message goes back", r, peer.sessions)
refused = [("a: b\n\nx\n", ["bad@x.test"]), ("a: b\n\ny\n", ["two@x.test"])]
for what, action in {"drops": DROP, "says 421": "421 4.3.2 no", "says 5xx": "550 what", "speaks garbage": b"\x00\r\n", "says an endless line": Endless(b"x" * 99), "stalls": STALL}.items():
    for timeout in ("2", "10", "60") if what == "stalls" else ("60",):  # a loaded machine may exceed the first in other steps
        with Peer(script={"RCPT": ["550 5.1.1 no"], "RSET": action}) as peer:
            r = send([at(peer)], refused, settings={"remote-timeout": timeout})
            good = [v[0] for v in r.verdict.get("bad@x.test", [])] == ["f"] and "two@x.test" not in r.verdict and r.ends == ["e", "b"] and not peer.messages
        if good:
            break
    tap.ok(good, f"RSET: {what}: the second message goes back", r, peer.sessions)

# Each octet comes in time, the line never does.
with Peer(script={"greeting": Endless(b"2", 0.1)}) as peer:
    r = send([at(peer)], [("a: b\n\nx\n", ["a@x.test"])], settings={"remote-timeout": "1"})
    tap.ok(r.failed and r.failed[0] == "w" and r.failed[2] == "4.4.2", "a greeting that drips has one deadline", r)
tap.done()
