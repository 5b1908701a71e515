#!/usr/bin/env python3
"""A user's rules in a whole instance: sieve-connect stores and activates a script with STARTTLS and the password of the mail
account, and the next message goes where it says; so with each change."""
import os, shutil, smtplib, socket, ssl, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from instance import Instance, tap, wait_for

ALICE = "alice@example.test"
number = 0


def sieve_connect(one, *words, password=None):
    r, w = os.pipe()
    os.write(w, (password or one.password[ALICE]).encode() + b"\n")
    os.close(w)
    done = subprocess.run(["sieve-connect", "--server", "127.0.0.1", "--port", str(one.port("managesieve")), "--user", ALICE, "--passwordfd", str(r),
                           "--notlsverify", *words], pass_fds=[r], capture_output=True, text=True, timeout=120)
    os.close(r)
    return done


def store(one, text):
    path = os.path.join(one.top, "script")
    with open(path, "w") as f:
        f.write(text)
    done = sieve_connect(one, "--localsieve", path, "--remotesieve", "rules", "--upload")
    assert done.returncode == 0, done
    return done


def send(one, to=ALICE):
    """A message of its own: its subject."""
    global number
    number += 1
    with smtplib.SMTP("127.0.0.1", one.port("smtp"), timeout=120) as s:
        s.sendmail("x@elsewhere.test", [to], f"From: x@elsewhere.test\r\nTo: {to}\r\nSubject: number {number}\r\n\r\nbody\r\n")
    return f"Subject: number {number}\n"


def where(one, subject):
    """The folders that have it."""
    root, found = one.maildir(ALICE), []
    for directory, _, names in os.walk(root):
        if os.path.basename(directory) in ("new", "cur"):
            for name in names:
                with open(os.path.join(directory, name)) as f:
                    if subject in f.read():
                        found.append(os.path.relpath(os.path.dirname(directory), root))
    return found


def filed(one, want, name, **more):
    got = where(one, send(one, **more))  # 250 means that it is there
    tap.ok(got == want, name, got, one.log("lmtp")[-2000:])


def bare(one):
    """What is said before anybody has asked, over TLS too."""
    with socket.create_connection(("::1", one.port("managesieve")), 120) as s:
        f = s.makefile("rwb", buffering=0)
        said = []
        while not said or not said[-1].startswith(b"OK"):
            said.append(f.readline())
        assert any(x.startswith(b'"SASL" ') and b"PLAIN" in x for x in said), said  # from loopback
        s.sendall(b"STARTTLS\r\n")
        assert f.readline().startswith(b"OK"), "STARTTLS"
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(s) as t:
            g = t.makefile("rwb", buffering=0)
            assert g.readline().startswith(b'"IMPLEMENTATION"'), "capabilities come by themselves"


if not shutil.which("sieve-connect"):
    tap.skip("rules by ManageSieve", "sieve-connect is not installed")
    tap.done()
with Instance() as one:
    tap.run("the port greets, and starts TLS", bare, one)
    filed(one, ["."], "without rules: the inbox")
    done = sieve_connect(one, "--list", password="wrong")
    tap.ok(done.returncode != 0, "a wrong password", done)
    store(one, 'require ["fileinto", "mailbox"];\nif header :contains "subject" "number" { fileinto :create "Numbers"; }\n')
    filed(one, ["."], "a script that is not active changes nothing")
    done = sieve_connect(one, "--remotesieve", "rules", "--activate")
    tap.ok(done.returncode == 0, "--activate", done)
    filed(one, [".Numbers"], "the next message goes where the script says")
    store(one, 'require ["fileinto", "mailbox", "copy", "subaddress", "envelope"];\nif envelope :detail "to" "both" { fileinto :copy :create "Copies"; }\n')
    filed(one, ["."], "the script has changed, and so does what becomes of mail")
    got = where(one, send(one, to="alice+both@example.test"))
    tap.ok(sorted(got) == [".", ".Copies"], "a copy beside", got)
    store(one, 'require "reject";\nreject "no more";\n')
    try:
        send(one)
        tap.ok(False, "a script that refuses")
    except smtplib.SMTPResponseException as error:
        tap.ok(error.smtp_code == 550 and b"no more" in error.smtp_error, "refuses while the sender waits", error)
    done = sieve_connect(one, "--deactivate")
    filed(one, ["."], "--deactivate: the inbox again")
    log = one.log("managesieve@127.0.0.1")
    tap.ok(log.count("event=put script=rules") == 3 and log.count("event=activate") == 2, "changes are logged", log)
    one.set("rules", "none")
    assert one.script("scripts/postern-services", "-i", one.dir).returncode == 0
    tap.ok(not os.path.exists(one.dir + "/run/service/managesieve@127.0.0.1"), "where accounts have no Sieve rules, nothing listens")
tap.done()
