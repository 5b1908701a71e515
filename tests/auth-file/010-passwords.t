#!/usr/bin/env python3
"""auth-file: schemes, refusals, the account's environment, uids; alone and behind the login programs."""
import os, pwd, resource, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from loginpair import *

ROOTLY = os.geteuid() == 0
ME = 12345 if ROOTLY else os.getuid()
IDS = f"{ME}:{12345 if ROOTLY else os.getgid()}"
SHOW = ('echo "$USER $HOME $SHELL $MAILDIR ${QUOTA_RULE:--} ${AUTHORIZED:--} $(pwd) $(id -u) $(id -g) $(id -G)'
        ' $(ls /proc/self/fd | tr "\\n" ,)"')


def auth(instance, credentials, *program, **env):
    """auth-file with these bytes on descriptor 3: exit code, output, log."""
    r, w = os.pipe()
    os.write(w, credentials)
    os.close(w)
    got = subprocess.run(["auth-file", *(program or ("true",))], pass_fds=[3], preexec_fn=lambda: os.dup2(r, 3),
                         capture_output=True, text=True, timeout=LIMIT,
                         env=environment(POSTERN_DIR=instance.path, **env))
    os.close(r)
    return got.returncode, got.stdout, got.stderr


def creds(login, password):
    return login.encode() + b"\0" + password.encode() + b"\0\0"


def crypt(prefix, password="secret"):
    return subprocess.run(["openssl", "passwd", prefix, password], capture_output=True, text=True).stdout.strip()


made = subprocess.run(["auth-file", "-h"], input="secret\n", capture_output=True, text=True, env=environment())
ok(made.returncode == 0 and made.stdout.startswith("{CRYPT}$y$"), "-h makes a yescrypt hash", made)
again = subprocess.run(["auth-file", "-h"], input="secret", capture_output=True, text=True, env=environment())
ok(again.stdout != made.stdout, "with another salt each time")
for text, why in (("", "empty"), ("\n", "empty line"), ("a\nb\n", "two lines"), ("x" * 513, "513 bytes"), ("a\0b", "NUL")):
    got = subprocess.run(["auth-file", "-h"], input=text, capture_output=True, text=True, env=environment())
    same(f"-h refuses: {why}", (got.returncode, got.stdout), (100, ""))

sha512, sha256, yes = crypt("-6"), crypt("-5"), made.stdout.strip()
bcrypt = "$2y$05$abcdefghijklmnopqrstuuxVnJ3hKMrkYgTKRuUVRNpcrDuO.QCFa"  # of something else
accounts = {
    "yes@example.test": yes,
    "bare@example.test": sha512,
    "crypt@example.test": "{CRYPT}" + sha256,
    "sha256@example.test": "{SHA256-CRYPT}" + sha256,
    "sha512@example.test": "{sha512-crypt}" + sha512,
    "mixed@example.test": "{SHA256-CRYPT}" + sha512,
    "blf@example.test": "{BLF-CRYPT}" + bcrypt,
    "plain@example.test": "{PLAIN}secret",
    "plainempty@example.test": "{PLAIN}",
    "unknown@example.test": "{MD4}secret",
    "open@example.test": "{secret",
    "broken@example.test": "{CRYPT}$6$",
    "star@example.test": "*", "bang@example.test": "!" + sha512, "empty@example.test": "",
}
# Login, password, setting, expected exit code.
cases = [
    ("yes@example.test", "secret", 0), ("yes@example.test", "Secret", 1), ("yes@example.test", "", 1),
    ("YES@Example.TEST", "secret", 0),
    ("bare@example.test", "secret", 0), ("bare@example.test", "x", 1),
    ("crypt@example.test", "secret", 0), ("crypt@example.test", "secre", 1),
    ("sha256@example.test", "secret", 0), ("sha256@example.test", "secret ", 1),
    ("sha512@example.test", "secret", 0), ("sha512@example.test", "x", 1),
    ("mixed@example.test", "secret", 111),
    ("blf@example.test", "secret", 1),
    ("plain@example.test", "secret", 111),
    ("unknown@example.test", "secret", 111), ("open@example.test", "secret", 111),
    ("star@example.test", "*", 1), ("bang@example.test", "secret", 1), ("empty@example.test", "", 1),
    ("nobody@example.test", "secret", 1), ("", "secret", 1), ("yes", "secret", 1),
    ("nologin@example.test", "secret", 1), ("nologin-y@example.test", "secret", 1), ("nologin-no@example.test", "secret", 0),
]
with Instance() as i:
    home = i.path + "/mail/example.test/yes"
    os.makedirs(home)
    os.makedirs(i.path + "/elsewhere")
    lines = [f"{name}:{value}:{IDS}::mail/example.test/yes:" for name, value in accounts.items()]
    lines += [
        f"nologin@example.test:{yes}:{IDS}::mail/example.test/yes::nologin",
        f"nologin-y@example.test:{yes}:{IDS}::mail/example.test/yes::nologin=y userdb_x=y",
        f"nologin-no@example.test:{yes}:{IDS}::mail/example.test/yes::nologin=no",
        f"full@example.test:{yes}:{IDS}:gecos:elsewhere:/bin/false:userdb_quota_rule=*:bytes=1000 userdb_mail=maildir:~/Mail",
        f"homeless@example.test:{yes}:{IDS}::mail/nowhere:",
        f"root@example.test:{yes}:0:0::elsewhere:",
        f"low@example.test:{yes}:99:12345::elsewhere:",
        f"nogroup@example.test:{yes}:12345:0::elsewhere:",
        f"other@example.test:{yes}:54321:54321::elsewhere:",
        f"noids@example.test:{yes}::::elsewhere:",
        f"badids@example.test:{yes}:x:y::elsewhere:",
        f"bare-login:{yes}:{IDS}::elsewhere:",
    ]
    i.set("users", "\n".join(lines))
    os.chmod(i.path + "/etc/users", 0o600)
    for login, password, want in cases:
        same(f"{login or '(empty)'} with {password or '(nothing)'}: {want}", auth(i, creds(login, password))[0], want)
    i.set("plain-passwords", "yes")
    same("{PLAIN} by setting", auth(i, creds("plain@example.test", "secret"))[0], 0)
    same("{PLAIN} by setting, but empty: locked", auth(i, creds("plainempty@example.test", ""))[0], 1)
    same("{PLAIN} by setting, wrong", auth(i, creds("plain@example.test", "secreu"))[0], 1)

    show = ("sh", "-c", SHOW)
    fds = "0,1,2,3,"  # 3 is the directory that is listed
    gid = IDS.split(":")[1]
    groups = gid if ROOTLY else " ".join(map(str, [os.getgid()] + sorted(set(os.getgroups()) - {os.getgid()})))
    same("the account's environment", auth(i, creds("yes@example.test", "secret"), *show)[1],
         f"yes@example.test {home} /bin/sh {home}/Maildir - - {home} {ME} {gid} {groups} {fds}\n")
    same("shell, home, Maildir, quota of its line",
         auth(i, creds("full@example.test", "secret"), *show, QUOTA_RULE="*:bytes=9", AUTHORIZED="x")[1],
         f"full@example.test {i.path}/elsewhere /bin/false {i.path}/elsewhere/Mail *:bytes=1000 - {i.path}/elsewhere {ME} {gid} {groups} {fds}\n")
    rules = ("sh", "-c", "env | grep ^QUOTA_RULE | sort")
    i.set("users", "\n".join(lines + [f"many@example.test:{yes}:{IDS}::elsewhere::userdb_quota_rule2=Trash:ignore userdb_quota_rule4=A:bytes=+5 userdb_quota_rule33=x"]))
    i.set("quota-rule", "*:storage=1G\n# by default\nTrash:storage=+100M\n\nMy folder:ignore\n")
    same("everybody's quota rules", auth(i, creds("yes@example.test", "secret"), *rules)[1],
         "QUOTA_RULE2=Trash:storage=+100M\nQUOTA_RULE3=My folder:ignore\nQUOTA_RULE=*:storage=1G\n")
    same("the account's own by number", auth(i, creds("many@example.test", "secret"), *rules, QUOTA_RULE5="x", QUOTA_RULE32="x")[1],
         "QUOTA_RULE2=Trash:ignore\nQUOTA_RULE3=My folder:ignore\nQUOTA_RULE4=A:bytes=+5\nQUOTA_RULE=*:storage=1G\n")
    os.unlink(i.path + "/etc/quota-rule")
    same("an old quota does not stay", auth(i, creds("yes@example.test", "secret"), *show, QUOTA_RULE="x")[1].split()[4], "-")
    same("a login without a domain", auth(i, creds("bare-login", "secret"))[0], 0)
    same("no home", auth(i, creds("homeless@example.test", "secret"))[0], 111)
    same("never root", auth(i, creds("root@example.test", "secret"))[0], 111)
    same("ids that are none", auth(i, creds("badids@example.test", "secret"))[0], 111)
    same("another uid without root", auth(i, creds("other@example.test", "secret"))[0], 0 if ROOTLY else 111)
    if ROOTLY:
        same("a uid below the least", auth(i, creds("low@example.test", "secret"))[0], 111)
        i.set("account-uid-min", "50")
        same("by setting", auth(i, creds("low@example.test", "secret"))[0], 0)
        same("never root's group", auth(i, creds("nogroup@example.test", "secret"))[0], 111)
        same("no ids as root", auth(i, creds("noids@example.test", "secret"))[0], 111)
    else:
        same("no ids: our own", auth(i, creds("noids@example.test", "secret"))[0], 0)

    same("the program's exit code", auth(i, creds("yes@example.test", "secret"), "sh", "-c", "exit 17")[0], 17)
    same("no such program", auth(i, creds("yes@example.test", "secret"), "/no/such")[0], 111)
    for data, why in ((b"", "nothing"), (b"a", "no NUL"), (b"a\0", "no password"), (b"a\0b", "password without NUL"),
                      (b"a\0" + b"b" * 510 + b"\0\0", "more than 512 bytes")):
        same(f"misused: {why}", auth(i, data)[0], 2)
    same("exactly 512 bytes", auth(i, b"a\0" + b"b" * 508 + b"\0\0")[0], 1)
    got = subprocess.run(["auth-file"], capture_output=True, env=environment())
    same("misused: no program", got.returncode, 2)
    got = subprocess.run(["sh", "-c", "exec auth-file true 3<&-"], capture_output=True, env=environment(POSTERN_DIR=i.path))
    same("misused: no descriptor 3", got.returncode, 2)

    trusted = dict(AUTHORIZED="1", POSTERN_MECHANISM="EXTERNAL")
    same("AUTHORIZED by a login parent", auth(i, creds("yes@example.test", ""), *show, **trusted)[1].split()[5], "2")
    same("AUTHORIZED, no such account", auth(i, creds("nobody@example.test", ""), **trusted)[0], 3)
    same("AUTHORIZED, nologin", auth(i, creds("nologin@example.test", ""), **trusted)[0], 1)
    same("AUTHORIZED from anywhere else", auth(i, creds("yes@example.test", ""), AUTHORIZED="1")[0], 1)

    def cost(login):  # processor time, which other work does not add to
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        auth(i, creds(login, "wrong"))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    a, b, c = map(min, zip(*[[cost(n + "@example.test") for n in ("yes", "nobody", "star")] for _ in range(8)]))
    ok(max(a, b, c) < 1.5 * min(a, b, c), "unknown, locked and wrong take the same time", (a, b, c))

    os.unlink(i.path + "/etc/users")
    same("no users at all: refused", auth(i, creds("yes@example.test", "secret"))[0], 1)
    os.mkdir(i.path + "/etc/users")
    same("users cannot be read: temporary", auth(i, creds("yes@example.test", "secret"))[0], 111)

# The whole way: login program, auth-file, session.
with Instance(login_delay=0) as i:
    home = i.path + "/mail/example.test/alice"
    os.makedirs(home)
    if ROOTLY:
        os.chown(home, ME, ME)
    i.set("users", f"alice@example.test:{yes}:{IDS}::mail/example.test/alice:")
    with Login(i, "pop3-login", "auth-file", "pop3") as c:
        c.line()
        c.send(b"USER alice@example.test\r\nPASS wrong\r\nUSER nobody@example.test\r\nPASS x\r\n")
        same("refused alike", [c.line() for _ in range(4)][1::2], [b"-ERR [AUTH] Login name or password is wrong\r\n"] * 2)
        c.send(b"USER Alice@Example.test\r\nPASS secret\r\nSTAT\r\nQUIT\r\n")
        same("pop3 through auth-file", [c.line() for _ in range(4)],
             [b"+OK Now the password\r\n", b"+OK Logged in\r\n", b"+OK 0 0\r\n", b"+OK Bye\r\n"])
    same("the Maildir is the account's", os.stat(home + "/Maildir").st_uid, ME)
done()
