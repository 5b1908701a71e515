#!/usr/bin/env python3
""".forward, as Postfix's local(8) reads it: a case per rule."""
import os, shutil, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, MESSAGE, NOBODY, Peer, ROOT, Tap

tap = Tap()
DELIVERED, DONE, FORWARDED = "250 2.0.0 delivered", "250 2.0.0 done as the recipient's rules say", "250 2.0.0 forwarded"
RULES, UNREADABLE, LOOP = "451 4.3.5 rules of the recipient not usable", "451 4.3.5 rules of the recipient not readable now", "554 5.4.6 message has been here before, loop"
PROGRAM, REFUSED = "451 4.3.0 program of the recipient failed for now", "550 5.3.0 program of the recipient refused the message"
i = Instance(users="alice@example.test: x\nbob@example.test: x\n", aliases="staff: alice\n", domains="example.test:\nalso.test: alias:example.test\n")
HOME = i.path("mail/example.test/alice")
i.folder("alice", ".x")
relay, spool = Peer(i, "relay"), Peer(i, "spool")
c = Client(i)


def put(text, name=".forward", mode=0o644):
    with open(os.path.join(HOME, name), "w") as f:
        f.write(text.replace("HOME", HOME))
    os.chmod(os.path.join(HOME, name), mode)
    i.own(HOME)


def have(name):
    path = os.path.join(HOME, name)
    return open(path).read().count("Subject: test") if os.path.exists(path) else 0


def case(what, text, wanted, mailbox=0, sent=(), rcpt="alice@example.test", message=MESSAGE, files=None, folder=0):
    """Replies, then: copies in alice's INBOX and in her folder x, addresses to the relay, files with the message in her home."""
    for name in files or {}:
        path = os.path.join(HOME, name)
        if os.path.isfile(path):
            os.unlink(path)
    if text is not None:
        put(text)
    relay.messages.clear()
    before = len(i.messages("alice")), len(i.messages("alice", ".x"))
    got = c.deliver([rcpt], message)
    to = [r.split("<")[1].split(">")[0] for m in relay.messages for r in m["rcpts"]]
    now = len(i.messages("alice")), len(i.messages("alice", ".x"))
    tap.eq((got, now[0] - before[0], now[1] - before[1], to, {n: have(n) for n in files or {}}),
           ([wanted], mailbox, folder, list(sent), files or {}), what)


SEEN = "Delivered-To: alice@example.test\r\n" + MESSAGE
case("no file: the mailbox", None, DELIVERED, 1)
case("an address", "x@remote.test\n", FORWARDED, sent=["x@remote.test"])
tap.like(relay.messages[0]["body"], "^Delivered-To: alice@example.test\r\nSubject: test", "a forward bears Delivered-To")
case("several, with comments", "# mine\nx@remote.test, y@remote.test\n\tz@remote.test (Z)\n", FORWARDED, sent=["x@remote.test", "y@remote.test", "z@remote.test"])
case("the same twice", "x@remote.test, X Y <x@remote.test>\n", FORWARDED, sent=["x@remote.test"])
case("a name of this domain", "bob\n", FORWARDED, sent=["bob@example.test"])
case("another's mailbox", "\\bob\n", FORWARDED, sent=['"\\\\bob"@example.test'])
case("oneself", "alice\n", DELIVERED, 1)
case("oneself by the whole address", "Alice@Example.TEST\n", DELIVERED, 1)
case("oneself with a backslash, and another", "\\alice, x@remote.test\n", DELIVERED, 1, ["x@remote.test"])
case("oneself in quotes with a backslash", '"\\alice"\n', DELIVERED, 1)
case("oneself twice", "alice, \\alice, alice@example.test\n", DELIVERED, 1)
case("oneself in a folder", "alice+x\n", DELIVERED, 0, folder=1)
case("oneself by another name of the domain, which mail comes to", "alice@also.test\n", DELIVERED, 1, rcpt="alice@also.test")
case("the alias that leads here", "staff@example.test\n", DELIVERED, 1, rcpt="staff@example.test")
case("an empty file", "", DELIVERED, 1)
case("nothing but comments", "# x@remote.test\n\n , \n", DELIVERED, 1)
case("past .forward", "x@remote.test\n", DELIVERED, 1, rcpt='"\\\\alice"@example.test')
case("a program", '"|cat >HOME/out"\n', DONE, files={"out": 1})
tap.like(open(HOME + "/out").read(), "^From sender@remote.test .*\nReturn-Path: <sender@remote.test>\nDelivered-To: alice@example.test\nSubject: test\n", "its message")
case("a program and oneself", '\\alice, "|cat >HOME/out"\n', DELIVERED, 1, files={"out": 1})
case("a program with blanks and no quotes", "|cat >HOME/out\n", DONE, files={"out": 1})
case("where it runs", '"|test $(pwd) = HOME && test ~ = HOME && test $USER$LOGNAME = alicealice && test $EXTENSION$LOCAL$DOMAIN = xalice+xexample.test && cat >HOME/out"\n',
     DONE, rcpt="alice+x@example.test", files={"out": 1})
case("a program that refuses", '"|exit 67"\n', REFUSED)
case("with its words", '"|echo no; exit 77"\n', "550 5.3.0 no")
case("a program that fails for now", '"|exit 75"\n', PROGRAM)
case("one that refuses beside a mailbox", 'alice, "|exit 67"\n', DELIVERED, 1)
case("one that refuses beside an address", 'x@remote.test, "|exit 67"\n', FORWARDED, sent=["x@remote.test"])
case("one that fails beside an address: all is tried again", 'x@remote.test, "|exit 75"\n', PROGRAM)
case("a file", "HOME/box\n", DELIVERED, files={"box": 1})
case("a file with a blank", '"HOME/my box"\n', DELIVERED, files={"my box": 1})
case("/dev/null", "/dev/null\n", DELIVERED)
case("a file that cannot be", "HOME/none/box\n", "451 4.2.0 mailbox not accessible now")
case("a Maildir", "HOME/md/\n", DELIVERED)
tap.eq(len(os.listdir(HOME + "/md/new")), 1, "which is made")
case("one's own Maildir", "HOME/Maildir/\n", DELIVERED, 1)
put("bob, x@remote.test\n", "list")
case("a list in a file", ":include:HOME/list, alice\n", DELIVERED, 1, ["bob@example.test", "x@remote.test"])
put('"|exit 0", x@remote.test\n', "list")
case("programs in it are not allowed", ":include:HOME/list\n", FORWARDED, sent=["x@remote.test"])
put('"|exit 0"\n', "list")
case("nor alone", ":include:HOME/list\n", "550 5.7.1 alias names a program or file that is not allowed")
case("a list that is not there", "alice, :include:HOME/none\n", UNREADABLE)
put(":include:HOME/list\n", "list")
case("a list of itself", "alice, :include:HOME/list\n", UNREADABLE)
put("x@remote.test\n", "list", 0o666)
case("a list that everybody may write", ":include:HOME/list\n", UNREADABLE)

# What cannot be used is refused at RCPT: nothing is lost by half of it.
for what, text in [("a quote that does not end", 'alice, "|never closed\n'), ("half an address", "alice, x@\n"), ("no domain", "x@-_.#.test, alice\n"), ("a control character", "x\x01@remote.test\n")]:
    case(what, text, RULES)
case("more than a MiB", "#" * (1 << 20) + "\nx@remote.test\n", UNREADABLE)

# Whose file it is.
put("x@remote.test\n", mode=0o646)
case("a file that everybody may write does not count", None, DELIVERED, 1)
os.unlink(HOME + "/.forward")
os.mkdir(HOME + "/.forward")
case("nor does a directory", None, DELIVERED, 1)
os.rmdir(HOME + "/.forward")
os.symlink("list", HOME + "/.forward")
put("y@remote.test\n", "list")
case("a link is followed", None, FORWARDED, sent=["y@remote.test"])
os.unlink(HOME + "/.forward")
if ROOT:
    put("x@remote.test\n", mode=0o600)
    os.chown(HOME + "/.forward", 0, 0)
    case("a file of root's that cannot be read", None, UNREADABLE)
    os.chmod(HOME + "/.forward", 0o644)
    case("a file of root's", None, FORWARDED, sent=["x@remote.test"])
    os.chown(HOME + "/.forward", 12345, 12345)
    case("another's file does not count", None, DELIVERED, 1)
    os.chown(HOME + "/.forward", NOBODY, NOBODY)

# Subaddresses.
put("plain@remote.test\n")
case("a subaddress without a file of its own", None, FORWARDED, sent=["plain@remote.test"], rcpt="alice+y@example.test")
put("ext@remote.test\n", ".forward+y")
case("with one", None, FORWARDED, sent=["ext@remote.test"], rcpt="alice+y@example.test")
case("the name without it", None, FORWARDED, sent=["plain@remote.test"])
case("no way out of the home", None, FORWARDED, sent=["plain@remote.test"], rcpt='"alice+/../y"@example.test')
put("alice\n", ".forward+x")
case("to oneself: into the folder", None, DELIVERED, rcpt="alice+x@example.test", folder=1)
put("", ".forward+x")
case("empty: into the folder", None, DELIVERED, rcpt="alice+x@example.test", folder=1)
os.unlink(HOME + "/.forward")
case("only files for subaddresses: the name", None, DELIVERED, 1)
case("and such a one", None, FORWARDED, sent=["ext@remote.test"], rcpt="alice+y@example.test")
for n in ("x", "y"):
    os.unlink(HOME + "/.forward+" + n)
case("all gone again", None, DELIVERED, 1, rcpt="alice+y@example.test")

# Loops.
case("a message that was here goes nowhere from here", "x@remote.test, alice\n", LOOP, message=SEEN)
case("nor to a program", '"|cat >HOME/out"\n', LOOP, message=SEEN, files={"out": 0})
case("but into mailboxes", "alice, HOME/box\n", DELIVERED, 1, message=SEEN, files={"box": 1})
case("one that was elsewhere does", "x@remote.test\n", FORWARDED, sent=["x@remote.test"], message="Delivered-To: bob@example.test\r\n" + MESSAGE)

# What failed for a time beside what is done is sent on to be tried alone.
put('alice, x@remote.test, "|test -e HOME/ready || exit 75; cat >>HOME/late"\n')
relay.messages.clear()
n = len(i.messages("alice"))
tap.eq(c.deliver(["alice@example.test"]), [DELIVERED], "a program that fails for now beside a mailbox")
to = [r.split("<")[1].split(">")[0] for m in relay.messages for r in m["rcpts"]]
tap.eq((len(to), to[0], len(i.messages("alice"))), (2, "x@remote.test", n + 1), "the others are done")
tap.like(to[1], r'^"\\\\\|[0-9a-f]{16}\|alice"@example\.test$', "and it is sent on to an address of its own")
tap.eq(c.deliver([to[1]], SEEN), [PROGRAM], "that fails as long as it does")
put("", "ready")
tap.eq((c.deliver([to[1]], SEEN), have("late"), len(i.messages("alice"))), ([DONE], 1, n + 1), "and does nothing else when it can")
tap.like(c.deliver([to[1].replace("|alice", "|bob")])[0], "^550 5.1.1", "it is nothing for who has no such file")
put("alice\n")
tap.like(c.deliver([to[1]])[0], "^550 5.1.1", "nor when the program is gone")
relay.rules["x"] = "450 later"
put("alice, x@remote.test\n")
tap.eq(c.deliver(["alice@example.test"]), ["250 2.0.0 accepted, in part waiting in the spool"], "an address that fails for now waits in the spool")
tap.eq(c.quit(), 0, "exit 0")
tap.ok("worker-died" not in i.log(), "no worker died")

# Settings.
put('"|exit 0", alice\n')
for settings, wanted in [({"allow-mail-to-commands": "alias"}, DELIVERED), ({"rules": "none"}, DELIVERED), ({"rules": "forward"}, None)]:
    for k, v in settings.items():
        i.put(k, v + "\n")
    n, log = len(i.messages("alice")), len(i.log())
    code = i.run("alice@example.test", message=b"Subject: test\n\n")[0]
    ran = "event=program" in i.run("alice@example.test", message=b"x")[2]
    tap.eq((code, len(i.messages("alice")) - n, ran), (0, 2, wanted is None), f"{settings}")
    for k in settings:
        os.unlink(i.path("etc", k))
i.done()
tap.done()
