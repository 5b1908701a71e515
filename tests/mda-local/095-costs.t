#!/usr/bin/env python3
"""What a delivery costs: one write of the content, one sync of the file and, where that does not sync the name, one of its directory; the same system calls whether the folder is
empty or holds two thousand messages; with an index its texts come behind the report, and no directory is read at any time."""
import os, re, shutil, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import mdalocal
import powercut
from mdalocal import Client, Instance, Tap

tap = Tap()
if not shutil.which("strace"):
    print("1..0 # SKIP strace is not installed")
    sys.exit(0)
BODY = "Subject: x\r\n\r\n" + "".join(f"line {n}\r\n" for n in range(3000))
# Paths and contents are not to be seen: the processes cannot be read by their user.
CALL = re.compile(r"^(\d+) +(\w+)\(.*?(?:= (-?\d+)|unfinished \.\.\.>)")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>.*= (-?\d+)")

# A rename behind sync_file_range where a journal commits both in order (lib/durable.h), else a link behind the sync.
NAMING = "linkat", "renameat2"
users = "empty", "plain", "large", "small"
i = Instance(users="".join(f"{u}@example.test: x\n" for u in users))
for user in users:
    i.folder(user, ".")
for n in range(2000):
    with open(os.path.join(i.maildir("large"), "cur", f"1700000000.{n}.x:2,S"), "w"):
        pass
for user in "large", "small":
    with open(os.path.join(i.maildir(user), "postern-index"), "w"):
        pass
trace, program = os.path.join(i.dir, "trace"), os.path.join(i.dir, "mda-local")
with open(program, "w") as f:
    f.write(f"#!/bin/sh\nexec strace -f -e trace=%file,%desc,%network -o {trace} {mdalocal.PROGRAM}\n")
os.chmod(program, 0o755)
i.own(i.dir)
mdalocal.PROGRAM = program


def traced():
    """[process, system call, result] in the order of their beginnings; the result of one that another process came into stands further below."""
    calls = []
    for line in open(trace, errors="replace"):
        if m := CALL.match(line):
            calls.append(list(m.groups()))
        elif m := RESUMED.match(line):
            next(c for c in reversed(calls) if c[0] == m[1])[2] = m[2]
    return calls


def worker(user):
    """The worker's system calls with their results, up to the report of a delivery, and those after it."""
    c = Client(i)
    tap.eq(c.deliver([user + "@example.test"], message=BODY), ["250 2.0.0 delivered"], user + ": delivered")
    c.quit()
    calls = traced()
    pid = next(p for p, n, _ in calls if n in NAMING)
    mine = [(n, r) for p, n, r in calls if p == pid]
    link = next(k for k, (n, _) in enumerate(mine) if n in NAMING)
    begin = max(k for k in range(link) if mine[k][0] == "recvmsg")
    report = next(k for k in range(link, len(mine)) if mine[k][0] == "sendmsg")
    return mine[begin:report], mine[report:]


names = {}
for user in users:
    before, after = worker(user)
    count = [n for n, _ in before].count
    named = "renameat2" if count("sync_file_range") else "linkat"
    syncs = ["fsync"] if powercut.syncs_names(i.dir) else ["fsync", "fsync"]
    tap.eq((count("fsync"), count("fdatasync"), count(named)), (len(syncs), 0, 1), user + ": the file and its directory are synced, once each")
    order = [n for n, _ in before if n in ("fsync", *NAMING)]
    tap.eq(order, ["renameat2", *syncs] if named == "renameat2" else ["fsync", "linkat", "fsync"], user + ": in their order")
    written = sum(int(r or 0) for n, r in before if n == "write")
    tap.ok(len(BODY) - 3002 <= written <= len(BODY), user + ": the content is written once", f"{written} of {len(BODY)}")
    tap.eq([n for n, _ in before + after if n.startswith("getdents")], [], user + ": no directory is read")
    names[user] = [[n for n, _ in part] for part in (before, after)]
    there = os.path.exists(os.path.join(i.maildir(user), "postern-text"))
    tap.eq(there, user in ("large", "small"), user + ": texts where there is an index")
tap.eq(names["large"], names["small"], "as many system calls into a large folder as into an empty one")
tap.eq(names["plain"][0], names["empty"][0], "and as ever")
tap.eq([n for n in names["large"][0] if n != "fcntl"], [n for n in names["empty"][0] if n != "fcntl"],
       "before the report nothing is done for the texts but to keep the file open")
i.done()
tap.done()
