#!/usr/bin/env python3
"""QUOTA, METADATA and ACL beside Dovecot's: the same commands get the same data, and what one has written the other reads."""
import os
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
import oracle
from instance import Tap

PLUGINS = """
mail_plugins = quota acl
protocol imap {
  mail_plugins = quota acl imap_quota imap_acl
  imap_metadata = yes
}
mail_attribute_dict = file:%h/attributes
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=100K:messages=50
  acl = vfile
  acl_anyone = allow
}
"""
RULE = "*:storage=100K:messages=50"
tap = Tap()


def rights(text):
    return "".join(sorted(text.decode()))


def acl(untagged):
    """{identifier: rights} of an ACL response, the owner's (and a group's) own left out."""
    words = imapwire.parse(untagged[0][2:])
    return {i.decode(): rights(r) for i, r in zip(words[2::2], words[3::2]) if i.decode() not in OWNERS}


def first(reply):
    return (reply[0], reply[1].split()[0])


with tempfile.TemporaryDirectory(prefix="mailboxes.") as d:
    if oracle.available():
        tap.skip("beside Dovecot", oracle.available())
        tap.done()
    os.chmod(d, 0o755)
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{d}/mail/{sub}")
    for i in range(3):
        with open(f"{d}/mail/cur/{1000000000 + i}.m{i}.host,S=1500:2,S", "w", encoding="ascii") as f:
            f.write("Subject: x\n\n" + "y" * 1488)
    argv, env = imapwire.dovecot(d)
    with open(d + "/conf", "a", encoding="ascii") as f:
        f.write(PLUGINS)
    OWNERS = {env["USER"], "owner", "alice"}
    ours = {**env, "MAILDIR": d + "/mail", "QUOTA_RULE": RULE, "SHARING": "1", "SHARED": "", "POSTERN_DIR": d}
    prefix = argv[:argv.index(oracle.IMAP)]
    with imapwire.Session(argv, env) as dovecot, imapwire.Session(prefix + ["imap"], ours) as imap:
        for command in ("GETQUOTAROOT INBOX", 'GETQUOTA "User quota"', "GETQUOTA nosuch", 'SETQUOTA "User quota" (STORAGE 1)'):
            a, b = dovecot.command(command), imap.command(command)
            tap.ok(first(a) == first(b), command, a, b)
        for s in dovecot, imap:
            s.ok(f"CREATE by-{'dovecot' if s is dovecot else 'us'}")
        for name in "by-dovecot", "by-us":
            writer, reader = (dovecot, imap) if name == "by-dovecot" else (imap, dovecot)
            for who, letters in (("bob", "lr"), ("carol", "lrswite"), ("anyone", "l"), ("-dave", "w"), ("erin", "lrd")):
                a = writer.command(f"SETACL {name} {who} {letters}")
                tap.ok(a[1].startswith(b"OK"), f"{name}: SETACL {who} {letters}", a)
            writer.ok(f"SETACL {name} carol -e")
            writer.ok(f"DELETEACL {name} anyone")
            a, b = acl(writer.ok(f"GETACL {name}")), acl(reader.ok(f"GETACL {name}"))
            tap.ok(a == b and "carol" in a and "anyone" not in a, f"{name}: both read the same ACL", a, b)
        for command in ("MYRIGHTS INBOX", "MYRIGHTS by-us"):
            a, b = (imapwire.parse(s.ok(command)[0][2:]) for s in (dovecot, imap))
            tap.ok(a[:2] == b[:2] and rights(a[2]) == rights(b[2]), command, a, b)
        for command in ("SETACL by-us bob lQ", "SETACL by-us bob lz", "GETACL nosuch", "GETMETADATA nosuch /private/comment"):
            a, b = dovecot.command(command)[1].split()[0], imap.command(command)[1].split()[0]
            tap.ok(a == b, f"{command}: {b.decode()}", a)
        for command in ('SETMETADATA INBOX (/private/comment "mine" /shared/comment "ours")', "GETMETADATA INBOX /private/comment",
                        "GETMETADATA INBOX (/shared/comment /private/comment)", "GETMETADATA (MAXSIZE 3) INBOX /private/comment", "GETMETADATA (DEPTH infinity) INBOX /private",
                        "GETMETADATA INBOX /private/nothing", "SETMETADATA INBOX (/private/comment NIL)", "GETMETADATA INBOX /private/comment",
                        "GETMETADATA INBOX /private//x", "GETMETADATA INBOX /private/x*"):
            a, b = dovecot.command(command), imap.command(command)
            same = [imapwire.parse(x) for x in a[0]] == [imapwire.parse(x) for x in b[0]]
            tap.ok(same and a[1].split()[0] == b[1].split()[0], command, a, b)
tap.done()
