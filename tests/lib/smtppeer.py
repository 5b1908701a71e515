"""A scripted SMTP or LMTP server, and an instance of mda-remote to try it on."""
import atexit, base64, glob, hashlib, hmac, os, re, shutil, signal, socket, ssl, subprocess, tempfile, threading, time

import confined
from instance import LIMIT, ROOT, wait_for

BIN = os.path.join(ROOT, os.environ.get("BUILD", "build"), "bin")
ALL = ["PIPELINING", "SIZE 10000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"]
DROP, STALL, DEAF = "drop", "stall", "deaf"  # actions beside replies: close, read but say nothing, read nothing


def place(name):
    """The hashed directory of a spool file's name, as mda-remote/spool.c has it (FNV-1a)."""
    h = 2166136261
    for c in name.encode():
        h = (h ^ c) * 16777619 & 0xffffffff
    return f"{(h ^ h >> 16) % 16:x}"


class Message:
    def __init__(self, mail, session):
        self.mail, self.session, self.rcpts, self.data = mail, session, [], None


class Peer:
    """script: stage -> action, or a list of them that is used up (then the usual reply), or a function of the
    command line. Stages: greeting EHLO HELO LHLO STARTTLS AUTH MAIL RCPT DATA middle dot RSET QUIT. An
    action is a reply without its line end, bytes that are sent as they are, DROP or STALL, a tuple of these, or
    Endless(bytes)."""

    def __init__(self, ip="127.0.0.1", port=0, script=None, ext=ALL, tls=None, lmtp=False, path=None, wrap=False, password=None):
        self.script, self.ext, self.tls, self.lmtp, self.wrap = dict(script or {}), list(ext), tls, lmtp, wrap
        self.password = password  # of AUTH SCRAM-SHA-256, for any login
        self.messages, self.sessions, self.clients, self.stalled, self.reused = [], [], [], threading.Event(), []
        self.closing, self.open = threading.Event(), set()
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o777)
        else:
            self.listener = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((ip, port))
            self.port = self.listener.getsockname()[1]
        self.listener.listen(128)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connection, client = self.listener.accept()
            except OSError:
                return
            self.clients.append(client[0] if client else "")
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        self.closing.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    __enter__ = lambda self: self

    def __exit__(self, *_):
        self.close()

    def action(self, stage, line, usual):
        a = self.script.get(stage, usual)
        if isinstance(a, list):
            a = a.pop(0) if a else usual
        if callable(a):
            a = a(line)
        return usual if a is None else a

    def replied(self, stage):
        """The reply of this stage has been sent."""

    def wait_closed(self):
        """Until no client is there: what comes next comes over a new connection."""
        wait_for(lambda: not self.open, "the end of the connections")

    def serve(self, connection):
        session = []
        self.sessions.append(session)
        self.open.add(connection)
        try:
            Session(self, connection, session).run()
        except (OSError, ssl.SSLError, ConnectionError, ValueError):
            pass
        finally:
            try:
                connection.shutdown(socket.SHUT_RDWR)  # its file still holds it open
            except OSError:
                pass
            connection.close()
            self.open.discard(connection)


class Endless:
    """An action: this text, for as long as anybody reads; a piece each `pause` seconds, or as fast as it goes."""

    def __init__(self, text, pause=0):
        self.text, self.pause = text, pause


class Gone(ConnectionError):
    pass


class Session:
    def __init__(self, peer, connection, log):
        self.peer, self.c, self.log = peer, connection, log
        self.file = connection.makefile("rb")
        self.message, self.tls = None, False

    def act(self, stage, line, usual):
        a = self.peer.action(stage, line, usual)
        for a in a if isinstance(a, tuple) else [a]:
            if isinstance(a, Endless):
                while not self.peer.closing.wait(a.pause):
                    self.c.sendall(a.text * (1 if a.pause else 200))
                raise Gone
            if a in (DROP, STALL, DEAF):
                {DROP: self.drop, STALL: self.stall, DEAF: self.deaf}[a]()
            self.c.sendall(a if isinstance(a, bytes) else a.encode() + b"\r\n")
        self.peer.replied(stage)
        return a if isinstance(a, str) else a.decode("latin1")

    def encrypt(self):
        self.c = self.peer.tls.wrap_socket(self.c, server_side=True)
        self.file = self.c.makefile("rb")
        self.tls = self.c.version()
        self.peer.reused.append(self.c.session_reused)

    def drop(self):
        self.c.shutdown(socket.SHUT_RDWR)
        self.file.close()  # holds the connection open
        self.c.close()
        raise Gone

    def stall(self):
        self.peer.stalled.set()
        while self.c.recv(4096):
            pass
        raise Gone

    def deaf(self):
        self.peer.closing.wait(600)
        raise Gone

    def run(self):
        if self.peer.wrap:
            self.encrypt()
        self.act("greeting", "", "220 peer.test ESMTP")
        while True:
            line = self.file.readline()
            if not line:
                return
            line = line.decode("utf-8", "replace").rstrip("\r\n")
            self.log.append(line)
            verb = line.split(" ")[0].upper()
            handler = getattr(self, "do_" + verb, None)
            if handler:
                if handler(line):
                    return
            else:
                self.act(verb, line, "250 2.0.0 ok")

    def do_EHLO(self, line):
        ext = [e for e in self.peer.ext if not (self.tls and e == "STARTTLS")]
        words = ["peer.test"] + ext
        usual = "\r\n".join("250" + ("-" if i < len(words) - 1 else " ") + w for i, w in enumerate(words))
        self.act(line[:4].upper(), line, usual)

    do_LHLO = do_EHLO

    def do_STARTTLS(self, line):
        a = self.act("STARTTLS", line, "220 2.0.0 go")
        if a.startswith("220"):
            self.encrypt()

    def ask(self, text):
        """A challenge and its answer, decoded (RFC 4954 4)."""
        self.c.sendall(b"334 " + base64.b64encode(text.encode()) + b"\r\n")
        answer = self.file.readline().decode().rstrip("\r\n")
        self.log.append(answer)
        return base64.b64decode(answer).decode()

    def scram(self, first, iterations=4096):
        """RFC 5802 with SHA-256: what the client's proof is worth, and the signature that it waits for."""
        assert first.startswith("n,,n="), first
        bare, nonce, salt = first[3:], first.split(",r=")[1] + "%theirs", b"salt of the peer"
        server = f"r={nonce},s={base64.b64encode(salt).decode()},i={iterations}"
        final, proof = self.ask(server).rsplit(",p=", 1)
        mac = lambda key, text: hmac.new(key, text.encode(), "sha256").digest()
        salted = hashlib.pbkdf2_hmac("sha256", self.peer.password.encode(), salt, iterations)
        message = f"{bare},{server},{final}"
        client = bytes(a ^ b for a, b in zip(base64.b64decode(proof), mac(hashlib.sha256(mac(salted, "Client Key")).digest(), message)))
        good = client == mac(salted, "Client Key") and final == f"c=biws,r={nonce}"
        return good, "v=" + base64.b64encode(mac(mac(salted, "Server Key"), message)).decode()

    def do_AUTH(self, line):
        words = line.split(" ")
        if words[1].upper() == "SCRAM-SHA-256" and self.peer.password is not None and "AUTH" not in self.peer.script:
            good, signature = self.scram(base64.b64decode(words[2]).decode())
            if not good:
                self.c.sendall(b"535 5.7.8 no\r\n")
                return
            self.ask(self.peer.action("signature", line, signature))
        if line.upper() == "AUTH LOGIN":
            for prompt in b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6":
                self.c.sendall(b"334 " + prompt + b"\r\n")
                self.log.append(self.file.readline().decode().rstrip())
        self.act("AUTH", line, "235 2.7.0 ok")

    def do_MAIL(self, line):
        if self.act("MAIL", line, "250 2.1.0 ok").startswith("2"):
            self.message = Message(line, self)

    def do_RCPT(self, line):
        if self.message is None:
            self.c.sendall(b"503 5.5.1 MAIL first\r\n")
        elif self.act("RCPT", line, "250 2.1.5 ok").startswith("2"):
            self.message.rcpts.append(line)

    def do_DATA(self, line):
        if self.message is None or not self.message.rcpts and "DATA" not in self.peer.script:
            self.c.sendall(b"554 5.5.1 no valid recipients\r\n")
            return
        if not self.act("DATA", line, "354 go").startswith("354"):
            return
        data = bytearray()
        middle = self.peer.action("middle", line, "")
        while True:
            part = self.file.readline()
            if not part:
                raise Gone
            if middle:
                self.act("middle", line, middle)
            if part == b".\r\n":
                break
            data += part[1:] if part.startswith(b".") else part
        self.message.data, self.message.tls = bytes(data), self.tls
        self.peer.messages.append(self.message)
        for rcpt in self.message.rcpts if self.peer.lmtp else [""]:
            self.act("dot", rcpt, "250 2.0.0 taken")
        self.message = None

    def do_BDAT(self, line):
        words = line.split(" ")
        middle = self.peer.action("middle", line, "")
        if middle:
            self.file.read(1000)
            self.act("middle", line, middle)
        data = self.file.read(int(words[1]))
        if len(data) < int(words[1]):
            raise Gone
        if self.message is None or not self.message.rcpts:
            self.c.sendall(b"503 5.5.1 no valid recipients\r\n")
            return
        self.message.data, self.message.tls = (self.message.data or b"") + data, self.tls
        if words[2:] != ["LAST"]:
            self.act("BDAT", line, "250 2.0.0 more")
            return
        self.peer.messages.append(self.message)
        for rcpt in self.message.rcpts if self.peer.lmtp else [""]:
            self.act("dot", rcpt, "250 2.0.0 taken")
        self.message = None

    def do_RSET(self, line):
        self.message = None
        self.act("RSET", line, "250 2.0.0 ok")

    def do_QUIT(self, line):
        self.act("QUIT", line, "221 2.0.0 bye")
        if self.tls:
            self.c.unwrap()
        return True


FAST = {"me": "mx.home.test", "retry-min": "50ms", "retry-max": "100ms", "host-retry-min": "50ms", "host-retry-max": "100ms",
        "remote-timeout": "60"}  # what waits for it to pass sets it


class Remote:
    """An instance directory with a spool; mda-remote runs on it between start() and stop()."""

    def __init__(self, settings=None, domains="", routes=""):
        self.dir = tempfile.mkdtemp(prefix="postern-remote.")
        for d in "etc", "etc/auth", "spool", "run", "run/lmtp":
            os.makedirs(f"{self.dir}/{d}")
        for name, value in {**FAST, **(settings or {})}.items():
            self.set(name, value)
        self.set("domains", domains)
        self.set("routes", routes)
        if os.getuid() == 0:  # the programs become the spool's owner
            for d in "", "/spool":
                os.chown(self.dir + d, 65534, 65534)
        self.env = {"PATH": BIN + ":" + os.environ["PATH"], "POSTERN_DIR": self.dir, "ASAN_OPTIONS": "detect_leaks=0", **confined.STRICT}
        # A file: what is written before anything else that a test sees is there to be read, too.
        self.stderr, self.read_lines, self.rest = tempfile.TemporaryFile(buffering=0), [], b""
        self.process, self.at, self.lock = None, 0, threading.Lock()
        atexit.register(self.__exit__)  # a test that dies leaves nobody behind who holds its output open

    def set(self, name, value):
        with open(f"{self.dir}/etc/{name}.new", "w") as f:
            f.write(str(value) + "\n")
        os.rename(f"{self.dir}/etc/{name}.new", f"{self.dir}/etc/{name}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.stop()
        self.lines  # stay to be looked at
        self.stderr.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    @property
    def lines(self):
        """All that has been logged, as a list that the caller may change."""
        with self.lock:
            while not self.stderr.closed and (text := os.pread(self.stderr.fileno(), 1 << 20, self.at)):
                self.at += len(text)
                *whole, self.rest = (self.rest + text).split(b"\n")
                for line in whole:
                    self.take(line.decode(errors="replace"))
        return self.read_lines

    def take(self, line):
        self.read_lines.append(line)

    def start(self, wait=True, under=()):
        n = len(self.lines)
        self.process = subprocess.Popen([*under, "mda-remote"], env=self.env, stdout=subprocess.DEVNULL, stderr=self.stderr, cwd="/", start_new_session=True)
        if wait:
            wait_for(lambda: any("event=start" in l for l in self.lines[n:]) or self.process.poll() is not None, "start")
        return self

    def children(self, name):
        """Processes of a program that run for this walker: it has them started by the one it runs errands by."""
        def below(pid, program):
            return [int(p) for p in subprocess.run(["pgrep", "-P", str(pid), "-x", program[:15]], capture_output=True, text=True).stdout.split()]
        errands = below(self.process.pid, "mda-remote-e")
        return errands if name == "mda-remote-e" else [p for e in errands for p in below(e, name)]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=120)
        self.process = None
        return code

    def log(self, *words):
        """Log lines that hold every one of these words."""
        return [l for l in list(self.lines) if all(w in l for w in words)]

    def wait(self, *words, count=1):
        try:
            return wait_for(lambda: len(found := self.log(*words)) >= count and found, f"{count} log line(s) with {words}")
        except TimeoutError as e:
            raise TimeoutError(f"{e}; {len(self.log(*words))} have; log:\n" + "\n".join(self.lines[-30:])) from None

    def lmtp(self, dialog):
        """Speaks to spool-recv; its replies."""
        p = subprocess.run(["spool-recv"], input=dialog, env=self.env, capture_output=True, cwd="/", timeout=120)
        self.spool_log = p.stderr.decode()
        return p.stdout.decode("utf-8", "replace")

    def queue(self, rcpts, sender="sender@home.test", body="Subject: test\n\nhello\n", mail="", rcpt="", id=None, login=None):
        """Puts a message into the spool: its id. rcpts: addresses, or (address, parameters)."""
        if isinstance(rcpts, str):
            rcpts = [rcpts]
        if isinstance(body, str):
            body = body.encode()
        head = "LHLO test\r\n" + (f"XFORWARD IDENT={id}\r\n" if id else "") + (f"XFORWARD LOGIN={login}\r\n" if login else "") + f"MAIL FROM:<{sender}> {mail}\r\n"
        for r in rcpts:
            address, parameters = (r, rcpt) if isinstance(r, str) else r
            head += f"RCPT TO:<{address}> {parameters}\r\n"
        text = re.sub(rb"^\.", b"..", body.replace(b"\n", b"\r\n"), flags=re.M)
        out = self.lmtp(head.encode() + b"DATA\r\n" + text + b".\r\nQUIT\r\n")
        queued = re.findall(r"^250 2.0.0 Queued as (\S+)", out, re.M)
        assert len(queued) == len(rcpts), out + self.spool_log
        return queued[0]

    def put(self, name, text):
        """A file into the spool as spool-recv does it, whole at once, but without waking anybody: its path."""
        owner, tmp = os.stat(f"{self.dir}/spool"), f"{self.dir}/spool/tmp/{name}"
        with open(tmp, "wb") as f:
            f.write(text)
        os.chmod(tmp, 0o600)
        os.chown(tmp, owner.st_uid, owner.st_gid)
        path = f"{self.dir}/spool/{place(name)}/{name}"
        os.rename(tmp, path)
        return path

    def files(self):
        """Queued messages, by name."""
        found = {}
        for h in "0123456789abcdef":
            d = f"{self.dir}/spool/{h}"
            for name in os.listdir(d) if os.path.isdir(d) else []:
                if ":" not in name and name[0] != ".":
                    found[name] = f"{d}/{name}"
        return found

    def unnamed(self):
        """Files that are being written, or whose writer died."""
        return glob.glob(f"{self.dir}/spool/[0-9a-f]/.*") + glob.glob(f"{self.dir}/spool/tmp/*")

    def wait_empty(self, limit=LIMIT):
        try:
            # Twice: behind the look at its directory a notification may come, and its message go before that of its own.
            wait_for(lambda: not self.files() and not self.files(), "an empty spool", limit)
        except TimeoutError as e:
            raise TimeoutError(f"{e}: {self.files()}\n" + "\n".join(self.lines[-60:])) from None

    def states(self, name):
        """address -> its state byte."""
        with open(self.files()[name], "rb") as f:
            text = f.read().split(b"\n\n")[0].decode()
        return {l.split(" ")[-1]: l[2] for l in text.split("\n") if l.startswith("r ")}


def certificate(directory, name, days=30):
    """A self-signed certificate: (cert, key) files."""
    cert, key = f"{directory}/{name}.pem", f"{directory}/{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                    "-out", cert, "-days", str(days), "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
                   check=True, capture_output=True)
    os.chmod(cert, 0o644)
    return cert, key


class BrokenTls:
    """In place of an SSL context: answers the ClientHello with this."""

    def __init__(self, answer):
        self.answer = answer

    def wrap_socket(self, connection, server_side):
        connection.recv(4096)
        if self.answer == STALL:
            while connection.recv(4096):
                pass
        else:
            connection.sendall(self.answer)
        raise Gone


def server_tls(cert, key):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(cert, key)
    return c
