#!/usr/bin/env python3
"""Greylisting and what the DNS knows of a client: a list of good ones vouches for it, its confirmed name may be
exempt; a real DNS server (nsd)."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from dns import Nsd
from smtprecv import Instance, Tap

tap = Tap()
ZONES = {
    "2.0.192.in-addr.arpa": "7 PTR Out.Big.test.\n8 PTR out.big.test.\n",
    "big.test": "out A 192.0.2.7\n",
    "good.test": "9.2.0.192 A 127.0.0.2\n10.2.0.192 A 127.0.0.2\n",
    "bad.test": "10.2.0.192 A 127.0.0.2\n11.2.0.192 A 127.0.0.2\n",
}


def code(i, ip):
    """Of the reply to a recipient, from a sender that nobody knows."""
    c = i.client(TCPREMOTEIP=ip)
    c.cmd("EHLO client.example")
    c.cmd("MAIL FROM:<a@remote.example>")
    said = c.cmd("RCPT TO:<u@example.test>")
    c.close()
    return said[:3]


with Nsd(ZONES) as nsd:
    dns = {"resolver": f"127.0.0.1@{nsd.port}", "smtp_dns_seconds": 60, "smtp_greylist_seconds": 300}
    i = Instance(greylist_exempt=".big.test\n", smtp_reverse_dns="yes", **dns)
    tap.eq([code(i, "192.0.2.7"), code(i, "192.0.2.8")], ["250", "450"], "a client's name is exempt, one that does not lead back is not")
    i.write("smtp-reverse-dns", "no")
    tap.eq(code(i, "192.0.2.7"), "450", "... where it is looked up")
    i.close()
    i = Instance(dnsbl="good.test weight=-2\nbad.test weight=2\n", smtp_dnsbl_threshold=1, **dns)
    tap.eq([code(i, f"192.0.2.{n}") for n in (9, 10, 11, 12)], ["250", "450", "550", "450"],
           "who is on a list of good ones passes; who is on both, or on none, waits; who is on the other is refused")
    i.close()
tap.done()
