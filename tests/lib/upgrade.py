"""An instance whose programs and certificates are replaced while clients use it.

    load = Load(one); load.start(); replace_programs(one); replace_certificate(one, "name"); load.stop(); load.failures"""
import os, shutil, ssl, subprocess, threading, time

from wire import SECRET, UNSAFE, Imap, Lost, Pop, Refused, Smtp, Wire

def add_accounts(one, names):
    """With passwords that cost nothing to check."""
    path = one.dir + "/etc/users"
    owner = os.stat(path)
    with open(path, "w") as f:
        f.write("".join(f"{n}@{one.domain}:{{PLAIN}}{SECRET}::::mail/{one.domain}/{n}::\n" for n in names))
    subprocess.run(["build/bin/postern-tables", "users"], env=dict(os.environ, POSTERN_DIR=one.dir), check=True)
    for name in (path, path + ".cdb"):
        os.chown(name, owner.st_uid, owner.st_gid)
    for name in names:
        home = f"{one.dir}/mail/{one.domain}/{name}"
        os.makedirs(home, exist_ok=True)
        os.chown(home, owner.st_uid, owner.st_gid)


def programs(one):
    return sorted(os.listdir(one.dir + "/bin"))


def replace_files(one):
    """Each by another file of its name, one after the other, as scripts/install does."""
    for name in programs(one):
        path = f"{one.dir}/bin/{name}"
        shutil.copy2(path, path + ".new")
        os.rename(path + ".new", path)


def tell(one):
    """What postern-services -u says to the services; nothing of it is the instance's, so that no killer takes it for that."""
    for name in os.listdir(one.dir + "/run/service"):
        how = "-r" if name == "mda-remote" else "-1" if "@" in name or name in ("lmtp", "tls") else None
        if how and not name.startswith("."):
            subprocess.run(["s6-svc", how, f"{one.dir}/run/service/{name}"], check=True)


def replace_programs(one):
    """With postern-services telling what runs."""
    replace_files(one)
    # The services' programs are found where postern-tables is.
    done = subprocess.run(["scripts/postern-services", "-u", "-i", one.dir], capture_output=True, text=True,
                          env=dict(one.env, POSTERN_DIR=one.dir, PATH=one.dir + "/bin:" + one.env["PATH"]))
    if done.returncode:
        raise RuntimeError("postern-services -u: " + done.stderr)


def is_new(one, pid, program):
    """Does the process execute the file that has the program's name now?"""
    try:
        return os.stat(f"/proc/{pid}/exe").st_ino == os.stat(f"{one.dir}/bin/{program}").st_ino
    except OSError:
        return False


def replace_certificate(one, name):
    """Key and certificate, each by a rename, as an ACME client does. The new certificate in DER."""
    tls = one.dir + "/etc/tls"
    owner = os.stat(tls + "/key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=DNS:" + name, "-keyout", tls + "/key.new", "-out", tls + "/cert.new"], check=True, capture_output=True)
    for which in "key", "cert":
        os.chown(f"{tls}/{which}.new", owner.st_uid, owner.st_gid)
        os.rename(f"{tls}/{which}.new", f"{tls}/{which}.pem")
    with open(tls + "/cert.pem") as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


def certificate(one, service="imaps"):
    """What a new connection is shown."""
    w = Wire(one.port(service), True)
    try:
        return w.socket.getpeercert(True)
    finally:
        w.close()


def deliver(s, one, load, token):
    to = f"bob@{one.domain}"
    s.must(f"MAIL FROM:<alice@{one.domain}>", 250)
    s.must(f"RCPT TO:<{to}>", 250)
    s.must("DATA", 354)
    s.send(f"Subject: {token}\r\nX-Token: {token}\r\n\r\n{token}\r\n".encode())
    s.must(".", 250)
    load.acked.append(token)


def stranger(one, load, token):
    s = Smtp(one, "smtp", load.turn % 2 == 1)
    deliver(s, one, load, token)
    s.must("QUIT", 221)
    s.close()


def submitter(one, load, token):
    s = Smtp(one, ("submission", "submissions")[load.turn % 2], True, "alice@" + one.domain)
    deliver(s, one, load, token)
    s.must("QUIT", 221)
    s.close()


def reader(one, load, _token):
    s = Imap(one, "bob@" + one.domain, load.turn % 2 == 0)
    s.select("INBOX")
    s.send(b"end LOGOUT\r\n")
    while not s.line().startswith(b"end OK"):
        pass
    s.close()


def popper(one, load, _token):
    s = Pop(one, "alice@" + one.domain, load.turn % 2 == 0)
    s.ok("STAT")
    s.ok("QUIT")
    s.close()


def siever(one, _load, _token):
    w = Wire(one.port("managesieve"))
    while not w.line().startswith(b"OK"):
        pass
    w.send(b"STARTTLS\r\n")
    while not w.line().startswith(b"OK"):
        pass
    w.socket = UNSAFE.wrap_socket(w.socket)
    w.file = w.socket.makefile("rb")
    while not w.line().startswith(b"OK"):
        pass
    w.send(b"LOGOUT\r\n")
    w.line()
    w.close()


class Client(threading.Thread):
    """Whole connections, one after the other; every failure of one counts."""

    def __init__(self, one, load, what, number):
        super().__init__(daemon=True)
        self.one, self.load, self.what, self.number, self.turn, self.acked = one, load, what, number, number, []

    def run(self):
        while not self.load.over.is_set():
            self.turn += 1
            try:
                self.what(self.one, self, f"{self.what.__name__}-{self.number}-{self.turn}")
                self.load.count(self.what.__name__)
            except Exception as error:  # noqa: BLE001: whatever it is, it is the test's result
                self.load.fail(f"{self.what.__name__} {self.turn}: {type(error).__name__} {error}")
            self.load.over.wait(self.load.pause)


class Load:
    def __init__(self, one, each=1, pause=0.02, kinds=(stranger, submitter, reader, popper, siever)):
        self.over, self.lock, self.failures, self.counts, self.pause = threading.Event(), threading.Lock(), [], {}, pause
        self.clients = [Client(one, self, kind, n) for kind in kinds for n in range(each)]

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fail(self, text):
        with self.lock:
            self.failures.append(f"{time.time():.3f} {text}")

    def start(self):
        for c in self.clients:
            c.start()

    def stop(self):
        self.over.set()
        for c in self.clients:
            c.join()
        return [t for c in self.clients for t in c.acked]


class Changer(threading.Thread):
    """Every so many seconds other programs, or another certificate, in one of the instances; .done says how often, .failures what went wrong."""

    def __init__(self, instances, random, seconds):
        super().__init__(daemon=True)
        self.instances, self.random, self.seconds, self.over, self.done, self.failures = instances, random, seconds, threading.Event(), {}, []

    def run(self):
        while not self.over.wait(self.random.uniform(0.5, 1.5) * self.seconds):
            one, what = self.random.choice(self.instances), self.random.choice(("programs", "certificate"))
            try:
                if what == "programs":
                    replace_files(one)
                    tell(one)
                else:
                    replace_certificate(one, f"mail.{one.domain}")
                self.done[what] = self.done.get(what, 0) + 1
            except Exception as error:  # noqa: BLE001: whatever it is, it is the test's result
                self.failures.append(f"{what} of {one.domain}: {type(error).__name__} {error}")

    def stop(self):
        self.over.set()
        self.join()
