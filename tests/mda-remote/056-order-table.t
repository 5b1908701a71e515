#!/usr/bin/env python3
"""postern-queue: each order by each selector, with mda-remote at work and without; it takes effect at once on the messages that are meant, and on no other."""
import os, re, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from smtppeer import Peer, Remote

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}
# Each of these means the message "meant" of each row, and not the other one.
SELECTORS = {"id": lambda name: [name], "sender": lambda name: ["-f", f"{name}@home.test"], "sender's domain": lambda name: ["-f", f"@{name}.senders.test"], "login": lambda name: ["-l", f"{name}@home.test"], "recipient": lambda name: ["-t", f"{name}@x.test"],
             "destination": lambda name: ["-d", f"{name}.test"], "age": lambda name: ["-o", "2d"], "sender and age": lambda name: ["-f", f"{name}@home.test", "-o", "1d"]}
PUT_OFF = 40  # of so many in a row no destination rests
ORDERS = ["hold", "release", "delete", "bounce", "retry", "show", "list"]


def queue(r, *words):
    return subprocess.run(["postern-queue", *words], env=r.env, capture_output=True, text=True, timeout=60, cwd="/")


def put(r, names):
    """A message for each (name, selector), which is meant when the selector is given that name: in one session."""
    dialog = "LHLO test\r\n"
    for name, selector in names:
        sender = f"{name}@sub.{name}.senders.test" if selector == "sender's domain" else f"{name}@home.test"
        rcpt = f"u@deep.{name}.test" if selector == "destination" else f"{name}@x.test"
        dialog += f"XFORWARD IDENT={name} LOGIN={name}@home.test\r\nMAIL FROM:<{sender}>\r\nRCPT TO:<{rcpt}>\r\nDATA\r\nSubject: {name}\r\n\r\nx\r\n.\r\n"
    assert r.lmtp(dialog.encode()).count("250 2.0.0 Queued") == len(names)


def older(path, seconds):
    """The message came so much earlier."""
    st = os.stat(path)
    with open(path, "r+") as f:
        text = re.sub(r"\na (\d+)\n", lambda m: f"\na {int(m[1]) - seconds}\n", f.read())
        f.seek(0), f.write(text)
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


def state(path):
    try:
        with open(path) as f:
            held = os.fstat(f.fileno()).st_mode & 0o777 == 0o400
            return "held" if held else "failed" if "\nr f" in f.read() else "waiting"
    except FileNotFoundError:
        return "gone"


def rows():
    return [(o, s, f"m{i}{j}") for i, o in enumerate(ORDERS) for j, s in enumerate(SELECTORS)]


def check(r, running, deferred=None):
    """Gives each order by each selector to a pair of messages: the one that is meant, and another."""
    effect = {"hold": "held", "release": "gone" if running else "waiting", "delete": "gone", "bounce": "gone" if running else "failed", "retry": "gone" if running else "waiting", "show": "waiting", "list": "waiting"}
    everyone = [(n, selector) for order, selector, name in rows() for n in (name, name + "x")]
    for k in range(0, len(everyone), PUT_OFF):
        put(r, everyone[k:k + PUT_OFF])
        if running:
            deferred([n for n, _ in everyone[k:k + PUT_OFF]])
    where = r.files()
    queue(r, "hold", *(n for order, _, name in rows() if order == "release" for n in (name, name + "x")))
    for order, selector, name in rows():
        meant, spared = where[name], where[name + "x"]
        before = "held" if order == "release" else "waiting"
        wait_for(lambda: state(meant) == state(spared) == before, f"both {before}")
        if "age" in selector:
            older(meant, 200000)
        done = queue(r, order, *SELECTORS[selector](name))
        if order == "retry" and not running:
            tap.ok(done.returncode == 111 and "does not run" in done.stderr and state(meant) == "waiting", f"{order} by {selector}: says that nothing runs", done)
        else:
            wait_for(lambda: state(meant) == effect[order], f"{order} by {selector}: {effect[order]}, is {state(meant)}")
            lines = [l for l in done.stdout.splitlines() if l.startswith(order + " ")] if order not in ("show", "list") else re.findall(rf"^({name}\w*) ", done.stdout, re.M)
            tap.ok(done.returncode == 0 and lines == ([f"{order} {name}"] if order not in ("show", "list") else [name]) and state(spared) == before, f"{order} by {selector}{' at once' * running}: {effect[order]}; the other is {before}", done, state(spared))
        if "age" in selector and os.path.exists(meant):
            older(meant, -200000)


with Remote() as r:
    check(r, False)

seen = {}  # deferred at first, taken afterwards


def grey(line):
    who = line.split("<")[1].split(">")[0]
    if who.endswith("home.test") or "senders.test" in who or who.startswith("taken"):
        return None
    seen[who] = seen.get(who, 0) + 1
    return "450 4.2.0 later" if seen[who] == 1 else None


with Peer(script={"RCPT": grey}) as peer, Remote({"smtp-port": peer.port, **SLOW}, routes="*: [127.0.0.1]") as r:
    r.start()

    def deferred(names):
        """Their files, when the next attempt stands in the time of each."""
        wait_for(lambda: set(names) <= set(files := r.files()) and all(os.stat(files[n]).st_mtime > time.time() + 1800 for n in names), "all of them wait")
        taken = f"taken-{names[0]}@x.test"
        r.queue(taken)
        r.wait(f"event=delivered to={taken}")
    check(r, True, deferred)
    told = [m.data for m in peer.messages if "FROM:<>" in m.mail]
    tap.ok(len(told) == len(SELECTORS) and all(b"returned by the administrator" in t for t in told), "bounce: each sender is told once", len(told))
    queue(r, "flush")
    held = {name for order, _, name in rows() if order == "hold"} | {name + "x" for order, _, name in rows() if order == "release"}
    wait_for(lambda: set(r.files()) == held, "all but what is held")
    tap.ok(all(state(path) == "held" for path in r.files().values()), "flush: all at once but what is held")
    queue(r, "release", "-A")
    r.wait_empty()
    tap.ok(True, "release -A: the rest")
tap.done()
