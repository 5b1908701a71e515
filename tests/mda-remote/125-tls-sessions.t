#!/usr/bin/env python3
"""TLS sessions that the next connection takes up again: with the same server, under the same rule, and never a reason to trust it more."""
import hashlib, os, re, socket, ssl, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap
from pki import Pki, tlsa
from smtppeer import ALL, Peer, Remote
from smtpsend import parallel, send

TLS = ALL + ["STARTTLS"]
HOST, IP = "mx.far.test", "127.0.0.1"
tmp = tempfile.TemporaryDirectory(prefix="postern-sessions.")
os.chmod(tmp.name, 0o755)
pki = Pki(tmp.name)
ca, foreign = pki.authority(), pki.authority("Another CA")
leaf, expired, stranger = pki.leaf(ca, HOST), pki.leaf(ca, HOST, expired=True), pki.leaf(foreign, HOST)
der = subprocess.run(["openssl", "x509", "-in", leaf, "-outform", "DER"], capture_output=True, check=True).stdout
DIGEST = hashlib.sha256(der).hexdigest()
E, T = tlsa(3, 1, 1, leaf), tlsa(2, 0, 1, ca[0])
# Every part of a rule: (level, other lines). Each is verified by this server's certificate.
RULES = {
    "may": ("m", []), "encrypt 1.2": ("m", ["p 12"]), "must": ("M", []), "name": ("c", ["v " + HOST, "v else.test"]), "names": ("c", ["v " + HOST]),
    "fingerprint": ("f", ["f " + DIGEST]), "fingerprints": ("f", ["f " + "0" * 64, "f " + DIGEST]), "sts": ("S", []), "testing": ("s", []), "require": ("R", ["y"]),
    "ee": ("d", [f"B {HOST} {HOST}", f"d {HOST} {E}"]), "two": ("d", [f"B {HOST} {HOST}", f"d {HOST} {E}", f"d {HOST} {T}"]),
    "only": ("D", ["y", f"B {HOST} {HOST}", f"d {HOST} {E}"]), "domain": ("d", ["y", "n far.test", f"B {HOST} {HOST}", f"d {HOST} {E}"]),
    "unusable": ("d", [f"B {HOST} {HOST}", f"d {HOST} 1 1 1 {'00' * 32}"]),
}
SAME = {"must", "names"}, {"sts", "require"}  # the very same is asked of the certificate


def go(peer, rule, *session, host=HOST, port=None, settings=None):
    level, lines = RULES[rule] if isinstance(rule, str) else rule
    return send([(host, IP, port or peer.port, 0)], [("Subject: x\n\nx\n", ["a@far.test"])], level, [*lines, *(f"S {s}" for s in session)],
                settings={"tls-ca": f"{tmp.name}/cas.pem", **(settings or {})})


def how(result):
    """new, reused or - (in clear); failed where there was no connection."""
    return result.connected.split(" ")[5] if result.connected else "failed"


def sent(result):
    return [v[0] for l in result.verdict.values() for v in l]


with open(f"{tmp.name}/cas.pem", "w") as f:
    f.write(open(ca[0]).read())
ext = TLS + ["REQUIRETLS"]
with Peer(ext=ext, tls=pki.context(leaf)) as peer:
    # Each rule with the sessions of each.
    first = dict(zip(RULES, parallel([lambda r=r: go(peer, r) for r in RULES], 4)))
    for rule, result in first.items():
        tap.ok(how(result) == "new" and len(result.sessions) == 2 and sent(result) == ["d"], f"{rule}: a server's two tickets are handed over", result)
    names = [*RULES]
    bound = {r: re.search("A4220420([0-9A-F]{64})", first[r].sessions[0]).group(1) for r in names}  # the session's context
    wrong = [(a, b) for a in names for b in names if (bound[a] == bound[b]) != (a == b or {a, b} in SAME)]
    tap.ok(not wrong, "a session is bound to its rule, which differs in every part", wrong)
    pairs = [(a, names[i - 1]) for i, a in enumerate(names)]
    for (a, b), result in zip(pairs, parallel([lambda a=a, b=b: go(peer, b, first[a].sessions[0]) for a, b in pairs], 4)):
        tap.ok(how(result) == ("reused" if {a, b} in SAME else "new") and sent(result) == ["d"], f"one of {a} is not used for {b}", result)
    for rule, result in first.items():
        again = go(peer, rule, result.sessions[1])
        verified = [r.connected.split(" ")[4] for r in (result, again)]
        tap.ok(how(again) == "reused" and peer.reused[-1] and verified[0] == verified[1] and sent(again) == ["d"], f"{rule}: taken up again, verified as before", again, verified)
        tap.ok(again.sessions and again.sessions[0].split(" ")[3] == result.sessions[1].split(" ")[3], f"{rule}: what follows from it is as old", again.sessions)
    session = go(peer, "must").sessions[0]
    turned = RULES["two"][0], RULES["two"][1][:1] + RULES["two"][1][:0:-1]
    tap.ok(how(go(peer, turned, go(peer, "two").sessions[0])) == "reused", "TLSA records in another order are the same")
    with open(f"{tmp.name}/cas2.pem", "w") as f:
        f.write(open(ca[0]).read() + open(foreign[0]).read())
    tap.ok(how(go(peer, "must", session, settings={"tls-ca": f"{tmp.name}/cas2.pem"})) == "new", "another file of CAs: not reused")
    session = go(peer, "may").sessions[0]
    for what, line in (("another address", session.replace(IP, "127.0.0.2", 1)), ("another port", session.replace(str(peer.port), "25", 1)),
                       ("another name", session.replace(HOST, "my.far.test", 1))):
        r = go(peer, "may", line)
        tap.ok(how(r) == "new" and sent(r) == ["d"], f"of {what}: not used", r)
    r = send([(HOST, IP, peer.port, 0), (HOST, "127.0.0.9", peer.port, 1)], [("Subject: x\n\nx\n", ["a@far.test"])], "m",
             ["S " + session.replace(IP, "127.0.0.9", 1), "S " + session])
    tap.ok(how(r) == "reused" and session.replace(IP, "127.0.0.9", 1) in r.sessions, "that of a host which was not asked comes back", r)
    # Damage.
    words, text = session.rsplit(" ", 1)
    middle = len(text) // 2 & ~1
    for what, damaged in (("no hexadecimal", "zz"), ("odd", text[:-1]), ("cut", text[:middle]), ("a byte is another one", text[:middle] + "FF" + text[middle + 2:]), ("noise", os.urandom(900).hex().upper()),
                          ("zeros", "00" * 500), ("one byte", "30"), ("the length is wrong", "3084FFFFFFFF" + text[8:]), ("very long", "41" * 20000)):
        r = go(peer, "may", f"{words} {damaged}")
        tap.ok(how(r) in ("new", "reused") and sent(r) == ["d"] and not r.code, f"a damaged session ({what}) harms nothing", r)
    for line in ("", HOST, f"{HOST} {IP}", f"{HOST} {IP} x 1 00", words, words + " "):
        r = go(peer, "may", line)
        tap.ok(how(r) == "new" and sent(r) == ["d"], f"a line {line!r}", r)

    # A server that was started anew knows no session; a certificate that is wrong is then.
    session = go(peer, "must").sessions[0]
    peer.tls = pki.context(leaf)
    r = go(peer, "must", session)
    tap.ok(how(r) == "new" and sent(r) == ["d"] and len(r.sessions) == 2, "refused: the whole handshake", r)
    session = r.sessions[0]
    peer.tls = pki.context(stranger)
    r = go(peer, "must", session)
    tap.ok(how(r) == "failed" and "certificate" in r.failed[5] and not r.sessions, "refused, and the certificate is another one: no mail", r)
    r = go(peer, "testing")
    tap.ok(how(r) == "new" and sent(r) == ["d"] and not r.sessions, "a handshake that only did not matter leaves no session", r)
    # What has expired is looked at again.
    peer.tls = pki.context(expired)
    record = "d", [f"B {HOST} {HOST}", f"d {HOST} {tlsa(3, 1, 1, expired)}"]
    r = go(peer, record)
    again = go(peer, record, r.sessions[0])
    tap.ok(how(r) == how(again) == "new" and sent(again) == ["d"], "a session of a certificate that has expired is not used", again)

    # TLS 1.2: the same one again and again.
    peer.tls = pki.context(leaf)
    peer.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    r = go(peer, "must")
    ways = [how(r)]
    for _ in range(2):
        r = go(peer, "must", r.sessions[-1])
        ways.append(how(r))
    tap.ok(ways == ["new", "reused", "reused"] and "TLSv1.2" in r.connected, "TLS 1.2", ways, r)
    # The server offers something else now.
    peer.tls = pki.context(leaf)
    r = go(peer, "must", r.sessions[-1])
    tap.ok(how(r) == "new" and "TLSv1.3" in r.connected and sent(r) == ["d"], "a session of TLS 1.2, a server of TLS 1.3", r)

    def offers_session(connection):
        """Whether the ClientHello that comes has the extension pre_shared_key (RFC 8446 4.2.11)."""
        look = lambda n: connection.recv(n, socket.MSG_PEEK | socket.MSG_WAITALL)
        hello = look(5 + int.from_bytes(look(5)[3:], "big"))
        at = 5 + 4 + 2 + 32
        for size in 1, 2, 1:
            at += size + int.from_bytes(hello[at:at + size], "big")
        at += 2
        found = []
        while at < len(hello):
            found.append(int.from_bytes(hello[at:at + 2], "big"))
            at += 4 + int.from_bytes(hello[at + 2:at + 4], "big")
        return 41 in found

    # A server that breaks off when it is asked for a session: not in clear for that.
    class Fussy:
        context, broke = pki.context(leaf), 0

        def wrap_socket(self, connection, server_side):
            if offers_session(connection):
                Fussy.broke += 1
                raise ConnectionError
            return self.context.wrap_socket(connection, server_side=True)
    peer.tls = Fussy()
    for rule in "may", "must":
        session = go(peer, rule).sessions[0]
        n = Fussy.broke
        r = go(peer, rule, session)
        tap.ok(Fussy.broke == n + 1 and how(r) == "new" and sent(r) == ["d"], f"{rule}: a server that does not bear a session gets a whole handshake", r)
        tap.ok(r.tls == [f"none - {HOST} {IP} {IP} "], "and that is no failure to report", r.tls)
with Peer(ext=TLS, tls=pki.context(leaf), wrap=True) as peer:
    session = go(peer, ("M", ["w"])).sessions[0]
    tap.ok(how(go(peer, ("M", ["w"]), session)) == "reused", "TLS from the first octet")
    peer.tls = Fussy()
    session = go(peer, ("M", ["w"])).sessions[0]
    r = go(peer, ("M", ["w"]), session)
    tap.ok(how(r) == "new" and sent(r) == ["d"], "there too a server that does not bear it", r)

# mda-remote keeps them from one connection to the next.
with Peer(ext=TLS, tls=pki.context(leaf)) as peer, Remote({"remote-messages-per-connection": 1, "remote-timeout": "20"}, routes=f"far.test: {IP}:PORT") as r:
    r.set("routes", f"far.test: {IP}:{peer.port}")
    r.start()
    for i in range(4):
        r.queue(f"a{i}@far.test")
        r.wait("event=delivered", f"a{i}@far.test")
    ways = [l.split("session=")[1].split(" ")[0] for l in r.log("event=connect")]
    tap.ok(ways == ["new", "reused", "reused", "reused"] and peer.reused == [False, True, True, True], "mda-remote: each connection goes on where the one before was", ways, peer.reused)
    n = len(r.log("settings", "read"))
    r.process.send_signal(1)
    r.wait("settings", "read", count=n + 1)
    r.queue("b@far.test")
    r.wait("event=delivered", "b@far.test")
    tap.ok("session=new" in r.log("event=connect")[-1], "settings that are read anew begin anew", r.log("event=connect"))
tap.done()
