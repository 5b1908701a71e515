#!/usr/bin/env python3
"""Over quota: refused at RCPT, with the size that MAIL declared."""
import os, re, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from instance import wait_for
from mdalocal import Client, Instance, LIMIT, Tap

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

# Rules of folders, a grace, warnings.
i.put("users", "dora@example.test: x::::::userdb_quota_rule2=Trash:ignore userdb_quota_rule3=Big:bytes=+2000\n"
               "erik@example.test: x::::::userdb_quota_rule=*:messages=10\nfred@example.test: x::::::userdb_quota_rule=*:messages=5\ngina@example.test: x\n")
i.put("quota-rule", "*:bytes=2000\n")
for folder in ".Trash", ".Big":
    i.folder("dora", folder)
c = Client(i)
tap.eq([check("dora@example.test", n) for n in (1900, 2100)], [OK, "552 5.2.2 mailbox full"], "everybody's rule")
tap.eq(check("dora+Big@example.test", 3900), OK, "a folder that may hold more")
tap.eq(check("dora+Trash@example.test", 100000), OK, "a folder that is not counted")
LONG = "Subject: x\r\n\r\n" + ("x" * 70 + "\r\n") * 20
tap.eq(c.deliver(["dora+Trash@example.test"], message=LONG), [DELIVERED], "it takes a message")
tap.eq(check("dora@example.test", 1900), OK, "which is not counted")
tap.eq(c.deliver(["dora+Big@example.test"], message=LONG), [DELIVERED], "one that is counted, in another folder")
tap.eq(check("dora@example.test", 1000), "552 5.2.2 mailbox full", "counts everywhere")
tap.eq(check("dora+Big@example.test", 1000), OK, "but there is room for more there")
c.quit()
i.put("quota-grace", "10%\n")
c = Client(i)
tap.eq([check("dora@example.test", n) for n in (600, 800)], [OK, "552 5.2.2 mailbox full"], "quota-grace")
c.quit()
i.put("quota-grace", "some\n")
tap.eq(Client(i, greet=False).process.wait(LIMIT), 100, "a bad quota-grace")
os.unlink(i.path("etc", "quota-grace"))
i.put("quota-warnings", "95, 80% 40\n")


def warnings(user, n):
    """The subjects of so many warnings, which may come behind the reply."""
    def have():
        return [m for m in i.messages(user) if "\nAuto-Submitted: auto-generated\n" in m]
    wait_for(lambda: len(have()) >= n, f"{n} warnings")
    return sorted(re.search("Subject: (.*)", m)[1] for m in have())


def full(*percents):
    return [f"Your mailbox is {p} % full" for p in percents]


c = Client(i)
for n, want in enumerate(((), (), (), (40,), (40,), (40,), (40, 80), (40, 80, 95)), 1):
    tap.eq((c.deliver(["erik@example.test"]), warnings("erik", len(want))), ([DELIVERED], full(*want)), f"message {n}")
tap.eq(c.deliver(["erik@example.test"]), ["552 5.2.2 mailbox full"], "warnings are counted, but not refused")
tap.eq((c.deliver(["fred@example.test"]), c.deliver(["fred@example.test"]), warnings("fred", 1)), ([DELIVERED], [DELIVERED], full(40)), "40 % of five")
tap.eq((c.deliver(["fred@example.test"]), warnings("fred", 3)), ([DELIVERED], full(40, 80, 95)), "a warning that reaches more: one more, and no others")
c.quit()
tap.like([m for m in i.messages("erik") if "80 %" in m][0],
         r"^Return-Path: <>\nDelivered-To: erik@example\.test\nDate: .*\nMessage-ID: <\S+@mx\.example\.test>\nAuto-Submitted: auto-generated\n"
         r"From: Postmaster <postmaster@example\.test>\nTo: erik@example\.test\n(.*\n)+\n(.*\n)8 of 10 messages\.\n", "the warning")
i.put("quota-warnings", "50")
i.put("quota-warning", "From: {me}\nSubject: {percent} {of} {user} {\n\n{use}")
c = Client(i)
tap.eq((c.deliver(["gina@example.test"], message=LONG), warnings("gina", 1)), ([DELIVERED], ["50 {of} gina@example.test {"]), "another text")
tap.like([m for m in i.messages("gina") if "50" in m][-1], r"From: mx\.example\.test\nSubject: .*\n\n0\.0 MB of 0\.0 MB\n$", "what stands between braces")
c.quit()
tap.eq(i.log().count("event=quota-warning"), 7, "each is in the log")
for bad in "x", "80 0", "1 2 3 4 5 6 7 8 9", "1001", "80,x":
    i.put("quota-warnings", bad)
    tap.eq(Client(i, greet=False).process.wait(LIMIT), 100, f"quota-warnings {bad}")
i.put("quota-warnings", "80")
i.put("quota-warning", "x" * 16385)
tap.eq(Client(i, greet=False).process.wait(LIMIT), 100, "a text that is too long")
i.done()
tap.done()
