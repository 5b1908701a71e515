#!/usr/bin/env python3
"""maildir import and export of mboxes: state, dates, UIDs, every format, directories, pipes, round trips, damage."""
import os, random, re, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import corpus
import maildirtool as tool
from maildirtool import Place, imap_state, ok, same

FROM = b"From alice@example.test Mon Jan  2 15:04:05 2006\n"
STATE = b"""From alice@example.test Mon Jan  2 15:04:05 2006
X-IMAPbase: 1234567 20 Work Later
X-UID: 3
Status: RO
X-Status: AF
X-Keywords: Work Later
Subject: one

>From the first

From bob at example.org  Tue Jan  3 15:04:05 2006
X-UID: 7
Status: O
X-Status: TD
Subject: two

x

From c@example.test Wed Jan  4 15:04:05 2006 -0100
X-UID: 7
Subject: three

"""

with Place() as p:
    p.write("a.mbox", STATE)
    r = p.run("import", "--json", p.at("a.mbox"), p.mail)
    same((r.code, r.json), (0, [{"folder": "INBOX", "imported": 3, "already": 0, "gone": 0, "failed": 0, "uids": "some new",
                                "renumbered": 1, "keywords_lost": 0, "uidvalidity": 1234567}]), "import --json")
    want = {"INBOX": (1234567, 21, {
        3: (["Later", "Work", "\\Answered", "\\Flagged", "\\Seen"], "02-Jan-2006 15:04:05 +0000", 31, "Subject: one"),
        7: (["\\Deleted", "\\Draft"], "03-Jan-2006 15:04:05 +0000", 19, "Subject: two"),
        8: ([], "04-Jan-2006 16:04:05 +0000", 18, "Subject: three")})}
    ours = imap_state(p, "ours")
    fixed = {k: (v[0], v[1], {u: (m[0], m[1].rjust(26, "0"), m[2], m[3]) for u, m in v[2].items()}) for k, v in ours.items()}
    want["INBOX"][2][3] = (*want["INBOX"][2][3][:2], len(b"Subject: one\r\n\r\nFrom the first\r\n"), "Subject: one")
    want["INBOX"][2][7] = (*want["INBOX"][2][7][:2], len(b"Subject: two\r\n\r\nx\r\n"), "Subject: two")
    want["INBOX"][2][8] = (*want["INBOX"][2][8][:2], len(b"Subject: three\r\n"), "Subject: three")
    same(fixed, want, "UIDs, flags, keywords, dates as imap shows them")
    if not tool.oracle.available():
        same(imap_state(p, "dovecot"), want, "and as Dovecot does")
    before = tool.snapshot(p.mail)
    r = p.run("import", p.at("a.mbox"), p.mail)
    ok(r.code == 0 and b"0 imported, 3 were there" in r.out and tool.snapshot(p.mail) == before, "a second import brings nothing", r)
    r = p.run("import", "-q", p.at("a.mbox"), p.mail, "Old.2006")
    ok(r.code == 0 and not r.out, "-q, into another folder", r)
    same(len(os.listdir(p.at("mail/.Old.2006/cur"))), 3, "which is made")

    p.write("b.mbox", STATE.replace(b"1234567", b"7654321").replace(b"Subject: ", b"Subject: other "))
    r = p.run("import", "--json", p.at("b.mbox"), p.mail)
    same((r.code, r.json[0]["uids"], r.json[0]["uidvalidity"]), (0, "new", 1234567), "into a folder with messages: new UIDs")

# A program that delivers into the mbox holds its lock.
with Place() as p:
    import fcntl, subprocess
    box = p.write("a", FROM + b"Subject: half\n\nhalf")
    p.own()
    with open(box, "ab") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        process = p.start("import", box, p.mail)
        tool.imapwire.wait_for(lambda: os.path.exists(p.at("mail/new")), "the import to begin")
        f.write(b" and half\n\n")
        f.flush()
        fcntl.lockf(f, fcntl.LOCK_UN)
    out, err = process.communicate(timeout=120)
    same((process.returncode, sorted(d for d, _ in tool.snapshot(p.mail).values())), (0, [b"Subject: half\n\nhalf and half\n"]), "an import waits for whoever delivers")

# Every format: what the two lines of the body become.
BODY = b">From a\n>>From b\n"
FORMATS = {"mbox": b"From a\n>From b\n", "mboxrd": b"From a\n>From b\n", "mboxo": b"From a\n>>From b\n", "mboxcl": b"From a\n>>From b\n",
           "mboxcl2": BODY}
for name, want in FORMATS.items():
    with Place() as p:
        length = b"Content-Length: %d\n" % len(BODY) if "cl" in name else b""
        p.write("a", FROM + length + b"Subject: a\n\n" + BODY + b"\n" + FROM + b"Subject: b\n\nx\n\n")
        r = p.run("import", "-f", name, p.at("a"), p.mail)
        found = sorted(data for data, _ in tool.snapshot(p.mail).values())
        same((r.code, found), (0, [b"Subject: a\n\n" + want, b"Subject: b\n\nx\n"]), f"-f {name}")

# A directory of mboxes, by a pipe, and what is none.
with Place() as p:
    for path in "INBOX", "work/Entw&APw-rfe", "work/plain", "empty", ".hidden":
        p.write("tree/" + path, b"" if path == "empty" else FROM + b"Subject: %s\n\nx\n" % path.encode())
    r = p.run("import", "--json", p.at("tree"), p.mail)
    same((r.code, sorted(f["folder"] for f in r.json)), (0, ["INBOX", "empty", "work.Entwürfe", "work.plain"]), "a directory of mboxes")
    same(sorted(n for n in os.listdir(p.mail) if n.startswith(".")), [".empty", ".work.Entw&APw-rfe", ".work.plain"], "its folders")
    r = p.run("import", p.at("tree"), p.mail, "Old")
    same(sorted(n for n in os.listdir(p.mail) if n.startswith(".Old")), [".Old", ".Old.empty", ".Old.work.Entw&APw-rfe", ".Old.work.plain"], "below a folder")
    r = p.run("import", "-", p.mail, "Pipe", given=STATE)
    ok(r.code == 0 and b"Pipe: 3 imported" in r.out, "from a pipe", r)
    p.write("text", b"Dear all,\n\nFrom here\n")
    r = p.run("import", p.at("text"), p.mail, "Text")
    ok(r.code == 1 and "is no mbox" in r.err and not os.path.exists(p.at("mail/.Text")), "what is no mbox", r)
    for words, why in ((["-f", "pst", p.at("text"), p.mail], "no such format"), ([p.at("nothing"), p.mail], "unable to open"),
                       ([p.at("text"), p.mail, "a..b"], "no folder may"), (["-f", "maildir", p.at("text"), p.mail], "is no directory"),
                       ([p.mail, p.mail], "the same Maildir")):
        r = p.run("import", *words)
        ok(r.code == 100 and why in r.err and r.err.count("\n") == 1, f"import: {why}", r)
    for kind, mark in ("mdbox", "storage"), ("sdbox", "mailboxes/INBOX/dbox-Mails"):
        os.makedirs(p.at(kind, "mailboxes"))
        os.makedirs(p.at(kind, mark))
        r = p.run("import", p.at(kind), p.at("new"))
        ok(r.code == 100 and f"doveadm -o namespace/inbox/separator=/ -o mail_location={kind}:{os.path.realpath(p.at(kind))} backup -u USER maildir:{p.at('new')}" in r.err, f"{kind}: {r.err.strip()}", r)

# Round trips: messages of every odd kind, byte for byte, through export, import and export.
with Place() as p:
    rng = random.Random(3)
    messages = [data for _, data in corpus.messages(300)]
    for i in range(200):
        lines = [rng.choice([b"From a", b">From b", b">>From c", b"", b"x" * rng.randrange(200), b"From x Mon Jan  2 15:04:05 2006", b"\0\xff", b"a\r"])
                 for _ in range(rng.randrange(12))]
        messages.append(b"Subject: %d\n" % i + (b"\n" + b"".join(l + b"\n" for l in lines) if rng.random() < 0.95 else b""))
    messages.append(b"Subject: long\nX-Long: " + b"x" * 3000000 + b"\n\nbody\n")
    messages.append(b"X-Field: y\n" * 200000 + b"\nbody\n")
    hidden = re.compile(rb"(?im)^(status|x-status|x-keywords|x-uid|x-imap|x-imapbase|content-length)[ \t]*:")
    messages = [m for m in messages if m.endswith(b"\n") and not hidden.search(m)]
    p.maildir("mail")
    for i, data in enumerate(messages):
        p.write(f"mail/cur/{1000000000 + i}.n{i:05}.host:2,{'S' if i % 3 else ''}{'b' if i % 7 == 0 else ''}", data, 1000000000 + i * 1000)
    p.write("mail/dovecot-keywords", "1 Work\n")
    first = p.run("export", p.mail)
    same(first.code, 0, f"export of {len(messages)} messages")
    r = p.run("import", "-", p.at("again"), given=first.out)
    ok(r.code == 0 and b"UIDs: kept" in r.out, "import of it", r)
    back = tool.snapshot(p.at("again"))
    same(sorted(back.values()) == sorted(tool.snapshot(p.mail).values()), True, "every octet and every date is back")
    second = p.run("export", p.at("again"))
    ok(second.out == first.out, "the second export is the first")

# What a sender writes into the fields of the mbox sets no flags and ends no message.
with Place() as p:
    p.maildir("mail")
    p.write("mail/cur/1.a:2,", b"Status: RO\nX-Status: D\nContent-Length: 1\nX-IMAPbase: 1 1\nSubject: spoof\nX-UID: 99\n\nFrom a Mon Jan  2 15:04:05 2006\n\nx\n")
    p.run("import", "-", p.at("again"), given=p.run("export", p.mail).out)
    names = os.listdir(p.at("again/cur"))
    ok(len(names) == 1 and names[0].endswith(":2,") and p.read("again/dovecot-uidlist").split()[4] == b"1", "spoofed fields", names)
    r = p.run("export", p.mail, "None")
    ok(r.code == 100 and "unable to open folder None" in r.err, "export of no folder", r)
tool.done()
