#!/usr/bin/env python3
"""NOTIFY=SUCCESS: who offers DSN owes the notice (RFC 3461, RFC 3464)."""
import email, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, MESSAGE, Peer, Tap

tap = Tap()


def send(rcpt, params, dsn=True, sender="s@remote.test", mail_params=" ENVID=a+2Bb RET=HDRS", rules=None):
    """What the relay got when rcpt with these parameters was delivered: (reply, messages)."""
    i = Instance(users="alice@example.test: x\n",
                 aliases="out@example.test: x@remote.test\nlist@example.test: alice, x@remote.test\n")
    if rules:
        home = os.path.dirname(i.maildir("alice"))
        os.makedirs(home, 0o700)
        with open(os.path.join(home, ".qmail"), "w") as f:
            f.write(rules)
        os.chmod(home, 0o700)
        i.own(i.path("mail"))
    relay = Peer(i, "relay", dsn=dsn)
    c = Client(i)
    assert c.cmd(f"MAIL FROM:<{sender}>{mail_params}").startswith("250")
    reply = c.cmd(f"RCPT TO:<{rcpt}>{params}")
    if reply.startswith("250"):
        reply = c.data(MESSAGE, 1)[0]
    c.quit()
    i.done()
    return reply[:3], relay.messages


for params in ["", " NOTIFY=NEVER", " NOTIFY=FAILURE,DELAY"]:
    tap.eq(send("alice@example.test", params), ("250", []), f"no notice:{params}")
tap.eq(send("alice@example.test", " NOTIFY=SUCCESS", sender=""), ("250", []), "none to the null path")
tap.eq(send("nobody@example.test", " NOTIFY=SUCCESS"), ("550", []), "none for a failure: that is the reply")

reply, got = send("alice@example.test", " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first+2Balias@example.test")
tap.eq((reply, len(got)), ("250", 1), "delivered: one notice")
tap.eq((got[0]["mail"], got[0]["rcpts"]), ("MAIL FROM:<> BODY=8BITMIME", ["RCPT TO:<s@remote.test> NOTIFY=NEVER"]), "from nobody, to the sender")
m = email.message_from_string(got[0]["body"])
tap.eq((m.get_content_type(), m.get_param("report-type"), m["To"], m["Auto-Submitted"], m["Delivered-To"]),
       ("multipart/report", "delivery-status", "<s@remote.test>", "auto-replied", None), "a report")
text, status, headers = m.get_payload()
per_message, per_rcpt = status.get_payload()
tap.eq((per_message["Reporting-MTA"], per_message["Original-Envelope-Id"]), ("dns; mx.example.test", "a+b"), "about this message")
tap.eq(dict(per_rcpt.items()), {"Original-Recipient": "rfc822; first+alias@example.test", "Final-Recipient": "rfc822; alice@example.test",
                                "Action": "delivered", "Status": "2.0.0"}, "and this recipient")
tap.eq(headers.get_payload().strip(), "Subject: test\r\nFrom: a@b.test".strip() if "\r" in headers.get_payload() else "Subject: test\nFrom: a@b.test",
       "with the message's header and no more")

reply, got = send("out@example.test", " NOTIFY=SUCCESS ORCPT=rfc822;o@x.test")
tap.eq([g["rcpts"] for g in got], [["RCPT TO:<x@remote.test> NOTIFY=SUCCESS ORCPT=rfc822;o@x.test"]], "a forward to one: the request goes along")
reply, got = send("out@example.test", " NOTIFY=SUCCESS", dsn=False)
tap.eq((len(got), "Action: relayed" in got[1]["body"]), (2, True), "to a relay without DSN: relayed")
reply, got = send("list@example.test", " NOTIFY=SUCCESS,FAILURE")
tap.eq((got[0]["rcpts"], "Action: expanded" in got[1]["body"]), (["RCPT TO:<x@remote.test> NOTIFY=FAILURE"], True), "to several: expanded, and no more SUCCESS")
reply, got = send("list@example.test", " NOTIFY=SUCCESS")
tap.eq(got[0]["rcpts"], ["RCPT TO:<x@remote.test> NOTIFY=NEVER"], "nothing else asked for: NEVER")

# What an account's own rules do (RFC 3461 5.2.7.3: who sends on to several has told).
reply, got = send("alice@example.test", " NOTIFY=SUCCESS", rules="|true\n")
tap.eq((reply, ["Action: delivered" in g["body"] for g in got]), ("250", [True]), "a program that has it: delivered")
reply, got = send("alice@example.test", " NOTIFY=SUCCESS,FAILURE", rules="x@remote.test\n")
tap.eq((got[0]["rcpts"], "ENVID=a+2Bb" in got[0]["mail"], "Action: expanded" in got[1]["body"]), (["RCPT TO:<x@remote.test> NOTIFY=FAILURE"], True, True), "sent on: expanded")
tap.done()
