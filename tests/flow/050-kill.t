#!/usr/bin/env python3
"""kill -9 of any process during traffic, and full disks: nothing that was acknowledged is missing, nothing is doubled
but in the cases that doc/acceptance.md and doc/delivery.md name, nothing is cut, no UID changes.

Two instances with DNS between them; clients hand mail in, move it, delete it, without end, while a killer chooses
among the instances' processes. Then everything is left to settle, and what lies there is compared with what the
servers said. SEED in the environment repeats a choice; with CHANGE_SECONDS programs and certificates are replaced so often (doc/upgrade.md)."""
import os, subprocess, sys

from instance import Instance, tap, wait_for

if os.getuid() == 0 and "inside" not in sys.argv:
    # A world of its own for the pids that are killed, the ports and the small disks. Its first process is a shell, which
    # buries orphans as init does: a lock of a process that is dead but not buried is not stale.
    space = ["unshare", "-m", "-n", "-p", "-f", "--mount-proc", "--kill-child"]
    if subprocess.run([*space, "true"], capture_output=True).returncode == 0:
        sys.exit(subprocess.run([*space, "sh", "-c", '"$@"; exit $?', "sh", sys.executable, __file__, "inside"]).returncode)

import collections, contextlib, email, glob, random, re, signal, time  # noqa: E401,E402
from dns import Nsd  # noqa: E402
from doubles import Doubles, Logs, chain  # noqa: E402
from killer import RESIDENT, SPARED, Killer, processes  # noqa: E402
from model import Worker  # noqa: E402
from traffic import Traffic, compose, dotted, whole  # noqa: E402
from upgrade import Changer  # noqa: E402
from wire import SECRET, Imap, Pop, Smtp  # noqa: E402

SEED = os.environ.get("SEED") or str(int.from_bytes(os.urandom(4), "big"))
SECONDS = int(os.environ.get("KILL_SECONDS", "15"))  # of traffic
CHANGES = float(os.environ.get("CHANGE_SECONDS", "0"))
ACCOUNTS = "alice", "bob", "pop", "work", "full"
FULL, SPOOL = 300 << 10, 48 << 20  # bytes of the small disks: of a mailbox in a, of the spool of b
ZONES = {"a.test": "@ MX 10 mail\nmail A 127.0.0.1", "b.test": "@ MX 10 mail\nmail A 127.0.0.1"}
INSIDE = "inside" in sys.argv


# ---- two instances ----

def settings(domain, other, resolver):
    return {"domains": domain + ":", "me": "mail." + domain, "resolver": resolver, "retry-min": "200ms", "retry-max": "400ms",
            "host-retry-min": "200ms", "host-retry-max": "400ms", "login-delay": "0", "plain-passwords": "1", "spool-min-free": "0",
             "max-per-address": "100", "aliases": f"team@{domain}: bob@{domain}, alice@{other}\nfar@{domain}: alice@{other}"}


@contextlib.contextmanager
def running(domain, other, resolver, disk, size):
    """An instance; where there is root with a disk of its own at one place."""
    one = Instance(settings(domain, other, resolver), domain=domain)
    path = os.path.join(one.dir, disk)
    if INSIDE:
        os.makedirs(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path], check=True)
    with one:
        try:
            yield one
        finally:
            if INSIDE:
                one.stop()
                subprocess.run(["umount", "-l", path], check=True)


def add_accounts(one):
    """With passwords that cost nothing to check: the traffic is not about them."""
    users = "".join(f"{n}@{one.domain}:{{PLAIN}}{SECRET}::::mail/{one.domain}/{n}::\n" for n in ACCOUNTS)
    path = one.dir + "/etc/users"
    owner = os.stat(path)
    with open(path, "w") as f:
        f.write(users)
    subprocess.run(["build/bin/postern-tables", "users"], env=dict(os.environ, POSTERN_DIR=one.dir), check=True)
    for name in (path, path + ".cdb"):
        os.chown(name, owner.st_uid, owner.st_gid)
    for name in ACCOUNTS:
        home = f"{one.dir}/mail/{one.domain}/{name}"
        os.makedirs(home, exist_ok=True)
        os.chown(home, owner.st_uid, owner.st_gid)
    for address in ("alice", "bob"):
        s = Imap(one, f"{address}@{one.domain}", False)
        s.ok("CREATE Kept")
        s.close()


def spooled(one):
    return [p for p in glob.glob(one.dir + "/spool/[0-9a-f]/*")]


def unnamed(one):
    return sorted(glob.glob(one.dir + "/spool/[0-9a-f]/.*") + glob.glob(one.dir + "/spool/tmp/*"))


def busy(one):
    """Processes of connections and deliveries."""
    return [p for p in processes([one.dir]) if p[1] not in RESIDENT | SPARED]


def shown(pid):
    """What a process is, for a failure's report."""
    command = f"ps -o pid,ppid,stat,wchan:20,etime,args -p {pid}; ls -l /proc/{pid}/fd; cat /proc/{pid}/syscall"
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout


# ---- traffic, with kills ----

def outage(one):
    """For some seconds there is no submission socket: sendmail writes to the spool itself."""
    service = one.dir + "/run/service/submission"
    subprocess.run(["s6-svc", "-d", service], check=True)
    wait_for(lambda: subprocess.run(["s6-svstat", "-o", "up", service], capture_output=True).stdout == b"false\n", "a stopped service")
    time.sleep(3)  # of traffic
    subprocess.run(["s6-svc", "-u", service], check=True)


def settles(what, condition, why):
    try:
        wait_for(condition, what)
        tap.ok(True, what)
    except TimeoutError:
        tap.ok(False, what, why())


def run_traffic(a, b):
    traffic = Traffic((a, b), SEED, (Worker,))
    killer = Killer([a.dir, b.dir], SEED)
    changer = Changer((a, b), random.Random(SEED), CHANGES)
    traffic.start()
    killer.start()
    if CHANGES:
        changer.start()
    time.sleep(SECONDS / 3)
    outage(b)
    time.sleep(SECONDS * 2 / 3 - 3)
    if CHANGES:
        changer.stop()
        tap.ok(changer.done and not changer.failures, f"replaced meanwhile: {changer.done}", *changer.failures)
    traffic.stop()
    killer.stop()
    for one in (a, b):
        # What a spool-recv has committed that died before it could wake the walker would lie until the next look.
        wait_for(lambda: subprocess.run(["build/bin/mailq", "-f"], env=dict(os.environ, POSTERN_DIR=one.dir), stderr=subprocess.DEVNULL).returncode == 0,
                 "a walker")
        settles(f"the spool of {one.domain} becomes empty", lambda: not spooled(one),
                lambda: "\n".join(spooled(one)) + one.log("mda-remote")[-3000:])
        settles(f"all sessions of {one.domain} end", lambda: not busy(one), lambda: "\n".join(f"{p} {shown(p[2])}" for p in busy(one)))
    return traffic, killer


# ---- what is there ----

def finals(rcpt):
    """The mailboxes that a recipient leads to."""
    local, domain = rcpt.split("@")
    other = "b.test" if domain == "a.test" else "a.test"
    return {"team": ["bob@" + domain, "alice@" + other], "far": ["alice@" + other]}.get(local, [rcpt])


class Found:
    """Everything in the Maildirs: copies[token, mailbox] and reports[token], each a list of ways."""

    def __init__(self, record, instances):
        self.copies, self.reports, self.wrong, self.files = collections.defaultdict(list), collections.defaultdict(list), [], 0
        for one in instances:
            for path in glob.glob(one.dir + "/mail/*/*/Maildir/**/*", recursive=True) + glob.glob(one.dir + "/mail/*/*/Maildir/.*/**/*", recursive=True):
                if os.path.basename(os.path.dirname(path)) in ("cur", "new"):
                    self.take_file(path)
        for (account, unique), octets in record.popped.items():
            self.take(account, octets, unique)

    def take_file(self, path):
        domain, local = path.split("/mail/", 1)[1].split("/")[:2]
        with open(path, "rb") as f:
            octets = f.read()
        size = re.search(r",S=(\d+)", path)
        if size and int(size[1]) != len(octets):
            self.wrong.append(f"{path} has {len(octets)} bytes")
        self.files += 1
        if local not in ("work", "pop"):  # the model knows the one, the clients' record the other
            self.take(f"{local}@{domain}", octets, path)

    def take(self, account, octets, where):
        text = octets.decode("latin-1")
        head = re.match(r"Return-Path: <(.*)>\nDelivered-To: (\S+)\n", text)
        token = whole(octets)
        if head and head[1] == "" and "multipart/report" in text[:5000]:
            self.take_report(text, where)
        elif not token or not head or account not in finals(head[2]) + [head[2]]:
            self.wrong.append(f"{account} {where} is not whole: {text[:300]!r} … {text[-100:]!r}")
        else:
            self.copies[token, account].append(chain(text))

    def take_report(self, text, where):
        report = email.message_from_string(text)
        token = re.search(r"^X-Token: (\S+)$", text, re.M)
        last = report.get_payload()[-1].get_payload()
        original = last[0].as_string() if isinstance(last, list) else last
        if not token or not text.rstrip().endswith("--"):
            self.wrong.append(f"report {where} is not whole")
            return
        status = [p for p in report.get_payload() if p.get_content_type() == "message/delivery-status"][0].get_payload()[1]
        self.reports[token[1], status["Final-Recipient"].split(";")[1].strip()].append(chain(original)[:1] + [re.search("<([^@>]*)", report["Message-ID"])[1]])


def pop_all(one, record):
    """What no session has deleted, read a last time."""
    s = Pop(one, "pop@" + one.domain, False)
    for line in s.lines("UIDL"):
        number, unique = line.decode().split()
        if ("pop@" + one.domain, unique) in record.deleted:
            record.complain(f"{unique} is back after DELE and QUIT")
        octets = b"".join(x + b"\n" for x in s.lines("RETR " + number))
        record.same(record.popped, ("pop@" + one.domain, unique), octets, "octets of unique id")
    s.ok("QUIT")


def look_again(one, record, moved):
    """Fresh sessions see the same UIDs, each file once, and no message in INBOX that was moved away."""
    for local in ("alice", "bob"):
        account = f"{local}@{one.domain}"
        s = Imap(one, account, False)
        for folder, where in (("INBOX", ""), ("Kept", ".Kept/")):
            validity, uidnext = s.select(folder)
            seen = s.fetch("1:*", "FLAGS BODY.PEEK[]")
            record.opened(account, folder, validity, uidnext, seen if folder == "INBOX" else ())
            for uid, (_, octets) in seen.items():
                record.met(account, folder, uid, octets)
                if folder == "INBOX" and record_moved(moved, account, uid):
                    record.complain(f"{account}: {uid} is in INBOX after MOVE was acknowledged")
            files = sum(len(os.listdir(f"{one.maildir(account)}/{where}{d}")) for d in ("cur", "new"))
            if files != len(seen):
                record.complain(f"{account} {folder}: {len(seen)} messages from {files} files")
            for (who, name, uid) in [k for k in record.uids if k[:2] == (account, folder)]:
                if uid not in seen and folder == "Kept":
                    record.complain(f"{account} Kept {uid} is missing")
        s.close()


def record_moved(moved, account, uid):
    return moved.get((account, uid))


# ---- the judgement ----

def judge(traffic, killer, a, b):
    record = traffic.record
    workers = [c for c in traffic.clients if isinstance(c, Worker)]
    for one in (a, b):
        pop_all(one, record)
        look_again(one, record, traffic.moved)
    folders = [w.finish() for w in workers]
    found = Found(record, (a, b))
    doubles = Doubles([Logs(one, killer.kills) for one in (a, b)])
    missing, acknowledged = [], 0
    for message in record.messages.values():
        for rcpt in message.rcpts:
            for mailbox in finals(rcpt):
                nobody = rcpt.startswith("nobody@")
                ways = found.reports.pop((message.token, rcpt), []) if nobody else found.copies.pop((message.token, mailbox), [])
                acknowledged += rcpt in message.acked
                if rcpt in message.acked and not ways:
                    missing.append(f"{message.token} for {mailbox}: {[vars(t) for t in message.tries]}")
                if ways:
                    doubles.judge(message, mailbox, ways, lambda r, m=mailbox: m in finals(r))
    tap.ok(killer.kills, f"{len(killer.kills)} kills: {killer.count()}")
    print("# " + ", ".join(f"{n} {what}" for what, n in sorted(record.counts.items())))
    for text, n in sorted(record.refusals.items(), key=lambda x: -x[1])[:20]:
        print(f"# refused {n} times: {text}")
    tap.ok(acknowledged > 50, f"{len(record.messages)} messages, {acknowledged} copies acknowledged, {found.files} files at the end")
    tap.ok(not record.wrong, "no server said anything wrong", "\n".join(record.wrong))
    tap.ok(not missing, "nothing acknowledged is missing", "\n".join(missing))
    tap.ok(not found.wrong, "every copy is whole", "\n".join(found.wrong))
    tap.ok(not found.copies and not found.reports, "nothing is where nobody sent it", list(found.copies)[:5], list(found.reports)[:5])
    tap.ok(not doubles.wrong, "nothing is doubled without a cause", "\n".join(doubles.wrong))
    for case, n in sorted(doubles.cases.items()):
        print(f"# doubled {n} times: {case}")
    messages, unanswered, extra, both = map(sum, zip(*folders))
    print(f"# IMAP: {messages} messages in the workers' folders; {unanswered} commands without a reply left {extra} messages, {both} in both folders by MOVE")


# ---- afterwards ----

def loggers(a):
    """A killed logger comes back too, and the next line is in the log."""
    old = {p[2] for p in processes([a.dir]) if p[1] == "s6-log"}
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len({p[2] for p in processes([a.dir]) if p[1] == "s6-log"} - old) == len(old), "new loggers")
    s = Smtp(a, "smtp", False)
    s.must("MAIL FROM:<>", 250)
    s.must("RCPT TO:<after-the-loggers@nowhere.test>", 550)
    s.close()
    wait_for(lambda: "after-the-loggers" in a.log("smtp@127.0.0.1"), "a line")


def submit(one, rcpts, token, service="submission"):
    """(code, text) after the dot, or of an earlier refusal."""
    s = Smtp(one, service, False, f"alice@{one.domain}" if service == "submission" else None)
    s.must(f"MAIL FROM:<alice@{one.domain}>", 250)
    for rcpt in rcpts:
        answer = s.command(f"RCPT TO:<{rcpt}>")
        if answer[0] != 250:
            return answer
    s.must("DATA", 354)
    s.send(dotted(compose(token, f"alice@{one.domain}", rcpts[0])))
    return s.command(".")


def mailbox(one, address):
    return [open(p, "rb").read() for d in ("cur", "new") for p in glob.glob(f"{one.maildir(address)}/{d}/*")]


def full_disks(a, b):
    answers = {}
    while not answers or (answers[max(answers)][0] == 250 and len(answers) < 200):
        answers[len(answers)] = submit(a, ["full@a.test"], f"m-full-{len(answers)}", "smtp")
    there = mailbox(a, "full@a.test")
    tap.ok(answers.popitem()[1][0] == 452, "a full mailbox disk: 452", answers)
    tap.ok(sorted(map(whole, there)) == sorted(f"m-full-{n}" for n in answers), f"and the {len(there)} that were acknowledged are there, nothing else")
    code = submit(a, ["full@a.test", "bob@a.test"], "m-full-and-bob", "smtp")
    tap.ok(code[0] in (250, 452), f"with another recipient: {code}")
    for path in glob.glob(a.maildir("full@a.test") + "/new/*"):
        os.unlink(path)
    if code[0] == 250:
        wait_for(lambda: not spooled(a), "an empty spool")
        tap.ok(list(map(whole, mailbox(a, "full@a.test"))) == ["m-full-and-bob"], "it comes once there is room")

    cut_off = unnamed(b)  # by kills; swept a day later
    ballast = os.open(b.dir + "/spool/ballast", os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(ballast, b"x" * 4096):
            pass
    except OSError:
        os.close(ballast)
    code = submit(b, ["alice@a.test"], "m-spool-full")
    tap.ok(code[0] == 452, "a full spool: 452", code)
    os.unlink(b.dir + "/spool/ballast")
    tap.ok(not spooled(b) and unnamed(b) == cut_off, "and nothing is left of it", unnamed(b))
    code = submit(b, ["alice@a.test"], "m-spool-room")
    tap.ok(code[0] == 250, "with room again: 250", code)
    wait_for(lambda: "m-spool-room" in map(whole, mailbox(a, "alice@a.test")), "its arrival")


if INSIDE:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
print(f"# SEED={SEED}")
with Nsd(ZONES) as nsd:
    resolver = f"127.0.0.1@{nsd.port}"
    with running("a.test", "b.test", resolver, "mail/a.test/full", FULL) as a, running("b.test", "a.test", resolver, "spool", SPOOL) as b:
        a.set("smtp-port", str(b.port("smtp")))
        b.set("smtp-port", str(a.port("smtp")))
        for one in (a, b):
            add_accounts(one)
        traffic, killer = run_traffic(a, b)
        judge(traffic, killer, a, b)
        tap.run("killed loggers come back", loggers, a)
        if INSIDE:
            full_disks(a, b)
        else:
            tap.skip("full disks", "needs root to mount small ones")
        for one in (a, b):
            stopped = one.stop()
            tap.ok(stopped.returncode == 0 and not processes([one.dir]), f"no process of {one.domain} is left", stopped.stderr, processes([one.dir]))
tap.done()
