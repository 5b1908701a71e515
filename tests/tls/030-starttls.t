#!/usr/bin/env python3
"""ucspitlsd in both modes, with an application of another kind (app.py) and with lib/ucspitls."""
import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tlsserver import *

KEY, CERT = make_pair("mail.example.test")
ENV = {"KEYFILE": KEY, "CERTFILE": CERT, "CAFILE": CERT}
APP = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "app.py")]
NAMES = "SSL_PROTOCOL SSL_CIPHER SSL_TLS_SNI_SERVERNAME SSL_PEER_CERT_HASH SSL_PEER_CERT_SUBJECT SSL_CIPHER_BITS SSL_PEER_CERT_ISSUER"


class Session:
    def __init__(self, server):
        self.s = server.connect()
        self.buf = b""
        assert self.line() == "ready"

    def line(self):
        while b"\n" not in self.buf:
            part = self.s.recv(4096)
            if not part:
                return None
            self.buf += part
        l, self.buf = self.buf.split(b"\n", 1)
        return l.decode()

    def ask(self, text):
        self.s.sendall(text.encode() + b"\n")
        return self.line()

    def env(self):
        self.s.sendall(b"env\n")
        e = {}
        while (l := self.line()) not in (".", None):
            e[l.partition("=")[0]] = l.partition("=")[2]
        return e

    def starttls(self, context=None, command="starttls"):
        assert self.ask(command) == "go"
        self.s = (context or client()).wrap_socket(self.s, server_hostname="mail.example.test", suppress_ragged_eofs=False)


def children(pid):
    return open("/proc/%d/task/%d/children" % (pid, pid)).read().split()


for mode in MODES:
    m = mode + ": "
    s = TlsServer(mode, ["-v", "2", "-K", "500"], APP, ENV, launcher="ucspitlsd")
    c = Session(s)
    same(c.ask("echo clear"), "clear", m + "the application speaks in clear")
    env = c.env()
    fds = [env.get(n, "") for n in ("SSLCTLFD", "SSLREADFD", "SSLWRITEFD")]
    ok(all(f.isdigit() and int(f) > 2 for f in fds) and len(set(fds)) == 3, m + "three descriptors", fds)
    same([n for n in env if n.startswith(("KEYFILE", "CERTFILE", "CAFILE", "TLS_")) or n == "SSL_PROTOCOL"], [],
         m + "nothing of the launcher's is left")
    if mode == "holder":
        same(children(int(children(s.process.pid)[0])), [], "holder: no process waits beside the application")
        same(children(s.holder.process.pid), [], "holder: nor below the key holder")
    c.starttls(client(CERT))
    same(c.line(), "names " + NAMES, m + "the variables in this order")
    env = c.env()
    same(env.get("SSL_PROTOCOL"), "TLSv1.3", m + "the protocol is told")
    same(env.get("SSL_CIPHER"), c.s.cipher()[0], m + "the cipher is told")
    same(env.get("SSL_TLS_SNI_SERVERNAME"), "mail.example.test", m + "the server name is told")
    same(c.ask("echo secret"), "secret", m + "the application speaks inside")
    ok(s.logged("id=" + env["POSTERN_ID"] + " event=tls"), m + "the engine logs the connection's id", s.all_logs())
    c.s.sendall(b"quit\n")
    same(drain(c.s), b"", m + "the end is a close_notify")
    c.s.close()

    c = Session(s)
    c.s.sendall(b"quit\n")
    start = time.monotonic()
    same(c.line(), None, m + "an application that starts nothing ends the connection")
    ok(time.monotonic() - start < 30, m + "at once", time.monotonic() - start)
    ok(s.logged("event=declined"), m + "and a line says so", s.all_logs())

    # A command injected behind STARTTLS in clear must not be executed inside.
    c = Session(s)
    c.s.sendall(b"starttls\necho injected\n")
    same(c.line(), "go", m + "pipelined input behind STARTTLS")
    c.s = client().wrap_socket(c.s, server_hostname="mail.example.test", suppress_ragged_eofs=False)
    c.line()
    same(c.ask("echo mine"), "mine", m + "is dropped")
    c.s.close()

    c = Session(s)
    same(c.ask("byte X"), "control b''", m + "another command byte: the control socket ends")
    ok(s.logged("unrecognized command"), m + "and a line says so", s.all_logs())
    same(c.ask("echo still"), "still", m + "the application can go on in clear")
    c.s.close()

    c = Session(s)
    c.starttls(command="starttls YX")
    same(c.line(), "names " + NAMES, m + "more than one command byte: the first counts")
    c.s.close()

    c = Session(s)
    same(c.ask("silent"), "control b''", m + "'y' starts without a reply")
    c.s = client().wrap_socket(c.s, server_hostname="mail.example.test", suppress_ragged_eofs=False)
    same(c.ask("echo inside"), "inside", m + "and the application speaks inside")
    c.s.close()

    c = Session(s)
    c.ask("starttls")
    c.s.sendall(b"EHLO this is no TLS\r\n" * 10)
    data = read_all(c.s)
    ok(b"names" not in data, m + "garbage instead of a handshake", data)
    ok(s.logged("exitcode 17"), m + "ends the control socket without a byte", s.log())
    c.s.close()

    c = Session(s)
    start = time.monotonic()
    same(c.ask("starttls"), "go", m + "a client that is silent after STARTTLS")
    read_all(c.s)
    ok(0.4 < time.monotonic() - start < 60, m + "is dropped at the deadline", time.monotonic() - start)
    c.s.close()
    s.stop()

    s = TlsServer(mode, ["-Y"], APP, ENV, launcher="ucspitlsd")
    c = Session(s)
    c.starttls(client(pair=(KEY, CERT)))
    c.line()
    same(c.env().get("SSL_PEER_CERT_SUBJECT"), "/CN=mail.example.test", m + "-Y passes the client's certificate")
    c.s.close()
    s.stop()

    s = TlsServer(mode, [], APP, dict(ENV, KEYFILE=T + "/none"), launcher="ucspitlsd")
    c = Session(s)
    same(c.ask("echo clear"), "clear", m + "a missing key does not hinder clear text")
    c.ask("starttls")
    read_all(c.s)
    ok(s.logged("exitcode 17"), m + "and STARTTLS fails", s.log())
    ok(s.logged(T + "/none"), m + "a line names the file", s.all_logs())
    c.s.close()
    s.stop()

    # lib/ucspitls, by the program that the unit test builds.
    helper = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "unit", "ucspitls")
    helper = os.environ.get("UCSPITLS_SERVER", helper)
    if os.access(helper, os.X_OK):
        s = TlsServer(mode, [], [helper, "serve"], ENV, launcher="ucspitlsd")
        for how in ("start", "adopt"):
            c = Session(s)
            c.s.sendall(how.encode() + b"\ninjected\n")
            same(c.line(), "go", m + "lib/ucspitls " + how)
            c.s = client().wrap_socket(c.s, server_hostname="mail.example.test", suppress_ragged_eofs=False)
            same(c.line(), "inside TLSv1.3", m + "lib/ucspitls is inside")
            same(c.ask("hello"), "hello", m + "and drops what was injected")
            same(drain(c.s), b"", m + "and ends orderly")
        s.stop()
    else:
        ok(True, m + "lib/ucspitls # SKIP build/unit/ucspitls is not built")
done()
