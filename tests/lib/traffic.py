"""Clients that never stop at a lost connection, and a record of all that the servers acknowledged.

A message is made of its token alone, so whoever finds one can tell whether it is whole. Every try to hand one in has
an outcome: "acked", "refused" (a reply after the final dot), "lost" (the final dot may have gone out, no reply came
back), "none" (it ended before)."""
import hashlib, os, random, re, subprocess, threading, time

from wire import ANSWER, Imap, Lost, Pop, Refused, Smtp

SIZES = 300, 300, 2000, 30000, 300000, 1500000


# ---- messages ----

def text_of(token):
    """Body lines with everything that a transport could mangle: dots, From, long lines, blank ones."""
    r = random.Random(token)
    size, lines = r.choice(SIZES[:{"m": 3, "w": 4}.get(token[0], len(SIZES))]), [f"begin {token}"]
    while size > 0:
        n = r.choice((0, 1, 30, 70, 72, 500, 990))
        lines.append(r.choice(("", ".", "..", "From ")) + ("%x" % r.getrandbits(4 * n) if n else ""))
        size -= len(lines[-1]) + 1
    return "\n".join(lines + [f"end {token}"]) + "\n"


def compose(token, sender, to):
    return f"From: <{sender}>\nTo: <{to}>\nSubject: traffic\nX-Token: {token}\n\n{text_of(token)}"


def dotted(text):
    """As it goes over SMTP, before the final dot."""
    return re.sub(r"(?m)^\.", "..", text).replace("\n", "\r\n").encode()


def whole(data):
    """The token of a message that is whole and of one piece, or None. data: octets with LF."""
    text = data.decode("latin-1")
    token = re.findall(r"^X-Token: (\S+)$", text, re.M)
    return token[0] if len(token) == 1 and text.endswith(f"\nX-Token: {token[0]}\n\n{text_of(token[0])}") else None


class Message:
    def __init__(self, token, entry, sender, rcpts):
        self.token, self.entry, self.sender, self.rcpts = token, entry, sender, rcpts
        self.acked, self.tries = set(), []


class Try:
    def __init__(self, rcpts):
        self.rcpts, self.start, self.end, self.outcome, self.id = list(rcpts), time.time(), None, "none", None


def hand_in(s, attempt, message):
    """RCPTs that are refused for a time are left for the next try."""
    s.must(f"MAIL FROM:<{message.sender}>", 250)
    good = []
    for rcpt in attempt.rcpts:
        code, said = s.command(f"RCPT TO:<{rcpt}>")
        if code == 250:
            good.append(rcpt)
        elif code // 100 == 5:
            raise AssertionError(f"{rcpt}: {code} {said}")
    attempt.rcpts = good
    if not good:
        raise Refused("no recipient")
    s.must("DATA", 354)
    s.send(dotted(compose(message.token, message.sender, message.rcpts[0])))
    attempt.outcome = "lost"
    code, said = s.command(".")
    attempt.outcome = "acked" if code == 250 else "refused"
    attempt.id = said.split()[-1] if code == 250 else None
    if code // 100 == 5:
        raise AssertionError(f"after the dot: {code} {said}")


# ---- what was acknowledged ----

class Record:
    """Of one run. Everything in it is what servers said; `wrong` what they must not say."""

    def __init__(self):
        self.lock, self.messages, self.wrong, self.counts = threading.Lock(), {}, [], {}
        self.uids, self.validity, self.uidnext = {}, {}, {}  # (account, folder[, uid]) -> digest, UIDVALIDITY, UIDNEXT
        self.known = set()                                   # (account, folder, uid) that a session has seen
        self.popped, self.deleted = {}, set()                # (account, unique id) -> octets; those whose QUIT got +OK
        self.refusals = {}

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + n

    def complain(self, text):
        with self.lock:
            self.wrong.append(text)

    def add(self, message):
        with self.lock:
            self.messages[message.token] = message

    def same(self, table, key, value, what):
        with self.lock:
            if table.setdefault(key, value) != value:
                self.wrong.append(f"{what} {key}: was {table[key]}, is {value}")

    def opened(self, account, folder, validity, uidnext, uids):
        """A SELECT and all UIDs that were then there: what is new has a UID that was not told to be past."""
        self.same(self.validity, (account, folder), validity, "UIDVALIDITY of")
        with self.lock:
            told = self.uidnext.get((account, folder), 1)
            late = [u for u in uids if u < told and (account, folder, u) not in self.known]
            if late or uidnext < told:
                self.wrong.append(f"{account} {folder}: UIDNEXT was {told}, is {uidnext}, came below: {late}")
            self.uidnext[account, folder] = max(told, uidnext)
            self.known.update((account, folder, u) for u in uids)

    def met(self, account, folder, uid, octets):
        self.same(self.uids, (account, folder, uid), hashlib.sha256(octets).hexdigest()[:16], "octets of UID")


# ---- clients that go on ----

class Client(threading.Thread):
    """Calls step() until the traffic is over. A lost connection is the killer's work, anything else is not."""

    def __init__(self, traffic, one, seed, number):
        super().__init__(name=f"{type(self).__name__}{number}@{one.domain}", daemon=True)
        self.traffic, self.one, self.record = traffic, one, traffic.record
        self.random = random.Random(f"{seed} {self.name}")
        self.made = 0

    def token(self, letter):
        self.made += 1
        return f"{letter}-{self.name.replace('@', '-')}-{self.made}"

    def run(self):
        while not self.traffic.over.is_set():
            try:
                self.step()
            except Lost:
                self.record.count("connections lost")
                self.traffic.over.wait(0.01)  # its service may need a moment to come back
            except Refused as refusal:
                self.record.count("refusals")
                with self.record.lock:
                    key = re.sub(r"\S+@\S+|<.*?>|\d{3,}|c\d+", "…", str(refusal))
                    self.record.refusals[key] = self.record.refusals.get(key, 0) + 1
                self.traffic.over.wait(0.01)
            except Exception as error:  # noqa: BLE001: whatever it is, it is the test's result
                self.record.complain(f"{self.name}: {type(error).__name__} {error}")


class Sender(Client):
    """Hands messages in, each until it is acknowledged for all of its recipients or the traffic is over."""

    def step(self):
        rcpts = self.recipients()
        letter = "m" if isinstance(self, Sendmail) else "n" if any(r.startswith("nobody@") for r in rcpts) else "t"
        message = Message(self.token(letter), self.one.domain, self.sender(), rcpts)
        self.record.add(message)
        while set(message.rcpts) - message.acked and not self.traffic.over.is_set():
            attempt = Try(r for r in message.rcpts if r not in message.acked)
            message.tries.append(attempt)
            try:
                self.attempt(attempt, message)
            except (Lost, Refused):
                self.traffic.over.wait(0.01)
            finally:
                attempt.end = time.time()
            if attempt.outcome == "acked":
                message.acked.update(attempt.rcpts)

    def here(self, *names):
        return [f"{n}@{self.one.domain}" for n in names]

    def there(self, *names):
        return [f"{n}@{self.traffic.other(self.one).domain}" for n in names]


class Stranger(Sender):
    def sender(self):
        return "stranger@far.test"

    def recipients(self):
        return self.here(*self.random.choice((["alice"], ["bob"], ["pop"], ["alice", "bob", "pop"], ["team", "alice"], ["far", "pop"], ["team", "pop"])))

    def attempt(self, attempt, message):
        s = Smtp(self.one, "smtp", self.random.random() < 0.3)
        try:
            hand_in(s, attempt, message)
        finally:
            s.close()


class Submitter(Sender):
    def sender(self):
        return self.here("alice")[0]

    def recipients(self):
        return self.random.choice((self.here("bob"), self.there("alice", "pop"), self.here("bob", "pop") + self.there("bob"),
                                   self.here("team") + self.there("pop"), self.there("nobody"), self.there("team")))

    def attempt(self, attempt, message):
        tls = self.random.random() < 0.6
        s = Smtp(self.one, "submissions" if tls and self.random.random() < 0.5 else "submission", tls, self.sender())
        try:
            hand_in(s, attempt, message)
        finally:
            s.close()


class Sendmail(Submitter):
    """Over the Unix socket; where the outage has taken its service down, through spool-recv."""

    def attempt(self, attempt, message):
        done = subprocess.run([os.path.join(self.one.dir, "bin/sendmail"), "-i", "-v", "-f", message.sender, *attempt.rcpts],
                              input=compose(message.token, message.sender, message.rcpts[0]).encode(), capture_output=True,
                              env=dict(os.environ, POSTERN_DIR=self.one.dir), timeout=2 * ANSWER)
        said = done.stderr.decode("latin-1").split("\n")
        good, last, after = [], None, []
        for line in said:
            if line.startswith(">>> RCPT"):
                last = re.search("<(.*?)>", line)[1]
            elif line.startswith("<<< 250") and last:
                good.append(last)
            last = last if line.startswith(">>> RCPT") else None
        if ">>> ." in said:
            after = [x[4:7] for x in said[said.index(">>> ."):] if x.startswith("<<< ")]
            attempt.outcome = "acked" if after[:1] == ["250"] else "refused" if after else "lost"
        if done.returncode == 0:
            attempt.outcome = "acked"
        attempt.rcpts = good or attempt.rcpts
        if "spool-recv" in done.stderr.decode("latin-1") or ">>> LHLO" in done.stderr.decode("latin-1"):
            self.record.count("handed to spool-recv by sendmail")
        accepted = re.search(r"accepted as (\S+)", done.stderr.decode("latin-1"))
        attempt.id = accepted[1] if accepted else None
        if attempt.outcome == "acked" and set(attempt.rcpts) != set(good):
            self.record.complain(f"sendmail: exit {done.returncode} and {said[-5:]}")


class Reader(Client):
    """Looks at INBOX and moves away some of what it finds."""

    def step(self):
        account = self.random.choice(("alice", "bob")) + "@" + self.one.domain
        s = Imap(self.one, account, self.random.random() < 0.3)
        try:
            for _ in range(5):
                if not self.traffic.over.is_set():
                    self.look(s, account)
        finally:
            s.close()

    def look(self, s, account):
        validity, uidnext = s.select("INBOX")
        there = s.fetch("1:*")
        self.record.opened(account, "INBOX", validity, uidnext, there)
        new = [u for u in there if (account, "INBOX", u) not in self.record.uids]
        if new:
            for uid, (_, octets) in s.fetch(",".join(map(str, new)), "BODY.PEEK[]").items():
                self.record.met(account, "INBOX", uid, octets)
        for uid in sorted(there)[:3]:
            self.move(s, account, uid)

    def move(self, s, account, uid):
        untagged, _ = s.ok(f"UID MOVE {uid} Kept")
        moved = re.search(rb"\[COPYUID (\d+) (\d+) (\d+)\]", b"\n".join(untagged))
        if moved:
            self.record.count("messages moved from INBOX")
            self.record.same(self.record.uids, (account, "Kept", int(moved[3])), self.record.uids.get((account, "INBOX", uid)), "octets of UID")
            self.record.same(self.traffic.moved, (account, uid), True, "")


class Popper(Client):
    def step(self):
        account = "pop@" + self.one.domain
        s = Pop(self.one, account, self.random.random() < 0.3)
        try:
            marked = []
            for line in s.lines("UIDL")[:8]:
                number, unique = line.decode().split()
                if (account, unique) in self.record.deleted:
                    self.record.complain(f"{account}: {unique} is back after DELE and QUIT")
                octets = b"".join(x + b"\n" for x in s.lines("RETR " + number))
                self.record.same(self.record.popped, (account, unique), octets, "octets of unique id")
                s.ok("DELE " + number)
                marked.append((account, unique))
            s.ok("QUIT")
            self.record.deleted.update(marked)
            self.record.count("messages deleted by POP3", len(marked))
        finally:
            s.close()
        if not marked:
            self.traffic.over.wait(0.05)


class Traffic:
    """All clients of two instances."""

    def __init__(self, instances, seed, more=()):
        self.over, self.record, self.instances, self.moved = threading.Event(), Record(), instances, {}
        self.clients = [kind(self, one, seed, n) for one in instances
                        for n, kind in enumerate((Stranger, Stranger, Submitter, Sendmail, Reader, Popper, *more))]

    def other(self, one):
        return next(x for x in self.instances if x is not one)

    def start(self):
        for client in self.clients:
            client.start()

    def stop(self):
        self.over.set()
        for client in self.clients:
            client.join()
