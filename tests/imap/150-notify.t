#!/usr/bin/env python3
"""NOTIFY (RFC 5465): every event and mailbox specifier, between commands and in IDLE, with and without inotify."""
import fcntl
import os
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, "tests/lib")
import imapwire
from instance import Tap

tap = Tap()
LIMIT = 120


class Client(imapwire.Session):
    def until(self, pattern, what, absent=None):
        """Untagged responses that come by themselves, up to one that matches."""
        got, end = [], time.monotonic() + LIMIT
        try:
            while time.monotonic() < end:
                got.append(self.response())
                if re.search(pattern, got[-1], re.S):
                    break
        except TimeoutError:
            pass
        ok = bool(got) and bool(re.search(pattern, got[-1], re.S))
        tap.ok(ok and not (absent and any(re.search(absent, x) for x in got)), what, got)
        return got

    def silent(self, what):
        """Nothing comes until the answer of a NOOP."""
        got = self.command("NOOP")
        tap.ok(got[0] == [] and got[1].startswith(b"OK"), what, got)


class Place:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="notify.")

    def client(self, **env):
        return Client(["imap"], MAILDIR=self.dir + "/Maildir", USER="alice@example.org", POSTERN_DIR=self.dir, **env)

    def deliver(self, folder, subject, foreign=False):
        path = self.dir + "/Maildir" + ("" if folder == "INBOX" else "/." + folder)
        if foreign:
            with open(f"{path}/tmp/{subject}", "w", encoding="ascii") as f:
                f.write(f"Subject: {subject}\n\nx\n")
            os.rename(f"{path}/tmp/{subject}", f"{path}/new/{subject}.M1.x")
        else:
            with self.client() as c:
                text = f"Subject: {subject}\r\n\r\nx\r\n".encode()
                c.finish(c.start(b"APPEND %s {%d+}\r\n" % (folder.encode(), len(text)) + text))

    def rename_slowly(self, client, old, new):
        """As RENAME does it, but the client has time to look between the two steps."""
        root = os.open(self.dir + "/Maildir", os.O_RDONLY)
        fcntl.flock(root, fcntl.LOCK_EX)
        os.rename(f"{self.dir}/Maildir/.{old}", f"{self.dir}/Maildir/.{new}")
        select.select([client.process.stdout], [], [], 0.3)
        os.rename(f"{self.dir}/Maildir/.{old}.child", f"{self.dir}/Maildir/.{new}.child")
        os.close(root)

    def __enter__(self):
        with self.client() as c:
            for f in ("Lists.Lemonade", "Lists.Im2000", "misc"):
                c.ok("CREATE " + f)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


def syntax(s):
    for text, reply in (
            ("NOTIFY SET (selected (MessageNew MessageExpunge AnnotationChange))", rb"NO \[BADEVENT \(MessageNew MessageExpunge FlagChange .*"),
            ("NOTIFY SET (personal (NoSuchEvent))", rb"NO \[BADEVENT"),
            ("NOTIFY SET (selected (MessageNew))", rb"BAD"),
            ("NOTIFY SET (selected (MessageExpunge))", rb"BAD"),
            ("NOTIFY SET (personal (FlagChange))", rb"BAD"),
            ("NOTIFY SET (selected (MailboxName))", rb"BAD"),
            ("NOTIFY SET (selected NONE) (selected-delayed NONE)", rb"BAD"),
            ("NOTIFY SET (personal (MessageNew (UID) MessageExpunge))", rb"BAD"),
            ("NOTIFY SET (nosuch (MailboxName))", rb"BAD"),
            ("NOTIFY SET", rb"BAD"), ("NOTIFY", rb"BAD"), ("NOTIFY NONE x", rb"BAD"),
            ("NOTIFY SET (mailboxes (INBOX misc) (MessageNew MessageExpunge)) (subtree Lists (MailboxName))", rb"OK"),
            ("NOTIFY SET (selected NONE)", rb"OK"), ("NOTIFY NONE", rb"OK"), ("notify none", rb"OK")):
        got = s.command(text)[1]
        tap.ok(re.match(reply, got), text, got)
    got = s.command("NOTIFY SET " + " ".join(["(personal (MailboxName))"] * 101))[1]
    tap.ok(b"Too many groups" in got, "LIMIT_GROUPS", got)


def example(p):
    """The session of RFC 5465 section 3.1."""
    with p.client() as s:
        got = s.ok("notify set status (selected MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)"
                   " (subtree Lists MessageNew MessageExpunge)")
        names = {re.search(rb"STATUS (\S+)", x)[1] for x in got}
        tap.ok(names == {b"Lists.Lemonade", b"Lists.Im2000"} and all(b"UIDVALIDITY" in x and b"UIDNEXT" in x and b"MESSAGES" in x for x in got),
               "SET STATUS: a STATUS of each mailbox (3.1)", got)
        s.ok("SELECT INBOX")
        p.deliver("Lists.Lemonade", "one")
        s.until(rb"^\* STATUS Lists.Lemonade \(MESSAGES 1 UIDNEXT 2\)$", "MessageNew elsewhere: STATUS (5.2)")
        p.deliver("INBOX", "two")
        got = s.until(rb"BODY\[HEADER.FIELDS", "MessageNew in the selected mailbox: FETCH (5.2)")
        tap.ok(any(b"EXISTS" in x for x in got[:-1]) and b"UID 1 " in got[-1] and b"Subject: two" in got[-1], "after EXISTS, as was asked for", got)
        p.deliver("misc", "three")
        s.silent("what was not asked for is not told")
        s.ok('STATUS misc (UIDVALIDITY UIDNEXT MESSAGES)')
        got = s.ok("notify set (selected MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)"
                   " (subtree Lists MessageNew MessageExpunge) (mailboxes misc MessageNew MessageExpunge)")
        tap.ok(got == [], "without STATUS none comes", got)
        p.deliver("misc", "four", foreign=True)
        s.until(rb"^\* STATUS misc \(MESSAGES 2 UIDNEXT 3\)$", "a foreign program's delivery")
        with p.client() as other:
            other.ok("SELECT INBOX")
            other.ok("STORE 1 +FLAGS (\\Flagged)")
            s.silent("FlagChange was not asked for")
            other.ok("STORE 1 +FLAGS (\\Deleted)")
            other.ok("EXPUNGE")
        s.until(rb"^\* 1 EXPUNGE$", "MessageExpunge at once, between commands (5.3)")


def flags(p):
    with p.client() as s, p.client() as other:
        p.deliver("misc", "flags")
        s.ok("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge FlagChange))")
        s.ok("SELECT misc")
        other.ok("SELECT misc")
        other.ok("STORE 1 +FLAGS (\\Flagged)")
        got = s.until(rb"^\* 1 FETCH ", "FlagChange in the selected mailbox: FETCH (5.1)")
        tap.ok(b"UID " in got[-1] and b"\\Flagged" in got[-1], "with UID and FLAGS", got)
        s.ok("SELECT INBOX")
        other.ok("STORE 1 +FLAGS (\\Seen)")
        s.until(rb"^\* STATUS misc \(.*UIDVALIDITY \d+ UNSEEN \d+\)$", "FlagChange elsewhere: UNSEEN")
        s.ok("STATUS INBOX (HIGHESTMODSEQ)")
        other.ok("STORE 1 -FLAGS (\\Flagged)")
        s.until(rb"^\* STATUS misc \(.*UIDVALIDITY \d+.* HIGHESTMODSEQ \d+\)$", "FlagChange elsewhere with CONDSTORE: HIGHESTMODSEQ")
        s.ok("NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))")
        s.ok("SELECT misc")
        other.ok("STORE 1 +FLAGS (\\Deleted)")
        s.until(rb"\\Deleted", "SELECTED-DELAYED: flags at once")
        other.ok("EXPUNGE")
        p.deliver("misc", "later")
        s.until(rb"EXISTS", "SELECTED-DELAYED: new messages at once, EXPUNGE not (6.1.2)", absent=rb"EXPUNGE")
        got = s.command("NOOP")[0]
        tap.ok(any(b"EXPUNGE" in x for x in got), "and with the next NOOP", got)
        s.ok("NOTIFY NONE")
        p.deliver("misc", "unheard")
        s.silent("NOTIFY NONE: not a word")
        p.deliver("misc", "still unheard")
        s.ok("STORE 1 +FLAGS (\\Deleted)")
        tap.ok(b"* 1 EXPUNGE" in s.ok("EXPUNGE"), "but of what the client itself removes")


def selected(p):
    with p.client() as s:
        s.ok("NOTIFY SET (selected (MessageNew (UID) MessageExpunge))")
        for again in ("", " again"):
            s.ok("SELECT INBOX")
            p.deliver("INBOX", "next" + again.strip())
            s.until(rb"^\* \d+ FETCH \(UID \d+", f"MessageNew right behind SELECT{again}: FETCH (5.2)")
            s.ok("UNSELECT")


def own(p):
    text = b"Subject: own\r\n\r\nx\r\n"
    with p.client() as s:
        s.ok("NOTIFY SET (selected (MessageNew (UID) MessageExpunge))")
        s.ok("SELECT INBOX")
        for what, command in (("APPEND", b"APPEND INBOX {%d+}\r\n" % len(text) + text), ("COPY", b"COPY 1:2 INBOX"),
                              ("REPLACE", b"REPLACE 1 INBOX {%d+}\r\n" % len(text) + text)):
            got, tagged = s.finish(s.start(command))
            tap.ok(tagged.startswith(b"OK") and any(x.endswith(b" EXISTS") for x in got) and not any(b"FETCH" in x for x in got),
                   f"no FETCH of what the client's own {what} put there (5.2)", got, tagged)
        p.deliver("INBOX", "other")
        s.until(rb"^\* \d+ FETCH \(UID \d+", "but of what others deliver then")


def names(p):
    with p.client() as s, p.client() as other:
        s.ok("NOTIFY SET (personal (MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))")
        other.ok("CREATE foo.bar")
        got = s.until(rb'^\* LIST \(.*\) "\." foo\.bar$', "MailboxName: created (5.4)")
        tap.ok(not re.search(rb"NonExistent", got[-1]), "it exists", got)
        other.ok("SUBSCRIBE foo.bar")
        s.until(rb'^\* LIST \(\\Subscribed .*\) "\." foo\.bar$', "SubscriptionChange: subscribed (5.5)")
        other.ok("UNSUBSCRIBE foo.bar")
        s.until(rb'^\* LIST \((?!.*Subscribed).*\) "\." foo\.bar$', "SubscriptionChange: no more")
        other.ok("CREATE old")
        other.ok("CREATE old.child")
        s.until(rb" old\.child$", "created")
        other.ok("RENAME old new")
        got = s.until(rb'^\* LIST \(.*\) "\." new \("OLDNAME" \(old\)\)$', "MailboxName: renamed, OLDNAME", absent=rb"child|NonExistent")
        p.rename_slowly(s, "new", "newer")
        got = s.until(rb'^\* LIST \(.*\) "\." newer \("OLDNAME" \(new\)\)$', "nothing is told of half a rename", absent=rb"child|NonExistent")
        other.ok("RENAME newer new")
        s.until(rb'^\* LIST \(.*\) "\." new \("OLDNAME" \(newer\)\)$', "and back", absent=rb"child|NonExistent")
        other.ok("DELETE new")
        s.until(rb"^\* LIST \(\\NonExistent.*\) \"\.\" new$", "deleted, its child stays")
        other.ok("SETMETADATA new.child (/private/comment \"x\" /shared/comment \"y\")")
        got = s.until(rb"^\* METADATA new\.child ", "MailboxMetadataChange (5.6)")
        tap.ok(b"/shared/comment" in b"".join(got) or s.until(rb"/shared/comment", "the other entry"), "by name alone (RFC 5464 4.4.2)", got)
        other.ok("SETMETADATA \"\" (/private/vendor/x/y \"1\")")
        s.until(rb'^\* METADATA "" /private/vendor/x/y$', "ServerMetadataChange (5.7)")
        other.ok("SETMETADATA \"\" (/private/vendor/x/y NIL)")
        s.until(rb'^\* METADATA "" /private/vendor/x/y$', "also when it is removed")
        s.ok("CREATE mine")
        s.ok("SUBSCRIBE mine")
        s.ok("SETMETADATA mine (/private/comment \"x\")")
        s.ok("RENAME mine ours")
        other.ok("CREATE last")
        s.until(rb" last$", "what the client did itself is not told (5)", absent=rb"mine|ours")
        s.ok("NOTIFY SET (subscribed (MessageNew MessageExpunge))")
        p.deliver("last", "a")
        s.silent("a mailbox that is not subscribed")
        other.ok("SUBSCRIBE last")
        p.deliver("last", "b")
        s.until(rb"^\* STATUS last \(MESSAGES 2", "SUBSCRIBED follows the list (6.4)")
        s.ok("NOTIFY SET (personal (MessageNew MessageExpunge))")
        other.ok("CREATE fresh")
        p.deliver("fresh", "c")
        s.until(rb"^\* STATUS fresh \(MESSAGES 1", "PERSONAL follows new mailboxes (6.2)")


def idle(p):
    with p.client() as s:
        s.ok("NOTIFY SET (selected (MessageNew MessageExpunge)) (mailboxes misc (MessageNew MessageExpunge))")
        s.ok("SELECT INBOX")
        tag = s.start("IDLE")
        s.response()
        p.deliver("misc", "idle")
        s.until(rb"^\* STATUS misc ", "in IDLE: other mailboxes (4)")
        p.deliver("INBOX", "idle")
        s.until(rb"EXISTS", "in IDLE: the selected one")
        s.send(b"DONE\r\n")
        tap.ok(s.finish(tag)[1].startswith(b"OK"), "IDLE ends")


def closed(p):
    # One in a folder that was renamed meanwhile goes with the next change there.
    for d, _, _ in list(os.walk(p.dir)):
        if d.endswith("postern-wake"):
            p.deliver(d.split("/")[-2].lstrip(".").replace("Maildir", "INBOX"), "wake")
    tap.ok(not [d for d, _, _ in os.walk(p.dir) if d.endswith("postern-wake")], "sessions leave no fifo",
           [(d, f) for d, _, f in os.walk(p.dir) if d.endswith("postern-wake")])


def limit(p):
    root = p.dir + "/Maildir"
    for i in range(1001):
        for sub in ("cur", "new", "tmp"):
            os.makedirs(f"{root}/.many.{i}/{sub}")
    with p.client() as s:
        got = s.command("NOTIFY SET (personal (MessageNew MessageExpunge))")[1]
        tap.ok(got.startswith(b"NO [NOTIFICATIONOVERFLOW]"), "LIMIT_NOTIFY: refused", got)
        for i in range(900, 1001):
            shutil.rmtree(f"{root}/.many.{i}")
        s.ok("NOTIFY SET (subtree many (MessageNew MessageExpunge))")
        fds = len(os.listdir(f"/proc/{s.process.pid}/fd"))
        tap.ok(fds < 20, "900 mailboxes take no more descriptors than one", fds)
        p.deliver("many.899", "x")
        s.until(rb"^\* STATUS many.899 ", "any of 900 is told")
        with p.client() as other:
            for i in range(900, 1001):
                other.ok(f"CREATE many.{i}")
        s.until(rb"^\* OK \[NOTIFICATIONOVERFLOW\]", "one too many later: untagged, and off (5.8)")
        p.deliver("many.1", "x")
        s.silent("off")


with Place() as p:
    with p.client() as s:
        tap.ok(b"NOTIFY" in s.ok("CAPABILITY")[0].split(), "CAPABILITY")
        syntax(s)
    for part in (example, flags, selected, own, names, idle, closed, limit):
        tap.run(part.__name__, part, p)
tap.done()
