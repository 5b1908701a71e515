#!/usr/bin/env python3
"""Turns: a dead destination with a large queue, a slow one, and one sender's mailing hold up nobody; every limit of connections; a
destination gets as many connections as it likes; what mailq says of all that."""
import json, os, re, socket, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from smtppeer import DROP, Peer, Remote

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h", "remote-timeout": "300"}


def fill(r, count, rcpt, sender="sender@home.test", prefix="m", age=0):
    """Many messages at once: files as spool-recv writes them, by copying one."""
    seed = r.queue("seed@seed.test", sender="seed@seed.test", id=f"seed{prefix}")
    path = r.files()[seed]
    text = re.sub(rb"\nk [0-9a-f]{8}\n", b"\n", open(path, "rb").read())  # the sum is of that one alone
    os.unlink(path)
    arrival = int(text.split(b"\na ")[1].split(b"\n")[0])
    text = text.replace(b"<seed@", b"<").replace(b"\nf seed@seed.test", b"\nf %s" % sender.encode())
    text = text.replace(b"\na %d" % arrival, b"\na %d" % (arrival - age))
    for i in range(count):
        r.put(f"{prefix}{i}", text.replace(b" seed@seed.test", b" " + (rcpt % i if "%" in rcpt else rcpt).encode()))


def mailq(r, *words):
    out = subprocess.run(["mailq", *words], env=r.env, capture_output=True, text=True, timeout=60, cwd="/")
    return [json.loads(line) for line in out.stdout.splitlines()]


class Counting(Peer):
    """How many connections there are, and were at most; each holds at MAIL until `gate` is open."""

    def __init__(self, *a, **k):
        self.now = self.most = 0
        self.lock, self.gate = threading.Lock(), threading.Event()
        k["script"] = {"MAIL": self.hold, **k.get("script", {})}
        super().__init__(*a, **k)

    def hold(self, line):
        self.gate.wait(600)

    def serve(self, connection):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            super().serve(connection)
        finally:
            with self.lock:
                self.now -= 1


class Dead:
    """Takes connections and says nothing: the worst way of being dead."""

    def __enter__(self):
        self.s = socket.socket()
        self.s.bind(("127.0.0.1", 0))
        self.s.listen(500)
        self.port = self.s.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.s.close()


def to(peer, settings=None, routes=""):
    return Remote({"smtp-port": peer.port, **SLOW, **(settings or {})}, routes=routes + "\n*: [127.0.0.1]")


# 1,500 messages of as many senders for a dead destination, an active set of 40, and live mail: older, and newer.
with Dead() as dead, Peer() as peer, to(peer, {"remote-messages-active": "40"}, f"dead.test: [127.0.0.1]:{dead.port}") as r:
    fill(r, 1500, "u%d@dead.test", prefix="d")
    fill(r, 20, "u%d@live.test", prefix="old", age=3600)
    r.start()
    r.wait("event=delivered", count=20)
    for i in range(10):
        r.queue(f"new{i}@live{i}.test")
    r.wait("event=delivered", count=30)
    tap.ok(not r.log("event=deferred"), "1,500 messages for a dead destination: live mail passes them, older and newer", r.lines[-5:])
    wait_for(lambda: (d := mailq(r, "-dj")[0]).get("waiting") == 1500 and d["connections"] == 5, "the walker has seen them all")
    d = mailq(r, "-dj")[0]
    tap.ok(d["domain"] == "dead.test" and d["state"] == "busy" and d["limit"] == 5 and d["connections"] == 5 and d["waiting"] == 1500,
           "mailq -d: the state of the destination", d)
    m = mailq(r, "-j")
    kinds = {k: sum(q["waits"] == k for q in m) for k in ("sending", "its turn")}
    tap.ok(len(m) == 1500 and kinds == {"sending": 5, "its turn": 1495}, "mailq: five are being sent, the others wait for their turn", kinds)

# A refused connection: the destination rests, and what is parked waits with it.
with Peer() as peer, to(peer, {"remote-messages-active": "40"}, "gone.test: [127.0.0.1]:1") as r:
    fill(r, 300, "u%d@gone.test", prefix="g")
    r.start()
    r.wait("event=rest")
    r.queue("a@live.test")
    r.wait("event=delivered", "to=a@live.test")
    tried = len(r.log("event=deferred"))
    tap.ok(0 < tried <= 300 and len(r.log("event=rest")) == 1, f"a destination that refuses: {tried} of 300 are told so, one rest", r.log("event=rest"))
    d = [x for x in mailq(r, "-dj") if x["domain"] == "gone.test"][0]
    tap.ok(d["state"] == "rests" and d["failures"] == 1 and d["rests_until"] > time.time() + 3000 and d["next"] >= d["rests_until"] and "refused" in d["reply"].lower(),
           "mailq -d: it rests, until when, its last reply", d)
    m = mailq(r, "-j")
    tap.ok(len(m) == 300 and all(q["waits"] == "destination rests" and q["next"] > time.time() + 3000 for q in m), "mailq: all wait for the end of its rest", m[0])
    human = subprocess.run(["mailq", "-d"], env=r.env, capture_output=True, text=True, cwd="/").stdout
    tap.ok("rests, 0 of 1 connections" in human, "and in words", human)
    subprocess.run(["postern-queue", "delete", "-f", "@home.test"], env=r.env, capture_output=True, cwd="/")
    wait_for(lambda: not r.files(), "parked messages can be deleted")
    tap.ok(r.process.poll() is None, "orders reach parked messages")

# One sender's mailing to a destination, and others' mail to the same.
with Counting() as peer, to(peer, {"remote-connections-per-destination": "1"}) as r:
    fill(r, 400, "list%d@x.test", sender="list@home.test", prefix="l")
    r.start()
    wait_for(lambda: peer.now == 1, "the first connection")
    wait_for(lambda: mailq(r, "-dj")[0].get("messages", 0) >= 399, "the walker has seen them all")
    for i in range(3):
        r.queue(f"one{i}@x.test", sender=f"someone{i}@home.test")
    fill(r, 1, "plus@x.test", sender="list+7@home.test", prefix="p")
    wait_for(lambda: mailq(r, "-dj")[0].get("messages", 0) >= 403, "and the others")
    peer.gate.set()
    wait_for(lambda: len(peer.messages) >= 40, "forty messages")
    order = [m.rcpts[0] for m in peer.messages]
    places = [i for i, who in enumerate(order) if "<one" in who]
    tap.ok(len(places) == 3 and max(places) < 20, "others' messages have their turn within a mailing of 400", places)

# Mailings to many dead destinations: the sender's limit leaves connections to others.
with Dead() as dead, Peer() as peer, to(peer, {"remote-connections": "16", "remote-messages-per-sender": "4"}, f".dead.test: [127.0.0.1]:{dead.port}") as r:
    r.set("routes", "\n".join(f"d{i}.dead.test: [127.0.0.1]:{dead.port} tls={t}" for i, t in enumerate(("may", "no"))) + f"\n*: [127.0.0.1]:{peer.port}")
    fill(r, 60, "u%d@d0.dead.test", sender="list@home.test", prefix="a")
    fill(r, 60, "u%d@d1.dead.test", sender="list@home.test", prefix="b")
    r.start()
    for i in range(5):
        r.queue(f"u@live{i}.test", sender="other@home.test")
    r.wait("event=delivered", count=5)
    n = sum(d.get("sending", 0) for d in mailq(r, "-dj"))
    tap.ok(n == 4, "remote-messages-per-sender: four at a time, and others are not held up", n)
    r.set("remote-messages-per-sender", "5")
    wait_for(lambda: sum(d.get("sending", 0) for d in mailq(r, "-dj")) == 5, "five at a time")
    tap.ok(True, "changed while it runs")

# Limits of connections, each changed while it runs.
for name, domains, low, high in (("remote-connections-per-destination", ["x.test"], 2, 4), ("remote-connections", ["x.test", "y.test"], 2, 4),
                                 ("remote-connections-per-address", ["x.test", "y.test"], 2, 5)):
    with Counting() as peer, to(peer, {name: str(low)}) as r:
        r.set("routes", "\n".join(f"{d}: [127.0.0.1]:{peer.port} {w}" for d, w in zip(domains, ["tls=may", "tls=no"])))
        for i, d in enumerate(domains):
            fill(r, 15, f"u%d@{d}", prefix=f"l{i}")
        r.start()
        wait_for(lambda: peer.now == low, f"{low} connections")
        r.set(name, str(high))
        wait_for(lambda: peer.now == high, f"{high} connections")
        tap.ok(peer.most == high, f"{name}: {low}, then {high}", peer.most)
        peer.gate.set()
        r.wait_empty()

# Messages of a connection.
with Peer() as peer, to(peer, {"remote-messages-per-connection": "3", "remote-connections-per-destination": "1"}) as r:
    fill(r, 9, "u%d@x.test")
    r.start()
    r.wait_empty()
    most = max(sum(l.startswith("MAIL") for l in s) for s in peer.sessions)
    tap.ok(len(peer.sessions) == 3 and most == 3, "remote-messages-per-connection: 9 messages over 3 connections", len(peer.sessions), most)

# Connections are taken in turns: a large queue gives one back for another destination.
with Peer() as peer, to(peer, {"remote-connections": "1"}) as r:
    r.set("routes", f"big.test: [127.0.0.1]:{peer.port} tls=no\n*: [127.0.0.1]:{peer.port}")
    fill(r, 200, "u%d@big.test")
    fill(r, 1, "small@x.test", prefix="s", age=100, sender="o@home.test")
    r.start()
    wait_for(lambda: any("small@" in m.rcpts[0] for m in peer.messages), "the small one")
    n = [i for i, m in enumerate(peer.messages) if "small@" in m.rcpts[0]][0]
    tap.ok(n <= 60, f"one connection in all: another destination has it after {n} messages")


# A destination that takes no more than three connections at a time: it grows, is refused, and goes on with fewer. However the one too many is
# refused, nobody is bounced by it.
class Three(Counting):
    refused, refusal = 0, ""

    def serve(self, connection):
        if self.now >= 3:
            self.refused += 1
            try:
                connection.sendall(self.refusal.encode() + b" too many connections\r\n")
            finally:
                connection.close()
        else:
            super().serve(connection)


for refusal in "421 4.7.0", "554 5.7.1":
    with Three() as peer, to(peer, {"remote-connections-per-destination": "20"}) as r:
        peer.refusal = refusal
        peer.gate.set()
        fill(r, 300, "u%d@x.test")
        r.start()
        r.wait_empty()
        tap.ok(len(peer.messages) == 300 and not r.log("event=deferred") and not r.log("event=failed") and not r.log("event=rest"),
               f"a server that takes three connections, {refusal} to others: all is delivered, nothing put off", r.lines[-5:])
        tap.ok(0 < peer.refused < 60, f"it was refused {peer.refused} times")

# It begins with five and grows with each message that is taken.
with Counting() as peer, to(peer, {"remote-connections-per-destination": "12"}) as r:
    fill(r, 60, "u%d@x.test")
    r.start()
    wait_for(lambda: peer.now == 5, "five connections")
    wait_for(lambda: mailq(r, "-dj")[0].get("limit") == 5, "mailq says so")
    peer.gate.set()
    r.wait_empty()
    r.set("remote-connections-per-destination", "12")
    tap.ok(5 < peer.most <= 12, f"{peer.most} connections in the end", peer.most)

# Every message put off: after fifty of them the destination rests.
with Peer(script={"RCPT": "451 4.7.1 not now"}) as peer, to(peer) as r:
    fill(r, 200, "u%d@x.test")
    r.start()
    r.wait("event=rest")
    r.queue("b@x.test")
    r.wait("event=deferred", "to=b@x.test")
    n = sum(l.startswith("RCPT") for s in peer.sessions for l in s)
    tap.ok(50 <= n < 100, f"a destination that puts off every message is asked {n} times of 200", n)
    d = mailq(r, "-dj")[0]
    tap.ok(d["state"] == "rests" and "puts off" in d["reply"] and d["code"] == 451, "and rests", d)
# But one that takes some of them does not.
with Peer(script={"RCPT": lambda line: None if "0@" in line else "451 4.7.1 greylisted"}) as peer, to(peer) as r:
    fill(r, 200, "u%d@x.test")
    r.start()
    r.wait("event=deferred", count=180)
    tap.ok(not r.log("event=rest"), "one that takes every tenth does not rest", r.log("event=rest"))

# A message for many destinations, one of them full: each recipient once in a round.
with Counting() as full, Peer(script={"RCPT": lambda line: "450 4.2.0 later" if "grey" in line else None}) as peer, \
        to(peer, {"remote-connections-per-destination": "1", "remote-messages-active": "8"}, f"full.test: [127.0.0.1]:{full.port}") as r:
    fill(r, 12, "u%d@full.test")
    r.start()
    wait_for(lambda: full.now == 1, "the full one")
    name = r.queue(["a@live.test", "grey@live.test", "b@full.test"], sender="many@home.test")
    r.wait("event=delivered", "to=a@live.test")
    wait_for(lambda: any(q["id"] == name and any(x.get("waits") == "its turn" for x in q["recipients"]) for q in mailq(r, "-j")), "parked")
    full.gate.set()
    r.wait("event=delivered", "to=b@full.test")
    wait_for(lambda: r.states(name) == {"a@live.test": "d", "grey@live.test": "w", "b@full.test": "d"}, "its states")
    tap.ok(len(r.log("event=deferred", "to=grey@live.test")) == 1, "who was put off is not tried again when the others have their turn", r.log("to=grey"))
tap.done()
