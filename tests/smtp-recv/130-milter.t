#!/usr/bin/env python3
"""Milters: what a filter is told of a session, every answer to every event, every change, several in
order, and every way in which one may fail. The filter is tests/lib/milter.py."""
import atexit, base64, os, re, shutil, socket, struct, sys, tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from milter import SILENT, UNWANTED, Milter, add, body, change, code, insert, packet, strings
from smtprecv import Instance, Tap, behind_received

tap = Tap()
MESSAGE = "From: a@b.example\r\nSubject: one\r\n two\r\nX-Tag:  a\r\nx-tag: b\r\n\r\nhello\r\n.dot\r\n"
HEADER = [["From", "a@b.example"], ["Subject", "one\n two"], ["X-Tag", " a"], ["x-tag", "b"]]
BODY = b"hello\r\n.dot\r\n"


class Case:
    """An instance whose filters are these; options: words of their lines."""
    def __init__(self, *milters, options="", lmtp=None, spool=None, args=(), hold=True, tables=None, **env):
        self.i = Instance(lmtp=lmtp, spool=spool, tables=tables)
        if hold:
            self.i.spool.ext += ("XFORWARD IDENT LOGIN HOLD",)
        self.milters = milters
        self.options = [options] * len(milters) if isinstance(options, str) else options
        self.args, self.env = args, env
        lines = "".join(f"m{n} {m.name} timeout=100 {o}\n" for n, (m, o) in enumerate(zip(milters, self.options)))
        self.i.write("milters", "# filters\n\n" + lines)

    def client(self):
        self.c = self.i.client(*self.args, **self.env)
        return self.c

    def mail(self, rcpts=("u@example.test",), message=MESSAGE, **more):
        return self.client().mail(rcpts, message.replace("\r\n.", "\r\n..") if isinstance(message, str) else message, **more)

    def end(self):
        if hasattr(self, "c"):
            self.c.send("QUIT\r\n")
            self.status = self.c.close()
        log = self.i.logged()
        self.i.close()
        for m in self.milters:
            m.close()
        return log

    def got(self):
        return [m["body"] for m in self.i.lmtp.messages]


def unix(name="m"):
    d = tempfile.mkdtemp(prefix="postern-test.")
    os.chmod(d, 0o755)
    atexit.register(shutil.rmtree, d, True)
    return os.path.join(d, name)


# ---- what it is told ----

SIX = True
try:
    socket.create_server(("::1", 0), family=socket.AF_INET6).close()
except OSError:
    SIX = False
for where in ("inet", "inet6", "unix"):
    if where == "inet6" and not SIX:
        tap.ok(True, "inet6 SKIP no IPv6 loopback")
        continue
    m = Milter(unix() if where == "unix" else None, host="::1" if where == "inet6" else "127.0.0.1")
    c = Case(m)
    answers, last = c.mail(("u@example.test", "v@example.test"))
    log = c.end()
    tap.like(last, "^250", f"{where}: accepted")
    m.wait("quit")
    tap.eq(m.events(), ["connect", "helo", "mail", "rcpt", "rcpt", "data"] + ["header"] * 4 + ["eoh", "body", "eom", "quit"], f"{where}: every event, in order")
    tap.eq(m.heard[0], ("options", (6, 0x1ff, 0x1fffff)), f"{where}: version 6 and all of it is offered")
    tap.eq(m.octets("connect"), [b"[192.0.2.7]\x004" + struct.pack(">H", 4321) + b"192.0.2.7\0"], f"{where}: connection")
    tap.eq([m.said(e) for e in ("helo", "mail", "rcpt", "header")],
           [[["client.example"]], [["<sender@remote.example>"]], [["<u@example.test>"], ["<v@example.test>"]],
            [[n, v] for n, v in HEADER]], f"{where}: greeting, envelope, header")
    tap.eq(m.octets("body"), [BODY], f"{where}: the body, with CR LF")
    tap.eq([behind_received(b) for b in c.got()], [MESSAGE.encode()], f"{where}: the message is as it was")

m = Milter()
c = Case(m, TCPREMOTEIP="2001:db8::7")
c.client()
c.c.cmd("EHLO a.example")
c.c.cmd("MAIL FROM:<\"x> y\"@b.example> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=e")
c.c.cmd("RCPT TO:<u@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;u@x")
c.c.cmd("RSET")
c.c.cmd("EHLO b.example")
c.c.cmd("MAIL FROM:<>")
c.c.cmd("NONSENSE it is")
c.end()
m.wait("quit")
tap.eq(m.octets("connect"), [b"[2001:db8::7]\x006" + struct.pack(">H", 4321) + b"IPv6:2001:db8::7\0"], "an IPv6 client")
tap.eq(m.said("mail"), [["<\"x> y\"@b.example>", "SIZE=100", "BODY=8BITMIME", "RET=HDRS", "ENVID=e"], ["<>"]], "parameters of MAIL, and the null sender")
tap.eq(m.said("rcpt"), [["<u@example.test>", "NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;u@x"]], "parameters of RCPT")
tap.eq(m.events(), ["connect", "helo", "mail", "rcpt", "abort", "helo", "mail", "unknown", "abort", "quit"] if m.events()[-2] == "abort" else
       ["connect", "helo", "mail", "rcpt", "abort", "helo", "mail", "unknown", "quit"], "RSET is ABORT, a new greeting is told, an unknown command too")
tap.eq(m.said("unknown"), [["NONSENSE it is"]], "an unknown command")

# ---- macros ----

m = Milter()
c = Case(m)
c.mail()
c.end()
first = {e: v[0] for e, v in m.macros.items()}
tap.ok(all(first["connect"].get(k) == v for k, v in {"j": "mx.example.test", "_": "unknown [192.0.2.7]", "v": "postern", "{daemon_name}": "smtp", "{daemon_addr}": "192.0.2.1",
       "{client_addr}": "192.0.2.7", "{client_name}": "unknown", "{client_port}": "4321", "{client_resolve}": "FAIL", "{if_addr}": "192.0.2.1"}.items()), "macros of the connection", m.macros)
id = first["mail"]["i"]
tap.ok(all(first["mail"].get(k) == v for k, v in {"r": "ESMTP", "s": "client.example", "{mail_mailer}": "smtp", "{mail_host}": "remote.example",
       "{mail_addr}": "sender@remote.example"}.items()) and "b" in first["mail"] and "{auth_authen}" not in first["mail"], "macros of the sender", m.macros)
tap.eq(first["rcpt"], {"i": id, "{rcpt_mailer}": "local", "{rcpt_host}": "example.test", "{rcpt_addr}": "u@example.test"}, "macros of a recipient")
tap.eq([first[e] for e in ("data", "eoh", "eom")], [{"i": id}] * 3, "the id at the other stages")
tap.ok("helo" not in first, "no TLS, no macros at HELO", first)
m = Milter()
c = Case(m, SSL_PROTOCOL="TLSv1.3", SSL_CIPHER="TLS_X", SSL_CIPHER_BITS="256", SSL_PEER_CERT_SUBJECT="/CN=a b", SSL_PEER_CERT_ISSUER="/CN=ca", SSL_PEER_CERT_HASH="SHA256:00")
c.mail(message="Message-Id: <1@x>\r\n\r\nhi\r\n")
c.end()
tap.eq(m.macros["helo"], [{"{tls_version}": "TLSv1.3", "{cipher}": "TLS_X", "{cipher_bits}": "256", "{cert_subject}": "/CN=a b", "{cert_issuer}": "/CN=ca", "{verify}": "OK"}], "macros of TLS")
tap.eq(m.macros["eom"][0].get("{msg_id}"), "<1@x>", "the Message-ID")
m = Milter()
c = Case(m, SSL_PROTOCOL="TLSv1.2", SSL_CIPHER="X")
c.mail()
c.end()
tap.eq(m.macros["helo"], [{"{tls_version}": "TLSv1.2", "{cipher}": "X", "{verify}": "NO"}], "of another vendor's TLS, without a certificate: what there is")
m = Milter(macros=[(0, "j, {client_addr} v"), (2, "i,mail_addr"), (5, "{client_port}"), (3, "")])
c = Case(m)
c.mail()
c.end()
tap.eq({e: v[0] for e, v in m.macros.items() if e in ("connect", "mail", "rcpt", "eom")},
       {"connect": {"j": "mx.example.test", "{client_addr}": "192.0.2.7", "v": "postern"},
        "mail": m.macros["mail"][0] if m.macros["mail"][0].keys() == {"i", "{mail_addr}"} else None, "eom": {"{client_port}": "4321"}}, "the filter's own lists of macros")

m = Milter()
c = Case(m)
check = c.i.path("check")
with open(check, "w") as f:
    f.write("import os, sys\nos.read(3, 512).startswith(b'a@b\\0pw\\0') or sys.exit(1)\nos.execvp(sys.argv[1], sys.argv[1:])\n")
c.args = (sys.executable, check, "true")
c.env = {"TCPREMOTEIP": "127.0.0.1"}
c.client().cmd("EHLO a.example")
c.c.cmd("AUTH PLAIN " + base64.b64encode(b"\0a@b\0pw").decode())
c.c.cmd("MAIL FROM:<s@remote.example>")
c.end()
tap.ok(m.macros["mail"][0].items() >= {"{auth_type}": "PLAIN", "{auth_authen}": "a@b", "{auth_author}": "a@b", "{auth_ssf}": "0", "{mail_mailer}": "local"}.items(), "macros of a login", m.macros)

# ---- local programs, submission, services ----

m = Milter()
c = Case(m, args=("-s",), unix=True, tables={"senders": "root: @remote.example\nnobody: @remote.example\n"})
answers, last = c.mail(message="Subject: x\r\n\r\nhi\r\n")
c.end()
tap.ok(last and last[0] == "2" and m.octets("connect") == [b"localhost\x004\0\0" + b"127.0.0.1\0"] and m.macros["mail"][0].items() >= {"{auth_type}": "EXTERNAL", "{auth_authen}": "root" if not os.getuid() else m.macros["mail"][0]["{auth_authen}"], "{auth_ssf}": "0"}.items(), "a local program is localhost, and has a name", last, )
tap.eq([h[0] for h in m.said("header")], ["Date", "Message-ID", "Subject"], "fields that submission adds are shown, for signers")
for services, asked in (("smtp", 1), ("submission,local", 0), ("relay", 0), ("smtp,relay", 1)):
    m = Milter()
    c = Case(m, options="services=" + services)
    c.mail()
    c.end()
    tap.eq(m.connections, asked, f"services={services}: on port 25 {'asked' if asked else 'not asked'}")

# ---- every answer to every event ----

REJECT, TEMP, GONE, CLOSE = "^550 5.7.1 refused by a filter", "^451 4.7.1 a filter wants", "^451 4.7.1 a filter does not", "^421 4.7.0 a filter ends"
WORDS = {"reject": REJECT, "tempfail": TEMP, "fail": CLOSE, "shutdown": CLOSE, "skip": GONE}


def commands(c):
    """Replies to MAIL, RCPT, DATA, the dot; what is not reached is None."""
    out = [None] * 4
    c.cmd("EHLO client.example")
    for n, line in enumerate(("MAIL FROM:<s@remote.example>", "RCPT TO:<u@example.test>", "DATA")):
        out[n] = c.cmd(line)
        if out[n] is None or out[n][0] not in "23":
            return out
    c.send(MESSAGE.replace("\r\n.", "\r\n..") + ".\r\n")
    out[3] = c.reply()
    return out


PLACE = {"connect": 0, "helo": 0, "mail": 0, "rcpt": 1, "data": 2, "header": 3, "eoh": 3, "body": 3, "eom": 3}
for event, place in PLACE.items():
    for said, pattern in WORDS.items():
        if event == "body" and said == "skip":
            pattern = "^250"
        m = Milter(answers={event: said}, protocol=0x400)
        c = Case(m)
        got = commands(c.client())
        log = c.end()
        n = next((n for n, r in enumerate(got) if r is None), 4) - 1
        tap.ok(n == place and re.match(pattern, got[n]) and (pattern == "^250") == bool(c.i.lmtp.messages), f"{said} to {event}: {pattern[1:]}", f"{got}\n{m.heard}\n{log}")
    for said in ("accept", "discard"):
        m = Milter(answers={event: said})
        c = Case(m)
        got = commands(c.client())
        log = c.end()
        session = event in ("connect", "helo")
        if said == "discard" and session:
            tap.ok(got[0] and got[0].startswith("451 4.7.1") and not c.i.lmtp.messages, f"discard to {event} is nonsense", got)
            continue
        tap.ok(got[3] and got[3].startswith("250") and len(c.i.lmtp.messages) == (said == "accept") and event in m.events()
               and not [e for e in m.events()[m.events().index(event) + 1:] if e not in ("quit", "abort", event)], f"{said} to {event}: 250, and nothing more is asked", f"{got}\n{m.heard}\n{log}")

for text, pattern in (("550 5.7.9 no thanks", "^550 5\\.7\\.9 no thanks$"), ("451 try 100%% later", "^451 4\\.7\\.1 try 100% later$"),
                      ("554-5.7.1 one\r\n554 5.7.1 two", "^554-5\\.7\\.1 one\n554 5\\.7\\.1 two$"), ("550", "^550 5\\.7\\.1 $"),
                      ("550 5.7.1 \x01\xff", "^550 5\\.7\\.1 \\?\\?\\??$"), ("421 4.7.0 away", "^421 4\\.7\\.0 away$"),
                      ("250 ok", GONE), ("55", GONE), ("550x", GONE), ("554-a\r\n551 b", GONE), ("", GONE)):
    m = Milter(answers={"eom": code(text)})
    c = Case(m)
    answers, last = c.mail()
    c.end()
    tap.ok(last and re.match(pattern, last) and not c.got(), f"in its words: {text!r}", last)

m = Milter(answers={"rcpt:<b": "reject", "rcpt:<c": "tempfail"})
c = Case(m)
answers, last = c.mail(("a@example.test", "b@example.test", "c@example.test", "d@example.test"))
c.end()
tap.eq([a[:3] for a in answers], ["250", "550", "451", "250"], "recipients one by one")
tap.eq([x["rcpts"] for x in c.i.lmtp.messages], [["RCPT TO:<a@example.test>", "RCPT TO:<d@example.test>"]], "only the others have the message")
m = Milter(answers={"rcpt": "reject"})
c = Case(m)
answers, last = c.mail(("a@example.test",))
c.end()
tap.eq((answers[0][:3], last), ("550", None), "no recipient is left")

# ---- the flags of the negotiation ----

for event, bit in UNWANTED.items():
    m = Milter(protocol=bit)
    c = Case(m)
    c.client().cmd("BOGUS")
    answers, last = c.c.mail(("u@example.test",), MESSAGE.replace("\r\n.", "\r\n.."))
    c.end()
    tap.ok(last.startswith("250") and event not in m.events() and "eom" in m.events(), f"{event} is not wanted", m.events())
for event, bit in SILENT.items():
    m = Milter(protocol=bit)
    c = Case(m, options="timeout=20")
    c.client().cmd("BOGUS")
    answers, last = c.c.mail(("u@example.test",), MESSAGE.replace("\r\n.", "\r\n.."))
    c.end()
    tap.ok(last.startswith("250") and event in m.events() and "eom" in m.events(), f"{event} is not answered", m.events())
m = Milter(protocol=0x100000, answers={"eom": [add("X-New", "  raw"), "cont"]})
c = Case(m)
c.mail()
c.end()
tap.eq([h[1] for h in m.said("header")], [" a@b.example", " one\n two", "  a", " b"], "bodies of fields with their blanks")
tap.ok(b"\r\nX-New:  raw\r\n\r\n" in c.got()[0], "a new field with its blanks", c.got())
m = Milter(protocol=0x800)
c = Case(m, lmtp={"gone": "550 5.1.1 no such user"})
c.mail(("gone@example.test", "x@far.example", "u@example.test"))
c.end()
tap.eq(m.said("rcpt"), [["<gone@example.test>"], ["<x@far.example>"], ["<u@example.test>"]], "refused recipients are told to whom wants them")
tap.eq([x["{rcpt_mailer}"] for x in m.macros["rcpt"]], ["error", "error", "local"], "as such")
tap.eq([m.macros["rcpt"][0][k] for k in ("{rcpt_host}", "{rcpt_addr}")], ["5.1.1", "5.1.1 no such user"], "and why")

# ---- changes of the header ----

R = ["Received"]
F = ["From: a@b.example", "Subject: one\r\n two", "X-Tag:  a", "x-tag: b"]
for name, changes, want in (
        ("a field at the end", [add("X-A", "1"), add("X-B", "2")], R + F + ["X-A: 1", "X-B: 2"]),
        ("at the very top", [insert(0, "X-A", "1")], ["X-A: 1"] + R + F),
        ("behind our Received", [insert(1, "X-A", "1"), insert(1, "X-B", "2")], R + ["X-B: 2", "X-A: 1"] + F),
        ("in the middle", [insert(3, "X-A", "1")], R + F[:2] + ["X-A: 1"] + F[2:]),
        ("beyond the end", [insert(99, "X-A", "1")], R + F + ["X-A: 1"]),
        ("another body", [change(1, "subject", "new")], R + [F[0], "subject: new"] + F[2:]),
        ("the second of two", [change(2, "X-Tag", "c")], R + F[:3] + ["X-Tag: c"]),
        ("index 0 is the first", [change(0, "X-Tag", "c")], R + F[:2] + ["X-Tag: c", F[3]]),
        ("taken away", [change(1, "X-Tag", "")], R + F[:2] + F[3:]),
        ("both taken away, from the first on", [change(1, "X-Tag", ""), change(1, "X-Tag", "")], R + F[:2]),
        ("a third that is not there is added", [change(3, "X-Tag", "c")], R + F + ["X-Tag: c"]),
        ("one that is not there is not taken away", [change(1, "X-No", "")], R + F),
        ("our Received is out of reach", [change(1, "Received", "")], R + F),
        ("several lines", [add("X-A", "1\n 2\r\n\t3\n4\n\n")], R + F + ["X-A: 1\r\n 2\r\n\t3\r\n\t4"]),
        ("an empty one", [add("X-A", "")], R + F + ["X-A: "])):
    m = Milter(answers={"eom": changes + ["cont"]})
    c = Case(m)
    answers, last = c.mail()
    c.end()
    text = c.got()[0] if c.got() else b""
    head, _, rest = text.partition(b"\r\n\r\n")
    lines = re.sub(r"\r\n(?=[ \t])", "\0", head.decode()).split("\r\n")
    lines = [x.split(":")[0] if x.startswith("Received:") else x.replace("\0", "\r\n") for x in lines]
    tap.ok(last.startswith("250") and lines == want and rest == BODY, "header: " + name, f"{last}\n{lines}\n{want}\n{rest}")

for name, message, changes, want in (
        ("no body", "Subject: x\r\n", [add("X-A", "1")], b"Subject: x\r\nX-A: 1\r\n\r\n"),
        ("no header", "\r\nhello\r\n", [add("X-A", "1")], b"X-A: 1\r\n\r\nhello\r\n"),
        ("nothing at all", "", [add("X-A", "1")], b"X-A: 1\r\n\r\n"),
        ("a line that is no field ends the header", "Subject: x\r\nno field\r\n\r\nhello\r\n", [add("X-A", "1")], b"Subject: x\r\nX-A: 1\r\n\r\nno field\r\n\r\nhello\r\n"),
        ("and is left alone where nothing is changed", "Subject: x\r\nno field\r\n\r\nhello\r\n", [], b"Subject: x\r\nno field\r\n\r\nhello\r\n")):
    m = Milter(answers={"eom": changes + ["cont"]})
    c = Case(m)
    answers, last = c.mail(message=message)
    c.end()
    tap.eq([behind_received(b) for b in c.got()], [want], "message: " + name)

# ---- the body ----

big = b"x" * 60000 + b"\r\n"
for name, pieces, want in (("a new body", [b"new\r\nbody\r\n"], b"new\r\nbody\r\n"), ("in pieces", [b"a\r", b"\nb\r\n", b".c\r\n"], b"a\r\nb\r\n.c\r\n"),
                           ("an empty one", [b""], b""), ("without a last line end", [b"a"], b"a\r\n"), ("LF alone is a line end", [b"a\nb\n"], b"a\r\nb\r\n"),
                           ("a long one", [big] * 8, big * 8)):
    m = Milter(answers={"eom": [body(p) for p in pieces] + [add("X-A", "1"), "progress", "cont"]})
    c = Case(m)
    answers, last = c.mail()
    c.end()
    got = behind_received(c.got()[0]) if c.got() else b""
    tap.ok(last.startswith("250") and got == MESSAGE.encode().split(b"\r\n\r\n")[0] + b"\r\nX-A: 1\r\n\r\n" + want, "body: " + name, f"{last} {got[:300]!r} {len(got)}")
m = Milter(answers={"body": "skip"}, protocol=0x400)
c = Case(m)
long = "Subject: x\r\n\r\n" + ("0123456789" * 7 + "\r\n") * 4000
answers, last = c.mail(message=long)
c.end()
tap.ok(last.startswith("250") and m.events().count("body") == 1 and "eom" in m.events() and behind_received(c.got()[0]) == long.encode(), "skip: no more of a long body", m.events()[:40])
m = Milter()
c = Case(m)
answers, last = c.mail(message=long)
c.end()
pieces = m.octets("body")
tap.ok(b"".join(pieces) == long.encode().split(b"\r\n\r\n")[1] and max(map(len, pieces)) <= 65535 and 3 < len(pieces) < 20, "a long body comes in pieces", [len(p) for p in pieces])

# ---- the envelope ----

def envelope(changes, rcpts=("u@example.test", "v@example.test"), lmtp=None, env=None, **more):
    m = Milter(answers={"eom": changes + ["cont"]})
    c = Case(m, lmtp=lmtp, **(env or {}))
    answers, last = c.mail(rcpts, **more)
    c.log = c.end()
    return c, last


def rcpts(server):
    return [(x["mail"].split(" ")[1][5:], sorted(r[8:] for r in x["rcpts"])) for x in server.messages]


plus, minus, sender = lambda a: packet("+", strings(a)), lambda a: packet("-", strings(a)), lambda *a: packet("e", strings(*a))
S = "<sender@remote.example>"
for name, changes, local, spool in (
        ("one more here", [plus("<w@example.test>")], [(S, ["<u@example.test>", "<v@example.test>", "<w@example.test>"])], []),
        ("without brackets", [plus("w@example.test")], [(S, ["<u@example.test>", "<v@example.test>", "<w@example.test>"])], []),
        ("one elsewhere, though a stranger sends", [plus("<w@far.example>")], [(S, ["<u@example.test>", "<v@example.test>"])], [(S, ["<w@far.example>"])]),
        ("one that is there", [plus("<u@example.test>")], [(S, ["<u@example.test>", "<v@example.test>"])], []),
        ("with parameters", [packet("2", strings("<w@example.test>", "NOTIFY=NEVER"))], [(S, ["<u@example.test>", "<v@example.test>", "<w@example.test> NOTIFY=NEVER"])], []),
        ("no address", [plus("<>"), plus("a b"), plus("<x@y> WHAT=1")], [(S, ["<u@example.test>", "<v@example.test>"])], []),
        ("one less", [minus("<u@example.test>")], [(S, ["<v@example.test>"])], []),
        ("less, in other letters, without brackets", [minus("U@Example.test")], [(S, ["<v@example.test>"])], []),
        ("one that is not there", [minus("<x@example.test>")], [(S, ["<u@example.test>", "<v@example.test>"])], []),
        ("added and taken away", [plus("<w@far.example>"), minus("<w@far.example>")], [(S, ["<u@example.test>", "<v@example.test>"])], []),
        ("nobody is left", [minus("<u@example.test>"), minus("<v@example.test>")], [], []),
        ("all replaced", [minus("<u@example.test>"), minus("<v@example.test>"), plus("<w@far.example>")], [], [(S, ["<w@far.example>"])]),
        ("another sender", [sender("<new@x.example>")], [("<new@x.example>", ["<u@example.test>", "<v@example.test>"])], []),
        ("the null sender, and one elsewhere", [sender("<>", "RET=HDRS"), plus("<w@far.example>")], [("<>", ["<u@example.test>", "<v@example.test>"])], [("<>", ["<w@far.example>"])]),
        ("no sender", [sender("a b")], [(S, ["<u@example.test>", "<v@example.test>"])], [])):
    c, last = envelope(changes)
    tap.ok(last.startswith("250") and rcpts(c.i.lmtp) == local and rcpts(c.i.spool) == spool, "envelope: " + name, f"{last}\n{rcpts(c.i.lmtp)}\n{rcpts(c.i.spool)}\n{c.log}")
c, last = envelope([plus("<gone@example.test>")], lmtp={"gone": "550 5.1.1 no such user"})
tap.ok(last.startswith("250") and "event=failed to=gone@example.test code=550" in c.log, "an added one that does not exist is logged", last + c.log)
c, last = envelope([minus("<u@example.test>"), minus("<v@example.test>"), plus("<gone@example.test>")], lmtp={"gone": "550 5.1.1 no such user"})
tap.ok(last.startswith("550 5.1.1"), "where he is alone, the sender hears of it", last)
c, last = envelope([minus("<u@example.test>")], lmtp={"v": ["250 2.1.5 ok", "451 4.2.0 not now"]})
tap.ok(last.startswith("451 4.2.0"), "told anew, a server may have changed its mind", last)

# ---- quarantine ----

c, last = envelope([packet("q", strings("looks bad"))], ("u@example.test", "x@far.example"), env={"RELAYCLIENT": ""})
tap.ok(last.startswith("250") and not c.i.lmtp.messages and rcpts(c.i.spool) == [(S, ["<u@example.test>", "<x@far.example>"])]
       and any("HOLD=m0:+20looks+20bad" in l for l in c.i.spool.lines) and "event=hold reason=\"m0: looks bad\"" in c.log, "quarantine: all of it goes to the spool, held", f"{last} {c.i.spool.lines} {c.log}")
c, last = envelope([packet("q", strings("a\r\nb\x7f=+\u00e9" + "x" * 300))])
tap.ok(last.startswith("250") and any(l.endswith("HOLD=m0:+20a??b?+3D+2B+C3+A9" + "x" * 242) for l in c.i.spool.lines), "a reason is one line, and no longer than the spool takes", c.i.spool.lines)
c, last = envelope([packet("q", strings("looks bad"))], env={"hold": False})
tap.ok(last.startswith("451 4.3.0 the spool cannot hold") and not c.i.lmtp.messages and not c.i.spool.messages, "a spool that cannot hold", last)

# ---- several ----

one = Milter(answers={"eom": [add("X-One", "1"), change(1, "Subject", "first"), body(b"from one\r\n"), "cont"]})
two = Milter(answers={"eom": [insert(0, "X-Two", "2"), "cont"]})
three = Milter(answers={"eom": [insert(0, "X-Three", "3"), "accept"]})
c = Case(one, two, three)
c.mail()
c.end()
tap.eq(([h[0] for h in two.said("header")], two.said("header")[1], two.octets("body")), (["From", "Subject", "X-Tag", "x-tag", "X-One"], ["Subject", "first"], [b"from one\r\n"]), "the second sees what the first has made")
tap.ok(c.got()[0].startswith(b"X-Three: 3\r\nX-Two: 2\r\nReceived:") and c.got()[0].endswith(b"X-One: 1\r\n\r\nfrom one\r\n"), "the changes of all", c.got())
tap.eq(three.said("header")[0], ["X-Two", "2"], "the third sees the second's field, not our Received")
one, two = Milter(answers={"mail": "reject"}), Milter()
c = Case(one, two)
answers, last = c.mail()
c.end()
tap.ok(last.startswith("550") and "mail" not in two.events(), "what the first refuses the second does not see", two.events())
one, two = Milter(), Milter(answers={"eom": "tempfail"})
c = Case(one, two)
answers, last = c.mail()
c.end()
tap.ok(last.startswith("451 4.7.1") and not c.got(), "the last one's word counts, too", last)
one, two = Milter(answers={"mail": "accept"}), Milter(answers={"eom": [add("X-Two", "2"), "cont"]})
c = Case(one, two)
answers, last = c.mail()
c.end()
tap.ok(b"X-Two: 2" in c.got()[0] and "eom" not in one.events(), "one accepts, the other goes on", one.events())

# ---- several messages in a session ----

m = Milter(answers={"each:eom": ["reject", [add("X-A", "1"), "cont"], "discard", "cont"]})
c = Case(m)
c.client().cmd("EHLO a.example")
got = [c.c.mail(("u@example.test",), MESSAGE.replace("\r\n.", "\r\n.."), hello=False)[1][:3] for _ in range(4)]
c.end()
tap.eq((got, len(c.got()), m.connections, m.events().count("connect"), m.events().count("mail")), (["550", "250", "250", "250"], 2, 1, 1, 4), "four messages over one connection")
tap.ok(b"X-A: 1" in c.got()[0] and b"X-A: 1" not in c.got()[1], "each has its own changes")
m = Milter(answers={"each:mail": ["cont", "close", "cont"]})
c = Case(m)
c.client().cmd("EHLO a.example")
got = [c.c.mail(("u@example.test",), hello=False)[1][:3] for _ in range(2)]
c.end()
tap.eq((got, m.connections), (["250", "250"], 2), "a connection that died between two messages is made anew")
m = Milter()
c = Case(m)
c.client().cmd("EHLO a.example")
c.c.cmd("MAIL FROM:<s@remote.example>")
c.c.cmd("RCPT TO:<u@example.test>")
text = MESSAGE.encode()
c.c.send(b"BDAT %d\r\n" % 10 + text[:10])
c.c.reply()
c.c.send(b"BDAT %d LAST\r\n" % len(text[10:]) + text[10:])
last = c.c.reply()
c.end()
tap.ok(last.startswith("250") and m.events().count("data") == 1 and m.octets("body") == [BODY], "BDAT", m.events())

# ---- failures ----

POLICIES = {"": (GONE, 0), "failure=tempfail": (GONE, 0), "failure=reject": ("^550 5.7.1 a filter does not answer", 0), "failure=accept": ("^250", 1), "failure=quarantine": ("^250", 2)}


def fails(m, name, options="", policies=POLICIES):
    for policy, (pattern, where) in policies.items():
        made = m()
        c = Case(made, options=f"{options} {policy}")
        got = commands(c.client())
        log = c.end()
        last = [r for r in got if r][-1]
        held = any("HOLD=m0:+20it+20failed" in l for l in c.i.spool.lines)
        tap.ok(re.match(pattern, last) and (len(c.i.lmtp.messages), len(c.i.spool.messages), held) == [(0, 0, False), (1, 0, False), (0, 1, True)][where]
               and "event=filter-failed name=m0" in log, f"{name}, {policy or 'by default'}", f"{got}\n{log}\n{made.heard}")


class Nobody:
    name, heard = "unix:/nonexistent/sock", []
    def close(self):
        pass


ONE = {"": POLICIES[""]}
fails(Nobody, "nobody listens")
for event in PLACE:
    fails(lambda: Milter(answers={event: "close"}), f"it closes at {event}", policies=POLICIES if event in ("connect", "rcpt", "body", "eom") else ONE)
fails(lambda: Milter(options=None), "it does not negotiate", "connect=1", ONE)
for name, options in (("version 1", packet("O", struct.pack(">III", 1, 0, 0))), ("version 7", packet("O", struct.pack(">III", 7, 0, 0))),
                      ("an action that was not offered", packet("O", struct.pack(">III", 6, 0x200, 0))), ("a flag that was not offered", packet("O", struct.pack(">III", 6, 0, 0x40000000))),
                      ("half of the options", packet("O", b"\0\0\0\6")), ("macros of no stage", packet("O", struct.pack(">IIII", 6, 0x1ff, 0, 7) + b"j\0")),
                      ("macros without an end", packet("O", struct.pack(">IIII", 6, 0x1ff, 0, 0) + b"j")), ("another letter", packet("c")),
                      ("an empty packet", b"\0\0\0\0"), ("an endless packet", b"\xff\xff\xff\xff"), ("SMTP", b"220 mail.example.org ESMTP ready\r\n")):
    fails(lambda: Milter(options=options), "negotiation: " + name, policies=ONE)
for name, said in (("garbage", b"GET / HTTP/1.0\r\n\r\n"), ("an unknown letter", packet("Z")), ("an empty packet", b"\0\0\0\0"), ("a packet over the limit", struct.pack(">I", (128 << 10) + 1) + b"c"),
                   ("half a packet", [b"\0\0\0\5h", "close"]), ("no name", add("", "x")), ("a name with a colon", add("a:b", "x")), ("a name with a blank", add("a b", "x")),
                   ("no end of a string", packet("h", b"X-A\0value")), ("one string of two", packet("h", b"X-A\0")), ("more behind", packet("q", b"a\0b\0")),
                   ("no index", packet("m", b"\0\0\1")), ("an address without an end", packet("+", b"<a@b>")), ("skip", "skip"),
                   ("a NUL in the body", [body(b"a\0b\r\n"), "cont"]), ("changes without end", [add("X-A", "x" * 10000)] * 20 + ["cont"])):
    fails(lambda: Milter(answers={"eom": said}), "end of message: " + name, policies=ONE)
for event in ("mail", "rcpt", "header", "body"):
    fails(lambda: Milter(answers={event: add("X-A", "1")}), f"a change at {event}", policies=ONE)
for name, action, said in (("add", ~1, add("X-A", "1")), ("insert", ~1, insert(0, "X-A", "1")), ("body", ~2, body(b"x")), ("recipient", ~4, plus("<a@b.c>")), ("less", ~8, minus("<a@b.c>")),
                           ("change", ~16, change(1, "X-A", "1")), ("quarantine", ~32, packet("q", b"x\0")), ("sender", ~64, sender("<a@b.c>")), ("parameters", ~128, packet("2", b"<a@b.c>\0"))):
    fails(lambda: Milter(answers={"eom": [said, "cont"]}, actions=0x1ff & action), f"a change that it had not announced: {name}", policies=ONE)
m = Milter(answers={"eom": [add("X-A", "1"), body(b"x\r\n"), plus("<w@example.test>"), "close"]})
c = Case(m, options="failure=accept")
answers, last = c.mail()
c.end()
tap.ok(last.startswith("250") and [behind_received(b) for b in c.got()] == [MESSAGE.encode()] and len(c.i.lmtp.messages[0]["rcpts"]) == 1, "changes without a verdict do not count", c.got())
m = Milter(answers={"rcpt:<a": "close"})
c = Case(m)
c.client().cmd("EHLO a.example")
c.c.cmd("MAIL FROM:<s@remote.example>")
got = [c.c.cmd(f"RCPT TO:<{u}@example.test>") for u in "uab"] + [c.c.cmd("DATA")]
c.end()
tap.eq([g[:3] for g in got], ["250", "451", "451", "451"], "after a failure nothing of that message gets through")

# ---- limits ----

m = Milter()
c = Case(m)
answers, last = c.mail(message="Subject: x\r\n" + "X-A: y\r\n" * 5000 + "\r\nhi\r\n")
c.end()
tap.like(last, "^552 5.3.4 header too long", "too many fields")
c = Case(Milter())
answers, last = c.mail(message="Subject: x\r\n" + ("X-A: " + "y" * 900 + "\r\n") * 300 + "\r\nhi\r\n")
c.end()
tap.like(last, "^552 5.3.4 header too long", "too long a header")
c = Case(Milter())
answers, last = c.mail(message="Subject: x\r\nX-A: " + "\r\n ".join(["y" * 900] * 80) + "\r\n\r\nhi\r\n")
c.end()
tap.like(last, "^552 5.3.4 header too long", "too long a field")
for line in ("m", "m unix:", "m sock", "m inet:host.example:1", "m inet:127.0.0.1", "m unix:/s timeout=0", "m unix:/s timeout=301", "m unix:/s failure=maybe",
             "m unix:/s services=imap", "m unix:/s what=1", "m unix:/s word", "\n".join(["m unix:/s"] * 9)):
    i = Instance()
    i.write("milters", line + "\n")
    c = i.client()
    tap.ok(c.greeting is None and c.close() == 100 and "etc/milters" in i.logged(), f"bad line: {line[:30]!r}", i.logged())
    i.close()
tap.done()
