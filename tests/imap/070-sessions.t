#!/usr/bin/env python3
"""Several sessions on one folder, foreign programs, IDLE, signals, limits, the way from login."""
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, "tests/lib")
import imapwire
from imapwire import Session, wait_for
from instance import Tap

tap = Tap()
TRIES = 10


class Mail:
    """A Maildir with n messages."""

    def __init__(self, n=3):
        self.dir = tempfile.mkdtemp(prefix="imap-sessions.")
        self.box = self.dir + "/Maildir"
        for sub in ("cur", "new", "tmp", ".to/cur", ".to/new", ".to/tmp"):
            os.makedirs(f"{self.box}/{sub}")
        for i in range(1, n + 1):
            self.put(f"cur/{i}.x:2,", f"Subject: {i}\n\nbody {i}\n")

    def put(self, name, text):
        with open(f"{self.box}/tmp/x", "w", encoding="ascii") as f:
            f.write(text)
        os.rename(f"{self.box}/tmp/x", f"{self.box}/{name}")

    def session(self, select="SELECT INBOX", **more):
        s = Session(["imap"], MAILDIR=self.box, POSTERN_DIR=self.dir, TZ="UTC", **more)
        if select:
            s.ok(select)
        return s

    def name(self, base):
        return next(n for n in os.listdir(self.box + "/cur") if n.startswith(base + ".x"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}\nwanted {want!r}")


def flags_travel():
    with Mail() as m, m.session() as a, m.session() as b:
        equal(a.ok(r"STORE 2 +FLAGS (\Flagged $Work)")[-1], rb"* 2 FETCH (FLAGS (\Flagged $Work))")
        equal(b.ok("NOOP")[-1], rb"* 2 FETCH (FLAGS (\Flagged $Work))")
        # What one changed itself silently is not told to it, only to the others.
        equal(a.ok(r"UID STORE 1 FLAGS.SILENT (\Seen)"), [])
        equal(a.ok("NOOP"), [])
        equal(b.ok("UID FETCH 3 UID"), [b"* 3 FETCH (UID 3)", rb"* 1 FETCH (UID 1 FLAGS (\Seen))"])


def expunge_waits():
    """RFC 3501 7.4.1 and 5.5: no EXPUNGE while FETCH, STORE or SEARCH uses sequence numbers."""
    with Mail() as m, m.session() as a, m.session() as b:
        a.ok(r"STORE 1 FLAGS.SILENT (\Deleted)")
        equal(a.ok("EXPUNGE"), [b"* 1 EXPUNGE"])
        equal([r for r in b.ok("FETCH 3 UID") if b"EXPUNGE" in r], [])
        equal([r for r in b.ok("SEARCH ALL") if b"EXPUNGE" in r], [])
        equal([r for r in b.ok(r"STORE 3 FLAGS.SILENT (\Seen)") if b"EXPUNGE" in r], [])
        untagged, tagged = b.command("FETCH 1:2 BODY.PEEK[TEXT]")
        equal(untagged, [b"* 2 FETCH (BODY[TEXT] {8}\r\nbody 2\r\n)"])
        equal(tagged, b"NO [EXPUNGEISSUED] FETCH: some of the messages no longer exist.")
        equal(b.command(r"STORE 1 FLAGS (\Seen)")[1][:20], b"NO [EXPUNGEISSUED] S")
        equal(b.command("COPY 1:2 to")[1][:20], b"NO [EXPUNGEISSUED] C")
        b.ok("NOOP")
        equal(b.ok("FETCH 1:* UID"), [b"* 1 FETCH (UID 2)", b"* 2 FETCH (UID 3)"])


def expunge_told():
    with Mail() as m, m.session() as a, m.session() as b, m.session() as c:
        a.ok(r"STORE 1,3 FLAGS.SILENT (\Deleted)")
        equal(a.ok("EXPUNGE"), [b"* 3 EXPUNGE", b"* 1 EXPUNGE"])
        equal([r for r in b.ok("NOOP") if b"EXPUNGE" in r], [b"* 3 EXPUNGE", b"* 1 EXPUNGE"])
        # The UID forms may tell (RFC 3501 7.4.1).
        equal([r for r in c.ok("UID SEARCH ALL") if b"EXPUNGE" in r], [b"* 3 EXPUNGE", b"* 1 EXPUNGE"])


def recent_shrinks():
    """RFC 3501 7.3.2: RECENT when the size of the mailbox changes."""
    with Mail(1) as m:
        m.put("new/8.x", "Subject: new\n\nx\n")
        m.put("new/9.x", "Subject: new\n\nx\n")
        with m.session() as a:
            a.ok(r"STORE 1:2 +FLAGS.SILENT (\Deleted)")
            equal(a.ok("UID EXPUNGE 1"), [b"* 1 EXPUNGE"])
            equal(a.ok("EXPUNGE"), [b"* 1 EXPUNGE", b"* 1 RECENT"])


def cpu(session):
    """Seconds that the process has worked, however busy the machine is."""
    with open(f"/proc/{session.process.pid}/schedstat", encoding="ascii") as f:
        return int(f.read().split()[0]) / 1e9


def long_commands_stop():
    """TERM, and a client that has left, end a command between two messages."""
    with Mail(0) as m:
        with open(m.box + "/tmp/x", "wb") as f:
            f.write(b"Subject: big\n\n" + b"nothing to be found on this line\n" * 60000)
        for i in range(1, 101):
            os.link(m.box + "/tmp/x", f"{m.box}/cur/{i}.x:2,")
        with m.session() as a:
            start = cpu(a)
            a.ok("SEARCH TEXT missing")
            whole = cpu(a) - start
        for _ in range(TRIES):  # on a busy machine the search may be over before we have done anything
            with m.session() as a:
                a.start("SEARCH TEXT missing")
                a.process.send_signal(signal.SIGTERM)
                if (said := a.response()) == b"* BYE Server shutting down.":
                    break
        equal(said, b"* BYE Server shutting down.")
        for _ in range(TRIES):
            start = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
            with m.session() as a:
                a.start("SEARCH TEXT missing")
                a.process.stdin.close()
                a.process.stdout.close()
                equal(a.process.wait(imapwire.LIMIT), 0)
            if (used := sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - start) < whole / 2:
                break
        equal(used < whole / 2, True)
        # One that sends no more but listens gets its answer.
        build = os.path.abspath(os.environ.get("POSTERN_BUILD", "build"))
        got = subprocess.run([build + "/bin/imap"], input=b"a SELECT INBOX\r\nb SEARCH TEXT missing\r\n", check=True, capture_output=True,
                             env=dict(os.environ, MAILDIR=m.box, POSTERN_DIR=m.dir)).stdout
        equal(b"b OK SEARCH completed." in got, True)


def move_between_sessions():
    with Mail() as m, m.session() as a, m.session("SELECT to") as b:
        untagged = a.ok("MOVE 2 to")
        equal(untagged[1:], [b"* 2 EXPUNGE"])
        equal([r for r in b.ok("NOOP") if b"EXISTS" in r], [b"* 1 EXISTS"])
        equal(b.ok("FETCH 1 BODY.PEEK[TEXT]"), [b"* 1 FETCH (BODY[TEXT] {8}\r\nbody 2\r\n)"])


def foreign_changes():
    """Another program renames (mutt sets a flag), delivers, removes."""
    with Mail() as m, m.session() as a:
        os.rename(f"{m.box}/cur/{m.name('1')}", f"{m.box}/cur/1.x:2,S")
        equal([r for r in a.ok("NOOP") if b"FETCH" in r], [rb"* 1 FETCH (FLAGS (\Seen))"])
        m.put("new/9.x", "Subject: new\n\nx\n")
        equal(a.ok("NOOP"), [b"* 4 EXISTS", b"* 1 RECENT"])
        os.unlink(f"{m.box}/cur/{m.name('2')}")
        equal([r for r in a.ok("NOOP") if b"EXPUNGE" in r], [b"* 2 EXPUNGE"])
        equal(imapwire.fetched(a.ok("FETCH 1:* UID")), {1: {b"UID": b"1"}, 2: {b"UID": b"3"}, 3: {b"UID": b"4"}})
        # Renamed between two looks, and read all the same.
        os.rename(f"{m.box}/cur/{m.name('3')}", f"{m.box}/cur/3.x:2,FS")
        equal(a.ok("FETCH 2 BODY.PEEK[TEXT]")[0], b"* 2 FETCH (BODY[TEXT] {8}\r\nbody 3\r\n)")


def folder_removed():
    with Mail() as m, m.session("SELECT to") as a, m.session() as b:
        b.ok("DELETE to")
        a.start("NOOP")
        equal(a.response(), b"* BYE The selected mailbox was removed or replaced.")


def idle(s):
    tag = s.start("IDLE")
    equal(s.response(), b"+ idling")
    return tag


def idle_tells():
    with Mail() as m, m.session() as a, m.session() as b:
        tag = idle(a)
        b.ok(r"STORE 1 FLAGS.SILENT (\Deleted)")
        equal(a.response(), rb"* 1 FETCH (FLAGS (\Deleted))")
        b.ok("EXPUNGE")
        equal(a.response(), b"* 1 EXPUNGE")
        m.put("new/9.x", "Subject: new\n\nx\n")
        equal([a.response(), a.response()], [b"* 3 EXISTS", b"* 1 RECENT"])
        a.send(b"done\r\n")
        equal(a.finish(tag), ([], b"OK IDLE completed."))
        tag = idle(a)
        a.send(b"NOOP\r\n")
        equal(a.finish(tag)[1], b"BAD IDLE: DONE expected.")
        # Pipelined: the end comes with the beginning.
        a.send(b"x IDLE\r\nDONE\r\ny NOOP\r\n")
        equal([a.response() for _ in range(3)], [b"+ idling", b"x OK IDLE completed.", b"y OK NOOP completed."])
        equal(a.command("IDLE x")[1], b"BAD IDLE: Unexpected text behind the command.")


def removal_stops():
    """TERM ends EXPUNGE and CLOSE between two messages: what is removed is, the rest stays."""
    with Mail(0) as m:
        with open(m.box + "/tmp/x", "w", encoding="ascii") as f:
            f.write("Subject: x\n\n")
        for command in "EXPUNGE", "UID EXPUNGE 1:*", "CLOSE":
            for _ in range(TRIES):  # on a busy machine TERM may come when all is done
                there = set(os.listdir(m.box + "/cur"))
                for i in range(10000):
                    if f"{10000 + i}.x:2,T" not in there:
                        os.link(m.box + "/tmp/x", f"{m.box}/cur/{10000 + i}.x:2,T")
                with m.session() as a:
                    a.start(command)
                    wait_for(lambda: len(os.listdir(m.box + "/cur")) < 10000, "the first removal")
                    a.process.send_signal(signal.SIGTERM)
                    said = a.response()
                    a.process.stdin.close()
                    equal(a.process.wait(imapwire.LIMIT), 0)
                if left := len(os.listdir(m.box + "/cur")):
                    break
            equal(said, b"* BYE Server shutting down.")
            equal(0 < left < 10000, True)


def idle_unselected():
    with Mail() as m, m.session(None) as a:
        tag = idle(a)
        a.send(b"DONE\r\n")
        equal(a.finish(tag)[1], b"OK IDLE completed.")


def terminated():
    with Mail() as m:
        for prepare in (lambda s: None, idle):
            with m.session() as a:
                prepare(a)
                a.process.send_signal(signal.SIGTERM)
                equal(a.response(), b"* BYE Server shutting down.")
                a.process.stdin.close()
                equal(a.process.wait(imapwire.LIMIT), 0)


def line_too_long():
    with Mail() as m, m.session() as a:
        a.send(b"a NOOP " + b"x" * 70000 + b"\r\n")
        equal(a.response(), b"* BYE Command line too long.")


def limits():
    """Every further limit of imap/limits.h that a command can meet."""
    with Mail() as m, m.session() as a:
        for command, error in (
                ("FETCH " + ",".join(["1"] * 16385) + " UID", b"BAD FETCH: Too many ranges in the message set."),
                ("FETCH 1 (" + " ".join(["UID"] * 3 + ["FLAGS"] * 4097) + ")", b"BAD FETCH: Too many items."),
                ("SEARCH " + " ".join(["ALL"] * 4097), b"BAD SEARCH: Too many search keys."),
                ("SEARCH " + "NOT " * 40 + "ALL", b"BAD SEARCH: Search keys nested too deeply."),
                ("STORE 1 FLAGS (" + " ".join(["a"] * 4097) + ")", b"BAD STORE: Too many flags."),
                ('LIST "" (' + " ".join(["a"] * 101) + ")", b"BAD LIST: Too many patterns."),
                ('LIST "" ' + "a" * 1001, b"BAD LIST: Pattern too long."),
                ("ID (" + " ".join(['"a" "b"'] * 31) + ")", b"BAD ID: Too many fields."),
                ("FETCH 1 BODY[" + "1." * 101 + "1]", b"BAD FETCH: Invalid section."),
                ("STATUS " + "a" * 1001 + " (MESSAGES)", b"NO [CANNOT] Not a name that a mailbox can have."),
                ("STORE 1 +FLAGS (" + "a" * 300 + ")", b"NO [CANNOT] Not a keyword that a message can have."),
        ):
            equal(a.command(command)[1], error)
        reply = b""
        for i in range(200):
            reply = a.command(f"STORE 1 +FLAGS.SILENT (k{i})")[1]
            if not reply.startswith(b"OK"):
                break
        equal(reply, b"NO [LIMIT] The mailbox has as many keywords as it can have.")


def timeouts():
    with Mail() as m:
        os.makedirs(m.dir + "/etc")

        def ended(sent, seconds):
            for setting in ("imap-timeout", "imap-read-timeout"):
                with open(f"{m.dir}/etc/{setting}", "w", encoding="ascii") as f:
                    f.write(f"{seconds}\n")
            try:
                with m.session() as a:
                    a.send(sent)
                    got = a.response()
                    return a.response() if got == b"+ idling" else got
            except (AssertionError, EOFError, OSError) as error:
                return error
        for sent, answer in ((b"", b"* BYE Disconnected for inactivity."),
                             (b"a IDLE\r\n", b"* BYE Disconnected for inactivity."),
                             (b"a NO", b"* BYE The command did not come whole in time."),
                             (b"a SELECT {5+}\r\nIN", b"* BYE The command did not come whole in time."),
                             (b"a APPEND INBOX {5+}\r\nIN", b"* BYE The command did not come whole in time.")):
            for seconds in 1, 5, 25:  # on a busy machine the first may be over before anything was said
                if (got := ended(sent, seconds)) == answer:
                    break
            equal(answer, got)
        equal(os.listdir(m.box + "/tmp"), [])


def huge_header():
    """Fields behind the first MiB of a header are not looked for; the header itself goes out whole."""
    with Mail(0) as m:
        with open(m.box + "/cur/1.x:2,", "wb") as f:
            f.write(b"Subject: before\n" + b"X: %s\n" % (b"y" * 60) * 40000 + b"To: behind\n\nbody\n")
        with m.session() as a:
            got = imapwire.fetched(a.ok("FETCH 1 (ENVELOPE BODY.PEEK[HEADER] BODY.PEEK[HEADER.FIELDS (SUBJECT TO)])"))[1]
            equal(got[b"BODY[HEADER.FIELDS (SUBJECT TO)]"], b"Subject: before\r\n\r\n")
            equal(got[b"ENVELOPE"][1], b"before")
            equal(len(got[b"BODY[HEADER]"]), 17 + 40000 * 65 + 12 + 2)
            equal(a.ok("SEARCH TO behind"), [b"* SEARCH"])
            equal(a.ok("SEARCH SUBJECT before"), [b"* SEARCH 1"])


def huge_structure():
    """BODYSTRUCTURE of a message whose inner headers are huge is bounded all the same."""
    with Mail(0) as m:
        field = b"Subject: " + b"s" * 900000 + b"\n"
        inner = b"Content-Type: message/rfc822\nContent-Description: " + b"d" * 700000 + b"\n\n" + field + b"\nx\n"
        with open(m.box + "/cur/1.x:2,", "wb") as f:
            f.write(b"Content-Type: multipart/mixed; boundary=b\n\n" + (b"--b\n" + inner) * 5 + b"--b--\n")
        with m.session() as a:
            said = a.ok("FETCH 1 BODYSTRUCTURE")[0]
            equal((said.count(b"d" * 700000), said.count(b"s" * 900000)), (1, 1))
            parts = imapwire.fetched([said])[1][b"BODYSTRUCTURE"]
            equal(len(parts[:5]), 5)
            equal(len(said) < 2000000, True)


def from_login():
    """doc/joints.md, "From login to session"."""
    with Mail() as m:
        for tag, command in ((b"A7", b"LOGIN"), (b"x.1", b"AUTHENTICATE")):
            ours, theirs = socket.socketpair()
            client, server = socket.socketpair()
            build = os.path.abspath(os.environ.get("POSTERN_BUILD", "build"))
            env = dict(os.environ, MAILDIR=m.box, POSTERN_DIR=m.dir, POSTERN_SESSION_FD=str(theirs.fileno()))
            process = subprocess.Popen([build + "/bin/imap"], stdin=server, stdout=server, stderr=subprocess.DEVNULL,
                                       pass_fds=[theirs.fileno()], env=env)
            theirs.close()
            server.close()
            for s in (ours, client):
                s.settimeout(imapwire.LIMIT)
            equal(ours.recv(10), b"up\n")
            ours.sendall(tag + b" " + command + b"\na2 NOOP\r\na3 LOG")
            ours.close()
            client.sendall(b"OUT\r\n")
            got = b""
            while b"a3 OK" not in got:
                got += client.recv(10000)
            client.close()
            lines = got.split(b"\r\n")
            if not re.fullmatch(tag + rb" OK \[CAPABILITY IMAP4rev1 .*\] Logged in\.", lines[0]):
                raise AssertionError(lines)
            equal(lines[1:], [b"a2 OK NOOP completed.", b"* BYE Logging out.", b"a3 OK LOGOUT completed.", b""])
            equal(process.wait(imapwire.LIMIT), 0)


def disk_full():
    """The reply when nothing more fits; needs a file system of its own."""
    with Mail() as m:
        where = m.dir + "/small"
        os.mkdir(where)
        if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", where], capture_output=True).returncode:
            return tap.skip("disk full", "cannot mount a file system")
        try:
            os.makedirs(where + "/Maildir/cur")
            os.chmod(where + "/Maildir", 0o700)
            with Session(["imap"], MAILDIR=where + "/Maildir", POSTERN_DIR=m.dir) as s:
                s.ok("SELECT INBOX")
                data = b"A: b\r\n\r\n" + b"x" * 200000
                reply = s.command(b"APPEND INBOX {%d+}\r\n" % len(data) + data)[1]
                equal(reply, b"NO [UNAVAILABLE] No space left on the server's disk.")
                equal(s.ok("STATUS INBOX (MESSAGES)"), [b"* STATUS INBOX (MESSAGES 0)"])
                equal(os.listdir(where + "/Maildir/tmp"), [])
        finally:
            subprocess.run(["umount", where], check=True)
        tap.ok(True, "disk full")
    return None


def large():
    """A message and a folder larger than what is held in memory."""
    with Mail(0) as m:
        body = b"".join(b"line %d\n" % i for i in range(500000))
        with open(m.box + "/cur/1.x:2,", "wb") as f:
            f.write(b"Subject: big\n\n" + body)
        with m.session() as a:
            got = imapwire.fetched(a.ok("FETCH 1 (BODY.PEEK[] RFC822.SIZE)"))[1]
            wire = (b"Subject: big\n\n" + body).replace(b"\n", b"\r\n")
            equal(len(got[b"BODY[]"]), len(wire))
            equal(got[b"BODY[]"] == wire, True)
            equal(int(got[b"RFC822.SIZE"]), len(wire))
            part = imapwire.fetched(a.ok("FETCH 1 BODY.PEEK[]<1000001.70001>"))[1]
            equal(part[b"BODY[]<1000001>"] == wire[1000001:1070002], True)
            equal(a.ok('SEARCH BODY "line 499999"'), [b"* SEARCH 1"])
            with open(f"/proc/{a.process.pid}/status", encoding="ascii") as f:
                peak = int(re.search(r"RssAnon:\s+(\d+)", f.read())[1])
            # A sanitizer keeps what was freed.
            equal(peak < 2000 or "san" in os.environ.get("POSTERN_BUILD", ""), True)


for test in (flags_travel, expunge_waits, expunge_told, move_between_sessions, foreign_changes, folder_removed,
             idle_tells, idle_unselected, terminated, line_too_long, limits, timeouts,
             huge_header, huge_structure, recent_shrinks, long_commands_stop, removal_stops, from_login, large):
    tap.run(test.__name__.replace("_", " "), test)
disk_full()
tap.done()
