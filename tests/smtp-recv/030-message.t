#!/usr/bin/env python3
"""The octets of a message: what ends it, what is refused, what is passed on (RFC 5321 4.5.2, RFC 3030)."""
import os, re, sys, time
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import Instance, Tap, behind_received

tap = Tap()
i = Instance()
repair = Instance(smtp_bare_newlines="repair")


def begin(instance=i, rcpts=("bob",), **env):
    c = instance.client(**env)
    c.cmd("EHLO client.example")
    c.cmd("MAIL FROM:<a@b.example>")
    for r in rcpts:
        c.cmd(f"RCPT TO:<{r}@example.test>")
    return c


def data(octets, instance=i, cuts=()):
    """Sends octets after DATA, cut where told; the reply, and what was delivered (None: nothing)."""
    c = begin(instance)
    had = len(instance.lmtp.messages)
    c.cmd("DATA")
    at = 0
    for cut in list(cuts) + [len(octets)]:
        c.send(octets[at:cut])
        at = cut
        if cuts:
            time.sleep(0.002)
    said = c.reply()
    after = c.cmd("NOOP")
    c.close()
    got = instance.lmtp.messages[had:]
    return said, after, [behind_received(m["body"]) for m in got]


def check(name, octets, code, body=None, instance=i, cuts=()):
    said, after, got = data(octets, instance, cuts)
    tap.ok(said and said.startswith(code) and got == ([body] if body is not None else []) and after == "250 2.0.0 ok",
           name, f"{said!r} {after!r} {got!r}")


H = b"Subject: x\r\n\r\n"
check("a message", H + b"hello\r\n.\r\n", "250", H + b"hello\r\n")
check("an empty message", b".\r\n", "250", b"")
check("dots are unstuffed, and stuffed again", H + b"..\r\n...x\r\n.y\r\n.\r\n", "250", H + b".\r\n..x\r\ny\r\n")
check("eight bits", H + b"\xc3\xa9\xff\r\n.\r\n", "250", H + b"\xc3\xa9\xff\r\n")

# Smuggling: none of these ends a message; the whole of it is refused, or repaired.
INNER = b"\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nevil\r\n.\r\n"
for name, end in [("LF . LF", b"\n.\n"), ("LF . CR LF", b"\n.\r\n"), ("CR . CR", b"\r.\r"), ("CR LF . LF", b"\r\n.\n"),
                  ("CR LF . CR", b"\r\n.\r"), ("CR . CR LF", b"\r.\r\n"), ("CR CR LF . CR CR LF", b"\r\r\n.\r\r\n"),
                  ("LF LF . CR LF", b"\n\n.\r\n"), ("CR . LF", b"\r.\n"), ("CR LF . NUL CR LF", b"\r\n.\0\r\n"),
                  ("CR LF NUL . CR LF", b"\r\n\0.\r\n"), ("LF CR . CR LF CR", b"\n\r.\r\n\r")]:
    octets = H + b"text" + end + INNER[2:]
    said, after, got = data(octets)
    tap.ok(said[:3] == "554" and not got and after == "250 2.0.0 ok", f"smuggling: {name} is refused whole", (said, after, got))
    said, after, got = data(octets, repair)
    one = len(got) == 1 and b"evil@b" in got[0] and b"\r" not in got[0].replace(b"\r\n", b"") \
        and b"\n" not in got[0].replace(b"\r\n", b"")
    tap.ok(after == "250 2.0.0 ok" and (one or (said[:3] == "554" and not got and b"\0" in octets)),
           f"smuggling: {name} repaired stays one message", (said, after, got))
check("repair: LF . LF is a line with a dot", H + b"a\n.\nb\r\n.\r\n", "250", H + b"a\r\n.\r\nb\r\n",
      repair)
check("NUL is refused, in repair mode too", H + b"a\0b\r\n.\r\n", "554 5.6.0 NUL", instance=repair)

# Cut at every place.
octets = H + b"a\r\n.\r\r\n..\r\n.\r\n"
for cut in range(1, len(octets)):
    check(f"cut after {cut}", octets, "554 5.6.0 bare", cuts=[cut])
octets = H + b"a\r\n..\r\nb\r\n.\r\n"
check("cut everywhere", octets, "250", H + b"a\r\n.\r\nb\r\n", cuts=range(1, len(octets)))
c = begin()
c.send("DATA\r\n" + "Subject: y\r\n\r\nz\r\n.\r\nNOOP\r\nQUIT\r\n")
tap.eq([c.reply()[:3] for _ in range(4)], ["354", "250", "250", "221"], "all in one packet")
tap.like(i.logged(), "event=early-talk verb=DATA", "... is noted")
c.close()

# Lines and limits.
check("998 octets in a line", H + b"x" * 998 + b"\r\n.\r\n", "250", H + b"x" * 998 + b"\r\n")
check("65536 octets in a line", H + b"x" * 65536 + b"\r\n.\r\n", "250", H + b"x" * 65536 + b"\r\n")
check("65537 are too many", H + b"x" * 65537 + b"\r\n.\r\n", "554 5.6.0 text line too long")
check("50 Received fields", b"Received: x\r\n" * 50 + b"\r\nReceived: y\r\n.\r\n", "250", b"Received: x\r\n" * 50 + b"\r\nReceived: y\r\n")
check("51 are a loop", b"RECEIVED : x\r\n\tReceived: no\r\n" * 51 + b"\r\n.\r\n", "554 5.4.6")
small = Instance(smtp_size="1K")
check("1024 octets", b"x" * 510 + b"\r\n" + b"y" * 510 + b"\r\n.\r\n", "250", b"x" * 510 + b"\r\n" + b"y" * 510 + b"\r\n", small)
check("1025 octets", b"x" * 511 + b"\r\n" + b"y" * 510 + b"\r\n.\r\n", "552 5.3.4 message too big; octets allowed: 1024", None, small)
check("far too many octets", b"x" * 78 + b"\r\n" + (b"y" * 78 + b"\r\n") * 20000 + b".\r\n", "552 5.3.4", None, small)
c = begin(small)
tap.eq(c.cmd("RSET") and c.cmd("MAIL FROM:<a@b.example> SIZE=1025"), "552 5.3.4 message too big; octets allowed: 1024", "SIZE=")
c.close()

# A message that is longer than memory holds goes through a file.
big = H + b"".join(b"%07d\r\n" % n for n in range(100000))
check("900 kB", big + b".\r\n", "250", big)

# BDAT (RFC 3030).
def bdat(chunks, instance=i):
    """chunks: (octets, last). Replies, NOOP's reply, deliveries."""
    c = begin(instance)
    had = len(instance.lmtp.messages)
    said = []
    for octets, last in chunks:
        c.send(b"BDAT %d%s\r\n" % (len(octets), b" LAST" if last else b"") + octets)
        said.append(c.reply())
    after = c.cmd("NOOP")
    c.close()
    return [s[:3] for s in said], after[:3], [behind_received(m["body"]) for m in instance.lmtp.messages[had:]]


for name, chunks, codes, body in [
        ("one chunk", [(H + b"hi\r\n", 1)], ["250"], H + b"hi\r\n"),
        ("an empty last chunk", [(H + b"hi\r\n", 0), (b"", 1)], ["250", "250"], H + b"hi\r\n"),
        ("cut in CR LF", [(H + b"hi\r", 0), (b"\nyou\r\n", 1)], ["250", "250"], H + b"hi\r\nyou\r\n"),
        ("dots mean nothing", [(H + b".\r\n..\r\n.\r\n", 1)], ["250"], H + b".\r\n..\r\n.\r\n"),
        ("dot at the edge", [(H + b"a\r\n", 0), (b".\r\n", 0), (b"MAIL FROM:<x@y.example>\r\n", 1)], ["250"] * 3,
         H + b"a\r\n.\r\nMAIL FROM:<x@y.example>\r\n"),
        ("no line end at the end", [(H + b"hi", 1)], ["250"], H + b"hi\r\n"),
        ("a bare CR at the end", [(H + b"hi\r", 1)], ["554"], None),
        ("a bare LF", [(H + b"hi\nyou\r\n", 1)], ["554"], None),
        ("bare CR across chunks", [(H + b"hi\r", 0), (b"x\r\n", 1)], ["250", "554"], None),
        ("NUL", [(H + b"\0\r\n", 1)], ["554"], None),
        ("many", [(H, 0)] + [(b"x", 0)] * 50 + [(b"\r\n", 1)], ["250"] * 52, H + b"x" * 50 + b"\r\n")]:
    said, after, got = bdat(chunks)
    tap.ok(said == codes and after == "250" and got == ([body] if body is not None else []), "BDAT: " + name, (said, after, got))
said, after, got = bdat([(b"x" * 1000 + b"\r\n", 0), (b"x" * 1000, 0), (b"NOOP\r\n", 1)], small)
tap.eq((said, after, got), (["250", "552", "503"], "250", []), "BDAT: too big fails at once, the rest is swallowed")
c = begin()
c.cmd("MAIL FROM:<a@b.example>")
c.cmd("RCPT TO:<u@example.test>")
c.send("BDAT" + " " * 5000 + "6 LAST\r\nQUIT\r\n")
tap.like(c.reply(), "^250 2.0.0 accepted", "BDAT: a line over the limit is a BDAT all the same, and its octets are no command")
tap.like(c.cmd("BDAT x LAST"), "^501", "BDAT: a size that is none")
tap.eq(c.reply(), None, "... closes")
c.close()
c = begin()
tap.like(c.cmd("BDAT 99999999999999999999"), "^501", "BDAT: a size beyond 64 bits")
c.close()

# What is put in front.
def field(instance=i, message=b"Subject: x\r\n\r\nhi\r\n", args=(), first="EHLO client.example", param="", rcpts=("bob@example.test",),
          sender="a@b.example", **env):
    c = instance.client(*args, **env)
    c.cmd(first)
    c.cmd(f"MAIL FROM:<{sender}>{param}")
    for r in rcpts:
        c.cmd(f"RCPT TO:<{r}>")
    c.cmd("DATA")
    c.send(message + b".\r\n")
    c.reply()
    c.close()
    return instance.lmtp.messages[-1]["body"].decode()


DATE = r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\n"
tap.like(field(), r"^Received: from client.example \(\[192.0.2.7\]\)\r\n\tby mx.example.test with ESMTP id \w+\.1"
         r"\r\n\tfor <bob@example.test>;\r\n\t" + DATE + "Subject: x\r\n\r\nhi\r\n$", "Received")
tap.like(field(rcpts=("bob@example.test", "eve@example.test")), r"with ESMTP id \S+;\r\n\t\w", "Received: no recipient of several is named")
tap.like(field(first="HELO old"), r"from old .*with SMTP id", "Received: HELO")
tap.like(field(TCPREMOTEIP="2001:db8::1"), r"\(\[IPv6:2001:db8::1\]\)", "Received: IPv6")
tap.like(field(param=" SMTPUTF8"), "with UTF8SMTP id", "Received: RFC 6531")
tap.like(field(SSL_PROTOCOL="TLSv1.3", SSL_CIPHER="TLS_AES_256_GCM_SHA384"), r"with ESMTPS id \S+\r\n\t\(TLSv1.3 TLS_AES_256_GCM_SHA384\)",
         "Received: TLS")
sub = dict(args=("-s",), unix=True)
tap.like(field(**sub), r"\(local\).*;\r\n\t" + DATE + "Date: " + DATE + r"Message-ID: <\S+\.1@mx.example.test>\r\nSubject: x", "submission adds Date and Message-ID")
tap.ok(field(message=b"date: x\r\nMESSAGE-ID: <y>\r\n\r\n", **sub).lower().count("date:") == 1, "... where they are missing")
tap.ok("Date:" not in field(), "... and only there")
for instance in (i, repair, small):
    instance.close()
tap.done()
