#!/usr/bin/env python3
"""The door (doc/door.md): HELO, the sender's domain, lists in the DNS with weights, and who cannot wait for the greeting.
A case for each row of the table in smtp-recv/door.c, with a real DNS server (nsd)."""
import os, re, socket, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from dns import Faults, Nsd, Unbound
from smtprecv import BIN, LIMIT, Instance, Tap

tap = Tap()
ME, V4, V6 = "mx.example.test", "192.0.2.7", "2001:db8::7"
NIBBLES = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
ZONES = {
    "host.test": """
mail A 192.0.2.7
six AAAA 2001:db8::7
mx MX 10 mail
alias CNAME mail
under_score A 192.0.2.7
text TXT "nothing else"
""",
    "send.test": """
@ MX 10 mail.host.test.
a A 192.0.2.7
aaaa AAAA 2001:db8::7
null MX 0 .
half MX 0 .
half MX 10 mail.host.test.
text TXT "nothing else"
alias CNAME a
xn--bcher-kva A 192.0.2.7
""",
    "bl.test": f"""
7.2.0.192 A 127.0.0.2
7.2.0.192 TXT "see https://bl.test/192.0.2.7"
8.2.0.192 A 127.0.0.10
9.2.0.192 A 127.0.0.11
9.2.0.192 TXT "a\\013\\010b" " and c"
{NIBBLES} A 127.0.0.4
""",
    "wl.test": "7.2.0.192 A 127.0.5.2\n",
    "second.test": "7.2.0.192 A 127.0.0.2\n8.2.0.192 A 127.0.0.2\n",
    "blocked.test": "* A 127.255.255.254\n",
    "sold.test": "* A 192.0.2.66\n",
    "2.0.192.in-addr.arpa": "44 PTR mail.host.test.\n",
    "rhs.test": "bad.host.test A 127.0.1.2\nbad.host.test TXT \"a bad domain\"\n",
}


def instance(port=None, **settings):
    return Instance(**{"smtp_dns_seconds": 60, **({"resolver": f"127.0.0.1@{port}"} if port else {}), **settings})


def rcpt(i, helo="client.example.org", sender="a@send.test", to="u@example.test", ip=V4, **more):
    """The reply to RCPT."""
    c = i.client(TCPREMOTEIP=ip, TCPLOCALIP="192.0.2.1" if "." in ip else "2001:db8::1", **more)
    c.cmd("EHLO " + helo)
    said = c.cmd(f"MAIL FROM:<{sender}>" + (" SMTPUTF8" if not sender.isascii() else ""))
    said = c.cmd(f"RCPT TO:<{to}>") if said[0] == "2" else said
    c.cmd("QUIT")
    c.close()
    return said


def since(i, log=[0]):
    """What was logged since the last call for this instance."""
    text = i.logged()
    i.seen, seen = len(text), getattr(i, "seen", 0)
    return text[seen:]


def levels(check, bad, good, code, port=None, temporary=(), reason="", **settings):
    """A check of one setting at each level. bad, good, temporary: arguments of rcpt; code: as in "5.7.1"."""
    setting = "smtp_check_" + check.replace("-", "_")
    for level in ("off", "log", "defer", "refuse"):
        i = instance(port, **{setting: level, **settings})
        for case in bad:
            said, log = rcpt(i, **case), since(i)
            wanted = {"off": "^250 ", "log": "^250 ", "defer": rf"^450 4{code[1:]} ", "refuse": rf"^550 {code} "}[level]
            tap.like(said, wanted, f"{check}, {level}: {case}: {wanted[1:4]}")
            found = re.search(rf"event=door check={check} verdict={level} reason=.*{reason}", log)
            tap.ok(bool(found) == (level != "off"), f"{check}, {level}: {case}: the log", log)
        for case in temporary:
            said, log = rcpt(i, **case), since(i)
            tap.like(said, "^250 " if level in ("off", "log") else "^451 4.4.3 the DNS does not answer, try later: ", f"{check}, {level}: {case}: the DNS fails")
            tap.ok((f"check={check} verdict={'log' if level == 'log' else 'defer'} " in log) == (level != "off"), f"{check}, {level}: {case}: the log", log)
        for case in good if level == "refuse" else ():
            tap.like(rcpt(i, **case), "^250 ", f"{check}, {level}: {case}: passes")
            tap.ok(f"check={check} " not in since(i), f"{check}, {level}: {case}: nothing is logged")
        if level == "refuse":
            tap.like(rcpt(i, to="postmaster@example.test", **bad[0]), "^250 ", f"{check}: postmaster is reached")
            tap.like(since(i), f"event=door-passed check={check} to=postmaster@example.test", f"{check}: the log says so")
            tap.like(rcpt(i, RELAYCLIENT="", **bad[0]), "^250 ", f"{check}: not for a relay client")
            tap.like(rcpt(i, **{**bad[0], "ip": "127.0.0.1"}), "^250 ", f"{check}: not for this host")
        i.close()


def greets(*names):
    return [{"helo": n} for n in names]


# ---- what costs nothing is logged, nothing is refused ----

i = instance()
for helo, checks in (("client.example.org", []), ("localhost", ["helo-name"]), (V4, ["helo-bare"]), (ME, ["helo-own"]), ("[192.0.2.8]", ["helo-literal"]),
                     ("192.0.2.1", ["helo-bare", "helo-own"])):
    tap.like(rcpt(i, helo), "^250 ", f"by default {helo} passes")
    tap.eq(re.findall(r"event=door check=(\S+) verdict=log", since(i)), checks, f"by default {helo} is logged: {checks}")
i.close()

# ---- HELO ----

levels("helo-name", greets("localhost", "a_b", "-a.test", "a..test", "a.123", "[192.0.2.300]", "[2001:db8::7]", "[IPv6:192.0.2.x]", "[]", "*.test"),
       greets("mail.host.test", "mail.host.test.", "under_score.host.test", "192.0.2.7", "2001:db8::7", "[192.0.2.7]", "[IPv6:2001:db8::7]", "[ipv6:2001:DB8::7]"), "5.7.1",
       reason="is not the name of a host")
levels("helo-bare", greets("192.0.2.7", "192.0.2.8", "2001:db8::7"), greets("[192.0.2.7]", "mail.host.test", "localhost"), "5.7.1", reason="without brackets")
levels("helo-own", [*greets(ME, ME.upper(), ME + ".", "192.0.2.1", "[192.0.2.1]"), {"helo": "[IPv6:2001:db8::1]", "ip": V6}],
       greets("mail.host.test", "[192.0.2.7]", "x." + ME, "example.test"), "5.7.1", reason="is this server")
levels("helo-literal", [*greets("[192.0.2.8]", "[IPv6:2001:db8::7]"), {"helo": "[IPv6:2001:db8::8]", "ip": V6}],
       [*greets("[192.0.2.7]", "[IPv6:::ffff:192.0.2.7]", "192.0.2.8", "mail.host.test"), {"helo": "[IPv6:2001:db8:0::7]", "ip": V6}], "5.7.1", reason="is not your address")

with Nsd(ZONES) as nsd:
    levels("helo-dns", greets("nothing.host.test", "text.host.test"), greets("mail.host.test", "six.host.test", "mx.host.test", "alias.host.test", "Mail.HOST.test.", "under_score.host.test",
                                                                             "localhost", "[192.0.2.7]"),
           "5.7.1", nsd.port, greets("mail.elsewhere.test"), "has neither address nor MX")

    # A greeting is judged once, a new one anew.
    with Faults(nsd.port, []) as f:
        i = instance(f.port, smtp_check_helo_dns="refuse")
        c = i.client(TCPREMOTEIP=V4)
        said = []
        for helo in ("nothing.host.test", "mail.host.test", "nothing.host.test"):
            c.cmd("EHLO " + helo)
            for _ in range(2):
                c.cmd("MAIL FROM:<a@send.test>")
                said += [c.cmd("RCPT TO:<u@example.test>")[:3], c.cmd("RCPT TO:<v@example.test>")[:3]]
                c.cmd("RSET")
        c.cmd("QUIT")
        c.close()
        tap.eq((said, len(f.seen)), (["550"] * 4 + ["250"] * 4 + ["550"] * 4, 9), "three greetings, twelve recipients: nine questions")
        tap.eq(i.logged().count("event=door check=helo-dns"), 2, "and two lines of the log")
        i.close()

    # ---- the sender's domain ----

    sends = lambda *domains: [{"sender": f"a@{d}"} for d in domains]
    levels("sender", sends("nothing.send.test", "text.send.test"),
           [*sends("send.test", "a.send.test", "aaaa.send.test", "alias.send.test", "half.send.test", "A.SEND.test", "b\u00fccher.send.test", "example.test", "[192.0.2.7]"), {"sender": ""}],
           "5.1.8", nsd.port, sends("elsewhere.test"), "has neither MX nor address")
    levels("sender", sends("null.send.test"), [], "5.7.27", nsd.port, reason="null.send.test")
    # Whether there is an MX is not known: its address does not count yet.
    with Faults(nsd.port, [("a.send.test", 15, "servfail"), ("aaaa.send.test", 1, "servfail"), ("text.send.test", 28, "servfail")]) as f:
        i = instance(f.port, smtp_check_sender="refuse")
        tap.like(rcpt(i, sender="x@a.send.test"), "^451 4.4.3 .*MX of a.send.test", "the MX is not known: later")
        tap.like(rcpt(i, sender="x@aaaa.send.test"), "^250 ", "one of the addresses is known: enough")
        tap.like(rcpt(i, sender="x@text.send.test"), "^451 4.4.3 .*addresses of text.send.test", "one of the addresses is not known: later")
        i.close()

    # ---- lists ----

    def score(dnsbl, threshold=1, log=None, ip=V4, name="", port=nsd.port, wanted="^250 ", level="refuse", **case):
        i = instance(port, dnsbl=dnsbl, smtp_dnsbl_threshold=threshold, smtp_check_dnsbl=level)
        tap.like(rcpt(i, ip=ip, **case), wanted, name)
        for one in [log] if isinstance(log, str) else log or ():
            tap.like(i.logged(), one, f"{name}: the log")
        i.close()

    score("bl.test\n", wanted="^550 5.7.1 refused because of a list: bl.test: see https://bl.test/192.0.2.7$", name="listed: the reply names the list, and what it says",
          log=["event=dnsbl zone=bl.test answer=127.0.0.2 weight=1", "event=door check=dnsbl verdict=refuse reason=\"bl.test: see", "event=reject verb=RCPT"])
    score("bl.test\n", ip=V6, wanted="^550 5.7.1 .*: bl.test$", name="an IPv6 client, a list without text", log="answer=127.0.0.4")
    score("bl.test\n", ip="192.0.2.9", wanted=r"^550 5.7.1 .*: bl.test: a\?\?b and c$", name="what a list says is one line of ASCII")
    score("bl.test\n", ip="192.0.2.99", name="not listed")
    score("bl.test\n", level="defer", wanted="^450 4.7.1 refused because of a list: bl.test", name="defer")
    score("bl.test\n", level="log", name="log", log="event=door check=dnsbl verdict=log reason=bl.test")
    score("bl.test\n", level="off", name="off")
    score("bl.test\n", to="abuse@example.test", name="abuse is reached", log="event=door-passed check=dnsbl to=abuse@example.test")
    score("bl.test answer=127.0.0.[2..9]\n", wanted="^550 ", name="an answer within the pattern")
    score("bl.test answer=127.0.0.[2..9]\n", ip="192.0.2.8", name="an answer outside the pattern")
    score("bl.test answer=127.0.0.[3;10]\n", ip="192.0.2.8", wanted="^550 ", name="one of several numbers")
    score("bl.test weight=2\nsecond.test weight=3\n", 5, wanted="^550 5.7.1 .*: second.test$", name="the sum reaches the threshold: the heaviest is named")
    score("bl.test weight=2\nsecond.test weight=2\n", 5, name="the sum stays below the threshold")
    score("bl.test weight=5\nwl.test weight=-3\n", 3, name="a list of good ones outweighs", log="zone=wl.test answer=127.0.5.2 weight=-3")
    score("bl.test weight=6\nwl.test weight=-3\n", 3, wanted="^550 ", name="or does not")
    score("bl.test answer=127.0.0.2 weight=2\nbl.test answer=127.0.0.[0..255] weight=2\n", 4, wanted="^550 ", name="two lines of one list")
    score("blocked.test\nsold.test\n", name="a resolver that may not ask, and a list that was sold, count nothing",
          log=["event=dnsbl-unusable zone=blocked.test answer=127.255.255.254", "event=dnsbl-unusable zone=sold.test answer=192.0.2.66"])
    score("blocked.test answer=127.255.255.[0..255]\n", name="whatever the pattern")
    score("gone.elsewhere\nbl.test\n", wanted="^550 5.7.1 .*: bl.test", name="a list that does not answer keeps no other from it", log="event=dnsbl-unusable zone=gone.elsewhere answer=none")
    score("gone.elsewhere\n", name="a list that does not answer counts nothing")
    score("rhs.test sender\n", sender="x@bad.host.test", wanted="^550 5.7.1 .*: rhs.test: a bad domain$", name="the sender's domain")
    score("rhs.test sender\n", sender="x@good.host.test", name="another sender")
    score("rhs.test sender\n", sender="", name="no sender")
    score("rhs.test sender weight=2\nbl.test weight=2\n", 4, sender="x@bad.host.test", wanted="^550 ", name="both together")
    score("rhs.test sender weight=2\nbl.test weight=2\n", 4, sender="x@good.host.test", name="the client alone does not reach it")
    many = "".join(f"bl{n}.test\n" for n in range(31)) + "bl.test\n"
    score(many, wanted="^550 5.7.1 .*: bl.test: ", name="32 lists")
    with Faults(nsd.port, []) as f:
        i = instance(f.port, dnsbl="bl.test\nrhs.test sender\n")
        c = i.client(TCPREMOTEIP="192.0.2.99")
        for sender in ("x@good.host.test", "x@bad.host.test", "x@good.host.test"):
            c.cmd("EHLO client.example.org")
            c.cmd(f"MAIL FROM:<{sender}>")
            said = c.cmd("RCPT TO:<u@example.test>")
            tap.eq(said[:3], "550" if "bad" in sender else "250", f"message by message: {sender}")
            c.cmd("RSET")
        c.close()
        tap.eq(len([n for n, _, _ in f.seen if n.endswith("bl.test")]), 1, "the client is looked up once")
        i.close()
    for bad in ("a b c\n", "bl.test weight=\n", "bl.test weight=1001\n", "bl.test weight=x\n", "bl.test answer=127.0.0\n", "bl.test answer=127.0.0.2.3\n", "bl.test answer=127.0.0.[2\n",
                "bl.test answer=127.0.0.[3..2]\n", "bl.test answer=127.0.0.256\n", "bl.test answer=127.0.0.[]\n", "bl..test\n", "a" * 63 + ".b" * 70 + "\n", "bl.test\n" * 33):
        i = Instance(dnsbl=bad)
        c = i.client()
        tap.ok(c.greeting is None and c.close() == 100 and "etc/dnsbl" in i.logged(), f"bad lines are exit 100: {bad[:40].strip()}", i.logged())
        i.close()

    # ---- behind a recursive resolver ----

    with Unbound(nsd) as unbound:
        score("bl.test\nblocked.test\n", port=unbound.port, wanted="^550 5.7.1 .*: bl.test: see", name="unbound: listed")
        i = instance(unbound.port, smtp_check_sender="refuse", smtp_check_helo_dns="refuse")
        for helo, sender, wanted in (("alias.host.test", "a@alias.send.test", "^250 "), ("mail.host.test", "a@null.send.test", "^550 5.7.27 "), ("mail.host.test", "a@nothing.send.test", "^550 5.1.8 "),
                                     ("text.host.test", "a@send.test", "^550 5.7.1 ")):
            tap.like(rcpt(i, helo, sender), wanted, f"unbound: {helo}, {sender}")
        i.close()

    # ---- several findings: the first that refuses, else the first that defers ----

    i = instance(nsd.port, smtp_check_helo_dns="defer", smtp_check_sender="refuse", dnsbl="bl.test\n")
    tap.like(rcpt(i, "nothing.host.test", "a@nothing.send.test"), "^550 5.1.8 ", "a refusal before a deferral")
    tap.like(rcpt(i, "nothing.host.test", "a@send.test", ip="192.0.2.99"), "^450 4.7.1 your greeting", "a deferral alone")
    tap.like(rcpt(i, "mail.host.test", "a@elsewhere.test"), "^550 5.7.1 refused because of a list", "a list before what is not known yet")
    i.close()

    # ---- who is known, and who is not ----

    everything = {"smtp_check_" + c: "refuse" for c in ("ptr", "name", "helo_own", "helo_dns", "sender")}
    i = instance(nsd.port, dnsbl="bl.test\n", smtp_reverse_dns="auto", smtp_xclient="192.0.2.200/32\n", **everything)

    def said(c, to="u@example.test", sender="a@nothing.send.test", helo="localhost"):
        c.cmd(f"EHLO {helo}")
        c.cmd(f"MAIL FROM:<{sender}>")
        answer = c.cmd(f"RCPT TO:<{to}>")
        c.cmd("RSET")
        return answer
    c = i.client("true", "true", TCPREMOTEIP=V4, SSL_PROTOCOL="TLSv1.3", SSL_CIPHER="x")
    tap.like(said(c), "^550 5.7.25 ", "a stranger, where there is a login parent")
    for to in ("postmaster", "Postmaster@example.test", "ABUSE@example.test", '"abuse"@example.test'):
        tap.like(said(c, to), "^250 ", f"reaches {to}")
    tap.like(said(c, "abused@example.test"), "^550 5.7.25 ", "but not others")
    tap.like(c.cmd("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ="), "^235 ", "who has logged in")
    tap.like(said(c), "^250 ", "is no stranger any more")
    c.cmd("QUIT")
    c.close()
    c = i.client(TCPREMOTEIP="192.0.2.200")
    c.cmd("EHLO proxy.example")
    tap.like(c.cmd(f"XCLIENT ADDR={V4}"), "^220 ", "a proxy names its client")
    tap.like(said(c, helo="mail.host.test", sender="a@send.test"), "^550 5.7.25 .*: 192.0.2.7$", "who has no name")
    c.cmd("QUIT")
    c.close()
    i.write("smtp-check-ptr", "off")
    for name, wanted in (("", "^550 5.7.25 .*: 192.0.2.7 has none"), (" NAME=mail.host.test", "^550 5.7.1 refused because of a list: bl.test"), (" LOGIN=alice@example.test", "^250 ")):
        c = i.client(TCPREMOTEIP="192.0.2.200")
        c.cmd("EHLO proxy.example")
        c.cmd(f"XCLIENT ADDR={V4}{name}")
        tap.like(said(c, helo="mail.host.test", sender="a@send.test"), wanted, f"XCLIENT ADDR={V4}{name}: {wanted}")
        c.cmd("QUIT")
        c.close()
    i.write("smtp-pregreet", "60000")
    c = i.client(TCPREMOTEIP="192.0.2.200")
    tap.like(c.greeting, "^220 ", "a proxy does not wait")
    c.close()
    i.close()

    # ---- before the greeting ----

    def raw(i, data, **env):
        """data is there before the program is; all that it says until it closes."""
        ours, theirs = socket.socketpair()
        ours.sendall(data)
        p = subprocess.Popen([os.path.join(BIN, "smtp-recv")], stdin=theirs, stdout=theirs, stderr=i.log, cwd=i.dir, env=i.environment(**env))
        theirs.close()
        ours.settimeout(LIMIT)
        with ours.makefile("rb") as f:
            ours.shutdown(socket.SHUT_WR)
            text = f.read().decode()
        ours.close()
        p.wait(LIMIT)
        return text

    with Faults(nsd.port, []) as f:
        i = instance(f.port, smtp_pregreet=60000, dnsbl="bl.test\n", smtp_check_name="refuse", smtp_reverse_dns="auto")
        said = raw(i, b"EHLO spam.example\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n")
        tap.eq(said.split("\r\n"), ["554 you spoke before this server had greeted you", "503 5.5.1 you were refused; only QUIT is left", "503 5.5.1 you were refused; only QUIT is left",
                                    "221 2.0.0 goodbye", ""], "who talks ahead is refused, and then there is only QUIT")
        tap.like(i.logged(), r'event=door check=pregreet verdict=refuse reason="EHLO spam.example" ip=192.0.2.7\n', "the log has what it said")
        said = raw(i, b"x" * 10000)
        tap.eq(said[:4], "554 ", "octets without an end")
        said = raw(i, b"NOOP\r\n" * 100)
        tap.eq((said.count("554 "), said.count("503 ")), (1, 20), "its commands are counted")
        said = raw(i, b"")
        tap.eq(said, "", "who hangs up gets no answer")
        tap.like(i.logged(), r"event=hangup", "and is logged")
        for env in ({"RELAYCLIENT": ""}, {"TCPREMOTEIP": "127.0.0.1"}):
            tap.eq(raw(i, b"QUIT\r\n", **env)[:4], "220 ", f"no wait for {env}")
        i.close()
        i = instance(f.port, smtp_pregreet=60000, dnsbl="bl.test\n", smtp_reverse_dns="yes")
        c = i.client("-s", TCPREMOTEIP=V4)
        tap.eq(c.greeting[:4], "220 ", "no wait on submission")
        c.close()
        c = i.client(unix=True)
        tap.eq(c.greeting[:4], "220 ", "no wait for a local socket")
        c.close()
        # The DNS is asked while it waits, and it can be told to end.
        f.seen.clear()
        ours, theirs = socket.socketpair()
        p = subprocess.Popen([os.path.join(BIN, "smtp-recv")], stdin=theirs, stdout=theirs, stderr=i.log, cwd=i.dir, env=i.environment(TCPREMOTEIP="192.0.2.44"))
        theirs.close()
        ours.settimeout(LIMIT)
        end = time.monotonic() + LIMIT
        while "event=client ip=192.0.2.44 resolve=FORGED ptr=mail.host.test" not in i.logged() and time.monotonic() < end:
            time.sleep(0.01)
        tap.eq(sorted((n, k) for n, k, _ in f.seen), [("44.2.0.192.bl.test", 1), ("44.2.0.192.in-addr.arpa", 12), ("mail.host.test", 1)], "the DNS is asked before the greeting, step by step")
        p.terminate()
        with ours.makefile("rb") as g:
            tap.eq(g.readline()[:4], b"421 ", "told to end before the greeting: 421")
        ours.close()
        tap.eq(p.wait(LIMIT), 0, "and exit 0")
        i.close()
        i = instance(f.port, smtp_pregreet=500)
        begin = time.monotonic()
        c = i.client(TCPREMOTEIP="192.0.2.99")
        waited = time.monotonic() - begin
        tap.ok(c.greeting[:4] == "220 " and waited >= 0.5, f"who waits is greeted, after half a second: {waited:.3f}")
        tap.eq(c.mail(["u@example.test"])[1][:3], "250", "and served")
        c.cmd("QUIT")
        c.close()
        i.close()
i = Instance(smtp_pregreet=60001)
c = i.client()
tap.ok(c.close() == 100 and "etc/smtp-pregreet" in i.logged(), "a wait too long is exit 100", i.logged())
i.close()
tap.done()
