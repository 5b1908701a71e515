#!/usr/bin/env python3
"""TLSRPT (RFC 8460): what mda-remote counts, its files' limits, and what postern-tlsrpt makes of them."""
import datetime, json, os, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Nsd
from instance import tap, wait_for
from smtppeer import ALL, Peer, Remote, certificate, server_tls

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h", "mta-sts": "off"}
ZONE = """
@ MX 10 mx
mx A 127.0.0.1
plain MX 10 mx
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@p.test,https://p.test/r"
_smtp._tls.two TXT "v=TLSRPTv1; rua=mailto:a@p.test"
_smtp._tls.two TXT "v=TLSRPTv1; rua=mailto:b@p.test"
_smtp._tls.other TXT "v=spf1 -all"
_smtp._tls.norua TXT "v=TLSRPTv1;"
_smtp._tls.ftp TXT "v=TLSRPTv1; rua=ftp://p.test"
_smtp._tls.extra TXT "v=TLSRPTv1;x=y ;rua= mailto:x@p.test ; z=1"
"""
LINES = """policy p.test sts version: STSv1|mode: enforce|mx: mx.p.test|mx:  *.m.p.test|max_age: 86400|
7 p.test sts successful mx.p.test 192.0.2.1 192.0.2.9 \n2 p.test sts certificate-expired mx.p.test 192.0.2.1 192.0.2.9 certificate has "expired"
3 p.test sts certificate-expired mx.p.test 192.0.2.1 192.0.2.9 certificate has "expired"
1 p.test sts sts-policy-fetch-error - - - connection refused
4 p.test none starttls-not-supported mx.p.test 2001:db8::1 2001:db8::9 no
policy q.test tlsa _25._tcp.mx.q.test. IN TLSA 3 1 1 00|
5 q.test tlsa successful mx.q.test 192.0.2.2 - \n1 q.test tlsa tlsa-invalid mx.q.test 192.0.2.2 - none of the TLSA records can be used
nonsense
0 p.test sts successful a b c d
policy
9 short
1 p.test sts successful mx.p.test 192.0.2.1 192.0.2.9 cut off"""
WANT = {"organization-name": "mx.home.test", "contact-info": "postmaster@mx.home.test", "report-id": "2026-01-02.p.test@mx.home.test",
        "date-range": {"start-datetime": "2026-01-02T00:00:00Z", "end-datetime": "2026-01-02T23:59:59Z"},
        "policies": [
            {"policy": {"policy-type": "no-policy-found", "policy-domain": "p.test"},
             "summary": {"total-successful-session-count": 0, "total-failure-session-count": 4},
             "failure-details": [{"result-type": "starttls-not-supported", "receiving-mx-hostname": "mx.p.test", "receiving-ip": "2001:db8::1", "sending-mta-ip": "2001:db8::9",
                                  "failed-session-count": 4, "failure-reason-code": "no"}]},
            {"policy": {"policy-type": "sts", "policy-domain": "p.test", "mx-host": ["mx.p.test", "*.m.p.test"],
                        "policy-string": ["version: STSv1", "mode: enforce", "mx: mx.p.test", "mx:  *.m.p.test", "max_age: 86400"]},
             "summary": {"total-successful-session-count": 7, "total-failure-session-count": 6},
             "failure-details": [{"result-type": "certificate-expired", "receiving-mx-hostname": "mx.p.test", "receiving-ip": "192.0.2.1", "sending-mta-ip": "192.0.2.9",
                                  "failed-session-count": 5, "failure-reason-code": 'certificate has "expired"'},
                                 {"result-type": "sts-policy-fetch-error", "failed-session-count": 1, "failure-reason-code": "connection refused"}]}]}

with Nsd({"p.test": ZONE}) as nsd, Remote({**SLOW, "resolver": f"127.0.0.1@{nsd.port}"}) as r:
    cert, key = certificate(r.dir, "mx.p.test")

    def tool(*arguments):
        p = subprocess.run(["postern-tlsrpt", *arguments], env=r.env, capture_output=True, text=True, cwd="/", timeout=60)
        return p.returncode, p.stdout, p.stderr

    def put(day, text, size=None):
        path = f"{r.dir}/spool/tlsrpt/{day}"
        with open(path, "w") as f:
            f.write(text)
            if size:
                f.truncate(size)
        if os.getuid() == 0:
            os.chown(path, 65534, 65534)
        return path

    # Counted while mail goes.
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    r.start()
    old, young = put("2020-01-01", LINES), put("2999-01-01", LINES)
    with Peer(ext=ALL + ["STARTTLS"], tls=server_tls(cert, key)) as peer:
        r.set("smtp-port", peer.port)
        r.stop()
        r.start()
        for i in range(3):
            r.queue(f"{i}@p.test")
            r.wait(f"to={i}@p.test ")
        peer.ext, peer.tls = ALL, None
        r.stop()
        r.start()
        r.queue("a@plain.p.test")
        r.wait("to=a@plain.p.test ")
    r.stop()
    code, out, err = tool("-n", today)
    days = sorted(os.listdir(f"{r.dir}/spool/tlsrpt"))
    text = "".join(open(f"{r.dir}/spool/tlsrpt/{d}").read() for d in days if "2020" < d < "2999")
    tap.ok("p.test none successful mx.p.test 127.0.0.1" in text, "a session that went well is counted", text, r.lines)
    tap.ok("1 plain.p.test none starttls-not-supported mx.p.test 127.0.0.1 127.0.0.1 " in text, "one without STARTTLS is", text)
    tap.ok(not os.path.exists(old) and os.path.exists(young), "days that are too old go", days)
    day = [d for d in days if "2020" < d < "2999"][-1]
    code, out, err = tool("-n", day)
    tap.ok(code == 0 and "p.test\n" in out and "no-policy-found" in out and "starttls-not-supported mx.p.test 127.0.0.1" in out, "shown", out, err)
    # A day has a limit.
    path = put(today, "", 32 << 20)
    tomorrow = put((datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%d"), "", 32 << 20)
    with Peer(ext=ALL) as peer:
        r.set("smtp-port", peer.port)
        r.start()
        r.queue("full@p.test")
        r.wait("event=tlsrpt", "state=full")
        tap.ok(os.path.getsize(path) == 32 << 20, "what is beyond the limit of a day is not written, and said")
        r.stop()
    # The tool.
    put("2026-01-02", LINES)
    code, out, err = tool("--json", "2026-01-02", "p.test")
    got = json.loads(out) if code == 0 else err
    for key in WANT:
        tap.ok(isinstance(got, dict) and got.get(key) == WANT[key], f"JSON: {key}", got)
    code, out, err = tool("-jn", "2026-01-02", "Q.test")
    got = json.loads(out)["policies"]
    tap.ok(got and got[0]["policy"] == {"policy-type": "tlsa", "policy-domain": "q.test", "policy-string": ["_25._tcp.mx.q.test. IN TLSA 3 1 1 00"]}, "JSON: TLSA records", got)
    code, out, err = tool("2026-01-02", "p.test")
    tap.ok(code == 0 and "\tsts: 7 successful, 6 failed\n\t\t5 certificate-expired mx.p.test 192.0.2.1 192.0.2.9 " in out and "q.test" not in out
           and out.endswith("wants reports at mailto:tls@p.test,https://p.test/r\n"), "one domain, and where it wants reports", out, err)
    code, out, err = tool("2026-01-02")
    tap.ok(code == 0 and "p.test\n" in out and "\nq.test\n" in out, "all domains", out)
    tap.ok(tool("-n", "2026-01-03") == (0, "nothing on 2026-01-03\n", ""), "a day without anything")
    tap.ok(json.loads(tool("-jn", "2026-01-03", "p.test")[1])["policies"] == [], "and as JSON")
    for domain in "none", "two", "other", "norua", "ftp":
        code, out, err = tool("-j", "2026-01-02", f"{domain}.p.test")
        tap.ok(code == 1 and not out and "asks for no reports" in err, f"{domain}: asks for no reports", code, err)
    tap.ok(tool("2026-01-02", "extra.p.test")[1].endswith("wants reports at mailto:x@p.test\n"), "other fields and blanks")
    for bad in ["-x"], ["-j"], ["2026-01-02", "a b"], ["../../etc/passwd"], ["2026-01-02", "p.test", "more"]:
        code, out, err = tool(*bad)
        tap.ok(code == 100 and "usage" in err, f"usage: {' '.join(bad)}", code, err)
    code, out, err = tool("-j", "2026-01-02", "not-served.example")
    tap.ok(code == 111 and not out, "the DNS does not answer", code, err)
tap.done()
