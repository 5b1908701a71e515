#!/usr/bin/env python3
"""Programs of others behind .forward and aliases: Debian's procmail and maildrop, in the words of their manuals. Needs root: they take their user from a
password file of this test's own, mounted over the other in a namespace."""
import ctypes, os, shutil, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Tap, need_root

need_root()
if not shutil.which("procmail") or not shutil.which("maildrop"):
    print("1..0 # SKIP no procmail or no maildrop")
    sys.exit(0)
tap = Tap()
DONE = "250 2.0.0 done as the recipient's rules say"
PROCMAILRC = "MAILDIR=$HOME\nDEFAULT=$HOME/default/\n\n:0\n* ^Subject: box\nmbox\n\n:0\n* ^Subject: no\n{\n  EXITCODE=77\n  :0\n  /dev/null\n}\n\n:0\n* ^Subject: later\n{\n" \
             "  EXITCODE=75\n  :0\n  /dev/null\n}\n"
MAILFILTER = 'if (/^Subject: box/)\n  to "mbox"\nif (/^Subject: no/)\n{\n  EXITCODE=77\n  exit\n}\nif (/^Subject: later/)\n{\n  EXITCODE=75\n  exit\n}\nto "default"\n'
# user, uid, .forward, the program's file
USERS = [("proc", 43001, '"|IFS=\' \' && exec /usr/bin/procmail -f- || exit 75 #proc"\n', ".procmailrc", PROCMAILRC),
         ("plain", 43002, "|/usr/bin/procmail\n", ".procmailrc", PROCMAILRC),
         ("drop", 43003, '"|/usr/bin/maildrop"\n', ".mailfilter", MAILFILTER),
         ("both", 43004, '\\both, "|/usr/bin/procmail"\n', ".procmailrc", PROCMAILRC)]
i = Instance(users="".join(f"{u}@example.test: x:{n}:{n}::home/{u}\n" for u, n, *_ in USERS), aliases='list: "|/usr/bin/procmail -m /etc/procmail-none || exit 69"\n')
os.chmod(i.dir, 0o755)
os.mkdir(i.path("home"), 0o711)
passwd = open("/etc/passwd").read()
for user, uid, forward, name, rules in USERS:
    home = i.path("home", user)
    for d in ["", "default", "default/new", "default/cur", "default/tmp"]:
        os.mkdir(os.path.join(home, d), 0o700)
        os.chown(os.path.join(home, d), uid, uid)
    for file, text in ((".forward", forward), (name, rules)):
        with open(os.path.join(home, file), "w") as f:
            f.write(text)
        os.chmod(os.path.join(home, file), 0o600)
        os.chown(os.path.join(home, file), uid, uid)
    passwd += f"{user}:x:{uid}:{uid}::{home}:/bin/sh\n"
with open(i.path("passwd"), "w") as f:
    f.write(passwd)
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x20000) or libc.mount(b"none", b"/", None, 1 << 14 | 1 << 18, None) or libc.mount(i.path("passwd").encode(), b"/etc/passwd", None, 4096, None):
    print(f"1..0 # SKIP no mount namespace here: {os.strerror(ctypes.get_errno())}")
    i.done()
    sys.exit(0)
c = Client(i, as_root=True)


def send(user, subject):
    return c.deliver([user + "@example.test"], f"From: s@remote.test\r\nSubject: {subject}\r\n\r\nbody\r\n")[0]


def found(user):
    home = i.path("home", user)
    mbox = open(home + "/mbox").read() if os.path.exists(home + "/mbox") else ""
    default = [open(os.path.join(home, "default/new", n)).read() for n in os.listdir(home + "/default/new")]
    return mbox, default


for user, uid, *_ in USERS:
    both = user == "both"
    tap.eq(send(user, "box"), "250 2.0.0 delivered" if both else DONE, f"{user}: into an mbox")
    tap.eq(send(user, "rest"), "250 2.0.0 delivered" if both else DONE, f"{user}: into a Maildir")
    mbox, default = found(user)
    tap.ok(mbox.startswith("From ") and mbox.count("\nDelivered-To: %s@example.test\nFrom: s@remote.test\nSubject: box\n\nbody\n" % user) == 1, f"{user}: the mbox has it", mbox)
    tap.ok(len(default) == 1 and "Subject: rest\n\nbody\n" in default[0], f"{user}: the Maildir has it", default)
    tap.eq(os.stat(i.path("home", user, "mbox")).st_uid, uid, f"{user}: as its user")
    if not both:
        tap.like(send(user, "no"), "^550 5.3.0", f"{user}: what its rules refuse is refused")
        tap.like(send(user, "later"), "^451 4.3.0", f"{user}: what fails for now is 451")
tap.eq(len(os.listdir(i.path("home/both/Maildir/new"))), 2, "both: and the mailbox has each")
tap.like(send("list", "x"), "^550 5.3.0", "an alias with a program that does not find its file")
c.quit()
tap.ok("worker-died" not in i.log(), "no worker died")
i.done()
tap.done()
