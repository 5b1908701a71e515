#!/usr/bin/env python3
"""Greylisting (RFC 6647): who has to come again, when that counts, who is spared, what is remembered and
what a damaged file costs. Time passes by what stands in state/greylist."""
import os, subprocess, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Tap
from statetable import pass_seconds, words

tap = Tap()
DELAY, HOUR, DAY = 300, 3600, 86400
SETTINGS = {"smtp_greylist_seconds": DELAY}
REPLY = r"^450 4\.7\.1 greylisted: this sender's domain is new from your network, try again; seconds to wait: (?:300|2\d\d)$"


def rcpt(i, ip="192.0.2.7", sender="a@remote.example", to="u@example.test", **env):
    """The reply to one recipient."""
    c = i.client(TCPREMOTEIP=ip, **env)
    c.cmd("EHLO client.example")
    c.cmd(f"MAIL FROM:<{sender}>")
    said = c.cmd(f"RCPT TO:<{to}>")
    c.close()
    return said


def code(*args, **env):
    return rcpt(*args, **env)[:3]


off = Instance()
tap.like(rcpt(off), "^250", "off by default")
tap.eq(os.listdir(off.path("state")), [], "... and nothing is made")
off.close()

i = Instance(lmtp={"nobody": "550 5.1.1 no such user"}, **SETTINGS)
table = i.path("state/greylist")
tap.like(rcpt(i, to="nobody@example.test"), "^550 5.1.1", "who is not here is not here")
tap.ok(not os.path.exists(table), "... and not asked about")
tap.like(rcpt(i), REPLY, "the first try")
tap.like(i.logged(), r"event=greylist network=192\.0\.2\.0/24 domain=remote\.example wait=300\n", "... is logged")
tap.like(rcpt(i), REPLY, "again at once")
pass_seconds(table, DELAY - 100)
tap.like(rcpt(i, ip="192.0.2.9"), r"seconds to wait: (?:100|\d\d?)$", "from elsewhere in the network, a little too early")
pass_seconds(table, 100)
for name, other in [("of another domain", {"sender": "a@other.example"}), ("of a subdomain", {"sender": "a@x.remote.example"}),
                    ("without a sender", {"sender": ""}), ("from another /24", {"ip": "192.0.3.7"}), ("by IPv6", {"ip": "2001:db8::1"})]:
    tap.like(rcpt(i, **other), REPLY, f"a mail {name} is new")
tap.eq(code(i, sender="B@REMOTE.example"), "250", "after the time anybody of the domain is welcome")
tap.like(i.logged(), r"event=greylist-known network=192\.0\.2\.0/24 domain=remote\.example waited=3\d\d\n", "... which is logged")
pass_seconds(table, DELAY)
tap.eq([code(i, ip=f"2001:db8::{n}") for n in (2, "1:0:0:1")] + [code(i, ip="2001:db8:0:1::1")], ["250", "250", "450"], "a /64 is one network")
tap.eq(code(i, sender=""), "250", "the null sender")

c = i.client()
c.cmd("EHLO client.example")
c.send("MAIL FROM:<a@new.example>\r\nRCPT TO:<u@example.test>\r\nRCPT TO:<v@example.test>\r\nRCPT TO:<postmaster@example.test>\r\nDATA\r\n")
said = [c.reply()[:3] for _ in range(5)]
c.send("Subject: help\r\n\r\nx\r\n.\r\n")
tap.eq(said + [c.reply()[:3]], ["250", "450", "450", "250", "354", "250"], "pipelined: all but the postmaster")
tap.eq([[r.split(":")[1] for r in m["rcpts"]] for m in i.lmtp.messages], [["<postmaster@example.test>"]], "... who alone gets it")
c.close()

# How long it is remembered.
pass_seconds(table, 34 * DAY)
tap.eq(code(i), "250", "34 days later")
pass_seconds(table, 34 * DAY)
tap.eq(code(i), "250", "used, and so kept 34 days more")
pass_seconds(table, 36 * DAY)
tap.eq(code(i), "450", "36 days without a mail: new")
pass_seconds(table, 49 * HOUR)
tap.eq(code(i), "450", "who comes again after 49 hours is new")
pass_seconds(table, 47 * HOUR)
tap.eq(code(i), "250", "after 47 hours not")
pass_seconds(table, -2 * HOUR)
tap.eq(code(i), "250", "a clock that was set back")
pass_seconds(table, 2 * HOUR)

# Who is spared.
i.write("greylist-exempt", "# whom we know\n198.51.100.0/24\n2001:db8:5::/48\nFriends.example\n.below.example\n")
for name, wanted, args in [("a network", "250", {"ip": "198.51.100.77"}), ("an IPv6 network", "250", {"ip": "2001:db8:5:6::7"}),
                           ("a domain", "250", {"sender": "x@friends.example"}), ("not below it", "450", {"sender": "x@y.friends.example"}),
                           ("all below a domain", "250", {"sender": "x@y.below.example"}), ("not itself", "450", {"sender": "x@below.example"}),
                           ("none of these", "450", {"sender": "x@third.example"}), ("postmaster", "250", {"to": "PostMaster@example.test", "sender": "x@third.example"}),
                           ("abuse", "250", {"to": "abuse@example.test", "sender": "x@third.example"}),
                           ("this host", "250", {"ip": "127.0.0.1", "sender": "x@third.example"}),
                           ("RELAYCLIENT", "250", {"RELAYCLIENT": "", "sender": "x@third.example"})]:
    tap.eq(code(i, **args), wanted, f"exempt: {name}")
i.write("trusted-networks", "203.0.113.0/24\n")
tap.eq(code(i, ip="203.0.113.9", sender="x@third.example"), "250", "exempt: etc/trusted-networks")
with open(i.path("check"), "w") as f:
    f.write("import os, sys\nos.read(3, 512)\nos.execvp(sys.argv[1], sys.argv[1:])\n")
c = i.client(sys.executable, i.path("check"), "true", SSL_PROTOCOL="TLSv1.3", SSL_CIPHER="x", TCPREMOTEIP="203.0.114.1")
c.cmd("EHLO a.example")
tap.like(c.cmd("AUTH PLAIN AGEAYg=="), "^235", "exempt: authenticated")
c.cmd("MAIL FROM:<x@third.example>")
tap.like(c.cmd("RCPT TO:<u@example.test>"), "^250", "... so it is")
c.close()
c = i.client(unix=True)
tap.eq(c.mail(["u@example.test"], sender="x@third.example")[0][0][:3], "250", "exempt: a Unix socket")
c.close()

# The file: its size is fixed; what is damaged is forgotten, and no mail is lost for it.
tap.eq(os.stat(table).st_size, 64 + 8 * (1 << 20), "the file has its size")
tap.ok(os.stat(table).st_blocks * 512 >= os.stat(table).st_size, "... and its blocks")
tap.eq(os.stat(table).st_mode & 0o777, 0o600, "... and is its owner's alone")
known = code(i)
for name, harm in [("cut short", lambda: os.truncate(table, 5000)), ("empty", lambda: os.truncate(table, 0)), ("longer", lambda: os.truncate(table, 1 << 24)),
                   ("with another head", lambda: open(table, "r+b").write(b"x")), ("gone", lambda: os.unlink(table))]:
    harm()
    tap.eq([known, code(i)], ["250", "450"], f"a file {name} is made anew")
    pass_seconds(table, DELAY)
    known = code(i)
    tap.eq(os.listdir(i.path("state")), ["greylist"], "... with nothing beside it")
with open(table, "r+b") as f:
    f.seek(64)
    f.write(os.urandom(1 << 20) + b"\xff" * 4096)
tap.ok(code(i) in ("250", "450"), "noise in it")
c = i.client(TCPREMOTEIP="192.0.77.1")
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b.example>")
c.cmd("RCPT TO:<u@example.test>")
os.truncate(table, 0)
tap.eq([c.cmd("RCPT TO:<v@example.test>"), c.reply(), c.close()], ["421 4.3.0 a file was cut short, connect again", None, 111], "cut short while it is mapped")
os.unlink(table)
os.mkdir(table)
tap.like(rcpt(i), "^250", "a file that cannot be used: mail goes its way")
tap.like(i.logged(), r"event=no-state file=\S*/state/greylist why=", "... which is logged")
os.rmdir(table)

# Full: what is known outlives what has come but once.
rcpt(i, sender="a@kept.example")
pass_seconds(table, DELAY)
rcpt(i, sender="a@kept.example")
rcpt(i, sender="a@late.example")
with open(table, "r+b") as f:
    now = max(words(table)) & 0xffffffff
    kept = words(table)
    for n, w in enumerate(kept):
        kept[n] = w or n % 0x7fffffff << 33 | now - 10
    f.seek(64)
    kept.tofile(f)
tap.eq([code(i, sender="a@kept.example"), code(i, sender="a@further.example"), code(i, sender="a@kept.example")], ["250", "450", "250"],
       "a table full of first tries")
pass_seconds(table, DELAY)
tap.eq(code(i, sender="a@further.example"), "250", "... has room for one more")

# Many at once.
os.unlink(table)
many = [i.client(TCPREMOTEIP=f"192.0.2.{n}") for n in range(10)]
for c in many:
    c.send("EHLO a.example\r\nMAIL FROM:<a@crowd.example>\r\nRCPT TO:<u@example.test>\r\nQUIT\r\n")
tap.eq([[c.reply()[:3] for _ in range(4)] for c in many], [["250", "250", "450", "221"]] * 10, "ten at once, without a file")
for c in many:
    c.close()
tap.eq(sum(map(bool, words(table))), 1, "... are one entry")

for name, value in [("smtp-greylist-seconds", "soon"), ("smtp-greylist-window-hours", "0"), ("smtp-greylist-days", "x"), ("greylist-exempt", "10.0.0.0/33")]:
    i.write(name, value)
    p = subprocess.run([BIN + "/smtp-recv"], env=i.environment(), stdin=subprocess.DEVNULL, capture_output=True)
    tap.ok(p.returncode == 100 and name.encode() in p.stderr and p.stdout == b"", f"bad {name}: {value}", p)
    os.unlink(i.path("etc/" + name))
    i.write("smtp-greylist-seconds", str(DELAY))
i.close()
tap.done()
