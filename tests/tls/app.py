#!/usr/bin/env python3
"""A UCSPI-TLS application for the tests: lines in, lines out.
env: its environment · fds: open descriptors · starttls [BYTES]: starts TLS (Y) · byte X: writes X to SSLCTLFD
silent: writes y, and goes on in TLS when SSLCTLFD has ended
echo TEXT · quit · fork: leaves a child for 2 s that holds every inheritable descriptor."""
import os
import sys
import time

ctl, rd, wr = (int(os.environ.get(n, -1)) for n in ("SSLCTLFD", "SSLREADFD", "SSLWRITEFD"))
buf = b""


def say(s):
    os.write(1, s.encode() + b"\n")


def line():
    global buf
    while b"\n" not in buf:
        part = os.read(0, 4096)
        if not part:
            sys.exit(0)
        buf += part
    l, buf = buf.split(b"\n", 1)
    return l.decode().strip()


say("ready")
while True:
    command, _, arg = line().partition(" ")
    if command == "env":
        for k, v in os.environ.items():
            say("%s=%s" % (k, v))
        say(".")
    elif command == "fds":
        say(" ".join(str(f) for f in (ctl, rd, wr)))
    elif command == "echo":
        say(arg)
    elif command == "quit":
        sys.exit(0)
    elif command == "fork":
        if os.fork() == 0:
            time.sleep(2)
            os._exit(0)
    elif command == "byte":
        os.write(ctl, arg.encode())
        got = os.read(ctl, 100)
        say("control %r" % got)
    elif command == "silent":
        buf = b""
        os.write(ctl, b"y")
        say("control %r" % os.read(ctl, 100))
        os.dup2(rd, 0)
        os.dup2(wr, 1)
        for f in {ctl, rd, wr}:
            os.close(f)
    elif command == "starttls":
        say("go")
        buf = b""
        os.write(ctl, arg.encode() or b"Y")
        reply = b""
        while not reply.endswith(b"\0\0"):
            part = os.read(ctl, 4096)
            if not part:
                sys.exit(17)
            reply += part
        try:
            if os.read(ctl, 10) != b"":
                sys.exit(18)
        except ConnectionResetError:  # the end too, where a byte was left unread
            if len(arg) < 2:
                sys.exit(19)
        for item in reply[:-1].split(b"\0")[:-1]:
            k, eq, v = item.partition(b"=")
            if eq:
                os.environb[k] = v
            else:
                os.environb.pop(k, None)
        os.dup2(rd, 0)
        os.dup2(wr, 1)
        for f in {ctl, rd, wr}:
            os.close(f)
        say("names " + " ".join(i.split(b"=")[0].decode() for i in reply[:-1].split(b"\0")[:-1]))
