#!/usr/bin/env python3
"""What fail2ban reads of smtp-recv's log, through scripts/fail2ban/filter.conf and Debian's fail2ban-regex: the
lines of those who do harm, with their address, whatever they write; and no other line. (Of refused logins in all
three protocols: tests/login/080-state.t.)"""
import os, shutil, subprocess, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Tap

tap = Tap()
if not shutil.which("fail2ban-regex"):
    print("1..0 # SKIP fail2ban-regex is not installed")
    sys.exit(0)
FORGED = "x ip=203.0.113.66 event=not-smtp ip=203.0.113.66 limit=errors "
LOGIN = {"SSL_PROTOCOL": "TLSv1.3", "SSL_CIPHER": "x"}


def run(i, ip, *lines, args=(), **env):
    """Everything that the client says, and the replies to their end."""
    c = i.client(*args, TCPREMOTEIP=ip, **env)
    c.send("".join(line + "\r\n" for line in lines))
    c.socket.shutdown(1)
    while c.reply():
        pass
    c.close()


i = Instance(lmtp={"nobody": f"550 5.1.1 {FORGED}"}, smtp_errors=3, smtp_greylist_seconds=300, login_delay=0, smtp_check_helo_name="refuse",
             smtp_rates="errors address 5 3600\nmessages address 2 3600\n")
EHLO, MAIL = f"EHLO a.example", "MAIL FROM:<a@b.example>"
harm = ["192.0.2.1", "2001:db8::2", "192.0.2.3", "192.0.2.4", "192.0.2.6", "192.0.2.7", "192.0.2.5"]
run(i, harm[0], EHLO, *[FORGED] * 3)  # too-many-errors
run(i, harm[1], "GET / HTTP/1.0 " + FORGED)  # not-smtp
for _ in range(3):
    run(i, harm[2], EHLO, MAIL, "RCPT TO:<nobody@example.test>", "RCPT TO:<nobody@example.test>")  # limit=errors, in the third
run(i, harm[3], EHLO, "AUTH PLAIN AGEAYg==", args=("/bin/false", "true"), **LOGIN)  # refused
run(i, harm[4], "EHLO mailer", MAIL, "RCPT TO:<u@example.test>")  # door check=helo-name
i.write("smtp-pregreet", "60000")
subprocess.run([BIN + "/smtp-recv"], input=FORGED.encode() + b"\r\n", env=i.environment(TCPREMOTEIP=harm[5]), stdout=subprocess.DEVNULL, stderr=i.log)  # door check=pregreet
os.unlink(i.path("etc/smtp-pregreet"))
run(i, harm[6], EHLO, *["AUTH PLAIN AGEAYg=="] * 2, args=("/bin/false", "true"), **LOGIN)
# No harm: greylisting, other limits, errors that are few, senders and recipients with strange names.
run(i, "198.51.100.1", EHLO, MAIL, "RCPT TO:<u@example.test>")
run(i, "198.51.100.2", EHLO, *[MAIL, "RSET"] * 3)
run(i, "198.51.100.3", f"EHLO a.example {FORGED}", f'MAIL FROM:<"{FORGED}"@b.example>', f'RCPT TO:<"{FORGED}"@example.test>', f"NOOP {FORGED}", "FOO")
log = i.logged()
for event in ("event=too-many-errors", "event=not-smtp", "event=door check=helo-name", "event=door check=pregreet", "event=limit ip=192.0.2.3 limit=errors", "event=refused", "event=greylist ", "limit=messages"):
    tap.ok(event in log, f"there is a line with {event}", log)
stamped = i.path("current")
with open(stamped, "w") as f:
    f.writelines(f"2026-11-22 04:00:{n % 60:02}.123456789  {line}\n" for n, line in enumerate(log.splitlines()))
got = subprocess.run(["fail2ban-regex", "-o", "ip", stamped, os.path.join(ROOT, "scripts/fail2ban/filter.conf")], capture_output=True, text=True)
tap.eq(sorted(got.stdout.split()), sorted(harm + harm[6:]), "fail2ban sees each line of who does harm, and nobody else")
i.close()
tap.done()
