#!/usr/bin/env python3
"""Where mail goes: MX records of a real DNS server (nsd), null MX, no MX, CNAME, failures, loops; routes, smarthosts with
AUTH and TLS, LMTP, address literals, local domains."""
import base64, os, socket, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Nsd
from instance import LIMIT, tap, wait_for
from ports import free_port
from smtppeer import ALL, DROP, STALL, BrokenTls, Peer, Remote, certificate, server_tls

ZONES = {
    "far.test": """
@ MX 10 mx1
@ MX 20 mx2
mx1 A 127.0.0.11
mx2 A 127.0.0.12
nomx A 127.0.0.11
null MX 0 .
noaddress TXT "x"
alias CNAME nomx
dead MX 5 gone
dead MX 10 mx2
gone A 127.0.0.19
allgone MX 10 nowhere
allgone MX 20 noaddress
loop MX 10 mx.home.test.
loop MX 20 mx2
backup MX 5 mx1
backup MX 10 mx.home.test.
backup MX 20 mx2
equal MX 10 mx1
equal MX 10 mx2
six MX 10 both
both A 127.0.0.11
both AAAA ::1
""",
    "home.test": "mx A 127.0.0.10",
}


def verdict(r, address):
    wait_for(lambda: r.log(f"to={address} "), f"a verdict for {address}\n" + "\n".join(r.lines[-8:]))
    words = dict(w.split("=", 1) for w in r.log(f"to={address} ")[0].split(" ") if "=" in w)
    return words["event"], words["status"], words["ip"]


port = free_port("127.0.0.11", "127.0.0.12", "::1")
SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h", "smtp-port": port}
with Nsd(ZONES) as nsd, Peer("127.0.0.11", port) as one, Peer("127.0.0.12", port) as two:
    with Remote({**SLOW, "resolver": f"127.0.0.1@{nsd.port}"}) as r:
        r.start()
        for domain, want in (("far.test", ("delivered", "2.0.0", "127.0.0.11")), ("nomx.far.test", ("delivered", "2.0.0", "127.0.0.11")),
                             ("alias.far.test", ("delivered", "2.0.0", "127.0.0.11")), ("dead.far.test", ("delivered", "2.0.0", "127.0.0.12")),
                             ("backup.far.test", ("delivered", "2.0.0", "127.0.0.11")), ("[127.0.0.12]", ("delivered", "2.0.0", "127.0.0.12")),
                             ("null.far.test", ("failed", "5.1.10", '""')), ("missing.far.test", ("failed", "5.1.2", '""')),
                             ("noaddress.far.test", ("failed", "5.4.4", '""')), ("allgone.far.test", ("failed", "5.4.4", '""')),
                             ("loop.far.test", ("failed", "5.4.6", '""')), ("elsewhere.example", ("deferred", "4.4.3", '""'))):
            r.queue(f"a@{domain}")
            got = verdict(r, f"a@{domain}")
            tap.ok(got == want, f"{domain}: {' '.join(want)}", got, "\n".join(r.log(domain)))
        r.stop()
        # Equals are tried at random: each start asks anew.
        seen = set()
        for i in range(20):
            r.lines.clear()
            r.start()
            r.queue(f"v{i}@equal.far.test")
            seen.add(verdict(r, f"v{i}@equal.far.test")[2])
            r.stop()
            if len(seen) == 2:
                break
        tap.ok(seen == {"127.0.0.11", "127.0.0.12"}, "MX of equal preference are tried at random", seen)
    with Peer("::1", port) as six, Remote({**SLOW, "resolver": f"127.0.0.1@{nsd.port}"}) as r:
        r.start()
        r.queue("a@six.far.test")
        tap.ok(verdict(r, "a@six.far.test")[2] == "::1", "IPv6 before IPv4")
        r.queue("b@[IPv6:::1]")
        tap.ok(verdict(r, "b@[ipv6:::1]")[2] == "::1", "an IPv6 literal", "\n".join(r.lines[-3:]))
        six.close()
        r.stop()
        r.start()
        r.queue("c@six.far.test")
        tap.ok(verdict(r, "c@six.far.test")[2] == "127.0.0.11", "IPv4 where IPv6 does not answer")
        six.close = lambda: None
    # The first host refuses in its greeting: the next one is asked.
    one.script = {"greeting": "421 4.3.2 busy"}
    with Remote({**SLOW, "resolver": f"127.0.0.1@{nsd.port}"}) as r:
        r.start()
        r.queue("a@far.test")
        tap.ok(verdict(r, "a@far.test") == ("delivered", "2.0.0", "127.0.0.12"), "421 in the greeting: the next MX")
    one.script = {}
    # Another resolver counts at once.
    with Remote({**SLOW, "resolver": "127.0.0.1@1", "host-retry-min": "1ms", "host-retry-max": "1ms", "retry-min": "50ms", "retry-max": "60ms"}) as r:
        r.start()
        r.queue("a@far.test")
        r.wait("event=deferred", "4.4.3")
        r.set("resolver", f"127.0.0.1@{nsd.port}")
        r.wait_empty()
        tap.ok(r.log("event=delivered", "a@far.test"), "a changed resolver setting counts at once", r.lines[-5:])

# A resolver that does not answer, and one that is killed.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, Remote({**SLOW}) as r:
    silent.bind(("127.0.0.1", 0))
    r.set("resolver", f"127.0.0.1@{silent.getsockname()[1]}")
    r.set("routes", "other.test: [127.0.0.1]:1")
    r.start()
    r.queue("a@far.test")
    wait_for(lambda: r.children("mda-remote-dns"), "the child")
    (child,) = r.children("mda-remote-dns")
    silent.settimeout(LIMIT)
    silent.recv(512)  # it has asked
    os.kill(child, 9)
    tap.ok(verdict(r, "a@far.test")[:2] == ("deferred", "4.4.3"), "the resolver dies: deferred", "\n".join(r.lines))
    r.wait("resolver", "gone")
    r.queue("b@other.test")
    tap.ok(verdict(r, "b@other.test")[0] == "deferred", "and others go on")

# Routes.
tmp = Remote()
cert, key = certificate(tmp.dir, "smart.test")
good = server_tls(cert, key)
TLS = ALL + ["STARTTLS"]


def routed(route, script=None, ext=ALL, tls=None, settings=None, auth=None, lmtp=False, domain="x.test", address=None):
    """One message by this route (PORT is the peer's): its verdict and the peer."""
    peer = Peer(script=script, ext=ext, tls=tls, lmtp=lmtp)
    r = Remote({**SLOW, **(settings or {})}, routes=route.replace("PORT", str(peer.port)))
    if auth:
        r.set("auth/smart", auth)
    with r:
        r.start()
        r.queue(address or f"a@{domain}")
        got = verdict(r, address or f"a@{domain}")
        log = "\n".join(r.lines)
    peer.close()
    return got, peer, log


for route, domain, reached in (("x.test: [127.0.0.1]:PORT", "x.test", 1), (".x.test: [127.0.0.1]:PORT", "a.b.x.test", 1), ("*: 127.0.0.1:PORT", "any.test", 1),
                               ("x.test: [127.0.0.1]:PORT\n*: [127.0.0.1]:1", "x.test", 1), ("x.test: [127.0.0.1]:1\n*: [127.0.0.1]:PORT", "x.test", 0),
                               ("X.Test: [127.0.0.1]:PORT", "x.test", 1), ("x.test: [127.0.0.1]:PORT bad=word", "x.test", 0)):
    got, peer, log = routed(route, domain=domain)
    tap.ok((got[0] == "delivered") == bool(reached), f"{route!r} for {domain}: {'taken' if reached else 'deferred'}", got, log)
got, peer, log = routed("*: lmtp:127.0.0.1:PORT", lmtp=True)
tap.ok(got[0] == "delivered" and peer.sessions[0][0].startswith("LHLO"), "lmtp:HOST:PORT", peer.sessions)

# TLS.
got, peer, log = routed("*: [127.0.0.1]:PORT", ext=TLS, tls=good)
tap.ok(got[0] == "delivered" and peer.messages[0].tls == "TLSv1.3" and "tls=TLSv1.3" in log, "opportunistic TLS, any certificate", got, log)
tap.ok(peer.sessions[0][1] == "STARTTLS" and peer.sessions[0][2].startswith("EHLO"), "EHLO again behind STARTTLS", peer.sessions)
big = "Subject: big\n\n" + ("z" * 76 + "\n") * 40000
got, peer, log = routed("*: [127.0.0.1]:PORT tls=no", ext=TLS, tls=good)
tap.ok(got[0] == "delivered" and not peer.messages[0].tls, "tls=no")
got, peer, log = routed("*: [127.0.0.1]:PORT", ext=TLS, tls=good, script={"STARTTLS": "454 4.7.0 not now"})
tap.ok(got[0] == "delivered" and not peer.messages[0].tls, "STARTTLS refused: in clear")
for script, tls, what in ({"STARTTLS": DROP}, good, "a drop"), (None, BrokenTls(b"nonsense that is no TLS"), "nonsense"), (None, BrokenTls(b""), "no handshake"), \
        (None, BrokenTls(STALL), "silence"), (None, BrokenTls(b"\x15\x03\x01\x00\x02\x02\x28"), "an alert"):
    for timeout in ("2", "10", "60") if what == "silence" else ("60",):  # a loaded machine may exceed the first in other steps
        got, peer, log = routed("*: [127.0.0.1]:PORT", ext=TLS, tls=tls, script=script, settings={"remote-timeout": timeout})
        if got[0] == "delivered":
            break
    tap.ok(got[0] == "delivered" and not peer.messages[0].tls and len(peer.sessions) == 2, f"{what} for STARTTLS: again, in clear", got, log, peer.sessions)
got, peer, log = routed("*: [127.0.0.1]:PORT", ext=TLS, tls=good, script={"STARTTLS": b"220 go\r\n250 injected\r\n"})
tap.ok(got[0] == "delivered", "replies injected behind the 220 are dropped", got, log)
must = "x.test: [smart.test]:PORT tls=must"
with Nsd({"smart.test": "@ A 127.0.0.1", "other.test": "@ A 127.0.0.1"}) as nsd:
    dns = {"resolver": f"127.0.0.1@{nsd.port}"}
    got, peer, log = routed(must, ext=TLS, tls=good, settings={**dns, "tls-ca": cert})
    tap.ok(got[0] == "delivered" and peer.messages[0].tls, "tls=must with a certificate that is right", got, log)
    for route, settings, ext, script, what in (
            (must, {}, TLS, None, "not signed by a known CA"), (must.replace("smart.test", "other.test"), {"tls-ca": cert}, TLS, None, "for another name"),
            (must, {"tls-ca": cert}, ALL, None, "no STARTTLS"), (must, {"tls-ca": cert}, TLS, {"STARTTLS": "454 no"}, "STARTTLS refused"),
            (must, {"tls-ca": cert}, TLS, "junk", "junk")):
        tls = BrokenTls(b"junk") if script == "junk" else good
        got, peer, log = routed(route, ext=ext, tls=tls, settings={**dns, **settings}, script=script if script != "junk" else None)
        tap.ok(got[0] == "deferred" and not peer.messages, f"tls=must, {what}: not sent", got, log)
    # A smarthost.
    auth = "user\npass word"
    route = "*: [smart.test]:PORT auth=smart"
    got, peer, log = routed(route, ext=TLS + ["AUTH PLAIN LOGIN"], tls=good, settings={**dns, "tls-ca": cert}, auth=auth)
    plain = base64.b64encode(b"\0user\0pass word").decode()
    tap.ok(got[0] == "delivered" and f"AUTH PLAIN {plain}" in peer.sessions[0], "AUTH PLAIN under TLS", got, peer.sessions, log)
    got, peer, log = routed(route, ext=TLS + ["AUTH LOGIN"], tls=good, settings={**dns, "tls-ca": cert}, auth=auth)
    words = [base64.b64encode(w).decode() for w in (b"user", b"pass word")]
    tap.ok(got[0] == "delivered" and all(w in peer.sessions[0] for w in words), "AUTH LOGIN", got, peer.sessions)
    got, peer, log = routed(route, ext=ALL + ["AUTH PLAIN"], settings={**dns, "tls-ca": cert}, auth=auth)
    tap.ok(got[0] == "deferred" and not any("AUTH" in l for l in peer.sessions[0]), "no TLS: no password", got, peer.sessions)
    got, peer, log = routed(route + " tls=no", ext=ALL + ["AUTH PLAIN"], settings=dns, auth=auth)
    tap.ok(got[0] == "deferred" and not any("AUTH" in l for l in peer.sessions[0]), "nor with tls=no", got, peer.sessions)
    got, peer, log = routed(route, ext=TLS + ["AUTH PLAIN"], tls=good, settings={**dns, "tls-ca": cert}, auth=auth, script={"AUTH": "535 5.7.8 no"})
    tap.ok(got[:2] == ("deferred", "5.7.8") or got[0] == "deferred", "a wrong password defers", got, log)
    got, peer, log = routed(route, ext=TLS + ["AUTH CRAM-MD5"], tls=good, settings={**dns, "tls-ca": cert}, auth=auth)
    tap.ok(got[0] == "deferred", "no known mechanism", got)
    got, peer, log = routed(route, ext=TLS, tls=good, settings={**dns, "tls-ca": cert})
    tap.ok(got[0] == "deferred" and "etc/auth/smart" in log, "no password file: said, deferred", got, log)
tmp.__exit__()

# Large messages through the TLS relay, both ways busy.
with Remote({**SLOW}) as r:
    cert, key = certificate(r.dir, "big.test")
    with Peer(ext=TLS, tls=server_tls(cert, key)) as peer:
        r.set("routes", f"*: [127.0.0.1]:{peer.port}")
        r.start()
        r.queue("a@x.test", body=big, id="big")
        r.wait_empty()
        tap.ok(peer.messages[0].data == big.replace("\n", "\r\n").encode() and peer.messages[0].tls, "3 MB under TLS")

# Local recipients go to mda-local; a domain with its own LMTP server goes there.
with Remote({**SLOW}, domains="home.test:\nother.test: lmtp:/nonexistent/sock") as r:
    path = f"{r.dir}/run/lmtp/sock"
    with Peer(path=path, lmtp=True, ext=ALL + ["XFORWARD IDENT"], script={"dot": lambda rcpt: "452 4.2.2 full" if "full" in rcpt else None}) as peer:
        r.start()
        name = r.queue(["a@home.test", "full@home.test"])
        tap.ok(verdict(r, "a@home.test")[0] == "delivered" and verdict(r, "full@home.test")[:2] == ("deferred", "4.2.2"), "a local domain: LMTP, a reply each", r.lines)
        tap.ok(f"XFORWARD IDENT={name}" in peer.sessions[0], "the id goes along", peer.sessions)
        r.queue("a@other.test")
        tap.ok(verdict(r, "a@other.test")[0] == "deferred", "a socket that is not there: deferred")
tap.done()
