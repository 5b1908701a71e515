#!/usr/bin/env python3
"""Whether there is such an account: no reply of IMAP, POP3, SMTP and ManageSieve tells it, and auth-file does the same work for one that is not there,
one whose password is wrong and one that may not log in. BUDGET 4 CPU s.

EXISTENCE_ROUNDS=N measures instead: how long the replies take, with login-delay and without (doc/secrets.md has the figures)."""
import base64, os, re, statistics, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from loginpair import *
from saslclient import Scram, plain

ROUNDS = int(os.environ.get("EXISTENCE_ROUNDS", "0"))
MINE = "12345:12345" if os.geteuid() == 0 else f"{os.getuid()}:{os.getgid()}"
RIGHT, WRONG = "the right one", "another"
# What is asked for, and why the answer is no.
CASES = [
    ("nobody", RIGHT, "no such account"), ("alice", WRONG, "another password"), ("locked", RIGHT, "no password opens it"), ("gone", RIGHT, "may not log in"),
    ("gone", WRONG, "may not log in, another password"), ("far", RIGHT, "not from this network"), ("far", WRONG, "not from this network, another password"),
    ("asked", RIGHT, "to be asked for elsewhere, but nowhere is"), ("nobody@nowhere", RIGHT, "no such domain"), ("NOBODY", "x", "no such account"),
]
PROGRAMS = {
    "imap-login": (["imap-login", "auth-file", "imap"], 1, []),
    "pop3-login": (["pop3-login", "auth-file", "pop3"], 1, []),
    "smtp-recv": (["smtp-recv", "-s", "auth-file", "true"], 1, [b"EHLO x\r\n"]),
    "managesieve-login": (["managesieve-login", "auth-file", "managesieve"], None, []),
}


def b64(text):
    return base64.b64encode(text)


def say(program, login, password):
    """What is said to log in, in the ways that the protocol has: each a list of lines, every line with an answer."""
    whole = b64(plain(login, password)).decode()
    return {
        "imap-login": [[f'a LOGIN "{login}" "{password}"'], [f"a AUTHENTICATE PLAIN {whole}"]],
        "pop3-login": [[f"USER {login}", f"PASS {password}"], [f"AUTH PLAIN {whole}"]],
        "smtp-recv": [[f"AUTH PLAIN {whole}"], ["AUTH LOGIN", b64(login.encode()).decode(), b64(password.encode()).decode()]],
        "managesieve-login": [[f'AUTHENTICATE "PLAIN" "{whole}"']],
    }[program]


def replies(program, lines):
    """All that is answered, and how long the last answer took."""
    argv, greeting, before = PROGRAMS[program]
    got, took = b"", 0
    with Login(inst, *argv) as c:
        while greeting is None and not c.line().startswith(b"OK"):
            pass
        if greeting:
            c.line()
        for text in before:
            c.send(text)
            while c.line()[3:4] == b"-":
                pass
        for text in lines:
            begun = time.perf_counter()
            got += c.ask(text.encode() + b"\r\n")
            took = time.perf_counter() - begun
    return got, took


def address(name):
    return name if "@" in name else name + "@example.test"


def same_replies():
    for program in PROGRAMS:
        for way in range(len(say(program, "x", "y"))):
            told = {why: replies(program, say(program, address(name), password)[way])[0] for name, password, why in CASES}
            ok(len(set(told.values())) == 1, f"{program}: {told[CASES[0][2]].splitlines()[-1].decode()}: the same for all {len(CASES)} reasons", told)


def challenge(login, digest):
    argv = PROGRAMS["imap-login"][0]
    with Login(inst, *argv) as c:
        c.line()
        first = c.ask(b"a AUTHENTICATE SCRAM-SHA-%s %s\r\n" % (digest, b64(Scram(address(login), RIGHT, nonce="abc").first())))
        fields = dict(f.split("=", 1) for f in base64.b64decode(first[2:]).decode().split(","))
        final = Scram(address(login), WRONG, {b"1": "sha1", b"256": "sha256"}[digest], nonce="abc")
        return fields["s"], fields["i"], c.ask(b64(final.final(base64.b64decode(first[2:]))) + b"\r\n")


def scram():
    for digest in b"256", b"1":
        told = {n: [challenge(n, digest) for _ in range(2)] for n in ("nobody", "nobody2", "gone", "far", "locked", "alice")}
        name = f"SCRAM-SHA-{digest.decode()}"
        ok(all(a == b for a, b in told.values()), f"{name}: salt and iterations are the same each time", told)
        ok(len({a[0] for a, _ in told.values()}) == len(told) and len({len(a[0]) for a, _ in told.values()}) == 1, f"{name}: salts of another account are others, and as long", told)
        ok(len({a[1:] for a, _ in told.values()}) == 1, f"{name}: iterations and the last reply are the same for who is not there, who may not, and whose password is another", told)


def work(name, password):
    """(exit code, how often memory for a hash was taken): what yescrypt needs is many times what anything else does."""
    r, w = os.pipe()
    os.write(w, f"{address(name)}\0{password}\0\0".encode())
    os.close(w)
    done = subprocess.run(["strace", "-f", "-qq", "-e", "trace=mmap", "auth-file", "true"], pass_fds=[r], preexec_fn=lambda: os.dup2(r, 3), capture_output=True, text=True,
                          env=environment(POSTERN_DIR=inst.path))
    os.close(r)
    sizes = [int(n) for n in re.findall(r"mmap\(\S+ (\d+),", done.stderr)]
    return done.returncode, sum(n >= 4 << 20 for n in sizes)


def same_work():
    inst.set("auth-cache-seconds", "0")
    done = {why: work(name, password) for name, password, why in CASES}
    ok(set(done.values()) == {(1, 1)}, "auth-file computes one hash for each", done)


def measure():
    inst.set("auth-cache-seconds", "0")
    for delay in ("0", "500"):
        inst.set("login-delay", delay)
        took = {why: [] for _, _, why in CASES}
        for _ in range(ROUNDS):
            for name, password, why in CASES:
                subprocess.run(["rm", "-rf", inst.path + "/run/auth/failures"], check=True)
                took[why].append(replies("imap-login", say("imap-login", address(name), password)[0])[1])
        print(f"# login-delay {delay} ms, {ROUNDS} rounds: milliseconds, median (and the middle half)")
        for why, all_of in took.items():
            low, middle, high = (1000 * q for q in statistics.quantiles(all_of, n=4))
            print(f"# {middle:8.2f} ({low:.2f}..{high:.2f})  {why}")


def keys(password):
    made = subprocess.run(["auth-file", "-s"], input=password + "\n", capture_output=True, text=True, check=True, env=environment(POSTERN_DIR=inst.path)).stdout.strip()
    return made


with Instance(domains="example.test:", login_delay="0", sasl_scram="1") as inst:
    os.makedirs(inst.path + "/run/auth", mode=0o700)
    hashed = subprocess.run(["auth-file", "-h"], input=RIGHT + "\n", capture_output=True, text=True, check=True, env=environment()).stdout.strip()
    lines = {"alice": (hashed, ""), "locked": ("*", ""), "gone": (hashed, "nologin "), "far": (hashed, "allow_nets=192.0.2.1 "), "asked": ("x", "")}
    inst.set("users", "\n".join(f"{n}@example.test:{h}:{MINE}::/tmp::{extra}{keys(RIGHT) if n in ('gone', 'far', 'alice') else ''}" for n, (h, extra) in lines.items()))
    os.chmod(inst.path + "/etc/users", 0o600)
    if ROUNDS:
        measure()
    else:
        ok(replies("pop3-login", say("pop3-login", "alice@example.test", RIGHT)[1])[0].startswith(b"+OK"), "the right password opens an account")
        same_replies()
        scram()
        same_work()
        print(f"# proof: whether an account exists is not to be told from a reply | {len(CASES) * 7 + 10} | {sys.modules['loginpair'].failed}")
done()
