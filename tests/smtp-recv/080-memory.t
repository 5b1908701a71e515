#!/usr/bin/env python3
"""Memory does not grow with the message: peak resident size for 100 kB and 100 MB, by DATA and by BDAT,
and for 1000 recipients. Skipped under sanitizers, which keep freed memory."""
import os, re, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Sink, Tap

if b"__asan_init" in open(BIN + "/smtp-recv", "rb").read():
    print("1..0 # SKIP sanitizers keep freed memory")
    sys.exit(0)
tap = Tap()
MB = 1 << 20
i = Instance(lmtp=False, smtp_size="200M")
i.lmtp = Sink(i.path("run/lmtp/sock"))


def peak(c):
    status = open(f"/proc/{c.process.pid}/status").read()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]), int(re.search(r"RssAnon:\s+(\d+)", status)[1])


def send(size, bdat):
    c = i.client()
    c.cmd("EHLO a.example")
    c.cmd("MAIL FROM:<a@b.example>")
    c.cmd("RCPT TO:<u@example.test>")
    piece = (b"x" * 78 + b"\r\n") * 1000
    if not bdat:
        c.cmd("DATA")
    else:
        c.send(b"BDAT %d LAST\r\n" % size)
    for _ in range(size // len(piece)):
        c.send(piece)
    c.send(piece[:size % len(piece)] if bdat else b".\r\n")
    said = c.reply()
    tap.like(said, "^250", f"{size} octets by {'BDAT' if bdat else 'DATA'}")
    memory = peak(c)
    c.close()
    return memory


small = send(100000, False)
for bdat in (False, True):
    big = send(100 * MB, bdat)
    tap.ok(big[0] <= small[0] + 256 and big[0] < 4096, f"peak {big[0]} kB for 100 MB, {small[0]} kB for 100 kB; anonymous {big[1]} kB", (big, small))
tap.ok(i.lmtp.messages[-1] > 100 * MB, "all of it was delivered", i.lmtp.messages)
tap.eq(os.listdir(i.path("run/tmp")), [], "no file has a name")
c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b.example>")
idle = peak(c)
for n in range(1000):
    c.send(f"RCPT TO:<user{n}@example.test>\r\n")
said = [c.reply()[:3] for n in range(1000)]
full = peak(c)
tap.ok(said == ["250"] * 1000 and full[0] < idle[0] + 1024, f"1000 recipients: {idle[0]} kB, then {full[0]} kB", full)
c.close()
i.close()
tap.done()
