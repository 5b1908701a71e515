#!/usr/bin/env python3
"""postern-queue: what it selects, every order with mda-remote at work and without it; mailq as JSON and by domain."""
import json, os, subprocess, sys, threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import LIMIT, tap, wait_for
from smtppeer import Peer, Remote

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}


def run(r, *words):
    return subprocess.run(words, env=r.env, capture_output=True, text=True, timeout=120, cwd="/")


def queue(r, *words):
    return run(r, "postern-queue", *words)


def ids(r, *words):
    return sorted(json.loads(line)["id"] for line in queue(r, "list", "-j", *words).stdout.splitlines())


def to(peer):
    return Remote({"smtp-port": peer.port, **SLOW}, routes="*: [127.0.0.1]")


# ---- what is selected

with Remote() as r:
    one = r.queue(["a@x.test", "b@deep.y.test"], sender="s@home.test")
    two = r.queue("a@y.test", sender="t@sub.home.test", login="Alice@home.test")
    three = r.queue("c@z.test", sender="")
    os.makedirs(r.dir + "/spool/0", exist_ok=True)
    for words, want, what in (
            ([], [one, two, three], "all"), ([one], [one], "an id"), ([one, two], [one, two], "two ids"), (["nosuch.1"], [], "no such id"),
            (["-f", "s@home.test"], [one], "a sender"), (["-f", "S@HOME.TEST"], [one], "in any case"), (["-f", "@home.test"], [one, two], "senders of a domain and below"),
            (["-f", ""], [three], "the empty sender"), (["-f", "@ome.test"], [], "no part of a label"),
            (["-l", "alice@home.test"], [two], "a login, in any case"), (["-l", "@home.test"], [two], "logins of a domain"), (["-l", ""], [one, three], "nobody who is known"),
            (["-l", "alice@home.test", "-f", "s@home.test"], [], "login and sender"), (["-t", "a@x.test"], [one], "a recipient"), (["-t", "@y.test"], [one, two], "recipients of a domain and below"),
            (["-d", "y.test"], [one, two], "a domain and below"), (["-d", "z.test"], [three], "another"),
            (["-f", "@home.test", "-d", "x.test"], [one], "both must fit"), (["-t", "a@x.test", "-d", "y.test"], [], "of one recipient"),
            (["-o", "1h"], [], "older than an hour"), (["-o", "0s"], [one, two, three], "older than nothing"), (["-d", "y.test", one], [one], "of these ids")):
        tap.ok(ids(r, *words) == sorted(want), f"list {' '.join(words)}: {what}", ids(r, *words))
    for words in ([], ["list", "-x"], ["nosuch"], ["hold"], ["delete"], ["hold", "-A", one], ["hold", "../x"], ["flush", one], ["flush", "-A"],
                  ["delete", "-j", one], ["list", "-o", "soon"], ["list", "-o", "-1"], ["list", "-o", "1w"]):
        done = queue(r, *words)
        tap.ok(done.returncode == 100 and done.stderr and not done.stdout, f"usage: {' '.join(words)}", done)
    tap.ok(queue(r, "hold", "-f", "nobody@home.test").returncode == 1, "nothing fits: exit 1")
    listed = {m["id"]: m.get("login") for m in map(json.loads, queue(r, "list", "-j").stdout.splitlines())}
    tap.ok(listed == {one: None, two: "Alice@home.test", three: None}, "the login in JSON, where there is one", listed)
    text = run(r, "mailq").stdout
    tap.ok("from <t@sub.home.test>  login Alice@home.test\n" in text and "from <s@home.test>\n" in text and text.count("login") == 1, "... and for people", text)
    shown = queue(r, "show", one).stdout
    tap.ok("from <s@home.test>" in shown and "waiting   b@deep.y.test" in shown and shown.endswith("\nSubject: test\n\nhello\n"), "show: envelope and message", shown)

    # Orders while mda-remote does not run.
    tap.ok(queue(r, "flush").returncode == 111 and queue(r, "retry", one).returncode == 111, "flush, retry with nothing running: 111")
    done = queue(r, "hold", one)
    tap.ok(done.stdout == f"hold {one}\n" and f"{one}  " in run(r, "mailq").stdout and "held" in queue(r, "list", one).stdout, "hold", done)
    tap.ok(json.loads(queue(r, "list", "-j", one).stdout)["held"] is True, "held in JSON")
    tap.ok(queue(r, "release", "-A").returncode == 0 and "held" not in run(r, "mailq").stdout, "release all")
    tap.ok(queue(r, "delete", two).stdout == f"delete {two}\n" and sorted(r.files()) == sorted([one, three]), "delete", r.files())
    tap.ok(queue(r, "bounce", one).returncode == 0 and queue(r, "list", one).stdout.count("returned by the administrator") == 2, "bounce marks it", queue(r, "list", one).stdout)
    tap.ok(queue(r, "hold", three).returncode == 0, "hold the other")
    peer = Peer()
    r.set("smtp-port", str(peer.port)), r.set("routes", "*: [127.0.0.1]")
    r.start()
    r.wait("event=delivered", "to=s@home.test")
    tap.ok(len(peer.messages) == 1 and b"returned by the administrator" in peer.messages[0].data, "the bounce goes when it starts", peer.messages and peer.messages[0].data)
    tap.ok(three in r.files() and not r.log("to=c@z.test"), "what was held stays")
    queue(r, "flush"), r.wait("event=command", "!retry")
    tap.ok(queue(r, "retry", three).returncode == 0 and not r.log("to=c@z.test"), "flush and retry leave it held", r.log("z.test"))
    queue(r, "release", three)
    r.wait_empty()
    tap.ok(peer.messages[-1].rcpts == ["RCPT TO:<c@z.test>"], "released, it goes")
    peer.close()

# ---- with mda-remote at work

with Peer(script={"RCPT": "450 4.2.0 later"}) as peer, to(peer) as r:
    r.start()
    names = [r.queue(f"u{i}@x.test", id=f"m{i}") for i in range(6)]
    r.wait("event=deferred", count=6)
    peer.script = {}
    held, gone, back, again, *rest = names
    queue(r, "hold", held), queue(r, "delete", gone), queue(r, "bounce", back), queue(r, "retry", again)
    r.wait("event=delivered", "to=u3@x.test"), r.wait("event=delivered", "to=sender@home.test")
    told = [m for m in peer.messages if m.rcpts[0].startswith("RCPT TO:<sender@home.test>")]
    tap.ok(len(told) == 1 and b"u2@x.test" in told[0].data and b"returned by the administrator" in told[0].data, "bounce: the sender is told at once", told)
    wait_for(lambda: sorted(r.files()) == sorted([held, *rest]), "delete, bounce and retry at once")
    tap.ok(not r.log("delivered", "to=u1@x.test") and len(told) == 1, "delete: nobody is told")
    queue(r, "flush")
    r.wait("event=delivered", "to=u5@x.test"), r.wait("event=delivered", "to=u4@x.test")
    wait_for(lambda: list(r.files()) == [held], "flush: all but the one that is held")
    r.stop(), r.start()
    queue(r, "flush"), r.wait("event=command", "!retry", count=2)
    tap.ok(not r.log("delivered", "to=u0@x.test") and "held" in run(r, "mailq").stdout, "it is held across a restart")
    queue(r, "release", held)
    r.wait_empty()
    tap.ok(r.log("delivered", "to=u0@x.test"), "and goes when released")

# Held from the start, as quarantine: it does not expire, and once it is released it is tried, however late.
with Peer() as peer, Remote({"smtp-port": peer.port, **SLOW, "queue-lifetime": "0"}, routes="*: [127.0.0.1]") as r:
    held = r.queue("late@x.test", login="a HOLD=m:+20it+20looks+20bad")
    r.start()
    queue(r, "flush"), r.wait("event=command", "!retry")
    tap.ok(list(r.files()) == [held] and "    held      m: it looks bad\n" in run(r, "mailq").stdout and json.loads(queue(r, "list", "-j").stdout)["reason"] == "m: it looks bad", "quarantine: held, with its reason")
    queue(r, "release", held)
    r.wait_empty()
    tap.ok(peer.messages[-1].rcpts == ["RCPT TO:<late@x.test>"] and not r.log("event=bounce"), "released behind its time it is tried", r.lines)

# One that is being sent: what is on its way goes on; what waits behind it does not.
asked, answer = threading.Event(), threading.Event()


def slowly(_):
    asked.set()
    answer.wait(LIMIT)
    return "450 4.2.0 later"


with Peer(script={"dot": slowly}) as peer, to(peer) as r:
    r.set("remote-connections-per-destination", "1"), r.set("remote-timeout", "600")
    r.start()
    first = r.queue("first@x.test")
    assert asked.wait(LIMIT)
    second, third = r.queue("second@x.test"), r.queue("third@x.test")
    for order, name in (("delete", second), ("hold", third), ("bounce", first)):
        queue(r, order, name)
    wait_for(lambda: sorted(r.files()) == sorted([first, third]) and "held" in queue(r, "list", third).stdout, "what waits is taken out of the queue at once")
    peer.script = {}
    answer.set()
    r.wait("event=deferred", "to=first@x.test")
    r.wait("event=delivered", "to=sender@home.test")
    wait_for(lambda: list(r.files()) == [third], "the order is carried out behind the attempt")
    tap.ok(not r.log("to=second"), "what was deleted while it waited was never sent", r.lines)

# ---- mailq

with Peer(script={"RCPT": [None, '450 4.2.0 a "reply"\x1b', "450 4.2.0 later"]}) as peer, to(peer) as r:
    r.start()
    name = r.queue(["a@x.test", "b@x.test", "c@y.test"])
    r.wait("event=deferred", count=2)
    wait_for(lambda: len([1 for m in json.loads(run(r, "mailq", "-j").stdout)["recipients"] if "code" in m]) == 2, "replies on disk")
    got = json.loads(run(r, "mailq", "--json").stdout)
    tap.ok(got["id"] == name and got["sender"] == "sender@home.test" and got["held"] is False and got["next"] > got["arrival"] + 3000 and got["expiry"] > got["next"], "mailq --json: the message", got)
    states = {m["address"]: (m["state"], m.get("code"), m.get("status"), m.get("ip")) for m in got["recipients"]}
    tap.ok(states == {"a@x.test": ("delivered", None, None, None), "b@x.test": ("waiting", 450, "4.2.0", "127.0.0.1"),
                      "c@y.test": ("waiting", 450, "4.2.0", "127.0.0.1")}, "each recipient", states)
    tap.ok([m["reply"] for m in got["recipients"][1:]] == ['4.2.0 a "reply" ', "4.2.0 later"], "its last reply, without controls", got)
    domains = {d["domain"]: d for d in map(json.loads, run(r, "mailq", "-dj").stdout.splitlines())}
    tap.ok(domains.keys() == {"x.test", "y.test"} and domains["x.test"]["waiting"] == 1 and domains["x.test"]["code"] == 450 and domains["y.test"]["next"] == got["next"], "mailq -d -j", domains)
    text = run(r, "mailq", "-d").stdout
    tap.ok("x.test  1 waiting  oldest " in text and "450 " in text and "1 message, " in text, "mailq -d", text)
tap.done()
