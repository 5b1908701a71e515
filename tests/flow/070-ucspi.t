#!/usr/bin/env python3
"""POSTERN_UCSPI=s6: the services run behind programs with s6-networking's names and command lines. Where the real ones
are not installed (Debian has none) ours stand in under those names, each alone: without a key holder, keys from the
environment, an engine executed for each connection."""
import glob, imaplib, os, shutil, smtplib, socket, ssl, subprocess, tempfile

from instance import Instance, ROOT, tap, wait_for
from saslclient import Scram

UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE
ALICE, BOB = "alice@example.test", "bob@example.test"

names = tempfile.mkdtemp(dir="/var/tmp")
os.chmod(names, 0o755)
build = os.environ.get("POSTERN_BUILD", ROOT + "/build")
real = shutil.which("s6-tcpserver") and shutil.which("s6-ucspitlsd")
if not real:
    for program in "tcpserver", "tlsd", "ucspitlsd", "tls-engine":
        shutil.copy(f"{build}/bin/{program}", f"{names}/{program}")
        if program != "tls-engine":
            os.symlink(program, f"{names}/s6-{program}")
path = names + ":" + os.environ["PATH"]


def work(one):
    with smtplib.SMTP("127.0.0.1", one.port("submission"), timeout=120) as s:
        s.starttls(context=UNSAFE)
        s.login(ALICE, one.password[ALICE])
        s.sendmail(ALICE, [BOB], "Subject: through\r\n\r\nbody\r\n")
    for address in "127.0.0.1", "::1":
        with imaplib.IMAP4_SSL(address, one.port("imaps"), ssl_context=UNSAFE) as m:
            m.login(BOB, one.password[BOB])
            assert m.select()[1] == [b"1"]
            assert b"Subject: through" in m.fetch("1", "(BODY[])")[1][0][1]


def scram(one):
    with imaplib.IMAP4_SSL("127.0.0.1", one.port("imaps"), ssl_context=UNSAFE) as m:
        s = Scram(ALICE, one.password[ALICE])
        steps = iter([lambda _: s.first(), s.final, lambda final: b"" if s.verify(final) else None])
        assert m.authenticate("SCRAM-SHA-256", lambda challenge: next(steps)(challenge))[0] == "OK"


def certificate(one):
    key, cert = one.top + "/key.pem", one.top + "/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=alice's laptop", "-keyout", key, "-out", cert], check=True, capture_output=True)
    shutil.copy(cert, one.dir + "/etc/tls/client-ca.pem")
    one.set("certificates", f"\"/CN=alice's laptop\": {ALICE}")
    assert one.script("scripts/postern-services", "-i", one.dir).returncode == 0
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(cert, key)

    def login():
        try:
            with imaplib.IMAP4("127.0.0.1", one.port("imap")) as m:
                m.starttls(context)
                return m.authenticate("EXTERNAL", lambda _: b"")[0] == "OK"
        except (OSError, imaplib.IMAP4.error):
            return False
    wait_for(login, "a login by certificate")
    with smtplib.SMTP_SSL("127.0.0.1", one.port("submissions"), context=context) as s:
        assert "EXTERNAL" in s.ehlo()[1].decode()
        assert s.docmd("AUTH", "EXTERNAL =")[0] == 235


def crowd(one):
    one.set("max-per-address", "1")
    assert one.script("scripts/postern-services", "-i", one.dir).returncode == 0
    for name, want in ("imap", b"* BYE [LIMIT]"), ("pop3", b"-ERR [IN-USE]"), ("submission", b"421 4.7.0"), ("managesieve", b"BYE (TRYLATER)"):
        def told():
            try:
                with socket.create_connection(("127.0.0.1", one.port(name)), 120) as a, socket.create_connection(("127.0.0.1", one.port(name)), 120) as b:
                    a.recv(100)
                    return b.recv(100).startswith(want)
            except OSError:
                return False
        wait_for(told, "the reply of " + name)


try:
    with Instance(env={"POSTERN_UCSPI": "s6", "PATH": path}) as one:
        run = open(glob.glob(one.dir + "/run/service/imaps@127.0.0.1/run")[0]).read()
        tap.ok("exec s6-tcpserver " in run and " s6-tlsd -S -K 30000 " in run and "KEYFILE=" in run and "TLS_ENGINE" not in run,
               "the run scripts name s6-networking's programs", run)
        tap.ok(not os.path.exists(one.dir + "/run/service/tls"), "and there is no key holder")
        tap.run("mail goes through" + ("" if real else ", with ours under their names"), work, one)
    with Instance(env={"POSTERN_UCSPI": "own", "PATH": path}) as one:
        run = open(glob.glob(one.dir + "/run/service/imaps@127.0.0.1/run")[0]).read()
        tap.ok("exec tcpserver " in run and " tlsd " in run and "TLS_ENGINE=" in run, "POSTERN_UCSPI=own forces ours", run)
        tap.run("mail goes through ours", work, one)
        tap.run("an account of a new instance has SCRAM keys", scram, one)
        tap.run("a client certificate opens an account", certificate, one)
        tap.run("an address with too many connections is told", crowd, one)
finally:
    shutil.rmtree(names, ignore_errors=True)
tap.done()
