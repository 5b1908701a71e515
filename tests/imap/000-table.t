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


tests = "\n".join(read(p) for p in sorted(glob.glob("tests/imap/*.t")) if "000-" not in p)
tap = Tap()
for what, path, pattern, found in (
        ("command", "imap/commands.c", r'^\t\{"([A-Z ]+)",', r"(?m)(^C[:!] \S+ |command\(f?r?b?\"|ok\(f?r?b?\"|start\(\"){}\b"),
        ("item", "imap/fetch-parse.c", r'^    \{"([A-Z0-9.]+)", ', r"FETCH .*\b{}\b"),
        ("key", "imap/search-parse.c", r'^\t\{"([A-Z]+)",', r"SEARCH .*\b{}\b")):
    names = re.findall(pattern, read(path), re.M)
    missing = [n for n in names if not re.search(found.format(re.escape(n)), tests)]
    tap.ok(names and not missing, f"every {what} of {path} ({len(names)})", missing)
tap.done()
