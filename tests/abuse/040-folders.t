#!/usr/bin/env python3
"""As many folders as there may be, and a mailbox of a million: the limit has its reply, lists are whole, and the session's memory is bounded. (2,000 folders
and 20,000 messages unless PROOF=1.)"""
import os
import re
import sys
import tempfile

import abuse
from abuse import PROOF, count, tap
from imapwire import Session

abuse.proof("ten thousand folders and a mailbox of a million are served in bounded memory")
if "san" in os.environ.get("POSTERN_BUILD", ""):
    print("1..0 # SKIP sanitizers take memory of their own")
    sys.exit(0)
FOLDERS, LIMIT, MESSAGES = count(2000, 10000), 10000, count(20000, 1000000)


def peak(s):
    with open(f"/proc/{s.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


with tempfile.TemporaryDirectory(prefix="folders.", dir="/var/tmp") as base:
    box = base + "/Maildir"
    for d in ("cur", "new", "tmp"):
        os.makedirs(f"{box}/{d}")
    # INBOX counts, and so does the last, which is made by CREATE.
    for n in range(FOLDERS - 2):
        for d in ("cur", "new", "tmp"):
            os.makedirs(f"{box}/.f{n % 100}.g{n}/{d}")
    with Session(["imap"], MAILDIR=box, POSTERN_DIR=base) as s:
        for command in ('LIST "" "*"', 'LIST "" "f7.*"', 'LIST "" "*g1%"', 'LSUB "" "*"', "STATUS f1.g1 (MESSAGES)"):
            untagged, tagged = s.command(command)
            tap.ok(tagged.startswith(b"OK"), f"{command}: {len(untagged)} lines", tagged)
            if command == 'LIST "" "*"':
                names = [x for x in untagged if re.search(rb' f\d+\.g\d+$', x)]
                tap.ok(len(names) == FOLDERS - 2, "each folder is listed once", len(names))
        tap.ok(s.command("CREATE last")[1].startswith(b"OK"), "one more can be made")
        if PROOF:
            said = b"OK"
            for n in range(2):
                said = s.command(f"CREATE beyond{n}")[1]
            tap.ok(said.startswith(b"NO "), f"the one beyond {LIMIT} cannot: {said.decode()}")
        tap.ok(s.command("SELECT f1.g1")[1].startswith(b"OK") and s.command("DELETE last")[1].startswith(b"OK"), "and they can be used, and deleted")
        tap.ok(peak(s) < 40000, f"with {FOLDERS} folders the session's peak is {peak(s)} kB")
    os.makedirs(base + "/pool")
    with open(base + "/pool/0", "w", encoding="ascii") as f:
        f.write("Subject: one of many\nFrom: a@b.test\n\nx\n")
    big = base + "/Big"
    for d in ("cur", "new", "tmp"):
        os.makedirs(f"{big}/{d}")
    fd = os.open(big + "/cur", os.O_RDONLY)
    for n in range(MESSAGES):
        if n % 60000 == 0:  # a file has so many names at most
            pool = f"{base}/pool/{n + 1}"
            with open(pool, "w", encoding="ascii") as f:
                f.write("Subject: one of many\nFrom: a@b.test\n\nx\n")
        os.link(pool, f"{1600000000 + n}.M1P1Q{n}.mail,S=40,W=44:2,S", dst_dir_fd=fd)
    os.close(fd)
    for again in ("at first", "again"):
        with Session(["imap"], MAILDIR=big, POSTERN_DIR=base) as s:
            untagged, tagged = s.command("SELECT INBOX")
            tap.ok(tagged.startswith(b"OK") and b"* %d EXISTS" % MESSAGES in untagged, f"a mailbox of {MESSAGES} is opened {again}", tagged, untagged[:5])
            untagged = s.ok("UID SEARCH RETURN (COUNT) SEEN")
            tap.ok(b"COUNT %d" % MESSAGES in untagged[0], "and searched", untagged)
            untagged = s.ok(f"UID FETCH {MESSAGES - 1}:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            tap.ok(len(untagged) == 2 and b"one of many" in untagged[1], "and read", untagged[:3])
            tap.ok(peak(s) * 1024 < (48 << 20) + 256 * MESSAGES, f"in {peak(s)} kB at most ({again})")
tap.done()
