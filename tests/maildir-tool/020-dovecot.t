#!/usr/bin/env python3
"""maildir import of a Dovecot Maildir: what Dovecot says of it is the same before and after, and our imap says so too."""
import os, random, re, shutil, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildirtool as tool
from maildirtool import Place, imap_state, ok, same

tool.need_dovecot()
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "Work", "$Forwarded", "$Label1", "Junk", "später".encode().hex()]
FOLDERS = ["INBOX", "Sent", "Lists", "Lists.postern", "Entw&APw-rfe"]


def fill(p, n, mail="src"):
    """Dovecot itself makes the source: appends with flags and dates, expunges, more."""
    rng = random.Random(5)
    with p.session("dovecot", mail) as s:
        for folder in FOLDERS:
            if folder != "INBOX":
                s.ok(f'CREATE "{folder}"')
            for i in range(n):
                flags = " ".join(rng.sample(FLAGS, rng.randrange(5)))
                data = f"Subject: {folder} {i}\r\n\r\n".encode() + b"x" * rng.randrange(300) + b"\r\n"
                s.ok(f'APPEND "{folder}" ({flags}) "{rng.randrange(1, 28):02}-Mar-20{i % 20:02} 10:{i % 60:02}:00 +0000" {{{len(data)}+}}\r\n'.encode() + data)
            s.ok(f'SELECT "{folder}"')
            s.ok(f"STORE 2,{n} +FLAGS.SILENT (\\Deleted)")
            s.ok("EXPUNGE")
        for folder in FOLDERS[1:4]:
            s.ok(f'SUBSCRIBE "{folder}"')
    p.write(f"{mail}/.Lists/dovecot-acl", "user=bob lr\n")


def everything(p, mail):
    return tool.snapshot(p.at(mail))


def dates(state):
    return {f: (v[0], v[1], {u: (sorted(m[0]), m[1].rjust(26, "0"), *m[2:]) for u, m in v[2].items()}) for f, v in state.items()}


with Place() as p:
    p.maildir("src")
    fill(p, 12)
    before = imap_state(p, "dovecot", "src")
    source = everything(p, "src")
    same(sum(len(f[2]) for f in before.values()), 5 * 10, "Dovecot's source is as it should be (10 of 12 messages in 5 folders)")
    listing = sorted(os.path.join(r, f) for r, _, fs in os.walk(p.at("src")) for f in fs)
    for words, name in ([], "copied"), (["-l"], "linked"):
        target = name
        r = p.run("import", "--json", *words, p.at("src"), p.at(target))
        same((r.code, sorted((f["folder"], f["imported"], f["uids"]) for f in r.json)),
             (0, sorted((f, 10, "kept") for f in ["INBOX", "Sent", "Lists", "Lists.postern", "Entwürfe"])), f"{name}: said")
        same(dates(imap_state(p, "ours", target)), dates(before), f"{name}: our imap says the same")
        same(imap_state(p, "dovecot", target), before, f"{name}: Dovecot says the same")
        links = {os.stat(os.path.join(r, f)).st_nlink for r, _, fs in os.walk(p.at(target)) for f in fs if os.path.basename(r) == "cur"}
        same(links, {2} if words else {1}, f"{name}: links")
        same(sorted(os.listdir(p.at(target, ".Lists")))[-1] and p.read(f"{target}/.Lists/dovecot-acl"), b"user=bob lr\n", f"{name}: ACL")
        with p.session("ours", target) as s:
            same(sorted(line.split(b" ")[-1] for line in s.ok('LSUB "" "*"')), [b"Lists", b"Lists.postern", b"Sent"], f"{name}: subscriptions")
        r = p.run("import", "--json", *words, p.at("src"), p.at(target))
        same({(f["imported"], f["already"]) for f in r.json}, {(0, 10)}, f"{name}: once more is nothing")
        r = p.run("check", p.at(target))
        ok(r.code in (0, 2), f"{name}: check finds no problem", r)
        if words:
            shutil.rmtree(p.at(target))
    same(sorted(os.path.join(r, f) for r, _, fs in os.walk(p.at("src")) for f in fs), listing, "the source has the files that it had")
    same(everything(p, "src"), source, "with the same content and dates")

    # The hour of the move: what came since keeps its UIDs as well.
    with p.session("dovecot", "src") as s:
        for i in range(3):
            data = b"Subject: late\r\n\r\nx\r\n"
            s.ok(b"APPEND INBOX (Late) {%d+}\r\n" % len(data) + data)
    r = p.run("import", "--json", p.at("src"), p.at("copied"))
    same([f["imported"] for f in r.json if f["folder"] == "INBOX"], [3], "what came since")
    same(imap_state(p, "dovecot", "copied"), imap_state(p, "dovecot", "src"), "has its UIDs")

    # Into folders with messages: new UIDs, POP3's ids stay.
    with p.session("ours", "used") as s:
        data = b"Subject: mine\r\n\r\nx\r\n"
        s.ok(b"APPEND INBOX {%d+}\r\n" % len(data) + data)
    old = imap_state(p, "ours", "used")["INBOX"]
    r = p.run("import", p.at("src"), p.at("used"))
    state = imap_state(p, "dovecot", "used")["INBOX"]
    ok(r.code == 0 and b"INBOX: 13 imported, 0 were there; UIDs: new" in r.out and state[0] == old[0] and sorted(state[2]) == list(range(1, 15)),
       "into a folder with messages: its UIDVALIDITY, new UIDs", r, state)
    source = imap_state(p, "dovecot", "src")
    same(sorted((*m[0], *m[1:]) for m in state[2].values() if m[3] != "Subject: mine"), sorted((*m[0], *m[1:]) for m in source["INBOX"][2].values()),
         "flags, keywords, dates")
    validity = source["INBOX"][0]
    lines = p.read("used/dovecot-uidlist").decode().splitlines()[1:]
    same(sum(bool(re.search(rf" P[0-9a-f]{{8}}{validity:08x} ", line)) for line in lines), 13, "their UIDLs are the old ones")

    # The source's INBOX below a folder.
    r = p.run("import", p.at("src"), p.at("used"), "Old")
    same(sorted(n for n in os.listdir(p.at("used")) if n.startswith(".Old")), [".Old", ".Old.Entw&APw-rfe", ".Old.Lists", ".Old.Lists.postern", ".Old.Sent"], "below a folder")

    # While Dovecot has a session there.
    p.run("import", p.at("src"), p.at("live"))
    with p.session("dovecot", "src") as s:
        data = b"Subject: later\r\n\r\nx\r\n"
        s.ok(b"APPEND INBOX (Later) {%d+}\r\n" % len(data) + data)
    with p.session("dovecot", "live") as s:
        s.ok("SELECT INBOX")
        r = p.run("import", p.at("src"), p.at("live"))
        ok(r.code == 0, "while Dovecot has the folder open", r)
        tool.imapwire.wait_for(lambda: b"* 14 EXISTS" in s.ok("NOOP"), "the message in Dovecot's session")
    same(imap_state(p, "dovecot", "live"), imap_state(p, "dovecot", "src"), "it sees it; the same again")

# Lists of versions 1 and 2, forced formats, odd names, keywords that no name is known for.
with Place() as p:
    for n, (head, line) in enumerate((("1 77 9", "{} {}"), ("2 77 9", "{} 0 {}"), ("3 V77 N9 G00112233445566778899aabbccddeeff", "{} Pold{} :{}"))):
        src = f"src{n}"
        p.maildir(src)
        text = head + "\n"
        for uid in 2, 5, 6:
            p.write(f"{src}/cur/100{uid}.a.host:2,Sz", f"Subject: {uid}\n\nx\n", 1000 + uid)
            text += (line.format(uid, uid, f"100{uid}.a.host") if n == 2 else line.format(uid, f"100{uid}.a.host:2,")) + "\n"
        p.write(f"{src}/dovecot-uidlist", text)
        p.write(f"{src}/new/2000.b\n.host", "Subject: newline\n\nx\n", 2000)
        p.write(f"{src}/new/{'2001.' + 'l' * 230}", "Subject: long\n\nx\n", 2001)
        r = p.run("import", p.at(src), p.at(f"to{n}"))
        state = imap_state(p, "dovecot", f"to{n}")["INBOX"]
        same((r.code, state[0], {u: m[3] for u, m in state[2].items() if u < 7}),
             (0, 77, {2: "Subject: 2", 5: "Subject: 5", 6: "Subject: 6"}), f"uidlist of version {n + 1}")
        same(sorted(m[3] for u, m in state[2].items() if u > 6), ["Subject: long", "Subject: newline"], "odd names arrive")
        same({tuple(m[0]) for u, m in state[2].items() if u < 7}, {("\\Seen",)}, "letters without a name are left")
        again = p.run("import", p.at(src), p.at(f"to{n}"))
        ok(b"0 imported, 5 were there" in again.out, "and are known again", again)
    same(p.read("to2/dovecot-uidlist").decode().count(" Pold"), 3, "record keys are kept")
    same(p.read("to2/dovecot-uidlist").split()[3], b"G00112233445566778899aabbccddeeff", "so is the MAILBOXID")
    os.makedirs(os.path.join(os.fsencode(p.at("src0")), b".bad\xff", b"cur"))
    r = p.run("import", p.at("src0"), p.at("to0"))
    ok(r.code == 1 and "left out" in r.err, "a directory with a bad name", r)
    # What was delivered before anybody looked does not stand in the way.
    p.maildir("before")
    p.write("before/new/3000000000.x.host", "Subject: delivered\n\nx\n", 3000)
    r = p.run("import", "--json", p.at("src2"), p.at("before"))
    state = imap_state(p, "dovecot", "before")["INBOX"]
    same((r.json[0]["uids"], state[0], [state[2][u][3] for u in (2, 5, 6)], sorted(m[3] for u, m in state[2].items() if u > 6)[:1]),
         ("kept", 77, ["Subject: 2", "Subject: 5", "Subject: 6"], ["Subject: delivered"]), "a folder that nobody has opened yet takes over UIDs")
    r = p.run("import", "-f", "courier", p.at("src2"), p.at("none"))
    ok(r.code == 0 and b"UIDs: new" in r.out, "-f courier does not look at dovecot-uidlist", r)
tool.done()
