#!/usr/bin/env python3
"""Who may relay: RELAYCLIENT by the access rules of port 25, relay-domains, mda-local's forwards; and nobody else."""
import glob, os, smtplib

from instance import Instance, tap, wait_for
from smtppeer import Peer


def rcpt(one, address, sender="x@elsewhere.test", host="127.0.0.1"):
    with smtplib.SMTP(host, one.port("smtp"), timeout=120) as s:
        s.ehlo("client.test")
        s.mail(sender)
        code, text = s.rcpt(address)
        s.rset()
        return code, text.decode()


def queued(one, text):
    for path in glob.glob(one.dir + "/spool/*/*"):
        if os.path.isfile(path) and text in open(path, errors="replace").read():
            return path


def no_user(line):
    return "550 5.1.1 no such user" if "<no" in line else None


backend = Peer(script={"RCPT": no_user})
rules = {"access/ip4/127.0.0.1_32/allow": "\n", "access/ip4/127.0.0.1_32/env/RELAYCLIENT": "\n",
         "access/ip6/::1_128/allow": "\n",
         "relay-domains": f"backup.test:\nasked.test: callout",  "routes": f"asked.test: [127.0.0.1]:{backend.port}", "aliases": "out@example.test: someone@far.test",
         # Nothing leaves: the resolver is nobody, and mail waits.
         "resolver": "127.0.0.1@9"}
with Instance(rules) as one:
    code, text = rcpt(one, "someone@remote.test")
    tap.ok(code == 250, "an address with RELAYCLIENT may relay", code, text)
    code, text = rcpt(one, "someone@remote.test", host="::1")
    tap.ok(code == 550 and text.startswith("5.7.1"), "another one may not", code, text)
    code, text = rcpt(one, "someone@backup.test", host="::1")
    tap.ok(code == 250, "a relay domain is taken from anybody", code, text)
    for address, want in ("bob@asked.test", "250 2.1.5 recipient ok"), ("nobody@asked.test", "550 5.1.1 its server says: no such user"):
        for again in 0, 1:
            tap.ok("%d %s" % rcpt(one, address, host="::1") == want, f"<{address}>: {want}")
    tap.ok(len(backend.sessions) == 2, "... of which its server was asked once for each", backend.sessions)
    backend.close()
    for address in "postmaster@example.test", "abuse@example.test", "postmaster", "Alice@EXAMPLE.test", "alice+news@example.test":
        code, text = rcpt(one, address, host="::1")
        tap.ok(code == 250, f"<{address}> is taken", code, text)
    for address, want in ("nobody@example.test", "5.1.1"), ("alice@[127.0.0.9]", "5.7.1"), ("a%remote.test@example.test", "5.1.1"):
        code, text = rcpt(one, address, host="::1")
        tap.ok(code == 550 and text.startswith(want), f"<{address}> is refused with {want}", code, text)
    with smtplib.SMTP("::1", one.port("smtp"), timeout=120) as s:
        s.sendmail("x@elsewhere.test", ["out@example.test"], "Subject: forward me\r\n\r\nbody\r\n")
    path = wait_for(lambda: queued(one, "Subject: forward me"), "the forward in the spool")
    text = open(path, errors="replace").read()
    tap.ok("someone@far.test" in text and "Delivered-To: out@example.test" in text, "an alias forwards through the relay socket", text)
tap.done()
