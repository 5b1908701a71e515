#!/usr/bin/env python3
"""IDLE by 200 sessions at once, more than the kernel has inotify instances for by default: whatever a program of ours does wakes each of them at
once, what a foreign one does wakes those that have an instance at once, the others within the time between looks."""
import os
import select
import shutil
import subprocess
import sys
import time

sys.path.insert(0, "tests/lib")
import mdalocal

tap = mdalocal.Tap()
SESSIONS = 200
POLL = 5  # MAILDIR_POLL
AT_ONCE = 3  # for all of them; less than POLL
TRIES = 6  # of which one succeeds also on a busy machine; who only looks from time to time never does
LIMIT = 120


class Idler:
    def __init__(self, place, folder):
        self.p = place.start([os.path.abspath("build/bin/imap")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, MAILDIR=place.box, bufsize=0)
        self.text = b""
        self.p.stdin.write(b"a SELECT %s\r\nb IDLE\r\n" % folder.encode())

    def read(self):
        data = os.read(self.p.stdout.fileno(), 65536)
        self.text += data
        return data

    def kill(self):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()
        self.p.stdin.close()
        self.p.stdout.close()


def wait_for(idlers, what, begin, limit=LIMIT):
    """When each of them had said this, in seconds from begin, in order of time."""
    left, times = {i.p.stdout.fileno(): i for i in idlers if what not in i.text}, [0.0] * sum(what in i.text for i in idlers)
    poll = select.poll()
    for fd in left:
        poll.register(fd, select.POLLIN)
    while left and time.monotonic() < begin + limit:
        for fd, _ in poll.poll(1000):
            if not left[fd].read() or what in left[fd].text:
                poll.unregister(fd)
                if what in left[fd].text:
                    times.append(time.monotonic() - begin)
                del left[fd]
    return times


def told(idlers, event, name, limit=AT_ONCE, most=SESSIONS):
    """event(n), the n-th, makes each of them say what it returns: all within `limit`, so many of them at once."""
    for n in range(TRIES):
        what, some = event(n), idlers(n) if callable(idlers) else idlers
        times = wait_for(some, what, time.monotonic())
        soon = sum(x < AT_ONCE for x in times)
        good = len(times) == len(some) and times[-1] < limit and soon >= min(most, len(some))
        if good or len(times) < len(some):
            break
    tap.ok(good, f"{name}: all {len(some)} are told within {limit} s", f"{soon} at once, {len(times)} in all, the last after {times[-1:]}")


def watching(idlers):
    """How many have an inotify instance: other programs may hold some, too."""
    return sum(any("inotify" in os.readlink(f.path) for f in os.scandir(f"/proc/{i.p.pid}/fd")) for i in idlers)


def fifos(box):
    wake = box + "/postern-wake"
    return len(os.listdir(wake)) if os.path.exists(wake) else None


place = mdalocal.Instance(users="alice@example.test: x\n")
place.box = place.maildir("alice")
lmtp = mdalocal.Client(place)
lmtp.deliver(["alice@example.test"])

count = 1  # messages in INBOX


def deliver(_):
    global count
    count += 1
    lmtp.deliver(["alice@example.test"])
    return b"* %d EXISTS" % count


def foreign(_):
    global count
    count += 1
    name = place.box + "/tmp/foreign"
    with open(name, "w", encoding="ascii") as f:
        f.write("Subject: foreign\n\n")
    if os.geteuid() == 0:
        os.chown(name, mdalocal.NOBODY, mdalocal.NOBODY)
    os.rename(name, f"{place.box}/new/{count}.foreign")
    return b"* %d EXISTS" % count


def append(n):
    other.p.stdin.write(b"".join(b"e APPEND F%d {12+}\r\nSubject: x\r\n\r\n" % i for i in range(SESSIONS)) + b"f%d NOOP\r\n" % n)
    wait_for([other], b"f%d OK" % n, time.monotonic())
    return b"* %d EXISTS" % (n + 1)


def delete(n):
    other.p.stdin.write(b"g DELETE F%d\r\n" % n)
    return b"* BYE"


def remove(n):
    for name in (f"/.F{TRIES + n}", f"/.F{SESSIONS - 1 - n}"):
        while os.path.exists(place.box + name):  # the session may write its index meanwhile
            shutil.rmtree(place.box + name, ignore_errors=True)
    return b"* BYE"


# One folder.
idlers = [Idler(place, "INBOX") for _ in range(SESSIONS)]
try:
    wait_for(idlers, b"+ idling", time.monotonic())
    tap.ok(fifos(place.box) == SESSIONS, "each has a fifo")
    print(f"# {watching(idlers)} with an inotify instance")
    for again in ("", " again"):
        told(idlers, deliver, "a delivery by mda-local" + again)
    told(idlers, foreign, "a foreign delivery, at once those with an inotify instance", POLL + AT_ONCE, watching(idlers))
    for i in idlers[:50]:
        i.kill()
    del idlers[:50]
    told(idlers, deliver, "after 50 were killed")
    tap.ok(fifos(place.box) == SESSIONS - 50, "the fifos of those that were killed are gone")
    for i in idlers:
        i.p.stdin.write(b"DONE\r\nc LOGOUT\r\n")
    told(idlers, lambda _: b"c OK", "DONE", LIMIT, 0)
    for i in idlers:
        while i.read():
            pass
        i.p.wait(LIMIT)
    tap.ok(fifos(place.box) is None, "the last one leaves nothing behind")
finally:
    for i in idlers:
        i.kill()

# A folder for each.
other = Idler(place, "INBOX")
other.p.stdin.write(b"DONE\r\n" + b"".join(b"c CREATE F%d\r\n" % i for i in range(SESSIONS)) + b"d NOOP\r\n")
wait_for([other], b"d OK", time.monotonic())
idlers = [Idler(place, f"F{i}") for i in range(SESSIONS)]
try:
    wait_for(idlers, b"+ idling", time.monotonic())
    told(idlers, append, "APPEND into each of as many folders")

    # Folders that go.
    told(lambda n: idlers[n:n + 1], delete, "DELETE by another session")
    told(lambda n: [idlers[TRIES + n], idlers[-1 - n]], remove, "a foreign rm", POLL + AT_ONCE, 0)
finally:
    for i in idlers + [other]:
        i.kill()
place.done()
tap.done()
