#!/usr/bin/env python3
"""Logins of accounts in a directory: passwords, SCRAM keys, and the example server of doc/directories.md. A directory that cannot tell is
"try later", never a refusal and never a login."""
import base64, os, re, shutil, sqlite3, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from directory import Directory, end, hang, netstring
from loginpair import *
from saslclient import Scram

ROOTLY = os.geteuid() == 0
ME = 12345 if ROOTLY else os.getuid()
IDS = f"{ME}:{12345 if ROOTLY else os.getgid()}"
with Instance(login_delay=0, sasl_scram="yes", plain_passwords="yes", lookup_seconds=20) as i:
    os.mkdir(i.path + "/run")
    home = i.path + "/mail/example.test/alice"
    os.makedirs(home)
    if ROOTLY:
        os.chown(home, ME, ME)
    keys = subprocess.run(["auth-file", "-s"], input="secret", capture_output=True, text=True, env=environment(POSTERN_DIR=i.path)).stdout.strip()
    line = f"{{PLAIN}}secret:{IDS}::mail/example.test/alice::{keys}"
    users = {"alice@example.test": line}
    d = Directory({"users": users}, i.path + "/run/dir/sock")
    i.set("users", "filed@example.test: {PLAIN}secret")
    i.set("lookup", "users: file socketmap:unix:run/dir/sock:users")

    def auth(login, password):
        r, w = os.pipe()
        os.write(w, f"{login}\0{password}\0\0".encode())
        os.close(w)
        got = subprocess.run(["auth-file", "sh", "-c", "echo $USER; ls /proc/self/fd | wc -l"], pass_fds=[3], preexec_fn=lambda: os.dup2(r, 3),
                             capture_output=True, text=True, timeout=LIMIT, env=environment(POSTERN_DIR=i.path))
        os.close(r)
        return got.returncode, got.stdout

    same("the right password", auth("Alice@Example.test", "secret"), (0, "alice@example.test\n4\n"))
    same("a wrong one", auth("alice@example.test", "wrong")[0], 1)
    same("NOTFOUND: refused", auth("nobody@example.test", "secret")[0], 1)
    for name, said in (("TEMP", netstring(b"TEMP x")), ("TIMEOUT", netstring(b"TIMEOUT x")), ("PERM", netstring(b"PERM x")), ("its end", end), ("garbage", b"hello\r\n"),
                       ("another's line in front", netstring(b"OK " + line.encode()) * 2), ("a NUL in it", netstring(b"OK " + line.encode() + b"\0"))):
        users["alice@example.test"] = said
        same(f"{name}: try later", auth("alice@example.test", "secret")[0], 111)
        same(f"{name}: also for whoever has no such password", auth("alice@example.test", "wrong")[0], 111)
    i.set("lookup-seconds", 1)
    users["alice@example.test"] = hang
    same("no answer: try later", auth("alice@example.test", "secret")[0], 111)
    i.set("lookup-seconds", 20)
    users["alice@example.test"] = ""
    same("a line without a password is locked", auth("alice@example.test", "")[0], 1)

    def pop3(password):
        with Login(i, "pop3-login", "auth-file", "pop3") as c:
            c.line()
            c.send(f"USER alice@example.test\r\nPASS {password}\r\n".encode())
            c.line()
            return c.line()

    def scram(login, password="secret"):
        with Login(i, "pop3-login", "auth-file", "pop3") as c:
            c.line()
            s = Scram(login, password)
            said = c.ask(b"AUTH SCRAM-SHA-256 " + base64.b64encode(s.first()) + b"\r\n")
            if not said.startswith(b"+ "):
                return said
            said = c.ask(base64.b64encode(s.final(base64.b64decode(said[2:]))) + b"\r\n")
            if said.startswith(b"+ "):
                said = c.ask(b"\r\n") if s.verify(base64.b64decode(said[2:])) else b"bad signature"
            return said

    users["alice@example.test"] = line
    same("pop3 by password", pop3("secret"), b"+OK Logged in\r\n")
    ok(pop3("wrong").startswith(b"-ERR [AUTH]"), "and by a wrong one")
    same("SCRAM with keys of the directory", scram("alice@example.test"), b"+OK Logged in\r\n")
    ok(scram("alice@example.test", "wrong").startswith(b"-ERR [AUTH]"), "and with a wrong password")
    ok(scram("nobody@example.test").startswith(b"-ERR [AUTH]"), "and of nobody")
    users["alice@example.test"] = netstring(b"TEMP x")
    ok(pop3("secret").startswith(b"-ERR [SYS/TEMP]"), "TEMP: pop3 says so")
    ok(scram("alice@example.test").startswith(b"-ERR [SYS/TEMP]"), "by SCRAM, too")
    # Letters and their composition, in the file and typed.
    i.set("users", "BU\u0308cher@B\u00fccher.test: {PLAIN}secret:%s::mail/example.test/alice" % IDS)
    for login in ("b\u00fccher@b\u00fccher.test", "B\u00dcCHER@xn--bcher-kva.test", "bu\u0308cher@BU\u0308CHER.TEST"):
        same(f"{login}: the same account", auth(login, "secret")[0], 0)
    same("bucher is another", auth("bucher@b\u00fccher.test", "secret")[0], 1)
    d.close()

    # The example of the page, as it stands there.
    if shutil.which("s6-ipcserver"):
        with open(os.path.join(ROOT, "doc/directories.md"), encoding="utf-8") as f:
            program = re.search("```python\n(.*?)```", f.read(), re.S)[1]
        server, database, place = (i.path + "/" + n for n in ("directory.py", "db", "run/sql"))
        with open(server, "w") as f:
            f.write(program)
        os.chmod(server, 0o755)
        with sqlite3.connect(database) as db:
            db.executescript("CREATE TABLE users (address, hash, uid, gid, home); CREATE TABLE aliases (address, targets); CREATE TABLE domains (name)")
            db.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?)", ("o'neil@example.test", "{PLAIN}secret", *IDS.split(":"), home))
            db.execute("INSERT INTO aliases VALUES ('sales@example.test', 'o''neil')")
        p = subprocess.Popen(["s6-ipcserver", "-1", "-a", "0600", place, server, database], stdout=subprocess.PIPE)
        p.stdout.readline()
        i.set("lookup", f"users: socketmap:unix:{place}:users\naliases: socketmap:unix:{place}:aliases\nroutes: socketmap:unix:{place}:routes\n")
        same("doc/directories.md's server: an account in SQL", auth("O'Neil@example.test", "secret"), (0, "o'neil@example.test\n4\n"))
        same("and who is not in it", auth("nobody@example.test", "secret")[0], 1)
        for table, key, code, out in (("aliases", "Sales@example.test", 0, "o'neil\n"), ("aliases", "x", 100, ""), ("routes", "x", 111, "")):
            got = subprocess.run(["postern-tables", "-q", table, key], capture_output=True, text=True, env=environment(POSTERN_DIR=i.path))
            same(f"postern-tables -q {table} {key}", (got.returncode, got.stdout), (code, out))
        os.unlink(database)
        same("without its database: try later", auth("o'neil@example.test", "secret")[0], 111)
        p.terminate()
        p.wait()
    else:
        ok(True, "the example # SKIP no s6-ipcserver")
    if shutil.which("cdb"):
        i.set("lookup", "users: cdb:accounts.cdb")
        subprocess.run(["cdb", "-c", "-m", i.path + "/accounts.cdb"], input=f"carol@example.test {{PLAIN}}secret:{IDS}::mail/example.test/alice\n", text=True, check=True)
        same("a cdb that tinycdb has made", auth("Carol@example.test", "secret")[0], 0)
    else:
        ok(True, "a cdb # SKIP no tinycdb")
done()
