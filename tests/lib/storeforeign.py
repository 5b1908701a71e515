"""Other programs at work in a Maildir: mutt, mbsync, Dovecot, cp, mv and rm, and whatever befalls the index."""
import collections
import os
import re
import shutil
import time

import storemodel

FLAGS = "DFPRS"
Away = collections.namedtuple("Away", "item looks beyond where")


class File:
    """A message's file, and which of the model's items it is."""

    def __init__(self, folder, path, name):
        self.folder, self.sub, self.name = folder, os.path.basename(path), name
        self.path = f"{path}/{name}"
        self.base, _, self.info = name.partition(":2,")
        self.item = None

    def letters(self):
        return "".join(c for c in self.info if c.islower())


class Foreign:
    def __init__(self, model, rng, mine=None):
        self.model, self.rng, self.mine = model, rng, mine
        self.away = {}  # (folder, base): Away
        self.serial = 0

    # ---- finding one's way ----

    def words(self, folder):
        return dict(re.findall(r"^(\d+) (\S+)$", storemodel.read_text(self.model.path(folder) + "/dovecot-keywords"), re.M))

    def files(self, folder):
        """The files of a folder whose items are known."""
        path, f = self.model.path(folder), self.model.folders[folder]
        lines = re.findall(r"^(\d+)(?: [A-Z]\S*)* :([^.\n].*)$", storemodel.read_text(path + "/dovecot-uidlist"), re.M)
        uids = {base: int(uid) for uid, base in lines}
        found = [File(folder, f"{path}/{sub}", name) for sub in ("cur", "new") for name in os.listdir(f"{path}/{sub}")]
        for file in found:
            uid = uids.get(file.base)
            with self.model.lock:
                some = [i for i in f.items if i.uid == uid] if uid else []
                if not some:
                    token = token_of(file.path)
                    some = [i for i in f.items if i.token == token and not i.uid]
                file.item = some[0] if len(some) == 1 and (not self.mine or self.mine(some[0].token)) else None
        bases = [file.base for file in found]
        return [file for file in found if file.item and bases.count(file.base) == 1]

    def pick(self, folder, *subs):
        some = [file for file in self.files(folder) if not subs or file.sub in subs]
        return self.rng.choice(some) if some else None

    def info(self, letters=""):
        return "".join(sorted(self.rng.sample(FLAGS, self.rng.randrange(3)) + list(letters)))

    def change(self, file, info, sub="cur"):
        """Renames it within its folder; its item then has these flags."""
        words, old = self.words(file.folder), {c for c in file.letters()}
        new = {c for c in info if c.islower()}
        plus = {words[str(ord(c) - 97)] for c in new - old}
        minus = {words[str(ord(c) - 97)] for c in old - new if str(ord(c) - 97) in words}
        highest = self.model.folders[file.folder].highest
        os.rename(file.path, f"{self.model.path(file.folder)}/{sub}/{file.base}:2,{info}")
        with self.model.lock:
            file.item.change(lambda flags, w: (frozenset(c for c in info if c.isupper()), w - minus | plus), highest, told=False)

    # ---- what others do; each takes a folder, and does nothing where nothing fits ----

    def mutt(self, folder):
        if file := self.pick(folder):
            self.change(file, self.info(file.letters()))

    def letter(self, folder):
        """A keyword set by Dovecot, say."""
        file, words = self.pick(folder, "cur"), self.words(folder)
        if file and words:
            letter = chr(97 + int(self.rng.choice(sorted(words))))
            upper = [c for c in file.info if c.isupper()]
            self.change(file, "".join(upper + sorted(set(file.letters()) ^ {letter})))

    def take(self, folder):
        """new/ to cur/ by a mail reader."""
        if file := self.pick(folder, "new"):
            self.change(file, self.info())

    def touch(self, folder):
        file = self.pick(folder)
        if file and self.model.dates[file.item.token]:
            date = self.rng.randrange(10**9, 16 * 10**8)
            self.model.dates[file.item.token].add(date)
            os.utime(file.path, (date, date))

    def deliver(self, folder):
        """Another delivery agent: no S=, no W=."""
        self.serial += 1
        token = ("" if not self.mine else "f.") + f"o{next(self.model.tokens)}"
        tmp, base = f"{self.model.path(folder)}/tmp/{token}", f"{time.time():.0f}.{token}_{self.serial}.elsewhere"
        with open(tmp, "w") as f:
            f.write(f"Subject: {token} x\nFrom: c@example.test\n\nfrom elsewhere\n")
        self.own(tmp)
        self.model.add(folder, token)
        os.rename(tmp, f"{self.model.path(folder)}/new/{base}")

    def own(self, path):
        if os.getuid() == 0:
            os.chown(path, self.model.place.user.pw_uid, self.model.place.user.pw_gid)

    def twin(self, folder):
        """cp: two messages under one base name. One of them gets a base name of its own, without keywords beyond the letters."""
        if not (file := self.pick(folder, "cur")):
            return
        part, to = f"{self.model.path(folder)}/tmp/twin", f"{self.model.path(folder)}/new/{file.base}"
        shutil.copy2(file.path, part)
        self.own(part)
        with self.model.lock:
            item, f = file.item, self.model.folders[folder]
            new = self.model.add(folder, item.token)
            named = set(self.words(folder).values())
            new.alts = {(frozenset(), w - named) for _, w in item.alts} | {(frozenset(), frozenset())}
            both = item.alts | new.alts | {(flags, w & named) for flags, w in item.alts}
            item.alts, new.alts, item.emailid = set(both), set(both), None
        os.rename(part, to)

    # ---- away and back ----

    def leave(self, file, where, highest):
        """The file is gone from its folder, and lies there now (or in another folder)."""
        f = self.model.folders[file.folder]
        named = set(self.words(file.folder).values())
        self.away[file.folder, file.base] = Away(file.item, f.looks, {w - named for _, w in file.item.alts}, where)
        self.model.drop(file.folder, file.item, highest)

    def arrive(self, folder, base, token, info, highest):
        """A file has come (back) under this base name. If nobody looked meanwhile, it has its UID again."""
        model, f = self.model, self.model.folders[folder]
        words = self.words(folder)
        words = frozenset(words[str(ord(c) - 97)] for c in info if c.islower() and str(ord(c) - 97) in words)
        flags = frozenset(c for c in info if c.isupper())
        with model.lock:
            new = model.add(folder, token, flags, words, after=highest)
            if (folder, base) in self.away:
                was = self.away.pop((folder, base))
                new.alts |= {(flags, words | b) for b in was.beyond}
                new.same = was.item.uid if was.looks == f.looks and not self.mine else None
                f.unlooked.pop(was.item, None)  # who has not looked has not missed it

    def remove(self, folder):
        if file := self.pick(folder):
            self.serial += 1
            where, highest = f"{self.model.place.mail}/../away.{id(self)}.{self.serial}", self.model.folders[folder].highest
            os.rename(file.path, where)
            self.leave(file, where, highest)

    def restore(self, folder):
        some = [key for key, value in self.away.items() if key[0] == folder and value.where]
        if some:
            base, info, highest = self.rng.choice(sorted(some))[1], self.info(), self.model.folders[folder].highest
            where, to = self.away[folder, base].where, f"{self.model.path(folder)}/cur/{base}:2,{info}"
            if self.rng.random() < 0.5:
                shutil.copy2(where, where + ".copy")
                self.own(where + ".copy")
                os.rename(where + ".copy", where)
            token = token_of(where)
            os.rename(where, to)
            self.arrive(folder, base, token, info, highest)

    def mbsync(self, folder):
        """To another folder, as it is, or back from there."""
        if not (file := self.pick(folder, "cur")):
            return
        to = self.rng.choice([n for n in self.model.folders if n != folder])
        path, highest, before = self.model.path(to), self.model.folders[to].highest, self.model.folders[folder].highest
        if any(name.split(":")[0] == file.base for sub in ("cur", "new") for name in os.listdir(f"{path}/{sub}")):
            return
        info = "".join(c for c in file.info if c.isupper())
        os.rename(file.path, f"{path}/cur/{file.base}:2,{info}")
        self.leave(file, None, before)
        self.arrive(to, file.base, file.item.token, info, highest)

    # ---- Dovecot writes its list anew ----

    def rewrite(self, folder):
        path = self.model.path(folder)
        lock, name = path + "/dovecot-uidlist.lock", path + "/dovecot-uidlist"
        if not os.path.exists(name):
            return
        while True:
            try:
                fd = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                break
            except FileExistsError:
                if not self.mine:
                    return  # of one who was killed
                time.sleep(0.002)
        os.write(fd, b"%d:%s" % (os.getpid(), os.uname().nodename.encode()))
        os.close(fd)
        self.own(lock)
        here = {n.split(":2,")[0] for sub in ("cur", "new", "cur") for n in os.listdir(f"{path}/{sub}")}
        text = storemodel.read_text(name)
        head, *lines = text[:text.rfind("\n")].split("\n")
        uids = [int(line.split(" ")[0]) for line in lines]
        kept = [line for line in lines if line.split(":", 1)[1] in here or (self.mine and not line.split(":", 1)[1].startswith("."))]
        n = max([int(re.search(r" N(\d+)", head)[1]), *[u + 1 for u in uids]])
        with open(name + ".new", "w") as f:
            f.write("\n".join([re.sub(r" N\d+", f" N{n}", head), *kept]) + "\n")
        self.own(name + ".new")
        os.rename(name + ".new", name)
        os.unlink(lock)
        for (where, base), away in self.away.items():
            if where == folder and base not in here:
                away.item.uid = None  # a new one when it comes back

    # ---- the index ----

    def damage(self, folder):
        """Removes, cuts or changes files of the index, but none that a session may have mapped: they are replaced. A snapshot
        with changed octets would end the session that meets them (tests/maildir/090-index.t)."""
        path = self.model.path(folder)
        some = [n for n in storemodel.INDEX_FILES if os.path.exists(f"{path}/{n}")]
        how = self.rng.choice(("unlink", "unlink", "cut", "flip", "zero", "old", "keep"))
        for name in self.rng.sample(some, self.rng.randrange(1, len(some) + 1)) if some else ():
            file, saved = f"{path}/{name}", f"{self.model.place.dir}/saved.{folder}.{name}.{id(self)}"
            try:
                self.damage_one("cut" if how in ("flip", "zero") and name == storemodel.INDEX_FILES[0] else how, file, saved)
            except FileNotFoundError:
                pass
        return how

    def damage_one(self, how, file, saved):
        with open(file, "rb") as f:
            data = bytearray(f.read())
        if how == "unlink":
            os.unlink(file)
            return
        if how == "keep":
            shutil.copyfile(file, saved)
            return
        if how == "cut":
            del data[self.rng.randrange(len(data) + 1):]
        elif how == "flip" and data:
            data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
        elif how == "zero" and data:
            at = self.rng.randrange(len(data))
            data[at:] = bytes(len(data) - at)
        elif how == "old" and os.path.exists(saved):
            with open(saved, "rb") as f:
                data = f.read()
        with open(file + ".damaged", "wb") as f:
            f.write(data)
        self.own(file + ".damaged")
        os.rename(file + ".damaged", file)


def token_of(path):
    with open(path, errors="replace") as f:
        return re.split("[ _\n]", f.read(200))[1].strip()


CHANGES = "mutt", "mutt", "letter", "take", "touch", "deliver", "twin", "remove", "restore", "restore", "mbsync", "rewrite"
