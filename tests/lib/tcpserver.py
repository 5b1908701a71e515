"""What the tcpserver tests share: TAP output, a running tcpserver, its ends.

TCPSERVER names the program (default tcpserver, from PATH)."""
import atexit
import os
import select
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ.get("TCPSERVER", "tcpserver")
LIMIT = 120  # seconds that any single wait may last
count = failed = 0


def ok(good, name, detail=""):
    global count, failed
    count += 1
    print(("" if good else "not ") + "ok %d - %s" % (count, name), flush=True)
    if not good:
        failed += 1
        print("# " + str(detail).replace("\n", "\n# "), flush=True)


def same(got, want, name):
    ok(got == want, name, "got %r\nwant %r" % (got, want))


def done():
    print("1..%d" % count)
    sys.exit(failed != 0)


def wait_for(condition, seconds=LIMIT):
    """The first true value of condition(), or its last false one when the time is over."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        select.select([], [], [], 0.01)


def end_at_exit(process):
    """A test that fails in the middle leaves nothing running."""
    atexit.register(lambda: process.poll() is None and process.kill())


class Server:
    """A tcpserver on a port of its own; log() is what it wrote so far."""

    def __init__(self, options, prog, ip="127.0.0.1", env=None, **kw):
        self.log_file = tempfile.TemporaryFile()
        self.ip = ip
        self.process = subprocess.Popen(
            [PROGRAM, "-1"] + options + [ip, "0"] + prog, stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL, stderr=self.log_file, env=env, **kw)
        end_at_exit(self.process)
        self.port = int(self.process.stdout.readline() or 0)

    def log(self):
        self.log_file.seek(0)
        return self.log_file.read().decode()

    def logged(self, text, seconds=LIMIT):
        return wait_for(lambda: text in self.log(), seconds)

    def connect(self):
        s = socket.create_connection((self.ip, self.port), timeout=LIMIT)
        return s

    def talk(self):
        """Everything that a connection gives until its end."""
        with self.connect() as s:
            return read_all(s)

    def stop(self, sig=15):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.process.wait(timeout=LIMIT)


def read_all(s):
    data = b""
    while True:
        try:
            part = s.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part
