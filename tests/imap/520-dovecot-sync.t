#!/usr/bin/env python3
"""CONDSTORE and QRESYNC beside Dovecot: the same generated commands on the same mailbox, and the same is said, modseqs apart: which
messages a FETCH CHANGEDSINCE tells of, what VANISHED, what is MODIFIED, and what a client that comes back hears. SEED, IMAP_ROUNDS."""
import os
import random
import re
import shutil
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapmodel
import imapwire
import oracle
from instance import Tap

FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Junk"]


def make(directory):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{directory}/mail/{sub}")
    for i in range(1, 31):
        with open(f"{directory}/mail/cur/{1000000000 + i}.m{i:06}.host:2,", "w", encoding="ascii") as f:
            f.write(f"Subject: {i}\n\nbody\n")


class Side:
    """A server, and the modseqs that it told: at each mark the highest then."""

    def __init__(self, start):
        self.start, self.marks, self.session = start, [], start()
        self.session.ok("ENABLE QRESYNC")
        self.open("SELECT INBOX")

    def open(self, text):
        untagged = self.session.ok(text)
        said = b" ".join(untagged)
        self.validity = int(re.search(rb"UIDVALIDITY (\d+)", said)[1])
        self.mark(untagged, b"")
        return untagged

    def mark(self, untagged, tagged):
        said = b"\n".join(untagged + [tagged])
        found = [int(n) for n in re.findall(rb"HIGHESTMODSEQ (\d+)", said)] or \
            [int(n) for n in re.findall(rb"MODSEQ \((\d+)\)", said)] + [self.marks[-1]]
        self.marks.append(found[-1] if b"HIGHESTMODSEQ" in said else max(found))

    def command(self, text):
        untagged, tagged = self.session.command(text.format(marks=self.marks, v=self.validity))
        self.mark(untagged, tagged)
        return untagged, tagged

    def again(self, text):
        self.session.__exit__()
        self.session = self.start()
        self.session.ok("ENABLE QRESYNC")
        return self.open(text.format(marks=self.marks, v=self.validity))


def essence(untagged):
    """What is said of messages: (UID: flags), vanished earlier, vanished."""
    flags, earlier, gone = {}, set(), set()
    for r in untagged:
        if m := re.match(rb"\* VANISHED (\(EARLIER\) )?([\d:,]+)", r):
            (earlier if m[1] else gone).update(imapmodel.uid_set(m[2]))
        elif m := re.match(rb"\* \d+ FETCH ", r):
            values = imapwire.parse(r[m.end():])[0]
            items = dict(zip(values[::2], values[1::2]))
            known = flags.setdefault(int(items[b"UID"]), None) if b"UID" in items else None
            if b"FLAGS" in items and b"UID" in items:
                flags[int(items[b"UID"])] = imapmodel.lower(items[b"FLAGS"])
            del known
    return flags, earlier, gone


def generate(rng, rounds):
    uids = list(range(1, 31))
    for n in range(rounds):
        kind, some = rng.randrange(8), ",".join(map(str, sorted(rng.sample(uids, min(3, len(uids))))))
        words, sign = " ".join(rng.sample(FLAGS, rng.randrange(1, 3))), rng.choice(["+", "-", ""])
        back = rng.randrange(max(0, n - 6), n + 1)
        if kind < 2:
            yield "command", f"UID STORE {some} {sign}FLAGS{rng.choice(['', '.SILENT'])} ({words})"
        elif kind == 2:
            yield "command", f"UID STORE {some} (UNCHANGEDSINCE {{marks[{back}]}}) FLAGS.SILENT ({words})"
        elif kind == 3 and len(uids) > 5:
            gone = rng.choice(uids)
            uids.remove(gone)
            yield "command", f"UID STORE {gone} +FLAGS.SILENT (\\Deleted)"
            yield "command", f"UID EXPUNGE {gone}"
        elif kind == 4:
            yield "command", f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {{marks[{back}]}})"
        elif kind == 5:
            yield "command", f"UID FETCH 1:30 (FLAGS) (CHANGEDSINCE {{marks[{back}]}} VANISHED)"
        elif kind == 6:
            yield "again", f"SELECT INBOX (QRESYNC ({{v}} {{marks[{back}]}}{rng.choice(['', ' 1:30', ' 5:20'])}))"
        else:
            yield "command", "NOOP"


def main():
    why = oracle.available()
    if why:
        print(f"1..0 # SKIP {why}")
        return 0
    tap, seed = Tap(), int(os.environ.get("SEED", "1"))
    with tempfile.TemporaryDirectory() as base:
        os.chmod(base, 0o755)
        make(base + "/dovecot")
        shutil.copytree(base + "/dovecot/mail", base + "/ours/mail", copy_function=shutil.copy2)
        argv, env = imapwire.dovecot(base + "/dovecot")
        theirs = Side(lambda: imapwire.Session(argv, env))
        ours = Side(lambda: imapwire.Session(["imap"], MAILDIR=base + "/ours/mail", TZ="UTC", POSTERN_DIR=base))
        bad, count = [], 0
        for how, text in generate(random.Random(seed), int(os.environ.get("IMAP_ROUNDS", "150"))):
            count += 1
            if how == "again":
                one, two, a, b = theirs.again(text), ours.again(text), b"", b""
            else:
                (one, a), (two, b) = theirs.command(text), ours.command(text)
            modified = [re.search(rb"MODIFIED [\d:,]+", t) for t in (a, b)]
            if [m and m[0] for m in modified][0] != [m and m[0] for m in modified][1]:
                bad.append(f"{count} {text}: Dovecot {a!r} we {b!r}")
            x, y = essence(one), essence(two)
            # Of a UID that was told gone before its modseq either may tell again (RFC 7162 5.1), Dovecot does.
            if how == "again" or "CHANGEDSINCE" in text:
                missing = {u for u in x[0] if u not in y[0]}
                if missing or x[1] - y[1] or any(x[0][u] != y[0][u] for u in x[0]):
                    bad.append(f"{count} {text}: Dovecot {x} we {y}")
            if x[2] != y[2]:
                bad.append(f"{count} {text}: Dovecot VANISHED {x[2]} we {y[2]}")
        last = [essence(s.session.ok("UID FETCH 1:* FLAGS"))[0] for s in (theirs, ours)]
        tap.ok(not bad, f"{count} generated commands", *bad[:10], f"{len(bad)} differ")
        tap.ok(last[0] == last[1], "the same in the end", last)
        for s in (theirs, ours):
            s.session.__exit__()
    return tap.done()


sys.exit(main())
