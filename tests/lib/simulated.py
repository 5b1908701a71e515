"""mda-remote with a clock that runs ahead while nothing is under way (tests/unit/walker-clock.c): days pass in seconds."""
import os, shutil

from instance import ROOT
from smtppeer import Remote

CLOCK = os.path.join(ROOT, os.environ.get("BUILD", "build"), "unit", "walker-clock")
HOUR, DAY = 3600, 86400
DEFAULTS = {"retry-min": "5m", "retry-max": "4h", "host-retry-min": "1m", "host-retry-max": "1h"}


class Simulated(Remote):
    """Lines of the log with the simulated second, since the start, at which they came."""

    def __init__(self, settings=None, jump=(-1, 0), hours=6 * 24, **k):
        super().__init__({**DEFAULTS, **(settings or {})}, **k)
        self.timed, self.now = [], 0
        with open(f"{self.dir}/clock", "w") as f:
            f.write("%d %d %d\n" % (*jump, hours))
        os.chmod(f"{self.dir}/clock", 0o644)
        os.chmod(self.dir, 0o755)
        # Under the name that the others look for, and where everybody may run it.
        os.makedirs(f"{self.dir}/bin")
        shutil.copy(CLOCK, f"{self.dir}/bin/mda-remote")
        for path in "bin", "bin/mda-remote":
            os.chmod(f"{self.dir}/{path}", 0o755)
        self.env.update(PATH=f"{self.dir}/bin:" + self.env["PATH"], WALKER_CLOCK=f"{self.dir}/clock")

    def take(self, line):
        if line.startswith("T "):
            self.now = int(line[2:])
        else:
            self.timed.append((self.now, line))
            super().take(line)

    def times(self, *words):
        self.lines  # as far as they have come
        return [t for t, l in list(self.timed) if all(w in l for w in words)]


def gaps(times):
    return [b - a for a, b in zip(times, times[1:])]
