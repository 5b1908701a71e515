#!/usr/bin/env python3
"""As root: whose rights the programs, files and lists of aliases have. Never root's."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Tap, need_root

need_root()
tap = Tap()
ALICE, BOB, NOBODY = 41001, 41002, 65534
i = Instance(users=f"alice@example.test: x:{ALICE}:{ALICE}\n", allow_mail_to_commands="alias include\n")
D = i.dir
i.put("aliases", f"""
prog: "|id -u; id -g; id -G; exit 67"
file: {D}/public/box
dir: {D}/public/md/
secret: {D}/secret/box
inc: :include:{D}/inc
deep: :include:{D}/deep
names: :include:{D}/names
private: :include:{D}/private, alice
link: :include:{D}/public/link, alice
""")


def put(name, text, owner, mode=0o644):
    with open(i.path(name), "w") as f:
        f.write(text)
    os.chown(i.path(name), owner, owner)
    os.chmod(i.path(name), mode)


for name, mode in (("public", 0o777), ("secret", 0o700)):
    os.mkdir(i.path(name))
    os.chmod(i.path(name), mode)
put("inc", '"|id -u; id -g; id -G; exit 67"\n', BOB)
put("deep", f":include:{D}/inc\n", 0)
put("names", "prog\n", BOB)
put("private", "alice\n", 0, 0o600)
put("shadow", "root-secret@remote.test\n", 0, 0o600)
os.symlink(i.path("shadow"), i.path("public/link"))
os.chmod(i.dir, 0o755)
os.chown(i.path("etc/aliases"), 0, 0)
c = Client(i, as_root=True)


def ids(alias):
    return c.deliver([alias + "@example.test"])[0].replace("550-5.3.0 ", "").replace("550 5.3.0 ", "").split("\n")


def owner(path):
    s = os.stat(i.path(path))
    return s.st_uid


tap.eq(ids("prog"), [str(NOBODY)] * 3, "a table of root's: programs run as nobody")
tap.eq(c.deliver(["file@example.test", "dir@example.test"]), ["250 2.0.0 delivered"] * 2, "files and Maildirs")
tap.eq((owner("public/box"), owner("public/md/new")), (NOBODY, NOBODY), "are written as nobody")
tap.like(c.deliver(["secret@example.test"])[0], "^451 4.2.0", "where nobody may not write nothing is")
tap.eq(ids("inc"), [str(BOB)] * 3, "a list that bob owns: its programs run as bob")
tap.eq(ids("deep"), [str(BOB)] * 3, "also behind a list of root's")
tap.eq(ids("names"), [str(NOBODY)] * 3, "but the programs of an alias that bob's list names are the table's")
for alias in ("private", "link"):
    tap.like(c.deliver([alias + "@example.test"])[0], "^451 4.3.5", f"{alias}: what only root may read is read for nobody")
tap.ok("root-secret" not in i.log(), "and is not logged")
i.put("alias-user", f"{BOB}:{ALICE}\n")
c.quit()
c = Client(i, as_root=True)
tap.eq(ids("prog"), [str(BOB), str(ALICE), str(ALICE)], "alias-user UID:GID")
for value in ("0:0\n", "root\n", "41001:0\n", "nosuchuser\n"):
    i.put("alias-user", value)
    c.quit()
    c = Client(i, as_root=True)
    tap.like(c.deliver(["prog@example.test"])[0], "^451 4.3.5", f"alias-user {value.strip()}: refused")
os.unlink(i.path("etc/alias-user"))
os.chown(i.path("etc/aliases"), ALICE, ALICE)
c.quit()
c = Client(i, as_root=True)
tap.eq(ids("prog"), [str(ALICE)] * 3, "a table that alice owns: programs run as alice")
tap.eq(ids("inc"), [str(ALICE)] * 3, "and those of lists in it, whoever owns these")
tap.like(c.deliver(["private@example.test"])[0], "^451 4.3.5", "who may not read a list cannot name it")
os.unlink(i.path("public/box"))
c.deliver(["file@example.test"])
tap.eq(owner("public/box"), ALICE, "files are alice's")
tap.eq(c.quit(), 0, "exit 0")
tap.ok("uid=0" not in i.log() and "worker-died" not in i.log(), "nothing ran as root, no worker died")
i.done()
tap.done()
