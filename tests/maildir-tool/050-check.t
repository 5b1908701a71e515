#!/usr/bin/env python3
"""maildir check: one kind of damage per row. -n says it and changes nothing; without it, it is repaired (or left, or noted),
a second check is clean, and no message, UID, flag or keyword is lost that need not be."""
import hashlib, os, shutil, stat, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildirtool as tool
from maildirtool import Place, ok, same

OLD = 1000000000
UIDS = "3 V77 N6 G00112233445566778899aabbccddeeff\n1 :1.a.host\n2 :2.b.host,S=14,W=17\n5 :3.c.host\n"


def healthy(p):
    for folder in "mail", "mail/.Work":
        p.maildir(folder)
        for i, (base, info) in enumerate((("1.a.host", "S"), ("2.b.host,S=14,W=17", "Fa"), ("3.c.host", ""))):
            p.write(f"{folder}/cur/{base}:2,{info}", f"Subject: {i}\n\nx\n", OLD + i)
        p.write(f"{folder}/dovecot-uidlist", UIDS)
        p.write(f"{folder}/dovecot-keywords", "0 Work\n")
    p.write("mail/.Work/maildirfolder", "")
    p.write("mail/subscriptions", "V\t2\n\nWork\n")
    p.write("mail/maildirsize", "1000000S\n84 6\n")
    # Directories that have stood still for a while.
    for folder in "mail", "mail/.Work":
        for sub in "cur", "new", "tmp":
            os.utime(p.at(folder, sub), (OLD, OLD))


def settle(p):
    for root, dirs, _ in os.walk(p.mail):
        for d in dirs:
            if d in ("cur", "new"):
                os.utime(os.path.join(root, d), (OLD, OLD))


def remove(p, path):
    (shutil.rmtree if os.path.isdir(p.at(path)) else os.unlink)(p.at(path))


def old(p, path, data=""):
    p.write(path, data, OLD)


def damage_index(p, name):
    p.run("index", p.mail)
    with open(p.at("mail", name), "r+b") as f:
        f.seek(-40, 2)
        f.write(b"\xff" * 40)


def many_keys(p):
    """A folder of so many messages that it has keys, one octet of which is then another."""
    for i in range(200):
        p.write(f"mail/cur/{OLD + i}.k{i}.host:2,", f"Subject: {i % 7}\n\nx\n", OLD)
    p.run("index", p.mail)
    p.run("check", p.mail)
    damage_index(p, "postern-keys")


def both_names(p):
    os.link(p.at("mail/cur/1.a.host:2,S"), p.at("mail/new/1.a.host"))


# what check calls it, the damage, folder, outcome, and its count
TABLE = [
    ("missing-directory", lambda p: [remove(p, "mail/.Work/" + d) for d in ("new", "tmp")], "Work", "repaired", 2),
    ("missing-directory", lambda p: remove(p, "mail/tmp"), "INBOX", "repaired", 1),
    ("mode", lambda p: os.chmod(p.at("mail/.Work/cur"), 0o500), "Work", "repaired", 1),
    ("mode", lambda p: os.chmod(p.at("mail/.Work"), 0o777), "Work", "repaired", 1),
    ("message-mode", lambda p: os.chmod(p.at("mail/cur/1.a.host:2,S"), 0o266), "INBOX", "repaired", 1),
    ("stale-tmp", lambda p: [old(p, "mail/tmp/x"), old(p, "mail/tmp/y"), p.write("mail/tmp/young", "")], "INBOX", "repaired", 2),
    ("stale-lock", lambda p: p.write("mail/.Work/dovecot-uidlist.lock", "1:elsewhere", time.time() - 1000), "Work", "repaired", 1),
    ("stale-lock", lambda p: p.write("mail/subscriptions.lock", "999999999:" + os.uname().nodename), "INBOX", "repaired", 1),
    ("newline-in-name", lambda p: p.write("mail/cur/4.d\n.host:2,S", "Subject: 4\n\nx\n", OLD), "INBOX", "repaired", 1),
    ("duplicate-base", lambda p: p.write("mail/.Work/cur/1.a.host:2,F", "Subject: other\n\nx\n", OLD), "Work", "repaired", 1),
    ("without-uid", lambda p: [p.write(f"mail/cur/{i}.x.host:2,", "Subject: x\n\nx\n") for i in (7, 8)], "INBOX", "repaired", 2),
    ("wrong-size", lambda p: renamed(p, "2.b.host,S=15,W=18"), "INBOX", "noted", 1),
    ("wrong-wire-size", lambda p: renamed(p, "2.b.host,S=14,W=18"), "INBOX", "noted", 1),
    ("not-a-message", lambda p: os.mkdir(p.at("mail/cur/directory")), "INBOX", "noted", 1),
    ("uidlist-header", lambda p: p.write("mail/dovecot-uidlist", "rubbish\n1 :1.a.host\n"), "INBOX", "repaired", 1),
    ("uidlist-line", lambda p: p.write("mail/dovecot-uidlist", UIDS.replace("2 :", "rubbish\n2 :")), "INBOX", "repaired", 1),
    ("uidlist-torn", lambda p: p.write("mail/dovecot-uidlist", UIDS + "6 :unfin"), "INBOX", "repaired", 1),
    ("uidlist-double", lambda p: p.write("mail/dovecot-uidlist", UIDS + "6 :1.a.host\n"), "INBOX", "repaired", 1),
    ("line-without-file", lambda p: p.write("mail/dovecot-uidlist", UIDS + "6 :gone.host\n7 :also\n"), "INBOX", "repaired", 2),
    ("nameless-keyword", lambda p: p.write("mail/cur/1.a.host:2,Sxz", "") and remove(p, "mail/cur/1.a.host:2,S"), "INBOX", "repaired", 2),
    ("unreadable", lambda p: os.chmod(p.at("mail/.Work/dovecot-keywords"), 0), "Work", "repaired", 1),
    ("unreadable", lambda p: (remove(p, "mail/.Work/dovecot-keywords"), os.mkdir(p.at("mail/.Work/dovecot-keywords"))), "Work", "left", 1),
    ("metadata-header", lambda p: p.write("mail/postern-metadata", "postern-metadata 9\n"), "INBOX", "left", 1),
    ("subscribed-to-nothing", lambda p: p.write("mail/subscriptions", "V\t2\n\nWork\nGone\n"), "INBOX", "noted", 1),
    ("maildirsize", lambda p: p.write("mail/maildirsize", "1000000S\n84 7\n"), "INBOX", "repaired", 1),
    ("folder-name", lambda p: [os.makedirs(os.fsencode(p.at("mail")) + b"/.b\xff/" + s) for s in (b"cur", b"new", b"tmp")], ".b\ufffd", "left", 1),
    ("courier-file", lambda p: p.write("mail/courierimapuiddb", "1 5 6\n"), "INBOX", "noted", 1),
    ("index", lambda p: damage_index(p, "postern-index"), "INBOX", "repaired", 1),
    ("index", lambda p: p.write("mail/postern-index", "rubbish"), "INBOX", "repaired", 1),
    ("index-text", lambda p: damage_index(p, "postern-text"), "INBOX", "repaired", 1),
    ("index-text", lambda p: p.write("mail/postern-text", "rubbish"), "INBOX", "repaired", 1),
    ("index-keys", lambda p: many_keys(p), "INBOX", "repaired", 1),
    ("index-keys", lambda p: p.write("mail/postern-keys", "rubbish"), "INBOX", "repaired", 1),
]
# What a row's damage brings about as well.
ALSO = {"newline-in-name": {"maildirsize"}, "duplicate-base": {"maildirsize"}, "without-uid": {"maildirsize"}, "nameless-keyword": {"maildirsize"},
        "wrong-size": {"wrong-wire-size", "maildirsize"}, "uidlist-header": {"without-uid"}}


def code(found):
    outcomes = {f[3] for f in found}
    return 1 if "left" in outcomes else 2 if "repaired" in outcomes else 0


def renamed(p, base):
    os.rename(p.at("mail/cur/2.b.host,S=14,W=17:2,Fa"), p.at(f"mail/cur/{base}:2,Fa"))
    p.write("mail/dovecot-uidlist", UIDS.replace("2.b.host,S=14,W=17", base))



def everything(p):
    found = {}
    for root, dirs, files in os.walk(os.fsencode(p.mail)):
        for name in dirs + files:
            path = os.path.join(root, name)
            st = os.lstat(path)
            with_content = stat.S_ISREG(st.st_mode) and not stat.S_ISLNK(st.st_mode)
            found[path] = (stat.S_IMODE(st.st_mode), st.st_mtime, hashlib.sha1(open(path, "rb").read()).digest() if with_content and os.access(path, os.R_OK) and b"/tmp/" not in path[len(os.fsencode(p.mail)):] else None)
    return found


def messages(p):
    """Contents of all messages, sorted."""
    return sorted(data for data, _ in tool.snapshot(p.mail).values())


with Place() as p:
    healthy(p)
    before = everything(p)
    for words in [], ["-n"]:
        r = p.run("check", "--json", *words, p.mail)
        same((r.code, r.json), (0, [{"verdict": "clean"}]), f"nothing is wrong {words}")
    ok(everything(p) == before, "and nothing is changed")
    r = p.run("check", p.mail)
    same((r.code, r.out.decode()), (0, f"{p.mail}: clean\n"), "in words")

for what, damage, folder, outcome, n in TABLE:
    with Place() as p:
        healthy(p)
        damage(p)
        settle(p)
        p.own()
        before, contents = everything(p), messages(p)
        name = f"{what} in {folder}"
        dry = p.run("check", "-n", "--json", p.mail)
        want = "left" if outcome == "repaired" else outcome
        found = [(f["what"], f["folder"], f["count"], f["outcome"]) for f in dry.json[:-1]]
        ok(dry.code == code(found) and (what, folder, n, want) in found and {f[0] for f in found} <= {what} | ALSO.get(what, set()), f"{name}: -n", dry)
        ok(everything(p) == before, f"{name}: -n changes nothing", [k for k in before if everything(p).get(k) != before[k]])
        r = p.run("check", "--json", p.mail)
        found = [(f["what"], f["folder"], f["count"], f["outcome"]) for f in r.json[:-1]]
        ok(r.code == code(found) and (what, folder, n, outcome) in found and {f[0] for f in found} <= {what} | ALSO.get(what, set()), f"{name}: {outcome}", r)
        settle(p)
        again = p.run("check", "--json", p.mail)
        if outcome == "repaired":
            same((again.code, again.json), (0, [{"verdict": "clean"}]), f"{name}: then all is well")
        else:
            ok([f for f in r.json[:-1] if f["what"] == what] == [f for f in again.json[:-1] if f["what"] == what], f"{name}: said again", again)
        same(messages(p), contents, f"{name}: no message is lost")
        if what not in ("uidlist-header", "wrong-size", "wrong-wire-size"):
            lines = [line.split(" ", 1) for line in p.read("mail/dovecot-uidlist").decode().splitlines()]
            kept = {line[1].split(":")[-1]: line[0] for line in lines[1:]}
            uid = "6" if what == "uidlist-double" else "1"
            same((lines[0][1].split()[0], kept.get("1.a.host"), kept.get("3.c.host")), ("V77", uid, "5"), f"{name}: UIDs stay")

# Keys that another version wrote are of no use here, but no damage.
with Place() as p:
    healthy(p)
    many_keys(p)
    p.run("check", p.mail)
    p.run("index", p.mail)
    with open(p.at("mail/postern-keys"), "r+b") as f:
        f.seek(20)
        f.write(b"\x63")
    r = p.run("check", "--json", p.mail)
    ok(not [f for f in r.json[:-1] if f["what"] == "index-keys"] and os.path.exists(p.at("mail/postern-keys")), "keys of another version are left", r)

# What is young is left alone.
with Place() as p:
    healthy(p)
    both_names(p)
    r = p.run("check", "--json", p.mail)
    ok(os.path.exists(p.at("mail/new/1.a.host")) and not any(f.get("what") == "two-names" for f in r.json), "two names of one file, just made", r)
    lock = os.open(p.at("mail/dovecot-uidlist.lock"), os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(lock, f"{os.getpid()}:{os.uname().nodename}".encode())
    p.own()
    r = p.run("check", "-n", "--json", p.mail)
    ok(os.path.exists(p.at("mail/dovecot-uidlist.lock")) and not any(f.get("what") == "stale-lock" for f in r.json), "a lock whose holder lives", r)

# What check made of nameless letters.
with Place() as p:
    healthy(p)
    os.rename(p.at("mail/cur/1.a.host:2,S"), p.at("mail/cur/1.a.host:2,Scz"))
    p.run("check", p.mail)
    same(p.read("mail/dovecot-keywords"), b"0 Work\n2 unknown-c\n25 unknown-z\n", "letters get names")
    with p.session("ours") as s:
        s.ok("SELECT INBOX")
        same(tool.imapwire.fetched(s.ok("FETCH 1 FLAGS"))[1][b"FLAGS"], [b"\\Seen", b"unknown-c", b"unknown-z"], "that clients see")
    limits = p.read("mail/maildirsize").splitlines()[0]
    same(limits, b"1000000S", "the limit stays")
tool.done()
