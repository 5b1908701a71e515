#!/usr/bin/env python3
"""Over quota: refused at RCPT, with the size that MAIL declared."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Tap

tap = Tap()
OK, DELIVERED, FULL = "250 2.1.5 recipient ok", "250 2.0.0 delivered", "452 4.2.2 mailbox full"
i = Instance(users="alice@example.test: x::::::userdb_quota_rule=*:bytes=2000\n"
                   "bob@example.test: x::::::userdb_quota_rule=*:messages=2\n"
                   "carol@example.test: x\n"
                   "bad@example.test: x::::::userdb_quota_rule=*:bytes=lots\n",
             aliases="both@example.test: alice, carol\n")
c = Client(i)


def check(rcpt, size=None):
    reply = c.mail([rcpt], params=f" SIZE={size}" if size else "")[0]
    c.cmd("RSET")
    return reply


tap.eq(check("alice@example.test", 1500), OK, "alice: 1500 octets fit")
tap.eq(check("alice@example.test", 2500), FULL, "2500 do not: said at RCPT")
tap.eq(c.deliver(["alice@example.test"], message="x" * 500 + "\r\n" + "y" * 500), [DELIVERED], "1000 are delivered")
tap.eq(check("alice@example.test", 1500), FULL, "then 1500 do not fit any more")
tap.eq(check("alice@example.test", 500), OK, "500 do")
tap.eq(c.deliver(["alice@example.test"], message=("x" * 70 + "\r\n") * 20), [FULL], "undeclared, it is said after the dot")
tap.eq(len(i.messages("alice")), 1, "and nothing is delivered")
tap.eq(c.deliver(["alice@example.test", "carol@example.test"], message=("x" * 70 + "\r\n") * 20), [FULL, DELIVERED], "the other recipient has it")
tap.eq(check("both@example.test", 5000), OK, "an alias with room behind one of two")
tap.eq([c.deliver(["bob@example.test"]) for _ in range(3)], [[DELIVERED], [DELIVERED], [FULL]], "bob: two messages, not three")
tap.eq(check("bad@example.test"), "451 4.3.5 account not usable as configured", "a rule that is none")
size = open(os.path.join(i.maildir("bob"), "maildirsize")).read().split("\n")
tap.eq((size[0], sum(int(l.split()[1]) for l in size[1:] if l)), ("2C", 2), "maildirsize counts them")
os.makedirs(i.maildir("carol"), exist_ok=True)
with open(os.path.join(i.maildir("carol"), "maildirsize"), "w") as f:
    f.write("1000S\n900 1\n")
i.own(i.path("mail"))
tap.eq((check("carol@example.test", 50), check("carol@example.test", 500)), (OK, FULL), "without a rule the limit in maildirsize counts")
c.quit()
i.put("quota-permanent", "yes\n")
c = Client(i)
tap.eq(check("alice@example.test", 2500), "552 5.2.2 mailbox full", "quota-permanent: 552")
c.quit()
i.done()
tap.done()
