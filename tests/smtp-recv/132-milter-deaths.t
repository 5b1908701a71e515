#!/usr/bin/env python3
"""Filters that die (kill -9) or stand still (SIGSTOP) at each stage, as processes of their own: what their lines say comes to pass, within
their time; what other filters of the message have done stays; and when a dead one is there again it is asked again, in the same session."""
import atexit, concurrent.futures, json, os, re, shutil, signal, sys, tempfile, threading
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from milter import Milter, add
from smtprecv import Instance, Tap


class Dying(Milter):
    """Sends itself a signal at an event."""
    signal = None

    def note(self, event, what):
        if event == self.fatal:
            os.kill(os.getpid(), self.signal)
            threading.Event().wait()  # another thread may take the signal: this one says nothing more
        super().note(event, what)


def nursery(orders, pids):
    """Forked before there are threads: makes a filter for each order, says its number, buries those that are dead."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in orders:
        path, event, number = json.loads(line)
        ready, told = os.pipe()
        child = os.fork()
        if not child:
            m = Dying.__new__(Dying)
            m.fatal, m.signal = event, number
            m.__init__(path, answers={"eom": [add("X-Dying", "alive"), "cont"]})
            os.write(told, b"x")
            signal.pause()
        os.close(told)
        os.read(ready, 1)
        os.close(ready)
        pids.write(f"{child}\n")
        pids.flush()
    signal.pause()  # as long as it lives its group is its own


order_end, answer_end = os.pipe(), os.pipe()
keeper = os.fork()
if not keeper:
    os.close(order_end[1])
    os.close(answer_end[0])
    nursery(os.fdopen(order_end[0]), os.fdopen(answer_end[1], "w"))
os.close(order_end[0])
os.close(answer_end[1])


@atexit.register
def end():
    os.killpg(keeper, signal.SIGKILL)  # all that are left: they are its group
    os.waitpid(keeper, 0)
    shutil.rmtree(top)


orders, pids = os.fdopen(order_end[1], "w"), os.fdopen(answer_end[0])


def filter_process(path, event=None, number=0):
    """The number of a new process that listens at path."""
    if os.path.exists(path):
        os.unlink(path)
    orders.write(json.dumps([path, event, number]) + "\n")
    orders.flush()
    return int(pids.readline())


tap = Tap()
top = tempfile.mkdtemp(prefix="postern-test.")
os.chmod(top, 0o777)
STAGES = ("options", "connect", "helo", "mail", "rcpt", "data", "header", "eoh", "body", "eom")
POLICIES = ("tempfail", "reject", "accept", "quarantine")
MESSAGE = "Subject: x\r\n\r\nhello\r\n"


def instance(lines):
    i = Instance(milters=lines)
    i.spool.ext += ("XFORWARD IDENT LOGIN HOLD",)
    return i


def talk(c, message=MESSAGE):
    """The last reply of a message: the first that refuses it, or that to the dot."""
    for line in ("MAIL FROM:<s@remote.example>", "RCPT TO:<u@example.test>", "DATA"):
        last = c.cmd(line)
        if last is None or last[0] not in "23":
            c.cmd("RSET")
            return last
    c.send(message + ".\r\n")
    return c.reply()


def outcome(i, last):
    """The first digit, and where the message is."""
    held = [l for l in i.spool.lines if " HOLD=" in l]
    return last and last[:3], len(i.lmtp.messages), len(i.spool.messages), len(held)


WANT = {"tempfail": ("451", 0, 0, 0), "reject": ("550", 0, 0, 0), "accept": ("250", 1, 0, 0), "quarantine": ("250", 0, 1, 1)}


def case(n, event, number, policy, seconds):
    """One message past a filter that comes to its end at this event."""
    path = f"{top}/{n}"
    i = instance(f"m unix:{path} timeout={seconds} failure={policy}\n")
    c = i.client()
    c.cmd("EHLO a.example")
    last = talk(c)
    c.send("QUIT\r\n")
    status = c.close()
    log = i.logged()
    i.close()
    return outcome(i, last), status, log


cases = [(event, number, policy) for number in (signal.SIGKILL, signal.SIGSTOP) for event in STAGES for policy in POLICIES
         if number == signal.SIGKILL or policy == "tempfail" or event in ("connect", "body")]
for n, (event, number, policy) in enumerate(cases):
    filter_process(f"{top}/{n}", event, number)
with concurrent.futures.ThreadPoolExecutor(12) as pool:
    futures = [pool.submit(case, n, event, number, policy, 100 if number == signal.SIGKILL else 1) for n, (event, number, policy) in enumerate(cases)]
    for (event, number, policy), future in zip(cases, futures):
        result, status, log = future.result()
        tap.ok(result == WANT[policy] and status == 0 and log.count("event=filter-failed name=m during=") == 1 and ("timed out" in log) == (number == signal.SIGSTOP),
               f"{'killed' if number == signal.SIGKILL else 'stopped'} at {event}, failure={policy}: {WANT[policy][0]}", f"{result} {status}\n{log}")

# ---- between two others ----

for event in STAGES:
    first, last = Milter(answers={"eom": [add("X-First", "1"), "cont"]}), Milter(answers={"eom": [add("X-Last", "3"), "cont"]})
    path = f"{top}/between-{event}"
    filter_process(path, event, signal.SIGKILL)
    i = instance(f"first {first.name} timeout=100\ndying unix:{path} timeout=100 failure=accept\nlast {last.name} timeout=100\n")
    c = i.client()
    c.cmd("EHLO a.example")
    said = talk(c)
    c.close()
    head = [h[0] for h in last.said("header")]
    body = i.lmtp.messages[0]["body"] if i.lmtp.messages else b""
    tap.ok(said.startswith("250") and head == ["Subject", "X-First"] and b"\r\nX-First: 1\r\nX-Last: 3\r\n" in body and b"X-Dying" not in body,
           f"killed at {event} between two others: they go on, the last sees what the first has made", f"{said} {head} {body}\n{i.logged()}")
    i.close()
    first.close()
    last.close()

# ---- dead, and there again ----

path = f"{top}/again"
pid = filter_process(path)
i = instance(f"m unix:{path} timeout=100\n")
c = i.client()
c.cmd("EHLO a.example")
tap.like(talk(c), "^250", "one that lives")
os.kill(pid, signal.SIGKILL)
tap.like(talk(c), "^451 4.7.1 a filter does not answer", "killed between two messages")
tap.like(talk(c), "^451 4.7.1 a filter does not answer", "still dead")
filter_process(path)
tap.like(talk(c), "^250", "there again, in the same session")
c.close()
tap.eq([b"X-Dying: alive" in m["body"] for m in i.lmtp.messages], [True, True], "what got through was filtered")
i.close()

tap.done()
