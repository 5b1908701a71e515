#!/usr/bin/env python3
"""Clients that come back: mutt and neomutt with imap_qresync, interimap. A day's work by script, while another session changes
the mailbox; in the end what the client shows or has is what there is."""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, "tests/lib")
import imapwire
from instance import Tap

tap = Tap()
BIN = os.path.abspath(os.path.join(os.environ.get("POSTERN_BUILD", "build"), "bin"))
LIMIT = 120


def make(base, n):
    box = base + "/Maildir"
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{box}/{sub}")
    for i in range(1, n + 1):
        with open(f"{box}/cur/{i}.x:2,", "w", encoding="ascii") as f:
            f.write(f"From: a@example.test\nDate: Mon, 2 Nov 2020 10:00:{i:02} +0000\nMessage-ID: <{i}@example.test>\nSubject: s{i}\n\nbody {i}\n")
    return box


def tunnel(base, log):
    with open(base + "/tunnel", "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\nexport MAILDIR={base}/Maildir POSTERN_DIR={base}\ntee -a {log} | {BIN}/imap 2>/dev/null | tee -a {log}.said\n")
    os.chmod(base + "/tunnel", 0o755)
    return base + "/tunnel"


def drive(argv, env):
    """Runs a program on a terminal until it ends; what it wrote."""
    pid, fd = pty.fork()
    if not pid:
        os.execvpe(argv[0], argv, env)
    out, end = b"", time.monotonic() + LIMIT
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            out += data
    else:
        os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(fd)
    return out


def read(path):
    with open(path, "rb") as f:
        return f.read()


def with_mutt(program):
    with tempfile.TemporaryDirectory(prefix="resync.") as base:
        box = make(base, 9)
        os.mkdir(base + "/cache")
        os.mkdir(base + "/Mail")
        with open(base + "/rc", "w", encoding="ascii") as f:
            f.write(f'set tunnel="{tunnel(base, base + "/log")}"\nset imap_qresync=yes\nset imap_condstore=yes\nset header_cache={base}/cache\n'
                    "set delete=yes\nset quit=yes\nset sort=mailbox-order\nset index_format='%s'\nset beep=no\nset wait_key=no\nset confirmappend=no\n")
        env = dict(os.environ, HOME=base, TERM="vt100", LINES="40", COLUMNS="80")
        argv = [program, "-n", "-F", base + "/rc", "-f", "imap://127.0.0.1/INBOX", "-e"]
        # Deletes the first, flags the next, and leaves.
        out = drive(argv + ["push '<first-entry><delete-message><flag-message><sync-mailbox><quit>'"], env)
        assert os.path.exists(base + "/log"), out
        first = read(base + "/log")
        assert b"QRESYNC" in first and b"EXPUNGE" in first, (first, read(base + "/log.said"))
        names = sorted(os.listdir(box + "/cur"))
        assert len(names) == 8 and any("F" in n.partition(":2,")[2] for n in names), names
        # Meanwhile: a flag, an expunge, a new message.
        with imapwire.Session(["imap"], MAILDIR=box, POSTERN_DIR=base) as s:
            s.ok("SELECT INBOX")
            s.ok(r"UID STORE 5 +FLAGS (\Answered)")
            s.ok(r"UID STORE 7,9 +FLAGS (\Deleted)")
            s.ok("EXPUNGE")
            text = b"Subject: s10\r\nMessage-ID: <10@example.test>\r\n\r\nx\r\n"
            s.ok(b"APPEND INBOX () {%d+}\r\n" % len(text) + text)
        os.truncate(base + "/log", 0)
        os.truncate(base + "/log.said", 0)
        # It comes back, deletes what it calls the fifth, and goes.
        drive(argv + ["push '5<enter><delete-message><sync-mailbox><quit>'"], env)
        again, said = read(base + "/log"), read(base + "/log.said")
        assert b"VANISHED)" in again and re.search(rb"VANISHED \(EARLIER\) [\d,]*7,9\r", said), (again, said)
        with imapwire.Session(["imap"], MAILDIR=box, POSTERN_DIR=base) as s:
            s.ok("SELECT INBOX")
            left = imapwire.fetched(s.ok("FETCH 1:* UID"))
            # There were 2 3 4 5 6 8 10; the fifth was 6.
            assert [int(m[b"UID"]) for m in left.values()] == [2, 3, 4, 5, 8, 10], (left, again, said)


def interimap_run(base, env):
    return subprocess.run(["interimap", f"--config={base}/config"], env=env, capture_output=True, text=True, timeout=LIMIT)


def with_interimap():
    with tempfile.TemporaryDirectory(prefix="resync.") as base:
        boxes = {}
        for side in ("local", "remote"):
            os.mkdir(f"{base}/{side}")
            boxes[side] = make(f"{base}/{side}", 6 if side == "remote" else 0)
            tunnel(f"{base}/{side}", f"{base}/{side}/log")
        with open(base + "/config", "w", encoding="ascii") as f:
            f.write(f"database = {base}/state.db\nlist-mailbox = INBOX\n\n" + "\n".join(
                f"[{side}]\ntype = tunnel\ncommand = {base}/{side}/tunnel\ncompress = NO\n" for side in ("local", "remote")))
        env = dict(os.environ, HOME=base, XDG_CONFIG_HOME=base, XDG_DATA_HOME=base)

        def both():
            found = []
            for side in ("local", "remote"):
                with imapwire.Session(["imap"], MAILDIR=boxes[side], POSTERN_DIR=f"{base}/{side}") as s:
                    s.ok("SELECT INBOX")
                    got = s.ok("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
                    found.append(sorted((m[b"BODY[HEADER.FIELDS (SUBJECT)]"], sorted(x for x in m[b"FLAGS"] if x != b"\\Recent"))
                                        for m in imapwire.fetched(got).values()))
            return found

        def change(side, *commands):
            with imapwire.Session(["imap"], MAILDIR=boxes[side], POSTERN_DIR=f"{base}/{side}") as s:
                s.ok("SELECT INBOX")
                for command in commands:
                    s.ok(command)

        done = interimap_run(base, env)
        assert done.returncode == 0, done.stderr
        one, two = both()
        assert one == two and len(one) == 6, (one, two)
        change("local", r"STORE 1 +FLAGS (\Flagged)", r"STORE 2 +FLAGS (\Deleted)", "EXPUNGE")
        change("remote", r"STORE 4 +FLAGS (\Answered)", r"STORE 6 +FLAGS (\Deleted)", "EXPUNGE")
        done = interimap_run(base, env)
        assert done.returncode == 0, done.stderr
        one, two = both()
        assert one == two and len(one) == 4, (one, two, done.stderr)
        assert sum(bool(flags) for _, flags in one) == 2, one
        assert re.search(rb"QRESYNC|VANISHED", read(f"{base}/remote/log")), read(f"{base}/remote/log")


for program in ("mutt", "neomutt"):
    if shutil.which(program):
        tap.run(f"{program} with imap_qresync", with_mutt, program)
    else:
        tap.skip(f"{program} with imap_qresync", f"{program} is not installed")
if shutil.which("interimap"):
    tap.run("interimap", with_interimap)
else:
    tap.skip("interimap", "interimap is not installed")
tap.done()
