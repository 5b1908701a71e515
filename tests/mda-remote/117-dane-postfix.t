#!/usr/bin/env python3
"""DANE against Debian's Postfix as the receiver: the certificates that people really use. Needs root and Postfix."""
import os, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import postfixserver
from dns import Nsd
from instance import tap, wait_for
from pki import Pki, tlsa
from ports import free_port
from smtppeer import Remote

if not postfixserver.available:
    print("1..0 # SKIP needs root and postfix")
    sys.exit(0)
tmp = tempfile.TemporaryDirectory(prefix="postern-dane-postfix.")
os.chmod(tmp.name, 0o755)
pki = Pki(tmp.name)
ca = pki.authority()
leaf, expired = pki.leaf(ca, "*.dane.test"), pki.leaf(ca, "*.dane.test", expired=True)
port = free_port()
# name: (TLSA, certificate or none, wanted event, status, verified)
CASES = {
    "ee": ([tlsa(3, 1, 1, leaf)], leaf, "delivered", "2.0.0", "dane"),
    "ee-expired": ([tlsa(3, 1, 1, expired)], expired, "delivered", "2.0.0", "dane"),
    "ta": ([tlsa(2, 0, 1, ca[0])], leaf, "delivered", "2.0.0", "dane"),
    "rollover": (["3 1 1 " + "00" * 32, tlsa(3, 1, 1, leaf)], leaf, "delivered", "2.0.0", "dane"),
    "wrong": (["3 1 1 " + "00" * 32], leaf, "deferred", "4.7.5", ""),
    "ta-expired": ([tlsa(2, 0, 1, ca[0])], expired, "deferred", "4.7.5", ""),
    "clear": ([tlsa(3, 1, 1, leaf)], None, "deferred", "4.7.4", ""),
    "none": ([], leaf, "delivered", "2.0.0", ""),
    "none-clear": ([], None, "delivered", "2.0.0", ""),
}
zone, services = "", {}
for i, (name, (records, cert, *_)) in enumerate(CASES.items()):
    ip = f"127.0.11.{i + 1}"
    zone += f"{name} MX 10 mx-{name}\nmx-{name} A {ip}\n" + "".join(f"_{port}._tcp.mx-{name} TLSA {r}\n" for r in records)
    services[ip, port] = {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": cert, "smtpd_tls_key_file": pki.key} if cert else {"smtpd_tls_security_level": "none"}
with Nsd({"test": "", "dane.test": zone}, signed=("test", "dane.test")) as nsd, postfixserver.Postfix(services) as postfix, \
        Remote({"smtp-port": port, "resolver": f"127.0.0.1@{nsd.port}", "resolver-anchor": nsd.anchor, "retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h",
                "host-retry-max": "2h", "remote-messages-per-connection": 1}) as r:
    r.start()
    r.queue([f"a@{name}.dane.test" for name in CASES])
    for name, (_, cert, event, status, verified) in CASES.items():
        to = f"a@{name}.dane.test"
        wait_for(lambda: r.log(f"to={to} "), f"a verdict for {to}\n" + "\n".join(r.lines[-8:]))
        line = r.log(f"to={to} ")[0]
        connected = r.log("event=connect", f"host=mx-{name}.dane.test ")
        tap.ok(f"event={event} " in line and f"status={status} " in line, f"{name}: {event} {status}", line, postfix.log()[-1500:])
        if event == "delivered":
            tap.ok(connected and f"verified={verified or chr(34) * 2}" in connected[0] and ("tls=TLSv1.3" in connected[0]) == bool(cert), f"{name}: verified: {verified or 'no'}", connected)
    # Postfix does not know REQUIRETLS, so it must not get such mail, DANE or not (RFC 8689 4.2.1).
    r.queue("q@ee.dane.test", mail="REQUIRETLS", sender="s@none.dane.test")
    wait_for(lambda: r.log("to=q@ee.dane.test "), "the verdict on REQUIRETLS")
    tap.ok("status=5.7.30" in r.log("to=q@ee.dane.test ")[0], "REQUIRETLS: 5.7.30", r.log("to=q@ee"))
    wait_for(lambda: r.log("event=delivered", "to=s@none.dane.test "), "its notification\n" + "\n".join(r.lines[-5:]))
    tap.ok("from=<>" in postfix.log() and "TLSv1.3" in postfix.log(), "its notification arrives", postfix.log()[-1500:])
    # A session is taken up again, also where Postfix gives no new one for it.
    for i in range(2):
        r.queue(f"b{i}@ee.dane.test")
        wait_for(lambda: r.log("event=delivered", f"to=b{i}@ee.dane.test "), "delivery")
        line = r.log("event=connect", "host=mx-ee.dane.test ")[-1]
        tap.ok("session=reused" in line and "verified=dane" in line, "the session is taken up again", line, postfix.log()[-1500:])
tap.done()
