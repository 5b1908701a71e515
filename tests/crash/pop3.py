"""A user's mail, by pop3: what QUIT has been answered to is gone, and nothing is before."""
import time

import rig, store
from checker import changed
from client import environment

DELETED, READ = [2, 3], 4


class Pop(store.Store):
    """RETR of one message, DELE of two, QUIT. One that was read becomes seen if it can."""

    def __init__(self, name):
        rig.Scenario.__init__(self, name)
        self.op, self.set_up = name, None

    def chosen(self, made):
        return [c for c in made if c.role == "pop3"]

    def play(self, top, tracer):
        world = self.world.copy()
        told = {"world": world, "died": False, "refused": [], "done": None, "again": None, "code": 0}
        self.knows(world)
        try:
            told["done"] = self.session(top, world, told, [f"RETR {READ}", *(f"DELE {n}" for n in DELETED)], DELETED, tracer)
        except rig.Gone:
            told["died"] = True
        if not told["died"] and self.moments is None:
            told["again"] = self.session(top, world, told, ["DELE 1"], [1])
        return told

    def knows(self, world):
        if self.moments is not None:
            self.moments.append((time.time_ns(), world.copy()))

    def session(self, top, world, told, commands, uids, tracer=()):
        """Was QUIT answered well? None: there was no session to speak of."""
        with open(f"{top}.log", "ab") as log:
            c = rig.Line([f"{rig.ROOT}/build/bin/pop3"], environment(top), tracer, log)
            try:
                c.read()
                good = all([self.command(c, text, told) for text in commands])
                gone = changed("INBOX", uids, lambda p: None)
                # Of what a command refused QUIT removes nothing, but which that is need not be known here.
                world.perhaps(gone, changed("INBOX", [READ], lambda p: (p[0], p[1], p[2] | {"\\Seen"})))
                self.knows(world)
                done = self.command(c, "QUIT", told)
                if done and good:
                    world.apply(gone)
                    world.absent("INBOX", uids)
                self.knows(world)
                return done and good
            finally:
                told["code"] = c.close() if not told["code"] else told["code"]

    def command(self, c, text, told):
        c.send(text + "\r\n")
        line = c.read()
        if not line.startswith(b"+OK"):
            told["refused"].append((text, line))
            return False
        while text.startswith("RETR") and c.read() != b".\r\n":
            pass
        return True


NAMES = {"pop3": lambda: Pop("pop3")}
