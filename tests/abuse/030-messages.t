#!/usr/bin/env python3
"""Messages that nobody would write: a header of 10 MB, MIME nested 10,000 deep, 100,000 recipients in To, a million fields. They are taken or refused
with a reason; what is taken can be listed, searched, sorted, threaded and read back to the last octet, in bounded memory."""
import os
import resource
import subprocess
import sys
import tempfile
import threading
import zlib

import abuse
import mdalocal
from abuse import PROOF, count, tap
from imapwire import Session, fetched

abuse.proof("no message, however made, brings a program down, blows its memory up, or is changed")
if b"__asan_init" in open(mdalocal.PROGRAM, "rb").read():
    print("1..0 # SKIP sanitizers take memory of their own")
    sys.exit(0)
MB = 1 << 20
BIG, DEEP, CROWD, FIELDS = count(2 * MB, 10 * MB), 10000, count(20000, 100000), count(100000, 1000000)
# What the session's address space may be: so that "bounded" is the kernel's word.
IMAP_MEMORY = 48 * MB
DROP = ["setpriv", f"--reuid={mdalocal.NOBODY}", f"--regid={mdalocal.NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
HEAD = "From: a@b.test\r\nDate: Fri, 2 Oct 2026 10:00:00 +0000\r\nMessage-ID: <%s@b.test>\r\nSubject: %s\r\n"


def nested(depth, kind):
    """Parts within parts, each with its own boundary, or messages within messages."""
    if kind == "message":
        return "Content-Type: message/rfc822\r\n\r\n" * depth + "Subject: innermost\r\n\r\nneedle\r\n"
    opening = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(depth))
    return opening + "Content-Type: text/plain\r\n\r\nneedle\r\n" + "".join(f"--b{n}--\r\n" for n in reversed(range(depth)))


def messages():
    """(name, text)"""
    yield "header", HEAD % ("header", "header") + "X-Long: " + ("x" * 70 + "\r\n ") * (BIG // 73) + "end\r\n\r\nneedle\r\n"
    yield "line", HEAD % ("line", "line") + "X-Long: " + "x" * 60000 + "\r\n\r\nneedle\r\n"
    yield "multipart", HEAD % ("multipart", "multipart") + "MIME-Version: 1.0\r\n" + nested(DEEP, "multipart")
    yield "message", HEAD % ("message", "message") + "MIME-Version: 1.0\r\n" + nested(DEEP, "message")
    yield "parts", (HEAD % ("parts", "parts") + "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
                    "--b\r\n\r\nx\r\n" * DEEP + "--b--\r\nneedle\r\n")
    yield "to", HEAD % ("to", "to") + "To: " + ",\r\n ".join(f"n{n}@c.test" for n in range(CROWD)) + "\r\n\r\nneedle\r\n"
    yield "references", HEAD % ("references", "references") + "References: " + "\r\n ".join(f"<r{n}@c.test>" for n in range(CROWD)) + "\r\n\r\nneedle\r\n"
    yield "fields", HEAD % ("fields", "fields") + "".join(f"X-{n}: y\r\n" for n in range(FIELDS)) + "\r\nneedle\r\n"
    yield "encoded", HEAD % ("encoded", "=?utf-8?q?" + "=20" * 20 + "?= " * 1) + "X: " + "=?utf-8?b?eA==?=\r\n " * (CROWD // 4) + "end\r\n\r\nneedle\r\n"
    yield "parameters", (HEAD % ("parameters", "parameters") + "MIME-Version: 1.0\r\nContent-Type: text/plain" +
                         "".join(f";\r\n n*{n}=x" for n in range(CROWD // 4)) + "\r\n\r\nneedle\r\n")


COMMANDS = ["FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)", "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT X-LONG X-99999)] PREVIEW)",
            "FETCH 1:* (BODY.PEEK[1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1] BODY.PEEK[1.MIME])", "SEARCH TEXT needle", "SEARCH HEADER X-LONG end",
            "SEARCH TO n1@c.test", "SORT (SUBJECT TO FROM DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL"]


def limited():
    resource.setrlimit(resource.RLIMIT_DATA, (IMAP_MEMORY, IMAP_MEMORY))


def imap(**more):
    return Session(DROP + ["prlimit", f"--data={IMAP_MEMORY}", os.path.abspath("build/bin/imap")], MAILDIR=place.maildir("alice"), POSTERN_DIR=place.dir, **more)


def peak(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


place = mdalocal.Instance(users="alice@example.test: x\n")
texts = dict(messages())
place.sieve("alice", 'require ["body", "fileinto", "variables", "mime", "foreverypart", "envelope"];\n'
            'if anyof (address "to" "x@c.test", header :contains "X-Long" "nothing", body :contains "nothing", exists "X-none") { fileinto "none"; }\n'
            'foreverypart { if header :mime :contenttype "content-type" "image/none" { break; } }\n')
taken = []
c = mdalocal.Client(place)
for name, text in texts.items():
    reply = c.deliver(["alice@example.test"], message=text)
    tap.ok(reply == ["250 2.0.0 delivered"], f"{name}, {len(text)} octets: delivered, past a script that looks at all of it", reply, place.log()[-1500:])
    taken.append(name)
c.quit()
tap.ok(not any(" died" in line or "killed" in line for line in place.log().splitlines()), "and no worker died", place.log()[-1000:])

s = imap()
s.ok("SELECT INBOX")
for command in COMMANDS:
    untagged, tagged = s.command(command)
    tap.ok(tagged.startswith(b"OK"), f"{command[:60]}: {tagged.decode()[:60]}, {sum(map(len, untagged))} octets", tagged[:300])
    if command == "SEARCH TEXT needle":
        numbers = [n for n, name in enumerate(texts, 1) if name != "multipart"]  # MIME_DEPTH_MAX: what is deeper is not looked at
        tap.ok(list(map(int, untagged[0].split()[2:])) == numbers, "each of them is found, but the one that hides it 10,000 deep", untagged[:2])
tap.ok(peak(s.process.pid) * 1024 < IMAP_MEMORY + 2 * max(map(len, texts.values())), f"the session's peak: {peak(s.process.pid)} kB")
for n, (name, text) in enumerate(texts.items(), 1):
    got = fetched(s.ok(f"FETCH {n} BODY.PEEK[]"))[n][b"BODY[]"]
    tap.ok(got.endswith(text.encode()), f"{name}: read back to the last octet", len(got), len(text))
    s.ok(f"UID COPY {n} INBOX")
for n, (name, text) in enumerate(texts.items(), 1):
    tag = s.start(b"APPEND INBOX {%d}" % len(text))
    s.line()
    for at in range(0, len(text), 60000):
        s.send(text[at:at + 60000].encode())
    s.send(b"\r\n")
    tap.ok(s.finish(tag)[1].startswith(b"OK"), f"{name}: by APPEND, too")
s.__exit__()
tap.ok(s.process.returncode == 0, "the session ends well", s.said[-500:])
p = subprocess.run(DROP + [os.path.abspath("build/bin/pop3")], input="".join(f"TOP {n + 1} 1\r\n" for n in range(len(texts))).encode() + b"UIDL\r\nRETR 1\r\nQUIT\r\n", stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE, env={**os.environ, "MAILDIR": place.maildir("alice"), "POSTERN_DIR": place.dir}, timeout=abuse.LIMIT, check=False)
tap.ok(p.returncode == 0 and p.stdout.endswith(b"+OK Bye\r\n") and p.stdout.count(b"\r\n.\r\n") == len(texts) + 2, "POP3 shows their headers", p.stderr[-300:])

# ---- COMPRESS: little that stands for much ----


class Bomb(Session):
    """After COMPRESS what comes is not looked into but at the end."""

    def all(self):
        data = b""
        while more := os.read(self.process.stdout.fileno(), 1 << 16):
            data += more
        return zlib.decompressobj(-15).decompress(self.buffer + data)


def bomb(name, before, size, after, wanted):
    """`size` octets, packed a thousand to one, in the midst of a command."""
    s = Bomb(DROP + ["prlimit", f"--data={IMAP_MEMORY}", os.path.abspath("build/bin/imap")], MAILDIR=place.maildir("alice"), POSTERN_DIR=place.dir)
    s.ok("COMPRESS DEFLATE")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(before) + b"".join(packer.compress(b"A" * MB) for _ in range(size // MB)) + packer.compress(after) + packer.flush()
    sender = threading.Thread(target=lambda: [s.send(packed[at:at + 4096]) for at in range(0, len(packed), 4096)])
    sender.start()
    most = [0]
    said = s.all()
    most[0] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    sender.join()
    s.__exit__()
    tap.ok(wanted in said and s.process.returncode == 0, f"{name}: {size // MB} MB in {len(packed) // 1024} kB: {wanted.decode().strip()}", said[-200:], s.said[-300:])


SIZE = count(32, 1024) * MB
os.environ["PYTHONWARNINGS"] = "ignore"
import signal  # noqa: E402
signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def quiet_sender():
    threading.excepthook = lambda _: None  # the session has ended in the midst of it, as it should


quiet_sender()
bomb("COMPRESS, a command line", b"", SIZE, b"\r\n", b"* BYE Command line too long.")
bomb("COMPRESS, a literal", b"a LOGIN {%d+}\r\n" % SIZE, SIZE, b"\r\nb LOGOUT\r\n", b"b OK ")
bomb("COMPRESS, a literal beyond all limits", b"a SEARCH TEXT {%d+}\r\n" % (2 << 30), SIZE, b"", b"* BYE ")
bomb("COMPRESS, a message", b"a APPEND INBOX {%d+}\r\n" % (SIZE if SIZE > 200 * MB else SIZE), SIZE, b"\r\nb LOGOUT\r\n", b"b OK ")
left = os.listdir(place.maildir("alice") + "/tmp") + os.listdir(place.path("run/tmp"))
tap.ok(not left, "no file is left", left)
place.done()
tap.done()
