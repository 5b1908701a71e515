#!/usr/bin/env python3
"""Every mechanism through imap-login, pop3-login, managesieve-login and smtp-recv: yes, no, what a stranger can tell of an
account, limits of tokens; certificates under TLS; which mechanisms are offered where."""
import base64, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from loginpair import *
from saslclient import *

ROOTLY = os.geteuid() == 0
ME, GROUP = (12345, 12345) if ROOTLY else (os.getuid(), os.getgid())
ALL = "SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN"
CHECKER = """#!/usr/bin/env python3
import os, sys
user, token, rest = os.read(3, 20000).decode().split("\\0")
assert rest == "" and not os.read(3, 1)
assert os.environ["TCPREMOTEIP"] == "127.0.0.1" and "UID" not in os.environ and os.getuid() != 0 and os.getgroups() in ([12345], os.getgroups() if os.getuid() != 12345 else [12345])
print(f"checker: {os.environ['POSTERN_MECHANISM']} {user} {len(token)}", file=sys.stderr, flush=True)
if token == "temp":
    sys.exit(111)
if token == "slow":
    import time
    time.sleep(600)
if token == "good-behind":  # its child keeps the pipe
    import subprocess
    print("alice@example.test", flush=True)
    print("behind:", subprocess.Popen(["sleep", "30"], stderr=subprocess.DEVNULL).pid, file=sys.stderr, flush=True)
if token.startswith("long"):
    print("x" * int(token[4:]), end="")
elif token == "alias":
    print("carol@example.test")
elif token == "stranger":
    print("nobody@example.test")
elif token == "control":
    print("a\\tb")
elif not token.startswith("good"):
    sys.exit(1)
"""


def run(*argv, input=""):
    return subprocess.run(argv, input=input, capture_output=True, text=True, check=True, env=environment(POSTERN_DIR=inst.path)).stdout.strip()


def b64(text):
    return base64.b64encode(text)


class Imap:
    greeting, prompt = 1, b"+ "
    argv = ("imap-login", "auth-file", "imap")

    def __init__(self, **env):
        self.c = Login(inst, *self.argv, **env)
        self.hello = self.c.line()

    def begin(self, mechanism, initial=None):
        return self.c.ask(b"a AUTHENTICATE " + mechanism.encode() + (b" " + initial if initial is not None else b"") + b"\r\n")

    def result(self, line):
        return "yes" if line.startswith(b"a OK") else re.sub(rb"^a (NO|BAD) (\[[A-Z]+\])?.*\r\n", rb"\1\2", line).decode()

    def names(self):
        return re.findall(r"AUTH=(\S+?)[\] ]", self.hello.decode())


class Pop3(Imap):
    argv, prompt = ("pop3-login", "auth-file", "pop3"), b"+ "

    def begin(self, mechanism, initial=None):
        return self.c.ask(b"AUTH " + mechanism.encode() + (b" " + initial if initial is not None else b"") + b"\r\n")

    def result(self, line):
        return "yes" if line.startswith(b"+OK") else re.sub(rb"^-ERR (\[\S+\])?.*\r\n", rb"NO\1", line).decode()

    def names(self):
        line = self.c.ask(b"CAPA\r\n")
        found = []
        while line != b".\r\n":
            found += line.decode().split()[1:] if line.startswith(b"SASL") else []
            line = self.c.line()
        return found


class Smtp(Imap):
    argv, prompt = ("smtp-recv", "-s", "auth-file", "true"), b"334 "

    def __init__(self, **env):
        super().__init__(**env)
        self.c.send(b"EHLO x\r\n")
        self.ehlo = []
        while not self.ehlo or self.ehlo[-1][3:4] == b"-":
            self.ehlo.append(self.c.line())

    def begin(self, mechanism, initial=None):
        return self.c.ask(b"AUTH " + mechanism.encode() + (b" " + initial if initial is not None else b"") + b"\r\n")

    def result(self, line):
        return "yes" if line.startswith(b"235") else "NO" + line[:3].decode()

    def names(self):
        return [w for l in self.ehlo if l[4:].startswith(b"AUTH") for w in l[4:].decode().split()[1:]]


class Sieve(Imap):
    """RFC 5804 2.1: challenges and answers are strings, and SCRAM's last words come in the OK."""
    argv, prompt = ("managesieve-login", "auth-file", "managesieve"), b'"'

    def __init__(self, **env):
        super().__init__(**env)
        self.hello = [self.hello]
        while not self.hello[-1].startswith(b"OK"):
            self.hello.append(self.c.line())
        self.c.ask = self.ask

    def ask(self, line):
        self.c.send(b'"' + line[:-2] + b'"\r\n')
        return self.unquoted()

    def unquoted(self):
        line = self.c.line()
        if line.startswith(b"{"):
            line = b'"' + self.c.line()[:-2] + b'"\r\n'
        return line[:-3] + b"\r\n" if line.startswith(b'"') else line

    def begin(self, mechanism, initial=None):
        given = b"" if initial is None else b' ""' if initial == b"=" else b" {%d+}\r\n%s" % (len(initial), initial)
        self.c.send(b'AUTHENTICATE "' + mechanism.encode() + b'"' + given + b"\r\n")
        return self.unquoted()

    def result(self, line):
        return "yes" if line.startswith(b"OK") else re.sub(rb"^NO (\([A-Z-]+\) )?.*\r\n", rb"NO\1", line).decode().strip()

    def names(self):
        return re.findall(rb'"SASL" "(.*)"', b"".join(self.hello))[0].decode().split()


def exchange(server, mechanism, *answers, inline=False):
    """The outcome; answers are messages, or functions of the decoded challenge."""
    answers = list(answers)
    line = server.begin(mechanism, (b64(answers.pop(0)) or b"=") if inline else None)
    while line.startswith(server.prompt):
        if not answers:
            return "asked for more"
        challenge, answer = base64.b64decode(line[len(server.prompt):]), answers.pop(0)
        if callable(answer):
            answer = answer(challenge)
        line = server.c.ask((answer if answer == b"*" else b64(answer)) + b"\r\n")
    final = re.match(rb'OK \(SASL "(.*)"\) ', line)
    if final and answers:
        answers.pop(0)(base64.b64decode(final[1]))
    return server.result(line) + ("" if not answers else f" with {len(answers)} unused")


def ok_after(verify):
    def check(challenge):
        assert verify(challenge), challenge
        return b""
    return check


def scram(server, login, password, digest="sha256", inline=True, **kw):
    s = Scram(login, password, digest, **kw)
    got = exchange(server, {"sha256": "SCRAM-SHA-256", "sha1": "SCRAM-SHA-1"}[digest], s.first(), s.final, ok_after(s.verify), inline=inline)
    return got.removesuffix(" with 1 unused")  # a refusal comes without a signature


json = {"OAUTHBEARER": b'{"status":"invalid_token","schemes":"bearer","scope":"mail \\"all\\"","openid-configuration":"https://id.example.test/"}',
        "XOAUTH2": b'{"status":"401","schemes":"bearer","scope":"mail \\"all\\"","openid-configuration":"https://id.example.test/"}'}


def expects(mechanism):
    def check(challenge):
        assert challenge == json[mechanism], challenge
        return b"\1" if mechanism == "OAUTHBEARER" else b""
    return check


with Instance(login_delay=0, sasl_scram="yes") as inst:
    os.mkdir(inst.path + "/run")
    checker = inst.path + "/checker"
    open(checker, "w").write(CHECKER)
    os.chmod(checker, 0o755)
    inst.set("sasl-oauth-checker", f"python3 {checker}")
    inst.set("sasl-oauth-scope", 'mail "all"')
    inst.set("sasl-oauth-discovery", "https://id.example.test/")
    inst.set("login-attempts", "100")
    inst.set("smtp-errors", "1000")
    hash, keys = run("auth-file", "-h", input="secret\n"), run("auth-file", "-s", input="secret\n")
    ok(re.fullmatch(r"scram-sha-256=10000,\S{24},\S{44},\S{44} scram-sha-1=10000,\S{24},\S{28},\S{28}", keys), "auth-file -s", keys)
    odd = run("auth-file", "-s", input="p\u00e4ss\u00a0w\u2168rt\n")
    dovecot = {d: run("doveadm", "pw", "-s", f"SCRAM-SHA-{d}", "-p", "secret") for d in ("256", "1")}
    home = inst.path + "/home"
    os.mkdir(home)
    os.chown(home, ME, GROUP)
    line = lambda name, password, extra: f"{name}:{password}:{ME}:{GROUP}::home::{extra}"
    inst.set("users", "\n".join([
        line("alice@example.test", hash, keys), line("carol@example.test", hash, ""),
        line("dora@example.test", dovecot["256"], ""), line("dan@example.test", dovecot["1"], ""),
        line("gone@example.test", hash, keys + " nologin"), line("far@example.test", hash, keys + " allow_nets=192.0.2.0/24,2001:db8::/32"),
        line("near@example.test", hash, keys + " allow_nets=192.0.2.1,127.0.0.0/8"),
        line("a,b=c@example.test", hash, keys), line("odd@example.test", hash, odd),
        line("broken@example.test", hash, "scram-sha-256=x")]))
    os.chmod(inst.path + "/etc/users", 0o600)

    for kind in Imap, Pop3, Smtp, Sieve:
        name = kind.__name__
        no = {"Imap": "NO[AUTHENTICATIONFAILED]", "Pop3": "NO[AUTH]", "Smtp": "NO535", "Sieve": "NO"}[name]
        temp = {"Imap": "NO[UNAVAILABLE]", "Pop3": "NO[SYS/TEMP]", "Smtp": "NO454", "Sieve": "NO(TRYLATER)"}[name]
        bad = {"Imap": "BAD", "Pop3": "NO", "Smtp": "NO501", "Sieve": "NO"}[name]

        def one(what, want, function, *args, **kw):
            with_env = kw.pop("env", {})
            server = kind(**with_env)
            try:
                got = function(server, *args, **kw)
            except (AssertionError, OSError) as e:
                got = repr(e)
            ok(got == want, f"{name}: {what}", f"got  {got!r}\nwant {want!r}\n" + (server.c.log() if got != want else ""))
            server.c.__exit__()
            return server

        # Refusals: one connection is enough.
        server = kind()
        same(f"{name}: what is offered, the best first", " ".join(server.names()), ALL)
        refusals = [
            ("PLAIN, wrong", no, exchange, ("PLAIN", plain("alice@example.test", "x"))),
            ("PLAIN, nobody", no, exchange, ("PLAIN", plain("nobody@example.test", "secret"))),
            ("SCRAM-SHA-256, wrong", no, scram, ("alice@example.test", "x")),
            ("SCRAM-SHA-1, wrong", no, scram, ("alice@example.test", "x", "sha1")),
            ("SCRAM, an account without keys", no, scram, ("carol@example.test", "secret")),
            ("SCRAM, nobody", no, scram, ("nobody@example.test", "secret")),
            ("SCRAM, keys of the other digest", no, scram, ("dora@example.test", "secret", "sha1")),
            ("SCRAM, keys that are none", no, scram, ("broken@example.test", "secret")),
            ("OAUTHBEARER, refused", no, exchange, ("OAUTHBEARER", bearer("alice@example.test", "bad"), expects("OAUTHBEARER"))),
            ("XOAUTH2, refused", no, exchange, ("XOAUTH2", xoauth2("alice@example.test", "bad"), expects("XOAUTH2"))),
            ("OAUTHBEARER, no answer now", temp, exchange, ("OAUTHBEARER", bearer("alice@example.test", "temp"))),
            ("OAUTHBEARER, a login too long", temp, exchange, ("OAUTHBEARER", bearer("alice@example.test", "long300"))),
            ("OAUTHBEARER, a login too long by one", temp, exchange, ("OAUTHBEARER", bearer("alice@example.test", "long256"))),
            ("OAUTHBEARER, a login with a control", temp, exchange, ("OAUTHBEARER", bearer("alice@example.test", "control"))),
            ("OAUTHBEARER, good, but of nobody here", no, exchange, ("OAUTHBEARER", bearer("alice@example.test", "stranger"), expects("OAUTHBEARER"))),
            ("OAUTHBEARER, good, but of nobody at all", temp, exchange, ("OAUTHBEARER", bearer("", "good"))),
            ("cancelled", bad, exchange, ("SCRAM-SHA-256", b"*")),
            ("cancelled in the middle", bad, exchange, ("SCRAM-SHA-256", Scram("alice@example.test", "x").first(), b"*")),
            ("not what it wants", bad, exchange, ("SCRAM-SHA-256", b"hello")),
        ]
        for what, want, function, args in refusals:
            try:
                got = function(server, *args)
            except (AssertionError, OSError) as e:
                got = repr(e)
            ok(got == want, f"{name}: {what}", f"got  {got!r}\nwant {want!r}")
        for what in "EXTERNAL", "ANONYMOUS", "SCRAM-SHA-256-PLUS", "CRAM-MD5":
            got = exchange(server, what)
            same(f"{name}: not {what}", got[:2], "NO")
        # What is told of an account that does not exist looks like the others, and stays the same.
        told = []
        for login in ("nobody@example.test", "NOBODY@example.test", "nobody2@example.test", "alice@example.test", "alice@example.test"):
            s = Scram(login, "x")
            exchange(server, "SCRAM-SHA-256", s.first(), s.final, inline=True)
            told.append((len(s.fields["r"]) - len(s.nonce), len(s.fields["s"]), s.fields["i"], s.fields["s"]))
        ok(told[0] == told[1] != told[2] and told[3] == told[4] and len({t[:3] for t in told}) == 1, f"{name}: nobody looks like an account", told)
        log = server.c.log()
        ok("event=refused user=nobody@example.test mech=SCRAM-SHA-256 ip=127.0.0.1 tls=no" in log, f"{name}: a refusal is logged", log)
        ok(re.search(r"checker: OAUTHBEARER alice@example\.test 3\n", log), f"{name}: the checker gets user and token", log)
        server.c.__exit__()

        one("PLAIN", "yes", exchange, "PLAIN", plain("alice@example.test", "secret"))
        one("LOGIN", "yes", exchange, "LOGIN", b"alice@example.test", b"secret")
        one("LOGIN with the name inline", "yes", exchange, "LOGIN", b"alice@example.test", b"secret", inline=True)
        seen = one("SCRAM-SHA-256", "yes", scram, "alice@example.test", "secret")
        ok("event=login user=alice@example.test mech=SCRAM-SHA-256" in seen.c.log(), f"{name}: is logged", seen.c.log())
        one("SCRAM-SHA-1, no initial response", "yes", scram, "alice@example.test", "secret", "sha1", inline=False)
        one("SCRAM, a client that knows bindings", "yes", scram, "Alice@Example.TEST", "secret", header="y,,")
        one("SCRAM, own identity", "yes", scram, "alice@example.test", "secret", header="n,a=alice@example.test,")
        one("SCRAM, Dovecot's SCRAM-SHA-256", "yes", scram, "dora@example.test", "secret")
        one("SCRAM, Dovecot's SCRAM-SHA-1", "yes", scram, "dan@example.test", "secret", "sha1")
        one("PLAIN against Dovecot's keys", "yes", exchange, "PLAIN", plain("dora@example.test", "secret"))
        one("SCRAM, a name with comma and equals sign", "yes", scram, "a,b=c@example.test", "secret")
        one("SCRAM, a password that SASLprep changes", "yes", scram, "odd@example.test", "p\u00e4ss wIXrt")
        one("SCRAM, right, but nologin", no, scram, "gone@example.test", "secret")
        one("SCRAM, right, but from elsewhere", no, scram, "far@example.test", "secret")
        one("PLAIN, right, but from elsewhere", no, exchange, "PLAIN", plain("far@example.test", "secret"))
        one("PLAIN, from where it may come", "yes", exchange, "PLAIN", plain("near@example.test", "secret"))
        one("OAUTHBEARER", "yes", exchange, "OAUTHBEARER", bearer("alice@example.test", "good"))
        one("XOAUTH2, 8 KB", "yes", exchange, "XOAUTH2", xoauth2("alice@example.test", "good" + "x" * 8188))
        if kind is not Pop3:  # RFC 5034 4: a command has 255 octets
            one("OAUTHBEARER, 9 KB as initial response", "yes", exchange, "OAUTHBEARER", bearer("alice@example.test", "good" + "x" * 9000), inline=True)
        one("OAUTHBEARER, the checker names the account", "yes", exchange, "OAUTHBEARER", bearer("", "alias"))
    server = Imap()
    same("a token over the limit", exchange(server, "OAUTHBEARER", bearer("", "x" * 9300)), "BAD")
    server.c.__exit__()
    if ROOTLY:
        same("the secret is its owner's alone", [os.stat(inst.path + "/run/auth" + f).st_mode & 0o777 for f in ("", "/secret")], [0o700, 0o600])
        os.truncate(inst.path + "/run/auth/secret", 0)
        server = Imap()
        same("one that a power cut left empty", scram(server, "alice@example.test", "secret"), "yes")
        same("is made again", os.stat(inst.path + "/run/auth/secret").st_size, 32)
        server.c.__exit__()

    # POP3 names the same mechanisms before and after login (RFC 2449 6).
    server = Pop3()
    before = server.names()
    scram(server, "alice@example.test", "secret")
    same("POP3: the same mechanisms after login", server.names(), before)
    server.c.__exit__()

    # The checker has its time, but not who comes behind it.
    server = Imap()
    same("a checker that leaves somebody behind", exchange(server, "OAUTHBEARER", bearer("", "good-behind")), "yes")
    behind = re.search(r"behind: (\d+)", server.c.log())
    ok(behind and not os.kill(int(behind[1]), 9), "who is not waited for", server.c.log())
    server.c.__exit__()
    inst.set("login-check-timeout", "1")
    server = Imap()
    same("a checker that does not end", exchange(server, "OAUTHBEARER", bearer("alice@example.test", "slow")), "NO[UNAVAILABLE]")
    ok("event=check-timeout program=python3" in server.c.log(), "is logged", server.c.log())
    server.c.__exit__()
    inst.set("login-check-timeout", "60")

    # What is offered: the settings' say, and the checkpassword program's.
    offers = [
        ("no SCRAM without keys", {"sasl-scram": "no"}, Imap.argv, "OAUTHBEARER XOAUTH2 PLAIN LOGIN"),
        ("a list", {"sasl-mechanisms": "scram-sha-256 PLAIN", "sasl-scram": "yes"}, Imap.argv, "SCRAM-SHA-256 PLAIN"),
        ("no passwords", {"sasl-mechanisms": "SCRAM-SHA-256"}, Imap.argv, "SCRAM-SHA-256"),
        ("a plain checkpassword program", {"sasl-mechanisms": ""}, ("imap-login", CHECK, "plain", SESSION), "PLAIN LOGIN"),
        ("one that knows AUTHORIZED", {"checkpassword-authorized": "yes"}, ("imap-login", CHECK, "plain", SESSION), ALL),
        ("by its path", {"checkpassword-authorized": ""}, ("imap-login", os.path.join(BUILD, "bin/auth-file"), "imap"), ALL),
    ]
    for what, settings, argv, want in offers:
        for setting, value in settings.items():
            inst.set(setting, value)
            if value == "":
                os.remove(f"{inst.path}/etc/{setting}")
        server = type("Other", (Imap,), {"argv": argv})()
        same(f"offered: {what}", " ".join(server.names()), want)
        if what == "no passwords":
            ok(b" LOGINDISABLED " in server.hello, "and LOGIN is not either", server.hello)
            same("nor taken", server.c.ask(b"a LOGIN alice@example.test secret\r\n"), b"a NO [CANNOT] Passwords are not taken here, use AUTHENTICATE\r\n")
            other = Pop3()
            same("POP3: what is offered", other.names(), ["SCRAM-SHA-256"])
            same("POP3: nor USER", other.c.ask(b"USER alice@example.test\r\n"), b"-ERR [AUTH] Passwords are not taken here, use AUTH\r\n")
            other.c.__exit__()
        server.c.__exit__()
    for setting, value in (("sasl-mechanisms", "PLAIN ANONYMOUS"), ("sasl-oauth-checker", "x " * 20)):
        inst.set(setting, value)
        c = Login(inst, *Imap.argv)
        same(f"bad setting: {setting}", (c.line(), c.exit()), (b"", 100))
        os.remove(f"{inst.path}/etc/{setting}")
done()
