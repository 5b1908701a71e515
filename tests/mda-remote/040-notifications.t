#!/usr/bin/env python3
"""Notifications: RFC 3464 as Python's email package reads them, RFC 3461's NOTIFY, RET, ENVID and ORCPT, RFC 6533; and that
nobody is told twice or for a bounce."""
import os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dsnreport import BODY, bounces, fields, run
from instance import tap
from smtppeer import ALL, Remote

with run(["bad1@x.test", ("bad2@x.test", "ORCPT=rfc822;first+2Bone@y.test"), "good@x.test"], mail="ENVID=my+2Bid") as r:
    r.wait_empty()
    found = bounces(r.peer)
    tap.ok(len(found) == 1, "two failures of one attempt: one notification", len(found))
    message, report = found[0]
    tap.ok(message.rcpts == ["RCPT TO:<sender@home.test> NOTIFY=NEVER"], "to the sender, from <>", message.rcpts)
    tap.ok(report.get_content_type() == "multipart/report" and report.get_param("report-type") == "delivery-status", "multipart/report", report["Content-Type"])
    tap.ok(report["Auto-Submitted"] == "auto-replied" and report["Date"] and report["Message-ID"] and report["From"] and "sender@home.test" in report["To"], "its header", report.as_string()[:600])
    tap.ok(not report.defects and not any(p.defects for p in report.walk()), "no defect", [p.defects for p in report.walk()])
    parts = list(report.iter_parts())
    tap.ok([p.get_content_type() for p in parts] == ["text/plain", "message/delivery-status", "message/rfc822"], "its parts", [p.get_content_type() for p in parts])
    text = parts[0].get_content()
    tap.ok("<bad1@x.test>" in text and "No such user" in text and "127.0.0.1" in text, "words for people, with the server's reply", text)
    status = fields(report)
    tap.ok(len(status) == 3 and status[0]["Reporting-MTA"] == "dns; mx.home.test" and status[0]["Original-Envelope-Id"] == "my+id" and status[0]["Arrival-Date"] and status[0]["X-Postern-Id"] == r.name, "per message", str(status[0]))
    one, two = status[1], status[2]
    tap.ok(one["Final-Recipient"] == "rfc822; bad1@x.test" and one["Action"] == "failed" and one["Status"] == "5.1.1" and one["Remote-MTA"] == "dns; 127.0.0.1"
           and one["Last-Attempt-Date"], "per recipient", str(one))
    tap.ok(one["Diagnostic-Code"].replace("\n", "").startswith("smtp; 550 5.1.1 No such user") and "<here>" in one["Diagnostic-Code"], "the whole reply", one["Diagnostic-Code"])
    tap.ok(two["Original-Recipient"] == "rfc822; first+one@y.test", "the original recipient, decoded", str(two))
    tap.ok(parts[2].get_payload(0).as_bytes().replace(b"\r\n", b"\n") == BODY.encode() or b"the body" in parts[2].get_payload(0).as_bytes(), "the message comes back", parts[2].as_bytes()[-300:])
    tap.ok(r.log("event=bounce", f"id={r.name}", "kind=failed"), "logged with the message's id")

for mail, rcpt, kind, what in (("RET=HDRS", "", "text/rfc822-headers", "RET=HDRS: the header"), ("RET=FULL", "", "message/rfc822", "RET=FULL: the message"),
                               ("", "NOTIFY=NEVER", None, "NOTIFY=NEVER: nothing"), ("", "NOTIFY=SUCCESS", None, "NOTIFY=SUCCESS: no failure"),
                               ("", "NOTIFY=FAILURE", "message/rfc822", "NOTIFY=FAILURE")):
    with run("bad@x.test", mail=mail, rcpt=rcpt) as r:
        r.wait_empty()
        if kind:
            report = bounces(r.peer)[0][1]
            last = list(report.iter_parts())[2]
            tap.ok(last.get_content_type() == kind and ("the body" in last.as_string()) == (kind == "message/rfc822") and "original" in last.as_string(), what, last.as_string())
        else:
            tap.ok(not [m for m in r.peer.messages] and r.log("event=dropped"), what, "\n".join(r.lines))

# Relayed.
with run("good@x.test", ext=["PIPELINING"], rcpt="NOTIFY=SUCCESS") as r:
    r.wait_empty()
    report = bounces(r.peer)[0][1]
    one = fields(report)[1]
    tap.ok(one["Action"] == "relayed" and one["Status"].startswith("2.") and list(report.iter_parts())[2].get_content_type() == "text/rfc822-headers", "a server without DSN: relayed", str(one))

# Delayed: once.
with run("grey@x.test", rcpt="NOTIFY=DELAY,FAILURE", settings={"delay-notice": "1ms", "retry-min": "20ms", "retry-max": "30ms"}) as r:
    report = bounces(r.peer)[0][1]
    one = fields(report)[1]
    tap.ok(one["Action"] == "delayed" and one["Status"] == "4.2.0" and one["Will-Retry-Until"], "a delay is reported", str(one))
    r.wait("event=deferred", count=6)
    tap.ok(len(r.log("event=bounce")) == 1 and r.states(r.name) == {"grey@x.test": "w"}, "once")
for settings, rcpt, n in (({"delay-notice": "1ms"}, "", 0), ({"delay-notice": "1ms", "delay-notice-always": "yes"}, "", 1), ({"delay-notice": "0"}, "NOTIFY=DELAY", 0),
                          ({"delay-notice": "4h"}, "NOTIFY=DELAY", 0), ({"delay-notice": "1ms", "delay-notice-always": "yes"}, "NOTIFY=FAILURE", 0)):
    with run("grey@x.test", rcpt=rcpt, settings=settings) as r:
        r.wait("event=deferred", count=3)
        tap.ok(len(r.log("event=bounce")) == n, f"{settings} {rcpt}: {n}", r.lines)

# Time is over.
with run("grey@x.test", settings={"queue-lifetime": "1s", "retry-min": "100ms", "retry-max": "200ms"}) as r:
    r.wait_empty()
    one = fields(bounces(r.peer)[0][1])[1]
    tap.ok(one["Action"] == "failed" and one["Status"] == "4.4.7" and "450" in one["Diagnostic-Code"], "after its lifetime: failed, with the last reply", str(one))

# RFC 6533.
with run("b\u00e4d-bad@x.test", mail="SMTPUTF8", sender="j\u00f6rg@home.test", body="Subject: \u00fcber\n\nx\n") as r:
    r.wait_empty()
    message, report = bounces(r.peer)[0]
    kinds = [p.get_content_type() for p in report.iter_parts()]
    tap.ok(kinds == ["text/plain", "message/global-delivery-status", "message/global"] and report.get_param("report-type") == "global-delivery-status", "internationalized: its own types", kinds)
    tap.ok("utf-8; b\u00e4d-bad@x.test".encode() in message.data and "SMTPUTF8" in message.mail, "and addresses", message.data)

with run([("bad@x.test", "ORCPT=utf-8;j\\x{F6}rg\\x{2B}1@y.test")], mail="SMTPUTF8 RET=HDRS", sender="j\u00f6rg@home.test", body="Subject: \u00fcber\n\nx\n") as r:
    r.wait_empty()
    message, report = bounces(r.peer)[0]
    kinds = [p.get_content_type() for p in report.iter_parts()]
    tap.ok(kinds[2] == "message/global-headers" and "Original-Recipient: utf-8; j\u00f6rg+1@y.test".encode() in message.data, "RET=HDRS: message/global-headers; utf-8 ORCPT decoded", kinds, message.data)

# RFC 6533 4.5: the way back takes no SMTPUTF8, so what is in UTF-8 in it is encoded.
for missing in ["SMTPUTF8"], ["SMTPUTF8", "8BITMIME"]:
    with run("a@x.test", mail="SMTPUTF8", body="Subject: \u00fcber\n\nx\n", ext=[e for e in ALL if e not in missing] + ["CHUNKING"]) as r:
        r.wait_empty()
        message, report = bounces(r.peer)[0]
        parts = list(report.iter_parts())
        tap.ok("SMTPUTF8" not in message.mail and all(c < 128 for c in message.data) and [p.get_content_type() for p in parts] == ["text/plain", "message/global-delivery-status", "message/global"],
               f"to a server without {' and '.join(missing)}: seven bits", message.mail, message.data)
        tap.ok(fields(report)[1]["Status"] == "5.6.7" and b"Subject: =C3=BCber" in message.data and parts[2]["Content-Transfer-Encoding"] == "quoted-printable", "and all is in it", message.data)

# A large message comes back as its header.
with run("bad@x.test", body="Subject: big\n\n" + ("y" * 70 + "\n") * 20000) as r:
    r.wait_empty()
    report = bounces(r.peer)[0][1]
    tap.ok(list(report.iter_parts())[2].get_content_type() == "text/rfc822-headers" and len(report.as_bytes()) < 5000, "2 MB: only the header")
tap.done()
