#!/usr/bin/env python3
"""Every verb, every parameter of MAIL and RCPT, every extension, every reply and every setting of smtp-recv is in some test; no reply is there that nobody gives."""
import glob, os, re, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import Tap


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def all_of(*patterns):
    return "\n".join(read(p) for g in patterns for p in sorted(glob.glob(os.path.join(ROOT, g))) if "000-" not in p)


own, every = all_of("tests/smtp-recv/*.t"), all_of("tests/*/*.t", "tests/unit/*.c", "tests/lib/*.py")
tap = Tap()


def rows(what, names, found, enough):
    missing = [n for n in names if not found(n)]
    tap.ok(len(names) >= enough and not missing, f"every {what} ({len(names)})", missing)


# 010-commands.t walks the table too; what is not in it is used nowhere else.
rows("verb of commands.c", re.findall(r'^\t\{"([A-Z]+)",', read("smtp-recv/commands.c"), re.M),
     lambda v: re.search(rf'"{v}"|[("]{v} |C: {v}\b|/ HTTP', own) and (v in own or v in ("POST", "PUT", "HEAD", "OPTIONS", "CONNECT")), 20)
rows("parameter of MAIL and RCPT", re.findall(r'^    \{"([A-Z0-9]+)", EXT_', read("lib/smtp-envelope.c"), re.M), lambda p: re.search(rf'[" ]{p}["= ]', every), 10)
rows("extension that EHLO names", re.findall(r"\\n([A-Z0-9]+)", read("smtp-recv/greet.c")) + ["SIZE", "XCLIENT"], lambda e: re.search(rf"\b{e}\b", every), 12)
# By its code and first word, or its first words, or its codes alone where no other reply has them.
replies = re.findall(r'^\t\[REPLY_\w+\]\s*=\s*"(\d{3} (?:\d\.\d+\.\d+ )?)([^"]*)', read("smtp-recv/replies.c"), re.M)
alone = [code for code, _ in replies if [c for c, _ in replies].count(code) == 1 and code.count(" ") > 1]
rows("reply of replies.c", replies, lambda r: any(t in every for t in (
    r[0] + r[1].split(" ")[0], " ".join(r[1].split(" ")[:3]), *([r[0].strip()] if r[0] in alone else []))), 90)
source = all_of("smtp-recv/*.c")
rows("reply is given", re.findall(r"^\t\[(REPLY_\w+)\]", read("smtp-recv/replies.c"), re.M), lambda n: len(re.findall(rf"\b{n}\b", source)) > 1, 90)
rows("setting", sorted(set(re.findall(r'"(smtp-[a-z-]+[a-z])"', all_of("smtp-recv/*.c")))), lambda s: s in every or s.replace("-", "_") in every
     or f'"{s.removeprefix("smtp-check-")}"' in every or s.removeprefix("smtp").replace("-", "_") in every or s in ("smtp-lmtp", "smtp-spool"), 25)  # the two: every test runs with their defaults
tap.done()
