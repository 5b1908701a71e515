#!/usr/bin/env python3
"""maildir import of a Courier Maildir. The fixture is what courier-imap 5.0.13 wrote (creating, appending, storing,
expunging), with its courierpop3dsizelist; in brackets what its imapd then said."""
import os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildirtool as tool
from maildirtool import Place, imap_state, ok, same

BASE = ["1267437600.M769038P15848V000000000000FE00I0000000000A7E273_0.host,S=14", "1267524000.M988507P15848V000000000000FE00I0000000000A7E343_1.host,S=14",
        "1267610400.M217088P15848V000000000000FE00I0000000000A7E3A3_2.host,S=14", "1267696800.M431275P15848V000000000000FE00I0000000000A7E383_3.host,S=14",
        "1267783200.M656814P15848V000000000000FE00I0000000000A7E462_4.host,S=14"]


def courier(p, mail="src"):
    p.maildir(mail)
    # [UID 1 (\Flagged Other), 2 (\Answered), 4 (\Seen $Label1 Third Work), 5 (\Seen $Label1 Work); UIDNEXT 6, UIDVALIDITY 795309927]
    for i, info in (0, "F"), (1, "R"), (3, "S"), (4, "S"):
        p.write(f"{mail}/cur/{BASE[i]}:2,{info}", f"Subject: {i}\n\nx\n", 1267437600 + i * 86400)
    p.write(f"{mail}/courierimapuiddb", "1 795309927 6\n" + "".join(f"{u} {BASE[u - 1]}\n" for u in (1, 2, 4, 5)))
    p.write(f"{mail}/courierimapkeywords/:list", "Work\n$Label1\n\n" + "".join(f"{BASE[i]}:1 0\n" for i in (0, 1, 3, 4)))
    for i in range(5):
        p.write(f"{mail}/courierimapkeywords/.5984367.{BASE[i]}", "$Label1\nWork\n")
    p.write(f"{mail}/courierimapkeywords/{BASE[0]}", "Other\n")
    p.write(f"{mail}/courierimapkeywords/{BASE[1]}", "")
    p.write(f"{mail}/courierimapkeywords/{BASE[3]}", "$Label1\nThird\nWork\n")
    p.write(f"{mail}/courierimapkeywords/.tmp.5984367.x", "junk")
    p.write(f"{mail}/courierpop3dsizelist", f"/2 9 1267000000\n{BASE[0]} 15 7:1267000000\n{BASE[1]}:2,R 15 8:0\n{BASE[3]} 15 11:1267000001:1\ngone 15 12:1\n")
    for folder in ".Sent", ".Entwürfe":
        p.maildir(f"{mail}/{folder}")
        p.write(f"{mail}/{folder}/maildirfolder", "")
        p.write(f"{mail}/{folder}/courierimapuiddb", "1 795309928 1\n")
    p.write(f"{mail}/.Sent/new/1268000000.a.host", "Subject: new\n\nx\n", 1268000000)
    p.write(f"{mail}/courierimapsubscribed", "INBOX.Sent\nINBOX.Entw&APw-rfe\n#shared.x\n")


WANT = {1: (["Other", "\\Flagged"], "01-Mar-2010 10:00:00 +0000", 17, "Subject: 0"), 2: (["\\Answered"], "02-Mar-2010 10:00:00 +0000", 17, "Subject: 1"),
        4: (["$Label1", "Third", "Work", "\\Seen"], "04-Mar-2010 10:00:00 +0000", 17, "Subject: 3"),
        5: (["$Label1", "Work", "\\Seen"], "05-Mar-2010 10:00:00 +0000", 17, "Subject: 4")}


def pad(messages):
    return {u: (m[0], m[1].rjust(26, "0"), *m[2:]) for u, m in messages.items()}


for words in [], ["-l"], ["-f", "courier"]:
    with Place() as p:
        courier(p)
        before = sorted(os.path.join(r, f) for r, _, fs in os.walk(p.at("src")) for f in fs)
        r = p.run("import", "--json", *words, p.at("src"), p.mail)
        same((r.code, sorted((f["folder"], f["imported"], f["uids"]) for f in r.json)),
             (0, [("Entwürfe", 0, "kept"), ("INBOX", 4, "kept"), ("Sent", 1, "kept")]), f"import {' '.join(words)}")
        for kind in ["ours"] if tool.oracle.available() else ["ours", "dovecot"]:
            state = imap_state(p, kind)
            same((state["INBOX"][0], state["INBOX"][1], pad(state["INBOX"][2])), (795309927, 6, WANT), f"{kind}: UIDs, flags, keywords, dates")
            same((state["Entw&APw-rfe"][:2], state["Sent"][0]), ((795309928, 1), 795309928), f"{kind}: folders")
        with p.session("ours") as s:
            same(sorted(line.split(b" ")[-1].strip(b'"') for line in s.ok('LSUB "" "*"')), [b"Entw&APw-rfe", b"Sent"], "subscriptions")
        lines = p.read("mail/dovecot-uidlist").decode().splitlines()[1:]
        same([line.split(" :")[0] for line in lines], ["1 PUID7-1267000000", "2 PUID8", "4 PUID11-1267000001", "5"], "what POP3 clients know them by")
        same(sorted(os.path.join(r, f) for r, _, fs in os.walk(p.at("src")) for f in fs), before, "the source is as it was")
        again = p.run("import", "--json", *words, p.at("src"), p.mail)
        same({f["imported"] for f in again.json}, {0}, "once more is nothing")
        r = p.run("check", "-n", "--json", p.mail)
        ok(r.code == 0, "check is content", r)

with Place() as p:
    courier(p)
    r = p.run("import", "-f", "dovecot", p.at("src"), p.mail)
    ok(r.code == 0 and b"UIDs: new" in r.out, "-f dovecot does not look at Courier's files", r)

# In place: the store takes over courierimapuiddb by itself; check names what is left.
with Place() as p:
    courier(p, "mail")
    r = p.run("check", "--json", p.mail)
    found = {(f["folder"], f["what"], f["detail"]) for f in r.json[:-1] if f["what"] == "courier-file"}
    ok(("INBOX", "courier-file", "courierimapkeywords") in found and ("INBOX", "courier-file", "courierpop3dsizelist") in found, "check notes Courier's files", r)
tool.done()
