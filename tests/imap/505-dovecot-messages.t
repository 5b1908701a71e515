#!/usr/bin/env python3
"""The same commands given to Dovecot and to imap, each over a Maildir of its own: APPEND of many messages and of parts
(CATENATE) leaves the same messages, and BINARY gives the same of every leaf. SEED, APPENDS."""
import base64
import os
import quopri
import random
import re
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import corpus
import imapwire
import oracle
from instance import Tap

tap = Tap()
SEED = int(os.environ.get("SEED", "1"))
APPENDS = int(os.environ.get("APPENDS", "60"))
SECTIONS = ["", "/;SECTION=HEADER", "/;SECTION=TEXT", "/;SECTION=TEXT/;PARTIAL=2.20", "/;PARTIAL=5"]
# Of the first message: to Dovecot a part that is not there is an empty one, RFC 4469 4.1 wants BADURL.
PARTS = ["/;SECTION=1", "/;SECTION=1.MIME", "/;SECTION=2", "/;SECTION=3.HEADER", "/;SECTION=3.TEXT", "/;SECTION=2/;PARTIAL=1.3"]
MIXED = (b"Subject: mixed\r\nFrom: a@example.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
         b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9 =\r\nfold\r\n--b\r\n"
         b"Content-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n--b--\r\n")


def literal(rng, data):
    return (b"{%d+}\r\n" if rng.randrange(4) else b"~{%d+}\r\n") % len(data) + data


def part(rng, messages, uids):
    if rng.randrange(2):
        data = rng.choice(messages)[:rng.randrange(1, 300)].replace(b"\r", b"").replace(b"\n", b"\r\n")
        return b"TEXT {%d+}\r\n" % len(data) + data
    if rng.randrange(3) == 0:
        return f'URL "/INBOX/;UID=1{rng.choice(PARTS)}"'.encode()
    return f'URL "/INBOX/;UID={rng.randrange(1, uids + 3)}{rng.choice(SECTIONS)}"'.encode()


def command(rng, messages, uids):
    words = [b"APPEND INBOX"]
    for _ in range(rng.choice([1, 1, 2, 3])):
        if rng.randrange(2):
            words.append(rng.choice([b"(\\Seen)", b"(\\Draft \\Flagged)", b"(work)", b"()"]))
        if rng.randrange(2):
            words.append(b'"%02d-Jan-2006 10:00:00 +0100"' % rng.randrange(1, 29))
        if rng.randrange(2):
            words.append(literal(rng, rng.choice(messages)))
        else:
            words.append(b"CATENATE (" + b" ".join([b"TEXT {4+}\r\nA: b"] + [part(rng, messages, uids) for _ in range(rng.randrange(1, 4))]) + b")")
    return b" ".join(words)


def verdict(tagged):
    return re.match(rb"(OK|NO|BAD)( \[(BADURL|TRYCREATE|TOOBIG))?", tagged)[0]


def appends(ours, theirs):
    rng = random.Random(SEED)
    messages = [MIXED] + [data.replace(b"\r", b"").replace(b"\n", b"\r\n") for _, data in corpus.messages(200)]
    messages = [m for m in messages if not re.search(rb"[\x80-\xff\0]", m) and m]
    uids, answers = 1, {}
    for s in (ours, theirs):
        s.ok(b"APPEND INBOX {%d+}\r\n" % len(MIXED) + MIXED)
    for _ in range(APPENDS):
        text = command(rng, messages, uids)
        got, want = ours.command(text)[1], theirs.command(text)[1]
        if verdict(got) != verdict(want):
            raise AssertionError(f"seed {SEED}: {text[:2000]!r}\nours:   {got!r}\ntheirs: {want!r}")
        answers[verdict(got)] = answers.get(verdict(got), 0) + 1
        uids = int(re.search(rb"APPENDUID \d+ (?:\d+:)?(\d+)", got)[1]) if got.startswith(b"OK") else uids
    tap.ok(b"OK" in answers, f"{APPENDS} generated APPENDs are answered alike: {answers}")
    mail = []
    for s in (ours, theirs):
        s.ok("SELECT INBOX")
        mail.append(imapwire.fetched(s.ok("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")))
        for values in mail[-1].values():
            values[b"FLAGS"] = sorted(f for f in values[b"FLAGS"] if f != b"\\Recent")
            values[b"INTERNALDATE"] = values[b"INTERNALDATE"].replace(b" ", b"0", 1) if values[b"INTERNALDATE"][:1] == b" " else values[b"INTERNALDATE"]
            if b"-Jan-2006 " not in values[b"INTERNALDATE"]:
                values[b"INTERNALDATE"] = b"now"
    wrong = [(n, mail[0].get(n), mail[1].get(n)) for n in sorted(set(mail[0]) | set(mail[1])) if mail[0].get(n) != mail[1].get(n)]
    tap.ok(not wrong, f"and leave the same {len(mail[0])} messages", f"seed {SEED}", *wrong[:3])


def encoded(rng):
    """(encoding, octets that decode) of a leaf, as mail programs make them."""
    kind = rng.choice([b"base64", b"quoted-printable", b"7bit", b"8bit", b"", b"BASE64"])
    if kind.lower() == b"base64":
        data = base64.encodebytes(rng.randbytes(rng.choice([0, 1, 2, 3, 100, 9000]))).replace(b"\n", b"\r\n")
    elif kind == b"quoted-printable":
        data = quopri.encodestring(rng.choice(["caf\u00e9 = x\n" * 20, "a" * 300 + "\n\n .\n", "\t \n", ""]).encode()).replace(b"\n", b"\r\n")
    else:
        data = b"".join(rng.choice([b"text\r\n", b"\r\n", b"lines of it\r\n" * 500]) for _ in range(rng.randrange(4)))
    return kind, data


def binary(ours, theirs):
    """Messages of leaves, each fetched whole, in part, and measured."""
    rng, compared, wrong = random.Random(SEED), 0, []
    for _ in range(20):
        parts = [encoded(rng) for _ in range(rng.randrange(1, 5))]
        text = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(
            b"--b\r\n" + (b"Content-Transfer-Encoding: %s\r\n" % kind if kind else b"") + b"\r\n" + data + b"\r\n" for kind, data in parts) + b"--b--\r\n"
        for s in (ours, theirs):
            s.ok(b"APPEND INBOX {%d+}\r\n" % len(text) + text)
            last = imapwire.fetched(s.ok("FETCH * UID"))
        n = max(last)
        for k in range(1, len(parts) + 1):
            # Dovecot 2.3's BINARY.SIZE is not that of its BINARY; ours is.
            whole = imapwire.fetched(ours.ok(f"FETCH {n} (BINARY.PEEK[{k}] BINARY.SIZE[{k}])"))[n]
            if len(whole[b"BINARY[%d]" % k]) != int(whole[b"BINARY.SIZE[%d]" % k]):
                wrong.append((n, whole))
            for item in (f"BINARY.PEEK[{k}]", f"BINARY.PEEK[{k}]<{rng.randrange(200)}.{rng.randrange(1, 5000)}>"):
                got, want = ours.command(f"FETCH {n} {item}"), theirs.command(f"FETCH {n} {item}")
                compared += 1
                if (imapwire.fetched(got[0]), got[1][:2]) != (imapwire.fetched(want[0]), want[1][:2]):
                    wrong.append((n, item, parts[k - 1][0], got, want))
    tap.ok(not wrong and compared > 50, f"{compared} times BINARY is the same", *wrong[:3])


with tempfile.TemporaryDirectory(prefix="dovecot-messages.") as base:
    if not os.path.exists(oracle.IMAP):
        tap.skip("Dovecot", "it is not installed")
        tap.done()
    os.chmod(base, 0o755)
    os.makedirs(base + "/theirs/mail")
    argv, environment = imapwire.dovecot(base + "/theirs")
    with imapwire.Session(["imap"], MAILDIR=base + "/ours", POSTERN_DIR=base, TZ="UTC") as o, imapwire.Session(argv, environment) as t:
        appends(o, t)
        binary(o, t)
tap.done()
