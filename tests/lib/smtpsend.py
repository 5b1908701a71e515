"""smtp-send alone, in the place of mda-remote at the other end of its socket: many at a time."""
import os, socket, subprocess, tempfile, threading

import confined
from instance import ROOT

SENDER = "sender@home.test"


def spool_file(text, rcpts, utf8=False):
    """A spool file (doc/spool.md), and where its recipients' states are."""
    text = text if isinstance(text, bytes) else text.encode()
    wire = len(text) + text.count(b"\n")
    eight = 7 if text.isascii() else 8
    head = f"postern-spool 1\nl {len(text):020}\ns {wire:020}\nc {eight}\ni 1.case\na 1795297324\nx 9999999999\nf {SENDER}\nb {int(eight == 8)}\n"
    head = head.encode() + (b"u\n" if utf8 else b"")
    at = []
    for r in rcpts:
        at.append(len(head) + 2)
        head += f"r w- 0 - {r}\n".encode()
    return head + b"\n" + text, at


class Result:
    """verdict: address -> (verdict letter, code, status, host, ip, text); states: address -> state byte; ends: what was said
    behind each message ("e", "q", "b" or nothing); failed: the reason why there was no connection."""

    def __init__(self):
        self.verdict, self.states, self.ends, self.failed, self.connected, self.log, self.tls, self.sessions = {}, {}, [], None, None, "", [], []

    def __repr__(self):
        return f"verdict {self.verdict} states {self.states} ends {self.ends} failed {self.failed} connected {self.connected} log {self.log[-600:]}"


def parse_attempt(line):
    verdict, code, status, host, ip, text = line.split(" ", 5)
    return verdict, int(code), status, host, ip, text


def send(hosts, messages, tls="n", lines=(), lmtp=False, settings=None, limit=120, before=()):
    """hosts: (name, ip, port, rank); messages: (text, recipients), and "utf8" for SMTPUTF8. before: a program that starts it.
    Everything that smtp-send says of it."""
    result = Result()
    with tempfile.TemporaryDirectory(prefix="postern-send.") as d:
        os.makedirs(f"{d}/etc/auth")
        for name, value in {"me": "mx.home.test", "remote-timeout": "60", **(settings or {})}.items():
            with open(f"{d}/etc/{name}", "w") as f:
                f.write(str(value) + "\n")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = {"PATH": os.environ["PATH"], "POSTERN_DIR": d, "ASAN_OPTIONS": "detect_leaks=0", **confined.STRICT}
        with open(f"{d}/log", "wb") as log:
            process = subprocess.Popen([*before, "smtp-send"], stdin=theirs, stderr=log, env=env, cwd="/", close_fds=True)
        theirs.close()
        ours.settimeout(limit)
        packet = [f"h {n} {ip} {port} {rank}" for n, ip, port, rank in hosts] + [f"k {'l' if lmtp else 's'}", f"t {tls}", *lines]
        files = []
        try:
            ours.send("\n".join(packet).encode())
            for i, (text, rcpts, *utf8) in enumerate(messages):
                data, at = spool_file(text, rcpts, bool(utf8))
                with open(f"{d}/{i}", "wb") as f:
                    f.write(data)
                files.append((f"{d}/{i}", dict(zip(at, rcpts))))
                fd = os.open(f"{d}/{i}", os.O_RDWR)
                try:
                    socket.send_fds(ours, [("1.case " + " ".join(map(str, at))).encode()], [fd])
                except OSError:
                    pass
                os.close(fd)
                if not listen(ours, result, files[i][1]):
                    break
            ours.shutdown(socket.SHUT_WR)
            while listen(ours, result, {}):
                pass
        finally:
            ours.close()
            process.wait(timeout=limit)
            result.code = process.returncode
        for name, where in files:
            with open(name, "rb") as f:
                data = f.read()
            result.states.update({r: chr(data[at]) for at, r in where.items()})
        with open(f"{d}/log") as f:
            result.log = f.read()
    return result


def listen(sock, result, where):
    """Until it has done with a message: 1 if it takes another one."""
    while True:
        try:
            packet = sock.recv(200000).decode("utf-8", "replace")
        except ConnectionResetError:
            continue
        if not packet:
            return False
        letter, rest = packet[0], packet[2:]
        if letter == "r":
            at, attempt = rest.split(" ", 1)
            result.verdict.setdefault(where.get(int(at), at), []).append(parse_attempt(attempt))
        elif letter == "x":
            result.failed = parse_attempt(rest)
        elif letter == "c":
            result.connected = rest
        elif letter == "s":
            result.sessions.append(rest)
        elif letter == "T":
            result.tls.append(rest)
        else:
            result.ends.append(letter)
            return letter == "e"


def parallel(work, count):
    """Calls each function of the list, `count` at a time; their results in order."""
    results, todo, lock = [None] * len(work), iter(range(len(work))), threading.Lock()

    def run():
        while True:
            with lock:
                i = next(todo, None)
            if i is None:
                return
            try:
                results[i] = work[i]()
            except Exception as e:  # is told where the result is looked at
                results[i] = e
    threads = [threading.Thread(target=run) for _ in range(min(count, len(work)))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results
