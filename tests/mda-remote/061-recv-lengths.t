#!/usr/bin/env python3
"""spool-recv: its files end at any length. Nothing half is in the spool, and it says what is wrong. (Of each single call that fails tests/crash knows.)"""
import os, re, resource, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap
from smtppeer import Remote

LINES = 2000
TEXT = ("y" * 70 + "\r\n") * LINES
HELLO = "LHLO x\r\n"


def run(r, most):
    """The process, and what it answered to the message: codes."""
    dialog = f"{HELLO}XFORWARD IDENT=k{most}\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@d.test>\r\nDATA\r\n{TEXT}.\r\nQUIT\r\n"
    p = subprocess.run(["spool-recv"], input=dialog.encode(), capture_output=True, env=r.env, cwd="/", timeout=120, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    out = p.stdout.decode()
    return p, re.findall(r"^(\d{3}) ", out[out.index("354"):], re.M)[1:] if "354" in out else None


with Remote() as r:
    r.queue("x@x.test", id="first")
    for f in r.files().values():
        os.unlink(f)
    for most in 0, 1, 15, 16, 65, 66, 200, 65535, 65536, 65537, 131072, 71 * LINES, 71 * LINES + 100:
        p, codes = run(r, most)
        tap.ok(codes == ["452", "452", "221"] and p.stderr and not r.files() and not r.unnamed(), f"{most} octets and no more: 452", codes, p.stderr, r.files())
tap.done()
