#!/usr/bin/env python3
"""Users' rules in .qmail files: a case per rule, each for an account of its own. A case says which files the home has, to which extension the mail
goes, what RCPT and the end of the message are answered, and what is where afterwards."""
import os, re, select, stat, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import LIMIT, Client, Instance, Peer, Tap

tap = Tap()
OK, DELIVERED, DONE, SENT = "250 2.1.5 recipient ok", "250 2.0.0 delivered", "250 2.0.0 done as the recipient's rules say", "250 2.0.0 forwarded"
MAY = "250 2.7.0 recipient ok, its rules may refuse the message"
NOBODY_THERE = "550 5.1.1 no such user"
BODY = "Subject: x\r\nFrom: a@b.test\r\n\r\nFrom here on\r\n>From there\r\nend\r\n"


def rules(text):
    return "451 4.3.5 " + text


def temporary(text="program of the recipient failed for now"):
    return "451 4.3.0 " + text


def permanent(text="program of the recipient refused the message"):
    return "550 5.3.0 " + text


# name, files of the home (text, or text and mode), extension, RCPT's reply, the reply to the message, and what is there afterwards: "inbox": n,
# "home": mode of it, "sent": recipients at the relay, "from": their sender, a file's name: its text (a pattern if it begins with ^), None: it is not
# there; "log": a pattern.
CASES = [
    # ---- which file counts
    ("no file for the plain address", {".qmail-x": "./other\n"}, "", OK, DELIVERED, {"inbox": 1}),
    ("an empty file", {".qmail": ""}, "", OK, DELIVERED, {"inbox": 1}),
    ("comments alone throw the message away", {".qmail": "# nothing\n"}, "", OK, DONE, {"inbox": 0}),
    ("the extension's own file", {".qmail-a": "./a\n", ".qmail-default": "./d\n"}, "-a", OK, DELIVERED, {"a": "^From sender@", "d": None}),
    ("letters in lower case", {".qmail-a": "./a\n"}, "-A", OK, DELIVERED, {"a": "^From sender@"}),
    ("dots are colons", {".qmail-a:b": "./a\n"}, "-a.b", OK, DELIVERED, {"a": "^From sender@"}),
    ("-default of its beginning", {".qmail-a-default": "./a\n", ".qmail-default": "./d\n"}, "-a-b", OK, DELIVERED, {"a": "^From", "d": None}),
    ("the longest beginning", {".qmail-a-default": "./a\n", ".qmail-a-b-default": "./b\n"}, "-a-b-c", OK, DELIVERED, {"b": "^From", "a": None}),
    ("its own before its -default", {".qmail-a-default": "./d\n", ".qmail-a": "./a\n"}, "-a", OK, DELIVERED, {"a": "^From", "d": None}),
    ("-default of everything", {".qmail-default": "./d\n"}, "-a-b", OK, DELIVERED, {"d": "^From"}),
    ("-default not for the plain address", {".qmail-default": "./d\n"}, "", OK, DELIVERED, {"inbox": 1, "d": None}),
    ("neither", {".qmail-b": "./b\n"}, "-a", NOBODY_THERE, None, {"inbox": 0}),
    ("a plain .qmail is not for extensions", {".qmail": "./b\n"}, "-a", NOBODY_THERE, None, {}),
    ("a directory is no file", {".qmail-a/": "", ".qmail-default": "./d\n"}, "-a", OK, DELIVERED, {"d": "^From"}),
    ("another separator, the same files", {".qmail-a-default": "|echo $LOCAL $EXT $DEFAULT >seen\n"}, "+a-B.c", MAY, DONE, {"seen": "USER+a-B.c a-B.c B.c\n"}),
    ("an extension named like a path", {".qmail-default": "|echo $EXT >seen\n"}, "-../../x", MAY, DONE, {"seen": "../../x\n"}),
    # ---- safety
    ("home can be written by others", {"home": 0o702, ".qmail": "./a\n"}, "", rules("home directory can be written by others"), None, {"a": None}),
    ("home can be written by the group", {"home": 0o720, ".qmail": "./a\n"}, "", rules("home directory can be written by others"), None, {"a": None}),
    ("home is sticky", {"home": 0o1700, ".qmail": "./a\n"}, "", rules("home directory is sticky, its rules are being changed"), None, {"a": None}),
    ("home can be written by others, nobody there", {"home": 0o702, ".qmail-b": "./a\n"}, "-a", rules("home directory can be written by others"), None, {}),
    ("the file can be written by others", {".qmail": ("./a\n", 0o602)}, "", rules("rules file can be written by others"), None, {"a": None}),
    ("by the group: as with qmail", {".qmail": ("./a\n", 0o620)}, "", OK, DELIVERED, {"a": "^From"}),
    ("the file cannot be read", {".qmail": ("./a\n", 0)}, "", "451 4.3.5 rules of the recipient not readable now", None, {"a": None}),
    ("too long", {".qmail": "#" * ((1 << 20) + 1)}, "", rules("rules file is too long"), None, {}),
    ("the first line is blank", {".qmail": "\n./a\n"}, "", rules("first line of rules file is blank"), None, {"a": None}),
    ("the first line is blanks", {".qmail": " \t\n./a\n"}, "", rules("first line of rules file is blank"), None, {"a": None}),
    ("another blank line is nothing", {".qmail": "#\n\n  \n./a\n"}, "", OK, DELIVERED, {"a": "^From"}),
    ("x: forwards", {".qmail": ("&a@remote.test\n", 0o700)}, "", OK, SENT, {"sent": ["a"]}),
    ("x: no program", {".qmail": ("&a@remote.test\n|true\n", 0o700)}, "", rules("rules file has a program but is for forwards only"), None, {"sent": []}),
    ("x: no mailbox", {".qmail": ("./a\n", 0o700)}, "", rules("rules file has a mailbox but is for forwards only"), None, {"a": None}),
    ("x: no Maildir", {".qmail": ("./a/\n", 0o700)}, "", rules("rules file has a mailbox but is for forwards only"), None, {"a": None}),
    ("+list: as x from there on", {".qmail": "+list\na@remote.test\n|true\n"}, "", rules("rules file has a program but is for forwards only"), None, {}),
    ("a program before +list", {".qmail": "|echo >ran\n+list\na@remote.test\n"}, "", MAY, DONE, {"ran": "\n", "sent": ["a"]}),
    ("other lines with + are nothing", {".qmail": "+other\n./a\n"}, "", OK, DELIVERED, {"a": "^From"}),
    # ---- mailboxes
    ("an mbox", {".qmail": "./a\n"}, "", OK, DELIVERED, {"a": r"^From sender@remote\.test \w{3} \w{3} [ 123]\d \d\d:\d\d:\d\d \d{4}\nReturn-Path: <sender@remote\.test>\n"
        r"Delivered-To: USER@example\.test\nSubject: x\nFrom: a@b\.test\n\n>From here on\n>>From there\nend\n\n\Z", "mode a": 0o600, "a.lock": None}),
    ("appended to what is there", {".qmail": "./a\n", "a": "x\n\n"}, "", OK, DELIVERED, {"a": r"^x\n\nFrom sender@"}),
    ("with a line end of its own", {".qmail": "./a\n", "a": "x"}, "", OK, DELIVERED, {"a": r"^x\n\nFrom sender@"}),
    ("by an absolute path", {".qmail": "HOME/a\n"}, "", OK, DELIVERED, {"a": "^From"}),
    ("in a directory that is not there", {".qmail": "./no/a\n"}, "", OK, "451 4.2.0 mailbox not accessible now", {}),
    ("no file but a directory", {".qmail": "./a\n", "a/": ""}, "", OK, "451 4.2.0 mailbox not accessible now", {}),
    ("no file but a fifo", {".qmail": "./a\n", "a|": ""}, "", OK, "451 4.2.0 mailbox not accessible now", {}),
    ("a lock file that nobody touches", {".qmail": "./a\n", "a.lock": ("", 0o600, 700)}, "", OK, DELIVERED, {"a": "^From", "a.lock": None}),
    ("a Maildir", {".qmail": "./m/\n"}, "", OK, DELIVERED, {"m/new": 1, "inbox": 0}),
    ("a Maildir in a directory that is not there", {".qmail": "./no/m/\n"}, "", OK, "451 4.2.0 mailbox not accessible now", {}),
    ("the account's own", {".qmail": "./Maildir/\n"}, "", OK, DELIVERED, {"inbox": 1}),
    ("one of its folders", {".qmail": "./Maildir/.x/\n", "Maildir/.x/cur/": "", "Maildir/.x/new/": "", "Maildir/.x/tmp/": ""}, "", OK, DELIVERED, {"Maildir/.x/new": 1}),
    ("blanks at the end of a line", {".qmail": "./a \t\n./m/  \n"}, "", OK, DELIVERED, {"a": "^From", "m/new": 1}),
    ("no line end", {".qmail": "./a"}, "", OK, DELIVERED, {"a": "^From"}),
    # ---- forwards
    ("an address", {".qmail": "&a@remote.test\n"}, "", OK, SENT, {"sent": ["a"], "from": "sender@remote.test", "inbox": 0}),
    ("a bare one", {".qmail": "a@remote.test\n"}, "", OK, SENT, {"sent": ["a"]}),
    ("a name is one of the same domain", {".qmail": "&b\n"}, "", OK, SENT, {"sent": ["b"]}),
    ("many, together", {".qmail": "a@remote.test\nb@remote.test\n&c@remote.test\n"}, "", OK, SENT, {"sent": ["a", "b", "c"], "one": 1}),
    ("and a mailbox", {".qmail": "a@remote.test\n./a\n"}, "", OK, DELIVERED, {"sent": ["a"], "a": "^From"}),
    ("one of two is refused", {".qmail": "a@remote.test\nbad@remote.test\n"}, "", OK, SENT, {"sent": ["a"]}),
    ("the only one is refused", {".qmail": "bad@remote.test\n"}, "", OK, "550 5.7.1 forwarding refused", {"sent": []}),
    ("refused beside a mailbox", {".qmail": "./a\nbad@remote.test\n"}, "", OK, DELIVERED, {"a": "^From"}),
    ("the only one fails for a time: tried again", {".qmail": "busy@remote.test\n"}, "", OK, "451 4.4.1 cannot forward now", {"sent": [], "spooled": []}),
    ("it fails beside a mailbox: the spool has it", {".qmail": "./a\nbusy@remote.test\n"}, "", OK, "250 2.0.0 accepted, in part waiting in the spool", {"a": "^From", "spooled": ["busy"]}),
    ("it fails beside another: the same", {".qmail": "a@remote.test\nbusy@remote.test\n"}, "", OK, "250 2.0.0 accepted, in part waiting in the spool", {"sent": ["a"], "spooled": ["busy"]}),
    ("no address", {".qmail": "&@\n./a\n"}, "", OK, DELIVERED, {"a": "^From"}),
    ("a control character in one", {".qmail": "&a\x01@remote.test\n"}, "", OK, rules("address in rules file cannot be used"), {}),
    # ---- owners
    ("-owner", {".qmail-l": "a@remote.test\n", ".qmail-l-owner": ""}, "-l", OK, SENT, {"sent": ["a"], "from": "USER-l-owner@example.test"}),
    ("-owner of the plain address", {".qmail": "a@remote.test\n", ".qmail-owner": ""}, "", OK, SENT, {"from": "USER+owner@example.test"}),
    ("-owner and -owner-default: a sender each", {".qmail-l": "a@remote.test\n\"b c\"@other.test\n", ".qmail-l-owner": "", ".qmail-l-owner-default": ""}, "-l", OK, SENT,
        {"sent": ["a", "\"b c\""], "froms": ["USER-l-owner-a=remote.test@example.test", "\"USER-l-owner-b c=other.test\"@example.test"]}),
    ("-owner-default alone is nothing", {".qmail-l": "a@remote.test\n", ".qmail-l-owner-default": ""}, "-l", OK, SENT, {"from": "sender@remote.test"}),
    ("a bounce keeps its sender", {".qmail-l": "a@remote.test\n", ".qmail-l-owner": "", "sender": ""}, "-l", OK, SENT, {"from": ""}),
    # ---- programs
    ("a program", {".qmail": "|cat >a\n"}, "", MAY, DONE, {"a": "Subject: x\nFrom: a@b.test\n\nFrom here on\n>From there\nend\n", "inbox": 0}),
    ("which may read it twice", {".qmail": "|exec 3<&0; wc -c; python3 -c 'import os; os.lseek(3,0,0)' && wc -l <&3 >a\n"}, "", MAY, DONE, {"a": "6\n"}),
    ("each gets it from its beginning", {".qmail": "|cat >a\n|wc -l >b\n"}, "", MAY, DONE, {"b": "6\n"}),
    ("it has neither channel nor file of ours", {".qmail": "|ls /proc/self/fd >a\n"}, "", MAY, DONE, {"a": "0\n1\n2\n3\n"}),
    ("it may write into its input", {".qmail": "|echo >&0; exit 0\n|cat >a\n"}, "", MAY, DONE, {"a": "^Subject"}),
    ("99 passes over the rest, not the forwards before", {".qmail": "a@remote.test\n|exit 99\n./a\nb@remote.test\n"}, "", MAY, DONE, {"a": None, "sent": ["a"]}),
    ("100 refuses, in its words", {".qmail": "./a\na@remote.test\n|echo go away; echo please >&2; exit 100\n./b\n"}, "", MAY, "550-5.3.0 go away\n550 5.3.0 please", {"a": "^From", "b": None, "sent": []}),
    ("111 fails for a time, in its words", {".qmail": "a@remote.test\n|echo later; exit 111\n./b\n"}, "", MAY, temporary("later"), {"b": None, "sent": []}),
    ("it kills itself", {".qmail": "|kill -9 $$\n"}, "", MAY, temporary(), {"log": "event=program .*signal=9"}),
    ("it cannot be found", {".qmail": "|/no/such/program\n"}, "", MAY, "^451 4.3.0 .*not found", {}),
    ("it fills its output", {".qmail": "|yes 0123456789 | head -c 300000; exit 100\n"}, "", MAY, "^550-5.3.0 0123456789\n", {}),
    ("it writes rubbish", {".qmail": "|printf 'a\\000b\\n\\033[1m\\377\\n'; exit 100\n"}, "", MAY, "^550", {}),
    ("its group and signals are its own", {".qmail": "|ps -o pgid=,sid= -p $$ >a; grep SigIgn /proc/$$/status >b\n"}, "", MAY, DONE, {"a": r"^ *(\d+) +\1\n", "b": "^SigIgn:\t0+\n"}),
    ("limits", {".qmail": "|ulimit -c >a; ulimit -n >>a; ulimit -v >>a\n"}, "", MAY, DONE, {"a": "0\n256\n1048576\n"}),
    ("umask 077", {".qmail": "|umask >a\n"}, "", MAY, DONE, {"a": "0077\n"}),
    ("a child that stays holds nobody up", {".qmail": "|(sleep 60) & echo $! >a\n"}, "", MAY, DONE, {"stays": "a"}),
    ("a child that closes nothing", {".qmail": "|sleep 60 </dev/null & echo $! >a; exit 0\n"}, "", MAY, DONE, {"stays": "a"}),
    ("the null sender", {".qmail": "|printf %s \"$SENDER.$UFLINE\" >a\n", "sender": ""}, "", MAY, DONE, {"a": "^\\.From MAILER-DAEMON "}),
    ("it kills its worker: what was done is done, nothing is sent", {".qmail": "./a\nx@remote.test\n|kill -9 $PPID; sleep 60\n"}, "", MAY, "451 4.3.0 delivery broke off",
        {"a": "^From", "sent": [], "log": "event=worker-died user=USER@example.test status=9"}),
    # ---- a relay that breaks off
    ("before it has anything", {".qmail": "gone@remote.test\n"}, "", OK, "451 4.4.1 cannot forward now", {"sent": [], "spooled": []}),
    ("beside a mailbox", {".qmail": "gone@remote.test\n./a\n"}, "", OK, "250 2.0.0 accepted, in part waiting in the spool", {"a": "^From", "spooled": ["gone"]}),
    ("neither relay nor spool", {".qmail": "lost@remote.test\n./a\n"}, "", OK, "451 4.4.1 cannot forward now", {"a": "^From", "spooled": []}),
    ("neither for one of two: the other has it", {".qmail": "a@remote.test\nlost@remote.test\n"}, "", OK, "451 4.4.1 cannot forward now", {"sent": ["a"], "spooled": []}),
    # ---- loops
    ("it was here before", {".qmail": "a@remote.test\n", "message": "Delivered-To: USER@example.test\r\n\r\nx\r\n"}, "", OK, "554 5.4.6 message has been here before, loop", {"sent": []}),
    ("also where only mailboxes are", {".qmail": "./a\n", "message": "delivered-to:  USER@Example.test\r\n\r\nx\r\n"}, "", OK, "554 5.4.6 message has been here before, loop", {"a": None}),
    ("not where there is no file for the address", {".qmail-b": "a@remote.test\n", "message": "Delivered-To: USER@example.test\r\n\r\nx\r\n"}, "", OK, DELIVERED, {"inbox": 1}),
    ("for another extension it was not", {".qmail-b": "a@remote.test\n", "message": "Delivered-To: USER-a@example.test\r\n\r\nx\r\n"}, "-b", OK, SENT, {"sent": ["a"]}),
]
for code in (0, 1, 2, 63, 64, 65, 66, 69, 70, 71, 75, 76, 77, 78, 79, 99, 100, 101, 111, 112, 127, 255):
    wanted = DONE if code in (0, 99) else permanent() if code in (64, 65, 70, 76, 77, 78, 100, 112) else temporary()
    CASES.append((f"exit {code}", {".qmail": f"|exit {code}\n./a\n"}, "", MAY, DELIVERED if code == 0 else wanted, {"a": "^From" if code == 0 else None}))

users = [f"u{n}" for n in range(len(CASES))]
i = Instance(users="".join(f"{u}@example.test: x\n" for u in users) + "env@example.test: x::::::\nhang@example.test: x\nloud@example.test: x\nleave@example.test: x\ndies@example.test: x\nlocked@example.test: x\nplain@example.test: x\n", subaddress="+-\n")
relay, spool = Peer(i, "relay", {"bad": "550 no", "busy": "450 later", "gone": "close", "lost": "450 no"}), Peer(i, "spool", {"lost": "close"})


def write(home, name, text):
    mode = 0o600
    old = 0
    if isinstance(text, tuple):
        text, mode, *rest = text
        old = rest[0] if rest else 0
    path = os.path.join(home, name)
    if name.endswith("/"):
        os.makedirs(path, 0o700, exist_ok=True)
        return
    if name.endswith("|"):
        os.mkfifo(path[:-1])
        return
    with open(path, "w", encoding="latin-1") as f:
        f.write(text.replace("HOME", home))
    os.chmod(path, mode)
    if old:
        then = os.stat(path).st_mtime - old
        os.utime(path, (then, then))


def set_up(user, files):
    home = i.path("mail/example.test", user)
    os.makedirs(home, 0o700)
    for name, text in files.items():
        if name not in ("home", "sender", "message"):
            write(home, name, text)
    os.chmod(home, files.get("home", 0o700))
    return home


def matches(got, wanted, user):
    if wanted is None or got is None:
        return got is wanted
    if wanted.startswith("^"):
        return re.search(wanted.replace("USER", user), got, re.S)
    return got == wanted.replace("USER", user)


def content(path):
    try:
        with open(path, encoding="latin-1") as f:
            return f.read()
    except OSError:
        return None


def ends(pid):
    """Waits for the end of a process."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    done = select.select([fd], [], [], LIMIT)[0]
    os.close(fd)
    return bool(done)


def local_part(rcpt):
    return re.search(r"<(.*)@", rcpt)[1]


def sender(m):
    return re.search("<(.*)>", m["mail"])[1]


def look(user, home, wanted, sent, spooled, log):
    """What is wrong with what is there."""
    wrong = []
    for key, value in wanted.items():
        if key == "inbox":
            got, fits = len(i.messages(user)), len(i.messages(user)) == value
        elif key.endswith("/new"):
            got = len(os.listdir(os.path.join(home, key)))
            fits = got == value
        elif key in ("sent", "spooled"):
            got = [local_part(r) for m in (sent if key == "sent" else spooled) for r in m["rcpts"]]
            fits = got == value
        elif key == "one":
            got, fits = len(sent), len(sent) == value
        elif key in ("from", "froms"):
            got = [sender(m) for m in sent]
            fits = got == [v.replace("USER", user) for v in ([value] if key == "from" else value)]
        elif key == "log":
            got, fits = log, re.search(value.replace("USER", user), log)
        elif key == "stays":
            pid = int(content(os.path.join(home, value)))
            got = os.path.exists(f"/proc/{pid}")
            fits = got
            os.kill(pid, 9)
        elif key.startswith("mode "):
            got = stat.S_IMODE(os.stat(os.path.join(home, key[5:])).st_mode)
            fits = got == value
        else:
            got = content(os.path.join(home, key))
            fits = matches(got, value, user)
        if not fits:
            wrong.append(f"{key}: {got!r}\nwanted {value!r}")
    for m in sent:
        if not m["body"].startswith(f"Delivered-To: {user}"):
            wrong.append("a copy without Delivered-To: " + m["body"])
    return wrong


homes = [set_up(u, case[1]) for u, case in zip(users, CASES)]
i.own(i.path("mail"))
c = Client(i)
for user, home, (name, files, ext, at_rcpt, at_end, wanted) in zip(users, homes, CASES):
    before = len(relay.messages), len(spool.messages), len(i.log())
    got = c.mail([f"{user}{ext}@example.test"], sender=files.get("sender", "sender@remote.test"))[0]
    replies, expected = [got], [at_rcpt]
    if got.startswith("250"):
        replies += c.data(files.get("message", BODY).replace("USER", user), 1)
        expected += [at_end]
    else:
        c.cmd("RSET")
    wrong = [f"reply {g!r}\nwanted {w!r}" for g, w in zip(replies, expected) if not matches(g, w, user)]
    wrong += ["no second reply"] if len(replies) == 1 and at_end else []
    wrong += look(user, home, wanted, relay.messages[before[0]:], spool.messages[before[1]:], i.log()[before[2]:])
    tap.ok(not wrong, name, "\n".join(wrong))

# ---- the environment, exactly
env_home = set_up("env", {".qmail-list-default": "|env >seen\n", ".qmail-list-a-owner": "", ".qmail-x": "|env >seen2\n"})
i.own(env_home)
tap.eq([c.deliver(["env-List-A@example.test"], sender='"a b"@remote.test'), c.deliver(["env-x@example.test"])], [[DONE], [DONE]], "programs that show theirs")
ours = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "HOME": env_home, "USER": "env", "LOGNAME": "env", "SHELL": "/bin/sh", "PWD": env_home}
text = content(os.path.join(env_home, "seen"))
uf = re.search('UFLINE=From "a-b"@remote.test .*\n', text)
tap.ok(uf, "UFLINE, blanks as dashes", text)
got = dict(line.split("=", 1) for line in text.replace(uf[0] if uf else "", "").split("\n") if "=" in line)
got.pop("_", None), got.pop("OLDPWD", None), got.pop("SHLVL", None)
tap.eq(got, dict(ours, SENDER='"a b"@remote.test', NEWSENDER="env-List-A-owner@example.test", LOCAL="env-List-A", HOST="example.test", HOST2="example", HOST3="example",
                 HOST4="example", EXT="List-A", EXT2="A", EXT3="", EXT4="", DEFAULT="A", RECIPIENT="env-List-A@example.test",
                 DTLINE="Delivered-To: env-List-A@example.test", RPLINE='Return-Path: <"a b"@remote.test>'), "all of the environment")
tap.ok("DEFAULT=" not in content(os.path.join(env_home, "seen2")), "no DEFAULT where the file has the extension's own name")
tap.ok(text.count("\n\n") >= 2, "DTLINE, RPLINE and UFLINE end with a line end", text)

# ---- an account without rules is as before, also when the rules come later
plain = set_up("plain", {})
i.own(plain)
tap.eq(c.mail(["plain-x@example.test"]), [OK], "without rules an extension is a folder")
tap.eq(c.data(BODY, 1), [DELIVERED], "or INBOX")
write(plain, ".qmail-default", "./d\n")
i.own(plain)
tap.eq(c.deliver(["plain-x@example.test"]), [DELIVERED], "rules that come meanwhile")
tap.like(content(os.path.join(plain, "d")), "^From", "count from the next message on")
os.unlink(os.path.join(plain, ".qmail-default"))
tap.eq(c.deliver(["plain-x@example.test"]), [DELIVERED], "and when they go")
tap.eq(len(i.messages("plain")), 2, "it is as before")
i.put("rules", "none\n")
write(plain, ".qmail-default", "./e\n")
i.own(plain)
tap.eq(c.quit(), 0, "exit 0")
c = Client(i)
tap.eq(c.deliver(["plain-x@example.test"]), [DELIVERED], "rules: none")
tap.eq((content(os.path.join(plain, "e")), len(i.messages("plain"))), (None, 3), "nobody looks for them")
tap.eq(c.quit(), 0, "exit 0")

# ---- the parent dies between the copies and the forwards: the next try does all of it, so a copy is doubled, and no forward
i.put("rules", "qmail\n")
dies = set_up("dies", {".qmail": "./a\nx@remote.test\n|test -e died || { touch died; kill -9 $(ps -o ppid= -p $PPID); }\n"})
i.own(dies)
before = len(relay.messages)
c = Client(i)
c.mail(["dies@example.test"])
tap.eq(c.data(BODY, 1), ["451 4.3.0 delivery broke off"], "the parent dies: 451")
c.process.wait(LIMIT)
c = Client(i)
tap.eq(c.deliver(["dies@example.test"], message=BODY), [DELIVERED], "the next try is good")
tap.eq((content(os.path.join(dies, "a")).count("Subject: x"), len(relay.messages) - before), (2, 1), "two copies, one forward")
tap.eq(c.quit(), 0, "exit 0")

# ---- what hangs is ended, with all that it has started
i.put("rule-program-seconds", "3\n")
hang = set_up("hang", {".qmail": "|trap '' TERM HUP; echo $$ >pids; sleep 61 & echo $! >>pids; sleep 62\n"})
loud = set_up("loud", {".qmail": "|while :; do echo x; done\n"})
leave = set_up("leave", {".qmail": "|sleep 63 & echo $! >later\n"})
i.own(hang, loud, leave)
c = Client(i)
replies = c.deliver(["hang@example.test", "loud@example.test", "leave@example.test"])
tap.ok(replies[0] == temporary() and replies[1].startswith("451-4.3.0 x\n") and replies[2] == DONE, "programs that do not end", replies)
later = content(os.path.join(leave, "later"))
for pid in content(os.path.join(hang, "pids")).split():
    tap.ok(ends(int(pid)), "killed with its children")
tap.ok(ends(int(later)), "what stays in the background ends at the deadline")
tap.like(i.log(), "event=program .*reason=deadline", "the log says so")
tap.eq(c.quit(), 0, "exit 0")
got = i.run("-c", "hang@example.test")
tap.eq(got[0], 0, "by hand")
i.put("delivery-seconds", "3\n")
locked = set_up("locked", {".qmail": "./a\n", "a.lock": ""})
i.own(locked)
c = Client(i)
tap.like(c.deliver(["locked@example.test"])[0], r"^451 4\.(2\.0|3\.2) ", "an mbox that another has locked for too long")
tap.eq((content(os.path.join(locked, "a")), content(os.path.join(locked, "a.lock"))), (None, ""), "nothing is written, the lock is left to its owner")
tap.eq(c.quit(), 0, "exit 0")
i.put("rules", "qmail oddity\n")
tap.eq((i.run("-c", "hang@example.test")[0], "etc/rules" in i.run("-c", "hang@example.test")[2]), (100, True), "a kind of rules that there is not")
i.done()
tap.done()
