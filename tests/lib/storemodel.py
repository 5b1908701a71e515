"""What a Maildir must hold, beside sessions that work on it: a model for tests/maildir.

Messages are known by a token in their Subject; copies share it. What a session shows (the driver's command
"facts") is compared with the model, and with all that any session ever showed: a UID stays with its message,
EMAILID, UIDL, dates and sizes stay as they are, modseqs rise with every change."""
import collections
import copy
import itertools
import os
import re
import threading
import time

import maildirtest as t

INDEX_FILES = "postern-index", "postern-index.log", "postern-text"
DISPOSABLE = *INDEX_FILES, "postern-keys"
Head = collections.namedtuple("Head", "validity uidnext count recent first mailboxid highest")
Row = collections.namedtuple("Row", "flags words wire disk date emailid uidl saved modseq token")
STABLE = "wire", "disk", "emailid", "uidl", "saved", "token"  # the date is judged apart: a touch may change it
PATIENCE = 60  # seconds: within 3.5 a session has noticed what others did in the same clock tick as itself, if it gets its turns


def number(text):
    return int(text) if text.lstrip("-").isdigit() and text != "-" else None


def parse(lines):
    """What "facts" printed: (Head, {uid: Row})."""
    head = lines[0].split(" ")[1:]
    rows = {}
    for line in lines[1:]:
        uid, *f = line.split(" ")
        if f != ["gone"]:
            flags, words = frozenset(f[0].replace("-", "")), frozenset(w for w in f[1].split(",") if w != "-")
            rows[int(uid)] = Row(flags, words, *map(number, f[2:5]), f[5], f[6], number(f[7]), int(f[8]), f[9])
    return Head(*map(int, head[:5]), head[5], int(head[6])), rows


def lasting(model, facts):
    """What must be the same with and without the index. (It may remember the date of a file that was touched since.)"""
    head, rows = facts
    return head._replace(highest=0, recent=0), {
        u: r._replace(modseq=0, date=0 if len(model.dates[r.token]) > 1 else r.date) for u, r in rows.items()}


class Session(t.Ours):
    """A driver with a folder open; view is what it showed last."""

    def __init__(self, place, folder):
        super().__init__(place, folder)
        self.folder, self.view, self.fresh = folder, {}, True

    def reopen(self, folder):
        self.command(f"open {folder}")
        self.folder, self.view, self.fresh = folder, {}, True

    def facts(self):
        return parse(self.command("facts"))

    def kill(self):
        self.proc.kill()
        self.proc.wait()


class Item:
    """A message in a folder. alts: the (flags, words) it may have. after: every modseq told before its last change."""

    gone_after = None  # of one that a kill may have removed: told before
    same = None  # the UID that it must have, though nobody may have seen it

    def __init__(self, token, flags, words, after, uid=None, emailid=None):
        self.token, self.alts, self.after = token, {(frozenset(flags), frozenset(words))}, after
        self.uid, self.emailid, self.maybe_gone, self.gone = uid, emailid, False, False
        self.told = False  # its last change was acknowledged: told, whether or not a session has shown it

    def change(self, fn, highest, certain=True, told=True):
        """fn: (flags, words) to (flags, words). What nobody was told of may be undone as if it had never been."""
        new = {fn(*a) for a in self.alts}
        if new != self.alts:
            self.after, self.told = (highest, told) if certain else (self.after, self.told)
            self.alts = new if certain else self.alts | new

    def partly(self, fn):
        """A change that a kill may have cut short."""
        for flags, words in list(self.alts):
            to, then = fn(flags, words)
            moved = words ^ then
            for n in range(len(moved) + 1):
                for some in itertools.combinations(moved, n):
                    self.alts |= {(flags, words ^ frozenset(some)), (to, words ^ frozenset(some))}


class Folder:
    def __init__(self, name):
        self.name, self.items, self.told = name, [], {}
        self.validity = self.mailboxid = None
        self.looks, self.highest, self.next = 0, 0, 1  # HIGHESTMODSEQ: the largest told. N of the list
        self.settled, self.unlooked = 0, {}            # the largest told before an expunge; Item: before it went, nobody having looked since
        self.told_next = 1                             # the largest UIDNEXT that was told
        self.shown = {}                                # uid: flags and words, as a session showed them last
        self.retired = set()                           # UIDs whose absence was told
        self.lines = {}                                # uid: base, of dovecot-uidlist

    @property
    def after(self):
        return max(self.settled, *self.unlooked.values(), 0)

    @after.setter
    def after(self, value):
        self.settled, self.unlooked = value, {}


class Model:
    def __init__(self, place, names):
        self.place, self.folders, self.bad = place, {n: Folder(n) for n in names}, []
        self.judges_modseq = lambda item: True  # a test may know of changes that nobody can know of
        self.pairs = []  # of moves that were cut short: (Item here, Item there)
        self.lock, self.tokens = threading.RLock(), itertools.count(1)
        self.dates = collections.defaultdict(set)  # token: what INTERNALDATE may be, of the message and its copies

    def path(self, name):
        return self.place.mail + ("" if name == "INBOX" else "/." + name)

    def complain(self, what):
        with self.lock:
            self.bad.append(what)

    def add(self, name, token, flags="", words=(), **more):
        f = self.folders[name]
        item = Item(token, flags, words, more.pop("after", f.highest), **more)
        with self.lock:
            f.items.append(item)
        return item

    def drop(self, name, item, highest):
        """highest: the largest modseq told before it went. If nobody has ever seen it, nobody is told."""
        f = self.folders[name]
        with self.lock:
            item.gone = True
            f.items.remove(item)
            if item.uid in f.told:
                f.unlooked[item] = highest

    def by_uid(self, name, uid):
        return next((i for i in self.folders[name].items if i.uid == uid), None)

    def copy(self):
        """As it is now, for another course of events."""
        new, twin = Model(self.place, ()), {}
        for name, f in self.folders.items():
            new.folders[name] = g = copy.copy(f)
            g.items = [twin.setdefault(i, copy.copy(i)) for i in f.items]
            g.told, g.shown, g.retired, g.lines, g.unlooked = dict(f.told), dict(f.shown), set(f.retired), dict(f.lines), dict(f.unlooked)
            for i in g.items:
                i.alts = set(i.alts)
        new.pairs = [(twin[a], twin[b]) for a, b in self.pairs]
        new.judges_modseq = self.judges_modseq
        new.dates.update((token, set(dates)) for token, dates in self.dates.items())
        return new

    def uncertain(self, then):
        """As it would be if then(None) were called: what a command that was cut short may leave."""
        saved = [(f, f.after, list(f.items), [(i, dict(i.__dict__, alts=set(i.alts))) for i in f.items]) for f in self.folders.values()]
        then(None)
        new = self.copy()
        for f, after, items, values in saved:
            f.after, f.items = after, items
            for item, value in values:
                item.__dict__.update(value)
        self.pairs = []
        return new

    def judge_moves(self, mine=None, both=False):
        """After a fresh look: what was on its way is in one place. both: or in two (a power cut between them)."""
        judged = [p for p in self.pairs if not mine or mine(p[0].token)]
        for item, new in judged:
            if item.gone and new.gone or not (both or item.gone or new.gone):
                self.complain(f"{item.token} was moved, and is {'nowhere' if new.gone else 'in both folders'}")
        with self.lock:
            self.pairs = [p for p in self.pairs if p not in judged]

    # ---- what has been told stays so ----

    def hear(self, name, head, rows, who, concurrent=False):
        """Records what a session shows, and complains where another was told otherwise."""
        f = self.folders[name]
        for key in ("validity", "mailboxid"):
            if (getattr(f, key) or getattr(head, key)) != getattr(head, key):
                self.complain(f"{who} {name}: {key} {getattr(f, key)} became {getattr(head, key)}")
            setattr(f, key, getattr(head, key))
        if list(rows) != sorted(rows):
            self.complain(f"{who} {name}: UIDs in disorder: {list(rows)}")
        unseen = [u for u, r in rows.items() if "S" not in r.flags]
        if len(rows) == head.count and not concurrent and head.first != (unseen[0] if unseen else 0):
            self.complain(f"{who} {name}: the first unseen is {unseen[:1]}, not {head.first}")
        for uid, row in rows.items():
            self.hear_one(f, uid, row, head, who, concurrent)
        f.highest, f.told_next = max(f.highest, head.highest), max(f.told_next, head.uidnext)
        f.looks += 1
        f.after = f.after

    def hear_one(self, f, uid, row, head, who, concurrent):
        if row.token == "?":
            return  # it went while it was being shown
        if uid >= head.uidnext or row.modseq > head.highest and not concurrent:
            self.complain(f"{who} {f.name} {uid}: UIDNEXT is {head.uidnext}, modseq {row.modseq} of {head.highest}")
        was = f.told.setdefault(uid, row)
        for key in STABLE:
            a, b = getattr(was, key), getattr(row, key)
            if a != b and a not in ("?", None) and b not in ("?", None):
                self.complain(f"{who} {f.name} {uid}: {key} was {a}, is {b} ({was.token})")
        if was.emailid == "?" or was.wire is None:
            f.told[uid] = row
        dates = self.dates[row.token]
        if row.date is not None and row.date not in dates:
            if dates:
                self.complain(f"{who} {f.name} {uid}: the date was {dates}, is {row.date}")
            dates.add(row.date)

    # ---- what a session shows is what there is ----

    def compare(self, name, rows, retired=(), mine=None):
        """(problems, [(Item, uid)], [Item gone]); mine: tells whose items to judge."""
        f, left, met, gone = self.folders[name], dict(rows), [], []
        problems = [f"UID {u} was told as gone and is back: {rows[u]}" for u in retired if u in rows and rows[u].token != "?"]
        items = [i for i in f.items if not mine or mine(i.token)]
        for item in sorted(items, key=lambda i: i.uid is None):
            uids = [item.uid] if item.uid else [u for u, r in left.items() if r.token == item.token]
            fits = [u for u in uids if u in left and left[u].token == item.token and left[u][:2] in item.alts]
            if fits:
                met.append((item, fits[0]))
                del left[fits[0]]
            elif item.maybe_gone and not (item.uid and item.uid in left):
                gone.append(item)
            else:
                there = [(u, left[u][:2]) for u in uids if u in left]
                problems.append(f"{item.token} {item.uid} {show(item.alts)} is {[(u, show([r])) for u, r in there] or 'missing'}")
                for u, _ in there[:1]:
                    del left[u]
        problems += [f"{u} {r.token}: nobody put it there" for u, r in left.items() if not mine or mine(r.token)]
        return problems, met, gone

    def settle(self, name, head, rows, met, gone, before, who):
        """The comparison succeeded: what was open is known now. before: folder.after, highest, told_next when the session was asked."""
        after, highest, told_next = before
        for item, uid in met:
            row = rows[uid]
            if item.same not in (None, uid):
                self.complain(f"{who} {name} {item.token}: came back before anybody looked, had UID {item.same}, has {uid}")
            item.uid, item.same, item.alts, item.maybe_gone, item.gone_after = uid, None, {row[:2]}, False, None
            if not item.uid and uid < told_next:
                self.complain(f"{who} {name} {uid} {item.token}: UIDNEXT had been told as {told_next}")
            seen = self.folders[name].shown.get(uid)
            if row.modseq <= item.after and (item.told or row[:2] != seen) and self.judges_modseq(item):
                self.complain(f"{who} {name} {uid} {item.token}: modseq {row.modseq}, but {item.after} was told before its last change")
            if item.emailid and row.emailid not in (item.emailid, "?"):
                self.complain(f"{who} {name} {uid} {item.token}: EMAILID {row.emailid}, its original's is {item.emailid}")
            item.told = False
            self.folders[name].shown[uid] = row[:2]
        for item in gone:
            # Another session may have told of it meanwhile, and with which modseq.
            self.drop(name, item, highest if item.gone_after is None else item.gone_after)
        if after and head.highest <= after:
            self.complain(f"{who} {name}: HIGHESTMODSEQ {head.highest}, but {after} was told before an expunge")

    def check(self, s, mine=None):
        """A session shows what the model says: at once if it has just opened the folder, else soon."""
        who, f = f"session {s.proc.pid}{' (fresh)' if s.fresh else ''}", self.folders[s.folder]
        end = time.monotonic() + (0 if s.fresh else PATIENCE)
        while True:
            with self.lock:
                # Of what others do at the same moment a session need not have heard.
                before, retired = (0 if mine else f.after, f.highest, 0 if mine else f.told_next), set(f.retired)
            told = [] if s.fresh else s.refresh()
            head, s.view = s.facts()
            with self.lock:
                f.retired |= {int(line.split(" ")[1]) for line in told if line.startswith("expunged ")}
                self.hear(s.folder, head, s.view, who, mine is not None)
                problems, met, gone = self.compare(s.folder, s.view, retired, mine)
                if not problems:
                    self.settle(s.folder, head, s.view, met, gone, before, who)
                    break
                if time.monotonic() > end:
                    self.bad += [f"{who} {s.folder}: {p}{self.evidence(s.folder, p)}" for p in problems]
                    break
            time.sleep(0.02)
        s.fresh = False
        return not problems

    def evidence(self, name, problem):
        """The lines of dovecot-uidlist and the files that a problem is about."""
        path, uids = self.path(name), re.findall(r"\b\d+\b", problem)
        lines = [x for x in read_text(path + "/dovecot-uidlist").split("\n")[1:] if x.split(" ")[0] in uids]
        files = [f"{sub}/{n}" for sub in ("cur", "new") for n in os.listdir(f"{path}/{sub}") if any(x.split(":", 1)[1][1:] in n for x in lines)]
        return f" [{lines} {files}]"

    # ---- dovecot-uidlist itself ----

    def check_uidlist(self, name):
        """No UID ever had another base name, none was given out of order, none came back."""
        f = self.folders[name]
        text = read_text(self.path(name) + "/dovecot-uidlist")
        lines = text.split("\n")[1:-1]
        with self.lock:
            last = 0
            for line in lines:
                m = re.fullmatch(r"(\d+)((?: [A-Z]\S*)*) :(.+)", line)
                if not m:
                    self.complain(f"{name}: a line of dovecot-uidlist: {line!r}")
                    continue
                uid, base = int(m[1]), m[3]
                was = f.lines.get(uid)
                struck = base[0] == "."
                if uid <= last:
                    self.complain(f"{name}: UID {uid} stands behind {last}")
                if was and was != base and not (struck and was[1:] == base[1:]):
                    self.complain(f"{name}: UID {uid} was {was}, is {base}")
                if not was and uid < f.next:
                    self.complain(f"{name}: UID {uid} is new, though {f.next} was next")
                f.lines[uid], last = base, uid
            header = text.split("\n")[0]
            n = int(m[1]) if (m := re.search(r" N(\d+)", header)) else 1
            f.next = max(f.next, n, last + 1)


def show(alts):
    return " or ".join("".join(sorted(a[0])) + "+" + ",".join(sorted(a[1])) for a in sorted(alts, key=str))


def read_text(path):
    try:
        with open(path, errors="surrogateescape") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def with_and_without(model, name, who="index"):
    """A fresh session shows the same with the index and without it."""
    s = Session(model.place, name)
    try:
        a = s.facts()
        texts = s.command("texts")
        model.bad += [f"{name}: cached text {x}" for x in texts if not re.fullmatch(r"\d+ [0-9a-f]+", x)]
        s.close()
        for file in DISPOSABLE:
            if os.path.exists(f"{model.path(name)}/{file}"):
                os.unlink(f"{model.path(name)}/{file}")
        s = Session(model.place, name)
        b = s.facts()
        x, y = lasting(model, a), lasting(model, b)
        if x != y:
            model.complain(f"{who} {name}: with the index {x[0]}, without {y[0]}; rows {set(x[1].items()) ^ set(y[1].items())}")
        with model.lock:
            model.hear(name, *b, "without the index")
    finally:
        s.close()
