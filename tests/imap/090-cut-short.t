#!/usr/bin/env python3
"""A file that imap or pop3 has mapped is cut short or damaged by another program: the session says so where that can be understood, ends, and
leaves nothing behind; the next one serves the mailbox as if nothing had been."""
import os
import select
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/lib")
from instance import Tap

tap = Tap()
MESSAGES = 1000
BIG = 4 << 20
BYE = b"* BYE A file of the mailbox was cut short or damaged while it was read.\r\n"
ERR = b"-ERR [SYS/TEMP] A file of the mailbox was cut short or damaged while it was read\r\n"
FATAL = ": fatal: a file was cut short or damaged while it was read\n"


class Mail:
    """A Maildir that a session has seen already, so that there is an index."""

    def __init__(self, big=0):
        self.dir = tempfile.mkdtemp(prefix="cut-short.")
        self.box = self.dir + "/Maildir"
        for sub in ("cur", "new", "tmp"):
            os.makedirs(f"{self.box}/{sub}")
        for i in range(1, MESSAGES + 1):
            with open(f"{self.box}/cur/{i:07}.x:2,S", "w", encoding="ascii") as f:
                f.write(f"Subject: {i}\n\n" + "x" * (big if i == 1 else 10) + "\n")
            os.utime(f"{self.box}/cur/{i:07}.x:2,S", (1e9, 1e9))
        for sub in ("cur", "new"):
            os.utime(f"{self.box}/{sub}", (1e9, 1e9))
        with self.session("imap") as s:
            s.ask(b"a SELECT INBOX\r\nb UID FETCH 1:* (UID FLAGS)\r\nc LOGOUT\r\n")
            s.rest()

    def session(self, program):
        return Session(program, self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


class Session:
    def __init__(self, program, mail):
        env = {**os.environ, "MAILDIR": mail.box, "POSTERN_DIR": mail.dir, "TZ": "UTC"}
        self.p = subprocess.Popen([os.path.abspath("build/bin/" + program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=env, bufsize=0)
        self.line()

    def ask(self, text):
        self.p.stdin.write(text)

    def line(self):
        return self.until(b"\n")

    def until(self, end):
        got = b""
        while not got.endswith(end):
            if not select.select([self.p.stdout], [], [], 120)[0]:
                raise TimeoutError(got[-200:])
            c = self.p.stdout.read(1)
            if not c:
                break
            got += c
        return got

    def rest(self):
        out = b""
        while select.select([self.p.stdout], [], [], 120)[0]:
            part = self.p.stdout.read(1 << 20)
            if not part:
                return out
            out += part
        raise TimeoutError(out[-200:])

    def end(self):
        """The exit code, and what it wrote to standard error at last."""
        self.p.wait(120)
        return self.p.returncode, self.p.stderr.read().decode().splitlines(True)[-1:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()
        for f in (self.p.stdin, self.p.stdout, self.p.stderr):
            f.close()


def same(got, want, name):
    tap.ok(got == want, name, f"got  {got[-300:]!r}", f"want {want!r}")


def served(mail, what):
    with mail.session("imap") as s:
        s.ask(b"a SELECT INBOX\r\nb UID FETCH 1:* (UID FLAGS)\r\nc LOGOUT\r\n")
        out = s.rest()
        want = b"".join(b"* %d FETCH (UID %d FLAGS (\\Seen))\r\n" % (i, i) for i in range(1, MESSAGES + 1))
        tap.ok(want in out and b"c OK" in out, f"{what}: the next session serves every message with its UID")


# The index, between two commands.
with Mail() as mail:
    with mail.session("imap") as s:
        s.ask(b"a SELECT INBOX\r\n")
        s.until(b"SELECT completed.\r\n")
        os.truncate(mail.box + "/postern-index", 0)
        s.ask(b"b UID FETCH 1:* (UID FLAGS)\r\n")
        same(s.rest(), BYE, "imap: the index is cut short: BYE at once")
        same(s.end(), (111, ["imap" + FATAL]), "it exits 111 and says why")
    served(mail, "imap")

with Mail() as mail:
    with mail.session("pop3") as s:
        os.truncate(mail.box + "/postern-index", 0)
        s.ask(b"UIDL\r\n")
        same(s.rest(), ERR, "pop3: the index is cut short: -ERR at once")
        same(s.end(), (111, ["pop3" + FATAL]), "it exits 111 and says why")
    served(mail, "pop3")

# The index is damaged on the disk: one octet in each block.
with Mail() as mail:
    with open(mail.box + "/postern-index", "r+b") as f:
        for at in range(4096 + 1000, os.fstat(f.fileno()).st_size, 4096):
            f.seek(at)
            octet = f.read(1)[0]
            f.seek(at)
            f.write(bytes([octet ^ 0xff]))
    with mail.session("imap") as s:
        s.ask(b"a SELECT INBOX\r\nb UID FETCH 1:* (UID FLAGS)\r\nc LOGOUT\r\n")
        out = s.rest()
        tap.ok(out.endswith(BYE) or b"c OK" in out, "imap: the index is damaged: BYE, or as if there were none")
        tap.ok(s.end()[0] in (0, 111), "it does not crash")
    served(mail, "a damaged index")

# A message, while it is on its way: what follows in the literal would be taken for the message's text.
with Mail(BIG) as mail:
    with mail.session("imap") as s:
        s.ask(b"a SELECT INBOX\r\n")
        s.until(b"SELECT completed.\r\n")
        s.ask(b"b FETCH 1 BODY.PEEK[]\r\n")
        s.line()
        os.truncate(f"{mail.box}/cur/{1:07}.x:2,S", 0)
        out = s.rest()
        tap.ok(len(out) < BIG and b"BYE" not in out, "imap: a message is cut short within its literal: the connection ends without a word")
        same(s.end(), (111, ["imap" + FATAL]), "it exits 111 and says why")
tap.done()
