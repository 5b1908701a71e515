"""What each process must not be able to do, and what it must: the promise, apart from the code that keeps it.

An attempt works exactly where no layer refuses it: the user (measured, with an attacker whom nothing else holds), the
system call filter (the attempt's kind of call is none of the process's), Landlock (the target is none of the process's,
and the kernel's version knows that right). Where a layer lacks, the others must still hold what they hold."""
import base64

import rig
from world import DOMAIN, SECRET

# ---- attempts ----

# With a target: kind of call, what Landlock asks for (r read, w write and names, x run, l symbolic links, s sockets; -: nothing)
# and the version that asks first.
PATHS = {
    "stat": ("names", "-", 0), "list": ("open", "r", 1), "read": ("open", "r", 1), "watch": ("watch", "-", 0), "utimes": ("times", "-", 0),
    "chown": (None, "-", 0), "xattr": (None, "-", 0), "exec": (None, "x", 1), "steal": ("edit", "w", 1), "link": ("edit", "w", 1),
    "rename": ("edit", "w", 1), "write": ("open", "w", 1), "empty": (None, "w", 3), "truncate": (None, "w", 3), "chmod": (None, "-", 0),
    "create": ("open", "w", 1), "mkdir": ("edit", "w", 1), "rmdir": ("edit", "w", 1), "symlink": ("symlink", "l", 1), "mkfifo": ("edit", "w", 1),
    "bind": (None, "s", 1), "unlink": ("edit", "w", 1), "connect": ("unix", "-", 0), "order": ("open", "w", 1),
}
# Without: kind of call (None: nobody's), the version of Landlock that refuses it (0: none does).
NETWORK = {"socket-tcp": 0, "socket-tcp6": 0, "socket-udp": 0, "socket-udp6": 0, "connect-tcp": 4, "connect-fast": 0, "send-udp": 0}
CALLS = {
    **{n: ("network", v) for n, v in NETWORK.items()},
    "connect-fast": (None, 0),
    "socket-unix": ("unix", 0), "connect-abstract": ("unix", 6), "socketpair": ("pair", 0), "bind-any-port": ("source", 4),
    "memory-file": ("memory", 0), "probe": ("probe", 6), "pidfd": ("pidfd", 0), "map-code": ("code", 0), "protect-code": ("code", 0),
    "map-data": ("base", 0), "proc-mem": ("open", 1), "proc-environ": ("open", 1), "proc-fd": ("open", 1), "fork": ("fork", 0), "clone": ("fork", 0),
    "exec-memory": (None, 0), "bind-port": ("port", 4), "listen-port": (None, 4), "kill": (None, 6), "tgkill": (None, 6), "sigqueue": (None, 6),
    "pidfd-signal": (None, 6), "ptrace": (None, 1), "vm-read": (None, 1), "vm-write": (None, 1), "pidfd-getfd": (None, 1), "mount": (None, 1),
    "kill-parent": (None, 6), "ptrace-parent": (None, 1), "umount": (None, 1), "kcmp": (None, 1), "robust-list": (None, 1),
}
NEVER = (None, 0)
# What holds whatever else there is: the process is not dumpable, so /proc shows even itself nothing of it.
NOT_DUMPABLE = {"own-environ", "own-mem"}
# The parent is another process than the controls' own.
PARENT = {"kill-parent", "ptrace-parent"}
# Who may limit itself again may do so; and what is only counted against the user.
ANY = {"rlimit", "seccomp", "setresuid", "setpgid"}

FILES = {"names", "open", "edit", "times", "watch", "memory", "probe", "pidfd"}
SOCKETS = {"network", "unix"}
ALL_CALLS = None  # no filter


class Process:
    """calls: its kinds of calls (ALL_CALLS: no filter). paths: target -> what it may do there."""

    def __init__(self, name, program, at, who, start, calls=frozenset(), paths=None, confined=True, ports=("network",), beyond=(), together=False):
        self.name, self.program, self.at, self.who, self.start = name, program, at, who, start
        self.calls, self.paths, self.confined, self.ports = calls, paths or {}, confined, ports
        self.together = together  # tried where all runs under one user: else groups keep, too
        self.filtered = calls is not ALL_CALLS
        self.beyond = set(beyond)  # what works here, though not for the user alone
        self.edits = any("w" in a for a in self.paths.values())

    def landlock_refuses(self, attempt, version):
        # Version 1 forbids moving between directories: a program that writes does without it.
        if not self.confined or not version or (version == 1 and self.edits):
            return False
        op, _, target = attempt.partition("/")
        if not target:
            first = CALLS.get(op, NEVER)[1]
            if CALLS.get(op, NEVER)[0] in self.ports:
                first = 0
            return 0 < first <= version
        _, right, first = PATHS[op]
        if op == "empty" and "r" not in self.paths.get(target, "") and version >= 1:
            return True
        if op == "steal" and right not in self.paths.get(self.into, ""):
            return version >= 1
        return right != "-" and 0 < first <= version and right not in self.paths.get(target, "")

    def filter_refuses(self, attempt):
        if not self.confined or self.calls is ALL_CALLS:
            return False
        op, _, target = attempt.partition("/")
        kind = PATHS[op][0] if target else CALLS.get(op, NEVER)[0]
        if op == "watch" and target:
            return not {"watch"} <= self.calls
        if op == "steal":
            return not {"edit"} <= self.calls
        return kind is None or (kind != "base" and kind not in self.calls)

    @property
    def into(self):
        return "own-mail" if self.who == "alice" else "outside"

    def may_be(self, attempt, version, seccomp):
        """Whether it is nobody's business: the parent's user, which no control has, decides."""
        return attempt in ANY or (not self.confined and attempt in NOT_DUMPABLE) or (attempt in PARENT and self.may(attempt, version, seccomp))

    def may(self, attempt, version, seccomp):
        """Whether no layer but the user refuses it."""
        if self.confined and attempt in NOT_DUMPABLE:
            return False
        return not self.landlock_refuses(attempt, version) and not (seccomp and self.filter_refuses(attempt))


RW, TABLES = "rw", {"tables": "r"}
ACCOUNT = {"own-mail": RW}
SPOOL = {"spool": RW}
LOGIN = f"alice@{DOMAIN}"
PLAIN = base64.b64encode(f"\0{LOGIN}\0{SECRET}".encode()).decode()
IMAP, POP3 = f"a LOGIN {LOGIN} {SECRET}\r\n", f"USER {LOGIN}\r\nPASS {SECRET}\r\n"
SIEVE = f'AUTHENTICATE "PLAIN" "{PLAIN}"\r\n'
HOME = {t: "wl" for t in ("own-mail", "own-home", "own-scripts")}
PROCESSES = [
    Process("smtp-recv", "smtp-recv", "session_run", "postern", rig.smtp_recv, FILES | SOCKETS, {**TABLES, "temporary": RW}),
    Process("smtp-recv -l, a copy", "smtp-recv", "session_run", "postern", rig.smtp_listen, FILES | SOCKETS, {**TABLES, "temporary": RW}),
    Process("smtp-recv -l, who is copied", "smtp-recv", "zygote_serve", "postern", rig.smtp_listen, FILES | SOCKETS, {**TABLES, "temporary": RW}),
    Process("smtp-recv, who talks to the client", "smtp-recv", "session_run", "postern", rig.smtp_submission, FILES | SOCKETS, {**TABLES, "temporary": RW}),
    Process("imap-login, who talks to the client", "imap-login", "imap_login_read", "postern", rig.login),
    Process("pop3-login, who talks to the client", "pop3-login", "login_wait", "postern", rig.login),
    Process("managesieve-login, who talks to the client", "managesieve-login", "manage_read", "postern", rig.login),
    Process("a token's checker", "imap-login", None, "postern", rig.token_checker, confined=False),
    Process("imap", "imap", "commands_run", "alice", rig.session(IMAP), FILES | {"threads", "code"}, ACCOUNT),
    Process("imap, with a folder that another shares", "imap", "commands_run", "alice", rig.shared(IMAP), FILES | {"threads", "code"},
            {**ACCOUNT, "shared-mail": RW}, together=True),
    Process("pop3", "pop3", "idle_wait", "alice", rig.session(POP3), FILES | {"threads"}, ACCOUNT),
    Process("managesieve", "managesieve", "idle_wait", "alice", rig.session(SIEVE), FILES, {"own-scripts": RW}),
    Process("managesieve, who sets the active script", "managesieve", "recv", "alice", rig.session(SIEVE), FILES | {"symlink"}, HOME),
    Process("mda-local, who parses LMTP", "mda-local", "lmtp_serve", "postern", rig.lmtp),
    Process("mda-local, a worker", "mda-local", "mailbox_deliver", "alice", rig.deliver, FILES | {"threads"}, ACCOUNT),
    Process("mda-local, a worker with a Sieve script", "mda-local", "sieve_deliver", "alice", rig.rules(".dovecot.sieve", "keep;\n"), FILES | {"threads"},
            {**ACCOUNT, "own-scripts": RW}),
    Process("mda-local, a worker with .qmail", "mda-local", "qmail_deliver", "alice", rig.rules(".qmail", "./Maildir/\n"), confined=False),
    Process("mda-local, a worker with .forward", "mda-local", "dot_forward_deliver", "alice", rig.rules(".forward", "./Maildir/\n"), confined=False),
    Process("mda-local, a user's program", "mda-local", None, "alice", rig.user_program, confined=False),
    Process("mda-local, who reads a list's file", "mda-local", "include_open", "alice", rig.include, confined=False),
    Process("mda-local, who forwards", "mda-local", "smtp_client_hello", "postern", rig.rules(".qmail", "&far@remote.test\n")),
    Process("tls-engine", "tls-engine", "tls_session_handshake", "posttls", rig.engine),
    Process("tls-keeper, an engine", "tls-keeper", "tls_session_handshake", "posttls", rig.keeper),
    Process("tls-keeper, who is copied for each connection", "tls-keeper", "zygote_serve", "posttls", rig.keeper),
    Process("smtp-send", "smtp-send", "send_connect", "postspool", rig.route("k s", "t n"), SOCKETS | {"fork", "pair", "probe"}),
    Process("smtp-send, who makes TLS", "smtp-send", "SSL_connect", "postspool", rig.route("k s", "t e", "w")),
    Process("mda-remote-dns", "mda-remote-dns", "link_recv", "postspool", rig.helper, SOCKETS | {"source", "port", "threads"}, ports=("source",)),
    Process("mda-remote-sts", "mda-remote-sts", "link_recv", "postspool", rig.helper, SOCKETS, ports=()),
    Process("mda-remote", "mda-remote", "clock_poll", "postspool", rig.walker, FILES, {"spool": "rwls"}),
    Process("mda-remote, who runs errands", "mda-remote", "stamp_etc", "postspool", rig.walker, confined=False),
    Process("spool-recv", "spool-recv", "net_getline", "postspool", rig.server, FILES, SPOOL),
    Process("smtp-callout", "smtp-callout", "net_getline", "postspool", rig.server),
]

NOTHING = {who: Process(who, "attacker", None, who, rig.alone, confined=False) for who in ("postern", "postspool", "posttls", "alice")}

# What is open beside 0, 1 and 2: sockets to a parent or helper, and files that are its own.
DESCRIPTORS = {
    "smtp-recv": "run/tmp signalfd", "smtp-recv -l, a copy": "run/tmp signalfd", "smtp-recv -l, who is copied": "run/tmp socket", "smtp-recv, who talks to the client": "run/tmp socket",
    "imap-login, who talks to the client": "socket", "pop3-login, who talks to the client": "socket", "managesieve-login, who talks to the client": "socket",
    "imap": "signalfd", "imap, with a folder that another shares": "signalfd", "pop3": "home/Maildir home/Maildir/cur home/Maildir/dovecot-uidlist home/Maildir/new",
    "managesieve": "home home/sieve home/sieve/tmp signalfd socket", "managesieve, who sets the active script": "home home/sieve socket",
    "mda-local, who parses LMTP": "socket", "mda-local, a worker": "message socket",
    "mda-local, a worker with a Sieve script": "home/.dovecot.sieve.log message socket", "mda-local, who forwards": "message socket",
    "tls-engine": "pipe", "tls-keeper, an engine": "pipe socket", "tls-keeper, who is copied for each connection": "socket", "smtp-send": "", "smtp-send, who makes TLS": "socket",
    "mda-remote": "inotify signalfd socket spool spool/lock spool/trigger", "spool-recv": "spool", "smtp-callout": "run/callout/answers socket",
    "mda-remote-dns": "socket", "mda-remote-sts": "socket",
}

# What each user may do where there are several, with nothing else that holds it.
EVERYBODY = {"tables", "setting", "programs", "passwd", "outside"}
UIDS = {
    "postern": {"read": EVERYBODY | {"temporary", "state"}, "write": {"temporary", "state", "outside"}, "connect": {"lmtp", "spool", "submission", "tls", "callout"}},
    "postspool": {"read": EVERYBODY | {"spool", "remote-logins"}, "write": {"spool", "remote-logins", "outside"},
                  "connect": {"lmtp", "spool", "submission", "tls", "callout"}},
    "posttls": {"read": EVERYBODY, "write": {"outside"}, "connect": {"submission"}},
    "alice": {"read": EVERYBODY | {"own-mail", "own-home", "own-scripts"}, "write": {"own-mail", "own-home", "own-scripts", "outside"}, "connect": {"submission"}},
}
