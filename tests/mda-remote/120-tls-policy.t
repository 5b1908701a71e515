#!/usr/bin/env python3
"""etc/tls-policy: what each level demands of a server, as Postfix's smtp_tls_policy_maps does; which entry counts."""
import hashlib, os, ssl, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Nsd
from instance import tap
from smtppeer import ALL, DROP, BrokenTls, Peer, Remote, certificate, server_tls

TLS = ALL + ["STARTTLS"]
SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1ms", "host-retry-max": "1ms"}
ZONES = {"far.test": "@ MX 10 mx\nmx A 127.0.0.1\na.sub MX 10 mx\nsub MX 10 mx\n", "relay.test": "@ MX 10 mx.far.test.\n"}


def digest(cert, of="x509"):
    der = subprocess.run(["openssl", "x509", "-in", cert, "-outform", "DER"], capture_output=True, check=True).stdout
    if of == "key":
        pem = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-pubkey"], capture_output=True, check=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
    return hashlib.sha256(der).hexdigest()


def version(context, v):
    context.minimum_version = context.maximum_version = v
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


with Nsd(ZONES) as nsd, Peer() as peer, Remote({**SLOW, "resolver": f"127.0.0.1@{nsd.port}", "mta-sts": "off", "smtp-port": peer.port}) as r:
    mx, mx_key = certificate(r.dir, "mx.far.test")
    dom, dom_key = certificate(r.dir, "far.test")
    other, other_key = certificate(r.dir, "x.other.test")
    with open(f"{r.dir}/ca.pem", "w") as f:
        f.write("".join(open(c).read() for c in (mx, dom, other)))
    unknown, unknown_key = certificate(r.dir, "mx.far.test.unknown")
    r.set("tls-ca", f"{r.dir}/ca.pem")
    for name in "mx", "dom", "other", "unknown":
        globals()[name + "_tls"] = lambda name=name: server_tls(globals()[name], globals()[name + "_key"])
    r.start()
    n = 0

    def case(policy, want, tls=mx_tls, ext=TLS, domain="far.test", why="", script=None, routes=""):
        """want: clear, tls or deferred."""
        global n
        n += 1
        peer.wait_closed()
        peer.ext, peer.tls, peer.script = ext, tls() if tls else None, script or {}
        # Tables are read when they are needed: no signal, no other port.
        r.set("routes", routes.replace("PORT", str(peer.port)))
        r.set("tls-policy", policy)
        to = f"u{n}@{domain}"
        r.queue(to)
        line = r.wait(f"to={to} ")[0]
        how = "deferred" if "event=deferred" in line else "clear" if 'tls=""' in line else "tls"
        tap.ok(how == want and why in line, f"{policy!r}{' ' + routes if routes else ''}: {want} {why}", how, line, peer.sessions[-3:])

    # Level by level: a server with a good certificate, one unknown, one without TLS.
    good, key = digest(mx), digest(mx, "key")
    for policy, right, stranger, none in (
            ("far.test: no", "clear", "clear", "clear"), ("far.test: may", "tls", "tls", "clear"), ("far.test: encrypt", "tls", "tls", "deferred"),
            ("far.test: must", "tls", "deferred", "deferred"), ("far.test: dane", "tls", "tls", "clear"),
            ("far.test: secure match=mx.far.test", "tls", "deferred", "deferred"), (f"far.test: fingerprint={good}", "tls", "deferred", "deferred"),
            (f"far.test: fingerprint={'0' * 64}:{key.upper()}", "tls", "deferred", "deferred")):
        case(policy, right)
        case(policy, stranger, tls=unknown_tls)
        case(policy, none, tls=None, ext=ALL)
    broken = lambda: BrokenTls(b"\x15\x03\x01\x00\x02\x02\x28")
    case("far.test: may", "clear", tls=broken)
    case("far.test: encrypt", "deferred", tls=broken, why="TLS handshake")
    case("far.test: encrypt", "deferred", script={"STARTTLS": "454 4.7.0 not now"}, why="not now")
    case("far.test: encrypt", "deferred", script={"STARTTLS": DROP}, why="STARTTLS")
    # Names.
    case("far.test: must", "deferred", tls=dom_tls, why="ostname mismatch")
    case("far.test: secure", "tls", tls=dom_tls)
    case("far.test: secure", "tls")
    case("far.test: secure", "deferred", tls=other_tls, why="ostname mismatch")
    case("far.test: secure match=.other.test", "tls", tls=other_tls)
    case("far.test: secure match=other.test", "deferred", tls=other_tls)
    case("far.test: secure match=a.test:x.other.test:b.test", "tls", tls=other_tls)
    # The least version.
    old = lambda: version(mx_tls(), ssl.TLSVersion.TLSv1_2)
    case("far.test: encrypt min=1.3", "deferred", tls=old)
    case("far.test: encrypt min=1.2", "tls", tls=old)
    case("far.test: may min=1.3", "clear", tls=old)
    # Which entry counts.
    case("far.test: encrypt\n*: no", "deferred", tls=None, ext=ALL)
    case("sub.far.test: no\n.far.test: encrypt", "clear", domain="sub.far.test")
    case(".far.test: encrypt", "deferred", tls=None, ext=ALL, domain="a.sub.far.test")
    case(".sub.far.test: no\n.far.test: encrypt", "clear", domain="a.sub.far.test")
    case(".far.test: encrypt", "clear", tls=None, ext=ALL)
    case("*: encrypt", "deferred", tls=None, ext=ALL)
    # A route's own words win; without them the table speaks of where it leads.
    case("*: encrypt", "clear", tls=None, ext=ALL, routes="far.test: [127.0.0.1]:PORT tls=may")
    case("far.test: encrypt\n127.0.0.1: may", "clear", tls=None, ext=ALL, routes="far.test: [127.0.0.1]:PORT")
    case("", "tls", tls=other_tls, routes="far.test: [mx.far.test]:PORT tls=secure match=x.other.test")
    case("", "tls", routes=f"far.test: [mx.far.test]:PORT fingerprint={good}")
    case("", "deferred", tls=other_tls, routes="far.test: [mx.far.test]:PORT fingerprint=" + good)
    case("", "deferred", tls=old, routes="far.test: [mx.far.test]:PORT tls=encrypt min=1.3")
    # A password is for the names of the route's own host: who forges its MX records does not see it.
    with open(f"{r.dir}/etc/auth/isp", "w") as f:
        f.write("user\nsecret\n")
    login = {"ext": TLS + ["AUTH PLAIN"], "script": {"AUTH": "235 2.7.0 ok"}}
    before = len(peer.sessions)
    for words in "auth=isp", "auth=isp match=relay.test":
        case("", "deferred", routes=f"far.test: relay.test:PORT {words}", why="ostname mismatch", **login)
    tap.ok(not any(l.startswith("AUTH") for s in peer.sessions[before:] for l in s), "and no password was shown", peer.sessions[before:])
    case("", "tls", routes="far.test: relay.test:PORT auth=isp match=mx.far.test", **login)
    case("", "tls", routes="far.test: far.test:PORT auth=isp", **login)
    # What is no policy defers, and says where it stands.
    for bad in ("", "sometimes", "must match=a.test", "fingerprint=1234", "secure fingerprint=" + good, "may min=2.0", "secure match=", "secure match=a..b",
                "min=1.2", "dane-only extra"):
        case(f"far.test: {bad}", "deferred", why="etc/tls-policy")
    # Compiled like every table.
    subprocess.run(["postern-tables", "tls-policy"], env=r.env, check=True)
    tap.ok(os.path.exists(f"{r.dir}/etc/tls-policy.cdb"), "postern-tables compiles it")
tap.done()
