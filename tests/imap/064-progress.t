#!/usr/bin/env python3
"""INPROGRESS (RFC 9585 section 4): a long search says how far it is, every imap-progress seconds, and ends when its client leaves."""
import base64
import os
import re
import resource
import shutil
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
from instance import Tap

MESSAGES = 5000  # of 2 MB: more than a second's work for any machine


def make(base):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{base}/Maildir/{sub}")
    os.makedirs(base + "/etc")
    with open(base + "/long", "wb") as f:
        f.write(b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"text " * 300000))
    for i in range(MESSAGES):
        os.link(base + "/long", f"{base}/Maildir/cur/{1000000000 + i}.x:2,")


def setting(base, name, text):
    with open(f"{base}/etc/{name}", "w", encoding="ascii") as f:
        f.write(text + "\n")


def session(base):
    return imapwire.Session(["imap"], MAILDIR=base + "/Maildir", POSTERN_DIR=base, TZ="UTC")


def cpu(pid):
    """Seconds of work, which no other work on the machine prolongs."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def copying(tap, base, slowly):
    """COPY, each of whose links takes a tenth of a second."""
    with imapwire.Session([*slowly, "imap"], MAILDIR=base + "/Maildir", POSTERN_DIR=base, TZ="UTC") as s:
        s.ok("CREATE to")
        s.ok("SELECT INBOX")
        untagged, tagged = s.command("COPY 1:25 to")
        found = [re.fullmatch(rb'\* OK \[INPROGRESS \("(\S+)" (\d+) 25\)\] .+', r) for r in untagged]
        done = [int(m[2]) for m in found if m]
        tap.ok(tagged.startswith(b"OK [COPYUID ") and all(found) and done and done == sorted(done) and 0 < done[0] < 25,
               "COPY tells how far it is, too", untagged, tagged)


def making(tap, base, slowly):
    """SORT, for which columns of postern-keys are made first, each with a pass over all messages, each of which takes a while to open."""
    box = base + "/columns"
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{box}/{sub}")
    for i in range(140):
        with open(f"{box}/cur/{i}.x:2,", "w", encoding="ascii") as f:
            f.write("Subject: x\nFrom: y\n\n")
    with imapwire.Session([*slowly, "imap"], MAILDIR=box, POSTERN_DIR=base, TZ="UTC") as s:
        s.ok("SELECT INBOX")
        untagged, tagged = s.command("SORT (SUBJECT FROM) UTF-8 ALL")
        told = [re.fullmatch(rb'\* OK \[INPROGRESS \("\S+" (NIL NIL|(\d+) \d+)\)\] .+', r) for r in untagged if b"INPROGRESS" in r]
        done = [int(m[2]) for m in told if m and m[2]]
        tap.ok(tagged.startswith(b"OK") and told and all(told) and done == sorted(done), "what is told never falls behind what was told before", untagged, tagged)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="progress.") as base:
        make(base)
        setting(base, "imap-progress", "1")
        with session(base) as s:
            tap.ok(b" INPROGRESS" in s.ok("CAPABILITY")[0], "told as a capability (section 3)")
            s.ok("SELECT INBOX")
            s.send(b"A001 SEARCH BODY nosuch\r\n")
            first, second = s.response(), s.response()
            found = [re.fullmatch(rb'\* OK \[INPROGRESS \("A001" (\d+) (\d+)\)\] .+', r) for r in (first, second)]
            tap.ok(all(found), "the tag, what is done, what is to be done (section 4)", first, second)
            done = [int(m[1]) for m in found if m]
            tap.ok(0 < done[0] < done[1] < MESSAGES, "it grows and stays below", done)
            tap.ok({int(m[2]) for m in found if m} == {MESSAGES}, "the goal is the number of messages")
            used = cpu(s.process.pid)
            whole = used * MESSAGES / max(done[1], 1)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
        more = resource.getrusage(resource.RUSAGE_CHILDREN)
        more = more.ru_utime + more.ru_stime - before.ru_utime - before.ru_stime - used
        tap.ok(more < max(5, whole / 4), "the search ends when the client leaves", f"{more} s more of {whole}")
        with session(base) as s:
            s.ok("SELECT INBOX")
            s.send(b"A]1 UID SORT (DATE) UTF-8 BODY nosuch\r\n")
            answer = s.response()
            tap.ok(re.match(rb"\* OK \[INPROGRESS \(NIL \d+ \d+\)\]", answer), 'NIL for a tag with "]"; SORT', answer)
        setting(base, "imap-capabilities", "-INPROGRESS")
        with session(base) as s:
            s.ok("SELECT INBOX")
            untagged, _ = s.command("SEARCH 1:40 BODY nosuch")
            tap.ok(untagged == [b"* SEARCH"], "nothing is said where it is hidden", untagged)
        if slow := shutil.which("strace"):
            os.unlink(base + "/etc/imap-capabilities")
            copying(tap, base, [slow, "-qq", "-o", "/dev/null", "-e", "trace=link,linkat", "-e", "inject=link,linkat:delay_enter=100000"])
            making(tap, base, [slow, "-qq", "-o", "/dev/null", "-e", "trace=openat", "-e", "inject=openat:delay_enter=20000"])
        else:
            tap.ok(True, "COPY and columns # SKIP no strace")
    return tap.done()


sys.exit(main())
