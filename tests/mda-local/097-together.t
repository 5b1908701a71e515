#!/usr/bin/env python3
"""A message to many mailboxes is one commit of the journal, where there is one that keeps names (lib/durable.h): workers place their copies, and when the last is placed the parent
commits them all, before any reply. Where that fails each copy is synced by itself; where that fails, too, it is gone, and the sender hears so."""
import os, re, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mdalocal
import powercut
import syscalls
from mdalocal import Client, Instance, Tap, need_root

need_root()  # strace is to tell the processes about their disk, and they cannot be written to by their user
tap = Tap()
if why := syscalls.missing():
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
CALL = re.compile(r"^(\d+) +(\w+)\((.*)")
USERS = "anna", "bert", "cleo"
PROGRAM = mdalocal.PROGRAM


def delivered(users, *words):
    """(replies, [(process, call, its arguments)], messages that lie there) of one message to these users."""
    i = Instance(users="".join(f"{u}@example.test: x:{41001 + n}:{41001 + n}\n" for n, u in enumerate(USERS)))
    trace, program = os.path.join(i.dir, "trace"), os.path.join(i.dir, "mda-local")
    with open(program, "w") as f:
        f.write(f"#!/bin/sh\nexec strace -f -qq -e signal=none -e trace=%file,%desc,%network {' '.join(words)} -o {trace} {PROGRAM}\n")
    os.chmod(program, 0o755)
    subprocess.run(["chown", "-R", "0:0", i.dir], check=True)
    os.chmod(i.dir, 0o755)
    for mdalocal.PROGRAM in PROGRAM, program:  # the first makes the Maildirs
        c = Client(i, as_root=True)
        replies = c.deliver([u + "@example.test" for u in users], message="Subject: x\r\n\r\nx\r\n")
        c.quit()
    calls = [m.groups() for m in map(CALL.match, open(trace, errors="replace")) if m]
    lie = sum(len(os.listdir(os.path.join(i.maildir(u), "new"))) - 1 for u in users)
    i.done()
    return replies, calls, lie


def count(calls, *names):
    return sum(n in names for _, n, _ in calls)


journal, fails = powercut.TOLD[True], "inject={}:error=EIO"
GOOD = "250 2.0.0 delivered"

replies, calls, lie = delivered(USERS, *journal)
tap.eq((replies, lie), ([GOOD] * 3, 3), "three copies are delivered")
tap.eq(count(calls, "fsync", "fdatasync", "syncfs"), 1, "with one sync")
where = [k for k, (_, n, _) in enumerate(calls) if n == "fsync"][0]
parent = calls[where][0]
opened = [a for p, n, a in calls[:where] if p == parent and n == "openat"][-1]
tap.ok("O_TMPFILE" in opened, "of a file that was made for it", opened)
tap.eq((count(calls[:where], "renameat2"), count(calls[where:], "renameat2")), (3, 0), "when all of them have their names")
tap.eq(len({p for p, n, _ in calls if n == "renameat2"} - {parent}), 3, "each from its own worker")
told = [k for k, (p, n, _) in enumerate(calls) if p == parent and n == "sendmsg"][-1]
tap.ok(told > where, "and before any reply")

replies, calls, lie = delivered(USERS[:1], *journal)
tap.eq((replies, lie), ([GOOD], 1), "one copy")
tap.ok(not any("O_TMPFILE" in a for _, n, a in calls if n == "openat") and count(calls, "fsync") == 1, "is synced by its worker")

replies, calls, lie = delivered(USERS, *powercut.TOLD[False])
tap.eq((replies, lie, count(calls, "fsync")), ([GOOD] * 3, 3, 6), "without such a journal each worker syncs file and directory")

replies, calls, lie = delivered(USERS, *journal, "-e", fails.format("fsync"))
tap.eq((replies, lie, count(calls, "syncfs")), ([GOOD] * 3, 3, 3), "where the commit fails each copy is synced")

replies, calls, lie = delivered(USERS, *journal, "-e", fails.format("fsync,syncfs"))
tap.eq(([r[:4] for r in replies], lie), (["451 "] * 3, 0), "or taken back, and the sender keeps the message")
tap.done()
