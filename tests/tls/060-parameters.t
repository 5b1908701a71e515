#!/usr/bin/env python3
"""What openssl s_client, speaking for itself, gets from both modes: ciphers, no renegotiation, no
compression, no early data; names that are no names; what an engine has open."""
import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tlsserver import *

KEY, CERT = make_pair("mail.example.test", kind="rsa")
ENV = {"KEYFILE": KEY, "CERTFILE": CERT, "TLS_TICKETS": T + "/tickets"}
subprocess.run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "postern-tickets"), T + "/tickets"],
               check=True)


def s_client(server, *options, text="", name="mail.example.test"):
    """Runs until the server ends the connection: all that it says."""
    p = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, "-servername", name, *options],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    end_at_exit(p)
    p.stdin.write(text.encode())
    p.stdin.flush()
    out = p.stdout.read().decode(errors="replace")
    p.stdin.close()
    p.wait(timeout=120)
    return out


for mode in MODES:
    m = mode + ": "
    s = TlsServer(mode, [], ["sh", "-c", "read x; echo got $x; env"], ENV)
    for version in ("-tls1_2", "-tls1_3"):
        out = s_client(s, version, text="hello\n")
        ok("got hello" in out and "Compression: NONE" in out, m + version + ": s_client is served, without compression", out)
    for cipher in ("AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "DHE-RSA-AES256-GCM-SHA384",
                   "AECDH-AES256-SHA"):
        out = s_client(s, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
        ok("alert handshake failure" in out, m + cipher + " is refused", out)
    out = s_client(s, "-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256", text="x\n")
    ok("CHACHA20" in out.split("Cipher    : ")[1].split("\n")[0], m + "a client that prefers ChaCha20 gets it", out)
    out = s_client(s, "-tls1_2", text="R\n")
    ok("\ngot" not in out and ":no renegotiation:" in out, m + "no renegotiation", out)
    with open(T + "/early", "w") as f:
        f.write("early\n")
    out = s_client(s, "-tls1_3", "-sess_out", T + "/sess", text="hello\n")
    out = s_client(s, "-tls1_3", "-sess_in", T + "/sess", "-early_data", T + "/early", text="late\n")
    ok("Reused, TLSv1.3" in out and "got late" in out and "got early" not in out, m + "a session is resumed, without early data", out)

    # A name is told and logged only if it is one.
    for name in ("a b", "x\nevent=forged", 'q"', "x=y", "\x7f", "é.test"):
        out = s_client(s, "-tls1_3", name=name, text="x\n")
        ok("got x" in out and "SSL_TLS_SNI_SERVERNAME" not in out, m + "%r is no name" % name, out)
    ok(not [l for l in s.all_logs().splitlines() if l.startswith("event=") or "sni=" in l and "sni=mail.example.test" not in l],
       m + "and not in the log", s.all_logs())
    s.stop()

    # Whatever the launcher was started with, an engine has the connection, the two pipes and the log.
    r, w = os.pipe()
    s = TlsServer(mode, [], ["cat"], ENV, pass_fds=[r, w])
    with s.tls() as c:
        c.sendall(b"x")
        c.recv(1)
        parent = s.process.pid if mode == "alone" else s.holder.process.pid
        children = lambda p: open("/proc/%s/task/%s/children" % (p, p)).read().split()
        engine = children(children(parent)[0] if mode == "alone" else parent)[0]
        if os.getuid() == 0:
            ok(not {os.readlink("/proc/%s/fd/%s" % (engine, f)) for f in os.listdir("/proc/%s/fd" % engine)} &
               {os.readlink("/proc/self/fd/%d" % w)}, m + "an engine has no inherited descriptor")
            same(os.stat("/proc/%s/fd" % engine).st_uid, 0, m + "and is not dumpable")
        else:
            ok(True, m + "an engine has no inherited descriptor # SKIP an undumpable process shows its descriptors to root alone")
    os.close(r)
    os.close(w)
    s.stop()
done()
