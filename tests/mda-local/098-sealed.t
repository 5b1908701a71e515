#!/usr/bin/env python3
"""XSEALED: a message as a memory file of the client's. Nothing is taken that somebody could still change or cut off, nothing too big, nothing that is no
message; whatever comes instead, the connection goes on, and keeps no descriptor of it. Over TCP there is no such command."""
import fcntl, os, socket, sys, tempfile
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import LIMIT, PROGRAM, Client, Instance, Tap

tap = Tap()
DELIVERED, NOT_SEALED = "250 2.0.0 delivered", "501 5.5.4 no sealed memory file with a message"
F_ADD_SEALS, SEAL, SHRINK, GROW, WRITE = 1033, 1, 2, 4, 8
CHANGELESS = SHRINK | GROW | WRITE
TEXT = b"Subject: sealed\n\n" + b"0123456789 line\n" * 8000
FRONT = b"Return-Path: <sender@remote.test>\nDelivered-To: %s@example.test\n"


def memory(text=TEXT, seals=SEAL | CHANGELESS):
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, text)
    fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


def pass_on(c, fd, command=b"XSEALED\r\n", count=1):
    """The replies; the descriptor is closed here."""
    socket.send_fds(c.socket, [command], [fd])
    os.close(fd)
    return [c.reply() for _ in range(count)]


def descriptors(pid):
    return sum(len(os.listdir(f"/proc/{p}/fd")) for p in [pid, *children(pid)])


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return f.read().split()


i = Instance(users="alice@example.test: x\nbob@example.test: x\n", lmtp_size="300000\n")
c = Client(i)
tap.ok("250-XSEALED" in c.cmd("LHLO c").split("\n"), "it is announced")

c.mail(["alice@example.test"])
tap.eq(pass_on(c, memory()), [DELIVERED], "a sealed file")
tap.eq(i.messages("alice"), [(FRONT % b"alice" + TEXT).decode()], "... is what is delivered")
c.mail(["alice@example.test", "bob@example.test"])
tap.eq(pass_on(c, memory(b"Subject: two\n\nx\n", CHANGELESS), count=2), [DELIVERED] * 2, "for two, of whom each has a reply; whether seals may be added does not matter")
tap.eq((len(i.messages("alice")), i.messages("bob")), (2, [(FRONT % b"bob" + b"Subject: two\n\nx\n").decode()]), "... and a copy")
socket.send_fds(c.socket, [b"MAIL FROM:<sender@remote.test>\r\nRCPT TO:<bob@example.test>\r\nXSEALED\r\nNOOP\r\n"], [memory()])
tap.eq([c.reply()[:3] for _ in range(4)], ["250"] * 4, "pipelined")
tap.eq(len(i.messages("bob")), 2, "... it is delivered, too")

# What is not taken.
tcp, _ = socket.socketpair()
ordinary = tempfile.TemporaryFile()
ordinary.write(TEXT)
ordinary.flush()
pipe = os.pipe()
os.close(pipe[1])
writing = memory()
for what, fd in (("no seals", memory(seals=0)), ("may be written", memory(seals=SEAL | SHRINK | GROW)), ("may be cut off", memory(seals=SEAL | WRITE | GROW)),
                 ("may grow", memory(seals=SEAL | WRITE | SHRINK)), ("an empty one", memory(b"")), ("a last line without an end", memory(b"Subject: x\n\nx")),
                 ("an ordinary file", os.dup(ordinary.fileno())), ("a pipe", pipe[0]), ("a socket", tcp.detach()), ("a directory", os.open("/", os.O_RDONLY)),
                 ("no right to read", os.open(f"/proc/self/fd/{writing}", os.O_WRONLY)), ("only a name", os.open(f"/proc/self/fd/{writing}", os.O_PATH))):
    c.mail(["bob@example.test", "alice@example.test"])
    tap.eq(pass_on(c, fd, count=2), [NOT_SEALED] * 2, f"refused: {what}")
os.close(writing)
c.mail(["bob@example.test"])
tap.eq(c.cmd("XSEALED"), NOT_SEALED, "refused: none at all")
c.mail(["bob@example.test"])
tap.eq(pass_on(c, memory(b"Subject: x\n\n" + b"y" * 400000 + b"\n")), ["552 5.3.4 message too big"], "refused: more than lmtp-size")
sparse = os.memfd_create("test", os.MFD_ALLOW_SEALING)
os.ftruncate(sparse, 1 << 40)
os.pwrite(sparse, b"\n", (1 << 40) - 1)
fcntl.fcntl(sparse, F_ADD_SEALS, CHANGELESS)
c.mail(["bob@example.test"])
tap.eq(pass_on(c, sparse), ["552 5.3.4 message too big"], "refused: a terabyte that takes no room")
tap.eq((len(i.messages("alice")), len(i.messages("bob"))), (2, 2), "nothing of these was delivered")
c.mail(["bob@example.test"])
tap.eq(pass_on(c, memory()), [DELIVERED], "the next is")
c.mail(["bob@example.test"])
tap.eq(c.data("Subject: x\r\n\r\nx", 1), [DELIVERED], "... and one by DATA behind it")
c.mail(["bob@example.test"])
tap.eq(c.cmd("BDAT 3 LAST\r\nx\r\n"[:-2]), DELIVERED, "... and by BDAT")

# Descriptors that nobody asked for.
c.cmd("NOOP")
before = descriptors(c.process.pid)
for _ in range(50):
    pass_on(c, memory(), b"NOOP\r\n")
tap.ok(descriptors(c.process.pid) <= before + 1, "those beside other commands are closed", (before, descriptors(c.process.pid)))
socket.send_fds(c.socket, [b"NOOP\r\n"], [memory() for _ in range(20)])
c.reply()
tap.ok(descriptors(c.process.pid) <= before + 1, "... also if many come at once", (before, descriptors(c.process.pid)))
c.mail(["bob@example.test"])
tap.eq(pass_on(c, memory()), [DELIVERED], "... and the right one is taken")
tap.eq(c.quit(), 0, "the end")

# A TCP connection.
with socket.create_server(("127.0.0.1", 0)) as listening:
    ours = socket.create_connection(listening.getsockname(), LIMIT)
    theirs, _ = listening.accept()
t = Client.__new__(Client)
t.process, t.socket, t.buffer = i.start([PROGRAM], stdin=theirs, stdout=theirs), ours, b""
theirs.close()
t.reply()
tap.ok("XSEALED" not in t.cmd("LHLO c"), "over TCP it is not announced")
t.mail(["bob@example.test"])
tap.eq(t.cmd("XSEALED"), NOT_SEALED, "... and there is no descriptor")
t.quit()
i.done()
tap.done()
