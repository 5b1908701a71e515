#!/usr/bin/env python3
# maildirsize under concurrency: eight processes deliver, append, move, expunge and compute at once; afterwards it says what is there. What a
# foreign rm takes away is seen when the sum is due: over the limit and old, or with changes behind it.
import os
import random
import threading
import time
import maildirtest as t

rng = t.seed()
SECONDS = float(os.environ.get("QUOTA_SECONDS", "4"))
PROCESSES = 8
LIMIT = "50000000S,100000C"
steps, bad = [], []


def truth(place):
    """Octets and messages in all folders."""
    size = count = 0
    for folder in ("", "/.Other"):
        for sub in ("cur", "new"):
            for name in os.listdir(f"{place.mail}{folder}/{sub}"):
                size += os.path.getsize(f"{place.mail}{folder}/{sub}/{name}")
                count += 1
    return size, count


def usage(s):
    return tuple(int(x) for x in s.command("usage")[0].split()[:2])


def step(s, r, name):
    s.refresh()
    uids = sorted(s.state())
    what = r.choice(["deliver", "deliver", "append", "expunge", "move", "copy", "usage"])
    if what == "deliver":
        s.command(f"deliver {r.choice(['INBOX', 'Other'])} {name}")
    elif what == "append" or (not uids and what != "usage"):
        s.command(f"append INBOX S {name}")
    elif what == "usage":
        usage(s)
    else:
        s.command({"expunge": "expunge {}", "move": "move {} Other", "copy": "copy {} Other"}[what].format(r.choice(uids)))


def worker(place, number, r, end):
    s = t.Ours(place)
    n = 0
    while time.monotonic() < end:
        n += 1
        try:
            step(s, r, f"{'x' * r.randrange(200)}{number}.{n}")
        except RuntimeError as e:
            if "No such file" not in str(e):
                bad.append(f"process {number}: {e}")
                break
    steps.append(n)
    s.close()


def stress(place, seconds, meanwhile=lambda: None):
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=worker, args=(place, i, random.Random(rng.random()), end)) for i in range(PROCESSES)]
    for x in threads:
        x.start()
    while time.monotonic() < end:
        meanwhile()
        time.sleep(0.01)
    for x in threads:
        x.join()


def write(place, text, age=0):
    with open(place.mail + "/maildirsize", "w") as f:
        f.write(text)
    os.utime(place.mail + "/maildirsize", (time.time() - age, time.time() - age))
    place.own("/mail/maildirsize")


def due_now_and_then(place):
    """As when many changes have been counted: the file is so long that whoever looks computes the sum anew."""
    if rng.random() < 0.1:
        try:
            os.truncate(place.mail + "/maildirsize", 5120)
        except FileNotFoundError:
            pass


with t.Place() as place:
    first = t.Ours(place)
    first.command("create Other")
    first.close()
    write(place, LIMIT + "\n")
    stress(place, SECONDS)
    last = t.Ours(place)
    t.same(bad[:3], [], f"{sum(steps)} steps by {PROCESSES} processes")
    t.same(usage(last), truth(place), "the sum is what is there")
    del steps[:]
    stress(place, SECONDS, lambda: due_now_and_then(place))
    t.same(bad[:3], [], f"{sum(steps)} steps while the sum is computed anew over and over")
    t.same(usage(last), truth(place), "the sum is what is there")
    t.ok(open(place.mail + "/maildirsize").readline() == LIMIT + "\n", "the limit is what it was")

    # A foreign program counts nothing.
    def foreign():
        names = place.files()
        if names:
            try:
                os.unlink(f"{place.mail}/cur/{rng.choice(names)}")
            except FileNotFoundError:
                pass
    stress(place, SECONDS / 2, foreign)
    t.same(bad[:3], [], "with a foreign rm at work")
    last.refresh()
    last.command("usage")
    size, count = truth(place)
    # Over the limit with changes since the sum was computed: computed anew, whatever its age.
    write(place, f"{size + 10}S,{count + 10}C\n{size + 1000} {count}\n1 1\n")
    t.same(usage(last), (size, count), "over the limit by octets, with a change counted: computed anew")
    write(place, f"{size + 10000}S,{count + 1}C\n{size} {count}\n1 2\n")
    t.same(usage(last), (size, count), "over the limit by messages: the same")
    write(place, f"{size + 10}S\n{size + 1000} {count}\n", age=890)
    t.same(usage(last), (size + 1000, count), "over the limit, nothing counted since, not a quarter of an hour old: believed")
    write(place, f"{size + 10}S\n{size + 1000} {count}\n", age=901)
    t.same(usage(last), (size, count), "a quarter of an hour old: computed anew")
    write(place, f"{size + 10}S\n5 5\n-50 -1\n")
    t.same(usage(last), (size, count), "less than nothing: computed anew")
    t.same(place.complaints(), [], "no session has anything to complain of")
t.done()
