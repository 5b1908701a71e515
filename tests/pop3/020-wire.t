#!/usr/bin/env python3
"""What pop3 sends, octet for octet, beside a few lines of Python: dots, line ends of all kinds and
broken ones at every place of a buffer, TOP with every number of lines, sizes; limits of a session."""
import os, random, re, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from loginpair import *

random.seed(1939)
BUFFER = 32768  # maildir/message.h


def wire(text):
    return re.sub(rb"(?<!\r)\n", b"\r\n", text)


def retr(text):
    text = re.sub(rb"(?m)^\.", b"..", text)
    return text + (b".\r\n" if not text or text.endswith(b"\n") else b"\r\n.\r\n")


def top(text, lines):
    at = 0 if text.startswith(b"\r\n") else text.find(b"\r\n\r\n") + 2
    if at < 2 and not text.startswith(b"\r\n"):
        return retr(text)  # no body at all
    head, body = text[:at + 2], text[at + 2:]
    return retr(head + b"".join(re.findall(rb"[^\n]*\n|[^\n]+$", body)[:lines]))


pieces = [b".", b"..", b"\n", b"\n\n", b"\r\n", b"\r", b"\r\n.\r\n", b"\n.", b"\0", b"\xff", b"a", b"word " * 9, b"x" * 900]
messages = [b"", b".", b"\n", b".\n", b"a", b"\r", b"\r\n", b"\n\r", b"a\n\n", b"\n\nbody\n", b"a: b\n\n\n.\n\n"]
messages += [b"".join(random.choices(pieces, k=random.randrange(1, 60))) for _ in range(150)]
for around in range(-3, 4):  # what stands where one buffer ends and the next begins
    for tail in b"\n.\n", b"\r\n.\r\n", b"\n\n.", b"\r.", b"\n\r\n.", b"\r\r\n.x\n":
        fill = wire(b"h: x\n\n" + b"line\n" * 100)
        messages.append(fill + b"y" * (BUFFER - len(fill) + around) + tail + b"end\n")

with Instance() as i:
    root = i.path + "/Maildir"
    os.makedirs(root + "/new")
    if os.geteuid() == 0:
        os.chmod(i.path, 0o755)
    for n, text in enumerate(messages):
        with open(f"{root}/new/{1000000000 + n}.M1P1.h", "wb") as f:
            f.write(text)
    with Login(i, "pop3", MAILDIR=root) as c:
        c.line()

        def read(size):
            while len(c.buffer) < size:
                more = c.socket.recv(1 << 20)
                assert more, c.buffer[-100:]
                c.buffer += more
            data, c.buffer = c.buffer[:size], c.buffer[size:]
            return data

        def asked(command, want):
            c.send(command + b"\r\nNOOP\r\n")
            status = c.line()
            data = read(len(want))
            return status, data, c.line()

        bad = []
        for n, text in enumerate(map(wire, messages), 1):
            want = retr(text)
            got = asked(b"RETR %d" % n, want)
            if got != (b"+OK %d octets\r\n" % len(text), want, b"+OK\r\n"):
                bad.append((messages[n - 1][:200], got[0], got[1][-200:], got[2]))
                break
        same(f"RETR of {len(messages)} messages", bad, [])
        bad = []
        for n, text in enumerate(map(wire, messages), 1):
            for lines in 0, 1, 2, 3, 10**6:
                want = top(text, lines)
                got = asked(b"TOP %d %d" % (n, lines), want)
                if not bad and got != (b"+OK\r\n", want, b"+OK\r\n"):
                    bad.append((lines, messages[n - 1][:200], want[-200:], got))
                    break
            if bad:
                break
        same("TOP of all of them", bad, [])
        same("STAT", c.ask(b"STAT\r\n"), b"+OK %d %d\r\n" % (len(messages), sum(len(wire(t)) for t in messages)))
        same("a line too long", c.ask(b"x" * 600 + b"\r\n"), b"-ERR Line too long\r\n")
        c.send(b"x\r\n" * 98)
        same("errors", {c.line() for _ in range(98)}, {b"-ERR Unknown command\r\n"})
        same("too many errors", c.ask(b"x\r\n") + c.line(), b"-ERR Unknown command\r\n-ERR [SYS/PERM] Too many errors\r\n")
        same("are the end", c.line(), b"")
done()
