#!/usr/bin/env python3
"""SMTP smuggling: every end of data that somebody takes for one and that is none (those of the published tests among them), by DATA and
BDAT, pipelined or not, on every service, refused or repaired: what follows it is never a command, and what is passed on, to LMTP, to the
spool and by smtp-send, holds no bare CR or LF. RFC 5321 2.3.8, 4.1.1.4, 4.5.2."""
import os, re, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtppeer import Peer, Remote
from smtprecv import Instance, Tap

tap = Tap()
TRUE = b"\r\n.\r\n"
BEFORE = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\n", b"\n\r", b"\r\r", b"\r\n\0", b"\n\0", b"\r\0", b"\0\r\n", b"\r\0\n", b"\r\n\r"]
DOT = [b".", b"\0.", b".\0", b". "]
AFTER = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\r", b"\0\r\n", b"\r\0\n", b"\r\n\0"]
ENDS = [e for e in dict.fromkeys(b + d + a for b in BEFORE for d in DOT for a in AFTER) if TRUE not in b"text" + e + b"MAIL"]
# What the published scanners send.
PUBLISHED = [b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n\0.\r", b"\r\n\0.\n", b"\n\n.\r\n",
             b"\r\r\n.\r\r\n"]
tap.ok(all(e in ENDS for e in PUBLISHED), f"{len(ENDS)} ends that are none, the published ones among them", [e for e in PUBLISHED if e not in ENDS])
INNER = b"MAIL FROM:<evil@b.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: evil\r\n\r\nevil"


def is_bare(octets):
    return bool(re.search(rb"\r(?!\n)|(?<!\r)\n", octets))


def data(c, octets, pipelined):
    if pipelined:
        c.send(b"DATA\r\n" + octets + TRUE + b"NOOP\r\n")
        return c.reply()[:3] == "354" and c.reply()
    c.cmd("DATA")
    c.send(octets + TRUE)
    said = c.reply()
    c.send("NOOP\r\n")
    return said


def bdat(c, octets, cut):
    """In one chunk, or cut within the end."""
    octets += b"\r\n"
    at = octets.index(b"text") + 5
    if cut:
        c.send(b"BDAT %d\r\n" % at + octets[:at] + b"BDAT %d LAST\r\n" % (len(octets) - at) + octets[at:] + b"NOOP\r\n")
        c.reply()
        return c.reply()
    c.send(b"BDAT %d LAST\r\n" % len(octets) + octets + b"NOOP\r\n")
    return c.reply()


WAYS = [("DATA", data, False), ("DATA pipelined", data, True), ("BDAT", bdat, False), ("BDAT, cut within", bdat, True)]
SERVICES = {"smtp": ((), {}), "smtp, a trusted client": ((), {"RELAYCLIENT": ""}), "submission": (("-s",), {"unix": True}), "relay": ((), {"unix": True, "RELAYCLIENT": ""})}
for mode in "refuse", "repair":
    i = Instance({"senders": "nobody: @remote.example\nroot: @remote.example\n"}, smtp_bare_newlines=mode, smtp_errors=1000000, smtp_messages=1000000)
    for service, (args, env) in SERVICES.items():
        for way, send, how in WAYS:
            c = i.client(*args, **env)
            c.cmd("EHLO client.example")
            wrong = []
            for end in ENDS if service == "smtp" else dict.fromkeys(PUBLISHED + ENDS[::9]):
                had, waited = len(i.lmtp.messages), len(i.spool.messages)
                c.send("MAIL FROM:<sender@remote.example>\r\nRCPT TO:<bob@example.test>\r\n" + ("RCPT TO:<eve@far.example>\r\n" if env else ""))
                taken = [c.reply()[:3] for _ in range(3 if env else 2)]
                said, after = send(c, b"Subject: x\r\n\r\ntext" + end + INNER, how), c.reply()
                got = i.lmtp.messages[had:] + i.spool.messages[waited:]
                blank = not is_bare(end) and b"\0" not in end  # ". " and the like: a line as any
                fine = mode == "repair" and b"\0" not in end or blank
                good = said and said.startswith("250 2.0.0 accepted" if fine else "554 5.6.0 ") and after == "250 2.0.0 ok" and set(taken) == {"250"}
                good = good and len(got) == fine * (2 if env else 1)
                for m in got:
                    good = good and "evil" not in m["mail"] and b"evil@b" in m["body"] and not is_bare(m["body"]) and m["body"].count(b"Received:") == 1
                if not good:
                    wrong.append((end, said, after, taken, got))
            after = c.cmd("QUIT")
            c.close()
            tap.ok(not wrong and after == "221 2.0.0 goodbye", f"{service}, {mode}, {way}: none ends a message", "\n".join(map(repr, wrong[:3])) + f"\n{len(wrong)} wrong")
    i.close()

# The spool's own server, and on by smtp-send, by DATA and by BDAT.
for name, ext in ("DATA", ("PIPELINING", "8BITMIME")), ("BDAT", ("PIPELINING", "8BITMIME", "CHUNKING")):
    with Peer(ext=ext) as peer, Remote({"smtp-port": peer.port}, routes="*: [127.0.0.1]") as remote:
        dialog = b"LHLO test\r\n"
        # One message has many of them, and INNER behind each: all go through in a few.
        taken = [e for e in ENDS if b"\0" not in e]
        for n in range(0, len(taken), 50):
            dialog += b"MAIL FROM:<sender@home.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\nSubject: x\r\n\r\n" + b"".join(b"text" + e + INNER for e in taken[n:n + 50]) + TRUE
        nul = [e for e in ENDS if b"\0" in e]
        for e in nul:
            dialog += b"MAIL FROM:<sender@home.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\ntext" + e + INNER + TRUE
        said = remote.lmtp(dialog + b"QUIT\r\n").split("\r\n")
        replies, messages = [line[:3] for line in said if line], -(-len(taken) // 50)
        tap.ok(replies.count("221") == 1 and sum("Queued as" in s for s in said) == messages and replies.count("554") == len(nul), "spool-recv: none ends a message; NUL is refused", said[-5:])
        remote.start()
        remote.wait_empty()
        wrong = [m.data for m in peer.messages if is_bare(m.data) or b"\0" in m.data or "evil" in m.mail]
        count = sum(m.data.count(b"evil@b") for m in peer.messages)
        tap.ok(len(peer.messages) == messages and count == len(taken) and not wrong, f"smtp-send, {name}: no more messages, no bare CR or LF", (len(peer.messages), messages, count, wrong[:1]))
tap.done()
