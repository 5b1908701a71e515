#!/usr/bin/env python3
# Sessions and other programs change folders by turns, in every order that comes up: deliveries, flags, keywords beyond the letters, copies,
# moves, expunges, renames by mutt and mbsync, files removed and put back, two of one name, dovecot-uidlist written anew,
# kills in the middle, the index removed, cut, changed, or an old one put back. After each step what a session shows is
# what the model says; what was told once stays so.  SEED, MODEL_SECONDS.
import os
import random
import re
import time
import maildirtest as t
import storeforeign
from storeclient import Client
from storemodel import Model, Session, with_and_without

FOLDERS = "INBOX", "A", "B"
STEPS = ("mail mail save flags flags flags words words words copy move expunge expunge reopen reopen restart settle texts later "
         "kill kill foreign foreign foreign foreign foreign foreign damage damage both status").split()


class Run:
    def __init__(self, place, rng):
        self.place, self.rng = place, rng
        self.model = Model(place, FOLDERS)
        self.client, self.foreign = Client(self.model, rng), storeforeign.Foreign(self.model, rng)
        setup = t.Ours(place)
        for name in FOLDERS[1:]:
            setup.command("create " + name)
        setup.close()
        self.sessions = []
        for _ in range(3):
            self.start(rng.choice(FOLDERS))
        self.steps, self.kills, self.last = 0, 0, []

    def start(self, folder):
        self.sessions.append(Session(self.place, folder))
        self.model.check(self.sessions[-1])

    def act(self, s, what):
        command, then = self.client.act(s, what)
        if command:
            self.last.append(f"{s.proc.pid} {s.folder}{'' if self.client.exact else ' (stale)'}: {command}")
            try:
                then(s.command(command))
            except RuntimeError as e:
                # The session has not noticed yet that others took it away; then nothing was to be done, or a part of it.
                if self.client.exact or "No such file" not in str(e):
                    self.model.complain(f"{self.last[-1]}: {e}")
                then(None)
                self.resolve()

    def kill(self, s):
        command, then = self.client.act(s)
        if not command:
            command, then = self.rng.choice(("refresh", "settle", "texts keep")), lambda answer: None
        self.last.append(f"{s.proc.pid} {s.folder}: killed in {command}")
        s.send(command)
        time.sleep(self.rng.random() ** 2 * 0.003)
        s.kill()
        self.kills += 1
        self.model.folders[s.folder].looks += 1  # it may have told, or not
        then(None)
        self.sessions.remove(s)
        self.resolve()
        self.start(s.folder)

    def resolve(self):
        """What became of what was open."""
        for name in FOLDERS:
            fresh = Session(self.place, name)
            self.model.check(fresh)
            fresh.close()
        self.model.judge_moves()

    # ---- what else happens ----

    def reopen(self, s, folder=None):
        s.reopen(folder or self.rng.choice(FOLDERS))
        self.model.check(s)

    def restart(self, s):
        s.close()
        self.sessions.remove(s)
        self.start(self.rng.choice(FOLDERS))

    def settle(self, s):
        s.command("settle")

    def texts(self, s):
        for line in s.command("texts keep" if self.rng.random() < 0.5 else "texts"):
            if not re.fullmatch(r"\d+ [0-9a-f]+", line):
                self.model.complain(f"{s.folder}: cached text {line}")

    def later(self, s):
        s.command("refresh noexpunge")

    def status(self, s):
        name = self.rng.choice(FOLDERS)
        n, _, unseen, uidnext, validity = map(int, s.command("status " + name)[0].split(" "))
        f = self.model.folders[name]
        may = [{"S" not in flags for flags, _ in i.alts} for i in f.items]
        if n != len(f.items) or not sum(m == {True} for m in may) <= unseen <= sum(True in m for m in may) or uidnext < f.next or validity != (f.validity or validity):
            self.model.complain(f"STATUS {name} says {n} {unseen} {uidnext} {validity}; there are {len(f.items)}, next is {f.next} {f.validity}")

    def both(self, s):
        with_and_without(self.model, self.rng.choice(FOLDERS))

    def step(self):
        self.steps += 1
        s, what = self.rng.choice(self.sessions), self.rng.choice(STEPS)
        self.client.exact = self.rng.random() < 0.7 and self.model.check(s)
        if what == "foreign":
            name, change = self.rng.choice(FOLDERS), self.rng.choice(storeforeign.CHANGES)
            self.last.append(f"{name}: {change}")
            getattr(self.foreign, change)(name)
            if change == "twin":
                self.reopen(s, name)  # which of the two is which
        elif what == "damage":
            name = self.rng.choice(FOLDERS)
            self.last.append(f"{name}: damage, {self.foreign.damage(name)}")
        elif what in Client.ACTS:
            self.act(s, what)
        else:
            self.last.append(f"{s.proc.pid} {s.folder}: {what}")
            getattr(self, what)(s)
        for name in FOLDERS:
            self.model.check_uidlist(name)
        del self.last[:-30]


rng = t.seed()
end = time.monotonic() + float(os.environ.get("MODEL_SECONDS", "6"))
with t.Place() as place:
    run = Run(place, rng)
    while time.monotonic() < end and not run.model.bad:
        run.step()
    if not t.ok(not run.model.bad, f"{run.steps} steps, {run.kills} kills: always what the model says"):
        print("\n".join("# " + b for b in run.model.bad[:6]), "\n# the last steps:", *("\n#   " + x for x in run.last))
    for name in FOLDERS:
        before = len(run.model.bad)
        fresh = Session(place, name)
        run.model.check(fresh)
        fresh.close()
        with_and_without(run.model, name)
        t.same(run.model.bad[before:], [], f"{name} at the end, with and without the index")
    t.same(place.complaints(), [], "no session has anything to complain of")
t.done()
