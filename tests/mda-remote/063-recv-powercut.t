#!/usr/bin/env python3
"""A power cut after every change that spool-recv makes to the disk. Its system calls are recorded and replayed on a model of a file system
(tests/lib/powercut.py); after each change the spool may hold nothing of what was not synced, all of it, or any part. What was answered with 250
is there, once and whole; what is there beside it is whole too, or its sum says that it is not, and then the walker sends nothing of it.
SEED; POWERCUT_WALKS: states that a walker is run on (default 4)."""
import os, random, re, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import powercut, syscalls
from instance import tap, wait_for
from smtppeer import Peer, Remote

if why := syscalls.missing():
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
SEED = int(os.environ.get("SEED", time.time()))
WALKS = int(os.environ.get("POWERCUT_WALKS", "4"))
HASHES = "0123456789abcdef"
HOW = "none", "some", "some", "some", "holes", "holes", "holes", "all"
SUMMED_AT, PAGE = 81, 4096
print(f"# SEED={SEED}", flush=True)
rng = random.Random(SEED)

TABLE = []
for b in range(256):
    for _ in range(8):
        b = b >> 1 ^ (0x82f63b78 if b & 1 else 0)
    TABLE.append(b)


def crc32c(text):
    c = 0xffffffff
    for b in text:
        c = c >> 8 ^ TABLE[(c ^ b) & 255]
    return c ^ 0xffffffff


seen = {}


def kind(text):
    """What a reader of doc/spool.md takes a file for: empty, broken, or (recipients, message)."""
    if not text:
        return "empty"
    if text not in seen:
        head, blank, body = text.partition(b"\n\n")
        length, total = re.search(rb"\nl (\d{20})\n", head), re.search(rb"\nk ([0-9a-f]{8})\n", head)
        right = text.startswith(b"postern-spool 1\n") and blank and b"\0" not in head and length and int(length[1]) == len(body)
        # What the sum is for: an envelope with the right length, and not what was written.
        seen[text] = "broken" if not right else "lie" if not total or int(total[1], 16) != crc32c(text[SUMMED_AT:]) else (tuple(re.findall(rb"\nr w- 0 - (.*)", head)), body)
    return seen[text]


def body_of(i, octets):
    return b"Subject: %d\n\n" % i + b"".join(b"line %d of %d %s\n" % (n, i, b"x" * 50) for n in range(octets // 64))


# id, recipients, message: small, of two pages, of several writes; an id twice; an envelope of several pages.
MAILS = [("one", 1, body_of(0, 100)), ("two", 2, body_of(1, 6000)), ("big", 1, body_of(2, 140000)), ("same", 1, body_of(3, 300)), ("same", 1, body_of(4, 5000)), ("many", 300, body_of(5, 2000))]


def record(r):
    """The trace of a session, and {name: (recipients, message)} of what it has queued."""
    dialog, rcpts = b"LHLO x\r\n", {}
    for i, (name, n, body) in enumerate(MAILS):
        rcpts[i] = tuple(b"u%d.%d@x.test" % (i, k) for k in range(n))
        dialog += b"XFORWARD IDENT=%s\r\nMAIL FROM:<a@b.test>\r\n" % name.encode() + b"".join(b"RCPT TO:<%s>\r\n" % a for a in rcpts[i])
        dialog += b"DATA\r\n" + body.replace(b"\n", b"\r\n") + b".\r\n"
    p = subprocess.run([*powercut.TRACE, "-o", f"{r.dir}/trace", "spool-recv"], input=dialog + b"QUIT\r\n", capture_output=True, env=r.env, cwd="/", timeout=120)
    names = list(dict.fromkeys(re.findall(r"Queued as (\S+)", p.stdout.decode())))
    return {name: (rcpts[i], MAILS[i][2]) for i, name in enumerate(names)}


def cut(disk, how):
    """A state after a power cut; holes: what is not synced has its length, and of its pages only some."""
    if how != "holes":
        return disk.crash(rng, how)
    state = disk.crash(rng, rng.choice(("some", "all")))
    for node, (data, mtime) in state.items():
        if not node.is_dir() and node.pending:
            pages = [node.data[i:i + PAGE] for i in range(0, len(node.data), PAGE)]
            state[node] = b"".join(rng.choice((page, page, bytes(len(page)))) for page in pages), mtime
    return state


def judge(state, top, told, want):
    """(what is wrong with this state, how many named files are not whole)."""
    bad, torn, found = [], [], set()
    for h in HASHES:
        for name, node in state[top.names[h]][0].items():
            if name.startswith("."):
                continue
            what = kind(state[node][0])
            if what in ("empty", "broken", "lie"):
                torn.append(what)
                bad += [f"{name}: {what}"] if name in told else []
            else:
                found.add(name)
                bad += [f"{name}: not what was sent"] if want.get(name) != what else []
    return bad + [f"{n}: not there" for n in told - found], torn


def walk(r, state, top, told, want):
    """A walker on this state of the disk: what it sends, and what it says."""
    for h in HASHES:
        for name, node in state[top.names[h]][0].items():
            path = f"{r.dir}/spool/{h}/{name}"
            with open(path, "wb") as f:
                f.write(state[node][0])
            os.chmod(path, 0o600)
            os.chown(path, os.stat(r.dir + "/spool").st_uid, os.stat(r.dir + "/spool").st_gid)
    kinds = {n: kind(state[node][0]) for h in HASHES for n, node in state[top.names[h]][0].items() if not n.startswith(".")}
    with Peer() as peer:
        r.set("smtp-port", peer.port)
        r.set("routes", "*: [127.0.0.1]")
        r.start()
        r.wait_empty()
        wait_for(lambda: r.log("event=read"), "the end of its look at the spool")
        r.stop()
        got = {}
        for m in peer.messages:
            got.setdefault(m.data.replace(b"\r\n", b"\n"), []).extend(a[9:-1].encode() for a in m.rcpts)
    sent = {body: sorted(rcpts) for rcpts, body in (k for k in kinds.values() if isinstance(k, tuple))}
    tap.ok({b: sorted(a) for b, a in got.items()} == sent, f"a walker sends what is whole: {len(sent)} messages", [b[:40] for b in got], [b[:40] for b in sent])
    odd = {n for n, k in kinds.items() if not isinstance(k, tuple)}
    said = {n for n in odd if r.log("event=unfinished" if kinds[n] == "empty" else "event=damaged", f"file={n}")}
    tap.ok(said == odd and not odd & told, f"and tells of the rest: {sorted(kinds[n] for n in odd)}", odd - said)


with Remote() as r:
    r.queue("x@x.test", id="first")
    for path in r.files().values():
        os.unlink(path)
    spool = r.dir + "/spool"
    loaded = os.lstat(spool).st_ino, 0, {h: (os.lstat(f"{spool}/{h}").st_ino, 0, {}) for h in [*HASHES, "tmp"]}
    want = record(r)
    tap.ok(list(want) == ["one", "two", "big", "same", "same-2", "many"], "all were queued", want.keys())
    disk = powercut.Disk(spool, loaded)
    process, told, bad, torn, candidates, states = powercut.Process(disk), set(), [], [], [], 0
    for when, name, a, result in powercut.calls(f"{r.dir}/trace"):
        if name == "write" and a[0] == "1":
            told |= set(re.findall(r"Queued as (\S+)", powercut.octets(a[1]).decode()))
        elif not process.run(when, name, a, result):
            continue
        for how in HOW * (8 if name.startswith("rename") else 1):  # from here to the sync there is a name
            state, states = cut(disk, how), states + 1
            wrong, odd = judge(state, disk.top, told, want)
            bad += [(name, how, wrong)] if wrong else []
            torn += odd
            if odd:
                candidates.append((state, set(told)))
    tap.ok(told == set(want) and not bad, f"{states} states of the disk: what was answered with 250 is there and whole, and nothing else is taken for whole", *bad[:5])
    print(f"# proof: the spool, after a power cut | {states} | {len(bad)}")
    tap.ok({"empty", "lie"} <= set(torn), "a power cut may leave names without content, and whole lengths without it", {k: torn.count(k) for k in torn})
    for path in r.files().values():
        os.unlink(path)
    lies = [c for c in candidates if "lie" in judge(c[0], disk.top, set(), want)[1]]
    for state, known in rng.sample(lies, 1) + rng.sample(candidates, WALKS - 1):
        for name in os.listdir(f"{spool}/damaged"):
            os.unlink(f"{spool}/damaged/{name}")
        walk(r, state, disk.top, known, want)
tap.done()
