#!/usr/bin/env python3
"""Delivery to a scripted server: every class of reply at each stage, drops, silence, garbage; what each recipient's
verdict is, and what goes over the wire."""
import email, email.policy, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from smtppeer import ALL, DROP, STALL, Peer, Remote


def one(script, ext=ALL, rcpts=("a@x.test",), **queue):
    """Queues one message for a peer with this script, and waits for each recipient's first verdict."""
    peer = Peer(script=script, ext=ext)
    remote = Remote({"smtp-port": peer.port, "retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h",
                     **({"remote-timeout": "1"} if STALL in script.values() else {})}, routes="*: [127.0.0.1]")
    remote.peer = peer
    remote.start()
    remote.queue(list(rcpts), **queue)
    for address in rcpts:
        a = address if isinstance(address, str) else address[0]
        wait_for(lambda: remote.log(f"to={a} ") or remote.log('to="'), f"a verdict for {a}: " + "\n".join(remote.lines[-9:]))
    return remote


def verdict(remote, address="a@x.test"):
    line = (remote.log(f"to={address} ") or remote.log("to=\""))[0]
    words = dict(w.split("=", 1) for w in line.split(" ") if "=" in w)
    return words["event"], words["code"], words["status"]


# stage, action, verdict (event, code, status)
CASES = [
    ("greeting", "421 4.3.2 later", ("deferred", "421", "4.3.2")),
    ("greeting", "554 5.7.1 go away", ("failed", "554", "5.7.1")),
    ("greeting", "521 no mail here", ("failed", "521", "5.0.0")),
    ("greeting", "999 what", ("deferred", "0", "4.5.0")),
    ("greeting", b"HTTP/1.1 400 Bad Request\r\n\r\n", ("deferred", "0", "4.5.0")),
    ("greeting", b"220-one\r\n250 two\r\n", ("deferred", "0", "4.5.0")),
    ("greeting", b"220 " + b"x" * 5000 + b"\r\n", ("deferred", "0", "4.5.0")),
    ("greeting", b"220-x\r\n" * 500, ("deferred", "0", "4.5.0")),
    ("greeting", DROP, ("deferred", "0", "4.4.1")),
    ("greeting", STALL, ("deferred", "0", "4.4.2")),
    ("EHLO", "421 4.7.0 no", ("deferred", "421", "4.7.0")),
    ("EHLO", DROP, ("deferred", "0", "4.4.1")),
    ("EHLO", "502 5.5.1 what", ("delivered", "250", "2.0.0")),  # HELO
    ("MAIL", "451 4.3.0 later", ("deferred", "451", "4.3.0")),
    ("MAIL", "550 5.7.1 not you", ("failed", "550", "5.7.1")),
    ("MAIL", "550 not you", ("failed", "550", "5.0.0")),
    ("MAIL", "421 4.3.2 closing", ("deferred", "421", "4.3.2")),
    ("MAIL", "354 huh", ("deferred", "354", "4.5.0")),
    ("MAIL", DROP, ("deferred", "0", "4.4.2")),
    ("MAIL", STALL, ("deferred", "0", "4.4.2")),
    ("RCPT", "450 4.2.0 greylisted", ("deferred", "450", "4.2.0")),
    ("RCPT", "452 4.5.3 too many", ("deferred", "452", "4.5.3")),
    ("RCPT", "550 5.1.1 no such user", ("failed", "550", "5.1.1")),
    ("RCPT", "550-5.1.1 no such user\r\n550 5.1.1 really", ("failed", "550", "5.1.1")),
    ("RCPT", "251 2.1.5 will forward", ("delivered", "250", "2.0.0")),
    ("RCPT", "421 4.3.2 closing", ("deferred", "421", "4.3.2")),
    ("RCPT", DROP, ("deferred", "0", "4.4.2")),
    ("RCPT", STALL, ("deferred", "0", "4.4.2")),
    ("DATA", "451 4.3.0 later", ("deferred", "451", "4.3.0")),
    ("DATA", "554 5.6.0 no", ("failed", "554", "5.6.0")),
    ("DATA", "250 2.0.0 huh", ("deferred", "250", "4.5.0")),
    ("DATA", DROP, ("deferred", "0", "4.4.2")),
    ("middle", DROP, ("deferred", "0", "4.4.2")),
    ("dot", "450 4.2.0 later", ("deferred", "450", "4.2.0")),
    ("dot", "554 5.7.1 spam", ("failed", "554", "5.7.1")),
    ("dot", "250 ok", ("delivered", "250", "2.0.0")),
    ("dot", b"25\r\n", ("deferred", "0", "4.4.2")),
    ("dot", DROP, ("deferred", "0", "4.4.2")),
    ("dot", STALL, ("deferred", "0", "4.4.2")),
    ("QUIT", DROP, ("delivered", "250", "2.0.0")),
]
PLAIN = [e for e in ALL if e != "PIPELINING"]
with Peer(script={"QUIT": STALL}) as peer, Remote({"smtp-port": peer.port}, routes="*: [127.0.0.1]") as r:
    r.start()
    r.queue("a@x.test")
    r.wait_empty()
    tap.ok(verdict(r) == ("delivered", "250", "2.0.0"), "QUIT stalls: delivered", r.lines)
for ext, how in (ALL, "pipelined"), (PLAIN, "one by one"):
    for stage, action, want in CASES:
        if stage in ("greeting", "EHLO", "QUIT") and ext is PLAIN:
            continue
        with one({stage: action}, ext) as r:
            got = verdict(r)
            tap.ok(got == want, f"{how}: {stage} {str(action)[:40]!r}: {' '.join(want)}", got, "\n".join(r.lines[-6:]), r.peer.sessions)
            r.peer.close()

# Several recipients, one transaction.
mixed = {"RCPT": lambda line: "550 5.1.1 no" if "bad" in line else "450 4.2.0 later" if "grey" in line else None}
for ext, how in (ALL, "pipelined"), (PLAIN, "one by one"):
    with one(mixed, ext, ("good@x.test", "bad@x.test", "grey@x.test", "fine@x.test")) as r:
        tap.ok([verdict(r, f"{a}@x.test")[0] for a in ("good", "bad", "grey", "fine")] == ["delivered", "failed", "deferred", "delivered"],
               f"{how}: each recipient has its own verdict", "\n".join(r.lines))
        m = [m for m in r.peer.messages if "<sender@home.test>" in m.mail]  # not the notification
        tap.ok(len(m) == 1 and m[0].rcpts == ["RCPT TO:<good@x.test>", "RCPT TO:<fine@x.test>"], "one transaction, one copy", m)
        r.wait("event=bounce", "kind=failed")
        name = [n for n in r.files() if "+" not in n][0]
        tap.ok(r.states(name) == {"good@x.test": "d", "bad@x.test": "F", "grey@x.test": "w", "fine@x.test": "d"}, "the states on disk", r.states(name))
        r.peer.close()
    with one({"RCPT": "550 5.1.1 no", "DATA": "354 anyway", "dot": "554 5.5.1 nobody"}, ext, ("a@x.test", "b@x.test")) as r:
        tap.ok(verdict(r)[0] == verdict(r, "b@x.test")[0] == "failed" and not [m for m in r.peer.messages if m.data], f"{how}: nobody was accepted, nothing is sent")
        r.peer.close()

# 452 behind accepted recipients is no failure: the rest goes in the next transaction.
limit = {"n": 0}


def three(line):
    limit["n"] += 1
    return "452 4.5.3 too many recipients" if limit["n"] % 10 > 3 else None


class Counting(Peer):
    def action(self, stage, line, usual):
        if stage == "MAIL":
            limit["n"] = 0
        return super().action(stage, line, usual)


for ext, how in (ALL, "pipelined"), (PLAIN, "one by one"):
    peer = Counting(script={"RCPT": three}, ext=ext)
    with Remote({"smtp-port": peer.port}, routes="*: [127.0.0.1]") as r:
        r.start()
        r.queue([f"u{i}@x.test" for i in range(8)])
        r.wait_empty()
        tap.ok([len(m.rcpts) for m in peer.messages] == [3, 3, 2] and not r.log("event=deferred"), f"{how}: 8 recipients in transactions of 3", [len(m.rcpts) for m in peer.messages])
    peer.close()

# Many recipients: groups, and the limit of one transaction.
with Peer() as peer, Remote({"smtp-port": peer.port, "remote-recipients-per-mail": "120"}, routes="*: [127.0.0.1]") as r:
    r.start()
    r.queue([f"user{i}@x.test" for i in range(300)])
    r.wait_empty()
    tap.ok(sorted(len(m.rcpts) for m in peer.messages) == [60, 120, 120], "300 recipients, 120 a mail", [len(m.rcpts) for m in peer.messages])
    tap.ok(len({a for m in peer.messages for a in m.rcpts}) == 300, "each of them once")

# The bytes.
body = "Subject: x\n\n.dot\n..dots\n.\nlong " + "y" * 3000 + "\nbare\rcr\nno end"
with one({}, body=body + "\n", id="bytes") as r:
    want = (body.replace("\r", " ") + "\n").replace("\n", "\r\n").encode()
    tap.ok(r.peer.messages[0].data == want, "dots, long lines, and never a bare CR", r.peer.messages[0].data[:80])
    r.peer.close()
with one({}, body="Subject: 8\n\n\xc3\xa4\n".encode("latin1"), mail="BODY=8BITMIME") as r:
    tap.ok("BODY=8BITMIME" in r.peer.messages[0].mail and b"\xc3\xa4" in r.peer.messages[0].data, "8BITMIME", r.peer.messages[0].mail)
    r.peer.close()
with one({}, ["PIPELINING", "SIZE 1000"], body="Subject: 8\n\n\xc3\xa4\n".encode("latin1"), mail="BODY=8BITMIME") as r:
    m = r.peer.messages[0]
    tap.ok(m.data.endswith(b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n"), "a server without 8BITMIME gets quoted-printable", m.data)
    tap.ok(m.mail == f"MAIL FROM:<sender@home.test> SIZE={len(m.data)}", "and its size", m.mail, len(m.data))
    r.peer.close()
with one({}, ["SIZE 1000"], body=b"Subject: 8\n\n" + b"\xe4" * 500 + b"\n", mail="BODY=8BITMIME") as r:
    tap.ok(verdict(r) == ("failed", "0", "5.3.4") and not r.peer.messages, "which may be more than it takes")
    r.peer.close()
with one({}, mail="RET=HDRS ENVID=id+2B1", rcpts=[("a@x.test", "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@y.test")]) as r:
    m = r.peer.messages[0]
    tap.ok("RET=HDRS ENVID=id+2B1" in m.mail and m.rcpts == ["RCPT TO:<a@x.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@y.test"], "DSN parameters", m.mail, m.rcpts)
    r.wait_empty()
    tap.ok(not r.log("event=bounce"), "a server with DSN reports success itself")
    r.peer.close()
with one({}, ["SIZE 20"]) as r:
    tap.ok(verdict(r) == ("failed", "0", "5.3.4") and not r.peer.messages, "too large for SIZE: not even tried")
    r.peer.close()

# SMTPUTF8
for what, queue, want in (
        ("a sender in UTF-8", dict(sender="j\u00f6rg@home.test", mail="SMTPUTF8"), ("failed", "0", "5.6.7")),
        ("a header in UTF-8", dict(body="Subject: \u00e4\n\nx\n", mail="SMTPUTF8"), ("failed", "0", "5.6.7")),
        ("a body in UTF-8", dict(body="Subject: a\n\n\u00e4\n", mail="SMTPUTF8"), ("delivered", "250", "2.0.0")),
        ("nothing that needs it", dict(mail="SMTPUTF8"), ("delivered", "250", "2.0.0"))):
    with one({}, ["PIPELINING"], **queue) as r:
        tap.ok(verdict(r) == want, f"no SMTPUTF8 there; {what}: {want[0]}", "\n".join(r.lines))
        r.peer.close()
with one({}, ["PIPELINING"], rcpts=["a@b\u00fccher.test"], mail="SMTPUTF8") as r:
    tap.ok(r.peer.messages[0].rcpts == ["RCPT TO:<a@xn--bcher-kva.test>"], "a domain in UTF-8 goes as A-labels", r.peer.messages)
    r.peer.close()
with one({}, sender="j\u00f6rg@home.test", mail="SMTPUTF8") as r:
    tap.ok("<j\u00f6rg@home.test>" in r.peer.messages[0].mail and "SMTPUTF8" in r.peer.messages[0].mail, "SMTPUTF8 where it is known", r.peer.messages[0].mail)
    r.peer.close()

# One connection for several messages, RSET between them; a limit of messages.
with Peer() as peer, Remote({"smtp-port": peer.port, "remote-connections-per-destination": "1", "remote-messages-per-connection": "3"}, routes="*: [127.0.0.1]") as r:
    for i in range(7):
        r.queue(f"u{i}@x.test")
    r.start()
    r.wait_empty()
    wait_for(lambda: peer.sessions[2:] and peer.sessions[2][-1:] == ["QUIT"], "the end of the third connection")
    counts = [sum(l.startswith("MAIL") for l in s) for s in peer.sessions]
    tap.ok(counts == [3, 3, 1] and not any("RSET" in s for s in peer.sessions) and all(s[-1] == "QUIT" for s in peer.sessions),
           "3 messages over one connection, nothing between them, QUIT at the end", peer.sessions)
with Peer(script={"RCPT": lambda line: "550 5.1.1 no" if "bad" in line else None}) as peer, Remote({"remote-connections-per-destination": "1"}, routes=f"*: [127.0.0.1]:{peer.port}") as r:
    for i, who in enumerate(("bad", "good", "bad", "good")):
        r.queue(f"{who}{i}@x.test", rcpt="NOTIFY=NEVER")
    r.start()
    r.wait_empty()
    verbs = [l.split(" ")[0] for s in peer.sessions for l in s if l[:4] in ("MAIL", "RSET")]
    tap.ok(len(peer.messages) == 2 and 1 <= verbs.count("RSET") <= 2, "RSET behind a transaction that did not come to its end", verbs)
tap.done()
