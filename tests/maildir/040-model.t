#!/usr/bin/env python3
# Several processes on one folder at once, killed at random, with foreign renames in between. Afterwards: what was acknowledged and
# not expunged is there once, and no UID ever named two messages, no message two UIDs.
import os
import random
import re
import threading
import time
import maildirtest as t

rng = t.seed()
SECONDS = float(os.environ.get("MODEL_SECONDS", "6"))
WORKERS = 3
lock = threading.Lock()
acknowledged, expunged = set(), set()  # texts
uid_text, text_uid = {}, {}
bad, kills, ops = [], 0, 0


def subject(session, uid):
    return re.split("[ _]", session.command(f"read {uid}")[0])[-1].strip()


def note(session, uids, known):
    """Reads messages that this session has not seen: their UIDs must agree with what all others saw."""
    for uid in uids:
        if uid in known:
            continue
        try:
            text = subject(session, uid)
        except RuntimeError:
            continue
        known[uid] = text
        with lock:
            if uid_text.setdefault(uid, text) != text:
                bad.append(f"UID {uid} was {uid_text[uid]}, is {text}")
            if text_uid.setdefault(text, uid) != uid and text not in expunged:
                bad.append(f"{text} had UID {text_uid[text]}, has {uid}")


def foreign(place, r):
    """mv by another program: other flags."""
    name = r.choice(place.files() or [None])
    if name:
        try:
            os.rename(f"{place.mail}/cur/{name}", f"{place.mail}/cur/{name.split(':')[0]}:2,{r.choice(['', 'F', 'S', 'FS'])}")
        except FileNotFoundError:
            pass


def step(place, s, r, name, known):
    s.refresh()
    uids = sorted(s.state())
    note(s, uids, known)
    what = r.choice(["deliver", "deliver", "append", "flag", "flag", "keyword", "expunge", "foreign"])
    if what in ("deliver", "append") or not uids:
        s.command(f"deliver INBOX {name}" if what == "deliver" else f"append INBOX S Subject:_{name}")
        acknowledged.add(name)
    elif what == "foreign":
        foreign(place, r)
    elif what == "expunge" and len(uids) > 8:
        uid = r.choice(uids)
        if uid in known:
            expunged.add(known[uid])
            s.command(f"expunge {uid}")
    elif what == "keyword":
        s.command(f"flags {r.choice(uids)} + - k{r.randrange(40)}")
    elif what == "flag":
        s.command(f"flags {r.choice(uids)} {r.choice('+-')} {r.choice('DFRS')}")


def worker(place, number, r, end):
    global kills, ops
    s, known, n = None, {}, 0
    while time.monotonic() < end:
        n += 1
        try:
            if s is None:
                s, known = t.Ours(place), {}
            if r.random() < 0.03:
                # Killed at some system call of what it has just been told to do.
                s.send(r.choice(["refresh", f"deliver INBOX killed{number}.{n}", "flags 1 + F k99"]))
                if r.random() < 0.5:
                    time.sleep(r.random() * 0.004)
                s.proc.kill()
                s.proc.wait()
                s, kills = None, kills + 1
                continue
            step(place, s, r, f"w{number}.{n}", known)
            ops += 1
        except RuntimeError as e:
            if "No such file" not in str(e):
                with lock:
                    bad.append(f"worker {number}: {e}")
                return
    if s:
        s.close()


with t.Place() as place:
    t.Ours(place).close()
    end = time.monotonic() + SECONDS
    threads = [threading.Thread(target=worker, args=(place, i, random.Random(rng.random()), end)) for i in range(WORKERS)]
    for x in threads:
        x.start()
    for x in threads:
        x.join()
    t.same(bad[:5], [], f"{ops} steps, {kills} kills: no UID names two messages, no message has two")
    final = t.Ours(place)
    state = final.state()
    texts = []
    for uid in state:
        texts.append(subject(final, uid))
    missing = [x for x in acknowledged if x not in texts and x not in expunged]
    t.same(missing, [], "nothing acknowledged is missing")
    doubled = [x for x in acknowledged if texts.count(x) > 1]
    t.same(doubled, [], "nothing is doubled")
    t.same(len(state), len(place.files()), "every file is listed")
    again = t.Ours(place)
    t.same(again.state(), state, "and the next session sees the same")
    t.same(place.complaints(), [], "no session has anything to complain of")
t.done()
