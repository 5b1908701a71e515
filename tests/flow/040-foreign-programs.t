#!/usr/bin/env python3
"""mutt, mblaze, notmuch and mbsync work in a folder while two sessions of imap have it open: one idles, one asks. Both see every change, each
message keeps its UID, and what the sessions change is seen by the programs."""
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/lib")
from imapwire import Session
from instance import Tap, wait_for

tap = Tap()
PROGRAMS = {"mutt": "mutt", "mblaze": "mlist", "notmuch": "notmuch", "mbsync": "mbsync"}


class Place:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="foreign.")
        self.box = self.dir + "/Maildir"
        for folder in ("", "/.Other"):
            for sub in ("cur", "new", "tmp"):
                os.makedirs(f"{self.box}{folder}/{sub}")
        self.env = {**os.environ, "HOME": self.dir, "MBLAZE": self.dir + "/mblaze", "TERM": "xterm", "MAILDIR": self.box, "POSTERN_DIR": self.dir,
                    "EMAIL": "me@example.test", "NOTMUCH_CONFIG": self.dir + "/notmuch", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
        for n in range(1, 6):
            self.put(f"cur/{1000000000 + n}.{n}.host:2,", n)

    def text(self, n):
        return f"From: a@example.test\nTo: b@example.test\nSubject: m{n}\nMessage-ID: <{n}@example.test>\nDate: Thu, 1 Jan 2026 00:00:{n:02} +0000\n\nbody {n}\n"

    def put(self, name, n):
        with open(f"{self.box}/{name}", "w", encoding="ascii") as f:
            f.write(self.text(n))

    def run(self, *argv, text=None, check=True):
        done = subprocess.run(argv, env=self.env, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{argv}: {done.returncode} {done.stdout}")
        return done.stdout

    def write(self, name, text):
        with open(f"{self.dir}/{name}", "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(f"{self.dir}/{name}", 0o600)

    def file(self, n, folder=""):
        """The path of message n."""
        for sub in ("cur", "new"):
            for name in os.listdir(f"{self.box}{folder}/{sub}"):
                with open(f"{self.box}{folder}/{sub}/{name}", encoding="ascii") as f:
                    if f"Subject: m{n}\n" in f.read():
                        return f"{self.box}{folder}/{sub}/{name}"
        raise FileNotFoundError(n)


class Sessions:
    """Two sessions, and what they should show: {UID: (message, flags)}."""

    def __init__(self, place):
        self.place = place
        self.asking = Session(["imap"], environment=place.env)
        self.asking.ok("SELECT INBOX")
        self.idling = Session(["imap"], environment=place.env)
        self.idling.ok("SELECT INBOX")
        self.want = {}
        self.idle()

    def idle(self):
        self.tag = self.idling.start("IDLE")
        assert self.idling.response().startswith(b"+")

    def listing(self, s):
        out = {}
        for line in s.command("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[0]:
            uid, flags, subject = re.search(rb"UID (\d+)", line), re.search(rb"FLAGS \(([^)]*)\)", line), re.search(rb"Subject: m(\d+)", line)
            if subject:
                out[int(uid[1])] = (int(subject[1]), " ".join(sorted(w for w in flags[1].decode().split() if w != "\\Recent")))
        return out

    def see(self, name, pattern):
        """The idling session is told what matches pattern; then both list what is wanted."""
        said = b""
        while not re.search(pattern, said):
            said += self.idling.response() + b"\n"
        self.idling.send(b"DONE\r\n")
        self.idling.finish(self.tag)
        self.asking.ok("NOOP")
        for s, which in ((self.asking, "asking"), (self.idling, "idling")):
            got = self.listing(s)
            tap.ok(got == self.want, f"{name}: the {which} session shows it, with the UIDs of before", f"got  {got}", f"want {self.want}")
        self.idle()

    def change(self, uid, flags):
        self.want[uid] = (self.want[uid][0], flags)

    def close(self):
        for s in (self.asking, self.idling):
            s.__exit__()


def mutt(place, keys):
    place.write("muttrc", f"set mbox_type=Maildir delete=yes quit=yes confirmappend=no sort=date-sent maildir_trash=no mark_old=no\nset folder={place.box}\npush '{keys}'\n")
    place.run("script", "-qfc", f"mutt -n -F {place.dir}/muttrc -f {place.box}", "/dev/null", text="")


def with_mutt(place, s):
    mutt(place, "1<enter><flag-message>2<enter><delete-message><sync-mailbox><exit>")
    del s.want[2]
    s.change(1, "\\Flagged")
    s.see("mutt flags and deletes", rb"EXPUNGE(?s:.*)Flagged|Flagged(?s:.*)EXPUNGE")
    mutt(place, "3<enter><save-message>=.Other<enter><sync-mailbox><exit>".replace("3<enter>", "<first-entry><next-entry>"))
    moved = [u for u, (n, _) in s.want.items() if n == 3]
    del s.want[moved[0]]
    s.see("mutt moves", rb"EXPUNGE")
    tap.ok("/.Other/" in place.file(3, "/.Other"), "the message is in the other folder")


def with_mblaze(place, s):
    place.run("mdeliver", place.box, text=place.text(10))
    s.want[6] = (10, "")
    s.see("mblaze delivers", rb"EXISTS")
    tap.ok(len(place.run("sh", "-c", f"mlist {place.box} | wc -l").strip()) and int(place.run("sh", "-c", f"mlist {place.box} | wc -l")) == len(s.want), "mlist lists as many")
    place.run("mflag", "-S", "-F", place.file(4))
    s.change(4, "\\Flagged \\Seen")
    s.see("mflag", rb"Flagged")
    s.asking.ok(r"UID STORE 5 +FLAGS (\Answered)")
    s.change(5, "\\Answered")
    s.see("a flag that a session sets", rb"Answered")
    tap.ok(place.run("sh", "-c", f"mlist -R {place.box}").strip() == place.file(5), "mlist finds it")
    place.run("mrefile", place.file(10), place.box + "/.Other")
    del s.want[6]
    s.see("mrefile", rb"EXPUNGE")


def with_notmuch(place, s):
    place.write("notmuch", f"[database]\npath={place.box}\n[user]\nname=me\nprimary_email=me@example.test\n[new]\ntags=unread;inbox;\nignore=/^postern/;/^dovecot/\n[maildir]\nsynchronize_flags=true\n")
    place.run("notmuch", "new")
    tap.ok(place.run("notmuch", "search", "--output=messages", "tag:flagged").count("id:") == 2, "notmuch reads the flags that others have set")
    place.run("notmuch", "tag", "+replied", "+flagged", "--", "id:5@example.test")
    s.change(5, "\\Answered \\Flagged")
    s.see("notmuch tags", rb"Flagged")
    s.asking.ok(r"UID STORE 1 -FLAGS (\Flagged)")
    s.change(1, "")
    s.see("a flag that a session removes", rb"FLAGS \(\)|FLAGS \(\\Recent\)")
    place.run("notmuch", "new")
    tap.ok("id:1@" not in place.run("notmuch", "search", "--output=messages", "tag:flagged"), "notmuch sees it")
    # A session may take the message from new/ before notmuch has read it there, as any mail reader may: it is delivered all the same.
    place.run("notmuch", "insert", "--keep", text=place.text(11), check=False)
    s.want[7] = (11, "")
    s.see("notmuch inserts", rb"EXISTS")


def far(place, sub="far"):
    return {int(re.search(r"Subject: m(\d+)", open(f"{place.dir}/{sub}/{d}/{f}", encoding="ascii").read())[1]): f.partition(":2,")[2]
            for d in ("cur", "new") for f in os.listdir(f"{place.dir}/{sub}/{d}")}


def with_mbsync(place, s, near, name):
    """Both ways between our folder (near, as a Maildir or through imap) and a Maildir elsewhere."""
    sub = "far" + name
    for d in ("cur", "new", "tmp"):
        os.makedirs(f"{place.dir}/{sub}/{d}")
    place.write("mbsyncrc", near + f"\nMaildirStore far\nInbox {place.dir}/{sub}\nSubFolders Maildir++\n\n"
                "Channel c\nFar :near:\nNear :far:\nSync All\nExpunge Both\nSyncState " + f"{place.dir}/state{name}\n")
    sync = ("mbsync", "-c", place.dir + "/mbsyncrc", "c")
    place.run(*sync)
    tap.ok(sorted(far(place, sub)) == sorted(n for n, _ in s.want.values()), f"mbsync {name}: every message is copied", str(far(place, sub)), str(s.want))
    # There: a flag and a new message.
    letter, flags_then = ("R", "\\Answered") if name == "Maildir" else ("F", "\\Answered \\Flagged")
    for d in ("cur", "new"):
        for f in os.listdir(f"{place.dir}/{sub}/{d}"):
            with open(f"{place.dir}/{sub}/{d}/{f}", encoding="ascii") as text:
                first = "Subject: m1\n" in text.read()
            if first:
                base, _, flags = f.partition(":2,")
                os.rename(f"{place.dir}/{sub}/{d}/{f}", f"{place.dir}/{sub}/cur/{base}:2,{''.join(sorted(set(flags + letter)))}")
    fresh = 30 if name == "Maildir" else 31
    with open(f"{place.dir}/{sub}/new/1.fresh", "w", encoding="ascii") as f:
        f.write(place.text(fresh))
    place.run(*sync)
    s.change(1, flags_then)
    next_uid = s.next_uid
    s.want[next_uid] = (fresh, "")
    s.next_uid += 1
    s.see(f"mbsync {name} brings a flag and a message", rb"EXISTS")
    # Here: an expunge; it goes there.
    s.asking.ok(rf"UID STORE {next_uid} +FLAGS (\Deleted)")
    s.asking.ok("EXPUNGE")
    del s.want[next_uid]
    s.see("a session expunges", rb"EXPUNGE")
    place.run(*sync)
    tap.ok(fresh not in far(place, sub), f"mbsync {name} takes the expunge there")


def main():
    for package, program in PROGRAMS.items():
        if not shutil.which(program):
            print(f"1..0 # SKIP {package} is not installed")
            sys.exit(0)
    place = Place()
    s = Sessions(place)
    s.want = {n: (n, "") for n in range(1, 6)}
    try:
        tap.ok(s.listing(s.asking) == s.want, "five messages")
        with_mutt(place, s)
        with_mblaze(place, s)
        with_notmuch(place, s)
        s.next_uid = 8
        # AltMap, since otherwise mbsync writes UIDs of its own into the base names: other names are other messages, for Dovecot as well.
        with_mbsync(place, s, f"MaildirStore near\nInbox {place.box}\nSubFolders Maildir++\nAltMap yes\n", "Maildir")
        with_mbsync(place, s, "IMAPStore near\nTunnel imap\nSSLType None\n", "IMAP")
    finally:
        s.close()
        shutil.rmtree(place.dir)
    tap.done()


main()
