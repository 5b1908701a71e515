#!/usr/bin/env python3
"""Notifications: who is told of what (NOTIFY in every combination, double bounces), and hostile replies."""
import email, email.policy, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dsnreport import bounces, fields, run
from instance import tap, wait_for
from smtppeer import Peer, Remote

# A bounce is never bounced.
for sender, rcpt, settings, bounced, to, what in (
        ("", "", {}, 1, "postmaster@mx.home.test", "no answer to <>: a failure goes to the postmaster"),
        ("", "NOTIFY=NEVER", {}, 0, None, "but for NOTIFY=NEVER"),
        ("", "NOTIFY=SUCCESS", {}, 0, None, "and where failures are not to be told"),
        ("", "", {"double-bounce": "no"}, 0, None, "double-bounce=no: dropped"),
        ("badsender@home.test", "", {}, 2, "postmaster@mx.home.test", "a notification that fails: to the postmaster"),
        ("badsender@home.test", "", {"postmaster": "pm@home.test"}, 2, "pm@home.test", "to the one that the setting names"),
        ("badsender@home.test", "", {"double-bounce": "no"}, 1, None, "double-bounce=no: dropped"),
        ("badsender@home.test", "", {"postmaster": "badpm@home.test"}, 2, None, "the postmaster's fails too: dropped"),
        ("", "", {"postmaster": "badpm@home.test"}, 1, None, "at once, if it was the first"),
        ("badpm@HOME.test", "", {"postmaster": "badpm@home.test"}, 1, None, "also where the postmaster was the sender")):
    with run("bad@x.test", sender=sender, rcpt=rcpt, settings=settings) as r:
        r.wait("event=done", count=bounced + 1)
        told = [(m.mail.split(" ")[1], *m.rcpts) for m in r.peer.messages]
        tap.ok(len(r.log("event=bounce")) == bounced and told == ([("FROM:<>", f"RCPT TO:<{to}> NOTIFY=NEVER")] if to else []) and (to or r.log("event=dropped")),
               f"<{sender}> {rcpt}: {what}", told, r.lines)
        if to:
            words = email.message_from_bytes(r.peer.messages[0].data, policy=email.policy.SMTP)
            tap.ok("postmaster" in list(words.iter_parts())[0].get_content() and words["Subject"] == "Undelivered notification", "and says so")
with run("grey@x.test", sender="", rcpt="NOTIFY=DELAY", settings={"delay-notice": "1ms"}) as r:
    r.wait("event=deferred", count=3)
    tap.ok(not r.log("event=bounce"), "a delay of a message from <> is told to nobody")

# What the server said, whatever its octets are: UTF-8 for people, ASCII where only that may stand.
for reply, words, code in (("550 5.1.1 n\u00f6".encode(), "n\u00f6", "n?"), (b"550 5.1.1 n\xf6 \x9b1m \x1b[31m", "n? ?1m  [31m", "n? ?1m  [31m"), (b"550 5.1.1 " + b"long " * 150, "long long", "long long")):
    with run("bad@x.test", script={"RCPT": lambda line: reply + b"\r\n" if "bad" in line else None}) as r:
        r.wait_empty()
        message, report = bounces(r.peer)[0]
        one = fields(report)[1]
        tap.ok(words in list(report.iter_parts())[0].get_content() and code in one["Diagnostic-Code"] and one["Diagnostic-Code"].isascii() and max(map(len, message.data.split(b"\r\n"))) <= 998,
               f"{reply[:30]}: presentable", list(report.iter_parts())[0].get_content(), one["Diagnostic-Code"])

# Behind a Unix socket stands the mailbox: delivered, not relayed.
with Peer() as peer, Remote({"smtp-port": peer.port}) as r, Peer(ext=["PIPELINING"], lmtp=True, path=f"{r.dir}/run/lmtp/other") as mailbox:
    r.set("routes", f"x.test: lmtp:{r.dir}/run/lmtp/other\n*: [127.0.0.1]")
    r.queue("good@x.test", rcpt="NOTIFY=SUCCESS")
    r.start()
    r.wait("event=done", count=2)
    one = fields(bounces(peer)[0][1])[1]
    tap.ok(one["Action"] == "delivered" and one["Status"] == "2.0.0" and len(mailbox.messages) == 1, "LMTP without DSN: delivered", str(one))

# Every combination of NOTIFY and every event.
combinations = ["", "NEVER", "SUCCESS", "FAILURE", "DELAY", "SUCCESS,FAILURE", "SUCCESS,DELAY", "FAILURE,DELAY", "SUCCESS,FAILURE,DELAY"]
rcpts = [(f"{kind}{i}@x.test", f"NOTIFY={n}" if n else "") for i, n in enumerate(combinations) for kind in ("good", "bad", "grey")]
with run(rcpts, ext=["PIPELINING"], settings={"delay-notice": "1ms", "retry-min": "20ms", "retry-max": "30ms"}) as r:
    r.wait("event=deferred", count=3 * len(combinations))
    wait_for(lambda: len(r.log("event=bounce")) >= 3, "three notifications")
    told = {(f["Final-Recipient"][8:], f["Action"]) for _, report in bounces(r.peer, 3) for f in fields(report)[1:]}
    want = set()
    for i, n in enumerate(combinations):
        want |= {(f"good{i}@x.test", "relayed")} if "SUCCESS" in n else set()
        want |= {(f"bad{i}@x.test", "failed")} if not n or "FAILURE" in n else set()
        want |= {(f"grey{i}@x.test", "delayed")} if "DELAY" in n else set()
    tap.ok(told == want and len(r.log("event=bounce")) == 3, "NOTIFY: each combination with each event, all of one event in one notification", told ^ want)

tap.done()
