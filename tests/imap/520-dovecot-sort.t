#!/usr/bin/env python3
"""SORT and THREAD as Dovecot answers them, on generated mailboxes and with generated commands. IMAP_MAILBOXES is the
number of mailboxes, IMAP_SORTS that of commands in each, SEED the seed. Differences: doc/differences-search.md; where
Dovecot sorts otherwise, a plain sort of what the messages were made of decides."""
import calendar
import os
import random
import re
import shutil
import sys
import tempfile
import unicodedata

sys.path.insert(0, "tests/lib")
import imapwire
import oracle
from instance import Tap

KEYS = ["ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"]
SUBJECTS = ["apple", "Apple", "apple pie", "banana", "", "zebra", "a", "ab", "a very long subject that goes on and on",
            "a very long subject that goes on and off", "=?utf-8?q?=C3=A4pfel?=", "=?iso-8859-1?q?=E4pfel?=", "[list] x", "x"]
PREFIXES = ["", "", "", "Re: ", "re: ", "Fwd: ", "Re: Re: ", "Fw: ", "[list] ", "Re: [list] ", "RE : "]
SUFFIXES = ["", "", "", " (fwd)", "  "]
NAMES = ["", "Alice", "bob", "=?utf-8?q?=C3=84nne?=", "\"Zoe, Z.\"", "carol"]
BOXES = ["alice", "Bob", "carol", "dave", "ALICE", "zoe"]
SEARCHES = ["ALL", "1:*", "UID 5:40", "SEEN", "OR FLAGGED SUBJECT a", "NOT 3", "SINCE 1-Jan-2010", "FROM alice", "NONE-SUCH"]


BASES = {"[list] x": "x", "=?utf-8?q?=C3=A4pfel?=": "\u00e4pfel", "=?iso-8859-1?q?=E4pfel?=": "\u00e4pfel"}
SHOWN = {"=?utf-8?q?=C3=84nne?=": "\u00c4nne", '"Zoe, Z."': "Zoe, Z."}


def folded(text):
    """As i;unicode-casemap compares (RFC 5051 2)."""
    return unicodedata.normalize("NFKD", text.upper()).encode()


def address(rng, keys, key):
    name, box = rng.choice(NAMES), rng.choice(BOXES)
    keys.setdefault(key, folded(box))
    keys.setdefault("DISPLAY" + key, folded(SHOWN.get(name, name) or box + "@example.org"))
    return f"{name} <{box}@example.org>" if name else f"{box}@example.org"


def message(rng, ids, seen):
    """One that may answer earlier or later ones, known or not; and what it is sorted by."""
    lines, keys = [], {}
    if rng.random() < 0.9:
        lines.append("From: " + ", ".join(address(rng, keys, "FROM") for _ in range(rng.choice((1, 1, 2)))))
    if rng.random() < 0.8:
        lines.append("To: " + address(rng, keys, "TO"))
    if rng.random() < 0.4:
        lines.append("Cc: " + address(rng, keys, "CC"))
    if rng.random() < 0.95:
        prefix, subject = rng.choice(PREFIXES), rng.choice(SUBJECTS)
        keys["SUBJECT"] = folded(BASES.get(subject, subject) or ("[list]" if "[list]" in prefix else ""))
        lines.append("Subject: " + prefix + subject + rng.choice(SUFFIXES))
    when = [rng.randrange(2008, 2012), 3, rng.randrange(1, 28), rng.randrange(24), rng.randrange(60), 0]
    zone, minutes = rng.choice((("+0000", 0), ("-0800", -480), ("+0530", 330)))
    keys["DATE"] = calendar.timegm(when) - 60 * minutes
    lines.append("Date: {2} Mar {0} {3:02}:{4:02}:00 ".format(*when) + zone)
    own = rng.choice(ids)
    if rng.random() < 0.95 and own not in seen:
        seen.add(own)
        lines.append(f"Message-ID: <{own}@x>")
    refs = [f"<{rng.choice(ids)}@x>" for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 5)))]
    if refs and rng.random() < 0.8:
        lines.append("References: " + "\n ".join(refs))
    elif refs:
        lines.append("In-Reply-To: " + refs[-1])
    text = "\n".join(lines) + "\n\n" + "x" * rng.randrange(300) + "\n"
    keys["SIZE"] = len(text) + text.count("\n")
    return text, keys


def make(directory, rng, count):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{directory}/mail/{sub}")
    made = []
    ids, seen = [f"{i}.{rng.randrange(9)}" for i in range(max(4, int(count * rng.choice((0.8, 1.5, 3)))))], set()
    for i in range(count):
        path = f"{directory}/mail/cur/{1000000000 + i}.m{i:06}.host:2,{rng.choice(('', 'S', 'F', 'FS'))}"
        with open(path, "w", encoding="ascii") as f:
            text, keys = message(rng, ids, seen)
            f.write(text)
        keys["ARRIVAL"] = 1200000000 + rng.randrange(10000000) * 10
        os.utime(path, (keys["ARRIVAL"],) * 2)
        made.append(keys)
    return made


def command(rng):
    uid = rng.choice(("", "UID "))
    what = rng.choice(SEARCHES[:-1])
    if rng.random() < 0.4:
        return f"{uid}THREAD {rng.choice(('REFERENCES', 'REFERENCES', 'REFS', 'ORDEREDSUBJECT'))} UTF-8 {what}"
    keys = " ".join(rng.choice(("", "", "REVERSE ")) + k for k in rng.sample(KEYS, rng.choice((1, 1, 2, 3))))
    back = rng.choice(("", "", f" RETURN ({rng.choice(('', 'MIN', 'MAX', 'ALL', 'COUNT', 'MIN MAX COUNT ALL'))})"))
    return f"{uid}SORT{back} ({keys}) UTF-8 {what}"


def sequence(text):
    """A set spelled out: where a range begins is the server's choice (RFC 5267 3.2)."""
    out = []
    for part in text.split(","):
        lo, _, hi = part.partition(":")
        out += range(int(lo), int(hi or lo) + 1)
    return out


def normal(responses):
    """The answer, the tag and the order of items apart."""
    found = []
    for r in responses:
        text = re.sub(r'^\* ESEARCH \(TAG "[^"]*"\)', "* ESEARCH", r.decode())
        text = re.sub(r"ALL ([\d,:]+)", lambda m: "ALL " + str(sequence(m[1])), text)
        if text.startswith("* ESEARCH"):
            text = " ".join(sorted(re.split(r" (?=[A-Z])", text)))
        if text.startswith(("* SORT", "* THREAD", "* ESEARCH")):
            found.append(text.rstrip())
    return found


def shape(text):
    """A THREAD response as sets of trees, whatever the order of those with equal dates."""
    stack = [[]]
    for token in re.findall(r"\(|\)|\d+", text):
        if token == "(":
            stack.append([])
        elif token == ")":
            top = tuple(stack.pop())
            stack[-1].append(top)
        else:
            stack[-1].append(int(token))
    return stack[0]


def is_sorted(made, text, answer):
    """The answer lists messages in the order that the command asks for."""
    numbers = [int(n) for n in re.findall(r"\d+", answer[0].split("ALL", 1)[-1])] if answer else []
    if text.split(" RETURN")[0].endswith("SORT") and "RETURN" in text and "ALL" not in answer[0]:
        return False
    by = [("SUBJECT", 1), ("DATE", 1)]
    if "ORDEREDSUBJECT" in text:
        groups = [[n for n in re.findall(r"\d+", str(t))] for t in shape(answer[0])]
        flat = [[int(n) for n in g] for g in groups]
        first = [made[g[0] - 1]["DATE"] for g in flat]
        return first == sorted(first) and all(in_order(made, g, by) for g in flat)
    by = [(w, -1 if reverse else 1) for reverse, w in re.findall(r"(REVERSE )?([A-Z]+)", re.search(r"\(([A-Z ]+)\) UTF", text)[1])]
    return in_order(made, numbers, by)


def in_order(made, numbers, by):
    def before(a, b):
        for key, sign in by:
            x, y = (made[n - 1].get(key, b"") for n in (a, b))
            if x != y:
                return (x < y) == (sign > 0)
        return a < b
    return all(before(a, b) for a, b in zip(numbers, numbers[1:]))


def compare(tap, seed, sorts):
    rng = random.Random(seed)
    count, bad, odd = rng.choice((5, 20, 60, 150)), [], 0
    with tempfile.TemporaryDirectory() as base:
        os.chmod(base, 0o755)
        made = make(base + "/dovecot", rng, count)
        argv, env = imapwire.dovecot(base + "/dovecot")
        with imapwire.Session(argv, env) as theirs:
            theirs.ok("SELECT INBOX")
            theirs.ok("FETCH 1:* (UID)")
            os.makedirs(base + "/ours")
            shutil.copytree(base + "/dovecot/mail", base + "/ours/mail", copy_function=shutil.copy2)
            if os.getuid() == 0:
                os.chown(base + "/ours/mail", 0, 0)
            with imapwire.Session(["imap"], MAILDIR=base + "/ours/mail", TZ="UTC", POSTERN_DIR=base) as ours:
                ours.ok("SELECT INBOX")
                for _ in range(sorts):
                    text = command(rng)
                    (want, one), (got, two) = theirs.command(text), ours.command(text)
                    a, b = normal(want), normal(got)
                    if " REFS " in text:
                        a, b = [sorted(map(repr, shape(x[0]))) for x in (a, b)]
                    if one[:2] == two[:2] and a != b and re.search("SORT|ORDERED", text) and is_sorted(made, text, b):
                        odd += 1
                    elif one[:2] != two[:2] or a != b:
                        bad.append(f"{text}\nDovecot {normal(want)} {one}\nours    {normal(got)} {two}")
    tap.ok(not bad, f"seed {seed}: {sorts} commands, {count} messages, {odd} that Dovecot sorts otherwise", *[b[:3000] for b in bad[:3]], f"{len(bad)} differ")


def main():
    why = oracle.available()
    if why:
        print(f"1..0 # SKIP {why}")
        return 0
    tap = Tap()
    first = int(os.environ.get("SEED", "1"))
    for seed in range(first, first + int(os.environ.get("IMAP_MAILBOXES", "6"))):
        compare(tap, seed, int(os.environ.get("IMAP_SORTS", "200")))
    return tap.done()


sys.exit(main())
