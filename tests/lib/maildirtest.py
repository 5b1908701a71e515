"""Sessions on one Maildir for tests/maildir: ours (build/unit/maildir-driver) and Dovecot's imap program."""
import itertools
import os
import pwd
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from owner import give

DRIVER = os.environ.get("MAILDIR_DRIVER", "build/unit/maildir-driver")
DOVECOT = "/usr/lib/dovecot/imap"
CONF = """base_dir = {dir}/run
log_path = {dir}/log/dovecot
mail_location = maildir:{dir}/mail
ssl = no
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {uid}
mail_gid = {gid}
stats_writer_socket_path =
namespace inbox {{
  inbox = yes
}}
"""
LETTERS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}

count = 0
failed = 0


def ok(good, name):
    global count, failed
    count += 1
    failed += not good
    print(f"{'' if good else 'not '}ok {count} - {name}".replace("#", "."), flush=True)
    return good


def same(got, want, name):
    if not ok(got == want, name):
        print(f"# got  {got!r}\n# want {want!r}", flush=True)


def skip(name, why):
    global count
    count += 1
    print(f"ok {count} # SKIP {name}: {why}", flush=True)


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def done():
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


def seed():
    n = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**9)
    print(f"# SEED={n}", flush=True)
    return random.Random(n)


def need_dovecot():
    if not os.path.exists(DOVECOT):
        skip_all("dovecot-imapd is not installed")


class Place:
    """A directory with a Maildir in it, owned by the user that the sessions run as (Dovecot serves no mail as root).
    MAILDIR_MOUNTS: the Maildir lies on a network file system mounted in these directories; sessions of ours use them by turns."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="maildir.")
        mounts = os.environ.get("MAILDIR_MOUNTS", "")
        self.mails = [f"{m}/{os.path.basename(self.dir)}/mail" for m in mounts.split(":") if m] or [self.dir + "/mail"]
        self.mail = self.mails[0]
        self.turn = itertools.cycle(self.mails)
        self.user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        for sub in ("run", "log"):
            os.mkdir(f"{self.dir}/{sub}")
        with open(self.dir + "/conf", "w") as f:
            f.write(CONF.format(dir=self.dir, uid=self.user.pw_uid, gid=self.user.pw_gid))
        os.makedirs(os.path.dirname(self.mail), exist_ok=True)
        self.own()
        self.sessions = []

    def own(self, path=""):
        tops = {self.mail + path[5:] if path.startswith("/mail") else self.dir + path}
        give(self.user.pw_uid, self.user.pw_gid, *(tops if path else tops | {os.path.dirname(self.mail)}))

    def start(self, argv):
        if os.getuid() == 0:
            argv = ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"] + argv
        env = {"HOME": self.dir, "USER": self.user.pw_name, "PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}
        with open(self.dir + "/log/stderr", "ab") as log:
            proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env)
        self.sessions.append(proc)
        return proc

    def put(self, path, text):
        """A file made by some other program."""
        os.makedirs(os.path.dirname(f"{self.mail}/{path}"), exist_ok=True)
        with open(f"{self.mail}/{path}", "w") as f:
            f.write(text)
        if os.getuid() == 0:
            os.chown(f"{self.mail}/{path}", self.user.pw_uid, self.user.pw_gid)

    def complaints(self):
        """What the sessions wrote to standard error, but for Dovecot's farewell."""
        return [l for l in open(self.dir + "/log/stderr", errors="replace") if "Disconnected:" not in l]

    def files(self, sub="cur"):
        return sorted(os.listdir(f"{self.mail}/{sub}"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for proc in self.sessions:
            if proc.poll() is None:
                proc.kill()
            proc.wait()
            proc.stdin.close()
            proc.stdout.close()
        for top in {self.dir, os.path.dirname(self.mail)}:
            shutil.rmtree(top)


class Ours:
    def __init__(self, place, folder="INBOX", option=""):
        self.proc = place.start([os.path.abspath(DRIVER), next(place.turn)])
        self.opened = self.command(f"open {folder} {option}") if folder else None

    def send(self, line):
        self.proc.stdin.write(line.encode() + b"\n")
        self.proc.stdin.flush()

    def wait_slept(self, times):
        """Until it has slept that often: it waits for something, and tries again and again."""
        def slept():
            with open(f"/proc/{self.proc.pid}/status", encoding="ascii") as f:
                return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", f.read(), re.M)[1])
        enough, end = slept() + times, time.monotonic() + 120
        while slept() < enough:
            if time.monotonic() > end:
                raise TimeoutError(f"process {self.proc.pid} waits for nothing")
            time.sleep(0.002)

    def answer(self):
        out = []
        while True:
            line = self.proc.stdout.readline().decode().rstrip("\n")
            if line == "ok":
                return out
            if not line or line.startswith("no "):
                raise RuntimeError(line or "driver ended")
            out.append(line)

    def command(self, line):
        self.send(line)
        return self.answer()

    def validity(self):
        return int(self.opened[0].split()[0])

    def refresh(self):
        return self.command("refresh")

    def state(self):
        """{uid: (flags, keywords, size)}"""
        out = {}
        for line in self.command("list"):
            uid, flags, keywords, size = line.split(" ")
            out[int(uid)] = (flags.replace("-", "").replace("P", ""), ",".join(sorted(keywords.replace("-", "").split(","))), int(size))
        return out

    def close(self):
        self.proc.stdin.close()
        self.proc.wait()


class Dovecot:
    def __init__(self, place, folder="INBOX"):
        self.proc = place.start([DOVECOT, "-c", place.dir + "/conf"])
        self.proc.stdout.readline()
        self.tag = 0
        for line in self.command(f"SELECT {folder}"):
            m = re.search(rb"UIDVALIDITY (\d+)", line)
            if m:
                self.uidvalidity = int(m[1])

    def command(self, text):
        self.tag += 1
        tag = b"t%d " % self.tag
        self.proc.stdin.write(tag + text.encode() + b"\r\n")
        self.proc.stdin.flush()
        out = []
        while True:
            line = self.proc.stdout.readline()
            if line.startswith(b"+ "):
                continue
            if line.startswith(tag):
                if not line.startswith(tag + b"OK"):
                    raise RuntimeError(text + ": " + line.decode())
                return out + [line]
            if not line:
                raise RuntimeError("dovecot ended")
            out.append(line)

    def append(self, text):
        self.tag += 1
        body = f"Subject: {text}\r\n\r\n{text}\r\n"
        self.proc.stdin.write(f"t{self.tag} APPEND INBOX {{{len(body)}+}}\r\n{body}\r\n".encode())
        self.proc.stdin.flush()
        while True:
            line = self.proc.stdout.readline()
            if line.startswith(b"t%d " % self.tag):
                return line

    def validity(self):
        return self.uidvalidity

    def refresh(self):
        return self.command("NOOP")

    def state(self):
        out = {}
        for line in self.command("UID FETCH 1:* (FLAGS RFC822.SIZE)"):
            m = re.search(rb"FLAGS \(([^)]*)\)", line)
            if not m or b"UID" not in line:
                continue
            words = m[1].decode().split()
            flags = "".join(sorted(k for k, v in LETTERS.items() if v in words))
            keywords = ",".join(sorted(w for w in words if w[0] != "\\"))
            out[int(re.search(rb"UID (\d+)", line)[1])] = (flags, keywords, int(re.search(rb"SIZE (\d+)", line)[1]))
        return out

    def close(self):
        self.proc.stdin.write(b"x LOGOUT\r\n")
        self.proc.stdin.close()
        self.proc.stdout.read()
        self.proc.wait()


def agree(x, y, name, seconds=120):
    """Both sessions come to see the same: Dovecot looks again only when a second has passed."""
    end = time.monotonic() + seconds
    while x.state() != y.state() and time.monotonic() < end:
        time.sleep(0.2)
        x.refresh()
        y.refresh()
    same(x.state(), y.state(), name)


def change(session, rng, uids, n):
    """One random change through a session of either kind."""
    dovecot = isinstance(session, Dovecot)
    what = rng.choice(["deliver", "deliver", "flag", "flag", "unflag", "keyword", "expunge", "copy"])
    uid = rng.choice(uids) if uids else None
    letter = rng.choice("DFRS")
    if what == "deliver" or not uid:
        session.append(f"m{n}") if dovecot else session.command(f"deliver INBOX m{n}")
    elif what in ("flag", "unflag"):
        sign = "+" if what == "flag" else "-"
        if dovecot:
            session.command(f"UID STORE {uid} {sign}FLAGS.SILENT ({LETTERS[letter]})")
        else:
            session.command(f"flags {uid} {sign} {letter}")
    elif what == "keyword":
        word = f"word{rng.randrange(6)}"
        if dovecot:
            session.command(f"UID STORE {uid} +FLAGS.SILENT ({word})")
        else:
            session.command(f"flags {uid} + - {word}")
    elif what == "expunge":
        if dovecot:
            session.command(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
            session.command("EXPUNGE")
        else:
            session.command(f"expunge {uid}")
            session.refresh()
    elif dovecot:
        session.command(f"UID COPY {uid} INBOX")
    else:
        session.command(f"copy {uid} INBOX")
    return what, uid
