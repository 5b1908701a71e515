#!/usr/bin/env python3
"""Delivered-To stands in every copy; the copies that one recipient gets of a message are links of one file, through aliases and by Sieve's :copy alike."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Tap

tap = Tap()
DELIVERED = "250 2.0.0 delivered"
i = Instance(users="alice@example.test: x\nbob@example.test: x\ncarol@example.test: x\n",
             aliases="both@example.test: alice+A, alice+B, alice\neach@example.test: alice+A, bob\n")
for user in "alice", "carol":
    for folder in ".A", ".B", ".C":
        i.folder(user, folder)


def copies(user, *folders):
    """{folder: [(inode, names it has, Delivered-To)]}, which are taken away."""
    out = {}
    for folder in folders:
        new, out[folder] = os.path.join(i.maildir(user), folder, "new"), []
        for name in sorted(os.listdir(new)) if os.path.isdir(new) else []:
            st = os.stat(os.path.join(new, name))
            with open(os.path.join(new, name), encoding="ascii") as f:
                out[folder].append((st.st_ino, st.st_nlink, [line.split()[1] for line in f if line.startswith("Delivered-To: ")]))
            assert f",S={st.st_size}," in name
    for folder in folders:
        new = os.path.join(i.maildir(user), folder, "new")
        for name in os.listdir(new) if os.path.isdir(new) else []:
            os.unlink(os.path.join(new, name))
    return out


def links(name, user, rcpt, *folders):
    got = copies(user, *folders)
    tap.eq(({len(c) for c in got.values()}, {c[0][1:] == (len(folders), [rcpt]) for c in got.values() if c}, len({c[0][0] for c in got.values() if c})), ({1}, {True}, 1), name)


for client in ([], ["a second message of the connection"]):
    c = c if client else Client(i)
    # A home that has changed just now has its worker replaced, but not while a message's copies are made.
    os.utime(os.path.dirname(i.maildir("alice")))
    tap.eq(c.deliver(["both@example.test"]), [DELIVERED], " ".join(["an alias to three folders", *client]))
    links("one file with three names, Delivered-To in it", "alice", "both@example.test", "", ".A", ".B")
tap.eq(c.deliver(["both@example.test", "alice+C@example.test"]), [DELIVERED] * 2, "two recipients that lead to one account")
got = copies("alice", "", ".A", ".B", ".C")
tap.eq(({x[0][2][0] for k, x in got.items() if k != ".C"}, len({x[0][0] for k, x in got.items()}), got[".C"][0][1:]), ({"both@example.test"}, 2, (1, ["alice+C@example.test"])),
       "each recipient's copies bear its own Delivered-To")
tap.eq(c.deliver(["each@example.test"]), [DELIVERED], "an alias to two accounts")
tap.eq([copies(u, f)[f][0][1:] for u, f in (("alice", ".A"), ("bob", ""))], [(1, ["each@example.test"])] * 2, "a file for each, with Delivered-To")
c.quit()

home = os.path.dirname(i.maildir("carol"))
with open(home + "/.dovecot.sieve", "w") as f:
    f.write('require ["fileinto", "copy"]; fileinto :copy "A"; fileinto :copy "B"; fileinto "A"; fileinto :copy "C"; keep;\n')
i.own(home)
c = Client(i)
tap.eq([r[:3] for r in c.deliver(["carol@example.test"])], ["250"], "Sieve: fileinto :copy and keep")
links("links of one file, each folder once", "carol", "carol@example.test", "", ".A", ".B", ".C")
c.quit()
i.done()
tap.done()
