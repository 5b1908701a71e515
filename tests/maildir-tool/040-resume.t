#!/usr/bin/env python3
"""Interrupted imports and index runs, by kill at any moment and by signals: run again they end as if nothing had been.
Usage: 040-resume.t [kills]; SEED chooses the moments."""
import os, random, shutil, signal, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildirtool as tool
from maildirtool import Place, imap_state, ok, same

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 8
N = 1500
SEED = int(os.environ.get("SEED", 0)) or random.randrange(1, 10**9)
print(f"# SEED={SEED}", flush=True)
rng = random.Random(SEED)


def source(p):
    """A Maildir with Dovecot's files, and an mbox; UIDs with gaps, keywords beyond the letters."""
    lines, box = [], []
    p.maildir("src")
    for i in range(N):
        uid = 2 * i + 3
        data = f"Subject: {i}\n\n{'x' * (i % 500)}\n"
        base = f"{1100000000 + i}.M{i}P1.host"
        flags = "S" * (i % 2) + "ab"[: i % 3]
        p.write(f"src/cur/{base}:2,{flags}", data, 1100000000 + i)
        lines.append(f"{uid} :{base}:2,\n")
        box.append(f"From a Mon Jan  2 15:04:05 20{i % 20 + 10}\n" + (f"X-IMAPbase: 777 {2 * N + 9}\n" if not i else "") +
                   f"X-UID: {uid}\nStatus: {'R' if i % 2 else ''}O\nX-Keywords: k{i % 40}\n{data}\n")
    p.write("src/dovecot-uidlist", f"3 V777 N{2 * N + 9} G00112233445566778899aabbccddeeff\n" + "".join(lines))
    p.write("src/dovecot-keywords", "0 Work\n1 Later\n")
    p.write("box", "".join(box))


def kept(p, target):
    """What an import leaves, but for what is random or disposable."""
    with open(p.at(target, "dovecot-uidlist")) as f:
        head, *lines = f.read().splitlines()
    names = sorted(os.listdir(p.at(target, "cur"))) + sorted(os.listdir(p.at(target, "new")))
    return (head.split()[1], lines, names, tool.snapshot(p.at(target)), imap_state(p, "ours", target))


def interrupt(p, how, *words):
    """Runs, and ends it at a random moment of how long it takes. 1 if it was in time."""
    process = p.start(*words)
    began = time.monotonic()
    try:
        process.wait(timeout=rng.uniform(0, p.takes))
    except subprocess.TimeoutExpired:
        process.send_signal(how)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err.decode()


with Place() as p:
    source(p)
    for name, words in ("Maildir", ["src"]), ("mbox", ["box"]):
        began = time.monotonic()
        r = p.run("import", "-q", p.at(*words), p.at("whole-" + name))
        p.takes = time.monotonic() - began
        print(f"# {name}: {p.takes:.2f} s for {N} messages", flush=True)
        same(r.code, 0, f"{name}: an import without interruption")
        want = kept(p, "whole-" + name)
        bad, hits, left = [], 0, []
        for n in range(KILLS):
            target = f"{name}{n}"
            for _ in range(rng.randrange(1, 4)):
                code, _, _ = interrupt(p, signal.SIGKILL, "import", p.at(*words), p.at(target))
                hits += code == -signal.SIGKILL
            r = p.run("import", "--json", p.at(*words), p.at(target))
            if r.code or kept(p, target) != want:
                bad.append((n, r))
            left += [f for f in os.listdir(p.at(target, "tmp"))][:1]
            shutil.rmtree(p.at(target))
        ok(not bad, f"{name}: killed {hits} times and resumed: the same", *bad[:3])
        ok(hits > 0, f"{name}: some of the kills came in time")
        # A request to end: the batch is made to last, and it is said.
        for sig in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            for _ in range(20):
                shutil.rmtree(p.at("sig"), ignore_errors=True)
                code, out, err = interrupt(p, sig, "import", p.at(*words), p.at("sig"))
                if code not in (0, -sig):
                    break
            ok(code == 111 and "goes on from here" in err and not os.listdir(p.at("sig", "tmp")), f"{name}: {sig.name}", code, out, err)
            p.run("import", "-q", p.at(*words), p.at("sig"))
            ok(kept(p, "sig") == want, f"{name}: {sig.name} and resumed: the same")
        shutil.rmtree(p.at("sig"))

    # The index: as a fresh one when it is resumed.
    p.run("import", "-q", p.at("src"), p.at("fresh"))  # no session has made anything there
    shutil.copytree(p.at("fresh"), p.at("whole"))
    began = time.monotonic()
    r = p.run("index", "--json", p.at("whole"))
    p.takes = time.monotonic() - began
    same((r.code, r.json[0]["made"]), (0, N), f"index ({p.takes:.2f} s)")
    hits, bad = 0, []
    for n in range(KILLS):
        target = f"index{n}"
        shutil.copytree(p.at("fresh"), p.at(target))
        for _ in range(2):
            hits += interrupt(p, rng.choice([signal.SIGKILL, signal.SIGTERM]), "index", p.at(target))[0] != 0
        first, second = p.run("index", "--json", p.at(target)), p.run("index", "--json", p.at(target))
        if first.code or second.json[0]["made"] or second.json[0]["already"] != N or p.run("check", "-n", p.at(target)).code:
            bad.append((n, first, second))
        shutil.rmtree(p.at(target))
    ok(not bad, f"index: ended {hits} times and resumed: complete, and check is content", *bad[:3])

    # A signal reaches the process that works on the Maildir.
    process = p.start("index", *[p.at("fresh")] * 200)
    process.stdout.readline()
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    same(process.returncode, 111, f"index: SIGTERM ends it ({time.monotonic() - began:.2f} s)")

    # A file that is cut short while it is mapped ends the tool with a word, whatever it was at.
    process = p.start("import", "-q", "-", p.at("bus"), stdin=subprocess.PIPE)
    process.stdin.write(b"From x\nSubject: x\n\n" + b"x\n" * 100000)  # more than a pipe holds: it reads, and has long begun
    process.stdin.flush()
    process.send_signal(signal.SIGBUS)
    _, err = process.communicate(timeout=120)
    ok(process.returncode == 111 and b"cut short" in err, "SIGBUS", process.returncode, err)

    # Two imports at once: the second waits for no one.
    held = os.open(p.at("src"), os.O_RDONLY)
    import fcntl
    fcntl.flock(held, fcntl.LOCK_EX)
    r = p.run("import", p.at("box"), p.at("src"))
    ok(r.code == 111 and "another import works" in r.err, "two imports into one Maildir", r)
    os.close(held)
tool.done()
