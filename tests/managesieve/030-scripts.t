#!/usr/bin/env python3
"""What is on disk: Dovecot's layout, an active script that was put there by hand, links, long names, what others have put
into the folder; sessions at once; what a session cannot reach."""
import os, shutil, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import sievewire
from instance import Tap

tap = Tap()
top = tempfile.mkdtemp(prefix="postern-sieve.")
os.chmod(top, 0o755)
UID = 12345 if os.getuid() == 0 else os.getuid()


def same(got, want, name):
    tap.ok(got == want, name, f"got  {got!r}", f"want {want!r}")


class Home:
    """A home, and sessions in it as its owner."""

    def __init__(self, name):
        self.path = os.path.join(top, name)
        self.instance = os.path.join(top, name + ".instance")
        os.makedirs(self.path + "/Maildir/cur")
        os.makedirs(self.instance + "/etc")
        self.log = self.path + ".log"
        self.own()

    def own(self):
        if os.getuid() == 0:
            subprocess.check_call(["chown", "-hR", f"{UID}:{UID}", self.path])

    def session(self, **more):
        argv = ["managesieve"] if os.getuid() else ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "managesieve"]
        with open(self.log, "ab") as log:
            return sievewire.Session(argv, log=log, HOME=self.path, USER="alice@example.test", POSTERN_DIR=self.instance, **more)

    def write(self, name, text):
        with open(os.path.join(self.path, name), "w") as f:
            f.write(text)
        self.own()

    def link(self):
        try:
            return os.readlink(self.path + "/.dovecot.sieve")
        except OSError:
            return None

    def text(self, name):
        with open(os.path.join(self.path, name)) as f:
            return f.read()


# ---- a script that was put there by hand (Dovecot moves it into the folder, too)

h = Home("byhand")
h.write(".dovecot.sieve", "keep; # mine\n")
with h.session() as s:
    same(s.list(), {"dovecot.orig": True}, "a plain .dovecot.sieve is listed")
    same(h.link(), None, "and is left as it is")
    same(s.command('HAVESPACE "x" 5')[1][:2], b"OK", "HAVESPACE does not touch it either")
    same(s.get("dovecot.orig"), b"keep; # mine\n", "it can be read")
    same((h.link(), h.text("sieve/dovecot.orig.sieve")), ("sieve/dovecot.orig.sieve", "keep; # mine\n"), "which makes it one like others")
    same(s.command('DELETESCRIPT "dovecot.orig"')[1][:11], b"NO (ACTIVE)", "and the active one")
    os.unlink(h.path + "/.dovecot.sieve")
    h.write(".dovecot.sieve", "stop; # another\n")
    same(s.list(), {"dovecot.orig": False, "dovecot.orig-2": True}, "another one, while the session lasts")
    s.put("new", "keep;")
    s.ok('SETACTIVE "new"')
    same(s.list(), {"dovecot.orig": False, "dovecot.orig-2": False, "new": True}, "SETACTIVE keeps it")
    same(h.text("sieve/dovecot.orig-2.sieve"), "stop; # another\n", "whole")
    os.unlink(h.path + "/.dovecot.sieve")
    h.write(".dovecot.sieve", "keep; # third\n")
    s.ok('SETACTIVE ""')
    same((h.link(), os.path.lexists(h.path + "/.dovecot.sieve"), h.text("sieve/dovecot.orig-3.sieve")), (None, False, "keep; # third\n"), 'SETACTIVE "" keeps it, inactive')

# ---- links

h = Home("links")
h.write("elsewhere.sieve", "keep;\n")
os.symlink("elsewhere.sieve", h.path + "/.dovecot.sieve")
with h.session() as s:
    same(s.list(), {}, "an active script elsewhere is not one of these")
    s.put("a", "keep;")
    s.ok('SETACTIVE "a"')
    same((h.link(), h.text("elsewhere.sieve")), ("sieve/a.sieve", "keep;\n"), "SETACTIVE leaves it where it is")
    for target in h.path + "/sieve/a.sieve", "./sieve/a.sieve", "../links/sieve//a.sieve":
        os.unlink(h.path + "/.dovecot.sieve")
        os.symlink(target, h.path + "/.dovecot.sieve")
        same(s.list(), {"a": True}, f"a link to {target.replace(top, '...')}")
        same(s.command('DELETESCRIPT "a"')[1][:11], b"NO (ACTIVE)", "is the active one")
    os.unlink(h.path + "/.dovecot.sieve")
    os.symlink("sieve/gone.sieve", h.path + "/.dovecot.sieve")
    same(s.list(), {"a": False}, "a link to nothing")
    same(s.command('SETACTIVE "gone"')[1][:15], b"NO (NONEXISTENT", "SETACTIVE of nothing")
    s.put("gone", "stop;")
    same(s.list(), {"a": False, "gone": True}, "until it is there")
    s.ok('SETACTIVE ""')
    same(s.command('SETACTIVE ""')[1][:2], b"OK", "none was active")
shutil.rmtree(h.path + "/sieve")
os.makedirs(h.path + "/rules")
os.symlink("rules", h.path + "/sieve")
h.own()
with h.session() as s:
    s.put("b", "keep;")
    s.ok('SETACTIVE "b"')
    same((h.text("rules/b.sieve"), s.list()), ("keep;", {"b": True}), "the folder itself may be a link")

# ---- what others put there

h = Home("others")
os.makedirs(h.path + "/sieve/dir.sieve")
os.makedirs(h.path + "/sieve/.state")
for name, text in ("plain", "keep;"), ("no-suffix", "keep;"), ("wrong", "keep"), ("big", "#" * 2000000), ("x.y", "keep;"):
    h.write("sieve/" + name + ("" if name == "no-suffix" else ".sieve"), text)
h.write("sieve/.sieve", "keep;")
h.write("sieve/plain.sieve.code", "junk")
os.symlink("/etc/passwd", h.path + "/sieve/passwd.sieve")
os.symlink("nowhere", h.path + "/sieve/nowhere.sieve")
os.mkfifo(h.path + "/sieve/fifo.sieve")
os.makedirs(h.path + "/sieve/tmp")
h.write("sieve/tmp/old", "x")
h.write("sieve/tmp/young", "x")
os.utime(h.path + "/sieve/tmp/old", (1, 1))
with h.session() as s:
    same(s.list(), {"plain": False, "wrong": False, "big": False, "passwd": False, "x.y": False}, "plain files and what links lead to")
    same(s.command('GETSCRIPT "passwd"')[1][:13], b"NO (TRYLATER)", "but not what is out of reach")
    same(s.command('GETSCRIPT "fifo"')[1][:15], b"NO (NONEXISTENT", "a fifo keeps nobody waiting")
    same(s.command('GETSCRIPT "big"')[1][:18], b"NO (QUOTA/MAXSIZE)", "a script that is too large")
    same(s.command('SETACTIVE "big"')[1][:18], b"NO (QUOTA/MAXSIZE)", "cannot be active")
    tap.ok(b"line 1" in s.command('SETACTIVE "wrong"')[1] and h.link() is None, "nor one that is wrong")
    same(s.list()["plain"], False, "the session goes on")
    same(sorted(os.listdir(h.path + "/sieve/tmp")), ["young"], "what a killed session left an hour ago is removed")
    s.ok('RENAMESCRIPT "plain" "simple"')
    tap.ok(not os.path.exists(h.path + "/sieve/plain.sieve.code"), "compiled code goes with its script's name")

# ---- names that no file can have

h = Home("long")
names = ["x" * 249, "x" * 250, "\u20ac" * 128, "\U0001f600" * 128, "y" * 240 + "z" * 240 + ".sieve"]
with h.session() as s:
    for name in names:
        same(s.put(name, "keep; # " + name[:1])[:2], b"OK", f"PUTSCRIPT, {len(name.encode())} octets")
    same(s.list(), {name: False for name in names}, "LISTSCRIPTS")
    for name in names:
        s.ok(b"SETACTIVE " + sievewire.quote(name))
        same((s.list()[name], s.get(name)), (True, ("keep; # " + name[:1]).encode()), "SETACTIVE, GETSCRIPT")
        same(h.text(".dovecot.sieve"), "keep; # " + name[:1], "the link leads to it")
    s.ok(b"RENAMESCRIPT " + sievewire.quote(names[-1]) + b' "short"')
    same((s.list()["short"], h.link()), (True, "sieve/short.sieve"), "RENAMESCRIPT")
    for name in names[:-1]:
        s.ok(b"DELETESCRIPT " + sievewire.quote(name))
    same((s.list(), os.path.exists(h.path + "/sieve/.long")), ({"short": True}, False), "DELETESCRIPT leaves no directory")
    same(s.put("\U0001f600" * 128 + "x", "keep;")[:2], b"NO", "one more octet is too long")

# ---- sessions at once

h = Home("together")
errors = []


def work(number):
    with h.session() as s:
        for i in range(25):
            mine = f"s{number}"
            for done in (s.put(mine, f"keep; # {number} {i}"), s.command(f'SETACTIVE "{mine}"')[1],
                         s.command(f'RENAMESCRIPT "{mine}" "{mine}x"')[1], s.command(f'RENAMESCRIPT "{mine}x" "{mine}"')[1], s.put("shared", f"stop; # {number} {i}")):
                if not done.startswith(b"OK"):
                    errors.append(done)
            listed = s.list()
            if list(listed.values()).count(True) > 1:
                errors.append(listed)


watched, over = [], False


def look():
    """A link that is led elsewhere while it is followed may lead to a name that is gone: who looks again finds the new one."""
    for _ in range(20):
        try:
            return h.text(".dovecot.sieve")
        except FileNotFoundError:
            pass
    return "none"


def watch():
    while not over:
        text = look()
        if not text.startswith("keep; #"):
            watched.append(text)


with h.session() as s:
    s.put("s0", "keep; # 0")
    s.ok('SETACTIVE "s0"')
watcher = threading.Thread(target=watch)
watcher.start()
workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
for w in workers:
    w.start()
for w in workers:
    w.join()
over = True
watcher.join()
tap.ok(not errors, "three sessions change scripts: every change goes through, one is active", *errors[:3])
tap.ok(not watched, "whoever looks finds the active script whole, at every moment", *watched[:3])
with h.session() as s:
    same(sorted(s.list()), ["s0", "s1", "s2", "shared"], "what is left is what they left")
same(os.listdir(h.path + "/sieve/tmp"), [], "and nothing else")

h = Home("idler")
with h.session() as idler, h.session() as s:
    idler.put("long", "# a comment\r\n" * 70000)
    idler.send(b'GETSCRIPT "long"\r\n')
    idler.take(1)
    same(s.put("short", "keep;"), b'OK "Script stored"', "who does not read a script to its end keeps nobody waiting")

# ---- what a session cannot reach

h = Home("confined")
h.write("Maildir/cur/1.mail", "private")
with h.session() as s:
    s.put("a", "keep;")
    with open(h.log) as f:
        confined = "event=sandbox" not in f.read()
    if confined:
        os.symlink("../Maildir/cur/1.mail", h.path + "/sieve/mail.sieve")
        same((s.list(), s.command('GETSCRIPT "mail"')[1][:13]), ({"a": False, "mail": False}, b"NO (TRYLATER)"), "mail cannot be read")
        os.unlink(h.path + "/sieve/mail.sieve")
        children = open(f"/proc/{s.process.pid}/task/{s.process.pid}/children").read().split()
        same(len(children), 1, "one process beside it holds the link")
        for pid, what in (str(s.process.pid), "the session"), (children[0], "the link's process"):
            status = dict(x.split(":\t", 1) for x in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in x)
            same((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), what + " is confined")
        fds = sorted(os.readlink(f"/proc/{children[0]}/fd/{n}").split(":")[0] for n in os.listdir(f"/proc/{children[0]}/fd")) if not os.getuid() else []
        tap.ok(not fds or fds.count("socket") == 1 and h.path in fds, "and has neither the connection nor anything else", fds)
    else:
        tap.skip("what is out of reach", "no Landlock here")
end = time.monotonic() + 60
while confined and os.path.exists(f"/proc/{children[0]}") and time.monotonic() < end:
    time.sleep(0.01)
tap.ok(not confined or not os.path.exists(f"/proc/{children[0]}"), "which ends with it")

if os.getuid() == 0:
    h = Home("roots")
    done = subprocess.run(["managesieve"], env=dict(os.environ, HOME=h.path), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    tap.ok(done.returncode == 100 and "root" in done.stderr and not os.path.exists(h.path + "/sieve"), "root is not let into another's home", done)
shutil.rmtree(top)
tap.done()
