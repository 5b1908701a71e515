#!/usr/bin/env python3
"""doc/supply.md: no program links what it does not state, none has more lines of ours than its ceiling, and no more of them run with some rights
than is stated; and scripts/trusted-lines tells when that is not so. BUDGET 6 CPU s."""
import os, re, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import ROOT, tap

os.chdir(ROOT)
STATED = open("doc/supply.md", encoding="utf-8").read()


def look(*words):
    return subprocess.run(["scripts/trusted-lines", *words], capture_output=True, text=True, timeout=300)


def told(text, *expected):
    """What is said of other tables."""
    with tempfile.NamedTemporaryFile("w", suffix=".md") as f:
        f.write(text)
        f.flush()
        done = look("-c", "-t", f.name)
    return done.returncode == 1 and all(re.search(e, done.stdout) for e in expected) or done


now = look("-c")
tap.ok(now.returncode == 0, "nothing is beyond what doc/supply.md states", now.stdout, now.stderr)
less = re.sub(r"(?m)^(\| `(?:imap|tlsd)` \| )\d+", r"\g<1>1", STATED).replace(", libz |", " |").replace("libc, libunbound", "libc")
less = re.sub(r"(?m)^(\| root \| )\d+", r"\g<1>10", less).replace("`login_parent_serve`", "`nosuch`", 1)
less = re.sub(r"(?m)^\| `preline`.*\n|^.*\| `mailq` \| adm.*\n", "", less) + "| `imap-server` | 10 | | |\n"
tap.run("a ceiling, a library, rights, an entry, a program that is not there: each is told", told, less, "imap: .* lines, its ceiling is 1\n", "tlsd: ",
        "imap: links in libgcc, libskarnet, libunistring, libz, stated is libgcc, libskarnet, libunistring\n", "mda-remote-dns: loads libc, libunbound",
        "as root: .* the ceiling is 10\n", "@nosuch: nothing is linked", "preline: not in the table", "mailq: no row says")
shown = look()
tap.ok(shown.returncode == 0 and len(re.findall(r"(?m)^\| `\S+` \| [1-9]\d* \|", shown.stdout)) == len(os.listdir("build/bin")) + 1, "a figure for every program", shown.stdout)
for words in (["-x"], ["a", "b"]):
    tap.ok(look(*words).returncode == 100, f"{words}: usage")
tap.ok(look("/nonexistent").returncode == 111, "nothing built: 111")
print(f"# proof: no program links, or runs with rights, more than is stated | {len(os.listdir('build/bin'))} | {tap.failed}")
tap.done()
