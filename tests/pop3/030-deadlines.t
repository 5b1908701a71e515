#!/usr/bin/env python3
"""pop3: what it waits for and how long, and whom it does not serve."""
import contextlib, os, select, socket, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from loginpair import *

MESSAGES = 3000


class Pop3(Login):
    """pop3 on one end of a socketpair whose buffers are small."""

    def __init__(self, instance, **env):
        super().__init__(instance, "pop3", sndbuf=4096, MAILDIR=os.path.join(instance.path, "Maildir"), **env)


# The login program reports nothing more: the session gives up by itself.
with Instance() as i:
    ours, theirs = socket.socketpair()
    begin = time.monotonic()
    with Pop3(i, pass_fds=(theirs.fileno(),), POSTERN_SESSION_FD=str(theirs.fileno())) as c:
        theirs.close()
        same("it reports", ours.recv(10), b"up\n")
        same("no preamble: no word to the client", c.line(), b"")
        same("and its exit code", c.exit(), 111)
        ok(9 < time.monotonic() - begin < 60, "after its deadline", time.monotonic() - begin)

# The client has the whole time for a reply, however long it thought about its command.
with Instance() as i:
    os.makedirs(os.path.join(i.path, "Maildir/cur"))
    for n in range(MESSAGES):
        open(os.path.join(i.path, "Maildir/cur", f"{1000000000 + n}.M1P1.host:2,S"), "w").close()
    for timeout in 2, 8, 32:  # a busy machine may exceed the first by itself
        i.set("pop3-timeout", str(timeout))
        got = 0, b"", b""
        with Pop3(i) as c, contextlib.suppress(OSError):
            c.line()
            c.ask(b"UIDL 1\r\n")
            # Neither write is answered by the time that is waited for.
            select.select([c.socket], [], [], 0.75 * timeout)
            c.send(b"UIDL\r\n")
            select.select([], [], [], 0.5 * timeout)
            lines = [c.line()]
            while lines[-1] not in (b".\r\n", b""):
                lines.append(c.line())
            got = len(lines), lines[-1], c.ask(b"NOOP\r\n")
        if got[0] > MESSAGES:
            break
    same("a long reply after a long silence is whole", got[:2], (MESSAGES + 2, b".\r\n"))
    same("and the session goes on", got[2], b"+OK\r\n")

# A checkpassword program that forgot to become the user.
if os.geteuid() == 0:
    with Instance() as i:
        os.chown(i.path, 12345, 12345)
        with Pop3(i) as c:
            same("root in a user's home that has no Maildir yet", (c.line(), c.exit()), (b"", 100))
            ok("root" in c.log(), "is explained", c.log())
        ok(not os.path.exists(os.path.join(i.path, "Maildir")), "and makes none")
done()
