"""Notifications that a scripted peer got, as Python's email package reads them."""
import email, email.policy

from instance import wait_for


def bounces(peer, count=1):
    wait_for(lambda: sum("FROM:<>" in m.mail for m in peer.messages) >= count, f"{count} notification(s)")
    return [(m, email.message_from_bytes(m.data, policy=email.policy.SMTP)) for m in peer.messages if "FROM:<>" in m.mail]


def fields(report):
    status = [p for p in report.walk() if p.get_content_type() in ("message/delivery-status", "message/global-delivery-status")][0]
    if status.get_content_type() == "message/delivery-status":
        return status.get_payload()
    text = status.get_payload(decode=True) or status.get_payload(0).as_bytes()
    return [email.message_from_string(b) for b in text.decode().replace("\r\n", "\n").split("\n\n") if b.strip()]
