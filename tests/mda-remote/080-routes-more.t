#!/usr/bin/env python3
"""Routes by sender, source addresses, one family only, TLS from the first octet, SCRAM-SHA-256, a null client; and which address is
tried beside one that does not answer."""
import os, socket, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Nsd
from instance import tap, wait_for
from ports import free_port
from smtppeer import ALL, Peer, Remote, certificate, server_tls

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}


def verdict(r, address):
    wait_for(lambda: r.log(f"to={address} "), f"a verdict for {address}\n" + "\n".join(r.lines[-8:]))
    words = dict(w.split("=", 1) for w in r.log(f"to={address} ")[0].split(" ") if "=" in w)
    return words["event"], words["status"], words["ip"]


# Whose mail goes where.
names = "star", "fixed", "alice", "second", "nobody", "user"
peers = {n: Peer() for n in names}
at = {n: f"[127.0.0.1]:{p.port}" for n, p in peers.items()}
with Remote(SLOW, domains="home.test:\n", routes=f"fixed.test: {at['fixed']}\n.fixed.test: {at['fixed']}\n*: {at['star']}") as r:
    r.set("sender-routes", f"alice@home.test: {at['alice']}\n@second.test: {at['second']}\n\"<>\": {at['nobody']}\nbad@home.test: [x\n"
          f"user carol@home.test: {at['user']}\nuser guest: {at['user']}\nuser broken: [x\n")
    r.start()
    for i, (sender, domain, want, *login) in enumerate((
            ("bob@home.test", "far.test", "user", "carol@home.test"), ("bob@home.test", "far.test", "user", "Carol@home.test"), ("alice@home.test", "far.test", "user", "guest"),
            ("", "far.test", "user", "guest"), ("carol@home.test", "far.test", "star"), ("bob@home.test", "far.test", "star", "carol"), ("bob@home.test", "far.test", "star", "alice@home.test"),
            ("alice@home.test", "far.test", "alice", "bob@home.test"), ("bob@home.test", "fixed.test", "fixed", "guest"), ('"user guest"@home.test', "far.test", "star"),
            ("bob@home.test", "far.test", "star"), ("alice@home.test", "far.test", "alice"), ("Alice@home.test", "far.test", "alice"),
            ("alice@home.test", "fixed.test", "fixed"), ("alice@home.test", "sub.fixed.test", "fixed"), ("carol@second.test", "far.test", "second"),
            ("", "far.test", "nobody"), ("carol@sub.second.test", "far.test", "star"))):
        to = f"u{i}@{domain}"
        r.queue(to, sender=sender, login=login[0] if login else None)
        got = verdict(r, to)
        where = [n for n, p in peers.items() if any(f"RCPT TO:<{to}>" in m.rcpts for m in p.messages)]
        tap.ok(got[0] == "delivered" and where == [want], f"<{sender}>{' by '.join(['', *login])} to {domain}: {want}", got, where)
    r.queue("bad@far.test", sender="bad@home.test")
    tap.ok(verdict(r, "bad@far.test")[:2] == ("deferred", "4.3.5") and r.log("sender-routes"), "a sender route that makes no sense defers", r.lines[-2:])
    r.queue("broken@far.test", login="broken")
    tap.ok(verdict(r, "broken@far.test")[:2] == ("deferred", "4.3.5"), "a user's route that makes no sense too", r.lines[-2:])
    r.queue("local@home.test", login="guest")
    tap.ok(verdict(r, "local@home.test")[0] == "deferred" and r.log("to=local@home.test", "run/lmtp/sock"), "a local domain stays local", r.lines[-2:])
    # A null client is one line.
    r.set("routes", f"*: {at['star']} also-local")
    wait_for(lambda: r.queue("mine@home.test") and (time.sleep(0.05) or any("RCPT TO:<mine@home.test>" in m.rcpts for m in peers["star"].messages)),
             "mail for the local domain at the smarthost")
    tap.ok(True, "also-local: the local domain's mail goes to the smarthost too")
for p in peers.values():
    p.close()

# From where, and by which family.
port = free_port("127.0.0.11", "::1")
with Nsd({"both.test": "@ A 127.0.0.11\n@ AAAA ::1", "four.test": "@ A 127.0.0.11"}) as nsd, Peer("127.0.0.11", port) as four, Peer("::1", port) as six, \
        Remote({**SLOW, "resolver": f"127.0.0.1@{nsd.port}", "remote-source": "127.0.0.6\n::1"}) as r:
    to = f"[both.test]:{port}"
    r.set("routes", f"a.test: {to} ipv4\nb.test: {to} ipv6\nc.test: [four.test]:{port} ipv6\nd.test: {to} ipv4 from=127.0.0.7\n"
          f"e.test: {to} ipv4 from=192.0.2.1\nf.test: {to} from=192.0.2.1\ng.test: [127.0.0.11]:{port} ipv6\nh.test: {to}")
    r.start()
    for domain, want, client in (("a.test", ("delivered", "2.0.0", "127.0.0.11"), "127.0.0.6"), ("b.test", ("delivered", "2.0.0", "::1"), "::1"),
                                 ("c.test", ("deferred", "4.4.4", '""'), None), ("d.test", ("delivered", "2.0.0", "127.0.0.11"), "127.0.0.7"),
                                 ("e.test", ("deferred", "4.4.1", "127.0.0.11"), None), ("f.test", ("delivered", "2.0.0", "::1"), "::1"),
                                 ("g.test", ("deferred", "4.4.4", '""'), None), ("h.test", ("delivered", "2.0.0", "::1"), "::1")):
        before = len(four.clients) + len(six.clients)
        r.queue(f"x@{domain}")
        got = verdict(r, f"x@{domain}")
        route = [l for l in open(f"{r.dir}/etc/routes") if l.startswith(domain)][0].split(" ", 1)[1].strip()
        peer = six if got[2] == "::1" else four
        came = peer.clients[-1] if len(four.clients) + len(six.clients) > before else None
        tap.ok(got == want and came == client, f"{route.replace(str(port), 'PORT')}: {want[0]}, from {client}", got, came, "\n".join(r.lines[-2:]))

# A login without a password in clear, TLS from the first octet.
tmp = Remote()
cert, key = certificate(tmp.dir, "smart.test")
tls = server_tls(cert, key)
with Nsd({"smart.test": "@ A 127.0.0.1"}) as nsd:
    for what, words, peer, stored, want in (
            ("tls=wrap", "tls=wrap", dict(tls=tls, wrap=True), None, "delivered"),
            ("tls=wrap, and nobody speaks TLS", "tls=wrap", dict(), None, "deferred"),
            ("tls=wrap and SCRAM", "tls=wrap auth=smart", dict(tls=tls, wrap=True, ext=ALL + ["AUTH PLAIN SCRAM-SHA-256"], password="pass, word="), "us,er\npass, word=", "delivered"),
            ("SCRAM in clear, where the route allows it", "tls=no auth=smart", dict(ext=ALL + ["AUTH PLAIN SCRAM-SHA-256"], password="secret"), "user\nsecret", "delivered"),
            ("SCRAM with a wrong password", "tls=no auth=smart", dict(ext=ALL + ["AUTH SCRAM-SHA-256"], password="secret"), "user\nother", "deferred"),
            ("a server that does not know the password", "tls=no auth=smart", dict(ext=ALL + ["AUTH SCRAM-SHA-256"], password="secret", script={"signature": "v=" + "A" * 43 + "="}),
             "user\nsecret", "deferred"),
            ("a server that skips the proof", "tls=no auth=smart", dict(ext=ALL + ["AUTH SCRAM-SHA-256"], script={"AUTH": "235 2.7.0 welcome"}), "user\nsecret", "deferred"),
            ("a server with one iteration", "tls=no auth=smart", dict(ext=ALL + ["AUTH SCRAM-SHA-256"], script={"AUTH": "334 cj14LHM9WVdKaixpPTE="}), "user\nsecret", "deferred")):
        with Peer(**peer) as p, Remote({**SLOW, "resolver": f"127.0.0.1@{nsd.port}", "tls-ca": cert}) as r:
            r.set("routes", f"*: [smart.test]:{p.port} {words}")
            if stored:
                r.set("auth/smart", stored)
            r.start()
            r.queue("a@x.test")
            got = verdict(r, "a@x.test")[0]
            said = "".join(l for s in p.sessions for l in s)
            tap.ok(got == want and len(p.messages) == (want == "delivered") and "AUTH PLAIN" not in said and (not p.messages or p.messages[0].tls or "no" in words),
                   f"{what}: {want}", got, p.sessions, "\n".join(r.lines[-2:]))
tmp.__exit__()


class Full:
    """An address that does not answer: its backlog is full, further connections are neither taken nor refused."""

    def __init__(self, ip, port):
        self.s = socket.socket()
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.s.bind((ip, port))
        self.s.listen(0)
        self.waiting = []
        while True:
            c = socket.socket()
            c.settimeout(0.2)
            self.waiting.append(c)
            try:
                c.connect((ip, port))
            except OSError:
                return

    def close(self):
        for s in self.waiting + [self.s]:
            s.close()


# An address that hangs is not waited for beside its equals; one of a better preference is.
port = free_port("127.0.0.21", "127.0.0.22", "127.0.0.23", "::1")
ZONE = "\n".join(["@ MX 10 hangs", "hangs A 127.0.0.21", "hangs AAAA ::1", "later MX 10 slow", "later MX 20 works", "slow A 127.0.0.21", "works A 127.0.0.22"])
full = Full("127.0.0.21", port)
with Nsd({"race.test": ZONE}) as nsd, Peer("127.0.0.22", port) as works, Peer("::1", port, script={"greeting": lambda _: "421 4.3.2 busy"}) as six, \
        Remote({**SLOW, "resolver": f"127.0.0.1@{nsd.port}", "smtp-port": port}) as r:
    def race(domain, good):
        """A loaded machine may exceed a time that is short beside a server that works: then it is longer."""
        for timeout in 2, 10, 60:
            r.set("remote-timeout", timeout)
            r.start()
            begin = time.monotonic()
            to = f"t{timeout}@{domain}"
            r.queue(to)
            got, took = verdict(r, to), time.monotonic() - begin
            r.stop()
            if good(r.log(f"to={to} ")[0]):
                break
        return got, took, timeout
    # IPv6 answers, but is busy; IPv4 hangs.
    got, _, _ = race("race.test", lambda line: "busy" in line)
    tap.ok(got[0] == "deferred" and "busy" in r.log("@race.test ")[-1], "what a server says counts for more than that another one hangs", r.lines[-2:])
    r.lines.clear()
    six.close()
    got, took, timeout = race("later.race.test", lambda line: "event=delivered" in line)
    tap.ok(got[::2] == ("delivered", "127.0.0.22") and took > timeout * 0.75, "the next preference only when the better one has had its time", r.lines[-9:])
    r.lines.clear()
    six.close = lambda: None
full2 = Full("127.0.0.22", port)
zone = {"race.test": "@ A 127.0.0.21\n@ A 127.0.0.22\n@ AAAA ::1\nfast A 127.0.0.21\nfast A 127.0.0.22\nfast A 127.0.0.23"}
with Nsd(zone) as nsd, Peer("127.0.0.23", port) as works, Remote({**SLOW, "resolver": f"127.0.0.1@{nsd.port}", "smtp-port": port}) as r:
    r.start()
    r.queue("a@fast.race.test")
    tap.ok(verdict(r, "a@fast.race.test")[::2] == ("delivered", "127.0.0.23"), "two addresses hang: the third is not kept waiting for them", r.lines[-2:])
    connect = next(l for l in r.lines if "event=connect" in l)
    tap.ok(len(works.clients) == 1, "one connection", connect, works.clients)
full.close()
full2.close()
tap.done()
