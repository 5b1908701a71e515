"""Notifications that a scripted peer got, as Python's email package reads them, and messages that are to lead to some."""
import email, email.policy

from instance import wait_for
from smtppeer import ALL, Peer, Remote

NO = {"RCPT": lambda line: "550-5.1.1 No such user\r\n550 5.1.1 <here>" if "bad" in line else "450 4.2.0 later" if "grey" in line else None}
BODY = "From: s@home.test\nSubject: original\nX-Long: " + "w" * 200 + "\n\nthe body\n.\n"


def bounces(peer, count=1):
    wait_for(lambda: sum("FROM:<>" in m.mail for m in peer.messages) >= count, f"{count} notification(s)")
    return [(m, email.message_from_bytes(m.data, policy=email.policy.SMTP)) for m in peer.messages if "FROM:<>" in m.mail]


def fields(report):
    status = [p for p in report.walk() if p.get_content_type() in ("message/delivery-status", "message/global-delivery-status")][0]
    if status.get_content_type() == "message/delivery-status":
        return status.get_payload()
    text = status.get_payload(decode=True) or status.get_payload(0).as_bytes()
    return [email.message_from_string(b) for b in text.decode().replace("\r\n", "\n").split("\n\n") if b.strip()]


def run(rcpts, script=NO, ext=ALL, settings=None, **queue):
    """A walker with one message, at work, and its peer, whose script knows bad and grey recipients."""
    peer = Peer(script=script, ext=ext)
    r = Remote({"smtp-port": peer.port, **(settings or {})}, routes="*: [127.0.0.1]")
    r.peer = peer
    r.name = r.queue(rcpts, **{"body": BODY, **queue})
    return r.start()
