#!/usr/bin/env python3
"""smtp-callout: what a relay domain's own server says of a recipient, by every kind of route; what is remembered, and for how
long; one deadline whatever the server does."""
import os, re, shutil, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import postfixserver
from dns import Nsd
from instance import tap
from ports import free_port
from smtppeer import ALL, DROP, STALL, Peer, Remote, certificate

NO_ONE, NOW, DOWN = "550 5.1.1 its server says: no such user", "250 2.1.5 its server takes it", \
    "450 4.4.0 the server of this domain cannot be asked now, try later"


def users(line):
    return "550 5.1.1 no such user" if "<no" in line else None


def lmtp(one, text, **env):
    p = subprocess.run(["smtp-callout"], input=text.encode(), env={**one.env, **env}, capture_output=True, timeout=120)
    one.said, one.code = p.stderr.decode(), p.returncode
    return p.stdout.decode("utf-8", "replace")


def ask(one, *rcpts, mail="", **env):
    """The reply for each recipient."""
    text = f"LHLO test\r\nMAIL FROM:<s@b.test>{mail}\r\n" + "".join(f"RCPT TO:<{r}>\r\n" for r in rcpts) + "QUIT\r\n"
    replies = [l for l in lmtp(one, text, **env).split("\r\n") if l]
    return replies[-1 - len(rcpts):-1]


def case(name, one, rcpts, want, peer=None, connections=None, questions=None, **more):
    had = (len(peer.sessions), sum(l.startswith("RCPT") for s in peer.sessions for l in s)) if peer else (0, 0)
    got = ask(one, *([rcpts] if isinstance(rcpts, str) else rcpts), **more)
    want = [want] if isinstance(want, str) else want
    good = got == want
    if connections is not None:
        good &= len(peer.sessions) - had[0] == connections
    if questions is not None:
        good &= sum(l.startswith("RCPT") for s in peer.sessions for l in s) - had[1] == questions
    tap.ok(good, name, got, want, [list(s) for s in peer.sessions[had[0]:]] if peer else "", one.said)


class Callout(Remote):
    def __init__(self, settings=None, routes=""):
        super().__init__(settings, "", routes)
        os.makedirs(self.dir + "/run/callout")

    def forget(self):
        try:
            os.unlink(self.dir + "/run/callout/answers")
        except FileNotFoundError:
            pass


def route(peer, words=""):
    return f"[127.0.0.1]:{peer.port} {words}"


with Peer(script={"RCPT": users}) as peer, Callout() as one:
    one.set("routes", f"a.test: {route(peer)}\n")
    case("a recipient that the server takes", one, "bob@a.test", NOW, peer, 1, 1)
    tap.ok("MAIL FROM:<>" in " ".join(peer.sessions[-1]) and not any(l.startswith("DATA") for l in peer.sessions[-1]), "the null sender, and no message",
           peer.sessions[-1])
    tap.ok(re.search(r"event=callout to=bob@a.test code=250 reply=.* host=\S+ ms=\d+", one.said), "a line of it", one.said)
    case("... is remembered", one, "bob@a.test", NOW, peer, 0)
    tap.ok("event=callout to=bob@a.test code=250" in one.said and "known=yes" in one.said, "... as its line says", one.said)
    case("the domain in another case is the same", one, "bob@A.Test", NOW, peer, 0)
    case("a recipient that it refuses", one, "nobody@a.test", NO_ONE, peer, 1, 1)
    case("... is remembered", one, "nobody@a.test", NO_ONE, peer, 0)
    case("several in a session: one connection", one, ["b1@a.test", "no2@a.test", "b3@a.test", "bob@a.test"], [NOW, NO_ONE, NOW, NOW], peer, 1, 3)
    one.set("callout-positive", "0")
    case("callout-positive 0: what is accepted is asked each time", one, "bob@a.test", NOW, peer, 1, 1)
    one.set("callout-negative", "0")
    case("callout-negative 0: what is refused, too", one, "nobody@a.test", NO_ONE, peer, 1, 1)
    os.unlink(one.dir + "/etc/callout-positive")
    os.unlink(one.dir + "/etc/callout-negative")
    # A record that is not what was written is none.
    with open(one.dir + "/run/callout/answers", "r+b") as f:
        size = os.fstat(f.fileno()).st_size
        data = bytearray(f.read())
        for at in range(16 + 64, size, 256):
            data[at] ^= 1
        f.seek(0)
        f.write(data)
    case("damaged records are none", one, "bob@a.test", NOW, peer, 1, 1)
    tap.ok(size <= 16 + 16384 * 256, "the file has a bound", size)
    one.set("routes", f"a.test: {route(peer, 'ipv4')}\n")
    case("another route is another server", one, "bob@a.test", NOW, peer, 1, 1)
    os.rename(one.dir + "/run/callout", one.dir + "/run/away")
    case("without the file nothing is remembered, and all is answered", one, "bob@a.test", NOW, peer, 1, 1)
    tap.ok("event=no-cache" in one.said, "... and said", one.said)
    os.rename(one.dir + "/run/away", one.dir + "/run/callout")
    got = []
    threads = [threading.Thread(target=lambda i=i: got.append(subprocess.run(["smtp-callout"], input=f"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{'no' * (i % 2)}c{i // 4}@a.test>\r\nQUIT\r\n".encode(),
                                                                  env=one.env, capture_output=True).stdout.decode().count(NO_ONE if i % 2 else NOW))) for i in range(16)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    tap.ok(got == [1] * 16, "many at once", got)

# What a server may answer. (stage -> action), what the client hears, whether it is asked again for the same, and for another.
ROWS = [
    ("greylisted", {"RCPT": "451 4.7.1 come back"}, "450 4.7.1 its server says: come back", 1, 1),
    ("a 4xx without enhanced code", {"RCPT": "450 later"}, "450 4.0.0 its server says: later", 1, 1),
    ("a 5xx without enhanced code", {"RCPT": "553 what"}, "550 5.0.0 its server says: what", 0, 1),
    ("a 5xx with one of another class", {"RCPT": "550 4.2.1 odd"}, "550 5.0.0 its server says: 4.2.1 odd", 0, 1),
    ("a reply of several lines: the first", {"RCPT": "550-5.7.1 one\r\n550 5.7.1 two"}, "550 5.7.1 its server says: one", 0, 1),
    ("a long reply is cut", {"RCPT": "550 5.1.1 " + "x" * 900}, "550 5.1.1 its server says: " + "x" * 206, 0, 1),
    ("controls in a reply", {"RCPT": b"550 5.1.1 a\x07\x00b\r\n"}, "550 5.1.1 its server says: a  b", 0, 1),
    ("it takes no null sender", {"MAIL": "550 5.7.1 no bounces here"}, DOWN, 1, 1),
    ("it takes nobody's mail", {"MAIL": "452 4.3.1 full"}, "450 4.3.1 its server says: full", 1, 1),
    ("nonsense in place of a reply", {"RCPT": "what"}, DOWN, 1, 1),
    ("the connection is cut at RCPT", {"RCPT": DROP}, DOWN, 1, 1),
    ("421 at RCPT", {"RCPT": "421 4.3.2 going down"}, "450 4.3.2 its server says: going down", 1, 1),
    ("it does not want us", {"greeting": "554 5.7.1 go away"}, DOWN, 0, 0),
    ("the connection is cut at once", {"greeting": DROP}, DOWN, 0, 0),
    ("no EHLO and no HELO", {"EHLO": "502 what", "HELO": "502 what"}, DOWN, 0, 0),
]
for name, script, want, again, other in ROWS:
    with Peer(script=script) as peer, Callout() as one:
        one.set("routes", f"a.test: {route(peer)}\n")
        got, n, last = [], 0, []
        for rcpt in "bob@a.test", "bob@a.test", "ann@a.test":
            got.append(ask(one, rcpt)[0])
            last.append(min(1, len(peer.sessions) - n))
            n = len(peer.sessions)
        tap.ok(got[0] == want and got[1:] == [got[0]] * 2 and last == [1, again, other], f"{name}: {want[:40]}", got, last, one.said)

for stage in "greeting", "EHLO", "MAIL", "RCPT":
    with Peer(script={stage: STALL}) as peer, Callout({"callout-timeout": "300ms"}) as one:
        one.set("routes", f"a.test: {route(peer)}\n")
        case(f"a server that says nothing at {stage}: 450 when the time is over", one, "bob@a.test", DOWN)
        tap.ok("reason=" in one.said and one.code == 0, "... and why", one.said)

with Callout() as one:
    one.set("routes", f"a.test: [127.0.0.1]:{free_port()}\nbad.test: [\n")
    case("nobody listens", one, ["bob@a.test", "ann@a.test"], [DOWN, DOWN])
    case("a route that is none", one, "bob@bad.test", "450 4.3.5 there is no way to this domain now, try later")
    out = lmtp(one, "RCPT TO:<a@a.test>\r\nLHLO x\r\nRCPT TO:<a@a.test>\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nRCPT TO:nonsense\r\nRCPT TO:<a@a.test> NOTIFY=NEVER\r\n"
               "DATA\r\nBDAT 3 LAST\r\nMAIL FROM:<>\r\nRSET\r\nNOOP\r\nVRFY a\r\nHELP\r\nRSET 1\r\nLHLO\r\n" + "x" * 5000 + "\r\nQUIT\r\n")
    codes = [l[:3] for l in out.split("\r\n") if l and l[3:4] == " "]
    tap.ok(codes == "220 503 250 503 250 550 501 555 503 500 503 250 250 252 214 501 501 500 221".split(), "commands in their order, and others", out)
    out = lmtp(one, "X\r\n" * 200)
    tap.ok(out.count("\r\n") == 1 + 101 + 1 and out.endswith("421 4.7.0 too many errors\r\n"), "too many errors: 421", out[-200:])
    tap.ok(subprocess.run(["smtp-callout", "x"], env=one.env, capture_output=True).returncode == 100, "usage: exit 100")
    one.set("callout-timeout", "29s")
    tap.ok(lmtp(one, "QUIT\r\n") == "" and one.code == 100 and "callout-timeout" in one.said, "a deadline beyond smtp-recv's: exit 100", one.said)

# Kinds of routes.
with tempfile.TemporaryDirectory() as d, Peer(script={"RCPT": users}, path=d + "/sock", lmtp=True) as peer, Callout() as one:
    one.set("routes", f"a.test: lmtp:{d}/sock\n")
    case("LMTP over a Unix socket", one, ["bob@a.test", "nobody@a.test"], [NOW, NO_ONE], peer, 1)
with Peer(script={"RCPT": users}, lmtp=True) as peer, Callout() as one:
    one.set("routes", f"a.test: lmtp:127.0.0.1:{peer.port}\n")
    case("LMTP over TCP", one, ["bob@a.test", "nobody@a.test"], [NOW, NO_ONE], peer, 1)
try:
    with Peer(ip="::1", script={"RCPT": users}) as peer, Callout() as one:
        one.set("routes", f"a.test: [::1]:{peer.port}\nb.test: [::1]:{peer.port} ipv4\n")
        case("IPv6", one, ["bob@a.test", "nobody@a.test"], [NOW, NO_ONE], peer, 1)
        case("a route that wants IPv4 and has none", one, "bob@b.test", DOWN, peer, 0)
except OSError as e:
    tap.skip("IPv6", str(e))
with Callout() as one:
    import ssl
    cert, key = certificate(one.dir, "peer")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with Peer(script={"RCPT": users}, ext=ALL + ["STARTTLS", "AUTH PLAIN"], tls=context) as peer:
        one.set("routes", f"a.test: {route(peer, 'tls=encrypt auth=backend')}\n")
        one.set("auth/backend", "joe\nsecret")
        case("TLS and AUTH as the route has them", one, ["bob@a.test", "nobody@a.test"], [NOW, NO_ONE], peer, 1)
        tap.ok(any(l == "STARTTLS" for l in peer.sessions[-1]) and any(l.startswith("AUTH ") for l in peer.sessions[-1]), "... STARTTLS, AUTH", peer.sessions[-1])
with Peer(script={"RCPT": [None, DROP, None]}) as peer, Callout() as one:
    one.set("routes", f"a.test: {route(peer)}\n")
    case("a server that closes between two: once more, over a new connection", one, ["b1@a.test", "b2@a.test"], [NOW, NOW], peer, 2)
with Peer(ext=[e for e in ALL if e != "SMTPUTF8"]) as peer, Peer() as able, Callout() as one:
    one.set("routes", f"a.test: {route(peer)}\nxn--bcher-kva.test: {route(able)}\n")
    case("an address outside ASCII, a server that cannot", one, "b\u00f6b@a.test", "550 5.6.7 its server says: the server takes no addresses outside ASCII", peer, 1,
         mail=" SMTPUTF8")
    case("one that can, the domain too", one, "b\u00f6b@b\u00fccher.test", NOW, able, 1, mail=" SMTPUTF8")
    tap.ok(any("b\u00f6b@b\u00fccher.test" in l and l.startswith("RCPT") for l in able.sessions[-1]), "... as it was given", able.sessions[-1])

if postfixserver.available:
    port = free_port()
    with postfixserver.Postfix({("127.0.0.1", port): {}}, relay_domains="a.test", relay_recipient_maps="inline:{bob@a.test=x}") as server, Callout() as one:
        one.set("routes", f"a.test: [127.0.0.1]:{port}\n")
        got = ask(one, "bob@a.test", "nobody@a.test")
        tap.ok(got == [NOW, "550 5.1.1 its server says: <nobody@a.test>: Recipient address rejected: User unknown in relay recipient table"], "Debian's Postfix as the server", got, one.said)
else:
    tap.skip("Debian's Postfix as the server", "needs root and postfix")
if shutil.which("nsd"):
    with Peer(ip="127.0.9.21", script={"RCPT": users}) as peer, Nsd({"a.test": f"@ MX 5 back\n@ MX 10 mx.home.test.\nback A 127.0.9.21\nus MX 5 mx.home.test.\nus MX 10 back\nnull MX 0 .\nhome A 127.0.9.21\n",
                                                                       "home.test": "mx A 127.0.0.1\n"}) as nsd, \
            Callout({"resolver": f"127.0.0.1@{nsd.port}", "smtp-port": peer.port}) as one:
        case("by MX records: those before this host", one, ["bob@a.test", "nobody@a.test"], [NOW, NO_ONE], peer, 1)
        one.set("routes", f"b.test: [home.a.test]:{peer.port}\nc.test: [none.a.test]\n")
        case("by a host's name", one, "bob@b.test", NOW, peer, 1)
        for name, domain in (("the best exchanger is this host", "us.a.test"), ("a null MX", "null.a.test"), ("no such domain", "gone.a.test"), ("no such host", "c.test")):
            case(f"{name}: 450", one, f"bob@{domain}", DOWN, peer, 0)
    with Callout({"resolver": "127.0.0.1@9", "callout-timeout": "500ms"}) as one:
        case("no answer of the DNS: 450", one, "bob@a.test", DOWN)
else:
    tap.skip("by MX records", "no nsd here")
tap.done()
