#!/usr/bin/env python3
"""mda-local -l: many connections without an exec for any. Servers and their workers stay for the next connection, settings and
mailboxes are as they are then; what dies takes one connection along; idle ones end; a signal ends all."""
import atexit, os, resource, signal, socket, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import shutil

import mdalocal
from mdalocal import LIMIT, PROGRAM, Client, Instance, Tap

tap = Tap()
DELIVERED = ["250 2.0.0 delivered"]
ACCEPT_PAUSE = 0.1  # seconds


def until(what):
    end = time.monotonic() + LIMIT
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(what())


def children(*parents):
    """Those that have not ended."""
    out = subprocess.run(["ps", "-o", "pid=,stat=", "--ppid", ",".join(map(str, parents))], capture_output=True, text=True).stdout
    return {int(pid) for pid, stat in map(str.split, out.splitlines()) if stat[0] != "Z"} if parents else set()


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def files_of(pid):
    """What its descriptors are: nothing, once it has ended."""
    found = {}
    try:
        for n in os.listdir(f"/proc/{pid}/fd"):
            found[int(n)] = os.readlink(f"/proc/{pid}/fd/{n}")
    except OSError:
        pass
    return found


class Connection(Client):
    def __init__(self, path, greet=True):
        self.socket, self.buffer = socket.socket(socket.AF_UNIX), b""
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        if greet:
            self.greeting = self.reply()
            assert self.cmd("LHLO client.test").startswith("250")

    def quit(self):
        self.cmd("QUIT")
        self.socket.close()


def place(pid):
    """Where its program lies in memory."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as f:
        return f.readline().split("-")[0]


class Listener:
    """On a socket of its own; server() is the one that serves."""

    def __init__(self, instance, most, as_root=False):
        self.path = instance.path("listening")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path)
            s.listen(20)
            r, w = os.pipe()
            self.process = instance.start([PROGRAM, "-l", str(most), "-d", str(w)], as_root, stdin=s, stdout=subprocess.DEVNULL, pass_fds=[w])
            os.close(w)
            self.ready = os.read(r, 10)
            os.close(r)
        self.pid = self.process.pid
        atexit.register(self.process.kill)

    def broker(self):
        """The process that has the workers: there from the first connection on."""
        return {p for p in children(self.pid) if name_of(p) == "mda-local-b"}

    def connected(self):
        """Servers and parsers."""
        return {p for p in children(self.pid) if name_of(p) not in ("mda-local-b", "mda-local-z", "")}

    def servers(self):
        return {p for p in self.connected() if files_of(p).get(0) == "/dev/null"}

    def parsers(self):
        """Their descriptor 0 is the connection."""
        return {p for p in self.connected() if files_of(p).get(0, "").startswith("socket:")}

    def workers(self):
        return children(*self.broker(), *self.servers())

    def idle(self, count):
        """Whether it comes to at most so many servers, which end by themselves after seconds, and no parser."""
        return until(lambda: len(self.connected()) <= count and not self.parsers())


def start(most=3, **settings):
    # Whose home was made a moment ago has another worker for the next message, if there may be rules.
    i = Instance(users="".join(f"{n}@example.test: x\n" for n in ("alice", "bob")), **dict(dict(rules="none\n"), **settings))
    return i, Listener(i, most)


# ---- its command line ----
i = Instance()
for words in (["-l", "0"], ["-l", "x"], ["-l", "10001"], ["-l", "1", "alice@example.test"], ["-d", "5"], ["-l", "1", "-d", "2"], ["-l", "1", "-d", "x"]):
    code, _, err = i.run(*words)
    tap.ok(code == 100 and "usage" in err, " ".join(words) + ": usage", (code, err))
code, _, err = i.run("-l", "1")
tap.ok(code == 100 and "listening socket" in err, "descriptor 0 is none that listens: said", (code, err))
i.done()

# ---- connection after connection ----
i, l = start()
tap.eq(l.ready, b"\n", "it says that it is ready")
tap.eq(children(l.pid), set(), "and waits alone")
c = Connection(l.path)
tap.eq(c.deliver(["alice@example.test"]), DELIVERED, "a message")
tap.eq(c.deliver(["alice@example.test"]), DELIVERED, "and another")
c.quit()
tap.ok(l.idle(1), "the parser ends, the server stays")
for count in range(2, 20):
    # Where this takes longer than an idle server stays, it says nothing: once more.
    had = l.servers(), l.workers()
    c = Connection(l.path)
    done = c.deliver(["alice@example.test"])
    c.quit()
    l.idle(1)
    has = l.servers(), l.workers()
    if has == had and had[1]:
        break
tap.ok(done == DELIVERED and has == had and all(has), "the next connection has the same server and worker", (done, has, had))
ids = {line.split("id=")[1].split(".")[0] for line in i.log().splitlines() if "event=deliver" in line}
tap.eq(len(ids), count, "each connection has an id of its own")
worker = l.workers()


def leaves():
    """Seconds until who has served a client is gone that has said QUIT and stays; no longer than it would wait for another kind of client."""
    c, begin = Connection(l.path), time.monotonic()
    c.deliver(["alice@example.test"])
    c.cmd("QUIT")
    l.idle(1)
    took = time.monotonic() - begin
    c.socket.close()
    return took


# Where the machine is slow: once more.
tap.ok(any(leaves() < 3 for _ in range(5)), "no process waits for a client on a Unix socket that has said QUIT")

i.put("me", "other.example.test\n")
i.put("lmtp-size", "2000\n")
i.put("users", "alice@example.test: x\n")
c = Connection(l.path)
tap.like(c.greeting, "^220 other.example.test ", "a setting holds from the next connection on")
tap.like(c.cmd("MAIL FROM:<a@b.test> SIZE=2001"), "^552", "so does a limit")
tap.like("\n".join(c.mail(["bob@example.test"])), "^550", "and who is there")
c.quit()
i.put("quota-permanent", "yes\n")
tap.ok(l.idle(1), "that ends")
c = Connection(l.path)
c.mail(["alice@example.test"])
tap.ok(l.workers() and l.workers() != worker, "a worker's setting: a new worker")
c.quit()
tap.ok(l.idle(1), "that ends")

i.put("junk-fields", "X-Spam: Yes\n")
i.folder("alice", ".Junk")
c = Connection(l.path)
tap.eq((c.deliver(["alice@example.test"], "X-Spam: Yes\r\n\r\nx\r\n"), len(i.messages("alice", ".Junk"))), (DELIVERED, 1), "and what marks junk")
c.quit()
tap.ok(l.idle(1), "that ends")

shutil.rmtree(i.maildir("alice"))
c = Connection(l.path)
tap.eq((c.deliver(["alice@example.test"]), len(i.messages("alice"))), (DELIVERED, 1), "a Maildir that was removed is made anew, and delivered into")
shutil.rmtree(i.maildir("alice"))
os.makedirs(i.maildir("alice"))
i.own(i.maildir("alice"))
tap.eq((c.deliver(["alice@example.test"]), len(i.messages("alice"))), (DELIVERED, 1), "also another of the same name, on the same connection")
c.quit()
tap.ok(l.idle(1), "that ends")

# ---- several, and one too many ----
some = [Connection(l.path) for _ in range(3)]
tap.eq([c.deliver(["alice@example.test"]) for c in some], [DELIVERED] * 3, "three at a time")
tap.eq(len(l.servers()), 3, "three servers")
late = Connection(l.path, greet=False)
late.socket.settimeout(0.2)
try:
    tap.eq(late.socket.recv(1), None, "a fourth waits")
except TimeoutError:
    tap.ok(True, "a fourth waits")
late.socket.settimeout(LIMIT)
some.pop().quit()
tap.like(late.reply(), "^220", "until one of them is over")

# ---- what dies ----
victim = min(l.parsers())
os.kill(victim, signal.SIGKILL)
lost = 0
for c in (*some, late):
    try:
        lost += not c.cmd("NOOP").startswith("250")
    except (OSError, EOFError):
        lost += 1
tap.eq(lost, 1, "a parser is killed: one connection is lost")
tap.ok(until(lambda: f"event=died pid={victim} signal=9" in i.log()), "and said", i.log())
before, victim = place(l.pid), min(l.parsers())
os.kill(victim, signal.SIGABRT)
tap.ok(until(lambda: place(l.pid) != before), "a parser crashes: the listener has begun anew, elsewhere in memory")
left = 0
for c in (*some, late):
    try:
        left += c.cmd("NOOP").startswith("250")
    except (OSError, EOFError):
        pass
tap.eq(left, 1, "the last connection goes on")
for c in (*some, late):
    c.socket.close()
tap.ok(until(lambda: not l.parsers()), "the others end")
c = Connection(l.path)
c.mail(["alice@example.test"])
busy = [p for p in l.servers() if any(f.startswith("/memfd") for f in files_of(p).values())]
tap.eq(len(busy), 1, "the server of a connection")
os.kill(busy[0], signal.SIGKILL)
try:
    got = c.data(mdalocal.MESSAGE, 1)[0][:3]
except (OSError, EOFError):
    got = "451"
tap.eq(got, "451", "is killed: nothing is taken")
c.socket.close()
c = Connection(l.path)
tap.eq(c.deliver(["alice@example.test"]), DELIVERED, "the next connection has another")
c.quit()

# ---- rest, and the end ----
tap.ok(l.idle(0), "servers that have nothing to do end")
c = Connection(l.path)
c.mail(["alice@example.test"])
there = children(l.pid)
l.process.send_signal(signal.SIGQUIT)
tap.eq(l.process.wait(LIMIT), 0, "SIGQUIT ends it")
tap.eq(c.socket.recv(10), b"", "and the connections")
tap.ok(until(lambda: not any(os.path.exists(f"/proc/{p}") for p in there)), "and all processes")
i.done()

# ---- users' rules ----
i, l = start(rules="qmail\n")
home = os.path.dirname(i.maildir("alice"))
os.makedirs(home, 0o700)


def rule(name, text):
    with open(os.path.join(home, name), "w") as f:
        f.write(text)
    os.chmod(home, 0o700)
    i.own(i.path("mail"))


def seen():
    with open(os.path.join(home, "seen")) as f:
        return f.read().split()


rule("seen", "")
rule(".qmail", "|echo $PPID $POSTERN_DIR >seen\n")
DONE = ["250 2.0.0 done as the recipient's rules say"]
first = Connection(l.path)
tap.eq(first.deliver(["alice@example.test"]), DONE, "a program")
tap.eq(len(seen()), 1, "it knows nothing of the instance")
until(lambda: time.time() - os.stat(home).st_ctime > 0.1)
tap.eq(first.deliver(["alice@example.test"]), DONE, "again")
worker = seen()
first.quit()
tap.ok(l.idle(1), "its server is idle")
servers = l.servers()
second = Connection(l.path)
tap.eq(second.deliver(["alice@example.test"]), DONE, "the next connection")
# An idle server ends after seconds: then there is another.
tap.ok(seen() == worker or l.servers() != servers, "has the same worker", f"{worker} {seen()}")
rule(".qmail", "./here\n")
tap.eq(second.deliver(["alice@example.test"]), DELIVERED, "what stands in a file counts at once")
os.unlink(os.path.join(home, ".qmail"))
tap.eq(second.deliver(["alice@example.test"]), DELIVERED, "as does its end")
tap.eq(len(i.messages("alice")), 1, "the message is in the mailbox")
second.quit()
l.process.terminate()
tap.eq(l.process.wait(LIMIT), 0, "SIGTERM ends it")
i.done()

# ---- one worker for all servers ----
def old_enough(*names):
    """A home that was changed just now is looked at again with the next message."""
    homes = [os.path.dirname(i.maildir(n)) for n in names]
    until(lambda: all(time.time() - os.stat(h).st_ctime > 0.1 for h in homes))


i, l = start(rules="sieve\n")
for n in "alice", "bob":
    i.folder(n, ".")
i.own(i.path("mail"))
old_enough("alice", "bob")
some = [Connection(l.path) for _ in range(3)]
tap.eq([c.deliver(["alice@example.test", "bob@example.test"]) for c in some], [DELIVERED * 2] * 3, "three connections, two mailboxes")
tap.eq((len(l.servers()), len(l.workers())), (3, 2), "three servers, two workers")


def at_once(*names):
    """A message over each connection: their replies behind the dot."""
    for c in some:
        c.mail([n + "@example.test" for n in names])
    for c in some:
        c.socket.sendall(b"DATA\r\n" + mdalocal.MESSAGE.encode() + b".\r\n")
    return [[c.reply()[:3] for _ in range(1 + len(names))][1:] for c in some]


tap.eq(at_once("alice", "bob"), [["250", "250"]] * 3, "at a time: each in its turn")
tap.eq((len(i.messages("alice")), len(i.messages("bob"))), (6, 6), "all of them are there")
before = l.workers()
home = os.path.dirname(i.maildir("alice"))
with open(os.path.join(home, ".dovecot.sieve"), "w") as f:
    f.write("keep;")
i.own(home)
old_enough("alice")
tap.eq(at_once("alice"), [["250"]] * 3, "rules that came meanwhile")
tap.eq(i.log().count("rules=sieve folder=INBOX"), 3, "count for all servers")
# Their code was written into the home.
old_enough("alice")
tap.eq(at_once("alice", "bob"), [["250", "250"]] * 3, "once more")
tap.ok(until(lambda: len(l.workers()) == 2 and len(l.workers() & before) == 1), "the account has another worker, one for all", (before, l.workers()))
old_enough("alice")
with open(os.path.join(home, ".dovecot.sieve"), "w") as f:
    f.write('require "reject"; reject "no";')
tap.eq(at_once("alice"), [["550"]] * 3, "a script that has changed: for all of them")
os.kill(next(p for p in l.workers() if p in before), signal.SIGKILL)
tap.ok(until(lambda: "event=worker-died user=bob@example.test status=9" in i.log()), "a worker is killed: said", i.log()[-500:])
tap.like(some[0].deliver(["bob@example.test"])[0], "^451", "who had it is told so")
tap.eq(some[0].deliver(["bob@example.test"]), DELIVERED, "once: then there is another")
os.kill(min(l.broker()), signal.SIGKILL)
tap.ok(until(lambda: not l.broker()), "the broker is killed")
tap.eq([c.deliver(["bob@example.test"]) for c in some[:1]], [DELIVERED], "servers go on without it")
for c in some:
    c.quit()
tap.ok(l.idle(0) and until(lambda: not l.workers()), "they end")
c = Connection(l.path)
tap.eq((c.deliver(["bob@example.test"]), len(l.broker())), (DELIVERED, 1), "the next server has a broker again")
c.quit()
tap.ok(l.idle(0) and until(lambda: not l.workers()), "workers end with the servers")
l.process.terminate()
tap.eq((l.process.wait(LIMIT), until(lambda: not l.broker())), (0, True), "the broker ends with the listener")
i.done()

# ---- programs of users have a worker for each server ----
i, l = start(rules="qmail\n")
home = os.path.dirname(i.maildir("alice"))
os.makedirs(home, 0o700)
os.mkfifo(os.path.join(home, "go"), 0o600)
rule(".qmail", "|test $SENDER = quick@remote.test || cat go\n")
old_enough("alice")
slow, quick = Connection(l.path), Connection(l.path)
slow.mail(["alice@example.test"])
tap.like(slow.cmd("DATA"), "^354", "a program that takes its time")
slow.socket.sendall(mdalocal.MESSAGE.encode() + (b"y" * 900 + b"\r\n") * 2000 + b".\r\n")
quick.cmd("MAIL FROM:<quick@remote.test>")
quick.cmd("RCPT TO:<alice@example.test>")
tap.eq(quick.data(mdalocal.MESSAGE, 1), DONE, "keeps no other message waiting")
if os.getuid():
    tap.ok(True, "what it reads # SKIP an undumpable process shows its descriptors to root alone")
else:
    until(lambda: children(*l.workers()))
    big = [f"/proc/{p}/fdinfo/{n}" for p in l.workers() for n in os.listdir(f"/proc/{p}/fd") if os.readlink(f"/proc/{p}/fd/{n}").startswith(i.path("run/tmp") + "/")]
    modes = [int(open(f).read().split("flags:")[1].split()[0], 8) & os.O_ACCMODE for f in big]
    tap.eq(modes, [os.O_RDONLY], "a message in a file, which other accounts' workers read, too, is not to be written to")
with open(os.path.join(home, "go"), "w"):
    pass
tap.eq(slow.reply(), DONE[0], "and ends")
l.process.terminate()
l.process.wait(LIMIT)
i.done()

# ---- from root ----
if os.getuid():
    tap.ok(True, "servers stay root, parsers are nobody, workers the account # SKIP not root")
else:
    i = Instance(users="alice@example.test: x:1234:1234::mail/example.test/alice::\n", account_uid_min="1000")
    os.makedirs(i.path("mail/example.test/alice"))
    os.chown(i.path("mail/example.test/alice"), 1234, 1234)
    os.chmod(i.dir, 0o755)
    l = Listener(i, 3, as_root=True)
    c = Connection(l.path)
    tap.eq(c.deliver(["alice@example.test"]), DELIVERED, "from root")

    def uid(pid):
        return int(open(f"/proc/{pid}/status").read().split("Uid:")[1].split()[0])

    servers = [p for p in l.connected() if uid(p) == 0]
    parsers = [p for p in l.connected() if uid(p) == mdalocal.NOBODY]
    workers = [uid(p) for p in l.workers()]
    zygote = next(p for p in children(l.pid) if name_of(p) == "mda-local-z")
    confined = [open(f"/proc/{p}/status").read() for p in (zygote, *parsers)]
    tap.eq([(uid(zygote), "Seccomp:\t2\n" in s, "NoNewPrivs:\t1\n" in s) for s in confined], [(mdalocal.NOBODY, True, True)] * 2,
           "a parser is a copy of a process that is nobody and confined")
    tap.like(open(f"/proc/{parsers[0]}/limits").read(), r"Max processes +0 +0 ", "and makes no other")
    held = {os.readlink(f"/proc/{zygote}/fd/{n}").split(":")[0] for n in os.listdir(f"/proc/{zygote}/fd")}
    tap.eq(held - {"/dev/null", os.readlink(f"/proc/{zygote}/fd/2").split(":")[0]}, {"socket"}, "which holds nothing but its socket")
    os.kill(zygote, signal.SIGKILL)
    d = Connection(l.path)
    tap.eq(d.deliver(["alice@example.test"]), DELIVERED, "which is killed: there is another")
    # While both connections last, the listener gives no descriptor back.
    old, used = resource.prlimit(l.pid, resource.RLIMIT_NOFILE), set(files_of(l.pid))
    begin = time.monotonic()
    resource.prlimit(l.pid, resource.RLIMIT_NOFILE, (min(set(range(1000)) - used), old[1]))
    e = Connection(l.path, greet=False)
    said = 'to=accept reason="Too many open files"'
    tap.ok(until(lambda: i.log().count(said) > 2), "no descriptor to accept with: said")
    tries, took = i.log().count(said), time.monotonic() - begin
    tap.ok((tries - 1) * ACCEPT_PAUSE <= took, "and tried again after a pause", (tries, took))
    resource.prlimit(l.pid, resource.RLIMIT_NOFILE, old)
    tap.like(e.reply(), "^220", "until there is one")
    e.socket.close()
    d.quit()
    tap.eq((len(servers), len(parsers), workers), (1, 1, [1234]), "servers stay root, parsers are nobody, workers the account")
    c.quit()
    l.process.terminate()
    tap.eq(l.process.wait(LIMIT), 0, "SIGTERM ends it")
    i.done()
tap.done()
