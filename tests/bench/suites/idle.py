"""Many IMAP sessions that idle: what each holds, and how soon it hears of new mail."""
import concurrent.futures
import os
import random
import resource
import smtplib
import socket
import ssl
import time
import zlib

import bench
import login
import sides
from bench import Row

TITLE = "idle IMAP sessions"
DOMAIN, MOST, MESSAGES, AT_ONCE = "inbox.test", 2000, 10, 16
PUSHES, PUSH_SECONDS = 50, 30  # so many, unless so many seconds are over before
DESCRIPTORS = 8192
REST, STEADY = 1, 0.01  # seconds until sessions rest; the change of the sum that is none
ROWS = [
    Row("memory", "private memory of all processes of a session", "KiB", most=150),
    Row("compress", "what COMPRESS adds to that", "KiB", most=200),
    Row("tls", "the same over TLS, engine included", "KiB", 3),
    Row("push", "from the end of DATA to * n EXISTS", "ms", most=10),
    Row("push-tls", "from the end of DATA to * n EXISTS, over TLS", "ms", most=10),
]
DOVECOT = """default_client_limit = {many}0
service imap {{
  process_limit = {many}
}}
service imap-login {{
  process_limit = {many}
}}
protocol imap {{
  mail_plugins = imap_zlib
}}
mail_max_userip_connections = {many}
"""


class Postern(login.Postern):
    users = sides.Side.users
    connections = MOST + 100

    @staticmethod
    def of_session(pid):
        # mda-local's processes serve all, and some stay.
        return not sides.command_name(pid).startswith("mda-local")


class Dovecot(login.Dovecot):
    users = sides.Side.users

    @staticmethod
    def of_session(pid):
        return sides.command_name(pid) in ("imap", "imap-login")

    def prepare(self):
        super().prepare()
        with open(self.dir + "/conf", "a") as f:
            f.write(DOVECOT.format(many=MOST + 100))


class Client:
    """A session that has selected INBOX and idles."""

    def __init__(self, place, name, tls=False, compress=False):
        host, port = place.split(":")
        self.socket, self.data, self.inflate, self.deflate = socket.create_connection((host, int(port)), sides.LIMIT), b"", None, None
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl._create_unverified_context()
            self.socket = context.wrap_socket(self.socket)
        self.until(b"* OK")
        self.say(f"LOGIN {name} x")
        if compress:
            self.say("COMPRESS DEFLATE")
            self.inflate, self.deflate = zlib.decompressobj(-15), zlib.compressobj(6, zlib.DEFLATED, -15)
        self.say("SELECT INBOX")
        self.say("IDLE", b"+ ")

    def say(self, command, answer=b"t OK"):
        data = b"t %s\r\n" % command.encode()
        if self.deflate:
            data = self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(data)
        self.until(answer)

    def until(self, *words):
        """A line that begins with the one and ends with the other."""
        while True:
            while b"\r\n" in self.data:
                line, self.data = self.data.split(b"\r\n", 1)
                if line.startswith(words[0]) and line.endswith(words[1:] or (b"",)):
                    return
                if line.startswith((b"t NO", b"t BAD", b"* BYE")):
                    raise EOFError(repr(line))
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(f"no {words!r}")
            self.data += self.inflate.decompress(data) if self.inflate else data


class Suite(bench.MailSuite):
    def __init__(self, b):
        self.bench, self.messages = b, b.options.messages
        self.many = max(2, min(MOST, self.messages // 50))
        self.accounts = {DOMAIN: self.many}
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS if hard < 0 else min(hard, DESCRIPTORS), hard))
        self.pool = bench.mail.Pool(b.top + "/pool", MESSAGES, sides.owner())
        kinds = [Postern] + [Dovecot] * (not sides.Dovecot.missing())
        self.sides = [kind(b.top, self.accounts) for kind in kinds]
        self.steps = [self.plain, self.compressed, self.tls]

    def describe(self):
        return f"{self.many:,} sessions, of as many accounts with {MESSAGES} messages each; the kernel's default limits"

    def setup(self):
        """Pages of one file are shared by those who map it: here as many files as sessions."""
        for side in self.sides:
            for i in range(self.many):
                self.pool.fill(side.maildir(DOMAIN, i), MESSAGES)

    def sessions(self, side, place, **how):
        def one(i):
            return Client(place, f"u{i}@{DOMAIN}", **how)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, range(self.many)))

    def memory(self, side, before):
        """KiB of all that came since, each by session, when they rest."""
        processes = [p for p in side.pids() if p not in before and side.of_session(p)]
        time.sleep(REST)
        end, last = time.monotonic() + sides.LIMIT, None
        while True:
            found = [bench.private_kib(p) for p in processes]
            if None in found:
                return None
            now = sum(map(sum, found))
            if last is not None and abs(now - last) <= last * STEADY or time.monotonic() > end:
                return now / self.many
            last = now
            time.sleep(REST)

    def with_sessions(self, side, place, key, push=None, **how):
        before, clients = set(side.pids()), []
        try:
            clients = self.sessions(side, place, **how)
            kib = self.memory(side, before)
            if kib is not None and key != "compress":
                self.bench.note(side, key, kib)
            if push:
                self.bench.note(side, push, *self.push(side, clients))
        finally:
            for client in clients:
                client.socket.close()
        sides.wait_for(lambda: not [p for p in side.pids() if p not in before and side.of_session(p)], "sessions end")
        return kib

    def push(self, side, clients):
        """Milliseconds of deliveries to some of them, one after the other."""
        chosen = random.Random(1).sample(range(self.many), min(PUSHES, self.many))
        with smtplib.LMTP(side.lmtp, local_hostname="load") as lmtp:
            lmtp.ehlo_or_helo_if_needed()
            end, found = time.monotonic() + PUSH_SECONDS, []
            while chosen and time.monotonic() < end:
                i = chosen.pop()
                found.append(self.deliver(lmtp, i, clients[i]))
            return found

    @staticmethod
    def deliver(lmtp, i, client):
        lmtp.docmd("MAIL", "FROM:<>")
        if lmtp.docmd("RCPT", f"TO:<u{i}@{DOMAIN}>")[0] != 250 or lmtp.docmd("DATA")[0] != 354:
            raise RuntimeError("LMTP refused")
        start = time.monotonic()
        lmtp.send("Subject: push\r\n\r\nnew\r\n.\r\n")
        client.until(b"* ", b" EXISTS")
        ms = (time.monotonic() - start) * 1000
        if lmtp.getreply()[0] != 250:
            raise RuntimeError("not delivered")
        return ms

    def plain(self, side):
        self.alone = getattr(self, "alone", {})
        self.alone[side.name] = self.with_sessions(side, side.imap, "memory", "push")

    def compressed(self, side):
        kib = self.with_sessions(side, side.imap, "compress", compress=True)
        if kib is not None:
            self.bench.note(side, "compress", max(0, kib - self.alone[side.name]))

    def tls(self, side):
        self.with_sessions(side, side.tls, "tls", "push-tls", tls=True)
