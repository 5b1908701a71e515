#!/usr/bin/env python3
"""Mechanisms with clients that nobody here wrote, over the network: gsasl, curl, mbsync and mutt (Cyrus
SASL), mpop, msmtp, swaks, Python's imaplib; client certificates through tlsd and ucspitlsd in both
modes. What counts is the server's own word in the log. Clients that are not installed are skipped by
name."""
import imaplib, os, re, shutil, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import tcpserver
from tlsserver import *
from saslclient import *

INSTANCE, HOME, ENV, UID, GID = one_account()
CLIENT = os.path.join(T, "client")
os.makedirs(CLIENT)
os.mkdir(INSTANCE + "/run")
USER = "alice@example.test"


def setting(name, value):
    with open(f"{INSTANCE}/etc/{name}", "w") as f:
        f.write(value + "\n")


def keys(password):
    return subprocess.run(["auth-file", "-s"], input=password, capture_output=True, text=True, env=dict(os.environ, POSTERN_DIR=INSTANCE)).stdout.strip()


line = open(INSTANCE + "/etc/users").read().strip()
setting("users", line + ":" + keys("secret"))
setting("sasl-scram", "yes")
setting("login-delay", "0")
checker = T + "/checker"
with open(checker, "w") as f:
    f.write(f"#!/bin/sh\n[ \"$(tr '\\0' ' ' <&3)\" = '{USER} good ' ]\n")
os.chmod(checker, 0o755)
setting("sasl-oauth-checker", checker)
# Three certificates of one authority's making: alice's by hash, alice's by subject, and nobody's.
pairs = {name: make_pair(name) for name in ("by-hash", "by-subject", "nobody")}
digest = openssl("x509", "-in", pairs["by-hash"][1], "-noout", "-fingerprint", "-sha256").split("=")[1].strip().replace(":", "").lower()
setting("certificates", f"{digest}: {USER}, bob@example.test\n/CN=by-subject: {USER}\n")
ca = T + "/ca.pem"
with open(ca, "w") as f:
    f.write("".join(open(cert).read() for _, cert in pairs.values()))
ENV["CAFILE"] = ca

IMAP, POP3, SMTP = ["imap-login", "auth-file", "imap"], ["pop3-login", "auth-file", "pop3"], ["smtp-recv", "-s", "auth-file", "true"]
imap, pop3, smtp = (TlsServer("alone", [], prog, ENV, launcher="ucspitlsd") for prog in (IMAP, POP3, SMTP))
ALL = "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN OAUTHBEARER XOAUTH2".split()


def run(*command, input=None, **env):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, input=input, env=dict(os.environ, HOME=CLIENT, **env))


def logins(server):
    return re.findall(r"event=login user=(\S+) mech=(\S+)", server.log())


def client_does(name, server, mechanism, *command, input=None, needs=None, **env):
    """Runs a client; the server must then have seen alice come by this mechanism, once more."""
    if not shutil.which(needs or command[0]):
        print(f"ok # SKIP {name}: {needs or command[0]} is not installed")
        tcpserver.count += 1
        return
    before = len(logins(server))
    got = run(*command, input=input, **env)
    new = wait_for(lambda: logins(server)[before:], 5)
    ok(new == [(USER, mechanism)], f"{name}: {mechanism}", f"{new}\n{got.stdout[-1500:]}\n{got.stderr[-1500:]}")


def wrong(name, server, *command, input=None):
    if not shutil.which(command[0]):
        print(f"ok # SKIP {name}: {command[0]} is not installed")
        tcpserver.count += 1
        return
    before = server.log().count("event=refused")
    got = run(*command, input=input)
    ok(wait_for(lambda: server.log().count("event=refused") > before, 5) and got.returncode, f"{name}: a wrong one is refused, and told", got)


# gsasl checks the server's signature too.
def gsasl(protocol, server, mechanism, password="secret"):
    return ["gsasl", protocol, "--no-starttls", "-m", mechanism, "-a", USER, *([] if mechanism == "PLAIN" else ["--no-cb"]), "-p", password,
            f"--connect=127.0.0.1:{server.port}"]


for protocol, server in ("--imap", imap), ("--smtp", smtp):
    for mechanism in "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN":
        client_does(f"gsasl {protocol}", server, mechanism, *gsasl(protocol, server, mechanism), input="")
    wrong(f"gsasl {protocol}", server, *gsasl(protocol, server, "SCRAM-SHA-256", "x"))

curl = lambda url, *more: ["curl", "-sv", "-m", "30", *more, url]
for scheme, server, path in ("imap", imap, "INBOX?ALL"), ("pop3", pop3, ""), ("smtp", smtp, ""):
    url = f"{scheme}://127.0.0.1:{server.port}/{path}"
    more = ["--mail-from", USER, "--mail-rcpt", "x@example.org", "-T", "/dev/null"] if scheme == "smtp" else []
    for mechanism in "PLAIN", "LOGIN":
        client_does(f"curl {scheme}", server, mechanism, *curl(url, "-u", f"{USER}:secret", "--login-options", f"AUTH={mechanism}", *more))
    for mechanism in "XOAUTH2", "OAUTHBEARER":
        setting("sasl-mechanisms", mechanism)  # with a choice curl takes the latter
        for inline in [], ["--sasl-ir"]:
            client_does(f"curl {scheme} {' '.join(inline)}", server, mechanism, *curl(url, "-u", USER + ":", "--oauth2-bearer", "good", *inline, *more))
    wrong(f"curl {scheme}", server, *curl(url, "-u", USER + ":", "--oauth2-bearer", "bad", *more))
    os.remove(INSTANCE + "/etc/sasl-mechanisms")

for mechanism in "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN":
    with open(CLIENT + "/mbsyncrc", "w") as f:
        f.write(f"""IMAPAccount a\nHost 127.0.0.1\nPort {imap.port}\nUser {USER}\nPass secret\nSSLType None\nAuthMechs {mechanism}\n
IMAPStore far\nAccount a\n\nMaildirStore near\nPath {CLIENT}/mail-{mechanism}/\nInbox {CLIENT}/mail-{mechanism}/INBOX\nSubFolders Verbatim\n
Channel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n""")
    os.makedirs(f"{CLIENT}/mail-{mechanism}")
    client_does("mbsync", imap, mechanism, "mbsync", "-c", CLIENT + "/mbsyncrc", "-a")
    client_does("mpop", pop3, mechanism, "mpop", "-C", "/dev/null", "--host=127.0.0.1", f"--port={pop3.port}", "--tls=off", f"--user={USER}",
                "--passwordeval=echo secret", f"--auth={mechanism.lower()}", f"--delivery=mbox,{CLIENT}/mbox", "-d")
    client_does("msmtp", smtp, mechanism, "msmtp", "-C", "/dev/null", "--host=127.0.0.1", f"--port={smtp.port}", "--tls=off", f"--user={USER}",
                "--passwordeval=echo secret", f"--auth={mechanism.lower()}", f"--from={USER}", "--debug", "x@example.org", input="Subject: x\n\nx\n")
for mechanism in "PLAIN", "LOGIN":
    client_does("swaks", smtp, mechanism, "swaks", "--server", f"127.0.0.1:{smtp.port}", "--auth", mechanism, "--auth-user", USER,
                "--auth-password", "secret", "--to", "x@example.org", "--quit-after", "AUTH")
for mechanism in ("SCRAM-SHA-256",):
    muttrc = f"""set folder=imap://127.0.0.1:{imap.port}/ spoolfile=+INBOX ssl_starttls=no ssl_force_tls=no imap_user={USER} imap_pass=secret
set imap_authenticators={mechanism.lower()}
set header_cache='' delete=yes move=no quit=yes timeout=1 wait_key=no record='' postponed=''
push <exit>
"""
    with open(CLIENT + "/muttrc", "w") as f:
        f.write(muttrc)
    client_does("mutt", imap, mechanism, "timeout", "10", "script", "-qec", f"mutt -n -F {CLIENT}/muttrc", "/dev/null", needs="mutt", TERM="vt100")

# imaplib, with our own side of the exchange.
c = imaplib.IMAP4("127.0.0.1", imap.port)
s = Scram(USER, "secret")
steps = iter([lambda _: s.first(), s.final, lambda final: b"" if s.verify(final) else None])
same(c.authenticate("SCRAM-SHA-256", lambda challenge: next(steps)(challenge))[0], "OK", "imaplib: SCRAM-SHA-256")
same(c.select()[0], "OK", "imaplib: and the session works")
c.logout()
for server in imap, pop3, smtp:
    server.stop()

# Certificates: from the first byte and after STARTTLS, which must leave the child no say in the matter.
for mode in MODES:
    for launcher, starttls in ("tlsd", []), ("ucspitlsd", ["--ssl-reqd"]):
        server = TlsServer(mode, ["-Y"], IMAP, ENV, launcher=launcher)
        name = f"{mode}, {launcher}"
        url = f"imap{'' if starttls else 's'}://127.0.0.1:{server.port}/"
        certificate = lambda who: ["-k", "--cert", pairs[who][1], "--key", pairs[who][0], *starttls]
        for who in "by-hash", "by-subject":
            client_does(f"{name}: {who}", server, "EXTERNAL", *curl(url, "-u", USER + ":", "--login-options", "AUTH=EXTERNAL", *certificate(who)))
        wrong(f"{name}: one that is not listed", server, *curl(url, "-u", USER + ":", "--login-options", "AUTH=EXTERNAL", *certificate("nobody")))
        wrong(f"{name}: somebody else's", server, *curl(url, "-u", "carol@example.test:", "--login-options", "AUTH=EXTERNAL", *certificate("by-hash")))
        ok("event=certificate hash=" + digest + " subject=/CN=by-hash user=" in server.log(), f"{name}: logged", server.log())
        got = run(*curl(url, "-k", "-u", USER + ":", "--login-options", "AUTH=EXTERNAL", *starttls))
        ok(got.returncode and "AUTH=PLAIN" in got.stderr and "EXTERNAL" not in got.stderr.split("AUTH=PLAIN")[1].split("\n")[0], f"{name}: not offered without a certificate", got)
        server.stop()
tcpserver.done()
