#!/usr/bin/env python3
"""A running SORT or THREAD takes at most 16 octets for each message: the slope of the highest heap between a folder of HALF and one
of 2 * HALF messages, while postern-keys is made and once it is there. No message has a Date, which costs the most."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/lib")
from imapwire import Session
from instance import Tap

HALF = 16000
SLACK = 1  # bitmaps: of results, of those placed, of nodes
# The C library's own functions are called by their inner names, so that nothing has to be looked up.
HEAP = r"""
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
extern void *__libc_malloc(size_t), *__libc_realloc(void *, size_t), *__libc_calloc(size_t, size_t), __libc_free(void *);
static size_t now, most;
static void *
count(void *p)
{
	if (p && (now += malloc_usable_size(p)) > most)
		most = now;
	return p;
}
static void
uncount(void *p)
{
	if (p)
		now -= malloc_usable_size(p);
}
void *malloc(size_t n) { return count(__libc_malloc(n)); }
void *calloc(size_t n, size_t size) { return count(__libc_calloc(n, size)); }
void *realloc(void *p, size_t n) { uncount(p); return count(__libc_realloc(p, n)); }
void free(void *p) { uncount(p); __libc_free(p); }
__attribute__((destructor)) static void
tell(void)
{
	char text[40];
	int n = snprintf(text, sizeof text, "HEAP %zu\n", most);
	(void)!write(2, text, (size_t)n);
}
"""
COMMANDS = ["SORT (ARRIVAL)", "SORT (SUBJECT)", "SORT (REVERSE DATE SUBJECT)", "SORT (FROM DATE)", "THREAD ORDEREDSUBJECT", "THREAD REFERENCES",
            "THREAD REFS"]


def make(box):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{box}/{sub}")
    for i in range(2 * HALF):
        parent = f"References: <{i * 7 % (i or 1)}@x>\n" if i % 5 > 1 else ""
        with open(f"{box}/cur/{1600000000 + i}.m.h:2,S", "w", encoding="ascii") as f:
            f.write(f"Message-ID: <{i}@x>\nSubject: subject {i * 31 % 99991}\nFrom: a{i % 300}@example.org\n{parent}\nx\n")
        os.utime(f.name, (1600000000 + i * 7919 % 1000003,) * 2)


def highest(box, base, command, heap):
    """Of a session that gives one command in this folder."""
    with Session(["imap"], MAILDIR=box, POSTERN_DIR=base, LD_PRELOAD=heap) as s:
        s.ok("SELECT INBOX")
        if command:
            s.ok(command)
        s.ok("LOGOUT")
    return max(int(line.split()[1]) for line in s.said.splitlines() if line.startswith("HEAP"))


def measure(box, base, heap):
    """The heap of each command beyond that of SELECT: when it makes its columns, and again."""
    heaps = {}
    for _ in range(2):  # texts are made, and the session that ends writes the folder's next snapshot
        highest(box, base, "THREAD REFERENCES UTF-8 ALL", heap)
    for command in COMMANDS:
        for how in "making postern-keys", "with it":
            if how == "making postern-keys" and os.path.exists(box + "/postern-keys"):
                os.remove(box + "/postern-keys")
            heaps[command + ", " + how] = highest(box, base, command + " UTF-8 ALL", heap) - highest(box, base, None, heap)
    return heaps


tap = Tap()
with tempfile.TemporaryDirectory(prefix="sort-memory.") as base:
    with open(base + "/heap.c", "w", encoding="ascii") as f:
        f.write(HEAP)
    built = subprocess.run([*os.environ.get("CC", "cc").split(), "-w", "-shared", "-fPIC", "-o", base + "/heap.so", base + "/heap.c"],
                           capture_output=True)
    with open(shutil.which("imap"), "rb") as f:
        sanitized = b"__asan_init" in f.read()
    if built.returncode or sanitized:
        print("1..0 # SKIP", "a sanitizer stands before malloc" if sanitized else "no compiler for a malloc that counts")
        sys.exit()
    box = base + "/Maildir"
    make(box)
    large = measure(box, base, base + "/heap.so")
    for name in sorted(os.listdir(box + "/cur"))[:HALF]:
        os.remove(f"{box}/cur/{name}")
    small = measure(box, base, base + "/heap.so")
    for name, most in large.items():
        octets = (most - small[name]) / HALF
        tap.ok(octets <= 16 + SLACK, f"{name}: 16 octets for each message", f"{octets:.2f}: {most} for {2 * HALF}, {small[name]} for {HALF}")
tap.done()
