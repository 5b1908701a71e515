"""A ManageSieve session program on a socket, ours or Dovecot's, as plain as the wire (RFC 5804).

    with sievewire.Session(["managesieve"], HOME=...) as s:
        data, final = s.command(b'LISTSCRIPTS')     # [lines with their literals], the OK, NO or BYE
    sievewire.dovecot(directory)                    # argv and environment of Dovecot's, with HOME directory; it does not greet
"""
import os
import re
import shutil
import socket
import subprocess

import confined
from owner import give

DOVECOT = "/usr/lib/dovecot/managesieve"
LIMIT = 120  # seconds for any single answer
CONF = """base_dir = {dir}/run
log_path = {dir}/log/dovecot
mail_location = maildir:{dir}/Maildir
mail_home = {dir}
ssl = no
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {uid}
mail_gid = {gid}
stats_writer_socket_path =
"""


def quote(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def literal(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b"{%d+}\r\n" % len(data) + data


def string(text):
    """The octets of a string at the beginning of text."""
    if text.startswith(b"{"):
        head, rest = text.split(b"\r\n", 1)
        return rest[:int(head[1:-1])]
    return re.sub(rb"\\(.)", rb"\1", re.match(rb'"((?:[^"\\]|\\.)*)"', text, re.S)[1])


class Session:
    def __init__(self, argv, environment=None, log=None, greets=True, **more):
        env = dict(os.environ if environment is None else environment, **more)
        for name in "POSTERN_ID", "POSTERN_SASL", "POSTERN_SESSION_FD", "POSTERN_SESSION_START":
            env.pop(name, None)
        build = os.environ.get("POSTERN_BUILD", "build")
        env["PATH"] = os.path.abspath(os.path.join(build, "bin")) + ":" + env["PATH"]
        argv = [shutil.which(argv[0], path=env["PATH"]) or argv[0]] + argv[1:]
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(LIMIT)
        self.process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=log or subprocess.DEVNULL, env=env)
        theirs.close()
        self.buffer = b""
        self.greeting = self.finish() if greets else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def take(self, n):
        while len(self.buffer) < n:
            more = self.socket.recv(1 << 20)
            if not more:
                raise EOFError(f"closed after {self.buffer[-200:]!r}")
            self.buffer += more
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def line(self):
        """One line with its literals, without the last CR LF."""
        whole = b""
        while True:
            while b"\r\n" not in self.buffer:
                self.buffer = self.take(len(self.buffer) + 1) + self.buffer
            text = self.take(self.buffer.index(b"\r\n") + 2)
            whole += text
            found = re.search(rb"\{(\d+)\}\r\n$", text)
            if not found:
                return whole[:-2]
            whole += self.take(int(found[1]))

    def finish(self):
        data = []
        while True:
            line = self.line()
            if re.match(rb"(?i)(OK|NO|BYE)\b", line):
                return data, line
            data.append(line)

    def send(self, data):
        self.socket.sendall(data)

    def command(self, text):
        self.send((text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        return self.finish()

    def ok(self, text):
        data, final = self.command(text)
        if not final.startswith(b"OK"):
            raise ValueError(f"{text!r}: {final!r}")
        return data

    def put(self, name, text):
        return self.command(b"PUTSCRIPT " + quote(name) + b" " + literal(text))[1]

    def list(self):
        """{name: is it active}"""
        return {string(x).decode(): x.endswith(b" ACTIVE") for x in self.ok("LISTSCRIPTS")}

    def get(self, name):
        return string(self.ok(b"GETSCRIPT " + quote(name))[0])


def dovecot(directory, **settings):
    """(argv, environment) of Dovecot's managesieve; everything there becomes its user's."""
    uid, gid = (65534, 65534) if os.getuid() == 0 else (os.getuid(), os.getgid())
    for sub in ("run", "log", "Maildir/cur", "Maildir/new", "Maildir/tmp"):
        os.makedirs(os.path.join(directory, sub), exist_ok=True)
    with open(os.path.join(directory, "conf"), "w", encoding="ascii") as f:
        f.write(CONF.format(dir=directory, uid=uid, gid=gid))
        if settings:
            f.write("plugin {\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()) + "}\n")
    argv = [DOVECOT, "-c", os.path.join(directory, "conf")]
    if os.getuid() == 0:
        give(uid, gid, directory)
        argv = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"] + argv
    return argv, {"HOME": directory, "USER": "user", "PATH": os.environ["PATH"], **confined.STRICT}
