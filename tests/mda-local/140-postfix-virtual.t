#!/usr/bin/env python3
"""Virtual domains as Postfix has them: for the same tables every address leads to the same mailboxes, or is refused, there and here. Catch-all,
alias domains, subaddresses, lists, letter case, in Unicode too. Where the two differ the row says so. Needs root and Postfix for that; what is
ours is shown without."""
import os, re, smtplib, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import postfixserver
from instance import wait_for
from mdalocal import Client, Instance, LIMIT, NOBODY, Tap
from ports import free_port

USERS = ["alice@v.test", "bob@v.test", "carol+x@v.test", "dash-ed@v.test", "ärger@v.test", "straße@v.test", "strasse@v.test", "οδος@v.test", "one@c.test", "drop@c.test", "quoted.user@v.test"]
ALIASES = {"staff@v.test": "alice@v.test, bob@v.test", "chain@v.test": "staff@v.test", "sales@c.test": "alice@v.test", "plus+list@v.test": "bob@v.test",
           "self@v.test": "self@v.test, alice@v.test", "twice@v.test": "alice@v.test, staff@v.test", "bücher@v.test": "bob@v.test", "toself@v.test": "bob+folder@v.test"}
CATCH_ALL = {"@c.test": "drop@c.test"}
# Address, the mailboxes; and Postfix's, where they are others. None: it accepts the message, and bounces it.
ROWS = [
    ("alice@v.test", "alice"), ("Alice@V.TEST", "alice"), ("ALICE@v.test", "alice"), ("alice+folder@v.test", "alice"), ("alice+@v.test", "alice"), ("alice++x@v.test", "alice"),
    ("alice-folder@v.test", ""), ("dash-ed@v.test", "dash-ed"), ("dash@v.test", ""), ("nobody@v.test", ""), ("nobody+x@v.test", ""), ("+x@v.test", ""),
    ("carol+x@v.test", "carol+x"), ("CAROL+X@v.test", "carol+x"), ("carol@v.test", ""), ("carol+y@v.test", ""),
    ("staff@v.test", "alice bob"), ("Staff+x@v.test", "alice bob"), ("chain@v.test", "alice bob"), ("twice@v.test", "alice bob"), ("plus+list@v.test", "bob"), ("plus@v.test", ""),
    ("plus+other@v.test", ""), ("toself@v.test", "bob"), ('"quoted.user"@v.test', "quoted.user"), ('"alice"@v.test', "alice"),
    ("one@c.test", "one"), ("ONE+x@C.test", "one"), ("any@c.test", "drop"), ("any+x@c.test", "drop"), ("drop@c.test", "drop"), ("sales@c.test", "alice"), ("sales+x@c.test", "alice"),
    ("alice@c.test", "drop"), ("+@c.test", "drop"),
    ("alice@a.test", "alice"), ("ALICE+x@A.test", "alice"), ("staff@a.test", "alice bob"), ("nobody@a.test", "", None), ("alice@other.test", ""),
    ("ärger@v.test", "ärger"), ("ÄRGER@v.test", "ärger"), ("ÄRGER+x@a.test", "ärger"), ("BÜCHER@v.test", "bob"), ("straße@v.test", "straße", "strasse"), ("STRASSE@v.test", "strasse"),
    # A and a diaeresis; sigma in the middle and at the end.
    ("A\u0308rger@v.test", "ärger", ""), ("ΟΔΟΣ@v.test", "", None), ("οδος@v.test", "οδος", None),
]
tap = Tap()
i = Instance(users="".join(f"{u}: x\n" for u in USERS), aliases="".join(f"{k}: {v}\n" for k, v in [*ALIASES.items(), *CATCH_ALL.items()]),
             domains="v.test:\nc.test:\na.test: alias:v.test\n")
os.chmod(i.dir, 0o755)


def rows_in(directory):
    """{row: names}, of Maildirs directory/*/NAME/, folders and all."""
    found = {}
    for folder, _, files in os.walk(directory):
        if os.path.basename(folder) in ("new", "cur"):
            for name in files:
                with open(os.path.join(folder, name), encoding="utf-8") as f:
                    row = int(re.search("^Subject: row (\\d+)", f.read(), re.M)[1])
                found.setdefault(row, set()).add(os.path.relpath(folder, directory).split("/")[1])
    return {row: " ".join(sorted(names)) for row, names in found.items()}


def message(n):
    return f"From: a@b.test\r\nSubject: row {n}\r\n\r\nbody\r\n"


c = Client(i)
refused = {}
for n, row in enumerate(ROWS):
    reply = c.deliver([row[0]], message(n), params=" SMTPUTF8")[0]
    refused[n] = reply[:3] == "550"
c.quit()
got = rows_in(i.path("mail"))
for n, row in enumerate(ROWS):
    tap.eq((got.get(n, ""), refused[n]), (row[1], not row[1]), f"<{row[0]}>: {row[1] or 'refused'}")

if not postfixserver.available or os.geteuid():
    tap.ok(True, "Postfix # SKIP needs root and Postfix")
else:
    base, port = i.path("virtual"), free_port()
    os.mkdir(base)
    os.chown(base, NOBODY, NOBODY)
    # Two names to us, a duplicate to Postfix: its table could not have both.
    i.put("boxes", "".join(f"{u}\t{u.split('@')[1]}/{u.split('@')[0]}/\n" for u in USERS if u[:6] != "straße") + "@c.test\tc.test/drop/\n")
    i.put("virtual", "".join(f"{k}\t{v}\n" for k, v in ALIASES.items()) + "@a.test\t@v.test\n")
    with postfixserver.Postfix({("127.0.0.1", port): {}}, myhostname="pf.test", recipient_delimiter="+", virtual_mailbox_domains="v.test, c.test", virtual_alias_domains="a.test",
                               virtual_mailbox_maps=f"texthash:{i.path('etc/boxes')}", virtual_alias_maps=f"texthash:{i.path('etc/virtual')}", virtual_mailbox_base=base,
                               virtual_uid_maps=f"static:{NOBODY}", virtual_gid_maps=f"static:{NOBODY}", virtual_minimum_uid="1", smtpd_relay_restrictions="reject_unauth_destination",
                               smtpd_reject_unlisted_recipient="yes", default_transport="error:elsewhere", virtual_transport="virtual", mynetworks="192.0.2.0/24",
                               smtputf8_enable="yes", smtpd_error_sleep_time="0", smtpd_soft_error_limit="1000", smtpd_hard_error_limit="1000") as postfix:
        s = smtplib.SMTP("127.0.0.1", port, timeout=LIMIT)
        s.ehlo()
        s.command_encoding = "utf-8"
        taken = 0
        there_refused = {}
        for n, row in enumerate(ROWS):
            s.docmd("MAIL FROM:<s@remote.test> SMTPUTF8")
            code = s.docmd(f"RCPT TO:<{row[0]}>")[0]
            there_refused[n] = code >= 500
            if code == 250:
                s.data(message(n).encode())
                taken += 1
            else:
                s.docmd("RSET")
        s.quit()
        wait_for(lambda: len(re.findall(r": removed$", postfix.log(), re.M)) >= taken, "Postfix has delivered all")
        there = rows_in(base)
    for n, row in enumerate(ROWS):
        wanted = row[2] if len(row) > 2 else row[1]
        tap.eq((there.get(n, ""), there_refused[n]), (wanted or "", wanted == ""),
               f"Postfix, <{row[0]}>: {'bounced' if wanted is None else wanted or 'refused'}{' (ours differs)' if len(row) > 2 else ''}")
i.done()
tap.done()
