#!/usr/bin/env python3
"""Every setting of mda-remote is changed while it runs: a row for each, which sees what it does before and behind the change. A setting that is read somewhere, or
that stands in the man page, and has no row, is a failure."""
import contextlib
import os, re, signal, socket, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Nsd
from instance import ROOT, tap, wait_for
from ports import free_port
from smtppeer import DROP, STALL, Peer, Remote, certificate, server_tls

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}
ZONE = '@ MX 10 mx\nmx A 127.0.0.1\n_mta-sts TXT "v=STSv1; id=1"\nmta-sts A 127.0.0.1\n'
ANCHOR = "p.test. IN DS 20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d\n"
LATER, NEVER = {"RCPT": "450 4.2.0 later"}, {"RCPT": "550 5.1.1 no"}
rows = {}


class Running(Remote):
    def change(self, **settings):
        for name, value in settings.items():
            n = len(self.log("event=settings", "state=read"))
            self.set(name.replace("_", "-"), value)
            wait_for(lambda: len(self.log("event=settings", "state=read")) > n, f"that {name} is read")

    def again(self):
        os.kill(self.process.pid, signal.SIGALRM)

    def due_in(self, name, count):
        """Seconds until the next attempt, when it has been deferred so often."""
        self.wait("event=deferred", count=count)
        return wait_for(lambda: (left := os.stat(self.files()[name]).st_mtime - time.time()) > 1 and left, "the next attempt")


def row(*names, script=None, to="*: [127.0.0.1]", settings=None):
    """The function gets a walker whose mail goes to a peer with that script, and the peer."""
    def add(function):
        for name in names:
            rows[name] = function

        def run():
            with Peer(script=script, ip="0.0.0.0") as peer, Running({**SLOW, "smtp-port": peer.port, **(settings or {})}, routes=to) as r:
                r.start()
                function(r, peer)
                r.stop(signal.SIGKILL)  # what stalls has an end with the peer
                for connection in list(peer.open):
                    with contextlib.suppress(OSError):  # its other end may be gone for good
                        connection.shutdown(socket.SHUT_RDWR)
        function.run = run
        return function
    return add


def of_dns(*names, settings=None, script=None, zone=ZONE):
    """The same with the domains p.test and q.test in a DNS."""
    def add(function):
        def with_dns(r, peer):
            with Nsd({"p.test": zone, "q.test": zone}) as nsd:
                r.change(resolver=f"127.0.0.1@{nsd.port}")
                function(r, peer, nsd)
        return row(*names, settings={"mta-sts": "no", **(settings or {})}, script=script, to="")(with_dns)
    return add


# ---- when ----

@row("retry-min", script=LATER)
def _(r, peer):
    name = r.queue("a@x.test")
    first = r.due_in(name, 1)
    r.change(retry_min="10m")
    r.again()
    second = r.due_in(name, 2)
    assert first > 3000 and 500 < second < 700, (first, second)


@row("retry-max", script=LATER)
def _(r, peer):
    now = int(time.time())
    name, text = "old.1", "Subject: x\n\nx\n"
    r.put(name, f"postern-spool 1\nl {len(text):020}\ns {len(text):020}\nc 7\nt -\ni {name}\na {now - 86400}\nx {now + 864000}\nf s@home.test\nb 0\nr w- 0 - a@x.test\n\n{text}".encode())
    with open(f"{r.dir}/spool/trigger", "w") as f:
        f.write(f"{name}\n")
    first = r.due_in(name, 1)
    r.change(retry_max="1h")
    r.again()
    second = r.due_in(name, 2)
    assert first > 6000 and 3000 < second < 4200, (first, second)


@row("host-retry-min", "host-retry-max", to=f"*: [127.0.0.1]:{free_port()}", settings={"retry-min": "1ms", "retry-max": "1ms"})
def _(r, peer):
    r.queue("a@x.test")
    r.wait("event=rest")
    r.change(host_retry_min="1ms")  # its rest was an hour: it must not last any longer
    r.queue("b@x.test")
    longest = lambda: max(int(re.search(r" ms=(\d+)", l)[1]) for l in r.log("event=rest")[1:] or [" ms=0"])
    wait_for(lambda: longest() >= 8, "longer rests from the new one on")
    r.change(host_retry_max="10ms")
    n = len(r.log("event=rest"))
    r.wait("event=rest", count=n + 10)
    rests = [int(re.search(r" ms=(\d+)", l)[1]) for l in r.log("event=rest")[n + 1:]]
    assert max(rests) <= 11, rests


@row("delay-notice", script=LATER, settings={"delay-notice": "0"})
def _(r, peer):
    r.queue("a@x.test", rcpt="NOTIFY=DELAY")
    r.wait("event=deferred")
    r.change(delay_notice="1ms")
    assert not r.log("event=bounce")
    r.again()
    r.wait("event=bounce", "kind=delayed")


@row("delay-notice-always", script=LATER, settings={"delay-notice": "1ms"})
def _(r, peer):
    r.queue("a@x.test")
    r.wait("event=deferred")
    r.change(delay_notice_always="yes")
    assert not r.log("event=bounce")
    r.again()
    r.wait("event=bounce", "kind=delayed")


# ---- notifications ----

@row("double-bounce", script={"RCPT": lambda l: "550 5.1.1 no" if "@x.test" in l else None})
def _(r, peer):
    r.queue("a@x.test", sender="")
    r.wait("event=bounce", "kind=failed")
    r.change(double_bounce="no")
    r.queue("b@x.test", sender="")
    r.wait("event=dropped")
    assert len(r.log("event=bounce")) == 1


@row("bounce-limit", "bounce-period", script={"RCPT": lambda l: "550 5.1.1 no" if "@x.test" in l else None})
def _(r, peer):
    r.queue("a@x.test")
    r.queue("b@x.test")
    r.wait("event=bounce", count=2)
    r.change(bounce_limit="2")
    r.queue("c@x.test")
    r.wait("event=counted")
    r.change(bounce_period="1ms")
    r.wait("event=digest")


@row("postmaster", script={"RCPT": lambda l: "550 5.1.1 no" if "@x.test" in l else None})
def _(r, peer):
    r.change(postmaster="first@y.test")
    r.queue("a@x.test", sender="")
    r.wait("event=delivered", "to=first@y.test")
    r.change(postmaster="second@y.test")
    r.queue("a@x.test", sender="")
    r.wait("event=delivered", "to=second@y.test")


@row("queue-lifetime", script={"RCPT": lambda l: "550 5.1.1 no" if "@x.test" in l else "450 4.2.0 later"})
def _(r, peer):
    def lifetime(n):
        r.queue("a@x.test")
        r.wait("event=bounce", count=n)
        r.wait("event=deferred", "to=sender@home.test", count=n)
        heads = [open(p).read() for name, p in sorted(r.files().items()) if "+f" in name]
        return {int(re.search(r"^x (\d+)", h, re.M)[1]) - int(re.search(r"^a (\d+)", h, re.M)[1]) for h in heads}
    assert lifetime(1) == {5 * 86400}
    r.change(queue_lifetime="2d")
    assert lifetime(2) == {5 * 86400, 2 * 86400}


# ---- how many ----

def clients(name, before, behind, rcpts, routes="*: [127.0.0.1]"):
    """Nobody answers: connections before and behind the change are counted."""
    @row(name, script={"greeting": STALL}, to=routes, settings={name: str(before[0])})
    def _(r, peer):
        for to in rcpts:
            r.queue(to, sender="me@home.test")
        wait_for(lambda: len(peer.clients) >= before[1], "connections")
        r.change(**{name: behind[0]})
        wait_for(lambda: len(peer.clients) >= behind[1], "more connections")
        assert len(peer.clients) == behind[1], peer.clients
        assert not r.log("event=deferred")


THREE = ["a@x.test", "a@y.test", "a@z.test"]
APART = "x.test: [127.0.0.21]\ny.test: [127.0.0.22]\nz.test: [127.0.0.23]"
clients("remote-connections", (1, 1), (3, 3), THREE, routes=APART)
clients("remote-connections-per-destination", (1, 1), (3, 3), ["a@x.test", "b@x.test", "c@x.test"])
clients("remote-messages-per-sender", (1, 1), (3, 3), THREE, routes=APART)
clients("remote-messages-active", (1, 1), (8, 3), THREE, routes=APART)
clients("remote-connections-per-address", (1, 1), (2, 2), ["a@x.test", "a@y.test"], routes="x.test: [127.0.0.1]\ny.test: [127.0.0.1] tls=no")


@row("remote-messages-per-connection", settings={"remote-connections-per-destination": "1", "remote-messages-per-connection": "1"})
def _(r, peer):
    def sessions():
        gate, n, told = threading.Event(), len(peer.sessions), len(r.log("event=delivered"))
        peer.script = {"MAIL": lambda l: gate.wait(120) and None}
        names = [r.queue(f"{c}@x.test") for c in "abc"]
        wait_for(lambda: len(peer.sessions) > n, "a connection")
        gate.set()
        r.wait("event=delivered", count=told + len(names))
        return len(peer.sessions) - n
    before = sessions()
    r.change(remote_messages_per_connection="100")
    behind = sessions()
    assert before == 3 and behind == 1, (before, behind)


@row("remote-recipients-per-mail", settings={"remote-recipients-per-mail": "1"})
def _(r, peer):
    def transactions():
        n, told = len(peer.messages), len(r.log("event=delivered"))
        r.queue(["a@x.test", "b@x.test", "c@x.test"])
        r.wait("event=delivered", count=told + 3)
        return len(peer.messages) - n
    before = transactions()
    r.change(remote_recipients_per_mail="10")
    behind = transactions()
    assert before == 3 and behind == 1, (before, behind)


# ---- where, and how ----

def moves(r, peer, change):
    """Mail for the same domain goes to another server from the change on."""
    with Peer() as other:
        r.queue("a@x.test")
        r.wait("event=delivered", "to=a@x.test")
        change(other)
        r.queue("b@x.test")
        r.wait("event=delivered", "to=b@x.test")
        assert len(peer.messages) == 1 and len(other.messages) == 1, (peer.messages, other.messages)


@row("smtp-port")
def _(r, peer):
    moves(r, peer, lambda other: r.change(smtp_port=other.port))


@row("routes")
def _(r, peer):
    moves(r, peer, lambda other: r.change(routes=f"*: [127.0.0.1]:{other.port}"))


@row("sender-routes")
def _(r, peer):
    moves(r, peer, lambda other: r.change(sender_routes=f"@home.test: [127.0.0.1]:{other.port}"))


@row("domains")
def _(r, peer):
    moves(r, peer, lambda other: r.change(domains=f"x.test: lmtp:127.0.0.1:{other.port}") or other.__dict__.update(lmtp=True))


@row("remote-source")
def _(r, peer):
    r.queue("a@x.test")
    r.wait("event=delivered", "to=a@x.test")
    r.change(remote_source="127.0.0.77")
    r.queue("b@x.test")
    r.wait("event=delivered", "to=b@x.test")
    assert peer.clients == ["127.0.0.1", "127.0.0.77"], peer.clients


@of_dns("me")
def _(r, peer, nsd):
    r.queue("a@p.test")
    r.wait("event=delivered", "to=a@p.test")
    r.change(me="other.home.test")
    r.queue("b@p.test")
    r.wait("event=delivered", "to=b@p.test")
    names = [s[0] for s in peer.sessions]
    assert names == ["EHLO mx.home.test", "EHLO other.home.test"], names
    r.change(me="mx.p.test")
    r.queue("c@p.test")  # its mail exchanger is this host now
    r.wait("event=failed", "to=c@p.test", "status=5.4.6")
    r.wait("event=bounce", "kind=failed")


@row("remote-timeout", script={"EHLO": STALL}, to=APART)
def _(r, peer):
    r.queue("a@x.test")
    wait_for(peer.stalled.is_set, "one that waits")
    r.change(remote_timeout="1")
    r.queue("b@y.test")
    r.wait("event=deferred", "to=b@")
    assert not r.log("event=deferred", "to=a@")


@of_dns("remote-timeout of mda-remote-sts", settings={"mta-sts": "yes"})
def _(r, peer, nsd):
    with Peer() as deaf:
        deaf.serve = lambda c: deaf.stalled.set() or deaf.closing.wait(120)
        r.change(mta_sts_port=deaf.port)
        r.queue("a@p.test")
        wait_for(deaf.stalled.is_set, "a policy that is being fetched")
        r.change(remote_timeout="1")
        r.wait("event=mta-sts", "domain=p.test", "type=sts-policy-fetch-error")
        r.wait("event=delivered", "to=a@p.test")
        assert len(deaf.clients) == 2, deaf.clients  # of the one before, and of the one that took its fetch over


@of_dns("mta-sts", "mta-sts-port", settings={"mta-sts-port": "1"})
def _(r, peer, nsd):
    r.queue("a@p.test")
    r.wait("event=delivered", "to=a@p.test")
    assert not r.log("event=mta-sts")
    r.change(mta_sts="yes")
    r.queue("b@p.test")
    r.wait("event=mta-sts", "domain=p.test")
    r.wait("event=delivered", "to=b@p.test")
    with Peer(script={"greeting": DROP}) as host:
        r.change(mta_sts_port=host.port)
        r.queue("a@q.test")
        r.wait("event=mta-sts", "domain=q.test")
        assert host.clients


@row("resolver", to="", settings={"mta-sts": "no", "resolver": f"127.0.0.1@{free_port()}"})
def _(r, peer):
    r.queue(["a@p.test", "b@q.test"])
    wait_for(lambda: len(r.log("event=start")) and os.path.exists(f"/proc/{r.process.pid}"), "a walker")
    with Nsd({"p.test": ZONE, "q.test": ZONE}) as nsd:
        r.change(resolver=f"127.0.0.1@{nsd.port}")
        r.wait("event=delivered", count=2)  # what the one before was asked, too


@of_dns("resolver-anchor")
def _(r, peer, nsd):
    r.queue("a@p.test")
    r.wait("event=delivered", "to=a@p.test")
    with open(f"{r.dir}/anchor", "w") as f:
        f.write(ANCHOR)
    os.chmod(f.name, 0o644)
    r.change(resolver_anchor=f.name)
    r.queue("b@p.test")
    r.wait("event=deferred", "to=b@p.test", "status=4.7.5")


@of_dns("tls-ca", "tls-policy")
def _(r, peer, nsd):
    (ours, key), (others, _) = certificate(r.dir, "mx.p.test"), certificate(r.dir, "other")
    r.change(tls_ca=others)
    peer.tls, peer.ext = server_tls(ours, key), peer.ext + ["STARTTLS"]
    r.queue("a@p.test")
    r.wait("event=delivered", "to=a@p.test")  # whatever its certificate
    r.change(tls_policy="p.test: must")
    r.queue("b@p.test")
    r.wait("event=deferred", "to=b@p.test")
    r.change(tls_ca=ours)
    r.again()
    r.wait("event=delivered", "to=b@p.test")


# ---- none is forgotten ----

def named():
    """Settings that the walker and its children read, and those of the man page."""
    reads = r'(?:conf_(?:uint|string|flag|lines|line|size|address|duration)|number)\("([a-z0-9-]+)"'
    found = {"me": "lib/conf.c"}
    for name in "settings", "smtp-send", "dns", "mda-remote-sts":
        with open(f"{ROOT}/mda-remote/{name}.c") as f:
            found.update({s: f"{name}.c" for s in re.findall(reads, f.read())})
    with open(f"{ROOT}/mda-remote/route.c") as f:
        found.update({s: "route.c" for s in re.findall(r'table_\w+\("([a-z-]+)"', f.read())})
    with open(f"{ROOT}/man/mda-remote.8") as f:
        section = re.search(r"^\.Sh SETTINGS\n(.*?)^\.Sh ", f.read(), re.M | re.S)[1]
    for line in re.findall(r"^\.It Pa (.*)", section, re.M):
        found.update({s: "the man page" for s in re.findall(r"[a-z0-9-]+", line)})
    return found


for function in dict.fromkeys(rows.values()):
    names = ", ".join(n for n in rows if rows[n] is function)
    tap.run(f"while it runs: {names}", function.run)
for name, where in sorted(named().items()):
    tap.ok(name in rows, f"{name} ({where}) has its row")
tap.done()
