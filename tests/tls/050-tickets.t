#!/usr/bin/env python3
"""Session tickets: resumption across engines, across both modes, through rotation; what they must not
do; scripts/postern-tickets."""
import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tlsserver import *

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "postern-tickets")
KEY, CERT = make_pair("mail.example.test")
ENV = {"KEYFILE": KEY, "CERTFILE": CERT, "KEYFILE:other.test": KEY, "CERTFILE:other.test": CERT}
FILE = T + "/run/tls/tickets"
os.makedirs(T + "/run/tls")


def rotate(*args):
    return subprocess.run([SCRIPT, *args], capture_output=True, text=True, env=dict(os.environ, POSTERN_DIR=T))


def put(text, mode=0o600):
    with open(FILE + ".new", "w") as f:
        f.write(text)
    os.chmod(FILE + ".new", mode)
    os.rename(FILE + ".new", FILE)


def session(server, ctx, old=None, name="mail.example.test"):
    """One connection: (was it resumed, its session)."""
    with server.tls(ctx, name=name, session=old) as c:
        c.sendall(b"x")
        c.recv(1)  # TLS 1.3 tickets come behind the handshake
        return c.session_reused, c.session


# ---- the script
r = rotate()
same((r.returncode, r.stdout, r.stderr), (0, "", ""), "postern-tickets")
first = open(FILE).read().splitlines()
same(len(first), 1, "writes one key")
same(os.stat(FILE).st_mode & 0o777, 0o600, "for its owner's eyes")
rotate()
second = open(FILE).read().splitlines()
ok(len(second) == 2 and second[1] == first[0] and second[0].split()[1] != first[0].split()[1], "then a new one on top", second)
ok(all(len(l.split()[1]) == 160 for l in second), "of 80 bytes")
with open(FILE, "w") as f:
    f.write("%d %s\n%d %s\n" % (time.time() - 64000, "00" * 80, time.time() - 65000, "11" * 80))
rotate()
same([l.split()[1][:2] for l in open(FILE).read().splitlines()][1:], ["00"], "old ones go")
for i in range(12):
    rotate()
same(len(open(FILE).read().splitlines()), 8, "and so do more than eight")
rotate("-k", "0")
same(len(open(FILE).read().splitlines()), 1, "-k 0 keeps none")
same(os.listdir(T + "/run/tls"), ["tickets"], "nothing is left behind")
for args in (["-k", "x"], ["-k", "90000"], ["-q"], ["a", "b"]):
    same(rotate(*args).returncode, 100, "postern-tickets %s: 100" % " ".join(args))
same(rotate(T + "/none/tickets").returncode, 111, "no such directory: 111")

with open(FILE, "w") as f:
    f.write("%d %s\nnoise noise\n%d %s\n" % (time.time() - 60, "22" * 80, time.time() - 70, "2x" * 80))
rotate()
same([l.split()[1][:2] for l in open(FILE).read().splitlines()][1:], ["22"], "what is no key goes too")

# ---- a file that cannot be used: what was there stays in use
rotate("-k", "0")
held = TlsServer("holder", [], ["cat"], dict(ENV, TLS_TICKETS=FILE))
ctx = client()
ticket = session(held, ctx)[1]
good = open(FILE).read()
for what, text, mode in [("half a line", good[:100], 0o600), ("nothing", "", 0o600), ("noise", "noise\n", 0o600),
                         ("a file that others may read", "%d %s\n" % (time.time(), "33" * 80), 0o644)]:
    put(text, mode)
    reused, ticket = session(held, ctx, ticket)
    same(reused, True, what + ": the old key stays")
same(held.holder.log().count("event=ticket-file"), 4, "each is logged once")
put(good)
same(session(held, ctx, ticket)[0], True, "until there is a good one")
held.stop()

# ---- resumption
for version, v in [(ssl.TLSVersion.TLSv1_2, "1.2"), (ssl.TLSVersion.TLSv1_3, "1.3")]:
    ctx = client(version=version)
    plain = TlsServer("holder", [], ["cat"], ENV)
    reused, ticket = session(plain, ctx)
    same(reused, False, v + ": first a full handshake")
    for i in range(2):
        reused, ticket = session(plain, ctx, ticket)
        same(reused, True, v + ": then one engine resumes what another began")
    fresh = session(plain, ctx, ticket)[1]
    same(fresh.id != ticket.id, version == ssl.TLSVersion.TLSv1_3, v + ": a resumed client gets another ticket in 1.3")
    ok("resumed=yes" in plain.holder.log(), v + ": the log says so")
    plain.stop()

    alone = TlsServer("alone", [], ["cat"], ENV)
    reused, ticket = session(alone, ctx)
    same(session(alone, ctx, ticket)[0] if ticket else False, False, v + ": alone without TLS_TICKETS: no resumption")
    alone.stop()

    rotate("-k", "0")
    env = dict(ENV, TLS_TICKETS=FILE)
    alone = TlsServer("alone", [], ["cat"], env)
    held = TlsServer("holder", [], ["cat"], env)
    ticket = session(alone, ctx)[1]
    same(session(alone, ctx, ticket)[0], True, v + ": alone with TLS_TICKETS: resumed")
    same(session(held, ctx, ticket)[0], True, v + ": in the key holder's mode too")
    ticket = session(held, ctx)[1]
    same(session(alone, ctx, ticket)[0], True, v + ": and the other way round")
    rotate()
    reused, renewed = session(held, ctx, ticket)
    same(reused, True, v + ": a rotated key still resumes")
    rotate("-k", "0")
    same(session(held, ctx, ticket)[0], False, v + ": a dropped one does not")
    # A client that resumes all day gets tickets by new keys: one without a full handshake.
    rotate("-k", "0")
    ticket = session(held, ctx)[1]
    rotate()
    ticket = session(held, ctx, ticket)[1]
    lines = open(FILE).read().splitlines(True)
    put(lines[0])
    same(session(held, ctx, ticket)[0], True, v + ": a resumed client got a ticket by the new key")
    alone.stop()
    held.stop()

    # What was made without a client certificate must not pass where one is needed.
    rotate("-k", "0")
    env = dict(ENV, TLS_TICKETS=FILE, CAFILE=CERT)
    none, must = TlsServer("alone", [], ["cat"], env), TlsServer("alone", ["-y"], ["cat"], env)
    ticket = session(none, ctx)[1]
    try:
        reused = session(must, ctx, ticket)[0]
    except (ssl.SSLError, OSError):
        reused = "refused"
    same(reused, "refused", v + ": no way around -y by a ticket")
    with_cert = client(version=version, pair=(KEY, CERT))
    ticket = session(must, with_cert)[1]
    same(session(must, with_cert, ticket)[0], True, v + ": -y resumes its own")
    none.stop()
    must.stop()
done()
