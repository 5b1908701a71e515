#!/usr/bin/env python3
"""XCLIENT: whom it is for, what each attribute does, and that nothing of the proxy's own standing is left; its replies beside
those of Debian's Postfix."""
import base64, os, re, socket, sys, tempfile
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from instance import wait_for
from milter import Milter
from pki import Pki
from receivers import Postfix, missing
from smtprecv import Instance, Tap

tap = Tap()
PROXY = "192.0.2.0/24\n2001:db8::/32\n"
KEYWORD = "XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT"
GREETING = "220 mx.example.test ESMTP postern"


def session(i, *args, ehlo=True, **env):
    c = i.client(*args, **env)
    if ehlo:
        c.cmd("EHLO proxy.example")
    return c


def received(i, c, greeting="EHLO client.example", rcpt="bob@example.test"):
    c.cmd(greeting)
    c.mail([rcpt], hello=False)
    return i.lmtp.messages[-1]["body"].decode()


# Who may.
plain = Instance()
listed = Instance(smtp_xclient=PROXY)
for name, i, env, may in (("nobody by default", plain, {}, False), ("not by RELAYCLIENT", plain, {"RELAYCLIENT": ""}, False),
                          ("an address in the list", listed, {}, True), ("IPv6", listed, {"TCPREMOTEIP": "2001:db8::25"}, True),
                          ("not another address", listed, {"TCPREMOTEIP": "198.51.100.1"}, False), ("not on a Unix socket", listed, {"unix": True}, False)):
    c = i.client(**env)
    said = c.cmd("EHLO proxy.example")
    tap.ok((KEYWORD in said.replace("250-", "")) == may, f"{name}: announced or not", said)
    tap.eq(c.cmd("XCLIENT ADDR=198.51.100.7"), GREETING if may else "550 5.7.0 XCLIENT is not for you", f"{name}: the reply")
    tap.ok("XCLIENT" not in c.cmd("HELP"), f"{name}: HELP does not tell")
    c.close()
bad = Instance(smtp_xclient="nonsense\n")
tap.eq(bad.client().close(), 100, "a bad line in the list")
bad.close()

# What the attributes do.
for name, words, wanted in (
        ("ADDR", "ADDR=198.51.100.7", r"from client.example \(\[198.51.100.7\]\)\r\n\tby mx.example.test with ESMTP id"),
        ("NAME", "NAME=spike.example ADDR=198.51.100.7", r"from client.example \(spike.example \[198.51.100.7\]\)"),
        ("IPv6", "ADDR=IPV6:2001:DB8:0::1", r"\(\[IPv6:2001:db8::1\]\)"),
        ("a mapped address", "ADDR=IPV6:::ffff:198.51.100.7", r"\(\[198.51.100.7\]\)"),
        ("xtext, any case of names", "addr=198.51.100.7 name=a+2Db.example", r"\(a-b.example \["),
        ("unavailable", "ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL] PORT=[UNAVAILABLE] LOGIN=[UNAVAILABLE] HELO=[UNAVAILABLE]",
         r"from client.example \(\[unknown\]\)\r\n\tby mx.example.test with ESMTP id"),
        ("LOGIN", "LOGIN=joe+40example.test ADDR=198.51.100.7", r"with ESMTPA id"),
        ("HELO and PROTO: the greeting that follows tells", "HELO=other.example PROTO=SMTP", r"from client.example .*with ESMTP id"),
        ("PORT, DESTADDR, DESTPORT, REVERSE_NAME", "PORT=99 DESTADDR=203.0.113.5 DESTPORT=2525 REVERSE_NAME=r.example", r"\[192.0.2.7\]")):
    for ehlo in (True, False):
        c = session(listed, ehlo=ehlo)
        said = c.cmd("XCLIENT " + words)
        after = c.cmd("MAIL FROM:<a@b.example>")
        tap.ok(said == GREETING and after == "503 5.5.1 EHLO or HELO first", f"{name}: the greeting, and the start", (said, after))
        tap.like(received(listed, c), "^Received: " + wanted if wanted.startswith("from") else wanted, f"{name}: Received")
        c.close()
c = session(listed)
c.cmd("XCLIENT NAME=spike.example LOGIN=joe")
tap.ok(KEYWORD in c.cmd("EHLO proxy.example").replace("250-", ""), "it may say so in several commands")
c.cmd("XCLIENT ADDR=198.51.100.7 DESTADDR=203.0.113.5")
tap.ok("XCLIENT" not in c.cmd("EHLO client.example"), "... until there is an address: what follows may be its client's words")
tap.like(c.cmd("XCLIENT ADDR=192.0.2.99"), "^550 5.7.0", "... which is refused then")
tap.like(c.cmd("MAIL FROM:<a@b.example>") + c.cmd("RCPT TO:<bob@[203.0.113.5]>"), "250.*250", "DESTADDR is an address of ours")
tap.like(c.cmd("RCPT TO:<bob@far.example>"), "^250", "LOGIN may send to anywhere")
c.close()
tap.like(listed.logged(), "event=xclient proxy=192.0.2.7 ip=198.51.100.7 port=4321 name=spike.example user=joe", "the log")

# What is no claim.
before = listed.logged().count("event=xclient ")
for words in ("FOO=1", "ADDR", "ADDR=", "ADDR=1.2.3", "ADDR=2001:db8::1", "ADDR=IPV6:192.0.2.1", "NAME=a..b", "NAME=a+20b", "NAME=+4", "NAME=a+00", "PORT=x",
              "PORT=70000", "PROTO=FOO", "PROTO=[UNAVAILABLE]", "DESTADDR=x", "LOGIN=a+0Ab", "LOGIN=" + "x" * 300, "NAME=" + "x" * 300, "REVERSE_NAME=a+20b",
              "HELO=" + "x" * 300, "ADDR=198.51.100.7 FOO=1"):
    c = session(listed)
    tap.like(c.cmd("XCLIENT " + words), "^501 5.5.4 bad XCLIENT attribute: ", f"{words[:40]} is refused")
    tap.like(c.cmd("MAIL FROM:<a@b.example>"), "^250", "... and nothing is changed")
    tap.like(c.cmd("XCLIENT ADDR=198.51.100.7"), "^503 5.5.1 not during a mail transaction", "not within a transaction")
    c.close()
tap.eq(listed.logged().count("event=xclient "), before, "all of a command counts, or nothing")

# The proxy's own standing is gone.
i = Instance(smtp_xclient=PROXY, trusted_networks=PROXY, cleartext_networks=PROXY, login_delay=0)
with open(i.path("check"), "w") as f:
    f.write(f"import os, sys\nopen({i.path('run/tmp/told')!r}, 'w').write(repr([os.environ.get(n) for n in ('TCPREMOTEIP', 'TCPREMOTEPORT', 'SSL_PEER_CERT_HASH')]))\n"
            "os.read(3, 512).startswith(b'joe\\0pw\\0') or sys.exit(1)\nos.execvp(sys.argv[1], sys.argv[1:])\n")
AUTH = (sys.executable, i.path("check"), "true")
PLAIN = "AUTH PLAIN " + base64.b64encode(b"\0joe\0pw").decode()
for name, env in (("RELAYCLIENT", {"RELAYCLIENT": ""}), ("trusted-networks", {})):
    c = session(i, **env)
    c.cmd("MAIL FROM:<a@b.example>")
    tap.like(c.cmd("RCPT TO:<bob@far.example>"), "^250", f"{name}: the proxy itself may relay")
    c.cmd("RSET")
    c.cmd("XCLIENT ADDR=192.0.2.8")
    tap.ok("XFORWARD" not in c.cmd("EHLO client.example"), f"{name}: its client is not trusted, though its address were")
    c.cmd("MAIL FROM:<a@b.example>")
    tap.like(c.cmd("RCPT TO:<bob@far.example>"), "^550 5.7.1 no relaying", f"{name}: ... and may not relay")
    c.close()
c = session(i, *AUTH)
tap.like(c.cmd("EHLO proxy.example"), "\n250.AUTH ", "cleartext-networks: AUTH for the proxy in clear")
tap.like(c.cmd(PLAIN), "^235", "... which authenticates itself")
tap.eq(open(i.path("run/tmp/told")).read(), "['192.0.2.7', '4321', None]", "... from its own address")
c.cmd("XCLIENT ADDR=198.51.100.7")
tap.ok("AUTH" not in c.cmd("EHLO client.example"), "no AUTH in clear for its client")
tap.like(c.cmd(PLAIN), "^538 5.7.11", "... who is told so")
c.cmd("MAIL FROM:<a@b.example>")
tap.like(c.cmd("RCPT TO:<bob@far.example>"), "^550 5.7.1", "... and is not who the proxy was")
c.close()
TLS = {"SSL_PROTOCOL": "TLSv1.3", "SSL_CIPHER": "x"}
c = session(i, *AUTH, **TLS, SSL_PEER_CERT_HASH="ab" * 32)
tap.eq(c.cmd("XCLIENT ADDR=IPV6:2001:db8:7::1 PORT=99"), GREETING, "under TLS")
c.cmd("EHLO client.example")
tap.like(c.cmd(PLAIN), "^235", "its client may authenticate")
tap.eq(open(i.path("run/tmp/told")).read(), "['2001:db8:7::1', None, None]", "... from its own address, and not by the proxy's certificate")
tap.like(i.logged(), "event=login user=joe mech=PLAIN ip=2001:db8:7::1 ", "... which the log has")
c.close()
i.write("sasl-mechanisms", "PLAIN EXTERNAL\n")
i.write("certificates", "ab" * 32 + ": joe\n")
i.write("checkpassword-authorized", "yes\n")
c = session(i, *AUTH, **TLS, SSL_PEER_CERT_HASH="ab" * 32)
had = "EXTERNAL" in c.cmd("EHLO proxy.example")
tap.ok(had, "EXTERNAL for the proxy, which shows a certificate")
c.cmd("XCLIENT ADDR=198.51.100.7")
tap.ok("EXTERNAL" not in c.cmd("EHLO client.example"), "... is not offered to its client")
tap.like(c.cmd("AUTH EXTERNAL ="), "^5(35|04)", "... nor possible")
c.close()
filter = Milter(i.path("run/filter"))
i.write("milters", "f unix:run/filter\n")
c = session(i, **TLS, SSL_PEER_CERT_HASH="ab" * 32, SSL_PEER_CERT_SUBJECT="/CN=proxy", SSL_PEER_CERT_ISSUER="/CN=ca")
c.mail(["bob@example.test"], hello=False)
c.cmd("XCLIENT NAME=spike.example ADDR=198.51.100.7 PORT=99")
c.cmd("EHLO client.example")
c.mail(["bob@example.test"], hello=False)
tap.eq([d.split(b"\0")[0].decode() + " " + d.split(b"\0", 1)[1][3:-1].decode() for d in filter.octets("connect")],
       ["[192.0.2.7] 192.0.2.7", "spike.example 198.51.100.7"], "filters learn of the client as of a new connection")
tap.eq([sorted(n for n in m if "cert" in n) for m in filter.macros["helo"]], [["{cert_issuer}", "{cert_subject}"], []], "... and of no certificate")
c.close()
filter.close()
i.close()

# Postfix's replies to the same.
why = missing()["Postfix"]
LINES = ["XCLIENT NAME=spike.example ADDR=192.0.2.9 HELO=foo.example PROTO=SMTP", "XCLIENT ADDR=IPV6:2001:db8::1 PORT=99 REVERSE_NAME=x.y LOGIN=joe",
         "XCLIENT ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL]", "XCLIENT DESTADDR=192.0.2.1 DESTPORT=25", "XCLIENT", "XCLIENT FOO=1", "XCLIENT ADDR=1.2.3", "XCLIENT ADDR",
         "XCLIENT NAME=a..b", "XCLIENT PORT=x", "XCLIENT PROTO=FOO", "XCLIENT NAME=+4", "XCLIENT ADDR=2001:db8::1", "XCLIENT HELO=", "XCLIENT LOGIN=",
         "xclient name=ok.example", "XCLIENT HELO=[UNAVAILABLE]", "XCLIENT PROTO=[UNAVAILABLE]", "XCLIENT LOGIN=a+20b", "XCLIENT NAME=a+20b"]


class Proxied(Postfix):
    def put(self, name, text, mode=0o644):
        more = "smtpd_authorized_xclient_hosts = 127.0.0.1\nsmtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n"
        super().put(name, text + (more if name == "conf/main.cf" else ""), mode)


def over_tcp(port, lines):
    with socket.create_connection(("127.0.0.1", port), timeout=120) as s:
        f, said = s.makefile("rb"), []
        for line in [None, *lines]:
            if line is not None:
                s.sendall(line.encode() + b"\r\n")
            while (reply := f.readline())[3:4] == b"-":
                pass
            said.append(reply.decode())
        return said


SEND = ["EHLO client.example", "MAIL FROM:<a@b.example>", "RCPT TO:<{}>", "DATA", "Subject: x\r\n\r\nx\r\n."]
if why:
    print(f"# Postfix: {why}")
else:
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        pki = Pki(d)
        ca = pki.authority()
        with Proxied(pki.leaf(ca, "mx.pf.test"), pki.key) as postfix:
            for line in LINES:
                theirs = over_tcp(postfix.port, ["EHLO proxy.example", line])[-1]
                c = session(listed)
                ours = c.cmd(line)
                c.close()
                tap.eq(ours[:3] + ours[4:9] * (ours[0] == "5"), theirs[:3] + theirs[4:9] * (theirs[0] == "5"), "as Postfix: " + line)
            for line in LINES[:3]:
                over_tcp(postfix.port, ["EHLO proxy.example", line] + [w.format("plain@pf.test") for w in SEND])
                theirs = wait_for(lambda: postfix.messages("plain"), "Postfix delivers")[0].decode()
                for f in os.listdir(f"{postfix.dir}/mail/plain/new"):
                    os.unlink(f"{postfix.dir}/mail/plain/new/{f}")
                c = session(listed)
                c.cmd(line)
                ours = received(listed, c)
                c.close()
                pick = [re.search(r"Received: from (\S+) \((.*?)\)\s+by \S+ (?:\(Postfix\) )?with (\S+)", m).groups() for m in (ours, theirs)]
                tap.eq([g.replace("unknown ", "") for g in pick[0]], [g.replace("unknown ", "") for g in pick[1]], "Received as Postfix's: " + line)
plain.close()
listed.close()
tap.done()
