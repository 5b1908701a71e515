#!/usr/bin/env python3
"""The client's name (door-reverse.c) and the resolver behind it (lib/dns.c): a real DNS server (nsd), IPv4 and IPv6, and
between it and us one that is late, silent, broken, or lies."""
import os, re, struct, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from dns import Faults, Nsd
from milter import Milter
from ports import free_port
from smtprecv import Instance, Tap

tap = Tap()
V6 = "2001:db8::7"
ZONES = {
    "2.0.192.in-addr.arpa": """
7 PTR mail.client.test.
8 PTR forged.client.test.
9 PTR forged.client.test.
9 PTR Mail9.client.test.
10 PTR nowhere.client.test.
11 CNAME 11.nets.client.test.
12 PTR a\\@b.client.test.
13 PTR alias.client.test.
14 PTR huge.client.test.
15 PTR broken.fail.test.
""",
    "8.b.d.0.1.0.0.2.ip6.arpa": "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mail.client.test.\n",
    "client.test": "mail A 192.0.2.7\nmail AAAA " + V6 + """
forged A 192.0.2.99
mail9 A 192.0.2.9
11.nets PTR classless.client.test.
classless A 192.0.2.11
alias CNAME target
target A 192.0.2.13
""" + "".join(f"huge A 10.0.{n // 250}.{n % 250 + 1}\n" for n in range(200)) + "huge A 192.0.2.14\n",
}


def instance(port, check="", level="refuse", **settings):
    if check:
        settings["smtp_check_" + check] = level
    return Instance(**{"resolver": f"127.0.0.1@{port}", "smtp_reverse_dns": "auto", "smtp_dns_seconds": 60, **settings})


def rcpt(i, ip, to="u@example.test", **more):
    """The reply to RCPT and the Received field's first line, if it came so far."""
    c = i.client(TCPREMOTEIP=ip, TCPLOCALIP="192.0.2.1" if "." in ip else "2001:db8::1", **more)
    answers, last = c.mail([to])
    c.cmd("QUIT")
    c.close()
    m = i.lmtp.messages
    return answers[0], m.pop()["body"].decode().split("\r\n")[0] if m else None


# ---- what the address is called ----

ROWS = (  # address, resolve, ptr check, name check, in Received
    ("192.0.2.7", "OK", "250", "250", "mail.client.test [192.0.2.7]"),
    (V6, "OK", "250", "250", f"mail.client.test [IPv6:{V6}]"),
    ("192.0.2.8", "FORGED", "250", "550", "unknown [192.0.2.8]"),
    ("192.0.2.9", "OK", "250", "250", "mail9.client.test [192.0.2.9]"),
    ("192.0.2.10", "FORGED", "250", "550", "unknown [192.0.2.10]"),
    ("192.0.2.11", "OK", "250", "250", "classless.client.test [192.0.2.11]"),
    ("192.0.2.12", "FORGED", "250", "550", "unknown [192.0.2.12]"),
    ("192.0.2.13", "OK", "250", "250", "alias.client.test [192.0.2.13]"),
    ("192.0.2.14", "OK", "250", "250", "huge.client.test [192.0.2.14]"),
    ("192.0.2.15", "TEMP", "250", "451", "unknown [192.0.2.15]"),
    ("192.0.2.16", "FAIL", "550", "550", "unknown [192.0.2.16]"),
    ("203.0.113.1", "TEMP", "451", "451", "unknown [203.0.113.1]"),
)

with Nsd(ZONES) as nsd:
    i = instance(nsd.port, smtp_reverse_dns="yes")
    for ip, resolve, _, _, wanted in ROWS:
        answer, received = rcpt(i, ip)
        tap.eq((answer[:3], received), ("250", f"Received: from client.example ({wanted})"), f"{ip}: Received names it")
        tap.like(i.logged(), rf"event=client ip=\S*{ip} resolve={resolve}\b", f"{ip}: the log names it")
    i.close()
    for check, column, code, refused, failing in (("ptr", 2, "5.7.25", "your address has no name in the DNS: {ip}", "192.0.2.16"),
                                                  ("name", 3, "5.7.25", "your address has no name in the DNS that leads back to it: ", "192.0.2.8")):
        i = instance(nsd.port, check)
        for row in ROWS:
            answer, _ = rcpt(i, row[0])
            tap.like(answer, {"250": "^250 ", "550": f"^550 {code} " + refused.format(ip=re.escape(row[0])), "451": "^451 4.4.3 the DNS does not answer, try later: name of "}[row[column]],
                     f"{check}, {row[0]}: {row[column]}")
        log = i.logged()
        tap.like(log, rf"event=door check={check} verdict=refuse reason=.*{failing}", f"{check}: a refusal is logged")
        tap.like(log, rf"event=door check={check} verdict=defer reason=.*203.0.113.1", f"{check}: a deferral is logged")
        answer, _ = rcpt(i, failing, "postmaster@example.test")
        tap.eq(answer[:3], "250", f"{check}: postmaster is reached")
        answer, _ = rcpt(i, failing, "Abuse@example.test")
        tap.like(i.logged(), rf"event=door-passed check={check} to=Abuse@example.test", f"{check}: abuse is reached, the log says what was passed over")
        i.close()
        i = instance(nsd.port, check, "defer")
        tap.like(rcpt(i, failing)[0], f"^450 4{code[1:]} " + refused.format(ip=failing), f"{check}: defer is 450")
        i.close()
        i = instance(nsd.port, check, "log")
        tap.like(rcpt(i, failing)[0], "^250 ", f"{check}: log takes it")
        tap.like(i.logged(), rf"event=door check={check} verdict=log reason=", f"{check}: log tells it")
        i.close()
    # Nobody that is known is asked.
    i = instance(nsd.port, "name", trusted_networks="192.0.2.16/32\n")
    tap.like(rcpt(i, "192.0.2.16")[0], "^250 ", "a trusted network is not checked")
    tap.like(rcpt(i, "192.0.2.8", RELAYCLIENT="")[0], "^250 ", "a relay client is not checked")
    tap.like(rcpt(i, "127.0.0.1")[0], "^250 ", "this host is not checked")
    c = i.client(unix=True)
    tap.eq(c.mail(["u@example.test"])[0][0][:3], "250", "a local socket is not checked")
    c.close()
    tap.ok("check=name" not in i.logged(), "and nothing is logged of them", i.logged())
    i.close()

    # ---- filters ----

    for ip, name, ptr, resolve, whole in (("192.0.2.7", "mail.client.test", "mail.client.test", "OK", "mail.client.test [192.0.2.7]"),
                                          ("192.0.2.8", "unknown", "forged.client.test", "FORGED", "forged.client.test [192.0.2.8] (may be forged)"),
                                          ("192.0.2.16", "unknown", "unknown", "FAIL", "unknown [192.0.2.16]"),
                                          ("203.0.113.1", "unknown", "unknown", "TEMP", "unknown [203.0.113.1]")):
        m = Milter()
        i = instance(nsd.port, milters=f"m {m.name} timeout=100\n")
        rcpt(i, ip)
        macros = m.macros["connect"][0]
        tap.eq((m.octets("connect")[0].split(b"\0")[0].decode(), macros["{client_name}"], macros["{client_ptr}"], macros["{client_resolve}"], macros["_"]),
               (f"[{ip}]" if name == "unknown" else name, name, ptr, resolve, whole), f"filters of {ip}: {resolve}")
        m.close()
        i.close()
    for setting, wanted in (("auto", 0), ("no", 0), ("yes", 2)):
        with Faults(nsd.port, []) as f:
            i = instance(f.port, smtp_reverse_dns=setting)
            rcpt(i, "192.0.2.7")
            tap.eq(len(f.seen), wanted, f"smtp-reverse-dns {setting}: {wanted} questions where nobody needs the name")
            i.close()

    # ---- the resolver ----

    def answer_of(rules, ip="192.0.2.7", seconds=60, resolver=None, host="127.0.0.1"):
        with Faults(nsd.port, rules, host) as f:
            i = instance(f.port, "name", smtp_dns_seconds=seconds, **({"resolver": resolver.format(f.port)} if resolver else {}))
            answer, received = rcpt(i, ip)
            i.close()
            return answer, f.seen

    def answer_to(question):
        data = b"\x04mail\x06client\x04test\0" if question[-4:-2] == b"\0\x0c" else bytes((192, 0, 2, 7))
        return question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:] + b"\xc0\x0c" + question[-4:] + b"\0\0\0\5" + struct.pack(">H", len(data)) + data

    def lie(change):
        """What is made of the true answer's octets is sent in front of it."""
        def fault(question):
            good = question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:] + b"\xc0\x0c" + question[-4:] + b"\0\0\0\5"
            data = b"\x04mail\x06client\x04test\0" if question[-4:-2] == b"\0\x0c" else bytes((192, 0, 2, 7))
            bad = b"\x04evil\x06client\x04test\0" if question[-4:-2] == b"\0\x0c" else bytes((192, 0, 2, 66))
            wrap = lambda d: struct.pack(">H", len(d)) + d
            return [change(good + wrap(bad)), good + wrap(data)]
        return [("", 0, fault)]

    LIES = {"another id": lambda p: bytes((p[0] ^ 1,)) + p[1:], "another question": lambda p: p.replace(b"\0\0\1", b"\0\0\2", 1) if p[12:13] == b"\x04" else p[:13] + b"9" + p[14:],
            "a question of its own": lambda p: p[:2] + b"\x01\0" + p[4:], "cut in the middle": lambda p: p[:-3], "nothing": lambda p: b"", "one octet": lambda p: p[:1]}
    everything = lambda fault: [("in-addr.arpa", 0, fault), ("client.test", 0, fault)]
    for name, change in LIES.items():
        rules = [(z, 0, lie(change)[0][2]) for z in ("in-addr.arpa", "client.test")]
        answer, _ = answer_of(rules)
        tap.like(answer, "^250 ", f"a lie in front of the answer, {name}: not believed")
    answer, seen = answer_of(everything("truncate"))
    tap.ok(answer[:3] == "250" and sum(tcp for _, _, tcp in seen) == 2, "truncated: over TCP", (answer, seen))
    answer, seen = answer_of([("client.test", 0, "truncate")], resolver="::1@{}", host="::1")
    tap.eq((answer[:3], [tcp for _, _, tcp in seen]), ("250", [False, False, True]), "a resolver with an IPv6 address, over UDP and TCP")
    answer, seen = answer_of([], "192.0.2.14")
    tap.eq((answer[:3], [tcp for n, _, tcp in seen if n.startswith("huge")]), ("250", [False, True]), "201 addresses: over TCP, and the last one counts")
    for fault, code in (("servfail", "451"), ("refused", "451"), ("garbage", "451")):
        answer, seen = answer_of(everything(fault), seconds=1)
        tap.ok(answer[:3] == code, f"{fault}: {code}", answer)
    old = lambda question: answer_to(question) if question[10:12] == b"\0\0" else question[:2] + b"\x81\x81" + bytes(8)
    answer, seen = answer_of(everything(old))
    tap.ok(answer[:3] == "250" and len(seen) == 4, "a server that knows no EDNS: without it", (answer, seen))
    answer, seen = answer_of(everything(lambda question: question[:2] + b"\x81\x81" + bytes(8)))
    tap.ok(answer[:3] == "451" and len(seen) == 2, "a server that understands nothing: 451", (answer, seen))
    answer, seen = answer_of(everything("drop"), seconds=1)
    tap.eq(answer[:3], "451", "silence: 451 in time")
    state = {}

    def first_lost(question):
        state[question[12:]] = state.get(question[12:], 0) + 1
        if state[question[12:]] == 1:
            return b""
        return answer_to(question)
    answer, seen = answer_of([("2.0.192.in-addr.arpa", 0, first_lost)], seconds=60)
    tap.ok(answer[:3] == "250" and len(seen) >= 3, "a lost packet: asked again", (answer, seen))
    answer, seen = answer_of([], resolver=f"127.0.0.1@{free_port()}\n127.0.0.1@{{}}\n", seconds=60)
    tap.eq(answer[:3], "250", "a resolver that is not there: the next one")
    with Faults(nsd.port, everything("servfail")) as broken:
        answer, seen = answer_of([], resolver=f"127.0.0.1@{broken.port}\n127.0.0.1@{{}}\n", seconds=60)
        tap.eq((answer[:3], len(broken.seen) > 0), ("250", True), "a resolver that fails: the next one")
    i = instance(free_port(), "name", smtp_dns_seconds=3)
    tap.like(rcpt(i, "192.0.2.7")[0], "^451 ", "no resolver at all: 451 at once")
    i.close()

    # ---- what is off costs nothing ----

    for level, sockets in (("off", 0), ("refuse", 2)):
        i = instance(nsd.port, "name", level)
        trace = i.path("trace")
        c = i.client(TCPREMOTEIP="192.0.2.7", before=("strace", "-f", "-qq", "-o", trace, "-e", "trace=socket,openat"))
        c.mail(["u@example.test"])
        c.cmd("QUIT")
        c.close()
        text = open(trace).read()
        tap.ok((text.count("SOCK_DGRAM") > 0) == (sockets > 0) and ("etc/resolver" in text) == (sockets > 0),
               f"{level}: {'sockets and etc/resolver' if sockets else 'neither socket nor etc/resolver'}", text)
        i.close()

i = Instance(smtp_check_ptr="perhaps")
c = i.client(TCPREMOTEIP="192.0.2.7")
tap.ok(c.greeting is None and c.close() == 100 and "etc/smtp-check-ptr" in i.logged(), "a bad level is exit 100", i.logged())
i.close()
for bad in ("192.0.2.1@", "192.0.2.1@99999", "host.example", "192.0.2.1@0"):
    i = Instance(smtp_check_ptr="log", smtp_reverse_dns="auto", resolver=bad)
    c = i.client(TCPREMOTEIP="192.0.2.7")
    tap.ok(c.close() == 100 and "etc/resolver" in i.logged(), f"a bad resolver is exit 100: {bad}", i.logged())
    i.close()
tap.done()
