#!/usr/bin/env python3
"""Users, aliases and domains in a directory, by socketmap; one that misbehaves is never "no such user". The server of these tests is
what Postfix takes for one: postmap asks it the same."""
import os, shutil, socket, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from directory import Directory, end, hang, netstring
from mdalocal import Client, Instance, LIMIT, Tap

tap = Tap()
i = Instance(users="alice@example.test: x\n", aliases="")


def piecemeal(peer):
    for octet in netstring(b"OK x"):
        peer.sendall(bytes([octet]))
        time.sleep(0.002)


def half(peer):
    peer.sendall(b"4:OK")
    return "end"


def half_and_hang(peer):
    peer.sendall(b"4:O")
    time.sleep(30)
    return "end"


long_list = ", ".join(f"u{n}@elsewhere.test" for n in range(3000))
ok, bad = "250 2.1.5", "451 4.3.0"
# Of a user bob: what the directory says, and what RCPT says then.
ANSWERS = [
    ("a line of users", "x", ok), ("one in pieces", piecemeal, ok), ("NOTFOUND", None, "550 5.1.1"),
    ("NOTFOUND without its blank", netstring(b"NOTFOUND"), "550 5.1.1"), ("an empty line", "", ok), ("nodelivery", "x::::::nodelivery", "550 5.2.1"),
    ("a bad uid", "x:abc", "451 4.3.5"), ("TEMP", netstring(b"TEMP later"), bad), ("TIMEOUT", netstring(b"TIMEOUT slow"), bad),
    ("PERM", netstring(b"PERM no such map"), "451 4.3.5"), ("another word", netstring(b"MAYBE"), bad), ("a small ok", netstring(b"ok x"), bad),
    ("nothing", netstring(b""), bad), ("its end", end, bad), ("half an answer and its end", half, bad), ("a NUL", netstring(b"OK x\0y"), bad),
    ("a length too big", b"100001:OK ", bad), ("a length without end", b"9" * 5000, bad), ("a negative length", b"-4:OK x,", bad),
    ("a leading zero", b"04:OK x,", bad), ("no comma", b"4:OK x;", bad), ("two answers", netstring(b"OK x") * 2, bad), ("no netstring", b"OK x\n", bad),
    ("another protocol", b"220 mx.example.test ESMTP\r\n", bad), ("binary", bytes(range(256)) * 16, bad)]
maps = {"users": {}, "aliases": {"staff@example.test": "alice, bob", "long@example.test": long_list, "@catch.test": "alice@example.test",
                                 "huge@example.test": "x" * 100001},
        "domains": {"catch.test": "", "also.test": "alias:example.test", "xn--bcher-kva.test": "alias:also.test", "theirs.test": "lmtp:127.0.0.1:1"}}
d = Directory(maps, i.path("run/dir/sock"))
i.put("lookup", "users: file socketmap:unix:run/dir/sock:users\n")
c = Client(i)
for name, answer, wanted in ANSWERS:
    maps["users"]["bob@example.test"] = answer
    tap.like(c.mail(["bob@example.test"])[0], "^" + wanted, f"{name}: {wanted}")
    tap.like(c.cmd("RCPT TO:<alice@example.test>"), "^250", "whoever is in the file is known still") if wanted == bad else None
    c.cmd("RSET")
tap.eq({q for q in d.questions}, {"users bob@example.test"}, "nobody else was asked for, and the key is the address")

# One connection for all questions; one that was closed meanwhile is made anew, unseen.
maps["users"]["bob@example.test"] = "x"
d.connections = 0
d.drop()
for _ in range(3):
    tap.like(c.mail(["Bob+x@EXAMPLE.test"])[0], "^250", "asked again")
    c.cmd("RSET")
tap.eq(d.connections, 1, "on the same connection")
d.drop()
tap.like(c.mail(["bob@example.test"])[0], "^250", "on another when that was closed")
c.cmd("RSET")
for _ in range(2):
    d.drop()
tap.eq(d.connections, 2, "the second")

# Time: an absolute deadline, and no second wait at once.
c.quit()
i.put("lookup-seconds", "1\n")
c = Client(i)
for name, answer in (("hangs", hang), ("hangs within an answer", half_and_hang)):
    maps["users"]["bob@example.test"] = answer
    began = time.monotonic()
    replies = c.mail([f"bob+{n}@example.test" for n in range(20)])
    took = time.monotonic() - began
    tap.ok(all(r.startswith(bad) for r in replies), f"a directory that {name}: {bad}", replies)
    tap.ok(0.9 < took, "after its second", took)
    c.cmd("RSET")
    c.quit()
    c = Client(i)
log = i.log()
tap.eq(log.count('event=lookup source=socketmap:unix:run/dir/sock:users why="Connection timed out"'), 2, "twenty recipients wait once")
tap.like(log, r'event=lookup source=socketmap:unix:run/dir/sock:users why=later\n', "the log has the directory's own words")
c.quit()

# All tables, by TCP.
i.put("lookup-seconds", "25\n")
maps["users"]["bob@example.test"] = "x"
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "localhost"), (socket.AF_INET6, "[::1]")):
    try:
        t = Directory(maps, family=family)
    except OSError:
        tap.ok(True, f"{host}: not here # SKIP")
        continue
    where = f"socketmap:{host}:{t.port}"
    i.put("lookup", f"users: file {where}:users\naliases: {where}:aliases file\ndomains: file {where}:domains\n")
    i.put("aliases", "ours@example.test: bob\n")
    c = Client(i)
    for address, wanted in [("bob@example.test", ok), ("staff@example.test", ok), ("STAFF@also.test", ok), ("ours@b\u00fccher.test", ok), ("any@catch.test", ok),
                            ("nobody@example.test", "550 5.1.1"), ("x@theirs.test", "550 5.1.2"), ("x@unknown.test", "550 5.1.2"),
                            ("long@example.test", ok), ("huge@example.test", bad)]:
        tap.like(c.mail([address], params=" SMTPUTF8")[0], "^" + wanted, f"{host}: {address}: {wanted}")
        c.cmd("RSET")
    c.quit()
    t.close()
    c = Client(i)
    tap.like(c.mail(["staff@example.test"])[0], "^" + bad, f"{host}: a directory that is gone is no empty one")
    c.quit()

# etc/lookup: wrong words.
for line in ("users: file ldap:x", "users: socketmap:192.0.2.1:25:users", "users:", "users: system:x"):
    i.put("lookup", line + "\n")
    c = Client(i)
    tap.like(c.mail(["alice@example.test"])[0], "^451 4.3.5", f"{line}: 451 4.3.5")
    c.quit()
tap.like(i.log(), "event=bad-lookup table=users source=ldap:x", "and the log says which")

# Postfix takes the server of these tests for one, and its values for ours.
if shutil.which("postmap"):
    os.mkdir(i.path("postfix"))
    with open(i.path("postfix/main.cf"), "w") as f:
        f.write("compatibility_level = 3.6\n")
    for key, wanted in (("bob@example.test", "x\n"), ("nobody@example.test", "")):
        got = subprocess.run(["postmap", "-c", i.path("postfix"), "-q", key, f"socketmap:unix:{d.path}:users"], capture_output=True, text=True, timeout=LIMIT)
        tap.eq(got.stdout, wanted, f"postmap -q {key}")
else:
    tap.ok(True, "postmap # SKIP no Postfix")
d.close()
i.done()
tap.done()
