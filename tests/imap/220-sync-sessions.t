#!/usr/bin/env python3
"""CONDSTORE and QRESYNC between sessions (RFC 7162): what is told when, and with which HIGHESTMODSEQ; commands in flight."""
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, "tests/lib")
from imapwire import Session
from instance import Tap

tap = Tap()


class Mail:
    def __init__(self, n=9):
        self.dir = tempfile.mkdtemp(prefix="imap-sync.")
        self.box = self.dir + "/Maildir"
        for sub in ("cur", "new", "tmp", ".to/cur", ".to/new", ".to/tmp"):
            os.makedirs(f"{self.box}/{sub}")
        for i in range(1, n + 1):
            with open(f"{self.box}/cur/{i}.x:2,", "w", encoding="ascii") as f:
                f.write(f"Subject: {i}\n\nbody {i}\n")

    def session(self, enable="QRESYNC", select="SELECT INBOX"):
        s = Session(["imap"], MAILDIR=self.box, POSTERN_DIR=self.dir, TZ="UTC")
        if enable:
            s.ok("ENABLE " + enable)
        s.seen = s.ok(select)
        s.highest = highest(s.seen)
        return s

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


def highest(lines):
    found = [int(n) for r in lines for n in re.findall(rb"HIGHESTMODSEQ (\d+)", r)]
    return found[-1] if found else None


def modseqs(lines):
    return [int(n) for r in lines for n in re.findall(rb"MODSEQ \((\d+)\)", r)]


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}\nwanted {want!r}")


def true(value, why=""):
    if not value:
        raise AssertionError(why)


def flags_travel():
    """3.1.4.2, example 14: each session hears of a change with one and the same modseq."""
    with Mail() as m, m.session() as a, m.session("CONDSTORE") as b, m.session(None) as c:
        got = a.ok(r"STORE 7 +FLAGS.SILENT (\Deleted)")
        n = modseqs(got)[0]
        equal(got, [b"* 7 FETCH (UID 7 MODSEQ (%d))" % n])
        equal(b.ok("NOOP"), [rb"* 7 FETCH (UID 7 FLAGS (\Deleted) MODSEQ (%d))" % n])
        equal(c.ok("NOOP"), [rb"* 7 FETCH (FLAGS (\Deleted))"])
        # In order: a later STORE has a larger one (3.1).
        true(modseqs(b.ok(r"STORE 1 +FLAGS (\Seen)"))[0] > n)
        true(modseqs(a.ok("NOOP"))[0] > n)


def delayed_expunge():
    """3.2 and section 6: while VANISHED is held back, HIGHESTMODSEQ stays below it."""
    with Mail() as m, m.session() as a, m.session() as b:
        b.ok(r"STORE 8 +FLAGS.SILENT (\Deleted)")
        a.ok("NOOP")
        gone = highest([b.command("EXPUNGE")[1]])
        got, tagged = a.command(r"STORE 1:2 +FLAGS.SILENT (\Seen)")
        equal([r for r in got if b"VANISHED" in r], [])
        true(min(modseqs(got)) > gone and highest([tagged]) < gone, (got, tagged, gone))
        low = highest([tagged])
        got, tagged = a.command(r"STORE 3 +FLAGS.SILENT (\Seen)")
        equal(highest([tagged]), low)
        top = modseqs(got)[-1]
        got, tagged = a.command("NOOP")
        equal(got, [b"* VANISHED 8"])
        equal(tagged, b"OK [HIGHESTMODSEQ %d] NOOP completed." % top)


def search_numbers():
    """3.2.10.2: no VANISHED in a UID SEARCH with message numbers; in other UID commands it may be."""
    with Mail() as m, m.session() as a, m.session() as b:
        b.ok(r"STORE 8 +FLAGS.SILENT (\Deleted)")
        b.ok("EXPUNGE")
        equal([r for r in a.ok("UID SEARCH 1:3 SEEN") if b"VANISHED" in r], [])
        equal([r for r in a.ok("UID SEARCH UNSEEN") if b"VANISHED" in r], [b"* VANISHED 8"])


def unannounced():
    """3.2.10.2: of a message that came and went before it was announced nothing is said."""
    with Mail() as m, m.session() as a, m.session() as b:
        text = b"A: b\r\n\r\nx\r\n"
        b.ok(b"APPEND INBOX (\\Deleted) {%d+}\r\n" % len(text) + text)
        b.ok("EXPUNGE")
        equal(a.ok("NOOP"), [])


def conditional_race():
    """3.1: only one of many clients gets its conditional STORE through."""
    with Mail() as m:
        sessions = [m.session() for _ in range(4)]
        since = sessions[0].highest
        tags = [s.start(f"STORE 1:9 (UNCHANGEDSINCE {since}) +FLAGS.SILENT ($Mine{i})") for i, s in enumerate(sessions)]
        said = [s.finish(t) for s, t in zip(sessions, tags)]
        for s in sessions:
            s.__exit__()
        # Flags of their own: 3.1.12 lets each of them have it.
        equal([t for _, t in said if not t.startswith(b"OK STORE") and not t.startswith(b"OK [HIGHESTMODSEQ")], [])
    with Mail() as m:
        sessions = [m.session() for _ in range(4)]
        since = sessions[0].highest
        tags = [s.start(f"STORE 1:9 (UNCHANGEDSINCE {since}) FLAGS.SILENT ($Mine{i})") for i, s in enumerate(sessions)]
        said = [s.finish(t)[1] for s, t in zip(sessions, tags)]
        for s in sessions:
            s.__exit__()
        equal(sorted(b"MODIFIED 1:9" in t for t in said), [False, True, True, True])


def nice_server():
    """3.1.12: a change of another flag is no reason to fail, and what changed is told."""
    with Mail() as m, m.session() as a, m.session() as b:
        b.ok(r"STORE 3 +FLAGS.SILENT (\Deleted \Answered)")
        got, tagged = a.command(f"STORE 1:4 (UNCHANGEDSINCE {a.highest}) +FLAGS.SILENT ($Processed)")
        true(b"MODIFIED" not in tagged, tagged)
        true([r for r in got if re.match(rb"\* 3 FETCH \(UID 3 FLAGS \(\\Answered \\Deleted \$Processed\) MODSEQ", r)], got)
        # The flag itself is.
        b.ok(r"STORE 5 +FLAGS.SILENT (\Flagged)")
        got, tagged = a.command(f"STORE 5:6 (UNCHANGEDSINCE {a.highest}) +FLAGS.SILENT (\\Flagged)")
        true(tagged.startswith(b"OK [MODIFIED 5] "), tagged)
        true([r for r in got if r.startswith(rb"* 5 FETCH (UID 5 FLAGS (\Flagged) MODSEQ")], got)


def gone_and_modified():
    """3.1.3, example 11: MODIFIED in a NO, when messages are gone, too."""
    with Mail() as m, m.session("CONDSTORE") as a, m.session() as b:
        since = a.highest
        b.ok(r"STORE 2,4:7 +FLAGS.SILENT (\Deleted)")
        b.ok(r"UID EXPUNGE 4:7")
        b.ok(r"STORE 2 +FLAGS.SILENT (\Seen)")
        got, tagged = a.command(f"STORE 1:7 (UNCHANGEDSINCE {since}) +FLAGS (\\Seen)")
        true(tagged.startswith(b"NO [MODIFIED 2] "), tagged)
        equal([r for r in got if b"EXPUNGE" in r], [])
        equal([r for r in a.ok("NOOP") if b"EXPUNGE" in r], [b"* %d EXPUNGE" % n for n in (7, 6, 5, 4)])


def index_lost():
    """Without the index every modseq is a new, higher one, and all that is not there is said to be gone."""
    with Mail() as m:
        with m.session() as a:
            validity = int(re.search(rb"UIDVALIDITY (\d+)", b" ".join(a.seen))[1])
            a.ok(r"STORE 4 +FLAGS.SILENT (\Deleted)")
            told = highest([a.command("EXPUNGE")[1]])
        for name in os.listdir(m.box):
            if name.startswith("postern-index"):
                os.unlink(f"{m.box}/{name}")
        with m.session(select=f"SELECT INBOX (QRESYNC ({validity} {told}))") as a:
            true(a.highest > told)
            equal([r for r in a.seen if b"VANISHED" in r], [b"* VANISHED (EARLIER) 4"])
            equal(len(modseqs(a.seen)), 8)


def read_only():
    """EXAMINE: an absence that is told is recorded all the same."""
    with Mail() as m:
        with m.session() as a:
            validity, told = int(re.search(rb"UIDVALIDITY (\d+)", b" ".join(a.seen))[1]), a.highest
        os.rename(f"{m.box}/cur/5.x:2,", f"{m.dir}/away")
        with m.session(select=f"EXAMINE INBOX (QRESYNC ({validity} {told}))") as a:
            equal([r for r in a.seen if b"VANISHED" in r], [b"* VANISHED (EARLIER) 5"])
        os.rename(f"{m.dir}/away", f"{m.box}/cur/5.x:2,")
        with m.session() as a:
            equal(a.ok("UID SEARCH ALL"), [b"* SEARCH 1 2 3 4 6 7 8 9 10"])


def many_in_flight():
    """RFC 3501 5.5: commands sent at once are answered one after the other, each with its own responses."""
    with Mail() as m, m.session() as a, m.session(None) as b:
        a.send(b"1 NOOP\r\n2 STORE 1 +FLAGS (\\Deleted)\r\n3 EXPUNGE\r\n4 FETCH 1 UID\r\n5 UID FETCH 2:3 FLAGS\r\n"
               b"6 SEARCH UNSEEN\r\n7 CLOSE\r\n8 SELECT INBOX\r\n9 FETCH 1 (UID)\r\n")
        lines, done = [], []
        while not done or done[-1] != b"9":
            r = a.response()
            lines.append(r)
            if not r.startswith(b"*"):
                done.append(r.split()[0])
        equal(done, [b"%d" % i for i in range(1, 10)])
        equal(lines[-2], b"* 1 FETCH (UID 2)")
        equal([r for r in lines if b"VANISHED" in r], [b"* VANISHED 1"])
        # While the other uses numbers nothing goes from under them, however much is in flight.
        a.ok(r"STORE 1:4 +FLAGS.SILENT (\Deleted)")
        a.ok("EXPUNGE")
        b.send(b"1 FETCH 9 UID\r\n2 STORE 9 +FLAGS.SILENT (\\Seen)\r\n3 SEARCH 9\r\n4 NOOP\r\n")
        lines = []
        while not lines or not lines[-1].startswith(b"4 "):
            lines.append(b.response())
        at = lines.index(next(r for r in lines if b"EXPUNGE" in r))
        true(at > next(i for i, r in enumerate(lines) if r.startswith(b"3 OK")), lines)
        equal(len([r for r in lines if b"EXPUNGE" in r]), 5)


def cheap():
    """FETCH CHANGEDSINCE reads only records: no message is opened, however many there are."""
    with Mail(300) as m:
        with m.session() as a:
            since = a.highest
            for n in os.listdir(m.box + "/cur"):
                os.chmod(f"{m.box}/cur/{n}", 0)
            a.ok(r"STORE 250 +FLAGS.SILENT (\Seen)")
            got = a.ok(f"UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE {since} VANISHED)")
            equal(len(got), 1)


for test in (flags_travel, delayed_expunge, search_numbers, unannounced, conditional_race, nice_server, gone_and_modified,
             index_lost, read_only, many_in_flight, cheap):
    tap.run(test.__name__.replace("_", " "), test)
tap.done()
