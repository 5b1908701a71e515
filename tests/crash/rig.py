"""Runs a program so that something goes wrong at one of its system calls; which calls it makes; which of them to try.

A point is ROLE:CALL:N:FAULT, as tests/crash/tracer.c has it: the N-th CALL of that process, and what befalls it."""
import collections, os, random, re, shutil, signal, socket, subprocess, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRACER = f"{ROOT}/{os.environ.get('POSTERN_BUILD', 'build')}/crash/tracer"
LIMIT = 60  # seconds that a program may take for an answer
ERRORS = "EIO", "ENOSPC", "EDQUOT", "EMFILE", "ENOMEM", "EINTR"
SHORT = {"read", "write", "pread64", "pwrite64", "writev", "recvfrom", "sendto"}
# What a call cannot answer: close(2) closes, whatever it says; a process always gets its random numbers once the system is up.
# No directory that exists answers getdents64 with ENOENT, and readdir(3) takes it for the end: nobody can tell it from an empty one.
ALL = (*ERRORS, "ENOENT", "ESTALE", "EROFS", "ECONNRESET")
NEVER = {"close": ALL, "getrandom": ALL, "getdents64": ("ENOENT",), "wait4": ("EIO", "ENOSPC", "EDQUOT", "EMFILE", "ENOMEM"), "dup2": ("EIO", "ENOSPC", "EDQUOT", "ENOMEM")}
Call = collections.namedtuple("Call", "role name n result what")


def missing():
    """Why there can be no such test here, or None."""
    if not os.path.exists(TRACER):
        return "there is no tracer: this architecture's registers are not known to it"
    p = subprocess.run([TRACER, "true"], capture_output=True, text=True)
    return None if p.returncode == 0 else f"no process may be traced here: {p.stderr.strip()}"


def calls(path):
    """Every call of a run with -c, in order."""
    found = []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            words = line.rstrip("\n").split("\t")
            if len(words) == 5:
                found.append(Call(words[0], words[1], int(words[2]), int(words[3]), words[4]))
    return found


def points(made, faults=ERRORS):
    """All that can go wrong at these calls."""
    out = []
    for c in made:
        at = f"{c.role}:{c.name}:{c.n}:"
        out += [at + "kill"] + [at + e for e in faults if e not in NEVER.get(c.name, ())]
        if c.name in SHORT and c.result > 1 and (c.what.startswith("/") or c.what.startswith("socket")):
            out.append(at + "short")
    return out


class Point(str):
    """A point that was met, or an empty one. what: the file that its call was about; killed: a process was."""
    def __new__(cls, text="", what=None, killed=False):
        self = super().__new__(cls, text)
        self.what, self.killed = what or "", killed or text.endswith((":kill", ":all"))
        return self


class Gone(Exception):
    """The program has closed the connection."""


class Line:
    """A connection to a program: lines out, lines in. Everything that the program has ended without is Gone."""

    def __init__(self, argv, env, tracer=(), log=None, cwd="/"):
        ours, theirs = socket.socketpair()
        ours.settimeout(LIMIT)
        self.process = subprocess.Popen([*tracer, *argv], stdin=theirs, stdout=theirs, stderr=log or subprocess.DEVNULL, env=env, cwd=cwd)
        theirs.close()
        self.socket, self.file = ours, ours.makefile("rb")

    def read(self):
        try:
            line = self.file.readline()
        except ConnectionError:
            line = b""
        if not line.endswith(b"\n"):
            raise Gone
        return line

    def octets(self, n):
        got = self.file.read(n)
        if len(got) < n:
            raise Gone
        return got

    def send(self, text):
        try:
            self.socket.sendall(text if isinstance(text, bytes) else text.encode())
        except ConnectionError:
            pass  # what it has said before is still to be read

    def reply(self):
        """An SMTP reply: its last line."""
        while True:
            line = self.read().decode(errors="replace")
            if line[3:4] != "-":
                return line.rstrip("\r\n")

    def smtp(self, text):
        self.send(text + "\r\n")
        return self.reply()

    def close(self):
        """Ends it: the program's exit code."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            code = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise TimeoutError("it does not end") from None
        finally:
            self.file.close()
            self.socket.close()
        return code


def copy(source, target):
    """A tree; message files, which nobody ever changes in place, are shared."""
    os.mkdir(target, 0o700)
    for e in os.scandir(source):
        to = f"{target}/{e.name}"
        if e.is_symlink():
            os.symlink(os.readlink(e.path), to)
        elif e.is_dir():
            copy(e.path, to)
        elif os.path.basename(source) in ("cur", "new"):
            os.link(e.path, to)
        elif e.is_file():
            shutil.copy2(e.path, to)
        else:
            os.mkfifo(to, 0o600)
        own(e, to)
    st = os.stat(source)
    if os.geteuid() == 0:
        os.chown(target, st.st_uid, st.st_gid)
    os.chmod(target, st.st_mode & 0o7777)
    os.utime(target, ns=(st.st_atime_ns, st.st_mtime_ns))


def own(entry, to):
    if os.geteuid() == 0 and not entry.is_dir(follow_symlinks=False):
        st = entry.stat(follow_symlinks=False)
        os.chown(to, st.st_uid, st.st_gid, follow_symlinks=False)


class Scenario:
    """One thing that programs do. A subclass has:
    promise             a sentence of DESIGN's
    roles               a pattern of the processes that are attacked, or None: all
    prepare(top)        what is there before, made once
    open(top)           what each run has anew, such as a server of ours; shut(top) ends it
    play(top, tracer)   the program run behind these words; what clients were told
    check(top, told, point, rng)    what is wrong: after that, and after programs have run again."""
    promise, roles, faults = "nothing acknowledged is lost", None, ERRORS
    moments = None  # while a power cut is recorded: [(time in ns, what clients knew then)]

    def __init__(self, name):
        self.name = name
        self.base = tempfile.mkdtemp(prefix=f"crash-{name}.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        os.chmod(self.base, 0o755)

    def open(self, top):
        pass

    def shut(self, top):
        pass

    def begin(self):
        """The calls of a run in which nothing goes wrong."""
        os.mkdir(self.base + "/template", 0o755)
        self.prepare(self.base + "/template")
        top, report = self.base + "/calm", self.base + "/calm.calls"
        copy(self.base + "/template", top)
        self.open(top)
        try:
            told = self.play(top, [TRACER, "-c", "-o", report])
            self.bad = self.check(top, told, Point(), random.Random(1))
        finally:
            self.shut(top)
        shutil.rmtree(top)
        return self.chosen(calls(report))

    def always(self):
        """Further points."""
        return []

    def chosen(self, made):
        return [c for c in made if c.role != "tracer" and (not self.roles or re.fullmatch(self.roles, c.role))]

    def one(self, point, seed=1):
        """What is wrong after this point: (list, was it met)."""
        top = tempfile.mkdtemp(prefix="p", dir=self.base)
        os.rmdir(top)
        report = top + ".report"
        try:
            copy(self.base + "/template", top)
            self.open(top)
            told = self.play(top, [TRACER, "-o", report, "-p", point])
            with open(report, encoding="utf-8", errors="replace") as f:
                text = f.read()
            hit = re.search(r"^hit\t(.*)$", text, re.M)
            point = Point(point if hit else "", hit and hit[1], "\tsignal\t9" in text)
            bad = self.check(top, told, point, random.Random(f"{seed} {point}"))
            return bad + self.ends(text), bool(hit)
        except (TimeoutError, subprocess.TimeoutExpired) as e:
            return [f"it hangs: {e}"], True
        except Gone:
            return ["an unharmed program has gone away"], True
        finally:
            self.shut(top)
            if not os.environ.get("KEEP"):
                shutil.rmtree(top, ignore_errors=True)
                for path in report, top + ".log":
                    if os.path.exists(path):
                        os.unlink(path)

    def ends(self, report):
        """No process dies by a signal of its own."""
        died = [line.split("\t") for line in report.split("\n") if line.startswith("end\t") and "\tsignal\t" in line]
        mine = {str(int(signal.SIGKILL)), str(int(signal.SIGTERM))}
        return [f"{role} died by signal {n}" for _, role, _, n in died if n not in mine]

    def close(self):
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.base, ignore_errors=True)


def give(top, uid):
    """All of it, where root runs the tests."""
    if os.geteuid() == 0:
        for path, names, files in os.walk(top):
            for n in (path, *(f"{path}/{x}" for x in names + files)):
                os.chown(n, uid, uid, follow_symlinks=False)
