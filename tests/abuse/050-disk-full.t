#!/usr/bin/env python3
"""The disk is full while mail is handed in, appended, read, filtered, queued and sent, and logs are written; then there is space again. What cannot be
stored is refused for a time, what is stored can be read, nothing that was acknowledged is lost or doubled, and everything goes on by itself."""
import base64
import collections
import errno
import os
import re
import subprocess
import sys
import threading

import abuse
from abuse import SECRET, Abused, Connection, count, plain, tap, wait_for
from listener import Listener

if os.geteuid():
    print("1..0 # SKIP needs root: a small file system of its own")
    sys.exit(0)
if "INSIDE" not in os.environ:
    os.environ["INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, os.path.abspath(__file__)])
abuse.proof("a full disk: nothing acknowledged is lost or doubled, and all goes on by itself")
SIZE = 24 << 20
DIRECTORIES = "mail", "spool", "run", "log", "state"
ROUNDS = count(1, 5)
EVERYBODY = "alice", "bob", "pop", "fresh"


class Far(Listener):
    """The server of far.test. closed: it has no time now."""
    closed = True

    def __init__(self):
        self.subjects = []
        super().__init__()

    def talk(self, peer, f):
        peer.sendall(b"421 4.3.2 not now\r\n" if self.closed else b"220 far\r\n")
        for line in f:
            verb = line[:4].upper()
            if verb == b"DATA":
                peer.sendall(b"354 go\r\n")
                text = b""
                while (line := f.readline()) not in (b".\r\n", b""):
                    text += line
                if line:
                    self.subjects.append(re.search(rb"Subject: (\S+)", text)[1].decode())
            peer.sendall(b"250 ok\r\n")
            if verb == b"QUIT":
                return


class Small(Abused):
    """All that it writes is on one small file system; the rest is not."""

    def start(self):
        self.disk = self.top + "/disk"
        os.mkdir(self.disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", self.disk], check=True)
        for name in DIRECTORIES:
            for path in (f"{self.disk}/{name}", f"{self.dir}/{name}"):
                os.makedirs(path)
            subprocess.run(["mount", "--bind", f"{self.disk}/{name}", f"{self.dir}/{name}"], check=True)
        super().start()

    def __exit__(self, *_):
        self.stop()
        for name in DIRECTORIES:
            subprocess.run(["umount", "-l", f"{self.dir}/{name}"], check=True)
        subprocess.run(["umount", "-l", self.disk], check=True)
        super().__exit__()

    def fill(self):
        """To the last block. What is written by others meanwhile takes what it takes."""
        with open(self.disk + "/filler", "ab", buffering=0) as f:
            for size in (1 << 20, 65536, 4096):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def empty(self):
        os.unlink(self.disk + "/filler")


# ---- what clients do; each returns whether it was acknowledged, and what was said ----

def smtp(one, subject, text="x\r\n"):
    said = one.deliver("alice", subject, text)
    return said.startswith("250 "), said


def submit(one, subject):
    said = one.hand_in("submission", "EHLO good.test\r\nAUTH PLAIN " + plain("alice@example.test") + "\r\n", "alice@example.test", "a@far.test",
                       f"From: alice@example.test\r\nSubject: {subject}\r\n\r\nx\r\n")
    return said.startswith("250 "), said


def imap(one, *commands, name="alice"):
    """What comes of each command, behind its tag."""
    c = one.imap(name)
    said = []
    for n, command in enumerate(commands):
        c.send(b"t%d " % n + (command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        c.until(b"t%d " % n)
        c.data = c.data[c.data.index(b"t%d " % n):]
        said.append(c.line().split(b" ", 1)[1].decode())
    c.close()
    return said


def append(one, subject, extra=b""):
    text = f"Subject: {subject}\r\n\r\nx\r\n".encode() + extra
    said = imap(one, b"APPEND INBOX {%d+}\r\n" % len(text) + text, name="bob")[0]
    return said.startswith("OK"), said


def script(one, name, size=3000):
    c = Connection(one.port("managesieve"))
    text = "# x\r\n" * (size // 5) + "keep;\r\n"
    c.send(f'AUTHENTICATE "PLAIN" "{plain("alice@example.test")}"\r\nPUTSCRIPT "{name}" {{{len(text)}+}}\r\n{text}\r\nGETSCRIPT "first"\r\nLOGOUT\r\n')
    said = c.ended().decode()
    c.close()
    answers = re.findall(r"^(?:OK|NO|BYE)\b.*", said, re.M)
    return len(answers) > 3 and answers[2].startswith("OK"), said[-300:] if len(answers) < 4 else "\n".join(answers)


def pop(one, dele):
    c = Connection(one.port("pop3"))
    c.send(f"USER pop@example.test\r\nPASS {SECRET}\r\nSTAT\r\nRETR 1\r\n" + "DELE 1\r\n" * dele + "QUIT\r\n")
    said = c.ended().decode()
    c.close()
    return said


class Traffic:
    """Hands in without a pause, whatever comes of it."""

    def __init__(self, one):
        self.one, self.over, self.acked, self.said = one, threading.Event(), collections.defaultdict(list), collections.Counter()
        self.threads = [threading.Thread(target=self.run, args=(name, act)) for name, act in (("smtp", smtp), ("imap", append), ("spool", submit))]
        for t in self.threads:
            t.start()

    def run(self, name, act):
        n = 0
        while not self.over.is_set():
            n += 1
            try:
                good, said = act(self.one, f"{name}{n}.")
            except (EOFError, OSError) as error:
                good, said = False, repr(error)
            if good:
                self.acked[name].append(f"{name}{n}.")
            self.said[name + ": " + re.sub(r"\d[0-9a-z_]{10,}\S*|\[.*?\]", "…", said)[:90]] += 1
            self.over.wait(0.02)  # a pace

    def so_far(self):
        return {name: len(self.acked[name]) for name in ("smtp", "imap", "spool")}

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()


def subjects(one, name):
    """Of all messages in a Maildir."""
    found = []
    for where in ("new", "cur"):
        for file in os.listdir(f"{one.maildir(name + '@example.test')}/{where}"):
            with open(f"{one.maildir(name + '@example.test')}/{where}/{file}", "rb") as f:
                found += re.findall(rb"^Subject: (\S+)", f.read(), re.M)[:1]
    return [s.decode() for s in found]


def while_full(one, n):
    """What each is told. Some blocks may come free between two looks: refused or acknowledged, both are outcomes, but what is long cannot fit."""
    good, said = smtp(one, f"long{n}", "y" * 70 + "\r\n" + ("z" * 900 + "\r\n") * 3000)
    tap.ok(not good and re.match(r"4[25]\d 4\.[23]\.", said), f"SMTP, 2.7 MB: {said}")
    good, said = append(one, f"long{n}", b"z" * 900000)
    tap.ok(said.startswith("NO [UNAVAILABLE] No space left") or said.startswith("NO "), f"APPEND: {said}")
    good, said = script(one, "long", 900000)
    tap.ok(not good and "\nNO " in said and said.count("OK") >= 3, f"PUTSCRIPT, and what is there can be read: {said!r}")
    said = imap(one, "SELECT INBOX", "FETCH 1 BODY.PEEK[]", "STORE 1 +FLAGS (\\Flagged)", "COPY 1:* INBOX", "NOOP", "SEARCH TEXT first")
    tap.ok(said[0].startswith("OK") and said[1].startswith("OK") and said[4].startswith("OK") and said[5].startswith("OK"), f"IMAP: open, read, search: {said[:2]}", said)
    tap.ok(re.match("OK|NO", said[2]) and re.match("OK|NO", said[3]), f"IMAP: STORE and COPY: {said[2:4]}")
    said = pop(one, 1)
    tap.ok(said.count("\r\n+OK") >= 5 and "first" in said, "POP3: read and deleted", said[-300:])


def run(one, far):
    for name in (*EVERYBODY, *["pop"] * ROUNDS):
        one.deliver(name, "first", "needle\r\n")
        # A UID takes room: mail that has none is shown when there is some.
        if name != "fresh":
            imap(one, "SELECT INBOX", name=name)
    script(one, "first")
    tap.ok(submit(one, "before0.")[0], "a message waits for far.test")
    traffic = Traffic(one)
    for n in range(ROUNDS):
        before = traffic.so_far()
        wait_for(lambda: all(traffic.so_far()[x] > before[x] + 3 for x in before), "mail before the disk is full")
        one.fill()
        wait_for(lambda: any("452 4.3.1" in x or "451" in x or "450" in x for x in list(traffic.said)) and any(": NO" in x for x in list(traffic.said)), "refusals")
        while_full(one, n)
        far.closed = False
        subprocess.run(["build/bin/mailq", "-f"], env=dict(os.environ, POSTERN_DIR=one.dir), stdout=subprocess.DEVNULL, check=False)
        wait_for(lambda: "before0." in far.subjects, "the walker sends what it has")
        tap.ok(far.subjects.count("before0.") == 1, "the walker sends, on a full disk, and once")
        said = imap(one, "SELECT INBOX", name="fresh")[0]
        tap.ok(re.match(r"OK|NO \[UNAVAILABLE\] No space left", said), f"IMAP: a mailbox that nobody has opened yet is never called missing: {said}")
        one.empty()
        after = traffic.so_far()
        wait_for(lambda: all(traffic.so_far()[x] > after[x] + 3 for x in after), "mail after there is space again")
        tap.ok(True, f"space again: everything goes on by itself {traffic.so_far()}")
    traffic.stop()
    tap.ok(imap(one, "SELECT INBOX", name="fresh")[0].startswith("OK"), "that mailbox can be opened")
    tap.ok(script(one, "last")[0], "scripts can be stored again")
    before = one.log("lmtp").count("event=deliver ")
    one.deliver("alice", "last")
    wait_for(lambda: one.log("lmtp").count("event=deliver ") > before, "lines in the log")
    for text, times in sorted(traffic.said.items()):
        print(f"# {times} times {text}")
    odd = [x for x in traffic.said if not re.search(r": (250 |OK|4\d\d |NO )", x)]
    tap.ok(not odd, "every one of them got a reply that says what is", odd)
    subprocess.run(["build/bin/mailq", "-f"], env=dict(os.environ, POSTERN_DIR=one.dir), stdout=subprocess.DEVNULL, check=False)
    wait_for(lambda: set(traffic.acked["spool"]) <= set(far.subjects), "the spool's end")
    for what, acked, there in (("Maildir, by SMTP", traffic.acked["smtp"], subjects(one, "alice")), ("Maildir, by IMAP", traffic.acked["imap"], subjects(one, "bob")),
                               ("far.test", traffic.acked["spool"], far.subjects)):
        lost, twice = set(acked) - set(there), [s for s, n in collections.Counter(there).items() if n > 1 and s in acked]
        tap.ok(not lost and not twice, f"{what}: {len(acked)} were acknowledged, each is there once", lost, twice)
    one.settle()
    left = [f for place in ("run/tmp", "spool/tmp", *(f"mail/example.test/{n}/Maildir/tmp" for n in EVERYBODY)) for f in os.listdir(f"{one.dir}/{place}")]
    tap.ok(not left, "and nothing half-done is left", left)


far = Far()
with Small({"routes": f"far.test: [127.0.0.1]:{far.port} tls=no", "spool-min-free": "100K", "resolver": "127.0.0.1@9", "mta-sts": "off", "max-per-address": "100"},
           accounts=EVERYBODY) as one:
    run(one, far)
tap.done()
