"""What the tests of the login programs share: a running login program on a socketpair, TAP, and a
fresh instance directory per test."""
import os, re, shutil, socket, subprocess, sys, tempfile, time

import confined

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("POSTERN_BUILD", os.path.join(ROOT, "build"))
CHECK = os.path.join(ROOT, "tests/login/checkpassword")
SESSION = os.path.join(ROOT, "tests/login/session")
LIMIT = 120
count = failed = 0


def ok(good, name, detail=""):
    global count, failed
    count += 1
    print(("" if good else "not ") + f"ok {count} - {name}", flush=True)
    if not good:
        failed += 1
        for line in str(detail).splitlines():
            print("# " + line)
    return good


def same(name, got, want):
    return ok(got == want, name, f"got  {got!r}\nwant {want!r}")


def done():
    print(f"1..{count}")
    sys.exit(failed != 0)


def environment(**more):
    """What a login program sees on a connection from loopback."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("POSTERN_", "SSL_"))}
    env.update(confined.STRICT, PROTO="TCP", TCPREMOTEIP="127.0.0.1", TCPREMOTEPORT="4321", TCPLOCALIP="127.0.0.1",
               TCPLOCALPORT="143", UID="12345", GID="12345", GIDLIST="12345",
               PATH=os.path.join(BUILD, "bin") + ":" + os.environ["PATH"])
    env.update(more)
    return env


class Instance:
    def __init__(self, **settings):
        self.path = tempfile.mkdtemp(prefix="postern-test.")
        os.chmod(self.path, 0o755)
        os.mkdir(os.path.join(self.path, "etc"))
        for name, value in settings.items():
            self.set(name.replace("_", "-"), value)

    def set(self, name, value):
        with open(os.path.join(self.path, "etc", name), "w") as f:
            f.write(f"{value}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Login:
    """A login program on one end of a socketpair."""

    def __init__(self, instance, *argv, pass_fds=(), sndbuf=0, **env):
        ours, theirs = socket.socketpair()
        self.socket, self.buffer = ours, b""
        ours.settimeout(LIMIT)
        if sndbuf:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
        self.log_file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=self.log_file, pass_fds=pass_fds,
                                        env=environment(POSTERN_DIR=instance.path, **env))
        theirs.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        while b"\n" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                rest, self.buffer = self.buffer, b""
                return rest
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def ask(self, data):
        self.send(data)
        return self.line()

    def children(self, pid=None):
        with open(f"/proc/{pid or self.process.pid}/task/{pid or self.process.pid}/children") as f:
            return [int(x) for x in f.read().split()]

    def log(self):
        self.log_file.seek(0)
        return self.log_file.read().decode(errors="replace")

    def logged(self, pattern):
        return wait_for(lambda: re.search(pattern, self.log()))

    def exit(self):
        return self.process.wait(timeout=LIMIT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        try:
            self.process.wait(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            ok(False, "the program ends with its connection", self.log())


def wait_for(condition, seconds=LIMIT):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    return None
