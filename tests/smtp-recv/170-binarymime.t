#!/usr/bin/env python3
"""BINARYMIME (RFC 3030): off by default; with smtp-binarymime, random trees of parts come out as lines in which Python's email module
finds the same octets; what cannot be converted is refused; memory does not depend on the message."""
import email, os, random, re, sys, time
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Sink, Tap, behind_received

tap = Tap()
off, on = Instance(), Instance(smtp_binarymime="yes", smtp_errors=1000)
seed = int(os.environ.get("SEED", "1"))
rng = random.Random(seed)


def begin(i, parameter=" BODY=BINARYMIME"):
    c = i.client()
    said = c.cmd("EHLO a.example")
    return c, said, c.cmd("MAIL FROM:<a@b.example>" + parameter)


def deliver(c, octets, cuts=()):
    """The last reply and what was passed on."""
    had = len(on.lmtp.messages)
    c.cmd("RCPT TO:<bob@example.test>")
    at = 0
    for cut in [*cuts, len(octets)]:
        last = " LAST" if cut == len(octets) else ""
        c.send(f"BDAT {cut - at}{last}\r\n".encode() + octets[at:cut])
        said = c.reply()
        at = cut
    c.cmd("RSET")
    got = on.lmtp.messages[had:]
    return said, got[0]["mail"] if got else None, behind_received(got[0]["body"]) if got else None


c, said, answer = begin(off)
tap.ok("BINARYMIME" not in said and answer.startswith("501"), "off unless the setting turns it on", (said, answer))
c.close()
c, said, answer = begin(on)
tap.ok("\n250-BINARYMIME\n" in said and answer.startswith("250"), "announced, and taken", (said, answer))
c.cmd("RCPT TO:<bob@example.test>")
tap.eq(c.cmd("DATA"), "503 5.5.1 a binary message comes by BDAT (RFC 3030 3)", "not by DATA")
c.cmd("RSET")

# ---- random trees ----

NASTY = [b"", b"\r", b"\n", b"\0", b"\r\n", b"\r\r\n", b"\n\r", b"--", b"\r\n--", b"\r\n-", b"\r\n--x", b"\r\n\r\n", b".", b"\r\n.\r\n", b"\xff" * 57, b"x" * 56, b"\r\n--bound", b"\r\n- "]


def octets(binary):
    if not binary:
        lines = [rng.choice([b"", b"text", b"--", b"--no boundary", b".", b"x" * 700, "\u00e9t\u00e9".encode()]) for _ in range(rng.randrange(5))]
        return b"\r\n".join(lines)
    return b"".join(rng.choice([*NASTY, rng.randbytes(rng.randrange(200)), rng.randbytes(5000)]) for _ in range(rng.randrange(8)))


def entity(depth, level=0, digest=False):
    """A part: header and body."""
    kind = rng.choice(["leaf"] * 3 + ["multipart"] * 3 + ["message"]) if depth else "leaf"
    encoding = rng.choice(["binary", "Binary ", "(what) binary", "binary"]) if rng.random() < .7 else rng.choice([None, "8bit"])
    binary = bool(encoding) and "inary" in encoding
    header = [b"X-Level: %d" % level]
    if rng.random() < .2:
        header.append(b"X-Long: " + b" ".join([b"word"] * 9000))
    if kind == "multipart":
        boundary = f"bound{level}.{rng.randrange(10 ** 6)}" + rng.choice(["", "--", " x"])
        sub = rng.choice(["mixed", "alternative", "digest"])
        header.append(f'Content-Type: multipart/{sub};\r\n\tboundary="{boundary}"'.encode())
        mark = b"--" + boundary.encode()
        body = rng.choice([b"", b"preamble\r\n"])
        for n in range(rng.randrange(1, 4)):
            body += (b"\r\n" if n else b"") + mark + rng.choice([b"", b" \t"]) + b"\r\n" + entity(depth - 1, level + 1, sub == "digest")
        if rng.random() < .9:
            body += b"\r\n" + mark + b"--" + rng.choice([b"", b"\r\n", b"\r\nepilogue \xc3\xa9\r\n"])
    elif kind == "message":
        if not digest or rng.random() < .5:
            header.append(b"Content-Type: message/rfc822")
        body = b"Subject: within\r\n" + entity(depth - 1, level + 1)
    else:
        if digest or rng.random() < .8:
            header.append(b"content-type: application/octet-stream; name=\"a\r\n b\"" if binary or rng.random() < .5 else b"Content-Type: text/plain; charset=utf-8")
        body = octets(binary)
    if encoding:
        header.append(b"Content-Transfer-Encoding: " + encoding.encode())
    rng.shuffle(header)
    return b"\r\n".join(header) + b"\r\n\r\n" + body


def tree(m):
    """What the email module finds: types, other fields, and the octets of the leaves."""
    fields = [(k.lower(), v) for k, v in m.items() if k.lower() != "content-transfer-encoding"]
    if m.is_multipart():
        return m.get_content_type(), fields, [tree(p) for p in m.get_payload()]
    return m.get_content_type(), fields, m.get_payload(decode=True)


def encodings(m, wrong):
    """Every field is true of what stands under it."""
    said = str(m.get("content-transfer-encoding", "7bit")).strip().lower()
    whole = b"".join(p.as_bytes() for p in m.get_payload()) if m.is_multipart() else m._payload.encode("ascii", "surrogateescape")
    if "binary" in said or (said == "base64" and m.is_multipart()) or (said == "7bit" and "content-transfer-encoding" in m and not whole.isascii()):
        wrong.append((m.get_content_type(), said))
    for p in m.get_payload() if m.is_multipart() else ():
        encodings(p, wrong)


def lines_only(octets):
    return b"\0" not in octets and octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n")


count = 120
bad = []
for n in range(count):
    text = b"MIME-Version: 1.0\r\n" + entity(rng.randrange(4))
    cuts = sorted(rng.sample(range(1, len(text)), min(len(text) - 1, rng.choice([0, 0, 1, 5, 40]))))
    c.cmd("MAIL FROM:<a@b.example> BODY=BINARYMIME")
    said, mail, got = deliver(c, text, cuts)
    if said is None or said[:3] != "250":
        bad.append((n, said, text))
        continue
    before, after, wrong = email.message_from_bytes(text), email.message_from_bytes(got), []
    encodings(after, wrong)
    # A last line end that was missing is there now.
    same = tree(before) == tree(after) or tree(email.message_from_bytes(text + b"\r\n")) == tree(after)
    if not same or not lines_only(got) or wrong or "BINARYMIME" in mail:
        bad.append((n, same, lines_only(got), wrong, mail, text[:3000], got[:3000]))
tap.ok(not bad, f"{count} random messages (SEED={seed}): the same parts, fields and octets", "\n".join(map(repr, bad[:2])) + f"\n{len(bad)} wrong")

# ---- one by one ----

B = b'Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n'
for name, text, wanted in (
        ("a leaf", b"Content-Transfer-Encoding: binary\r\n\r\n\0\r\n", b"Content-Transfer-Encoding: base64\r\n\r\nAA0K\r\n"),
        ("nothing in it", b"Content-Transfer-Encoding: binary\r\n\r\n", b"Content-Transfer-Encoding: base64\r\n\r\n"),
        ("57 octets are a line", b"Content-Transfer-Encoding: binary\r\n\r\n" + b"\0" * 58, b"Content-Transfer-Encoding: base64\r\n\r\n" + b"A" * 76 + b"\r\nAA==\r\n"),
        ("a multipart that is 7bit", B + b"--b\r\n\r\nx\r\n--b--\r\n", B.replace(b"binary", b"7bit") + b"--b\r\n\r\nx\r\n--b--\r\n"),
        ("a multipart that is 8bit", B + b"--b\r\n\r\n\xc3\xa9\r\n--b--\r\n", B.replace(b"binary", b"8bit") + b"--b\r\n\r\n\xc3\xa9\r\n--b--\r\n"),
        ("8bit in a part's header", B + b"--b\r\nX: \xc3\xa9\r\n\r\nx\r\n--b--\r\n", B.replace(b"binary", b"8bit") + b"--b\r\nX: \xc3\xa9\r\n\r\nx\r\n--b--\r\n"),
        ("a boundary in a header", B + b"--b\r\nContent-Transfer-Encoding: binary\r\n--b--\r\n", B.replace(b"binary", b"7bit") + b"--b\r\nContent-Transfer-Encoding: 7bit\r\n--b--\r\n"),
        ("the boundary's beginning is none", B + b"--b\r\n\r\n--bc\r\n--b-\r\n--b--\r\n", B.replace(b"binary", b"7bit") + b"--b\r\n\r\n--bc\r\n--b-\r\n--b--\r\n"),
        ("no last line end", B + b"--b\r\n\r\nx\r\n--b--", B.replace(b"binary", b"7bit") + b"--b\r\n\r\nx\r\n--b--\r\n"),
        ("base64 stays", b"Content-Transfer-Encoding: base64\r\n\r\nAA==\r\n", b"Content-Transfer-Encoding: base64\r\n\r\nAA==\r\n"),
        ("a message in base64 is a leaf", b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nContent-Transfer-Encoding: binary\r\n\r\nx\r\n", None),
        ("message/partial is not encoded", b"Content-Type: message/partial\r\nContent-Transfer-Encoding: binary\r\n\r\nx\r\n", b"Content-Type: message/partial\r\nContent-Transfer-Encoding: 7bit\r\n\r\nx\r\n")):
    c.cmd("MAIL FROM:<a@b.example> BODY=BINARYMIME")
    said, mail, got = deliver(c, text)
    tap.eq((said[:3], got), ("250", text if wanted is None else wanted), name)

S = b'Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n'
for name, text, wanted in (
        ("binary under a signature", S + b"Content-Transfer-Encoding: binary\r\n\r\n\0\r\n--s--\r\n", "554 5.6.3 this binary message cannot be converted"),
        ("two encodings", b"Content-Transfer-Encoding: binary\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n", "554 5.6.3"),
        ("two types", b"Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nx\r\n", "554 5.6.3"),
        ("a type too long", b"Content-Type: text/plain; x=" + b"x" * 17000 + b"\r\n\r\nx\r\n", "554 5.6.3"),
        ("a type too long in many lines", b"Content-Type: text/plain;\r\n" + b" x=y;\r\n" * 3000 + b"\r\nx\r\n", "554 5.6.3"),
        ("a boundary too long", b"Content-Type: multipart/mixed; boundary=" + b"x" * 81 + b"\r\n\r\nx\r\n", "554 5.6.3"),
        ("too deep", b"Content-Type: message/rfc822\r\n\r\n" * 101 + b"x\r\n", "554 5.6.3"),
        ("NUL where nothing says binary", b"Content-Type: text/plain\r\n\r\n\0\r\n", "554 5.6.0 NUL"),
        ("a bare LF where nothing says binary", B + b"--b\r\n\r\nx\ny\r\n--b--\r\n", "554 5.6.0 bare"),
        ("a bare CR in a header", b"Subject: x\ry\r\nContent-Transfer-Encoding: binary\r\n\r\nx\r\n", "554 5.6.0 bare"),
        ("message/partial with a bare CR", b"Content-Type: message/partial\r\nContent-Transfer-Encoding: binary\r\n\r\nx\ry\r\n", "554 5.6.0 bare")):
    c.cmd("MAIL FROM:<a@b.example> BODY=BINARYMIME")
    said, mail, got = deliver(c, text)
    tap.ok(said.startswith(wanted) and got is None, name + " is refused", (said, got))
c.cmd("MAIL FROM:<a@b.example> BODY=BINARYMIME")
c.cmd("RCPT TO:<bob@example.test>")
text = S + b"Content-Transfer-Encoding: binary\r\n\r\n"
c.send(b"BDAT %d\r\n" % len(text) + text + b"BDAT 3 LAST\r\nx\r\n")
tap.eq([c.reply()[:9], c.reply()], ["554 5.6.3", "503 5.5.1 MAIL first"], "... by the chunk that shows it")
c.cmd("MAIL FROM:<a@b.example>")
tap.eq(deliver(c, b"Content-Transfer-Encoding: binary\r\n\r\nx\r\n")[2], b"Content-Transfer-Encoding: binary\r\n\r\nx\r\n", "what did not come as BINARYMIME is left alone")
c.close()

# ---- a long and a big one ----

HEAD = B + b"--b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
for size, where in ((200 << 10, "the process's own memory holds: its fields are put right in the memory file"), (1 << 20, "memory holds: its fields are put right in the file")):
    piece = os.urandom(size)
    c, _, _ = begin(on)
    said, _, got = deliver(c, HEAD + piece + b"\r\n--b--\r\n", [len(HEAD)])
    got = email.message_from_bytes(got or b"")
    tap.ok(said.startswith("250") and got["content-transfer-encoding"] == "7bit" and got.get_payload(0).get_payload(decode=True) == piece, "one that is longer than " + where, said)
    c.close()
big = Instance(lmtp=False, smtp_binarymime="yes", smtp_size="70M")
sink = Sink(big.path("run/lmtp/sock"))
c, _, _ = begin(big)
c.cmd("RCPT TO:<bob@example.test>")
began = time.monotonic()
c.send(b"BDAT %d\r\n" % len(HEAD) + HEAD)
c.reply()
for _ in range(50):
    c.send(b"BDAT %d\r\n" % len(piece) + piece)
    c.reply()
private = sum(int(n) for n in re.findall(r"Private_\w+: +(\d+)", open(f"/proc/{c.process.pid}/smaps_rollup").read()))
sanitized = b"__asan_init" in open(BIN + "/smtp-recv", "rb").read()  # which keep freed memory
tap.ok(private < 4096 or sanitized, "50 MB: less than 4 MB of memory", f"{private} KB")
print(f"# {private} KB, {50 / (time.monotonic() - began):.0f} MB/s")
c.send(b"BDAT 9 LAST\r\n\r\n--b--\r\n")
tap.like(c.reply(), "^250", "... and it is taken")
c.cmd("MAIL FROM:<a@b.example> BODY=BINARYMIME")
c.cmd("RCPT TO:<bob@example.test>")
c.send(b"BDAT %d\r\n" % len(HEAD) + HEAD)
c.reply()
for _ in range(53):
    c.send(b"BDAT %d\r\n" % len(piece) + piece)
    if (said := c.reply())[0] != "2":
        break
tap.like(said, "^552 5.3.4", "smtp-size counts what has become of it")
c.close()
sink.close()
for i in off, on, big:
    i.close()
tap.done()
