#!/usr/bin/env python3
"""Mail for another time: what is released later (FUTURERELEASE, RFC 4865), and what is to be delivered by a time (DELIVERBY, RFC 2852)."""
import email, email.policy, email.utils, json, os, re, signal, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dsnreport import bounces, fields, run
from instance import tap, wait_for
from simulated import DAY, HOUR, Simulated, gaps
from smtppeer import ALL, Peer, Remote

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}
FULL = {"RCPT": lambda line: "450 4.2.0 full" if "full" in line else None}


def tool(r, *words):
    return subprocess.run(words, env=r.env, capture_output=True, text=True, timeout=120, cwd="/").stdout


def utc(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def to(peer, settings=None):
    return Remote({"smtp-port": peer.port, **SLOW, **(settings or {})}, routes="*: [127.0.0.1]")


# ---- released later

with Peer() as peer, to(peer) as r:
    hello = r.lmtp(b"LHLO test\r\nQUIT\r\n")
    tap.ok(re.search(r"^250.FUTURERELEASE 999999999 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\r$", hello, re.M) and re.search(r"^250.DELIVERBY\r$", hello, re.M), "spool-recv offers both", hello)
    until = int(time.time()) + 5000
    a = r.queue("a@x.test", mail=f"HOLDUNTIL={utc(until)}")
    b = r.queue("b@x.test", mail="HOLDFOR=7000")
    head = open(r.files()[a]).read()
    x, arrival = (int(re.search(rf"^{c} (\d+)", head, re.M)[1]) for c in "xa")
    tap.ok(f"\nW - {until} until;{utc(until)}\n" in head and x == until + 5 * DAY and arrival < until, "the record, and an expiry that counts from the release", head)
    tap.ok(int(os.stat(r.files()[a]).st_mtime) == until, "its file is due then")
    told = tool(r, "mailq")
    listed = {m["id"]: m for m in map(json.loads, tool(r, "mailq", "-j").splitlines())}
    tap.ok("released in 1h" in told and listed[a]["release"] == listed[a]["next"] == until and 6900 < listed[b]["release"] - time.time() <= 7000, "mailq tells of both", told, listed)
    r.start()
    r.wait("event=read")
    for path in r.files().values():
        os.utime(path)  # its record counts, whatever its file says
    for what, order in ("SIGALRM", lambda: os.kill(r.process.pid, signal.SIGALRM)), ("retry", lambda: tool(r, "postern-queue", "retry", "-A")), ("flush", lambda: tool(r, "postern-queue", "flush")):
        order()
        c = r.queue("now@x.test")
        r.wait("event=done", f"file={c}")
        tap.ok(len(r.files()) == 2 and not r.log("to=a@x.test") and not r.log("to=b@x.test"), f"{what} sends none of them", r.lines)
    wait_for(lambda: {round(os.stat(p).st_mtime - time.time(), -3) for p in r.files().values()} == {5000, 7000}, "files that are due as before")
    tool(r, "postern-queue", "hold", a)
    wait_for(lambda: not os.stat(r.files()[a]).st_mode & 0o200, "one that is held")
    tool(r, "postern-queue", "release", a)
    c = r.queue("now@x.test")
    r.wait("event=done", f"file={c}")
    tap.ok(not r.log("to=a@x.test") and "released in" in tool(r, "mailq", "-d", "x.test") + tool(r, "mailq"), "what was held waits for its time again")
    tool(r, "postern-queue", "release", a)
    r.wait("event=delivered", "to=a@x.test")
    tap.ok("HOLD" not in peer.messages[-1].mail, "release sends it now, and asks the next server for nothing", peer.messages[-1].mail)
    r.stop()
    tool(r, "postern-queue", "release", b)
    tap.ok(re.search(r"^W r ", open(r.files()[b]).read(), re.M), "release with no mda-remote at work")
    d = r.queue("d@x.test", mail="HOLDFOR=1")
    begin = int(re.search(r"^W - (\d+)", open(r.files()[d]).read(), re.M)[1])
    r.start()
    r.wait("event=delivered", "to=b@x.test")
    r.wait("event=delivered", "to=d@x.test")
    tap.ok(not r.log("event=damaged") and time.time() >= begin, "... is sent by the next one, and what waits for its second not before it", r.lines)
    r.wait_empty()

# A file that an earlier version could have set aside: what is no release is damage.
good = "postern-spool 1\nl {0:020}\ns {0:020}\nc 7\nt -\ni {1}\na {2}\nx {3}\nf s@home.test\nb 0\n{4}\nr w- 0 - a@x.test\n\n{5}"
text = "Subject: x\n\nx\n"
bad = ["W", "W -", "W x 5 for;5", "W - 0 for;5", "W - 5", "W - 5 ", "W -5 for;5", "W - x for;5", "B", "B 5", "B 5 X", "B 5 RX", "B x R", "B 5 RTT", "B -5 N", "W - 5 for;5\nW - 5 for;5", "B 5 N\nB 5 N"]
fine = ["W - 5 for;5", "W r 4000000000 for;5", "B 4000000000 N", "B 4000000000 NT"]
with Peer(ext=ALL + ["DELIVERBY"]) as peer, to(peer) as r:
    r.queue("first@x.test")  # makes the directories
    for i, record in enumerate(bad + fine):
        r.put(f"m{i}.1", good.format(len(text), f"m{i}.1", int(time.time()), int(time.time()) + DAY, record, text).encode())
    r.start()
    r.wait("event=done", count=len(fine) + 2)  # one is told of a relay
    tap.ok(len(r.wait("event=damaged", count=len(bad))) == len(bad), f"{len(bad)} records that are none are set aside", r.log("event=damaged"))

# Returned by an administrator whose order ended with one of two recipients.
with Peer() as peer, to(peer) as r:
    r.queue("first@x.test")
    future = int(time.time()) + 5000
    two = good.replace("r w- 0 - a@x.test", "r f- 0 - a@x.test\nr w- 0 - b@x.test")
    r.put("two.1", two.format(len(text), "two.1", int(time.time()), int(time.time()) + DAY, f"W - {future} for;5000", text).encode())
    r.start()
    r.wait("event=bounce", "kind=failed")
    wait_for(lambda: int(os.stat(r.files()["two.1"]).st_mtime) == future, "the rest of it due at its release")
    c = r.queue("now@x.test")
    r.wait("event=done", f"file={c}")
    tap.ok(not r.log("to=b@x.test"), "what has failed is told of at once, the rest is not sent before its time", r.lines)

# What waits for its time is read then, not whenever mda-remote begins.
with Peer() as peer, to(peer) as r:
    a = r.queue("a@x.test", mail="HOLDFOR=5000")
    with open(r.files()[a], "r+b") as f:
        f.seek(-3, os.SEEK_END)
        f.write(b"?")
    r.start()
    r.wait("event=read")
    c = r.queue("now@x.test")
    r.wait("event=done", f"file={c}")
    tool(r, "postern-queue", "flush")
    wait_for(lambda: os.stat(r.files()[a]).st_mtime > time.time() + 4000, "it is put back")
    tap.ok(not r.log("event=damaged"), "the body of what waits for its time is not read at the start", r.lines)
    tool(r, "postern-queue", "release", a)
    tap.ok(r.wait("event=damaged", f"file={a}") and not r.log("to=a@x.test"), "... but before it is sent", r.lines)

# Eight days, and then as long as any other.
with Peer(script=FULL) as peer, Simulated({"smtp-port": peer.port}, hours=24 * 10, routes="*: [127.0.0.1]") as r:
    r.queue("good@x.test", mail=f"HOLDFOR={8 * DAY}")
    r.queue("full@x.test", mail=f"HOLDFOR={2 * DAY}", sender="me@home.test", rcpt="NOTIFY=FAILURE,DELAY ORCPT=rfc822;full@x.test")
    r.start()
    r.wait_empty()
    t = r.times("event=delivered", "to=good@x.test")
    tap.ok(len(t) == 1 and 8 * DAY - 60 <= t[0] <= 8 * DAY + 120 and not r.log("event=deferred", "to=good"), "released after eight days", t)
    t = r.times("event=deferred", "to=full@x.test")
    g = gaps(t)
    tap.ok(2 * DAY - 60 <= t[0] <= 2 * DAY + 120 and all(240 <= x <= 400 for x in g[:1]) and 30 <= len(t) <= 60, "another after two: its attempts begin as those of a new message", t)
    delayed, failed = r.times("event=bounce", "kind=delayed"), r.times("event=bounce", "kind=failed")
    tap.ok(2 * DAY + 4 * HOUR - 60 <= delayed[0] <= 2 * DAY + 8.5 * HOUR and 7 * DAY - 60 <= failed[0] <= 7 * DAY + 60, "a delay and the end count from the release", delayed, failed)
    reports = [report for _, report in bounces(peer, 2)]
    tap.ok(all(fields(x)[0]["Future-Release-Request"] == f"for;{2 * DAY}" and fields(x)[0]["Arrival-Date"] for x in reports), "both notifications have Future-Release-Request and Arrival-Date (RFC 4865 5.1.2)", *reports)


# ---- by a time

def sent(by, ext=(), rcpt="", script=None, to="good@x.test", settings=None):
    """One message with this BY to a server with these extensions: (MAIL, RCPT, the reports)."""
    peer = Peer(script=script or FULL, ext=["PIPELINING", "SIZE", *ext])
    r = Remote({"smtp-port": peer.port, **SLOW, **(settings or {})}, routes="*: [127.0.0.1]")
    with peer, r:
        r.queue(to, mail=f"BY={by}", rcpt=rcpt, sender="me@home.test")
        r.start()
        r.wait_empty()
        mails = [m for m in peer.messages if "<>" not in m.mail]
        asked = [l for s in peer.sessions for l in s if l.startswith("MAIL FROM:<me")]
        reports = [fields(report) for _, report in bounces(peer, len(r.log("event=bounce")))]
        return asked, [x for m in mails for x in m.rcpts], reports, r.log("event=failed")


def left(asked, most, mode):
    n = re.search(r" BY=(-?\d+);(\w+)$", asked[0])
    return bool(n) and n[2] == mode and most - 60 <= int(n[1]) <= most


# RFC 2852 6: the three dialogs.
asked, rcpts, reports, failed = sent("120;R", ["DELIVERBY 240"])
tap.ok(not asked and reports[0][1]["Status"] == "5.4.7" and reports[0][1]["Action"] == "failed", "R: a server that wants more time than is left hears no MAIL", asked, reports)
asked, rcpts, reports, failed = sent("120;R", ["DELIVERBY 30"])
tap.ok(left(asked, 120, "R") and rcpts == ["RCPT TO:<good@x.test>"] and not reports, "R: one that has it is told what is left", asked)
asked, rcpts, reports, failed = sent("120;R")
by = email.utils.parsedate_to_datetime(reports[0][0]["Deliver-By-Date"]).timestamp()
tap.ok(not asked and reports[0][1]["Status"] == "5.3.3" and reports[0][0]["Arrival-Date"] and abs(by - time.time() - 120) < 60, "R: not to a server without DELIVERBY; the report has Deliver-By-Date and Arrival-Date", asked, *reports)
asked, rcpts, reports, failed = sent("120;R", rcpt="NOTIFY=NEVER")
tap.ok(not asked and not reports and failed, "... told to nobody with NOTIFY=NEVER")
asked, rcpts, reports, failed = sent("120;R", rcpt="NOTIFY=SUCCESS,DELAY")
tap.ok(not asked and not reports and failed, "... nor where failures are not to be told")
for n in 120, 0, -500:
    asked, rcpts, reports, failed = sent(f"{n};N", ["DELIVERBY", "DSN"])
    tap.ok(left(asked, n, "N") and rcpts == ["RCPT TO:<good@x.test>"] and not reports, f"N, {n} seconds: goes on with what is left", asked, rcpts)
for by, ext, rcpt, notify, told in (
        ("120;N", [], "", "", 1), ("120;N", ["DSN"], "", " NOTIFY=FAILURE,DELAY", 1), ("120;N", ["DSN"], "NOTIFY=SUCCESS", " NOTIFY=SUCCESS,DELAY", 1),
        ("120;N", ["DSN"], "NOTIFY=FAILURE", " NOTIFY=FAILURE,DELAY", 1), ("120;N", ["DSN"], "NOTIFY=DELAY", " NOTIFY=DELAY", 1), ("120;N", ["DSN"], "NOTIFY=NEVER", " NOTIFY=NEVER", 0),
        ("-1;N", ["DSN"], "NOTIFY=FAILURE", " NOTIFY=FAILURE,DELAY", 0), ("120;NT", ["DELIVERBY", "DSN"], "", "", 1), ("120;RT", ["DELIVERBY"], "", "", 1),
        ("-1;NT", ["DELIVERBY"], "", "", 1), ("120;RT", ["DELIVERBY", "DSN"], "NOTIFY=NEVER", " NOTIFY=NEVER", 0)):
    asked, rcpts, reports, failed = sent(by, ext, rcpt)
    tap.ok(rcpts == [f"RCPT TO:<good@x.test>{notify}"] and (" BY=" in asked[0]) == ("DELIVERBY" in ext) and [f[1]["Action"] for f in reports] == ["relayed"] * told,
           f"BY={by}, {rcpt or 'no NOTIFY'}, a server with {ext}: {'told of the relay' if told else 'no word'}", asked, rcpts, reports)

# LMTP is delivery: nobody is asked whether he can do it in time.
with Remote(SLOW) as r, Peer(ext=["PIPELINING"], lmtp=True, path=f"{r.dir}/run/lmtp/sock") as mailbox:
    r.set("domains", "home.test:")
    r.queue("alice@home.test", mail="BY=120;R")
    r.start()
    r.wait("event=delivered", "to=alice@home.test")
    r.wait_empty()
    tap.ok(len(mailbox.messages) == 1 and not r.log("event=bounce"), "R: into a mailbox here")

# Beyond its time: R comes back and is not tried again, N is told of and goes on.
with Peer(script=FULL) as peer, to(peer) as r:
    r.queue("first@x.test")
    r.put("late.1", good.format(len(text), "late.1", int(time.time()) - 100, int(time.time()) + DAY, f"B {int(time.time()) - 10} R", text).encode())
    r.start()
    r.wait("event=bounce", "kind=failed")
    r.wait_empty()
    tap.ok(not r.log("event=deferred") and "status=5.4.7" in r.log("event=failed")[0] and len(peer.messages) == 2, "R: its time was over when mda-remote began: no attempt", r.lines)
with Peer(script=FULL, ext=ALL + ["DELIVERBY"]) as peer, Simulated({"smtp-port": peer.port}, routes="*: [127.0.0.1]") as r:
    r.queue("full@x.test", mail=f"BY={2 * HOUR};R", sender="returned@home.test")
    r.start()
    r.wait("event=done", count=2)
    t, failed = r.times("event=deferred"), r.times("event=bounce", "kind=failed")
    one = fields(bounces(peer)[0][1])[1]
    tap.ok(len(t) >= 5 and max(t) < 2 * HOUR and 2 * HOUR - 60 <= failed[0] <= 2 * HOUR + 60 and one["Status"] == "5.4.7" and "full" in one["Diagnostic-Code"], "R: two hours of attempts, then 5.4.7", t, failed, one)
with Peer(script=FULL, ext=ALL + ["DELIVERBY"]) as peer, Simulated({"smtp-port": peer.port, "delay-notice-always": "yes"}, routes="*: [127.0.0.1]") as r:
    rcpts = [("full@x.test", ""), ("full-delay@x.test", "NOTIFY=DELAY"), ("full-failure@x.test", "NOTIFY=FAILURE"), ("full-never@x.test", "NOTIFY=NEVER")]
    r.queue(rcpts, mail=f"BY={12 * HOUR};N", sender="told@home.test")
    r.start()
    r.wait_empty()
    kinds = [(t, re.search(r"kind=(\w+)", l)[1]) for t, l in r.lines and r.timed if "event=bounce" in l]
    reports = [fields(x) for _, x in bounces(peer, len(kinds))]
    who = [{f["Final-Recipient"][8:].split("@")[0] for f in x[1:]} for x in reports]
    tap.ok([k for _, k in kinds] == ["delayed", "delayed", "failed"] and 12 * HOUR - 60 <= kinds[1][0] <= 12 * HOUR + 60 and 5 * DAY - 60 <= kinds[2][0] <= 5 * DAY + 60,
           "N: the usual delay, one when its time is over, and the end of any message", kinds)
    tap.ok(who == [{"full", "full-delay"}, {"full", "full-delay"}, {"full", "full-failure"}], "... to whom NOTIFY allows it", who)
    tap.ok(reports[1][1]["Status"] == "4.4.7" and reports[1][1]["Action"] == "delayed" and reports[1][1]["Will-Retry-Until"] and reports[1][0]["Deliver-By-Date"], "... with 4.4.7, Will-Retry-Until and Deliver-By-Date", *reports[1])
with Peer(script=FULL, ext=ALL + ["DELIVERBY"]) as peer, Simulated({"smtp-port": peer.port, "delay-notice-always": "yes"}, routes="*: [127.0.0.1]") as r:
    r.queue("full@x.test", mail=f"BY={HOUR};N", sender="told@home.test")
    r.start()
    r.wait_empty()
    t = r.times("event=bounce", "kind=delayed")
    tap.ok(len(t) == 1 and HOUR - 60 <= t[0] <= HOUR + 60, "N: what was told of its time is not told of the usual delay", t)
# Where its destination rests, too.
with Peer() as peer, Simulated({"smtp-port": peer.port, "host-retry-min": "1d", "host-retry-max": "2d"}, routes="gone.test: [127.0.0.1]:1\n*: [127.0.0.1]") as r:
    r.queue("a@gone.test", mail=f"BY={3 * HOUR};R", sender="returned@home.test")
    r.queue("b@gone.test", mail=f"BY={3 * HOUR};N", sender="told@home.test")
    r.start()
    r.wait("event=bounce", count=2)
    t = [r.times("event=bounce", f"kind={k}")[0] for k in ("failed", "delayed")]
    tap.ok(all(3 * HOUR - 60 <= x <= 3 * HOUR + 60 for x in t), "both, to a destination that rests for a day", t)
    r.stop(signal.SIGKILL)
with Peer() as peer, to(peer) as r:
    a, b = r.queue("a@x.test", mail="BY=7100;R"), r.queue("b@x.test", mail="BY=-7300;N")
    told, listed = tool(r, "mailq"), {m["id"]: (m["by_mode"], round(m["deliver_by"] - time.time() + 20, -2)) for m in map(json.loads, tool(r, "mailq", "-j").splitlines())}
    tap.ok("returned in 1h" in told and "late since 2h" in told and listed == {a: ("return", 7100), b: ("notify", -7300)}, "mailq tells of both", told, listed)
tap.done()
