#!/usr/bin/env python3
"""sieve-check and sieve-test: options, exit codes, output; the code that is kept beside a script."""
import os, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap

work = tempfile.TemporaryDirectory()
os.chdir(work.name)
os.mkdir("etc")
env = dict(os.environ, POSTERN_DIR=work.name, TZ="UTC")


def write(name, text):
    with open(name, "w", encoding="utf-8") as f:
        f.write(text)
    return name


def run(*args, stdin=""):
    p = subprocess.run(args, input=stdin, capture_output=True, text=True, env=env)
    return p.returncode, p.stdout, p.stderr


def is_(got, want, name):
    tap.ok(got == want, name, f"got {got!r}\nwant {want!r}")


good = write("good.sieve", 'require ["fileinto", "mailbox"];\nif mailboxexists "x" { fileinto "x"; } else { fileinto :create "y"; }\n')
bad = write("bad.sieve", "keep;\nfoo;\n\nbar \"x\";\n")
mail = write("mail", "From: Alice <alice@example.org>\nTo: bob@example.test\nSubject: hello\n\nbody\n")

is_(run("sieve-check", good), (0, "", ""), "a good script")
is_(run("sieve-check", good, bad)[:2], (100, 'bad.sieve:2: unknown command "foo"\nbad.sieve:4: unknown command "bar"\n'), "errors, each with its line")
is_(run("sieve-check", "-", stdin="foo;")[:2], (100, '-:1: unknown command "foo"\n'), "standard input")
is_(run("sieve-check", "none")[0], 100, "a script that is not there")
is_(run("sieve-check")[0], 100, "usage")
is_(run("sieve-check", "-x", "copy", good)[:2], (100, 'good.sieve:1: capability "fileinto" is not allowed here\ngood.sieve:1: capability "mailbox" is not allowed here\n'), "-x")
write("etc/sieve-extensions", "-fileinto\n")
is_(run("sieve-check", good)[0], 100, "the setting sieve-extensions")
os.unlink("etc/sieve-extensions")
write("etc/sieve-max-script-size", "10\n")
is_(run("sieve-check", good)[1], "good.sieve:1: script too large: the limit is 10 octets\n", "the setting sieve-max-script-size")
is_(run("sieve-check", "-", stdin="keep; # more than ten")[1], "-:1: script too large: the limit is 10 octets\n", "the same of standard input")
os.unlink("etc/sieve-max-script-size")

is_(os.path.exists("good.sieve.code"), False, "without -s nothing is kept")
is_(run("sieve-check", "-s", good)[0], 0, "-s")
is_(os.stat("good.sieve.code").st_mode & 0o777, os.stat(good).st_mode & 0o777, "keeps the code, with the script's mode")
is_(run("sieve-test", good, mail), (0, 'fileinto "y" create\n', ""), "which is run")
code = open("good.sieve.code", "rb").read()
with open("good.sieve.code", "wb") as f:
    f.write(code[:200])
is_(run("sieve-test", good, mail), (0, 'fileinto "y" create\n', ""), "torn code is not")
with open("good.sieve.code", "wb") as f:
    f.write(code)
write(good, "discard; #" + "x" * 100)
is_(run("sieve-test", good, mail), (0, "discard\n", ""), "nor code of another script")
write(good, 'require ["fileinto", "mailbox"];\nif mailboxexists "x" { fileinto "x"; } else { fileinto :create "y"; }\n')
run("sieve-check", "-s", good)
is_(run("sieve-check", "-x", "copy", good)[0], 100, "nor code that was made with other limits")

is_(run("sieve-test", "-F", "z", "-F", "x", good, mail)[1], 'fileinto "x"\n', "-F")
is_(run("sieve-test", "-e", good, mail)[1], 'fileinto "x"\n', "-e")
is_(run("sieve-test", bad, mail), (100, "", 'bad.sieve:2: unknown command "foo"\nbad.sieve:4: unknown command "bar"\nsieve-test: fatal: bad.sieve does not compile\n'),
    "a script with errors")
keep = write("keep.sieve", "keep;")
is_(run("sieve-test", "-m", "Inbox", keep, mail)[1], 'keep folder="Inbox"\n', "-m")
is_(run("sieve-test", keep, "-", stdin="a: b\n\n")[1], "keep\n", "a message from standard input")
is_(run("sieve-test", keep, "none")[0], 100, "a message that is not there")
envelope = write("envelope.sieve", """require ["envelope", "variables", "fileinto", "subaddress", "copy"];
if envelope :matches "from" "*" { set "from" "${1}"; }
if envelope :matches "to" "*" { set "to" "${1}"; }
if envelope :matches :detail "to" "*" { set "detail" "${1}"; }
fileinto :copy "${from} ${to} ${detail}";
""")
is_(run("sieve-test", envelope, mail)[1], 'fileinto "alice@example.org bob@example.test "\nkeep implicit\n', "the envelope is of the header")
is_(run("sieve-test", "-f", "", "-a", "a-b@x.test", "-d", "+-", envelope, mail)[1], 'fileinto " a-b@x.test b"\nkeep implicit\n', "-f, -a, -d")
discard = write("discard.sieve", "discard;")
is_(run("sieve-test", "-s", keep, "-s", discard, envelope, mail)[1], "discard\n", "-s: scripts before it")
os.mkdir("personal")
os.mkdir("global")
write("personal/a.sieve", 'require "include"; include :global "b";')
write("global/b.sieve", "stop_it;")
include = write("include.sieve", 'require "include";\ninclude "a";')
is_(run("sieve-test", include, mail), (1, 'error "include.sieve" 2 "included script \\"a\\": there is none"\nkeep implicit\n', ""), "included scripts that are not there")
is_(run("sieve-test", "-i", "personal", "-g", "global", include, mail)[:2],
    (1, 'error "personal/a.sieve" 1 "included script \\"b\\": unknown command \\"stop_it\\""\nkeep implicit\n'), "-i, -g")
write("global/b.sieve", "discard;")
is_(run("sieve-test", "-i", "personal", "-g", "global", include, mail)[:2], (0, "discard\n"), "include")
now = write("now.sieve", 'require ["date", "variables", "fileinto"];\nif currentdate :matches "iso8601" "*" { fileinto "${1}"; }')
is_(run("sieve-test", "-n", "2026-11-22T15:04:05Z", now, mail)[1], 'fileinto "2026-11-22T15:04:05+00:00"\n', "-n")
is_(run("sieve-test", "-n", "today", now, mail)[0], 100, "no time")
is_(run("sieve-test", "-t", now, mail)[2], "now.sieve:2: test currentdate: true\nnow.sieve:2: fileinto\n", "-t")
edit = write("edit.sieve", 'require "editheader"; addheader "X" "y"; deleteheader "Subject";')
is_(run("sieve-test", "-w", edit, mail)[1], "keep edited implicit\n\nX: y\nFrom: Alice <alice@example.org>\nTo: bob@example.test\n\nbody\n", "-w")
is_(run("sieve-test", "-w", keep, mail)[1], "keep\n\n" + open(mail).read(), "-w of a message as it came")
write("etc/sieve-max-redirects", "0\n")
is_(run("sieve-test", write("r.sieve", 'redirect "a@b.test";'), mail)[1], 'error "r.sieve" 1 "too many redirects: the limit is 0"\nkeep implicit\n', "the setting sieve-max-redirects")
write("etc/sieve-max-actions", "1\n")
is_(run("sieve-test", write("r.sieve", 'require "fileinto"; fileinto "a"; fileinto "b";'), mail)[1], 'error "r.sieve" 1 "too many actions: the limit is 1"\nkeep implicit\n', "sieve-max-actions")
write("etc/sieve-max-steps", "1000\n")
is_(run("sieve-test", write("r.sieve", "if true { } " * 600), mail)[1], 'error "r.sieve" 1 "too many steps: the limit is 1000"\nkeep implicit\n', "sieve-max-steps")
tap.done()
