#!/usr/bin/env python3
"""What the source promises about itself: layers, who may call what, one page per program, and that scripts
and pages are clean."""
import glob, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import ROOT, tap

os.chdir(ROOT)
FOLDERS = ["bin", "smtp-recv", "mda-local", "mda-remote", "pop3", "imap", "managesieve", "maildir", "maildir/tool", "sieve", "sieve/tool", "lib"]
sources = [f for d in FOLDERS for f in sorted(glob.glob(d + "/*.[ch]"))]
text = {f: open(f, encoding="utf-8").read() for f in sources}
# Comments may speak of anything.
code = {f: re.sub(r"/\*.*?\*/|//[^\n]*", "", t, flags=re.S) for f, t in text.items()}


def offenders(pattern, allowed):
    return [f for f, t in code.items() if re.search(pattern, t) and not re.search(allowed, f)]


def none(found, name):
    tap.ok(not found, name, "\n".join(map(str, found)))


def layer(path):
    return {"lib": 0, "maildir": 1, "sieve": 1}.get(path.split("/")[0], 2)


bad = [f"{f} includes {i}" for f, t in text.items() for i in re.findall(r'#include "((?:maildir|sieve)/tool/[^"]+)"', t)
       if os.path.dirname(f) != os.path.dirname(i)]
for f, t in text.items():
    for included in re.findall(r'#include "([^"]+)"', t):
        if layer(included) > layer(f) or 0 < layer(included) == layer(f) and included.split("/")[0] != f.split("/")[0]:
            bad.append(f"{f} includes {included}")
none(bad, "includes point down: programs to maildir/ or sieve/ to lib/, never to one another")
none(offenders(r"\b(fsync|fdatasync|sync_file_range|syncfs)\s*\(", r"^lib/durable\.c$"), "only lib/durable.c syncs")
none(offenders(r"#include <openssl/", r"(^|/)tls[^/]*\.[ch]$"), "only tls*.c includes OpenSSL")
none(offenders(r"#include <idn2", r"^lib/idna\.c$"), "only lib/idna.c includes libidn2")
none(offenders(r"#include <unbound", r"^mda-remote/dns[^/]*\.c$"), "only mda-remote/dns*.c includes libunbound")
none(offenders(r"#include <curl", r"^mda-remote/mda-remote-sts\.c$"), "only mda-remote/mda-remote-sts.c includes libcurl")
none(offenders(r"#include <zlib", r"^imap/compress\.c$"), "only imap/compress.c includes zlib")
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

# Every variable that a program reads stands in doc/joints.md.
scripting = {s: open(s, encoding="utf-8").read() for s in glob.glob("scripts/*") if os.path.isfile(s)}
joints = open("doc/joints.md", encoding="utf-8").read()
read = {name: f for f, t in code.items() for name in re.findall(r'(?:getenv|env_\w+|id_from)\("([A-Z][A-Z0-9_]+)"', t)}
read.update({name: f for f, t in scripting.items() for name in re.findall(r"\$\{?(POSTERN_\w+)", t) if "DEFAULT" not in name})
none([f"{n} ({f})" for n, f in sorted(read.items()) if f"`{n}`" not in joints], "every environment variable read is in doc/joints.md")

# Every setting has one item in one program's page, and one in postern(7).
SETTING = (r'(?:conf_(?:line|lines|text|string|address|uint|size|flag|duration)|login_(?:in_)?networks|settings_seconds|seconds|number|path_setting)\(\s*"([a-z0-9-]+)"', r'"(lmtp-relay|lmtp-spool)"')
settings = {name: f for f, t in code.items() for pattern in SETTING for name in re.findall(pattern, t)}
settings.update({name: f for f, t in scripting.items() for name in re.findall(r"\$\(setting ([a-z-]+)", t)})
settings.update({name: f for f, t in scripting.items() for name in re.findall(r'\$dir/etc/(listen|services|separate-uids|access|proxied)\b', t)})
settings.update({name: f for f, t in code.items() if f == "smtp-recv/door.c" for name in re.findall(r'"(smtp-check-[a-z]+(?:-[a-z]+)*)"', t)})
settings["auth"] = "mda-remote/smtp-send.c"


def items(page):
    """Names of the items under SETTINGS."""
    part = re.search(r"^\.Sh SETTINGS\n(.*?)(?=^\.Sh )", page, re.S | re.M)
    for line in re.findall(r"^\.It Pa (.+)$", part.group(1) if part else "", re.M):
        for name in line.split(" Ta ")[0].split(" , "):
            yield re.sub(r"^etc/", "", name.split()[0]).split("/")[0]


listed = [n for page, t in pages.items() if page != "postern" for n in items(t)]
overview = [n for n in items(pages["postern"]) if n != "tls"]  # a folder of keys, in tls-keeper(8)
none([f"{n} ({f}): {listed.count(n)}" for n, f in sorted(settings.items()) if listed.count(n) != 1], "every setting is in one program's page")
none([f"{n} ({f}): {overview.count(n)}" for n, f in sorted(settings.items()) if overview.count(n) != 1], "every setting is in postern(7), once")
none(sorted(set(listed + overview) - set(settings)), "no page has a setting that nobody reads")
limits = subprocess.run(["scripts/limits"], capture_output=True, text=True).stdout
tap.ok(limits == open("doc/limits.md", encoding="utf-8").read(), "doc/limits.md is what scripts/limits makes of every limits.h",
       "scripts/limits > doc/limits.md")

shell = [s for s in glob.glob("scripts/*") + glob.glob(".ci/run") if os.path.isfile(s) and open(s).readline().startswith("#!/bin/sh")]
check = subprocess.run(["shellcheck", "-s", "sh", "-S", "warning", "-e", "SC1091,SC2086,SC2154,SC2034,SC2010", "-P", "scripts"] + shell + ["tests/run"],
                       capture_output=True, text=True)
tap.ok(check.returncode == 0, "shell scripts are clean", check.stdout)
tap.done()
