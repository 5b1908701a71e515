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
AT_ONCE = 3  # for all of them on a busy machine; less than POLL
LIMIT = 30


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


def told(idlers, what, begin, name, limit):
    times = wait_for(idlers, what, begin, limit)
    tap.ok(len(times) == len(idlers), f"{name}: all {len(idlers)} are told ({len(times)}; the median after {times[len(times) // 2] * 1000:.0f} ms, the last after {times[-1] * 1000:.0f} ms)"
           if times else f"{name}: nobody was told")
    return times


def fifos(box):
    wake = box + "/postern-wake"
    return len(os.listdir(wake)) if os.path.exists(wake) else None


place = mdalocal.Instance(users="alice@example.test: x\n")
place.box = place.maildir("alice")
lmtp = mdalocal.Client(place)
lmtp.deliver(["alice@example.test"])
instances = int(open("/proc/sys/fs/inotify/max_user_instances", encoding="ascii").read())
print(f"# {instances} inotify instances a uid")

# One folder.
idlers = [Idler(place, "INBOX") for _ in range(SESSIONS)]
try:
    wait_for(idlers, b"+ idling", time.monotonic())
    tap.ok(fifos(place.box) == SESSIONS, "each has a fifo")
    for n in (2, 3):
        begin = time.monotonic()
        lmtp.deliver(["alice@example.test"])
        told(idlers, b"* %d EXISTS" % n, begin, "a delivery by mda-local", AT_ONCE)
    with open(place.box + "/tmp/foreign", "w", encoding="ascii") as f:
        f.write("Subject: foreign\n\n")
    if os.geteuid() == 0:
        os.chown(place.box + "/tmp/foreign", mdalocal.NOBODY, mdalocal.NOBODY)
    begin = time.monotonic()
    os.rename(place.box + "/tmp/foreign", place.box + "/new/1.foreign")
    times = told(idlers, b"* 4 EXISTS", begin, "a foreign delivery", POLL + AT_ONCE)
    tap.ok(sum(x < AT_ONCE for x in times) >= min(instances // 2, SESSIONS), "those with an inotify instance at once")
    for i in idlers[:50]:
        i.kill()
    del idlers[:50]
    begin = time.monotonic()
    lmtp.deliver(["alice@example.test"])
    told(idlers, b"* 5 EXISTS", begin, "after 50 were killed", AT_ONCE)
    tap.ok(fifos(place.box) == SESSIONS - 50, "the fifos of those that were killed are gone")
    for i in idlers:
        i.p.stdin.write(b"DONE\r\nc LOGOUT\r\n")
    told(idlers, b"c OK", time.monotonic(), "DONE", LIMIT)
    for i in idlers:
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
    begin = time.monotonic()
    other.p.stdin.write(b"".join(b"e APPEND F%d {12+}\r\nSubject: x\r\n\r\n" % i for i in range(SESSIONS)) + b"f NOOP\r\n")
    wait_for([other], b"f OK", begin)
    print(f"# {SESSIONS} times APPEND took {time.monotonic() - begin:.1f} s")
    begin = time.monotonic()
    told(idlers, b"* 1 EXISTS", begin, "APPEND into each of as many folders", AT_ONCE)

    # Folders that go.
    begin = time.monotonic()
    other.p.stdin.write(b"g DELETE F0\r\n")
    told(idlers[:1], b"* BYE", begin, "DELETE by another session", AT_ONCE)
    begin = time.monotonic()
    for name in ("/.F1", f"/.F{SESSIONS - 1}"):
        while os.path.exists(place.box + name):  # the session may write its index meanwhile
            shutil.rmtree(place.box + name, ignore_errors=True)
    told([idlers[1], idlers[-1]], b"* BYE", begin, "a foreign rm", POLL + AT_ONCE)
finally:
    for i in idlers + [other]:
        i.kill()
place.done()
tap.done()
