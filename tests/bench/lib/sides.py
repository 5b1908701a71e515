"""The servers that are measured, each with the same accounts: u0@DOMAIN, u1@DOMAIN ... with the password x and
HOME/Maildir. IMAP, POP3 and LMTP through the whole chain, logins and all.

    side = sides.Postern(top, {"inbox.test": 1}, owner)     # or sides.Dovecot
    side.start(); side.imap, side.pop3, side.lmtp           # "127.0.0.1:PORT" twice, a socket's path
    side.home("inbox.test"), side.maildir("inbox.test", 0)
    sides.stop([side])
"""
import ctypes
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
LIMIT = 30  # seconds for a server to start or to end
PR_SET_CHILD_SUBREAPER = 36

DOVECOT = """base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
protocols = imap pop3 lmtp
listen = 127.0.0.1
hostname = mx.example.test
mail_location = maildir:~/Maildir
first_valid_uid = 1
ssl = no
# Bounds on what is measured: with 256 MB, the default, a million messages cannot be opened.
mail_max_userip_connections = 1000
default_vsz_limit = 2G
passdb {{
  driver = passwd-file
  args = {dir}/users
}}
userdb {{
  driver = passwd-file
  args = {dir}/users
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
{login}}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
{login}}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
"""
# Without root all of it is one user's.
LOGIN = "  chroot =\n"
DOVECOT_UNPRIVILEGED = """default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service anvil {{
  chroot =
}}
service lmtp {{
  user = {user}
}}
"""


def owner():
    """uid and gid of the mail on both sides."""
    return (65534, 65534) if os.getuid() == 0 else (os.getuid(), os.getgid())


def unprivileged():
    if os.getuid() == 0:
        return ""
    return DOVECOT_UNPRIVILEGED.format(user=pwd.getpwuid(os.getuid()).pw_name, group=grp.getgrgid(os.getgid()).gr_name)


def adopt_orphans():
    """What any server leaves behind becomes this process's child, so that it can be ended and counted."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} within {LIMIT} s")
        time.sleep(0.005)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def children():
    """{pid: [pids]} of all processes."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                found.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(pid))
        except OSError:
            pass
    return found


def descendants(pid):
    table, out, todo = children(), [], [pid]
    while todo:
        todo += table.get(todo[0], [])
        out += table.get(todo.pop(0), [])
    return out


def command_name(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def ticks(pid):
    """CPU that it and its reaped children have used, in clock ticks."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:15]))
    except OSError:
        return 0


def reap_orphans():
    """Ends the zombies that servers have left to this process; CPU seconds of them all."""
    used = 0
    for pid in children().get(os.getpid(), []):
        if pid not in Server.launched:
            try:
                pid, _, usage = os.wait4(pid, os.WNOHANG)
                used += (usage.ru_utime + usage.ru_stime) if pid else 0
            except ChildProcessError:
                pass
    return used


def gone(pid):
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not os.path.exists(f"/proc/{pid}")


class Server:
    """Processes that are started and ended together; what they leave behind is ended, too."""
    launched = set()  # by any of them
    end_signal = signal.SIGTERM
    connections = 1000  # at once

    def __init__(self, directory):
        self.dir, self.processes, self.orphans = directory, [], 0
        os.makedirs(directory)
        os.chmod(directory, 0o755)

    def put(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def launch(self, *argv, **env):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("POSTERN_", "TCP"))}
        clean.update(PATH=f"{BUILD}/bin:{clean['PATH']}", TZ="UTC", **env)
        with open(os.path.join(self.dir, "stderr"), "ab") as log:
            self.processes.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=clean,
                                                   cwd="/"))
        self.launched.add(self.processes[-1].pid)
        return self.processes[-1]

    def tcpserver(self, *argv, **env):
        """On a port that the system chooses: ADDRESS:PORT."""
        p = self.launch("tcpserver", "-q", "-1", "-c", str(self.connections), "-C", str(self.connections), "-b", "500", "127.0.0.1", "0", *argv, **env)
        return f"127.0.0.1:{int(p.stdout.readline())}"

    def said(self):
        """The end of what it has logged."""
        text = ""
        for name in "stderr", "log":
            path = os.path.join(self.dir, name)
            if os.path.isfile(path):
                with open(path, errors="replace") as f:
                    text += f"{path}:\n" + "".join(f.readlines()[-10:])
        return text

    def pids(self):
        return [pid for p in self.processes for pid in [p.pid, *descendants(p.pid)]]

    def cpu(self):
        """Seconds that all of them have used, and what they have left behind; while no other server
        is at work, differences of two calls."""
        self.orphans += reap_orphans()
        return sum(map(ticks, self.pids())) / os.sysconf("SC_CLK_TCK") + self.orphans


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def stop(servers):
    """Ends them all, and what they have started; what does not end is killed."""
    processes = [p for server in servers for p in server.processes]
    left, deadline = [pid for server in servers for pid in server.pids()], time.monotonic() + LIMIT / 3
    for server in servers:
        for p in server.processes:
            p.send_signal(server.end_signal)
    while left := [pid for pid in left if not gone(pid)]:
        if time.monotonic() > deadline:
            kill(left)
        time.sleep(0.005)
    for p in processes:
        p.returncode = 0
        p.stdout.close()
    for server in servers:
        server.processes = []


def end_all():
    """Kills whatever this process has started and still runs: clients, after an interruption."""
    kill(descendants(os.getpid()))


class Side(Server):
    name = None

    def __init__(self, top, accounts):
        super().__init__(os.path.join(top, self.name.lower()))
        self.accounts = accounts
        for domain, count in accounts.items():
            for i in range(count):
                os.makedirs(self.home(domain, i))
                os.chown(self.home(domain, i), *owner())
            os.chown(os.path.dirname(self.home(domain)), *owner())
        self.prepare()

    def home(self, domain, i=0):
        return f"{self.dir}/mail/{domain}/u{i}"

    def maildir(self, domain, i=0):
        return self.home(domain, i) + "/Maildir"

    def users(self):
        uid, gid = owner()
        return "".join(f"u{i}@{domain}:{{PLAIN}}x:{uid}:{gid}::{self.home(domain, i)}::\n"
                       for domain, count in self.accounts.items() for i in range(count))


class Postern(Side):
    name = "postern"

    @staticmethod
    def of_session(pid):
        """Whether a process that a connection has brought stays with it."""
        return True

    def prepare(self):
        os.makedirs(self.dir + "/run/tmp")
        os.chown(self.dir + "/run/tmp", *owner())
        self.put("etc/users", self.users())
        self.put("etc/domains", "".join(d + ":\n" for d in self.accounts))
        self.put("etc/me", "mx.example.test\n")
        self.put("etc/plain-passwords", "yes\n")
        subprocess.run(["postern-tables", "users", "domains"], env=dict(os.environ, POSTERN_DIR=self.dir, PATH=f"{BUILD}/bin:{os.environ['PATH']}"), check=True, stdout=subprocess.DEVNULL)

    def start(self):
        env = dict(zip(("UID", "GID"), map(str, owner()))) if os.getuid() == 0 else {}
        env["POSTERN_DIR"] = self.dir
        self.imap = self.tcpserver("imap-login", "auth-file", "imap", **env)
        self.pop3 = self.tcpserver("pop3-login", "auth-file", "pop3", **env)
        self.lmtp = self.dir + "/lmtp"
        self.launch("s6-ipcserver-socketbinder", "-a", "0666", "-b", "500", self.lmtp, "mda-local", "-l", "200", **env)
        wait_for(lambda: os.path.exists(self.lmtp), "mda-local listens")


class Dovecot(Side):
    name, more = "Dovecot", ""  # of its configuration

    @staticmethod
    def of_session(pid):
        return command_name(pid) == "imap"

    @staticmethod
    def missing():
        """Why it cannot be measured here, or None."""
        programs = ["/usr/lib/dovecot/" + p for p in ("imap", "pop3", "lmtp")]
        if not shutil.which("dovecot") or not all(map(os.path.exists, programs)):
            return "dovecot-imapd, dovecot-pop3d and dovecot-lmtpd are not all installed"
        return None

    @staticmethod
    def version():
        return subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True).stdout.split()[0]

    def prepare(self):
        self.ports = [free_port(), free_port()]
        text = DOVECOT.format(dir=self.dir, imap=self.ports[0], pop3=self.ports[1], login=LOGIN if os.getuid() else "")
        self.put("conf", text + unprivileged() + self.more)
        self.put("users", self.users())

    def start(self):
        self.launch("dovecot", "-F", "-c", self.dir + "/conf")
        self.imap, self.pop3 = (f"127.0.0.1:{p}" for p in self.ports)
        self.lmtp = self.dir + "/run/lmtp"
        wait_for(lambda: os.path.exists(self.lmtp) and all(map(listens, self.ports)), "Dovecot listens")
