#!/usr/bin/env python3
"""Folders shared between two users (doc/sharing.md): through auth-file, in an instance of one uid and, as root, of two.

What the reader sees, what each right of RFC 4314 section 4 allows, that no folder but the one named can be reached."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
from instance import Tap

tap = Tap()
BUILD = os.path.abspath(os.environ.get("POSTERN_BUILD", "build"))
NOBODY = 65534
AS = []  # what stands in front of auth-file
MESSAGE = b"From: a@example.org\r\nSubject: %s\r\n\r\nhello\r\n"


class Auth(imapwire.Session):
    """imap behind auth-file, which takes the account at its word (AUTHORIZED)."""
    def __init__(self, directory, user, program=("imap",)):
        r, w = os.pipe()
        os.write(w, user.encode() + b"\0x\0x\0")
        os.close(w)
        self.fd = r
        command = AS + ["sh", "-c", f'exec 3<&{r}; exec auth-file "$@"', "sh", *program]
        popen = subprocess.Popen
        try:
            subprocess.Popen = lambda *a, **k: popen(*a, pass_fds=(r,), **k)
            super().__init__(command, POSTERN_DIR=directory, AUTHORIZED="1", POSTERN_MECHANISM="PLAIN")
        finally:
            subprocess.Popen = popen
            os.close(r)


def append(s, folder, subject, flags=""):
    text = MESSAGE % subject
    tag = s.start(f'APPEND "{folder}" ({flags}) {{{len(text)}+}}\r\n'.encode() + text)
    return s.finish(tag)[1]


def instance(d, uids):
    os.makedirs(d + "/etc")
    with open(d + "/etc/users", "w", encoding="ascii") as f:
        for name, uid in zip(("alice", "bob", "carol"), uids):
            home = f"{d}/mail/example.org/{name}"
            os.makedirs(home)
            os.chmod(home, 0o700)
            os.chown(home, uid or os.geteuid() and -1 or NOBODY, uid or os.geteuid() and -1 or NOBODY)
            f.write(f"{name}@example.org:{{PLAIN}}x:{uid or ''}:{uid or ''}::{home}::\n")
    for p in (d, d + "/mail", d + "/mail/example.org", d + "/etc"):
        os.chmod(p, 0o755)
    subprocess.run(["postern-tables", "users"], env=dict(os.environ, POSTERN_DIR=d), check=True, stdout=subprocess.DEVNULL)
    for verb, name, code in (("share", "nobody", 100), ("unshare", "alice", 100), ("share", "carol", 0), ("share", "alice", 0),
                             ("share", "alice", 0), ("unshare", "carol", 0)):
        done = subprocess.run(["scripts/postern-user", "-i", d, verb, name + "@example.org"], capture_output=True, check=False)
        tap.ok(done.returncode == code, f"postern-user {verb} {name}: {code}", done)
    with open(d + "/etc/sharing", encoding="ascii") as f:
        tap.ok(f.read() == "alice@example.org\n", "postern-user: who shares")
    tap.ok(os.stat(d + "/mail/example.org/alice").st_mode & 0o777 == 0o710, "the group may pass the home")


def rights(d, letters, what):
    """A session of bob's on alice's folder with these rights."""
    with Auth(d, "alice@example.org") as a:
        a.ok(f"SETACL Projects bob@example.org {letters}")
    return Auth(d, "bob@example.org")


def replace(s, folder):
    text = b"Subject: replaced\r\n\r\nhello\r\n"
    return s.finish(s.start(b'REPLACE 1 "%s" {%d+}\r\n' % (folder.encode(), len(text)) + text))[1]


FOLDER = "Other Users.alice@example^org.Projects"


def scenario(d, kind):
    root = d + "/mail/example.org/alice/Maildir"
    with Auth(d, "alice@example.org") as a:
        for f in ("Projects", "Private"):
            a.ok(f"CREATE {f}")
            append(a, f, b"first")
        append(a, "INBOX", b"secret")
        a.ok("SETACL Projects bob@example.org lr")
    with Auth(d, "bob@example.org") as b:
        got = b.ok('LIST "" *')
        tap.ok(any(FOLDER.encode() in x for x in got) and not any(b"Private" in x for x in got),
               f"{kind}: LIST names the shared folder and no other", got)
        tap.ok(b'(("Other Users." "."))' in b.ok("NAMESPACE")[0], f"{kind}: NAMESPACE")
        got = b.command(f'SELECT "{FOLDER}"')
        tap.ok(b"READ-ONLY" in got[1], f"{kind}: lr: READ-ONLY (5.2)", got)
        got = b.ok("FETCH 1 (BODY[HEADER.FIELDS (SUBJECT)] FLAGS)")
        tap.ok(b"first" in got[0], f"{kind}: r: FETCH", got)
        tap.ok(b.command(f'STATUS "{FOLDER}" (MESSAGES)')[0] == [b'* STATUS "' + FOLDER.encode() + b'" (MESSAGES 1)'],
               f"{kind}: r: STATUS")
        tap.ok(b.ok(f'MYRIGHTS "{FOLDER}"') == [b'* MYRIGHTS "' + FOLDER.encode() + b'" lr'], f"{kind}: MYRIGHTS")
        for command in (f'APPEND "{FOLDER}" {{1+}}\r\nx', f'COPY 1 "{FOLDER}"', f'DELETE "{FOLDER}"', f'RENAME "{FOLDER}" x',
                        f'SETACL "{FOLDER}" bob@example.org lrw', f'GETACL "{FOLDER}"', f'LISTRIGHTS "{FOLDER}" bob',
                        f'SETMETADATA "{FOLDER}" (/shared/comment "x")', f'CREATE "{FOLDER}.sub"', f'DELETEACL "{FOLDER}" bob'):
            got = b.command(command)[1]
            tap.ok(got.startswith(b"NO [NOPERM]"), f"{kind}: lr: refused: {command.split()[0]}", got)
        other = FOLDER.replace("Projects", "Private")
        for command in (f'SELECT "{other}"', f'STATUS "{other}" (MESSAGES)', f'MYRIGHTS "{other}"', f'GETACL "{other}"',
                        f'DELETE "{other}"', f'GETMETADATA "{other}" /shared/comment', f'APPEND "{other}" {{1+}}\r\nx'):
            got = b.command(command)[1]
            tap.ok(got.startswith(b"NO [NONEXISTENT]"), f"{kind}: what is not shared is not there: {command.split()[0]}", got)
        b.ok(f'SETMETADATA "{FOLDER}" (/private/comment "of bob")')
        b.ok(f'SUBSCRIBE "{FOLDER}"')
        tap.ok(any(FOLDER.encode() in x for x in b.ok('LIST (SUBSCRIBED) "" *')), f"{kind}: subscribed")
        got = b.ok(f'GETQUOTAROOT "{FOLDER}"')
        tap.ok(got == [b'* QUOTAROOT "' + FOLDER.encode() + b'"'], f"{kind}: no quota root of this user's", got)
    with Auth(d, "alice@example.org") as a:
        tap.ok(b"NIL" in a.ok("GETMETADATA Projects /private/comment")[0], f"{kind}: a private entry is not the owner's")
        a.ok('SETMETADATA Projects (/shared/comment "of alice")')
    with rights(d, "lrs", kind) as b:
        got = b.ok(f'GETMETADATA "{FOLDER}" (/private/comment /shared/comment)')
        tap.ok(b"of bob" in got[0] and b"of alice" in got[0], f"{kind}: private and shared entries", got)
        got = b.ok(f'SELECT "{FOLDER}"')
        tap.ok(any(b"PERMANENTFLAGS (\\Seen)" in x for x in got), f"{kind}: s: PERMANENTFLAGS (5.1.1)", got)
        tap.ok(b"\\Seen" in b.ok("STORE 1 FLAGS (\\Seen \\Flagged key)")[0], f"{kind}: s: \\Seen is stored")
        got = b.ok("FETCH 1 FLAGS")
        tap.ok(b"Flagged" not in got[0] and b"key" not in got[0], f"{kind}: s: and no other flag", got)
        tap.ok(b.command("STORE 1 +FLAGS (\\Flagged)")[1].startswith(b"NO [NOPERM]"), f"{kind}: none that may be: NO")
        tap.ok(b.command("EXPUNGE")[1].startswith(b"OK"), f"{kind}: nothing to expunge")
        got = b.ok('LIST "" "Other Users.*" RETURN (METADATA (/shared/comment))')
        tap.ok(any(b"of alice" in x for x in got), f"{kind}: lrs: LIST RETURN (METADATA)", got)
    with rights(d, "l", kind) as b:
        got = b.ok('LIST "" "Other Users.*" RETURN (METADATA (/shared/comment))')
        tap.ok(any(FOLDER.encode() in x for x in got) and not any(b"METADATA" in x for x in got),
               f"{kind}: l: listed, but its entries are not (RFC 5464 3.3)", got)
    with rights(d, "lri", kind) as b:
        got = append(b, FOLDER, b"by bob", "\\Seen \\Deleted \\Flagged word")
        tap.ok(got.startswith(b"OK [APPENDUID"), f"{kind}: i: APPEND", got)
        append(b, "INBOX", b"bob's own", "\\Flagged")
        b.ok("SELECT INBOX")
        tap.ok(b.command(f'COPY 1 "{FOLDER}"')[1].startswith(b"OK [COPYUID"), f"{kind}: i: COPY into it")
        tap.ok(b.command(f'MOVE 1 "{FOLDER}"')[1].startswith(b"OK"), f"{kind}: i: MOVE into it")
        b.ok(f'SELECT "{FOLDER}"')
        got = [x for x in b.ok("FETCH 2:4 FLAGS")]
        tap.ok(len(got) == 3 and not any(b"Seen" in x or b"Flagged" in x or b"Deleted" in x or b"word" in x for x in got),
               f"{kind}: i: no flags along with it (section 4)", got)
        got = b.ok("FETCH 2 (BODY[])")
        tap.ok(not any(b"\\Seen" in x for x in b.ok("FETCH 2 FLAGS")), f"{kind}: FETCH sets no \\Seen without s")
        tap.ok(b.command("MOVE 2 INBOX")[1].startswith(b"NO [NOPERM]"), f"{kind}: MOVE out of it needs t and e")
        for to in FOLDER, "INBOX":
            got = replace(b, to)
            tap.ok(got.startswith(b"NO [NOPERM]"), f"{kind}: lri: REPLACE into {to} needs t and e (RFC 8508 4.1)", got)
        tap.ok(b.command("COPY 1 INBOX")[1].startswith(b"OK [COPYUID"), f"{kind}: COPY out of it")
    with Auth(d, "alice@example.org") as a:
        a.ok("SELECT Projects")
        got = a.ok("FETCH 1:* (FLAGS BODY.PEEK[])")
        tap.ok(len(got) == 4 and all(b"hello" in x for x in got), f"{kind}: the owner reads what others put there", got)
        a.ok("STORE 4 +FLAGS (\\Deleted)")
        append(a, "Projects", b"later")
        append(a, "INBOX", b"moved in")
        a.ok("SELECT INBOX")
        a.ok("COPY 2 Projects")
        a.ok("MOVE 2 Projects")
    with rights(d, "lrswte", kind) as b:
        b.ok(f'SELECT "{FOLDER}"')
        got = b.ok("UID FETCH 1:* (BODY.PEEK[])")
        tap.ok(len(got) == 7 and all(b"hello" in x for x in got), f"{kind}: the reader reads what came meanwhile", len(got))
        got = b.ok("EXPUNGE")
        tap.ok(b"* 4 EXPUNGE" in got, f"{kind}: e: EXPUNGE", got)
        b.ok("STORE 1 +FLAGS (\\Deleted word)")
        tap.ok(b.command("MOVE 2 INBOX")[1].startswith(b"OK"), f"{kind}: MOVE out of it")
        b.ok("CLOSE")
        got = b.command(f'STATUS "{FOLDER}" (MESSAGES)')[0]
        tap.ok(b"MESSAGES 4" in got[0], f"{kind}: CLOSE expunges", got)
    with rights(d, "lrte", kind) as b:
        b.ok(f'SELECT "{FOLDER}"')
        got = replace(b, FOLDER)
        tap.ok(got.startswith(b"NO [NOPERM]"), f"{kind}: lrte: REPLACE in it needs i, too", got)
    with rights(d, "lrite", kind) as b:
        b.ok(f'SELECT "{FOLDER}"')
        got = replace(b, FOLDER)
        tap.ok(got.startswith(b"OK"), f"{kind}: lrite: REPLACE", got)
    with rights(d, "lrwt", kind) as b:
        b.ok(f'SELECT "{FOLDER}"')
        b.ok("STORE 1 +FLAGS (\\Deleted)")
        tap.ok(b.command("EXPUNGE")[1].startswith(b"NO [NOPERM]"), f"{kind}: EXPUNGE without e")
        tap.ok(b.command("CLOSE")[1].startswith(b"OK"), f"{kind}: CLOSE without e is OK, and expunges nothing")
        with Auth(d, "alice@example.org") as a:
            a.ok("DELETEACL Projects bob@example.org")
        got = b.command(f'SELECT "{FOLDER}"')[1]
        tap.ok(got.startswith(b"NO [NONEXISTENT]"), f"{kind}: taken away: not there, at once", got)
    with rights(d, "r", kind) as b:
        got = b.ok('LIST "" *')
        tap.ok(not any(b"Projects" in x for x in got), f"{kind}: without l it is not listed", got)
        tap.ok(b.command(f'SELECT "{FOLDER}"')[1].startswith(b"OK"), f"{kind}: and can be selected")
    with Auth(d, "carol@example.org") as c:
        tap.ok(not any(b"Projects" in x for x in c.ok('LIST "" *')), f"{kind}: nothing is shared with a third user")
    with Auth(d, "alice@example.org") as a:
        a.ok("DELETEACL Projects bob@example.org")
        a.ok("SETACL Projects anyone lr")
    with Auth(d, "carol@example.org") as c:
        tap.ok(any(b"Projects" in x for x in c.ok('LIST "" *')), f"{kind}: shared with anyone")
    with Auth(d, "alice@example.org") as a:
        a.ok("SETACL Projects -carol@example.org l")
    with Auth(d, "carol@example.org") as c:
        tap.ok(not any(b"Projects" in x for x in c.ok('LIST "" *')), f"{kind}: but not with this one (negative rights)")
    os.rename(d + "/etc/sharing", d + "/etc/shared-no-more")
    with Auth(d, "bob@example.org") as b:
        tap.ok(b"NIL NIL" in b.ok("NAMESPACE")[0], f"{kind}: without etc/sharing there is none")
    with Auth(d, "alice@example.org") as a:
        tap.ok(a.command("SETACL Projects bob@example.org lr")[1].startswith(b"NO [NOPERM]"), f"{kind}: and none is granted")
    os.rename(d + "/etc/shared-no-more", d + "/etc/sharing")
    # A link in the owner's Maildir leads root nowhere.
    os.rename(root + "/postern-shared", root + "/../elsewhere")
    os.symlink("../elsewhere", root + "/postern-shared")
    with Auth(d, "bob@example.org") as b:
        tap.ok(not any(b"alice" in x for x in b.ok('LIST "" *')), f"{kind}: postern-shared is no link")
    os.unlink(root + "/postern-shared")
    os.rename(root + "/../elsewhere", root + "/postern-shared")


def links(d):
    """A file open to the group and a private one are never one."""
    root = d + "/mail/example.org/alice/Maildir"

    def files(folder):
        out = [os.stat(e.path) for sub in ("cur", "new") for e in os.scandir(f"{root}/.{folder}/{sub}")]
        return {(s.st_mode & 0o777, s.st_nlink, s.st_uid == os.stat(root).st_uid) for s in out}, len(out), {int(s.st_mtime) for s in out}

    with Auth(d, "alice@example.org") as a:
        for f in ("Mine", "Team", "Back"):
            a.ok(f"CREATE {f}")
        for i in range(3):
            text = MESSAGE % b"linked"
            tag = a.start(f'APPEND Mine "01-Feb-2003 04:05:0{i} +0000" {{{len(text)}+}}\r\n'.encode() + text)
            a.finish(tag)
        a.ok("SELECT Mine")
        a.ok("COPY 1 Team")
        tap.ok(files("Team")[0] == {(0o600, 2, True)}, "private folders: a link", files("Team"))
        a.ok("SETACL Team bob@example.org lrs")
        tap.ok(files("Team") == ({(0o660, 1, True)}, 1, {1044072300}), "shared then: content of its own, with its date", files("Team"))
        tap.ok(files("Mine")[0] == {(0o600, 1, True)}, "and the private one as it was", files("Mine"))
        a.ok("COPY 2 Team")
        a.ok("MOVE 3 Team")
        tap.ok(files("Team")[:2] == ({(0o660, 1, True)}, 3), "copied and moved there: open, and no link", files("Team"))
        tap.ok(files("Mine")[:2] == ({(0o600, 1, True)}, 2), "the private ones as they were", files("Mine"))
        a.ok("SELECT Team")
        tap.ok(len([x for x in a.ok("FETCH 1:* BODY.PEEK[]") if b"linked" in x]) == 3, "the messages are there")
        a.ok("COPY 1 Back")
        a.ok("MOVE 2 Back")
        tap.ok(files("Back")[:2] == ({(0o600, 1, True)}, 2), "out of it: private, and no link", files("Back"))
        tap.ok(not os.listdir(root + "/.Team/tmp"), "nothing is left in tmp/")
    with Auth(d, "bob@example.org") as b:
        b.ok(f'SELECT "{FOLDER.replace("Projects", "Team")}"')
        tap.ok(len([x for x in b.ok("FETCH 1:* BODY.PEEK[]") if b"linked" in x]) == 2, "the reader reads them")


def same_gid(d):
    """One who shares must have a gid alone."""
    with open(d + "/etc/users", "a", encoding="ascii") as f:
        f.write("dan@example.org:{PLAIN}x:52004:52001::x::\n")
    done = subprocess.run(["scripts/postern-user", "-i", d, "share", "dan@example.org"], capture_output=True, check=False)
    tap.ok(done.returncode == 100 and b"52001" in done.stderr, "postern-user share: not with another's gid", done)


def reach(d, kind):
    """What a session of bob's could open, if it wanted to: asked of the kernel by a program in its place."""
    root = d + "/mail/example.org/alice/Maildir"
    probe = f"""id -G; for f in {root}/.Projects/cur {root}/.Private/cur {root}/cur {root}; do
        ls $f >/dev/null 2>&1 && echo "$f yes" || echo "$f no"; done"""
    r, w = os.pipe()
    os.write(w, b"bob@example.org\0x\0x\0")
    os.close(w)
    p = subprocess.run(["sh", "-c", f'exec 3<&{r}; exec auth-file sh -c "$0"', probe], pass_fds=(r,), capture_output=True, text=True,
                       env=dict(os.environ, POSTERN_DIR=d, AUTHORIZED="1", POSTERN_MECHANISM="PLAIN"), check=False)
    os.close(r)
    got = re.findall(r"(yes|no)$", p.stdout, re.M)
    tap.ok(got == ["yes", "no", "no", "no"], f"{kind}: by uid and group alone the shared folder is open, and nothing else", p.stdout)


with tempfile.TemporaryDirectory(prefix="shared.") as d:
    instance(d, (0, 0, 0))
    if os.getuid() == 0:
        for name in ("users", "users.cdb"):
            os.chown(f"{d}/etc/{name}", NOBODY, NOBODY)
        AS[:] = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    scenario(d, "one uid")
    links(d)
    AS.clear()
if os.getuid() == 0:
    with tempfile.TemporaryDirectory(prefix="shared.") as d:
        instance(d, (52001, 52002, 52003))
        scenario(d, "three uids")
        reach(d, "three uids")
        links(d)
        same_gid(d)
else:
    print(f"ok {tap.count + 1} # skip three uids: not root")
tap.done()
