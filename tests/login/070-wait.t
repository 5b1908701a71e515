#!/usr/bin/env python3
"""login-wait: waits for its child, passes signals on, says and gives the exit code."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, "tests/lib")
from instance import Tap

tap = Tap()
BLOCK = {signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD}


def fresh():
    """A shell cannot trap what was ignored when it began, as HUP is behind nohup."""
    for n in BLOCK:
        signal.signal(n, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCK)


def wait(child, pidfd="-1", sig=None):
    """login-wait over a shell child that says when it is ready: (exit code, what it wrote)."""
    ready_r, ready_w = os.pipe()
    said_r, said_w = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(said_w, 2)
        signal.pthread_sigmask(signal.SIG_BLOCK, BLOCK)
        program = subprocess.Popen(["sh", "-c", child], stdout=ready_w, pass_fds=(ready_w,), preexec_fn=fresh)
        os.execvp("login-wait", ["login-wait", str(program.pid), pidfd, "x: event=end code="])
    os.close(ready_w)
    os.close(said_w)
    if sig:
        os.read(ready_r, 1)
        os.kill(pid, sig)
    with os.fdopen(said_r) as f:
        said = f.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(ready_r)
    return status, said


for child, sig, code in (("exit 0", None, 0), ("exit 7", None, 7), ("exit 111", None, 111), ("kill -9 $$", None, 111),
                         ("trap 'exit 42' TERM; echo; while :; do sleep 0.05; done", signal.SIGTERM, 42),
                         ("trap 'exit 43' HUP; echo; while :; do sleep 0.05; done", signal.SIGHUP, 43)):
    got = wait(child, sig=sig)
    tap.ok(got == (code, f"x: event=end code={code}\n"), f"{child}: {code}", got)
for args in ([], ["1"], ["x", "-1", "w"], ["1", "-2", "w"], ["1", "-1"], ["1234567890", "-1", "w"]):
    done = subprocess.run(["login-wait", *args], capture_output=True, check=False)
    tap.ok(done.returncode == 100 and b"usage" in done.stderr, f"usage: {args}", done)
tap.done()
