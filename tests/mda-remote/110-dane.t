#!/usr/bin/env python3
"""DANE (RFC 7672, 7671) with real signed zones (nsd, ldns-signzone) and real certificates: what each TLSA set means for
each server, which names count, and that mail never goes in clear or to the wrong server because an answer is missing."""
import glob, os, re, ssl, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Faults, Nsd, Unbound
from instance import tap, wait_for
from pki import Pki, tlsa
from ports import free_port
from smtppeer import ALL, BrokenTls, Peer, Remote

TLS = ALL + ["STARTTLS"]
tmp = tempfile.TemporaryDirectory(prefix="postern-dane.")
os.chmod(tmp.name, 0o755)
pki = Pki(tmp.name)
ca, foreign = pki.authority(), pki.authority("Another CA")
wild = pki.leaf(ca, "*.dane.test")
nochain = pki.leaf(ca, "*.dane.test", chain=False)
stranger = pki.leaf(foreign, "*.dane.test")
expired = pki.leaf(ca, "*.dane.test", expired=True)
other = pki.leaf(ca, "elsewhere.test")
partial = pki.leaf(ca, "mx*.dane.test")
E = {(s, m): tlsa(3, s, m, wild) for s in (0, 1) for m in (0, 1, 2)}
T = {(s, m): tlsa(2, s, m, ca[0]) for s in (0, 1) for m in (0, 1, 2)}
WRONG = "3 1 1 " + "00" * 32
WRONG512 = "3 1 2 " + "00" * 64

DANE = ("delivered", "dane")   # verified by its TLSA records
ANY = ("delivered", "any")     # encrypted, not verified
CLEAR = ("delivered", "clear")
WAITS = lambda status, kind="": ("deferred", status, kind)
NOT_ASKED = lambda status: ("deferred", status, "unasked")  # no connection was made

# name: (TLSA records, certificate or what is in its place, verdict, type of RFC 8460 in the log)
ROWS = {
    **{f"ee{s}{m}": ([E[s, m]], wild, DANE, "") for s, m in E},
    "ee-expired": ([tlsa(3, 1, 1, expired)], expired, DANE, ""),  # 3.1.1: neither time nor names
    "ee-name": ([tlsa(3, 1, 1, other)], other, DANE, ""),
    "ee-wrong": ([WRONG], wild, WAITS("4.7.5"), "validation-failure"),
    "ee-one-right": ([WRONG, E[1, 1]], wild, DANE, ""),
    "ee-whole-wrong": ([tlsa(3, 0, 1, other)], wild, WAITS("4.7.5"), "validation-failure"),
    "agility": ([E[1, 1], WRONG512], wild, WAITS("4.7.5"), "validation-failure"),  # RFC 7671 9
    "agility2": ([WRONG, E[1, 2]], wild, DANE, ""),
    **{f"ta{s}{m}": ([T[s, m]], wild, DANE, "") for s, m in T},
    "ta-name": ([T[0, 1]], other, WAITS("4.7.5"), "certificate-host-mismatch"),
    "ta-partial": ([T[0, 1]], partial, WAITS("4.7.5"), "certificate-host-mismatch"),
    "ta-expired": ([T[0, 1]], expired, WAITS("4.7.5"), "certificate-expired"),
    "ta-foreign": ([tlsa(2, 0, 1, foreign[0])], wild, WAITS("4.7.5"), "validation-failure"),
    "ta-nochain": ([T[0, 1]], nochain, WAITS("4.7.5"), "validation-failure"),
    "ta-nochain-full": ([T[0, 0]], nochain, DANE, ""),  # the record itself completes the chain
    "ta-or-ee": ([tlsa(2, 0, 1, foreign[0]), E[1, 1]], wild, DANE, ""),
    # RFC 7672 3.1.3, 2.2: records that cannot be used still ask for TLS.
    "pkix-ta": ([tlsa(0, 0, 1, ca[0])], wild, ANY, "tlsa-invalid"),
    "pkix-ee": ([tlsa(1, 1, 1, wild)], wild, ANY, "tlsa-invalid"),
    "usage9": (["9 1 1 " + "00" * 32], wild, ANY, "tlsa-invalid"),
    "selector9": (["3 9 1 " + "00" * 32], wild, ANY, "tlsa-invalid"),
    "matching9": (["3 1 9 " + "00" * 32], wild, ANY, "tlsa-invalid"),
    "short": (["3 1 1 00aa"], wild, ANY, "tlsa-invalid"),
    "not-der": (["3 0 0 00aa"], wild, ANY, "tlsa-invalid"),
    "unusable-and-wrong": (["3 1 9 " + "00" * 32, WRONG], wild, WAITS("4.7.5"), "validation-failure"),
    "unusable-clear": (["1 1 1 " + "00" * 32], None, WAITS("4.7.4"), "starttls-not-supported"),
    # What a promise of TLS forbids, and what goes without one.
    "no-starttls": ([E[1, 1]], None, WAITS("4.7.4"), "starttls-not-supported"),
    "refused": ([E[1, 1]], "refused", WAITS("4.7.5"), "starttls-not-supported"),
    "junk": ([E[1, 1]], "junk", WAITS("4.7.5"), "validation-failure"),
    "none": ([], wild, ANY, ""),
    "none-clear": ([], None, CLEAR, ""),
    "none-junk": ([], "junk", CLEAR, ""),
    "none-refused": ([], "refused", CLEAR, ""),
    # No answer is no leave: RFC 7672 2.1.2.
    "servfail": ([E[1, 1]], wild, NOT_ASKED("4.4.3"), ""),
    "tampered": ([E[1, 1]], wild, NOT_ASKED("4.7.5"), ""),
    # Settings (etc/routes).
    "only": ([E[1, 1]], wild, DANE, ""),
    "only-none": ([], wild, WAITS("4.7.10"), "dane-required"),
    "only-unusable": (["1 1 1 " + "00" * 32], wild, WAITS("4.7.5"), "tlsa-invalid"),
    "only-wrong": ([WRONG], wild, WAITS("4.7.5"), "validation-failure"),
    "may-wrong": ([WRONG], wild, ANY, ""),
    "no-wrong": ([WRONG], wild, CLEAR, ""),
    "must-wrong": ([WRONG], wild, ("delivered", "pkix"), ""),
    # A policy of MTA-STS beside them (POLICIES): TLSA records decide (RFC 8461 2), where there are none the policy does.
    "sts-else": ([E[1, 1]], wild, DANE, ""),
    "sts-other-ca": ([tlsa(3, 1, 1, stranger)], stranger, DANE, ""),
    "sts-wrong": ([WRONG], wild, WAITS("4.7.5"), "validation-failure"),
    "sts-testing-wrong": ([WRONG], wild, WAITS("4.7.5"), "validation-failure"),
    "sts-alone": ([], wild, ("delivered", "pkix"), ""),
    "sts-alone-other-ca": ([], stranger, WAITS("4.7.5"), "certificate-not-trusted"),
    "sts-alone-else": ([], wild, NOT_ASKED("4.7.5"), ""),
    "sts-testing-alone-other-ca": ([], stranger, ANY, "certificate-not-trusted"),
    "sts-testing-alone-clear": ([], None, CLEAR, "starttls-not-supported"),
    "min": ([E[1, 1]], wild, DANE, ""),
    "min-old": ([E[1, 1]], "old", WAITS("4.7.5"), "validation-failure"),
}
POLICIES = {n: (["enforce", "testing"]["testing" in n], "nobody.dane.test" if "else" in n else f"mx-{n}.dane.test") for n in ROWS if n.startswith("sts-")}
REPORTED = {"sts-else": "tlsa successful", "sts-other-ca": "tlsa successful", "sts-wrong": "tlsa validation-failure", "sts-testing-wrong": "tlsa validation-failure",
            "sts-alone": "sts successful", "sts-alone-other-ca": "sts certificate-not-trusted", "sts-alone-else": "sts validation-failure",
            "sts-testing-alone-other-ca": "sts certificate-not-trusted", "sts-testing-alone-clear": "sts starttls-not-supported", "tampered": "tlsa dnssec-invalid",
            "ee-wrong": "tlsa validation-failure"}
ROUTES = {"min": "dane min=1.3", "only": "dane-only", "may": "may", "no-wrong": "no", "must": "must"}

port = free_port()
record = lambda name, text: f"_{port}._tcp.{name} TLSA {text}\n"
zone, outside, peers = "", "", {}


def peer(ip, tls):
    script = {"STARTTLS": "454 4.7.0 not now"} if tls == "refused" else {}
    context = BrokenTls(b"junk") if tls == "junk" else pki.context(wild if tls in (None, "refused", "old") else tls)
    if tls == "old":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return Peer(ip, port, script=script, ext=TLS if tls else ALL, tls=context)


for i, (name, (records, cert, want, kind)) in enumerate(ROWS.items()):
    zone += f"{name} MX 10 mx-{name}\nmx-{name} A 127.0.7.{i + 1}\n" + "".join(record(f"mx-{name}", r) for r in records)
    peers[name] = peer(f"127.0.7.{i + 1}", cert)

# Names and ways: (domain, zone text, peers it may reach: {name: (address, certificate)}, wanted, peer that is reached)
def way(name, text, cert, want, kind="", plain="", domain=None, reached=None, sni=None):
    """IP in the texts is the peer's address, TLSA(x) the owner name of x's records."""
    global zone, outside
    ip = f"127.0.8.{len(WAYS) + 1}"
    expand = lambda s: s.replace("IP", ip).replace("TLSA:", f"_{port}._tcp.")
    zone += expand(text) + "\n"
    outside += expand(plain) + "\n"
    peers[name] = peer(ip, cert)
    WAYS[name] = (domain or f"{name}.dane.test", want, kind, sni)


WAYS = {}
nexthop = pki.leaf(ca, "w-nexthop.dane.test")
way("w-nexthop", f"w-nexthop MX 10 mx-w-nexthop\nmx-w-nexthop A IP\nTLSA:mx-w-nexthop TLSA {T[0, 1]}", nexthop, DANE, sni="mx-w-nexthop.dane.test")
aliased = pki.leaf(ca, "w-target.dane.test")
way("w-domain-alias", f"w-domain-alias CNAME w-target\nw-target MX 10 mx-w-target\nmx-w-target A IP\nTLSA:mx-w-target TLSA {T[0, 1]}", aliased, DANE)
way("w-alias", f"w-alias MX 10 a1\na1 CNAME a1x\na1x A IP\nTLSA:a1x TLSA {E[1, 1]}", wild, DANE, sni="a1x.dane.test")
way("w-alias-first", f"w-alias-first MX 10 a2\na2 CNAME a2x\na2x A IP\nTLSA:a2 TLSA {E[1, 1]}", wild, DANE, sni="a2.dane.test")
way("w-alias-both", f"w-alias-both MX 10 a3\na3 CNAME a3x\na3x A IP\nTLSA:a3 TLSA {WRONG}\nTLSA:a3x TLSA {E[1, 1]}", wild, DANE, sni="a3x.dane.test")
way("w-alias-out", f"w-alias-out MX 10 a4\na4 CNAME out4.plain.test.\nTLSA:a4 TLSA {E[1, 1]}", wild, DANE, plain="out4 A IP", sni="a4.dane.test")
way("w-alias-out-wrong", f"w-alias-out-wrong MX 10 a5\na5 CNAME out5.plain.test.\nTLSA:a5 TLSA {WRONG}", wild, WAITS("4.7.5"), "validation-failure", plain="out5 A IP")
way("w-shared", f"w-shared MX 10 a6\na6 A IP\nTLSA:a6 CNAME shared._dane\nshared._dane TLSA {T[0, 1]}", wild, DANE, sni="a6.dane.test")
way("w-no-mx", f"w-no-mx A IP\nTLSA:w-no-mx TLSA {E[1, 1]}", wild, DANE, sni="w-no-mx.dane.test")
way("w-no-mx-wrong", f"w-no-mx-wrong A IP\nTLSA:w-no-mx-wrong TLSA {WRONG}", wild, WAITS("4.7.5"), "validation-failure")
way("w-next", f"w-next MX 10 mx-ee-wrong\nw-next MX 20 n2\nn2 A IP\nTLSA:n2 TLSA {E[1, 1]}", wild, DANE)
way("w-next-failed", f"w-next-failed MX 10 mx-servfail\nw-next-failed MX 20 n3\nn3 A IP\nTLSA:n3 TLSA {E[1, 1]}", wild, DANE)
way("w-next-clear", f"w-next-clear MX 10 mx-servfail\nw-next-clear MX 20 n4\nn4 A IP", None, CLEAR)
# An address that could not be looked up is one that may take the mail at another time.
way("w-address-failed", f"w-address-failed MX 10 dead\nw-address-failed MX 20 n5\ndead A 127.0.9.1\nn5 A IP", wild, WAITS("4.7.1"))
peers["w-address-failed"].script = {"greeting": "554 5.7.1 not here"}
# So is one beyond SEND_ADDRESSES_MAX: 9 hosts of 4 addresses; 8 are all tried.
refuses = Peer("0.0.0.0", script={"greeting": "554 5.7.1 not here"})
zone += "".join(f"many9 MX 10 many-{i}\n" + (f"many8 MX 10 many-{i}\n" if i < 8 else "") + "".join(f"many-{i} A 127.0.11.{4 * i + j + 1}\n" for j in range(4)) for i in range(9))
MANY = {"many8.dane.test": ("failed", "5.7.1"), "many9.dane.test": ("deferred", "4.7.1")}
# A domain that is not signed, whose host is (RFC 7672 2.2.1): its records count, but only for the host's name.
way("w-insecure-mx", f"h7 A IP\nTLSA:h7 TLSA {E[1, 1]}", wild, DANE, plain="d7 MX 10 h7.dane.test.", domain="d7.plain.test")
way("w-insecure-mx-wrong", f"h8 A IP\nTLSA:h8 TLSA {WRONG}", wild, WAITS("4.7.5"), "validation-failure", plain="d8 MX 10 h8.dane.test.", domain="d8.plain.test")
way("w-insecure-mx-name", f"h9 A IP\nTLSA:h9 TLSA {T[0, 1]}", pki.leaf(ca, "d9.plain.test"), WAITS("4.7.5"), "certificate-host-mismatch",
    plain="d9 MX 10 h9.dane.test.", domain="d9.plain.test")
way("w-insecure-only", f"h10 A IP\nTLSA:h10 TLSA {E[1, 1]}", wild, WAITS("4.7.10"), "dane-required", plain="d10 MX 10 h10.dane.test.", domain="d10.plain.test")
way("w-unsigned", "", wild, ANY, plain=f"d11 MX 10 h11\nh11 A IP\nTLSA:h11 TLSA {WRONG}", domain="d11.plain.test")
way("w-host-route", f"h12 A IP\nTLSA:h12 TLSA {WRONG}", wild, WAITS("4.7.5"), "validation-failure", domain="routed.example")
way("w-many", f"w-many MX 10 h13\nh13 A IP\n" + "\n".join(f"TLSA:h13 TLSA 3 1 1 {i:064x}" for i in range(15)) + f"\nTLSA:h13 TLSA {E[1, 1]}", wild, DANE)
way("w-too-many", f"w-too-many MX 10 h14\nh14 A IP\n" + "\n".join(f"TLSA:h14 TLSA 3 1 1 {i:064x}" for i in range(16)) + f"\nTLSA:h14 TLSA {E[1, 1]}", wild, NOT_ASKED("4.4.3"))

routes = "".join(f"{n}.dane.test: tls={word}\n" for n in ROWS for p, word in ROUTES.items() if n == p or n.startswith(p + "-"))
routes += f"d10.plain.test: tls=dane-only\nrouted.example: [h12.dane.test]\n" + "".join(f"{d}: {d}:{refuses.port}\n" for d in MANY)
tamper = lambda text: "\n".join(l.replace("TLSA\t3 1 1", "TLSA\t3 1 2") if l.startswith(f"_{port}._tcp.mx-tampered") else l for l in text.split("\n"))


def outcome(r, address):
    wait_for(lambda: r.log(f"to={address} "), f"a verdict for {address}\n" + "\n".join(r.lines[-8:]))
    return dict(w.split("=", 1) for w in r.log(f"to={address} ")[0].split(" ") if "=" in w)


def check(r, name, domain, want, kind, sni=None):
    got, p = outcome(r, f"a@{domain}"), peers[name]
    log = "\n".join(r.log(domain) + r.log(f"host=mx-{name}.dane.test"))
    said = (got["event"], got["status"] if got["event"] == "deferred" else "")
    detail = (got, [m.tls for m in p.messages], p.sessions, log)
    if want[0] == "delivered":
        host = got["host"]
        how = "clear" if not p.messages or not p.messages[0].tls else "any"
        verified = r.log("event=connect", f"host={host} ")
        if how == "any" and verified:
            how = verified[0].split("verified=")[1].split(" ")[0].strip('"') or "any"
        tap.ok(got["event"] == "delivered" and p.messages and how == want[1], f"{name}: delivered, {want[1]}", how, *detail)
    else:
        tap.ok(said == want[:2] and not p.messages and not any("MAIL" in l for s in p.sessions for l in s), f"{name}: waits, {want[1]}", *detail)
        if want[2] == "unasked":
            tap.ok(not p.sessions, f"{name}: the server was not even asked", p.sessions)
    if kind:
        tap.ok(r.log("event=tls", f"type={kind} ", f"ip={p_ip(p)} "), f"{name}: logged as {kind}", log, "\n".join(r.log("event=tls")))
    if sni:
        tap.ok(p.tls.names == [sni], f"{name}: SNI {sni}", p.tls.names)


def p_ip(p):
    return p.listener.getsockname()[0]


with Nsd({"test": "", "dane.test": zone, "plain.test": outside}, signed=("test", "dane.test"), tamper={"dane.test": tamper}) as nsd, \
        Faults(nsd.port, [(f"_{port}._tcp.mx-servfail.dane.test", 52, "servfail"), ("dead.dane.test", 1, "servfail")]) as dns, \
        Remote({"smtp-port": port, "resolver": f"127.0.0.1@{dns.port}", "resolver-anchor": nsd.anchor, "tls-ca": ca[0], "retry-min": "1h", "retry-max": "2h",
                "host-retry-min": "1h", "host-retry-max": "2h"}, routes=routes) as r:
    os.mkdir(f"{r.dir}/spool/policy")
    for name, (mode, mx) in POLICIES.items():
        with open(f"{r.dir}/spool/policy/{name}.dane.test", "w") as f:
            f.write(f"postern-policy 1\n{int(time.time())} 1\nversion: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 600000\n")
    for path in [f"{r.dir}/spool/policy", *glob.glob(f"{r.dir}/spool/policy/*")]:
        os.chown(path, *(65534, 65534) if os.getuid() == 0 else (-1, -1))
    r.start()
    names = [f"{n}.dane.test" for n in ROWS] + [w[0] for w in WAYS.values()] + list(MANY)
    r.queue([f"a@{n}" for n in names])
    for name, (records, cert, want, kind) in ROWS.items():
        check(r, name, f"{name}.dane.test", want, kind)
    for name, (domain, want, kind, sni) in WAYS.items():
        check(r, name, domain, want, kind, sni)
    for domain, want in MANY.items():
        got = outcome(r, f"a@{domain}")
        tap.ok((got["event"], got["status"]) == want, f"{domain}: {' '.join(want)}", got)
    for name, words in REPORTED.items():
        reports = lambda: "".join(open(f).read() for f in glob.glob(f"{r.dir}/spool/tlsrpt/*"))
        tap.ok(wait_for(lambda: re.search(rf"^\d+ {name}\.dane\.test {words} mx-{name}\.dane\.test ", reports(), re.M), f"{name}: {words} among {reports()}"), f"{name}: reported as {words}")
    tap.ok("DNSSEC" in r.log("to=a@tampered.dane.test")[0] and "mx-tampered" in r.log("to=a@tampered.dane.test")[0], "what is bogus is said", r.log("to=a@tampered"))
    tap.ok(not [q for q in dns.seen if q[1] == 52 and "plain.test" in q[0]], "an unsigned zone is not asked for TLSA records")
    tap.ok(not [q for q in dns.seen if q[1] == 52 and ("may-wrong" in q[0] or "no-wrong" in q[0])], "nor is it where no record would count")
    # Without a trust anchor nothing is validated, so nothing counts.
    r.stop()
    r.lines.clear()
    os.remove(f"{r.dir}/etc/resolver-anchor")
    r.set("routes", "")
    r.start()
    r.queue("b@ee-wrong.dane.test")
    tap.ok(outcome(r, "b@ee-wrong.dane.test")["event"] == "delivered", "no resolver-anchor: no DANE", r.lines[-3:])
    r.stop()
    # Behind a resolver that validates too (Debian's unbound).
    with Unbound(nsd) as unbound:
        r.lines.clear()
        r.set("resolver", f"127.0.0.1@{unbound.port}")
        r.set("resolver-anchor", nsd.anchor)
        r.start()
        r.queue(["c@ee11.dane.test", "c@ee-wrong.dane.test", "c@tampered.dane.test", "c@d11.plain.test"])
        for domain, want in (("ee11.dane.test", ("delivered", "2.0.0")), ("ee-wrong.dane.test", ("deferred", "4.7.5")), ("tampered.dane.test", ("deferred", "4.7.5")),
                             ("d11.plain.test", ("delivered", "2.0.0"))):
            got = outcome(r, f"c@{domain}")
            tap.ok((got["event"], got["status"]) == want, f"through unbound: {domain} {want[0]}", got)
for p in [*peers.values(), refuses]:
    p.close()
tap.done()
