#!/usr/bin/env python3
"""As root: what programs of users' rules are, and what they can reach."""
import os, re, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Peer, Tap, need_root

need_root()
tap = Tap()
DONE, DELIVERED = "250 2.0.0 done as the recipient's rules say", "250 2.0.0 delivered"
ALICE, BOB = 41001, 41002
i = Instance(users=f"alice@example.test: x:{ALICE}:{ALICE + 100}:::/bin/rbash\nbob@example.test: x:{BOB}:{BOB + 100}\n", subaddress="-\n")
subprocess.run(["chown", "-R", "0:0", i.dir])
os.chmod(i.dir, 0o755)
os.chmod(i.path("etc/users"), 0o600)
relay = Peer(i, "relay")
for path in i.path("run"), i.path("run/relay"):
    os.chown(path, 0, 0)
    os.chmod(path, 0o700)
FILES = {
    "alice": {"": "|id -u >a; id -g >>a; id -G >>a; echo $SHELL >>a; ulimit -p >>a; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status >>a\n./mbox\n./m/\n",
              "reach": f"|for f in {i.path('etc/users')} {i.path('run/relay/sock')} {i.path('mail/example.test/bob/.qmail')} /proc/$PPID/mem /proc/$PPID/fd /etc/shadow; do"
                       " test -r $f && echo $f; done >reach; echo >>reach\n",
              "kill": "|for p in $(ps -o ppid= -p $PPID); do kill $p; done 2>killed; exit 0\n",
              "sent": "bob@elsewhere.test\n"},
    "bob": {"": "./../alice/mbox\n", "link": "./link\n"},
}
for user, files in FILES.items():
    home = i.path("mail/example.test", user)
    os.makedirs(home, 0o700)
    uid = ALICE if user == "alice" else BOB
    os.chown(home, uid, uid + 100)
    for ext, text in files.items():
        path = os.path.join(home, ".qmail" + (ext and "-" + ext))
        with open(path, "w") as f:
            f.write(text)
        os.chown(path, uid, uid + 100)
os.chmod(i.path("mail/example.test"), 0o711)
os.symlink(i.path("etc/planted"), i.path("mail/example.test/bob/link"))


def read(*path):
    with open(i.path("mail/example.test", *path)) as f:
        return f.read()


c = Client(i, as_root=True)
tap.eq(c.deliver(["alice@example.test"]), [DELIVERED], "a program, an mbox, a Maildir")
tap.eq(read("alice/a"), f"{ALICE}\n{ALICE + 100}\n{ALICE + 100}\n/bin/rbash\n1000\nCapEff:\t{'0' * 16}\nNoNewPrivs:\t0\nSeccomp:\t0\n",
       "the program is alice, in her group alone, without capabilities; nothing keeps it from set-id programs")
wrong = [p for d, _, files in os.walk(i.path("mail/example.test/alice")) for p in [d] + [os.path.join(d, f) for f in files] if os.stat(p).st_uid != ALICE or os.stat(p).st_mode & 0o077 and ".qmail" not in p]
tap.eq(wrong, [], "all that was made is hers, and hers alone")
tap.eq(c.deliver(["alice-reach@example.test"]), [DONE], "another")
tap.eq(read("alice/reach"), "\n", "it reads neither passwords, nor others' homes, nor its worker, and no socket of root's")
tap.eq(c.deliver(["alice-kill@example.test"]), [DONE], "a third")
tap.like(read("alice/killed"), "not permitted", "it cannot end the parent")
tap.eq(c.deliver(["bob@example.test"]), ["451 4.2.0 mailbox not accessible now"], "bob cannot write into alice's mbox")
tap.like(c.deliver(["bob-link@example.test"])[0], "^451 4.2.0", "a link leads nowhere where bob may not write")
tap.ok(not os.path.exists(i.path("etc/planted")), "nothing is made there")
tap.eq(c.deliver(["alice-sent@example.test"]), ["250 2.0.0 forwarded"], "what they send on goes through root's socket")
tap.eq([(m["mail"].split()[1], m["rcpts"]) for m in relay.messages], [("FROM:<sender@remote.test>", ["RCPT TO:<bob@elsewhere.test>"])], "as it should")
c.mail(["alice@example.test", "bob@example.test"])
c.cmd("RSET")
children = subprocess.run(["ps", "-o", "pid=,uid=", "--ppid", str(c.process.pid)], capture_output=True, text=True).stdout.split("\n")
worker = next(line.split()[0] for line in children if line.split()[1:] == [str(ALICE)])
with open(f"/proc/{worker}/status") as f:
    status = f.read()
tap.ok(re.search(rf"^Groups:\t{ALICE + 100} *$", status, re.M) and re.search("^CapEff:\t0+$", status, re.M), "the worker has her group and no capability", status)
tap.eq(os.stat(f"/proc/{worker}/mem").st_uid, 0, "and nobody of hers can trace it")
tap.eq(c.quit(), 0, "exit 0")
i.done()
tap.done()
