#!/usr/bin/env python3
"""What every program and script says to arguments that it does not know, and to each setting that cannot hold: one line
with the reason (for a setting: its file), exit 100, and nothing done."""
import os, re, shutil, socket, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import ROOT, tap

os.chdir(ROOT)
top = tempfile.mkdtemp()
os.chmod(top, 0o755)
for directory in "etc", "spool", "mail", "run", "home/Maildir/new", "home/Maildir/cur", "home/Maildir/tmp":
    os.makedirs(f"{top}/{directory}")
ENV = {"PATH": os.environ["PATH"], "POSTERN_DIR": top, "HOME": top + "/home", "USER": "u", "TMPDIR": top,
       "UID": "65534", "GID": "65534", "LC_ALL": "C.UTF-8",
       "ASAN_OPTIONS": "detect_leaks=0"}


def run(*command, given=b"", **more):
    return subprocess.run(command, input=given, env=ENV, capture_output=True, timeout=120, **more)


def one_line(done, code=100):
    return done.returncode == code and not done.stdout and done.stderr.count(b"\n") == 1


# ---- arguments

PROGRAMS = re.findall(r"^OBJ_(\S+)\s*:?=", open("programs.mk").read(), re.M)
BEHIND = {"tcpserver": ["127.0.0.1", "0", "true"], "tlsd": ["true"], "ucspitlsd": ["true"], "tcpserver-access": ["true"],
          "imap-login": ["true", "true"], "pop3-login": ["true", "true"], "managesieve-login": ["true", "true"], "auth-file": ["true"], "smtp-recv": ["true", "true"],
          "postern-tables": ["users"], "tls-engine": ["0", "1"], "sendmail": ["a@example.test"]}
CODE = {"sendmail": 64, "auth-file": 2}  # of sysexits.h, of checkpassword
for name in sorted(PROGRAMS):
    done = run(name, "-%", *BEHIND.get(name, []))
    tap.ok(one_line(done, CODE.get(name, 100)), f"{name} -%", done)
for name in "imap", "pop3", "managesieve", "mailq", "mda-remote", "mda-remote-dns", "smtp-send", "spool-recv", "tls-engine":
    done = run(name, *(["0", "1", "2"] if name == "tls-engine" else ["more"]))
    tap.ok(one_line(done), f"{name} with an argument too many", done)
SCRIPTS = ["try", "check", "bench", "setup", "postern-user", "postern-domain", "postern-init", "postern-services", "postern-tickets", "postern-trace"]
for name in SCRIPTS:
    for words in (["-Z"], ["one", "two", "three"]):
        if words != ["-Z"] and name in ("check", "postern-init"):
            continue  # theirs are lists
        done = run("scripts/" + name, *words)
        last = done.stderr.decode().splitlines()[-1:]
        tap.ok(done.returncode == 100 and last and "usage: " in last[0], f"scripts/{name} {' '.join(words)}", done)

# ---- settings: each program, and a value that none of them can hold


def smtp_send(setting):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.send(b"u /nonexistent\nk s\nt n\n" + (b"a NAME\n" if setting == "auth/NAME" else b""))
        return subprocess.run(["smtp-send"], stdin=theirs, env=ENV, capture_output=True, timeout=120)


SESSION = ["true", "true"]
LOGIN = ["login-check-timeout", "login-attempts", "login-delay"]
OUTSIDE = {"PROTO": "TCP", "TCPREMOTEIP": "192.0.2.1", "TCPREMOTEPORT": "9", "TCPLOCALIP": "192.0.2.2", "TCPLOCALPORT": "25"}
SETTINGS = {
    ("smtp-recv",): ["smtp-size", "smtp-line", "smtp-recipients", "smtp-hops", "smtp-errors", "smtp-messages", "smtp-reply-seconds",
                     "smtp-idle-seconds", "smtp-session-seconds", "smtp-bare-newlines", "smtp-tmp", "trusted-networks"],
    ("smtp-recv", "-s", *SESSION): [*LOGIN, "cleartext-networks"],
    ("imap-login", *SESSION): [*LOGIN, "login-timeout", "cleartext-networks"],
    ("pop3-login", *SESSION): [*LOGIN, "login-timeout", "cleartext-networks"],
    ("managesieve-login", *SESSION): [*LOGIN, "login-timeout", "cleartext-networks", "managesieve-user-connections"],
    ("proxy-server", "true"): ["proxy-networks"],
    ("smtp-callout",): ["callout-positive", "callout-negative", "callout-timeout"],
    ("imap",): ["imap-separator", "imap-prefix", "imap-append-limit", "imap-timeout", "imap-read-timeout", "imap-search-memory", "imap-progress",
                "imap-message-limit", "imap-save-limit"],
    ("pop3",): ["pop3-timeout"],
    ("managesieve",): ["managesieve-timeout", "managesieve-read-timeout", "managesieve-max-scripts", "managesieve-max-storage"],
    ("mda-local",): ["smtp-size", "lmtp-size", "delivery-seconds", "lmtp-tmp", "postmaster"],
    ("spool-recv",): ["smtp-size", "spool-min-free", "queue-lifetime", "spool-recipients"],
    ("mda-remote",): ["retry-min", "retry-max", "host-retry-min", "host-retry-max", "delay-notice", "delay-notice-always",
                      "queue-lifetime", "double-bounce", "remote-connections", "remote-connections-per-destination",
                      "remote-messages-per-connection", "remote-recipients-per-mail", "remote-messages-active", "smtp-port", "postmaster"],
    ("mda-remote-dns",): ["resolver", "resolver-anchor"],
    ("smtp-send",): ["remote-timeout", "auth/NAME"],
}
for name in "port-base", "max-connections", "max-per-address", "listen", "services", "ucspi", "proxied":
    SETTINGS.setdefault(("scripts/postern-services",), []).append(name)
os.mkdir(top + "/etc/auth")
for command, names in SETTINGS.items():
    for name in names:
        with open(f"{top}/etc/{name}", "w") as f:
            f.write("as you like\n")
        if command == ("smtp-send",):
            done = smtp_send(name)
        else:
            env = dict(ENV, **OUTSIDE)
            done = subprocess.run(command, stdin=subprocess.DEVNULL, env=env, capture_output=True, timeout=120)
        own = [x for x in done.stderr.splitlines() if b"] libunbound[" not in x]  # that library has a word of its own
        tap.ok(done.returncode == 100 and not done.stdout and len(own) == 1 and b"etc/" + name.encode() in own[0],
               f"{' '.join(command)}: etc/{name}", done)
        os.unlink(f"{top}/etc/{name}")
with open(top + "/etc/account-uids", "w") as f:
    f.write("as you like\n")
for name, text in ("domains", "example.test:\n"), ("users", ""):
    with open(f"{top}/etc/{name}", "w") as f:
        f.write(text)
done = run("scripts/postern-user", "-i", top, "add", "a@example.test", given=b"password\n")
tap.ok(one_line(done) and b"etc/account-uids" in done.stderr, "scripts/postern-user: etc/account-uids", done)
shutil.rmtree(top)
tap.done()
