#!/usr/bin/env python3
"""POSTERN_UCSPI=s6: the services run behind programs with s6-networking's names and command lines. Where the real ones
are not installed (Debian has none) ours stand in under those names, each alone: without a key holder, keys from the
environment, an engine executed for each connection."""
import glob, imaplib, os, shutil, smtplib, ssl, tempfile

from instance import Instance, ROOT, tap

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
    with smtplib.SMTP("127.0.0.1", one.port("submission"), timeout=30) as s:
        s.starttls(context=UNSAFE)
        s.login(ALICE, one.password[ALICE])
        s.sendmail(ALICE, [BOB], "Subject: through\r\n\r\nbody\r\n")
    for address in "127.0.0.1", "::1":
        with imaplib.IMAP4_SSL(address, one.port("imaps"), ssl_context=UNSAFE) as m:
            m.login(BOB, one.password[BOB])
            assert m.select()[1] == [b"1"]
            assert b"Subject: through" in m.fetch("1", "(BODY[])")[1][0][1]


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
finally:
    shutil.rmtree(names, ignore_errors=True)
tap.done()
