#!/usr/bin/env python3
"""What Sieve scripts send of their own: vacation answers and notifications; that nothing of it goes round."""
import os, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Peer, Tap

tap = Tap()
OK = ["250 2.0.0 delivered"]


def message(sender="a@b.test", to="alice@example.test", header="", number=1):
    return f"From: {sender}\r\nTo: {to}\r\nSubject: lunch\r\nMessage-ID: <{number}@b.test>\r\n{header}\r\nbody\r\n"


class Host:
    def __init__(self, domain="example.test", user="alice", **settings):
        self.instance = Instance(users=f"{user}@{domain}: x\nbob@{domain}: x\n", domains=domain + ":\n", **settings)
        self.relay, self.domain = Peer(self.instance, "relay"), domain
        self.client = Client(self.instance)

    def deliver(self, to, text, sender="a@b.test"):
        """The reply, and what was sent on or of its own by then: the connection answers in turn."""
        seen = len(self.relay.messages)
        replies = self.client.deliver([to], text, sender=sender)
        # Answers are sent when the reply is out, and before the next command is heard.
        self.client.cmd("NOOP")
        self.client.mail(["nobody@" + self.domain])
        self.client.cmd("RSET")
        return replies, self.relay.messages[seen:]

    def done(self):
        code = self.client.quit()
        self.instance.done()
        return code


# ---- vacation ----
h = Host(junk_fields="X-Spam: Yes\n")
h.instance.sieve("alice", 'require "vacation"; vacation :days 1 "I am away.";')
replies, sent = h.deliver("alice@example.test", message())
tap.eq((replies, len(h.instance.files("alice")), len(sent)), (OK, 1, 1), "the message is kept, and answered")
tap.eq((sent[0]["mail"].split()[1], sent[0]["rcpts"][0].split()[1]), ("FROM:<>", "TO:<a@b.test>"), "from the null sender to the envelope's")
for field in ("From: <alice@example.test>", "To: <a@b.test>", "Subject: Auto: lunch", "In-Reply-To: <1@b.test>", "Auto-Submitted: auto-replied"):
    tap.ok(f"{field}\r\n" in sent[0]["body"], f"its field {field}")
tap.ok(sent[0]["body"].endswith("\r\n\r\nI am away.\r\n") and "Delivered-To" not in sent[0]["body"], "its text")
tap.eq(len(h.deliver("alice@example.test", message(number=2))[1]), 0, "the same sender again: no answer")
tap.eq(len(h.deliver("alice@example.test", message(number=3), sender="c@b.test")[1]), 1, "another sender: an answer")
for name, text, sender in (
        ("a list", message(header="List-Id: <x.b.test>\r\n"), "d@b.test"), ("bulk mail", message(header="Precedence: bulk\r\n"), "d@b.test"),
        ("an answer", message(header="Auto-Submitted: auto-replied\r\n"), "d@b.test"), ("no sender", message(), ""),
        ("a machine", message(), "mailer-daemon@b.test"), ("oneself", message(), "alice@example.test"),
        ("junk", message(header="X-Spam: Yes\r\n"), "d@b.test"), ("a blind copy", message(to="x@y.test"), "d@b.test")):
    tap.eq((h.deliver("alice@example.test", text, sender=sender)[0], len(h.relay.messages)), (OK, 2), f"no answer to {name}")
tap.eq(len(h.deliver("alice@example.test", message(), sender="d@b.test")[1]), 1, "none of these counted as one")
h.instance.sieve("alice", 'require "vacation"; vacation "Another text.";')
tap.eq(len(h.deliver("alice@example.test", message())[1]), 1, "another text is another answer")
h.instance.sieve("alice", 'require ["vacation","variables"]; if header :matches "message-id" "*" { vacation :subject "about ${1}" "by variables"; }')
tap.eq([len(h.deliver("alice@example.test", message(number=n))[1]) for n in (5, 6)], [1, 0], "variables make no other answer of it")
h.instance.sieve("alice", 'require ["vacation","editheader"]; deleteheader "Subject"; addheader "Subject" "edited"; vacation "edited";')
tap.ok("Subject: Auto: edited\r\n" in h.deliver("alice@example.test", message())[1][0]["body"], "the header counts as the script has left it")
h.instance.sieve("alice", 'require ["vacation-seconds"]; vacation :seconds 0 :handle "x" "Each time.";')
tap.eq([len(h.deliver("alice@example.test", message())[1]) for _ in range(2)], [1, 1], "zero seconds: each time")
state = h.instance.path("mail/example.test/alice/sieve/.state/vacation")
with open(state, "wb") as f:
    f.write(b"\0" * 4711)
h.instance.sieve("alice", 'require "vacation"; vacation :subject "T\u00e4g" :from "Al <alice@example.test>" :mime "Content-Type: text/html\r\n\r\n<p>away";')
sent = h.deliver("alice@example.test", message())[1]
tap.ok(len(sent) == 1 and "Subject: =?utf-8?" in sent[0]["body"] and "<p>away" in sent[0]["body"] and "Content-Type: text/html\r\n" in sent[0]["body"], "a damaged file is as empty; subject and mime")
tap.eq(len(h.deliver("alice@example.test", message())[1]), 0, "and is written again")
h.relay.rules["dot"] = "451 later"
h.instance.sieve("alice", 'require ["vacation"]; vacation :handle "y" "x";')
tap.eq(h.deliver("alice@example.test", message(), sender="e@b.test")[0], OK, "an answer that cannot be sent does not fail the message")
tap.like(h.instance.log(), "event=notice .*verdict=\"451", "it is in the log")
h.relay.rules.clear()
tap.eq(h.done(), 0, "exit 0")
h = Host(sieve_vacation_min="1d\n")
h.instance.sieve("alice", 'require ["vacation-seconds"]; vacation :seconds 0 "x";')
tap.eq([len(h.deliver("alice@example.test", message())[1]) for _ in range(2)], [1, 0], "sieve-vacation-min")
h.done()

# ---- notify ----
h = Host()
h.instance.sieve("alice", 'require "enotify"; notify :message "new mail" "mailto:p@pager.test?cc=q@pager.test&body=hello"; notify "mailto:p@pager.test";')
replies, sent = h.deliver("alice@example.test", message())
tap.eq((replies, sorted(r for m in sent for r in m["rcpts"])), (OK, ["RCPT TO:<p@pager.test>", "RCPT TO:<q@pager.test>"]), "each address gets one notification")
tap.ok(all(m["mail"].startswith("MAIL FROM:<alice@example.test>") for m in sent), "from the account")
tap.ok(sent[0]["body"].startswith('Auto-Submitted: auto-notified; owner-email="alice@example.test"\r\n') and "\r\nSubject: new mail\r\n" in sent[0]["body"] and sent[0]["body"].endswith("\r\n\r\nhello\r\n"), "its text")
tap.eq(len(h.deliver("alice@example.test", message(header="Auto-Submitted: auto-notified\r\n"))[1]), 0, "none of what is automatic")
sent = h.deliver("alice@example.test", message(), sender="")[1]
tap.ok(sent and all(m["mail"].startswith("MAIL FROM:<>") for m in sent), "of a message without sender: without sender")
tap.eq(h.done(), 0, "exit 0")

# ---- hosts that answer one another ----
def play(hosts, to, text, sender, limit=30):
    """Carries mail between hosts until nothing is under way: hops, and refusals."""
    todo, hops, refused = [(to, text, sender)], 0, []
    while todo and hops < limit:
        to, text, sender = todo.pop(0)
        hops += 1
        host = next((h for h in hosts if to.endswith("@" + h.domain)), None)
        if host is None:
            continue
        replies, sent = host.deliver(to, text, sender=sender)
        refused += [r for r in replies if r[0] != "2"]
        for m in sent:
            todo += [(r.split("<")[1].split(">")[0], m["body"], m["mail"].split("<")[1].split(">")[0]) for r in m["rcpts"]]
    return hops, refused


a, b = Host("a.test"), Host("b.test", "bea")
a.instance.sieve("alice", 'require "vacation"; vacation "away";', domain="a.test")
b.instance.sieve("bea", 'require "vacation"; vacation "away, too";', domain="b.test")
tap.eq(play([a, b], "alice@a.test", message("bea@b.test", "alice@a.test"), "bea@b.test"), (2, []), "vacation against vacation ends with one answer")
a.instance.sieve("alice", 'require ["enotify"]; notify "mailto:bea@b.test";', domain="a.test")
b.instance.sieve("bea", 'require ["enotify"]; notify "mailto:alice@a.test";', domain="b.test")
tap.eq(play([a, b], "alice@a.test", message("x@y.test", "alice@a.test"), "x@y.test"), (2, []), "notifications of notifications are not sent")
a.instance.sieve("alice", 'redirect "bea@b.test";', domain="a.test")
b.instance.sieve("bea", 'redirect "alice@a.test";', domain="b.test")
hops, refused = play([a, b], "alice@a.test", message("x@y.test", "alice@a.test"), "x@y.test")
tap.eq((hops, refused), (3, ["554 5.4.6 message has been here before, loop"]), "two that redirect to each other end with one error")
a.instance.sieve("alice", 'require "copy"; redirect :copy "bea@b.test";', domain="a.test")
b.instance.sieve("bea", 'require "copy"; redirect :copy "alice@a.test";', domain="b.test")
hops, refused = play([a, b], "alice@a.test", message("x@y.test", "alice@a.test"), "x@y.test")
tap.eq((hops, refused, len(a.instance.files("alice", domain="a.test")), len(b.instance.files("bea", domain="b.test"))),
       (3, ["554 5.4.6 message has been here before, loop"], 3, 3), "with copies, too: each has one of it")
a.done()
b.done()
tap.done()
