#!/usr/bin/env python3
"""RETURN (UPDATE) with OLDER and YOUNGER (RFC 5267 4.3, RFC 5032): what time alone changes is told a minute later.
time(2) is a preloaded one here, which a file in the Maildir sets forward."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
from instance import Tap

CLOCK = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
time_t
time(time_t *out)
{
	struct timespec t;
	char text[20] = "";
	int fd = open(getenv("FORWARD"), O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += n > 0 ? atoi(text) : 0;
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}
"""
AGE = 500  # seconds, of the message

tap = Tap()
with tempfile.TemporaryDirectory(prefix="contexts.") as base:
    box = base + "/Maildir"
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{box}/{sub}")
    with open(box + "/cur/1.x:2,", "w", encoding="ascii") as f:
        f.write("Subject: x\n\nx\n")
    now = os.stat(box + "/cur/1.x:2,").st_mtime
    os.utime(box + "/cur/1.x:2,", (now - AGE, now - AGE))
    with open(base + "/clock.c", "w", encoding="ascii") as f:
        f.write(CLOCK)
    built = subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-o", base + "/clock.so", base + "/clock.c"], capture_output=True)
    with open(shutil.which("imap"), "rb") as f:
        sanitized = b"__asan_init" in f.read()
    if built.returncode or sanitized:
        print("1..0 # SKIP", "a sanitizer stands before a clock of our own" if sanitized else "no compiler for a clock of our own")
        sys.exit()

    def forward(seconds):
        with open(box + "/forward", "w", encoding="ascii") as f:
            f.write(str(seconds))

    forward(0)
    with imapwire.Session(["imap"], MAILDIR=box, POSTERN_DIR=base, TZ="UTC", FORWARD=box + "/forward", LD_PRELOAD=base + "/clock.so") as s:
        s.ok("SELECT INBOX")
        got = s.finish(s.start("UID SEARCH RETURN (UPDATE COUNT) OLDER 1000"))
        tap.ok(got[0] and got[0][0].endswith(b"COUNT 0"), "not old enough", got)
        got = s.finish(s.start("UID SEARCH RETURN (UPDATE COUNT) YOUNGER 1000"))
        tap.ok(got[0] and got[0][0].endswith(b"COUNT 1"), "young", got)
        forward(10)
        got = s.command("NOOP")[0]
        tap.ok(got == [], "within the minute nothing is looked at", got)
        forward(1000)
        got = s.command("NOOP")[0]
        tap.ok(sorted(x.split(b")", 1)[1] for x in got) == [b" UID ADDTO (0 1)", b" UID REMOVEFROM (0 1)"], "then it is: old now, and young no more", got)
        got = s.command("NOOP")[0]
        tap.ok(got == [], "and told once", got)
tap.done()
