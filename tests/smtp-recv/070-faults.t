#!/usr/bin/env python3
"""Servers behind that are missing, die, hang or talk nonsense, and clients that vanish: the reply, and no
copy lost or, but for the cases that doc/acceptance.md names, doubled."""
import os, socket, sys, time
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import Instance, Lmtp, Tap

tap = Tap()


def run(name, rcpts, codes, last, lmtp=None, spool=None, copies=None, waiting=None, args=(), settings=None, **env):
    i = Instance(lmtp=lmtp, spool=spool, **(settings or {}))
    c = i.client(*args, **env)
    began = time.monotonic()
    answers, said = c.mail(rcpts)
    took = time.monotonic() - began
    got = ([a[:9] for a in answers], said and said[:9])
    tap.eq(got, (codes, last), name)
    if copies is not None:
        tap.eq(sorted(r.split("<")[1].split("@")[0] for m in i.lmtp.messages for r in m["rcpts"]), copies, f"... copies {copies}")
    if waiting is not None:
        tap.eq(sorted(r.split("<")[1].split("@")[0] for m in i.spool.messages for r in m["rcpts"]), waiting, f"... in the spool {waiting}")
    tap.like(c.cmd("NOOP"), "^250", "... and the session goes on")
    c.close()
    i.close()
    return took


OK, GONE = "250 2.1.5", "451 4.3.0"
A, B, FAR = "a@example.test", "b@example.test", "f@far.example"
RELAY = {"RELAYCLIENT": ""}
SUBMIT = {"unix": True, "args": ("-s",)}
run("no mda-local", [A], [GONE], None, lmtp=False)
run("no mda-local, submission", [A], [OK], "250 2.0.0", lmtp=False, waiting=["a"], **SUBMIT)
run("no spool", [FAR], [OK], GONE, spool=False, **RELAY)
run("no spool: nothing is delivered either", [A, FAR], [OK, OK], GONE, spool=False, copies=[], **RELAY)
run("mda-local refuses the connection's MAIL", [A], ["452 4.3.1"], None, lmtp={"mail": "452 4.3.1 full"})
run("mda-local refuses a recipient", [A, B], ["550 5.1.1", OK], "250 2.0.0", lmtp={"a": "550 5.1.1 no such user"}, copies=["b"])
run("421 is not for our client", [A], ["451 4.3.2"], None, lmtp={"a": "421 4.3.2 going down"})
run("a greeting with 421", [A], [GONE], None, lmtp={"mail": "421 4.3.2 no"})
run("a reply without enhanced code gets one", [A], ["550 5.0.0"], None, lmtp={"a": "550 no such user"})
run("... in every line", [A], ["550-5.0.0"], None, lmtp={"a": "550-no\r\n550 such user"})
run("nonsense at RCPT", [A], [GONE], None, lmtp={"a": "what?"})
run("302 at RCPT", [A], [GONE], None, lmtp={"a": "302 x"})
run("mda-local dies at RCPT", [A, B], [GONE, OK], "250 2.0.0", lmtp={"a": "close"}, copies=["b"])
run("mda-local dies after a recipient", [A, B], [OK, GONE], GONE, lmtp={"b": "close"}, copies=[])
run("mda-local dies at DATA", [A, B], [OK, OK], GONE, lmtp={"data": "close"}, copies=[])
run("mda-local refuses DATA", [A], [OK], "451 4.3.0", lmtp={"data": "451 4.3.0 no"}, copies=[])
run("mda-local refuses DATA for good", [A], [OK], "554 5.5.0", lmtp={"data": "554 5.5.0 no"}, copies=[])
run("250 to DATA is no word of delivery", [A], [OK], GONE, lmtp={"data": "250 2.0.0 fine"}, copies=[])
run("mda-local dies before the first verdict", [A, B], [OK, OK], GONE, lmtp={"dot:a": "close"}, copies=[])
run("mda-local dies after the first verdict", [A, B], [OK, OK], "250 2.0.0", lmtp={"dot:b": "close"}, copies=["a"], waiting=["b"])
run("doubling case 1: its word is lost after the commit", [A, B], [OK, OK], "250 2.0.0", lmtp={"dot:b": "lost"},
    copies=["a", "b"], waiting=["b"])
run("the spool dies at MAIL", [A, FAR], [OK, OK], GONE, spool={"mail": "close"}, copies=[], **RELAY)
run("the spool refuses MAIL", [A, FAR], [OK, OK], "452 4.3.1", spool={"mail": "452 4.3.1 full"}, copies=[], waiting=[], **RELAY)
run("the spool refuses a recipient", [A, FAR], [OK, OK], "553 5.1.3", spool={"f": "553 5.1.3 no"}, copies=[], waiting=[], **RELAY)
run("doubling case 3: the spool refuses after a local commit", [A, FAR], [OK, OK], "452 4.3.1", spool={"dot": "452 4.3.1 full"},
    copies=["a"], waiting=[], **RELAY)
run("... and dies", [A, FAR], [OK, OK], GONE, spool={"dot:f": "close"}, copies=["a"], waiting=[], **RELAY)
run("a failure that no notice can tell is told by the reply", [A, B], [OK, OK], "552 5.2.2", lmtp={"dot:b": "552 5.2.2 full"},
    spool={"mail": "452 4.3.1 full"}, copies=["a"], waiting=[], **RELAY)
run("no notice to the null sender", [A, B], [OK, OK], "250 2.0.0", lmtp={"dot:b": "552 5.2.2 full"}, copies=["a"], waiting=[])
took = run("mda-local hangs after the dot: the deadline", [A], [OK], GONE, lmtp={"data": "hang"},
           settings={"smtp_reply_seconds": 20}, copies=[])
tap.ok(9 < took < 19, "... in time", took)

def first_packet(*ext):
    """What comes in one piece behind LHLO."""
    i = Instance(lmtp=False)
    server = socket.socket(socket.AF_UNIX)
    server.bind(i.path("run/lmtp/sock"))
    os.chmod(i.path("run/lmtp/sock"), 0o777)
    server.listen()
    c = i.client()
    c.cmd("EHLO a.example")
    c.cmd("MAIL FROM:<s@b.example>")
    c.send("RCPT TO:<a@example.test>\r\n")
    peer, _ = server.accept()
    peer.sendall(b"220 x\r\n")
    peer.recv(4096)
    peer.sendall("".join(f"250-{e}\r\n" for e in ("x", *ext)).encode() + b"250 HELP\r\n")
    got = peer.recv(4096)
    while b"RCPT" not in got:
        peer.sendall(b"250 2.0.0 ok\r\n")
        got += b"|" + peer.recv(4096)
    peer.sendall(b"250 2.0.0 ok\r\n" * (2 if b"|" not in got else 1))
    tap.like(c.reply(), "^250", f"extensions {ext}")
    c.close()
    peer.close()
    server.close()
    i.close()
    return got.decode()


tap.eq(first_packet("PIPELINING"), "MAIL FROM:<s@b.example>\r\nRCPT TO:<a@example.test>\r\n", "MAIL and RCPT are one packet")
tap.eq(first_packet(), "MAIL FROM:<s@b.example>\r\n|RCPT TO:<a@example.test>\r\n", "but two without PIPELINING")
i = Instance(lmtp=False)
i.lmtp = Lmtp(i.path("run/lmtp/sock"), ext=("PIPELINING",))
c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<s\u00e4@b.example> SMTPUTF8")
tap.like(c.cmd("RCPT TO:<a@example.test>"), "^550 5.6.7", "a sender outside ASCII, a server without SMTPUTF8")
tap.eq(i.lmtp.lines, ["LHLO mx.example.test"], "... does not see the address")
c.close()
i.close()

# One connection, many messages; a server that went away in between is found again.
i = Instance()
c = i.client()
c.cmd("EHLO a.example")
for n in range(5):
    tap.like(c.mail([A], hello=False)[1], "^250", f"message {n}")
tap.eq(i.lmtp.connections, 1, "one LMTP connection for all")
c.cmd("MAIL FROM:<a@b.example>")
c.cmd("RCPT TO:<c@example.test>")
c.cmd("RSET")
tap.like(c.mail([B], hello=False)[1], "^250", "after RSET")
tap.eq(i.lmtp.messages[-1]["rcpts"], ["RCPT TO:<b@example.test>"], "... only the new recipient")
i.lmtp.rules["mail"] = "close"
c.cmd("MAIL FROM:<a@b.example>")
c.send("RCPT TO:<a@example.test>\r\n")
tap.like(c.reply(), "^451 4.3.0", "a server that dies twice")
i.lmtp.rules.clear()
tap.like(c.cmd("RCPT TO:<a@example.test>"), "^250", "... and comes back")
c.close()
c = i.client()
c.cmd("EHLO a.example")
c.mail([A], hello=False)
i.lmtp.rules["dot:b"] = "close"
c.mail([B], hello=False)
i.lmtp.rules.clear()
tap.like(c.mail([A], hello=False)[1], "^250", "after a connection that was lost")
c.close()

c = i.client()
c.cmd("EHLO a.example")
c.mail([A], hello=False)
i.lmtp.rules["mail"] = ["421 4.4.2 you were idle"]
had = i.lmtp.connections
tap.like(c.mail([A], hello=False)[1], "^250", "a server that says 421 after a while is connected to anew")
tap.eq(i.lmtp.connections, had + 1, "... once")
began = time.monotonic()
while i.lmtp.ended < i.lmtp.connections and time.monotonic() - began < 60:
    time.sleep(0.05)
tap.ok(4 < time.monotonic() - began < 60, "an idle client holds no LMTP connection: OUTLET_IDLE_SECONDS")
tap.like(c.mail([A], hello=False)[1], "^250", "... and gets one again")
c.close()

# A client that vanishes leaves nothing half done.
had = len(i.lmtp.messages)
for what in ("MAIL FROM:<a@b.example>\r\n", "MAIL FROM:<a@b.example>\r\nRCPT TO:<a@example.test>\r\n",
             "MAIL FROM:<a@b.example>\r\nRCPT TO:<a@example.test>\r\nDATA\r\nSubject: x\r\n\r\nhalf",
             "MAIL FROM:<a@b.example>\r\nRCPT TO:<a@example.test>\r\nDATA\r\nSubject: x\r\n\r\nhalf\r\n.\r",
             "MAIL FROM:<a@b.example>\r\nRCPT TO:<a@example.test>\r\nBDAT 100 LAST\r\nhalf"):
    c = i.client()
    c.send("EHLO a.example\r\n" + what)
    tap.eq(c.close(), 0, f"hang-up after {what[-20:]!r}")
tap.eq(len(i.lmtp.messages), had, "... nothing was delivered")
c = i.client()
c.send("EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@example.test>\r\nDATA\r\nSubject: x\r\n\r\nwhole\r\n.\r\n")
c.close()
tap.eq(len(i.lmtp.messages), had + 1, "hang-up after the dot: delivered")
i.close()

# DSN parameters go on; NOTIFY decides about notices (RFC 3461).
def dsn(notify, lmtp, ext, wanted, sender="s@b.example", ret="", more=0):
    i = Instance(lmtp=False)
    i.lmtp = Lmtp(i.path("run/lmtp/sock"), lmtp, ext=ext)
    c = i.client(RELAYCLIENT="")
    c.cmd("EHLO a.example")
    c.cmd(f"MAIL FROM:<{sender}> ENVID=env+2B1{ret}")
    c.cmd("RCPT TO:<a@example.test> ORCPT=rfc822;orig+40x.example" + notify)
    c.cmd("RCPT TO:<b@example.test>")
    c.cmd("DATA")
    c.send("Subject: original\r\n\r\nbody\r\n" + ("x" * 78 + "\r\n") * (more // 80) + ".\r\n")
    c.reply()
    c.close()
    got = [m["body"].decode() for m in i.spool.messages]
    tap.eq(len(got), wanted, f"NOTIFY {notify or 'unset'}, {lmtp}: {wanted} notices")
    lines = i.lmtp.lines
    i.close()
    return got, lines


WITH, WITHOUT = ("PIPELINING", "DSN"), ("PIPELINING",)
FULL = {"dot:a": "552 5.2.2 mailbox full"}
got, lines = dsn("", FULL, WITH, 1)
tap.like(got[0], r"Content-Type: multipart/report; report-type=delivery-status.*Original-Envelope-Id: env\+1\r\nReporting-MTA: dns; mx.example.test.*"
         r"Original-Recipient: rfc822; orig@x.example\r\nFinal-Recipient: rfc822; a@example.test\r\nAction: failed\r\nStatus: 5.2.2\r\n"
         r"Diagnostic-Code: smtp; 552 5.2.2 mailbox full\r\nLast-Attempt-Date: .*text/rfc822-headers.*Subject: original", "the notice")
tap.ok("\r\nbody" not in got[0], "... has the header only")
import email
m = email.message_from_string(got[0].replace("\r\n", "\n"))
tap.eq([p.get_content_type() for p in m.walk()][:4], ["multipart/report", "text/plain", "message/delivery-status", "text/plain"],
       "... and Python's email package reads it")
tap.like("\n".join(lines), r"ENVID=env\+2B1.*ORCPT=rfc822;orig\+40x.example", "parameters were passed on")
tap.like(dsn("", FULL, WITH, 1, ret=" RET=FULL")[0][0], "message/rfc822.*\r\nbody", "RET=FULL")
got = dsn("", FULL, WITH, 1, ret=" RET=FULL", more=140000)[0][0]
tap.ok("text/rfc822-headers" in got and "\r\nbody" not in got, "... of a long message the header", got[-500:])
dsn(" NOTIFY=NEVER", FULL, WITH, 0)
dsn(" NOTIFY=DELAY", FULL, WITH, 0)
dsn("", FULL, WITH, 0, sender="")
dsn(" NOTIFY=SUCCESS", {}, WITH, 0)
tap.like(dsn(" NOTIFY=SUCCESS", {}, WITHOUT, 1)[0][0], "Action: delivered\r\nStatus: 2.1.5", "a server that knows no DSN: the notice is ours")
tap.done()
