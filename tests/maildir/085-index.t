#!/usr/bin/env python3
# The files of the index damaged in every way: an octet changed, cut short, filled with zeros, another folder's, an older one of its own in every
# combination, a directory, a fifo, a link, without permission, made shorter under a session. A session always shows what one shows
# that has no index. The one exception: a changed octet in a block that is verified only when it is needed ends the session that meets it; then
# the index is gone, and the next session is right.  SEED, INDEX_TRIES (of each kind; default 500, 0: every octet).
import os
import shutil
import signal
import struct
import subprocess
import time
import maildirtest as t
from storemodel import INDEX_FILES, parse

TRIES = int(os.environ.get("INDEX_TRIES", "500"))
rng = t.seed()


def without_modseq(facts):
    head, rows = facts
    return head._replace(highest=0, recent=0), {u: r._replace(modseq=0) for u, r in rows.items()}


class Damaged:
    """A folder, its index files as they were, and what a session without them shows."""

    def __init__(self, place):
        self.place, self.session, self.ended = place, None, 0
        s = t.Ours(place)
        for i in range(4):
            s.command(f"mail INBOX m{i}")
        s.command("create Other")
        for i in range(3):
            s.command(f"mail Other o{i}")
        s.command("open Other")
        s.command("texts keep")
        s.command("settle wait")
        s.command("open INBOX")
        self.kept = {}
        for n, command in enumerate(("flags 1 + S red", "flags 2 + F", "texts keep", "expunge 3", "flags 1 - S", "mail INBOX m9", "flags 1 = FR blue")):
            s.command(command)
            s.command("refresh")
            s.command("settle wait")
            self.kept[n] = self.files(place.mail)
        s.command("settle wait")
        s.close()
        self.good = self.files(place.mail)
        self.other = self.files(place.mail + "/.Other")
        self.want = self.show("without an index", {})

    def files(self, path):
        out = {}
        for name in INDEX_FILES:
            if os.path.exists(f"{path}/{name}"):
                with open(f"{path}/{name}", "rb") as f:
                    out[name] = f.read()
        return out

    def put(self, files):
        for name in INDEX_FILES:
            path = f"{self.place.mail}/{name}"
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)
            if name in files:
                with open(path, "wb") as f:
                    f.write(files[name])
                if os.getuid() == 0:
                    os.chown(path, self.place.user.pw_uid, self.place.user.pw_gid)

    def show(self, what, files=None):
        """What a session shows; one that opens the folder again does, so that many can be asked."""
        if files is not None:
            self.put(files)
        if not self.session:
            self.session = t.Ours(self.place, folder=None)
        try:
            self.session.command("open INBOX")
            facts = without_modseq(parse(self.session.command("facts")))
            wrong = [x for x in self.session.command("texts") if " " in x.partition(" ")[2]]
            return facts, wrong
        except RuntimeError as e:
            self.session.proc.wait()
            return f"{e}; it ended with {self.session.proc.returncode}", []

    def try_it(self, what, files=None, may_end=False):
        """Complaints."""
        got = self.show(what, files)
        if isinstance(got[0], str) and may_end and self.session.proc.returncode in (111, -signal.SIGBUS):
            self.session, self.ended = None, self.ended + 1
            if os.path.exists(self.place.mail + "/" + INDEX_FILES[0]):
                return [f"{what}: the session ended, and the damaged index is still there"]
            got = self.show(what)
        if got != self.want:
            if isinstance(got[0], str):
                self.session = None
            return [f"{what}: {difference(got, self.want)}"]
        return []


def crc32c(crc, data):
    crc ^= 0xFFFFFFFF
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = crc >> 1 ^ (crc & 1) * 0x82F63B78
    return crc ^ 0xFFFFFFFF


def log_entry(snapshot, name, later=0):
    """An entry of the log, sound as such: the snapshot's first message, or one of a later UID, is called so."""
    size, = struct.unpack_from("=I", snapshot, 16)
    log, _, at = struct.unpack_from("=QQQ", snapshot, 24)
    record = bytearray(snapshot[at:at + size])
    record[:8] = struct.pack("=Q", 1 << 40)  # the latest change
    uid, = struct.unpack_from("=I", record, 56)
    struct.pack_into("=I", record, 56, uid + later)
    rest = struct.pack("=HH", 1, len(record) + len(name)) + record + name
    return struct.pack("=I", crc32c((log ^ log >> 32) & 0xFFFFFFFF, rest)) + rest + bytes(-(len(rest) + 4) % 8)


def difference(got, want):
    if isinstance(got[0], str):
        return got[0]
    a, b = got[0], want[0]
    return f"{a[0]} for {b[0]}, {sorted(set(a[1].items()) ^ set(b[1].items()), key=str)[:4]}, texts {got[1]}"


def some(n):
    return range(n) if not TRIES or n <= TRIES else sorted(rng.sample(range(n), TRIES))


def judge(bad, name):
    t.same(bad[:4], [], name)


def changed(data, at):
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]


with t.Place() as place:
    d = Damaged(place)
    t.same(sorted(d.good), sorted(INDEX_FILES), "there is an index to damage")
    # Sound entries of the log that say what cannot be.
    first = [x for x in place.files() + place.files("new")][0].encode()
    for name in (b"x" * 256, b"y" * 4000, first + b"/../x", b"../" * 20 + first, first + b"\0x", b"x"):
        for later in (0, 90):
            files = {**d.good, INDEX_FILES[1]: d.good[INDEX_FILES[1]] + log_entry(d.good[INDEX_FILES[0]], name, later)}
            judge(d.try_it(name, files), f"the log calls {'a new' if later else 'a known'} message {name[:12]!r}..., of {len(name)} octets")

    judge(d.try_it("whole", d.good), "undamaged")
    for name in INDEX_FILES:
        data, first, before = d.good[name], name == INDEX_FILES[0], d.ended
        judge([b for i in some(len(data)) for b in d.try_it(f"octet {i} of {name}", {**d.good, name: changed(data, i)}, first)],
              f"{name}: an octet is another ({len(some(len(data)))} of {len(data)})")
        judge([b for i in some(len(data)) for b in d.try_it(f"{name} of {i} octets", {**d.good, name: data[:i]})], f"{name}: cut short at {len(some(len(data)))} lengths")
        judge([b for i in some(len(data)) for b in d.try_it(f"{name}: zeros from {i}", {**d.good, name: data[:i] + bytes(len(data) - i)}, first)],
              f"{name}: zeros up to the end; {d.ended - before} sessions ended")
        judge([b for i in some(len(data))[:20] for b in d.try_it(f"{name}: {i} octets more", {**d.good, name: data + os.urandom(i)})], f"{name}: something behind the end")
        judge(d.try_it(name, {**d.good, name: d.other[name]}), f"{name}: another folder's")
        judge(d.try_it(name, {k: v for k, v in d.good.items() if k != name}), f"{name}: not there")
        judge(d.try_it(name, {name: data}), f"{name}: it alone is there")
    judge(d.try_it("all", d.other), "all files: another folder's")

    # A backup put back: an older snapshot, log and texts, in every combination.
    ages, bad = list(d.kept.values()) + [d.good], []
    for i, a in enumerate(ages):
        for j, b in enumerate(ages):
            for k, c in enumerate(ages[::3]):
                files = {n: x[n] for n, x in zip(INDEX_FILES, (a, b, c)) if n in x}
                bad += d.try_it(f"snapshot {i}, log {j}, texts {k}", files)
    judge(bad, f"{len(ages) ** 2 * len(ages[::3])} combinations of older files")

    # What is no file, or cannot be read.
    for name in INDEX_FILES:
        path, rest = f"{place.mail}/{name}", {k: v for k, v in d.good.items() if k != name}
        for kind, make in (("a directory", os.mkdir), ("a fifo", os.mkfifo), ("a link to nowhere", lambda p: os.symlink("nowhere", p)),
                           ("a link to itself", lambda p: os.symlink(name, p)), ("a link to another", lambda p: os.symlink(".Other/" + name, p)),
                           ("a device", lambda p: os.symlink("/dev/zero", p))):
            d.put(rest)
            make(path)
            judge(d.try_it(f"{name} is {kind}"), f"{name}: {kind}")
        d.put(d.good)
        os.chmod(path, 0)
        judge(d.try_it(f"{name} without permission"), f"{name}: without permission")
    d.put({})
    os.chmod(place.mail, 0o500)
    judge(d.try_it("a directory that cannot be written"), "the folder's directory: without permission to write")
    os.chmod(place.mail, 0o700)
    d.session.close()

    # Shortened while a session has it mapped: it ends, or is right; and the next one is right.
    for name in INDEX_FILES:
        for length in (0, 100, 4096):
            d.put(d.good)
            d.session = None
            d.show("live")
            os.truncate(f"{place.mail}/{name}", length)
            got, mine = "", d.session
            try:
                got = without_modseq(parse(mine.command("facts")))
            except RuntimeError:
                mine.proc.wait()
            if got != d.want[0]:
                t.ok(mine.proc.returncode in (111, -signal.SIGBUS), f"{name} shortened to {length} under a session: it ended ({mine.proc.returncode})")
            else:
                t.ok(True, f"{name} shortened to {length} under a session: it did not notice")
            d.session = None
            judge(d.try_it("the next session"), "the next session is right")
    t.same([x for x in place.complaints() if "fatal" not in x and "damaged" not in x], [], "nobody else has anything to complain of")

# A snapshot whose writer had not read all of postern-keywords: what has no line there has no such keywords.
with t.Place() as place:
    s = t.Ours(place)
    s.command("mail INBOX m")
    s.command("refresh")
    for i in range(28):
        s.command(f"flags 1 + - k{i}")
    s.command("flags 1 = S k27")
    s.command("refresh")
    s.command("settle wait")
    s.close()
    path = place.mail + "/" + INDEX_FILES[0]
    os.unlink(path)  # the next one has the set
    s = t.Ours(place)
    s.command("settle wait")
    s.close()
    with open(path, "rb") as f:
        data = bytearray(f.read())
    count, slots = struct.unpack_from("=II", data, 104)
    data[116:120], data[288:296] = bytes(4), bytes(8)
    data[116:120] = struct.pack("=I", crc32c(0, data[:296 + 4 * ((count + 255) // 256 + slots // 1024)]))
    with open(path, "wb") as f:
        f.write(data)
    with open(place.mail + "/postern-keywords", "r+", encoding="utf-8") as f:
        lines = [x for x in f if not x.startswith("M ")]
        f.seek(0)
        f.writelines(lines)
        f.truncate()
    s = t.Ours(place)
    t.same(s.state()[1][:2], ("S", ""), "a set that is gone from postern-keywords does not come back from the snapshot")
    s.close()
t.done()
