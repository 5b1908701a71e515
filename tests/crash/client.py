"""A user's session in imap: a client that keeps count, in a World, of what it has asked for and what it was told."""
import os, re, time

import checker, rig
from checker import changed, outcome

BEYOND = frozenset({"k26", "k27", "k28"})  # in a folder that has learnt k0, k1 ... in this order


def environment(top):
    return {"PATH": f"{rig.ROOT}/build/bin:{os.environ['PATH']}", "MAILDIR": f"{top}/Maildir", "HOME": top, "USER": "u", "POSTERN_DIR": f"{top}/instance",
            "QUOTA_RULE": "*:storage=1M", "SHARED": "", "SHARING": "1", "ASAN_OPTIONS": "detect_leaks=0", "LC_ALL": "C.UTF-8"}


def numbers(text):
    """A set of UIDs."""
    return [u for part in text.split(",") for a in [part.split(":")] for u in range(int(a[0]), int(a[-1]) + 1)]


class Imap(rig.Line):
    """A client that writes down in a World what it was told. refused: commands that failed."""

    def __init__(self, top, world, tracer=()):
        self.log = open(f"{top}.log", "ab")
        super().__init__([f"{rig.ROOT}/build/bin/imap"], environment(top), tracer, self.log)
        self.world, self.folder, self.sent, self.refused, self.said = world, None, 0, [], 0
        self.moments = None

    def close(self):
        self.log.close()
        return super().close()

    def command(self, text):
        """(OK?, untagged lines)"""
        if not self.sent:
            self.read()  # the greeting
        self.sent += 1
        self.send(f"t{self.sent} ".encode() + (text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        untagged = []
        while True:
            line = self.read()
            while m := re.search(rb"\{(\d+)\}\r\n\Z", line):
                line += self.octets(int(m[1])) + self.read()
            if line.startswith(b"t%d " % self.sent):
                good = line.split()[1] == b"OK"
                if not good:
                    self.refused.append((text, line))
                self.tagged = line.decode(errors="replace")
                return good, untagged
            self.heard(line, untagged)

    def heard(self, line, untagged):
        untagged.append(line)
        if m := re.match(rb"\* VANISHED ([\d,:]+)", line):
            self.world.absent(self.folder, numbers(m[1].decode()))

    def change(self, text, *effects):
        """A command; the last effect is what its OK says, the others what may have come of it without that."""
        before = self.world.copy()
        self.world.perhaps(*effects)
        self.knows()
        good, self.lines = self.command(text)
        if good:
            self.world.may = before.may
            self.world.apply(effects[-1])
            for folder, uids in list(self.world.gone.items()):
                self.world.absent(folder, uids)
        return good

    def knows(self):
        """For a power cut: what is known at this moment."""
        if self.moments is not None:
            self.moments.append((time.time_ns(), self.world.copy()))

    # ---- what is not a change ----

    def select(self, folder, quick=False):
        good, lines = self.command(f"SELECT {folder}" + (" (CONDSTORE)" if quick else ""))
        text = b"".join(lines).decode(errors="replace")
        if good:
            self.folder = folder
            for m in re.findall(r"\[UIDVALIDITY (\d+)\]", text):
                self.world.validity.setdefault(folder, int(m))
            for m in re.findall(r"\[UIDNEXT (\d+)\]", text):
                self.world.next[folder] = max(self.world.next.get(folder, 1), int(m))
        return good

    def look(self):
        """{uid: (token, flags)} of the folder that is selected: told, and so to last."""
        found = {}
        good, lines = self.command("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        for line in lines:
            m = re.match(rb"\* \d+ FETCH \((.*)\)\r\n\Z", line, re.S)
            if m and b"BODY" in m[1]:
                uid, flags = int(re.search(rb"UID (\d+)", m[1])[1]), re.search(rb"FLAGS \(([^)]*)\)", m[1])[1].decode().split()
                subject = re.search(rb"Subject: (\S+)", m[1])
                found[uid] = subject[1].decode() if subject else "?", frozenset(f for f in flags if f != "\\Recent")
                self.world.saw(self.folder, uid, *found[uid])
        return found

    # ---- changes ----

    def store(self, uids, sign, words):
        flags = frozenset(words.split())
        fn = {"+": lambda f: f | flags, "-": lambda f: f - flags, "": lambda f: flags}[sign]
        # A letter stands in the name, a keyword beyond the 26th in a file: two steps.
        steps = [{f} for f in flags] if len(flags) > 1 else []
        between = [changed(self.folder, uids, lambda p, s=s: (p[0], p[1], p[2] | s if sign == "+" else p[2] - s)) for s in steps]
        return self.change(f"UID STORE {','.join(map(str, uids))} {sign}FLAGS.SILENT ({words})", *between, changed(self.folder, uids, lambda p: (p[0], p[1], fn(p[2]))))

    def expunge(self, uids):
        marked = [u for u in uids]
        if not self.store(marked, "+", "\\Deleted"):
            return False
        good = self.change(f"UID EXPUNGE {','.join(map(str, uids))}", changed(self.folder, uids, lambda p: None))
        if good:
            self.world.absent(self.folder, uids)
        return good

    def close_folder(self, uids):
        if not self.store(uids, "+", "\\Deleted"):
            return False
        here = self.folder
        good = self.change("CLOSE", lambda t, o: outcome(*[p for p in o if p[0] != here or "\\Deleted" not in p[2]]))
        if good:
            self.world.absent(self.folder, uids)
        return good

    def carry(self, verb, uids, to):
        """COPY or MOVE."""
        here = self.folder

        def effect(t, o, lost=frozenset()):
            there = [self.world.fresh(to, p[2] - lost) for p in o if p[0] == here and p[1] in uids]
            return outcome(*[p for p in o if verb == "COPY" or p[0] != here or p[1] not in uids], *there)
        before = self.world.copy()
        tokens = {u: self.world.at(here, u) for u in uids}
        # A copy that nobody was told of may lack the keywords that have no letter there.
        between = [lambda t, o: effect(t, o, BEYOND)] if verb == "COPY" else []
        # Files of a folder that is shared are nobody else's: that MOVE is a copy, of which a kill may leave both (doc/store.md).
        if verb == "MOVE" and to == "Foreign":
            between += [lambda t, o, s=s: outcome(*effect(t, o, s), *[p for p in o if p[0] == here and p[1] in uids]) for s in (BEYOND, frozenset())]
        good = self.change(f"UID {verb} {','.join(map(str, uids))} {to}", *between, effect)
        m = good and re.search(r"COPYUID \d+ ([\d,:]+) ([\d,:]+)\]", "".join(x.decode(errors="replace") for x in self.lines) + self.tagged)
        for uid, new in zip(numbers(m[1]), numbers(m[2])) if m else ():
            self.world.numbered(tokens[uid], to, new)
        told = sum(bool(re.match(rb"\* \d+ EXPUNGE|\* VANISHED", x)) for x in self.lines)
        if good and verb == "MOVE" and told >= len(uids):
            self.world.absent(here, uids)
        elif good and verb == "MOVE":  # what could not be removed is in both (RFC 6851 3.3), and not told as gone
            self.world.may = {t: outcomes | {outcome(*o, *[p for p in b if p[0] == here and p[1] in uids and p not in o]) for o in outcomes for b in before.may.get(t, ())}
                              for t, outcomes in self.world.may.items()}
        return good

    def append(self, *tokens, folder="INBOX", words="\\Seen", size=0):
        literals = b""
        for t in tokens:
            text = checker.body(t, size).replace(b"\n", b"\r\n")
            literals += f" ({words}) {{{len(text)}+}}\r\n".encode() + text
            self.world.sizes[t] = size
            self.world.may.setdefault(t, {()})
        flags = words.split()
        arrival = self.world.fresh(folder, flags)
        good = self.change(f"APPEND {folder}".encode() + literals, lambda t, o: outcome(*o, arrival) if t in tokens else o)
        if good and (m := re.search(r"APPENDUID \d+ ([\d,:]+)\]", self.tagged)):
            first = int(re.match(r"\d+", m[1])[0])
            for n, t in enumerate(tokens):
                self.world.saw(folder, first + n, t, flags)
        return good

    def rename(self, old, new):
        def effect(t, o):
            return outcome(*[(new if p[0] == old else p[0], *p[1:]) for p in o])
        for known in self.world.next, self.world.validity, self.world.gone:
            if old in known:
                known[new] = known[old] if not isinstance(known[old], set) else set(known[old])
        good = self.change(f"RENAME {old} {new}", effect)
        if good:
            for known in self.world.next, self.world.validity, self.world.gone:
                known.pop(old, None)
        return good

    def delete(self, folder):
        good = self.change(f"DELETE {folder}", lambda t, o: outcome(*[p for p in o if p[0] != folder]))
        for known in (self.world.next, self.world.validity) if good else ():
            known.pop(folder, None)
        return good

    def plain(self, text):
        return self.command(text)[0]
