#!/usr/bin/env python3
"""A message of some length goes to mda-local as a sealed memory file where that is announced (XSEALED) and the server is on this host: the same
octets as by BDAT, which nobody can change any more; and by BDAT or DATA where there is no such file."""
import fcntl, os, socket, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from milter import Milter, add
from smtprecv import Instance, Lmtp, Tap, behind_received

tap = Tap()
EXT = ("PIPELINING", "8BITMIME", "CHUNKING", "XFORWARD IDENT", "XSEALED")
KIB = 1 << 10
F_GET_SEALS, ALL_SEALS = 1034, 15


class Sealing(Lmtp):
    """Takes memory files, too: what was in them is kept with CR LF, beside how the message came."""

    def talk(self, peer, f):
        server, passed = self, []

        class Lines:
            """As a file, but descriptors are kept."""
            buffer = b""

            def fill(self):
                data, fds, _, _ = socket.recv_fds(peer, 1 << 16, 4)
                passed.extend(fds)
                self.buffer += data
                return data

            def readline(self):
                while b"\n" not in self.buffer and self.fill():
                    pass
                line, lf, self.buffer = self.buffer.partition(b"\n")
                return line + lf

            def read(self, n):
                while len(self.buffer) < n and self.fill():
                    pass
                out, self.buffer = self.buffer[:n], self.buffer[n:]
                return out

            def __iter__(self):
                for line in iter(self.readline, b""):
                    if line == b"XSEALED\r\n":
                        fd = passed.pop()
                        server.seals.append(fcntl.fcntl(fd, F_GET_SEALS))
                        text = os.pread(fd, 1 << 24, 0).replace(b"\n", b"\r\n")
                        os.close(fd)
                        # On as if it had been a chunk.
                        self.buffer = text + self.buffer
                        line = b"BDAT %d LAST\r\n" % len(text)
                        server.sealed += 1
                    yield line

        super().talk(peer, Lines())

    def __init__(self, *args, **more):
        self.sealed, self.seals = 0, []
        super().__init__(*args, **more)


def instance(lmtp=None, ext=EXT, **more):
    i = Instance(lmtp=False, **more)
    i.lmtp = Sealing(i.path("run/lmtp/sock"), lmtp, ext=ext)
    return i


def text(size, header="Subject: x\r\n"):
    return header + "\r\n" + ("y" * 98 + "\r\n") * (size // 100)


for what, body, sealed in (
        ("short", text(1000), 0), ("of 60 KiB", text(60 * KIB), 0), ("of 100 KiB", text(100 * KIB), 1), ("of 1,000,000 octets", text(1000000), 1), ("of 1.1 MiB", text(1126 * KIB), 0),
        ("with dots and bytes", text(100 * KIB) + "..\r\n..x\r\n\xe4\r\n", 1), ("all header", "X-A: " + "y" * 900 + "\r\n" + ("X-B: " + "z" * 900 + "\r\n") * 200, 0),
        ("a long header", ("X-B: " + "z" * 900 + "\r\n") * 30 + text(100 * KIB), 1)):
    i = instance()
    c = i.client()
    _, said = c.mail(["u@example.test"], body)
    tap.like(said, "^250 2.0.0", f"a message {what}")
    want = body.replace("\r\n..", "\r\n.").encode()
    got = i.lmtp.messages[0]["body"]
    tap.ok(behind_received(got) == want, "... the same octets", (got[:300], got[-100:]))
    tap.eq((i.lmtp.sealed, set(i.lmtp.seals)), (sealed, {ALL_SEALS} if sealed else set()), "... by its own way, sealed")
    tap.eq(got.count(b"Received: "), 1, "... with one line of ours")
    _, said = c.mail(["u@example.test"], text(200), hello=False)
    tap.ok(said[:3] == "250" and behind_received(i.lmtp.messages[1]["body"]) == text(200).encode(), "... and a short one behind it", said)
    _, said = c.mail(["u@example.test"], text(90 * KIB), hello=False)
    tap.ok(said[:3] == "250" and behind_received(i.lmtp.messages[2]["body"]) == text(90 * KIB).encode(), "... and another long one", said)
    c.close()
    i.close()

# Who does not announce it, or is not on this host, gets no descriptor.
i = instance(ext=EXT[:-1])
c = i.client()
tap.like(c.mail(["u@example.test"], text(100 * KIB))[1], "^250", "a server without it")
tap.eq((i.lmtp.sealed, behind_received(i.lmtp.messages[0]["body"])), (0, text(100 * KIB).encode()), "... gets BDAT")
c.close()
i.close()
far = Sealing(None, ext=EXT, tcp=True)
i = instance(tables={"domains": f"example.test:\ntcp.test: lmtp:127.0.0.1:{far.port}\n"})
c = i.client()
tap.like(c.mail(["u@tcp.test"], text(100 * KIB))[1], "^250", "one that announces it over TCP")
tap.eq((far.sealed, behind_received(far.messages[0]["body"])), (0, text(100 * KIB).encode()), "... gets BDAT")
c.close()
i.close()
far.close()

# One for this host, one for the spool: it is read after it was sealed.
i = instance()
c = i.client(RELAYCLIENT="")
tap.like(c.mail(["u@example.test", "f@far.example"], text(100 * KIB))[1], "^250", "local and remote recipients")
tap.eq((i.lmtp.sealed, len(i.spool.messages), i.spool.messages and i.spool.messages[0]["body"]), (1, 1, i.lmtp.messages[0]["body"]), "... both get the same")
c.close()
i.close()

# Nothing else than with BDAT follows from its replies.
for rules, wanted, copies in (({"dot": "452 4.2.2 full"}, "452 4.2.2", 0), ({"dot": "550 5.7.1 no"}, "550 5.7.1", 0), ({"dot:u": "close"}, "451 4.3.0", 0), ({"dot:u": "lost"}, "451 4.3.0", 1)):
    i = instance(rules)
    c = i.client()
    _, said = c.mail(["u@example.test"], text(100 * KIB))
    tap.ok(said[:9] == wanted and sum(len(m["rcpts"]) for m in i.lmtp.messages) == copies, f"{rules}", (said, i.lmtp.lines))
    c.close()
    i.close()

# What stands in front is known before the end; where it changes later the file is not handed over.
i = instance(submission="")
c = i.client("-s", unix=True)
tap.like(c.mail(["u@example.test"], text(100 * KIB), sender="a@example.test")[1], "^250", "submission")
got = i.lmtp.messages[0]["body"]
tap.ok(i.lmtp.sealed == 1 and got.count(b"\r\nDate: ") == 1 and got.count(b"\r\nMessage-ID: ") == 1, "... what was missing is in front", got[:400])
c.close()
i.close()
for answers, sealed in (({}, 1), ({"eom": [add("X-Seen", "yes"), "cont"]}, 0)):
    m = Milter(answers=answers)
    i = instance(milters=f"seen {m.name}\n")
    c = i.client()
    tap.like(c.mail(["u@example.test"], text(100 * KIB))[1], "^250", f"a filter that answers {answers or 'nothing new'}")
    got = i.lmtp.messages[0]["body"]
    tap.eq((i.lmtp.sealed, got.count(b"X-Seen: yes\r\n"), got.endswith(text(100 * KIB).encode()[-50000:])), (sealed, 1 - sealed, True), "... and what is delivered")
    c.close()
    i.close()
    m.close()
tap.done()
