#!/usr/bin/env python3
"""As root: scripts of accounts with users of their own, and what their workers can reach."""
import os, stat, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Peer, Tap, need_root

need_root()
tap = Tap()
ALICE, BOB = 41001, 41002
OK = ["250 2.0.0 delivered"]
i = Instance(users=f"alice@example.test: x:{ALICE}:{ALICE}\nbob@example.test: x:{BOB}:{BOB}\n")
Peer(i, "relay")
for who, uid in (("alice", ALICE), ("bob", BOB)):
    i.sieve(who, "discard;", name="other", active=False)
subprocess.run(["chown", "-R", "0:0", i.dir])
os.chmod(i.dir, 0o755)
os.chmod(i.path("mail/example.test"), 0o711)
for who, uid in (("alice", ALICE), ("bob", BOB)):
    subprocess.run(["chown", "-R", f"{uid}:{uid}", i.path("mail/example.test", who)])
    os.chmod(i.path("mail/example.test", who), 0o700)
c = Client(i, as_root=True)
MESSAGE = "From: a@b.test\r\nTo: alice@example.test\r\nMessage-ID: <1@b.test>\r\n\r\nbody\r\n"


def run(script, who="alice", uid=ALICE):
    """The reply to a message under this script, which is the user's own."""
    path = i.path("mail/example.test", who, ".dovecot.sieve")
    with open(path + ".new", "w") as f:
        f.write(script)
    os.chown(path + ".new", uid, uid)
    os.rename(path + ".new", path)
    return c.deliver([who + "@example.test"], MESSAGE, sender="a@b.test")


tap.eq(run('require ["vacation","duplicate","fileinto","mailbox"]; vacation "away"; if duplicate { discard; } fileinto :create "Made";'), OK, "a script with all that is remembered")
tap.eq(len(i.files("alice", ".Made")), 1, "a folder is made")
wrong = []
for d, dirs, files in os.walk(i.path("mail/example.test/alice")):
    for p in [d] + [os.path.join(d, f) for f in files]:
        s = os.lstat(p)
        if s.st_uid != ALICE or stat.S_IMODE(s.st_mode) & 0o077 and not p.endswith((".sieve", ".code", "/sieve")):
            wrong.append(f"{p} {s.st_uid} {oct(s.st_mode)}")
tap.eq(wrong, [], "all of it is hers alone")
tap.eq(sorted(os.listdir(i.path("mail/example.test/alice/sieve/.state"))), ["duplicate", "vacation"], "what is remembered is in her home")
tap.ok(os.path.exists(i.path("mail/example.test/alice/.dovecot.sieve.code")), "so is the compiled script")

os.unlink(i.path("mail/example.test/alice/.dovecot.sieve"))
os.symlink(i.path("mail/example.test/bob/sieve/other.sieve"), i.path("mail/example.test/alice/.dovecot.sieve"))
tap.like(c.deliver(["alice@example.test"], MESSAGE)[0], "^451 4.3.5", "another user's script is out of reach: later")
os.symlink(i.path("mail/example.test/bob/sieve/other.sieve"), i.path("mail/example.test/alice/sieve/bob.sieve"))
os.unlink(i.path("mail/example.test/alice/.dovecot.sieve"))
tap.eq(run('require "include"; include "bob"; discard;'), OK, "nor can it be included: the message is kept")
outside = i.path("outside.sieve")
with open(outside, "w") as f:
    f.write("discard;")
os.chmod(outside, 0o644)
os.symlink(outside, i.path("mail/example.test/alice/sieve/outside.sieve"))
if "event=sandbox" in i.log():
    tap.ok(True, "a file outside the home cannot be read (SKIP: no Landlock here)")
else:
    tap.eq(run('require "include"; include "outside"; discard;'), OK, "a worker reads no file outside the home, though everybody may")
tap.eq(run("discard;", "bob", BOB)[0][:9], "250 2.0.0", "bob's own goes on")
tap.eq(c.quit(), 0, "exit 0")
i.done()
tap.done()
