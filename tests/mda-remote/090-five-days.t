#!/usr/bin/env python3
"""Five days of retries in seconds: the walker with a clock that runs ahead while nothing is under way (tests/unit/walker-clock.c)."""
import os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from simulated import DAY, HOUR, Simulated, gaps
from smtppeer import Peer

# Put off by 4xx for five days: growing intervals, one delay notice after four hours, a bounce after five days.
with Peer(script={"RCPT": lambda line: "450 4.2.0 full" if "full@" in line else None}) as peer, \
        Simulated({"smtp-port": peer.port, "delay-notice-always": "1"}, routes="*: [127.0.0.1]") as r:
    name = r.queue("full@x.test", sender="me@home.test")
    r.start()
    r.wait("event=bounce", "kind=failed")
    wait_for(lambda: not r.files(), "nothing is left")
    t = r.times("event=deferred", "to=full@x.test")
    g = gaps(t)
    tap.ok(30 <= len(t) <= 60, f"{len(t)} attempts in five days", t)
    tap.ok(all(240 <= x <= 360 for x in g[:1]) and all(g[i] >= g[i - 1] * 0.8 for i in range(1, 10)), "intervals begin with 5 minutes and grow", g)
    tap.ok(max(g[:-1]) <= 4.5 * HOUR and all(3.5 * HOUR <= x <= 4.5 * HOUR for x in g[15:-1]), "to 4 hours", g)
    delayed, failed = r.times("event=bounce", "kind=delayed"), r.times("event=bounce", "kind=failed")
    tap.ok(len(delayed) == 1 and 4 * HOUR - 60 <= delayed[0] <= 8.5 * HOUR, "one delay notice, with the first attempt after four hours", delayed)
    tap.ok(len(failed) == 1 and 5 * DAY - 60 <= failed[0] <= 5 * DAY + 60, "a bounce after five days", failed)
    texts = [m.data.decode() for m in peer.messages]
    tap.ok(len(texts) == 2 and "Action: delayed" in texts[0] and "Action: failed" in texts[1] and "Status: 4.4.7" in texts[1], "both arrive", texts)

# A destination that does not answer rests, longer each time; what is parked for it is told, and comes back, all the same.
with Peer() as peer, Simulated({"smtp-port": peer.port, "delay-notice-always": "1"}, routes="gone.test: [127.0.0.1]:1\n*: [127.0.0.1]") as r:
    for i in range(60):
        r.queue(f"u{i}@gone.test", sender="me@home.test")
    r.start()
    r.wait("event=bounce", "kind=failed", count=60)
    wait_for(lambda: not r.files(), "nothing is left")
    g = gaps(r.times("event=rest"))
    tap.ok(30 <= g[0] <= 120 and g[2] > g[0] and g[4] > g[2] and max(g) <= 4.5 * HOUR and sum(g[20:]) / len(g[20:]) >= 0.8 * HOUR, "rests: a minute, doubled, to an hour", g)
    delayed, failed = r.times("event=bounce", "kind=delayed"), r.times("event=bounce", "kind=failed")
    tap.ok(len(delayed) == 60 and min(delayed) >= 4 * HOUR - 60 and max(delayed) <= 8.5 * HOUR, "each of 60 has one delay notice", len(delayed), min(delayed), max(delayed))
    tap.ok(len(failed) == 60 and min(failed) >= 5 * DAY - 60 and max(failed) <= 5 * DAY + 2 * HOUR, "each has one bounce, after five days", len(failed), min(failed), max(failed))
    tap.ok(len(r.log("event=connect", "host=gone")) == 0 and len(g) < 160, f"{len(g)} rests in five days")

# A clock that is set: forth, everything is as late as it is; back, nothing waits for the old time.
for jump, what in ((6, 3 * DAY), "forth by three days"), ((6, -3 * DAY), "back by three days"):
    with Peer(script={"RCPT": lambda line: "450 4.2.0 full" if "full@" in line else None}) as peer, \
            Simulated({"smtp-port": peer.port}, jump=jump, hours=30 * 24, routes="*: [127.0.0.1]") as r:
        r.queue("full@x.test", sender="me@home.test")
        r.start()
        r.wait("event=bounce", "kind=failed")
        wait_for(lambda: not r.files(), "nothing is left")
        t = r.times("event=deferred", "to=full@x.test")
        around = [b - a for a, b in zip(t, t[1:]) if a <= 6 * HOUR + 60]
        tap.ok(len(r.times("event=bounce")) == 1 and max(abs(x) for x in gaps(t)) <= 4.5 * HOUR + abs(jump[1]), f"the clock is set {what}: one bounce, no attempt is lost", t)
        if jump[1] < 0:
            after = [l for l in r.lines if "set back" in l]
            tap.ok(len(after) == 1, "and it is said", after)
tap.done()
