#!/usr/bin/env python3
"""The real mda-local and spool-recv behind, and kill -9 of smtp-recv, mda-local and spool-recv at random
moments: every message that got 250 has a copy for each recipient, in a Maildir or in the spool; there are
no more copies than the cases of doc/acceptance.md allow: one for each try that got no 250."""
import glob, os, random, re, shutil, signal, subprocess, sys, threading, time
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from instance import wait_for
from killer import processes
from smtprecv import BIN, NOBODY, Instance, Tap

MESSAGES, SENDERS = 200, 4
tap = Tap()
if not shutil.which("s6-ipcserver"):
    print("1..0 # SKIP s6-ipcserver is not installed")
    sys.exit(0)
i = Instance(lmtp=False, spool=False)
USERS = ("alice", "bob")
i.write("users", "".join(f"{u}@example.test:{{PLAIN}}x:::{u}:mail/example.test/{u}\n" for u in USERS))
for d in ("mail", "spool", *(f"mail/example.test/{u}/Maildir/{s}" for u in USERS for s in ("cur", "new", "tmp"))):
    os.makedirs(i.path(d), exist_ok=True)
if os.getuid() == 0:
    for d, dirs, files in os.walk(i.dir):
        for n in [d] + [os.path.join(d, f) for f in files]:
            os.chown(n, NOBODY, NOBODY)


def serve(name, program):
    """Several uids are not the matter here: all of it is nobody's."""
    def drop():
        os.setsid()
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
    env = i.environment(PROTO=None, TCPREMOTEIP=None, TCPLOCALIP=None, UID=None, GID=None)
    p = subprocess.Popen(["s6-ipcserver", "-1", "-c", "100", "-C", "100", "--", i.path(f"run/{name}/sock"), os.path.join(BIN, program)],
                         stdout=subprocess.PIPE, stderr=i.log, env=env, preexec_fn=drop)
    p.stdout.readline()
    return p


servers = [serve("lmtp", "mda-local"), serve("spool", "spool-recv")]
clients, tries, begun, lock = {}, {}, [], threading.Lock()
finished = threading.Event()


def children(pid):
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            for child in open(path).read().split():
                found += [int(child)] + children(child)
        except OSError:
            pass
    return found


def killer():
    r = random.Random(1)
    while not finished.is_set():
        time.sleep(r.uniform(0.001, 0.02))  # the traffic goes on meanwhile
        if len(kills) >= len(begun) / 2:
            continue  # at most one kill for two tries, however slow the machine
        with lock:
            victims = [c.process.pid for c in clients.values()] + [p for s in servers for p in children(s.pid)]
            if victims:
                try:
                    os.kill(r.choice(victims), signal.SIGKILL)
                    kills.append(1)
                except OSError:
                    pass


def attempt(me, n):
    """One try of one message; 1 if it got 250."""
    c = None
    begun.append(n)
    try:
        with lock:
            c = clients[me] = i.client(RELAYCLIENT="")
        c.cmd("EHLO a.example")
        if not (c.cmd(f"MAIL FROM:<>") or "").startswith("250"):
            return 0
        for rcpt in ("alice@example.test", "bob@example.test", "far@far.example"):
            if not (c.cmd(f"RCPT TO:<{rcpt}>") or "").startswith("250"):
                return 0
        if not (c.cmd("DATA") or "").startswith("354"):
            return 0
        c.send(f"Subject: n{n:04}\r\n\r\n" + "x" * 900 + "\r\n.\r\n")
        return (c.reply() or "").startswith("250")
    except OSError:
        return 0
    finally:
        with lock:
            clients.pop(me, None)
            if c:
                c.file.close()
                c.socket.close()
        if c:
            c.process.wait(120)


def sender(me):
    for n in range(me, MESSAGES, SENDERS):
        for k in range(60):
            tries[n] = k + 1
            if attempt(me, n):
                break
        else:
            tries[n] = None


kills = []
workers = [threading.Thread(target=sender, args=(k,)) for k in range(SENDERS)]
killing = threading.Thread(target=killer)
for t in workers + [killing]:
    t.start()
for t in workers:
    t.join()
finished.set()
killing.join()
for s in servers:
    s.terminate()
    s.wait(120)


def quiet():
    """mda-locals that still finish have no parent that we know: who bears our directory tells and, where that may not be read, their files."""
    wait_for(lambda: not processes([i.dir]), "the end of all of them")
    count = -1
    while count != (count := len(glob.glob(i.path("mail/example.test/*/Maildir/*/*")))):
        time.sleep(0.3)


quiet()
copies = {}
for path in glob.glob(i.path("mail/example.test/*/Maildir/new/*")):
    n = re.search(r"Subject: n(\d+)\n\nx{900}\n$", open(path).read())
    if not n:
        copies.setdefault("torn", []).append(path)
        continue
    copies.setdefault((int(n[1]), path.split("/")[-4]), []).append(path)
for path, _, names in os.walk(i.path("spool")):
    for name in names:
        if not os.path.isfile(os.path.join(path, name)):
            continue  # the walker's fifo
        text = open(os.path.join(path, name), errors="replace").read()
        n = re.search(r"Subject: n(\d+)\n\nx{900}\n", text)
        if n and name[0] != ".":
            for user in ("alice", "bob", "far"):
                if re.search(rf"{user}@", text[:n.start()].split("Received:")[0]):
                    copies.setdefault((int(n[1]), user), []).append("spool")
tap.ok(kills, f"{len(kills)} kills, {sum(t or 60 for t in tries.values())} tries for {MESSAGES} messages")
tap.ok(None not in tries.values(), "every message got through", [n for n, t in tries.items() if t is None])
lost = [(n, u) for n in tries for u in ("alice", "bob", "far") if not copies.get((n, u))]
tap.ok(not lost, "none that got 250 is missing", lost)
# A try may leave one copy; a recipient that mda-local delivered and could not tell has a second one in the spool.
many = [(k, len(v), tries[k[0]]) for k, v in copies.items() if k != "torn" and len(v) > 2 * tries[k[0]]]
tap.ok(not many, "no more copies than tries allow", many)
calm = [(k, v) for k, v in copies.items() if k != "torn" and tries[k[0]] == 1 and len([p for p in v if p != "spool"]) > 1]
tap.ok(not calm, "one try leaves no two copies in a Maildir", calm)
tap.ok("torn" not in copies, "no copy is torn", copies.get("torn"))
doubled = sum(len(v) > 1 for k, v in copies.items())
tap.ok(True, f"copies that are there more than once: {doubled}")
if tap.failed:
    print("# " + i.logged()[-3000:].replace("\n", "\n# "))
i.close()
tap.done()
