"""Kills processes of instances with SIGKILL, one at a time, while traffic goes on.

    killer = Killer([a.dir, b.dir], seed)
    killer.start() … killer.stop()
    killer.kills    # [Kill(time, directory, program, pid)]

A victim is any process that bears one of the directories as POSTERN_DIR in its environment, but for s6's own
supervisors and loggers: what supervises is s6's matter, and the logs are the checker's evidence."""
import collections, os, random, select, signal, subprocess, sys, threading, time

SPARED = {"s6-svscan", "s6-supervise", "s6-log", "sh"}
RESIDENT = {"tcpserver", "s6-tcpserver", "s6-tcpserverd", "s6-ipcserver", "s6-ipcserverd", "mda-local-l", "mda-local-b", "mda-local-z", "smtp-recv-l", "smtp-recv-z", "mda-remote", "mda-remote-e", "mda-remote-dns", "tls-keeper", "tls-keeper-z", "sleep"}
PAUSE = 0.02, 0.06  # seconds between two kills
KEPT = 6            # one kill in so many is of a program that stays, which is away for a second

Kill = collections.namedtuple("Kill", "time dir program pid")


def processes(directories):
    """[(directory, program, pid)] of what runs there."""
    found = []
    wanted = {b"POSTERN_DIR=" + d.encode(): d for d in directories}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                hits = wanted.keys() & set(f.read().split(b"\0"))
            if hits:
                with open(f"/proc/{pid}/comm") as f:
                    found.append((wanted[hits.pop()], f.read().strip(), int(pid)))
        except OSError:
            pass  # it has ended
    return found


def choose(random, directories):
    """A program first, then one of its processes: those of which there are many are not killed the more often."""
    by_name = collections.defaultdict(list)
    resident = not random.randrange(KEPT)
    for victim in processes(directories):
        if victim[1] not in SPARED and (victim[1] in RESIDENT) == resident:
            by_name[victim[:2]].append(victim)
    return random.choice(by_name[random.choice(sorted(by_name))]) if by_name else None


def main(seed, *directories):
    """Until standard input ends; a line for each kill."""
    r = random.Random(seed)
    while not select.select([sys.stdin], [], [], r.uniform(*PAUSE))[0]:
        victim = choose(r, directories)
        try:
            if victim:
                os.kill(victim[2], signal.SIGKILL)
                print(time.time(), *victim, flush=True)
        except ProcessLookupError:
            pass


class Killer:
    """In a process of its own, whose pace the traffic does not slow down."""

    def __init__(self, directories, seed):
        self.command, self.kills = [sys.executable, __file__, seed, *directories], []

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            when, where, program, pid = line.split()
            self.kills.append(Kill(float(when), where, program, int(pid)))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(120)
        self.reader.join()
        self.process.stdout.close()

    def count(self):
        return ", ".join(f"{n} {name}" for name, n in sorted(collections.Counter(k.program for k in self.kills).items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
