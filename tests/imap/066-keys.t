#!/usr/bin/env python3
"""What SORT, THREAD and SEARCH answer out of postern-keys is what they answer without: every command in two like folders, of
which one can have no such file (a directory has its name). Then the same after messages came and went, in a session that was
open and in a new one; after the file, or the index, was cut short, damaged, of another version, of another folder, removed, and
where there is no room for it. A file that somebody else wrote, whose checksums are right and whose numbers are not, harms nobody.
SEED."""
import os
import random
import re
import shutil
import struct
import sys
import tempfile

sys.path.insert(0, "tests/lib")
from imapwire import Session
from instance import Tap

SEED = int(os.environ.get("SEED", "1"))
COUNT = 300
COLUMNS = 13
KEYS = ["ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"]
SUBJECTS = ["apple", "Apple", "apple pie", "", "zebra", "a", "ab", "a\tb  c", "a very long subject that goes on and on", "x: y=z?",
            "a very long subject\n that goes on and off", "=?utf-8?q?=C3=A4pfel?=", "=?iso-8859-1?q?=E4pfel?= und =?koi8-r?b?89DJ08/L?=",
            "[list] x", "stra\u00dfe", "=?utf-8?q?nul=00nul?=", "=?utf-8?q?two?=\n =?utf-8?q?words?="]
NEEDLES = ["apple", "APPLE", "a b c", "a b  c", "goes on and off", "SUBJECT THAT", "x: y=", "\u00c4PF", "\u00e4pfeluz", "strasse", "\u00df", "twowords",
           "\u0421\u041f\u0418", "nulnul", "e", "nosuch", "alice", "BOB@", "\u00c4nne", "example.org>", '\\"Zoe, Z.', "1"]
NAMES = ["", "Alice ", "bob\t", "=?utf-8?q?=C3=84nne?= ", '"Zoe, Z." ']


class Maker:
    def __init__(self, seed):
        self.rng, self.made = random.Random(seed), 0

    def message(self):
        rng, lines = self.rng, []
        for name, chance in ("From", 0.9), ("To", 0.8), ("Cc", 0.4):
            if rng.random() < chance:
                lines.append(f"{name}: " + ",\n ".join(f"{rng.choice(NAMES)}<{rng.choice(('alice', 'Bob', 'dave'))}{rng.randrange(9)}@example.org>"
                                                      for _ in range(rng.choice((1, 1, 3)))))
        for _ in range(rng.choice((0, 1, 1, 1, 1, 1, 1, 2))):
            lines.append(f"{rng.choice(('Subject', 'SUBJECT'))}: {rng.choice(('', '', 'Re: ', 'Fwd: ', 'Re: [list] '))}{rng.choice(SUBJECTS)}")
        if rng.random() < 0.85:
            lines.append(f"Date: {rng.randrange(1, 9)} Mar {rng.randrange(2008, 2010)} {rng.randrange(24):02}:00:00 {rng.choice(('+0000', '-0800'))}")
        if rng.random() < 0.95:
            lines.append(f"Message-ID: <{rng.randrange(COUNT * 2)}@x>")
        if rng.random() < 0.7:
            lines.append("References: " + " ".join(f"<{rng.randrange(COUNT * 2)}@x>" for _ in range(rng.randrange(1, 6))))
        if rng.random() < 0.02:
            lines.append("X-Long: " + "y" * 70000)
        rng.shuffle(lines)
        return ("\n".join(lines) + "\n\n" + "x" * rng.randrange(300) + "\n").encode()

    def add(self, folders, count):
        for _ in range(count):
            self.made += 1
            data, when = self.message(), 1200000000 + self.rng.randrange(3000) * 1000
            for folder in folders:
                path = f"{folder}/cur/{1000000000 + self.made}.m{self.made}.host:2,{'S' * (self.made % 2)}"
                with open(path, "wb") as f:
                    f.write(data)
                os.utime(path, (when, when))

    def remove(self, folders, count):
        for name in self.rng.sample(sorted(os.listdir(folders[0] + "/cur")), count):
            for folder in folders:
                os.unlink(f"{folder}/cur/{name}")


def commands(rng):
    out = [f"SORT ({reverse}{key}) UTF-8 ALL" for key in KEYS for reverse in ("", "REVERSE ")]
    out += [f"UID SORT ({' '.join(rng.choice(('', 'REVERSE ')) + k for k in rng.sample(KEYS, rng.choice((2, 3))))}) UTF-8 {what}"
            for what in ("ALL", "SEEN", "1:250", "NOT SUBJECT apple", "FROM alice", "5") for _ in range(3)]
    out += [f"SORT RETURN ({back}) (SUBJECT DATE) UTF-8 ALL" for back in ("MIN MAX COUNT", "ALL", "PARTIAL 10:20")]
    out += [f"{uid}THREAD {how} UTF-8 {what}" for how in ("REFERENCES", "REFS", "ORDEREDSUBJECT") for uid in ("", "UID ")
            for what in ("ALL", "SEEN", "SUBJECT a", "20:280")]
    for needle in NEEDLES:
        octets = needle.replace("\\", "").encode()
        out += [b"SEARCH CHARSET UTF-8 %s {%d+}\r\n%s" % (key.encode(), len(octets), octets) for key in ("SUBJECT", "FROM", "OR TO x CC", "NOT HEADER subject")]
    out += ['SEARCH SUBJECT ""', "UID SEARCH RETURN (COUNT ALL) OR SUBJECT apple FROM bob SEEN", "SEARCH RETURN (MIN) SUBJECT zebra",
            "UID SEARCH SUBJECT apple 1:100", "SEARCH RETURN (SAVE ALL) FROM alice"]
    return out


class Told(Tap):
    def equal(self, got, want, name):
        return self.ok(got == want, name, f"got  {got!r}", f"want {want!r}")


class Pair:
    def __init__(self, base):
        self.tap, self.base, self.folders = Told(), base, (base + "/keys", base + "/plain")
        self.asked = commands(random.Random(SEED))

    def keys(self, folder=0):
        return self.folders[folder] + "/postern-keys"

    def session(self, folder, argv=("imap",)):
        return Session(list(argv), MAILDIR=self.folders[folder], TZ="UTC", POSTERN_DIR=self.base)

    def same(self, what, one=None, two=None, argv=("imap",)):
        """Asks all in two sessions, which are opened for it."""
        if one is None:
            with self.session(0, argv) as one, self.session(1) as two:
                one.ok("SELECT INBOX")
                two.ok("SELECT INBOX")
                return self.same(what, one, two)
        bad = [f"{text}\nwith    {a}\nwithout {b}" for text in self.asked
               for a, b in [(one.command(text), two.command(text))] if a != b or not a[1].startswith(b"OK")]
        return self.tap.ok(not bad, what, *[b[:2000] for b in bad[:3]], f"{len(bad)} differ")

    def change(self, fn):
        with open(self.keys(), "r+b") as f:
            fn(f)


def flip(at, whence=0):
    def change(f):
        f.seek(at, whence)
        octet = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([octet[0] ^ 255]))
    return change


def main():
    base = tempfile.mkdtemp()
    p, maker = Pair(base), Maker(SEED)
    tap = p.tap
    try:
        for sub in "cur", "new", "tmp":
            os.makedirs(f"{p.folders[0]}/{sub}")
        maker.add(p.folders[:1], COUNT)
        with p.session(0) as s:
            s.ok("SELECT INBOX")
        shutil.copytree(*p.folders, copy_function=shutil.copy2)
        os.makedirs(p.keys(1) + "/x")
        p.same("first asked")
        tap.ok(os.path.isfile(p.keys()), "there is a file")
        tap.equal(os.stat(p.keys()).st_mode & 0o777, 0o600, "which nobody else may read")
        tap.equal(os.listdir(p.folders[0] + "/tmp"), [], "nothing is left in tmp/")
        first = os.stat(p.keys()).st_ino
        p.same("asked again")
        before = os.stat(p.keys())
        p.same("and again")
        after = os.stat(p.keys())
        tap.equal((after.st_ino, after.st_mtime_ns), (before.st_ino, before.st_mtime_ns), "the file stays as it is")
        changing(p, maker)
        making(p, maker)
        memory(p)
        moved(p)
        damage(p)
        hostile(p)
        room(p)
        tap.ok(os.stat(p.keys()).st_ino != first, "the file was written anew")
        tap.equal([os.listdir(f + "/tmp") for f in p.folders], [[], []], "nothing is left in tmp/")
    finally:
        shutil.rmtree(base)
    return tap.done()


def changing(p, maker):
    """Messages come and go while a session is open, then for a new one: few of them, and more than the file is good for."""
    for came, went in (7, 3), (1, 0), (0, 5), (120, 100):
        with p.session(0) as one, p.session(1) as two:
            for s in one, two:
                s.ok("SELECT INBOX")
                s.ok("SORT (SUBJECT) UTF-8 ALL")
            maker.add(p.folders, came)
            maker.remove(p.folders, went)
            for s in one, two:
                s.ok("NOOP")
            p.same(f"{came} came and {went} went in an open session", one, two)
        p.same(f"{came} came and {went} went, a new session")
    for name in "postern-index", "postern-index.log", "postern-text":
        for folder in p.folders:
            os.unlink(f"{folder}/{name}")
    p.same("index and texts are gone")
    p.same("made again")


def columns(p):
    """Which are there, and the file they are in."""
    with open(p.keys(), "rb") as f:
        head = f.read(448)
        return {c for c in range(COLUMNS) if struct.unpack_from("=Q", head, 64 + 24 * c)[0]}, os.fstat(f.fileno()).st_ino


def making(p, maker):
    """When a column is made, and when not."""
    def ask(text):
        with p.session(0) as s:
            s.ok("SELECT INBOX")
            s.ok(text)

    tap, path = p.tap, p.keys()
    os.unlink(path)
    ask("SEARCH 1:10 SUBJECT apple")
    ask("SEARCH NOT KEYWORD nosuch KEYWORD nosuch SUBJECT apple")
    tap.ok(not os.path.exists(path), "few messages are left to be looked at: no column")
    ask("SEARCH SUBJECT apple")
    tap.equal(columns(p)[0], {0, 9}, "a column is made for many")
    ask("SORT (SUBJECT) UTF-8 ALL")
    tap.equal(columns(p)[0], {0, 2, 9}, "another one beside it")
    maker.add(p.folders, 1)
    ask("SEARCH FROM alice")
    tap.equal(columns(p)[0], {0, 2, 9, 10}, "and when a message has come, those that were there stay")
    before = columns(p)
    maker.add(p.folders, 1)
    for text in ("SORT (SUBJECT) UTF-8 ALL", "SEARCH FROM alice", "SEARCH SUBJECT apple") * 2:
        ask(text)
    tap.equal(columns(p), before, "one that came is no reason for a new file")
    if os.getuid():
        hidden(p, ask)
    p.same("after it was made")


def set_memory(p, octets):
    with open(p.base + "/etc/imap-search-memory", "w", encoding="ascii") as f:
        f.write(octets + "\n")


def memory(p):
    """imap-search-memory: making columns, and what is found by them, stay within it."""
    tap, path = p.tap, p.keys()
    os.makedirs(p.base + "/etc", exist_ok=True)
    os.unlink(path)
    for octets, there in (("%d" % (16 * COUNT // 2), False), ("1M", True)):
        set_memory(p, octets)
        with p.session(0) as s:
            s.ok("SELECT INBOX")
            s.ok("SEARCH SUBJECT apple")
        tap.equal(os.path.exists(path), there, f"imap-search-memory {octets}: {'a' if there else 'no'} column is made")
    set_memory(p, str(COUNT // 8 + 4))  # bits of one key
    asked, p.asked = p.asked, [text for text in p.asked if isinstance(text, bytes)]  # SEARCH
    p.same("bits for one of the keys")
    p.asked = asked
    big = p.base + "/big"
    for sub in "cur", "new", "tmp":
        os.makedirs(f"{big}/{sub}")
    with open(big + "/cur/1.x:2,", "w", encoding="ascii") as f:
        f.write("Subject: x\n\n")
    for i in range(2, 6001):
        os.link(big + "/cur/1.x:2,", f"{big}/cur/{i}.x:2,")
    grown, many = [], "SEARCH " + " ".join(["SUBJECT q"] * 4000)
    for octets in "1M", "1M", "64M":  # the first one makes the column
        set_memory(p, octets)
        with Session(["imap"], MAILDIR=big, TZ="UTC", POSTERN_DIR=p.base) as s:
            s.ok("SELECT INBOX")
            s.ok("SEARCH SUBJECT x")
            before = peak(s.process.pid)
            s.ok(many)
            grown.append(peak(s.process.pid) - before)
    tap.ok(grown[1] + 1200 < grown[2], "4,000 keys of 6,000 messages: their bits take no more memory than there is", grown)
    os.unlink(p.base + "/etc/imap-search-memory")


def peak(pid):
    """KiB of memory that a process had at most."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmHWM:\s*(\d+)", f.read())[1])


def moved(p):
    """Where rows are no longer the snapshot's positions they are compared one by one; only a file that is old is written anew for that,
    lest sessions that know different snapshots do so in turns."""
    def ask():
        with p.session(0) as s:
            s.ok("SELECT INBOX")
            s.ok("SORT (SUBJECT) UTF-8 ALL")
        return os.stat(p.keys()).st_ino

    os.unlink(p.keys())
    before = ask()
    for name in "postern-index", "postern-index.log":
        os.unlink(f"{p.folders[0]}/{name}")
    with p.session(0) as s:
        s.ok("SELECT INBOX")
    p.tap.equal(ask(), before, "another snapshot of the same messages: the file stays")
    hours = os.stat(p.keys()).st_mtime - 7200
    os.utime(p.keys(), (hours, hours))
    p.tap.ok(ask() != before, "it is written anew when it is hours old")
    p.same("after that")


def hidden(p, ask):
    """A message that cannot be read: no file, and one attempt for a session."""
    os.unlink(p.keys())
    name = f"{p.folders[0]}/cur/{sorted(os.listdir(p.folders[0] + '/cur'))[150]}"
    for text in os.listdir(p.folders[0]):
        if text == "postern-text":
            os.unlink(f"{p.folders[0]}/{text}")
    os.chmod(name, 0)
    try:
        ask("SORT (SUBJECT) UTF-8 ALL")
        p.tap.ok(not os.path.exists(p.keys()), "no file while a message cannot be read")
    finally:
        os.chmod(name, 0o600)


def damage_column(f, column):
    f.seek(56 + 24 * column)
    at, octets = struct.unpack("=QQ", f.read(16))
    flip(at + octets // 2)(f)


def damage(p):
    rows = [("another magic", flip(0)), ("another byte order", flip(16)), ("another version", flip(20)), ("another UIDVALIDITY", flip(32)),
            ("cut in its header", lambda f: f.truncate(100)), ("cut in the middle", lambda f: f.truncate(20000)), ("empty", lambda f: f.truncate(0)),
            ("a damaged end", flip(-9, 2))] + [(f"column {c} damaged", lambda f, c=c: damage_column(f, c)) for c in range(COLUMNS)]
    for what, change in rows:
        p.change(change)
        p.same(what)
    os.unlink(p.keys())
    p.same("removed")
    # That of a folder that has as many messages, with the same UIDs.
    other = p.base + "/other"
    shutil.copytree(p.folders[0], other, copy_function=shutil.copy2, ignore=shutil.ignore_patterns("postern-*"))
    names = sorted(os.listdir(other + "/cur"))
    for name in names:
        os.rename(f"{other}/cur/{name}", f"{other}/cur/y{name}")
    with open(other + "/dovecot-uidlist", encoding="ascii") as f:
        lines = f.read()
    with open(other + "/dovecot-uidlist", "w", encoding="ascii") as f:
        f.write(re.sub(r"(?m) :(?=\d)", " :y", lines))
    for i, name in enumerate(names):
        shutil.copyfile(f"{other}/cur/y{names[-1 - i]}", f"{other}/cur/y{name}.x")
        os.rename(f"{other}/cur/y{name}.x", f"{other}/cur/y{name}")
    with Session(["imap"], MAILDIR=other, TZ="UTC", POSTERN_DIR=p.base) as s:
        s.ok("SELECT INBOX")
        for text in p.asked:
            s.command(text)
    shutil.copyfile(other + "/postern-keys", p.keys())
    p.same("another folder's")


def crc32c(data, table=[]):
    if not table:
        for n in range(256):
            for _ in range(8):
                n = n >> 1 ^ 0x82F63B78 if n & 1 else n >> 1
            table.append(n)
    crc = 0xFFFFFFFF
    for octet in data:
        crc = crc >> 8 ^ table[(crc ^ octet) & 255]
    return crc ^ 0xFFFFFFFF


class Column:
    """A column of the file as octets, to be put back changed, with the checksums right."""

    def __init__(self, data, number):
        self.data, self.place = bytearray(data), 56 + 24 * number
        self.rows = struct.unpack_from("=I", data, 36)[0]
        self.at, self.len = struct.unpack_from("=QQ", data, self.place)

    def numbers(self, kind, at, values):
        struct.pack_into(f"={len(values)}{kind}", self.data, self.at + at, *values)

    def sealed(self):
        struct.pack_into("=QQI", self.data, self.place, self.at, self.len, crc32c(self.data[self.at:self.at + self.len]))
        struct.pack_into("=I", self.data, 444, crc32c(self.data[:444]))
        return bytes(self.data)


def hostile_orders(column, rows):
    order = column.len - 4 * rows
    for what, values in (("one row", [7] * rows), ("rows that are not there", [0xFFFFFFFF] * rows), ("each row twice", [r // 2 for r in range(rows)]),
                         ("the number of rows", [rows] * rows), ("half of the rows", [r if r % 2 else 0xFFFFFFF0 for r in range(rows)])):
        column.numbers("I", order, values)
        yield "an order of " + what


def hostile_threads(column, rows):
    refs = (column.len - 24 * rows) // 8
    for what, at, count in (("before", 0xFFFFFFF0, 16), ("behind", refs, 1), ("too many", 0, refs + 1), ("far too many", 1, 0xFFFFFFFF), ("all, for each", 0, refs)):
        for r in range(rows):
            column.numbers("I", 24 * r + 16, [at, count])
        yield "references: " + what


def hostile_texts(column, rows):
    ends, texts = column.len - 4 * rows, column.len - 4 * rows
    for what, values in (("fall", [max(texts - r, 0) for r in range(rows)]), ("lie outside", [0xFFFFFFFF - rows + r for r in range(rows)]),
                         ("are nowhere", [0] * rows), ("go to and fro", [(r % 2) * texts for r in range(rows)])):
        column.numbers("I", ends, values)
        yield "ends of texts that " + what


def hostile(p):
    """Sessions with a file that lies: the order may be any, but every message is there once, and the session lives."""
    with open(p.keys(), "rb") as f:
        good = f.read()
    asked = [t for t in p.asked if isinstance(t, bytes) or not re.search("RETURN|SUBJECT a$|NOT SUBJECT|FROM alice$", t)]
    wanted = {}
    with p.session(1) as s:
        s.ok("SELECT INBOX")
        wanted = {t: told(s.command(t)) for t in asked if isinstance(t, str)}
    for number in range(1, COLUMNS):
        column = Column(good, number)
        lie = hostile_orders if number < 8 else hostile_threads if number == 8 else hostile_texts
        for what in lie(column, column.rows):
            with open(p.keys(), "wb") as f:
                f.write(column.sealed())
            bad = []
            with p.session(0) as s:
                s.ok("SELECT INBOX")
                for text in asked:
                    if (b"SORT", b"THREAD", b"SEARCH")[(number > 7) + (number > 8)] not in (text if isinstance(text, bytes) else text.encode()):
                        continue
                    answer = s.command(text)
                    if not answer[1].startswith(b"OK") or text in wanted and told(answer) != wanted[text]:
                        bad.append(f"{text}: {answer}")
            p.tap.ok(not bad, f"column {number}: {what}", *[b[:2000] for b in bad[:2]])
    column = Column(good, COLUMNS - 1)
    column.len -= 1
    with open(p.keys(), "wb") as f:
        f.write(column.sealed())
    p.same("a column of another length")
    os.unlink(p.keys())
    p.same("after all these")


def told(answer):
    return sorted(int(n) for line in answer[0] if re.match(rb"\* (SORT|THREAD)\b", line) for n in re.findall(rb"\d+", line))


def room(p):
    """No file may become longer than 4 KiB: the same answers, and no error."""
    os.unlink(p.keys())
    p.same("no room", argv=("sh", "-c", "trap '' XFSZ; ulimit -f 8; exec imap"))
    p.tap.ok(not os.path.exists(p.keys()), "there is no file then")
    p.same("room again")


sys.exit(main())
