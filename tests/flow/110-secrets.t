#!/usr/bin/env python3
"""A password, a token and a message's body, given by every protocol and mechanism, good, wrong and malformed: afterwards they stand in no log, in no file
of the instance, in no environment and no command line; no process that is left has the password in its memory; none would leave a core.
Needs root: it reads other processes' memory. BUDGET 10 CPU s."""
import base64, hashlib, os, re, resource, socket, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from instance import Instance, tap, wait_for
from memory import family, holds, leaves_core, needles, read
from wire import UNSAFE

WORD, BODY = "Zq7Secret", "Zq7Body"  # that every password and token, and every line of a body, has
GOOD, TOKEN = WORD + "good", WORD + "token"
LIMIT = 20
CHECKER = f"""#!/bin/sh
case $(tr '\\0' '\\n' <&3 | sed -n 2p | sha256sum) in {hashlib.sha256((TOKEN + chr(10)).encode()).hexdigest()}*) echo alice@example.test ;; *) exit 1 ;; esac
"""
END = {"smtp": rb"(?m)^\d{3}( .*)?\r\n", "imap": rb"(?m)^([^*+ ]+ (OK|NO|BAD)\b|\+ |\* (BYE|BAD|OK)\b).*\r\n", "pop3": rb"(?m)^[+-].*\r\n",
       "sieve": rb'(?m)^(OK|NO|BYE|"|\{).*\r\n'}
PORTS = {"smtp": ("submission", "submissions"), "imap": ("imap", "imaps"), "pop3": ("pop3", "pop3s"), "sieve": ("managesieve", None)}
HELLO = {"smtp": ["EHLO c.test"], "imap": [], "pop3": [], "sieve": []}


def b64(text):
    return base64.b64encode(text.encode()).decode()


def plain(p, user="alice@example.test"):
    return b64(f"\0{user}\0{p}")


def xoauth(p):
    return b64(f"user=alice@example.test\1auth=Bearer {p}\1\1")


def bearer(p):
    return b64(f"n,a=alice@example.test,\1auth=Bearer {p}\1\1")


A = "alice@example.test"
# protocol, what is said, with what for the secret: each good and wrong.
WAYS = [
    ("smtp", lambda p: ["AUTH PLAIN " + plain(p)]), ("smtp", lambda p: ["AUTH PLAIN", plain(p)]), ("smtp", lambda p: ["AUTH LOGIN", b64(A), b64(p)]),
    ("smtp", lambda p: ["AUTH LOGIN " + b64(A), b64(p)]),
    ("imap", lambda p: [f"a LOGIN {A} {p}"]), ("imap", lambda p: [f'a LOGIN "{A}" "{p}"']), ("imap", lambda p: [f"a LOGIN {A} {{{len(p)}+}}\r\n{p}"]),
    ("imap", lambda p: [f"a LOGIN {A} {{{len(p)}}}", p]), ("imap", lambda p: ["a AUTHENTICATE PLAIN " + plain(p)]), ("imap", lambda p: ["a AUTHENTICATE PLAIN", plain(p)]),
    ("imap", lambda p: ["a AUTHENTICATE LOGIN", b64(A), b64(p)]),
    ("pop3", lambda p: [f"USER {A}", f"PASS {p}"]), ("pop3", lambda p: ["AUTH PLAIN " + plain(p)]), ("pop3", lambda p: ["AUTH LOGIN", b64(A), b64(p)]),
    ("sieve", lambda p: [f'AUTHENTICATE "PLAIN" "{plain(p)}"']), ("sieve", lambda p: ['AUTHENTICATE "PLAIN"', f'"{plain(p)}"']),
    ("sieve", lambda p: [f'AUTHENTICATE "PLAIN" {{{len(plain(p))}+}}\r\n{plain(p)}']),
]
TOKENS = [("smtp", "AUTH {} {}"), ("imap", "a AUTHENTICATE {} {}"), ("pop3", "AUTH {} {}"), ("sieve", 'AUTHENTICATE "{}" "{}"')]
# What goes wrong before anybody is asked: the secret is in the wrong place, cut, or too long.
MALFORMED = [
    ("smtp", lambda p: [f"AUTH PLAIN {plain(p)}!"]), ("smtp", lambda p: ["AUTH PLAIN " + b64(A + p)]), ("smtp", lambda p: [f"AUTH NOSUCH {plain(p)}"]), ("smtp", lambda p: [b64(p)]),
    ("smtp", lambda p: [f"AUTH LOGIN {b64(A)}", p]), ("smtp", lambda p: ["AUTH PLAIN", "*", p]), ("smtp", lambda p: ["AUTH PLAIN " + b64(p * 2000)]), ("smtp", lambda p: [p]),
    ("smtp", lambda p: [f"AUTH PLAIN {plain(p, 'nobody@example.test')}"]),
    ("imap", lambda p: [f"a LOGIN {A} {p} x"]), ("imap", lambda p: [f'a LOGIN {A} "{p}']), ("imap", lambda p: [f"LOGIN {A} {p}"]), ("imap", lambda p: [p]),
    ("imap", lambda p: [f"a {p} x"]), ("imap", lambda p: [f"a LOGIN {A} {{{len(p) * 900}+}}\r\n{p * 900}"]), ("imap", lambda p: [f"a LOGIN {A} {p * 900}"]), ("imap", lambda p: [f"a AUTHENTICATE PLAIN {plain(p)}!"]),
    ("imap", lambda p: ["a AUTHENTICATE PLAIN", p]), ("imap", lambda p: [f"a SELECT {p}"]), ("imap", lambda p: [f"a LOGIN nobody@example.test {p}"]),
    ("pop3", lambda p: [f"PASS {p}"]), ("pop3", lambda p: [f"USER {A}", f"PASS {p}\1"]), ("pop3", lambda p: [p]), ("pop3", lambda p: [f"USER {A}", f"PASS {p * 90}"]),
    ("pop3", lambda p: [f"AUTH PLAIN {plain(p)}!"]), ("pop3", lambda p: [f"APOP {A} {p}"]), ("pop3", lambda p: ["USER nobody@example.test", f"PASS {p}"]),
    ("sieve", lambda p: [f'AUTHENTICATE "PLAIN" "{plain(p)}!"']), ("sieve", lambda p: [f'AUTHENTICATE "PLAIN" "{plain(p)}" x']), ("sieve", lambda p: [f'LOGIN "{p}"']), ("sieve", lambda p: [p]),
    ("sieve", lambda p: [f'AUTHENTICATE "PLAIN" "{p}\r\n" x']), ("sieve", lambda p: [f'AUTHENTICATE "PLAIN" "{plain(p, "nobody@example.test")}"']),
]


class Talk:
    """A connection that stays open; .said has the last answer."""

    def __init__(self, protocol, tls=False, service=None):
        self.protocol, self.asked = protocol, "a connection"
        self.socket = socket.create_connection(("127.0.0.1", one.port(service or PORTS[protocol][tls])), timeout=LIMIT)
        if tls:
            self.socket = UNSAFE.wrap_socket(self.socket)
        self.hear("(?m)^OK.*\r\n" if protocol == "sieve" else None)
        for text in HELLO[protocol]:
            self.say(text)

    def hear(self, end=None):
        self.said = b""
        while not re.search(end.encode() if end else END[self.protocol], self.said):
            try:
                more = self.socket.recv(65536)
            except TimeoutError as error:
                raise TimeoutError(f"no answer to {self.asked!r}") from error
            if not more:
                break
            self.said += more
        return self.said

    def say(self, text):
        self.asked = text[:80]
        self.socket.sendall((text + "\r\n").encode())
        return self.hear()


def attempt(protocol, texts, tls):
    """A connection on which all this was said, one after the other, as long as it lasts."""
    talk = Talk(protocol, tls)
    for text in texts:
        if talk.say(text) == b"":
            break
    return talk


def is_good(talk):
    return re.search(rb"(?m)^(235|a OK|\+OK|OK)", talk.said)


def fresh():
    fresh.count += 1
    return f"{WORD}{fresh.count:03d}"


fresh.count = 0


def passwords():
    """All of them: [(what was said, the connection)], which stay open."""
    said = []
    for n, (protocol, words) in enumerate(WAYS):
        tls = n % 2 == 1 and protocol != "sieve"
        for right in (True, False):
            talk = attempt(protocol, words(GOOD if right else fresh()), tls)
            said.append((f"{protocol} {words('…')} {'good' if right else 'wrong'}", talk))
            if bool(is_good(talk)) != right:
                tap.ok(False, f"{said[-1][0]}: {'is taken' if right else 'is refused'}", talk.said)
    for protocol, form in TOKENS:
        for name, make in (("XOAUTH2", xoauth), ("OAUTHBEARER", bearer)):
            for token in (TOKEN, fresh()):
                said.append((f"{protocol} {name} {token}", attempt(protocol, [form.format(name, make(token))], False)))
                if token == TOKEN and not is_good(said[-1][1]):
                    tap.ok(False, f"{said[-1][0]} is taken", said[-1][1].said)
    for n, (protocol, words) in enumerate(MALFORMED):
        said.append((f"{protocol} {words('…')}", attempt(protocol, words(fresh()), n % 2 == 1 and protocol != "sieve")))
        if is_good(said[-1][1]):
            tap.ok(False, f"{said[-1][0]} is no login", said[-1][1].said)
    return said


def bodies():
    """Messages that arrive, that do not, and those whose body is taken for commands."""
    words = "", "Mail ", "rcpt ", "Helo ", "EHLO to ", "Data ", "quit ", "help ", "BDAT ", "vrfy to "
    text = "Subject: x\r\n\r\n" + "".join(f"{word}{BODY} one\r\n" for word in words)
    count = 0
    for service in ("smtp", "submission"):
        for rcpt, data in ((A, "DATA"), (A, f"BDAT {len(text)} LAST"), (A, "BDAT 10"), ("nobody@example.test", "DATA"), ("full@example.test", "DATA"),
                           (A, f"BDAT {len(text) + 1}x"), (A, "DATA x"), ("bad@example.test", "DATA"), ("team@example.test", "DATA"), ("far@far.test", "DATA")):
            talk = Talk("smtp", service=service)
            if service == "submission":
                talk.say("AUTH PLAIN " + plain(GOOD))
            talk.say(f"MAIL FROM:<{A if service == 'submission' else 'x@far.test'}>")
            talk.say(f"RCPT TO:<{rcpt}>")
            if data == "DATA":
                talk.say(data)
                talk.say(text + ".")
            else:
                talk.socket.sendall(f"{data}\r\n{text}".encode())
                talk.hear()
            talk.socket.sendall(b"QUIT\r\n")
            count += 1
            talk.socket.close()
    done = subprocess.run([one.dir + "/bin/sendmail", "-f", A, A], input=text, text=True, env=dict(os.environ, POSTERN_DIR=one.dir), capture_output=True)
    tap.ok(BODY not in done.stdout + done.stderr, "sendmail says nothing of a body", done)
    talk = Talk("imap")
    talk.say(f"a LOGIN {A} {GOOD}")
    for where in ("INBOX", "Nosuch", "INBOX ("):
        if not talk.say(f"a APPEND {where} {{{len(text)}+}}\r\n{text}"):
            break
    talk.say(f"a {BODY}")
    talk.say(f"a SEARCH {{{len(BODY)}+}}\r\n{BODY}")
    return count


def logs():
    """All that the instance has written for its administrator."""
    return "\n".join(read(os.path.join(d, f)).decode(errors="replace") for d, _, names in os.walk(one.dir + "/log") for f in names)


def files(but):
    for d, folders, names in os.walk(one.dir):
        folders[:] = [f for f in folders if os.path.relpath(os.path.join(d, f), one.dir) not in but]
        for name in names:
            path = os.path.join(d, name)
            if os.path.isfile(path):
                yield path


def lines_with(text, pattern):
    return [x for x in text.splitlines() if pattern.search(x.encode())]


def quiet():
    """Every line of what has happened is in the log: the loggers have read their pipes."""
    talk = Talk("smtp", service="smtp")
    talk.say("MAIL FROM:<last@example.test> X=x")
    for protocol in ("imap", "pop3", "sieve", "smtp"):
        last = attempt(protocol, {"imap": ["a LOGIN last@example.test x"], "pop3": ["USER last@example.test", "PASS x"], "smtp": ["AUTH PLAIN " + plain("x", "last@example.test")],
                                  "sieve": [f'AUTHENTICATE "PLAIN" "{plain("x", "last@example.test")}"']}[protocol], False)
        last.socket.close()
    wait_for(lambda: all("last@example.test" in one.log(s + "@127.0.0.1") for s in ("smtp", "imap", "pop3", "managesieve", "submission")), "the last lines of the logs")


def look():
    secret, body = needles(WORD), needles(BODY)
    talks = passwords()
    count = bodies()
    quiet()
    tap.ok(len(talks) > 60, f"{len(talks)} ways to say a password or a token, {count} to hand in a message")
    everybody = family(one.dir)
    held = {f"{name} {pid}": hits for pid, name in everybody.items() if (hits := holds(pid, secret))}
    tap.ok(not held, f"no process has a password in its memory ({len(everybody)} looked at)", *(f"{k}: {v[:3]}" for k, v in held.items()))
    said = [f"{name} {pid} {what}" for pid, name in everybody.items() for what in ("environ", "cmdline") if secret.search(read(f"/proc/{pid}/{what}"))]
    tap.ok(not said, "none stands in an environment or a command line", said)
    written = logs()
    tap.ok(written.count("last@example.test") >= 4, "the logs are there")
    tap.ok(not lines_with(written, secret), "no password or token in a log", *lines_with(written, secret)[:10])
    tap.ok(not lines_with(written, body), "no body of a message in a log", *lines_with(written, body)[:10])
    stored = [p for p in files(("bin", "mail")) if secret.search(read(p))]
    tap.ok(not stored, "no password or token in a file of the instance", stored)
    stored = [p for p in files(("bin", "mail", "spool")) if body.search(read(p))]
    tap.ok(not stored, "no body of a message outside Maildirs and spool", stored)
    # Those two hold neither a secret nor a message.
    dumped = sorted({name for pid, name in everybody.items() if not name.startswith("s6-") and leaves_core(pid)} - {"sleep", "sh", "tcpserver", "login-wait"})
    tap.ok(not dumped, "no program would leave a core", dumped)
    print(f"# proof: no password and no body in a log, a file, an environment, a memory or a core | {len(talks) + count} | {tap.failed}")


def accounts():
    """With hashes that cost little, as the test is not about them."""
    hashed = subprocess.run(["openssl", "passwd", "-6", "-salt", "rounds=1000$saltsaltsaltsalt", GOOD], capture_output=True, text=True, check=True).stdout.strip()
    rows = [(n, extra) for n, extra in (("alice", ""), ("full", "userdb_quota_rule=*:storage=1K"), ("bad", ""))]
    path = one.dir + "/etc/users"
    owner = os.stat(path)
    with open(path, "w") as f:
        f.write("".join(f"{n}@example.test:{hashed}::::mail/example.test/{n}::{extra}\n" for n, extra in rows))
    subprocess.run(["build/bin/postern-tables", "users"], env=dict(os.environ, POSTERN_DIR=one.dir), check=True)
    for name, _ in rows:
        os.makedirs(f"{one.dir}/mail/example.test/{name}", exist_ok=True)
        os.chown(f"{one.dir}/mail/example.test/{name}", owner.st_uid, owner.st_gid)
    for name in (path, path + ".cdb"):
        os.chown(name, owner.st_uid, owner.st_gid)
    with open(f"{one.dir}/mail/example.test/bad/.dovecot.sieve", "w") as f:
        f.write("require \"nosuch\";\n")
    checker = one.dir + "/checker"
    with open(checker, "w") as f:
        f.write(CHECKER)
    os.chmod(checker, 0o755)
    one.set("sasl-oauth-checker", checker)


def readable():
    """May we look into a process that is another user's and lets nobody look?"""
    child = subprocess.Popen(["setpriv", "--reuid=65400", "--clear-groups", "sleep", "60"])
    try:
        with open(f"/proc/{child.pid}/mem", "rb"):
            return True
    except OSError:
        return False
    finally:
        child.kill()
        child.wait()


if os.getuid() != 0 or not readable():
    tap.skip("secrets", "needs root that may read the memory of others")
    tap.done()
# So that nothing but the programs themselves prevents a core.
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_CORE)[1]))
with Instance({"login-delay": "0", "max-per-address": "200", "retry-min": "1h", "submission-attempts": "9"}) as one:
    accounts()
    tap.run("a look", look)
tap.done()
