#!/usr/bin/env python3
"""Aliases in sendmail's format: lists in files, programs, mailbox files and Maildirs, owners; what fails for a time is tried again alone."""
import os, stat, sys, threading
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, MESSAGE, Peer, Tap

tap = Tap()
DELIVERED, DONE, FORWARDED = "250 2.0.0 delivered", "250 2.0.0 done as the recipient's rules say", "250 2.0.0 forwarded"
SPOOLED = "250 2.0.0 accepted, in part waiting in the spool"
BODY = MESSAGE.replace("\r", "")
i = Instance(users="alice@example.test: x\nbob@example.test: x\n", domains="example.test:\nsecond.test:\n")
D = i.dir
i.put("aliases", f"""
prog: "|cat >{D}/out; env | sort >{D}/env; pwd >{D}/where"
"odd: #name"@example.test: |cat >{D}/odd
file: {D}/box
dir: {D}/md/, {D}/md/
deaddir: {D}/none/md/
gone: /dev/null
nofile: {D}/none/box
isdir: {D}/etc
inc: :include:{D}/list, bob
noinc: bob, :include:{D}/missing
past: \\alice
alice@example.test: bob
exit: "|echo not here; echo or there; exit 67"
exit0: "|exit 0", |exit 0 , "|exit 0"
signal: "|kill -9 $$"
part: "|test -e {D}/ready || exit 75", bob
partfile: {D}/late/box, bob
half: "|exit 70", bob
again: "|cat >>{D}/again"
list: x@remote.test, nested, "|env >{D}/list-env"
nested: y@remote.test
nested2: y2@remote.test, x@remote.test
owner-list: alice
owner-nested2: bob
both: list, nested2
self-include: :include:{D}/self
loop: loop2
loop2: :include:{D}/loop
""")


def put(name, text, mode=0o644):
    with open(i.path(name), "w") as f:
        f.write(text)
    os.chmod(i.path(name), mode)
    i.own(i.path(name))


def read(name):
    with open(i.path(name)) as f:
        return f.read()


put("list", "# our list\nalice@second.test,\n  \\alice (her)\n\nx@remote.test\n")
put("self", f":include:{D}/self\n")
put("loop", "loop\n")
relay, spool = Peer(i, "relay"), Peer(i, "spool")
c = Client(i)

# What each alias answers: at RCPT where nothing is to be done, else after the message.
for name, wanted in [
        ("prog", DONE), ('"odd: #name"', DONE), ("file", DELIVERED), ("file", DELIVERED), ("dir", DELIVERED), ("gone", DELIVERED),
        ("deaddir", "451 4.2.0 mailbox not accessible now"), ("nofile", "451 4.2.0 mailbox not accessible now"), ("isdir", "451 4.2.0 mailbox not accessible now"),
        ("noinc", "451 4.3.5 list of the alias not readable now"), ("exit", "550-5.3.0 not here\n550 5.3.0 or there"), ("exit0", DONE),
        ("signal", "451 4.3.0 program of the recipient failed for now"), ("half", DELIVERED),
        ("self-include", "451 4.4.6 alias leads back to itself"), ("loop", "451 4.4.6 alias leads back to itself")]:
    tap.eq(c.deliver([name + "@example.test"], sender="s'$`x`@remote.test" if name == "prog" else "s@remote.test"), [wanted], f"{name}: {wanted[:9]}")

# A program: its message, its environment as Postfix has it.
tap.like(read("out"), r"^From s'\$`x`@remote\.test \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\nReturn-Path: <s'\$`x`@remote\.test>\nDelivered-To: prog@example\.test\nSubject: test\n",
         "a program gets the message behind an mbox line")
tap.ok(read("out").endswith(BODY), "and all of it")
env = dict(line.split("=", 1) for line in read("env").splitlines())
for name, value in [("SENDER", "s___x_@remote.test"), ("RECIPIENT", "prog@example.test"), ("ORIGINAL_RECIPIENT", "prog@example.test"), ("LOCAL", "prog"),
                    ("EXTENSION", ""), ("DOMAIN", "example.test"), ("HOME", "/"), ("SHELL", "/bin/sh")]:
    tap.eq(env.get(name), value, f"{name} is {value!r}")
tap.eq(read("where"), "/\n", "it runs in /")
tap.ok("POSTERN_DIR" not in env, "what is ours is not in its environment")
c.deliver(["prog+Ext@example.test"])
tap.ok("\nEXTENSION=Ext\n" in read("env") and "\nLOCAL=prog+Ext\n" in read("env"), "a subaddress is EXTENSION")
tap.ok(os.path.exists(i.path("odd")), "a quoted key with a colon and a #")

# Files.
box = read("box")
tap.eq(box.count("\nReturn-Path: <s@remote.test>\nDelivered-To: file@example.test\nSubject: test\n"), 2, "an mbox file gets one message behind the other")
tap.eq(stat.S_IMODE(os.stat(i.path("box")).st_mode), 0o600, "made with mode 0600")
tap.eq([len(os.listdir(i.path("md", d))) for d in ("new", "cur", "tmp")], [1, 0, 0], "a Maildir named twice gets one copy")
threads = [threading.Thread(target=lambda: Client(i).deliver(["file@example.test"])) for _ in range(6)]
[t.start() for t in threads]
[t.join() for t in threads]
box = read("box")
tap.eq((box.count("From s"), box.count(BODY + "\n")), (8, 8), "six more at a time stand whole in it")

# Lists in files.
relay.messages.clear()
tap.eq(c.deliver(["inc@second.test", "inc@example.test"]), ["250 2.0.0 forwarded", DELIVERED], "a list in a file; bare names are in the recipient's domain")
tap.eq([len(i.messages("alice")), len(i.messages("bob"))], [1, 2], "its mailboxes (bob by half and inc)")
tap.eq([m["rcpts"] for m in relay.messages], [["RCPT TO:<x@remote.test>"]], "and an address elsewhere, once")
put("list", "\\alice\n", 0o666)
tap.like(c.deliver(["inc@example.test"])[0], "^451 4.3.5", "a list that everybody may write is none")
put("list", "bob\n")
c.deliver(["inc@example.test"])
tap.eq([len(i.messages("alice")), len(i.messages("bob"))], [1, 3], "what stands in it now counts")

# Backslash.
c.deliver(["past@example.test", "alice@example.test"])
tap.eq([len(i.messages("alice")), len(i.messages("bob"))], [2, 4], "\\alice is the mailbox, alice her alias")

# Owners.
relay.messages.clear()
tap.eq(c.deliver(["list@example.test"]), [FORWARDED], "a list with an owner")
tap.eq([(m["mail"].split(" ")[1], m["rcpts"]) for m in relay.messages], [("FROM:<owner-list@example.test>", ["RCPT TO:<x@remote.test>", "RCPT TO:<y@remote.test>"])],
       "the owner is the sender of what is sent on, also by a list in it")
tap.ok("SENDER=sender@remote.test\n" in read("list-env"), "the sender of what a program gets stays")
relay.messages.clear()
c.deliver(["both@second.test"])
tap.eq(sorted((m["mail"].split(" ")[1], len(m["rcpts"])) for m in relay.messages), [("FROM:<owner-list@second.test>", 2), ("FROM:<owner-nested2@second.test>", 1)],
       "each list's own, each address once")
relay.messages.clear()
c.deliver(["list@example.test"], sender="")
tap.eq([m["mail"].split(" ")[1] for m in relay.messages], ["FROM:<>"], "a bounce keeps the null sender")
i.put("expand-owner-alias", "yes\n")
relay.messages.clear()
i.run("-f", "me@remote.test", "list@example.test", message=b"x")
tap.eq([m["mail"].split(" ")[1] for m in relay.messages], ["FROM:<alice@example.test>"], "expand-owner-alias: the first address of the owner's alias")
os.unlink(i.path("etc/expand-owner-alias"))

# Loops.
relay.messages.clear()
tap.eq(c.deliver(["again@example.test"], "Delivered-To: other@example.test\r\n" + MESSAGE), [DONE], "a program gets a message")
tap.eq(c.deliver(["again@example.test"], "Delivered-To: again@example.test\r\n" + MESSAGE), ["554 5.4.6 message has been here before, loop"], "but not once more")
tap.eq(read("again").count("Subject:"), 1, "one copy")

# What failed for a time beside a copy that is there waits, and is tried alone.
n = len(i.messages("bob"))
tap.eq(c.deliver(["part@example.test"]), [SPOOLED], "a program that fails for now beside a mailbox")
waiting = spool.messages[-1]["rcpts"][0].split("<")[1].split(">")[0]
tap.like(waiting, r"^\|[0-9a-f]{16}\|part@example\.test$", "waits in the spool with an address of its own")
tap.like(c.deliver([waiting])[0], "^451 4.3.0", "which fails as long as it does")
put("ready", "")
tap.eq(c.deliver([waiting], "Delivered-To: part@example.test\r\n" + MESSAGE), [DONE], "and is done when it can")
tap.eq(len(i.messages("bob")), n + 1, "the mailbox has one copy")
tap.like(c.deliver([waiting.replace("|part", "|exit0")])[0], "^550 5.1.1", "with another alias it is nothing")
tap.eq(c.deliver(["partfile@example.test"]), [SPOOLED], "a file that cannot be written now")
os.mkdir(i.path("late"))
i.own(i.path("late"))
tap.eq(c.deliver([spool.messages[-1]["rcpts"][0].split("<")[1].split(">")[0]]), [DELIVERED], "is tried again as well")
tap.ok("\nSubject: test\n" in read("late/box"), "and has the message")
tap.eq(c.quit(), 0, "exit 0")

# Settings.
for name, value, alias, wanted in [
        ("allow-mail-to-commands", "forward include\n", "exit0", "550 5.7.1 alias names a program or file that is not allowed\n"),
        ("allow-mail-to-files", "none\n", "file", "550 5.7.1 alias names a program or file that is not allowed\n"),
        ("allow-mail-to-files", "none\n", "exit0", "250 2.1.5 recipient ok\n")]:
    i.put(name, value)
    tap.eq(i.run("-c", alias + "@example.test")[1], wanted, f"{name} {value.strip()}: {alias}")
    os.unlink(i.path("etc", name))
i.put("allow-mail-to-files", "sometimes\n")
tap.eq(i.run("-c", "bob@example.test")[::2], (100, "mda-local: fatal: etc/allow-mail-to-files: alias, forward, include or none, not sometimes\n"), "a bad word is named")
i.done()
tap.done()
