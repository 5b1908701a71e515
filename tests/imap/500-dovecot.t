#!/usr/bin/env python3
"""The same Maildir served by Dovecot and by imap: SELECT, FETCH and SEARCH say the same. Dovecot opens it
first, so that its uidlist and keywords are what imap finds. IMAP_CORPUS sets the number of messages,
IMAP_SEARCHES that of the generated SEARCH commands, SEED the seed. What differs for a reason stands in
doc/differences.md and differences-search.md
(tests/lib/differences.py); every section of every part is compared by tests/mime/100-dovecot.t."""
import os
import random
import re
import shutil
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import corpus
import differences
import imapwire
import oracle
from instance import Tap

FLAGS = ["", "S", "RS", "FS", "T", "DS", "Sa", "Sb", "ab", "RSTab"]
WORDS = ["hello", "body", "the", "test", "bob", "example", "x", "multipart", "caf\u00e9", "\u00fc", "a b", "b",
         "zzz", "Alice", "@", "Re", "text", "content", "one", "=", "report"]
FIELDS = ["Subject", "From", "To", "Message-ID", "Content-Type", "X-None", "Date", "Received", "mime-version"]
DAYS = ["1-Jan-2006", "2-Jan-2006", "3-Jan-2006", "15-Mar-2010", "1-Feb-1994", "31-Dec-1999", "9-Sep-2001"]


def make(directory, messages, rng):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{directory}/mail/{sub}")
    with open(f"{directory}/mail/dovecot-keywords", "w", encoding="ascii") as f:
        f.write("0 $Junk\n1 work\n")
    for i, (_, data) in enumerate(messages):
        path = f"{directory}/mail/cur/{1000000000 + i}.m{i:06}.host:2,{rng.choice(FLAGS)}"
        with open(path, "wb") as f:
            f.write(data)
        when = rng.randrange(700000000, 1500000000)
        os.utime(path, (when, when))


def literal(text):
    data = text.encode()
    return b"{%d+}\r\n" % len(data) + data


def key(rng, depth, count):
    """A random search key."""
    kind = rng.randrange(10 if depth else 8)
    if kind == 0:
        return rng.choice(["ALL", "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN", "UNANSWERED", "UNDELETED",
                           "UNDRAFT", "UNFLAGGED", "UNSEEN", "KEYWORD $Junk", "UNKEYWORD work", "KEYWORD none"]).encode()
    if kind == 1:
        if rng.random() < 0.2:
            return f"{rng.choice(['OLDER', 'YOUNGER'])} {rng.randrange(200000000, 1200000000)}".encode()
        return (rng.choice(["BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"]) + " " + rng.choice(DAYS)).encode()
    if kind == 2:
        return f"{rng.choice(['LARGER', 'SMALLER'])} {rng.randrange(2000)}".encode()
    if kind == 3:
        a, b = rng.randrange(1, count + 1), rng.randrange(1, count + 1)
        return rng.choice([f"{a}:{b}", f"{a},{b}", f"UID {a}:*", f"UID {a},{b}", "$", "UID $"]).encode()
    if kind == 4:
        return b"HEADER " + rng.choice(FIELDS).encode() + b" " + literal(rng.choice(WORDS + [""]))
    if kind == 5:
        return rng.choice([b"SUBJECT ", b"FROM ", b"TO ", b"CC ", b"BCC "]) + literal(rng.choice(WORDS))
    if kind == 6:
        return b"BODY " + literal(rng.choice(WORDS))
    if kind == 7:
        return b"TEXT " + literal(rng.choice(WORDS))
    if kind == 8:
        return b"NOT " + key(rng, depth - 1, count)
    return rng.choice([b"OR " + key(rng, depth - 1, count) + b" " + key(rng, depth - 1, count),
                       b"(" + key(rng, depth - 1, count) + b" " + key(rng, depth - 1, count) + b")"])


def compare_fetch(tap, theirs, ours, messages, rows, items):
    command = f"FETCH 1:* {items}"
    want, got = imapwire.fetched(theirs.ok(command)), imapwire.fetched(ours.ok(command))
    bad = []
    for number, (name, data) in enumerate(messages, 1):
        one, two = want.get(number, {}), got.get(number, {})
        for side in (one, two):
            if b"FLAGS" in side:
                side[b"FLAGS"] = sorted(f for f in side[b"FLAGS"] if f != b"\\Recent")
            if b"INTERNALDATE" in side:
                side[b"INTERNALDATE"] = side[b"INTERNALDATE"].lstrip(b" 0")
        for item in set(one) | set(two):
            a, b = one.get(item), two.get(item)
            if b is None and b"[" in item and item in two:
                b = b""  # no such part: NIL here, an empty string there
            if a != b and not differences.allow(rows, name, data, item.decode(), b, a):
                bad.append(f"{number} {name} {item}: Dovecot {one.get(item)!r} ours {two.get(item)!r}")
    tap.ok(not bad, f"FETCH {items}", *[b[:1500] for b in bad[:10]], f"{len(bad)} differ")


def numbers(untagged):
    found = [r for r in untagged if r.startswith(b"* SEARCH")]
    return {int(n) for r in found for n in r[8:].split()}


def compare_search(tap, theirs, ours, messages, rows, rng, count):
    bad = []
    for side in (theirs, ours):
        side.ok("SEARCH RETURN (SAVE) OR FLAGGED 20:60")
    for _ in range(count):
        text = rng.choice([b"SEARCH ", b"UID SEARCH ", b"SEARCH CHARSET UTF-8 "]) + key(rng, 2, len(messages))
        (want, one), (got, two) = theirs.command(text), ours.command(text)
        if one[:2] != two[:2]:
            bad.append(f"{text!r}: Dovecot {one!r} ours {two!r}")
            continue
        if b"NOT" in text and re.search(rb"(LARGER|SMALLER).*(LARGER|SMALLER)", text):
            continue  # doc/differences-search.md: of several sizes within NOT Dovecot takes one
        for n in numbers(want) ^ numbers(got):
            # Nothing was expunged, so a UID is its message's number here.
            if not differences.allow(rows, *messages[n - 1], "SEARCH", None, None):
                bad.append(f"{text!r}: {messages[n - 1][0]}: {'Dovecot' if n in numbers(want) else 'we'} alone")
    tap.ok(not bad, f"{count} generated SEARCH commands", *bad[:30], f"{len(bad)} differ")


def main():
    why = oracle.available()
    if why:
        print(f"1..0 # SKIP {why}")
        return 0
    rng = random.Random(int(os.environ.get("SEED", "1")))
    messages = list(corpus.messages(int(os.environ.get("IMAP_CORPUS", "400")))) + list(corpus.real())
    tap = Tap()
    rows = differences.rows("doc/differences.md", "doc/differences-search.md")
    with tempfile.TemporaryDirectory() as base:
        os.chmod(base, 0o755)
        make(base + "/dovecot", messages, rng)
        argv, env = imapwire.dovecot(base + "/dovecot")
        with imapwire.Session(argv, env) as theirs:
            one = theirs.ok("SELECT INBOX")
            theirs.ok("FETCH 1:* (UID)")
            os.makedirs(base + "/ours")
            shutil.copytree(base + "/dovecot/mail", base + "/ours/mail", copy_function=shutil.copy2)
            if os.getuid() == 0:
                os.chown(base + "/ours/mail", 0, 0)
            with imapwire.Session(["imap"], MAILDIR=base + "/ours/mail", TZ="UTC", POSTERN_DIR=base) as ours:
                two = ours.ok("SELECT INBOX")
                for code in (rb"\d+ EXISTS", rb"UIDVALIDITY \d+", rb"UIDNEXT \d+", rb"UNSEEN \d+"):
                    a, b = (re.search(code, b" ".join(r))[0] for r in (one, two))
                    tap.ok(a == b, f"SELECT: {a.decode()}", b)
                for items in ("(UID FLAGS INTERNALDATE RFC822.SIZE)", "(BODY.PEEK[])", "(BODY.PEEK[]<7.100>)",
                              "(RFC822.HEADER)", "(BODY.PEEK[TEXT]<20.30>)", "(BODY.PEEK[TEXT])",
                              "(BODY.PEEK[HEADER])", "(BODY.PEEK[HEADER.FIELDS (From To Subject Date)])",
                              "(BODY.PEEK[HEADER.FIELDS.NOT (From content-type)])", "ALL", "FULL", "(ENVELOPE)", "(BODY)",
                              "(BODYSTRUCTURE)", "(BODY.PEEK[1] BODY.PEEK[2] BODY.PEEK[1.1] BODY.PEEK[2.1] BODY.PEEK[1.2.1])",
                              "(BODY.PEEK[1.MIME] BODY.PEEK[2.MIME] BODY.PEEK[1.1.MIME])", "(BODY.PEEK[1.HEADER] BODY.PEEK[1.TEXT])",
                              "(BODY.PEEK[2.HEADER] BODY.PEEK[2.TEXT] BODY.PEEK[2.HEADER.FIELDS (Subject)])"):
                    compare_fetch(tap, theirs, ours, messages, rows, items)
                compare_search(tap, theirs, ours, messages, rows, rng, int(os.environ.get("IMAP_SEARCHES", "1000")))
    return tap.done()


sys.exit(main())
