#!/usr/bin/env python3
# What else may lie in a Maildir, and what happens between two sessions: odd names and files, other servers' and
# damaged side files, changes that meet, lines that come back.
import glob
import os
import re
import shutil
import subprocess
import time
import maildirtest as t


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def messages(place, n):
    s = t.Ours(place)
    for i in range(1, n + 1):
        s.command(f"deliver INBOX m{i}")
    s.refresh()
    return s


# Names and files that are no messages, or hardly.
with t.Place() as place:
    messages(place, 1).close()
    cur = place.mail + "/cur/"
    for name in ("170.line\nfeed:2,S", "171.x:2,F\nS", "172.\xff\x01 :b", "173.x:1,a", "174.x:2,S,extra"):
        place.put("cur/" + name, f"Subject: odd\n\n{name}\n")
    os.mkfifo(cur + "175.fifo")
    os.mkdir(cur + "176.directory")
    place.put("elsewhere", "Subject: elsewhere\n\nx\n")
    os.symlink("../elsewhere", cur + "177.link")
    os.symlink("175.fifo", cur + "178.link-to-fifo")
    os.symlink("nowhere", cur + "179.dangling")
    place.own()
    s = t.Ours(place)
    state = s.state()
    t.same(len(state), 9, "every file and link is listed, fifos and directories are not")
    texts = {}
    for uid in state:
        try:
            texts[uid] = s.command(f"read {uid}")[0].strip()
        except RuntimeError as e:
            texts[uid] = str(e)
    t.same(sorted(texts.values()), ["Subject: elsewhere"] + ["Subject: m1"] + ["Subject: odd"] * 5 + ["no Invalid argument", "no No such file or directory"],
           "all can be read; a fifo is not waited for")
    t.ok(not [f for f in place.files() if "\n" in f], "no name has a newline any more")
    s.close()
    again = t.Ours(place)
    t.same(again.state(), state, "the next session: the same UIDs and flags")
    t.same(again.refresh(), [], "and nothing to tell")

# Courier's UIDs are taken over once.
with t.Place() as place:
    for i in (1, 2):
        place.put(f"cur/170.{i}:2,S", "x\n")
    place.put("courierimapuiddb", "1 12345 9\n4 170.1\n7 170.2\n")
    t.Ours(place, folder=None).close()
    place.own()
    s = t.Ours(place)
    t.same((s.validity(), sorted(s.state()), s.opened[0].split(" ")[1]), (12345, [4, 7], "9"), "courierimapuiddb: UIDVALIDITY, UIDs, UIDNEXT")
    s.command("deliver INBOX new")
    t.same((s.refresh(), sorted(s.state())), (["exists 3"], [4, 7, 9]), "and it goes on from there")
    s.close()
    os.unlink(place.mail + "/dovecot-uidlist")
    s = t.Ours(place)
    t.ok(s.validity() > 12345, "dovecot-uidlist lost: a larger UIDVALIDITY, Courier's old numbers do not come back")

# Headers out of range.
for n, same in (("0", True), ("4294967295", False), ("99999999999", False)):
    with t.Place() as place:
        s = messages(place, 2)
        validity = s.validity()
        s.close()
        path = place.mail + "/dovecot-uidlist"
        text = open(path).read()
        write(path, re.sub(r" N\d+", f" N{n}", text).splitlines(keepends=True)[0])
        s = t.Ours(place)
        t.same((sorted(s.state()), s.validity() == validity), ([1, 2], same), f"N{n}, no lines: UIDs from 1, {'the same' if same else 'another'} UIDVALIDITY")

# Keywords beyond the letters: two sessions add different ones to one message.
with t.Place() as place:
    a = messages(place, 1)
    for i in range(30):
        a.command(f"flags 1 + - k{i}")
    for i in range(30):
        a.command(f"flags 1 - - k{i}")
    b = t.Ours(place)
    a.command("flags 1 + - k27")
    b.command("flags 1 + - k28")
    a.command("flags 1 + - k29")
    t.same(t.Ours(place).state()[1][1], "k27,k28,k29", "keywords that two sessions add at once all stay")
    b.refresh()
    a.command("flags 1 + - k26")
    b.command("flags 1 = D k27")
    t.same(t.Ours(place).state()[1][:2], ("D", "k27"), "those that another session added go when a session sets all of them")

# A told absence, and then another program's old copy of the list: the UID does not come back.
with t.Place() as place:
    s = messages(place, 3)
    path, name = place.mail + "/dovecot-uidlist", place.files()
    lines = open(path).read()
    last = re.search(r"^3 :(.*)$", lines, re.M)[1]
    file = [f for f in name if f.startswith(last)][0]
    os.link(f"{place.mail}/cur/{file}", place.dir + "/kept")
    s.command("expunge 3")
    t.same(s.refresh(), ["expunged 3"], "the last message is told as expunged")
    write(place.dir + "/list", lines)
    place.own("/list")
    os.rename(place.dir + "/list", path)
    os.rename(place.dir + "/kept", f"{place.mail}/cur/{file}")
    t.same((s.refresh(), sorted(s.state())), (["exists 3"], [1, 2, 4]), "back with its line: a new UID all the same")

# An index from before the file had its UID, put back: the one of its last line stays.
with t.Place() as place:
    s = messages(place, 9)
    s.close()
    old = {name: open(name, "rb").read() for name in glob.glob(place.mail + "/postern-index*")}
    file = [f for f in place.files() if f.startswith(re.search(r"^1 :(.*)$", open(place.mail + "/dovecot-uidlist").read(), re.M)[1])][0]
    os.rename(f"{place.mail}/cur/{file}", place.dir + "/away")
    s = t.Ours(place)
    s.close()
    os.rename(place.dir + "/away", f"{place.mail}/cur/{file}")
    s = t.Ours(place)
    t.same(sorted(s.state()), [*range(2, 11)], "away when a session looked: a new UID")
    s.close()
    for name, content in old.items():
        os.unlink(name)
        with open(name, "wb") as f:
            f.write(content)
        place.own("/mail/" + os.path.basename(name))
    t.same(sorted(t.Ours(place).state()), [*range(2, 11)], "and no other with an older index")

# Quota: limits and sums.
with t.Place() as place:
    messages(place, 2).close()
    size = sum(os.path.getsize(f"{place.mail}/cur/{f}") for f in place.files())
    for text in ("5000S\n", "5000S\n1 1\ntorn", "5000S\n7 7\n-3\n", "5000S\n9223372036854775807 1\n9223372036854775807 1\n", "5000S\n" + "0 0\n" * 1280):
        write(place.mail + "/maildirsize", text)
        place.own("/mail/maildirsize")
        s = t.Ours(place, folder=None)
        want = [f"{size} 2 5000"] if "torn" not in text else ["1 1 5000"]
        t.same(s.command("usage"), want, f"maildirsize {text[:30]!r}")
        s.close()

# Another program computes the sum anew, with a message in it that this session is about to subtract.
with t.Place() as place:
    messages(place, 3).close()
    write(place.mail + "/maildirsize", "5000S\n")
    place.own("/mail/maildirsize")
    a = t.Ours(place)
    os.unlink(f"{place.mail}/cur/{place.files()[0]}")  # as if by this session, which counts it now
    b = t.Ours(place, folder=None)
    write(place.mail + "/maildirsize", "5000S\n")
    want = b.command("usage")
    a.command("add -25 -1")
    t.same(b.command("usage"), want, "a sum that may have a change in it already is computed again")

# Left in tmp/ of a folder long ago.
with t.Place() as place:
    s = messages(place, 1)
    s.command("create Other")
    for age in (0, 100):
        place.put(f".Other/tmp/{age}.x", "x\n")
        os.utime(f"{place.mail}/.Other/tmp/{age}.x", (time.time() - age * 3600,) * 2)
    s.command("open Other")
    t.same(place.files("../mail/.Other/tmp"), ["0.x"], "SELECT removes what is older than 36 hours from tmp/")

# Lines that another process appended a moment ago are synced before their UIDs are told.
if shutil.which("strace"):
    with t.Place() as place:
        messages(place, 1).close()
        path = place.mail + "/dovecot-uidlist"
        for age, want in ((0, True), (600, False)):
            os.utime(path, (time.time() - age,) * 2)
            for name in glob.glob(place.mail + "/postern-index*"):
                os.unlink(name)  # which says that its writer had synced them
            p = subprocess.run(["strace", "-e", "trace=fdatasync", t.DRIVER, place.mail], input="open INBOX\n", capture_output=True, text=True)
            t.same("fdatasync(" in p.stderr, want, f"{age} seconds old: {'synced' if want else 'on disk by now'}")
        # A network file system without flock.
        t.Ours(place, folder=None).send("hold die")
        place.sessions[-1].wait()
        place.put("new/180.x", "x\n")
        p = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=flock:error=ENOLCK", t.DRIVER, place.mail], input="open INBOX\n", capture_output=True,
                           text=True, timeout=120)
        t.ok("no" not in p.stdout and p.stdout.endswith(" 2\nok\n"), "no flock: a dead process's lock is taken away all the same")
t.done()
