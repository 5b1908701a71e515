#!/usr/bin/env python3
"""Damaged spool files of every kind, generated from whole ones, beside good mail: each is set aside with a log line that says why, stays as it is,
and holds nothing up. (Cut at every octet and every octet changed: tests/unit/spool.c.)"""
import os, re, socket, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from smtppeer import Peer, Remote, place


def kinds(whole):
    """name -> content."""
    head, body = whole.split(b"\n\n", 1)
    lines = head.split(b"\n")
    found = {"empty": b"", "newline": b"\n", "zeros": bytes(4096), "noise": bytes(range(256)) * 20, "text-only": body, "short": whole[:-1], "long": whole + b"x", "no-body": head + b"\n\n",
             "crlf": whole.replace(b"\n", b"\r\n"), "version-2": whole.replace(b"spool 1", b"spool 2"), "version-10": whole.replace(b"spool 1", b"spool 10"), "endless": head + b"\nr " + b"x" * 100000,
             "zeroed": head + b"\n\n" + bytes(len(body)), "changed": whole.replace(b"Subject", b"subject"), "renamed": whole.replace(b"a@x.test", b"b@x.test"), "stale": whole.replace(b"\nk ", b"\nk 0")[:-1],
             "many-cut": head + b"\n" + b"".join(b"r w- 0 - u%d@x.test\n" % i for i in range(20000))}
    for i, line in enumerate(lines):
        found[f"cut-{i}"] = b"\n".join(lines[:i]) + b"\n" * (i > 0)
        found[f"cut-in-{i}"] = b"\n".join(lines[:i] + [line[:len(line) // 2]])
        found[f"without-{i}"] = b"\n".join(lines[:i] + lines[i + 1:]) + b"\n\n" + body
        found[f"nul-{i}"] = b"\n".join(lines[:i] + [line[:2] + b"\0" + line[2:]] + lines[i + 1:]) + b"\n\n" + body
        if i and not line.startswith(b"r "):
            found[f"twice-{i}"] = b"\n".join(lines[:i] + [line, line] + lines[i + 1:]) + b"\n\n" + body
    return found


with Peer() as peer, Remote({"smtp-port": peer.port}, routes="*: [127.0.0.1]") as r:
    first = r.queue(["a@x.test", "b@x.test"], mail="RET=HDRS ENVID=e1 BODY=8BITMIME", login="alice@home.test")
    path = r.files()[first]
    whole = open(path, "rb").read()
    owner = os.stat(path)
    os.unlink(path)
    damaged = kinds(whole)
    optional = {f"without-{i}" for i, l in enumerate(whole.split(b"\n\n")[0].split(b"\n")) if l[:1] in b"tkuqReLr"}
    for name in optional:
        damaged.pop(name)
    empty = [name for name, text in damaged.items() if not text]
    spool = r.dir + "/spool"
    for name, text in damaged.items():
        with open(f"{spool}/{place(name)}/{name}", "wb") as f:
            f.write(text)
        os.chown(f.name, owner.st_uid, owner.st_gid)
    # What is no file, may not be read, has a name or a place that no writer gives it.
    os.mkdir(f"{spool}/{place('directory')}/directory", 0o700)
    os.chown(f"{spool}/{place('directory')}/directory", owner.st_uid, owner.st_gid)
    with open(f"{spool}/{place('directory')}/directory/inside", "w") as f:
        f.write("x")
    os.symlink("/etc/passwd", f"{spool}/{place('link')}/link")
    os.symlink("nowhere", f"{spool}/{place('dangling')}/dangling")
    os.mkfifo(f"{spool}/{place('fifo')}/fifo")
    sockets = socket.socket(socket.AF_UNIX)
    sockets.bind(f"{spool}/{place('socket')}/socket")
    other = "0" if place("stray") != "0" else "1"
    for name, mode, where in ("secret", 0, place("secret")), ("stray", 0o600, other), ("bad name", 0o600, "3"), ("n" * 100, 0o600, "4"), ("taken", 0o600, place("taken")):
        with open(f"{spool}/{where}/{name}", "wb") as f:
            f.write(whole if name != "taken" else b"second")
        os.chown(f.name, owner.st_uid, owner.st_gid)
        os.chmod(f.name, mode)
    with open(f"{spool}/damaged/taken", "wb") as f:
        f.write(b"first")
    odd = ["directory", "link", "dangling", "fifo", "socket", "secret", "stray", "bad name", "n" * 100, "taken"]
    good = [r.queue(f"good{i}@x.test", id=f"good{i}") for i in range(20)]
    held = r.queue("held@x.test", id="held")
    os.chmod(r.files()[held], 0o400)
    r.start()
    r.wait("event=delivered", count=20)
    wait_for(lambda: len(r.log("event=damaged")) >= len(damaged) - len(empty) + len(odd), "a line each")
    wait_for(lambda: len(r.log("event=unfinished")) == len(empty), "a line for the others")
    tap.ok(len(empty) == 2 and all(r.log(f"event=unfinished file={n}") and not os.path.lexists(f"{spool}/{place(n)}/{n}") and not os.path.lexists(f"{spool}/damaged/{damaged.pop(n) and n or n}") for n in empty),
           "what was named and never synced is removed", r.log("event=unfinished"))
    for name in [*damaged, *odd]:
        tap.ok(os.path.lexists(f"{spool}/damaged/{name}") and any(re.search(r"file=\"?" + re.escape(name) + r"\"? why=\S", l) for l in r.log("event=damaged")), f"{name[:20]}: set aside, with a line", r.log("event=damaged")[:2])
    tap.ok(all(open(f"{spool}/damaged/{n}", "rb").read() == t for n, t in damaged.items()), "as they were")
    tap.ok(open(f"{spool}/damaged/taken").read() == "first" and open(f"{spool}/damaged/taken-2").read() == "second", "what lay in damaged/ stays")
    wait_for(lambda: list(r.files()) == [held], "all but the one that is held")
    tap.ok(len(peer.messages) == 20 and r.process.poll() is None and not r.log("event=error"), "the good ones went all the same", r.log("event=error"))

# Optional records, and a great many recipients, are no damage.
with Peer() as peer, Remote({"smtp-port": peer.port, "remote-recipients-per-mail": "1000"}, routes="*: [127.0.0.1]") as r:
    r.queue("x@x.test", id="first")
    path = r.files()["first"]
    text = open(path, "rb").read()
    os.unlink(path)
    text = re.sub(rb"(?m)^k .*\n", b"", text)
    huge = re.sub(rb"(?m)^r .*\n", b"".join(b"r w- 0 - u%d@x.test\n" % i for i in range(3000)), text)
    for name, text in ("few", text.replace(b"\nb 0", b"\nb 0\nu\nR 1\ne x\nL alice")), ("huge", huge):
        with open(f"{r.dir}/spool/{place(name)}/{name}", "wb") as f:
            f.write(text)
        os.chown(f.name, owner.st_uid, owner.st_gid)
    r.start()
    r.wait_empty()
    tap.ok(sum(len(m.rcpts) for m in peer.messages) == 3001 and not r.log("event=damaged"), "3,000 recipients: all of them", len(peer.messages))
tap.done()
