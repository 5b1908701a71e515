#!/usr/bin/env python3
"""The same events reported by Debian's Postfix and by mda-remote: field by field alike, but for what the table says. Needs root and Postfix."""
import os, re, socket, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import postfixserver
from dsnreport import bounces, fields
from instance import LIMIT, tap
from ports import free_port
from smtppeer import Peer, Remote

if not postfixserver.available:
    print("1..0 # SKIP needs root and postfix")
    sys.exit(0)
REPLIES = {"bad": "550-5.1.1 No such user\r\n550 5.1.1 here", "full": "552 5.2.2 full", "plain": "550 no", "grey": "450 4.2.0 later"}
# (what Postfix says, what we say): both are right, and why.
ALLOWED = {
    "Original-Recipient": "without ORCPT Postfix repeats the recipient (RFC 3464 2.3.1: only what the sender gave)",
    "Last-Attempt-Date": "Postfix leaves it out (optional, RFC 3464 2.3.7)",
    "Diagnostic-Code": "Postfix repeats the code on each line, and tells a 250 too",
    "X-Postfix-Queue-ID": "its own", "X-Postern-Id": "ours", "X-Postfix-Sender": "its own",
}


def reply(line):
    return next((text for word, text in REPLIES.items() if word in line), None)


def words(value):
    return re.sub(r"\s+", "", (value or "")).replace("[", "").replace("]", "").lower()


class Dialog:
    """Hands a message to Postfix as Remote.queue hands it to us."""

    def __init__(self, port):
        self.c = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self.f = self.c.makefile("rwb")
        self.say("")
        self.say("EHLO test")

    def say(self, line):
        if line:
            self.f.write(line.encode() + b"\r\n")
            self.f.flush()
        while True:
            answer = self.f.readline()
            if answer[3:4] != b"-":
                assert answer[:1] in b"23", (line, answer)
                return

    def queue(self, rcpts, mail, body):
        self.say(f"MAIL FROM:<sender@home.test> {mail}")
        for address, parameters in rcpts:
            self.say(f"RCPT TO:<{address}> {parameters}")
        self.say("DATA")
        self.say(body.replace("\n", "\r\n") + ".")


CASES = [
    ("failed", [("bad1@x.test", "ORCPT=rfc822;first+2Bone@y.test"), ("full@x.test", ""), ("plain@x.test", "")], "ENVID=my+2Bid", ALL := ["PIPELINING", "8BITMIME", "SMTPUTF8", "DSN"]),
    ("failed, the header only", [("bad2@x.test", "NOTIFY=FAILURE")], "RET=HDRS", ALL),
    ("relayed", [("good1@x.test", "NOTIFY=SUCCESS")], "", ["PIPELINING"]),
    ("delayed", [("grey1@x.test", "NOTIFY=DELAY")], "RET=FULL", ALL),
]
theirs, ours, port = Peer(script={"RCPT": reply}), Peer(script={"RCPT": reply}), free_port()
with theirs, ours, postfixserver.Postfix(
        {("127.0.0.1", port): {}}, myhostname="mx.home.test", relayhost=f"[127.0.0.1]:{theirs.port}", smtp_host_lookup="native", default_transport="smtp:", inet_protocols="ipv4",
        delay_warning_time="1s", queue_run_delay="1s", minimal_backoff_time="1s", maximal_backoff_time="1s", smtputf8_enable="yes", smtp_connection_cache_on_demand="no"):
    client = Dialog(port)
    with Remote({"smtp-port": ours.port, "delay-notice": "1ms"}, routes="*: [127.0.0.1]") as r:
        r.start()
        for what, rcpts, mail, ext in CASES:
            body = "From: s@home.test\nSubject: original\nX-Long: " + "w" * 200 + "\n\nthe body\n"
            for peer in theirs, ours:
                peer.messages.clear()
                peer.ext = ext
            client.queue(rcpts, mail, body)
            r.queue(rcpts, mail=mail, body=body)
            (m1, his), (m2, mine) = bounces(theirs)[0], bounces(ours)[0]
            tap.ok([p.get_content_type() for p in his.iter_parts()] == [p.get_content_type() for p in mine.iter_parts()] and his.get_param("report-type") == mine.get_param("report-type"),
                   f"{what}: the same parts", [p.get_content_type() for p in his.iter_parts()], [p.get_content_type() for p in mine.iter_parts()])
            tap.ok(m1.rcpts[0].split(" ")[1] == m2.rcpts[0].split(" ")[1] and his["Auto-Submitted"] == mine["Auto-Submitted"], f"{what}: to the same, the same Auto-Submitted", m1.rcpts, m2.rcpts)
            for i, (a, b) in enumerate(zip(fields(his), fields(mine))):
                names = [*a.keys(), *(k for k in b.keys() if k not in a)]
                different = {n: (a[n], b[n]) for n in names if (not a[n] or not b[n] if n.endswith("-Date") or n == "Will-Retry-Until" else words(a[n]) != words(b[n]))}
                wrong = {n: v for n, v in different.items() if n not in ALLOWED}
                tap.ok(not wrong and len(fields(his)) == len(fields(mine)), f"{what}: block {i}, {', '.join(b.keys())}", wrong, f"allowed: {different}")
            last = [list(x.iter_parts())[2].as_bytes().replace(b"\r\n", b"\n") for x in (his, mine)]
            tap.ok(all(b"original" in x for x in last) and len({b"the body" in x for x in last}) == 1, f"{what}: as much of the message comes back", last)
tap.done()
