#!/usr/bin/env python3
"""Kill -9 of the walker, of the process that runs its errands, of smtp-send and of spool-recv during traffic: no accepted message is missing, every failure is
told once, and a recipient gets a message twice only where smtp-send itself died between the peer's 250 and its record of it."""
import fcntl, os, random, re, signal, subprocess, sys, termios, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import LIMIT, tap, wait_for
from smtppeer import STALL, Peer, Remote

seed = int(os.environ.get("SEED", time.time()))
print(f"# SEED={seed}", flush=True)
chance = random.Random(seed)
SETTINGS = {"retry-min": "10ms", "retry-max": "20ms", "host-retry-min": "10ms", "host-retry-max": "20ms", "remote-connections-per-destination": "4",
            "remote-messages-per-connection": "3"}


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def ended(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().split()[2] == "Z"
    except OSError:
        return True


STAGES = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot", "dot", "dot", "QUIT"]


class Deadly(Peer):
    """Kills at a stage of a dialog: before its reply, or when it has just been sent."""

    def __init__(self, **kw):
        self.lock, self.when, self.shot, self.dead = threading.Lock(), None, None, threading.Event()
        super().__init__(**kw)

    def arm(self, shot):
        """shot is called once, at a stage that is chosen now."""
        self.dead.clear()
        self.shot, self.when = shot, (chance.choice(STAGES), chance.random() < 0.5)

    def fire(self, stage, before):
        with self.lock:
            if self.when != (stage, before):
                return
            self.when = None
            self.shot()
            self.dead.set()

    def action(self, stage, line, usual):
        self.fire(stage, True)
        return super().action(stage, line, usual)

    def replied(self, stage):
        self.fire(stage, False)


def died(message):
    """Its session ended behind it: smtp-send did not live to write it down."""
    log = message.session.log
    return log[-1] == "DATA" and [l for l in log if l.startswith("MAIL")][-1] == message.mail


def traffic(victim, rounds):
    script = {"RCPT": lambda line: "550 5.1.1 no" if "bad" in line else "450 4.2.0 later" if "grey" in line and chance.random() < 0.5 else None}
    accepted = []
    with Deadly(script=script) as peer, Remote({"smtp-port": peer.port, **SETTINGS}, routes="*: [127.0.0.1]") as r:
        done = threading.Event()

        def feed():
            i = 0
            while not done.is_set():
                accepted.append(r.queue([f"a{i}@x.test", f"grey{i}@x.test", f"bad{i}@x.test"], sender=f"s{i}@home.test", body=f"Subject: number {i}\n\nx\n", id=f"m{i}"))
                i += 1
                wait_for(lambda: done.is_set() or len(r.files()) < 40, "deliveries")

        def shot():
            for pid in [r.process.pid] if victim == "mda-remote" else r.children(victim):
                kill(pid)
        feeder = threading.Thread(target=feed)
        r.start()
        feeder.start()
        for _ in range(rounds):
            peer.arm(shot)
            wait_for(peer.dead.is_set, f"a kill at {peer.when}")
            if victim.startswith("mda-remote") and victim != "mda-remote-dns":  # neither can do without the other
                r.process.wait(timeout=LIMIT)
                r.start()
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
        wrong = [a for a, c in doubled.items() if victim != "smtp-send" or sum(not died(m) for m in c) > 1]
        tap.ok(not wrong, f"{victim}: {len(doubled)} doubled" + ", all of them where smtp-send died before it could write the 250 down" * (victim == "smtp-send"),
               [(a, [m.session.log[-6:] for m in doubled[a]]) for a in wrong[:3]])


traffic("mda-remote", 60)
traffic("mda-remote-e", 20)
traffic("smtp-send", 60)
traffic("mda-remote-dns", 5)

# The walker dies while the server thinks about the message: its smtp-send hears the reply and writes it down, and the
# next walker leaves the message alone until then.
gate = threading.Event()
for reply, notify in (None, ""), (None, "NOTIFY=SUCCESS"), ("450 4.2.0 later", ""), ("550 5.7.1 no", ""):
    gate.clear()
    first = [reply]
    script = {"dot": lambda line: (wait_for(gate.is_set, "the gate"), first.pop() if first else None)[1]}
    with Peer(script=script, ext=["PIPELINING"]) as peer, Remote({"smtp-port": peer.port, **SETTINGS}, routes="*: [127.0.0.1]") as r:
        name = r.queue(["a@x.test", "b@x.test"], rcpt=notify, sender="s@home.test")
        r.start()
        wait_for(lambda: peer.messages, "the final dot")
        (sender,) = r.children("smtp-send")
        r.stop(signal.SIGKILL)
        r.start()
        peer.script = {}
        r.queue("c@x.test")
        r.wait("event=delivered", "to=c@x.test")
        tap.ok(os.path.exists(f"/proc/{sender}") and r.states(name) == {"a@x.test": "w", "b@x.test": "w"} and len(peer.messages) == 2, f"{reply} {notify}: an smtp-send outlives its walker; the next one waits for it", r.lines)
        gate.set()
        r.wait_empty()
        copies = [m.rcpts for m in peer.messages if "s@home.test" in m.mail]
        reports = [m.data for m in peer.messages if "FROM:<>" in m.mail]
        event = {None: "delivered", "4": "deferred", "5": "failed"}[reply and reply[0]]
        tap.ok(len(copies) == (1 if reply is None else 2), f"{reply} {notify}: " + ("never sent again" if reply is None else "tried again"), copies)
        tap.ok(len(r.log(f"id={name} ", f"event={event}", "to=a@x.test")) == 1 and len(reports) == (1 if notify else 0), "and the log and the sender know", r.lines, reports)
        wait_for(lambda: ended(sender), "smtp-send's end")

# The walker stands still: the state is in the file all the same.
with Peer() as peer, Remote({"smtp-port": peer.port, **SETTINGS}, routes="*: [127.0.0.1]") as r:
    gate.clear()
    peer.script = {"dot": lambda line: wait_for(gate.is_set, "the gate") and None}
    name = r.queue(["a@x.test", "b@x.test"])
    r.start()
    wait_for(lambda: peer.messages, "the final dot")
    r.process.send_signal(signal.SIGSTOP)
    gate.set()
    wait_for(lambda: r.states(name) == {"a@x.test": "d", "b@x.test": "d"}, "both states")
    r.stop(signal.SIGKILL)
    r.start()
    r.wait_empty()
    tap.ok(len(peer.messages) == 1, "smtp-send writes the states itself: no walker can forget them", peer.messages)

# TERM waits so long and no longer: then an smtp-send that is still at work ends too.
with Peer(script={"dot": STALL}) as peer, Remote({"smtp-port": peer.port, **SETTINGS, "remote-timeout": "600"}, routes="*: [127.0.0.1]") as r:
    r.queue("a@x.test")
    r.start()
    wait_for(peer.stalled.is_set, "the stall")
    (sender,) = r.children("smtp-send")
    tap.ok(r.stop() == 0, "TERM: ends although a delivery hangs")
    wait_for(lambda: not os.path.exists(f"/proc/{sender}"), "smtp-send's end")

# spool-recv killed anywhere: what it answered 250 for is there and whole; nothing else is.
with Remote() as r:
    r.queue("x@x.test", id="first")
    good = bad = 0
    dialog = "LHLO x\r\nXFORWARD IDENT=k%d\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n"
    text = (b"y" * 70 + b"\r\n") * 2000 + b".\r\nQUIT\r\n"

    def unread(p):
        return int.from_bytes(fcntl.ioctl(p.stdin, termios.FIONREAD, b"\0\0\0\0"), sys.byteorder)
    for i in range(60):
        p = subprocess.Popen(["spool-recv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=r.env, cwd="/")
        whole = (dialog % i).encode() + text
        # In the midst of the input; at its end; when the file has its temporary or its own name; when it has answered.
        dead = set(r.unnamed())
        moment = ("cut", "end", "tmp", "file", "answer")[i % 5]
        p.stdin.write(whole[:chance.randrange(len(whole))] if moment == "cut" else whole)
        p.stdin.flush()
        if moment in ("cut", "end"):
            wait_for(lambda: not unread(p), "its reading")
        elif moment == "tmp":
            wait_for(lambda: set(r.unnamed()) - dead or f"k{i}" in r.files(), "its file")
        elif moment == "file":
            wait_for(lambda: f"k{i}" in r.files(), "its file")
        else:
            wait_for(lambda: p.stdout.readline().startswith(b"250 2.0.0 Queued"), "its answer")
        p.kill()
        out = p.stdout.read()
        p.wait()
        told = moment == "answer" or b"Queued as k%d" % i in out
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
