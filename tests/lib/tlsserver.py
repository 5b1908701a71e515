"""What the TLS tests share: certificates made once per test, servers in both modes (an engine
executed per connection, or the key holder), clients of Python's ssl."""
import os
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
import confined  # noqa: F401
from tcpserver import LIMIT, Server, end_at_exit, ok, same, done, wait_for, read_all

TMP = tempfile.TemporaryDirectory()
T = TMP.name
os.chmod(T, 0o755)
MODES = os.environ.get("TLS_MODES", "alone holder").split()


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, text=True).stdout


def make_pair(name, key=None, cert=None, kind="ec"):
    """A self-signed certificate for name; the paths of key and certificate."""
    key, cert = key or "%s/%s.key" % (T, name), cert or "%s/%s.crt" % (T, name)
    alg = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["-newkey", "rsa:2048"]
    openssl("req", "-x509", *alg, "-nodes", "-keyout", key + ".new", "-out", cert + ".new", "-days", "30",
            "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name)
    os.rename(key + ".new", key)
    os.rename(cert + ".new", cert)
    return key, cert


class Holder:
    """A running tls-keeper."""

    def __init__(self, env=None, options=(), sock=None, dir=None, **kw):
        self.sock = sock or tempfile.mktemp(prefix="sock", dir=T)
        self.log_file = tempfile.TemporaryFile()
        r, w = os.pipe()
        e = {k: v for k, v in os.environ.items() if k not in ("KEYFILE", "CERTFILE")}
        # As it is installed: root's holder, and engines that are not root's.
        e.update({"TLS_UID": "65534", "TLS_GID": "65534"} if os.getuid() == 0 else {}, **(env or {}))
        e = {k: v for k, v in e.items() if v}
        if dir:
            e["POSTERN_DIR"] = dir
        self.process = subprocess.Popen(["tls-keeper", "-d", str(w), *options, self.sock], env=e,
                                        stderr=self.log_file, pass_fds=[w], **kw)
        end_at_exit(self.process)
        os.close(w)
        self.ready = os.read(r, 10) == b"\n" and not os.read(r, 1)  # said, and closed
        os.close(r)

    def log(self):
        self.log_file.seek(0)
        return self.log_file.read().decode()

    def logged(self, text, seconds=LIMIT):
        return wait_for(lambda: text in self.log(), seconds)

    def fds(self):
        """How many descriptors it has; 0 for those who may not know."""
        if os.getuid():
            return 0
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def stop(self, sig=15):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.process.wait(timeout=LIMIT)


class TlsServer(Server):
    """tcpserver in front of tlsd or ucspitlsd in front of prog, in one of the modes."""

    def __init__(self, mode, options, prog, env=None, launcher="tlsd", holder=None, holder_env=None, tcp_options=(), **kw):
        e = {k: v for k, v in os.environ.items() if not k.startswith("SSL_")}
        e.update(env or {})
        self.holder = None
        if mode == "holder":
            self.holder = holder or Holder(dict(env or {}, **(holder_env or {})))
            self.own_holder = holder is None
            for name in [n for n in e if n.startswith(("KEYFILE", "CERTFILE"))]:
                del e[name]
            e["TLS_ENGINE"] = self.holder.sock
        super().__init__(["-v", *tcp_options], [launcher, *options, *prog], env=e, **kw)

    def all_logs(self):
        return self.log() + (self.holder.log() if self.holder else "")

    def logged(self, text, seconds=LIMIT):
        return wait_for(lambda: text in self.all_logs(), seconds)

    def exit_code(self):
        """That of the next connection to end."""
        wait_for(lambda: " exitcode " in self.log() or " signal " in self.log())
        line = [l for l in self.log().splitlines() if ": end pid " in l][-1].split()
        return int(line[line.index("count") - 1])

    def tls(self, context=None, name="mail.example.test", session=None, **kw):
        c = context or client()
        return c.wrap_socket(self.connect(), server_hostname=name, session=session,
                             suppress_ragged_eofs=False, **kw)

    def stop(self, sig=15):
        code = super().stop(sig)
        if self.holder and self.own_holder:
            self.holder.stop()
        return code


def client(cafile=None, version=None, alpn=None, pair=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)  # some builds set it
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if cafile:
        c.load_verify_locations(cafile)
        c.verify_mode = ssl.CERT_REQUIRED
        c.check_hostname = True
    if version:
        c.minimum_version = c.maximum_version = version
    if alpn:
        c.set_alpn_protocols(alpn)
    if pair:
        c.load_cert_chain(pair[1], pair[0])
    return c


def drain(s):
    """Everything up to the close_notify; what ended it otherwise is appended."""
    data = b""
    while True:
        try:
            part = s.recv(65536)
        except (ssl.SSLError, OSError) as e:
            return data + b" ended by " + type(e).__name__.encode()
        if not part:
            return data
        data += part


def one_account():
    """An instance with alice@example.test, whose password is "secret": its directory, her home, the
    environment of a launcher with a key pair of its own, her uid and gid."""
    key, cert = make_pair("mail.example.test")
    instance = os.path.join(T, "instance")
    home = os.path.join(instance, "mail/example.test/alice")
    os.makedirs(os.path.join(instance, "etc"))
    os.makedirs(home)
    uid, gid = (12345, 12345) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(home, uid, gid)
    made = subprocess.run(["auth-file", "-h"], input="secret", capture_output=True, text=True).stdout.strip()
    with open(os.path.join(instance, "etc/users"), "w") as f:
        f.write(f"alice@example.test:{made}:{uid}:{gid}::mail/example.test/alice:\n")
    env = {"KEYFILE": key, "CERTFILE": cert, "POSTERN_DIR": instance, "UID": "12345", "GID": "12345", "GIDLIST": "12345"}
    return instance, home, env, uid, gid
