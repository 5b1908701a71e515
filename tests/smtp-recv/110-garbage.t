#!/usr/bin/env python3
"""Sessions made of pieces of real ones, cut, repeated, mutated, and of noise: the program ends by itself
with exit 0, without a sanitizer's complaint, and says nothing that is no reply."""
import os, random, re, subprocess, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, Instance, Tap

SESSIONS = 300
PIECES = [b"EHLO a.example\r\n", b"HELO [192.0.2.1]\r\n", b"MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME\r\n", b"MAIL FROM:<>\r\n",
          b"MAIL FROM:<\xc3\xa9@b.example> SMTPUTF8 RET=FULL ENVID=x\r\n", b"RCPT TO:<u@example.test> NOTIFY=SUCCESS,DELAY\r\n",
          b"RCPT TO:<@x,@y:\"a b\"@example.test>\r\n", b"RCPT TO:<postmaster>\r\n", b"RCPT TO:<u@[IPv6:::1]>\r\n", b"DATA\r\n",
          b"Subject: x\r\n\r\n..y\r\n.\r\n", b"\n.\n", b"\r.\r", b".\r\n", b"BDAT 10 LAST\r\n0123456789", b"BDAT 3\r\nabc", b"BDAT 0 LAST\r\n",
          b"RSET\r\n", b"NOOP\r\n", b"HELP MAIL\r\n", b"VRFY x\r\n", b"STARTTLS\r\n", b"AUTH PLAIN AGEAYg==\r\n", b"*\r\n",
          b"XFORWARD IDENT=a+2Bb\r\n", b"QUIT\r\n", b"\0\x16\x03\x01", b"\xff" * 20, b"x" * 5000, b"GET / HTTP/1.0\r\n"]
tap = Tap()
i = Instance(login_delay=0)
bad = []
for seed in range(SESSIONS):
    r = random.Random(seed)
    data = b"".join(r.choices(PIECES, k=r.randint(1, 25)))
    if seed % 3 == 0:
        data = PIECES[0] + PIECES[2] + PIECES[5] + data
    data = bytearray(data)
    for _ in range(r.choice([0, 0, 1, 5, 50])):
        at = r.randrange(len(data))
        data[at:at + r.choice([0, 1, 1])] = bytes([r.choice([0, 9, 10, 13, 32, 34, 46, 58, 60, 62, 64, 91, 92, 127, 200, r.randrange(256)])])
    args = ["/bin/false", "true"] if seed % 2 else []
    env = i.environment(**({"RELAYCLIENT": ""} if seed % 5 == 0 else {}))
    try:
        p = subprocess.run([BIN + "/smtp-recv", *args], input=bytes(data), capture_output=True, env=env, timeout=120)
    except subprocess.TimeoutExpired:
        bad.append((seed, "hangs"))
        continue
    lines = p.stdout.split(b"\r\n")
    if p.returncode or b"Sanitizer" in p.stderr or b"runtime error" in p.stderr:
        bad.append((seed, p.returncode, p.stderr[-500:]))
    elif lines.pop() or not all(re.fullmatch(rb"[2345]\d\d[ -][\x20-\x7e\x80-\xff]*", line) for line in lines):
        bad.append((seed, "no reply", p.stdout[-200:]))
tap.ok(not bad, f"{SESSIONS} sessions of garbage", bad)
for m in i.lmtp.messages:
    body = m["body"]
    if re.search(rb"\r(?!\n)|(?<!\r)\n|\0", body):
        bad.append(body[:300])
tap.ok(not bad, f"{len(i.lmtp.messages)} of them delivered something: no bare CR or LF, no NUL", bad)
i.close()
tap.done()
