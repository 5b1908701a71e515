#!/usr/bin/env python3
"""A message whose wake was lost: mda-remote sees that its directory has changed, and reads that one alone. (Takes one look, WALK_PEEK_MS.)"""
import os, signal, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import syscalls
from instance import tap, wait_for
from smtppeer import Peer, Remote, place

why = syscalls.missing()
with Peer() as peer, Remote({"smtp-port": peer.port}, routes="*: [127.0.0.1]") as r:
    r.queue("first@x.test")  # makes the directories
    r.start()
    r.wait_empty()
    r.stop()
    for d in os.listdir(r.dir + "/spool"):  # what is as young as this would be read again
        os.utime(f"{r.dir}/spool/{d}", (1e9, 1e9))
    trace = f"{r.dir}/trace"
    r.start(under=[] if why else ["strace", "-D", "-qq", "-e", "trace=openat", "-e", "signal=none", "-o", trace])
    r.wait("event=read", count=2)
    os.kill(r.process.pid, signal.SIGSTOP)
    name = r.queue("lost@x.test")
    fifo = os.open(r.dir + "/spool/trigger", os.O_RDONLY | os.O_NONBLOCK)
    lost = os.read(fifo, 1000)
    os.close(fifo)
    os.kill(r.process.pid, signal.SIGCONT)
    r.wait_empty()
    tap.ok(lost == name.encode() + b"\n" and [m.rcpts[0].split("<")[1].split(">")[0] for m in peer.messages] == ["first@x.test", "lost@x.test"], "it is delivered all the same", lost, peer.messages)
    r.stop()
    if why:
        tap.skip("which directories are read", why)
    else:
        with open(trace) as f:
            opened = [l.split('"')[1] for l in f if "O_DIRECTORY" in l and len(l.split('"')[1]) == 1 and l.split('"')[1] in "0123456789abcdef"]
        tap.ok(sorted(opened[:16]) == list("0123456789abcdef") and set(opened[16:]) == {place(name)}, "at the start every directory is read, then only what has changed", opened, place(name))
tap.done()
