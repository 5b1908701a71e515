#!/usr/bin/env python3
"""Filters from the wire to the Maildir: what rspamd marks is filed as junk, and what a filter puts into quarantine is held until
somebody says what becomes of it. rspamd is left out where it is not installed."""
import imaplib, json, os, smtplib, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from filters import GTUBE, MARKED, Filters, there
from instance import LIMIT, Instance, tap, wait_for
from milter import Milter, packet, strings

ALICE, BOB = "alice@example.test", "bob@example.test"


def send(one, subject, text, rcpts=(ALICE,), sender="stranger@elsewhere.test", submit=False):
    """The reply to the message."""
    with smtplib.SMTP("127.0.0.1", one.port("submission" if submit else "smtp"), timeout=LIMIT) as s:
        s.ehlo("client.test")
        if submit:
            s.login(ALICE, one.password[ALICE])
        s.mail(sender)
        for r in rcpts:
            s.rcpt(r)
        return s.data(f"From: {sender}\r\nSubject: {subject}\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\n{text}\r\n")


def imap(one, who):
    c = imaplib.IMAP4("127.0.0.1", one.port("imap"), timeout=LIMIT)
    c.login(who, one.password[who])
    return c


def subjects(one, who, folder="INBOX"):
    c = imap(one, who)
    c.select(folder, readonly=True)
    found = [d[1].decode().strip()[len("Subject: "):] for d in c.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if isinstance(d, tuple)]
    c.logout()
    return sorted(found)


def queue(one, *words):
    return one.script("env", f"POSTERN_DIR={one.dir}", "postern-queue", *words).stdout


def held(one):
    return [m for m in map(json.loads, queue(one, "list", "-j").splitlines()) if m["held"]]


def waits(one):
    return sorted(r["address"] for m in map(json.loads, queue(one, "list", "-j").splitlines()) for r in m["recipients"] if r["state"] == "waiting")


def check_junk(one):
    imap(one, ALICE).create("Junk")
    for subject, text, folder in (("clean", "hello", "INBOX"), ("marked", MARKED, "Junk")):
        reply = send(one, subject, text)
        tap.ok(reply[0] == 250 and subjects(one, ALICE, folder) == [subject], f"{subject}: {folder}", reply)
    reply = send(one, "worse", GTUBE)
    tap.ok(reply[0] == 554 and [subjects(one, ALICE, f) for f in ("INBOX", "Junk")] == [["clean"], ["marked"]], "GTUBE: refused, delivered nowhere", reply)


def check_quarantine(one, milter):
    was = subjects(one, ALICE)
    for what, rcpts, submit in (("from outside", (ALICE, BOB), False), ("a submission", (ALICE, BOB, "x@far.test"), True)):
        reply = send(one, what, "hold me", rcpts, sender=ALICE if submit else "stranger@elsewhere.test", submit=submit)
        found = held(one)
        tap.ok(reply[0] == 250 and [sorted(r["address"] for r in m["recipients"]) for m in found] == [sorted(rcpts)], f"quarantine, {what}: accepted, held for all recipients", reply, found)
        tap.ok(subjects(one, ALICE) == was and what not in subjects(one, BOB), "nobody has it")
        name = found[0]["id"]
        text = queue(one, "list", name) + queue(one, "show", name)
        tap.ok(found[0].get("reason") == "m: it looks bad" and text.count("    held      m: it looks bad\n") == 2 and "hold me" in text, "list and show name the filter and its reason", found, text)
        asked = milter.connections
        queue(one, "release", name)
        wait_for(lambda: waits(one) == ["x@far.test"][:submit], "released, it is delivered")
        was = sorted(was + [what])
        tap.ok(subjects(one, ALICE) == was and subjects(one, BOB).count(what) == 1, "released, both have it, once", subjects(one, ALICE), subjects(one, BOB))
        tap.ok(milter.connections == asked, "and it is not filtered again")
        tap.ok("reason" not in queue(one, "list", "-j"), "a reason is that of what is held")
        queue(one, "delete", "-A")
    send(one, "deleted", "hold me", (ALICE, BOB))
    name = held(one)[0]["id"]
    queue(one, "delete", name)
    send(one, "bounced", "hold me", (ALICE,), sender=BOB, submit=False)
    queue(one, "bounce", held(one)[0]["id"])
    wait_for(lambda: any("fail" in s.lower() or "undeliver" in s.lower() or "returned" in s.lower() for s in subjects(one, BOB)), "the sender of what was bounced is told")
    tap.ok(not held(one) and subjects(one, ALICE) == was, "deleted or bounced, it is delivered to nobody", subjects(one, ALICE), subjects(one, BOB))


class ByText(Milter):
    """Quarantine for what says "hold me"."""
    def event(self, peer, event, data):
        if event == "body":
            self.answers["eom"] = [packet("q", strings("it looks bad")), "cont"] if b"hold me" in data else "cont"
        super().event(peer, event, data)


with Filters() as filters:
    milter = ByText()
    lines = f"m {milter.name} timeout=120 failure=reject\n"
    rspamd = there("rspamd")
    if rspamd:
        filters.rspamd(greylist=False)
        filters.wait()
        lines += filters.line("rspamd-tcp")
    with Instance({"milters": lines, "junk-fields": "X-Spam: Yes", "resolver": "127.0.0.1@9", "cleartext-networks": "127.0.0.0/8"}) as one:
        if rspamd:
            check_junk(one)
        else:
            tap.skip("junk", "rspamd is not installed")
        check_quarantine(one, milter)
tap.done()
