#!/usr/bin/env python3
"""Debian's ManageSieve clients through the whole chain with STARTTLS: sieve-connect (Perl) and sievelib (Python) store, list,
activate, fetch, rename and delete scripts, and show what is wrong with one."""
import os, shutil, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from tlsserver import *

INSTANCE, HOME, ENV, UID, GID = one_account()
# SCRAM for clients that know it; no password goes in clear from elsewhere.
keys = subprocess.run(["auth-file", "-s"], input="secret", capture_output=True, text=True).stdout.strip()
with open(INSTANCE + "/etc/users") as f:
    line = f.read().strip()
with open(INSTANCE + "/etc/users", "w") as f:
    f.write(f"{line}{keys}\n")
with open(INSTANCE + "/etc/sasl-scram", "w") as f:
    f.write("yes\n")
GOOD = 'require ["fileinto", "envelope"];\r\nif envelope :contains "to" "lists" {\r\n  fileinto "Lists";\r\n}\r\n'
server = TlsServer("alone", [], ["env", "TCPREMOTEIP=192.0.2.7", "managesieve-login", "auth-file", "managesieve"], ENV, launcher="ucspitlsd")


def local(name, text):
    path = os.path.join(T, name)
    with open(path, "w", newline="") as f:
        f.write(text)
    return path


def on_disk(name):
    with open(f"{HOME}/{name}", newline="") as f:
        return f.read()


def sieve_connect(*words, password="secret"):
    r, w = os.pipe()
    os.write(w, password.encode() + b"\n")
    os.close(w)
    done = subprocess.run(["sieve-connect", "--server", "127.0.0.1", "--port", str(server.port), "--user", "alice@example.test", "--passwordfd", str(r),
                           "--tlscafile", ENV["CERTFILE"], "--tlshostname", "mail.example.test", *words], pass_fds=[r], capture_output=True, text=True, timeout=120)
    os.close(r)
    return done


def with_sieve_connect():
    for mechanism in "PLAIN", "LOGIN", "SCRAM-SHA-1":
        done = sieve_connect("--authmech", mechanism, "--list")
        if mechanism.startswith("SCRAM") and "No SASL mechanism found" in done.stdout + done.stderr:
            print("# sieve-connect's Authen::SASL has no SCRAM here")
            continue
        ok(done.returncode == 0 and f"mech={mechanism} " in server.log(), f"sieve-connect: {mechanism}", done)
    done = sieve_connect("--list", password="wrong")
    ok(done.returncode != 0 and "wrong" in done.stdout + done.stderr, "sieve-connect: a wrong password", done)
    done = sieve_connect("--localsieve", local("rules", GOOD), "--remotesieve", "my rules", "--upload")
    ok(done.returncode == 0 and on_disk("sieve/my rules.sieve") == GOOD, "sieve-connect: --upload", done)
    same(os.stat(HOME + "/sieve/my rules.sieve").st_uid, UID, "sieve-connect: as the account's user")
    done = sieve_connect("--remotesieve", "my rules", "--activate")
    ok(done.returncode == 0 and on_disk(".dovecot.sieve") == GOOD, "sieve-connect: --activate", done)
    done = sieve_connect("--list")
    ok('"my rules" ACTIVE' in done.stdout, "sieve-connect: --list", done)
    target = os.path.join(T, "fetched")
    done = sieve_connect("--remotesieve", "my rules", "--localsieve", target, "--download")
    ok(done.returncode == 0 and open(target).read().split() == GOOD.split(), "sieve-connect: --download", done)
    done = sieve_connect("--localsieve", local("bad", "keep;\r\n\r\nfileinto;\r\n"), "--remotesieve", "bad", "--upload")
    ok(done.returncode != 0 and "line 3" in done.stdout + done.stderr and not os.path.exists(HOME + "/sieve/bad.sieve"), "sieve-connect: errors with their lines", done)
    done = sieve_connect("--remotesieve", "my rules", "--delete")
    ok(os.path.exists(HOME + "/sieve/my rules.sieve"), "sieve-connect: the active script is not deleted", done)
    done = sieve_connect("--deactivate")
    ok(not os.path.lexists(HOME + "/.dovecot.sieve"), "sieve-connect: --deactivate", done)
    done = sieve_connect("--remotesieve", "my rules", "--delete")
    ok(not os.path.exists(HOME + "/sieve/my rules.sieve"), "sieve-connect: --delete", done)


SIEVELIB = """
import ssl, sys
ssl.create_default_context = ssl._create_unverified_context
if not hasattr(ssl, "wrap_socket"):
    ssl.wrap_socket = lambda sock, *a, **k: ssl._create_unverified_context().wrap_socket(sock)
from sievelib.managesieve import Client, Error
good = sys.argv[2]
def check(name, *values):
    print(("ok " if all(values) else "no ") + name + ("" if all(values) else f" {values!r} {c.errmsg}"))
for mechanism in "PLAIN", "LOGIN":
    c = Client("127.0.0.1", int(sys.argv[1]))
    check("connect with " + mechanism, c.connect("alice@example.test", "secret", starttls=True, authmech=mechanism))
check("capability", "fileinto" in c.get_sieve_capabilities(), c.get_implementation() == "postern")
check("listscripts, none", c.listscripts() == (None, []))
check("havespace", c.havespace("x", 100), not c.havespace("x", 100000000))
check("putscript", c.putscript("one", good), c.putscript("two \\u00e4", good))
check("putscript with an error", not c.putscript("bad", "keep"), b"line 1" in c.errmsg)
check("checkscript", c.checkscript(good), not c.checkscript("foo;"))
check("setactive", c.setactive("one"))
check("listscripts", c.listscripts() == ("one", ["two \\u00e4"]))
check("getscript", c.getscript("one").split() == good.split())
check("renamescript", c.renamescript("one", "three"), c.listscripts()[0] == "three")
check("deletescript of the active one", not c.deletescript("three"))
check("deletescript", c.setactive(""), c.deletescript("three"), c.deletescript("two \\u00e4"), c.listscripts() == (None, []))
c.logout()
c = Client("127.0.0.1", int(sys.argv[1]))
check("no password in clear", not c.connect("alice@example.test", "secret"))
"""


def with_sievelib(python):
    done = subprocess.run([python, "-c", SIEVELIB, str(server.port), GOOD], capture_output=True, text=True, timeout=120)
    for said in done.stdout.splitlines():
        ok(said.startswith("ok "), "sievelib: " + said[3:], done.stderr)
    same(done.stdout.count("\n"), 15, "sievelib: all of it" + done.stderr)


if shutil.which("sieve-connect"):
    with_sieve_connect()
else:
    print("# sieve-connect is not installed")
# Debian's Python, whichever is in PATH.
with_library = [p for p in ("/usr/bin/python3", sys.executable) if subprocess.run([p, "-c", "import sievelib"], capture_output=True).returncode == 0]
if with_library:
    with_sievelib(with_library[0])
else:
    print("# python3-sievelib is not installed")
server.stop()
done()
