#!/usr/bin/env python3
"""Ten sessions of imap, four of pop3, mda-local and a foreign program at work on one folder at once: afterwards each message that was
acknowledged and not expunged is there, once, and no UID ever named two. CROWD_SECONDS, SEED."""
import os
import random
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, "tests/lib")
import mdalocal
from imapwire import Session
from instance import wait_for

tap = mdalocal.Tap()
SECONDS = float(os.environ.get("CROWD_SECONDS", "8"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**9)
place = mdalocal.Instance(users="alice@example.test: x\n")
box = place.maildir("alice")
lock = threading.Lock()
there, maybe, gone, named, bad, counts = set(), set(), set(), {}, [], {}
DROP = ["setpriv", f"--reuid={mdalocal.NOBODY}", f"--regid={mdalocal.NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []


def done(what):
    with lock:
        counts[what] = counts.get(what, 0) + 1


def imap():
    s = Session(DROP + [os.path.abspath("build/bin/imap")], MAILDIR=box, POSTERN_DIR=place.dir)
    s.ok("SELECT INBOX")
    return s


def look(s):
    """{UID: subject}, and each UID names what it always did."""
    found = {}
    for line in s.command("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[0]:
        m = re.search(rb"UID (\d+)(?s:.*)Subject: (\S+)", line)
        if m:
            found[int(m[1])] = m[2].decode()
    with lock:
        for uid, subject in found.items():
            if named.setdefault(uid, subject) != subject:
                bad.append(f"UID {uid} was {named[uid]}, is {subject}")
    return found


def shows(s, uid):
    return any(re.search(rb"FETCH .*UID %d\b" % uid, line) for line in s.command(f"UID FETCH {uid} (FLAGS)")[0])


def mail_client(number, r, end):
    s, own, n = imap(), {}, 0
    while time.monotonic() < end:
        n += 1
        what = r.choice(["append", "append", "flag", "expunge", "look", "noop", "again"])
        if what == "append":
            subject = f"a{number}.{n}"
            text = f"Subject: {subject}\r\n\r\n{subject}\r\n".encode()
            tag = s.start(f"APPEND INBOX (\\Seen) {{{len(text)}+}}\r\n{text.decode()}")
            reply = s.finish(tag)[1]
            uid = re.search(rb"APPENDUID \d+ (\d+)", reply)
            with lock:
                there.add(subject)
            own[int(uid[1])] = subject
        elif what == "expunge" and own:
            uid, subject = own.popitem()
            with lock:
                maybe.add(subject)
            # While somebody moves files all the time a session may hold back what is numbered after a file that it did not see.
            wait_for(lambda: shows(s, uid), f"UID {uid} in the session")
            s.command(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
            s.command("EXPUNGE")
            with lock:
                gone.add(subject)
            if shows(s, uid):
                bad.append(f"UID {uid}, {subject}, was expunged and is there")
        elif what == "flag" and own:
            s.command(f"UID STORE {r.choice(list(own))} {r.choice('+-')}FLAGS ({r.choice(['$Work', chr(92) + 'Flagged', chr(92) + 'Answered'])})")
        elif what == "look":
            look(s)
        elif what == "again":
            s.__exit__()
            s = imap()
        else:
            s.command("NOOP")
        done(what)
    s.__exit__()


def pop_client(_number, r, end):
    while time.monotonic() < end:
        p = subprocess.run(DROP + [os.path.abspath("build/bin/pop3")], input=b"STAT\r\nUIDL\r\nLIST\r\nRETR 1\r\nTOP 2 0\r\nQUIT\r\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env={**os.environ, "MAILDIR": box, "POSTERN_DIR": place.dir}, timeout=120, check=False)
        if p.returncode or not p.stdout.endswith(b"+OK Bye\r\n"):
            bad.append(f"pop3: {p.returncode} {p.stdout[-100:]} {p.stderr[-300:]}")
        done("pop3")
        time.sleep(r.random() / 20)


def deliverer(number, _r, end):
    c, n = mdalocal.Client(place), 0
    while time.monotonic() < end:
        n += 1
        reply = c.deliver(["alice@example.test"], message=f"Subject: d{number}.{n}\r\n\r\nx\r\n")
        if reply != ["250 2.0.0 delivered"]:
            bad.append(str(reply))
        with lock:
            there.add(f"d{number}.{n}")
        done("delivery")
        time.sleep(0.02)
    c.quit()


def foreign(_number, r, end):
    while time.monotonic() < end:
        # A message that is about to be expunged stays marked.
        names = [f for f in os.listdir(box + "/cur") if "T" not in f.partition(":")[2]]
        name = r.choice(names) if names else None
        try:
            if name:
                os.rename(f"{box}/cur/{name}", f"{box}/cur/{name.split(':')[0]}:2,{r.choice(['', 'S', 'FS', 'R'])}")
                done("mv")
        except FileNotFoundError:
            pass
        time.sleep(0.002)


def worker(fn, number):
    try:
        fn(number, random.Random(SEED * 100 + number), END)
    except Exception as error:  # noqa: BLE001: whatever it is, it is the test's result
        bad.append(f"{fn.__name__} {number}: {error!r}")


print(f"# SEED={SEED}", flush=True)
mdalocal.Client(place).deliver(["alice@example.test"], message="Subject: first\r\n\r\nx\r\n")
there.add("first")
END = time.monotonic() + SECONDS
crowd = [(mail_client, 10), (pop_client, 4), (deliverer, 2), (foreign, 1)]
threads = [threading.Thread(target=worker, args=(fn, 20 * k + i)) for k, (fn, n) in enumerate(crowd) for i in range(n)]
for t in threads:
    t.start()
for t in threads:
    t.join()
tap.ok(not bad, f"all of them worked: {counts}", bad[:5])
last = imap()
final = sorted(look(last).values())
last.__exit__()
missing = [x for x in there - maybe if x not in final]
tap.ok(not missing, "nothing acknowledged is missing", missing[:5])
tap.ok(len(set(final)) == len(final), "nothing is there twice")
tap.ok(not gone & set(final), "what was expunged is gone", sorted(gone & set(final))[:5])
tap.ok(not bad, "no UID named two messages", bad[:5])
files = len(os.listdir(box + "/cur")) + len(os.listdir(box + "/new"))
tap.ok(files == len(final), f"every file is listed ({files}, {len(final)})")
left = [f for f in os.listdir(box) if f.endswith((".lock", ".tmp")) or f == "postern-wake"] + os.listdir(box + "/tmp")
tap.ok(not left, "nothing is left over", left)
os.unlink(box + "/postern-index")
last = imap()
tap.ok(sorted(look(last).values()) == final, "without the index the same")
last.__exit__()
place.done()
tap.done()
