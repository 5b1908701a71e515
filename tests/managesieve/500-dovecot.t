#!/usr/bin/env python3
"""The same dialogue with Debian's dovecot-managesieved: every answer is OK, NO or BYE alike, with the same code, and the lists are
the same. Then both in turn over one home: what one stores, activates and renames, the other lists, reads and changes."""
import os, re, shutil, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import sievewire
from instance import Tap
from owner import give
from sievewire import literal, quote

tap = Tap()
if not os.path.exists(sievewire.DOVECOT):
    print("1..0 # SKIP dovecot-managesieved is not installed")
    sys.exit(0)
GOOD = 'require ["fileinto", "envelope"];\r\nif envelope :contains "to" "x" {\r\n  fileinto "Sent";\r\n}\r\n'
COMMANDS = [
    "LISTSCRIPTS", b'PUTSCRIPT "a" ' + literal(GOOD), b'PUTSCRIPT "b" "stop;"', b"PUTSCRIPT {1+}\r\nc {5}\r\nkeep;", b'PUTSCRIPT "bad" ' + literal("#x\r\nInvalidSieveCommand\r\n"),
    'PUTSCRIPT "bad" "keep"', 'PUTSCRIPT "bad" "require \\"unknown\\";"', 'PUTSCRIPT "bad" "fileinto \\"x\\";"', 'PUTSCRIPT "" "keep;"', 'PUTSCRIPT "x/y" "keep;"', 'PUTSCRIPT ".x" "keep;"',
    'PUTSCRIPT "a\tb" "keep;"', 'PUTSCRIPT "S\u00fcd" "keep;"', b'PUTSCRIPT "\xff" "keep;"', b'PUTSCRIPT "n" ' + literal("#" * 12000), "PUTSCRIPT", 'PUTSCRIPT "n"', 'PUTSCRIPT "n" "keep;" "x"',
    'PUTSCRIPT n "keep;"', "LISTSCRIPTS", 'SETACTIVE "a"', "LISTSCRIPTS", 'SETACTIVE "nope"', "SETACTIVE", 'SETACTIVE "a" "b"', 'SETACTIVE "x/y"', 'GETSCRIPT "a"', 'GETSCRIPT "nope"', 'GETSCRIPT ""',
    "GETSCRIPT", 'DELETESCRIPT "a"', 'DELETESCRIPT "nope"', 'DELETESCRIPT "b"', 'DELETESCRIPT "b"', 'DELETESCRIPT ""', 'RENAMESCRIPT "a" "d"', 'RENAMESCRIPT "a" "e"', 'RENAMESCRIPT "d" "c"',
    'RENAMESCRIPT "d" "d"', 'RENAMESCRIPT "d" "x/y"', 'RENAMESCRIPT "d"', 'RENAMESCRIPT "d" ""', "LISTSCRIPTS", 'SETACTIVE ""', 'SETACTIVE ""', "LISTSCRIPTS", 'HAVESPACE "x" 100', 'HAVESPACE "x" 20000',
    'HAVESPACE "x"', 'HAVESPACE "x" "5"', 'HAVESPACE "x" 05', 'HAVESPACE "x" 4294967296', 'HAVESPACE "x/y" 5', 'HAVESPACE "" 5', 'PUTSCRIPT "e" "keep;"', 'PUTSCRIPT "f" "keep;"', 'PUTSCRIPT "g" "keep;"',
    'PUTSCRIPT "h" "keep;"', 'HAVESPACE "i" 5', 'PUTSCRIPT "e" "stop;"', "LISTSCRIPTS", 'CHECKSCRIPT "keep;"', 'CHECKSCRIPT ""', 'CHECKSCRIPT "kep;"', "CHECKSCRIPT", "NOOP", 'NOOP "x"', 'NOOP ""', 'NOOP "a\\"b"',
    b"NOOP " + literal("a\r\nb"), "NOOP x", "NOOP 5", 'NOOP "a" "b"', "UNAUTHENTICATE", 'AUTHENTICATE "PLAIN"', "STARTTLS", "FOO", 'CAPABILITY "x"', 'LISTSCRIPTS "x"', 'NOOP "\\x"', b'NOOP "x\xff"', 'NOOP  "x"', 'NOOP "x" ',
    'LOGOUT "x"', "LOGOUT",
]
# What RFC 5804 2.6 says ("a script of zero length SHOULD be disallowed"), and Dovecot does not.
OTHERWISE = {'PUTSCRIPT "e" ""': (b"OK", b"NO")}
base = tempfile.mkdtemp(prefix="postern-sieve.")
os.chmod(base, 0o755)
for name in "dovecot", "ours", "both", "instance/etc":
    os.makedirs(f"{base}/{name}")
for name, value in ("sieve-max-script-size", "10k"), ("managesieve-max-scripts", "6"):
    with open(f"{base}/instance/etc/{name}", "w") as f:
        f.write(value + "\n")
UID, GID = (65534, 65534) if os.getuid() == 0 else (os.getuid(), os.getgid())


def theirs(home):
    argv, env = sievewire.dovecot(f"{base}/{home}", sieve_max_script_size="10k", sieve_quota_max_scripts="6")
    return sievewire.Session(argv, env, greets=False)


def ours(home):
    give(UID, GID, f"{base}/{home}")
    argv = ["setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups", shutil.which("managesieve")] if os.getuid() == 0 else ["managesieve"]
    return sievewire.Session(argv, HOME=f"{base}/{home}", USER="u", POSTERN_DIR=base + "/instance")


def verdict(final):
    return re.match(rb"(?:OK|NO|BYE)(?: \([A-Z/-]+)?", final)[0]


def dialogue():
    bad = []
    with theirs("dovecot") as d, ours("ours") as o:
        for command in [*COMMANDS[:-2], *OTHERWISE, *COMMANDS[-2:]]:
            (one, want), (two, got) = d.command(command), o.command(command)
            pair = verdict(want), verdict(got)
            if pair != OTHERWISE.get(command, (pair[0], pair[0])) or sorted(one) != sorted(two):
                bad.append(f"{command!r}: Dovecot {one!r} {want!r}, ours {two!r} {got!r}")
        capabilities = [{sievewire.string(x): sievewire.string(x.split(b" ", 1)[1]) for x in s if b" " in x} for s in (d_capability, o.greeting[0])]
    tap.ok(not bad, f"{len(COMMANDS)} commands: the same answers", *bad)
    return capabilities


with theirs("dovecot") as d:
    d_capability = d.ok("CAPABILITY")
one, two = dialogue()
missing = set(one[b"SIEVE"].split()) - set(two[b"SIEVE"].split())
tap.ok(not missing, "every Sieve extension of Dovecot's default is there", missing)
tap.ok(set(one) <= set(two) and all(one[k] == two[k] for k in (b"NOTIFY", b"VERSION", b"MAXREDIRECTS")), "and every capability", one, two)

# ---- one home, in turn

STEPS = ['PUTSCRIPT "a" "keep;"', 'SETACTIVE "a"', 'PUTSCRIPT "\u00fc \\"b\\"" "stop;"', 'RENAMESCRIPT "a" "c"', 'SETACTIVE "\u00fc \\"b\\""', 'DELETESCRIPT "c"', 'PUTSCRIPT "d" "discard;"', 'SETACTIVE "d"',
         'DELETESCRIPT "\u00fc \\"b\\""', 'SETACTIVE ""', 'PUTSCRIPT "e" "keep;"', 'SETACTIVE "e"']
bad = []
for turn in range(2):
    for number, step in enumerate(STEPS):
        mine = ours if number % 2 == turn else theirs
        with mine("both") as s:
            s.ok(step)
            seen = s.list(), {n: s.get(n) for n in s.list()}
        with (theirs if mine is ours else ours)("both") as s:
            other = s.list(), {n: s.get(n) for n in s.list()}
        if seen != other:
            bad.append(f"{step} by {mine.__name__}: {seen}, the other {other}")
    with ours("both") as s:
        s.ok('SETACTIVE ""')
        for name in s.list():
            s.ok(b"DELETESCRIPT " + quote(name))
tap.ok(not bad, f"{2 * len(STEPS)} changes by turns: both see the same", *bad[:5])
for mine in theirs, ours:
    with open(base + "/both/.dovecot.sieve", "w") as f:
        f.write("keep; # by hand\n")
    give(UID, GID, base + "/both")
    with mine("both") as s:
        s.ok('SETACTIVE ""')
        tap.ok(s.list() == {"dovecot.orig": False} and s.get("dovecot.orig") == b"keep; # by hand\n", f"a script by hand: {mine.__name__}", s.list())
        s.ok('DELETESCRIPT "dovecot.orig"')
shutil.rmtree(base)
tap.done()
