#!/usr/bin/env python3
"""As root: accounts with users of their own, and a parser that has no rights."""
import ctypes, os, re, stat, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, NOBODY, Peer, Tap, need_root

need_root()
tap = Tap()
DELIVERED, CONFIG = "250 2.0.0 delivered", "451 4.3.5 account not usable as configured"
ALICE, BOB, POST, EVE = 41001, 41002, 41003, 41004
i = Instance(users=f"""alice@example.test: x:{ALICE}:{ALICE + 100}
bob@example.test: x:{BOB}:{BOB + 100}
zero@example.test: x:0:0
low@example.test: x:50:50
zerogroup@example.test: x:{ALICE}:0
eve@example.test: x:{EVE}:{EVE}::home/eve/link/x
eva@example.test: x:{EVE}:{EVE}::home/eve/deep/x
thief@example.test: x:{BOB}:{BOB + 100}:::: userdb_mail=maildir:{{dir}}/mail/example.test/alice/Maildir
""", aliases="out@example.test: x@remote.test\n")
i.put("users", open(i.path("etc/users")).read().replace("{dir}", i.dir))
subprocess.run(["chown", "-R", "0:0", i.dir])
os.chmod(i.dir, 0o755)
os.chmod(i.path("etc/users"), 0o600)
os.makedirs(i.path("mail/postmaster"))
os.chown(i.path("mail/postmaster"), POST, POST)

got = i.run(message=b"", as_root=True, UID="", GID="")
tap.eq((got[0], got[1]), (100, ""), "root without UID and GID: exit 100 and no greeting")

c = Client(i, as_root=True)
tap.eq(c.deliver(["alice@example.test", "bob@example.test", "postmaster"]), [DELIVERED] * 3, "three users")
for who, path, uid, gid in [("alice", "mail/example.test/alice", ALICE, ALICE + 100), ("bob", "mail/example.test/bob", BOB, BOB + 100),
                            ("postmaster", "mail/postmaster", POST, POST)]:
    wrong = []
    for d, dirs, files in os.walk(i.path(path)):
        for p, mode in [(d, 0o700)] + [(os.path.join(d, f), 0o600) for f in files]:
            s = os.stat(p)
            if (s.st_uid, s.st_gid) != (uid, gid) or (stat.S_IMODE(s.st_mode) != mode and p != i.path("mail/postmaster")):
                wrong.append(f"{p} {s.st_uid}:{s.st_gid} {oct(s.st_mode)}")
    tap.eq(wrong, [], f"{who}: owned by {uid}, directories 0700, files 0600")
    tap.eq(len(os.listdir(i.path(path, "Maildir/new"))), 1, f"{who}: has the message")
s = os.stat(i.path("mail/example.test"))
tap.eq((s.st_uid, stat.S_IMODE(s.st_mode)), (0, 0o711), "the domain's directory stays root's, passable")

for user in ("zero", "low", "zerogroup"):
    tap.eq(c.deliver([user + "@example.test"]), [CONFIG], f"{user}: refused")
    tap.ok(not os.listdir(os.path.join(i.maildir(user), "new")) if os.path.isdir(i.maildir(user)) else True, "and nothing is delivered")
tap.like(c.deliver(["thief@example.test"])[0], "^451 4.2.0", "another user's Maildir is out of reach")

# A home below a directory of a user's own: root makes nothing there.
os.makedirs(i.path("home/eve"))
os.mkdir(i.path("secret"))
os.symlink(i.path("secret"), i.path("home/eve/link"))
os.chown(i.path("home/eve"), EVE, EVE)
tap.like(c.deliver(["eve@example.test"])[0], "^451 4.2.0", "a link of the user's own leads root nowhere")
tap.eq(os.listdir(i.path("secret")), [], "nothing is made behind it")
tap.eq(c.deliver(["eva@example.test"]), [DELIVERED], "the user makes the home in a directory of her own")
tap.eq([os.stat(i.path("home/eve", d)).st_uid for d in ("deep", "deep/x", "deep/x/Maildir")], [EVE] * 3, "all of it is hers")

# What the processes are.
c.mail(["alice@example.test", "bob@example.test"])
children = c.children()


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


parser = status(children[0])
tap.eq(parser["Uid"].split(), [str(NOBODY)] * 4, "the parser's uid is UID's")
tap.eq((parser["Groups"].split(), parser["CapEff"], parser["NoNewPrivs"], parser["Seccomp"]), ([], "0" * 16, "1", "2"),
       "no groups, no capabilities, no new privileges, seccomp")
fds = sorted(os.readlink(f"/proc/{children[0]}/fd/{n}").split(":")[0] for n in os.listdir(f"/proc/{children[0]}/fd"))
tap.eq([f for f in fds if f not in ("socket", "pipe")], ["/memfd", i.log_path] if "/memfd" in fds else [f for f in fds if "memfd" in f] + [i.log_path],
       "its files: the message's memory and the log")
uids = sorted(status(p)["Uid"].split()[1] for p in children[1:])
tap.ok({str(ALICE), str(BOB)} <= set(uids), "the workers are alice and bob", uids)
worker = next(status(p) for p in children[1:] if status(p)["Uid"].split()[1] == str(ALICE))
tap.eq((worker["Groups"].split(), worker["CapEff"], worker["NoNewPrivs"]), ([str(ALICE + 100)], "0" * 16, "1"), "with one group and no capability")
tap.eq(c.data("x\r\n", 2), [DELIVERED] * 2, "and they deliver")

relay = Peer(i, "relay")
os.chmod(i.path("run"), 0o700)
os.chown(i.path("run/relay"), 0, 0)
os.chmod(i.path("run/relay"), 0o700)
tap.eq(c.deliver(["out@example.test"]), ["250 2.0.0 forwarded"], "a forward, through a socket that only root reaches")
big = ("x" * 76 + "\r\n") * 30000
tap.eq(c.deliver(["alice@example.test"], message=big), [DELIVERED], "a message beyond memory, in root's run/tmp")
tap.eq(c.quit(), 0, "exit 0")

got = i.run("alice@example.test", message=b"Subject: hand\n\n", as_root=True)
tap.eq(got[0], 0, "by hand")
new = i.path("mail/example.test/alice/Maildir/new")
tap.eq({os.stat(os.path.join(new, f)).st_uid for f in os.listdir(new)}, {ALICE}, "as alice too")

# One that not even SIGKILL ends, as far as its parent can see: who traces it stops it, and does not look at its end.
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000
c = Client(i, as_root=True)
tap.eq(c.deliver(["alice@example.test"]), [DELIVERED], "a copy is there")
worker = c.children()[-1]
libc = ctypes.CDLL(None)
tap.eq([libc.ptrace(PTRACE_SEIZE, worker, None, None), libc.ptrace(PTRACE_INTERRUPT, worker, None, None), os.waitpid(worker, WALL)[0]], [0, 0, worker], "its worker hangs")
tap.eq(c.quit(), 0, "mda-local kills it, and ends before it does")
status = os.waitpid(worker, WALL)[1]
tap.eq((os.WIFSIGNALED(status), status & 127), (True, 9), "it is killed")
tap.like(i.log(), "event=worker-hung user=alice@example.test\n", "which is said")
i.done()
tap.done()
