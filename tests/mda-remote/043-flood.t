#!/usr/bin/env python3
"""A flood of notifications to one address: so many go out, the rest is counted, listed, and told in one message; across restarts and kills, and
a digest that is not whole."""
import email, email.policy, os, re, signal, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from smtppeer import ALL, Peer, Remote, certificate, server_tls

NO = {"RCPT": lambda line: "550 5.1.1 n\u00f6 such user".encode() + b"\r\n" if "bad" in line else None}


def digests(r):
    return [n for n in os.listdir(r.dir + "/spool/digest")]


def told(peer):
    """Reports, and digests."""
    reports = [email.message_from_bytes(m.data, policy=email.policy.SMTP) for m in peer.messages]
    return [m for m in reports if m.is_multipart()], [m for m in reports if not m.is_multipart()]


def instance(peer, limit, period):
    return Remote({"smtp-port": peer.port, "bounce-limit": limit, "bounce-period": period}, routes="*: [127.0.0.1]")


# Beyond the limit they are counted; another address has its own number; when the time is over one message tells all.
with Peer(script=NO) as peer, instance(peer, 3, "1h") as r:
    r.start()
    for i in range(8):
        r.queue([f"bad{i}@x.test", f"badder{i}@x.test"], sender="Flood@home.test" if i % 2 else "flood@home.test", id=f"m{i}")
    r.queue("bad@x.test", sender="other@home.test")
    r.wait("event=done", count=9 + 4)
    reports, none = told(peer)
    tap.ok(len(reports) == 4 and not none and len([m for m in reports if "other" in m["To"]]) == 1, "three notifications to one address, one to another", [m["To"] for m in reports])
    tap.ok(len(r.log("event=counted")) == 5 and r.log("event=counted", "count=10") and len(digests(r)) == 1, "the others are counted", r.log("counted"))
    # A restart keeps the count; so does a kill.
    for how in signal.SIGTERM, signal.SIGKILL:
        r.stop(how)
        r.start()
        r.queue("bad@x.test", sender="flood@home.test", id=f"k{how.value}")
        r.wait("event=done", f"file=k{how.value}")
    tap.ok(r.log("event=counted", "count=12") and len(told(peer)[0]) == 4, "after a restart, too: nothing more goes out", r.lines)
    r.set("bounce-period", "1s")
    r.process.send_signal(signal.SIGHUP)
    r.wait("event=digest", "count=12")
    r.wait_empty()
    reports, (digest,) = told(peer)
    tap.ok(digest["To"].lower() == "flood@home.test" and "12" in digest["Subject"] and digest["Auto-Submitted"] == "auto-generated" and not digest.defects and peer.messages[-1].mail.startswith("MAIL FROM:<>"),
           "one message when the time is over", digest.as_string())
    text = digest.get_content().replace("\r\n", "\n")
    listed = re.findall(r"^failed: <(.*)>$", text, re.M)
    tap.ok("\n12 recipients" in text and len(listed) == 12 and listed.count("bad@x.test") == 2 and len(set(listed)) == 11 and "550 5.1.1 n\u00f6 such user" in text, "with each recipient and its reply", text)
    tap.ok(not digests(r) and len(reports) == 4, "and nothing is left")

# Reports of messages that demand REQUIRETLS are counted apart: what sums them up asks for it too (RFC 8689 5).
with tempfile.TemporaryDirectory() as d, Peer(script=NO, ext=ALL + ["STARTTLS", "REQUIRETLS"], tls=server_tls(*certificate(d, "x.test"))) as peer, instance(peer, 1, "1h") as r:
    r.start()
    for i in range(3):
        for kind in "REQUIRETLS", "":
            r.queue(f"bad{i}@x.test", sender="flood@home.test", mail=kind, id=f"{kind}{i}")
            r.wait("event=done", f"file={kind}{i}")
    heads = sorted(open(f"{r.dir}/spool/digest/{n}").read().split("\n")[2][0] for n in digests(r))
    tap.ok(heads == ["q", "x"], "REQUIRETLS: counted apart, in a digest of its own", heads)
    r.stop()
    r.start()
    r.queue("bad@x.test", sender="flood@home.test", mail="REQUIRETLS", id="again")
    r.wait("event=counted", "count=3")
    r.set("bounce-period", "1s")
    r.wait("event=digest", count=2)
    r.wait_empty()
    mails = ["REQUIRETLS" in m.mail for m in peer.messages]
    tap.ok(sorted(mails[:2]) == sorted(mails[2:]) == [False, True] and [len(x) for x in told(peer)] == [2, 2], "which asks for it as the notifications do", [m.mail for m in peer.messages])

# One that could not be put into the spool was not sent: it does not count.
with Peer(script=NO) as peer, instance(peer, 1, "1h") as r:
    r.queue("bad@x.test", sender="one@home.test", id="late")
    os.chmod(f"{r.dir}/spool/tmp", 0o500)
    r.start()
    r.wait("event=error", "late+f0", count=2)
    os.chmod(f"{r.dir}/spool/tmp", 0o700)
    r.wait("event=done", "file=late")
    r.wait_empty()
    tap.ok([len(x) for x in told(peer)] == [1, 0] and not r.log("event=counted"), "one that could not be sent does not count", r.log("late"))

# No limit; a limit of one; a digest that fails is a notification like others.
with Peer(script=NO) as peer, instance(peer, 0, "1s") as r:
    r.start()
    for i in range(5):
        r.queue(f"bad{i}@x.test")
    r.wait("event=done", count=10)
    tap.ok(len(told(peer)[0]) == 5 and not r.log("counted"), "bounce-limit 0: all of them")
with Peer(script=NO) as peer, instance(peer, 1, "1h") as r:
    r.start()
    for i in range(3):
        r.queue(f"bad{i}@x.test", sender="badsender@home.test")
    r.wait("event=counted", "count=2")
    r.set("bounce-period", "1s")
    r.process.send_signal(signal.SIGHUP)
    r.wait("event=failed", "to=badsender@home.test", count=2)
    wait_for(lambda: [m for m in peer.messages if "postmaster" in m.rcpts[0] and b"summary" in m.data], "the postmaster's")
    tap.ok(True, "a digest that fails goes to the postmaster")

# A listing has an end, the sum has none.
with Peer(script={"RCPT": lambda line: "550 " + "x" * 900 if "bad" in line else None}) as peer, instance(peer, 1, "1h") as r:
    r.start()
    r.queue("bad@x.test")
    r.wait("event=bounce")
    for i in range(3):
        r.queue([f"bad{j}@{'y' * 60}{i}.test" for j in range(100)])
    r.wait("event=counted", "count=300")
    size = os.stat(f"{r.dir}/spool/digest/{digests(r)[0]}").st_size
    tap.ok(r.log("event=counted", "count=300") and size < 70000, "a long listing is cut", size)
    r.set("bounce-period", "1s")
    r.process.send_signal(signal.SIGHUP)
    r.wait_empty()
    wait_for(lambda: told(peer)[1], "the digest")
    text = told(peer)[1][0].get_content()
    tap.ok("300 recipients" in text and "Only the first of them" in text and max(map(len, peer.messages[-1].data.split(b"\r\n"))) <= 998, "and the sum is told", text[:400])

# A kill between the steps: parked beside the digest; the digest gone; counted and not marked. A file that is none.
for step in ("parked", "removed", "counted", "damaged"):
    with Peer(script=NO) as peer, instance(peer, 1, "1h") as r:
        r.start()
        for i in range(2):
            r.queue(f"bad{i}@x.test", id=f"m{i}")
        r.wait("event=done", count=3)
        r.stop()
        (name,) = digests(r)
        path = f"{r.dir}/spool/digest/{name}"
        owner = os.stat(path)
        if step in ("parked", "removed"):
            queued = r.queue("sender@home.test", sender="", id="parked", body="Subject: parked\n\nx\n")
            os.rename(r.files()[queued], f"{r.dir}/spool/tmp/{name}+n0")
        if step == "removed":
            os.unlink(path)
        if step == "counted":
            last = re.search(r"^n \d+ \d+ (\S+)", open(path).read(), re.M)[1]
            queued = r.queue("bad1@x.test", id=last.split("+")[0])
            with open(r.files()[queued], "r+") as f:
                text = f.read().replace("r w-", "r f-")
                f.seek(0), f.write(text)
        if step == "damaged":
            with open(path, "r+b") as f:
                f.write(b"postern-digest 2")
        peer.messages.clear()
        r.set("bounce-period", "1s" if step == "parked" else "1h")
        r.start()
        if step == "parked":
            r.wait("event=digest")
        r.wait_empty()
        if step == "damaged":
            r.wait("event=damaged")
        subjects = [m["Subject"] for m in told(peer)[1]]
        want = {"parked": ["1 more reports about your mail (summary)"], "removed": ["parked"], "counted": [], "damaged": []}[step]
        tap.ok(subjects == want and not os.listdir(r.dir + "/spool/tmp"), f"{step}: {want}", subjects, r.lines)
        if step == "counted":
            tap.ok(re.search(r"^n 0*1 ", open(path).read(), re.M) and not r.log("event=bounce", "count=2"), "not counted twice", open(path).read())
        if step == "damaged":
            tap.ok(r.log("event=damaged", name) and name in os.listdir(r.dir + "/spool/damaged"), "set aside", r.lines)
tap.done()
