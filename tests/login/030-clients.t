#!/usr/bin/env python3
"""POP3 over the network with clients that nobody here wrote: curl, fetchmail, getmail, mpop; in clear
from loopback, with STLS, and over TLS. Clients that are not installed are skipped by name."""
import os, shutil, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import tcpserver
from tlsserver import *

INSTANCE, HOME, ENV, UID, GID = one_account()
CLIENT = os.path.join(T, "client")
GETMAIL = os.path.join(HERE, "../lib/getmail.py")
os.makedirs(CLIENT)
PROG = ["pop3-login", "auth-file", "pop3"]
plain = TlsServer("alone", [], PROG, ENV, launcher="ucspitlsd")
tls = TlsServer("alone", [], PROG, ENV, launcher="tlsd")
TEXT = b"From: a@example.org\nTo: alice@example.test\nSubject: %d\nDate: Sat, 21 Nov 2026 12:00:00 +0000\nMessage-ID: <%d@example.org>\n\n.dot\nlast\n"
serial = 0


def fill():
    """Three messages, no others."""
    global serial
    for part in "cur", "new", "tmp":
        shutil.rmtree(f"{HOME}/Maildir/{part}", ignore_errors=True)
    with plain.connect() as s:  # makes the Maildir as its owner
        s.sendall(b"USER alice@example.test\r\nPASS secret\r\nQUIT\r\n")
        read_all(s)
    for n in range(3):
        serial += 1
        path = f"{HOME}/Maildir/new/{1000000000 + serial}.M1P1.test"
        with open(path, "wb") as f:
            f.write(TEXT % (serial, serial))
        os.chown(path, UID, GID)


def left():
    return sum(len(os.listdir(f"{HOME}/Maildir/{p}")) for p in ("cur", "new"))


def run(*command, env=None, input=None):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, input=input,
                          env=dict(os.environ, HOME=CLIENT, **(env or {})))


def fetched(where):
    """Messages below a Maildir, whole ones: those that end as they should."""
    count = 0
    for part in "cur", "new":
        for name in os.listdir(f"{where}/{part}"):
            count += open(f"{where}/{part}/{name}").read().replace("\r\n", "\n").endswith("\n.dot\nlast\n")
    return count


def maildir(name):
    for part in "cur", "new", "tmp":
        os.makedirs(f"{CLIENT}/{name}/{part}")
    return f"{CLIENT}/{name}"


def have(program, tests):
    if shutil.which(program):
        return True
    for _ in range(tests):
        tcpserver.count += 1
        print(f"ok {tcpserver.count} # SKIP {program} is not installed")
    return False


def config(name, text):
    path = os.path.join(CLIENT, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


if have("curl", 5):
    fill()
    user = ["-sS", "-u", "alice@example.test:secret"]
    got = run("curl", *user, f"pop3://127.0.0.1:{plain.port}/")
    same(len(got.stdout.splitlines()), 3, "curl: LIST in clear from loopback")
    got = run("curl", *user, "-k", "--ssl-reqd", f"pop3://127.0.0.1:{plain.port}/2")
    ok(got.stdout.replace("\r", "").endswith("\n\n.dot\nlast\n"), "curl: RETR with STLS", got)
    got = run("curl", *user, "-k", f"pop3s://127.0.0.1:{tls.port}/1")
    ok(got.stdout.replace("\r", "").endswith("\n\n.dot\nlast\n"), "curl: RETR over TLS", got)
    got = run("curl", *user, "-k", "--sasl-ir", "--login-options", "AUTH=LOGIN", f"pop3s://127.0.0.1:{tls.port}/", "-X", "UIDL")
    same(len(got.stdout.splitlines()), 3, "curl: UIDL after AUTH LOGIN")
    got = run("curl", "-sS", "-u", "alice@example.test:wrong", f"pop3://127.0.0.1:{plain.port}/")
    same(got.returncode, 67, "curl: refused")
if have("fetchmail", 2):
    fill()
    to = maildir("fetchmail")
    rc = config("fetchmailrc", f'poll 127.0.0.1 protocol pop3 port {tls.port} user "alice@example.test" password "secret" '
                f'ssl no sslcertck fetchall mda "cat >{to}/new/$$"\n')
    env = {"FETCHMAILHOME": CLIENT}
    got = run("fetchmail", "-f", rc, "--nosyslog", "-N", "-d0", "--pidfile", rc + ".pid", env=env)
    same((fetched(to), left()), (3, 0), "fetchmail: all over TLS")
    same(got.returncode, 0, "fetchmail: content")
if have("getmail", 2):
    fill()
    to = maildir("getmail")
    rc = config("getmailrc", f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = 127.0.0.1\nport = {tls.port}\n"
                f"username = alice@example.test\npassword = secret\n[destination]\ntype = Maildir\npath = {to}/\n"
                f"[options]\ndelete = true\nread_all = false\n")
    if os.geteuid() == 0:
        shutil.chown(CLIENT, "nobody")
        subprocess.run(["chown", "-R", "nobody", CLIENT], check=True)
        got = run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", GETMAIL, "--getmaildir", CLIENT, "--rcfile", rc)
    else:
        got = run(GETMAIL, "--getmaildir", CLIENT, "--rcfile", rc)
    ok(fetched(to) == 3, "getmail: all over TLS", got)
    same(left(), 0, "getmail: deleted after")
if have("mpop", 2):
    fill()
    to = maildir("mpop")
    rc = config("mpoprc", f"account a\nhost 127.0.0.1\nport {plain.port}\ntls on\ntls_starttls on\ntls_certcheck off\n"
                f"user alice@example.test\npasswordeval echo secret\nkeep on\ndelivery maildir {to}\nuidls_file {CLIENT}/uidls\n")
    got = run("mpop", "-C", rc, "a")
    ok(fetched(to) == 3 and left() == 3, "mpop: all with STLS, kept", got)
    got = run("mpop", "-C", rc, "a")
    ok(fetched(to) == 3, "mpop: nothing twice, by UIDL", got)
plain.stop()
tls.stop()
tcpserver.done()
