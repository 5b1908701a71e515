#!/usr/bin/env python3
"""maildir expire, stat and index; the bar on a terminal; JSON; what root does; Dovecot's mdbox by the command that import names."""
import json, os, pty, re, select, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildirtool as tool
from maildirtool import Place, imap_state, ok, same

DAY = 86400
NOW = int(time.time())


def fill(p, folders=("INBOX", "Trash", "Lists.a", "Lists.b"), ages=(1, 10, 20, 40, 400)):
    for folder in folders:
        path = "mail" if folder == "INBOX" else f"mail/.{folder}"
        p.maildir(path)
        for i, age in enumerate(ages):
            p.write(f"{path}/cur/{NOW - 5 * DAY + i}.M{i}.host:2,{'S' if i % 2 else ''}", f"Subject: {age}\n\nx\n", NOW - age * DAY)


def ages(p, folder="INBOX"):
    path = p.at("mail" if folder == "INBOX" else f"mail/.{folder}", "cur")
    return sorted(round((NOW - os.stat(os.path.join(path, f)).st_mtime) / DAY) for f in os.listdir(path))


ALL = [1, 10, 20, 40, 400]
with Place() as p:
    fill(p)
    p.write("mail/maildirsize", "1000000S\n%d 20\n" % sum(os.path.getsize(os.path.join(r, f)) for r, _, fs in os.walk(p.mail) for f in fs if r.endswith("cur")))
    p.write("mail/postern-metadata", "postern-metadata 1\nTrash\t/private/specialuse\t\\Trash\n")
    r = p.run("expire", "-n", "--json", "-d", "30", p.mail)
    same((r.code, {f["folder"]: f["old"] for f in r.json}), (0, {"INBOX": 2, "Trash": 2, "Lists.a": 2, "Lists.b": 2}), "expire -n")
    same([ages(p, f) for f in ("INBOX", "Trash", "Lists.a")], [ALL] * 3, "removes nothing")
    r = p.run("expire", "--json", "-d", "30", "-u", p.mail)
    same((r.code, [(f["folder"], f["removed"]) for f in r.json], ages(p, "Trash"), ages(p)), (0, [("Trash", 2)], [1, 10, 20], ALL), "-u: Trash by its use")
    r = p.run("expire", "-d", "15", "-f", "Lists.*", p.mail)
    same((r.code, ages(p, "Lists.a"), ages(p, "Lists.b"), ages(p)), (0, [1, 10], [1, 10], ALL), "-f: by pattern")
    same(r.out.decode().splitlines(), [f"Lists.{x}: 3 messages removed, {r.out.split()[4].decode()} octets" for x in "ab"], "in words")
    r = p.run("expire", "-s", "-d", "3", "-f", "Lists.a", p.mail)
    same((r.code, ages(p, "Lists.a")), (0, []), "-s: by when it came into the folder")
    # A session that is open on it is told; UIDs do not come back; the quota counts it.
    with p.session("ours") as s:
        s.ok("SELECT INBOX")
        r = p.run("expire", "-q", "-d", "30", p.mail)
        same((r.code, r.out), (0, b""), "-q")
        tool.imapwire.wait_for(lambda: b"* 4 EXPUNGE" in s.ok("NOOP"), "the session is told")
        data = b"Subject: next\r\n\r\nx\r\n"
        s.ok(b"APPEND INBOX {%d+}\r\n" % len(data) + data)
        same([int(f[b"UID"]) for f in tool.imapwire.fetched(s.ok("FETCH 1:* UID")).values()], [1, 2, 3, 6], "UIDs do not come back")
    r = p.run("check", "-n", "--json", p.mail)
    ok(not any(f.get("what") == "maildirsize" for f in r.json), "the quota counts what went", r)
    for words in ([], ["-d"], ["-d", ""], ["-d", "x"], ["-d", "-1"], ["-d", "3x"]):
        r = p.run("expire", *words, *([p.mail] if words != ["-d"] else []))
        ok(r.code == 100 and r.err.count("\n") == 1 and not r.out, f"expire {words}", r)
    r = p.run("expire", "-d", "3", "-f", "No*", p.mail)
    same((r.code, r.out), (0, b""), "no such folder is nothing to do")

with Place() as p:
    fill(p, ["INBOX", "Work"])
    p.write("mail/cur/9.x:2,Fa", "Subject: x\r\n\r\nx\r\n")
    p.write("mail/dovecot-keywords", "0 Important\n")
    p.write("mail/maildirsize", "5000S,7C\n100 11\n")
    r = p.run("stat", "--json", p.mail)
    inbox, work, quota = r.json
    same((r.code, inbox["folder"], inbox["messages"], inbox["unseen"], inbox["keywords"], inbox["uidnext"]), (0, "INBOX", 6, 4, ["Important"], 7), "stat --json")
    same((work["messages"], quota["quota_bytes_max"], quota["quota_messages_max"]), (5, 5000, 7), "its folders, and the quota")
    with p.session("ours") as s:
        said = s.ok("STATUS INBOX (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)")[0].decode()
        same(sorted(re.findall(r"([A-Z]+) (\d+)", said)), sorted({"MESSAGES": str(inbox["messages"]), "UNSEEN": str(inbox["unseen"]),
             "UIDNEXT": str(inbox["uidnext"]), "UIDVALIDITY": str(inbox["uidvalidity"])}.items()), "as STATUS says")
    p.env["MAILDIR"] = p.mail
    words = p.run("stat").out.decode()
    ok("INBOX: 6 messages, 4 unseen" in words and "keywords: Important" in words and "quota:" in words, "stat of MAILDIR, in words", words)
    r = p.run("stat", p.mail, "Work")
    ok(r.code == 0 and r.out.startswith(b"Work: 5 messages"), "stat of a folder", r)
    r = p.run("stat", p.mail, "None")
    ok(r.code == 1 and "unable to open folder None" in r.err, "of none", r)

    r = p.run("index", "--json", p.mail)
    same((r.code, [(f["folder"], f["messages"], f["made"], f["already"]) for f in r.json]), (0, [("INBOX", 6, 6, 0), ("Work", 5, 5, 0)]), "index")
    r = p.run("stat", "--json", p.mail)
    ok(all(f["index"] and f["index_text"] for f in r.json[:2]), "the files are there", r)
    same([(f["made"], f["already"]) for f in p.run("index", "--json", p.mail).json], [(0, 6), (0, 5)], "nothing is made twice")
    before = imap_state(p, "ours")
    p.maildir("second")
    r = p.run("index", "--json", p.at("second"), p.mail)
    same([(os.path.basename(f["dir"]), f["folder"]) for f in r.json], [("second", "INBOX"), ("mail", "INBOX"), ("mail", "Work")], "several Maildirs")
    r = p.run("index", p.mail, p.at("none"))
    ok(r.code == 100 and b"INBOX" in r.out, "one of them does not exist", r)
    for f in "postern-index", "postern-index.log", "postern-text", "postern-keys":
        os.path.exists(p.at("mail", f)) and os.unlink(p.at("mail", f))
    same(imap_state(p, "ours"), before, "without it everything is as before")

# Quota: what import brought is counted.
with Place() as p:
    fill(p, ["INBOX"])
    os.rename(p.mail, p.at("src"))
    p.maildir("mail")
    p.write("mail/maildirsize", "100000S\n0 0\n")
    p.run("import", p.at("src"), p.mail)
    lines = [tuple(map(int, line.split())) for line in p.read("mail/maildirsize").decode().splitlines()[1:]]
    same((sum(a for a, _ in lines), sum(b for _, b in lines)), (sum(len(d) for d, _ in tool.snapshot(p.mail).values()), 5), "import counts for the quota")


def on_terminal(p, *words):
    """Exit code and what a terminal on standard error was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(p.drop() + [tool.TOOL, *words], env=p.env, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:
            data = b""
        if not data:
            break
        shown += data
    os.close(ours)
    return process.wait(), shown


with Place() as p:
    fill(p, ["INBOX"])
    p.own()
    for words in ["import", p.mail, p.at("to")], ["index", p.mail], ["export", p.mail], ["expire", "-n", "-d", "1", p.mail]:
        code, shown = on_terminal(p, *words)
        ok(code == 0 and b"[##############################] 100% 5" in shown and shown.endswith(b"\r\x1b[K"), f"{words[0]}: a bar, wiped at the end", shown)
        code, shown = on_terminal(p, words[0], "-q", *words[1:])
        same((code, shown), (0, b""), f"{words[0]}: none with -q")

    # The program becomes the owner: nothing of root's is left in somebody's Maildir.
    if os.getuid() == 0:
        r = subprocess.run([tool.TOOL, "import", p.mail, p.at("made")], env=p.env, capture_output=True)
        owners = {os.lstat(os.path.join(d, f)).st_uid for d, ds, fs in os.walk(p.at("made")) for f in ds + fs}
        same((r.returncode, owners), (0, {p.user.pw_uid}), "root becomes the owner")
        box = p.write("roots.mbox", "From a Mon Jan  2 15:04:05 2006\n\nx\n")
        os.chown(box, 0, 0)
        os.chmod(box, 0o600)
        r = subprocess.run([tool.TOOL, "import", box, p.at("made")], env=p.env, capture_output=True)
        same(r.returncode, 0, "an mbox that only root can read")
    else:
        print("# not root: what root does is not tried")

# The command that import names for Dovecot's own stores does it.
if tool.oracle.available() or not os.path.exists("/usr/bin/doveadm"):
    ok(True, "doveadm is not installed # SKIP")
else:
    with Place() as p:
        p.own()
        tool.imapwire.dovecot(p.dir)
        conf = open(p.at("conf")).read().replace(f"maildir:{p.mail}", f"mdbox:{p.at('box')}")
        with open(p.at("conf"), "w") as f:
            f.write(conf + "namespace inbox {\n  inbox = yes\n}\n")
        data = b"Subject: x\r\n\r\nx\r\n"
        with tool.imapwire.Session(p.drop() + [tool.oracle.IMAP, "-c", p.at("conf")], {"HOME": p.dir, "USER": p.user.pw_name, "PATH": os.environ["PATH"]}) as s:
            s.ok("CREATE a/b" if b"/" in s.ok('LIST "" ""')[0] else "CREATE a.b")
            for flags in "\\Seen Work", "\\Flagged":
                s.ok(f"APPEND INBOX ({flags}) {{{len(data)}+}}\r\n".encode() + data)
        r = p.run("import", p.at("box"), p.at("mail"))
        command = re.search(r"doveadm -o .*", r.err)
        ok(r.code == 100 and command, "mdbox is named", r)
        # -u asks Dovecot's auth service, which does not run here; without it doveadm takes whoever runs it.
        words = command[0].replace(" -u USER", "").split()
        words[1:1] = ["-c", p.at("conf")]
        p.own()
        done = subprocess.run(p.drop() + words, env={"HOME": p.dir, "USER": p.user.pw_name, "PATH": os.environ["PATH"]}, capture_output=True, timeout=120)
        state = imap_state(p, "ours") if os.path.exists(p.mail) else {}
        ok(state.get("INBOX") and [m[0] for m in state["INBOX"][2].values()] == [["Work", "\\Seen"], ["\\Flagged"]] and "a.b" in state, "and the command converts it", done, state)
tool.done()
