#!/usr/bin/env python3
"""Very many at once: a flood of connections from one address while another works, on every port; 500 clients that hand in mail at the same moment;
2,000 IMAP sessions that idle while mail pours in. (A tenth of that, or less, unless PROOF=1.)"""
import os
import re
import select

import abuse
from abuse import PROOF, Abused, Connection, count, each, private, tap, wait_for

abuse.proof("floods and crowds: nobody else is kept from his work, nothing acknowledged is lost")
PER_ADDRESS = 20  # the default of max-per-address
FLOOD, ROUNDS = count(60, 500), count(1, 10)
CROWD = count(60, 500)
IDLERS, MAILS = count(60, 2000), count(20, 200)
IDLE_KB = 200  # doc/architecture.md, 8
# What one connection too many of an address is told.
REFUSALS = {"smtp": b"421 4.7.0 too many connections from your address\r\n", "submission": b"421 4.7.0 too many connections from your address\r\n",
            "imap": b"* BYE [LIMIT] Too many connections from your address\r\n", "pop3": b"-ERR [IN-USE] Too many connections from your address\r\n",
            "managesieve": b'BYE (TRYLATER) "Too many connections from your address"\r\n'}
ACCOUNTS = [f"u{n}" for n in range(20)]


def works(one, name):
    """Mail in, and read again, of somebody at another address."""
    got = one.deliver("u0", name)
    c = one.imap("u0")
    c.send("b SELECT INBOX\r\nc SEARCH SUBJECT " + name + "\r\nd LOGOUT\r\n")
    said = c.ended()
    c.close()
    return got.startswith("250 ") and re.search(rb"\* SEARCH \d+\r\n", said)


def flood(one, service):
    """Connections as fast as they can be made, kept as long as the server keeps them."""
    served = 0
    for n in range(ROUNDS):
        those = [Connection(one.port(service), "127.6.6.6") for _ in range(FLOOD)]
        each(those, lambda c: b"\n" in c.data, "answered")
        refused = sum(c.data == REFUSALS[service] for c in those)
        served += works(one, f"{service}{n}") is not None
        kept = FLOOD - refused
        if kept != PER_ADDRESS:
            break
        for c in those:
            c.close()
        one.settle() if n == 0 else wait_for(lambda: not one.sessions(), "their end")
    tap.ok(kept == PER_ADDRESS, f"{service}: of {FLOOD} connections of one address {PER_ADDRESS} are served, the others told why", kept, those[-1].data)
    tap.ok(served == ROUNDS, f"{service}: meanwhile another address hands in mail and reads it")
    tap.ok("127.6.6.6" in one.said(service), f"{service}: the log names the address", one.said(service)[-300:])


def crowd(one):
    """All connect, all are greeted, all send at once."""
    those = [Connection(one.port("smtp"), f"127.5.0.{n // PER_ADDRESS + 1}") for n in range(CROWD)]
    each(those, lambda c: b"220 " in c.data, "greeted")
    for n, c in enumerate(those):
        c.send(f"EHLO crowd.test\r\nMAIL FROM:<c@crowd.test>\r\nRCPT TO:<{ACCOUNTS[n % 20]}@example.test>\r\nDATA\r\n")
    each(those, lambda c: b"\r\n354 " in c.data or b"\r\n4" in c.data, "told to go on")
    for n, c in enumerate(those):
        c.send(f"Subject: crowd{n}\r\n\r\nx\r\n.\r\nQUIT\r\n")
    each(those, lambda c: c.over, "answered")
    acked = [n for n, c in enumerate(those) if re.search(rb"\r\n250 2\.[0-9.]+ [^\r]*\r\n221 ", c.data)]
    tap.ok(len(acked) == CROWD, f"{CROWD} clients at once: {len(acked)} messages acknowledged", [c.data[-200:] for n, c in enumerate(those) if n not in acked][:3])
    found = set()
    for name in ACCOUNTS:
        c = one.imap(name)
        c.send("b SELECT INBOX\r\nc FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\nd LOGOUT\r\n")
        found.update(int(n) for n in re.findall(rb"Subject: crowd(\d+)\r", c.ended()))
        c.close()
    tap.ok(found >= set(acked), "and every one of them is there", set(acked) - found)
    those = [Connection(one.port("imap"), f"127.5.1.{n // PER_ADDRESS + 1}") for n in range(CROWD)]
    for c in those:
        c.send(f'a LOGIN u1@example.test "{abuse.SECRET}"\r\nb STATUS INBOX (MESSAGES)\r\nc LOGOUT\r\n' if CROWD <= 200 else "c LOGOUT\r\n")
    each(those, lambda c: c.over, "answered")
    tap.ok(all(b"c OK" in c.data for c in those), f"{CROWD} IMAP clients at once are served", [c.data for c in those if b"c OK" not in c.data][:3])
    one.settle()


def idle(one):
    """Each session is told of each message of its account."""
    before = {}
    for name in ACCOUNTS:
        c = one.imap(name)
        c.send("b STATUS INBOX (MESSAGES)\r\nc LOGOUT\r\n")
        before[name] = int(re.search(rb"MESSAGES (\d+)", c.ended())[1])
        c.close()
    those = []
    for n in range(IDLERS):
        c = Connection(one.port("imap"), f"127.4.{n // 250}.{n % 250 // 10 + 1}")
        c.name = ACCOUNTS[n % 20]
        c.send(f'a LOGIN {c.name}@example.test "{abuse.SECRET}"\r\nb SELECT INBOX\r\nc IDLE\r\n')
        those.append(c)
        if n % 50 == 49:
            each(those[-50:], lambda c: b"\n+ " in c.data, "idling")
    each(those, lambda c: b"\n+ " in c.data, "idling")
    tap.ok(True, f"{IDLERS} sessions idle")
    sessions = one.sessions("imap")
    tap.ok(len(sessions) == IDLERS, "each is one process of imap", len(sessions))
    use = []

    def rested():
        use[:] = [private(pid) for _, pid in sessions]
        return max(use) <= IDLE_KB
    wait_for(rested, f"a private memory of {IDLE_KB} KiB of each")
    tap.ok(True, f"of which each holds {max(use)} KiB at most, {sum(use) // len(use)} on average")
    acked = dict.fromkeys(ACCOUNTS, 0)
    for n in range(MAILS):
        acked[ACCOUNTS[n % 20]] += one.deliver(ACCOUNTS[n % 20], f"pours{n}").startswith("250 ")
    tap.ok(sum(acked.values()) == MAILS, f"{MAILS} messages are taken meanwhile", acked)
    wanted = {name: before[name] + acked[name] for name in ACCOUNTS}
    each(those, lambda c: b"* %d EXISTS" % wanted[c.name] in c.data, "told of the last message")
    tap.ok(True, f"and all {IDLERS} are told of the last of them")
    for c in those:
        c.send("DONE\r\nd LOGOUT\r\n")
    each(those, lambda c: c.over, "gone")
    tap.ok(all(b"\r\nc OK" in c.data and b"\r\nd OK" in c.data for c in those), "all take leave in good order")
    one.settle()
    left = [f for name in ACCOUNTS for f in os.listdir(one.maildir(name + "@example.test") + "/tmp")]
    wakes = [f for name in ACCOUNTS if os.path.isdir(d := one.maildir(name + "@example.test") + "/postern-wake") for f in os.listdir(d)]
    tap.ok(not left + wakes, "and leave nothing behind", left, wakes)


abuse.many_descriptors()
with Abused({"max-connections": str(count(200, 3000)), "imap-user-connections": "500"}, accounts=ACCOUNTS) as one:
    for service in REFUSALS:
        flood(one, service)
    crowd(one)
    idle(one)
tap.done()
