#!/usr/bin/env python3
"""Sessions on one folder do what they like, and other programs rename, deliver and remove. What each client
has been told, put together by a simple model, must be what a fresh session says. SEED, IMAP_STEPS."""
import os
import random
import re
import shutil
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
from instance import Tap

FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft", "$Junk", "work", "$Forwarded"]
LETTERS = {"\\Seen": "S", "\\Flagged": "F", "\\Answered": "R", "\\Draft": "D"}
KEEPS = ("FETCH", "STORE", "SEARCH")


class Client:
    """A session, and what it has been told: a list of [uid or None, flags or None]."""

    def __init__(self, box, base):
        self.session = imapwire.Session(["imap"], MAILDIR=box, POSTERN_DIR=base)
        self.told = []
        self.command("SELECT INBOX")
        self.command("FETCH 1:* (UID FLAGS)")

    def command(self, text):
        untagged, tagged = self.session.command(text)
        for response in untagged:
            self.hear(response, text)
        return tagged

    def hear(self, response, command):
        if m := re.match(rb"\* (\d+) EXISTS", response):
            count = int(m[1])
            assert count >= len(self.told), (command, response, len(self.told))
            self.told += [[None, None] for _ in range(count - len(self.told))]
        elif m := re.match(rb"\* (\d+) EXPUNGE", response):
            assert not command.startswith(KEEPS), (command, response)
            assert 1 <= int(m[1]) <= len(self.told), (command, response, len(self.told))
            del self.told[int(m[1]) - 1]
        elif m := re.match(rb"\* (\d+) FETCH ", response):
            values = imapwire.parse(response[m.end():])[0]
            items = dict(zip(values[::2], values[1::2]))
            known = self.told[int(m[1]) - 1]
            if b"UID" in items:
                assert known[0] in (None, items[b"UID"]), (command, response, known)
                known[0] = items[b"UID"]
            if b"FLAGS" in items:
                known[1] = sorted(f.lower() for f in items[b"FLAGS"] if f != b"\\Recent")

    def any(self, rng):
        return rng.randrange(1, len(self.told) + 1) if self.told else 1


def client_step(rng, c):
    n, flags = c.any(rng), " ".join(rng.sample(FLAGS, rng.randrange(3)))
    uid = (c.told[n - 1][0] or b"1").decode() if c.told else "1"
    text = b"A: b\r\n\r\nx\r\n"
    choice = rng.randrange(14)
    command = [f"STORE {n} {rng.choice(['', '+', '-'])}FLAGS{rng.choice(['', '.SILENT'])} ({flags})",
               f"UID STORE {uid} {rng.choice(['', '+', '-'])}FLAGS ({flags})", "EXPUNGE", f"UID EXPUNGE {uid}",
               f"FETCH {n} (UID FLAGS)", f"UID FETCH {uid}:* FLAGS", "SEARCH UNSEEN", "UID SEARCH SEEN",
               f"COPY {n} INBOX", f"MOVE {n} to", f"UID MOVE {uid} INBOX", "NOOP", "CHECK",
               b"APPEND INBOX (%s) {%d+}\r\n" % (flags.encode(), len(text)) + text][choice]
    if choice == 0 and "SILENT" in command and c.told:
        # The client knows what it asked for, but not what was there.
        c.told[n - 1][1] = None
    if isinstance(command, bytes):
        untagged, _ = c.session.command(command)
        for response in untagged:
            c.hear(response, "APPEND")
    else:
        c.command(command)


def foreign_step(rng, box, serial):
    names = [f for f in sorted(os.listdir(box + "/cur")) if ":2," in f]
    kind = rng.randrange(4)
    if kind == 0 or not names:
        with open(f"{box}/tmp/{serial}.f", "w", encoding="ascii") as f:
            f.write("A: b\n\nx\n")
        os.rename(f"{box}/tmp/{serial}.f", f"{box}/new/{serial}.f")
    elif kind == 1:
        os.unlink(f"{box}/cur/{rng.choice(names)}")
    else:
        name = rng.choice(names)
        base, _, flags = name.rpartition(":2,")
        flags = set(flags) ^ {rng.choice(list(LETTERS.values()))}
        os.rename(f"{box}/cur/{name}", f"{box}/cur/{base}:2,{''.join(sorted(flags))}")


def run(seed, steps):
    rng = random.Random(seed)
    base = tempfile.mkdtemp(prefix="imap-model.")
    box = base + "/Maildir"
    for sub in ("cur", "new", "tmp", ".to/cur", ".to/new", ".to/tmp"):
        os.makedirs(f"{box}/{sub}")
    for i in range(20):
        with open(f"{box}/cur/{i}.x:2,", "w", encoding="ascii") as f:
            f.write("A: b\n\nx\n")
    clients = [Client(box, base) for _ in range(3)]
    for step in range(steps):
        if rng.randrange(5):
            client_step(rng, rng.choice(clients))
        else:
            foreign_step(rng, box, 1000 + step)
    for _ in range(2):  # the first brings to disk what the second has to tell
        for c in clients:
            c.command("NOOP")
    fresh = Client(box, base)
    problems = []
    for number, c in enumerate(clients):
        silent = [n for n, known in enumerate(c.told, 1) if known[1] is None or known[0] is None]
        if len(c.told) != len(fresh.told):
            problems.append(f"client {number} was told of {len(c.told)}, there are {len(fresh.told)}")
            continue
        for n, (known, true) in enumerate(zip(c.told, fresh.told), 1):
            if known[0] not in (None, true[0]) or (known[1] is not None and known[1] != true[1]):
                problems.append(f"client {number} message {n}: told {known}, is {true}")
        for n in silent:
            c.command(f"FETCH {n} (UID FLAGS)")
            if c.told[n - 1] != fresh.told[n - 1]:
                problems.append(f"client {number} message {n}: fetched {c.told[n - 1]}, is {fresh.told[n - 1]}")
    for c in clients + [fresh]:
        c.session.__exit__()
    shutil.rmtree(base)
    if problems:
        raise AssertionError("\n".join(problems[:10]))


tap = Tap()
first = int(os.environ.get("SEED", "1"))
for seed in range(first, first + int(os.environ.get("IMAP_RUNS", "5"))):
    tap.run(f"seed {seed}", run, seed, int(os.environ.get("IMAP_STEPS", "300")))
tap.done()
