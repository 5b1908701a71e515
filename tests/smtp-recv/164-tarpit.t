#!/usr/bin/env python3
"""The tarpit: 5xx replies to strangers that come slowly, how slowly, to whom, and what ends the wait. And
what is no SMTP at all."""
import os, re, signal, subprocess, sys, time
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Tap

tap = Tap()
LONG = 300  # nothing here waits for that


def timed(c, *lines):
    began = time.monotonic()
    return [c.cmd(line)[:3] for line in lines], time.monotonic() - began


def slowed(i, count):
    """Until so many clients wait."""
    while i.logged().count("event=tarpit") < count:
        time.sleep(0.01)


i = Instance(lmtp={"nobody": "550 5.1.1 no such user"}, smtp_tarpit_seconds=1, smtp_tarpit_total_seconds=2, smtp_errors=1000)
c = i.client()
got, seconds = timed(c, "EHLO a.example", "MAIL FROM:<a@b.example>", "RCPT TO:<nobody@example.test>", "RCPT TO:<nobody@example.test>")
tap.eq(got, ["250", "250", "550", "550"], "two errors")
tap.ok("event=tarpit" not in i.logged(), "... come at once")
got, seconds = timed(c, "RCPT TO:<nobody@example.test>")
tap.ok(got == ["550"] and seconds > 0.9, "a third takes its second", seconds)
tap.like(i.logged(), r"event=tarpit ip=192\.0\.2\.7 errors=3\n", "... is logged")
got, seconds = timed(c, "RCPT TO:<u@example.test>", "FOO")
tap.ok(got == ["250", "500"] and seconds > 0.9, "so does a fourth, of whatever kind", seconds)
got = timed(c, *["FOO"] * 100)[0]
tap.ok(got == ["500"] * 100, "then the total is used up")  # else these were 100 seconds: LIMIT
tap.eq(i.logged().count("event=tarpit"), 1, "it is logged once")
c.close()
i.close()

i = Instance(smtp_tarpit_seconds=LONG, smtp_tarpit_errors=0, smtp_errors=1000, trusted_networks="203.0.113.0/24\n")
for name, env in [("this host", {"TCPREMOTEIP": "127.0.0.1"}), ("RELAYCLIENT", {"RELAYCLIENT": ""}), ("a trusted network", {"TCPREMOTEIP": "203.0.113.5"}),
                  ("a Unix socket", {"unix": True})]:
    c = i.client(**env)
    tap.eq([c.cmd("FOO")[:3] for _ in range(3)], ["500"] * 3, f"not slowed: {name}")
    c.close()
for n, (name, end) in enumerate([("closes", lambda c: (c.file.close(), c.socket.close())), ("closes its side", lambda c: c.socket.shutdown(1))]):
    c = i.client()
    c.send("FOO\r\nFOO\r\nFOO\r\n")
    slowed(i, n + 1)
    end(c)
    tap.eq(c.process.wait(timeout=60), 0, f"a client that {name} is let go at once")
    c.close()
c = i.client()
c.send("FOO\r\n")
slowed(i, 3)
c.process.send_signal(signal.SIGTERM)
tap.eq([(c.reply() or "")[:3] for _ in range(3)], ["500", "421", ""], "SIGTERM ends the wait")
c.close()
i.close()
i = Instance(smtp_tarpit_seconds=LONG, smtp_tarpit_errors=0, smtp_session_seconds=1)
c = i.client()
c.send("FOO\r\n")
got = [r for r in (c.reply(), c.reply(), c.reply()) if r]
tap.eq(got[-1:], ["421 4.4.2 timeout, closing"], "so does the end of the session")
tap.eq(c.close(), 0, "... in order")
i.close()

for name, value in [("smtp-tarpit-seconds", "301"), ("smtp-tarpit-errors", "x"), ("smtp-tarpit-total-seconds", "0")]:
    i = Instance(**{"smtp-tarpit-seconds": 1, name: value})
    p = subprocess.run([BIN + "/smtp-recv"], env=i.environment(), stdin=subprocess.DEVNULL, capture_output=True)
    tap.ok(p.returncode == 100 and name.encode() in p.stderr and p.stdout == b"", f"bad {name}: {value}", p)
    i.close()

# Every verb that is another protocol's; what follows is not read as commands.
with open(os.path.join(ROOT, "smtp-recv/commands.c")) as f:
    verbs = re.findall(r'\{"(\w+)",\s+do_http,', f.read())
tap.ok({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "TRACE", "PATCH", "PRI"} <= set(verbs), "HTTP's verbs", verbs)
i = Instance()
for verb in verbs:
    c = i.client()
    c.send(f"{verb} / HTTP/1.1\r\nHost: mx.example.test\r\n\r\nEHLO a.example\r\nMAIL FROM:<a@b.example>\r\n")
    tap.eq([c.reply(), c.reply(), c.close()], ["421 5.7.0 this is SMTP, not HTTP", None, 0], f"{verb}: cut off")
    tap.like(i.logged(), rf"event=not-smtp ip=192\.0\.2\.7 verb={verb}\n\S+ \S+ event=reject verb={verb} arg=\"/ HTTP/1.1\" code=421 ", "... is logged")
i.close()
tap.done()
