#!/usr/bin/env python3
"""postern-text: what mda-local leaves there for the first reader, and that it never stands in a delivery's way."""
import os, resource, struct, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Tap

tap = Tap()
DELIVERED = "250 2.0.0 delivered"
MESSAGE = ("Subject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: Joe <joe@remote.test>\r\nMessage-ID: <1@remote.test>\r\n"
           "\r\nHello there.\r\n")
KINDS = ["envelope", "headers", "sort", "thread", "body", "bodystructure", "preview"]


def entries(directory):
    """{base name: {kind: octets}} of postern-text."""
    path, out = os.path.join(directory, "postern-text"), {}
    if not os.path.exists(path):
        return out
    with open(path, "rb") as f:
        data = f.read()
    at = 40
    while at < len(data):
        mark, _, size, base_len, has, *lens = struct.unpack_from("=IIIHH8H", data, at)
        assert mark == 0x7E747874, hex(mark)
        p = at + 32
        base = data[p:p + base_len].decode()
        p += base_len
        out[base] = {}
        for k, kind in enumerate(KINDS):
            if has >> k & 1:
                out[base][kind] = data[p:p + lens[k]]
            p += lens[k]
        at += size
    return out


def index(directory):
    with open(os.path.join(directory, "postern-index"), "w"):
        pass
    i.own(directory)


i = Instance(users="alice@example.test: x\nbob@example.test: x\ncarol@example.test: x\n", recipient_delimiter="+\n")
alice, bob = i.maildir("alice"), i.maildir("bob")
i.folder("alice", ".lists")
i.folder("bob", ".")
index(alice)


def deliver(rcpts, message=MESSAGE):
    """Delivers, and waits for the workers' end, so that all is done that is done behind the reply."""
    c = Client(i)
    replies = c.deliver(rcpts, message=message)
    c.quit()
    return replies


tap.eq(deliver(["alice@example.test", "bob@example.test"]), [DELIVERED] * 2, "two deliveries")
found = entries(alice)
names = os.listdir(os.path.join(alice, "new"))
tap.eq(list(found), names, "an entry under the message's base name, where there is an index")
texts = list(found.values())[0] if found else {}
tap.eq(sorted(texts), sorted(KINDS), "of all kinds")
tap.eq(texts.get("preview"), b"Hello there.", "the preview")
tap.ok(texts.get("envelope", b"").startswith(b'(NIL "Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?=" (("Joe" NIL "joe" "remote.test"))'), "ENVELOPE")
tap.eq(texts.get("thread"), b"1@remote.test\n", "message id")
tap.ok(b"GRU\xcc\x88\xc3\x9fE" in texts.get("sort", b""), "sort keys")
tap.ok(texts.get("headers", b"").startswith(b"Return-Path: <sender@remote.test>\r\nDelivered-To: alice@example.test\r\n"), "headers, with those of the delivery")
tap.eq(os.path.exists(os.path.join(bob, "postern-text")), False, "none where there is no index")
tap.eq(os.path.exists(os.path.join(alice, ".lists", "postern-text")), False, "nor in a neighbour")
tap.eq(oct(os.stat(os.path.join(alice, "postern-text")).st_mode & 0o777), "0o600", "nobody else may read it")

c = Client(i)
for n in range(5):
    c.deliver(["alice@example.test"], message=f"Subject: {n}\r\n\r\n{n}\r\n")
c.quit()
tap.eq([t["preview"] for t in entries(alice).values()], [b"Hello there."] + [b"%d" % n for n in range(5)], "one after the other")

tap.eq(deliver(["alice@example.test"], "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\nx\r\n"), [DELIVERED], "a charset that needs iconv")
tap.eq("preview" in list(entries(alice).values())[-1], False, "its preview is left to the reader")
tap.eq(deliver(["alice@example.test"], "Subject: long\r\n\r\n" + ("x" * 998 + "\r\n") * 17000), [DELIVERED], "a long message")
tap.eq(sorted(list(entries(alice).values())[-1]), sorted(KINDS[:4]), "has the texts of its header")

# The lock is held by somebody who lives: this process.
lock = os.path.join(alice, "dovecot-uidlist.lock")
with open(lock, "w") as f:
    f.write(f"{os.getpid()}:{os.uname().nodename}")
before = len(entries(alice))
start = time.monotonic()
tap.eq(deliver(["alice@example.test"]), [DELIVERED], "the lock is held: delivered")
tap.ok(time.monotonic() - start < 30, "without waiting")
tap.eq(len(entries(alice)), before, "and without an entry")
os.unlink(lock)

# A torn tail is left to those who read the file.
path = os.path.join(alice, "postern-text")
size = os.path.getsize(path)
os.truncate(path, size - 4)
tap.eq(deliver(["alice@example.test"]), [DELIVERED], "a torn tail: delivered")
tap.eq(os.path.getsize(path), size - 4, "and left alone")

for content, what in ((b"", "an empty file"), (b"something else" * 10, "a foreign one")):
    with open(path, "wb") as f:
        f.write(content)
    tap.eq(deliver(["alice@example.test"]), [DELIVERED], f"{what}: delivered")
    tap.eq(len(entries(alice)), 1, "begun anew")
os.unlink(path)
os.mkdir(path)
i.own(alice)
tap.eq(deliver(["alice@example.test"]), [DELIVERED], "a directory in its place: delivered")
os.rmdir(path)

# No room: the file is at the limit that a process may write. The message is shorter.
with open(path, "wb") as f:
    pass
deliver(["alice@example.test"])
one = os.path.getsize(path)
for n in range(40):
    deliver(["alice@example.test"])
    if os.path.getsize(path) > 20000:
        break
full = os.path.getsize(path)
soft = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (full + 100, soft[1]))
replies = deliver(["alice@example.test"])
resource.setrlimit(resource.RLIMIT_FSIZE, soft)
tap.eq(replies, [DELIVERED], "no room for the entry: delivered")
tap.eq(os.path.getsize(path), full, "and the file is as it was")
tap.eq(deliver(["alice@example.test"]), [DELIVERED], "with room again")
tap.ok(os.path.getsize(path) > full, "there is an entry again")
tap.eq("worker-died" in i.log(), False, "no worker died")
i.done()
tap.done()
