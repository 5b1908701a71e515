#!/usr/bin/env python3
"""SIGUSR1: tcpserver becomes what is found under its name by then, and keeps its socket, its connections, their count, its user and its refusal; where
that cannot be executed, it becomes what it was."""
import os, shutil, signal, socket, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from tcpserver import *

ROOTLY = os.geteuid() == 0
TMP = tempfile.TemporaryDirectory()
os.chmod(TMP.name, 0o755)
OURS = TMP.name + "/tcpserver"
SHOW = ["sh", "-c", 'echo "$(id -u) $(id -g) ${UID_SEEN-}${TCP_REFUSE-no refusal} ${POSTERN_ANEW-not told} $(ls /proc/self/fd | wc -l)"; exec cat']


def install():
    """Another file of that name: its inode."""
    shutil.copy2(shutil.which("tcpserver"), OURS + ".new")
    os.rename(OURS + ".new", OURS)
    return os.stat(OURS).st_ino


def executes(server, inode):
    return wait_for(lambda: os.stat(f"/proc/{server.process.pid}/exe").st_ino == inode)


def first_line(s):
    data = b""
    while not data.endswith(b"\n"):
        more = s.recv(100)
        if not more:
            return data
        data += more
    return data


def case(name, options, uid, **more):
    old = install()
    env = dict(os.environ, PATH=TMP.name + ":" + os.environ["PATH"], TCP_REFUSE="go away", **more)
    server = Server(["-c", "10", "-C", "2"] + options, SHOW, env=env)
    a = server.connect()
    shown = first_line(a)
    same(shown.split()[:1], [str(uid).encode()], f"{name}: a connection")
    with server.connect() as gone:
        first_line(gone)
    ended = wait_for(lambda: len(children(server)) == 1)
    server.process.send_signal(signal.SIGUSR1)
    executes(server, old)  # it was that before, too: what counts comes below
    new = install()
    # Who is just becoming another does not hear it.
    ok(ended and wait_for(lambda: server.process.send_signal(signal.SIGUSR1) or os.stat(f"/proc/{server.process.pid}/exe").st_ino == new),
       f"{name}: it executes what is there now", server.log())
    a.sendall(b"still\n")
    same(first_line(a), b"still\n", f"{name}: the connection from before goes on")
    b = server.connect()
    same(first_line(b), shown, f"{name}: one from afterwards has the same user, variables and descriptors")
    with server.connect() as c:
        same(read_all(c), b"go away\r\n", f"{name}: both count, and the third is told the same as ever")
    a.close()
    wait_for(lambda: len(children(server)) == 1)
    with server.connect() as c:
        same(first_line(c), shown, f"{name}: the end of one from before is counted")
    os.unlink(OURS)
    with open(OURS, "w") as f:
        f.write("no program")
    os.chmod(OURS, 0o755)
    # As fast as they can be sent: some come at each of its steps.
    for _ in range(100000):
        os.kill(server.process.pid, signal.SIGUSR1)
    wait_for(lambda: len(children(server)) == 1)
    with server.connect() as c:
        same(first_line(c), shown, f"{name}: where the new one cannot be executed, the old one serves on")
    ok(server.process.poll() is None, f"{name}: all this was one process", server.log())
    b.close()
    same(server.stop(), 0, f"{name}: TERM ends it")


def children(server):
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as f:
        return f.read().split()


case("plain", [], os.geteuid())
if ROOTLY:
    case("-u -g -G", ["-u", "12345", "-g", "12346", "-G", "12346"], 12345)
    case("-U", ["-U"], 12345, UID="12345", GID="12346", GIDLIST="12346,12347")
done()
