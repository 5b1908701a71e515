"""Mail to other servers: taken into the spool, sent from it, and what a dead destination does to the rest."""
import os
import re
import shutil
import smtplib
import socket
import socketserver
import statistics
import subprocess
import sys
import threading
import time

import bench
import sides
from bench import Row

sys.path.append(sides.TOP + "/tests/lib")
import postfixserver  # noqa: E402
import receivers  # noqa: E402

TITLE, PEER, SIDES = "the queue", "Postfix", ["postern", "Postfix", "OpenSMTPD"]
OCTETS, CLIENTS, CONNECTIONS = 5000, 16, 20
AT_ONCE = 5000  # messages that are handed in: smtp-source spreads them unevenly, and a connection carries 1,000 at most (smtp-recv/limits.h)
LIVE, PACE = 100, 0.02  # destinations; seconds between two messages to them
SPOOL_OCTETS, LATER = 200, 3600  # of the messages that only wait, and for how many seconds
HEADER = "X-Sent: "
ROWS = [
    Row("accept", "accepting {few} messages over submission, 16 connections", "/s", 2, limit="deliveries, 10 at once"),
    Row("send", "sending {few} messages from the queue to a sink, 20 connections", "/s", 1.5),
    Row("live", "wait of live mail to 100 destinations beside {few} messages to a dead one", "ms", most=1000),
    Row("memory", "private memory of mda-remote for each of {n} queued messages", "octets"),
    Row("read", "reading a spool of {n}, warm", "ms"),
    Row("memory-million", "private memory of mda-remote, {many} queued", "KiB", most=250000000 / 1024),
    Row("read-million", "reading a spool of {many}, warm", "ms", most=20000),
]


def output(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip()


def peer():
    if not postfixserver.available:
        return None
    name = "Postfix " + output("postconf", "-dh", "mail_version")
    missing = OpenSmtpd.missing()
    return f"{name} and {output(OpenSmtpd.PROGRAM, '-h').splitlines()[0].removeprefix('version: ')}" if not missing else f"{name} ({missing})"


class Sink(socketserver.ThreadingTCPServer):
    """Takes mail at any address of 127.0.0.0/8, and notes how long ago it was sent (HEADER)."""
    allow_reuse_address = daemon_threads = True
    request_queue_size = 500

    class RequestHandlerClass(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 sink.test ESMTP\r\n")
            for line in self.rfile:
                verb = line[:4].upper()
                if verb == b"EHLO":
                    self.wfile.write(b"250-sink.test\r\n250 PIPELINING\r\n")
                elif verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    self.message()
                    self.wfile.write(b"250 taken\r\n")
                else:
                    self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")

        def message(self):
            for line in iter(self.rfile.readline, b".\r\n"):
                if line.startswith(HEADER.encode()):
                    sent = float(line.split()[1])
            self.server.waits.append((time.time() - sent) * 1000)

    def __init__(self):
        self.waits = []
        super().__init__(("0.0.0.0", 0), self.RequestHandlerClass)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """A client that ends is none."""


class Ports:
    """Those that both sides send to: of the counting sink, of the live ones, and of one that never says a word."""

    def __init__(self):
        self.count = sides.free_port()
        self.live = Sink()
        self.dead = socket.create_server(("127.0.0.1", 0), backlog=4096)

    def routes(self):
        """{domain: (address, port)}"""
        ways = {f"live{i}.test": (f"127.0.1.{i + 1}", self.live.server_address[1]) for i in range(LIVE)}
        return dict(ways, **{"sink.test": ("127.0.0.1", self.count), "dead.test": self.dead.getsockname()})

    def close(self):
        self.live.shutdown()
        self.live.server_close()
        self.dead.close()


class Postern(sides.Server):
    name = "postern"

    def __init__(self, top, routes):
        super().__init__(top + "/postern")
        self.hold, self.walker, self.gone = self.dir + "/submission", None, 0
        self.place = "unix:" + self.hold
        self.put("etc/me", "mx.example.test\n")
        self.put("etc/domains", "example.test:\n")
        self.put("etc/remote-connections-per-destination", f"{CONNECTIONS}\n")
        self.put("etc/routes", "".join(f"{domain}: [{ip}]:{port}\n" for domain, (ip, port) in routes.items()))
        for name in "run/tmp", "run/spool", "spool":
            os.makedirs(f"{self.dir}/{name}")
            os.chown(f"{self.dir}/{name}", *sides.owner())

    def environment(self):
        env = dict(zip(("UID", "GID"), map(str, sides.owner()))) if os.getuid() == 0 else {}
        return dict(env, POSTERN_DIR=self.dir)

    def start(self):
        env, path = self.environment(), self.dir + "/run/spool/sock"
        self.launch("s6-ipcserver", "-a", "0666", "-c", "500", "-b", "500", path, "spool-recv", **env)
        sides.wait_for(lambda: os.path.exists(path), "s6-ipcserver listens")
        self.launch("s6-ipcserver", "-a", "0666", "-c", "500", "-b", "500", self.hold, "smtp-recv", "-s", **env)
        sides.wait_for(lambda: os.path.exists(self.hold), "s6-ipcserver listens")
        self.take = self.tcpserver("smtp-recv", RELAYCLIENT="", **env)

    def release(self):
        self.stop_walking()
        self.walker = self.launch("mda-remote", **self.environment())

    def stop_walking(self):
        if self.walker:
            self.walker.terminate()
            self.walker.wait()
            self.walker.stdout.close()
            self.processes.remove(self.walker)
            self.walker = None

    def read(self):
        """Starts mda-remote: milliseconds until it knows its spool, and its private KiB."""
        with open(self.dir + "/stderr", "rb") as log:
            log.seek(0, 2)
            begin, text = time.monotonic(), b""
            self.release()
            while b" event=read " not in text:
                text += log.read()
                if self.walker.poll() is not None or time.monotonic() > begin + bench.SESSION_SECONDS:
                    raise RuntimeError("mda-remote does not read its spool")
                time.sleep(0.001)
        return (time.monotonic() - begin) * 1000, bench.private_kib(self.walker.pid)

    def empty(self):
        """What is left lies aside until the end: ext4 without a journal looks, for each new file, at all that went in the last minute."""
        self.stop_walking()
        self.gone += 1
        os.rename(self.dir + "/spool", f"{self.dir}/gone.{self.gone}")
        os.mkdir(self.dir + "/spool")
        os.chown(self.dir + "/spool", *sides.owner())


class Postfix(sides.Server):
    """Its defaults; mail that comes to its Unix socket is held, as ours is while mda-remote does not run."""
    name = "Postfix"

    def __init__(self, top, routes):
        super().__init__(top + "/postfix")
        self.put("transport", "".join(f"{domain} smtp:[{ip}]:{port}\n" for domain, (ip, port) in routes.items()))
        take = sides.free_port()
        self.server = postfixserver.Postfix(
            {"hold": {"smtpd_client_restrictions": "static:HOLD"}, ("127.0.0.1", take): {}}, below=self.dir, default_transport="smtp",
            relay_transport="smtp", transport_maps=f"texthash:{self.dir}/transport", default_destination_concurrency_limit=str(CONNECTIONS))
        self.place, self.take = f"unix:{self.server.dir}/queue/public/hold", f"127.0.0.1:{take}"

    def start(self):
        self.server.__enter__()

    def said(self):
        return self.server.log()[-1000:]

    def command(self, *argv):
        done = subprocess.run(argv, env=self.server.env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(" ".join(argv) + ": " + done.stderr)

    def release(self):
        self.command("postqueue", "-f")

    def empty(self):
        self.command("postsuper", "-d", "ALL")


class OpenSmtpd(sides.Server):
    """Its defaults, unpacked, in a mount namespace where its compiled-in directories are (tests/lib/receivers.py). It speaks SMTP at no Unix socket:
    mail comes by TCP, and waits while its mta is paused."""
    name = "OpenSMTPD"
    most = 300  # that are waited for: it sends some fifteen a second to one host, however fast that is
    PROGRAM = receivers.UNPACKED + "/usr/sbin/smtpd"

    @staticmethod
    def missing():
        why = receivers.missing()["OpenSMTPD"]
        return why and f"OpenSMTPD: {why}"

    def __init__(self, top, routes):
        super().__init__(top + "/opensmtpd")
        self.port = sides.free_port()
        self.place = f"inet:127.0.0.1:{self.port}"
        ip, port = routes["sink.test"]
        self.put("conf", f'smtp limit max-mails 1000000\nlisten on 127.0.0.1 port {self.port} hostname mx.example.test\naction "go" relay host smtp://{ip}:{port}\nmatch from any for any action "go"\n')
        self.put("passwd", receivers.USERS)
        self.put("group", receivers.GROUPS)
        os.makedirs(self.dir + "/spool")
        os.mkdir(self.dir + "/spool/smtpd", 0o711)
        # It wants the group that its package gives it.
        shutil.copy(receivers.UNPACKED + "/usr/sbin/smtpctl", self.dir)
        os.chown(self.dir + "/smtpctl", 0, int(re.search(r"opensmtpq:x:(\d+)", receivers.GROUPS)[1]))
        os.chmod(self.dir + "/smtpctl", 0o2755)

    def start(self):
        script = f"""mount --bind {self.dir}/passwd /etc/passwd && mount --bind {self.dir}/group /etc/group && mount --bind {self.dir}/spool /var/spool &&
            mount -t tmpfs none /run && mount -t tmpfs none /var/lib && mkdir -p /var/lib/opensmtpd/empty &&
            mount --bind {receivers.UNPACKED}/usr/libexec /usr/libexec && exec {self.PROGRAM} -d -f {self.dir}/conf"""
        self.main = self.launch("unshare", "-m", "--propagation", "private", "sh", "-c", script)
        sides.wait_for(lambda: sides.listens(self.port), "OpenSMTPD listens")
        self.control("pause")

    def control(self, word):
        done = subprocess.run(["nsenter", "-t", str(self.main.pid), "-m", self.dir + "/smtpctl", word, "mta"], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"smtpctl {word} mta: {done.stdout}{done.stderr}")

    def release(self):
        self.control("resume")

    def empty(self):
        self.control("pause")


class Suite:
    def __init__(self, b):
        self.bench, self.messages = b, b.options.messages
        self.few = self.messages // 10
        self.ports = Ports()
        kinds = [Postern] + [Postfix] * bool(postfixserver.available) + [OpenSmtpd] * (not OpenSmtpd.missing())
        self.sides = [kind(b.top, self.ports.routes()) for kind in kinds]
        self.steps = ([self.accept, self.send, self.live] if postfixserver.available else []) + [self.wait]

    def describe(self):
        return f"messages of {OCTETS / 1000:.0f} KB; Postfix's smtp-source and smtp-sink at both"

    def start(self):
        for side in self.sides:
            side.start()

    def setup(self):
        pass

    def close(self):
        for side in self.sides:
            if side.name == "Postfix":
                side.server.__exit__()
        sides.stop([s for s in self.sides if s.name != "Postfix"])
        self.ports.close()

    def source(self, side, domain):
        """Seconds that it takes to hand in the messages that stay in the queue: so many at a time that no connection has more than it may carry."""
        begin = time.monotonic()
        for left in range(self.few, 0, -AT_ONCE):
            some = min(left, AT_ONCE)
            done = subprocess.run(["smtp-source", "-d", "-s", str(min(CLIENTS, some)), "-m", str(some), "-l", str(OCTETS), "-f", "sender@example.test",
                                   "-t", f"u@{domain}", "-M", "client.test", side.place], capture_output=True, text=True, timeout=bench.SESSION_SECONDS)
            if done.returncode:
                raise RuntimeError(f"smtp-source: {done.stderr[-500:]}")
        return time.monotonic() - begin

    def accept(self, side):
        self.bench.note(side, "accept", self.few / self.source(side, "sink.test"))

    def send(self, side):
        """What accept has left; until the sink ends, as it does behind the last message."""
        count = min(self.few, getattr(side, "most", self.few))
        sink = subprocess.Popen(["smtp-sink", "-u", "nobody", "-M", str(count), "-m", "500", f"127.0.0.1:{self.ports.count}", "500"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sides.wait_for(lambda: sides.listens(self.ports.count), "smtp-sink listens")
        try:
            if side.name == "Postfix":
                side.command("postsuper", "-H", "ALL")
            begin = time.monotonic()
            side.release()
            sink.wait(bench.SESSION_SECONDS)
            self.bench.note(side, "send", count / (time.monotonic() - begin))
        finally:
            sink.kill()
            sink.wait()
        side.empty()

    def live(self, side):
        """The dead destination's mail is tried; then the others' comes."""
        if side.name == "OpenSMTPD":
            return  # one relay for all mail
        self.source(side, "dead.test")
        if side.name == "Postfix":
            side.command("postsuper", "-H", "ALL")
        side.release()
        time.sleep(min(2, self.few / 1000))
        waits, count = self.ports.live.waits, min(self.few, 2 * LIVE)
        waits.clear()
        with smtplib.SMTP(*side.take.split(":")) as client:
            for i in range(count):
                client.sendmail("sender@example.test", [f"u@live{i % LIVE}.test"],
                                f"{HEADER}{time.time():.6f}\r\nSubject: live\r\n\r\nlive\r\n")
                time.sleep(PACE)
        end = time.monotonic() + sides.LIMIT
        while len(waits) < count and time.monotonic() < end:
            time.sleep(0.005)
        # What has not come by then has waited longer.
        values = waits + [sides.LIMIT * 1000] * (count - len(waits))
        self.bench.note(side, "live", statistics.median(values))
        side.empty()

    def wait(self, side):
        if side.name != "postern":
            return
        todo = [("", self.messages)] + [("-million", self.messages * 10)] * self.bench.options.million
        for suffix, count in todo:
            self.waiting(side, suffix, count)

    def waiting(self, side, suffix, count):
        before = side.read()[1]
        side.stop_walking()
        env = dict(os.environ, **side.environment())
        subprocess.run([f"{sides.BUILD}/bench/spool-fill", str(count), str(SPOOL_OCTETS), str(LATER), "dead.test"], env=env, check=True)
        side.read()  # the directories are in memory now
        ms, kib = side.read()
        self.bench.note(side, "read" + suffix, ms)
        if kib and before:
            self.bench.note(side, "memory" + suffix, sum(kib) if suffix else max(1, sum(kib) - sum(before)) * 1024 / count)
        side.empty()
