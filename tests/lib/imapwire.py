"""An IMAP session program on pipes, ours or Dovecot's, as plain as the wire.

    with imapwire.Session(["imap"], MAILDIR=...) as s:
        untagged, tagged = s.command("FETCH 1 FLAGS")      # [octets, ...], octets
    imapwire.dovecot(directory)                            # argv and environment over directory/mail
"""
import os
import pwd
import re
import select
import shutil
import subprocess
import time

import oracle
import confined
from owner import give

LIMIT = 120  # seconds for any single answer


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}\nwanted {want!r}")


def matches(got, pattern):
    if not re.fullmatch(pattern, got, re.S):
        raise AssertionError(f"got {got!r}\nwanted {pattern!r}")


class Session:
    def __init__(self, argv, environment=None, **more):
        env = dict(os.environ if environment is None else environment, **more)
        env.pop("POSTERN_ID", None)
        build = os.environ.get("POSTERN_BUILD", "build")
        env["PATH"] = os.path.abspath(os.path.join(build, "bin")) + ":" + env["PATH"]
        argv = [shutil.which(argv[0], path=env["PATH"]) or argv[0]] + argv[1:]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env, bufsize=0)
        self.buffer, self.tag = b"", 0
        self.greeting = self.response()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.said = self.process.stderr.read().decode(errors="replace")
        self.process.stderr.close()

    def more(self):
        if not select.select([self.process.stdout], [], [], LIMIT)[0]:
            raise TimeoutError(f"nothing within {LIMIT} s; so far {self.buffer[-200:]!r}")
        data = os.read(self.process.stdout.fileno(), 1 << 20)
        if not data:
            said = os.read(self.process.stderr.fileno(), 10000).decode(errors="replace")
            raise EOFError(f"closed after {self.buffer[-200:]!r}; stderr: {said}")
        self.buffer += data

    def take(self, n):
        while len(self.buffer) < n:
            self.more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def line(self):
        at = 0
        while (end := self.buffer.find(b"\n", at)) < 0:
            at = len(self.buffer)
            self.more()
        return self.take(end + 1)

    def response(self):
        """One response with its literals, without the last CR LF."""
        whole = b""
        while True:
            text = self.line()
            whole += text
            literal = re.search(rb"\{(\d+)\}\r\n$", text)
            if not literal:
                return whole[:-2]
            whole += self.take(int(literal[1]))

    def send(self, data):
        os.write(self.process.stdin.fileno(), data)

    def start(self, text):
        """Sends a command and returns its tag."""
        self.tag += 1
        self.send(b"t%d " % self.tag + (text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        return b"t%d " % self.tag

    def finish(self, tag):
        untagged = []
        while True:
            response = self.response()
            if response.startswith(tag):
                return untagged, response[len(tag):]
            untagged.append(response)

    def command(self, text):
        return self.finish(self.start(text))

    def ok(self, text):
        untagged, tagged = self.command(text)
        if not tagged.startswith(b"OK"):
            raise ValueError(f"{text}: {tagged!r}")
        return untagged


def dovecot(directory):
    """(argv, environment) of Dovecot's imap over directory/mail; everything there becomes its user's."""
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    for sub in ("run", "log"):
        os.makedirs(os.path.join(directory, sub), exist_ok=True)
    with open(os.path.join(directory, "conf"), "w", encoding="ascii") as f:
        f.write(oracle.CONF.format(dir=directory, uid=user.pw_uid, gid=user.pw_gid))
    argv = [oracle.IMAP, "-c", os.path.join(directory, "conf")]
    if os.getuid() == 0:
        give(user.pw_uid, user.pw_gid, directory)
        argv = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] + argv
    return argv, {"HOME": directory, "USER": user.pw_name, "PATH": os.environ["PATH"], "TZ": "UTC", **confined.STRICT}


def parse(data):
    """A response's values: lists for parentheses, octets for atoms and strings, None for NIL."""
    at, stack = 0, [[]]
    while at < len(data):
        c = data[at:at + 1]
        if c == b"(":
            stack.append([])
            at += 1
        elif c == b")":
            top = stack.pop()
            stack[-1].append(top)
            at += 1
        elif c == b" ":
            at += 1
        elif c == b"{" or data[at:at + 2] == b"~{":
            at += c == b"~"
            end = data.index(b"\r\n", at)
            n = int(data[at + 1:end - 1])
            stack[-1].append(data[end + 2:end + 2 + n])
            at = end + 2 + n
        elif c == b'"':
            m = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S).match(data, at)
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", m[1]))
            at = m.end()
        else:
            m = re.compile(rb"[^ ()\[]+(\[[^]]*\](<\d+>)?)?").match(data, at) or re.compile(rb"\[[^]]*\]").match(data, at)
            stack[-1].append(None if m[0] == b"NIL" else m[0])
            at = m.end()
    return stack[0]


def fetched(untagged):
    """{sequence number: {item: value}} of FETCH responses."""
    result = {}
    for response in untagged:
        m = re.match(rb"\* (\d+) FETCH ", response)
        if m:
            values = parse(response[m.end():])[0]
            result.setdefault(int(m[1]), {}).update(zip(values[::2], values[1::2]))
    return result


def wait_for(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        select.select([], [], [], 0.01)
