#!/usr/bin/env python3
"""The login programs behind tlsd and ucspitlsd, in both modes, seen from the network: what is said
before and after TLS, injection, the handover to a session and to the real ones, the connection's end.
Python's imaplib and poplib as clients."""
import imaplib, os, poplib, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
from tlsserver import *

INSTANCE, HOME, ENV, UID, GID = one_account()
AFAR = ["env", "TCPREMOTEIP=192.0.2.7"]
FAKE = [HERE + "/checkpassword", "plain", HERE + "/session"]
BIG = b"Subject: big\n\n" + b"0123456789abcdef" * 60 + b"\n"


class Talk:
    def __init__(self, s):
        self.s, self.buf = s, b""

    def line(self):
        while b"\n" not in self.buf:
            part = self.s.recv(65536)
            if not part:
                return self.buf
            self.buf += part
        line, self.buf = self.buf.split(b"\n", 1)
        return line.rstrip(b"\r").decode()

    def ask(self, text):
        self.s.sendall(text.encode() + b"\r\n")
        return self.line()

    def secure(self):
        self.s = client().wrap_socket(self.s, server_hostname="mail.example.test", suppress_ragged_eofs=False)


def server(mode, launcher, prog):
    return TlsServer(mode, [], prog, ENV, launcher=launcher)


for mode in MODES:
    m = mode + ": "
    s = server(mode, "ucspitlsd", AFAR + ["imap-login"] + FAKE)
    c = Talk(s.connect())
    same(c.line(), "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID STARTTLS LOGINDISABLED] postern ready", m + "IMAP in clear")
    same(c.ask("a LOGIN alice secret"), "a NO [PRIVACYREQUIRED] Passwords in clear need TLS first", m + "no LOGIN in clear")
    # What comes in clear behind STARTTLS must not be taken for what came under TLS (RFC 2595 2.1).
    same(c.ask("b STARTTLS\r\nevil LOGOUT"), "b OK Begin TLS negotiation now", m + "STARTTLS")
    c.secure()
    same(c.ask("c CAPABILITY"), "* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID AUTH=PLAIN AUTH=LOGIN", m + "under TLS, without injection")
    same(c.line(), "c OK CAPABILITY completed", m + "CAPABILITY")
    same(c.ask("d STARTTLS"), "d BAD TLS is active already", m + "no second STARTTLS")
    same(c.ask("e LOGIN alice x"), "e NO [AUTHENTICATIONFAILED] Login name or password is wrong", m + "refused under TLS")
    line = c.ask("f LOGIN alice secret\r\npipelined")
    ok("SSL_PROTOCOL=TLSv1.3" in line and " blocking=1 bad= " in line, m + "the session knows of TLS", line)
    same(c.line(), "echo pipelined", m + "what was pipelined under TLS")
    same(c.ask("QUIT"), "echo QUIT", m + "the session's end")
    same(drain(c.s), b"", m + "ends with close_notify")
    c = Talk(s.connect())
    c.line()
    c.ask("a STARTTLS")
    c.secure()
    same((c.ask("b LOGOUT"), c.line()), ("* BYE Logging out", "b OK LOGOUT completed"), m + "LOGOUT under TLS")
    same(drain(c.s), b"", m + "ends with close_notify as well")
    c = Talk(s.connect())
    c.line()
    c.ask("a STARTTLS")
    c.s.sendall(b"no TLS at all\r\n" * 10)
    data = read_all(c.s)
    ok(b"NO" not in data and b"BAD" not in data and b"*" not in data, m + "a failed handshake gets no word in clear", data)
    s.stop()

    s = server(mode, "ucspitlsd", AFAR + ["pop3-login"] + FAKE)
    c = Talk(s.connect())
    c.line()
    c.ask("CAPA")
    capa = [c.line() for _ in range(10)]
    ok("STLS" in capa and "USER" not in capa and "." in capa, m + "POP3 in clear: STLS, no USER", capa)
    same(c.ask("STLS\r\nQUIT"), "+OK Begin TLS negotiation now", m + "STLS")
    c.secure()
    c.ask("CAPA")
    capa = [c.line() for _ in range(11)]
    ok("STLS" not in capa and "USER" in capa and "SASL PLAIN LOGIN" in capa, m + "under TLS: USER, no STLS, no injection", capa)
    same(c.ask("STLS"), "-ERR TLS is active already", m + "no second STLS")
    c.ask("USER alice")
    ok("SSL_PROTOCOL=TLSv1.3" in c.ask("PASS secret"), m + "the session knows of TLS")
    s.stop()

    s = server(mode, "ucspitlsd", AFAR + ["managesieve-login"] + FAKE)
    c = Talk(s.connect())

    def until(first):
        lines = [first] if first else []
        while not lines or not lines[-1].startswith(("OK", "NO", "BYE")):
            lines.append(c.line())
        return lines

    capability = until(None)
    ok('"STARTTLS"' in capability and '"SASL" ""' in capability, m + "ManageSieve in clear: STARTTLS, no mechanism", capability)
    same(c.ask('STARTTLS\r\nLOGOUT'), 'OK "Begin TLS negotiation now"', m + "STARTTLS")
    c.secure()
    capability = until(None)
    ok('"STARTTLS"' not in capability and '"SASL" "PLAIN LOGIN"' in capability and capability[-1] == 'OK "TLS is active"',
       m + "the capabilities come anew, without being asked for (RFC 5804 2.2)", capability)
    same(until(c.ask("CAPABILITY"))[:-1], capability[:-1], m + "under TLS, without injection")
    same(c.ask("STARTTLS"), 'NO "TLS is active already"', m + "no second STARTTLS")
    ok("SSL_PROTOCOL=TLSv1.3" in c.ask('AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="'), m + "the session knows of TLS")
    s.stop()

    # Without STARTTLS nothing of it stays open: the connection ends with the session.
    s = server(mode, "ucspitlsd", ["pop3-login"] + FAKE)
    c = Talk(s.connect())
    c.line()
    c.ask("USER alice")
    c.ask("PASS secret")
    same(c.ask("QUIT"), "echo QUIT", m + "a session that never began TLS")
    same(read_all(c.s), b"", m + "ends its connection")
    s.stop()

    # The real ones.
    s = server(mode, "tlsd", ["imap-login"] + FAKE)
    c = Talk(s.tls())
    c.line()
    ok("SSL_PROTOCOL=TLSv1.3" in c.ask("a LOGIN alice secret"), m + "behind tlsd")
    s.stop()
    s = server(mode, "tlsd", ["pop3-login", "auth-file", "pop3"])
    p = poplib.POP3_SSL("127.0.0.1", s.port, context=client(), timeout=120)
    p.user("alice@example.test")
    p.pass_("secret")
    p.quit()
    same(os.stat(HOME + "/Maildir/cur").st_uid, UID, m + "poplib: POP3 over TLS, as the account's uid")
    with open(HOME + f"/Maildir/new/1000000000.M1P1.{mode}", "wb") as f:
        f.write(BIG)
    os.chown(f.name, UID, GID)
    s.stop()
    s = server(mode, "ucspitlsd", AFAR + ["pop3-login", "auth-file", "pop3"])
    p = poplib.POP3("127.0.0.1", s.port, timeout=120)
    try:
        p.user("alice@example.test")
        ok(False, m + "poplib: no USER in clear")
    except poplib.error_proto as e:
        ok(b"[AUTH]" in e.args[0], m + "poplib: no USER in clear", e)
    p.stls(context=client())
    p.user("alice@example.test")
    p.pass_("secret")
    same(p.stat()[0], 1, m + "poplib: STLS, STAT")
    same(b"\n".join(p.retr(1)[1]) + b"\n", BIG, m + "poplib: RETR")
    p.dele(1)
    p.quit()
    s.stop()
    s = server(mode, "ucspitlsd", AFAR + ["imap-login"] + FAKE)
    i = imaplib.IMAP4("127.0.0.1", s.port, timeout=120)
    i.starttls(ssl_context=client())
    try:
        i.login("alice", "x")
        ok(False, m + "imaplib: refused")
    except imaplib.IMAP4.error as e:
        ok("AUTHENTICATIONFAILED" in str(e), m + "imaplib: refused", e)
    same(i.login("alice", "secret")[0], "OK", m + "imaplib: STARTTLS and LOGIN")
    i.shutdown()
    s.stop()
done()
