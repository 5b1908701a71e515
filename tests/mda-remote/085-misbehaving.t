#!/usr/bin/env python3
"""A server that misbehaves at each step in each way, alone and with another one behind it: a table made of steps, ways and
manners of speaking. Each case ends in the verdict that the RFCs name, and no message is delivered twice."""
import os, socket, sys, threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap
from smtppeer import ALL, DEAF, DROP, STALL, BrokenTls, Endless, Peer, Remote, certificate, server_tls
from smtpsend import parallel, send

# What a server can do in the place of a reply. "wrong": a reply of a class that does not belong there.
WAYS = {
    "drops": DROP, "stalls": STALL, "says half a line and stalls": (b"250 almo", STALL), "says half a reply and drops": (b"250-one\r\n", DROP),
    "says 4xx": "450 4.2.0 later", "says 5xx": "550 5.7.1 never", "says 421 and drops": ("421 4.3.2 closing", DROP),
    "says 421": "421 4.3.2 closing", "says 4xx in two lines": "450-4.2.0 one\r\n450 4.2.0 two",
    "speaks garbage": b"\x00\xff\xfe no protocol\r\n", "speaks another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "says an endless line": Endless(b"x" * 500), "says an endless reply": Endless(b"250-and so on\r\n"),
    "mixes codes": b"250-one\r\n550 two\r\n", "says 000": b"000 nothing\r\n", "says 199": b"199 no such class\r\n",
    "sends a reply without a blank": b"250!yes\r\n",
}
RETRY = {"stalls", "says half a line and stalls", "reads nothing"}  # those that take the time of remote-timeout
TLS = ALL + ["STARTTLS"]
PLAIN = [e for e in ALL if e != "PIPELINING"]
BIG = b"Subject: big\n\n" + b"y" * 70 + b"\n" + (b"z" * 990 + b"\n") * 16000
TEXT = "Subject: test\n\n.dot\nhello\n"


def after_mail(way):
    """RFC 5321 4.2.1: only 5yz is for good."""
    return "f" if way == "says 5xx" else "w"


# Manner of speaking: its extensions, and what smtp-send is told of the destination.
MANNERS = {"pipelined": (ALL, {}), "one by one": (PLAIN, {}), "in chunks": (ALL + ["CHUNKING"], {}), "chunks, one by one": (PLAIN + ["CHUNKING"], {}),
           "LMTP": (ALL, {"lmtp": True})}
tmp = Remote()
cert, key = certificate(tmp.dir, "peer.test")
context = server_tls(cert, key)
good_cert, good_key = certificate(tmp.dir, "good.test")
with open(f"{tmp.dir}/ca", "w") as f:
    f.write(open(cert).read() + open(good_cert).read())
good, lmtp = Peer(ext=TLS, tls=server_tls(good_cert, good_key)), Peer(ext=ALL, lmtp=True)
wrapped = Peer(ext=ALL, tls=good.tls, wrap=True)
cases = []


class Case:
    """want: the verdict where this is the only server: "d", "w", "f"; early: another one is tried after it."""

    def __init__(self, name, want, early=False, text=TEXT, **how):
        self.name, self.want, self.early, self.text, self.how = name, want, early, text, how
        self.slow = any(w in name for w in RETRY)
        cases.append(self)

    def run(self, other):
        """With another server behind it, or not: what went wrong, or nothing."""
        for timeout in ("2", "8", "30") if self.slow else ("120",):  # a loaded machine may exceed the first
            wrong = self.attempt(other, timeout)
            if not wrong:
                return None
        return wrong

    def attempt(self, other, timeout):
        how = dict(self.how)
        to = f"{'two' if other else 'one'}{cases.index(self)}t{timeout}@x.test"
        with Peer(script={k: list(v) if isinstance(v, list) else v for k, v in how.pop("script", {}).items()}, ext=how.pop("ext", ALL), tls=how.pop("peer_tls", context), lmtp=how.get("lmtp", False), wrap=how.pop("wrap", False)) as bad:
            second = lmtp if how.get("lmtp") else wrapped if bad.wrap else good
            hosts = [("peer.test", "127.0.0.1", bad.port, 0)] + ([("good.test", "127.0.0.1", second.port, 1)] if other else [])
            stored = how.pop("auth", None)
            with_auth = {"settings": {"remote-timeout": timeout, "tls-ca": f"{tmp.dir}/ca", **({"auth/smart": stored} if stored else {})}}
            r = send(hosts, [(self.text, [to])], **{**with_auth, **how})
            took = [m for m in bad.messages if to in "".join(m.rcpts)]
            second_took = [m for m in second.messages if to in "".join(m.rcpts)]
        want = "d" if other and self.early else self.want
        got = [v[0] for v in r.verdict.get(to, [])] or [r.failed[0] if r.failed else "nothing"]
        fine = len(got) == 1 and got[0] in want and r.states[to] == ("d" if want == "d" else "w")
        # A peer that took it and could not say so is the one double that no protocol avoids.
        fine = fine and len(second_took) == (1 if other and self.early else 0) and (len(took) == 1 if want == "d" and not second_took else True) and r.code == 0
        return None if fine else f"want {want}, {r}, first took {len(took)}, second {len(second_took)}, said {bad.sessions}"


# ---- before there is a connection that is ready for MAIL ----
for way, action in WAYS.items():
    Case(f"greeting: {way}", after_mail(way), early=True, script={"greeting": action})
    # A server that does not know EHLO is asked HELO.
    Case(f"EHLO: {way}", "d" if way == "says 5xx" else "w", early=way != "says 5xx", script={"EHLO": action})
    Case(f"HELO after EHLO was refused: {way}", after_mail(way), early=True, script={"EHLO": "502 5.5.1 what", "HELO": action})
    Case(f"LHLO: {way}", after_mail(way), early=True, script={"LHLO": action}, lmtp=True)
    # Opportunistic TLS goes on in clear; TLS that is required does not.
    Case(f"STARTTLS, if offered: {way}", "d", ext=TLS, tls="m", script={"STARTTLS": action})
    Case(f"STARTTLS, required: {way}", "w", early=True, ext=TLS, tls="M", script={"STARTTLS": action})
    Case(f"EHLO under TLS: {way}", after_mail(way), early=True, ext=TLS, tls="m", script={"EHLO": ["250-peer.test\r\n250 STARTTLS", action]})
    Case(f"AUTH: {way}", "w", early=False, ext=ALL + ["AUTH SCRAM-SHA-256"], script={"AUTH": action}, lines=["a smart"], auth="user\nsecret")
for way, action in {"drops": b"", "stalls": STALL, "speaks garbage": b"no TLS\r\n", "says an alert": b"\x15\x03\x01\x00\x02\x02\x28"}.items():
    Case(f"TLS handshake, if offered: {way}", "d", ext=TLS, tls="m", peer_tls=BrokenTls(action))
    Case(f"TLS handshake, required: {way}", "w", early=True, ext=TLS, tls="M", peer_tls=BrokenTls(action))
    Case(f"TLS from the first octet: {way}", "w", early=True, tls="M", lines=["w"], peer_tls=BrokenTls(action), wrap=True)
wrong_cert, wrong_key = certificate(tmp.dir, "other.test")
Case("a certificate for another name, TLS if offered", "d", ext=TLS, tls="m", peer_tls=server_tls(wrong_cert, wrong_key))
Case("a certificate for another name, TLS required", "w", early=True, ext=TLS, tls="M", peer_tls=server_tls(wrong_cert, wrong_key))
Case("no STARTTLS, TLS required", "w", early=True, tls="M")
# ---- with a message ----
for manner, (ext, how) in MANNERS.items():
    for step in ("MAIL", "RCPT", "DATA", "dot"):
        if step == "DATA" and "CHUNKING" in ext:
            continue
        for way, action in WAYS.items():
            Case(f"{manner}: {step}: {way}", after_mail(way), script={step: action}, ext=ext, **how)
        wrong = {"MAIL": "354 go on", "RCPT": "354 go on", "DATA": "250 2.0.0 taken", "dot": "354 more"}[step]
        Case(f"{manner}: {step}: says {wrong[:3]}", "w", script={step: wrong}, ext=ext, **how)
    Case(f"{manner}: the message is taken, then the server drops", "d", script={"dot": ("250 2.0.0 taken", DROP)}, ext=ext, **how)
    for way, action in WAYS.items():
        if manner == "pipelined":
            Case(f"{manner}: QUIT: {way}", "d", script={"QUIT": action}, ext=ext, **how)
Case("DATA: 354 and the final reply at once, before the message", "w", script={"DATA": ("354 go\r\n250 2.0.0 taken", DROP)})
Case("DATA: 354 and 421 at once", "w", script={"DATA": ("354 go\r\n421 4.3.2 closing", DROP)})
Case("nobody is accepted, and DATA is answered 354", "f", script={"RCPT": "550 5.1.1 no", "DATA": "354 go", "dot": "250 2.0.0 nobody"})
for manner, ext in ("as text", ["PIPELINING"]), ("in chunks", ["PIPELINING", "CHUNKING"]):
    Case(f"16 MB {manner}: the server reads nothing", "w", text=BIG, ext=ext, script={"middle": DEAF})
    Case(f"16 MB {manner}: taken", "d", text=BIG, ext=ext)
    for way, action in {"drops": DROP, "says 552 and drops": ("552 5.3.4 too large", DROP), "says 421 and drops": ("421 4.3.2 closing", DROP), "says 250 and drops": ("250 2.0.0 taken", DROP)}.items():
        Case(f"16 MB {manner}: in the middle the server {way}", "fw" if "552" in way else "w", text=BIG, ext=ext, script={"middle": action})

# Those that wait come first: they cost no time but their own.
work = [(c, other) for c in cases for other in (False, True) if not other or c.early or c.name.startswith("pipelined: ")]
work.sort(key=lambda w: not w[0].slow)
wrong = parallel([lambda w=w: w[0].run(w[1]) for w in work], 64)
for (case, other), said in zip(work, wrong):
    tap.ok(said is None, f"{case.name}{', and another server' if other else ''}: {dict(d='delivered', w='deferred', f='failed').get('d' if other and case.early else case.want, 'not delivered')}", said)
# An address that has connections enough is not tried; it might take what the backup refuses.
with Peer(script={"greeting": "554 5.7.1 no mail here"}) as peer:
    backup = [("mx2", "127.0.0.1", peer.port, 1)]
    got = send([("mx1", "127.0.0.99", peer.port, 0)] + backup, [(TEXT, ["u@x.test"])], lines=["z 127.0.0.99"])
    tap.ok(got.failed and got.failed[0] == "w", "one address has connections enough, the other refuses: deferred", got)
    got = send(backup, [(TEXT, ["u@x.test"])])
    tap.ok(got.failed and got.failed[0] == "f", "the only one refuses: failed", got)
# The reason of a TLS report is short, whatever the reply.
with Peer(ext=TLS, script={"STARTTLS": "\r\n".join(["454-" + "x" * 1900] * 100 + ["454 x"])}) as peer:
    got = send([("mx1", "127.0.0.1", peer.port, 0)], [(TEXT, ["u@x.test"])], tls="m")
    tap.ok(got.tls and len(got.tls[0]) < 400, "STARTTLS is refused with 190,000 bytes: the report is short", [len(x) for x in got.tls])
for p in good, lmtp, wrapped:
    p.close()
tmp.__exit__()
tap.done()
