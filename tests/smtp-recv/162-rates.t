#!/usr/bin/env python3
"""etc/smtp-rates: every kind of limit per address, network and user, over connections; what is told, logged
and given back, and who is not counted. Time passes by what stands in state/rates."""
import base64, os, re, subprocess, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Tap
from statetable import pass_ms, words

tap = Tap()
WHATS = ("connections", "commands", "errors", "messages", "recipients")
PERS = ("address", "network", "user")
TLS = {"SSL_PROTOCOL": "TLSv1.3", "SSL_CIPHER": "x"}
CHECK = "import os, sys\nos.read(3, 512)\nos.execvp(sys.argv[1], sys.argv[1:])\n"


def instance(rates, **settings):
    i = Instance(smtp_rates=rates, login_delay=0, **settings)
    with open(i.path("check"), "w") as f:
        f.write(CHECK)
    return i


def client(i, user=None, greet=True, **env):
    """Greeted and, if a user is named, authenticated; .auth is the reply to that."""
    c = i.client(*((sys.executable, i.path("check"), "true") if user else ()), **{**(TLS if user else {}), **env})
    if greet:
        c.cmd("EHLO a.example")
    if user:
        c.auth = c.cmd("AUTH PLAIN " + base64.b64encode(f"\0{user}\0x".encode()).decode())
    return c


def said(c, *lines):
    """The codes of the replies to these lines, and of what comes unasked behind the last; then the end."""
    got = [(c.cmd(line) or "end")[:3] for line in lines]
    c.socket.shutdown(1)
    while (more := c.reply()):
        got.append(more[:3])
    c.close()
    return got


MAIL, RCPT = "MAIL FROM:<a@b.example>", "RCPT TO:<u{}@example.test>"
# What exceeds three of each, and how it is answered at the fourth.
THREE = {
    "connections": None,
    "commands": (["EHLO a.example", "NOOP", "NOOP", "NOOP"], ["250", "250", "250", "421"]),
    "errors": (["EHLO a.example", "FOO", "FOO", "FOO", "FOO"], ["250", "500", "500", "500", "500", "421"]),
    "messages": (["EHLO a.example"] + [MAIL, "RSET"] * 4, ["250"] * 7 + ["450", "250"]),
    "recipients": (["EHLO a.example", MAIL] + [RCPT.format(n) for n in range(4)], ["250"] * 5 + ["452"]),
}
off = instance("# nothing\n")
tap.eq(said(client(off, greet=False), *THREE["errors"][0]), THREE["errors"][1][:-1], "no line, no limit")
tap.eq(os.listdir(off.path("state")), [], "... and nothing is made")
off.close()

for what in WHATS:
    for per in PERS:
        i = instance(f"{what} {per} 3 3600\n")
        user = "alice" if per == "user" else None
        name = f"{what} per {per}"
        if what == "connections":
            cs = [client(i, user) for _ in range(4)]
            got = [(c.auth if user else c.greeting)[:3] for c in cs]
            tap.eq(got, ["235" if user else "220"] * 3 + ["421"], f"{name}: the fourth")
            tap.eq(cs[3].reply(), None, "... is closed")
            for c in cs:
                c.close()
        else:
            lines, wanted = THREE[what]
            if user:  # EHLO and AUTH are said before anybody is known
                lines, wanted = lines[1:], wanted[1:]
                if what == "commands":
                    lines, wanted = lines + ["NOOP"], ["250"] * 3 + ["421"]
            tap.eq(said(client(i, user, greet=bool(user)), *lines), wanted, f"{name}: the fourth")
        key = {"address": r"192\.0\.2\.7", "network": r"192\.0\.2\.0/24", "user": "alice"}[per]
        tap.like(i.logged(), rf"event=limit ip=192\.0\.2\.7 limit={what} per={per} key={key} count=3 seconds=3600\n", "... is logged")
        # Who else is under it?
        other = {"address": {"TCPREMOTEIP": "192.0.2.8"}, "network": {"TCPREMOTEIP": "192.0.3.7"}, "user": {}}[per]
        same = {"address": {}, "network": {"TCPREMOTEIP": "192.0.2.200"}, "user": {"TCPREMOTEIP": "2001:db8::5"}}[per]
        once = ["FOO"] if what in ("errors", "commands") else [MAIL, RCPT.format(1)]
        tap.ok(not {"421", "450", "452", "end"} & set(said(client(i, user and "bob", **other), *once)), f"{name}: not another {per}")
        if what != "errors" or user:
            c = client(i, user and "ALICE", **same)
            tap.ok({"421", "450", "452", "end"} & set(said(c, *once)), f"{name}: the same {per} in another connection")
        else:
            c = i.client(**same)
            tap.like(c.greeting, r"^421 4\.7\.0 limit reached, come back later: errors per (address|network), 3 in 3600 seconds$", f"{name}: no new connection")
            tap.eq(c.reply(), None, "... it is closed")
        c.close()
        # One comes back after a third of the time.
        pass_ms(i.path("state/rates"), 1200 * 1000)
        c = client(i, user, greet=True, **same)
        good = [r for r in (c.greeting, getattr(c, "auth", "2")) if r and r[0] == "2"]
        if what in ("messages", "recipients"):
            good = [c.cmd(MAIL), c.cmd(RCPT.format(1))]
            good = [r for r in good if r[0] == "2"]
        tap.eq(len(good), 2, f"{name}: room for one after a third of the time")
        c.close()
        i.close()

# The replies in full.
for what, pattern in [("messages", r"^450 4\.7\.1 limit reached, try later: messages per user, 1 in 60 seconds$"),
                      ("recipients", r"^452 4\.7\.1 limit reached, send the rest later: recipients per user, 1 in 60 seconds$")]:
    i = instance(f"{what} user 1 60\n")
    c = client(i, "alice")
    got = [c.cmd(MAIL), c.cmd(RCPT.format(1)), c.cmd("RSET"), c.cmd(MAIL), c.cmd(RCPT.format(2))]
    tap.ok(any(re.search(pattern, g) for g in got), f"{what}: the reply", got)
    c.close()
    i.close()

# Several limits; a local peer; who is not counted.
i = instance("recipients user 100 3600\nrecipients user 2 60\nmessages address 2 3600\nmessages network 3 3600\n", trusted_networks="203.0.113.0/24\n")
c = client(i, "alice")
tap.eq(said(c, MAIL, RCPT.format(1), RCPT.format(2), RCPT.format(3)), ["250"] * 3 + ["452"], "of two limits the narrower counts")
tap.eq([said(client(i, TCPREMOTEIP=f"192.0.2.{n}"), MAIL, "RSET", MAIL) for n in (1, 2)], [["250"] * 3, ["250", "250", "450"]], "address and network")
for name, env in [("this host", {"TCPREMOTEIP": "127.0.0.1"}), ("::1", {"TCPREMOTEIP": "::1"}), ("RELAYCLIENT", {"RELAYCLIENT": ""}),
                  ("a trusted network", {"TCPREMOTEIP": "203.0.113.5"}), ("a Unix socket", {"unix": True})]:
    tap.eq(said(client(i, **env), *[MAIL, "RSET"] * 5), ["250"] * 10, f"not counted: {name}")
if os.getuid() == 0:
    got = []
    for _ in range(2):
        c = i.client("-s", uid=12345)
        c.cmd("EHLO a.example")
        got.append(said(c, "MAIL FROM:<>", RCPT.format(1), RCPT.format(2))[-1])
    tap.eq(got, ["250", "452"], "a local user is one by name")
i.close()
i = instance("connections network 2 60\n")
tap.eq([i.client(TCPREMOTEIP=ip).greeting[:3] for ip in ("2001:db8::1", "2001:db8:0:0:5::2", "2001:db8::3", "2001:db8:0:1::1")],
       ["220", "220", "421", "220"], "a /64 is one network")
i.close()
i = instance("connections address 2 60\n", smtp_xclient="192.0.2.0/24\n")
cs = [i.client() for _ in range(3)]
tap.eq([c.greeting[:3] for c in cs], ["220"] * 3, "a proxy is not counted for itself")
tap.eq([(c.cmd("EHLO a.example")[:3], c.cmd("XCLIENT ADDR=198.51.100.1")[:3], c.reply() if n == 2 else "") for n, c in enumerate(cs)],
       [("250", "220", ""), ("250", "220", ""), ("250", "421", None)], "... but its client is")
for c in cs:
    c.close()
i.close()

# Many processes, one table.
i = instance("connections address 7 3600\n")
many = [i.client() for _ in range(20)]
tap.eq(sorted(c.greeting[:3] for c in many), ["220"] * 7 + ["421"] * 13, "twenty at once, seven get in")
for c in many:
    c.close()
table = i.path("state/rates")
tap.eq(os.stat(table).st_size, 64 + 8 * (1 << 17), "the table has its size")
tap.eq(sum(map(bool, words(table))), 1, "... and one entry")
os.truncate(table, 100)
tap.like(i.client().greeting, "^220", "what is damaged is forgotten")
os.unlink(table)
os.mkdir(table)
tap.like(i.client().greeting, "^220", "what cannot be used stops nobody")
tap.like(i.logged(), r"event=no-state file=\S*/state/rates", "... and is logged")
i.close()

for bad in ("connections address 3", "connections address 3 60 more", "connection address 3 60", "connections host 3 60", "connections address 0 60",
            "connections address 3 0", "errors address many 60", "errors address 1000001 60", "errors address 1 2592001", "errors address 1001 1",
            "\n".join(["errors address 1 60"] * 33)):
    i = instance(bad)
    p = subprocess.run([BIN + "/smtp-recv"], env=i.environment(), stdin=subprocess.DEVNULL, capture_output=True)
    tap.ok(p.returncode == 100 and b"etc/smtp-rates" in p.stderr and p.stdout == b"", f"bad: {bad[:40]!r}", p)
    i.close()
tap.done()
