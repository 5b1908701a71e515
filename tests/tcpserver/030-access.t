#!/usr/bin/env python3
"""tcpserver-access: rules from a directory and a cdb, what they set, the environment, exit codes."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tcpserver import *

ACCESS = os.environ.get("TCPSERVER_ACCESS", "tcpserver-access")
TMP = tempfile.TemporaryDirectory()
RULES = TMP.name + "/rules"


def rule(name, verdict, env={}, execute=None):
    d = "%s/%s" % (RULES, name)
    os.makedirs(d + "/env")
    open(d + "/" + verdict, "w").close()
    for key, value in env.items():
        with open(d + "/env/" + key, "w") as f:
            f.write(value)
    if execute:
        with open(d + "/exec", "w") as f:
            f.write(execute)


rule("ip4/127.0.0.1_32", "allow", {"RELAYCLIENT": "\n", "COLOUR": "blue\n"})
rule("ip4/192.0.2.0_24", "allow", {"NET": "24\n"})
rule("ip4/192.0.2.128_25", "deny")
rule("ip4/198.51.100.7_32", "allow", execute="echo instead")
rule("ip6/2001:db8::_32", "allow", {"SIX": "yes\n"})
BASE = {"PATH": os.environ["PATH"], "PROTO": "TCP", "TCPLOCALIP": "127.0.0.1", "TCPLOCALPORT": "25",
        "TCPREMOTEIP": "127.0.0.1", "TCPREMOTEPORT": "1234"}


def run(options, prog=["env"], **env):
    e = {k: v for k, v in dict(BASE, **env).items() if v is not None}
    return subprocess.run([ACCESS] + options + prog, env=e, capture_output=True, text=True, timeout=120)


backends = [("directory", ["-i", RULES])]
if shutil.which("s6-accessrules-cdb-from-fs"):
    subprocess.run(["s6-accessrules-cdb-from-fs", TMP.name + "/cdb", RULES], check=True)
    backends.append(("cdb", ["-x", TMP.name + "/cdb"]))
CASES = [("127.0.0.1", 0, "COLOUR=blue\n"), ("127.0.0.1", 0, "RELAYCLIENT=\n"), ("192.0.2.1", 0, "NET=24\n"),
         ("192.0.2.129", 1, None), ("198.51.100.7", 0, "instead\n"), ("198.51.100.8", 1, None),
         ("2001:db8::1", 0, "SIX=yes\n"), ("2001:db9::1", 1, None), ("::ffff:192.0.2.1", 0, "NET=24\n")]
for name, options in backends:
    for ip, code, wanted in CASES:
        if "instead" in (wanted or "") and not shutil.which("execlineb"):
            continue
        r = run(options, TCPREMOTEIP=ip)
        ok(r.returncode == code and (wanted is None or wanted in r.stdout),
           "%s: %s %s %s" % (name, ip, "denied" if code else "allowed", (wanted or "").strip()), r)
r = run(["-i", RULES], TCPREMOTEIP="192.0.2.129")
ok(r.stderr.startswith("tcpserver-access: info: deny pid ") and r.stderr.endswith(" ip 192.0.2.129\n"),
   "a refusal is logged", r.stderr)
same(run(["-v", "0", "-i", RULES], TCPREMOTEIP="192.0.2.129").stderr, "", "not with -v 0")
ok(" ip 127.0.0.1\n" in run(["-v", "2", "-i", RULES]).stderr, "-v 2 logs who is allowed")
same(run([]).returncode, 0, "no rules: everybody")
r = run(["-l", "mx.example.test", "-HRWPd"], TCPREMOTEHOST="x", TCPREMOTEINFO="y")
ok("TCPLOCALHOST=mx.example.test\n" in r.stdout, "-l", r)
ok("TCPREMOTEHOST" not in r.stdout and "TCPREMOTEINFO" not in r.stdout, "names are not passed on", r)
same(run(["-B", "hello "], ["echo", "world"]).stdout, "hello world\n", "-B")
same(run(["-t", "5000"], ["echo", "in time"]).stdout, "in time\n", "-t")
for name in ["PROTO", "TCPLOCALIP", "TCPLOCALPORT", "TCPREMOTEIP", "TCPREMOTEPORT"]:
    r = run([], **{name: None})
    ok(r.returncode == 100 and name in r.stderr, "without %s: 100" % name, r)
same(run([], TCPREMOTEIP="nonsense").returncode, 100, "a bad address: 100")
for options in (["-r"], ["-p"], ["-w"], ["-h"], ["-v", "x"], ["-Q"]):
    same(run(options).returncode, 100, "unknown or bad option %s: 100" % options[0])
same(run(["-x", TMP.name + "/missing"]).returncode, 111, "a missing cdb: 111")
same(run(["-i", RULES], [TMP.name + "/missing"]).returncode, 127, "a missing program: 127")

s = Server(["-Q"], [ACCESS, "-D", "-i", RULES, "sh", "-c", "echo $COLOUR"])
same(s.talk(), b"blue\n", "behind tcpserver")
s.stop()
done()
