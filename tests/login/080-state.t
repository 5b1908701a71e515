#!/usr/bin/env python3
"""What login programs remember between connections: passwords that were right, failures, how many
sessions a login has; and the lines that fail2ban reads."""
import base64, os, re, shutil, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from loginpair import *

ROOTLY = os.geteuid() == 0
ME, GROUP = (12345, 12345) if ROOTLY else (os.getuid(), os.getgid())


def hashed(password, *option):
    return subprocess.run(["auth-file", *(option or ("-h",))], input=password + "\n", capture_output=True, text=True, check=True, env=environment()).stdout.strip()


HASH_KIB = 64 << 10  # that the hashes of users() fill


def peak(instance, login, password, **env):
    """auth-file's exit code, and the most memory that it had, in KiB."""
    r, w = os.pipe()
    os.write(w, f"{login}\0{password}\0\0".encode())
    os.close(w)
    pid = os.fork()
    if not pid:
        os.dup2(r, 3)
        os.set_inheritable(3, True)
        os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        os.execvpe("auth-file", ["auth-file", "true"], environment(POSTERN_DIR=instance.path, **env))
    os.close(r)
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss


def auth(instance, login, password, **env):
    """auth-file's exit code, and whether it made a hash: seen by its memory, which no other work on the machine changes."""
    code, kib = peak(instance, login, password, **env)
    return code, kib > peak(instance, login, "", AUTHORIZED="1", POSTERN_MECHANISM="EXTERNAL", **env)[1] + HASH_KIB // 2


def users(instance, password="secret"):
    hash = crypt(password)
    os.makedirs(instance.path + "/home", exist_ok=True)
    os.chown(instance.path + "/home", ME, GROUP)
    instance.set("users", "\n".join(f"{n}:{hash}:{ME}:{GROUP}::home::{x}" for n, x in (("alice", ""), ("bob", ""), ("carol", "nologin"), ("dora", "allow_nets=192.0.2.0/24"), ("eve", "allow_nets=local"))))
    os.chmod(instance.path + "/etc/users", 0o600)


def crypt(password):
    """yescrypt with HASH_KIB of memory, by libcrypt itself."""
    import ctypes
    lib = ctypes.CDLL("libcrypt.so.1")
    lib.crypt.restype = ctypes.c_char_p
    return "{CRYPT}" + lib.crypt(password.encode(), b"$y$jBT$aaaaaaaaaaaaaaaa").decode()


# ---- passwords that were right a moment ago ------------------------------------------------------

with Instance() as i:
    users(i)
    name = i.path + "/run/auth/passwords"
    same("without run/ nothing is remembered", (auth(i, "alice", "secret")[0], os.path.exists(i.path + "/run")), (0, False))
    os.mkdir(i.path + "/run")
    same("the second time costs no hash", [auth(i, "alice", "secret") for _ in range(2)], [(0, True), (0, False)])
    same("nobody else may read it", [os.stat(p).st_mode & 0o777 for p in (name, os.path.dirname(name))], [0o600, 0o700])
    ok(b"secret" not in open(name, "rb").read() and b"alice" not in open(name, "rb").read(), "nor would it tell much")
    same("another password", auth(i, "alice", "secres")[0], 1)
    same("another's password", auth(i, "bob", "secret")[0], 0)
    same("whatever the case", auth(i, "ALICE", "secret"), (0, False))
    same("an account that is locked meanwhile", (auth(i, "carol", "secret")[0], auth(i, "carol", "secret")[0]), (1, 1))
    for login, ip, want in (("dora", "192.0.2.77", 0), ("dora", "192.0.3.1", 1), ("dora", "", 1), ("eve", "192.0.2.77", 1)):
        same(f"{login} from {ip or 'nowhere'}, however cheap", [auth(i, login, "secret", TCPREMOTEIP=ip)[0] for _ in range(2)], [want] * 2)
    env = environment()
    r, w = os.pipe()
    os.write(w, b"eve\0secret\0\0"), os.close(w)
    local = {k: v for k, v in environment(POSTERN_DIR=i.path).items() if not k.startswith("TCP")}
    got = subprocess.run(["auth-file", "true"], pass_fds=[3], preexec_fn=lambda: os.dup2(r, 3), env=local)
    same("eve, who is local", got.returncode, 0)
    users(i, "newer")
    same("a new password ends the old one", (auth(i, "alice", "secret")[0], auth(i, "alice", "newer")[0]), (1, 0))
    same("and is remembered itself", auth(i, "alice", "newer"), (0, False))

    with open(name, "r+b") as f:  # half a record of somebody else's
        size = os.fstat(f.fileno()).st_size
        f.seek(104)
        data = bytearray(f.read())
        for at in range(0, len(data), 40):
            data[at] ^= 1
        f.seek(104)
        f.write(data)
    same("a torn record is no yes", (auth(i, "alice", "newex"), auth(i, "alice", "newer")), ((1, True), (0, True)))
    same("and the next is whole", auth(i, "alice", "newer"), (0, False))
    ok(size < 1 << 18, "its size is bounded", size)
    inode = os.stat(name).st_ino
    with open(name, "r+b") as f:  # another boot
        f.seek(8)
        f.write(b"x")
    ok(auth(i, "alice", "newer") == (0, True) and os.stat(name).st_ino != inode, "a new boot begins with a new file")
    inode = os.stat(name).st_ino
    with open(name, "r+b") as f:
        f.write((int(time.time()) - 86401).to_bytes(8, "little"))
    ok(auth(i, "alice", "newer") == (0, True) and os.stat(name).st_ino != inode, "and so does a new day")
    os.chmod(name, 0o644)
    same("a file that others may read is not used", auth(i, "alice", "newer"), (0, True))
    os.chmod(name, 0o600)
    with open(name, "wb") as f:
        f.write(b"x" * 50)
    same("nor one that is none", auth(i, "alice", "newer"), (0, True))
    i.set("auth-cache-seconds", "0")
    ok(auth(i, "alice", "newer") == (0, True) and not os.path.exists(name), "off by one setting, which removes it")
    i.set("auth-cache-seconds", "2")
    auth(i, "alice", "newer")
    seen = time.monotonic()
    ok(not auth(i, "alice", "newer")[1] or time.monotonic() - seen > 1, "remembered for two seconds, the first a part of one")
    ok(wait_for(lambda: auth(i, "alice", "newer")[1]), "and no more")
    i.set("auth-cache-seconds", "many")
    same("a bad setting", auth(i, "alice", "newer")[0], 100)

# ---- sessions of one login -----------------------------------------------------------------------

OTHER = {"TCPREMOTEIP": "127.0.0.2"}


def login(c, kind, user="alice", password="secret"):
    if kind == "imap":
        return c.ask(f"a LOGIN {user} {password}\r\n".encode())
    if kind == "managesieve":
        return c.ask(b'AUTHENTICATE "PLAIN" "' + base64.b64encode(f"\0{user}\0{password}".encode()) + b'"\r\n')
    if kind == "pop3":
        c.ask(f"USER {user}\r\n".encode())
        return c.ask(f"PASS {password}\r\n".encode())
    return c.ask(b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()) + b"\r\n")


def start(i, kind, program=(CHECK, "plain"), session=SESSION, **env):
    c = Login(i, *{"imap": ("imap-login",), "pop3": ("pop3-login",), "managesieve": ("managesieve-login",), "smtp": ("smtp-recv", "-s")}[kind], *program, "true" if kind == "smtp" else session, **env)
    while c.line().startswith(b'"'):
        pass
    if kind == "smtp":
        c.send(b"EHLO x\r\n")
        while c.line()[3:4] == b"-":
            pass
    return c


for kind, yes, limit in (("imap", b"a OK", b"a NO [LIMIT] Too many connections of this user\r\n"), ("pop3", b"- OK", b"-ERR [IN-USE] Too many connections of this user\r\n"),
                         ("managesieve", b"- OK", b'NO (TRYLATER) "Too many connections of this user"\r\n'),
                         ("smtp", b"235 ", b"454 4.7.0 too many connections of this user, try later\r\n")):
    with Instance(login_delay=0, **{kind + "_user_connections": 2}) as i:
        os.mkdir(i.path + "/run")
        one, two = start(i, kind), start(i, kind)
        same(f"{kind}: the first two", (login(one, kind)[:4], login(two, kind)[:4]), (yes, yes))
        with start(i, kind) as three:
            same(f"{kind}: the third is told", login(three, kind, "ALICE"), limit)
            ok("event=limit user=ALICE" in three.log(), f"{kind}: which is logged", three.log())
            same(f"{kind}: a wrong password is told nothing else", login(three, kind, "alice", "x") != limit, True)
            same(f"{kind}: another login has its own", login(three, kind, "bob")[:4], yes)
        with start(i, "smtp" if kind == "imap" else "imap") as other:
            same(f"{kind}: another service counts for itself", login(other, "smtp" if kind == "imap" else "imap")[:4], b"235 " if kind == "imap" else b"a OK")
        two.socket.close()
        two.process.wait(timeout=LIMIT)
        with start(i, kind) as four:
            same(f"{kind}: when one has ended there is room", login(four, kind)[:4], yes)
        one.process.kill()
        one.process.wait()
        with start(i, kind) as five, start(i, kind) as six:
            same(f"{kind}: also when one was killed", (login(five, kind)[:4], login(six, kind)[:4]), (yes, yes))
        one.socket.close()
        with Instance(login_delay=0, **{kind + "_user_connections": 0}) as free, start(free, kind) as a, start(free, kind) as b:
            os.mkdir(free.path + "/run")
            same(f"{kind}: 0 is no limit", (login(a, kind)[:4], login(b, kind)[:4]), (yes, yes))
# The real session goes without a byte.
with Instance(login_delay=0, imap_user_connections=1, auth_cache_seconds=0) as i:
    os.mkdir(i.path + "/run")
    os.mkdir(i.path + "/home")
    os.chown(i.path + "/home", ME, GROUP)
    i.set("users", f"alice:{hashed('secret')}:{ME}:{GROUP}::home:")
    os.chmod(i.path + "/etc/users", 0o600)
    with start(i, "imap", ("auth-file",), "imap") as a, start(i, "imap", ("auth-file",), "imap") as b:
        ok(login(a, "imap").startswith(b"a OK"), "imap itself")
        same("a second session of imap's", login(b, "imap"), b"a NO [LIMIT] Too many connections of this user\r\n")
        same("the connection is as it was", b.ask(b"b NOOP\r\n"), b"b OK NOOP completed\r\n")
        a.socket.close()
        a.process.wait(timeout=LIMIT)
        ok(login(b, "imap").startswith(b"a OK"), "and gets in later")

# ---- failures ------------------------------------------------------------------------------------


def timed(i, ip, user="bob", tries=20):
    """The best of so many logins, in seconds, or the first below 0.5: above they were held back."""
    best = 9
    for _ in range(tries):
        if best < 0.5:
            break
        with start(i, "smtp", ("auth-file",), TCPREMOTEIP=ip) as c:
            begin = time.monotonic()
            line = login(c, "smtp", user)
            best = min(best, time.monotonic() - begin) if line.startswith(b"235") else 9
    return best


def fails(i, ip, user, passwords, **env):
    """Each on a connection of its own; who guesses does not wait for the answer."""
    guesses = [start(i, "smtp", ("auth-file",), TCPREMOTEIP=ip, **env) for _ in passwords]
    for c, p in zip(guesses, passwords):
        c.send(b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{p}".encode()) + b"\r\n")
    for c in guesses:
        c.logged("event=refused")
        c.process.kill()
        c.__exit__()


with Instance(login_delay=150, login_attempts=100) as i:
    i.set("cleartext-networks", "192.0.2.0/24\n2001:db8::/32\n198.51.100.0/24")
    i.set("login-trusted-networks", "198.51.100.0/24")
    i.set("plain-passwords", "yes")
    os.mkdir(i.path + "/home")
    os.chown(i.path + "/home", ME, GROUP)
    i.set("users", "".join(f"{n}:{{PLAIN}}secret:{ME}:{GROUP}::home:\n" for n in ("alice", "bob")))
    os.chmod(i.path + "/etc/users", 0o600)
    os.mkdir(i.path + "/run")
    fails(i, "192.0.2.1", "alice", [f"x{n}" for n in range(8)])  # 3 beyond the free ones: 600 ms
    fails(i, "2001:db8::1", "u1", [f"y{n}" for n in range(8)])
    fails(i, "192.0.2.9", "u2", ["same"] * 8)
    for ip in "127.0.0.1", "198.51.100.1":
        fails(i, ip, "u" + ip[:3], [f"z{n}" for n in range(8)])
    for what, ip, user, slow in (
            ("from where it failed", "192.0.2.1", "bob", True), ("from elsewhere", "192.0.2.2", "bob", False),
            ("the account that failed, from elsewhere", "192.0.2.3", "alice", True),
            ("beside where it failed in a /64", "2001:db8::2", "bob", True), ("from another /64", "2001:db8:0:1::1", "bob", False),
            ("where the same wrong password came", "192.0.2.9", "bob", False),
            ("loopback is not counted", "127.0.0.1", "bob", False), ("nor a trusted network", "198.51.100.1", "bob", False)):
        got = timed(i, ip, user, 3 if slow else 20)
        ok((got > 0.5) == slow, f"a right password {what}: {'slow' if slow else 'at once'}", got)
    with start(i, "smtp", ("auth-file",), TCPREMOTEIP="192.0.2.3") as c:
        login(c, "smtp", "alice")
        ok(re.search(r"event=slowed user=alice ip=192\.0\.2\.3 ms=\d{3,4}\n", c.log()), "a check that is held back is logged", c.log())
    size = os.stat(i.path + "/run/auth/failures").st_size
    same("the table has its size", size, 16384 * 8)
    ok(os.stat(i.path + "/run/auth/failures").st_blocks * 512 >= size, "and its blocks")
    shutil.rmtree(i.path + "/run/auth")
    ok(timed(i, "192.0.2.1") < 0.5, "what is removed is forgotten")
    with start(i, "smtp", ("auth-file",), TCPREMOTEIP="192.0.2.1") as c:
        shutil.rmtree(i.path + "/run/auth")
        os.makedirs(i.path + "/run/auth/failures")
        got = login(c, "smtp", "bob")
        ok(got.startswith(b"235") and "event=no-state file=failures" in c.log(), "what cannot be used is logged, and no more", c.log())

# ---- the log, for fail2ban -----------------------------------------------------------------------

with Instance(login_delay=0, login_attempts=3) as i:
    with start(i, "imap") as c:
        for user in b"alice", b'"a b"', b'"x\\" ip=192.0.2.99 tls=no"':
            c.ask(b"a LOGIN " + user + b" x\r\n")
        log = c.log()
    with start(i, "pop3") as c:
        login(c, "pop3", "alice", "x"), login(c, "pop3", "alice", "secret")
        log += c.log()
    with start(i, "smtp", TCPREMOTEIP="::1") as c:
        login(c, "smtp", "alice", "x")
        log += c.log()
    with start(i, "managesieve") as c:
        login(c, "managesieve", "alice", "x")
        log += c.log()
    same("refusals are logged", log.count("event=refused"), 6)
    top = os.path.join(ROOT, "scripts/fail2ban/filter.conf")
    if shutil.which("fail2ban-regex"):
        stamped = os.path.join(i.path, "current")
        with open(stamped, "w") as f:
            f.writelines(f"2026-11-22 04:00:0{n % 10}.123456789  {l}\n" for n, l in enumerate(log.splitlines()))
        got = subprocess.run(["fail2ban-regex", "-o", "ip", stamped, top], capture_output=True, text=True)
        same("fail2ban sees six, with the right address", sorted(got.stdout.split()), ["127.0.0.1"] * 5 + ["::1"])
    else:
        print("# fail2ban-regex is not installed: fail2ban reading the log is skipped")
done()
