"""A message's way: handed in (smtp-recv, sendmail), delivered (mda-local), queued (spool-recv). Programs and mail are one user's, nobody's if root
runs the tests. What is right is counted: copies of a message for a recipient, in Maildirs and in the spool."""
import collections, os, re, subprocess, time

import checker, rig

NOBODY = 65534


USERS = "alice", "bob"


def user(tracer):
    """Words behind a tracer's (ours or strace) with which root becomes nobody."""
    if os.geteuid():
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if tracer[0] == "strace" else ["-u", f"{NOBODY}:{NOBODY}"]


def domain(rcpt):
    return rcpt if "@" in rcpt else rcpt + "@example.test"


class Flow(rig.Scenario):
    """args: the program; sockets: what stands behind which socket; mails: [(token, size, recipients)] that go over one connection.
    Recipients without a domain are local."""
    promise = "what was answered with 250 is there, whole, once for each recipient"
    at_once = 1  # copies of a message in alice's mailbox
    healed = 0
    greeting, lmtp, env, header = "EHLO client.example", False, {}, b""

    def __init__(self, name, args, sockets=(), mails=(), roles=None, **more):
        super().__init__(name)
        self.args, self.sockets, self.mails, self.roles = args, sockets, mails, roles
        self.__dict__.update(more)

    def prepare(self, top):
        for d in ("etc", "state", "spool", "run/tmp", "run/lmtp", "run/spool", "mail/example.test/alice", "mail/example.test/bob"):
            os.makedirs(f"{top}/{d}", 0o700)
        settings = {"me": "mx.example.test", "domains": "example.test:", "smtp-reverse-dns": "no", "aliases": "",
                    "users": "".join(f"{u}@example.test:{{PLAIN}}x:::{u}:mail/example.test/{u}\n" for u in USERS)}
        for name, text in settings.items():
            with open(f"{top}/etc/{name}", "w") as f:
                f.write(text + "\n")
        maildir = f"{top}/mail/example.test/alice/Maildir"
        for sub in "cur", "new", "tmp":
            os.makedirs(f"{maildir}/{sub}", 0o700)
        with open(f"{maildir}/maildirsize", "w") as f:
            f.write("1048576S\n0 0\n")
        rig.give(top, NOBODY)
        # The spool is there as its first opener makes it, and alice's folder has an index that delivery adds texts to.
        self.run(top, ["spool-recv"], b"LHLO x\r\nQUIT\r\n")
        self.run(top, ["imap"], b"a SELECT INBOX\r\nb LOGOUT\r\n", MAILDIR=maildir, HOME=os.path.dirname(maildir))

    def environment(self, top, **more):
        env = {"PATH": f"{rig.ROOT}/build/bin:{os.environ['PATH']}", "POSTERN_DIR": top, "ASAN_OPTIONS": "detect_leaks=0", **self.env, **more}
        return {k: v for k, v in env.items() if v is not None}

    def run(self, top, argv, stdin, tracer=(), **more):
        tracer = tracer or [rig.TRACER]
        return subprocess.run([*tracer, *user(tracer), *argv], input=stdin, capture_output=True, env=self.environment(top, **more), cwd="/", timeout=rig.LIMIT)

    # ---- the client ----

    def play(self, top, tracer):
        """{token: {rcpt: what was told: a code, "lost", or None: not sent}}"""
        self.told = told = {token: {r: None for r in rcpts} for token, _, rcpts in self.mails}
        self.knows()
        self.session(top, tracer, told)
        return told

    def session(self, top, tracer, told):
        words = [*(tracer or [rig.TRACER])]
        # Behind strace ours only connects the programs with each other.
        words += [rig.TRACER, "-n"] if words[0] == "strace" and self.sockets else []
        for name, program in self.sockets:
            path = f"{top}/run/{name}/sock"
            if os.path.exists(path):
                os.unlink(path)
            words += ["-l", f"{path}={program}"]
        with open(f"{top}.log", "ab") as log:
            c = rig.Line(self.args, self.environment(top), [*words, *user(words if not self.sockets else [rig.TRACER])], log)
            try:
                if c.reply()[0] == "2" and c.smtp(self.greeting)[0] == "2":
                    for token, size, rcpts in self.mails:
                        self.one_mail(c, token, size, [r for r in rcpts if told[token][r] != "250"], told[token])
                    c.smtp("QUIT")
            except rig.Gone:
                pass
            finally:
                c.close()

    def one_mail(self, c, token, size, rcpts, told):
        if not rcpts:
            return
        code = c.smtp(f"MAIL FROM:<{self.sender}>")
        if code[0] != "2":
            told.update({r: code[:3] for r in rcpts})
            return
        taken = []
        for r in rcpts:
            code = c.smtp(f"RCPT TO:<{domain(r)}>")
            if code[0] == "2":
                taken.append(r)
            else:
                told[r] = code[:3]
        if not taken:
            c.smtp("RSET")
            return
        code = c.smtp("DATA")
        if code[0] != "3":
            told.update({r: code[:3] for r in taken})
            c.smtp("RSET")
            return
        told.update({r: "lost" for r in taken})
        self.knows()
        c.send((self.header + checker.body(token, size)).replace(b"\n", b"\r\n") + b".\r\n")
        if self.lmtp:
            for r in taken:
                told[r] = c.reply()[:3]
                self.knows()
        else:
            code = c.reply()[:3]
            told.update({r: code for r in taken})
            self.knows()

    sender = "sender@remote.example"

    def knows(self):
        """For a power cut: what is known at this moment."""
        if self.moments is not None:
            self.moments.append((time.time_ns(), self.known()))

    def known(self):
        return {t: dict(by) for t, by in self.told.items()}

    # ---- the checker ----

    def after_cut(self, top, told):
        bad = self.check(top, {t: dict(by) for t, by in told.items()}, rig.Point("", None, True), None)
        return bad + self.heals(top)

    def heals(self, top):
        """Lines of maildirsize are not synced; who looks for it has it right again (doc/store.md, Quota)."""
        path = f"{top}/mail/example.test/alice/Maildir"
        if not os.path.isdir(path):
            return []
        said, real = checker.maildirsize(path), checker.usage(checker.folders(path))
        if said in (None, real) or self.healed == 3:  # it takes two seconds
            return []
        self.healed += 1
        self.run(top, ["maildir", "check", "-q", path], b"")
        said, real = checker.maildirsize(path), checker.usage(checker.folders(path))
        return [] if said in (None, real) else [f"maildirsize says {said} behind maildir check, there are {real}"]

    def check(self, top, told, point, rng):
        bad, allowed = [], {}
        counts, wrong = self.copies(top)
        bad += wrong
        for token, by in told.items():
            for p, said in self.wanted(by):
                n = counts.pop((token, p), 0)
                least, most = self.range(point, said, p)
                if not least <= n <= most:
                    bad.append(f"{token} for {p}: told {said}, {n} copies")
                allowed[token, p] = n
        bad += [f"{k}: {n} copies that nobody sent" for k, n in counts.items()]
        bad += self.sizes(top, point)
        # The client tries again.
        before = {t: dict(self.wanted(by)) for t, by in told.items()}
        self.session(top, (), told)
        counts, wrong = self.copies(top)
        bad += ["in the end: " + w for w in wrong]
        for token, by in told.items():
            for p, said in self.wanted(by):
                n = counts.pop((token, p), 0)
                if said != "250" or not self.fits(p, before[token][p], allowed[token, p], n):
                    bad.append(f"{token} for {p} at the second try: {before[token][p]}, then {said}; {allowed[token, p]}, then {n} copies")
        return bad

    def wanted(self, by):
        """(place, what was told of it): where there must be a copy by what was told of each recipient."""
        return list(by.items())

    def range(self, point, said, place):
        """How many copies there may be."""
        least, most = {"250": (1, 1), "lost": (0, 1)}.get(said, (0, 0))
        return least, most + (most < 2 and said != "lost" and bool(self.cause(point, said, place)))

    def fits(self, place, said, first, now):
        """At the second try there is one more, unless the first was told to be good."""
        return now == first + (said != "250")

    def cause(self, point, said, rcpt):
        """Why there may be a copy too many (doc/acceptance.md, "The three cases"): who was killed or was cut off between a commit and the arrival of
        its reply; the spool refused behind a local copy."""
        role, call, _, fault = point.split(":") if point else ("", "", "", "")
        if point.killed:
            return True
        if said != "250" and "@" not in rcpt and len(self.sockets) > 1:
            return "the spool refused behind a local copy"
        if call in ("write", "sendto", "sendmsg", "writev", "read", "recvfrom", "recvmsg", "poll", "ppoll", "recvmmsg"):
            return "a reply was lost on its way"
        return None

    def copies(self, top):
        """{(token, rcpt): how many}, and what is wrong with them."""
        found, bad = collections.Counter(), []
        for user in USERS:
            path = f"{top}/mail/example.test/{user}/Maildir"
            for name, folder in checker.folders(path).items() if os.path.isdir(path) else ():
                where = user if name == "INBOX" else f"{user}/{name}"
                bad += [f"{where}: {b}" for b in folder.bad] + [f"{where}: litter {e}" for e in folder.litter]
                for token, _, _, octets in folder.messages:
                    found[token, where] += 1
                    bad += self.torn(where, token, octets)
        for s in checker.spool(f"{top}/spool"):
            if not s.whole:  # after a power cut there may be such names, which nobody was told of, and which the walker knows
                bad += [] if self.moments is not None else [f"in the spool: {s.name} is not whole"]
                continue
            for rcpt in s.states:
                found[s.token, rcpt.removesuffix("@example.test")] += 1
            bad += self.torn(s.name, s.token, s.message)
        return found, bad

    def torn(self, where, token, octets):
        sizes = {t: size for t, size, _ in self.mails}
        return [] if octets.endswith(checker.body(token, sizes.get(token, 0))) else [f"{where}: {token} is not whole: {len(octets)} octets"]

    def sizes(self, top, point):
        path = f"{top}/mail/example.test/alice/Maildir"
        said, real = checker.maildirsize(path), checker.usage(checker.folders(path))
        if self.moments is not None:
            return []  # lines of maildirsize are not synced
        most = self.at_once if point.killed else 0
        return [] if said is None or said == real or (most and abs(said[1] - real[1]) <= most) else [f"maildirsize says {said}, there are {real}"]


class Handed(Flow):
    """sendmail: a message on standard input, an exit code."""
    def session(self, top, tracer, told):
        for token, size, rcpts in self.mails:
            left = [r for r in rcpts if told[token][r] != "250"]
            if left:
                told[token].update({r: "lost" for r in left})
                self.knows()
                text = b"From: me@home.test\nTo: x@x.test\nDate: Sun, 22 Nov 2026 15:04:05 +0000\nMessage-ID: <1@home.test>\n" + checker.body(token, size)
                p = self.run(top, ["sendmail", "-f", "me@home.test", *left], text, tracer)
                told[token].update({r: "250" if p.returncode == 0 else "lost" if p.returncode < 0 else "451" for r in left})
                self.knows()

    def cause(self, point, said, rcpt):
        return super().cause(point, said, rcpt) or ("sendmail was not told" if point.startswith("sendmail:") else None)


TCP = {"PROTO": "TCP", "TCPREMOTEIP": "192.0.2.7", "TCPREMOTEPORT": "4321", "TCPLOCALIP": "192.0.2.1", "TCPLOCALPORT": "25"}
BEHIND = (("lmtp", "mda-local"), ("spool", "spool-recv"))
FAR = "far@far.example"
NAMES = {
    "delivery": lambda: Flow("delivery", ["mda-local"], (), [("one", 0, ("alice", "bob")), ("two", 150000, ("alice",))], lmtp=True, greeting="LHLO client.example"),
    "spool": lambda: Flow("spool", ["spool-recv"], (), [("one", 0, (FAR, "other@far.example")), ("two", 150000, (FAR,))], lmtp=True, greeting="LHLO client.example"),
    "acceptance": lambda: Flow("acceptance", ["smtp-recv"], BEHIND, [("one", 0, ("alice", "bob", FAR)), ("two", 150000, ("alice",))], env={**TCP, "RELAYCLIENT": ""}),
    "submission": lambda: Flow("submission", ["smtp-recv", "-s"], BEHIND, [("one", 0, ("alice", FAR))], sender="alice@example.test"),
    "sendmail": lambda: Handed("sendmail", ["sendmail"], (), [("one", 150000, (FAR,))]),
}
