#!/usr/bin/env python3
"""Who gets a recipient: etc/domains, etc/relay-domains, RELAYCLIENT, address literals, IDNA, postmaster."""
import os, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import Instance, Lmtp, Tap

tap = Tap()
i = Instance()
other = Lmtp(i.path("run/other/sock"))
tcp = Lmtp("", tcp=True)
try:
    tcp6 = Lmtp("", tcp="::1")
except OSError:
    tcp6 = tcp  # no IPv6 here
ascii_only = Lmtp(i.path("run/ascii/sock"), ext=("PIPELINING",))
i.write("domains", f"""example.test:
alias.test: alias:example.test
other.test: lmtp:run/other/sock
absolute.test: lmtp:{i.path("run/other/sock")}
aliased.test: alias:other.test
tcp.test: lmtp:127.0.0.1:{tcp.port}
tcpname.test: lmtp:localhost:{tcp.port}
tcp6.test: lmtp:{"[::1]" if tcp6 is not tcp else "127.0.0.1"}:{tcp6.port}
dead.test: lmtp:127.0.0.1:1
name.test: lmtp:host.example:24
ascii.test: lmtp:run/ascii/sock
xn--bcher-kva.example:
""")
i.write("relay-domains", """relay.test
xn--bchner-3ya.example
list.test: list
xn--lst-zma.test: list
call.test: callout
typo.test: lsit
""")
i.write("relay-recipients", """ann@list.test
"b:b"@list.test
Carl@LIST.test: any value
@xn--lst-zma.test
ann@relay.test
""")
PLACES = {"mda": i.lmtp, "spool": i.spool, "other": other, "tcp": tcp, "tcp6": tcp6, "ascii": ascii_only}


def route(rcpt, wanted, where=None, becomes=None, utf8=False, args=(), **env):
    c = i.client(*args, **env)
    had = {name: len(p.messages) for name, p in PLACES.items()}
    c.cmd("EHLO a.example")
    c.cmd("MAIL FROM:<s@b.example>" + (" SMTPUTF8" if utf8 else ""))
    said = c.cmd(f"RCPT TO:<{rcpt}>")
    tap.like(said, "^" + wanted, f"<{rcpt}> {env or ''}: {wanted}")
    if wanted[0] == "2":
        c.cmd("DATA")
        c.send("x\r\n.\r\n")
        said = c.reply()
        got = {name: p.messages[-1]["rcpts"][0][5:] for name, p in PLACES.items() if len(p.messages) > had[name]}
        tap.eq(got, {where: f"TO:<{becomes or rcpt}>"}, f"... goes to {where}")
    c.close()


route("bob@example.test", "250", "mda")
route("bob@EXAMPLE.Test", "250", "mda", "bob@example.test")
route("bob@alias.test", "250", "mda")
route("bob@other.test", "250", "other")
route("bob@absolute.test", "250", "other")
route("bob@aliased.test", "250", "other", "bob@other.test")
route("\"b b\"@aliased.test", "250", "other", "\"b b\"@other.test")
route("bob@tcp.test", "250", "tcp")
route("bob@tcpname.test", "250", "tcp")
if tcp6 is tcp:
    del PLACES["tcp6"]
route("bob@tcp6.test", "250", "tcp" if tcp6 is tcp else "tcp6")
route("bob@dead.test", "451 4.3.0")
route("bob@name.test", "451 4.3.0")
route("bob@relay.test", "250", "spool")
route("bob@sub.relay.test", "550 5.7.1")
# Relay domains with a list of their recipients; postmaster and abuse are everywhere.
route("ann@list.test", "250", "spool")
route("ANN@List.test", "250", "spool", "ANN@list.test")
route("carl@list.test", "250", "spool")
route("ann+news@list.test", "250", "spool")
route("\"b:b\"@list.test", "250", "spool")
route("+ann@list.test", "550 5.1.1")
route("ann-news@list.test", "550 5.1.1")
route("ann@sub.list.test", "550 5.7.1")
route("bob@list.test", "550 5.1.1")
route("bob@l\u00efst.test", "250", "spool", utf8=True)
route("bob@list.test", "250", "spool", RELAYCLIENT="")
route("PostMaster@list.test", "250", "spool")
route("abuse@list.test", "250", "spool")
route("abuse+x@list.test", "550 5.1.1")
route("postmaster@call.test", "250", "spool")
route("abuse@typo.test", "250", "spool")
route("ann@typo.test", "421 4.3.5")
os.rename(i.path("etc/relay-recipients"), i.path("etc/old"))
route("ann@list.test", "550 5.1.1")
os.mkdir(i.path("etc/relay-recipients"))
route("ann@list.test", "421 4.3.5")
os.rmdir(i.path("etc/relay-recipients"))
os.rename(i.path("etc/old"), i.path("etc/relay-recipients"))
route("bob@far.test", "550 5.7.1")
route("bob@far.test", "250", "spool", RELAYCLIENT="")
route("bob@far.test", "250", "spool", "bob@far.test.via.test", RELAYCLIENT=".via.test")
route("bob@far.test", "250", "spool", "\"bob@far.test\"@gate.test", RELAYCLIENT="@gate.test")
route("bob@far.test", "553 5.1.3", RELAYCLIENT="@bad name")
# etc/trusted-networks: whoever is listed, and nobody beside them, this host's programs least of all.
i.write("trusted-networks", "# ours\n192.0.2.0/29\n2001:db8:7::/48\n198.51.100.9\n")
for ip, may in (("192.0.2.7", True), ("::ffff:192.0.2.1", True), ("192.0.2.8", False), ("198.51.100.9", True), ("198.51.100.8", False),
                ("2001:db8:7:ffff::1", True), ("2001:db8:8::1", False), ("127.0.0.1", False), ("::1", False)):
    route("bob@far.test", *(("250", "spool") if may else ("550 5.7.1",)), TCPREMOTEIP=ip)
    c = i.client(TCPREMOTEIP=ip)
    tap.eq("XFORWARD" in c.cmd("EHLO a.example"), may, f"... and XFORWARD is {'' if may else 'not '}for {ip}")
    c.close()
route("bob@far.test", "550 5.7.1", unix=True)
i.write("trusted-networks", "192.0.2.0/33\n")
c = i.client()
tap.eq((c.greeting, c.close()), (None, 100), "a line of trusted-networks that is no network: exit 100")
os.unlink(i.path("etc/trusted-networks"))
route("postmaster", "250", "mda")
route("PostMaster", "250", "mda", "postmaster")
route("postmaster@mx.example.test", "250", "mda", "postmaster")
route("bob@mx.example.test", "550 5.7.1")
route("postmaster@[192.0.2.1]", "250", "mda", "postmaster")
route("postmaster@[192.0.2.9]", "550 5.7.1")
route("postmaster@[IPv6:2001:db8::9]", "250", "mda", "postmaster", TCPLOCALIP="2001:db8:0::9")
i.write("me", "example.test")
route("postmaster", "250", "mda", "postmaster@example.test")
route("bob@[192.0.2.1]", "250", "mda", "bob@example.test")
route("bob@xn--bcher-kva.example", "250", "mda")
route("bob@b\u00fccher.example", "250", "mda", utf8=True)
route("bob@B\u00dcCHER.example", "250", "mda", "bob@b\u00dccher.example", utf8=True)
route("bob@b\u00fcchner.example", "250", "spool", utf8=True)
route("b\u00f6b@example.test", "250", "mda", utf8=True)
route("b\u00f6b@ascii.test", "550 5.6.7", utf8=True)
route("bob@ascii.test", "250", "ascii", utf8=True)
route("bob@a_b.far.test", "550 5.7.1")
route("bob@" + "a" * 64 + ".test", "550 5.7.1")
# What this process can open: its tables as they were, nothing that comes later under their names.
c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<s@b.example>")
os.rename(i.path("etc/domains"), i.path("etc/old"))
i.write("users", "secret.test\n")
os.symlink("users", i.path("etc/domains"))
said = c.cmd("RCPT TO:<bob@secret.test>")
if "missing=landlock" in i.logged():
    tap.ok(True, "no other file of etc/ can be read: SKIP, this kernel has no Landlock")
else:
    tap.eq([said, c.reply()], ["421 4.3.5 configuration has changed or cannot be read, connect again", None],
           "no other file of etc/ can be read")
c.close()
os.unlink(i.path("etc/domains"))
os.rename(i.path("etc/old"), i.path("etc/domains"))
route("bob@example.test", "250", "mda")
os.unlink(i.path("etc/domains"))
os.mkdir(i.path("etc/domains"))
route("bob@example.test", "421 4.3.5")
os.rmdir(i.path("etc/domains"))
route("bob@example.test", "550 5.7.1")
tap.eq(ascii_only.lines.count("XFORWARD IDENT"), 0, "XFORWARD only where it is announced")
i.close()
tap.done()
