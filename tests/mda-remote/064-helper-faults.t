#!/usr/bin/env python3
"""Kill -9 of mda-remote-sts and of sendmail, which queues by itself while nothing runs, at each of their system calls. Of the one: the policy is fetched all the same, and the mail
goes once, by it. Of the other: what it said is queued is there, whole and once; never half a message. (A sample; all with FAULTS_ALL=1. SEED.)"""
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


# ---- mda-remote-sts

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

# ---- sendmail with nothing running

TEXT = "From: me@home.test\nTo: a@x.test\nSubject: x\nDate: Sun, 22 Nov 2026 15:04:05 +0000\nMessage-ID: <a@home.test>\n\n" + ("y" * 70 + "\n") * 3000


def send(words=()):
    """(what is wrong, its exit code): one message, into a spool of its own."""
    with Remote() as r:
        p = subprocess.run([*words, "sendmail", "-f", "me@home.test", "a@x.test"], input=TEXT.encode(), env=r.env, capture_output=True, cwd="/", timeout=120)  # until spool-recv has ended, too
        whole = [open(f, "rb").read() for f in r.files().values()]
        bad = []
        if len(whole) > 1 or (not p.returncode and len(whole) != 1):
            bad.append(f"exit {p.returncode}, {len(whole)} messages")
        for w in whole:
            length = int(re.search(rb"\nl 0*(\d+)", w)[1])
            if len(w.split(b"\n\n", 1)[1]) != length or w.count(b"y" * 70 + b"\n") != 3000:
                bad.append("half a message")
        return bad and bad + [p.stderr.decode()[-300:]], p.returncode


trace = f"{trace}/two"
bad, code = send(["strace", "-qq", "-o", trace])
calls = syscalls.count(trace)
tap.ok(not bad and code == 0 and calls["write"] + calls["writev"] + calls["sendmsg"] + calls["sendto"], "sendmail under strace: queued", bad, code, calls)
some = syscalls.sample(points(calls), 40)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    wrong = [(p, b) for p, (b, _) in zip(some, pool.map(lambda p: send(syscalls.prefix(p[2], p[0], p[1])), some)) if b]
tap.ok(not wrong, f"a call of sendmail is the last: {len(some)} runs", *wrong[:5])
scratch.__exit__()
print(f"# proof: sendmail and the helpers, killed at any call | {syscalls.tried} | {tap.failed}")
tap.done()
