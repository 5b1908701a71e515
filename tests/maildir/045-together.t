#!/usr/bin/env python3
# The same at the same time: several processes change their own messages in common folders, others rename, move and remove theirs, the index
# is removed and damaged, dovecot-uidlist written anew, processes are killed. Every session's view of its own messages is what the model says, no UID
# ever names two messages; at quiet points all of it is compared, with the index and without.  SEED, MODEL_SECONDS.
import os
import random
import re
import threading
import time
import maildirtest as t
import storeforeign
from storeclient import Client
from storemodel import Model, Session, with_and_without

FOLDERS = "INBOX", "A", "B"
WORKERS = 3
ROUND = 1.2  # seconds between quiet points
STEPS = "mail mail save flags flags words copy move expunge expunge expunge reopen settle texts later kill".split()


class Worker(Client):
    """A client whose messages nobody else changes."""

    def __init__(self, run, number, rng):
        super().__init__(run.model, rng, f"w{number}.")
        self.run, self.session, self.steps, self.kills, self.last = run, None, 0, 0, []
        self.few = 6

    def start(self, folder):
        self.session = Session(self.run.place, folder)
        self.model.check(self.session, self.mine)

    def step(self):
        self.steps += 1
        del self.last[:-8]
        s = self.session
        if not s:
            return self.start(self.rng.choice(FOLDERS))
        self.model.check(s, self.mine)
        what = self.rng.choice(STEPS)
        if what == "reopen":
            s.reopen(self.rng.choice(FOLDERS))
            self.model.check(s, self.mine)
        elif what == "texts":
            for line in s.command("texts keep"):
                if not re.fullmatch(r"\d+ [0-9a-f]+( \?)?", line):
                    self.model.complain(f"{s.folder}: cached text {line}")
        elif what in ("settle", "later"):
            s.command("settle" if what == "settle" else "refresh noexpunge")
        elif what == "kill":
            self.kill()
        else:
            command, then = self.act(s, what)
            if command:
                self.last.append(f"{s.proc.pid} {s.folder}: {command}")
                then(s.command(command))

    def kill(self):
        s = self.session
        command, then = self.act(s)
        self.last.append(f"{s.proc.pid} {s.folder}: killed in {command or 'refresh'}")
        s.send(command or "refresh")
        time.sleep(self.rng.random() ** 2 * 0.004)
        s.kill()
        self.session, self.kills = None, self.kills + 1
        if command:
            then(None)
        for name in FOLDERS:
            self.start(name)
            if name != FOLDERS[-1]:
                self.session.close()
        self.model.judge_moves(self.mine)


class Stranger:
    """Other programs, with messages of their own; and what befalls the index."""

    def __init__(self, run, rng):
        self.model, self.rng, self.steps, self.kills, self.last = run.model, rng, 0, 0, []
        self.foreign = storeforeign.Foreign(run.model, rng, lambda token: token.startswith("f."))

    def step(self):
        self.steps += 1
        name = self.rng.choice(FOLDERS)
        time.sleep(self.rng.random() * 0.02)
        try:
            if self.rng.random() < 0.3:
                self.foreign.damage(name)
            else:
                # Which of two files of one name gets another one is known only where they take turns (040).
                getattr(self.foreign, self.rng.choice([c for c in storeforeign.CHANGES if c != "twin"]))(name)
        except FileNotFoundError:
            pass  # a session has just renamed it


class Run:
    def __init__(self, place, rng):
        self.place, self.model = place, Model(place, FOLDERS)
        # Of a stranger's change that was undone before anyone but a session that was killed had seen it, nobody can know.
        self.model.judges_modseq = lambda item: not item.token.startswith("f.")
        setup = t.Ours(place)
        for name in FOLDERS[1:]:
            setup.command("create " + name)
        setup.close()
        self.actors = [Worker(self, i, random.Random(rng.random())) for i in range(WORKERS)] + [Stranger(self, random.Random(rng.random()))]

    def act(self, actor, end):
        try:
            while time.monotonic() < end and not self.model.bad:
                actor.step()
        except Exception as e:
            self.model.complain(f"{type(e).__name__}: {e} after {actor.last}")

    def round(self, end):
        threads = [threading.Thread(target=self.act, args=(a, end)) for a in self.actors]
        for x in threads:
            x.start()
        for x in threads:
            x.join()
        for name in FOLDERS if not self.model.bad else ():
            s = Session(self.place, name)
            self.model.check(s)
            s.close()
            self.model.check_uidlist(name)
            with_and_without(self.model, name)


rng = t.seed()
end = time.monotonic() + float(os.environ.get("MODEL_SECONDS", "6"))
with t.Place() as place:
    run = Run(place, rng)
    rounds = 0
    while time.monotonic() < end and not run.model.bad:
        run.round(time.monotonic() + ROUND)
        rounds += 1
    kills, steps = sum(a.kills for a in run.actors), sum(a.steps for a in run.actors)
    messages = sum(len(f.items) for f in run.model.folders.values())
    if not t.ok(not run.model.bad, f"{steps} steps, {kills} kills, {messages} messages, {rounds} quiet points: always what the model says"):
        print("\n".join("# " + b for b in run.model.bad[:8]), *(f"\n# {a.last}" for a in run.actors))
    t.same(place.complaints(), [], "no session has anything to complain of")
t.done()
