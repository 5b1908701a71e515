"""Starts each confined process with the attacker in its parser's place, as it is started in an instance, up to the point
where the first octet from outside would be read."""
import base64, os, re, select, signal, socket, subprocess, time

from world import BUILD, DOMAIN, SECRET

LIMIT = 60
ENDING = 5  # seconds for what a killed process has left
MESSAGE = b"From: sender@remote.test\nSubject: proof\n\nbody\n"
LINE = re.compile(rb"proof (\d+) (begin|attempt|end) (\S+) (-?\d+)\n")


class Report:
    """What one attack has told: attempts, name -> errno (0: it has worked); and what /proc says of its process."""

    def __init__(self):
        self.attempts, self.status, self.fds, self.ended, self.text = {}, {}, [], False, ""

    def worked(self):
        return {name for name, e in self.attempts.items() if not e}


class Attack:
    """One process of a program; use as a context, as it and what it started end with it."""

    def __init__(self, world, program, at, who, into="outside", sandbox=""):
        self.world, self.program, self.who, self.processes, self.closes = world, program, who, [], []
        self.plan = world.plan(who, at, into)
        self.sandbox = sandbox

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in self.processes:
            # Its children, too, where it has a group of its own.
            if p.returncode is None and os.getpgid(p.pid) == p.pid:
                os.killpg(p.pid, signal.SIGKILL)
            p.kill()
            p.wait()
        for c in self.closes:
            c.close()
        for p in self.processes:
            if p.stderr:
                self.drain(p.stderr)

    @staticmethod
    def drain(f):
        """Until nobody has it open any more: a copy that was just made would attack beside the next one, in the same places."""
        end = time.monotonic() + ENDING
        while select.select([f], [], [], max(0, end - time.monotonic()))[0] and os.read(f.fileno(), 65536):
            pass
        f.close()

    def start(self, argv, as_root=False, **more):
        """As the user, or by root (who is told whom to become) where there are several."""
        w = self.world
        user = w.user["root" if as_root else self.who]
        env = {"PATH": f"{BUILD}/proof:{BUILD}/bin:/usr/bin:/bin", "POSTERN_DIR": w.dir, "PROOF_PLAN": self.plan, "PROTO": "TCP",
               "TCPREMOTEIP": "127.0.0.1", "TCPREMOTEPORT": "4321", "TCPLOCALIP": "127.0.0.1", "TCPLOCALPORT": "143", "LC_ALL": "C", "POSTERN_SANDBOX": self.sandbox}
        if as_root and w.separate:
            p = w.user["postern"]
            env.update(UID=str(p.uid), GID=str(p.gid), GIDLIST=",".join(map(str, p.groups)))
        env.update(more.pop("env", {}))
        more.setdefault("stderr", subprocess.PIPE)
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.DEVNULL)
        # Whoever starts it has left something open.
        forgotten = os.open(w.path("etc/users"), os.O_RDONLY)
        more["pass_fds"] = [*more.get("pass_fds", []), forgotten]
        p = subprocess.Popen(argv, env=env, cwd=w.dir, **user.start(), **more)
        os.close(forgotten)
        self.processes.append(p)
        return p

    def connected(self, argv, say=b"", kind=socket.SOCK_STREAM, **more):
        """With a socket on 0 and 1, whose other end says something."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        p = self.start(argv, stdin=theirs, stdout=theirs, **more)
        theirs.close()
        self.closes.append(ours)
        if say:
            ours.sendall(say)
        return p

    def file(self, text):
        path = self.world.top + "/message"
        with open(path, "wb") as f:
            f.write(text)
        return open(path, "rb")

    def report(self, source=None):
        """Reads until the attack is over, and looks at the process from outside."""
        r, text, pid = Report(), b"", None
        fd = source if source is not None else self.processes[0].stderr.fileno()
        end = time.monotonic() + LIMIT
        while not r.ended and time.monotonic() < end:
            if not select.select([fd], [], [], LIMIT)[0]:
                break
            data = os.read(fd, 65536)
            if not data:
                break
            text += data
            r.ended = re.search(rb"^proof \d+ end ", text, re.M) is not None
        for m in LINE.finditer(text):
            if m[2] == b"begin" and pid is None:
                pid = m[1]
            if m[1] == pid and m[2] == b"attempt":
                r.attempts[m[3].decode()] = int(m[4])
        r.text = text.decode(errors="replace")
        if pid:
            self.look(r, int(pid))
        return r

    def look(self, r, pid):
        try:
            with open(f"/proc/{pid}/status") as f:
                r.status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            for fd in sorted(map(int, os.listdir(f"/proc/{pid}/fd"))):
                if fd > 2:
                    r.fds.append(self.kind(os.readlink(f"/proc/{pid}/fd/{fd}")))
        except OSError:
            pass  # not dumpable: only root may look
        os.kill(pid, signal.SIGKILL)

    def kind(self, link):
        if link.startswith(self.world.dir + "/"):
            return link[len(self.world.dir) + 1:].replace(f"mail/{DOMAIN}/alice", "home")
        return re.sub(r"^(anon_inode:\[?|/memfd:)?(\w*).*", r"\2", link)


# ---- how each process comes to its parser --------------------------------------------------------------

def alone(a):
    """What the user may do, whom nothing holds."""
    a.start([BUILD + "/proof/attacker", a.plan])


def smtp_recv(a):
    a.connected(["smtp-recv"])


def smtp_listen(a):
    """A copy of the process that is confined once for all connections."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    a.start(["smtp-recv", "-l", "5"], stdin=listener)
    a.closes += [listener, socket.create_connection(listener.getsockname())]


def smtp_submission(a):
    a.connected(["smtp-recv", "-s", "auth-file", "true"], as_root=True)


def login(a):
    a.connected([a.program, "auth-file", a.program.replace("-login", "")], as_root=True)


def session(say):
    """Through the login program, as it is installed: with its descriptors and environment."""
    def start(a):
        a.connected([a.program + "-login", "auth-file", a.program], say=say.encode(), as_root=True)
    return start


def shared(say):
    """Another account has named this one for a folder of its Maildir."""
    def start(a):
        w, maildir = a.world, f"mail/{DOMAIN}/bob/Maildir"
        w.file("etc/sharing", "root", 0o644, f"bob@{DOMAIN}\n")
        w.file(f"{maildir}/postern-shared", "bob", 0o600, f"user=alice@{DOMAIN}\tShared\n")
        w.file(f"{maildir}/.Shared/dovecot-acl", "bob", 0o600, f"user=alice@{DOMAIN} lrs\n")
        session(say)(a)
        r = a.report()
        os.unlink(w.path("etc/sharing"))
        return r
    return start


def lmtp(a):
    a.connected(["mda-local"], as_root=True)


def rules(name, text):
    def start(a):
        a.world.file(f"mail/{DOMAIN}/alice/{name}", "alice", 0o600, text.replace("PLAN", a.plan))
        a.start(["mda-local", "-f", "sender@remote.test", "alice@" + DOMAIN], as_root=True, stdin=a.file(MESSAGE))
    return start


def deliver(a):
    a.start(["mda-local", "-f", "sender@remote.test", "alice@" + DOMAIN], as_root=True, stdin=a.file(MESSAGE))


def include(a):
    """Who reads a list of :include:, as its owner; no later delivery finds it."""
    path = f"mail/{DOMAIN}/alice/private/read"
    a.world.file("etc/aliases", "root", 0o644, f"list@{DOMAIN}: :include:{a.world.path(path)}\n")
    a.start(["mda-local", "-f", "sender@remote.test", "list@" + DOMAIN], as_root=True, stdin=a.file(MESSAGE))
    r = a.report()
    a.world.file("etc/aliases", "root", 0o644, "\n")
    return r


def token_checker(a):
    """The program that judges a token, which a stranger has sent. It says on descriptor 2 what it could do."""
    a.world.file("etc/sasl-oauth-checker", "root", 0o644, f"{BUILD}/proof/attacker {a.plan}\n")
    a.connected(["imap-login", "auth-file", "imap"], as_root=True, say=b"a AUTHENTICATE XOAUTH2 " + base64.b64encode(b"user=alice\1auth=Bearer x\1\1") + b"\r\n")
    r = a.report()
    os.unlink(a.world.path("etc/sasl-oauth-checker"))
    return r


def user_program(a):
    """Has nothing of ours on descriptor 2; it writes into a fifo."""
    fifo = a.world.top + "/report"
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
        os.chmod(fifo, 0o666)
    fd = os.open(fifo, os.O_RDWR)
    rules(".qmail", f"|exec {BUILD}/proof/attacker PLAN {fifo}\n")(a)
    try:
        return a.report(fd)
    finally:
        os.close(fd)


def engine(a):
    """The engine of its own, as tlsd starts it where there is no key holder."""
    u, w = a.world.user["posttls"], a.world
    r, wr = os.pipe(), os.pipe()
    env = {"KEYFILE": w.path("etc/tls/key.pem"), "CERTFILE": w.top + "/cert", "POSTERN_ID": "1.proof"}
    if w.separate:
        env.update(TLS_UID=str(u.uid), TLS_GID=str(u.gid))
    a.connected(["tls-engine", str(r[0]), str(wr[1])], as_root=True, env=env, pass_fds=[r[0], wr[1]])
    for fd in (*r, *wr):
        os.close(fd)


def keeper(a):
    """An engine that the key holder forks, for a connection that tlsd hands over."""
    u, w = a.world.user["posttls"], a.world
    sock = w.top + "/outside/keeper"
    env = {"KEYFILE": w.path("etc/tls/key.pem"), "CERTFILE": w.top + "/cert"}
    if w.separate:
        env.update(TLS_UID=str(u.uid), TLS_GID=str(u.gid))
    ready = os.pipe()
    a.start(["tls-keeper", "-a", "0666", "-d", str(ready[1]), sock], as_root=True, env=env, pass_fds=[ready[1]], start_new_session=True)
    os.close(ready[1])
    os.read(ready[0], 1)
    os.close(ready[0])
    a.connected(["tlsd", "cat"], as_root=True, env={"TLS_ENGINE": sock, "PROOF_PLAN": ""}, stderr=subprocess.DEVNULL)


def route(*lines):
    def start(a):
        port = a.world.tcp.getsockname()[1]
        a.connected([a.program], kind=socket.SOCK_SEQPACKET, say="\n".join([f"h mx.remote.test 127.0.0.1 {port} 1", *lines]).encode())
    return start


def helper(a):
    a.connected([a.program], kind=socket.SOCK_SEQPACKET, say=b"1 host 0 mx.remote.test")


def server(a):
    a.connected([a.program])


def walker(a):
    a.start([a.program])
