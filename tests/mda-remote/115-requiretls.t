#!/usr/bin/env python3
"""REQUIRETLS and TLS-Required: No (RFC 8689): who gets such a message, who does not, what the sender is told, and how."""
import os, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Nsd
from instance import tap, wait_for
from pki import Pki, tlsa
from ports import free_port
from smtppeer import ALL, Peer, Remote
from smtpsend import send

tmp = tempfile.TemporaryDirectory(prefix="postern-requiretls.")
os.chmod(tmp.name, 0o755)
pki = Pki(tmp.name)
ca, foreign = pki.authority(), pki.authority("Another CA")
good, stranger, other = pki.leaf(ca, "*.dane.test", "*.plain.test"), pki.leaf(foreign, "*.dane.test", "*.plain.test"), pki.leaf(ca, "elsewhere.test")
port = free_port()
TLS, OFFERS = ALL + ["STARTTLS"], ALL + ["STARTTLS", "REQUIRETLS"]
RIGHT, WRONG, OLD = tlsa(3, 1, 1, good), "3 1 1 " + "00" * 32, "1 1 1 " + "00" * 32
FAILS = lambda status: ("failed", status)
DONE = ("delivered", "2.0.0")
CLEAR_OFFER = ["250-peer.test\r\n250-STARTTLS\r\n250 REQUIRETLS", "250 peer.test"]

# name: (TLSA records, certificate, extensions, script, verdict of a message with REQUIRETLS)
HOSTS = {
    "dane": ([RIGHT], good, OFFERS, {}, DONE),
    "dane-only": ([RIGHT], good, TLS, {}, FAILS("5.7.30")),
    "dane-wrong": ([WRONG], good, OFFERS, {}, FAILS("5.7.10")),
    "pkix": ([], good, OFFERS, {}, DONE),
    "pkix-stranger": ([], stranger, OFFERS, {}, FAILS("5.7.10")),
    "pkix-name": ([], other, OFFERS, {}, FAILS("5.7.10")),
    "unusable": ([OLD], good, OFFERS, {}, DONE),  # then the CA counts
    "unusable-stranger": ([OLD], stranger, OFFERS, {}, FAILS("5.7.10")),
    "no-starttls": ([], good, ALL + ["REQUIRETLS"], {}, FAILS("5.7.10")),
    "clear-offer": ([RIGHT], good, [], {"EHLO": list(CLEAR_OFFER)}, FAILS("5.7.30")),
    "later": ([RIGHT], good, OFFERS, {"STARTTLS": "454 4.7.0 later"}, ("deferred", "4.7.5")),
    "tlsa-clear": ([RIGHT], good, ALL, {}, FAILS("5.7.10")),
    # Its domain has an MTA-STS policy (POLICIES): that takes nothing from what REQUIRETLS asks.
    "enforced": ([], good, OFFERS, {}, DONE),
    "enforced-only": ([], good, TLS, {}, FAILS("5.7.30")),
    "enforced-clear": ([], good, ALL, {}, FAILS("5.7.10")),
    "tested": ([], good, OFFERS, {}, DONE),
    "tested-only": ([], good, TLS, {}, FAILS("5.7.30")),
    "tested-stranger": ([], stranger, OFFERS, {}, FAILS("5.7.10")),
    "tested-unusable": ([OLD], stranger, OFFERS, {}, FAILS("5.7.10")),
    # Our own settings (routes) ask for more, and still do.
    "pinned": ([], good, OFFERS, {}, FAILS("5.7.10")),
    "only-dane": ([], good, OFFERS, {}, FAILS("5.7.10")),
    "must": ([], good, TLS, {}, FAILS("5.7.30")),
}
# Where the host's name is not proved, its certificate says nothing (RFC 8689 2).
zone, plain = "", "unproved MX 10 mx\nmx A 127.0.10.99\nnamed MX 10 mx\ntested MX 10 mx\nforged MX 10 mx-stranger.dane.test.\n"
peers = {"unproved": Peer("127.0.10.99", port, ext=OFFERS, tls=pki.context(good)), "stranger": Peer("127.0.10.97", port, ext=TLS, tls=pki.context(stranger)),
         "lmtp": Peer("127.0.10.96", port, ext=ALL, lmtp=True)}
# The forger of an MX record has a signed zone, and TLSA records, of his own.
zone += f"mx-stranger A 127.0.10.97\n_{port}._tcp.mx-stranger TLSA {tlsa(3, 1, 1, stranger)}\nmx-lmtp A 127.0.10.96\n"
# domain: (mode, whom the policy names)
POLICIES = {**{f"{n}.dane.test": ("enforce" if n[0] == "e" else "testing", f"mx-{n}.dane.test") for n in HOSTS if n.startswith(("enforced", "tested"))},
            "named.plain.test": ("enforce", "mx.plain.test"), "tested.plain.test": ("testing", "mx.plain.test"), "forged.plain.test": ("enforce", "mx.plain.test")}
for i, (name, (records, cert, ext, script, _)) in enumerate(HOSTS.items()):
    zone += f"{name} MX 10 mx-{name}\nmx-{name} A 127.0.10.{i + 1}\n" + "".join(f"_{port}._tcp.mx-{name} TLSA {r}\n" for r in records)
    peers[name] = Peer("127.0.10.%d" % (i + 1), port, ext=ext, script=script, tls=pki.context(cert))
zone += "second MX 10 mx-dane-only\nsecond MX 20 mx-dane\ngone MX 10 mx-dane-only\ngone MX 20 nobody\nnobody A 127.0.10.98\n"


def words(r, address):
    wait_for(lambda: r.log(f"to={address} "), f"a verdict for {address}\n" + "\n".join(r.lines[-8:]))
    line = r.log(f"to={address} ")[0]
    got = dict(w.split("=", 1) for w in line.split(" ") if "=" in w)
    return (got["event"], got["status"]), line


mails = lambda p: [l for s in p.sessions for l in s if l.startswith("MAIL")]
with Nsd({"test": "", "dane.test": zone, "plain.test": plain}, signed=("test", "dane.test")) as nsd, \
        Remote({"smtp-port": port, "resolver": f"127.0.0.1@{nsd.port}", "resolver-anchor": nsd.anchor, "tls-ca": ca[0], "retry-min": "1h", "retry-max": "2h",
                "host-retry-min": "1h", "host-retry-max": "2h"}, domains="home.test:",
               routes="smart.test: [mx-pkix.dane.test] tls=may\nonly.dane.test: dane-wrong.dane.test tls=dane-only\n"
               f"pinned.dane.test: fingerprint={'00' * 32}\nonly-dane.dane.test: tls=dane-only\nmust.dane.test: tls=must\nproved.test: unproved.plain.test tls=must\n"
               "address.test: [127.0.10.99] tls=secure match=mx.plain.test\nmailbox.test: lmtp:mx-lmtp.dane.test\nhere.test: lmtp:127.0.10.96\n") as r, \
        Peer(path=f"{r.dir}/run/lmtp/sock", lmtp=True, ext=ALL + ["REQUIRETLS"]) as local:
    r.start()
    r.stop()
    for domain, (mode, mx) in POLICIES.items():
        with open(f"{r.dir}/spool/policy/{domain}", "w") as f:
            f.write(f"postern-policy 1\n{int(time.time())} 1\nversion: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 600000\n")
        if os.getuid() == 0:
            os.chown(f.name, 65534, 65534)
    r.start()
    want = {**{f"{n}.dane.test": h[4] for n, h in HOSTS.items()}, "unproved.plain.test": FAILS("5.7.10"), "second.dane.test": DONE,
            "gone.dane.test": ("deferred", "4.4.1"), "smart.test": DONE, "home.test": DONE, "named.plain.test": DONE,
            "tested.plain.test": FAILS("5.7.10"), "forged.plain.test": ("deferred", "4.7.5"), "proved.test": FAILS("5.7.10"), "address.test": DONE,
            "mailbox.test": FAILS("5.7.10"), "here.test": DONE}
    r.queue([f"a@{d}" for d in want], mail="REQUIRETLS RET=FULL", body="Subject: secret\nTLS-Required: No\n\nthe body\n")
    for domain, verdict in want.items():
        got, line = words(r, f"a@{domain}")
        if verdict[0] == "deferred":
            tap.ok(got[0] == "deferred", f"{domain}: waits", line)
        else:
            tap.ok(got == verdict, f"{domain}: {' '.join(verdict)}", got, line)
    for host in HOSTS:
        sent = mails(peers[host])
        tap.ok(all("REQUIRETLS" in l for l in sent) and bool(sent) == (HOSTS[host][4] == DONE), f"{host}: MAIL with REQUIRETLS, or none", sent)
    tap.ok("verified=dane" in r.log("event=connect", "mx-dane.dane")[0] and "verified=pkix" in r.log("event=connect", "mx-pkix.dane")[0], "how it was verified")
    # The notification (RFC 8689 5): headers only, and protected itself.
    wait_for(lambda: any("<>" in l for l in mails(local)), "the notification")
    note = wait_for(lambda: [m for m in local.messages if "<>" in m.mail], "its text")[0]
    tap.ok("REQUIRETLS" in note.mail, "a notification of it asks for TLS as well", note.mail)
    tap.ok(b"Subject: secret" in note.data and b"the body" not in note.data, "and has the header only, whatever RET says", note.data)
    tap.ok(b"5.7.30" in note.data and b"5.7.10" in note.data, "with the RFC's codes")
    # From <>: as well as can be, never lost for it (RFC 8689 5).
    for host, said in (("dane", True), ("dane-only", False), ("no-starttls", False), ("clear-offer", False)):
        before = len(mails(peers[host]))
        peers[host].script = {"EHLO": list(CLEAR_OFFER)} if host == "clear-offer" else {}
        r.queue(f"n@{host}.dane.test", sender="", mail="REQUIRETLS")
        got, line = words(r, f"n@{host}.dane.test")
        sent = mails(peers[host])[before:]
        tap.ok(got == DONE and ("REQUIRETLS" in sent[0]) == said, f"from <> to {host}: delivered, {'with' if said else 'without'} REQUIRETLS", line, sent)
    # TLS-Required: No passes over DANE and MTA-STS (RFC 8689 4.2.2), as far as TLS is there it is used.
    for host, tls in (("dane-wrong", True), ("tlsa-clear", False), ("dane", True), ("enforced-clear", False), ("enforced", True)):
        before = len(peers[host].messages)
        r.queue(f"t@{host}.dane.test", body="Subject: x\nTLS-Required: No\n\nhello\n")
        got, line = words(r, f"t@{host}.dane.test")
        new = peers[host].messages[before:]
        tap.ok(got == DONE and len(new) == 1 and bool(new[0].tls) == tls, f"TLS-Required: No to {host}: delivered, {'TLS' if tls else 'clear'}", line, new)
        tap.ok(new and b"TLS-Required: No" in new[0].data, "... and the field stays")
    # Nobody asks for more than the policy: one that is tested lets all go, one that is enforced names who may have it.
    for domain, status in (("forged.plain.test", "4.7.5"), ("tested-unusable.dane.test", "2.0.0"), ("tested-stranger.dane.test", "2.0.0"), ("enforced-clear.dane.test", "4.7.4")):
        r.queue(f"v@{domain}")
        got, line = words(r, f"v@{domain}")
        tap.ok(got[1] == status, f"MTA-STS, no REQUIRETLS, {domain}: {status}", line)
    tap.ok(not peers["stranger"].sessions, "no connection to whom the policy does not name", peers["stranger"].sessions)
    r.queue("u@dane-wrong.dane.test", body="Subject: x\n\nTLS-Required: No\n")
    tap.ok(words(r, "u@dane-wrong.dane.test")[0] == ("deferred", "4.7.5"), "not where the body says it", r.log("to=u@"))
    r.queue("u@only.dane.test", body="TLS-Required: No\n\nx\n")
    tap.ok(words(r, "u@only.dane.test")[0][0] == "deferred", "nor against our own settings", r.log("to=u@only"))
# An error of our own says nothing of the server (here: no descriptors for TLS).
for level, lines, want in (("R", ["q", "y"], ("w", "4.3.0")), ("M", [], ("w", "4.3.0")), ("m", [], "clear")):
    before = len(peers["pkix"].messages)
    got = send([("mx-pkix.dane.test", peers["pkix"].listener.getsockname()[0], port, 0)], [("Subject: x\n\nx\n", ["w@pkix.dane.test"])], tls=level, lines=lines,
               before=["prlimit", "--nofile=6"])
    said = (got.failed[0], got.failed[2]) if got.failed else [m.tls for m in peers["pkix"].messages[before:]] == [False] and "clear"
    tap.ok(said == want and not got.tls, f"TLS cannot be had, for a reason of ours, level {level}: {want}", got, said)
for p in peers.values():
    p.close()
tap.done()
