#!/usr/bin/env python3
"""Clients that nobody here wrote, through a pipe: Python's imaplib, mbsync both ways. And what Landlock
keeps a session from."""
import imaplib
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
from instance import Tap

tap = Tap()
BIN = os.path.abspath(os.path.join(os.environ.get("POSTERN_BUILD", "build"), "bin"))
MESSAGE = b"From: a@example.test\r\nSubject: hi\r\n\r\nbody\r\n"


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}\nwanted {want!r}")


def tunnel(box):
    return f"env MAILDIR={box} POSTERN_DIR={os.path.dirname(box)} {BIN}/imap 2>/dev/null"


def with_imaplib(base):
    c = imaplib.IMAP4_stream(tunnel(base + "/lib"))
    equal(c.state, "AUTH")
    equal(c.create("Work")[0], "OK")
    equal(c.append("Work", r"(\Seen)", '"05-Nov-2020 10:00:00 +0000"', MESSAGE)[0], "OK")
    equal(c.select("Work"), ("OK", [b"1"]))
    equal(c.fetch("1", "(RFC822 FLAGS)")[1][0][1], MESSAGE)
    equal(c.search(None, "SUBJECT", "hi")[1], [b"1"])
    equal(c.store("1", "+FLAGS", r"(\Deleted)")[0], "OK")
    equal(c.uid("COPY", "1", "INBOX")[0], "OK")
    equal(c.expunge()[1], [b"1"])
    equal(c.status("INBOX", "(MESSAGES UNSEEN)")[1], [b"INBOX (MESSAGES 1 UNSEEN 0)"])
    equal(c.list()[1], [b'(\\HasNoChildren \\UnMarked) "." INBOX', b'(\\HasNoChildren \\UnMarked) "." Work'])
    equal(c.subscribe("Work")[0], "OK")
    equal(c.lsub()[1], [b'() "." Work'])
    equal(c.rename("Work", "Play")[0], "OK")
    equal(c.close()[0], "OK")
    equal(c.delete("Play")[0], "OK")
    equal(c.namespace()[1], [b'(("" ".")) NIL NIL'])
    equal(c.logout()[0], "BYE")


def contents(box):
    """{(folder, Subject's text): flags} of a Maildir."""
    found = {}
    for where, _, files in os.walk(box):
        for name in files:
            if where.endswith(("/cur", "/new")):
                with open(os.path.join(where, name), "rb") as f:
                    subject = [line for line in f.read().splitlines() if line.startswith(b"Subject")][0]
                folder = os.path.relpath(os.path.dirname(where), box).strip("./") or "INBOX"
                found[folder, subject] = "".join(sorted(name.rpartition(":2,")[2])) if ":2," in name else ""
    return found


def with_mbsync(base):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{base}/far/{sub}")
        os.makedirs(f"{base}/near/INBOX/{sub}")
    for i in range(20):
        with open(f"{base}/far/cur/{i}.far:2,{'S' if i % 2 else 'F'}", "w", encoding="ascii") as f:
            f.write(f"Subject: far {i}\nMessage-ID: <{i}@far>\n\nbody\n")
        with open(f"{base}/near/INBOX/cur/{i}.near:2,{'RS' if i % 3 else ''}", "w", encoding="ascii") as f:
            f.write(f"Subject: near {i}\nMessage-ID: <{i}@near>\n\nbody\n")
    with open(base + "/mbsyncrc", "w", encoding="ascii") as f:
        f.write(f'''IMAPStore far
Tunnel "{tunnel(base + "/far")}"

MaildirStore near
Path {base}/near/
Inbox {base}/near/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState {base}/state/
''')
    os.makedirs(base + "/state")

    def sync():
        done = subprocess.run(["mbsync", "-c", base + "/mbsyncrc", "-a"], capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)

    sync()
    want = {("INBOX", b"Subject: far %d" % i): "S" if i % 2 else "F" for i in range(20)}
    want.update({("INBOX", b"Subject: near %d" % i): "RS" if i % 3 else "" for i in range(20)})
    equal(contents(base + "/far"), want)
    equal(contents(base + "/near"), want)
    # A folder made here, flags changed there, a message removed on either side.
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{base}/near/Lists/{sub}")
    with open(f"{base}/near/Lists/cur/1.list:2,S", "w", encoding="ascii") as f:
        f.write("Subject: list\nMessage-ID: <l@near>\n\nbody\n")
    with imapwire.Session(["imap"], MAILDIR=base + "/far", POSTERN_DIR=base) as s:
        s.ok("SELECT INBOX")
        s.ok(r'STORE 1 FLAGS (\Answered)')
        s.ok(r"STORE 2 FLAGS (\Deleted)")
        s.ok("EXPUNGE")
    for name in os.listdir(base + "/near/INBOX/cur"):
        with open(f"{base}/near/INBOX/cur/{name}", "rb") as f:
            gone = b"Subject: near 7\n" in f.read()
        if gone:
            os.unlink(f"{base}/near/INBOX/cur/{name}")
    sync()
    far = contents(base + "/far")
    equal(far, contents(base + "/near"))
    equal(len(far), 39)
    equal(far["Lists", b"Subject: list"], "S")


def confined(base):
    """doc/architecture.md, 7: a session reaches one Maildir, whatever lies in it."""
    os.makedirs(base + "/other/cur")
    with open(base + "/other/cur/1.x:2,", "w", encoding="ascii") as f:
        f.write("Subject: secret\n\nx\n")
    os.makedirs(base + "/mine/cur")
    os.symlink(base + "/other", base + "/mine/.evil")
    os.symlink(base + "/other/cur/1.x:2,", base + "/mine/cur/9.x:2,")
    with imapwire.Session(["imap"], MAILDIR=base + "/mine", POSTERN_DIR=base) as s:
        untagged, tagged = s.command("SELECT evil")
        if tagged.startswith(b"OK"):
            raise AssertionError((untagged, tagged))
        s.command("SELECT INBOX")
        untagged, tagged = s.command("FETCH 1:* BODY[]")
        equal([u for u in untagged if b"secret" in u], [])
        with open(f"/proc/{s.process.pid}/status", encoding="ascii") as f:
            status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        equal(status["NoNewPrivs"], "1")


with tempfile.TemporaryDirectory() as directory:
    tap.run("imaplib", with_imaplib, directory)
    if shutil.which("mbsync"):
        tap.run("mbsync both ways", with_mbsync, directory)
    else:
        tap.skip("mbsync both ways", "isync is not installed")
    with imapwire.Session(["imap"], MAILDIR=directory + "/any") as session:
        pass
    if "event=sandbox" in session.said:
        tap.skip("one Maildir and nothing else", "the kernel lacks a layer: " + session.said.splitlines()[0])
    else:
        tap.run("one Maildir and nothing else", confined, directory)
tap.done()
