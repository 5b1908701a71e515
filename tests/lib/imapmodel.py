"""What an IMAP client knows of a mailbox from what it was told, put together as simply as can be, and sessions
and other programs that do what they like there.

    Plain       by sequence numbers (RFC 3501)
    Condstore   the same, with modseqs (RFC 7162 3.1)
    Qresync     by UIDs; comes back after it was cut off and goes on from its HIGHESTMODSEQ (RFC 7162 3.2)
    Uidonly     never hears a sequence number (RFC 9586)
"""
import os
import re

import imapwire

FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft", "$Junk", "work", "$Forwarded"]
LETTERS = {"\\Seen": "S", "\\Flagged": "F", "\\Answered": "R", "\\Draft": "D"}
KEEPS = ("FETCH", "STORE", "SEARCH")
TEXT = b"A: b\r\n\r\nx\r\n"


def lower(flags):
    return frozenset(f.lower() for f in flags if f != b"\\Recent")


def uid_set(text):
    for part in text.split(b","):
        lo, _, hi = part.partition(b":")
        yield from range(int(lo), int(hi or lo) + 1)


class Message:
    def __init__(self, uid=None, flags=None):
        self.uid, self.flags = uid, flags

    def __repr__(self):
        return f"{self.uid} {None if self.flags is None else sorted(self.flags)}"


class Client:
    """told: a Message for each that was announced, what is not known of it being None."""

    enable, select, fetch = None, "SELECT INBOX", "FETCH"

    def __init__(self, box, base):
        self.box, self.base, self.told, self.change = box, base, [], None
        self.highest = self.validity = None
        self.open()

    def open(self):
        self.session = imapwire.Session(["imap"], MAILDIR=self.box, POSTERN_DIR=self.base)
        if self.enable:
            self.session.ok("ENABLE " + self.enable)
        self.told = []
        self.command(self.select)
        self.learn()

    def close(self):
        self.session.__exit__()

    def learn(self):
        """Asks for what is not known."""
        self.command("FETCH 1:* (UID FLAGS)" if self.told else "NOOP")

    def command(self, text):
        untagged, tagged = self.session.command(text)
        code, seen = None, []
        name = text if isinstance(text, str) else "APPEND"
        for response in untagged + [b"* " + tagged]:
            seen += [int(n) for n in re.findall(rb" FETCH .*MODSEQ \((\d+)\)", response)]
            if m := re.match(rb"\* OK \[HIGHESTMODSEQ (\d+)\]", response):
                code = int(m[1])
            self.hear(response, name)
        # RFC 7162 section 6: the code counts, else the highest that was seen.
        if code or seen and self.highest is not None:
            self.highest = code or max(seen + [self.highest])
        return tagged

    def hear(self, response, command):
        if m := re.match(rb"\* (\d+) EXISTS", response):
            count = int(m[1])
            assert count >= len(self.told), (command, response, len(self.told))
            self.told += [Message() for _ in range(count - len(self.told))]
        elif m := re.match(rb"\* (\d+) EXPUNGE", response):
            assert self.expunges and not command.startswith(KEEPS), (command, response)
            assert 1 <= int(m[1]) <= len(self.told), (command, response, len(self.told))
            del self.told[int(m[1]) - 1]
        elif m := re.match(rb"\* (\d+) FETCH ", response):
            self.hear_fetch(self.told[int(m[1]) - 1], response[m.end():], command, response)
        elif m := re.match(rb"\* OK \[UIDVALIDITY (\d+)", response):
            self.validity = int(m[1])
        else:
            assert b"VANISHED" not in response, (command, response)

    expunges = True

    def hear_fetch(self, known, text, command, response):
        values = imapwire.parse(text)[0]
        items = dict(zip(values[::2], values[1::2]))
        if b"UID" in items:
            assert known.uid in (None, int(items[b"UID"])), (command, response, known)
            known.uid = int(items[b"UID"])
        if b"FLAGS" in items:
            known.flags = lower(items[b"FLAGS"])
        elif b"MODSEQ" in items and self.change and known.flags is not None:
            known.flags = self.change(known.flags)  # silently, as it was asked for

    def any(self, rng):
        return rng.randrange(1, len(self.told) + 1) if self.told else 1

    def step(self, rng):
        n, flags = self.any(rng), rng.sample(FLAGS, rng.randrange(3))
        uid = self.told[n - 1].uid or 1 if self.told else 1
        sign, silent = rng.choice(["", "+", "-"]), rng.choice(["", ".SILENT"])
        given = frozenset(f.lower().encode() for f in flags)
        self.change = {"": lambda f: given, "+": lambda f: f | given, "-": lambda f: f - given}[sign]
        words = " ".join(flags)
        store = f"STORE {n} {sign}FLAGS{silent} ({words})"
        commands = self.commands(rng, n, uid, words) + [store] * 2
        command = rng.choice(commands)
        if command == store and silent and self.told and not self.modseqs:
            self.told[n - 1].flags = None  # it knows what it asked for, but not what was there
        self.command(command)
        self.change = None

    modseqs = False

    def commands(self, rng, n, uid, words):
        return [f"UID STORE {uid} {rng.choice(['', '+', '-'])}FLAGS ({words})", "EXPUNGE", f"UID EXPUNGE {uid}",
                f"FETCH {n} (UID FLAGS)", f"UID FETCH {uid}:* FLAGS", f"FETCH {n} BODY[]", "SEARCH UNSEEN", "UID SEARCH SEEN",
                f"UID SEARCH {n} SEEN", f"COPY {n} INBOX", f"MOVE {n} to", f"UID MOVE {uid} INBOX", "NOOP", "CHECK",
                b"APPEND INBOX (%s) {%d+}\r\n" % (words.encode(), len(TEXT)) + TEXT]

    def known(self):
        return self.told


class Plain(Client):
    pass


class Condstore(Client):
    enable, modseqs = "CONDSTORE", True

    def commands(self, rng, n, uid, words):
        since = (self.highest or 1) - rng.choice([0, 0, 1, 100000])
        return super().commands(rng, n, uid, words) + [
            f"UID STORE {uid} (UNCHANGEDSINCE {since}) +FLAGS ({words})", f"FETCH {n} (UID FLAGS MODSEQ)",
            f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since})"]


class Qresync(Condstore):
    enable, expunges = "QRESYNC", False

    def learn(self):
        """The UIDs of what is new, so that VANISHED tells which went."""
        for _ in range(5):
            if all(m.uid for m in self.told):
                return
            self.command("UID FETCH 1:* (UID FLAGS)")
        assert all(m.uid for m in self.told), self.told

    def command(self, text):
        reply = super().command(text)
        if any(m.uid is None for m in self.told) and not (isinstance(text, str) and text.startswith("UID FETCH")):
            self.learn()
        return reply

    def hear(self, response, command):
        if m := re.match(rb"\* VANISHED (\(EARLIER\) )?([\d:,]+)$", response):
            if m[1]:
                gone = set(uid_set(m[2]))
                assert command.startswith(("SELECT", "EXAMINE", "UID FETCH")), (command, response)
                if not command.startswith("UID"):
                    self.kept = [x for x in self.kept if x.uid not in gone]
                return
            assert not command.startswith(KEEPS), (command, response)
            for uid in uid_set(m[2]):
                at = next((i for i, x in enumerate(self.told) if x.uid == uid), None)
                if at is None:  # one whose UID is not known yet
                    at = next(i for i, x in enumerate(self.told) if x.uid is None)
                del self.told[at]
        elif command.startswith("SELECT") and re.match(rb"\* \d+ FETCH ", response):
            values = imapwire.parse(response[response.index(b"FETCH ") + 6:])[0]
            items = dict(zip(values[::2], values[1::2]))
            self.kept = [x for x in self.kept if x.uid != int(items[b"UID"])]
            self.kept.append(Message(int(items[b"UID"]), lower(items[b"FLAGS"])))
            assert b"MODSEQ" in items, response
        else:
            super().hear(response, command)

    def again(self, rng):
        """Cut off, perhaps with a command under way whose answers nobody reads; then back."""
        if rng.randrange(2):
            self.session.start(rng.choice(["NOOP", "EXPUNGE", "STORE 1 +FLAGS (\\Flagged)", "FETCH 1:* (FLAGS MODSEQ)"]))
        if rng.randrange(2):
            self.session.process.kill()
        self.close()
        unknown = next((i for i, m in enumerate(self.told) if not m.uid), len(self.told))
        self.kept = self.told[:unknown]  # what lies behind it asks for anew
        uids, match = [m.uid for m in self.kept], ""
        if uids and rng.randrange(2):
            match = " " + ",".join(map(str, uids))
        if uids and rng.randrange(2):
            # A sample of numbers with their UIDs, ascending (3.2.5.2).
            some = sorted(rng.sample(range(len(uids)), rng.randrange(1, min(len(uids), 9) + 1)))
            if [m.uid for m in self.told[:some[-1] + 1]] == uids[:some[-1] + 1]:
                match += f" ({','.join(str(i + 1) for i in some)} {','.join(str(uids[i]) for i in some)})"
        self.session = imapwire.Session(["imap"], MAILDIR=self.box, POSTERN_DIR=self.base)
        self.session.ok("ENABLE QRESYNC")
        self.told = []
        before = max(uids, default=0)
        untagged, tagged = self.session.command(f"SELECT INBOX (QRESYNC ({self.validity} {self.highest}{match}))")
        assert tagged.startswith(b"OK"), tagged
        for response in untagged:
            self.hear(response, "SELECT")
            if m := re.match(rb"\* OK \[HIGHESTMODSEQ (\d+)\]", response):
                self.highest = int(m[1])
        old = sorted((x for x in self.kept if x.uid <= before), key=lambda x: x.uid)
        assert len(old) <= len(self.told), ("resync", match, self.highest, untagged, old)
        self.told = old + [Message() for _ in range(len(self.told) - len(old))]
        self.learn()

    def step(self, rng):
        if rng.randrange(6):
            super().step(rng)
        else:
            self.again(rng)

    def commands(self, rng, n, uid, words):
        since = (self.highest or 1) - rng.choice([0, 0, 1, 100000])
        return super().commands(rng, n, uid, words) + [f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since} VANISHED)"]


class Uidonly(Client):
    enable, expunges, fetch = "UIDONLY", False, "UID FETCH"

    def learn(self):
        if not all(m.uid for m in self.told):
            self.command("UID FETCH 1:* FLAGS")

    def command(self, text):
        reply = super().command(text)
        if not all(m.uid for m in self.told) and text != "UID FETCH 1:* FLAGS":
            self.learn()
        return reply

    def hear(self, response, command):
        assert not re.match(rb"\* \d+ FETCH ", response), (command, response)
        if m := re.match(rb"\* VANISHED ([\d:,]+)$", response):
            for uid in uid_set(m[1]):
                at = next((i for i, x in enumerate(self.told) if x.uid == uid), None)
                del self.told[next(i for i, x in enumerate(self.told) if not x.uid) if at is None else at]
        elif m := re.match(rb"\* (\d+) UIDFETCH ", response):
            uid = int(m[1])
            known = next((x for x in self.told if x.uid == uid), None) or next(x for x in self.told if not x.uid)
            known.uid = uid
            self.hear_fetch(known, response[m.end():], command, response)
            self.told.sort(key=lambda x: x.uid or 1 << 32)
        else:
            super().hear(response, command)

    def step(self, rng):
        uid, words = self.told[self.any(rng) - 1].uid or 1 if self.told else 1, " ".join(rng.sample(FLAGS, rng.randrange(3)))
        self.command(rng.choice([
            f"UID STORE {uid} {rng.choice(['', '+', '-'])}FLAGS ({words})", "EXPUNGE", f"UID EXPUNGE {uid}", f"UID FETCH {uid}:* FLAGS",
            f"UID FETCH {uid} BODY[]", "UID SEARCH SEEN", f"UID COPY {uid} INBOX", f"UID MOVE {uid} to", "NOOP",
            b"APPEND INBOX (%s) {%d+}\r\n" % (words.encode(), len(TEXT)) + TEXT]))


def foreign_step(rng, box, serial):
    """Another program delivers, removes, sets a flag."""
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
