#!/usr/bin/env python3
"""Every row of imap's dispatch table, every FETCH item, every SEARCH key and every limit is used by some test."""
import glob
import re
import sys

sys.path.insert(0, "tests/lib")
from instance import Tap


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


TESTS = sorted(glob.glob("tests/imap/*.t") + glob.glob("tests/imap-login/*.t") + glob.glob("tests/login/*.t") + ["tests/unit/imap-reply.c"])
tests = "\n".join(read(p) for p in TESTS if "000-" not in p)
tap = Tap()
for what, path, pattern, found in (
        ("command", "imap/commands.c", r'^\t\{"([A-Z ]+)",', r"(?m)(^C[:!] \S+ |command\(f?r?b?\"|ok\(f?r?b?\"|start\(\"){}\b"),
        ("item", "imap/fetch-parse.c", r'^    \{"([A-Z0-9.]+)", ', r"FETCH .*\b{}\b"),
        ("key", "imap/search-parse.c", r'^\t\{"([A-Z]+)",', r"SEARCH .*\b{}\b")):
    names = re.findall(pattern, read(path), re.M)
    missing = [n for n in names if not re.search(found.format(re.escape(n)), tests)]
    tap.ok(names and not missing, f"every {what} of {path} ({len(names)})", missing)
codes = set()
for path in glob.glob("imap/*.[ch]"):
    for text in re.findall(r'"((?:[^"\\\n]|\\.)*)"', read(path)):
        codes.update(re.findall(r"\[(METADATA [A-Z]+|[A-Z][A-Z0-9-]{2,})[ \]]", text))
missing = [c for c in sorted(codes) if not re.search(rf"\[{c}\b", tests)]
tap.ok(len(codes) > 40 and not missing, f"every response code of imap/ ({len(codes)})", missing)
tap.done()
