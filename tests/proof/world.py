"""What is attacked: an instance with everything in it that a server has, owned as postern-init leaves it, or by one
user; and who attacks."""
import os, shutil, socket, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, os.environ.get("POSTERN_BUILD", "build"))
DOMAIN, SECRET = "example.test", "secret"
OPS = ("stat list read watch utimes chown xattr exec steal link rename write empty truncate chmod create mkdir rmdir "
       "symlink mkfifo bind unlink").split()
MADE = {"create", "mkdir", "symlink", "mkfifo", "bind", "list"}  # must not be there before

# Uids that nobody has, and those of one user.
ROOT_USERS = {"root": (0, [0]), "postern": (65211, [65211]), "postspool": (65212, [65212, 65211]), "posttls": (65213, [65213]),
              "postlog": (65214, [65214]), "alice": (400011, [400011]), "bob": (400012, [400012])}


class User:
    def __init__(self, uid, groups):
        self.uid, self.gid, self.groups = uid, groups[0], groups

    def start(self):
        """For subprocess."""
        return {} if os.getuid() else {"user": self.uid, "group": self.gid, "extra_groups": self.groups}


# Name, kind, path below the instance, owner, mode (of a file: the file's), directory's mode.
# The modes are those of scripts/instance.sh, postern-init and postern-services.
TARGETS = [
    ("own-mail", "dir", "mail/%s/alice/Maildir/.Proof/cur" % DOMAIN, "alice", 0o700),
    ("own-home", "dir", "mail/%s/alice/private" % DOMAIN, "alice", 0o700),
    ("own-scripts", "dir", "mail/%s/alice/sieve" % DOMAIN, "alice", 0o700),
    ("other-mail", "dir", "mail/%s/bob/Maildir/.Proof/cur" % DOMAIN, "bob", 0o700),
    ("shared-mail", "dir", "mail/%s/bob/Maildir/.Shared/cur" % DOMAIN, "bob", 0o700),
    ("tables", "file", "etc/domains", "root", 0o644),
    ("setting", "file", "etc/login-delay", "root", 0o644),
    ("users", "file", "etc/users", "root", 0o600),
    ("remote-logins", "file", "etc/auth/relay", "postspool", 0o600),
    ("tls-key", "file", "etc/tls/key.pem", "root", 0o600),
    ("ticket-keys", "file", "run/tls/tickets", "root", 0o600),
    ("login-state", "file", "run/auth/secret", "root", 0o600),
    ("spool", "dir", "spool/proof", "postspool", 0o700),
    ("temporary", "dir", "run/tmp", "postern", 0o700),
    ("state", "dir", "state", "postern", 0o700),
    ("log", "dir", "log/smtp", "postlog", 0o750),
    ("programs", "dir", "bin", "root", 0o755),
    ("outside", "dir", "../outside", "postlog", 0o777),
]
SYSTEM = [("shadow", "/etc/shadow"), ("passwd", "/etc/passwd")]
SOCKETS = {"lmtp": ("root", "postern", 0o750), "spool": ("postspool", "postern", 0o750), "relay": ("root", "root", 0o700),
           "submission": ("postern", "postern", 0o755), "tls": ("root", "postern", 0o750), "callout": ("postspool", "postern", 0o750)}
# Of the directories between; the others are 755 and root's.
DIRECTORIES = {"etc/auth": ("postspool", 0o700), "etc/tls": ("root", 0o700), "run/auth": ("root", 0o700), "spool": ("postspool", 0o700),
               "mail/%s/alice" % DOMAIN: ("alice", 0o700), "mail/%s/bob" % DOMAIN: ("bob", 0o700),
               "run/service/mda-remote/supervise": ("root", 0o700)}


class World:
    def __init__(self, separate):
        """separate: a user for each part, which takes root; else one user."""
        self.separate = separate
        one = (65400, [65400]) if os.getuid() == 0 else (os.getuid(), [os.getgid()])
        self.user = {n: User(*(u if separate else one)) for n, u in ROOT_USERS.items()}
        self.top = tempfile.mkdtemp(prefix="postern-proof.", dir="/var/tmp")
        os.chmod(self.top, 0o755)
        self.dir = self.top + "/instance"
        self.listeners, self.fds, self.victims = [], [], {}
        self.make()

    # ---- files ----

    def path(self, name):
        return os.path.normpath(os.path.join(self.dir, name))

    def give(self, path, owner, mode=None, group=None):
        if mode is not None:
            os.chmod(path, mode)
        if os.getuid() == 0:
            os.lchown(path, self.user[owner].uid, self.user[group or owner].gid)

    def directory(self, path, owner, mode, group=None):
        missing = []
        while not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        for path in reversed(missing):
            os.mkdir(path)
            name = os.path.relpath(path, self.dir)
            above = next((o for o in DIRECTORIES if name.startswith(o + "/")), None)
            who, how = DIRECTORIES.get(name, (DIRECTORIES[above][0], 0o700) if above else ("root", 0o755))
            self.give(path, who, how)
        if missing:
            self.give(path, owner, mode, group)

    def file(self, name, owner, mode, text):
        path = self.path(name)
        self.directory(os.path.dirname(path), *self.above(name))
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w") as f:
            f.write(text)
        self.give(path, owner, mode)

    def above(self, name):
        return DIRECTORIES.get(os.path.dirname(name), ("root", 0o755))

    def restore(self):
        """Everything that an attack may have touched is as it was."""
        for s in self.listeners:
            self.drain(s)
        for name in (".dovecot.sieve", ".qmail", ".forward"):
            path = self.path(f"mail/{DOMAIN}/alice/{name}")
            if os.path.lexists(path):
                os.unlink(path)
        for name, kind, path, owner, mode in TARGETS:
            if kind == "file":
                self.file(path, owner, mode, self.text(name))
                for left in (".linked", ".renamed"):
                    if os.path.lexists(self.path(path + left)):
                        os.unlink(self.path(path + left))
                continue
            path = self.path(path)
            self.directory(path, owner, mode)
            self.give(path, owner, mode)
            for left in os.listdir(path):
                full = os.path.join(path, left)
                (os.rmdir if os.path.isdir(full) and not os.path.islink(full) else os.unlink)(full)
            for op in OPS:
                full = os.path.join(path, op)
                if op == "rmdir":
                    os.mkdir(full)
                elif op not in MADE:
                    with open(full, "w") as f:
                        f.write("no program")
                if os.path.exists(full):
                    self.give(full, owner, 0o777 if name == "outside" else mode if mode & 0o77 else 0o700)

    def text(self, name):
        u = self.user
        return {"tables": DOMAIN + ":\n", "setting": "0\n", "remote-logins": "login\npassword\n", "tls-key": self.key,
                "users": "".join(f"{a}@{DOMAIN}:{{PLAIN}}{SECRET}:{u[a].uid if self.separate else ''}:{u[a].gid if self.separate else ''}::"
                                 f"{self.dir}/mail/{DOMAIN}/{a}:\n" for a in ("alice", "bob"))}.get(name, "a secret\n" * 20)

    def make(self):
        make_key = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mail." + DOMAIN,
                                   "-keyout", self.top + "/key", "-out", self.top + "/cert"], capture_output=True)
        if make_key.returncode:
            raise RuntimeError(make_key.stderr.decode())
        with open(self.top + "/key") as f:
            self.key = f.read()
        os.unlink(self.top + "/key")
        os.mkdir(self.dir)
        self.give(self.dir, "root", 0o755)
        for name, value in {"me": "mail." + DOMAIN, "plain-passwords": "yes", "aliases": "", "resolver": "127.0.0.1@9", "remote-timeout": "60",
                            "rule-program-processes": "0", "relay-domains": "", "senders": ""}.items():
            self.file("etc/" + name, "root", 0o644, value + "\n")
        self.restore()
        for name, (owner, group, mode) in SOCKETS.items():
            path = self.path(f"run/{name}")
            self.directory(path, "root", 0o755)
            self.give(path, owner, mode, group)
            self.listen(path + "/sock")
        control = self.path("run/service/mda-remote/supervise/control")
        self.directory(os.path.dirname(control), "root", 0o700)
        os.mkfifo(control)
        self.give(control, "root", 0o600)
        self.fds.append(os.open(control, os.O_RDWR | os.O_NONBLOCK))
        self.tcp, self.udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        for s in (self.tcp, self.udp):
            s.bind(("127.0.0.1", 0))
        self.tcp.listen(500)
        self.listeners.append(self.tcp)
        self.free = socket.socket()  # nobody else is given its port, and it does not listen
        self.free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.free.bind(("127.0.0.1", 0))
        self.abstract = os.path.basename(self.top)
        self.listen("\0" + self.abstract)

    def listen(self, path):
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.listen(500)
        if not path.startswith("\0"):
            self.give(path, "root", 0o666)
        self.listeners.append(s)

    def drain(self, s):
        s.setblocking(False)
        try:
            while True:
                s.accept()[0].close()
        except BlockingIOError:
            pass

    def victim(self, who):
        """Another process of this user's."""
        if who not in self.victims:
            self.victims[who] = subprocess.Popen(["sleep", "3600"], **self.user[who].start())
        return self.victims[who].pid

    def plan(self, who, at=None, into="outside"):
        lines = [f"victim {self.victim(who)}", f"tcp {self.tcp.getsockname()[1]}",
                 f"udp {self.udp.getsockname()[1]}", f"free-port {self.free.getsockname()[1]}", f"abstract {self.abstract}"]
        lines += [f"at {at}"] if at else []
        for name, kind, path, *_ in TARGETS:
            lines.append(f"{kind} {name} {self.path(path)}")
            if name == into:
                lines.append(f"into {self.path(path)}")
        lines += [f"system {name} {path}" for name, path in SYSTEM]
        lines += [f"socket {name} {self.path(f'run/{name}/sock')}" for name in SOCKETS]
        lines.append(f"fifo control {self.path('run/service/mda-remote/supervise/control')}")
        with open(self.top + "/plan", "w") as f:
            f.write("\n".join(lines) + "\n")
        os.chmod(self.top + "/plan", 0o644)
        return self.top + "/plan"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in self.victims.values():
            p.kill()
            p.wait()
        for s in self.listeners + [self.udp, self.free]:
            s.close()
        for fd in self.fds:
            os.close(fd)
        shutil.rmtree(self.top, ignore_errors=True)
