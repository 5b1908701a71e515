#!/usr/bin/env python3
"""The system's accounts as users: who counts, in which domains, what comes before them, and who checks their passwords. Needs root: the
accounts are in a passwd of this test's own, mounted over the other in a namespace."""
import atexit, ctypes, os, socket, stat, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from instance import wait_for
from mdalocal import BIN, PROGRAM, Client, Instance, LIMIT, Tap, need_root

need_root()
CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_BIND = 0x20000, 0x4000, 1 << 18, 4096
libc = ctypes.CDLL(None, use_errno=True)
i = Instance(users="shared@example.test: x:23470:23470:::\nfiled: {PLAIN}secret:23456:23456::mail/filed:/bin/sh:\n",
             aliases="aliased: shared\nownself: ownself, shared\nwhole@example.test: shared\n",
             domains="example.test:\nother.test:\nalso.test: alias:example.test\n")
os.chmod(i.dir, 0o755)
homes = i.path("home")
os.mkdir(homes)
PASSWD = [("root", 0, "root"), ("alice", 23456, "alice"), ("aliased", 23457, "aliased"), ("ownself", 23458, "ownself"), ("whole", 23459, "whole"),
          ("daemonic", 99, "daemonic"), ("homeless", 23460, "none"), ("theirs", 23461, "alice"), ("colon", 23462, "co:lon"), ("Upper", 23463, "Upper"), ("shared", 23464, "shared")]
with open(i.path("passwd"), "w") as f:
    for name, uid, home in PASSWD:
        f.write(f"{name}:x:{uid}:{uid}:{name}:{homes}/{home}:/bin/sh\n")
        if name not in ("homeless", "theirs", "root"):
            os.makedirs(f"{homes}/{home}", exist_ok=True)
            os.chown(f"{homes}/{home}", uid, uid)
if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) or \
        libc.mount(i.path("passwd").encode(), b"/etc/passwd", None, MS_BIND, None):
    print(f"1..0 # SKIP no mount namespace here: {os.strerror(ctypes.get_errno())}")
    i.done()
    sys.exit(0)
tap = Tap()
ok, none = "250 2.1.5", "550 5.1.1"


def replies(rows, **settings):
    for name, value in settings.items():
        i.put(name.replace("_", "-"), value)
    c = Client(i, as_root=True)
    for address, wanted, why in rows:
        tap.like(c.mail([address])[0], "^" + wanted, f"{address}: {why}")
        c.cmd("RSET")
    c.quit()


replies([("alice@example.test", none, "the system is not asked unless lookup says so")])
replies([("alice@example.test", none, "example.test is not this host's name, and no system-domains says that it has accounts")], lookup="users: file system\n")
replies([("alice@example.test", ok, "now it is"), ("Alice+x@EXAMPLE.test", ok, "any case, a subaddress"), ("alice@also.test", ok, "by an alias domain"),
         ("alice@other.test", none, "a domain that system-domains does not have"), ("filed@example.test", ok, "a line of users without a domain"),
         ("root@example.test", none, "uid 0"), ("daemonic@example.test", none, "a uid below account-uid-min"), ("homeless@example.test", none, "its home is not there"),
         ("theirs@example.test", none, "its home is another's"), ("colon@example.test", none, "a home that users could not have"),
         ("Upper@example.test", none, "a login with capitals"), ("nobody@example.test", none, "whom this passwd does not have"),
         ("a/../b@example.test", none, "no name"), ("x" * 60 + "@example.test", none, "a long name")],
        system_domains="# comment\nExample.Test\n")
replies([("alice@example.test", none, "lookup without system")], lookup="users: file\n")
i.put("lookup", "users: file system\n")
tap.ok(not os.path.exists(f"{homes}/none"), "no home is made")

c = Client(i, as_root=True)
tap.eq(c.deliver([f"{n}@example.test" for n in ("alice", "aliased", "ownself", "whole")]), ["250 2.0.0 delivered"] * 4, "delivered")
c.quit()


def count(path):
    return len(os.listdir(path)) if os.path.isdir(path) else 0


tap.eq([count(f"{homes}/{n}/Maildir/new") for n in ("alice", "aliased", "ownself", "whole")], [1, 0, 1, 0],
       "an alias of the name, bare or whole, counts before the account; one that names itself means it")
st = os.stat(f"{homes}/alice/Maildir")
tap.eq((st.st_uid, stat.S_IMODE(st.st_mode)), (23456, 0o700), "the Maildir is the account's")
tap.eq(i.messages("shared") != [], True, "the file counts before the system")

# mda-local -l: one system-map for all connections of a server, and none behind it.


def maps():
    out = subprocess.run(["ps", "-eo", "pid=,ppid=,stat=,comm="], capture_output=True, text=True).stdout
    rows = [line.split(None, 3) for line in out.splitlines()]
    parents, family = {pid: ppid for pid, ppid, _, _ in rows}, set()
    for pid in parents:
        up = pid
        while up in parents and up != str(listener.pid):
            up = parents[up]
        family |= {pid} if up == str(listener.pid) else set()
    return [pid for pid, _, stat, name in rows if name == "system-map" and pid in family and stat[0] != "Z"]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


listening = socket.socket(socket.AF_UNIX)
listening.bind(i.path("lmtp"))
listening.listen(5)
listener = i.start([PROGRAM, "-l", "4"], as_root=True, stdin=listening, stdout=subprocess.DEVNULL)
atexit.register(listener.kill)
seen = set()
for n in range(3):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(LIMIT)
        s.connect(i.path("lmtp"))
        f = s.makefile("rw", newline="\r\n")
        said = [f.readline()[:3]]
        for word in ("LHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<alice@example.test>", "RCPT TO:<homeless@example.test>"):
            f.write(word + "\n")
            f.flush()
            while (line := f.readline())[3:4] == "-":
                pass
            said.append(line[:3])
        seen |= set(maps())
        f.write("QUIT\n")
        f.flush()
        f.read()
        f.close()
    tap.eq(said, ["220", "250", "250", "250", "550"], f"mda-local -l, connection {n + 1}")
tap.ok(1 <= len(seen) <= 3, "system-map stays with its server", seen)
pids = maps()
listener.terminate()
listener.wait(LIMIT)
listening.close()
wait_for(lambda: not any(map(alive, pids)), "it ends with the server")
tap.ok(True, "and ends with it")

# Logins. The checker wants the password backwards, and shows what it was told.
checker = i.path("checker")
with open(checker, "w") as f:
    f.write(f"""#!/usr/bin/env python3
import os, sys
user, password = os.read(3, 600).split(b"\\0")[:2]
open({i.path("told")!r}, "w").write(" ".join([os.fsdecode(user), str(os.getuid()), *sys.argv[1:]]))
print("noise")
sys.exit(111 if password == b"later" else 0 if password == user[::-1] else 1)
""")
os.chmod(checker, 0o755)


def login(name, password, **env):
    r, w = os.pipe()
    os.write(w, f"{name}\0{password}\0\0".encode())
    os.close(w)
    p = subprocess.run(["auth-file", "sh", "-c", "id -u; pwd; echo $USER $HOME $MAILDIR; ls /proc/self/fd | wc -l; ps -o stat= --ppid $$ | grep -c Z"],
                       preexec_fn=lambda: os.dup2(r, 3), pass_fds=[3], capture_output=True, text=True, timeout=LIMIT, env={**os.environ, "POSTERN_DIR": i.dir, **env})
    os.close(r)
    return p.returncode, p.stdout


def opened(home, user="alice"):
    return (1, f"23456\n{home}\n{user} {home} {home}/Maildir\n4\n0\n")  # the last grep's own exit code


tap.eq(login("alice", "ecila")[0], 1, "without a checker nobody has the right password")
i.put("password-checker", f"{checker} -v  mail\n")
for name in ("alice", "ALICE", "alice@example.test", "Alice@Example.test"):
    tap.eq(login(name, "ecila"), opened(f"{homes}/alice"), f"{name}: the system's account, no descriptor and no child more")
with open(i.path("told")) as f:
    tap.eq(f.read(), "alice 0 -v mail true", "the checker: the account's name, as root, its arguments and true")
for name, password, code, why in [("alice", "wrong", 1, "wrong"), ("alice", "later", 111, "the checker cannot tell"), ("alice", "", 1, "empty"),
                                  ("alice@other.test", "ecila", 1, "not in that domain"), ("root", "toor", 1, "uid 0"), ("daemonic", "cinomead", 1, "a low uid"),
                                  ("homeless", "sselemoh", 1, "no home"), ("theirs", "srieht", 1, "another's home"), ("nobody", "ydobon", 1, "unknown")]:
    tap.eq(login(name, password)[0], code, f"{name}, {password!r}: {why}")
i.put("plain-passwords", "yes\n")
os.makedirs(i.path("mail/filed"), exist_ok=True)
tap.eq(login("filed@example.test", "secret"), opened(i.path("mail/filed"), "filed"), "a line of users without a domain, by its address")
tap.eq(login("alice", "", AUTHORIZED="1", POSTERN_MECHANISM="EXTERNAL"), opened(f"{homes}/alice"), "proved otherwise: the checker is not asked")
i.put("password-checker", "/no/such/program\n")
tap.eq(login("alice", "ecila")[0], 111, "a checker that is not there: try later")

# What it needs is there, or the answer is "later".
path = i.path("bin")
os.mkdir(path)
for program in ("mda-local", "auth-file"):
    os.symlink(os.path.join(BIN, program), os.path.join(path, program))
c = Client(i, as_root=True, PATH=f"{path}:/usr/bin:/bin")
tap.like(c.mail(["alice@example.test"])[0], "^451 4.3.0", "no system-map in PATH: 451, not 550")
c.quit()
p = subprocess.run(["system-map"], input=b"12:passwd alice,9:passwd zz;", capture_output=True, timeout=LIMIT, env={**os.environ, "POSTERN_DIR": i.dir})
line = f"OK x:23456:23456::{homes}/alice:/bin/sh:".encode()
tap.eq((p.returncode, p.stdout), (100, b"%d:%b," % (len(line), line)), "system-map by hand; what is no netstring ends it")
for data, code in ((b"", 0), (b"9999:", 100), (b"x", 100), (b"5:abc", 100), (b"3:a b,", 0)):
    p = subprocess.run(["system-map"], input=data, capture_output=True, timeout=LIMIT, env={**os.environ, "POSTERN_DIR": i.dir})
    tap.eq(p.returncode, code, f"system-map: {data!r}")
tap.eq(p.stdout, b"31:PERM there is no map but passwd,", "its one map is passwd")
i.done()
tap.done()
