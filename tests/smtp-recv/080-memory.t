#!/usr/bin/env python3
"""Memory does not grow with the message: peak resident size for 1 MB and 100 MB, by DATA and by BDAT, for 50 MB past a filter
that adds a field and past one that writes the body anew, and for 1000 recipients. Skipped under sanitizers, which keep freed memory."""
import os, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from milter import Milter, add, body
from smtprecv import BIN, Instance, Sink, Tap

if b"__asan_init" in open(BIN + "/smtp-recv", "rb").read():
    print("1..0 # SKIP sanitizers keep freed memory")
    sys.exit(0)
tap = Tap()
MB = 1 << 20
PIECE = (b"x" * 78 + b"\r\n") * 800  # 64000


def instance(**settings):
    i = Instance(lmtp=False, smtp_size="200M", **settings)
    i.lmtp = Sink(i.path("run/lmtp/sock"))
    return i


def send(i, size, bdat=False):
    """Peak and private kilobytes behind a message of whole pieces, which is delivered."""
    c = i.client()
    c.cmd("EHLO a.example")
    c.cmd("MAIL FROM:<a@b.example>")
    c.cmd("RCPT TO:<u@example.test>")
    count = size // len(PIECE)
    if bdat:
        c.send(b"BDAT %d LAST\r\n" % (count * len(PIECE)))
    else:
        c.cmd("DATA")
    for _ in range(count):
        c.send(PIECE)
    if not bdat:
        c.send(b".\r\n")
    tap.like(c.reply(), "^250", f"{size} octets by {'BDAT' if bdat else 'DATA'}")
    memory = c.memory()
    c.close()
    tap.ok(i.lmtp.messages and i.lmtp.messages[-1] > count * len(PIECE), "all of it was delivered", i.lmtp.messages)
    tap.eq(os.listdir(i.path("run/tmp")), [], "no file has a name")
    return memory


i = instance()
small = send(i, 1000000)  # as long as a message may be that is held in memory
for bdat in (False, True):
    big = send(i, 100 * MB, bdat)
    tap.ok(big[0] <= small[0] + 256 and big[0] < 4096, f"peak {big[0]} kB for 100 MB, {small[0]} kB for 1 MB; anonymous {big[1]} kB", (big, small))


class Counting(Milter):
    """Keeps only the length of a body."""
    size = 0

    def note(self, event, what):
        if event == "body":
            self.size += len(what)
        super().note(event, None if event == "body" else what)


COUNT = 50 * MB // len(PIECE)
for name, said in (("a field more", [add("X-A", "1"), "cont"]), ("the body anew", [body(PIECE)] * COUNT + ["cont"])):
    m = Counting(protocol=0x80000, answers={"eom": said})
    filtered = instance(milters=f"m {m.name} timeout=120\n")
    peak = send(filtered, 50 * MB)[0]
    tap.eq(m.size, COUNT * len(PIECE), f"{name}: the filter was shown all of it")
    tap.ok(peak < 4096, f"{name}: peak {peak} kB")
    filtered.close()
    m.close()

c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b.example>")
idle = c.memory()
for n in range(1000):
    c.send(f"RCPT TO:<user{n}@example.test>\r\n")
said = [c.reply()[:3] for n in range(1000)]
full = c.memory()
tap.ok(said == ["250"] * 1000 and full[0] < idle[0] + 1024, f"1000 recipients: {idle[0]} kB, then {full[0]} kB", full)
c.close()
i.close()
tap.done()
