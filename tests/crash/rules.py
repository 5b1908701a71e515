"""What a user's own rules do with a message (mda-local): Sieve scripts, .qmail, .forward, an mbox, programs. A relay of ours counts what is sent on."""
import collections, os, re

import checker, flow, rig
from smtppeer import Peer

FAR, SENDER = flow.FAR, "sender@remote.example"
LETTER = b"From: sender@remote.example\nTo: alice@example.test\nMessage-ID: <1@remote.example>\n"
OLD = f"From sender Sun Nov 22 15:04:05 2026\n{checker.body('old').decode()}\n"  # in an mbox from before


def address(rcpt):
    return re.search("<(.*)>", rcpt)[1]


class Rules(flow.Flow):
    """files: what stands in alice's home. places: where a message for her must be, each once: "alice", "alice/FOLDER", "box" (an mbox), "ran" (what a program wrote), an address
    elsewhere."""
    lmtp, greeting, sender, header = True, "LHLO client.example", SENDER, LETTER

    def __init__(self, name, files, places, size=0, folders=(), roles=r"mda-local(\.\d+)?(/\d+)*"):
        super().__init__(name, ["mda-local"], [("spool", "spool-recv")], [("one", size, ("alice",))], roles=roles)
        self.files, self.places, self.folders, self.peers, self.before, self.may_tear = files, places, folders, {}, {}, set()

    def prepare(self, top):
        super().prepare(top)
        home = f"{top}/mail/example.test/alice"
        os.mkdir(f"{top}/run/relay", 0o700)
        for folder in self.folders:
            for sub in "cur", "new", "tmp":
                os.makedirs(f"{home}/Maildir/.{folder}/{sub}", 0o700)
        for name, text in self.files.items():
            os.makedirs(os.path.dirname(f"{home}/{name}"), 0o700, exist_ok=True)
            with open(f"{home}/{name}", "w") as f:
                f.write(text)
            os.chmod(f"{home}/{name}", 0o600)
        if "sieve/main.sieve" in self.files:
            os.symlink("sieve/main.sieve", f"{home}/.dovecot.sieve")
        rig.give(top, flow.NOBODY)

    # ---- the relay ----

    def open(self, top):
        path = f"{top}/run/relay/sock"
        if os.path.exists(path):
            os.unlink(path)
        self.peers[top] = peer = Peer(path=path, script={"dot": lambda _: self.took(peer)}, ext=["PIPELINING"])

    def shut(self, top):
        if top in self.peers:
            self.peers.pop(top).close()

    def took(self, peer):
        """For a power cut: it has a message, and says so next."""
        self.relayed = list(peer.messages)
        self.knows()

    def known(self):
        return super().known(), list(getattr(self, "relayed", ()))

    def after_cut(self, top, known):
        told, self.before[top] = known
        return super().after_cut(top, told)

    def session(self, top, tracer, told):
        self.time_passes(top)
        super().session(top, tracer, told)

    def time_passes(self, top):
        """Who was killed leaves the lock of an mbox, which counts for ten minutes; a machine takes a while to run again, too."""
        lock = f"{top}/mail/example.test/alice/box.lock"
        if os.path.exists(lock):
            os.utime(lock, (0, 0))

    # ---- the checker ----

    def wanted(self, by):
        # What a program leaves after a power cut is its own affair.
        return [(p, by["alice"]) for p in self.places if p != "ran" or self.moments is None]

    def cause(self, point, said, place):
        """What failed for a time is done again from its beginning (doc/delivery.md, "What is done, and what may be done twice")."""
        return super().cause(point, said, place) or said != "250"

    def copies(self, top):
        found, bad = super().copies(top)
        home = f"{top}/mail/example.test/alice"
        if "box" in self.places:
            bad += self.mbox(f"{home}/box", found)
        if "ran" in self.places and self.moments is None and os.path.exists(f"{home}/ran"):
            with open(f"{home}/ran", "rb") as f:
                text = f.read()
            found["one", "ran"] += text.count(checker.body("one", self.mails[0][1]))
        answers = 0
        for m in [*self.before.get(top, ()), *self.peers[top].messages]:
            data = m.data.replace(b"\r\n", b"\n")
            for to in map(address, m.rcpts):
                answers += to == SENDER
                found["one", to] += to != SENDER
                bad += [] if to == SENDER or data.endswith(checker.body("one", self.mails[0][1])) else [f"{to}: not whole"]
        return +found, bad + self.answered(answers)

    def answered(self, n):
        return [f"{n} answers"] if n else []

    def mbox(self, path, found):
        """Messages as every reader separates them. What nobody was told of may be torn, and then the next begins behind an empty line all the same."""
        with open(path, "rb") as f:
            parts = re.split(rb"(?:\A|(?<=\n\n))(?=From )", f.read())
        bad, old = [], 0
        for part in parts:
            tokens = re.findall(rb"^Subject: (\S+)$", part, re.M)
            whole = [t.decode() for t in tokens if part.rstrip(b"\n").endswith(checker.body(t.decode(), self.mails[0][1] if t == b"one" else 0).rstrip())]
            if len(tokens) > 1:
                bad.append(f"box: {tokens} run into each other")
            elif whole == ["old"] or part.startswith(OLD.encode()):  # a message that has just begun, and is torn, looks like a part of this one
                old += 1
            elif whole:
                found[whole[0], "box"] += 1
            elif part and path not in self.may_tear:
                bad.append(f"box: a part of a message: {part[:60]} ... {part[-60:]}")
        return bad + ([] if old == 1 else [f"box: the message from before is there {old} times"])

    def check(self, top, told, point, rng):
        if point.killed:
            self.may_tear.add(f"{top}/mail/example.test/alice/box")
        return super().check(top, told, point, rng)


class Filed(Rules):
    """A folder that cannot be had, for whatever reason, is INBOX, where a copy is anyway; the log tells."""
    at_once = 3

    def range(self, point, said, place):
        least, most = super().range(point, said, place)
        return 0 if point and not point.killed and "/" in place else least, most

    def check(self, top, told, point, rng):
        counts = self.copies(top)[0]
        with open(f"{top}.log") as f:
            logged = "event=sieve-folder" in f.read()
        without = [p for p, said in self.wanted(told["one"]) if said == "250" and not counts["one", p]]
        return [f"nothing in {without}, and the log does not say so"] * bool(without and not logged) + super().check(top, told, point, rng)


class Vacation(Rules):
    """One answer too few is better than one too many; what a power cut takes of the memory of it is an answer sent twice (sieve/state.h)."""
    def answered(self, n):
        return [f"{n} answers"] if n > 1 + (self.moments is not None) else []

    def check(self, top, told, point, rng):
        bad = super().check(top, told, point, rng)
        n = len(self.peers[top].messages)
        return bad if point or self.moments is not None or n == 1 else bad + [f"{n} answers"]


class Duplicate(Rules):
    """What was refused for a time is not taken for a duplicate of itself when it comes again, unless a copy of it is there."""
    def fits(self, place, said, first, now):
        return now == first if said == "250" else max(1, first) <= now <= first + 1

    def check(self, top, told, point, rng):
        bad = super().check(top, told, point, rng)
        copies = self.copies(top)[0]["one", "alice"]
        self.session(top, (), {"one": {"alice": None}})
        more = self.copies(top)[0]["one", "alice"] - copies
        return bad if not more or more == 1 and (point or self.moments is not None) else bad + [f"sent once more, there are {more} more copies"]


class Forward(Rules):
    """A file's list, which names places by whole paths. What of it failed for a time beside a part that is done was handed in again for that part
    alone, to the relay or to the spool: it comes back, as the walker would bring it."""
    def __init__(self, name, text, places):
        super().__init__(name, {"box": OLD}, places)
        self.text, self.back = text, {}

    def open(self, top):
        super().open(top)
        self.back[top] = set()
        home = f"{top}/mail/example.test/alice"
        for name, text in {".forward": self.text, "more": f"{FAR}\n"}.items():
            with open(f"{home}/{name}", "w") as f:
                f.write(text.replace("HOME", home))
            os.chmod(f"{home}/{name}", 0o600)
        rig.give(home, flow.NOBODY)

    def check(self, top, told, point, rng):
        return self.comes_back(top) + super().check(top, told, point, rng)

    def comes_back(self, top):
        self.time_passes(top)
        bad = []
        for message, rcpt, octets in [*self.relayed_back(top), *self.queued_back(top)]:
            self.back[top].add((message, rcpt))
            talk = f"LHLO client.example\nMAIL FROM:<{SENDER}>\nRCPT TO:<{rcpt}>\nDATA\n".encode() + octets + b".\nQUIT\n"
            said = self.run(top, ["mda-local"], talk.replace(b"\n", b"\r\n")).stdout.decode().splitlines()
            bad += [] if said[-2][:3] == "250" else [f"{rcpt} comes back: {said[-2]}"]
        return bad

    def relayed_back(self, top):
        return [(id(m), to, m.data.replace(b"\r\n", b"\n")) for m in self.peers[top].messages for to in map(address, m.rcpts) if is_part(to)]

    def queued_back(self, top):
        return [(s.name, to, s.message) for s in checker.spool(f"{top}/spool") if s.whole for to in s.states if is_part(to)]

    def copies(self, top):
        """Those that wait to come back are nowhere yet."""
        found, bad = super().copies(top)
        waiting = [to for message, to, _ in [*self.relayed_back(top), *self.queued_back(top)] if (message, to) not in self.back[top]]
        return collections.Counter({place: n for place, n in found.items() if not is_part(place[1])}), bad + [f"{to} waits" for to in waiting]


def is_part(rcpt):
    """Alice's mailbox past .forward, or a part of her list alone."""
    return rcpt.startswith('"\\\\')


def sieve(text):
    return {"sieve/main.sieve": text}


NAMES = {
    "fileinto": lambda: Filed("fileinto", sieve('require ["fileinto", "copy", "mailbox", "imap4flags"];\nfileinto :copy "Work"; fileinto :copy :create :flags "\\\\Seen blue" "New"; keep;\n'),
                              ["alice", "alice/Work", "alice/New"], folders=["Work"]),
    "redirect": lambda: Rules("redirect", sieve(f'require ["copy"];\nredirect :copy "{FAR}"; keep;\n'), ["alice", FAR]),
    "away": lambda: Rules("away", sieve(f'redirect "{FAR}";\n'), [FAR]),
    "vacation": lambda: Vacation("vacation", sieve('require ["vacation"];\nvacation :days 1 "I am away";\n'), ["alice"]),
    "duplicate": lambda: Duplicate("duplicate", sieve('require ["duplicate"];\nif duplicate { discard; stop; }\n'), ["alice"]),
    "qmail": lambda: Rules("qmail", {".qmail": f"./Maildir/\n./box\n&{FAR}\n|cat >>ran\n", "box": OLD}, ["alice", "box", "ran", FAR]),
    "forward": lambda: Forward("forward", "\\alice, HOME/box\n\"|cat >>ran\", :include:HOME/more\n", ["alice", "box", "ran", FAR]),
    "mbox": lambda: Rules("mbox", {".qmail": "./box\n", "box": OLD}, ["box"], size=50000),
    "program": lambda: Rules("program", {".qmail": "./Maildir/\n|cat >>ran\n"}, ["alice", "ran"], roles=r"(dash|bash|busybox|cat).*"),
}
