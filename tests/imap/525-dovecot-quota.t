#!/usr/bin/env python3
"""Rules of folders beside Dovecot's quota plugin (backend maildir): what fits, what does not, and what maildirsize says then."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
import oracle
from instance import Tap
from owner import give

FOLDERS = ["Trash", "Junk", "Arch.a", "Arch.b"]
MAIL = "Subject: x\r\n\r\n" + "y" * 985
EACH = [f"APPEND {f} {{{len(MAIL)}+}}\r\n{MAIL}" for f in ["INBOX"] + FOLDERS]
TURNS = ["SELECT INBOX", "COPY 1 Trash", "COPY 1 Junk", "COPY 1 Arch.a", "COPY 1:2 Arch.b", "MOVE 2 Trash", "STORE 1 +FLAGS.SILENT (\\Deleted)", "EXPUNGE", "SELECT Trash",
         "MOVE 1 Arch.b", "STORE 1 +FLAGS.SILENT (\\Deleted)", "EXPUNGE", "DELETE Arch.a", "GETQUOTAROOT Trash"]
# Rules, and the first lines of a maildirsize that is there. Three messages of 1500 octets in every folder.
CASES = [
    (["*:storage=100K:messages=50", "Trash:storage=+10K", "Junk:ignore", "Arch*:storage=50%"], ""),
    (["*:storage=100K", "Junk:messages=+5", "Arch.b:storage=-77K"], ""),
    (["*:storage=23K", "A*:storage=10K", "Arch.b:storage=-10K"], ""),
    (["*:storage=19K", "A*:storage=+10K", "Arch.b:ignore"], ""),
    (["*:storage=20K:messages=10", "Trash:storage=+20%:messages=+60%", "Junk:storage=-5%:messages=+10%"], ""),
    (["?:storage=50K", "Trash:storage=+20%", "Junk:ignore"], "17000S,20C\n18000 12\n"),
    (["?:storage=50K", "Trash:storage=+20%", "Junk:ignore"], ""),
    (["Trash:storage=+20%", "Junk:ignore"], "17000S,20C\n18000 12\n"),
    (["*:messages=15", "Trash:messages=+1", "Junk:storage=+10K"], ""),
    (["*:messages=10", "inbox:messages=+100", "trash:ignore"], ""),
    (["*:messages=10", "Arc?.b:ignore", "*:storage=1M"], ""),
    (["*:storage=0", "Trash:storage=+10K"], ""),
    (["*:storage=10K:messages=5", "Junk:storage=+100K:messages=+100", "Trash:ignore", "Arch.b:storage=+100K:messages=+100"], ""),  # a MOVE out of Trash is refused by us alone
    (["*:bytes=30000B", "Junk:bytes=-1k:messages=20", "Junk:ignore", "Junk:messages=3"], ""),
]
BAD = ["*:storage=+5K", "*:storage=-5K", "*:storage=50%", "Junk:storage=5X", "Junk:size=5K", "Junk", "Junk:storage=", "Junk:storage=-150%"]
tap = Tap()


def conf(d, rules):
    with open(d + "/conf", "w", encoding="ascii") as f:
        f.write(conf.base + "mail_plugins = quota\nprotocol imap {\n  mail_plugins = quota imap_quota\n}\nplugin {\n  quota = maildir:User quota\n")
        for i, rule in enumerate(rules, 1):
            f.write(f"  quota_rule{i if i > 1 else ''} = {rule.replace('%', '%%')}\n")
        f.write("}\n")


def mail(d, head):
    shutil.rmtree(d + "/mail", ignore_errors=True)
    for folder in [""] + ["/." + f for f in FOLDERS]:
        for sub in ("cur", "new", "tmp"):
            os.makedirs(f"{d}/mail{folder}/{sub}")
        for i in range(3):
            with open(f"{d}/mail{folder}/cur/{1000000000 + i}.m{i}.host,S=1500:2,S", "w", encoding="ascii") as f:
                f.write("Subject: x\n\n" + "y" * 1488)
    if head:
        with open(d + "/mail/maildirsize", "w", encoding="ascii") as f:
            f.write(head)


def size(d):
    """Limits and sums."""
    with open(d + "/mail/maildirsize", encoding="ascii") as f:
        head, *lines = f.read().splitlines()
    return head, *(sum(int(line.split()[i]) for line in lines) for i in (0, 1))


def run(d, argv, env, head):
    mail(d, head)
    give(env.uid, env.gid, d + "/mail")
    said = []
    with imapwire.Session(argv, env) as s:
        for command in EACH + TURNS:
            untagged, tagged = s.command(command)
            word = b" ".join(tagged.split()[:2]) if b"OVERQUOTA" in tagged else tagged.split()[0]
            said.append((command.split("\r")[0], word, [u for u in untagged if b"QUOTA " in u]))
        said.append(size(d) if os.path.exists(d + "/mail/maildirsize") else None)
    return said


class Environment(dict):
    uid = gid = 0


if oracle.available():
    tap.skip("beside Dovecot", oracle.available())
    tap.done()
with tempfile.TemporaryDirectory(prefix="quota.") as d:
    os.chmod(d, 0o755)
    os.mkdir(d + "/mail")
    argv, environment = imapwire.dovecot(d)
    env = Environment(environment)
    st = os.stat(d + "/mail")
    env.uid, env.gid = st.st_uid, st.st_gid
    with open(d + "/conf", encoding="ascii") as f:
        conf.base = f.read()
    prefix = argv[:argv.index(oracle.IMAP)]

    def ours(rules):
        e = Environment(env, MAILDIR=d + "/mail", POSTERN_DIR=d, **{f"QUOTA_RULE{i if i > 1 else ''}": rule for i, rule in enumerate(rules, 1)})
        e.uid, e.gid = env.uid, env.gid
        return e

    for rules, head in CASES:
        conf(d, rules)
        a, b = run(d, argv, env, head), run(d, prefix + ["imap"], ours(rules), head)
        # Without limits Dovecot writes a file all the same, and names no root's use.
        if a[-1] and a[-1][0] == "0S":
            a[-2:] = b[-2:]
        tap.ok(a == b, f"{' '.join(rules)} {head.split()}", *[(x, y) for x, y in zip(a, b) if x != y])
    mail(d, "")
    give(env.uid, env.gid, d + "/mail")
    for rule in BAD:
        conf(d, ["*:messages=100", rule])
        ended = []
        for command, e in ((argv, env), (prefix + ["imap"], ours(["*:messages=100", rule]))):
            try:
                with imapwire.Session(command, e):
                    ended.append("goes on")
            except EOFError:
                ended.append("ends")
        tap.ok(ended == ["ends"] * 2, f"{rule}: refused", ended)
tap.done()
