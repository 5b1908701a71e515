"""scripts/bench: options, what is built, a suite after the other, and the end of all that was started."""
import argparse
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import bench
import report
import sides

PROGRAM = "scripts/bench"
HOURS = 4  # for all of it
USAGE = f"usage: {PROGRAM} [-klm] [-n MESSAGES] [-r ROUNDS] [-t SECONDS] [-d DIR] [-o DIR] [SUITE...]"


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        fail(100, f"{message}\n{USAGE}")


def fail(code, message):
    print(f"{PROGRAM}: {message}" if code != 100 else message, file=sys.stderr)
    raise SystemExit(code)


def arguments():
    p = Arguments(add_help=False, allow_abbrev=False)
    p.add_argument("-n", type=int, default=100000)
    p.add_argument("-r", type=int, default=5)
    p.add_argument("-t", type=float, default=2)
    p.add_argument("-d", default=os.environ.get("TMPDIR", "/var/tmp"))
    p.add_argument("-o", default=os.path.join(sides.TOP, "doc", "bench"))
    for flag in "klm":
        p.add_argument("-" + flag, action="store_true")
    p.add_argument("suites", nargs="*")
    a = p.parse_args()
    unknown = [s for s in a.suites if s not in bench.suites()]
    if unknown:
        p.error(f"no such suite: {unknown[0]} (there are {' '.join(bench.suites())})")
    if a.n < 100 or a.r < 1 or not 0 < a.t <= 600:
        p.error("at least 100 messages, one round, and between 0 and 600 seconds")
    return a


def module(name):
    return importlib.import_module(name)


def build():
    words = ["make", "-s", "-j2", "-C", sides.TOP, "all", "bench"]
    if "POSTERN_BUILD" not in os.environ and subprocess.run(words, stdout=sys.stderr).returncode:
        fail(111, "unable to build")


def file_system(directory):
    best = ("", "unknown")
    with open("/proc/self/mounts") as f:
        for line in f:
            _, mount, kind, *_ = line.split()
            if os.path.join(directory, "").startswith(os.path.join(mount, "")) and len(mount) >= len(best[0]):
                best = (mount, kind)
    return best[1]


def dovecot():
    return None if sides.Dovecot.missing() else f"Dovecot {sides.Dovecot.version()}"


def conditions(b, suite):
    peer = getattr(suite, "peer", dovecot)()
    return {"processors": os.cpu_count(), "system": f"{os.uname().sysname} {os.uname().release.split('-')[0]}",
            "file system": file_system(b.top), "peer": peer}


def better(one, other):
    return {what: max(one.get(what, 0), value) for what, value in other.items()}


def measure(name, b):
    """The suite, ended, with b's notes."""
    suite = module(name).Suite(b)
    try:
        suite.start()
        suite.setup()
        for number in range(b.options.rounds):
            # Who is first changes: neither always finds what the other has left in the caches.
            order = suite.sides if number % 2 == 0 else suite.sides[::-1]
            for step in suite.steps:
                for side in order:
                    os.sync()  # nobody waits for what others have written
                    step(side)
            print(f"{PROGRAM}: {name}: round {number + 1} of {b.options.rounds}", file=sys.stderr)
        return suite
    except (RuntimeError, OSError, EOFError):
        for side in suite.sides:
            print(side.said(), file=sys.stderr)
        raise
    finally:
        suite.close()


def run(a, top):
    options = bench.Options(messages=a.n, rounds=a.r, seconds=a.t, million=a.m)
    limits = {}  # measured before and behind each suite; what was better counts, as it can be reached
    for name in a.suites or bench.suites():
        below = os.path.join(top, name)
        os.makedirs(below, mode=0o755)
        b = bench.Bench(below, options)
        limits = limits or b.machine()
        measured = measure(name, b)
        limits = better(limits, b.machine())
        done = report.Report(name, measured, module(name), b, dict(conditions(b, module(name)), limits=limits))
        print(f"{done.title}: {done.conditions()}\n\n{done.table()}\n\na second: {done.limits()}\n", flush=True)
        done.write(a.o)
        if not a.k:
            shutil.rmtree(below)


def interrupted(number, _):
    raise SystemExit(128 + number)


def main():
    a = arguments()
    if a.l:
        for name in bench.suites():
            print(f"{name:10} {module(name).TITLE}")
        return 0
    build()
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM:
        signal.signal(number, interrupted)
    signal.alarm(HOURS * 3600)
    sides.adopt_orphans()
    if sides.Dovecot.missing():
        print(f"{PROGRAM}: without a peer: {sides.Dovecot.missing()}", file=sys.stderr)
    top = tempfile.mkdtemp(prefix="postern-bench.", dir=a.d)
    os.chmod(top, 0o755)
    try:
        run(a, top)
        return 0
    except (RuntimeError, OSError, EOFError) as error:
        fail(111, str(error))
    finally:
        sides.end_all()
        if a.k:
            print(f"{PROGRAM}: kept: {top}", file=sys.stderr)
        else:
            shutil.rmtree(top, ignore_errors=True)
