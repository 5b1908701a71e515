#!/usr/bin/env python3
"""Messages that a thread reads ahead for a long FETCH: every octet as if each had been read when its turn came, whatever other programs
do to the files meanwhile, the disk says, or the client does; and nothing of it is left when the command is over."""
import os
import random
import shutil
import signal
import sys
import tempfile
import zlib

sys.path.insert(0, "tests/lib")
import imapwire
import syscalls
from imapwire import equal, matches
from instance import Tap, wait_for

tap = Tap()
MESSAGES = 300
FEW = 63  # messages of a command for which nothing is read ahead
ALONE = 40  # messages that are read before anything is read ahead, at least
FILES = 64  # that are read ahead at a time
STALL = 60  # messages taken by a client that then takes no more
with open(os.path.join(os.environ.get("POSTERN_BUILD", "build"), "bin", "imap"), "rb") as program:
    SANITIZED = b"__asan_init" in program.read()


def text_of(i):
    """Messages of every kind that the store may hold."""
    rng = random.Random(i)
    head = f"Subject: message {i}\nX-Odd: {'x' * rng.randrange(90)}\n\n".encode()
    body = b"".join(b"%d " % i + b"y" * rng.randrange(120) + b"\n" for _ in range(rng.randrange(200)))
    kind = i % 20
    if kind == 1:
        return (head + body).replace(b"\n", b"\r\n")
    if kind == 2:
        return head + body.replace(b"\n", b"\r\n", len(body) // 200)
    if kind == 3:
        return head + body + b"no line's end"
    if kind == 4:
        return head + body.replace(b"yy", b"\0\r")
    if kind == 5:
        return b"" if i % 100 == 5 else b"\n"
    if kind == 6:
        return head + body * (30 if i % 100 == 6 else 3)  # too large to be read ahead
    return head + body


def wire(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\0", b"\x80")


class Mail:
    """A Maildir of MESSAGES; number i has UID i."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="read-ahead.")
        self.box = self.dir + "/Maildir"
        for sub in ("cur", "new", "tmp"):
            os.makedirs(f"{self.box}/{sub}")
        for i in range(1, MESSAGES + 1):
            data = text_of(i)
            # Some tell their size, some tell another.
            sizes = f",S={len(data) + (i % 50 == 7)}" if i % 3 else ""
            with open(f"{self.box}/cur/{i:07}.x{sizes}:2,", "wb") as f:
                f.write(data)
        with self.session() as s:
            s.ok("SELECT INBOX")

    def path(self, i):
        return next(e.path for e in os.scandir(self.box + "/cur") if e.name.startswith(f"{i:07}."))

    def environment(self):
        return {"MAILDIR": self.box, "POSTERN_DIR": self.dir, "TZ": "UTC"}

    def session(self, *before):
        return Session([*before, "imap"], **self.environment())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


class Session(imapwire.Session):
    packer = None

    def compress(self):
        self.ok("COMPRESS DEFLATE")
        self.packer, self.unpacker = zlib.compressobj(6, zlib.DEFLATED, -15), zlib.decompressobj(-15)

    def more(self):
        before = len(self.buffer)
        super().more()
        if self.packer:
            self.buffer = self.buffer[:before] + self.unpacker.decompress(self.buffer[before:])

    def send(self, data):
        super().send(self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH) if self.packer else data)

    def proc(self, name):
        with open(f"/proc/{self.process.pid}/{name}", encoding="ascii") as f:
            return f.read()

    def threads(self):
        return sorted(os.listdir(f"/proc/{self.process.pid}/task"))

    def dirty(self):
        return sum(int(line.split()[1]) for line in self.proc("smaps_rollup").splitlines() if line.startswith("Private_Dirty"))

    def asleep(self):
        """How often each thread has gone to sleep, if all sleep; else None."""
        found = []
        for t in self.threads():
            status = dict(line.split(":\t", 1) for line in self.proc(f"task/{t}/status").splitlines() if ":\t" in line)
            if not status["State"].startswith("S"):
                return None
            found.append(status["voluntary_ctxt_switches"])
        return found

    def stall(self, items="BODY.PEEK[]"):
        """A FETCH of which STALL responses are taken, and then no more until nothing moves: the next FILES are read."""
        tag = self.start(f"FETCH 1:* (UID {items})")
        taken = [self.response() for _ in range(STALL)]
        seen = []

        def still():
            seen.append(self.asleep())
            return len(self.threads()) == 2 and len(seen) > 1 and seen[-1] and seen[-1] == seen[-2]
        wait_for(still, "the session waits for its client")
        return tag, taken


def response(i, label="BODY[]", data=None):
    data = wire(text_of(i) if data is None else data)
    return b"* %d FETCH (UID %d %s {%d}\r\n%s)" % (i, i, label.encode(), len(data), data)


def same(got, want):
    """Lists of responses; the first that differs is told."""
    for g, w in zip(got, want):
        equal(g[:200], w[:200])
        equal(len(g), len(w))
        equal(g == w, True)
    equal(len(got), len(want))


ALL = [response(i) for i in range(1, MESSAGES + 1)]


def whole():
    with Mail() as mail, mail.session() as s:
        s.ok("EXAMINE INBOX")
        for _ in range(2):  # what is not known of a file at first is known then
            same(s.ok("FETCH 1:* (UID BODY.PEEK[])"), ALL)
        same(s.ok("UID FETCH 1:* (BODY.PEEK[])"), ALL)
        same(s.ok("FETCH 1:* (UID RFC822)"), [response(i, "RFC822") for i in range(1, MESSAGES + 1)])
        some = [*range(2, 100), 120, *range(121, MESSAGES, 2)]
        same(s.ok(f"FETCH {','.join(map(str, some))} (UID BODY.PEEK[])"), [ALL[i - 1] for i in some])


def parts():
    """Any other item: as a command for each message has it."""
    with Mail() as mail, mail.session() as s:
        s.ok("EXAMINE INBOX")
        s.ok("FETCH 1:* RFC822.SIZE")
        for items in ("BODY.PEEK[TEXT]", "BODY.PEEK[HEADER]", "BODY.PEEK[1]", "BINARY.PEEK[1]", "BINARY.SIZE[1]", "BODY.PEEK[]<100.3000>",
                      "RFC822.HEADER", "RFC822.TEXT", "BODY.PEEK[HEADER.FIELDS (X-Odd)]", "BODY.PEEK[1.MIME] BODY.PEEK[] ENVELOPE"):
            every = s.ok(f"FETCH 1:* ({items})")
            one = [s.start(f"FETCH {i} ({items})") for i in range(1, MESSAGES + 1)]
            same(every, [r for tag in one for r in s.finish(tag)[0]])


def seen():
    """The session itself renames the files meanwhile."""
    with Mail() as mail, mail.session() as s:
        s.ok("SELECT INBOX")
        s.ok("STORE 10:20 +FLAGS.SILENT (\\Seen)")
        for i, r in enumerate(s.ok("FETCH 1:* (UID BODY[])"), 1):
            equal(r, ALL[i - 1] if 10 <= i <= 20 else ALL[i - 1][:-1] + b" FLAGS (\\Seen))")
        equal([n for n in os.listdir(mail.box + "/cur") if not n.endswith(":2,S")], [])
        got = s.ok("FETCH 1:* (UID BODY[])")
        same(got, ALL)


def changed_since():
    with Mail() as mail, mail.session() as s:
        s.ok("SELECT INBOX (CONDSTORE)")
        s.ok("STORE 1:250 +FLAGS.SILENT (\\Seen)")
        before = int(s.ok("STATUS INBOX (HIGHESTMODSEQ)")[-1].split()[-1][:-1])
        s.ok("STORE 5,20:70,90,100:240 +FLAGS.SILENT (\\Flagged)")
        got = s.ok(f"FETCH 1:* (UID BODY.PEEK[]) (CHANGEDSINCE {before})")
        want = [ALL[i - 1] for i in (5, *range(20, 71), 90, *range(100, 241))]
        equal(len(got), len(want))
        for g, w in zip(got, want):
            equal(g[:len(w) - 1], w[:-1])
            matches(g[len(w) - 1:], rb" MODSEQ \(\d+\)\)")


def meanwhile():
    """What others do to files that are read already does not show; to those behind them, it does."""
    with Mail() as mail, mail.session() as s:
        s.ok("SELECT INBOX")
        s.ok("FETCH 1:* RFC822.SIZE")
        tag, taken = s.stall()
        want = list(ALL)
        # Those in front of them may be in the output already; a read of an empty file shows nothing.
        read = [i for i in range(STALL + 20, STALL + 40) if i % 20 not in (5, 6)]
        later = [i for i in range(STALL + 2 * FILES + 20, MESSAGES) if i % 20 not in (5, 6)]
        for k, i in enumerate(read + later):
            path, is_later = mail.path(i), i in later
            what = k % 8 if is_later else k % 7
            old = text_of(i)
            if what == 0:
                os.rename(path, path + "FS")
            elif what == 1:
                os.unlink(path)
                if is_later:
                    want[i - 1] = None
            elif what == 2:
                os.truncate(path, len(old) // 2)
                if is_later:
                    want[i - 1] = response(i, data=old[:len(old) // 2])
            elif what == 3:
                with open(path, "ab") as f:
                    f.write(b"more\n")
                if is_later:
                    want[i - 1] = response(i, data=old + b"more\n")
            elif what == 4:
                os.unlink(path)
                os.mkdir(path)
                if is_later:
                    want[i - 1] = None
            elif what == 5:
                os.unlink(path)
                os.mkfifo(path)
                if is_later:
                    want[i - 1] = None
            elif what == 6:
                os.rename(path, f"{mail.box}/tmp/{i}")
                os.symlink(f"{mail.box}/tmp/{i}", path)
            elif what == 7:  # by one octet, the last
                with open(path, "ab") as f:
                    f.write(b"!")
                want[i - 1] = response(i, data=old + b"!")
        got, tagged = s.finish(tag)
        same(taken + [r for r in got if b" FETCH (UID " in r], [w for w in want if w])
        matches(tagged, rb"NO .*")
        equal(len(s.threads()), 1)


def expunged():
    """By another session, and told at the next command."""
    with Mail() as mail, mail.session() as s, mail.session() as other:
        s.ok("SELECT INBOX")
        s.ok("FETCH 1:* RFC822.SIZE")
        tag, taken = s.stall()
        gone = {STALL + 20, *range(STALL + 2 * FILES + 20, MESSAGES, 3)}
        other.ok("SELECT INBOX")
        other.ok(f"STORE {','.join(map(str, sorted(gone)))} +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
        got, tagged = s.finish(tag)
        same(taken + got, [response(i) for i in range(1, MESSAGES + 1) if i not in gone or i == STALL + 20])
        matches(tagged, rb"(NO|OK) \[EXPUNGEISSUED\].*|NO .*")
        told = sorted(int(r.split()[1]) for r in s.ok("NOOP") if r.endswith(b"EXPUNGE"))
        equal(len(told), len(gone))


def pipelined():
    with Mail() as mail, mail.session() as s:
        s.ok("EXAMINE INBOX")
        tags = [s.start("FETCH 1:* (UID BODY.PEEK[])"), s.start("SEARCH 1:10"), s.start("FETCH 100:250 (UID BODY.PEEK[])"),
                s.start("FETCH 1:20 (UID BODY.PEEK[])"), s.start("LOGOUT")]
        same(s.finish(tags[0])[0], ALL)
        equal(s.finish(tags[1])[0], [b"* SEARCH 1 2 3 4 5 6 7 8 9 10"])
        same(s.finish(tags[2])[0], ALL[99:250])
        same(s.finish(tags[3])[0], ALL[:20])
        matches(s.finish(tags[4])[1], rb"OK .*")


def compressed():
    with Mail() as mail, mail.session() as s:
        s.compress()
        s.ok("EXAMINE INBOX")
        for _ in range(2):
            same(s.ok("FETCH 1:* (UID BODY.PEEK[])"), ALL)


def encrypted():
    import tlsserver
    key, cert = tlsserver.make_pair("mail.example.test")
    with Mail() as mail:
        server = tlsserver.TlsServer("alone", [], ["imap"], dict(mail.environment(), KEYFILE=key, CERTFILE=cert))
        with server.tls(tlsserver.client(cert)) as c:
            c.sendall(b"a EXAMINE INBOX\r\nb FETCH 1:* (UID BODY.PEEK[])\r\nc LOGOUT\r\n")
            out = tlsserver.drain(c)
        equal(out.count(b"\r\n".join(ALL) + b"\r\nb OK "), 1)
        server.stop()


def leaves():
    """The client, while messages are read ahead: the session ends as any."""
    with Mail() as mail:
        s = mail.session()
        s.ok("SELECT INBOX")
        s.ok("FETCH 1:* RFC822.SIZE")
        s.stall()
        s.__exit__()
        equal((s.process.returncode, "fatal" in s.said), (0, False))


def terminated():
    with Mail() as mail:
        s = mail.session()
        s.ok("SELECT INBOX")
        s.ok("FETCH 1:* RFC822.SIZE")
        _, taken = s.stall()
        s.process.send_signal(signal.SIGTERM)
        got = taken
        try:
            while True:
                got.append(s.response())
        except EOFError:
            pass
        matches(got[-1], rb"\* BYE .*")
        same(got[:-1], ALL[:len(got) - 1])
        equal(len(got) < MESSAGES, True)
        s.__exit__()
        equal(s.process.returncode, 0)


def memory():
    """What is read ahead is bounded, and gone afterwards, and so is the thread."""
    with Mail() as mail, mail.session() as s:
        s.ok("SELECT INBOX")
        s.ok("FETCH 1:* RFC822.SIZE")
        s.ok(f"FETCH 1:{FEW} (UID BODY.PEEK[])")
        s.ok("NOOP")
        before = s.dirty()
        tag, _ = s.stall()
        during = s.dirty()
        s.finish(tag)
        s.ok("NOOP")
        equal(len(s.threads()), 1)
        after = s.dirty()
        print(f"# KiB: {before}, while it reads ahead {during}, then {after}")
        # Pages of the heap that the long answer has used stay, some more or fewer as its reader takes it.
        equal((during - before < 1024 + 200, after - before < 128), (True, True))


def traced(*inject):
    """A session under strace: its answers to the commands, and how many threads it made."""
    def run(mail, *commands):
        log = mail.dir + "/strace"
        with mail.session("strace", "-f", "-qq", "-o", log, "-e", "trace=clone,clone3,pread64", *inject) as s:
            answers = [s.command(c) for c in commands]
        with open(log, encoding="utf-8", errors="replace") as f:
            made = sum(" clone(" in line and "= -1" not in line for line in f)
        return answers, made
    return run


def begun():
    """For many messages whose files are needed, and for no others."""
    with Mail() as mail:
        run = traced()
        for command, want in ((f"FETCH 1:{FEW} BODY.PEEK[]", 0), ("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)", 0),
                              ("FETCH 1:* (ENVELOPE BODYSTRUCTURE)", 0), ("FETCH 1:* (ENVELOPE BODYSTRUCTURE)", 0),
                              (f"FETCH 1:{FEW + 1} BODY.PEEK[]", 1), ("FETCH 1:* BODY.PEEK[]", 1), ("FETCH 1:* BODY.PEEK[HEADER]", 1)):
            answers, made = run(mail, "EXAMINE INBOX", command)
            matches(answers[1][1], rb"OK .*")
            equal((command, made), (command, want))


def no_thread():
    with Mail() as mail:
        answers, made = traced("-e", "inject=clone:error=EAGAIN")(mail, "EXAMINE INBOX", "FETCH 1:* RFC822.SIZE", "FETCH 1:* (UID BODY.PEEK[])")
        same(answers[2][0], ALL)
        matches(answers[2][1], rb"OK .*")
        equal(made, 0)


def disk_error(when):
    """Each thread's reads fail from the n-th on: what is there is right and in order, the answer says that it is not all."""
    with Mail() as mail:
        answers, _ = traced("-e", f"inject=pread64:error=EIO:when={when}")(
            mail, "EXAMINE INBOX", "FETCH 1:* RFC822.SIZE", "FETCH 1:* (UID BODY.PEEK[])")
        got, tagged = answers[2]
        numbers = [int(r.split()[1]) for r in got]
        equal(numbers, sorted(set(numbers)))
        same(got, [ALL[i - 1] for i in numbers])
        matches(tagged, rb"NO .*" if len(numbers) < MESSAGES else rb"OK .*")
        return len(numbers)


def disk_errors():
    equal(ALONE < disk_error("80+") < MESSAGES, True)  # both
    # One of the thread's alone: the session reads that message itself.
    equal(disk_error("100") >= MESSAGES - 1, True)


tap.run("every message as it is, read ahead or not", whole)
tap.run("every item as of one message alone", parts)
tap.run("\\Seen is set meanwhile", seen)
tap.run("CHANGEDSINCE: only those that changed", changed_since)
tap.run("files are changed by other programs meanwhile", meanwhile)
tap.run("messages are expunged by another session meanwhile", expunged)
tap.run("commands are pipelined", pipelined)
tap.run("COMPRESS", compressed)
tap.run("TLS", encrypted)
tap.run("the client leaves", leaves)
tap.run("TERM", terminated)
if SANITIZED:
    tap.skip("memory", "sanitizers have their own")
else:
    tap.run("memory", memory)
for name, function in (("a thread is begun for many messages alone", begun), ("no thread is to be had", no_thread), ("the disk fails", disk_errors)):
    if syscalls.missing():
        tap.skip(name, syscalls.missing())
    else:
        tap.run(name, function)
tap.done()
