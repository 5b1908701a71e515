#!/usr/bin/env python3
"""What recipients get: users, aliases, domains, subaddresses, postmaster, by LMTP and by hand."""
import os, smtplib, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, MESSAGE, Tap

tap = Tap()
i = Instance(
    users="alice@example.test: x\nbob@example.test: x\nold@example.test: x::::::nodelivery\n",
    aliases="staff@example.test: alice, bob, staff2\nstaff2@example.test: bob\nloop@example.test: loop\n",
    domains="example.test:\nalso.test: alias:example.test\nxn--bcher-kva.test: alias:example.test\n")
c = Client(i)

# RCPT alone: address, the reply's beginning.
for address, wanted in [
        ("alice@example.test", "250 2.1.5"), ("ALICE@EXAMPLE.test", "250 2.1.5"), ("alice@also.test", "250 2.1.5"),
        ("alice@b\u00fccher.test", "250 2.1.5"), ("alice+x@example.test", "250 2.1.5"), ("staff@example.test", "250 2.1.5"),
        ("postmaster", "250 2.1.5"), ("Postmaster@also.test", "250 2.1.5"), ("abuse@example.test", "250 2.1.5"),
        ("carol@example.test", "550 5.1.1"), ("alice@elsewhere.test", "550 5.1.2"), ("old@example.test", "550 5.2.1"),
        ("loop@example.test", "451 4.4.6"), ("alice", "501 5.1.3")]:
    reply = c.mail([address], params=" SMTPUTF8")[0]
    tap.like(reply, "^" + wanted.replace(".", r"\."), f"RCPT <{address}>: {wanted}")
    c.cmd("RSET")

tap.eq(c.deliver(["alice@example.test", "staff@example.test", "bob@also.test", "alice@example.test"]),
       ["250 2.0.0 delivered"] * 4, "one reply for each recipient, the same one twice too")
tap.eq([len(i.messages("alice")), len(i.messages("bob"))], [1, 1], "one copy in each mailbox")
tap.eq(i.messages("alice")[0],
       "Return-Path: <sender@remote.test>\nDelivered-To: alice@example.test\n" + MESSAGE.replace("\r", ""),
       "the copy: two lines in front, LF line ends")
tap.like(i.messages("bob")[0], "^Return-Path: <sender@remote.test>\nDelivered-To: staff@example.test\n",
         "Delivered-To is the recipient that led there")

i.folder("alice", ".Lists")
i.folder("alice", ".x.y")
i.folder("alice", ".Entw&APw-rfe")  # Entw\u00fcrfe in modified UTF-7
for address, folder in [("alice+Lists@example.test", ".Lists"), ("alice+lists@example.test", ".Lists"),
                        ("alice+x.Y@example.test", ".x.y"), ("alice+none@example.test", ""),
                        ("alice+..@example.test", ""), ('"alice+../../bob/Maildir"@example.test', ""),
                        ("alice+Entw\u00fcrfe@example.test", ".Entw&APw-rfe"), ("alice+ENTWU\u0308RFE@example.test", ".Entw&APw-rfe"),
                        ("alice+Entwurfe@example.test", ""), ("alice+INBOX@example.test", "")]:
    before = len(i.messages("alice", folder))
    replies = c.deliver([address], params=" SMTPUTF8")
    tap.eq((replies, len(i.messages("alice", folder)) - before), (["250 2.0.0 delivered"], 1),
           f"<{address}> goes to {folder or 'INBOX'}")

c.deliver(["postmaster", "abuse@example.test"], sender="")
new = i.path("mail/postmaster/Maildir/new")
tap.eq(len(os.listdir(new)), 1, "postmaster and abuse: the Maildir mail/postmaster")
with open(os.path.join(new, os.listdir(new)[0])) as f:
    tap.like(f.read(), "^Return-Path: <>\nDelivered-To: postmaster\n", "the null sender")

tap.eq(c.deliver(["alice@example.test"], "Subject: \u00e4\r\n\r\n\u00f6", params=" BODY=8BITMIME SMTPUTF8"),
       ["250 2.0.0 delivered"], "8-bit content")
tap.ok(any("\u00f6" in m for m in i.messages("alice")), "comes out as it went in")

c.cmd("XFORWARD IDENT=abc.7")
c.deliver(["alice@example.test"])
tap.like(i.log(), r"mda-local: id=abc\.7 event=deliver from=sender@remote.test to=alice@example.test "
         r'user=alice@example.test folder=INBOX size=\d+ verdict="250 2.0.0 delivered" ms=\d+\n', "the log line")
tap.eq(c.quit(), 0, "exit 0")

# By hand.
n = len(i.messages("bob"))
tap.eq(i.run("-f", "me@here.test", "bob@example.test", message=b"From x@y Mon Jan  2\r\nSubject: hand\r\n\r\nline\rx\r\nFrom y\n")[:2],
       (0, ""), "mda-local ADDRESS exits 0")
tap.ok("Return-Path: <me@here.test>\nDelivered-To: bob@example.test\nSubject: hand\n\nline\rx\nFrom y\n" in i.messages("bob"),
       "the mbox line is gone, CR LF is LF, a bare CR stays")
tap.eq(i.run("bob@example.test", message=b"Fro")[0], 0, "a message shorter than that line")
tap.ok(any(m.endswith("\nFro") for m in i.messages("bob")), "is whole")
tap.eq(i.run("bob@example.test", message=b"")[0], 0, "an empty message")
tap.eq(len(i.messages("bob")), n + 3, "three copies")
for args, code, out, err in [
        (["-c", "bob@example.test"], 0, "250 2.1.5 recipient ok\n", ""),
        (["-c", "no@example.test"], 100, "550 5.1.1 no such user\n", None),
        (["-c", "loop@example.test"], 111, "451 4.4.6 alias leads back to itself\n", None),
        (["-c", "a b@c"], 100, "553 5.1.3 bad recipient address\n", ""),
        (["no@example.test"], 100, "", None),
        (["loop@example.test"], 111, "", None),
        (["-f", "a b", "bob@example.test"], 100, "", "mda-local: fatal: bad sender address: a b\n"),
        (["-i", "a/b", "bob@example.test"], 100, "", "mda-local: fatal: bad id: a/b\n"),
        (["-x"], 100, "", None), (["a", "b"], 100, "", None), (["-c"], 100, "", None)]:
    got = i.run(*args, message=b"x")
    tap.eq(got[:2] + (got[2] if err is not None else None,), (code, out, err), "mda-local " + " ".join(args))
tap.eq(len(i.messages("bob")), n + 3, "-c delivers nothing")

# A bad setting and a bad table.
i.put("delivery-seconds", "never\n")
got = i.run("bob@example.test", message=b"x")
tap.eq((got[0], got[2]), (100, 'mda-local: fatal: etc/delivery-seconds: bad value "never"\n'), "a bad setting is named, exit 100")
os.unlink(i.path("etc/delivery-seconds"))
os.unlink(i.path("etc/users"))
os.mkdir(i.path("etc/users"))
tap.eq(i.run("-c", "bob@example.test")[:2], (111, "451 4.3.0 table not readable now\n"), "users cannot be read: 451")
i.done()

# Python's own client.
i = Instance(users="alice@example.test: x\nbob@example.test: x\n")
sock = i.path("sock")
server = i.start(["s6-ipcserver", sock, __import__("mdalocal").PROGRAM]) if __import__("shutil").which("s6-ipcserver") else None
if server:
    import time
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            lmtp = smtplib.LMTP(sock)
            break
        except OSError:
            os.sched_yield()
    refused = lmtp.sendmail("a@b.test", ["alice@example.test", "no@example.test", "bob@example.test"], "Subject: x\n\n.\nbody\n")
    tap.eq({k: v[0] for k, v in refused.items()}, {"no@example.test": 550}, "smtplib.LMTP under s6-ipcserver: who was refused")
    lmtp.quit()
    tap.ok(i.messages("bob")[0].endswith("Subject: x\n\n.\nbody\n"), "and what the others got")
    server.terminate()
    server.wait()
else:
    tap.ok(True, "smtplib.LMTP # SKIP no s6-ipcserver")
i.done()
x = Instance(users="postmaster@example.test: x::::::nodelivery\n", aliases="abuse: nobody, x\n@also.test: gone@example.test\n",
             domains="example.test:\nalso.test:\n", postmaster="nobody@example.test\n")
c = Client(x)
for r in ("postmaster@example.test", "abuse@example.test", "Abuse@also.test", "postmaster"):
    tap.eq(c.deliver([r]), ["250 2.0.0 delivered"], f"{r} is accepted, whatever leads to nobody")
tap.eq(c.deliver(["other@also.test"]), ["550 5.1.1 no such user"], "others are not")
tap.eq(len(os.listdir(x.path("mail/postmaster/Maildir/new"))), 4, "in mail/postmaster")
c.quit()
x.done()
tap.done()
