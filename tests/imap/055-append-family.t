#!/usr/bin/env python3
"""What APPEND learned: MULTIAPPEND (RFC 3502), CATENATE (RFC 4469, URLs of RFC 5092), literal8 (RFC 3516 4.4), UTF8 (RFC
6855), LITERAL- (RFC 7888 5), APPENDLIMIT (RFC 7889 4), and REPLACE (RFC 8508)."""
import glob
import os
import re
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
from imapwire import equal, matches
from instance import Tap

tap = Tap()
TWO = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"bb\"\r\nSubject: two\r\n\r\n--bb\r\n"
       b"Content-Type: text/plain\r\n\r\nfirst text\r\nof two lines\r\n--bb\r\nContent-Type: application/zip\r\n"
       b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--bb--\r\n")


def literal(data, form=b"{%d+}"):
    return form % len(data) + b"\r\n" + data


class Session(imapwire.Session):
    def __init__(self, base, **settings):
        os.makedirs(base + "/etc", exist_ok=True)
        for name, value in settings.items():
            with open(f"{base}/etc/{name.replace('_', '-')}", "w", encoding="ascii") as f:
                f.write(value)
        super().__init__(["imap"], MAILDIR=base + "/Maildir", POSTERN_DIR=base, TZ="UTC", USER="u")

    def no(self, text, pattern):
        matches(self.command(text)[1], pattern)

    def refused(self, text, pattern):
        """Before any literal was sent: there is no "+"."""
        untagged, tagged = self.command(text)
        equal(untagged, [])
        matches(tagged, pattern)

    def body(self, n, item="BODY.PEEK[]"):
        return imapwire.fetched(self.ok(f"FETCH {n} ({item})"))[n][item.replace(".PEEK", "").encode()]

    def waits(self):
        equal(self.response(), b"+ OK")


def files(base):
    """Asked again until nothing moves: a session takes what is new to cur/ when it has nothing else to do."""
    before = None
    while True:
        now = sorted(p for p in glob.glob(base + "/Maildir/**/*", recursive=True, include_hidden=True)
                     if os.path.isfile(p) and re.search("Maildir/(.*/)?(cur|new|tmp)/", p))
        if now == before:
            return now
        before = now


def many(base):
    """RFC 3502 6.3.11, its example: flags and date of each, UIDs in their order; then one that fails as a whole."""
    with Session(base) as s:
        tag = s.start(b"APPEND INBOX (\\Seen) {3}")
        s.waits()
        s.send(b"a\r\n (\\Flagged $Work) \" 7-Feb-1994 22:43:04 -0800\" {5}\r\n")
        s.waits()
        s.send(b"b\r\nb\n {3+}\r\nc\r\n\r\n")
        untagged, tagged = s.finish(tag)
        matches(tagged, rb"OK \[APPENDUID \d+ 1:3\] APPEND completed\.")
        s.ok("SELECT INBOX")
        got = imapwire.fetched(s.ok("FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])"))
        equal([got[n][b"BODY[]"] for n in (1, 2, 3)], [b"a\r\n", b"b\r\nb\r\n", b"c\r\n"])
        equal([got[n][b"FLAGS"] for n in (1, 2, 3)], [[b"\\Seen"], [b"\\Flagged", b"$Work"], [b"\\Recent"]])
        equal(got[2][b"INTERNALDATE"], b" 8-Feb-1994 06:43:04 +0000")
        before = files(base)
        s.no(b"APPEND nosuch {3}", rb"NO \[TRYCREATE\].*")
        tag = s.start(b"APPEND INBOX {3+}\r\nd\r\n (\\Flagged) {0}")
        equal(s.finish(tag)[1], b"NO [CANNOT] A message without octets cannot be stored.")
        s.no(b"APPEND INBOX {3+}\r\nd\r\n {999999999}", rb"NO \[TOOBIG\].*")
        s.no(b"APPEND INBOX {3+}\r\nd\r\n (\\Foo) {3+}\r\nd\r\n", rb"BAD .*")
        s.no(b"APPEND INBOX {3+}\r\nd\r\nx", rb"BAD .*")
        s.no(b"APPEND INBOX {0}", rb"NO \[CANNOT\].*")
        equal(files(base), before)
        # More than have their files open at once.
        matches(s.command(b"APPEND INBOX" + b"".join(b" " + literal(b"Subject: %d\r\n\r\n" % n) for n in range(150)))[1],
                rb"OK \[APPENDUID \d+ 4:153\] .*")
        equal(s.body(153), b"Subject: 149\r\n\r\n")
        equal(len(files(base)), len(before) + 150)
        s.no(b"APPEND INBOX" + b"".join(b" (%s) " % b"k" * 1000 + literal(b"x") for n in range(2)), rb"BAD .*")


def too_many(base):
    """What the arguments of one command take in memory is bounded: NO [LIMIT], and nothing arrives."""
    flags = b"(" + b" ".join(b"k%d" % n for n in range(4000)) + b") "
    with Session(base) as s:
        s.no(b"APPEND INBOX" + b"".join(b" " + flags + literal(b"x") for n in range(200)), rb"NO \[LIMIT\].*")
        equal(files(base), [])
        s.ok("NOOP")


def over_quota(base):
    os.makedirs(base + "/Maildir/new")
    with open(base + "/Maildir/maildirsize", "w", encoding="ascii") as f:
        f.write("20S\n")
    with Session(base) as s:
        s.refused(b"APPEND INBOX {21}", rb"NO \[OVERQUOTA\].*")
        s.no(b"APPEND INBOX {10+}\r\nA: b\r\n\r\nab {11}", rb"NO \[OVERQUOTA\].*")
        s.ok(b"APPEND INBOX {18+}\r\nA: b\r\n\r\n0123456789")
        s.ok("SELECT INBOX")
        # RFC 8508 3.4: only what is more counts.
        s.no(b"APPEND INBOX {18}", rb"NO \[OVERQUOTA\].*")
        s.ok(b"REPLACE 1 INBOX {17+}\r\nA: b\r\n\r\n012345678")


def cat(base):
    """RFC 4469 appendix A: an attachment replaced; text; a digest; URLs that lead nowhere."""
    with Session(base) as s:
        s.ok("CREATE Drafts")
        s.ok(b"APPEND Drafts " + literal(TWO))
        validity = int(re.search(rb"UIDVALIDITY (\d+)", b"".join(s.ok("SELECT Drafts")))[1])
        s.ok("UNSELECT")
        url = b"/Drafts;UIDVALIDITY=%d/;UID=1" % validity
        tag = s.start(b"APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (URL \"" + url + b"/;section=HEADER\" TEXT {8}")
        s.waits()
        s.send(b"\r\n--bb\r\n URL \"" + url + b"/;section=1.MIME\" URL \"" + url + b"/;section=1\" TEXT {8}\r\n")
        s.waits()
        s.send(b"\r\n--bb\r\n URL \"/Drafts;UIDVALIDITY=%d/;UID=1/;SECTION=2/;PARTIAL=1.2\" TEXT {10}\r\n" % validity)
        s.waits()
        s.send(b"\r\n--bb--\r\n)\r\n")
        matches(s.finish(tag)[1], rb"OK \[APPENDUID \d+ 2\] .*")
        s.ok("SELECT Drafts")
        header = TWO[:TWO.index(b"\r\n\r\n") + 4]
        equal(s.body(2), header + b"\r\n--bb\r\nContent-Type: text/plain\r\n\r\nfirst text\r\nof two lines\r\n--bb\r\n"
              b"AE\r\n--bb--\r\n")
        equal(imapwire.fetched(s.ok("FETCH 1:2 FLAGS"))[1][b"FLAGS"], [])  # \Seen is not set on the source
        # Relative to the selected mailbox, percent-encoded, and a field alone.
        s.ok(b'APPEND INBOX CATENATE (URL ";UID=1/;SECTION=HEADER.FIELDS%20(Subject)" TEXT {2+}\r\n:  URL "Draft%73/;UID=1/;SECTION=TEXT")')
        s.ok(b'APPEND INBOX CATENATE (TEXT {4+}\r\nA: b URL "/Drafts/;UID=1")')
        s.ok("SELECT INBOX")
        equal(s.body(1), b"Subject: two\r\n\r\n: " + TWO[TWO.index(b"\r\n\r\n") + 4:])
        equal(s.body(2), b"A: b" + TWO)
        before = files(base)
        for bad in (b"imap://u@h/Drafts/;UID=1", b"//h/Drafts/;UID=1", b"/Drafts", b"/Drafts/;UID=0", b"/Drafts/;UID=99",
                    b"/Drafts;UIDVALIDITY=1/;UID=1", b"/nosuch/;UID=1", b"/Drafts/;UID=1/;SECTION=7", b"/Drafts/;UID=1/;SECTION=x",
                    b"/Drafts/;UID=1;URLAUTH=anonymous", b"/Drafts/;UID=1/;PARTIAL=x", b"/;UID=1", b"/Drafts%/;UID=1",
                    b"/Drafts%00/;UID=1", b"/Drafts/;UID=4294967297", b"/../x/;UID=1", b"/Drafts;UID=1", b""):
            s.no(b'APPEND INBOX CATENATE (TEXT {3+}\r\nabc URL "%s" TEXT {4}' % bad, rb"NO \[BADURL " + re.escape(bad) + rb"\] .*")
        s.no(b'APPEND INBOX CATENATE (URL "/x] y/;UID=1")', rb"NO \[BADURL /x%5D%20y/;UID=1\] .*")
        s.no(b"APPEND INBOX CATENATE (TEXT {0+}\r\n)", rb"NO \[CANNOT\].*")
        s.no(b"APPEND INBOX CATENATE ()", rb"BAD .*")
        s.no(b"APPEND INBOX CATENATE (TEXT {1+}\r\nx", rb"BAD .*")
        s.no(b"APPEND INBOX CATENATE (FOO {1+}\r\nx)", rb"BAD .*")
        equal(files(base), before)
        # With MULTIAPPEND; the new message of one command is not there for the next URL of it.
        s.ok(b'APPEND INBOX CATENATE (TEXT {3+}\r\nabc) (\\Seen) CATENATE (URL "/INBOX/;UID=1" URL ";UID=2") {1+}\r\nx')
        equal(s.body(4), s.body(1) + s.body(2))


def cat_limits(base):
    with Session(base, imap_append_limit="200") as s:
        s.ok(b"APPEND INBOX " + literal(b"x" * 150))
        s.no(b'APPEND INBOX CATENATE (URL "/INBOX/;UID=1" URL "/INBOX/;UID=1")', rb"NO \[TOOBIG\].*")
        s.refused(b'APPEND INBOX CATENATE (URL "/INBOX/;UID=1" TEXT {51}', rb"NO \[TOOBIG\].*")
        s.ok(b'APPEND INBOX CATENATE (URL "/INBOX/;UID=1" TEXT {50+}\r\n' + b"y" * 50 + b")")
        s.refused(b"APPEND INBOX {201}", rb"NO \[TOOBIG\].*")
        matches(b" ".join(s.ok("CAPABILITY")), rb".* APPENDLIMIT=200\b.*")


def binary(base):
    """RFC 3516 4.4: what LF line ends would damage becomes base64, and nothing else does."""
    data = bytes(range(256)) * 3
    whole = TWO.replace(b"base64", b"binary").replace(b"AAEC", data)
    with Session(base) as s:
        s.ok(b"APPEND INBOX " + literal(whole, b"~{%d+}"))
        tag = s.start(b"APPEND INBOX ~{%d}" % len(TWO))
        s.waits()
        s.send(TWO + b"\r\n")
        s.finish(tag)
        clean = whole.replace(data, b"a\r\nb")
        s.ok(b"APPEND INBOX " + literal(clean, b"~{%d+}"))
        s.ok(b"APPEND INBOX " + literal(b"A: b\r\n\r\nx\0y\r\n", b"~{%d+}"))
        s.ok("SELECT INBOX")
        equal(s.body(2), TWO)
        equal(s.body(3), clean)
        import base64
        got = s.body(1)
        match = re.search(rb"Content-Transfer-Encoding: base64\r\n\r\n(.*?)\r\n--bb--", got, re.S)
        equal(base64.b64decode(match[1]), data)
        equal(max(map(len, match[1].split(b"\r\n"))), 76)
        equal(got.replace(match[1], data).replace(b"base64", b"binary"), whole)
        equal(s.body(4), b"Content-Transfer-Encoding: base64\r\nA: b\r\n\r\n" + base64.b64encode(b"x\0y\r\n") + b"\r\n")
        equal(os.listdir(base + "/Maildir/tmp"), [])


def utf8(base):
    """RFC 6855 section 4: 8-bit headers only by those who say that they know them."""
    message = "Subject: Grüße\r\n\r\nü\r\n".encode()
    with Session(base) as s:
        s.no(b"APPEND INBOX " + literal(message), rb"NO \[CANNOT\] 8-bit.*")
        s.no(b"APPEND INBOX UTF8 (" + literal(message, b"~{%d+}") + b")", rb"NO \[CANNOT\] 8-bit.*")
        s.ok(b"APPEND INBOX " + literal(b"Subject: x\r\n\r\n\xfc\r\n"))  # a body may
        equal(s.ok("ENABLE UTF8=ACCEPT"), [b"* ENABLED UTF8=ACCEPT"])
        tag = s.start(b"APPEND INBOX UTF8 (~{%d}" % len(message))
        s.waits()
        s.send(message + b")\r\n")
        matches(s.finish(tag)[1], rb"OK \[APPENDUID .*")
        s.ok(b'APPEND INBOX CATENATE (UTF8 (' + literal(message, b"~{%d+}") + b') TEXT {1+}\r\nx)')
        s.ok(b"APPEND INBOX " + literal(message))
        s.no(b"APPEND INBOX UTF8 ({3+}\r\nabc)", rb"BAD .*")
        s.no(b"APPEND INBOX UTF8 (~{3+}\r\nabc", rb"BAD .*")
        s.ok("SELECT INBOX")
        equal(s.body(2), message)
        equal(s.body(3), message + b"x")
    with Session(base, imap_capabilities="-UTF8=ACCEPT -CATENATE\n") as s:
        s.ok(b"APPEND INBOX " + literal(message))
        s.no(b"APPEND INBOX UTF8 (~{3+}\r\nabc)", rb"BAD .*")
        s.no(b"APPEND INBOX CATENATE (TEXT {3+}\r\nabc)", rb"BAD .*")


def names(base):
    """RFC 6855 section 3: names and strings in UTF-8 between quotes."""
    with Session(base) as s:
        s.ok("CREATE &AOk-t&AOk-")
        s.no('CREATE "été"', rb"NO \[CANNOT\].*")
        equal(s.ok('LIST "" "&AOk-*"'), [b'* LIST (\\HasNoChildren \\UnMarked) "." &AOk-t&AOk-'])
        s.ok("ENABLE UTF8=ACCEPT")
        equal(s.ok('LIST "" "é*"'), ['* LIST (\\HasNoChildren \\UnMarked) "." "été"'.encode()])
        equal(s.ok('STATUS "été" (MESSAGES)'), ['* STATUS "été" (MESSAGES 0)'.encode()])
        s.ok('CREATE "R&D"')
        equal(s.ok('LIST "" "R*"'), [b'* LIST (\\HasNoChildren \\UnMarked) "." R&D'])
        s.ok('RENAME "été" "hiver ñ"')
        s.ok('SELECT "hiver ñ"')
        s.no(b'SELECT "\xe9t\xe9"', rb"BAD .*Not UTF-8.*")
        for bad in ("a\x7fb", "a\u0085b", "a\u2028b"):
            s.no(f'CREATE "{bad}"', rb"NO \[CANNOT\].*")
        s.no('SEARCH CHARSET UTF-8 SUBJECT "é"', rb"BAD .*")  # RFC 6855 section 3
        s.ok('SEARCH SUBJECT "é"')


def minus(base):
    """RFC 7888 section 5: LITERAL- where a setting hides LITERAL+."""
    with Session(base) as s:
        matches(b" ".join(s.ok("CAPABILITY")), rb"(?!.*LITERAL-).*LITERAL\+.*")
    with Session(base, imap_capabilities="-LITERAL+\n") as s:
        matches(b" ".join(s.ok("CAPABILITY")), rb"(?!.*LITERAL\+).*LITERAL-.*")
        s.no(b"APPEND INBOX " + literal(b"x" * 4097), rb"BAD \[TOOBIG\].*")
        s.ok(b"APPEND INBOX " + literal(b"x" * 4096))
        tag = s.start(b"APPEND INBOX {4097}")
        s.waits()
        s.send(b"x" * 4097 + b"\r\n")
        matches(s.finish(tag)[1], rb"OK .*")


def replace(base):
    """RFC 8508 section 3: the examples' order of responses; 4.2 CATENATE; what cannot be replaced."""
    with Session(base) as s:
        s.ok("CREATE Drafts")
        s.ok("CREATE Sent")
        s.ok(b"APPEND Drafts" + b"".join(b" " + literal(b"Subject: %d\r\n\r\n" % n) for n in range(1, 5)))
        s.ok("SELECT Drafts")
        tag = s.start("REPLACE 4 Drafts (\\Seen \\Draft) {12}")
        s.waits()
        s.send(b"Subject: n\r\n\r\n")
        untagged, tagged = s.finish(tag)
        matches(untagged[0], rb"\* OK \[APPENDUID \d+ 5\] Replacement message ready\.")
        equal(sorted(untagged[1:]), [b"* 3 RECENT", b"* 4 EXISTS", b"* 4 EXPUNGE"])
        equal(tagged, b"OK REPLACE completed.")
        equal(imapwire.fetched(s.ok("FETCH 4 (UID FLAGS)"))[4], {b"UID": b"5", b"FLAGS": [b"\\Seen", b"\\Draft"]})
        # The same by UID and CATENATE, into another mailbox.
        untagged, tagged = s.command(b"UID REPLACE 5 Sent CATENATE (TEXT {7+}\r\nTo: x\r\n URL /Drafts/;UID=5)")
        matches(untagged[0], rb"\* OK \[APPENDUID \d+ 1\] .*")
        equal([u for u in untagged if b"EXPUNGE" in u], [b"* 4 EXPUNGE"])
        equal(tagged, b"OK UID REPLACE completed.")
        s.refused(b"REPLACE 9 Drafts {5}", rb"BAD .*")
        s.refused(b"REPLACE 0 Drafts {5}", rb"BAD .*")
        s.refused(b"UID REPLACE 77 Drafts {5}", rb"NO \[NONEXISTENT\].*")
        s.refused(b"REPLACE 1 nosuch {5}", rb"NO \[TRYCREATE\].*")
        s.refused(b'REPLACE 1 Drafts CATENATE (URL "/nosuch/;UID=1" TEXT {5}', rb"NO \[BADURL .*")
        s.no(b"REPLACE 1 Drafts {1+}\r\nx {1+}\r\ny", rb"BAD .*")
        s.no(b"REPLACE 1 Drafts", rb"BAD .*")
        equal([len(imapwire.fetched(s.ok("FETCH 1:* UID")))], [3])
        s.ok("SELECT Sent")
        equal(s.body(1), b"To: x\r\nSubject: n\r\n\r\n"[:7] + b"Subject: n\r\n\r\n"[:12])
        s.ok("EXAMINE Drafts")
        s.refused(b"REPLACE 1 Drafts {5}", rb"NO \[READ-ONLY\].*")
        s.ok("UNSELECT")
        s.no(b"REPLACE 1 Drafts {5}", rb"BAD .*")


for name, run in (("MULTIAPPEND", many), ("more than fits one command", too_many), ("over quota", over_quota), ("CATENATE", cat),
                  ("limits of CATENATE, APPENDLIMIT", cat_limits), ("literal8", binary), ("UTF8", utf8),
                  ("names in UTF-8", names), ("LITERAL-", minus), ("REPLACE", replace)):
    with tempfile.TemporaryDirectory(prefix="append.") as directory:
        tap.run(name, run, directory)
tap.done()
