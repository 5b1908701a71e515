#!/usr/bin/env python3
"""HAProxy in front of the services, PROXY protocol version 1 and 2, IPv4 and IPv6: rules, logs and the trusted networks are about the
client, not about HAProxy; TLS goes through; nobody else reaches such a service."""
import imaplib, poplib, shutil, smtplib, socket, ssl, subprocess

from instance import Instance, tap, wait_for
from ports import free_port

ALICE = "alice@example.test"
UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE
PROXIED = "smtp", "submission", "imaps", "pop3"
FRONT = "127.0.0.77"
if not shutil.which("haproxy"):
    tap.skip("HAProxy in front", "no haproxy here")
    tap.done()


def haproxy(one):
    """Every service at FRONT (send-proxy) and at ::1 (send-proxy-v2), SMTP at FRONT with version 2 as well: its ports, the process."""
    ports, text = {}, "defaults\n mode tcp\n timeout connect 60s\n timeout client 120s\n timeout server 120s\n"
    for name in PROXIED:
        for kind, bind, option in ("1", FRONT, "send-proxy"), ("2", FRONT, "send-proxy-v2"), ("6", "::1", "send-proxy-v2"), ("61", "::1", "send-proxy"):
            port = ports[name + kind] = free_port(bind)
            text += f"listen {name}{kind}\n bind {bind}:{port}\n server s 127.0.0.1:{one.port(name)} {option}\n"
    text += f"backend looks\n option smtpchk EHLO probe.test\n server s 127.0.0.1:{one.port('smtp')} check inter 200ms send-proxy-v2\n"
    with open(one.top + "/haproxy.cfg", "w") as f:
        f.write(text)
    process = subprocess.Popen(["haproxy", "-db", "-f", one.top + "/haproxy.cfg"], stdout=open(one.top + "/haproxy.log", "w"), stderr=subprocess.STDOUT)

    def listens():
        assert process.poll() is None, open(one.top + "/haproxy.log").read()
        for name, port in ports.items():
            try:
                socket.create_connection((host(name.lstrip("imapsopubn3")), port), 120).close()
            except OSError:
                return False
        return True
    wait_for(listens, "HAProxy")
    return ports, process


def host(kind):
    return "::1" if "6" in kind else FRONT


def rcpt(kind, source, address):
    with smtplib.SMTP(host(kind), PORTS["smtp" + kind], timeout=120, source_address=(source, 0)) as s:
        s.ehlo("client.test")
        s.mail("x@elsewhere.test")
        return s.rcpt(address)[0]


def mail(kind, source):
    with smtplib.SMTP(host(kind), PORTS["smtp" + kind], timeout=120, source_address=(source, 0)) as s:
        s.starttls(context=UNSAFE)
        s.sendmail("x@elsewhere.test", [ALICE], f"Subject: through {kind}\r\n\r\nbody\r\n")
    wait_for(lambda: f"event=connect ip={source} " in one.log("smtp@127.0.0.1"), "a line")


def submit():
    with smtplib.SMTP(FRONT, PORTS["submission2"], timeout=120, source_address=("127.0.0.5", 0)) as s:
        s.starttls(context=UNSAFE)
        s.login(ALICE, one.password[ALICE])
        s.sendmail(ALICE, [ALICE], "Subject: submitted\r\n\r\nbody\r\n")


def read():
    with imaplib.IMAP4_SSL("::1", PORTS["imaps6"], ssl_context=UNSAFE, timeout=120) as m:
        m.login(ALICE, one.password[ALICE])
        assert m.select()[1] == [b"5"], m.select()
        texts = [m.fetch(str(n), "(BODY[])")[1][0][1].decode() for n in range(1, 6)]
    for kind, source in ("1", "127.0.0.5"), ("2", "127.0.0.6"), ("6", "::1"), ("61", "::1"):
        text = next(t for t in texts if f"Subject: through {kind}\r" in t)
        assert f"[{'IPv6:' if ':' in source else ''}{source}]" in text.split("Subject:")[0], text
    p = poplib.POP3(FRONT, PORTS["pop31"], timeout=120)
    p.stls(UNSAFE)
    p.user(ALICE)
    p.pass_(one.password[ALICE])
    assert p.stat()[0] == 5
    p.quit()


def refused():
    """Whoever is no proxy gets nothing, whatever he says."""
    with socket.create_connection(("127.0.0.1", one.port("smtp")), 120, source_address=("127.0.0.5", 0)) as s:
        try:
            s.sendall(b"PROXY TCP4 127.0.0.5 127.0.0.77 1 25\r\n")
            return s.recv(100) == b""
        except ConnectionError:
            return True


def switch_on():
    one.set("proxied", "\n".join(PROXIED))
    done = one.script("scripts/postern-services", "-i", one.dir)
    assert done.returncode == 0, done.stderr
    # The old superserver may still be there, or nobody: the new one is known by its log.
    for name in PROXIED:
        wait_for(lambda: knock(name) and "event=refused" in one.log(name + "@127.0.0.1"), f"{name} behind a proxy")


def knock(name):
    try:
        socket.create_connection(("127.0.0.1", one.port(name)), 120, source_address=("127.0.0.5", 0)).close()
    except OSError:
        pass
    return True


settings = {"proxy-networks": "127.0.0.1\n", "trusted-networks": "127.0.0.5\n::1\n", "resolver": "127.0.0.1@9",
            "login-delay": "0"}
with Instance(settings) as one:
    tap.run("services go behind a proxy by a setting", switch_on)
    PORTS, process = haproxy(one)
    try:
        for kind, source in ("1", "127.0.0.5"), ("2", "127.0.0.6"), ("6", "::1"), ("61", "::1"):
            tap.run(f"SMTP with STARTTLS from {source}, version {1 if kind in ('1', '61') else 2}: the log has the client", mail, kind, source)
        for kind in "1", "2":
            tap.ok(rcpt(kind, "127.0.0.5", "someone@far.test") == 250, f"version {kind}: a client in a trusted network may relay")
            tap.ok(rcpt(kind, "127.0.0.6", "someone@far.test") == 550, f"version {kind}: another client may not")
            tap.ok(rcpt(kind, "127.0.0.6", f"postmaster@[{FRONT}]") == 250, f"version {kind}: our address is the one that the client connected to")
            tap.ok(rcpt(kind, "127.0.0.6", "postmaster@[127.0.0.1]") == 550, f"version {kind}: not the one that HAProxy connects to")
        tap.ok(rcpt("6", "::1", "someone@far.test") == 250, "IPv6: a client in a trusted network may relay")
        tap.run("submission behind HAProxy", submit)
        tap.run("IMAP over TLS and POP3 with STLS behind HAProxy; Received fields name the client", read)
        tap.run("HAProxy's own check (LOCAL) is a connection of its own", lambda: wait_for(lambda: "event=connect ip=127.0.0.1 " in one.log("smtp@127.0.0.1"), "a check"))
        tap.run("who is no proxy is refused", refused)
        tap.ok('event=refused ip=127.0.0.5 reason="not a proxy of ours"' in one.log("smtp@127.0.0.1"), "... and told of in the log")
    finally:
        process.kill()
        process.wait()
    one.set("proxied", "smtpd")
    done = one.script("scripts/postern-services", "-i", one.dir)
    tap.ok(done.returncode == 100 and "no such service: smtpd" in done.stderr, "an unknown service in etc/proxied: exit 100", done.stderr)
    one.set("proxied", "smtp")
    one.set("proxy-networks", "# none\n")
    done = one.script("scripts/postern-services", "-i", one.dir)
    tap.ok(done.returncode == 100 and "proxy-networks" in done.stderr, "etc/proxied without proxies: exit 100", done.stderr)
tap.done()
