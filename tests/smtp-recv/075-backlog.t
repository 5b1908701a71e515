#!/usr/bin/env python3
"""An mda-local that accepts no connection: with its backlog full the wait ends after LMTP_SECONDS."""
import os, socket, sys, time
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
import smtprecv
from smtprecv import Instance, Tap

smtprecv.LIMIT = 120
tap = Tap()
i = Instance(lmtp=False)
deaf = socket.socket(socket.AF_UNIX)
deaf.bind(i.path("run/lmtp/sock"))
os.chmod(i.path("run/lmtp/sock"), 0o777)
deaf.listen(0)
waiting = []
try:
    for n in range(10):
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        s.connect(i.path("run/lmtp/sock"))
        waiting.append(s)
except BlockingIOError:
    pass
c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b.example>")
began = time.monotonic()
tap.like(c.cmd("RCPT TO:<u@example.test>"), "^451 4.3.0", "a full backlog")
tap.ok(25 < time.monotonic() - began < 90, "... in time", time.monotonic() - began)
tap.like(c.cmd("NOOP"), "^250", "... and the session goes on")
c.close()
i.close()
tap.done()
