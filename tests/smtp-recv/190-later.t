#!/usr/bin/env python3
"""FUTURERELEASE (RFC 4865) and DELIVERBY (RFC 2852) at the door: on submission alone; each parameter and each error; what the servers behind are told."""
import base64, os, re, sys, time
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import Instance, Tap

tap = Tap()
CHECK = "import os, sys\nos.read(3, 512)\nos.execvp(sys.argv[1], sys.argv[1:])\n"
TLS = {"SSL_PROTOCOL": "TLSv1.3", "SSL_CIPHER": "TLS_AES_256_GCM_SHA384"}
DAY = 86400
A, FAR = "RCPT TO:<bob@example.test>", "RCPT TO:<far@remote.test>"
MESSAGE = "Subject: x\r\nDate: Sun, 22 Nov 2026 15:04:05 +0000\r\nMessage-ID: <a@b>\r\n\r\nx\r\n.\r\n"


def utc(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


class Case:
    def __init__(self, later=("FUTURERELEASE 999999999 2058-01-01T00:00:00Z", "DELIVERBY"), **settings):
        self.i = Instance(**settings)
        self.i.spool.ext = self.i.spool.ext + later
        with open(self.i.path("check"), "w") as f:
            f.write(CHECK)
        os.chmod(self.i.path("check"), 0o644)

    def client(self, *options, **env):
        c = self.i.client(*options, sys.executable, self.i.path("check"), "true", **{**TLS, **env})
        c.ehlo = c.cmd("EHLO a.example")
        return c

    def submit(self):
        c = self.client("-s")
        c.cmd("AUTH PLAIN " + base64.b64encode(b"\0alice@example.test\0secret").decode())
        return c


def offered(ehlo):
    return re.findall(r"^250[- ](FUTURERELEASE.*|DELIVERBY.*)$", ehlo, re.M)


# ---- where it is offered
x = Case()
now = int(time.time())
words = offered(x.client("-s").ehlo)
tap.ok(words[1:] == ["DELIVERBY"] and words[0].startswith(f"FUTURERELEASE {30 * DAY} ") and words[0][-20:] in [utc(now + 30 * DAY + k) for k in range(600)], "on submission: thirty days, as seconds and as a time", words)
c = x.client()
tap.eq(offered(c.ehlo), [], "nowhere else (RFC 4865 4.2)")
for word in "HOLDFOR=60", f"HOLDUNTIL={utc(now + 60)}", "BY=60;R":
    tap.like(c.cmd(f"MAIL FROM:<a@b.test> {word}"), "^555 5.5.4", f"... and refused there: {word}")
c.close()
c = x.i.client(uid=0 if os.getuid() == 0 else None, unix=True, RELAYCLIENT="")
tap.eq(offered(c.cmd("EHLO a")), [], "not to relay clients on a Unix socket")
c.close()
for settings, want in ({"smtp_future_release": "0"}, ["DELIVERBY"]), ({"smtp_future_release": "90s", "smtp_deliver_by_min": "1m"}, ["FUTURERELEASE 90 ", "DELIVERBY 60"]):
    y = Case(**settings)
    c = y.submit()
    words = offered(c.ehlo)
    tap.ok(len(words) == len(want) and all(w.startswith(v) for w, v in zip(words, want)), f"{settings}: {want}", words)
    if len(want) == 1:
        tap.like(c.cmd("MAIL FROM:<alice@example.test> HOLDFOR=1"), "^555 5.5.4", "... and refused")
    else:
        for params, reply in [("HOLDFOR=90", "250"), ("HOLDFOR=91", "501 5.5.4"), ("BY=60;R", "250"), ("BY=59;R", "555 5.5.4"), ("BY=1;N", "250")]:
            tap.like(c.cmd(f"MAIL FROM:<alice@example.test> {params}"), "^" + reply, f"... {params}: {reply}")
            c.cmd("RSET")
    c.close()
    y.i.close()

# ---- each parameter and each error
c = x.submit()
now = int(time.time())
for params, reply, what in [
        (f"HOLDFOR={30 * DAY}", "250", "as long as there is"), (f"HOLDFOR={30 * DAY + 1}", "501 5.5.4 messages are not held", "a second longer"),
        (f"HOLDUNTIL={utc(now + 30 * DAY - 60)}", "250", "until nearly as late as there is"), (f"HOLDUNTIL={utc(now + 30 * DAY + 3600)}", "501 5.5.4", "later"),
        (f"HOLDUNTIL={utc(now - 60)}", "250", "a time that is over: at once"), ("HOLDFOR=60 HOLDFOR=60", "501 5.5.4", "twice"),
        (f"HOLDFOR=60 HOLDUNTIL={utc(now + 60)}", "501 5.5.4", "both"), ("HOLDFOR=0", "501 5.5.4", "no time"), ("HOLDFOR=", "501 5.5.4", "no value"),
        ("HOLDFOR", "501 5.5.4", "no value at all"), ("HOLDFOR=1h", "501 5.5.4", "no number"), ("HOLDUNTIL=2026-12-24", "501 5.5.4", "no time of the day"),
        ("HOLDUNTIL=2026-12-24T00:00:00+01:00", "501 5.5.4", "not in UTC"), ("HOLDFOR=600 BY=700;R", "250", "both extensions"),
        ("HOLDFOR=600 BY=500;R", "501 5.5.4", "released later than delivered (RFC 4865 5.2.2)"), ("BY=500;N HOLDFOR=600", "501 5.5.4", "the same with N"),
        ("HOLDFOR=600 BY=-1;N", "501 5.5.4", "the same, of the past"), ("BY=120;R", "250", "RFC 2852 6"), ("BY=0;R", "501 5.5.4", "no time with R (RFC 2852 4)"), ("BY=-1;R", "501 5.5.4", "the past with R"),
        ("BY=0;N", "250", "no time with N"), ("BY=-999999999;NT", "250", "the past with N"), ("BY=1000000000;R", "501 5.5.4", "ten digits"), ("BY=120;Q", "501 5.5.4", "no mode"), ("BY=1;R BY=1;R", "501 5.5.4", "twice")]:
    tap.like(c.cmd(f"MAIL FROM:<alice@example.test> {params}"), "^" + reply, f"{params}: {what}")
    c.cmd("RSET")

# ---- what the servers behind are told


def send(c, params, rcpts, i):
    """The reply to the message, MAIL as each server got it with a message, and whether mda-local was asked for its recipients."""
    i.lmtp.messages.clear(), i.spool.messages.clear(), i.lmtp.lines.clear()
    said = [c.cmd(f"MAIL FROM:<alice@example.test> {params}")] + [c.cmd(r) for r in rcpts] + [c.cmd("DATA")]
    c.send(MESSAGE.encode())
    said.append(c.reply())
    mails = [[(re.sub(r"SIZE=\d+ ?", "", m["mail"][len("MAIL FROM:<alice@example.test> "):]).strip(), [w[9:-1] for w in m["rcpts"]]) for m in s.messages] for s in (i.lmtp, i.spool)]
    return said[-1], mails, [l for l in i.lmtp.lines if l.startswith("RCPT")], said


for params, want in [("HOLDFOR=60", "HOLDFOR=60"), (f"HOLDUNTIL={utc(now + 600)}", f"HOLDUNTIL={utc(now + 600)}")]:
    said, (local, spool), asked, _ = send(c, params, [A, FAR], x.i)
    tap.ok(said.startswith("250 2.0.0") and local == [] and spool == [(want, ["bob@example.test", "far@remote.test"])] and asked == [A],
           f"{params.split('=')[0]}: mda-local checks its recipient, the spool gets all", f"{said} {local} {spool} {asked}")
x.i.lmtp.rules["bob"] = "550 5.1.1 no such user"
said, (local, spool), asked, all_said = send(c, "HOLDFOR=60", [A, FAR], x.i)
tap.ok(all_said[1].startswith("550 5.1.1") and spool == [("HOLDFOR=60", ["far@remote.test"])], "who is not here is refused now, not then", all_said)
x.i.lmtp.rules.clear()
said, (local, spool), asked, _ = send(c, "BY=120;RT", [A, FAR], x.i)
tap.ok(said.startswith("250") and local == [("", ["bob@example.test"])] and len(spool) == 1 and re.fullmatch(r"BY=1[12]\d;RT", spool[0][0]) and spool[0][1] == ["far@remote.test"],
       "BY: a mailbox here gets it at once, the spool what is left of the time", f"{local} {spool}")
said, (local, spool), asked, _ = send(c, "", [A, FAR], x.i)
tap.ok(local == [("", ["bob@example.test"])] and spool == [("", ["far@remote.test"])], "the message behind it is one like any other", f"{local} {spool}")
c.close()
x.i.close()

# A spool of others that cannot do it.
y = Case(later=())
c = y.submit()
for params in "HOLDFOR=60", "BY=120;R":
    said, (local, spool), asked, _ = send(c, params, [A, FAR], y.i)
    tap.ok(said.startswith("555 5.3.3") and local == [] and spool == [], f"a spool that knows no times: {params} is refused, nobody has it", f"{said} {local} {spool}")
said, (local, spool), asked, _ = send(c, "BY=120;N", [A, FAR], y.i)
tap.ok(said.startswith("250") and len(spool) == 1, "... but for BY with N, which is only a wish", said)
c.close()
y.i.close()
tap.done()
