#!/usr/bin/env python3
"""smtp-send and the servers that others run: Debian's Postfix, Exim and OpenSMTPD, and Dovecot's LMTP. What arrives is what was sent, to
the octet; needs root."""
import os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from receivers import Dovecot, Exim, OpenSmtpd, Postfix, missing
from smtppeer import Remote, certificate
from smtpsend import send

tmp = Remote()
why = missing()


def text(subject, body):
    """With all that a server would add (Date, Message-Id, To)."""
    return b"From: sender@home.test\nTo: list@home.test\nDate: Sun, 22 Nov 2026 07:00:00 +0000\nMessage-Id: <x@home.test>\nSubject: " + subject.encode() + b"\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + body


BODY = b".dot\n..dots\n.\n" + b"y" * 990 + b"\n\ttab \nend\n"
BIG = b"".join(b"%05d %s\n" % (i, b"." * (i % 70)) for i in range(3000))


def arrived(receiver, local, original):
    """Copies that end with the very text."""
    return [m for m in receiver.messages(local) if m.endswith(original)]


def check(receiver, name, local, original, count=1):
    try:
        wait_for(lambda: len(arrived(receiver, local, original)) >= count, name)
    except TimeoutError:
        pass
    got = receiver.messages(local)
    tap.ok(len(arrived(receiver, local, original)) == count, f"{name}: to the octet", len(got), got and got[-1][-300:], receiver.log())


def speak(receiver, name, ext):
    d = receiver.domain
    host = [(f"mx.{d}", "127.0.0.1", receiver.port, 0)]
    settings = {"tls-ca": receiver.cert, "auth/smart": "user\nsecret", "auth/wrong": "user\nother"}
    first, eight, second, third, big = text("first", BODY), text("eight", "j\u00f6rg \u20ac\n".encode() + BODY), text("second", BODY), text("third", BODY), text("big", BIG)
    rcpts = lambda *names: [f"{n}@{d}" for n in names]
    many = rcpts(*[f"many{i}" for i in range(60)])
    r = send(host, [(first, rcpts("plain")), (eight, rcpts("eight")), (second, rcpts("one", "bad", "two")), (third, many), (text("huge", BIG * 4), rcpts("plain")), (big, rcpts("chunk"))])
    got = {a: [v[0][0] for v in vs] for a, vs in ((a, vs) for a, vs in r.verdict.items())}
    codes = [v[2] for v in r.verdict[f"plain@{d}"]]
    tap.ok(r.ends == ["e"] * 6 and codes[1] == "5.3.4" and r.verdict[f"bad@{d}"][0][0] == "f" and all(r.verdict[a][0][0] == "d" for a in rcpts("eight", "one", "two", "chunk") + many),
           f"{name}: six messages over one connection; one recipient refused among good ones, one message too large", r)
    check(receiver, f"{name}: plain", "plain", first)
    check(receiver, f"{name}: 8 bits", "eight", eight)
    check(receiver, f"{name}: beside the refused one", "one", second, 2 if receiver.together else 1)
    check(receiver, f"{name}: many recipients", "many59", third, 60 if receiver.together else 1)
    check(receiver, f"{name}: 150 KB", "chunk", big)
    utf8 = text("utf8", b"to a name in UTF-8\n")
    r = send(host, [(utf8, [f"j\u00f6rg@{d}"], "utf8")])
    v = r.verdict[f"j\u00f6rg@{d}"][0]
    if "SMTPUTF8" in ext:
        tap.ok(v[0] == "d", f"{name}: an address in UTF-8", r)
        check(receiver, f"{name}: an address in UTF-8", "j\u00f6rg", utf8)
    else:
        tap.ok((v[0], v[2]) == ("f", "5.6.7"), f"{name}: no SMTPUTF8 there: refused", r)
    if "TLS" not in ext:  # Debian's OpenSMTPD offers it, and fails in its own signing process ("EVP lib")
        body = text("clear", BODY)
        r = send(host, [(body, [f"tls@{d}"])], tls="m", settings=settings)
        tap.ok(r.states[f"tls@{d}"] == "d" and len(r.tls) >= 1, f"{name}: a handshake that fails there: in clear", r)
        check(receiver, f"{name}: a handshake that fails there", "tls", body)
        return
    for what, tls, lines, good in (("STARTTLS", "m", [], True), ("STARTTLS, verified", "M", ["n mx." + d], True), *([("AUTH under TLS", "M", ["a smart"], True), ("a wrong password", "M", ["a wrong"], False)] if "AUTH" in ext else [])):
        body = text(what, BODY)
        to = f"private@{d}" if "a smart" in lines else f"tls@{d}"
        r = send(host, [(body, [to])], tls=tls, lines=lines, settings=settings)
        tap.ok(r.states[to] == ("d" if good else "w") and (not good or "TLSv1" in r.connected), f"{name}: {what}: {'delivered' if good else 'deferred'}", r, receiver.log())
        if good:
            check(receiver, f"{name}: {what}", to.split("@")[0], body)
    if "AUTH" in ext:
        r = send(host, [(first, [f"private@{d}"])], tls="m", settings=settings)
        tap.ok(r.verdict[f"private@{d}"][0][0] == "f", f"{name}: refused without a login", r)


for receiver, ext in (Postfix, ["SMTPUTF8", "TLS"]), (Exim, ["SMTPUTF8", "TLS", "AUTH"]), (OpenSmtpd, []):
    name = {"OpenSmtpd": "OpenSMTPD"}.get(receiver.__name__, receiver.__name__)
    if why[name]:
        tap.ok(True, f"{name} # SKIP {why[name]}")
        continue
    with receiver(*certificate(tmp.dir, f"mx.{receiver.domain}")) as one:
        speak(one, name, ext)
if why["Dovecot"]:
    tap.ok(True, f"Dovecot # SKIP {why['Dovecot']}")
else:
    with Dovecot(*certificate(tmp.dir, "dove.test")) as one:
        first, second = text("first", BODY), text("second", "j\u00f6rg\n".encode() + BIG)
        many = [f"many{i}@dove.test" for i in range(60)]
        r = send([], [(first, ["plain@dove.test", "nobody@dove.test", "one@dove.test"]), (second, many)], lmtp=True, lines=[f"u {one.path}"])
        tap.ok([r.verdict[f"{a}@dove.test"][0][0] for a in ("plain", "nobody", "one")] == ["d", "f", "d"] and all(r.states[a] == "d" for a in many) and r.ends == ["e", "e"],
               "Dovecot: LMTP over a Unix socket, a verdict for each", r, one.log())
        check(one, "Dovecot: plain", "plain", first)
        check(one, "Dovecot: beside the refused one", "one", first)
        check(one, "Dovecot: many recipients, in chunks", "many59", second)
tmp.__exit__()
tap.done()
