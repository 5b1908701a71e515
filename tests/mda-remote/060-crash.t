#!/usr/bin/env python3
"""Kill -9 of the walker, of smtp-send and of spool-recv during traffic: no accepted message is missing, every failure is
told once, and a recipient gets a message twice only where a party died between the peer's 250 and our record of it."""
import os, random, re, signal, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from smtppeer import Peer, Remote

seed = int(os.environ.get("SEED", time.time()))
print(f"# SEED={seed}", flush=True)
chance = random.Random(seed)
SETTINGS = {"retry-min": "10ms", "retry-max": "20ms", "host-retry-min": "10ms", "host-retry-max": "20ms", "remote-connections-per-destination": "4",
            "remote-messages-per-connection": "3"}


def children(pid, name):
    out = subprocess.run(["pgrep", "-P", str(pid), name], capture_output=True, text=True).stdout
    return [int(p) for p in out.split()]


def died(message, victim):
    """Its session ended behind it: the reply was not heard by smtp-send, or, when mda-remote was killed, not yet written
    down (smtp-send may then still say QUIT)."""
    log = message.session.log[:-1] if victim == "mda-remote" and message.session.log[-1] == "QUIT" else message.session.log
    return log[-1] == "DATA" and [l for l in log if l.startswith("MAIL")][-1] == message.mail


def traffic(victim, rounds):
    script = {"RCPT": lambda line: "550 5.1.1 no" if "bad" in line else "450 4.2.0 later" if "grey" in line and chance.random() < 0.5 else None}
    accepted = []
    with Peer(script=script) as peer, Remote({"smtp-port": peer.port, **SETTINGS}, routes="*: [127.0.0.1]") as r:
        done = threading.Event()

        def feed():
            i = 0
            while not done.is_set():
                accepted.append(r.queue([f"a{i}@x.test", f"grey{i}@x.test", f"bad{i}@x.test"], sender=f"s{i}@home.test", body=f"Subject: number {i}\n\nx\n", id=f"m{i}"))
                i += 1
        feeder = threading.Thread(target=feed)
        r.start()
        feeder.start()
        for _ in range(rounds):
            time.sleep(chance.random() * 0.08)  # when, is the case
            if victim == "mda-remote":
                r.stop(signal.SIGKILL)
                r.start()
            else:
                for pid in children(r.process.pid, victim)[:2]:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
        done.set()
        feeder.join()
        r.wait_empty()
        left = [n for d in os.listdir(f"{r.dir}/spool") if os.path.isdir(f"{r.dir}/spool/{d}") for n in os.listdir(f"{r.dir}/spool/{d}") if not re.match(r"[0-9a-z]+$", n) or d != "tmp"]
        tap.ok(not left, f"{victim}: nothing is left in the spool", left)

        copies, reports = {}, {}
        for m in peer.messages:
            if "FROM:<>" in m.mail:
                reports.setdefault(m.rcpts[0], []).append(m)
                continue
            for rcpt in m.rcpts:
                copies.setdefault(rcpt[9:-1], []).append(m)
        lost = [a for i in range(len(accepted)) for a in (f"a{i}@x.test", f"grey{i}@x.test") if a not in copies]
        tap.ok(accepted and not lost, f"{victim}: {len(accepted)} messages, {rounds} kills: none is lost", lost)
        untold = [i for i in range(len(accepted)) if not any(f"<s{i}@home.test>" in to for to in reports)]
        tap.ok(not untold, f"{victim}: every failure is told", untold)
        doubled = {a: c for a, c in [*copies.items(), *reports.items()] if len(c) > 1}
        wrong = [a for a, c in doubled.items() if sum(not died(m, victim) for m in c) > 1]
        tap.ok(not wrong, f"{victim}: {len(doubled)} doubled, all of them where the 250 was not yet on record", [(a, [m.session.log[-6:] for m in doubled[a]]) for a in wrong[:3]])


traffic("mda-remote", 40)
traffic("smtp-send", 60)
traffic("mda-remote-dns"[:15], 5)  # as the kernel has its name

# A delivery stops with its walker: the next walker does not send beside it.
with Peer(script={"dot": lambda line: wait_for(lambda: gate.is_set(), "the gate") and None}) as peer, Remote({"smtp-port": peer.port, **SETTINGS}, routes="*: [127.0.0.1]") as r:
    gate = threading.Event()
    r.queue("a@x.test")
    r.start()
    wait_for(lambda: peer.messages, "the final dot")
    (sender,) = children(r.process.pid, "smtp-send")
    r.stop(signal.SIGKILL)
    wait_for(lambda: not os.path.exists(f"/proc/{sender}") or open(f"/proc/{sender}/stat").read().split()[2] == "Z", "smtp-send's end")
    gate.set()
    tap.ok(True, "smtp-send dies with mda-remote")

# spool-recv killed anywhere: what it answered 250 for is there and whole; nothing else is.
with Remote() as r:
    r.queue("x@x.test", id="first")
    good = bad = 0
    for i in range(60):
        p = subprocess.Popen(["spool-recv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=r.env, cwd="/")
        p.stdin.write(f"LHLO x\r\nXFORWARD IDENT=k{i}\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n".encode() + (b"y" * 70 + b"\r\n") * 2000 + b".\r\nQUIT\r\n")
        p.stdin.flush()
        time.sleep(chance.random() * 0.004)
        p.kill()
        out = p.stdout.read()
        p.wait()
        told = b"Queued as k%d" % i in out
        path = r.files().get(f"k{i}")
        good += told
        if told and (not path or not open(path, "rb").read().endswith(b"y\n")):
            bad += 1
        elif path and (lambda d: len(d.split(b"\n\n", 1)[1]) != 2000 * 71)(open(path, "rb").read()):
            bad += 1
    tap.ok(not bad, f"spool-recv: of 60, {good} answered before the kill; all of these are on disk, none is half", bad)
    with Peer() as peer:
        r.set("smtp-port", peer.port)
        r.set("routes", "*: [127.0.0.1]")
        n = len(r.files())
        r.start()
        r.wait_empty()
        tap.ok(len(peer.messages) == n and not r.log("event=damaged"), "and every one is delivered", r.log("damaged"))

# A notification between its steps: parked and not marked, parked and marked, published.
for step in range(3):
    with Peer(script={"RCPT": lambda line: "550 5.1.1 no" if "bad" in line else None}) as peer, Remote({"smtp-port": peer.port, **SETTINGS}, routes="*: [127.0.0.1]") as r:
        owner = os.stat(f"{r.dir}/spool")

        def write(path, text):
            with open(path, "w") as f:
                f.write(text)
            os.chown(path, owner.st_uid, owner.st_gid)
        name = r.queue(["bad@x.test"], id="orig", sender="s@home.test")
        path = r.files()[name]
        parked = r.queue(["s@home.test"], sender="", id="tmpname", body="Subject: parked\n\nx\n")
        text = open(r.files()[parked]).read()
        os.unlink(r.files()[parked])
        state = open(path).read().replace("r w-", "r f-" if step == 0 else "r F-")
        write(path, state)
        if step < 2:
            write(f"{r.dir}/spool/tmp/orig+f0", text)
        r.start()
        if step == 0:
            wait_for(lambda: peer.messages, "the notification")
        r.wait_empty()
        subjects = [re.search(rb"Subject: (.*)\r", m.data)[1] for m in peer.messages]
        want = ([b"Undelivered mail"], [b"parked"], [])[step]
        tap.ok(subjects == want and not os.listdir(f"{r.dir}/spool/tmp"), ("parked, not marked: written anew", "parked and marked: published", "marked: told")[step], subjects, r.lines)
tap.done()
