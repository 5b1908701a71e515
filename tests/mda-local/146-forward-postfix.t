#!/usr/bin/env python3
"""Beside Debian's Postfix: the same aliases and .forward files lead to the same addresses, programs and files; and as root everything of a user runs as
the user. Needs root and Postfix (an instance of its own)."""
import ctypes, os, re, shutil, smtplib, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import postfixserver
from instance import wait_for
from mdalocal import Client, Instance, LIMIT, Peer, Tap, need_root
from ports import free_port

need_root()
if not postfixserver.available:
    print("1..0 # SKIP no postfix")
    sys.exit(0)

# Lists, as an alias and as the .forward of a user of its own; DIR is a directory, CASE the case's own name.
LISTS = ["a@remote.test, b@remote.test", "a@remote.test b@remote.test", "a@remote.test; b@remote.test", "a@remote.test,,b@remote.test,",
         "nobody1 (a comment), b@remote.test", '"A Name" <x@remote.test>', "Some Words <x@remote.test>, y@remote.test", "<x@remote.test>", '"x"@remote.test',
         '"a,b"@remote.test', '"a b"@remote.test', '"x@remote.test"', '"x@remote.test, y"@remote.test', '"x"y@remote.test', "'x y'@remote.test", "a . b@remote.test",
         "x@remote.test (nested (comment), still) , y@remote.test", "group: a@remote.test, b@remote.test;", "<@r.test:x@remote.test>", "a@[192.0.2.1]", "a@remote.test.",
         "(c) <x@remote.test> trailing@remote.test", "a@remote.test, x@remote.test, a@remote.test", "j\\unk@remote.test",
         '"|cat >DIR/out-CASE"', '|"cat >DIR/out-CASE"', '| "cat >DIR/out-CASE"', '"|cat >DIR/out-CASE", x@remote.test', '"|cat >DIR/\\"out-CASE\\" ; echo \\\\ y, z (w)"',
         '"|exit 67"', '"|exit 75"', '"|exit 0", "|exit 69"', "DIR/out-CASE", '"DIR/out-CASE"', "DIR/md-CASE/", '"DIR/md-CASE/"', "/dev/null", "DIR/none/out",
         ":include:DIR/list", '":include:DIR/list"', ':INCLUDE:"DIR/list"', ":include:DIR/nested, x@remote.test"]
# Not compared: a program with blanks and no quotes, \name, files that cannot be read (doc/delivery.md).
libc = ctypes.CDLL(None, use_errno=True)
tap = Tap()
i = Instance(users="".join(f"u{n}@example.test: x:{42000 + n}:{42000 + n}::home/u{n}\n" for n in range(len(LISTS))) + "nobody1@example.test: x:41999:41999::home/nobody1\n",
             domains="example.test:\n")
os.chmod(i.dir, 0o755)
for name in "home", "ours", "theirs":
    os.mkdir(i.path(name))
    os.chmod(i.path(name), 0o777)


def write(path, text, uid=0):
    with open(path, "w") as f:
        f.write(text)
    os.chown(path, uid, uid)
    os.chmod(path, 0o644)


for side in "ours", "theirs":
    write(i.path(side, "list"), "x@remote.test, y@remote.test\n# comment\n\n  z@remote.test\nnobody1\n")
    write(i.path(side, "nested"), f":include:{i.path(side)}/list\n")


def text_of(n, kind, side):
    return LISTS[n].replace("DIR", i.path(side)).replace("CASE", f"{kind}{n}")


passwd = open("/etc/passwd").read()
for n in range(len(LISTS)):
    home = i.path("home", f"u{n}")
    os.mkdir(home)
    os.chown(home, 42000 + n, 42000 + n)
    passwd += f"u{n}:x:{42000 + n}:{42000 + n}::{home}:/bin/sh\n"
write(i.path("passwd"), passwd)
# Postfix knows users by the password file: in a namespace this test has its own.
if libc.unshare(0x20000) or libc.mount(b"none", b"/", None, 4096 << 2 | 1 << 18, None) or libc.mount(i.path("passwd").encode(), b"/etc/passwd", None, 4096, None):
    print(f"1..0 # SKIP no mount namespace here: {os.strerror(ctypes.get_errno())}")
    i.done()
    sys.exit(0)


def set_up(side):
    write(i.path("etc/aliases"), "".join(f"a{n}: {text_of(n, 'a', side)}\n" for n in range(len(LISTS))))
    for n in range(len(LISTS)):
        write(i.path("home", f"u{n}", ".forward"), text_of(n, "u", side) + "\n", 42000 + n)


def files(side, kind, n):
    """Whose files there are, and whether the message is in them."""
    found = []
    for name in sorted(os.listdir(i.path(side))):
        if name in (f"out-{kind}{n}", f"md-{kind}{n}"):
            path = i.path(side, name)
            inner = [os.path.join(path, "new", x) for x in os.listdir(path + "/new")] if os.path.isdir(path) else [path]
            found += [(name, os.stat(p).st_uid, open(p, errors="replace").read().count("Subject: compared")) for p in inner]
    return found


RCPTS = [(kind, n) for n in range(len(LISTS)) for kind in "au"]


def theirs():
    """What Postfix does: {recipient: (where it goes elsewhere, how it ended here, files)}."""
    set_up("theirs")
    write(i.path("pfaliases"), re.sub(r"(?m)^(\w+): ", r"\1 ", open(i.path("etc/aliases")).read()))
    port, end = free_port(), {}
    with postfixserver.Postfix({("127.0.0.1", port): {}}, myhostname="pf.test", myorigin="example.test", mydestination="example.test", alias_maps=f"texthash:{i.path('pfaliases')}",
                               local_recipient_maps="", home_mailbox="Maildir/", notify_classes="", recipient_delimiter="+", initial_destination_concurrency="20",
                               default_transport="discard:", default_privs="nobody") as postfix:
        client = smtplib.SMTP("127.0.0.1", port, timeout=LIMIT)
        for kind, n in RCPTS:
            client.sendmail("s@sender.test", [f"{kind}{n}@example.test"], "Subject: compared\r\n\r\nx\r\n")
        client.quit()
        done = lambda: all(re.search(rf"to=<[^>]*>,(?: orig_to=<{k}{n}@example\.test>,)? relay=(?:local|none), .*|to=<{k}{n}@", postfix.log()) for k, n in RCPTS)  # noqa: E731
        wait_for(done, "every recipient is decided")
        idle = lambda: len(re.findall(r"qmgr\[\d+\]: (\w+): removed", postfix.log())) + len(set(re.findall(r": (\w+): to=.*status=deferred", postfix.log()))) >= len(  # noqa: E731
            set(re.findall(r"qmgr\[\d+\]: (\w+): from=", postfix.log())))
        wait_for(idle, "the queue is empty")
        log = postfix.log()
    for kind, n in RCPTS:
        name = f"{kind}{n}@example.test"
        rows = re.findall(rf" to=<(.*?)>,(?: orig_to=<{name}>,)? relay=(\w+), .*status=(\w+) \((.*)\)\n", "".join(x + "\n" for x in log.split("\n") if f"to=<{name}>" in x))
        elsewhere = {to for to, relay, status, why in rows if relay == "none" and not to.endswith("@example.test")}
        local = {status for to, relay, status, why in rows if relay == "local" and "forwarded as" not in why and "unknown user" not in why and not to.startswith("nobody1@")}
        end[kind, n] = elsewhere, local, files("theirs", kind, n)
    return end


def ours():
    set_up("ours")
    relay, end = Peer(i, "relay"), {}
    c = Client(i, as_root=True)
    for kind, n in RCPTS:
        relay.messages.clear()
        before = len(i.log())
        reply = c.deliver([f"{kind}{n}@example.test"], "Subject: compared\r\n\r\nx\r\n", sender="s@sender.test")[0]
        log = i.log()[before:]
        elsewhere = {r.split("<", 1)[1].rsplit(">", 1)[0] for m in relay.messages for r in m["rcpts"] if not r.endswith("@example.test>")}
        verdicts = [v for folder, v in re.findall(r'event=deliver .*?(?:rules=alias folder=("[^"]*"|\S*) ).*?verdict="(\d)', log)] if kind == "a" else \
            re.findall(r'event=forward-part .*verdict="(\d)', log) + re.findall(r'event=deliver .*rules=forward .*verdict="(\d)[^"]*(?:delivered|rules say)"', log)
        end[kind, n] = elsewhere, {{"2": "sent", "4": "deferred", "5": "bounced"}[v] for v in verdicts or reply[0].replace("2", "")}, files("ours", kind, n)
    c.quit()
    return end


want, got = theirs(), ours()
for kind, n in RCPTS:
    w, g = want[kind, n], got[kind, n]
    # A file that cannot be made is for the administrator to repair: Postfix bounces, we defer.
    if "DIR/none" in LISTS[n]:
        w = w[0], {"deferred"}, w[2]
    tap.eq(g, w, f"{'aliases' if kind == 'a' else '.forward'}: {LISTS[n]}")
tap.ok("worker-died" not in i.log(), "no worker died")
i.done()
tap.done()
