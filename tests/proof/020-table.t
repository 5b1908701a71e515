#!/usr/bin/env python3
"""tests/proof/run: what makes its table fail; and that every test it names is there, and every promise has one. BUDGET 2 CPU s."""
import os, re, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import ROOT, tap

os.chdir(ROOT)
GOOD = "echo ok 1; echo '# proof: all of it | 12 points | 0 failed'; echo 1..1"
PLAIN = "echo ok 1; echo ok 2 - more; echo 1..2"


def table(*rigs, numbers=range(1, 11), words=()):
    """Of rigs (shell scripts) for the last promise, and a good one for each other: exit code and the table."""
    with tempfile.TemporaryDirectory() as d:
        lines = []
        for i, (number, text) in enumerate([(n, PLAIN) for n in numbers if n < 10] + [(10, r) for r in rigs]):
            with open(f"{d}/{i}.t", "w") as f:
                f.write("#!/bin/sh\n" + text + "\n")
            os.chmod(f"{d}/{i}.t", 0o755)
            lines.append(f"{number} {d}/{i}.t  # a rig\n")
        with open(f"{d}/promises", "w") as f:
            f.write("# none\n\n" + "".join(lines))
        done = subprocess.run(["tests/proof/run", "-p", f"{d}/promises", *words], capture_output=True, text=True)
        return done.returncode, done.stdout


def case(name, want, pattern, *rigs, **more):
    code, text = table(*rigs, **more)
    tap.ok(code == want and re.search(pattern, text, re.M), name, code, text)


case("all is well", 0, r"^10\. .* 14 +0$", GOOD, PLAIN)
case("a line with points counts, not the checks", 0, r"all of it +12 +0$", GOOD)
case("two lines, one of another promise", 0, r"^4\. .* 7 +0$(?:\n.*)+^10\. .* 3 +0$", "echo ok 1; echo '# proof: own | 3 | 0'; echo '# proof: 4. other | 5 | 0'; echo 1..1")
case("a point failed", 1, r"all of it +12 +1$", GOOD.replace("0 failed", "1 failed"))
case("a check failed though the line does not say so", 1, r"all of it +12 +1  not ok$", GOOD.replace("echo ok 1", "echo not ok 1"))
case("a check failed, and there is no line", 1, r"^10\. .* 2 +1$", PLAIN.replace("echo ok 2", "echo not ok 2"))
case("it died", 1, r" 1 +1  ended with 3", "echo ok 1; exit 3")
case("it ended early, and well", 1, r" 1 +1  ended with 0", "echo ok 1")
case("it said nothing", 1, r" 0 +1  ended with 0", ":")
case("it was skipped", 1, r"^10\. .* 0 +0  NOT PROVEN\n.*skipped: no root$", "echo '1..0 # SKIP no root'")
case("a promise without a row", 1, r"^3\. .* 0 +0  NOT PROVEN$", GOOD, numbers=[1, 2, 4, 5, 6, 7, 8, 9])
for words in (["-x"], ["no/such/test"], ["-p", "/nonexistent"]):
    code, text = table(GOOD, words=words)
    tap.ok(code == 100 and not text, f"{' '.join(words)}: usage", code, text)

with open("tests/proof/promises", encoding="utf-8") as f:
    named = [line.split()[:2] for line in f if line.strip() and not line.startswith("#")]
tap.ok({int(n) for n, _ in named} == set(range(1, 11)), "every promise has a test", named)
missing = [t for _, t in named if "*" not in t and not os.access(t, os.X_OK)]
tap.ok(not missing, "every test is there", missing)
tap.done()
