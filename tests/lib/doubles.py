"""Why a message is there more than once: what the clients and the logs say of it.

A copy's way stands in its Received fields: an id for each acceptance. Copies of one message for one recipient form a
tree: at the root the client's tries, below each acceptance the deliveries that followed from it. A second branch is
allowed only where whoever made the branches was left without a reply, by a kill: cases of doc/acceptance.md and
doc/delivery.md."""
import collections, datetime, glob, re

DIGITS = "0123456789bcdfghjklmnpqrstvwxyz_"
ORPHAN = 30  # seconds that an smtp-send may go on after its walker
# What a sender on the way writes when it was left without a reply.
WITHOUT_REPLY = (
    ("mda-local died before its reply", r"event=lmtp-gone .*lmtp"),
    ("a worker of mda-local died before its report", r"event=parser-died|mda-local: .*event=deliver .*delivery broke off"),
    ("the relay died before its reply, or the forwarder did", r"event=forward .*verdict=\"4"),
    ("smtp-send died before the reply", r"event=deferred .*(in the midst of it|reported nothing)"),
    ("the next server died before its reply", r"event=deferred .*lost connection while (waiting for the reply|sending)"),
    ("the next server died before its reply", r"smtp-send: .*event=again .*lost connection"),
    ("a worker died under LMTP from the spool", r"event=deferred .*code=451 .*worker"),
)


def time_of(id_):
    """When an id was made (lib/id.h), in seconds."""
    n = 0
    for c in id_[:11]:
        n = n * 32 + DIGITS.index(c)
    return n / 1e6


def chain(text):
    """The ids of the Received fields, oldest first."""
    head = text.split("\n\n", 1)[0]
    fields = re.findall(r"^Received: (.*(?:\n[ \t].*)*)", head, re.M)
    return [re.search(r"\bid ([^\s;]+)", f)[1] for f in reversed(fields)]


class Logs:
    """Of one instance: lines by id, and the kills of those smtp-sends that had no walker left to log their death."""

    def __init__(self, one, kills):
        self.name, self.lines = one.domain, collections.defaultdict(list)
        self.kills = [k for k in kills if k.dir == one.dir]
        walker, send = ([k.time for k in kills if k.dir == one.dir and k.program == p] for p in ("mda-remote", "smtp-send"))
        self.orphans_killed = [t for t in send if any(t - ORPHAN < w < t for w in walker)]
        for path in glob.glob(one.dir + "/log/*/*"):
            if path.endswith("/current") or "/@" in path:
                with open(path, errors="replace") as f:
                    for line in f:
                        self.take(line)

    def take(self, line):
        id_ = re.search(r" id=(\S+) ", line)
        if id_:
            stamp = re.match(r"(\S+ \d\d:\d\d:\d\d)(\.\d{6})", line)
            when = datetime.datetime.strptime(stamp[1] + stamp[2], "%Y-%m-%d %H:%M:%S.%f").timestamp()
            self.lines[id_[1]].append((when, line))

    def knows(self, id_):
        return id_ in self.lines or id_.split(".")[0] in self.lines

    def evidence(self, id_):
        """A case for each time that a delivery of this message was left without a reply."""
        lines, found = self.lines[id_], []
        for case, pattern in WITHOUT_REPLY:
            found += [case for _, line in lines if re.search(pattern, line)]
        if lines:
            first, last = min(lines)[0], max(lines)[0]
            found += ["smtp-send died before the reply, its walker before it" for t in self.orphans_killed if first - 1 < t < last + 1]
        return found

    def killed(self, first, last):
        """What was killed then, for a failure's report."""
        return [f"{datetime.datetime.fromtimestamp(k.time)} kill -9 {k.program} {k.pid} of {self.name}\n" for k in self.kills if first <= k.time <= last]

    def refused_after_commit(self, id_):
        """Why a message is there that was refused: a case, or None."""
        text = "".join(line for _, line in self.lines[id_])
        if not re.search(r"smtp-recv: .*event=reject .*code=4", text):
            return None
        if re.search(r"lmtp-gone .*run/lmtp|-died|delivery broke off", text):
            return "mda-local died before its reply, which became a 4xx"
        spool = r"(lmtp|forward)-(gone|unreachable|broken) .*run/spool|the spool does not answer"
        return "the spool refused after a local copy was committed" if re.search(spool, text) else None

    def delivered_again(self):
        """What the walker delivered although it had marked it as delivered: each file of the spool once for a recipient."""
        wrong = []
        for id_, lines in self.lines.items():
            text = "".join(line for _, line in lines)
            files = len(set(re.findall(r"event=(?:queued|done) file=(\S+)", text))) or 1
            for to, n in collections.Counter(re.findall(r"(?:mda-remote|smtp-send): .*event=delivered to=(\S+)", text)).items():
                if n > files:
                    wrong.append(f"{id_} was delivered {n} times to {to}, from {files} files\n" + text)
        return wrong


class Doubles:
    def __init__(self, logs):
        self.logs, self.cases = logs, collections.Counter()
        self.wrong = [w for log in logs for w in log.delivered_again()]

    def log_of(self, id_):
        return next((log for log in self.logs if log.knows(id_)), None)

    def judge(self, message, what, chains, may_lead):
        """chains: of all copies of the message for one mailbox. may_lead(rcpt): does this recipient lead there?"""
        self.what = f"{message.token} for {what}"
        roots = collections.defaultdict(list)
        for c in chains:
            roots[c[0] if c else None].append(c)
        used = {}
        for id_, group in roots.items():
            self.root(message, id_, used, may_lead)
            self.below(id_, group, 1)
        unanswered = [case for case in used.values() if case]
        for case in sorted(unanswered)[:len(roots) - 1]:
            self.cases[case] += 1
        if len(roots) - 1 > len(unanswered):
            self.wrong.append(f"{self.what}: {len(roots)} copies from the client, {len(unanswered)} tries without a good reply")

    def root(self, message, id_, used, may_lead):
        """The one try of the client that this copy comes from."""
        when = time_of(id_) if id_ else 0
        tries = [t for t in message.tries if t.start <= when <= t.end and any(map(may_lead, t.rcpts))]
        if len(tries) != 1 or id(tries[0]) in used:
            self.wrong.append(f"{self.what}: {id_} belongs to {len(tries)} tries")
            return
        t = tries[0]
        refused = self.refused_there(id_) if t.outcome == "refused" else None
        used[id(t)] = "the client was left without a reply" if t.outcome == "lost" else refused
        if t.outcome == "none":
            self.wrong.append(f"{self.what}: {id_} was never sent to its end")
        elif t.outcome == "refused" and not refused:
            self.wrong.append(f"{self.what}: {id_} was refused and is there\n" + self.all_about([[id_]]))
        elif t.outcome == "acked" and t.id and t.id != id_:
            self.wrong.append(f"{self.what}: acknowledged as {t.id}, there as {id_}")

    def refused_there(self, id_):
        """Why the next server has a message that it answered with a 4xx: a case, or None."""
        log = self.log_of(id_)
        return log.refused_after_commit(id_) if log else None

    def all_about(self, chains):
        """What every log has of these ways, and what was killed meanwhile."""
        lines = [l for log in self.logs for id_ in {id_ for c in chains for id_ in c} for l in log.lines.get(id_, ())]
        if not lines:
            return "  no log knows it"
        first, last = min(lines)[0] - 1, max(lines)[0] + 1
        return "".join(sorted([line for _, line in lines] + [k for log in self.logs for k in log.killed(first, last)]))

    def below(self, id_, chains, level):
        """What followed from one acceptance."""
        branches, leaves = collections.defaultdict(list), 0
        for c in chains:
            if len(c) > level:
                branches[c[level]].append(c)
            else:
                leaves += 1
        extra = len(branches) + leaves - 1
        if extra > 0:
            log = self.log_of(id_)
            evidence = (log.evidence(id_) if log else []) + [c for c in map(self.refused_there, branches) if c]
            for case in evidence[:extra]:
                self.cases[case] += 1
            if extra > len(evidence):
                self.wrong.append(f"{self.what}: {extra} further copies from {id_}, allowed by {evidence}\n  ways: {chains}\n" + self.all_about(chains))
        for next_id, group in branches.items():
            self.below(next_id, group, level + 1)
