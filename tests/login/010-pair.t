#!/usr/bin/env python3
"""The login pair: three kinds of checkpassword programs, time, signals, a child in a stranger's hands,
what is left in whom."""
import os, re, signal, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from loginpair import *

IMAP = ("imap-login", CHECK)

for kind in "plain", "closes", "forks":
    with Instance(login_delay=0) as i, Login(i, *IMAP, kind, SESSION) as c:
        c.line()
        same(f"{kind}: refused", c.ask(b"a LOGIN alice x\r\n"),
             b"a NO [AUTHENTICATIONFAILED] Login name or password is wrong\r\n")
        same(f"{kind}: fails", c.ask(b"b LOGIN temp secret\r\n")[:18], b"b NO [UNAVAILABLE]")
        begin = time.monotonic()
        line = c.ask(b"c LOGIN alice secret\r\nfirst\r\nsecond\r\n")
        ok(line.startswith(b"c OK LOGIN USER=alice"), f"{kind}: the session answers the login", line)
        same(f"{kind}: what was pipelined comes first", c.line() + c.line(), b"echo first\r\necho second\r\n")
        ok(c.logged("event=login user=alice"), f"{kind}: the login is in the log", c.log())
        ok(wait_for(lambda: len(c.children()) == 1), f"{kind}: the child that talked is gone", c.children())
        same(f"{kind}: the session's last words", c.ask(b"EXIT 5\r\n"), b"echo EXIT 5\r\n")
        same(f"{kind}: its exit code is the login program's", c.exit(), 5)
    with Instance(login_delay=0) as i, Login(i, *IMAP, kind, SESSION) as c:
        c.line()
        c.ask(b"c LOGIN alice secret\r\n")
        c.process.send_signal(signal.SIGTERM)
        same(f"{kind}: TERM reaches the session", c.exit(), 7)
        same(f"{kind}: the connection ends", c.line(), b"")

# The real sessions, behind all three.
for kind in "plain", "closes", "forks":
    with Instance() as i, Login(i, "pop3-login", CHECK, kind, "pop3") as c:
        c.line()
        c.send(b"USER alice\r\nPASS secret\r\nSTAT\r\nQUIT\r\n")
        same(f"{kind}: pop3", [c.line() for _ in range(5)], [b"+OK Now the password\r\n", b"+OK Logged in\r\n",
             b"+OK 0 0\r\n", b"+OK Bye\r\n", b""])
        same(f"{kind}: pop3 ends", c.exit(), 0)

# A session that never reports but lives counts as running after a second.
with Instance() as i, Login(i, *IMAP, "plain", SESSION) as c:
    c.line()
    begin = time.monotonic()
    line = c.ask(b"a LOGIN silent secret\r\nnext\r\n")
    ok(line.startswith(b"a OK LOGIN USER=silent"), "a session without a report works", line)
    same("with its input", c.line(), b"echo next\r\n")
    ok(c.logged("event=login user=silent"), "and is running to the parent", c.log())
    ok(0.9 < time.monotonic() - begin < 60, "after a second")
    same("its code", (c.ask(b"EXIT 9\r\n"), c.exit())[1], 9)

# A session behind a program that closed the descriptor may have ended within the second.
with Instance() as i, Login(i, *IMAP, "quick", SESSION) as c:
    c.line()
    same("exit 0 without a report counts as a session that has been", c.ask(b"a LOGIN alice secret\r\n"), b"")
    same("with its code", c.exit(), 0)

# Refusals are delayed, more each time; pipelined guesses are not faster.
with Instance(login_delay=100) as i, Login(i, *IMAP, "plain", SESSION) as c:
    c.line()
    times = [time.monotonic()]
    c.send(b"".join(b"%d LOGIN alice x\r\n" % n for n in range(4)))
    for n in range(4):
        c.line()
        times.append(time.monotonic())
    gaps = [b - a for a, b in zip(times, times[1:])]
    # Each reply against the beginning: when the one before it was read says nothing.
    ok(all(t - times[0] >= 0.1 * (2**n - 1) for n, t in enumerate(times)), "refusals are delayed, more each time", gaps)
    ok(sum(gaps) < 60, "but not for ever", gaps)

# checkpassword's limit: login, password and timestamp with their NULs are 512 octets.
with Instance(login_delay=0) as i, Login(i, *IMAP, "plain", SESSION) as c:
    c.line()
    for size, word in ((504, "at"), (505, "over")):
        same(f"{word} 512 octets", c.ask(b"a LOGIN alice " + b"x" * size + b"\r\n")[:28],
             b"a NO [AUTHENTICATIONFAILED] ")
    same("a login of 256 octets", c.ask(b"a LOGIN " + b"x" * 256 + b" secret\r\n")[:28],
         b"a NO [AUTHENTICATIONFAILED] ")
    same("the program was asked only where it may be", len(re.findall("event=refused", c.log())), 3)

# Limits of a line, each with its reply; the connection goes on.
with Instance(login_delay=0) as i, Login(i, *IMAP, "plain", SESSION) as c:
    c.line()
    same("a line too long", c.ask(b"a " + b"x" * 12800 + b"\r\n"), b"* BAD [TOOBIG] Command line too long\r\n")
    same("the longest line", c.ask(b"a NOOP" + b"x" * 12790 + b"\r\n"), b"a BAD No such command before login\r\n")
    same("a large literal that was sent already is passed over",
         c.ask(b"a LOGIN {60000+}\r\n" + b"b LOGOUT\r\n" * 6000 + b" {7+}\r\nc LOGOU x\r\n"),
         b"a NO [TOOBIG] Literal too large\r\n")
    same("literals that do not fit together", c.ask(b"a ID (" + b"{1000+}\r\n" + b"x" * 1000 + b" {1000+}\r\n"
         + (b"x" * 1000 + b" {1000+}\r\n") * 12 + b"x" * 1000 + b")\r\n"), b"a NO [TOOBIG] Literal too large\r\n")
    same("an exchange line too long", c.ask(b"a AUTHENTICATE PLAIN\r\n"), b"+ \r\n")
    same("has its reply", c.ask(b"A" * 12292 + b"\r\n"), b"a BAD Authentication exchange line too long\r\n")
    same("and then", c.ask(b"z NOOP\r\n"), b"z OK NOOP completed\r\n")
with Instance(login_delay=0) as i, Login(i, "pop3-login", CHECK, "plain", SESSION) as c:
    c.line()
    same("POP3: a line too long", c.ask(b"x" * 3000 + b"\r\n"), b"-ERR Line too long\r\n")
    same("POP3: an exchange line too long", c.ask(b"AUTH PLAIN\r\n"), b"+ \r\n")
    same("has its reply", c.ask(b"A" * 12292 + b"\r\n"), b"-ERR Authentication exchange line too long\r\n")
    same("POP3: a name too long", c.ask(b"USER " + b"x" * 256 + b"\r\n"),
         b"-ERR [AUTH] Login name or password is wrong\r\n")
with Instance(login_delay=0) as i, Login(i, *IMAP, "plain", SESSION) as c:
    c.line()
    for n in range(99):
        c.ask(b"a NOOP\r\n")
    same("the last command before login", c.ask(b"a NOOP\r\n") + c.line(),
         b"a OK NOOP completed\r\n* BYE Too many commands before login\r\n")

# The most that can be pipelined behind a login comes through whole, NULs and all.
with Instance() as i, Login(i, *IMAP, "plain", SESSION) as c:
    c.line()
    big = b"\0" + b"y" * 16000
    c.send(b"a LOGIN alice secret\r\n" + big + b"\r\n")
    c.line()
    same("pipelined in bulk", c.line(), b"echo " + big + b"\r\n")

# Who has what while the client is not logged in.
with Instance() as i, Login(i, *IMAP, "plain", SESSION) as c:
    c.line()
    parent, (child,) = c.process.pid, c.children()
    fds = lambda pid: {int(n): os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
    if os.geteuid() == 0:  # neither is dumpable, so nobody else may look
        wait_for(lambda: fds(parent)[0] == "/dev/null")
        ours = fds(parent)
        same("the parent does not hold the connection", (ours[0], ours[1]), ("/dev/null", "/dev/null"))
        theirs = fds(child)
        ok(sorted(theirs)[:3] == [0, 1, 2] and len(theirs) == 4 and all(
            v.startswith("socket:") for n, v in theirs.items() if n != 2), "the child has connection, log, one socket", theirs)
    status = dict(l.split(":\t", 1) for l in open(f"/proc/{child}/status").read().splitlines() if ":\t" in l)
    same("no new privileges", status["NoNewPrivs"], "1")
    same("a seccomp filter", status["Seccomp"], "2")
    if os.geteuid() == 0:
        same("uid of the environment", status["Uid"].split(), ["12345"] * 4)
        same("gid of the environment", status["Gid"].split(), ["12345"] * 4)
        same("groups of the environment", status["Groups"].split(), ["12345"])
        same("no capabilities", (int(status["CapPrm"], 16), int(status["CapEff"], 16)), (0, 0))
    # A stranger in the child can only end it.
    os.kill(child, signal.SIGKILL)
    same("a crash of the child", c.exit(), 111)
    ok("event=parser-crash signal=9" in c.log(), "is in the log", c.log())
    same("and is the connection's end", c.line(), b"")

# Without UID root parses nothing.
if os.geteuid() == 0:
    with Instance() as i, Login(i, *IMAP, "plain", SESSION, UID="0") as c:
        same("root as UID", (c.line(), c.exit()), (b"", 100))
        ok("UID" in c.log(), "is explained", c.log())

# Variables that are the launcher's, or nobody's, reach neither program nor session.
with Instance() as i, Login(i, *IMAP, "plain", SESSION, AUTHORIZED="1", KEYFILE="x", **{"KEYFILE:a": "y"},
                            POSTERN_SESSION_START="evil LOGIN ") as c:
    c.line()
    line = c.ask(b"a LOGIN alice secret\r\n")
    ok(b" bad= " in line and line.startswith(b"a OK"), "the environment is cleaned", line)

# A client that goes away during the check.
with Instance(login_check_timeout=4) as i, Login(i, *IMAP, "plain", SESSION) as c:
    c.line()
    c.send(b"a LOGIN slow secret\r\n")
    ok(wait_for(lambda: len(c.children()) == 2), "the program runs")
    c.socket.close()
    same("a client that is gone", c.exit(), 0)

# TERM during the check.
with Instance() as i, Login(i, *IMAP, "plain", SESSION) as c:
    c.line()
    c.send(b"a LOGIN slow secret\r\n")
    wait_for(lambda: len(c.children()) == 2)
    c.process.send_signal(signal.SIGTERM)
    same("TERM during a check ends all", c.line(), b"")
    same("with the program's signal as its code", c.exit(), 128 + 15)

done()
