#!/usr/bin/env python3
"""Policy hosts (RFC 8461 3.3) that say nothing, or so little at a time that it never ends: mda-remote-sts gives each fetch up when its time is
over, and answers the others meanwhile."""
import os, socket, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ports
from instance import tap
from policyhost import many_names, policy
from smtppeer import server_tls

SECONDS, LIMIT = 5, 120
POLICY = policy().encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def drip(c, begin, rest, every=0.05):
    """The beginning at once, the rest a byte at a time for as long as anybody listens."""
    c.sendall(begin)
    while True:
        for i in range(len(rest)):
            c.sendall(rest[i:i + 1])
            time.sleep(every)


# name: (TLS, what the host does once it was asked, whether there is a policy)
HOSTS = {
    "says nothing": (False, None, False),
    "drips its part of the handshake": (False, lambda c: drip(c, b"\x16\x03\x03\x3f\xff", b"\x02"), False),
    "says nothing behind the handshake": (True, lambda c: c.recv(1), False),
    "drips the status line": (True, lambda c: drip(c, b"HTTP/1.1 200 O", b"K"), False),
    "drips header lines": (True, lambda c: drip(c, HEAD, b"X: y\r\n"), False),
    "says 100 Continue for ever": (True, lambda c: drip(c, b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001), False),
    "stalls within the policy": (True, lambda c: (c.sendall(HEAD + b"Content-Length: 100\r\n\r\n" + POLICY[:9]), c.recv(1)), False),
    "drips the policy": (True, lambda c: drip(c, HEAD + b"Content-Length: 60000\r\n\r\n", POLICY), False),
    "drips chunks": (True, lambda c: drip(c, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), False),
    "has a policy": (True, lambda c: c.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(POLICY) + POLICY), True),
}


class Host:
    def __init__(self, address, port, tls, does):
        self.tls, self.does, self.address = tls, does, address
        self.listener = socket.create_server((address, port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        c, _ = self.listener.accept()
        try:
            c.settimeout(LIMIT)
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
                c.recv(4096)
            if self.does:
                self.does(c)
            while c.recv(4096):
                pass
        except OSError:
            pass


with tempfile.TemporaryDirectory() as d:
    cert, key = many_names(d, "web", ["mta-sts.p.test"])
    os.mkdir(f"{d}/etc")
    port = ports.free_port("127.0.12.1")
    for name, value in {"tls-ca": cert, "remote-timeout": SECONDS, "mta-sts-port": port}.items():
        with open(f"{d}/etc/{name}", "w") as f:
            f.write(f"{value}\n")
    hosts = [Host(f"127.0.12.{i}", port, server_tls(cert, key) if tls else None, does) for i, (tls, does, _) in enumerate(HOSTS.values(), 1)]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(LIMIT)
    env = {"PATH": os.environ["PATH"], "POSTERN_DIR": d, "ASAN_OPTIONS": "detect_leaks=0"}
    process = subprocess.Popen(["mda-remote-sts"], stdin=theirs, env=env, cwd="/")
    theirs.close()
    began, answers = time.monotonic(), {}
    for i, h in enumerate(hosts):
        ours.send(b"%d %d p.test %s" % (i, port, h.address.encode()))
    while len(answers) < len(hosts):
        try:
            number, rest = ours.recv(200000).decode().split(" ", 1)
        except (ValueError, OSError):
            break
        answers[int(number)] = rest, time.monotonic() - began
    for i, (name, (_, _, good)) in enumerate(HOSTS.items()):
        rest, after = answers.get(i, ("no answer", 0))
        if good:
            tap.ok(rest == "ok\n" + POLICY.decode(), f"a host {name}: fetched while the others are waited for", rest, after)
        else:
            tap.ok(rest.startswith("sts-policy-fetch-error ") and "timed out" in rest and after >= SECONDS - 0.1, f"a host {name}: given up", rest, after)
    ours.close()
    tap.ok(process.wait(LIMIT) == 0, "it ends with mda-remote")
tap.done()
