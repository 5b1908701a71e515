#!/usr/bin/env python3
"""SRS: senders of what is forwarded elsewhere are rewritten, and a bounce finds back."""
import os, re, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Peer, Tap

tap = Tap()
i = Instance(users="alice@example.test: x\n", aliases="out@example.test: far@else.test\nboth@example.test: alice, far@else.test\n",
             domains="example.test:\nalso.test: alias:example.test\nlmtp.test: lmtp:[127.0.0.1]:24\nsrs.test:\n",
             srs_domain="SRS.test", srs_key="0123456789abcdef0123456789abcdef")
relay = Peer(i, "relay")
c = Client(i)


def forwarded(sender, rcpt="out@example.test", params=""):
    """The sender and the recipient of the copy that went on."""
    before = len(relay.messages)
    reply = c.deliver([rcpt], sender=sender, params=params)[0]
    if not reply.startswith("250") or len(relay.messages) != before + 1:
        return reply, len(relay.messages) - before
    m = relay.messages[-1]
    return re.match("MAIL FROM:<(.*)>", m["mail"])[1], [re.match("RCPT TO:<([^>]*)>", r)[1] for r in m["rcpts"]]


sender, to = forwarded("Sender@remote.test")
tap.ok(re.fullmatch(r"SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=remote\.test=Sender@srs\.test", sender) and to == ["far@else.test"], "rewritten", (sender, to))
tap.eq(forwarded("", sender), ("", ["Sender@remote.test"]), "a bounce goes to whom it was")
tap.eq(forwarded("", sender.lower()), ("", ["sender@remote.test"]), "in whatever case")
tap.like(c.mail([sender.replace("remote", "remota")])[0], "^550 5.1.1", "changed: no such user")
c.cmd("RSET")
for own in ("", "alice@example.test", "x@also.test", "x@lmtp.test"):
    tap.eq(forwarded(own)[0], own, f"<{own}> stays")
tap.eq(forwarded('"a b"@remote.test')[0].split("=", 3)[3], 'remote.test=a b"@srs.test', "a quoted local part")
twice, _ = forwarded("SRS0=abcd=xy=first.test=who@second.test")
tap.like(twice, "^SRS1=[A-Z2-7]{8}=second.test==abcd=xy=first.test=who@srs.test$", "rewritten by another host before")
tap.eq(forwarded("", twice), ("", ["SRS0=abcd=xy=first.test=who@second.test"]), "its bounce goes there")

tap.eq(forwarded("s@remote.test", "both@example.test")[0][:5], "SRS0=", "a copy stays here, one goes on")
tap.like(i.messages("alice")[0], "^Return-Path: <s@remote.test>\n", "the one that stays has its own sender")
tap.eq(forwarded("u@b\u00fccher.test", params=" SMTPUTF8")[0].split("=", 3)[3].endswith("=u@srs.test"), True, "of an internationalized domain")
tap.ok(forwarded("x" * 60 + "@" + ".".join(["d" * 60] * 3) + ".test")[0].startswith("SRS0="), "a long one")
tap.like(c.mail(["alice@srs.test"])[0], "^550 5.1.1", "nobody else lives there")
c.cmd("RSET")
tap.eq(c.quit(), 0, "exit 0")

for name, value in (("srs-key", "short"), ("srs-key", ""), ("srs-domain", "")):
    old = open(i.path("etc", name), encoding="utf-8").read()
    i.put(name, value)
    code, _, err = i.run("-c", "alice@example.test")
    tap.ok(code == 100 and "srs-key" in err, f"{name} {value!r}: exit 100", (code, err))
    i.put(name, old)
i.done()
tap.done()
