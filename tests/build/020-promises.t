#!/usr/bin/env python3
"""What the source promises about itself: layers, who may call what, one page per program, and that scripts
and pages are clean."""
import glob, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import ROOT, tap

os.chdir(ROOT)
FOLDERS = ["bin", "smtp-recv", "mda-local", "mda-remote", "pop3", "imap", "maildir", "lib"]
sources = [f for d in FOLDERS for f in sorted(glob.glob(d + "/*.[ch]"))]
text = {f: open(f, encoding="utf-8").read() for f in sources}
# Comments may speak of anything.
code = {f: re.sub(r"/\*.*?\*/|//[^\n]*", "", t, flags=re.S) for f, t in text.items()}


def offenders(pattern, allowed):
    return [f for f, t in code.items() if re.search(pattern, t) and not re.search(allowed, f)]


def none(found, name):
    tap.ok(not found, name, "\n".join(map(str, found)))


def layer(path):
    return {"lib": 0, "maildir": 1}.get(path.split("/")[0], 2)


bad = []
for f, t in text.items():
    for included in re.findall(r'#include "([^"]+)"', t):
        if layer(included) > layer(f) or layer(included) == layer(f) == 2 and included.split("/")[0] != f.split("/")[0]:
            bad.append(f"{f} includes {included}")
none(bad, "includes point down: programs to maildir/ to lib/, never to one another")
none(offenders(r"\b(fsync|fdatasync|sync_file_range|syncfs)\s*\(", r"^lib/durable\.c$"), "only lib/durable.c syncs")
none(offenders(r"#include <openssl/", r"(^|/)tls[^/]*\.[ch]$"), "only tls*.c includes OpenSSL")
none(offenders(r"#include <idn2", r"^lib/idna\.c$"), "only lib/idna.c includes libidn2")
none(offenders(r"#include <unbound", r"^mda-remote/dns[^/]*\.c$"), "only mda-remote/dns*.c includes libunbound")
none(offenders(r"#include <crypt\.h>", r"^bin/auth-[^/]*\.c$"), "only bin/auth-*.c includes libcrypt")
none([f for f in sources if f.startswith("smtp-recv/") and '#include "maildir/' in text[f]], "smtp-recv does not know the store")
none([f for f in text if "skalibs/djbunix.h" in code[f] and f != "lib/skalibs-compat.h"],
     "skalibs' differences are settled in lib/skalibs-compat.h")

programs = re.findall(r"^OBJ_(\S+)\s*:?=", open("programs.mk").read(), re.M)
pages = {os.path.basename(p).rsplit(".", 1)[0]: open(p, encoding="utf-8").read() for p in glob.glob("man/*.[1-8]")}
scripts = [os.path.basename(s) for s in glob.glob("scripts/postern-*")]
none([p for p in programs + scripts if p not in pages and not p.startswith("mda-remote-")], "every program has a man page")
lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"] + sorted(glob.glob("man/*.[1-8]")), capture_output=True, text=True)
tap.ok(lint.returncode == 0, "man pages are clean", lint.stdout)

# Every variable that a program reads stands in a page.
every = "".join(pages.values()) + open("doc/joints.md").read()
read = {}
for f, t in code.items():
    for name in re.findall(r'(?:getenv|env_uint|env_line)\("([A-Z][A-Z0-9_]+)"', t):
        read.setdefault(name, f)
none([f"{n} ({f})" for n, f in sorted(read.items()) if n not in every], "every environment variable read is documented")
settings = {}
for f, t in code.items():
    for name in re.findall(r'conf_(?:line|string|uint|size|flag|lines)\(\s*"([a-z0-9/-]+)"', t):
        settings.setdefault(name, f)
none([f"{n} ({f})" for n, f in sorted(settings.items()) if not re.search(r"\b" + re.escape(n.replace("-", "\\-")) + r"\b|\b" + re.escape(n) + r"\b", every)],
     "every setting read is documented")

shell = [s for s in glob.glob("scripts/*") + glob.glob(".ci/run") if os.path.isfile(s) and open(s).readline().startswith("#!/bin/sh")]
check = subprocess.run(["shellcheck", "-s", "sh", "-S", "warning", "-e", "SC1091,SC2086,SC2154,SC2034,SC2010", "-P", "scripts"] + shell + ["tests/run"],
                       capture_output=True, text=True)
tap.ok(check.returncode == 0, "shell scripts are clean", check.stdout)
tap.done()
