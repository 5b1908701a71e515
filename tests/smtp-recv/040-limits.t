#!/usr/bin/env python3
"""Every limit of smtp-recv/limits.h and its own reply; bad settings."""
import os, resource, signal, subprocess, sys, time
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Lmtp, Tap

tap = Tap()
i = Instance()

c = i.client()
said = [c.cmd("FOO") for _ in range(20)]
tap.eq(said[0], "500 5.5.1 unknown command", "an error")
tap.eq([c.reply(), c.reply()], ["421 4.7.0 too many errors, closing", None], "errors: 421 and close")
c.close()

c = i.client()
tap.ok(all(c.cmd("NOOP") == "250 2.0.0 ok" for _ in range(100)), "100 NOOPs")
tap.eq([c.cmd("RSET"), c.reply()], ["421 4.7.0 too many commands without a message, closing", None], "junk: 421")
c.close()

c = i.client()
tap.like(c.cmd("NOOP " + "x" * 4089), "^250", "a command line of 4096 octets with its end")
tap.like(c.cmd("NOOP " + "x" * 4090), "^500 5.5.2 line too long", "a longer one")
tap.like(c.cmd("FOO" + "x" * 100000), "^500 5.5.2 line too long", "a far longer one")
tap.like(c.cmd("NOOP"), "^250", "... and the next command is read")
c.close()

few = Instance(smtp_recipients=100, smtp_messages=2, smtp_errors=1000)
c = few.client()
tap.like(c.cmd("EHLO a.example"), "\n250-LIMITS MAILMAX=2 RCPTMAX=100\n", "LIMITS (RFC 9422 3) says both")
c.cmd("MAIL FROM:<a@b.example>")
tap.eq([c.cmd("RCPT TO:<u0@example.test>")[:3] for _ in range(201)], ["250"] * 200 + ["452"], "one recipient, more than twice as often as there may be")
c.close()
c = few.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b.example>")
tap.ok(all(c.cmd(f"RCPT TO:<u{n}@example.test>")[:3] == "250" for n in range(100)), "100 recipients")
tap.eq(c.cmd("RCPT TO:<u0@example.test>"), "452 4.5.3 too many recipients, send the rest in another message", "101 recipients")
c.cmd("RSET")
tap.like(c.cmd("MAIL FROM:<a@b.example>"), "^250", "the second message")
c.cmd("RSET")
tap.eq([c.cmd("MAIL FROM:<a@b.example>"), c.reply()], ["421 4.5.3 too many messages in one connection, connect again", None],
       "messages: 421")
c.close()
c = few.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b.example>")
c.cmd("RCPT TO:<u@example.test>")
tap.eq(c.cmd("RCPT TO:<u@example.test>"), "250 2.1.5 recipient named before", "the same recipient twice")
c.cmd("DATA")
c.send("x\r\n.\r\n")
c.reply()
tap.eq(len(few.lmtp.messages[-1]["rcpts"]), 1, "... gets one copy")
c.close()
few.close()
most = Instance(smtp_messages=1000000)
c = most.client()
tap.like(c.cmd("EHLO a.example"), "LIMITS MAILMAX=999999 ", "LIMITS: a number has at most six digits")
c.close()
most.close()
idle = Instance(smtp_idle_seconds=1)
c = idle.client()
began = time.monotonic()
tap.eq([c.reply(), c.reply()], ["421 4.4.2 timeout, closing", None], "idle: 421")
tap.ok(time.monotonic() - began < 60, "... in time")
c.close()
for _ in range(10):  # on a busy machine the second may be over before a word is said
    c = idle.client()
    c.send("EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.test>\r\nDATA\r\n")
    if [(c.reply() or "")[:3] for _ in range(4)] == ["250", "250", "250", "354"]:
        break
    c.close()
c.send("half a line")
tap.eq([c.reply(), c.reply()], ["421 4.4.2 timeout, closing", None], "idle within a message: 421")
c.close()
c = idle.client()
for n in range(30):
    c.send("N")
    time.sleep(0.1)  # less than the second that a line has
tap.eq([c.reply(), c.reply()], ["421 4.4.2 timeout, closing", None], "a line that drips: 421")
c.close()
idle.close()
short = Instance(smtp_session_seconds=1)
c = short.client()
for n in range(30):
    c.send("NOOP\r\n")
    time.sleep(0.1)  # never idle for long
said = []
while (r := c.reply()):
    said.append(r)
tap.eq(said[-1:], ["421 4.4.2 timeout, closing"], "the whole session has a deadline")
c.close()
short.close()

many = Instance()
servers = [Lmtp(many.path(f"run/s{n}"), {}) for n in range(9)]
many.write("domains", "".join(f"d{n}.test: lmtp:run/s{n}\n" for n in range(9)))
c = many.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b.example>")
said = [c.cmd(f"RCPT TO:<u@d{n}.test>") for n in range(9)]
tap.eq([s[:3] for s in said], ["250"] * 8 + ["452"], "nine LMTP servers for one message are too many")
c.cmd("DATA")
c.send("x\r\n.\r\n")
tap.like(c.reply(), "^250", "... the eight are served")
tap.eq([len(s.messages) for s in servers], [1] * 8 + [0], "... each once")
c.cmd("MAIL FROM:<a@b.example>")
tap.like(c.cmd("RCPT TO:<u@d8.test>"), "^250", "the next message takes a place that is free")
c.close()
loop = many
loop.write("domains", "a.test: alias:b.test\nb.test: alias:a.test\n")
c = loop.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b.example>")
tap.like(c.cmd("RCPT TO:<u@a.test>"), "^421 4.3.5", "alias domains in a circle")
c.close()
many.close()

# Disk full: the file of a long message cannot grow.
def full():
    resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


for name, octets, wanted in [("in memory", 150000, "250"), ("in a file", 1500000, "452 4.3.1")]:
    p = subprocess.Popen([BIN + "/smtp-recv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=i.log, env=i.environment(),
                         preexec_fn=full)
    lines = "EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.test>\r\nDATA\r\n" + "x" * 78 + "\r\n"
    out, _ = p.communicate((lines + ("x" * 78 + "\r\n") * (octets // 80) + ".\r\nNOOP\r\n").encode())
    tap.like(out.decode(), rf"\n354 [^\n]*\n{wanted}[^\n]*\n250 2.0.0 ok\r\n$", f"a file size limit of 200 kB, {octets} octets {name}")
dirless = Instance(smtp_tmp="no/such/directory")
p = subprocess.run([BIN + "/smtp-recv"], env=dirless.environment(), stdin=subprocess.DEVNULL, capture_output=True)
tap.ok(p.returncode == 100 and b"no/such/directory" in p.stderr, "a directory that is not there", p)
dirless.close()

# Told to end.
for sig in (signal.SIGTERM, signal.SIGHUP):
    c = i.client()
    c.cmd("EHLO a.example")
    c.process.send_signal(sig)
    tap.eq([c.reply(), c.reply(), c.close()], ["421 4.3.2 shutting down, come back soon", None, 0], f"{sig.name}: 421")
c = i.client()
c.cmd("EHLO a.example")
c.cmd("MAIL FROM:<a@b.example>")
c.cmd("RCPT TO:<u@example.test>")
c.cmd("DATA")
c.process.send_signal(signal.SIGTERM)
c.send("x\r\n.\r\n")
tap.eq([c.reply()[:3], c.reply()[:3], c.reply()], ["250", "421", None], "SIGTERM within a message: the message first")
c.close()

# Bad settings: which file and why, exit 100.
for name, value in [("smtp-size", "lots"), ("smtp-size", "1"), ("smtp-recipients", "99"), ("smtp-hops", "x"), ("smtp-errors", "0"),
                    ("smtp-messages", "-1"), ("smtp-line", "997"), ("smtp-reply-seconds", "5"), ("smtp-idle-seconds", "0"),
                    ("smtp-session-seconds", "z"), ("smtp-bare-newlines", "maybe")]:
    bad = Instance(**{name: value})
    p = subprocess.run([BIN + "/smtp-recv"], env=bad.environment(), stdin=subprocess.DEVNULL, capture_output=True)
    tap.ok(p.returncode == 100 and name.encode() in p.stderr and p.stdout == b"", f"bad {name}: {value}", p)
    bad.close()
p = subprocess.run([BIN + "/smtp-recv", "-x"], env=i.environment(), stdin=subprocess.DEVNULL, capture_output=True)
tap.eq(p.returncode, 100, "bad option")
if os.getuid() == 0:
    env = i.environment()
    env.pop("UID")
    p = subprocess.run([BIN + "/smtp-recv"], env=env, stdin=subprocess.DEVNULL, capture_output=True)
    tap.ok(p.returncode == 100 and b"UID" in p.stderr, "refuses to be root", p)
i.close()
tap.done()
