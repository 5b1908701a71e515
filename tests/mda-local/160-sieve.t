#!/usr/bin/env python3
"""Sieve scripts: where messages go, what becomes of them, over LMTP and with real folders."""
import os, re, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Peer, Tap

tap = Tap()
USERS = "alice@example.test: x\nbob@example.test: x\ncarol@example.test: x\n"
OK = ["250 2.0.0 delivered"]


def message(header="", body="body"):
    return f"From: a@b.test\r\nTo: alice@example.test\r\nSubject: test\r\nMessage-ID: <1@b.test>\r\n{header}\r\n{body}\r\n"


i = Instance(users=USERS, junk_fields="X-Spam: Yes\n", aliases="info@example.test: alice\n")
relay = Peer(i, "relay")
for name in (".Work", ".Work.Deep", ".Junk", ".Lists", ".M&APw-ll"):
    i.folder("alice", name)
c = Client(i)


def run(script, msg=None, to="alice", folders=(), **more):
    """Delivers with this script: the reply, and how many messages each folder has more."""
    i.sieve("alice", script)
    names = ("",) + tuple(folders)
    before = [len(i.files("alice", f)) for f in names]
    replies = c.deliver([to + "@example.test"], msg or message(), **more)
    return replies, [len(i.files("alice", f)) - n for f, n in zip(names, before)]


# ---- folders ----
for name, script, folders, counts in (
        ("fileinto", 'require "fileinto"; fileinto "Work";', (".Work",), [0, 1]),
        ("below another", 'require "fileinto"; fileinto "Work.Deep";', (".Work.Deep",), [0, 1]),
        ("with the other separator", 'require "fileinto"; fileinto "Work/Deep";', (".Work.Deep",), [0, 1]),
        ("with INBOX in front", 'require "fileinto"; fileinto "INBOX.Work";', (".Work",), [0, 1]),
        ("a name outside ASCII", 'require "fileinto"; fileinto "M\u00fcll";', (".M&APw-ll",), [0, 1]),
        ("INBOX itself", 'require "fileinto"; fileinto "inbox";', (), [1]),
        ("a folder that is not there is INBOX", 'require "fileinto"; fileinto "None";', (".None",), [1, 0]),
        ("so is one that cannot be", 'require "fileinto"; fileinto "../../bob/Maildir";', (), [1]),
        ("with :create it is made", 'require ["fileinto","mailbox"]; fileinto :create "Made/New";', (".Made.New",), [0, 1]),
        ("keep beside it", 'require "fileinto"; fileinto "Work"; keep;', (".Work",), [1, 1]),
        (":copy", 'require ["fileinto","copy"]; fileinto :copy "Work";', (".Work",), [1, 1]),
        ("the same folder twice is one copy", 'require "fileinto"; fileinto "Work"; fileinto "Work";', (".Work",), [0, 1]),
        ("discard", "discard;", (), [0]),
        ("nothing but a comment keeps", "# nothing", (), [1]),
        ("mailboxexists", 'require ["fileinto","mailbox"]; if mailboxexists "Work" { fileinto "Work"; }', (".Work",), [0, 1]),
        ("and where it does not", 'require ["fileinto","mailbox"]; if mailboxexists "Nowhere" { fileinto "Work"; }', (".Work",), [1, 0])):
    tap.eq(run(script, folders=folders), (OK if name != "discard" else ["250 2.0.0 done as the recipient's rules say"], counts), name)
with open(os.path.join(i.maildir("alice"), "subscriptions")) as f:
    tap.like(f.read(), "Made\tNew|Made.New", "the folder that was made is subscribed to")
tap.like(i.log(), r"event=sieve-folder user=alice@example.test folder=None reason=\"no such folder\"", "the missing folder is in the log")

run('require ["fileinto","copy"]; fileinto :copy "Work"; fileinto :copy "Lists";')
paths = [os.path.join(i.maildir("alice"), f, i.files("alice", f)[-1]) for f in ("", ".Work", ".Lists")]
tap.eq(len({os.stat(p).st_ino for p in paths}), 1, "several copies are links of one file")
with open(paths[1]) as f:
    tap.like(f.read(), "^Return-Path: <sender@remote.test>\nDelivered-To: alice@example.test\nFrom: a@b.test\n", "Delivered-To in front")
tap.eq(run("keep;", to="alice+Lists", folders=(".Lists",)), (OK, [0, 1]), "keep is where the address says")
tap.eq(run("keep;", to="info"), (OK, [1]), "an alias leads to the script, too")
tap.eq(run('require "envelope"; if envelope "to" "info@example.test" { discard; }', to="info")[1], [0], "which sees the address as the sender wrote it")

# ---- flags ----
i.sieve("alice", 'require ["fileinto","imap4flags"]; fileinto :flags ["\\\\Seen", "\\\\Flagged", "$label1", "bad keyword ("] "Work";')
before = set(i.files("alice", ".Work"))
c.deliver(["alice@example.test"], message())
new = (set(i.files("alice", ".Work")) - before).pop()
tap.like(new, r"^cur/.*:2,FSabc$", "flags and keywords are in the name, but what is none")
with open(os.path.join(i.maildir("alice"), ".Work/dovecot-keywords")) as f:
    tap.like(f.read(), r"\$label1\n", "the keyword has a letter")
before = set(i.files("alice"))
run('require "imap4flags"; addflag "\\\\Answered"; keep;')
tap.like((set(i.files("alice")) - before).pop(), r"^cur/.*:2,R$", "addflag and keep")

for n in range(2):
    flags = ",".join(f'"kw{n}-{k}"' for k in range(60))
    run('require ["fileinto","imap4flags"]; fileinto :flags [%s] "Lists";' % flags)
before = set(i.files("alice", ".Lists"))
flags = ",".join(f'"last{k}"' for k in range(60))
tap.eq(run('require ["fileinto","imap4flags"]; fileinto :flags ["\\\\Seen",%s] "Lists";' % flags, folders=(".Lists",)), (OK, [0, 1]), "more keywords than a folder has: the message is filed")
tap.like((set(i.files("alice", ".Lists")) - before).pop(), ":2,S$", "without them")

# ---- junk ----
spam = message("X-Spam: Yes\r\n")
tap.eq(run("# none", spam, folders=(".Junk",)), (OK, [0, 1]), "junk goes to its folder where the script does not decide")
tap.eq(run("keep;", spam, folders=(".Junk",)), (OK, [1, 0]), "a script that keeps it has decided")
tap.eq(run('require "fileinto"; fileinto "Work";', spam, folders=(".Junk", ".Work")), (OK, [0, 0, 1]), "so has one that files it")

# ---- reject ----
REJECT = 'require "reject"; reject "Not today.\\nNor tomorrow: %s";' % ("x" * 30)
tap.eq(run(REJECT.replace("\\n", "\n")), (["550-5.7.1 Not today.\n550 5.7.1 Nor tomorrow: " + "x" * 30], [0]), "reject is a reply of several lines")
tap.eq(run('require "ereject"; ereject "no\u00e4";')[0], ["550 5.7.1 no??"], "ereject; what is not ASCII cannot be said")
tap.eq(run('require "ereject"; ereject "no\u00e4";', params=" SMTPUTF8")[0], ["550 5.7.1 no\u00e4"], "but to who has said SMTPUTF8")
wide = run('require "ereject"; ereject "%s";' % ("\u00e4" * 900), params=" SMTPUTF8")[0][0]
tap.ok("?" not in wide and all(len(line.encode()) < 512 for line in wide.split("\n")) and wide.count("\u00e4") > 400, "lines end between characters")
big = run('require "reject"; reject "%s";' % ("y" * 5000))[0][0]
tap.ok(all(len(line) < 512 for line in big.split("\n")) and len(big) < 1200, "a long text is cut, its lines bounded")
i.sieve("alice", REJECT)
tap.like(c.mail(["alice@example.test"])[0], r"^250 2\.\d\.\d .*may refuse", "RCPT tells that the rules may refuse")
c.cmd("RSET")

# ---- redirect ----
relay.messages.clear()
tap.eq((run('redirect "x@elsewhere.test";'), len(relay.messages)), ((["250 2.0.0 forwarded"], [0]), 1), "redirect")
tap.like(relay.messages[0]["body"], "^Delivered-To: alice@example.test\r\nFrom: a@b.test\r\n", "with its Delivered-To")
tap.eq((relay.messages[0]["mail"].split()[0:2], relay.messages[0]["rcpts"]), (["MAIL", "FROM:<sender@remote.test>"], ["RCPT TO:<x@elsewhere.test>"]), "its envelope")
tap.eq(run('require "copy"; redirect :copy "x@elsewhere.test";'), (OK, [1]), "redirect :copy keeps it")
tap.eq(len(relay.messages), 2, "and sends it")
tap.eq(run('redirect "alice@example.test";'), (OK, [1]), "redirect to oneself keeps")
tap.eq(run('redirect "info@example.test";', to="info"), (OK, [1]), "to the address that it was for, too")
relay.messages.clear()
looped = "Delivered-To: alice@example.test\r\n" + message()
tap.eq(run('redirect "x@elsewhere.test";', looped), (["554 5.4.6 message has been here before, loop"], [0]), "a message that was here before is not sent on")
tap.eq(run('require "copy"; redirect :copy "x@elsewhere.test";', looped)[1], [0], "nor kept then")
tap.eq((run("keep;", looped), len(relay.messages)), ((OK, [1]), 0), "where nothing is sent on it is kept")
relay.rules["dot"] = "451 later"
tap.like(run('redirect "x@elsewhere.test";')[0][0], "^4", "a redirect that fails for a time: the sender tries again")
relay.rules["dot"] = "550 never"
tap.like(run('redirect "x@elsewhere.test";')[0][0], "^5", "for good: the sender hears it")
relay.rules.clear()
many = "".join(f'redirect "x{n}@elsewhere.test";' for n in range(9))
tap.eq((run(many), len(relay.messages)), ((OK, [1]), 0), "too many redirects: an error, and the message is kept")

# ---- edited messages ----
relay.messages.clear()
EDIT = 'require ["editheader","fileinto","copy"]; addheader "X-New" "v\u00e4"; deleteheader "Subject"; addheader :last "X-Last" "1"; %s'
tap.eq(run(EDIT % 'fileinto "Work"; redirect "x@elsewhere.test";', folders=(".Work",)), (OK, [0, 1]), "an edited message is filed")
with open(os.path.join(i.maildir("alice"), ".Work", i.files("alice", ".Work")[-1 if not i.files("alice", ".Work")[-1].startswith("cur") else len([f for f in i.files("alice", ".Work") if f.startswith("new")]) - 1])) as f:
    text = f.read()
tap.like(text, "^Return-Path: <sender@remote.test>\nDelivered-To: alice@example.test\nX-New: =\\?utf-8\\?.*\nFrom: a@b.test\nTo: .*\nMessage-ID: .*\nX-Last: 1\n\nbody\n$", "with its fields")
tap.like(relay.messages[0]["body"], "^Delivered-To: alice@example.test\r\nX-New: .*\r\nFrom: a@b.test\r\n(.*\r\n)*X-Last: 1\r\n\r\nbody\r\n$", "and so it is sent on")
big = "z" * 70 + "\r\n"
run(EDIT % "keep;", message(body=big * 30000))
size = max(os.path.getsize(os.path.join(i.maildir("alice"), f)) for f in i.files("alice"))
tap.ok(size > 30000 * 71, "a large one")
run('require ["replace"]; replace "gone";')
tap.ok(any(m.endswith("\n\ngone\n") and "Subject: test\n" in m for m in i.messages("alice")), "replace")

# ---- errors ----
log = i.path("mail/example.test/alice/.dovecot.sieve.log")
tap.eq(run('require "fileinto"; fileinto "Work"', folders=(".Work",)), (OK, [1, 0]), "a script with an error: the message is kept")
with open(log) as f:
    tap.like(f.read(), "line 1: ", "the error is in the file beside it")
tap.like(i.log(), "event=sieve-error script=.*/.dovecot.sieve line=1 error=", "and in the log")
tap.eq(run('require "include"; include "missing"; discard;'), (OK, [1]), "an error of a run: the message is kept")
with open(log) as f:
    tap.like(f.read(), r"\d{4}-\d\d-\d\dT.*Z .*missing", "it is in the file, with its time")
tap.eq(run('require "include"; include "part";'), (OK, [1]), "what is included is not there")
i.sieve("alice", 'require "fileinto"; fileinto "Work";', name="part", active=False)
tap.eq(run('require "include"; include "part";', folders=(".Work",)), (OK, [0, 1]), "now it is")
i.sieve("alice", "discard;", name="part", active=False)
tap.eq(run('require "include"; include "part";')[1], [0], "it was changed")
tap.eq(run("#" * (1 << 20) + "\ndiscard;"), (OK, [1]), "a script that is too long")
rules = "".join(f'if header :is "X-{n}" "{n}" {{ discard; }}\n' for n in range(20000))
tap.eq(run(rules[:(1 << 20) - 100].rsplit("\n", 1)[0] + "\nkeep;"), (OK, [1]), "one of a megabyte")
tap.eq(run("if true { " * 1000 + "discard;" + " }" * 1000), (OK, [1]), "a thousand blocks in one another")
nested = 'require "regex"; if header :regex "subject" "%s" { discard; }'
tap.eq(run(nested % "((a*)*)*b", message().replace("test\r\nMess", "a" * 900 + "\r\nMess")), (OK, [1]), "a regular expression that others never end")
tap.eq(run(nested % "x{1,1000}{1,1000}"), (OK, [1]), "one that is too large")
evil = 'require "regex";' + "".join(f'if header :regex "subject" "(a?){{900}}a{{900}}b{k}" {{ discard; }}' for k in range(100)) + "discard;"
tap.eq(run(evil, message().replace("test\r\nMess", "a" * 900 + "\r\nMess")), (OK, [1]), "many that are slow together")
with open(log) as f:
    tap.like(f.read(), "too many steps", "the limit's own error")
tap.ok(os.path.getsize(log) < 65537, "the file of errors is bounded")
tap.ok(os.path.exists(i.path("mail/example.test/alice/.dovecot.sieve.code")), "the compiled script is kept beside it")
os.unlink(i.path("mail/example.test/alice/.dovecot.sieve"))
tap.eq(c.deliver(["alice@example.test"], message()), OK, "without a script")
with open(i.path("mail/example.test/alice/.dovecot.sieve"), "w") as f:
    f.write("discard;")
tap.eq((run.__name__, c.deliver(["alice@example.test"], message())[0][:9]), ("run", "250 2.0.0"), "a plain file is a script as well")
tap.eq(c.quit(), 0, "exit 0")
i.done()

# ---- the administrator's scripts ----
i = Instance(users=USERS)
for name in (".Work", ".Lists"):
    i.folder("alice", name)
    i.folder("bob", name)
i.all_sieve("default.sieve", 'require "fileinto"; fileinto "Lists";')
c = Client(i)
c.deliver(["alice@example.test", "bob@example.test"])
tap.eq([len(i.files(u, ".Lists")) for u in ("alice", "bob")], [1, 1], "the default script is for who has none")
i.sieve("alice", 'require "fileinto"; fileinto "Work";')
c.deliver(["alice@example.test", "bob@example.test"])
tap.eq([len(i.files(u, f)) for u in ("alice", "bob") for f in (".Lists", ".Work")], [1, 1, 2, 0], "not for who has one")
c.quit()
i.all_sieve("before/10.sieve", 'require "fileinto"; if header :is "x" "1" { fileinto "Lists"; stop; }')
i.all_sieve("before/20.sieve", 'if header :is "x" "2" { discard; }')
i.all_sieve("before/30.sieve", "this is no script")
i.all_sieve("after/10.sieve", 'if header :is "x" "3" { discard; }')
i.all_sieve("global/shared.sieve", 'require "fileinto"; fileinto "Lists";')
i.sieve("alice", 'require ["include"]; if header :is "x" "4" { include :global "shared"; }')
c = Client(i)
for x, counts in (("0", [1, 0]), ("1", [0, 1]), ("2", [0, 0]), ("3", [0, 0]), ("4", [0, 1])):
    before = [len(i.files("alice", f)) for f in ("", ".Lists")]
    c.deliver(["alice@example.test"], f"X: {x}\r\n\r\nbody\r\n")
    tap.eq([len(i.files("alice", f)) - n for f, n in zip(("", ".Lists"), before)], counts, f"before, own, after, global: {x}")
tap.like(i.log(), "event=sieve-error script=.*/before/30.sieve", "an administrator's broken script is told of, and passed over")
i.all_sieve("after/10.sieve", "keep;   ")
before = len(i.files("alice"))
c.deliver(["alice@example.test"], "X: 3\r\n\r\nbody\r\n")
tap.eq(len(i.files("alice")) - before, 1, "one that has changed counts at once")
c.quit()
i.done()

# ---- what scripts ask ----
i = Instance(users=USERS, sieve_autocreate="yes\n", sieve_spamtest="sieve_spamtest_status_type = score\nsieve_spamtest_status_header = X-Score: ^([0-9.]+)\nsieve_spamtest_max_value = 20\n",
             sieve_virustest="status_type = text\nstatus_header = X-Virus\ntext_value1 = clean\ntext_value5 = found\n")
c = Client(i)


def sorts(name, test, header, expected, require='"fileinto"', user="alice"):
    i.sieve(user, f'require [{require}]; if {test} {{ discard; }}')
    reply = c.deliver([user + "@example.test"], message(header))[0]
    tap.eq("done" in reply, expected, name)


sorts("spamtest", 'spamtest :value "ge" :comparator "i;ascii-numeric" "5"', "X-Score: 10.0 / 20\r\n", True, '"spamtest","relational","comparator-i;ascii-numeric"')
sorts("spamtest, less", 'spamtest :value "ge" :comparator "i;ascii-numeric" "5"', "X-Score: 3.0\r\n", False, '"spamtest","relational","comparator-i;ascii-numeric"')
sorts("spamtest, none", 'spamtest "0"', "", True, '"spamtest"')
sorts("spamtest in percent", 'spamtest :percent "50"', "X-Score: 10.0\r\n", True, '"spamtestplus"')
sorts("virustest", 'virustest "5"', "X-Virus: found\r\n", True, '"virustest"')
sorts("virustest, clean", 'virustest "5"', "X-Virus: clean\r\n", False, '"virustest"')
sorts("environment", 'environment "host" "mx.example.test"', "", True, '"environment"')
i.sieve("alice", 'require "fileinto"; fileinto "Own.Place";')
c.deliver(["alice@example.test"])
tap.eq(len(i.files("alice", ".Own.Place")), 1, "sieve-autocreate: folders are made")
with open(os.path.join(i.maildir("alice"), "dovecot-uidlist"), "w") as f:
    f.write("3 V1 N1 G0123456789abcdef0123456789abcdef\n")
with open(os.path.join(i.maildir("alice"), ".Own.Place/dovecot-uidlist"), "w") as f:
    f.write("3 V2 N1 Gfedcba9876543210fedcba9876543210\n")
i.own(i.path("mail"))
i.sieve("alice", 'require ["fileinto","mailboxid"]; fileinto :mailboxid "fedcba9876543210fedcba9876543210" "Nowhere";')
c.deliver(["alice@example.test"])
tap.eq((len(i.files("alice", ".Own.Place")), os.path.exists(os.path.join(i.maildir("alice"), ".Nowhere"))), (2, False), "fileinto :mailboxid")
i.sieve("alice", 'require ["fileinto","special-use","mailbox"]; fileinto :create :specialuse "\\\\Archive" "Kept";')
c.deliver(["alice@example.test"])
c.deliver(["alice@example.test"])
tap.eq(len(i.files("alice", ".Kept")), 2, "fileinto :specialuse makes the folder")
i.sieve("alice", 'require ["fileinto","special-use"]; if specialuse_exists "\\\\Archive" { fileinto :specialuse "\\\\Archive" "None"; }')
c.deliver(["alice@example.test"])
tap.eq(len(i.files("alice", ".Kept")), 3, "and finds it by its use")

# ---- duplicate ----
i.sieve("alice", 'require "duplicate"; if duplicate { discard; }')
tap.eq(["done" in c.deliver(["alice@example.test"], message())[0] for _ in range(3)], [False, True, True], "duplicate: the first is kept")
state = i.path("mail/example.test/alice/sieve/.state/duplicate")
tap.ok(os.path.exists(state), "it is remembered below sieve/.state")
with open(state, "wb") as f:
    f.write(b"damaged" * 100)
tap.eq(["done" in c.deliver(["alice@example.test"], message())[0] for _ in range(2)], [False, True], "a damaged file is as an empty one")
tap.eq(c.quit(), 0, "exit 0")
i.done()

# ---- other kinds of rules ----
for rules, kept in (("none", 1), ("qmail forward", 1), ("sieve", 0), ("qmail sieve", 0)):
    i = Instance(users=USERS, rules=rules + "\n")
    i.sieve("alice", "discard;")
    c = Client(i)
    c.deliver(["alice@example.test"])
    tap.eq(len(i.files("alice")), kept, f"rules: {rules}")
    c.quit()
    i.done()

# ---- quota, and what is wrong with settings ----
i = Instance(users="alice@example.test: x::::::userdb_quota_rule=*:bytes=2000\n")
i.sieve("alice", 'require "fileinto"; fileinto "INBOX";')
c = Client(i)
tap.like(c.deliver(["alice@example.test"], message(body="y" * 3000))[0], "^452 4.2.2", "over quota, with a script as without")
c.quit()
i.done()
for name, value in (("sieve_spamtest", "status_type = odd\n"), ("sieve_spamtest", "status_header = X: (\n"), ("sieve_virustest", "what\n"), ("sieve_autocreate", "perhaps\n"), ("sieve_vacation_min", "x\n")):
    i = Instance(users=USERS, **{name: value})
    tap.eq(i.run("alice@example.test", message=b"Subject: x\n\nhello\n")[0], 100, f"{name}: {value.strip()}: exit 100")
    i.done()
tap.done()
