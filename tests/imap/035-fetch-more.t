#!/usr/bin/env python3
"""FETCH items of extensions: BINARY (RFC 3516), PREVIEW (RFC 8970), SAVEDATE (RFC 8514), EMAILID and THREADID (RFC 8474)."""
import base64
import os
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
from imapwire import equal, matches
from instance import Tap

tap = Tap()
NUL = bytes(range(256)) * 40
PARTS = [(b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n", b"caf=C3=A9 =\nwith a fold\nand a line=20\n", "café with a fold\r\nand a line ".encode()),
         (b"Content-Transfer-Encoding: base64\n", base64.encodebytes(NUL).rstrip(), NUL),
         (b"Content-Type: text/plain\n", b"two\nlines", b"two\r\nlines"),
         (b"Content-Transfer-Encoding: x-unknown\n", b"what", None),
         (b"Content-Type: message/rfc822\n", b"Subject: in\n\nin it", b"Subject: in\r\n\r\nin it"),
         (b"Content-Type: application/x\nContent-Transfer-Encoding: binary\n", b"a\0b", b"a\0b"),
         (b"Content-Transfer-Encoding: base64\n", b"", b""),
         (b"Content-Transfer-Encoding: 8bit\n", b"\xfc\n", b"\xfc\r\n")]
MIXED = (b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\nSubject: s\n\n"
         + b"".join(b"--b\n" + head + b"\n" + body.rstrip(b"\n") + (b"\n" if body.endswith(b"\n") else b"") + b"\n" for head, body, _ in PARTS) + b"--b--\n")


class Session(imapwire.Session):
    def __init__(self, base, **more):
        super().__init__(["imap"], MAILDIR=base + "/Maildir", POSTERN_DIR=base, TZ="UTC", **more)

    def append(self, *messages):
        for m in messages:
            m = m.replace(b"\n", b"\r\n")
            self.ok(b"APPEND INBOX {%d+}\r\n" % len(m) + m)

    def item(self, n, item):
        return imapwire.fetched(self.ok(f"FETCH {n} ({item})"))[n]


def binary(base):
    """RFC 3516 section 4.2 and 4.3: decoded, with its size, literal8 only where NUL is; UNKNOWN-CTE."""
    os.makedirs(base + "/Maildir/cur")
    with open(base + "/Maildir/cur/1.x:2,", "wb") as f:
        f.write(MIXED)
    with Session(base) as s:
        s.ok("SELECT INBOX")
        for n, (_, body, want) in enumerate(PARTS, 1):
            if want is None:
                for item in ("BINARY.PEEK", "BINARY.SIZE"):
                    untagged, tagged = s.command(f"FETCH 1 ({item}[{n}] UID)")
                    equal(untagged, [])
                    matches(tagged, rb"NO \[UNKNOWN-CTE\] .*")
                continue
            if body.endswith(b"\n"):
                want = want + b"\r\n" if not want.endswith(b"\r\n") else want
                want = want.replace(b"line \r\n", b"line \r\n")
            raw = s.ok(f"FETCH 1 BINARY.PEEK[{n}]")[0]
            got = imapwire.fetched([raw])[1][b"BINARY[%d]" % n]
            equal((n, got), (n, want))
            equal((n, b"~{" in raw), (n, b"\0" in want))
            equal((n, s.item(1, f"BINARY.SIZE[{n}]")), (n, {b"BINARY.SIZE[%d]" % n: b"%d" % len(want)}))
        for begin, count in ((0, 10), (5, 1), (8100, 200), (10200, 1000), (10240, 5), (99999, 1)):
            equal(s.item(1, f"BINARY.PEEK[2]<{begin}.{count}>"), {b"BINARY[2]<%d>" % begin: NUL[begin:begin + count]})
        equal(s.item(1, "BINARY.PEEK[9]"), {b"BINARY[9]": None})
        equal(s.item(1, "BINARY.SIZE[9]"), {b"BINARY.SIZE[9]": b"0"})
        equal(s.item(1, "BINARY.PEEK[5.1]"), {b"BINARY[5.1]": b"in it"})
        whole = s.item(1, "BINARY.PEEK[] BINARY.SIZE[] RFC822.SIZE")
        equal(len(whole[b"BINARY[]"]), int(whole[b"RFC822.SIZE"]))
        equal(whole[b"BINARY.SIZE[]"], whole[b"RFC822.SIZE"])
        equal(s.ok("FETCH 1 BINARY.SIZE[9]"), [b"* 1 FETCH (BINARY.SIZE[9] 0)"])
        equal(s.item(1, "FLAGS"), {b"FLAGS": []})
        equal(s.item(1, "BINARY[3]"), {b"BINARY[3]": b"two\r\nlines", b"FLAGS": [b"\\Seen"]})
        for bad in ("BINARY", "BINARY.PEEK", "BINARY[HEADER]", "BINARY[1.MIME]", "BINARY.SIZE[1]<0.5>", "BINARY[1", "BINARY[0]"):
            matches(s.command(f"FETCH 1 {bad}")[1], rb"BAD .*")


def append_and_fetch(base):
    """What came as a literal8 is given back as it was."""
    data = bytes(reversed(range(256))) * 10 + b"\r\n\n\r"
    message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + data + b"\r\n--b--\r\n"
    with Session(base) as s:
        s.ok(b"APPEND INBOX ~{%d+}\r\n" % len(message) + message)
        s.ok("SELECT INBOX")
        equal(s.item(1, "BINARY.PEEK[1]"), {b"BINARY[1]": data})


def preview(base):
    """RFC 8970: text, at most 256 characters, UTF-8; LAZY gives what is there; empty where there is none."""
    with Session(base) as s:
        s.append(b"Subject: a\n\nPreview   text!\n", b"Subject: b\nContent-Type: application/x\n\nx\n",
                 "Content-Type: text/plain; charset=utf-8\n\nGrüße {0}\n".replace("{0}", "ü" * 400).encode(),
                 b"Content-Type: text/html\n\n<p>He said <b>\"no\"</b></p>\n", b"\n")
        s.ok("SELECT INBOX")
        equal(s.ok("FETCH 1 (PREVIEW (LAZY) UID)"), [b"* 1 FETCH (PREVIEW NIL UID 1)"])
        equal(s.ok("FETCH 1 (UID PREVIEW)"), [b'* 1 FETCH (UID 1 PREVIEW "Preview text!")'])
        equal(s.ok("FETCH 2 PREVIEW"), [b'* 2 FETCH (PREVIEW "")'])
        got = s.item(3, "PREVIEW")[b"PREVIEW"].decode()
        equal(got, "Grüße " + "ü" * (len(got) - 6))
        if not 100 < len(got) <= 256:
            raise AssertionError(len(got))
        equal(s.item(4, "PREVIEW"), {b"PREVIEW": b'He said "no"'})
        equal(s.item(5, "PREVIEW FLAGS"), {b"PREVIEW": b"", b"FLAGS": [b"\\Recent"]})
        for bad in ("PREVIEW (FOO)", "PREVIEW ()", "PREVIEW (LAZY"):
            matches(s.command(f"FETCH 1 {bad}")[1], rb"BAD .*")
    with Session(base) as s:  # kept by the folder
        s.ok("ENABLE UTF8=ACCEPT")
        s.ok("SELECT INBOX")
        equal(s.ok("FETCH 3 (PREVIEW (LAZY LAZY))"), ['* 3 FETCH (PREVIEW "{0}")'.format(got).encode()])


def ids(base):
    """RFC 8474 section 5: of a message for ever and everywhere; a thread's by its first message."""
    with Session(base) as s:
        s.append(b"Message-ID: <1@x>\nSubject: A\n\n", b"Message-ID: <2@x>\nReferences: <1@x>\nSubject: Re: A\n\n",
                 b"Message-ID: <3@x>\nIn-Reply-To: <2@x>\nReferences: <1@x> <2@x>\n\n", b"Message-ID: <4@x>\nSubject: C\n\n", b"Subject: D\n\n", b"Subject: D\n\n")
        s.ok("SELECT INBOX")
        before = imapwire.fetched(s.ok("FETCH 1:* (EMAILID THREADID)"))
        for n, values in before.items():
            matches(values[b"EMAILID"][0], rb"M[A-Za-z0-9_-]{1,254}")
            matches(values[b"THREADID"][0], rb"T[A-Za-z0-9_-]{1,254}")
        equal(len({v[b"EMAILID"][0] for v in before.values()}), 6)
        threads = [before[n][b"THREADID"] for n in range(1, 7)]
        equal((threads[0] == threads[1] == threads[2], len({t[0] for t in threads})), (True, 4))
        s.ok("CREATE foo")
        s.ok("COPY 1 foo")
        s.ok("MOVE 2 foo")
        equal(s.ok(b"SEARCH EMAILID " + before[1][b"EMAILID"][0]), [b"* SEARCH 1"])
        equal(s.ok(b"SEARCH THREADID " + threads[0][0]), [b"* SEARCH 1 2"])
        equal(s.ok(b"SEARCH NOT THREADID " + threads[0][0]), [b"* SEARCH 3 4 5"])
        s.ok("SELECT foo")
        equal(imapwire.fetched(s.ok("FETCH 1:* (EMAILID THREADID)")), {1: before[1], 2: before[2]})


def savedate(base):
    """RFC 8514 4.2: when it came into this mailbox."""
    os.makedirs(base + "/Maildir/cur")
    for name in ("1420138253.M1P1.x:2,", "odd:2,"):
        with open(f"{base}/Maildir/cur/{name}", "wb") as f:
            f.write(b"Subject: s\n\n")
    with Session(base) as s:
        s.ok("SELECT INBOX")
        got = imapwire.fetched(s.ok("FETCH 1:* (SAVEDATE)"))
        equal(sorted(v[b"SAVEDATE"] for v in got.values())[0], b" 1-Jan-2015 18:50:53 +0000")
        s.append(b"Subject: t\n\n")
        matches(s.item(3, "SAVEDATE")[b"SAVEDATE"], rb"[ \d]\d-\w{3}-20\d\d \d\d:\d\d:\d\d \+0000")


def sizes(base):
    """Literals of every size around those at which the number before them gets longer and a buffer is full, and
    messages that others changed in place, against all rules: what is there is sent."""
    lengths = [*range(88, 104), *range(960, 1003, 3), *range(9700, 10010, 31), *range(63000, 66000, 173), 99000, 262143, 262144, 262145, 300000]
    texts = [(b"0123456789abcdef" * 3 + b"\n") * (n // 49) + b"x" * (n % 49) for n in lengths]
    os.makedirs(base + "/Maildir/cur")
    paths = [f"{base}/Maildir/cur/{n:07}.M1P1.x:2,S" for n in range(len(texts))]

    def write(path, text):
        with open(path, "wb") as f:
            f.write(text)

    def check(s):
        for n, got in imapwire.fetched(s.ok("FETCH 1:* BODY[]")).items():
            equal((n, got[b"BODY[]"] == texts[n - 1].replace(b"\n", b"\r\n")), (n, True))
        for n in (1, 50, len(texts)):
            wire = texts[n - 1].replace(b"\n", b"\r\n")
            for at, count in ((0, 10), (50, 1), (51, 70000), (len(wire) - 1, 5), (len(wire), 5), (8191, 2**32 - 1)):
                equal(s.item(n, f"BODY[]<{at}.{count}>"), {b"BODY[]<%d>" % at: wire[at:at + count]})

    for path, text in zip(paths, texts):
        write(path, text)
    with Session(base) as s:
        s.ok("SELECT INBOX")
        check(s)
        check(s)  # of sizes that are known now
        for n in (0, 3, 45):
            texts[n] += b"more\n"
            write(paths[n], texts[n])
        texts[5], texts[55] = b"less\n", b"\n\0\n"
        write(paths[5], texts[5])
        write(paths[55], texts[55])
        texts[55] = texts[55].replace(b"\0", b"\x80")
        check(s)
        os.unlink(paths[2])
        os.mkfifo(paths[2])
        matches(s.command("FETCH 3 BODY[]")[1], rb"NO .*")
        equal(s.item(4, "BODY[]")[b"BODY[]"], texts[3].replace(b"\n", b"\r\n"))


for name, run in (("sizes of literals, and files changed in place", sizes), ("BINARY", binary), ("literal8 and BINARY", append_and_fetch), ("PREVIEW", preview),
                  ("EMAILID, THREADID", ids), ("SAVEDATE", savedate)):
    with tempfile.TemporaryDirectory(prefix="fetch.") as directory:
        tap.run(name, run, directory)
tap.done()
