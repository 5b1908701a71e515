"""What must lie on disk, by what clients were told alone; and what does lie there, read as any foreign program would read it. None of the
project's code is used: Maildir, dovecot-uidlist (version 3), dovecot-keywords and maildirsize by their public formats, the rest by doc/store.md.

A message is known by its token, which stands in its Subject and makes its body. Where its copies are is an outcome: a sorted tuple of
(folder, UID, flags); -N is a UID that nobody was told yet, N or larger. A World has, for every token, the outcomes that are allowed."""
import collections, functools, os, re

DISPOSABLE = "postern-index", "postern-index.log", "postern-text", "postern-keys"
KNOWN = re.compile(r"cur|new|tmp|postern-wake|" + "|".join(map(re.escape, DISPOSABLE)) + r"|maildirfolder|dovecot-uidlist|dovecot-keywords|dovecot-acl|"
                   r"dovecot-uidvalidity(\.[0-9a-f]{8})?|postern-keywords|postern-metadata|postern-shared|subscriptions|maildirsize|\..*")
NAMES = {"D": "\\Draft", "F": "\\Flagged", "P": "$Forwarded", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}


def body(token, size=0):
    """The end of the message that bears this token, as it lies on disk."""
    line = f"this is {token}, and nothing else\n"
    return f"Subject: {token}\n\n{line * (1 + size // len(line))}".encode()


def place(folder, uid=-1, flags=()):
    return folder, uid, frozenset(flags)


def outcome(*places):
    return tuple(sorted(places, key=lambda p: (p[0], p[1], sorted(p[2]))))


# ---- what is allowed ----


class World:
    def __init__(self):
        self.may = {}                                   # token: set of outcomes
        self.next, self.validity = {}, {}               # folder: the largest UIDNEXT and the UIDVALIDITY that were told
        self.gone = collections.defaultdict(set)        # folder: UIDs whose absence was told
        self.sizes = {}                                 # token: octets of its body, about

    def copy(self):
        other = World()
        other.may, other.next, other.validity, other.sizes = dict(self.may), dict(self.next), dict(self.validity), dict(self.sizes)
        other.gone.update({folder: set(uids) for folder, uids in self.gone.items()})
        return other

    def put(self, token, *places, size=0):
        self.sizes[token] = size
        self.may[token] = {outcome(*places)}

    def apply(self, effect):
        """effect: (token, outcome) to outcome."""
        self.may = {t: {effect(t, o) for o in outcomes} for t, outcomes in self.may.items()}

    def perhaps(self, *effects):
        """From now on each of these may have come true, message by message."""
        self.may = {t: outcomes | {e(t, o) for e in effects for o in outcomes} for t, outcomes in self.may.items()}

    def saw(self, folder, uid, token, flags):
        """A client was shown this."""
        fixed = {outcome(*[place(folder, uid, flags) if p[0] == folder and -uid <= p[1] < 0 else p for p in o]) for o in self.may.get(token, ())}
        self.may[token] = {o for o in fixed if place(folder, uid, flags) in o} or {(place("not to be shown"),)}
        self.next[folder] = max(self.next.get(folder, 1), uid + 1)

    def at(self, folder, uid):
        """The tokens that may be there."""
        return {t for t, outcomes in self.may.items() if any(p[:2] == (folder, uid) for o in outcomes for p in o)}

    def numbered(self, tokens, folder, uid):
        """A client was told that the new one of these has this UID."""
        for t in tokens:
            self.may[t] = {outcome(*[(folder, uid, p[2]) if p[0] == folder and -uid <= p[1] < 0 else p for p in o]) for o in self.may[t]}
        self.next[folder] = max(self.next.get(folder, 1), uid + 1)

    def fresh(self, folder, flags=()):
        """The place of a message that comes now."""
        return place(folder, -self.next.get(folder, 1), flags)

    def absent(self, folder, uids):
        """A client was told that these are gone."""
        self.gone[folder] |= set(uids)
        self.apply(lambda t, o: outcome(*[p for p in o if p[0] != folder or p[1] not in uids]))


def changed(folder, uids, fn):
    """The effect that places in folder with one of these UIDs become fn(place), or go (None)."""
    def effect(token, o):
        out = [fn(p) if p[0] == folder and p[1] in uids else p for p in o]
        return outcome(*[p for p in out if p])
    return effect


# ---- what is there ----


class Folder:
    """A folder read from disk."""

    def __init__(self, path):
        self.path, self.bad, self.messages = path, [], []  # (token, uid, flags, octets)
        self.uids, self.next, self.validity = {}, 1, None
        self.read_uidlist()
        self.names = dict(re.findall(r"^(\d+) (\S+)$", self.text("dovecot-keywords"), re.M))
        self.names.update(re.findall(r"^K (\d+) (\S+)$", self.text("postern-keywords"), re.M))
        self.sets = {m[1]: m[0] for m in re.findall(r"^M (\S+) (.*)$", self.text("postern-keywords"), re.M)}
        inodes = collections.defaultdict(list)
        for sub in ("cur", "new"):
            for file in os.listdir(f"{path}/{sub}") if os.path.isdir(f"{path}/{sub}") else ():
                inodes[os.lstat(f"{path}/{sub}/{file}").st_ino].append(file)
                self.read_message(sub, file)
        self.bad += [f"one file, two names: {names}" for names in inodes.values() if len(names) > 1]
        told = [m[1] for m in self.messages if m[1]]
        self.bad += [f"UID {u} names two messages" for u, n in collections.Counter(told).items() if n > 1]
        self.look_around()

    def text(self, name):
        try:
            with open(f"{self.path}/{name}", "rb") as f:
                return f.read().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return ""

    def read_uidlist(self):
        lines = self.text("dovecot-uidlist").split("\n")[:-1]  # an unfinished line is none
        if not lines:
            return
        head = re.match(r"3 V(\d+) N(\d+)(?: |$)", lines[0])
        if not head:
            self.bad.append(f"uidlist: header {lines[0]!r}")
            return
        self.validity, self.next = int(head[1]), int(head[2])
        for line in lines[1:]:
            m = re.fullmatch(r"(\d+)((?: [A-Z]\S*)*) :(.+)", line)
            if not m:
                self.bad.append(f"uidlist: {line!r}")
                continue
            if m[3][0] != "." and int(m[1]) < max(self.uids.values(), default=0):
                self.bad.append(f"uidlist: {m[1]} stands behind a larger UID")
            self.next = max(self.next, int(m[1]) + 1)
            self.uids[m[3]] = int(m[1])

    def read_message(self, sub, file):
        base, _, letters = file.partition(":2,")
        numbers = [str(ord(c) - 97) for c in letters if c.islower()] + [n for n in self.sets.get(base, "-").split(",") if n != "-"]
        flags = {NAMES.get(c, c) for c in letters if c.isupper()} | {self.names.get(n, "?" + n) for n in numbers}
        with open(f"{self.path}/{sub}/{file}", "rb") as f:
            octets = f.read()
        token = re.search(rb"^Subject: (\S+)$", octets, re.M)
        size = re.search(r",S=(\d+)", base)
        if size and int(size[1]) != len(octets):
            self.bad.append(f"{file} has {len(octets)} octets")
        if any(f[0] == "?" for f in flags):
            self.bad.append(f"{file} has a keyword without a name: {sorted(flags)}")
        self.messages.append((token[1].decode() if token else "?" + file, self.uids.get(base), frozenset(flags), octets))

    def look_around(self):
        names = os.listdir(self.path)
        self.litter = [e for e in names if not re.fullmatch(KNOWN, e) and not e.endswith((".lock", ".tmp"))]
        self.litter += [e for e in names if e[0] == "." and not os.path.isdir(f"{self.path}/{e}")]
        self.locks = [e for e in names if e.endswith(".lock")]


def folders(root):
    """{name: Folder} of a Maildir++."""
    found = {"INBOX": Folder(root)}
    for e in os.listdir(root):
        if re.match(r"\.[^.]", e) and os.path.isdir(f"{root}/{e}/cur"):
            found[e[1:].replace(".", "/")] = Folder(f"{root}/{e}")
    return found


def fits(wanted, there):
    """Are these places that outcome?"""
    there = list(there)
    for folder, uid, flags in sorted(wanted, key=lambda p: p[1] < 0):
        match = [p for p in there if p[0] == folder and p[2] == flags and (p[1] == uid if uid > 0 else p[1] is None or p[1] >= -uid)]
        if not match:
            return False
        there.remove(match[0])
    return not there


def show(o):
    return " + ".join(f"{folder}/{uid if uid and uid > 0 else 'new'}({' '.join(sorted(flags))})" for folder, uid, flags in o) or "nowhere"


def judge(world, found):
    """What is wrong with folders (as of folders(), or of several Maildirs by name)."""
    bad, there = [], collections.defaultdict(list)
    for name, folder in found.items():
        bad += [f"{name}: {b}" for b in folder.bad] + [f"{name}: litter {e}" for e in folder.litter]
        if name in world.validity and folder.validity != world.validity[name]:
            bad.append(f"{name}: UIDVALIDITY {world.validity[name]} became {folder.validity}")
        if folder.next < world.next.get(name, 1):
            bad.append(f"{name}: UIDNEXT {world.next[name]} was told, {folder.next} is next")
        for token, uid, flags, octets in folder.messages:
            there[token].append((name, uid, flags))
            if not octets.endswith(body(token, world.sizes.get(token, 0))):
                bad.append(f"{name}: {token} is not whole: {len(octets)} octets")
            if uid in world.gone[name]:
                bad.append(f"{name}: UID {uid}, told gone, is {token}")
    for token in world.may.keys() | there.keys():
        allowed = world.may.get(token, {()})
        if not any(fits(o, there[token]) for o in allowed):
            bad.append(f"{token} is {show(there[token])}, and may be {' or '.join(sorted(map(show, allowed)))}")
    return bad


def usage(found):
    """(octets, messages) of all folders, as Maildir++ counts."""
    sizes = [len(m[3]) for f in found.values() for m in f.messages]
    return sum(sizes), len(sizes)


def maildirsize(root):
    """(octets, messages) that the file says; None: there is none, or one that everybody computes anew: of 5120 octets and more, or with what is no line."""
    try:
        with open(f"{root}/maildirsize", "rb") as f:
            text = f.read()
    except FileNotFoundError:
        return None
    lines = [line.split() for line in text.split(b"\n")[1:] if line.strip()]
    if len(text) >= 5120 or any(len(line) != 2 or not all(re.fullmatch(rb"[+-]?\d+", n) for n in line) for line in lines):
        return None
    return sum(int(a) for a, _ in lines), sum(int(b) for _, b in lines)


# ---- the spool ----


TABLE = []
for b in range(256):
    for _ in range(8):
        b = b >> 1 ^ (0x82f63b78 if b & 1 else 0)
    TABLE.append(b)


@functools.lru_cache(64)
def crc32c(text):
    c = 0xffffffff
    for b in text:
        c = c >> 8 ^ TABLE[(c ^ b) & 255]
    return c ^ 0xffffffff


class Spooled:
    """A queued message: {recipient: state}, its token, and whether it is whole (doc/spool.md)."""

    def __init__(self, path):
        with open(path, "rb") as f:
            text = f.read()
        head, blank, message = text.partition(b"\n\n")
        length = re.search(rb"\nl (\d{20})\n", head)
        self.name, self.path = os.path.basename(path), path
        self.whole = bool(text.startswith(b"postern-spool 1\n") and blank and b"\0" not in head and length and int(length[1]) == len(message))
        if self.whole and (sum_ := re.search(rb"\nk ([0-9a-f]{8})\n", head)):
            new = re.sub(rb"^r .. ", b"r w- ", head, flags=re.M)[sum_.end():] + blank + message
            self.whole = int(sum_[1], 16) == crc32c(new)
        self.states = {m[1].decode(): m[0].decode() for m in re.findall(rb"^r (.)\S \d+ \S+ (.*)$", head, re.M)}
        self.sender = (re.search(rb"^f (.*)$", head, re.M) or [b"", b""])[1].decode()
        token = re.search(rb"^Subject: (\S+)$", message, re.M)
        self.token, self.message = token[1].decode() if token else None, message


def spool(top):
    """Every queued message of a spool directory."""
    found = []
    for h in "0123456789abcdef":
        if os.path.isdir(f"{top}/{h}"):
            found += [Spooled(f"{top}/{h}/{n}") for n in sorted(os.listdir(f"{top}/{h}")) if n[0] != "." and ":" not in n]
    return found
