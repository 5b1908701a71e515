#!/usr/bin/env python3
"""Programs of others behind a .qmail file: Debian's procmail, maildrop and vacation, as their users have them there."""
import os, shutil, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import BIN, NOBODY, Client, Instance, Tap

tap = Tap()
DONE = "250 2.0.0 done as the recipient's rules say"


def message(subject, more=""):
    return f"From: Sender <sender@remote.test>\r\nTo: all@example.test\r\nSubject: {subject}\r\n{more}\r\nbody\r\n"


def tree(home):
    """Its files but for their unique names: the directory of each, or its own name."""
    found = []
    for d, _, files in os.walk(home):
        found += [os.path.relpath(d if os.path.basename(d) == "new" else os.path.join(d, f), home) for f in files if not f.startswith(".")]
    return sorted(found)


FILES = {
    "procmail": {".qmail": "|preline procmail HOME/.procmailrc\n",
                 # procmail takes HOME from the password file.
                 ".procmailrc": "MAILDIR=HOME\nDEFAULT=HOME/default/\nLOGFILE=HOME/log\n\n:0\n* ^Subject: box\nmbox\n\n:0\n* ^Subject: no\n{\n  EXITCODE=100\n"
                                "  :0\n  /dev/null\n}\n\n:0 c\ncopy/\n\n:0\n* ^Subject: later\n{\n  EXITCODE=75\n  :0\n  /dev/null\n}\n"},
    "maildrop": {".qmail": "|maildrop .mailfilter\n",
                 ".mailfilter": "if (/^Subject: box/)\n  to \"mbox\"\nif (/^Subject: no/)\n{\n  EXITCODE=100\n  exit\n}\nif (/^Subject: later/)\n{\n  EXITCODE=111\n"
                                "  exit\n}\ncc \"Copy\"\nto \"Default\"\n"},
    "vacation": {".qmail": "./Maildir/\n|sh away\n", ".vacation.msg": "From: alice@example.test\nSubject: away: $SUBJECT\n\nI am away.\n",
                 # It does not wait for the answer to be taken, so that cat does.
                 # Its paths are the password file's and fixed ones: it gets others, which sees no one else.
                 "away": "cd HOME && exec unshare -rm sh -c 'mount --bind HOME/passwd /etc/passwd && mount --bind HOME/answer /usr/sbin/sendmail && cd HOME && { preline vacation alice 9>&1 >&2; echo $? >code; } | cat; exit $(cat code)'\n",
                 "passwd": f"root:x:0:0::/:/bin/sh\nalice:x:{NOBODY}:{NOBODY}:Alice:HOME:/bin/sh\n",
                 "answer": "#!/bin/sh\necho \"$@\" >>HOME/answered\ncat >>HOME/answered\n"},
}
i = Instance(users="".join(f"{u}@example.test: x\n" for u in FILES), **{"rule-program-memory": "0\n", "rule-program-path": BIN + ":/usr/bin:/bin:/sbin:/usr/sbin\n"})
for user, files in FILES.items():
    home = i.path("mail/example.test", user)
    os.makedirs(home, 0o700)
    for name, text in files.items():
        with open(os.path.join(home, name), "w") as f:
            f.write(text.replace("HOME", home))
        os.chmod(os.path.join(home, name), 0o700 if name == "answer" else 0o600)
for d in ("cur", "new", "tmp"):
    for folder in "Copy", "Default":
        os.makedirs(i.path("mail/example.test/maildrop", folder, d), 0o700)
os.chmod(i.dir, 0o755)
i.own(i.path("mail"))
c = Client(i)


def deliver(user, subject, sender="sender@remote.test", more=""):
    return c.deliver([user + "@example.test"], message=message(subject, more), sender=sender)[0]


for program, copy, default in ("procmail", "copy/new", "default/new"), ("maildrop", "Copy/new", "Default/new"):
    if not shutil.which(program):
        tap.ok(True, f"SKIP {program} is not installed")
        continue
    home = i.path("mail/example.test", program)
    tap.eq(deliver(program, "box"), DONE, f"{program}: done")
    with open(os.path.join(home, "mbox")) as f:
        text = f.read()
    tap.ok(text.startswith("From ") and "Subject: box" in text, f"{program}: an mbox", text)
    os.unlink(os.path.join(home, "mbox"))
    tap.like(deliver(program, "no"), "^550[ -]5.3.0", f"{program}: refused")
    tap.like(deliver(program, "later"), "^451[ -]4.3.0", f"{program}: failed for a time")
    tap.eq(deliver(program, "other"), DONE, f"{program}: done")
    got = [p for p in tree(home) if p != "log" and not p.startswith("Maildir")]
    # procmail's copy comes before "later".
    tap.eq(got, sorted([copy, default] + [copy] * (program == "procmail")), f"{program}: Maildirs")

home = i.path("mail/example.test/vacation")
try_it = ["unshare", "-rm", "mount", "--bind", home, "/mnt"]
drop = {} if os.geteuid() else dict(user=NOBODY, group=NOBODY, extra_groups=[])
if not shutil.which("vacation") or not os.path.exists("/usr/sbin/sendmail") or subprocess.call(try_it, stderr=subprocess.DEVNULL, **drop):
    tap.ok(True, "SKIP no vacation, no /usr/sbin/sendmail, or no namespaces for users here")
else:
    cases = [("first", "sender@remote.test", "To: alice@example.test\r\n", 1), ("again", "sender@remote.test", "To: alice@example.test\r\n", 1),
             ("list", "other@remote.test", "To: alice@example.test\r\nPrecedence: bulk\r\n", 1), ("not to her", "third@remote.test", "", 1),
             ("another", "fourth@remote.test", "To: alice@example.test\r\n", 2)]
    for subject, sender, more, count in cases:
        text = message(subject, more).replace("sender@remote.test", sender)
        tap.eq(c.deliver(["vacation@example.test"], message=text, sender=sender), ["250 2.0.0 delivered"], "vacation: " + subject)
        path = os.path.join(home, "answered")
        text = open(path).read() if os.path.exists(path) else i.log()[-2000:]
        tap.eq(text.count("I am away."), count, f"{count} answered")
    tap.ok("away: first" in text and "away: another" in text and "sender@remote.test" in text, "with the subject, to the sender", text)
    tap.eq(len(i.messages("vacation")), len(cases), "and every message is in the mailbox")
tap.eq(c.quit(), 0, "exit 0")
i.done()
tap.done()
