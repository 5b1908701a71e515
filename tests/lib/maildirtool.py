"""The program `maildir` in tests: a place of its own, runs, and what Dovecot's and our imap say of a Maildir.

    with Place() as p:
        p.run("import", p.at("source"), p.mail)     # .code, .out, .err, .json
        imap_state(p, "dovecot")                    # {folder: (uidvalidity, uidnext, {uid: (flags, date, size, subject)})}
"""
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import imapwire
import oracle
from owner import give

TOOL = os.path.abspath(os.path.join(os.environ.get("POSTERN_BUILD", "build"), "bin/maildir"))
count = failed = 0


def ok(good, name, *detail):
    global count, failed
    count += 1
    failed += not good
    print(f"{'' if good else 'not '}ok {count} - {name}".replace("#", "."), flush=True)
    for d in detail if not good else ():
        print("\n".join("# " + line for line in str(d).splitlines()), flush=True)
    return good


def same(got, want, name):
    return ok(got == want, name, f"got  {got!r}", f"want {want!r}")


def done():
    print(f"1..{count}")
    sys.exit(failed > 0)


def need_dovecot():
    why = oracle.available()
    if why:
        print(f"1..0 # SKIP {why}")
        sys.exit(0)


class Run:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr.decode(errors="replace")

    @property
    def json(self):
        return [json.loads(line) for line in self.out.decode().splitlines()]

    def __repr__(self):
        return f"exit {self.code}: {self.out[-2000:]!r} {self.err}"


class Place:
    """A directory that the ordinary user owns (Dovecot serves no mail as root); Maildir: mail/."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="maildir-tool.")
        self.mail = self.dir + "/mail"
        self.user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.env = {"PATH": os.environ["PATH"], "TZ": "UTC", "HOME": self.dir, "ASAN_OPTIONS": "detect_leaks=0", "LC_ALL": "C.UTF-8"}
        self.own()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.call(["chmod", "-R", "u+rwx", self.dir])
        shutil.rmtree(self.dir)

    def at(self, *parts):
        return os.path.join(self.dir, *parts)

    def own(self):
        give(self.user.pw_uid, self.user.pw_gid, self.dir)

    def drop(self):
        if os.getuid() == 0:
            return ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        return []

    def start(self, *words, **more):
        self.own()
        return subprocess.Popen(self.drop() + [TOOL, *words], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def run(self, *words, given=None, **more):
        self.own()
        return Run(subprocess.run(self.drop() + [TOOL, *words], env=self.env, input=given, capture_output=True, timeout=120, **more))

    def write(self, path, data, mtime=None):
        path = self.at(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        if mtime is not None:
            os.utime(path, (mtime, mtime))
        return path

    def read(self, path):
        with open(self.at(path), "rb") as f:
            return f.read()

    def maildir(self, path):
        for sub in "cur", "new", "tmp":
            os.makedirs(self.at(path, sub), exist_ok=True)

    def session(self, kind, mail="mail"):
        """An imap session on a Maildir of this place, Dovecot's or ours."""
        self.own()
        if kind == "dovecot":
            argv, env = imapwire.dovecot(self.dir)
            conf = open(self.at("conf")).read().replace(f"maildir:{self.dir}/mail", f"maildir:{self.at(mail)}")
            with open(self.at("conf"), "w") as f:
                f.write(conf)
            return imapwire.Session(argv, env)
        argv = self.drop() + [os.path.join(os.path.dirname(TOOL), "imap")]
        return imapwire.Session(argv, dict(self.env), MAILDIR=self.at(mail), USER=self.user.pw_name)


def texts(value):
    return value.decode() if isinstance(value, bytes) else [texts(v) for v in value] if isinstance(value, list) else value


def imap_state(place, kind, mail="mail"):
    """{folder: (uidvalidity, uidnext, {uid: (flags, date, size, subject)})} of every folder that can be selected."""
    state = {}
    with place.session(kind, mail) as s:
        names = []
        for line in s.ok('LIST "" "*"'):
            m = re.match(rb'\* LIST \(([^)]*)\) \S+ "?([^"]*)"?$', line)
            if m and b"\\Noselect" not in m[1] and b"\\NonExistent" not in m[1]:
                names.append(m[2].decode())
        for name in sorted(names):
            untagged = s.ok(f'EXAMINE "{name}"')
            code = {k: int(v) for line in untagged for k, v in re.findall(r"\[(UIDVALIDITY|UIDNEXT) (\d+)\]", line.decode())}
            messages = {}
            if not any(line == b"* 0 EXISTS" for line in untagged):
                fetched = imapwire.fetched(s.ok("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
                for values in fetched.values():
                    flags = sorted(texts(f) for f in values[b"FLAGS"] if f != b"\\Recent")
                    subject = next(v for k, v in values.items() if k.startswith(b"BODY["))
                    messages[int(values[b"UID"])] = (flags, texts(values[b"INTERNALDATE"]).strip(), int(values[b"RFC822.SIZE"]), texts(subject).strip())
            state[name] = (code.get("UIDVALIDITY"), code.get("UIDNEXT"), messages)
    return state


def snapshot(directory, dates=True):
    """{path: (content, mtime)} of every message file and the identities kept beside them."""
    found = {}
    for root, _, files in os.walk(directory):
        for name in files:
            path = os.path.join(root, name)
            if os.path.basename(root) in ("cur", "new"):
                with open(path, "rb") as f:
                    found[os.path.relpath(path, directory)] = (f.read(), int(os.stat(path).st_mtime) if dates else 0)
    return found
