#!/usr/bin/env python3
"""Why a local recipient is refused or put off while the sender holds the line, a row for each reason: port 25 asks mda-local,
which would deliver. On submission what fails for a time is queued."""
import os, smtplib, ssl

from instance import Instance, tap

ALICE = "alice@example.test"
UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE
USERS = """full@example.test: x::::::userdb_quota_rule=*:bytes=1000
badrule@example.test: x::::::userdb_quota_rule=*:bytes=lots
closed@example.test: x::::::nodelivery
broken@example.test: x
nohome@example.test: x::::/dev/null/home
"""
ALIASES = """loop1@example.test: loop2
loop2@example.test: loop1
dangling@example.test: nobody
dangling2@example.test: nobody@second.test
half@example.test: nobody, alice
nothing@example.test: ,
nonsense@example.test: "a b@c
outside@example.test: someone@far.test
@catch.test: alice@example.test
toclosed@example.test: closed
mixed@example.test: closed, broken
""" + "".join(f"deep{n}@example.test: deep{n + 1}\n" for n in range(20))
# recipient, parameters of MAIL, reply on port 25, reply on submission
OK, QUEUED = "250 2.1.5 recipient ok", "250 2.1.5 recipient ok, will be queued"
ROWS = [
    (ALICE, "", OK, OK),
    ("nobody@example.test", "", "550 5.1.1 no such user", None),
    ("alice+folder@example.test", "", OK, OK),
    ("loop1@example.test", "", "451 4.4.6 alias leads back to itself", QUEUED),
    ("deep0@example.test", "", "451 4.3.5 alias leads too far", QUEUED),
    ("dangling@example.test", "", "550 5.1.1 no such user", None),
    ("dangling2@example.test", "", "550 5.1.1 no such user", None),
    ("half@example.test", "", OK, OK),
    ("nothing@example.test", "", "550 5.1.1 no such user", None),
    ("nonsense@example.test", "", "553 5.1.3 bad recipient address", None),
    ("outside@example.test", "", OK, OK),
    ("anybody@catch.test", "", OK, OK),
    ("closed@example.test", "", "550 5.2.1 mailbox does not accept mail", None),
    ("toclosed@example.test", "", "550 5.2.1 mailbox does not accept mail", None),
    ("mixed@example.test", "", "451 4.2.0 mailbox not accessible now", QUEUED),
    ("full@example.test", "", OK, OK),
    ("full@example.test", " SIZE=2000", "452 4.2.2 mailbox full", QUEUED),
    ("badrule@example.test", "", "451 4.3.5 account not usable as configured", QUEUED),
    ("broken@example.test", "", "451 4.2.0 mailbox not accessible now", QUEUED),
    ("nohome@example.test", "", "451 4.2.0 mailbox not accessible now", QUEUED),
    ("nobody@alias.test", "", "550 5.1.1 no such user", None),
    ("alice@alias.test", "", OK, OK),
    ("alice@loop.test", "", "421 4.3.5 configuration has changed or cannot be read, connect again", None),
]
# RFC 5321 4.5.1, RFC 2142: always somebody.
for name in "postmaster", "abuse":
    ROWS += [(f"{n}@{d}", "", OK, OK) for n in (name, name.upper()) for d in ("example.test", "second.test", "alias.test", "catch.test")]
ROWS += [("postmaster", "", OK, OK), ("postmaster@mail.example.test", "", OK, OK), ("abuse", "", "501 5.1.3 Bad recipient address syntax", None)]


def start(one, submission):
    s = smtplib.SMTP("127.0.0.1", one.port("submission" if submission else "smtp"), timeout=120)
    s.ehlo("client.test")
    if submission:
        s.starttls(context=UNSAFE)
        s.login(ALICE, one.password[ALICE])
    return s


def rcpt(s, address, parameters, submission):
    s.docmd("MAIL", f"FROM:<{ALICE if submission else 'x@elsewhere.test'}>{parameters}")
    code, text = s.docmd("RCPT", f"TO:<{address}>")
    if code != 421:
        s.rset()
    return f"{code} {text.decode()}"


domains = "example.test:\nsecond.test:\ncatch.test:\nalias.test: alias:example.test\nloop.test: alias:loop2.test\nloop2.test: alias:loop.test"
with Instance({"domains": domains, "aliases": ALIASES, "smtp-errors": "1000", "resolver": "127.0.0.1@9"}) as one:
    with open(one.dir + "/etc/users", "a") as f:
        f.write(USERS)
    home = one.dir + "/mail/example.test/broken"
    os.makedirs(home)
    open(home + "/Maildir", "w").close()
    for submission in 0, 1:
        s = start(one, submission)
        for row in ROWS:
            want = row[2 + submission] or row[2]
            got = rcpt(s, row[0], row[1], submission)
            tap.ok(got == want, f"{'submission' if submission else 'port 25'}: <{row[0]}>{row[1]}: {want}", got)
            if got[:3] == "421":
                s.close()
                s = start(one, submission)
        s.quit()
    os.rename(one.dir + "/etc/aliases", one.dir + "/etc/old")
    for cdb in "aliases.cdb", "aliases":
        if os.path.exists(f"{one.dir}/etc/{cdb}"):
            os.unlink(f"{one.dir}/etc/{cdb}")
    os.mkdir(one.dir + "/etc/aliases")
    s = start(one, 0)
    got = rcpt(s, ALICE, "", 0)
    tap.ok(got == "451 4.3.0 table not readable now", "a table that cannot be read", got)
    s.quit()
tap.done()
