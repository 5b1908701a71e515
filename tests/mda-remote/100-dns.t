#!/usr/bin/env python3
"""What each answer of the DNS means for the mail: real servers (nsd, signed zones), with faults between them and us."""
import os, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Faults, Nsd
from instance import tap, wait_for
from ports import free_port
from smtppeer import Peer, Remote

good, second, ours = "127.0.9.1", "127.0.9.2", "127.0.9.3"
hosts = f"mx1 A {good}\nmx2 A {second}\n"
label = "x" * 60
ZONES = {
    "test": "",
    "signed.test": hosts + f"""
ok MX 10 mx1
no-mx A {good}
null MX 0 .
null-and-host MX 0 .
null-and-host MX 10 mx1
alias CNAME ok
mx-alias MX 10 mx-alias-host
mx-alias-host CNAME mx1
tampered MX 10 mx1
tampered-host MX 10 bad
bad A {good}
tampered-first MX 10 bad
tampered-first MX 20 mx2
cname-loop CNAME cname-loop2
cname-loop2 CNAME cname-loop
mx-loop MX 10 cname-loop
syntax MX 10 not\\032a\\047host
syntax-and-host MX 5 not\\032a\\047host
syntax-and-host MX 10 mx1
number MX 10 192.0.2.1.
gone MX 10 nowhere
localhost MX 10 localhost.
sub-localhost MX 10 a.localhost.
behind-localhost MX 5 mx1
behind-localhost MX 10 localhost.
me MX 10 mx.home.test.
me-worse MX 5 mx2
me-worse MX 10 MX.Home.test.
me-worse MX 20 mx1
other-name MX 10 us
other-name MX 20 mx1
us A {ours}
other-name-second MX 5 closed
other-name-second MX 10 us
closed A 127.0.9.9
""" + "".join(f"many MX {i} nowhere{i}\n" for i in range(1, 40)) + "many MX 0 mx1\n"
    + "".join(f"wide A 127.1.{i}.1\n" for i in range(1, 100)) + f"wide A {good}\nwide-mx MX 10 mx1\n"
    + "".join(f"wide-mx MX 20 {label}{i}.{label}\n" for i in range(60)),
    "expired.test": hosts + "@ MX 10 mx1\n",
    "plain.test": hosts + "@ MX 10 mx1\n",
    "unsigned.test": hosts + "@ MX 10 mx1\n",  # its signatures are gone, its DS record is not
    "faulty.test": hosts + "".join(f"{f} MX 10 mx1\nhost-{f} MX 10 {f}-host\n{f}-host A {good}\nnext-{f} MX 10 {f}-host\nnext-{f} MX 20 mx2\n"
                                   for f in ("drop", "servfail", "refused", "garbage", "truncate")),
}
RULES = [(f"{f}-host.faulty.test", 0, f) for f in ("drop", "servfail", "refused", "garbage", "truncate")] + \
        [(f"{f}.faulty.test", 15, f) for f in ("drop", "servfail", "refused", "garbage", "truncate")] + [("wide-mx.signed.test", 15, "truncate")]
DONE, WAITS = lambda ip=good: ("delivered", "2.0.0", ip), lambda status="4.4.3": ("deferred", status, '""')
FAILS = lambda status: ("failed", status, '""')
CASES = {
    "ok.signed": DONE(), "no-mx.signed": DONE(), "alias.signed": DONE(), "mx-alias.signed": DONE(), "plain": DONE(),
    "null.signed": FAILS("5.1.10"), "null-and-host.signed": DONE(), "missing.signed": FAILS("5.1.2"), "gone.signed": FAILS("5.4.4"),
    "tampered.signed": WAITS("4.7.5"), "tampered-host.signed": WAITS("4.7.5"), "tampered-first.signed": DONE(second), "expired": WAITS("4.7.5"),
    "unsigned": WAITS("4.7.5"),
    "cname-loop.signed": WAITS(), "mx-loop.signed": WAITS(), "syntax.signed": FAILS("5.4.4"), "syntax-and-host.signed": DONE(), "number.signed": None,
    "localhost.signed": FAILS("5.4.6"), "sub-localhost.signed": FAILS("5.4.6"), "behind-localhost.signed": DONE(), "me.signed": FAILS("5.4.6"),
    "me-worse.signed": DONE(second), "other-name.signed": ("failed", "5.4.6", ours), "other-name-second.signed": ("deferred", "4.4.6", ours),
    "many.signed": DONE(), "wide-mx.signed": DONE(), "wide.signed": None,
    **{f"{f}.faulty": WAITS() for f in ("drop", "servfail", "refused", "garbage")},
    **{f"host-{f}.faulty": WAITS() for f in ("drop", "servfail", "refused", "garbage")},
    **{f"next-{f}.faulty": DONE(second) for f in ("drop", "servfail", "refused", "garbage")},
    "truncate.faulty": DONE(), "host-truncate.faulty": DONE(),
}
SAYS = {"tampered.signed": "tampered.signed.test", "expired": "expired", "servfail.faulty": "SERVFAIL", "refused.faulty": "DNS answers"}


def tamper(text):
    """Records other than those that were signed."""
    out = []
    for line in text.split("\n"):
        if line.startswith("tampered.signed.test.") and "\tMX\t" in line and "RRSIG" not in line:
            line = line.replace("mx1", "mx2")
        if line.startswith("bad.signed.test.") and "\tA\t" in line and "RRSIG" not in line:
            line = line.replace(good, second)
        out.append(line)
    return "\n".join(out)


def words(r, address):
    wait_for(lambda: r.log(f"to={address} "), f"a verdict for {address}\n" + "\n".join(r.lines[-8:]))
    line = r.log(f"to={address} ")[0]
    return dict(w.split("=", 1) for w in line.split(" ") if "=" in w), line


port = free_port()
strip = lambda text: "\n".join(l for l in text.split("\n") if "RRSIG" not in l)
with Nsd(ZONES, signed=("test", "signed.test", "expired.test", "unsigned.test"), expired=("expired.test",),
         tamper={"signed.test": tamper, "unsigned.test": strip}) as nsd, Faults(nsd.port, RULES) as dns, \
        Peer(good, port), Peer(second, port), Peer(ours, port, script={"EHLO": "250 MX.HOME.TEST hello"}) as us, \
        Remote({"smtp-port": port, "resolver": f"127.0.0.1@{dns.port}", "resolver-anchor": nsd.anchor, "retry-min": "1h", "retry-max": "2h",
                "host-retry-min": "1h", "host-retry-max": "2h"}) as r:
    # Can DANE be in use here?
    def checked(name, anchor=nsd.anchor):
        return subprocess.run(["mda-remote-dns", "-c", anchor, name], env=r.env, capture_output=True, text=True, timeout=60).returncode
    with open(f"{r.dir}/other.key", "w") as f:
        f.write("test. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
    os.chmod(r.dir, 0o755)
    for name, anchor, want, what in (("signed.test", nsd.anchor, 0, "validated"), ("unsigned.test", nsd.anchor, 1, "a resolver that drops signatures"), ("signed.test", f"{r.dir}/other.key", 1, "another anchor"),
                                     ("servfail.faulty.test", nsd.anchor, 1, "no answer"), ("drop.faulty.test", nsd.anchor, 1, "nothing at all, in time"), ("signed.test", f"{r.dir}/missing", 100, "no such anchor"),
                                     ("signed.test", r.dir, 100, "an anchor that is a directory")):
        got = checked(name, anchor)
        tap.ok(got == want, f"mda-remote-dns -c: {what}: {want}", got)
    r.start()
    r.queue([f"a@{name}.test" for name in CASES])
    for name in sorted(CASES, key=lambda n: "drop" in n):  # those that wait longest last
        got, line = words(r, f"a@{name}.test")
        got = got["event"], got["status"], got["ip"]
        if CASES[name]:
            tap.ok(got == CASES[name], f"{name}: {' '.join(CASES[name])}", got, line)
        else:  # no address of its is good, or only one of many: what counts is that it is decided
            tap.ok(got[0] in ("delivered", "deferred", "failed"), f"{name}: decided", got, line)
        if name in SAYS:
            tap.ok(SAYS[name] in line.split("reply=")[1], f"{name}: the reason is said", line)
    tap.ok(us.sessions and not any("MAIL" in l for s in us.sessions for l in s), "no mail goes to ourselves under another name", us.sessions)
    tap.ok([q for q in dns.seen if q[0] == "wide-mx.signed.test" and q[2]], "what is too large for UDP is asked over TCP")
tap.done()
