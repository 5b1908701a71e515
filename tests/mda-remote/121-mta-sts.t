#!/usr/bin/env python3
"""MTA-STS (RFC 8461): records of a real DNS server (nsd), policies of a real HTTPS server, and where the mail goes."""
import glob, os, re, signal, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Faults, Nsd
from instance import tap, wait_for
from pki import Pki
from policyhost import Https, https, many_names, policy
from smtppeer import ALL, Peer, Remote, certificate, server_tls

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}
GOOD, STRANGER, CLEAR = "127.0.0.11", "127.0.0.12", "127.0.0.13"
RECORD = "v=STSv1; id=1;"


# name: (record(s), policy or what the HTTPS server does, MX host, how the mail goes, what is reported)
ENFORCED = "sts successful"
CASES = {
    "good": (RECORD, policy(), "mx", "tls", ENFORCED),
    "crlf": (RECORD, policy(end="\r\n"), "mx", "tls", ENFORCED),
    "wild": (RECORD, policy(mx="other.test *.p.test"), "mx", "tls", ENFORCED),
    "spaces": ("v=STSv1 ; id=abcXYZ012 ; x=y", policy(), "mx", "tls", ENFORCED),
    "split": ('v=STSv1;" " id=1', policy(), "mx", "tls", ENFORCED),
    "alias": ("CNAME", policy(), "mx", "tls", ENFORCED),
    "among": (["v=spf1 -all", RECORD, "v=STSv2; id=2"], policy(), "mx", "tls", ENFORCED),
    # Enforced: nothing goes to a host that is not named, not encrypted, or not the one.
    "stranger": (RECORD, policy(mx="stranger.p.test"), "stranger", "deferred", "sts certificate-not-trusted"),
    "clear": (RECORD, policy(mx="clear.p.test"), "clear", "deferred", "sts starttls-not-supported"),
    "unnamed": (RECORD, policy(mx="else.p.test"), "mx", "deferred", "sts validation-failure"),
    "deeper": (RECORD, policy(mx="*.test"), "mx", "deferred", "sts validation-failure"),
    "wrongname": (RECORD, policy(mx="alias.p.test"), "alias", "deferred", "sts certificate-host-mismatch"),
    # Testing: everything goes; what would have failed is reported.
    "t-stranger": (RECORD, policy("testing", "stranger.p.test"), "stranger", "tls", "sts certificate-not-trusted"),
    "t-clear": (RECORD, policy("testing", "clear.p.test"), "clear", "clear", "sts starttls-not-supported"),
    "t-unnamed": (RECORD, policy("testing", "else.p.test"), "mx", "tls", "sts validation-failure"),
    "none": (RECORD, policy("none", ""), "stranger", "tls", "none successful"),
    # No record, or one that is not valid: there is no policy.
    "norecord": (None, policy(), "clear", "clear", "none starttls-not-supported"),
    "two": ([RECORD, "v=STSv1; id=2"], policy(), "clear", "clear", "none starttls-not-supported"),
    "noid": ("v=STSv1; x=y", policy(), "clear", "clear", "none starttls-not-supported"),
    "badid": ("v=STSv1; id=a-b", policy(), "clear", "clear", "none starttls-not-supported"),
    "longid": ("v=STSv1; id=" + "a" * 33, policy(), "clear", "clear", "none starttls-not-supported"),
    # A policy that cannot be had, or is not valid.
    "nohost": (RECORD, None, "clear", "clear", "sts sts-policy-fetch-error"),
    "s404": (RECORD, 404, "clear", "clear", "sts sts-policy-fetch-error"),
    "s500": (RECORD, 500, "clear", "clear", "sts sts-policy-fetch-error"),
    "redirect": (RECORD, 302, "clear", "clear", "sts sts-policy-fetch-error"),
    "partial": (RECORD, 206, "clear", "clear", "sts sts-policy-fetch-error"),
    "drop": (RECORD, "DROP", "clear", "clear", "sts sts-policy-fetch-error"),
    "html": (RECORD, "HTML", "clear", "clear", "sts sts-policy-invalid"),
    "huge": (RECORD, policy() + "x: y\n" * 20000, "clear", "clear", "sts sts-policy-invalid"),
    "chunked": (RECORD, "ENDLESS", "clear", "clear", "sts sts-policy-invalid"),
    "webpki": (RECORD, policy(), "clear", "clear", "sts sts-webpki-invalid"),
    "unknownca": (RECORD, policy(), "clear", "clear", "sts sts-webpki-invalid"),
    "expired": (RECORD, policy(), "clear", "clear", "sts sts-webpki-invalid"),
    "noversion": (RECORD, policy(head=""), "clear", "clear", "sts sts-policy-invalid"),
    "version2": (RECORD, policy(head="version: STSv2\n"), "clear", "clear", "sts sts-policy-invalid"),
    "badmode": (RECORD, policy("always"), "clear", "clear", "sts sts-policy-invalid"),
    "badage": (RECORD, policy(age="soon"), "clear", "clear", "sts sts-policy-invalid"),
    "nomx": (RECORD, policy(mx=""), "clear", "clear", "sts sts-policy-invalid"),
    "badmx": (RECORD, policy(mx="a*.p.test"), "clear", "clear", "sts sts-policy-invalid"),
    "empty": (RECORD, "", "clear", "clear", "sts sts-policy-invalid"),
}


def zone():
    out = f"mx A {GOOD}\nstranger A {STRANGER}\nclear A {CLEAR}\nalias A {GOOD}\nrecord TXT \"{RECORD}\"\n"
    for name, (records, what, mx, *_) in CASES.items():
        out += f"{name} MX 10 {mx}\n"
        if records == "CNAME":
            out += f"_mta-sts.{name} CNAME record\n"
        else:
            for r in [records] if isinstance(records, str) else records or []:
                out += f'_mta-sts.{name} TXT "{r}"\n'
        if what is not None:
            out += f"mta-sts.{name} A 127.0.0.1{ {'unknownca': 4, 'expired': 5}.get(name, '') }\n"
    for name in "later", "renew", "both", "slow":
        out += f"{name} MX 10 mx\n{name} MX 20 clear\nmta-sts.{name} A 127.0.0.1\n_mta-sts.{name} TXT \"{RECORD}\"\n"
    return out


def reports(r):
    text = "".join(open(f).read() for f in sorted(glob.glob(f"{r.dir}/spool/tlsrpt/*")))
    return text


TLS = ALL + ["STARTTLS"]
with Remote(SLOW) as r:
    mx = many_names(r.dir, "mx", ["mx.p.test"])
    stranger = many_names(r.dir, "stranger", ["stranger.p.test"])
    web = many_names(r.dir, "web", [f"mta-sts.{n}.p.test" for n in [*CASES, "later", "renew", "both"] if n not in ("webpki", "expired")])
    foreign = many_names(r.dir, "foreign", ["mta-sts.unknownca.p.test"])
    pki = Pki(r.dir)
    authority = pki.authority()
    old = pki.leaf(authority, "mta-sts.expired.p.test", expired=True)
    with open(f"{r.dir}/ca.pem", "w") as f:
        f.write("".join(open(c).read() for c in (mx[0], web[0], authority[0])))
    os.chmod(f"{r.dir}/ca.pem", 0o644)
    Https.policies = {name: c[1] for name, c in CASES.items()}
    one = https("127.0.0.1", 0, *web)
    port = one.server_address[1]
    two = https("127.0.0.14", port, *foreign)
    three = https("127.0.0.15", port, old, pki.key)
    with Nsd({"p.test": zone()}) as nsd, Peer(GOOD, ext=TLS, tls=server_tls(*mx)) as good, \
            Peer(STRANGER, good.port, ext=TLS, tls=server_tls(*stranger)) as bad, Peer(CLEAR, good.port) as clear:
        for name, value in {"tls-ca": f"{r.dir}/ca.pem", "mta-sts-port": port, "smtp-port": good.port, "resolver": f"127.0.0.1@{nsd.port}"}.items():
            r.set(name, value)
        r.start()

        def goes(domain, to):
            r.queue(f"{to}@{domain}.p.test")
            line = r.wait(f"to={to}@{domain}.p.test ")[0]
            return "deferred" if "event=deferred" in line else "clear" if 'tls=""' in line else "tls", line

        for name in CASES:
            r.queue(f"a@{name}.p.test")
        for name, (_, _, _, want, report) in CASES.items():
            line = r.wait(f"to=a@{name}.p.test ")[0]
            how = "deferred" if "event=deferred" in line else "clear" if 'tls=""' in line else "tls"
            tap.ok(how == want, f"{name}: {want}", how, line, *r.log(f"domain={name}.p.test"))
            policy_type, result = report.split(" ")
            found = wait_for(lambda: re.search(rf"^\d+ {name}\.p\.test {policy_type} {result} ", reports(r), re.M), f"{name}: {report} among {reports(r)}")
            tap.ok(found, f"{name}: reported as {report}")
        deferred = r.log("to=a@unnamed.p.test ")[0]
        tap.ok("4.7.5" in deferred and "MTA-STS policy names none" in deferred, "the reason is told", deferred)
        # What is on disk holds when the policy host is gone and the record too, and after a restart.
        Https.policies["later"] = policy()
        tap.ok(goes("later", "a")[0] == "tls", "a policy is fetched")
        n = len(Https.asked)
        tap.ok(goes("later", "b")[0] == "tls" and len(Https.asked) == n, "and not again", Https.asked[n:])
        r.stop()
        Https.policies["later"] = 500
        good.script = {"greeting": "421 4.3.2 busy"}
        r.start()
        how, line = goes("later", "c")
        tap.ok(how == "deferred" and len(Https.asked) == n, "from disk after a restart: the other MX is not named", line, Https.asked[n:])
        good.script = {}
        r.stop()
        # A new id, or an old policy: fetched again; where that fails the old one stays to its end.
        path = f"{r.dir}/spool/policy/later.p.test"
        text = open(path).read()
        tap.ok(text.startswith("postern-policy 1\n"), "the file", text)

        def rewrite(old, id="1", age=600000, mode="enforce"):
            with open(path, "w") as f:
                f.write(f"postern-policy 1\n{int(time.time()) - old} {id}\n" + policy(mode, "else.p.test", age))
            os.chmod(path, 0o600)
            os.chown(path, *(65534, 65534) if os.getuid() == 0 else (-1, -1))

        for i, (old, id, age, answer, want, asks, what) in enumerate(((10, "9", 600000, 500, "deferred", 1, "a new id, the fetch fails: the old policy stays"),
                                                      (90000, "1", 600000, 500, "deferred", 1, "older than a day, the fetch fails: the old policy stays"),
                                                      (10, "1", 600000, policy(), "deferred", 0, "young and the same id: not fetched"),
                                                      (700, "1", 600, 500, "tls", 1, "over, the fetch fails: there is none"),
                                                      (10, "9", 600000, policy(), "tls", 1, "a new id: the new policy counts"),
                                                      (10, "9", 600000, policy("none", ""), "tls", 1, "withdrawn by mode none"),
                                                      (-90000, "1", 600000, policy(), "tls", 1, "written by a clock that was ahead: not believed"))):
            rewrite(old, id, age)
            Https.policies["later"] = answer
            n = len(Https.asked)
            r.start()
            r.queue("d@later.p.test", id=f"d{i}")
            line = r.wait(f"id=d{i}", "to=d@later.p.test ")[-1]
            how = "deferred" if "event=deferred" in line else "tls"
            if asks:
                wait_for(lambda: Https.asked[n:], "the fetch")
            tap.ok(how == want and (Https.asked[n:] == ["later"]) == bool(asks), what, how, line, Https.asked[n:])
            r.stop()
            subprocess.run(["postern-queue", "delete", f"d{i}"], env=r.env, capture_output=True)
        # Refreshed before its end though no mail comes.
        path = f"{r.dir}/spool/policy/renew.p.test"
        rewrite(90000)
        Https.policies["renew"] = policy()
        r.start()
        wait_for(lambda: "mx.p.test" in open(path).read() and "else" not in open(path).read(), "the policy is renewed")
        tap.ok(True, "a policy is renewed without mail")
        os.kill(r.children("mda-remote-sts")[0], signal.SIGKILL)
        Https.policies["both"] = policy()
        tap.ok(goes("both", "a")[0] == "tls" and "both" in Https.asked, "the fetching process dies: another one is started")
        # A server of names that leaves the question for the record unanswered holds up nothing but that.
        r.stop()
        with Faults(nsd.port, [("_mta-sts.slow.p.test", 16, "drop")]) as faults:
            r.set("resolver", f"127.0.0.1@{faults.port}")
            r.start()
            r.queue("a@slow.p.test")
            wait_for(lambda: {("_mta-sts.slow.p.test", 16), ("slow.p.test", 15)} <= {q[:2] for q in faults.seen}, "both questions")
            tap.ok(not r.log("to=a@slow"), "the record and the mail exchangers are asked for side by side, and both are waited for")
            r.stop()
        subprocess.run(["postern-queue", "flush"], env=r.env, capture_output=True)
        r.set("resolver", f"127.0.0.1@{nsd.port}")
        r.start()
        # Settings.
        n = len(r.log("settings", "read"))
        r.set("mta-sts", "off")
        os.kill(r.process.pid, signal.SIGHUP)
        wait_for(lambda: len(r.log("settings", "read")) > n, "settings")
        os.kill(r.process.pid, signal.SIGALRM)
        r.wait("event=delivered", "to=a@clear.p.test ")
        tap.ok(True, "mta-sts off: everything goes")
        r.stop()
    one.shutdown()
    two.shutdown()
    three.shutdown()
tap.done()
