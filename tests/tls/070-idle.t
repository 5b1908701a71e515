#!/usr/bin/env python3
"""An engine that waits uses no CPU, whatever it waits for."""
import os
import socket
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tlsserver import *

KEY, CERT = make_pair("mail.example.test")
ENV = {"KEYFILE": KEY, "CERTFILE": CERT}


def ticks(pid):
    f = open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split()
    return int(f[11]) + int(f[12])


def fill(c):
    """Sends until nothing more is taken."""
    c.settimeout(0.3)
    sent = 0
    try:
        while sent < 1 << 24:
            sent += c.send(b"x" * 16384)
    except (TimeoutError, ssl.SSLWantWriteError):
        pass
    return sent


def half_close(c):
    socket.socket.shutdown(c, socket.SHUT_WR)


def close_notify(c):
    c.setblocking(False)
    try:
        c.unwrap()
    except ssl.SSLWantReadError:
        pass


NOTHING = "exec sleep 60"
CASES = [("nobody says anything", NOTHING, lambda c: None),
         ("the program does not read what the client sends", NOTHING, lambda c: ok(fill(c) > 65536, "  (it is a lot)")),
         ("nor its bare TCP end behind", NOTHING, lambda c: (fill(c), half_close(c))),
         ("the client has ended with close_notify", NOTHING, close_notify),
         ("the client has ended with a bare TCP end", NOTHING, half_close),
         ("the client does not read what the program writes", "exec cat /dev/zero", lambda c: None),
         ("and has ended its own side", "exec cat /dev/zero", half_close),
         ("the program has closed its output", "exec sleep 60 >&-", lambda c: None),
         ("the program has closed its input", "exec sleep 60 <&-", lambda c: c.sendall(b"x" * 100000))]
for version, v in [(ssl.TLSVersion.TLSv1_2, "1.2"), (ssl.TLSVersion.TLSv1_3, "1.3")]:
    for what, program, act in CASES:
        s = TlsServer("holder", [], ["sh", "-c", program], ENV)
        c = s.tls(client(version=version))
        act(c)
        pid = s.holder.process.pid
        engine = open("/proc/%d/task/%d/children" % (pid, pid)).read().split()[0]
        for n in range(100):  # on a busy machine it takes a while until nothing is left to be done
            select.select([], [], [], 0.2)
            before = ticks(engine)
            select.select([], [], [], 0.3)
            used = ticks(engine) - before
            if used <= 3:
                break
        ok(used <= 3, "%s: idle while %s" % (v, what), "%d ticks" % used)
        s.process.send_signal(1)  # HUP ends the program
        c.close()
        s.stop()
done()
