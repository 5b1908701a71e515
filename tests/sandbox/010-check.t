#!/usr/bin/env python3
"""sandbox-check: the settings, what it says, and that a service does not start where etc/require-sandbox
asks for a layer that lacks."""
import os, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap
from smtppeer import Remote

ROWS = [  # settings, POSTERN_SANDBOX before, exit code, standard output, in the log
    ({}, None, 0, "refuse,told", "seccomp=yes settings=refuse"),
    ({}, "", 0, "refuse,told", "settings=refuse"),
    ({"sandbox-violation": "refuse"}, None, 0, "refuse,told", "settings=refuse"),
    ({"sandbox-violation": "kill"}, None, 0, "kill,told", "settings=kill"),
    ({"sandbox-violation": "kill"}, "refuse", 0, "kill,told,refuse", "settings=kill"),
    ({"sandbox-violation": "die"}, None, 100, "", "etc/sandbox-violation"),
    ({"require-sandbox": ""}, None, 0, "refuse,require,told", "settings=refuse,require"),
    ({"require-sandbox": "no"}, None, 0, "refuse,told", "settings=refuse"),
    ({"require-sandbox": "perhaps"}, None, 100, "", "require-sandbox"),
    ({"require-sandbox": "yes"}, "landlock=2", 0, "refuse,require,told,landlock=2", "landlock=2"),
    ({"require-sandbox": "yes"}, "landlock=1", 111, "", "missing=landlock"),
    ({"require-sandbox": "yes"}, "landlock=0", 111, "", "this kernel lacks a layer"),
    ({"require-sandbox": "yes"}, "no-seccomp", 111, "", "missing=seccomp"),
    ({}, "no-seccomp,landlock=0", 0, "refuse,told,no-seccomp,landlock=0", "missing=both"),
    ({}, "landlock=1", 0, "refuse,told,landlock=1", "event=sandbox lowered=landlock=1"),
    ({}, "nonsense", 100, "", "bad POSTERN_SANDBOX"),
]
for settings, before, code, printed, said in ROWS:
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(d + "/etc")
        for name, value in settings.items():
            with open(f"{d}/etc/{name}", "w") as f:
                f.write(value + "\n" * bool(value))
        env = {k: v for k, v in os.environ.items() if k != "POSTERN_SANDBOX"}
        env.update({"POSTERN_DIR": d}, **({} if before is None else {"POSTERN_SANDBOX": before}))
        p = subprocess.run(["sandbox-check"], env=env, capture_output=True, text=True)
    tap.ok((p.returncode, p.stdout.strip(), said in p.stderr) == (code, printed, True), f"{settings} {before}: {code} {printed}",
           p.returncode, p.stdout, p.stderr)
# Whoever confines itself holds to it, whatever it is.
with Remote() as r:
    for program in "mda-remote", "spool-recv", "smtp-callout":
        p = subprocess.run([program], env={**r.env, "POSTERN_SANDBOX": "require,no-seccomp"}, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/")
        tap.ok(p.returncode == 111 and "etc/require-sandbox" in p.stderr, f"{program}: not without a layer", p)
tap.ok(subprocess.run(["sandbox-check", "x"], capture_output=True).returncode == 100, "an argument: usage")
tap.done()
