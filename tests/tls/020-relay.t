#!/usr/bin/env python3
"""The relay in both modes: much data, half-close, every order of ending, no lost tails. Key updates: tests/unit/tls-relay.c."""
import os
import socket
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tlsserver import *

KEY, CERT = make_pair("mail.example.test")
ENV = {"KEYFILE": KEY, "CERTFILE": CERT}
VERSIONS = [(ssl.TLSVersion.TLSv1_2, "1.2"), (ssl.TLSVersion.TLSv1_3, "1.3")]
BIG = 200004


def py(code):
    return [sys.executable, "-c", "import os,sys,time\n" + code]


for mode in MODES:
    for version, v in VERSIONS:
        m = "%s %s: " % (mode, v)
        c1 = client(version=version)

        s = TlsServer(mode, [], ["head", "-c", str(BIG), "/dev/zero"], ENV)
        with s.tls(c1) as c:
            data = drain(c)
        ok(data == bytes(BIG), m + "a program that writes and exits at once loses nothing", len(data))
        with s.tls(c1) as c:
            first = c.recv(100)
            wait_for(lambda: " exitcode " in s.log() or " signal " in s.log(), 0.3)
            data = first + drain(c)
        ok(data == bytes(BIG), m + "nor to a client that reads slowly", len(data))
        s.stop()

        s = TlsServer(mode, [], ["cat"], ENV)
        with s.tls(c1) as c:
            blob = os.urandom(3000000)
            got = bytearray()
            sent = 0
            c.settimeout(0.01)
            while len(got) < len(blob):
                if sent < len(blob):
                    try:
                        sent += c.send(blob[sent:sent + 50000])
                    except (ssl.SSLWantWriteError, TimeoutError):
                        pass
                try:
                    got += c.recv(65536)
                except (ssl.SSLWantReadError, TimeoutError):
                    pass
            ok(bytes(got) == blob, m + "3 MB there and back")
            c.settimeout(LIMIT)
            # Python's unwrap sends close_notify and waits for the other.
            raw = c.unwrap()
            same(raw.recv(1), b"", m + "the client's close_notify is answered by one, then the end")
        ok(s.logged(" exitcode 0 "), m + "the program has seen its end of file", s.log())
        s.stop()

        s = TlsServer(mode, [], ["sh", "-c", "cat >%s/in; echo done >>%s/in" % (T, T)], ENV)
        for n in (104, 100004):
            if os.path.exists(T + "/in"):
                os.unlink(T + "/in")
            c = s.tls(c1)
            c.sendall(b"z" * n)
            # No close_notify: the bare TCP end.
            socket.socket.shutdown(c, socket.SHUT_WR)
            wait_for(lambda: os.path.exists(T + "/in") and open(T + "/in").read().endswith("done\n"))
            same(os.path.getsize(T + "/in"), n + 5, m + "%d bytes and a bare TCP end all arrive" % n)
            c.close()
        s.stop()

        s = TlsServer(mode, [], py("sys.stdin.read()\nos.write(1, b'after ' * 1000)"), ENV)
        c = s.tls(c1)
        c.sendall(b"request")
        socket.socket.shutdown(c, socket.SHUT_WR)
        same(drain(c), b"after " * 1000, m + "an answer written after the client's end arrives")
        c.close()
        s.stop()

        # The program half-closes and reads on, as net_finish does.
        s = TlsServer(mode, [], py("os.write(1, b'bye')\nos.close(1)\nsys.stderr.write('read ' + sys.stdin.read())"), ENV)
        c = s.tls(c1)
        same(drain(c), b"bye", m + "the program's half-close is a close_notify")
        try:
            c.sendall(b"more")
            if v == "1.3":
                socket.socket.shutdown(c, socket.SHUT_WR)
                ok(s.logged("read more"), m + "and the other direction still works", s.log())
        except ssl.SSLError:
            pass
        c.close()
        ok(s.logged(" exitcode 0 "), m + "and it ends", s.log())
        s.stop()

        # The program closes its reading end and writes on.
        s = TlsServer(mode, [], py("os.close(0)\ntime.sleep(0.1)\nos.write(1, b'still here')"), ENV)
        with s.tls(c1) as c:
            c.sendall(b"x" * 500000)
            same(drain(c), b"still here", m + "a program that reads nothing can write")
        s.stop()

        # The client vanishes with a reset: the program gets its end.
        s = TlsServer(mode, [], py("while os.read(0, 1000): pass\nsys.stderr.write('eof\\n')"), ENV)
        c = s.tls(c1)
        c.sendall(b"x")
        import struct
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()
        ok(s.logged("eof\n"), m + "a reset ends the program's input", s.log())
        s.stop()

        s = TlsServer(mode, ["-J"], ["cat"], ENV)
        c = s.tls(c1)
        c.sendall(b"x")
        c.recv(1)
        socket.socket.shutdown(c, socket.SHUT_WR)
        ok(s.logged("without close_notify"), m + "-J complains of a bare TCP end", s.all_logs())
        c.close()
        s.stop()
        ok("without close_notify" not in s.all_logs().split("without close_notify", 1)[1] if
           "without close_notify" in s.all_logs() else False, m + "once")

    # The pipes are pipes, and the engine is not the program's descriptor holder.
    s = TlsServer(mode, [], ["sh", "-c", "readlink /proc/self/fd/0 /proc/self/fd/1; ls /proc/self/fd | wc -l"], ENV)
    with s.tls() as c:
        out = drain(c).decode().split("\n")
    ok(out[0].startswith("pipe:") and out[1].startswith("pipe:"), mode + ": 0 and 1 are pipes", out)
    same(out[2].strip(), "4", mode + ": nothing else is open")
    s.stop()
done()
