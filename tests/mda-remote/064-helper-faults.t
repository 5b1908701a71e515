#!/usr/bin/env python3
"""Kill -9 of mda-remote-sts at each of its system calls: the policy is fetched all the same, and the mail goes once, by it. (A sample; all with
FAULTS_ALL=1. SEED.)"""
import concurrent.futures, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import syscalls
from dns import Nsd
from instance import tap
from policyhost import Https, https, policy
from smtppeer import ALL, BIN, Peer, Remote, certificate, server_tls

if why := syscalls.missing():
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
KILL = ["signal=KILL"]
SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}


def points(calls):
    return [(c, n + 1, "signal=KILL") for c, k in calls.items() for n in range(k)]


def fetch(words):
    """A message to a domain whose policy is enforced; the first mda-remote-sts runs behind these words. What is wrong."""
    with Peer("127.0.0.11", ext=ALL + ["STARTTLS"], tls=server_tls(*certs["mx.p.test"])) as peer, Remote({**SLOW, "smtp-port": peer.port, "resolver": f"127.0.0.1@{nsd.port}", "tls-ca": ca, "mta-sts-port": host.server_port}) as r:
        os.mkdir(f"{r.dir}/bin")
        with open(f"{r.dir}/bin/mda-remote-sts", "w") as f:
            f.write(f'#!/bin/sh\nmkdir {r.dir}/run/once 2>/dev/null || exec {BIN}/mda-remote-sts "$@"\nexec {words} {BIN}/mda-remote-sts "$@"\n')
        os.chmod(f.name, 0o755)
        os.chmod(f"{r.dir}/run", 0o777)
        r.env["PATH"] = f"{r.dir}/bin:" + r.env["PATH"]
        r.queue("a@p.test")
        r.start()
        r.wait("event=delivered", "to=a@p.test")
        r.wait_empty()
        bad = []
        if len(peer.messages) != 1 or r.log("event=deferred") or r.log("event=failed"):
            bad.append(f"{len(peer.messages)} times")
        if not r.log("event=mta-sts", "mode=enforce") or not r.log("event=connect", 'verified=pkix'):
            bad.append("its policy was passed over")
        return bad and bad + r.lines[-8:]


scratch = Remote()
certs = {n: certificate(scratch.dir, n) for n in ("mx.p.test", "mta-sts.p.test")}
ca = f"{scratch.dir}/ca"
with open(ca, "w") as f:
    f.write("".join(open(c).read() for c, _ in certs.values()))
for path in ca, scratch.dir:
    os.chmod(path, 0o755)
Https.policies["p"] = policy()
host = https("127.0.0.1", 0, *certs["mta-sts.p.test"])
with Nsd({"p.test": '@ MX 10 mx\nmx A 127.0.0.11\n_mta-sts TXT "v=STSv1; id=1"\nmta-sts A 127.0.0.1\n'}) as nsd:
    trace = f"{scratch.dir}/traces"
    os.mkdir(trace)
    os.chmod(trace, 0o777)
    bad = fetch(f"strace -D -qq -o {trace}/one")
    calls = syscalls.count(f"{trace}/one")
    tap.ok(not bad and calls["sendmsg"] and calls["recvmsg"], "mda-remote-sts under strace: as ever", bad, calls)
    some = syscalls.sample(points(calls), 12)
    # The one that answers, and the one that takes the question, are always among them.
    some += [p for p in (("sendmsg", calls["sendmsg"], "signal=KILL"), ("recvmsg", 1, "signal=KILL")) if p not in some]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        wrong = [(p, b) for p, b in zip(some, pool.map(lambda p: fetch(" ".join(["strace", "-D", *syscalls.prefix(p[2], p[0], p[1])[1:]])), some)) if b]
    tap.ok(not wrong, f"a call of mda-remote-sts is the last: {len(some)} runs", *wrong[:5])

scratch.__exit__()
print(f"# proof: sendmail and the helpers, killed at any call | {syscalls.tried} | {tap.failed}")
tap.done()
