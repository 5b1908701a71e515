#!/usr/bin/env python3
"""The login pair at awkward moments: a signal that comes with a request, an engine that tells what no
log should hold."""
import os, signal, socket, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from loginpair import *

IMAP = ("imap-login", CHECK, "plain", SESSION)


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


# TERM and a request reach the parent at once: no session may begin that the signal would not reach.
with Instance(login_delay=0) as i, Login(i, *IMAP) as c:
    c.line()
    (child,) = c.children()
    switches = lambda: int(status(child)["voluntary_ctxt_switches"])
    TERM = 1 << signal.SIGTERM - 1
    handles = lambda s: (int(s["SigCgt"], 16) | int(s["SigBlk"], 16)) & TERM
    wait_for(lambda: handles(status(c.process.pid)) and status(child)["State"].startswith("S"))
    os.kill(c.process.pid, signal.SIGSTOP)
    wait_for(lambda: status(c.process.pid)["State"].startswith("T"))
    before = switches()
    c.send(b"a LOGIN alice secret\r\n")
    ok(wait_for(lambda: switches() > before and status(child)["State"].startswith("S")), "the request is on its way")
    os.kill(c.process.pid, signal.SIGTERM)
    os.kill(c.process.pid, signal.SIGCONT)
    same("TERM with a request: no session", c.line(),
         b"a NO [UNAVAILABLE] Passwords cannot be checked now, try again later\r\n")
    same("and goodbye", c.line(), b"* BYE [UNAVAILABLE] Try again later\r\n")
    c.socket.shutdown(socket.SHUT_WR)
    same("and the end", c.exit(), 0)

# The engine's word for a variable that holds a control: that one is left out, the others count.
ours, theirs = socket.socketpair()
to_app, from_app = os.pipe(), os.pipe()
fds = {"SSLCTLFD": theirs.fileno(), "SSLREADFD": to_app[0], "SSLWRITEFD": from_app[1]}
with Instance(login_delay=0) as i, Login(i, *IMAP, pass_fds=tuple(fds.values()), **{k: str(v) for k, v in fds.items()}) as c:
    theirs.close()
    os.close(to_app[0])
    os.close(from_app[1])
    c.line()
    same("STARTTLS", c.ask(b"a STARTTLS\r\n"), b"a OK Begin TLS negotiation now\r\n")
    same("the engine is asked", ours.recv(10), b"Y")
    ours.sendall(b"SSL_TLS_SNI_SERVERNAME=a\x01\n\0SSL_PROTOCOL=TLSv1.3\0SSL_CIPHER=x\0\0")
    os.write(to_app[1], b"b LOGIN alice secret\r\n")
    line = os.read(from_app[0], 4096)
    ok(b"SSL_PROTOCOL=TLSv1.3" in line, "a control in one variable takes no other away", line)
    ok(c.logged("event=login user=alice .*tls=TLSv1.3"), "nor from the log", c.log())
    os.close(to_app[1])
    same("its end", c.exit(), 0)
done()
