#!/usr/bin/env python3
"""Sessions on one folder do what they like, and other programs rename, deliver and remove. What each client
has been told, put together by a simple model (tests/lib/imapmodel.py), must be what a fresh session says.
SEED, IMAP_STEPS, IMAP_RUNS, IMAP_KINDS (plain, condstore, qresync, uidonly, mixed)."""
import os
import random
import shutil
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapmodel
from instance import Tap

KINDS = {
    "plain": [imapmodel.Plain] * 3,
    "condstore": [imapmodel.Condstore] * 2 + [imapmodel.Plain],
    "qresync": [imapmodel.Qresync] * 3,
    "uidonly": [imapmodel.Uidonly, imapmodel.Uidonly, imapmodel.Qresync],
    "mixed": [imapmodel.Qresync, imapmodel.Condstore, imapmodel.Plain],
}


def compare(number, c, truth):
    known = c.known()
    if len(known) != len(truth):
        return [f"client {number} was told of {len(known)}, there are {len(truth)}: {known} {truth}"]
    problems = []
    for n, (a, b) in enumerate(zip(known, truth), 1):
        if a.uid not in (None, b.uid) or a.flags not in (None, b.flags):
            problems.append(f"client {number} message {n}: told {a}, is {b}")
    if not problems:
        c.command(f"{c.fetch} 1:* (UID FLAGS)" if known else "NOOP")
        problems = [f"client {number} message {n}: fetched {a}, is {b}" for n, (a, b) in enumerate(zip(c.known(), truth), 1)
                    if (a.uid, a.flags) != (b.uid, b.flags)]
    return problems


def run(seed, steps, kinds):
    rng = random.Random(seed)
    base = tempfile.mkdtemp(prefix="imap-model.")
    box = base + "/Maildir"
    for sub in ("cur", "new", "tmp", ".to/cur", ".to/new", ".to/tmp"):
        os.makedirs(f"{box}/{sub}")
    os.mkdir(base + "/etc")
    with open(base + "/etc/imap-capabilities", "w", encoding="ascii") as f:
        f.write("+UIDONLY\n")
    for i in range(20):
        with open(f"{box}/cur/{i}.x:2,", "w", encoding="ascii") as f:
            f.write("A: b\n\nx\n")
    clients = [kind(box, base) for kind in kinds]
    for step in range(steps):
        if rng.randrange(5):
            rng.choice(clients).step(rng)
        else:
            imapmodel.foreign_step(rng, box, 1000 + step)
    for _ in range(2):  # the first brings to disk what the second has to tell
        for c in clients:
            c.command("NOOP")
    fresh = imapmodel.Plain(box, base)
    problems = []
    for number, c in enumerate(clients):
        problems += compare(number, c, fresh.told)
    for c in clients + [fresh]:
        c.close()
    shutil.rmtree(base)
    if problems:
        raise AssertionError("\n".join(problems[:10]))


tap = Tap()
first = int(os.environ.get("SEED", "1"))
for kind in os.environ.get("IMAP_KINDS", " ".join(KINDS)).split():
    for seed in range(first, first + int(os.environ.get("IMAP_RUNS", "2"))):
        tap.run(f"{kind}, seed {seed}", run, seed, int(os.environ.get("IMAP_STEPS", "200")), KINDS[kind])
tap.done()
