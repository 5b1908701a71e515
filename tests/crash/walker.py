"""The spool's walker: mail that goes, is put off, fails and is told of (mda-remote, smtp-send, mda-remote-dns). A server counts what it was given: every
recipient has the message, every report is there, each once; twice only where smtp-send was cut off between the server's 250 and its record of it
(doc/spool.md)."""
import collections, os, re, signal, subprocess, time

import checker, flow, rig
from smtppeer import Peer, place

SETTINGS = {"me": "mx.home.test", "retry-min": "10ms", "retry-max": "20ms", "host-retry-min": "10ms", "host-retry-max": "20ms", "remote-timeout": "30", "routes": "*: [127.0.0.1]", "domains": ""}
RCPTS = ("good", 2), ("bad1", 0), ("grey", 0), ("bad2", 0)  # and their NOTIFY
HASHES = "0123456789abcdef"


class Walk(rig.Scenario):
    """One takes it, one later, two refuse. limited: of the sender's notifications the second is only counted, and told by a digest."""
    promise = "queued mail arrives once, and what became of it is told once"

    def __init__(self, name, limited=False, roles=None, faults=rig.ERRORS):
        super().__init__(name)
        self.limited, self.roles, self.faults, self.peers = limited, roles, faults, {}

    def prepare(self, top):
        for d in ("etc", "etc/auth", "run/lmtp", *(f"spool/{h}" for h in HASHES)):
            os.makedirs(f"{top}/{d}", 0o700)
        for name, value in {**SETTINGS, **({"bounce-limit": "1", "bounce-period": "100ms"} if self.limited else {})}.items():
            with open(f"{top}/etc/{name}", "w") as f:
                f.write(value + "\n")
        now, body = int(time.time()), checker.body("original").decode()
        head = f"postern-spool 1\nl {len(body):020}\ns {len(body) + body.count(chr(10)):020}\nc 7\ni orig\na {now}\nx {now + 432000}\nf sender@home.test\nb 0\n"
        path = f"{top}/spool/{place('orig')}/orig"
        with open(path, "w") as f:
            f.write(head + "".join(f"r w- {n} - {a}@x.test\n" for a, n in RCPTS) + "\n" + body)
        os.chmod(path, 0o600)
        rig.give(top, flow.NOBODY)
        # The spool is there as its first opener makes it.
        subprocess.run([rig.TRACER, *flow.user([rig.TRACER]), "spool-recv"], input=b"LHLO x\r\nQUIT\r\n", capture_output=True, env=self.environment(top), cwd="/", check=True)

    def environment(self, top):
        return {"PATH": f"{rig.ROOT}/build/bin:{os.environ['PATH']}", "POSTERN_DIR": top, "ASAN_OPTIONS": "detect_leaks=0"}

    def open(self, top):
        """The server; it can say what it was given (messages)."""
        grey = ["450 4.2.0 later"]
        script = {"RCPT": lambda line: "550 5.1.1 no" if "bad" in line else grey.pop() if "grey" in line and grey else None, "dot": lambda _: self.knows(peer)}
        self.peers[top] = peer = Peer(script=script, ext=["PIPELINING"])
        with open(f"{top}/etc/smtp-port", "w") as f:
            f.write(f"{peer.port}\n")

    def shut(self, top):
        if top in self.peers:
            self.peers.pop(top).close()

    def knows(self, peer):
        """For a power cut: what the server has taken at this moment, before it says so."""
        if self.moments is not None:
            self.moments.append((time.time_ns(), list(peer.messages)))

    def play(self, top, tracer):
        self.knows(self.peers[top])
        self.walk(top, tracer)
        return []

    def busy(self, top):
        """In the order in which a digest moves, so that it is not missed between two looks."""
        where = [f"{top}/spool/{d}" for d in ("digest", "tmp")]
        return any("+" in n or w.endswith("digest") for w in where if os.path.isdir(w) for n in os.listdir(w)) or any(
            ":" not in n and n[0] != "." for h in HASHES for n in os.listdir(f"{top}/spool/{h}"))

    def walk(self, top, tracer=()):
        """Runs a walker until all is done or it has ended."""
        tracer = tracer or [rig.TRACER]
        with open(f"{top}.log", "ab") as log:
            p = subprocess.Popen([*tracer, *flow.user(tracer), "mda-remote"], env=self.environment(top), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
            end, pause = time.monotonic() + rig.LIMIT, 0.003
            # A notification can enter a directory that was looked at already while its message leaves one that was not: so twice.
            while p.poll() is None and (self.busy(top) or self.busy(top)):
                if time.monotonic() > end:
                    end_walker(p, tracer)
                    p.wait(rig.LIMIT)
                    raise TimeoutError("mail waits for nothing")
                time.sleep(pause)  # polling
                pause = min(0.02, pause * 1.3)
            if p.poll() is None:
                end_walker(p, tracer)
            p.wait(rig.LIMIT)

    def check(self, top, before, point, rng):
        """before: messages that the server was given before a power cut."""
        for _ in range(3):
            if self.busy(top) or os.path.isdir(f"{top}/spool/tmp") and os.listdir(f"{top}/spool/tmp"):
                self.walk(top)
        return self.wrong(top, [*before, *self.peers[top].messages], point)

    def after_cut(self, top, before):
        """What the server had taken within the last second may not have been synced, and comes again."""
        return self.check(top, before, rig.Point("mda-remote:::cut"), None)

    def wrong(self, top, messages, point):
        copies, reports, bad = collections.defaultdict(list), collections.Counter(), []
        # What smtp-send was cut off from writing down is sent again; so is a report.
        may_double = point.startswith(("smtp-send", "mda-remote-dns")) or point.endswith((":all", ":cut"))
        again = self.peers[top].messages
        for m in messages:
            for rcpt in m.rcpts:
                copies[rcpt.split("<")[1].split("@")[0]].append(m)
        for m in copies.pop("sender", []):
            for who in re.findall(rb"^(?:Final-Recipient: rfc822; |failed: <|relayed: <)(\w+)@", m.data, re.M):
                reports[who.decode()] += 1
        for who in "good", "grey":
            c = copies.pop(who, [])
            if not c:
                bad.append(f"{who}: lost")
            elif len(c) > 1 and not (may_double and sum(not cut_off(m) for m in c if not point.endswith(":cut") or m in again) <= 1):
                bad.append(f"{who}: {len(c)} times")
            bad += [f"{who}: not whole" for m in c if not m.data.replace(b"\r\n", b"\n").endswith(checker.body("original"))]
        if copies:
            bad.append(f"{sorted(copies)}: not to be sent")
        for who in "good", "bad1", "bad2":
            if not reports[who] or (reports[who] > 1 and not may_double):
                bad.append(f"{who}: {reports[who]} reports")
        left = {d: os.listdir(f"{top}/spool/{d}") for d in ("tmp", "damaged", "digest") if os.path.isdir(f"{top}/spool/{d}")}
        left.update({h: [n for n in os.listdir(f"{top}/spool/{h}") if n[0] != "." and ":" not in n] for h in HASHES})  # NAME:why goes when the spool is looked through
        return bad + [f"left: {d}/{n}" for d, names in left.items() for n in names]


def end_walker(process, tracer):
    """strace keeps the signal to itself."""
    pid = process.pid
    if tracer[0] == "strace":
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            pid = int(f.read())
    os.kill(pid, signal.SIGTERM)


def cut_off(message):
    """Its session ended behind it: smtp-send did not come to write it down."""
    log = message.session.log
    return log[-1] == "DATA" and [l for l in log if l.startswith("MAIL")][-1] == message.mail


SENDER = r"smtp-send(\.\d+)?|mda-remote-dns"
NAMES = {
    "walker": lambda: Walk("walker", roles=r"mda-remote(/\d+)?"),
    "digest": lambda: Walk("digest", True, roles=r"mda-remote(/\d+)?"),
    "sender": lambda: Walk("sender", roles=SENDER, faults=(*rig.ERRORS, "ECONNRESET")),
}
