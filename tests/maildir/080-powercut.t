#!/usr/bin/env python3
# A power cut after every change of the disk. Clients work on three folders while all their system calls are recorded; the trace is replayed on
# a model of a file system (tests/lib/powercut.py), and after each change the directory is made to be what a power cut at that moment may have
# left: nothing of what was not synced, all of it, or any part. A session that opens it then must show what was acknowledged, UIDs that were
# told must name the same messages and come back for no others, an index that tells lies must be noticed.
# SEED; POWERCUT_STATES at most (default 150; 0: all), POWERCUT_STEPS commands, POWERCUT_AT=n.m a single state.
import os
import random
import re
import time
import maildirtest as t
import powercut
from storeclient import Client
from storemodel import DISPOSABLE, Model, Session, lasting

FOLDERS = "INBOX", "A", "B"
HOW = "none", "some", "some", "all"  # of what is not synced, after each change
STATES = int(os.environ.get("POWERCUT_STATES", "150"))
STEPS = int(os.environ.get("POWERCUT_STEPS", "60"))
OTHER = ("refresh", "settle", "settle", "settle wait", "texts keep", "keys", "keys", "reopen", "reopen", "restart")


class Recorded(Session):
    """A session whose system calls, and whose commands with what the model said, are written down."""

    def __init__(self, run, folder):
        self.run, self.trace = run, f"{run.place.dir}/log/trace.{len(run.traces)}"
        run.traces.append(self.trace)
        self.number, self.then = len(run.traces) - 1, None
        self.proc = run.place.start([*powercut.TRACE, "-o", self.trace, os.path.abspath(t.DRIVER), run.place.mail])
        self.reopen(folder)

    def command(self, line):
        run, then = self.run, self.then or (lambda answer: None)
        run.log.append((self.number, line, run.model.copy(), run.model.uncertain(then)))
        self.then = None
        answer = super().command(line)
        run.stage.bury()
        return answer


class Run:
    def __init__(self, place, rng):
        self.place, self.rng, self.model = place, rng, Model(place, FOLDERS)
        self.client = Client(self.model, rng)
        self.traces, self.log, self.sessions = [], [], []  # log: (session, command, model before it, model in the midst of it)
        self.stage = powercut.Stage(place.mail, place.dir + "/graves", self.own)

    def own(self, path):
        if os.getuid() == 0:
            os.chown(path, self.place.user.pw_uid, self.place.user.pw_gid)

    # ---- recording ----

    def prepare(self):
        """What is there and lasts before the first of the recorded commands."""
        s = t.Ours(self.place)
        for name in FOLDERS[1:]:
            s.command("create " + name)
        for name in FOLDERS:
            for _ in range(3):
                token = self.client.token()
                s.command(f"mail {name} {token}")
                self.model.add(name, token)
            s.command("open " + name)
            for i in range(28):
                s.command(f"flags 1 + - k{i}")
            s.command("flags 1 = -")
            s.command("settle wait")
        s.close()

    def record(self):
        self.prepare()
        for name in FOLDERS:
            s = Session(self.place, name)
            self.model.check(s)
            s.close()
        self.stage.bury()
        self.loaded = powercut.load(self.place.mail)
        self.sessions = [Recorded(self, name) for name in FOLDERS[:2]]
        for s in self.sessions:
            self.model.check(s)
        for _ in range(STEPS):
            self.step()
        for s in self.sessions:
            s.close()
        self.log.append((-1, "the end", self.model.copy(), self.model.copy()))

    def step(self):
        s = self.rng.choice(self.sessions)
        self.model.check(s)
        if self.rng.random() < 0.3:
            what = self.rng.choice(OTHER)
            if what == "reopen":
                s.reopen(self.rng.choice(FOLDERS))
                self.model.check(s)
            elif what == "restart":
                s.close()
                self.sessions.remove(s)
                self.sessions.append(Recorded(self, self.rng.choice(FOLDERS)))
                self.model.check(self.sessions[-1])
            else:
                s.command(what)
            return
        command, s.then = self.client.act(s)
        if command:
            then = s.then
            then(s.command(command))
        s.then = None

    # ---- replaying ----

    def events(self):
        """(time, session, name, arguments, result) of all sessions; one of them works at a time."""
        every = []
        for number, path in enumerate(self.traces):
            every += [(when, number, *rest) for when, *rest in powercut.calls(path)]
        return sorted(every, key=lambda e: e[0])

    def replay(self, each=lambda *_: None, inos=()):
        """Calls each(n, model, label) after every change of the disk, and after every acknowledgement. Their number."""
        self.disk = powercut.Disk(self.place.mail, self.loaded, inos)
        processes = [powercut.Process(self.disk) for _ in self.traces]
        at, said, n = 0, "", 0
        for when, number, name, a, result in self.events():
            if name == "write" and a[0] == "1":
                said += powercut.octets(a[1]).decode()
                if said.endswith(("ok\n", )) or re.search(r"^no .*\n\Z", said, re.M):
                    assert self.log[at][0] == number, (self.log[at][:2], number, said)
                    at, said, n = at + 1, "", n + 1
                    each(n, self.log[at][2], f"answered: {self.log[at - 1][1]}")
            elif processes[number].run(when, name, a, result):
                n += 1
                each(n, self.log[at][3], f"in: {self.log[at][1]}, after {name}({shown(a)})")
        return n

    def judge(self, model, state):
        """What is wrong with this state of the disk."""
        self.stage.set(state, self.disk.top)
        model = model.copy()
        model.place, seen = self.place, {}
        # A change may have been undone while the cut took the index's last words.
        model.judges_modseq = lambda item: False
        try:
            s = Session(self.place, FOLDERS[0])
            for name in FOLDERS:
                s.reopen(name)
                model.check(s)
                seen[name] = s.facts()
                model.bad += [f"{name}: cached text {x}" for x in s.command("texts") if not re.fullmatch(r"\d+ [0-9a-f]+", x)]
                model.bad += [f"{name}: keys {x}" for x in s.command("keys") if not re.fullmatch(r"\d+", x)]
            model.judge_moves(both=True)
            s.close()
            self.without_index(model, seen)
        except RuntimeError as e:
            model.complain(f"{e} {self.place.complaints()[-3:]}")
        return model.bad

    def without_index(self, model, seen):
        for name in FOLDERS:
            for file in DISPOSABLE:
                if os.path.lexists(f"{model.path(name)}/{file}"):
                    os.unlink(f"{model.path(name)}/{file}")
        s = Session(self.place, FOLDERS[0])
        for name in FOLDERS:
            s.reopen(name)
            x, y = lasting(model, seen[name]), lasting(model, s.facts())
            if x != y:
                model.complain(f"{name}: with the index {x[0]}, without {y[0]}; rows {sorted(set(x[1].items()) ^ set(y[1].items()), key=str)}")
            s.command(f"mail {name} later.{name}")
            model.add(name, "later." + name)
            s.fresh = False
            model.check(s)
        s.close()


def shown(a):
    return ", ".join(powercut.octets(x).decode("latin-1")[-60:] if x.startswith('"') else x[:40] for x in a[:4])


rng = t.seed()
with t.Place() as place:
    run = Run(place, rng)
    run.record()
    t.same(run.model.bad, [], "the sessions that are recorded show what they should")
    real = powercut.contents(place.mail)
    total = len(HOW) * run.replay()
    inos = run.disk.learn()
    run.stage.set(run.disk.crash(rng, "all"), run.disk.top)
    now = powercut.contents(place.mail)
    t.same([k for k in real.keys() | now.keys() if real.get(k) != now.get(k)], [], "the model of the file system ends where the real one does")
    chosen = set(range(total) if not STATES or STATES > total else rng.sample(range(total), STATES))
    if at := os.environ.get("POWERCUT_AT"):
        chosen = {int(at)}
    bad, salt, begun = [], rng.random(), time.monotonic()

    def each(n, model, label):
        for i, how in enumerate(HOW):
            number = (n - 1) * len(HOW) + i
            if number in chosen and len(bad) < 10:
                state = run.disk.crash(random.Random(f"{salt} {number}"), how)
                wrong = run.judge(model, state)
                if wrong:
                    bad.append(f"POWERCUT_AT={number} ({how}) {label}:\n#   " + "\n#   ".join(wrong[:4]))
    run.replay(each, inos)
    if not t.ok(not bad, f"{len(chosen)} of {total} states after a power cut, {len(run.log)} commands, {time.monotonic() - begun:.0f} s"):
        print("\n".join("# " + b for b in bad))
    print(f"# proof: the store, after a power cut | {len(chosen)} | {len(bad)}")
t.done()
