"""A user's mail, by imap and pop3: what a client is told, and what must be so afterwards."""
import atexit, os, re, shutil, tempfile

import checker, rig
from checker import changed, place
from client import Imap

FOLDERS = "INBOX", "Other", "Many", "Unread", "Foreign", "Changed"

# In the template m1..m4, many1..3 and so on are UIDs 1, 2, 3 ... of their folders. What is prepared, and the change itself (k: 1, and once more 2 behind the fault: that must succeed).
OPS = {
    "flags": (lambda c: c.select("INBOX"), lambda c, k: c.store([k + 1], "+", "\\Flagged \\Seen")),
    "letter": (lambda c: c.select("INBOX"), lambda c, k: c.store([k + 1], "+", "another")),
    "beyond": (lambda c: c.select("Many"), lambda c, k: c.store([k], "+", "another")),
    "all": (lambda c: c.select("INBOX"), lambda c, k: c.store([1, 2, 3, 4], "+-"[k - 1], "\\Flagged")),
    "append": (lambda c: c.select("INBOX"), lambda c, k: c.append(f"fresh{k}")),
    "multiappend": (lambda c: c.select("INBOX"), lambda c, k: c.append(f"two{k}", f"three{k}", words="\\Seen blue", size=9000)),
    "copy": (lambda c: c.select("Many"), lambda c, k: c.carry("COPY", [k], "Other")),
    "move": (lambda c: c.select("Many"), lambda c, k: c.carry("MOVE", [k], "Other")),
    "several": (lambda c: c.select("Many"), lambda c, k: c.carry("MOVE", [1, 2] if k == 1 else [3], "Other")),
    "shared": (lambda c: c.select("Many"), lambda c, k: c.carry("MOVE", [k], "Foreign")),
    "expunge": (lambda c: c.select("INBOX"), lambda c, k: c.expunge([k + 1])),
    "qresync": (lambda c: c.plain("ENABLE QRESYNC") and c.select("INBOX"), lambda c, k: c.expunge([k + 1])),
    "close": (None, lambda c, k: c.select("INBOX") and c.close_folder([k + 1])),
    "number": (None, lambda c, k: c.select("Unread") and c.look() != {}),
    "foreign": (None, lambda c, k: c.select("Foreign") and c.look() != {}),
    "changed": (None, lambda c, k: c.select("Changed") and c.look() != {} and c.plain("UNSELECT")),
    "rename": (None, lambda c, k: c.rename(*[("Many", "Moved"), ("Other", "Else")][k - 1])),
    "create": (None, lambda c, k: c.plain(f"CREATE Made{k}")),
    "delete": (None, lambda c, k: c.delete(["Many", "Other"][k - 1])),
    "subscribe": (None, lambda c, k: c.plain(f"SUBSCRIBE {['Many', 'INBOX'][k - 1]}")),
    "special": (None, lambda c, k: c.plain(f'SETMETADATA {["Many", "Unread"][k - 1]} (/private/specialuse "{["@Archive", "@Sent"][k - 1]}")'.replace("@", "\\\\"))),
    "acl": (None, lambda c, k: c.plain(f"SETACL {['Many', 'Other'][k - 1]} friend lr")),
    "text": (lambda c: c.select("INBOX"), lambda c, k: c.plain(f"FETCH {k}:{k + 1} (ENVELOPE BODYSTRUCTURE PREVIEW)")),
    "leave": (lambda c: c.select("INBOX") and c.plain("FETCH 1:* ENVELOPE") and c.store([1], "+", "\\Answered"), lambda c, k: c.plain("LOGOUT")),
}
# What a large folder and a long index log are needed for.
BIG = {
    "uidlist": (lambda c: c.select("Big"), lambda c, k: c.expunge(list(range(1, DEAD) if k == 1 else [DEAD]))),
    "keys": (lambda c: c.select("Big"), lambda c, k: c.plain("SORT (SUBJECT) UTF-8 ALL")),
    "compact": (lambda c: c.select("Long") and c.store([1], "+", "\\Answered"), lambda c, k: c.store([1], "+-"[k - 1], "\\Draft") and c.plain("UNSELECT")),
}
ROWS, DEAD = 136, 80  # messages of the large folder; so many of them go

def mail(top, folder, token, n, flags=None, size=0):
    """A message as a foreign program puts it there."""
    path = f"{top}/Maildir" + ("" if folder == "INBOX" else f"/.{folder}")
    name = f"{1700000000 + n}.M{n}P1.example" + ("" if flags is None else ":2," + flags)
    with open(f"{path}/{'new' if flags is None else 'cur'}/{name}", "wb") as f:
        f.write(checker.body(token, size))


def maildir(path):
    for sub in "cur", "new", "tmp":
        os.makedirs(f"{path}/{sub}", 0o700)


class Store(rig.Scenario):
    """One row of OPS."""
    folders, made, at_once = FOLDERS, {}, 3  # messages that one command changes
    faults = (*rig.ERRORS, "ENOENT", "ESTALE", "EROFS")  # and what network file systems say
    promise = "a change that was answered lasts, one that was not is made or not made"

    def __init__(self, op):
        super().__init__(op)
        self.op, (self.set_up, self.act) = op, {**OPS, **BIG}[op]

    def prepare(self, top):
        """Once for all that begin alike."""
        if type(self) not in Store.made:
            path = tempfile.mkdtemp(prefix="crash-template.", dir=os.path.dirname(self.base))
            atexit.register(shutil.rmtree, path, True)
            Store.made[type(self)] = path, self.make(path)
            os.unlink(path + ".log")
        os.rmdir(top)
        path, self.world = Store.made[type(self)]
        rig.copy(path, top)
        self.before = {f"{p}/{n}": open(f"{p}/{n}", "rb").read() for p, _, names in os.walk(top) for n in names if os.path.basename(p) in ("cur", "new")}

    def make(self, top):
        self.world = checker.World()
        os.makedirs(f"{top}/instance/etc")
        maildir(f"{top}/Maildir")
        with open(f"{top}/Maildir/maildirsize", "w") as f:
            f.write("1048576S\n0 0\n")
        c = Imap(top, self.world)
        for name in self.folders[1:]:
            c.plain("CREATE " + name)
        self.fill(top, c)
        c.close()
        with open(f"{top}/Maildir/maildirsize", "w") as f:
            f.write("1048576S\n{} {}\n".format(*checker.usage(checker.folders(f"{top}/Maildir"))))
        assert not c.refused, c.refused
        return self.world

    def fill(self, top, c):
        counts = {"INBOX": ("m", 4), "Other": ("o", 2), "Many": ("many", 3), "Changed": ("c", 2)}
        for folder, (prefix, n) in counts.items():
            for i in range(1, n + 1):
                mail(top, folder, f"{prefix}{i}", i)
                self.world.put(f"{prefix}{i}", place(folder))
            c.select(folder)
            assert sorted(c.look()) == list(range(1, n + 1))
        c.select("INBOX")
        c.store([1], "+", "\\Seen red")
        c.store([2], "+", "\\Answered red blue")
        c.plain("FETCH 1:2 ENVELOPE")
        c.select("Many")
        for i in range(29):
            c.store([1], "+", f"k{i}")
        c.store([2], "+", "k28")
        c.store([3], "+", "k27")
        c.plain("SUBSCRIBE Other")
        c.plain('SETMETADATA Other (/private/specialuse "\\\\Junk")')
        c.plain("SETACL Foreign somebody lr")
        c.plain("UNSELECT")
        for i in range(1, 4):
            mail(top, "Unread", f"u{i}", 10 + i)
            self.world.put(f"u{i}", place("Unread"))
        for i in (1, 2):
            mail(top, "Foreign", f"f{i}", 20 + i, "S")
            self.world.put(f"f{i}", place("Foreign", -1, ["\\Seen"]))
        for name in os.listdir(f"{top}/Maildir/.Changed/cur"):
            os.rename(f"{top}/Maildir/.Changed/cur/{name}", f"{top}/Maildir/.Changed/cur/{name}R")
        self.world.apply(changed("Changed", [1, 2], lambda p: (p[0], p[1], p[2] | {"\\Answered"})))

    def always(self):
        """File systems without links, without promises, and two of them."""
        return ["imap:renameat2:1+:EINVAL", "imap:linkat:1+:EPERM", "imap:renameat2:1:EXDEV", "imap:linkat:1:EXDEV"]

    def play(self, top, tracer):
        world = self.world.copy()
        c = Imap(top, world, tracer)
        c.moments = self.moments
        c.knows()
        told = {"world": world, "died": False, "refused": c.refused, "done": None, "again": None}
        try:
            self.set_up and self.set_up(c)
            self.first = c.sent
            told["done"] = bool(self.act(c, 1))
            c.knows()
            if self.op != "leave" and "-c" not in tracer:
                told["again"] = bool(self.act(c, 2))
                c.knows()
        except rig.Gone:
            told["died"] = True
        told["code"] = c.close()
        return told

    def chosen(self, made):
        """The calls from the first command of the change on."""
        reads, out = 0, []
        for c in made:
            if c.role != "imap":
                continue
            if self.op == "number" or reads > self.first:
                out.append(c)
            reads += c.name in ("read", "recvfrom") and c.what.startswith("socket") and c.result > 0
        return out

    def check(self, top, told, point, rng):
        bad, world, root = [], told["world"], f"{top}/Maildir"
        found = checker.folders(root)
        killed = point.killed
        bad += checker.judge(world, found) + self.side_files(root, told)
        if not killed:
            bad += self.unharmed(told, found, point)
        # Who is told that there is no maildirsize counts nothing in it.
        bad += [] if point.endswith("ENOENT") and point.what.endswith("maildirsize") else self.sizes(root, found, killed)
        if rng.random() < (0.04 if killed or point == "" else 0):
            bad += dovecot(root, found)
        bad += self.again(top, world, found)
        for path, octets in self.before.items():
            with open(path, "rb") as f:
                if f.read() != octets:
                    bad.append(f"{path} was changed in place")
        return bad

    def after_cut(self, top, world):
        """What is wrong after a power cut. A line that is not whole was told to nobody."""
        root = f"{top}/Maildir"
        found = checker.folders(root)
        bad = [b for b in checker.judge(world, found) if "uidlist: " not in b]
        for folder in found.values():
            folder.next = max(folder.next, 1)
        return bad + self.again(top, world.copy(), found)

    def unharmed(self, told, found, point):
        """Where no process was killed."""
        bad = [f"{name}: {lock} is left" for name, f in found.items() for lock in f.locks if ":unlinkat:" not in point and ":newfstatat:" not in point]
        if told["died"] and told["code"] not in (0, 111):
            bad.append(f"exit {told['code']}")
        gone = point.endswith("ENOENT") and point.what.endswith("/Maildir")  # a Maildir that is not there
        if not told["died"] and not told["done"] and not told["again"] and told["again"] is not None and not gone:
            bad.append(f"what comes next failed, too: {told['refused']}")
        if (not point or os.path.basename(point.what) in checker.DISPOSABLE) and told["done"] is False:
            bad.append(f"only the index failed, and the change was not made: {told['refused']}")
        return bad

    def side_files(self, root, told):
        """What lasts beside messages: the subscription, the use and the rights that stand there from before, and what was answered now."""
        bad, text = [], {n: "" for n in ("subscriptions", "postern-metadata")}
        for n in text:
            if os.path.exists(f"{root}/{n}"):
                with open(f"{root}/{n}") as f:
                    text[n] = f.read()
        uses = re.findall(r"^(\w+)\t/private/specialuse\t\\(\w+)$", text["postern-metadata"], re.M)
        deleted = self.op == "delete" and told["again"] is not False or self.op == "rename"
        if "Other" not in text["subscriptions"].split("\n") and self.op != "rename":
            bad.append("subscriptions: " + text["subscriptions"])
        if not deleted and ("Other", "Junk") not in uses:
            bad.append(f"special uses: {uses}")
        if self.op == "subscribe" and told["done"] and "Many" not in text["subscriptions"].split("\n"):
            bad.append("subscribed, and not there: " + text["subscriptions"])
        if self.op == "special" and told["done"] and ("Many", "Archive") not in uses:
            bad.append(f"the use was answered and is not there: {uses}")
        if self.op == "create" and told["done"] and not os.path.isdir(f"{root}/.Made1/cur"):
            bad.append("created, and not there")
        if self.op == "acl" and told["done"]:
            with open(f"{root}/.Many/dovecot-acl") as f:
                if "user=friend" not in f.read():
                    bad.append("the right was given and is not there")
        return bad

    def sizes(self, root, found, killed):
        """maildirsize: right, or to be computed anew; after a kill it may lack the one change that was under way."""
        said, real = checker.maildirsize(root), checker.usage(found)
        if said is None or said == real:
            return []
        most = self.at_once if killed else 0
        return [] if abs(said[1] - real[1]) <= most and most else [f"maildirsize says {said}, there are {real}"]

    def again(self, top, world, found):
        """A session afterwards sees what is on disk, at once; and again without the index."""
        bad, seen = [], []
        for turn in range(2):
            c = Imap(top, world)
            shown = {}
            for name, folder in found.items():
                if not c.select(name):
                    bad.append(f"{name} cannot be selected: {c.refused}")
                    continue
                shown[name] = c.look()
                if not turn:
                    bad += differs(name, folder, shown[name])
            seen.append((shown, [c.command(x)[1] for x in ('LSUB "" *', 'LIST (SPECIAL-USE) "" *', 'GETMETADATA "" (/private/comment)')]))
            if not c.append(f"later{turn}"):
                bad.append(f"later mail is refused: {c.refused}")
            found["INBOX"].messages.append((f"later{turn}", None, frozenset(["\\Seen"]), b""))
            c.close()
            for folder in found.values() if not turn else ():
                for file in checker.DISPOSABLE:
                    if os.path.exists(f"{folder.path}/{file}"):
                        os.unlink(f"{folder.path}/{file}")
        # What is later was not there at the first look.
        seen[1][0].get("INBOX", {}) and [seen[1][0]["INBOX"].pop(u) for u, v in list(seen[1][0]["INBOX"].items()) if v[0] == "later0"]
        if seen[0] != seen[1]:
            bad.append(f"with the index {seen[0]}, without {seen[1]}")
        return bad + ["in the end: " + b for b in checker.judge(world, checker.folders(f"{top}/Maildir"))]


class Big(Store):
    folders, at_once = ("INBOX", "Other", "Foreign", "Big", "Long"), DEAD

    def fill(self, top, c):
        for folder, n in ("Big", ROWS), ("Long", 2):
            for i in range(1, n + 1):
                mail(top, folder, f"{folder.lower()}{i}", i)
                self.world.put(f"{folder.lower()}{i}", place(folder))
            c.select(folder)
            assert len(c.look()) == n
        c.plain("SUBSCRIBE Other")
        c.plain('SETMETADATA Other (/private/specialuse "\\\\Junk")')
        log = f"{top}/Maildir/.Long/postern-index.log"
        c.store([1], "+", "\\Flagged")
        c.select("Big")
        while os.path.getsize(log) < 65536 - 900:  # the next change makes it worth a new snapshot
            c.select("Long")
            for sign in "-+" * 4:
                c.store([1], sign, "\\Flagged")
            c.plain("UNSELECT")


def differs(name, folder, shown):
    """Between the disk and a session."""
    bad, left = [], dict(shown)
    for token, uid, flags, _ in folder.messages:
        match = [u for u, (t, f) in left.items() if t == token and f == flags and (u == uid if uid else u >= folder.next)]
        if not match:
            bad.append(f"{name}: on disk {token} {uid} {sorted(flags)}, in a session {shown}")
        else:
            del left[match[0]]
    return bad + [f"{name}: {v[0]} came from nowhere" for v in left.values()]


def dovecot(root, found):
    """Dovecot sees in a copy what is on the disk."""
    import maildirtest as t
    if not os.path.exists(t.DOVECOT):
        return []
    bad = []
    with t.Place() as place_:
        # A dead session's lock is broken by ours at once, but Dovecot waits two minutes for it.
        shutil.copytree(root, place_.mail, ignore=shutil.ignore_patterns("*.lock"))
        place_.own("/mail")
        session = t.Dovecot(place_)
        for name, folder in found.items():
            known = {v for k, v in folder.names.items() if int(k) < 26}
            want = {uid: frozenset(f for f in flags if f[0] == "\\" or f in known) for _, uid, flags, _ in folder.messages if uid}
            try:
                session.command("SELECT " + name.replace("/", "."))
                got = {uid: frozenset(f"{t.LETTERS[c]}" for c in x[0]) | frozenset(w for w in x[1].split(",") if w) for uid, x in session.state().items() if uid < folder.next} if want else {}
            except RuntimeError as e:
                got = f"{e}: {place_.complaints()}"
            if got != want:
                bad.append(f"{name}: on disk {want}, Dovecot says {got}")
    return bad
