"""A user's scripts, by managesieve: what was answered OK is there, whole, and no moment is without the active script."""
import os, re, time

import rig

LONG = "x" * 260
PUT = {name: f"keep; # {name}" for name in ("old", "new", "again", LONG, "later")}
ADOPTED = "dovecot.orig"  # the name that a script gets which somebody has put in the place of the active one


def state(scripts, active):
    """What there is to know of a home: texts by name, and the text that counts."""
    return frozenset(scripts.items()), active


def put(name, text):
    return lambda scripts, active: [state({**scripts, name: text}, text if name in scripts and scripts[name] == active else active)]


def rename(old, new):
    """Both names for a moment."""
    def steps(scripts, active):
        if old not in scripts or new in scripts:
            return [state(scripts, active)]
        both = {**scripts, new: scripts[old]}
        return [state(both, active), state({k: v for k, v in both.items() if k != old}, active)]
    return steps


def delete(name):
    return lambda scripts, active: [state({k: v for k, v in scripts.items() if k != name or v == active}, active)]


def activate(name):
    def steps(scripts, active):
        more = {**scripts, ADOPTED: active} if active not in scripts.values() else scripts
        return [state(more, active), state(more, more.get(name, active))]
    return steps


class Scripts(rig.Scenario):
    """steps: (command, fn(scripts, active) to the states on the way, the last of which is what OK says)."""
    promise = "a script that was answered OK is there, and no moment is without the active one"

    def __init__(self, name, steps, by_hand=False):
        super().__init__(name)
        self.steps, self.by_hand = steps, by_hand

    def prepare(self, top):
        os.makedirs(f"{top}/instance/etc")
        os.makedirs(f"{top}/home/sieve/tmp")
        for name in "old", "other":
            with open(f"{top}/home/sieve/{name}.sieve", "w") as f:
                f.write(PUT.get(name, "keep; # other"))
        if self.by_hand:
            with open(f"{top}/home/.dovecot.sieve", "w") as f:
                f.write("stop; # hand")
        else:
            os.symlink("sieve/old.sieve", f"{top}/home/.dovecot.sieve")

    def chosen(self, made):
        return [c for c in made if c.role.startswith("managesieve")]

    def start(self, top, tracer, log):
        env = {"PATH": f"{rig.ROOT}/build/bin:{os.environ['PATH']}", "HOME": f"{top}/home", "USER": "u", "POSTERN_DIR": f"{top}/instance", "ASAN_OPTIONS": "detect_leaks=0"}
        return rig.Line([f"{rig.ROOT}/build/bin/managesieve"], env, tracer, log)

    def command(self, c, text):
        """OK?"""
        if text:
            c.send(text + "\r\n")
        while True:
            line = c.read()
            while m := re.search(rb"\{(\d+)\}\r\n\Z", line):
                line += c.octets(int(m[1])) + c.read()
            if m := re.match(rb"(OK|NO|BYE)\b", line):
                return m[1] == b"OK", line

    def knows(self, may):
        if self.moments is not None:
            self.moments.append((time.time_ns(), set(may)))

    def play(self, top, tracer):
        """{"may": the states that what was answered allows}"""
        told = {"may": {state({"old": PUT["old"], "other": "keep; # other"}, "stop; # hand" if self.by_hand else PUT["old"])}, "refused": [], "died": False}
        self.knows(told["may"])
        with open(f"{top}.log", "ab") as log:
            c = self.start(top, tracer, log)
            try:
                self.command(c, "")
                for text, steps in self.steps:
                    self.step(c, text, steps, told)
            except rig.Gone:
                told["died"] = True
            told["code"] = c.close()
        return told

    def step(self, c, text, steps, told):
        ways = [(before, steps(dict(before[0]), before[1])) for before in told["may"]]
        told["may"] = {s for before, states in ways for s in (before, *states)}
        self.knows(told["may"])
        good, line = self.command(c, text)
        if good:
            told["may"] = {states[-1] for _, states in ways}
            self.knows(told["may"])
        else:
            told["refused"].append((text, line))

    # ---- the checker ----

    def there(self, top):
        scripts, litter = {}, []
        for path, _, names in os.walk(f"{top}/home/sieve"):
            for n in names:
                name = os.path.relpath(f"{path}/{n}", f"{top}/home/sieve")
                if name.startswith("tmp/") or name.endswith(".code"):
                    continue
                with open(f"{path}/{n}") as f:
                    scripts[name.removesuffix(".sieve").removeprefix(".long/").replace("/", "")] = f.read()
        litter = [n for n in os.listdir(f"{top}/home") if not re.fullmatch(r"sieve|\.dovecot\.sieve(\.[a-z0-9_]+)?", n)]
        try:
            with open(f"{top}/home/.dovecot.sieve") as f:
                return state(scripts, f.read()), litter
        except FileNotFoundError:
            return state(scripts, None), litter

    def check(self, top, told, point, rng):
        there, litter = self.there(top)
        bad = [f"litter: {n}" for n in litter]
        if there not in told["may"]:
            bad.append(f"there is {show(there)}, and may be {' or '.join(sorted(map(show, told['may'])))}; refused: {told['refused']}")
        if not point and told["refused"]:
            bad.append(f"refused: {told['refused']}")
        if told["died"] and not point.killed and told["code"] not in (0, 111):
            bad.append(f"exit {told['code']}")
        return bad + self.again(top)

    def after_cut(self, top, may):
        return self.check(top, {"may": may, "refused": [], "died": False}, rig.Point("managesieve:::cut", None, True), None)

    def again(self, top):
        """The next session does what it is told."""
        with open(f"{top}.log", "ab") as log:
            c = self.start(top, [], log)
            try:
                self.command(c, "")
                answers = [(text, *self.command(c, text)) for text in ("LISTSCRIPTS", 'PUTSCRIPT "after" "keep;"', 'SETACTIVE "after"', 'RENAMESCRIPT "after" "renamed"', 'SETACTIVE ""', 'DELETESCRIPT "renamed"')]
            finally:
                c.close()
        return [f"afterwards {text}: {line}" for text, good, line in answers if not good]


def show(s):
    return f"{sorted((n[:12], t[:20]) for n, t in s[0])}, active {s[1] and s[1][:20]}"


def quoted(name, text=None):
    return f'"{name}"' + (f' "{text}"' if text else "")


NAMES = {
    "scripts": lambda: Scripts("scripts", [
        (f"PUTSCRIPT {quoted('old', PUT['again'])}", put("old", PUT["again"])),
        (f"PUTSCRIPT {quoted('new', PUT['new'])}", put("new", PUT["new"])),
        (f"RENAMESCRIPT {quoted('old')} {quoted('later')}", rename("old", "later")),
        (f"SETACTIVE {quoted('new')}", activate("new")),
        (f"DELETESCRIPT {quoted('later')}", delete("later")),
        (f"PUTSCRIPT {quoted(LONG, PUT[LONG][:40])}", put(LONG, PUT[LONG][:40]))]),
    "adopt": lambda: Scripts("adopt", [(f"SETACTIVE {quoted('other')}", activate("other"))], by_hand=True),
}
