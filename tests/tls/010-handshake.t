#!/usr/bin/env python3
"""tlsd in both modes: versions, what the program is told, server names, ALPN, client certificates,
exit codes when TLS fails."""
import os
import socket
import ssl
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tlsserver import *

warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.1 is asked for on purpose
KEY, CERT = make_pair("mail.example.test")
RKEY, RCERT = make_pair("rsa.example.test", kind="rsa")
WKEY, WCERT = make_pair("*.wild.test", T + "/w.key", T + "/w.crt")
CLIENT = make_pair("client")
STRANGER = make_pair("stranger")
LONG = "a" + ("/OU=" + "x" * 60) * 15
SUBJECTS = [(make_pair(name, f"{T}/s{n}.key", f"{T}/s{n}.crt"), want) for n, (name, want) in enumerate((
    (LONG + "/OU=" + "y" * 54, "/CN=" + LONG + "/OU=" + "y" * 54), (LONG + "/OU=" + "y" * 55, None),
    ("a\\/OU=b", None), ("a\\\\x00", None)))]
ENV = {"KEYFILE": KEY, "CERTFILE": CERT, "KEYFILE:rsa.example.test": RKEY,
       "CERTFILE:rsa.example.test": RCERT, "KEYFILE:*.wild.test": WKEY, "CERTFILE:*.wild.test": WCERT}
SHOW = ["env"]


def told(data):
    return dict(l.split("=", 1) for l in data.decode().splitlines() if "=" in l)


for mode in MODES:
    s = TlsServer(mode, ["-k", "1"], SHOW, ENV)
    for version, name in [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]:
        with s.tls(client(CERT, version)) as c:
            env = told(drain(c))
            same(env.get("SSL_PROTOCOL"), name, mode + ": " + name)
            same((env.get("SSL_CIPHER"), env.get("SSL_CIPHER_BITS")), (c.cipher()[0], str(c.cipher()[2])), mode + ": the cipher")
            same(env.get("SSL_TLS_SNI_SERVERNAME"), "mail.example.test", mode + ": the server name")
            ok("SSL_PEER_CERT_HASH" not in env and "SSL_PEER_CERT_SUBJECT" not in env, mode + ": no client certificate")
    left = [n for n in env if n.startswith(("KEYFILE", "CERTFILE", "TLS_", "SSLCTL"))]
    same(left, [], mode + ": the launcher's variables are gone")
    ok(len(env.get("POSTERN_ID", "")) > 5, mode + ": the connection has an id")
    ok(s.logged("id=" + env.get("POSTERN_ID", "?") + " event=tls ip=127.0.0.1"), mode + ": the log has it", s.all_logs())

    for name, cert in [("rsa.example.test", RCERT), ("RSA.Example.TEST", RCERT), ("a.wild.test", WCERT),
                       ("a.b.wild.test", CERT), ("wild.test", CERT), ("other.test", CERT), (None, CERT)]:
        with s.tls(name=name) as c:
            got = ssl.DER_cert_to_PEM_cert(c.getpeercert(True))
            same(got, open(cert).read(), "%s: certificate for %s" % (mode, name))
            env = told(drain(c))
            same(env.get("SSL_TLS_SNI_SERVERNAME"), name and name.lower(), "%s: told %s" % (mode, name))
    for bad in (ssl.TLSVersion.TLSv1_1,):
        ctx = client()
        ctx.minimum_version, ctx.maximum_version = ssl.TLSVersion.TLSv1, bad
        ctx.set_ciphers("ALL:@SECLEVEL=0")
        try:
            s.tls(ctx).close()
            ok(False, mode + ": TLS 1.1 is refused")
        except (ssl.SSLError, OSError) as e:
            ok(True, mode + ": TLS 1.1 is refused")
    ok(s.logged(" exitcode 97 "), mode + ": with exit code 97", s.log())
    s.stop()

    # ALPN.
    s = TlsServer(mode, [], SHOW, dict(ENV, TLS_ALPN="imap, xmpp"))
    for offer, want in [(["imap"], "imap"), (["h2", "xmpp"], "xmpp"), (["xmpp", "imap"], "imap"), (None, None)]:
        with s.tls(client(alpn=offer)) as c:
            same(c.selected_alpn_protocol(), want, "%s: ALPN %s" % (mode, offer))
            drain(c)
    r = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % s.port, "-alpn", "h2,http/1.1"],
                       capture_output=True, stdin=subprocess.DEVNULL)
    ok(b"alert no application protocol" in r.stderr, mode + ": ALPN of a browser: the alert", r.stderr)
    ok(s.logged(" exitcode 97 "), mode + ": and 97", s.log())
    s.stop()
    for empty in ("", " , "):
        s = TlsServer(mode, [], SHOW, dict(ENV, TLS_ALPN=empty))
        with s.tls(client(alpn=["h2"])) as c:
            same(c.selected_alpn_protocol(), None, "%s: ALPN, the server has no list: %r" % (mode, empty))
            drain(c)
        s.stop()

    # Client certificates.
    for option, pair, want in [("-Y", CLIENT, "/CN=client"), ("-Y", None, None), ("-y", CLIENT, "/CN=client"),
                               ("-y", None, 97), ("-Y", STRANGER, 97), ("-y", STRANGER, 97)]:
        s = TlsServer(mode, [option], SHOW, dict(ENV, CAFILE=CLIENT[1]))
        try:
            with s.tls(client(pair=pair)) as c:
                data = drain(c)
        except (ssl.SSLError, OSError):
            data = b""
        env = told(data)
        what = "%s: %s with %s" % (mode, option, "nothing" if not pair else "a good one" if pair is CLIENT else "a stranger's")
        if want == 97:
            ok(not env, what + " is refused", data)
            same(s.exit_code(), 97, what + ": 97")
        else:
            same((env.get("SSL_PEER_CERT_SUBJECT"), env.get("SSL_PEER_CERT_ISSUER")), (want, want), what + ": subject, and issuer")
            digest = openssl("x509", "-in", CLIENT[1], "-outform", "PEM", "-fingerprint", "-sha256", "-noout")
            same(env.get("SSL_PEER_CERT_HASH"), want and "SHA256:" + digest.split("=")[1].strip().replace(":", "").lower(),
                 what + ": hash")
        s.stop()

    for pair, want in SUBJECTS:
        s = TlsServer(mode, ["-y"], SHOW, dict(ENV, CAFILE=pair[1]))
        with s.tls(client(pair=pair)) as c:
            env = told(drain(c))
            same(("SSL_PEER_CERT_HASH" in env, env.get("SSL_PEER_CERT_SUBJECT")), (True, want), "%s: a subject that %s" % (mode, "can be read in one way" if want else "is ambiguous or long"))
        s.stop()

    s = TlsServer(mode, ["-y", "-k", "1"], SHOW, dict(ENV, CAFILE=CLIENT[1]))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with s.tls(client(pair=CLIENT, version=version), name="rsa.example.test") as c:
            same(told(drain(c)).get("SSL_PEER_CERT_SUBJECT"), "/CN=client", "%s: -y behind a name's own pair, %s" % (mode, version.name))
    s.stop()

    # Failures: the program never starts, and the exit code says why.
    s = TlsServer(mode, [], ["sh", "-c", "echo started"], ENV)
    with s.connect() as c:
        c.sendall(b"EHLO this is no TLS\r\n" * 20)
        ok(b"started" not in read_all(c), mode + ": garbage does not start the program")
    same(s.exit_code(), 97, mode + ": garbage: 97")
    ok(s.logged("event=tls-failed ip=127.0.0.1"), mode + ": and a line says so", s.all_logs())
    s.stop()
    s = TlsServer(mode, ["-K", "200"], ["sh", "-c", "echo started"], ENV)
    start = time.monotonic()
    with s.connect() as c:
        c.sendall(b"\x16\x03\x01")
        same(read_all(c), b"", mode + ": a client that says nothing is dropped")
    ok(0.15 < time.monotonic() - start < 60, mode + ": at the deadline", time.monotonic() - start)
    same(s.exit_code(), 98, mode + ": timeout: 98")
    ok(s.logged('reason="handshake timed out"'), mode + ": and a line says so", s.all_logs())
    s.stop()
    s = TlsServer(mode, ["-K", "500"], ["sh", "-c", "echo started"], ENV)
    start = time.monotonic()
    with s.connect() as c:
        try:
            for i in range(1000):
                c.sendall(b"\x16\x03\x01\x10\x00"[i:i + 1] or b"\x01")
                select.select([c], [], [], 0.05)[0] and c.recv(1) or None
                if time.monotonic() - start > 100:
                    break
        except OSError:
            pass
    same(s.exit_code(), 98, mode + ": dripping bytes does not move the deadline")
    ok(time.monotonic() - start < 45, mode + ": it is absolute", time.monotonic() - start)
    s.stop()
    s = TlsServer(mode, [], ["sh", "-c", "echo started"], ENV)
    s.connect().close()
    same(s.exit_code(), 97, mode + ": a client that goes at once: 97")
    s.stop()
    s = TlsServer(mode, [], ["/dev/fd/missing"], ENV)
    with s.tls() as c:
        same(drain(c), b"", mode + ": a missing program ends the connection cleanly")
    same(s.exit_code(), 127, mode + ": 127")
    s.stop()
    for name in ("key", "cert"):
        bad = T + "/bad"
        with open(bad, "w") as f:
            f.write("no PEM\n")
        for what, path in [("missing", T + "/nowhere"), ("broken", bad)]:
            env = {"KEYFILE": path, "CERTFILE": CERT} if name == "key" else {"KEYFILE": KEY, "CERTFILE": path}
            s = TlsServer(mode, [], SHOW, env)
            with s.connect() as c:
                c.sendall(b"x")
                read_all(c)
            same(s.exit_code(), 96, "%s: %s %s: 96" % (mode, what, name))
            ok(s.logged(path), "%s: and a line names it" % mode, s.all_logs())
            s.stop()
    s = TlsServer(mode, [], SHOW, {"KEYFILE": KEY, "CERTFILE": RCERT})
    with s.connect() as c:
        read_all(c)
    same(s.exit_code(), 96, mode + ": a key of another certificate: 96")
    s.stop()
    s = TlsServer(mode, ["-y"], SHOW, ENV)
    with s.connect() as c:
        read_all(c)
    same(s.exit_code(), 100, mode + ": -y without CAFILE: 100")
    s.stop()

if "alone" in MODES:
    for env, missing in [({}, "KEYFILE"), ({"KEYFILE": KEY}, "CERTFILE")]:
        s = TlsServer("alone", [], SHOW, env)
        s.talk()
        same(s.exit_code(), 100, "alone: without %s: 100" % missing)
        ok(missing in s.log(), "alone: it is named", s.log())
        s.stop()
    s = TlsServer("alone", ["-k", "1"], SHOW, {"KEYFILE": KEY, "CERTFILE": CERT, "KEYFILE:x": KEY})
    s.talk()
    same(s.exit_code(), 100, "alone: KEYFILE:x without CERTFILE:x: 100")
    s.stop()
    s = TlsServer("alone", ["-k", "2"], SHOW, {k: v for k, v in ENV.items() if ":rsa" in k})
    with s.tls(name="unknown.test") as c:
        same(ssl.DER_cert_to_PEM_cert(c.getpeercert(True)), open(RCERT).read(),
             "alone: -k 2 falls back to the first pair")
        drain(c)
    s.stop()
    s = TlsServer("alone", ["-Z"], SHOW, ENV)
    with s.tls() as c:
        ok("KEYFILE" in told(drain(c)), "alone: -Z keeps the variables")
    s.stop()
    s = TlsServer("alone", ["-S", "-s", "-J", "-j", "-Z", "-z", "-v", "1", "-K", "9000"], SHOW, ENV)
    with s.tls() as c:
        env = told(drain(c))
        ok("KEYFILE" not in env and env.get("SSL_PROTOCOL"), "alone: of options that contradict each other the last one counts", env)
    s.stop()
    s = TlsServer("alone", ["-k", "0"], SHOW, ENV)
    with s.tls(name="rsa.example.test") as c:
        same(ssl.DER_cert_to_PEM_cert(c.getpeercert(True)), open(CERT).read(), "alone: -k 0 knows one pair")
        drain(c)
    s.stop()
for option in (["-K", "x"], ["-k", "3"], ["-x"], ["-v"], []):
    for launcher in ("tlsd", "ucspitlsd"):
        args = [launcher] + option + (["true"] if option and option != ["-v"] else [])
        r = subprocess.run(args, capture_output=True, stdin=subprocess.DEVNULL)
        same(r.returncode, 100, " ".join(args) + ": 100")
done()
