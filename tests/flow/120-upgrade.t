#!/usr/bin/env python3
"""Programs and certificates are replaced while clients connect: not one connection is refused, cut or answered otherwise, what is open goes on, and
what stays executes the new programs and shows the new certificate. BUDGET 15 CPU s. UPGRADES: how often (3)."""
import glob, os, re, subprocess, sys

os.environ["POSTERN_UCSPI"] = "own"  # s6-networking's superserver is not ours to renew
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from instance import Instance, tap, wait_for
from killer import processes
from upgrade import *
from wire import Imap, Smtp, Wire

UPGRADES = int(os.environ.get("UPGRADES", "3"))
NAMES = "alice", "bob"


PROGRAM = {"lmtp": "mda-local", "tls": "tls-keeper"}


def waiting():
    """{service: pid} of what waits for connections, and is ours."""
    names = [n for n in os.listdir(one.dir + "/run/service") if "@" in n or n in PROGRAM]
    return {n: int(subprocess.run(["s6-svstat", "-o", "pid", f"{one.dir}/run/service/{n}"], capture_output=True, text=True, check=True).stdout) for n in names}


def program(service):
    return PROGRAM.get(service) or ("smtp-recv" if service.startswith("smtp@") else "tcpserver")


def keepers():
    """The holder, its engines, and a holder from before."""
    return [pid for _, name, pid in processes([one.dir]) if name == "tls-keeper"]


def walker():
    return [pid for _, program, pid in processes([one.dir]) if program == "mda-remote"]


class Open:
    """Connections from before, in every state that there is."""

    def __init__(self):
        self.imap = Imap(one, "alice@" + one.domain, False)
        self.imaps = Imap(one, "alice@" + one.domain, True)
        self.smtp = Smtp(one, "submission", True, "alice@" + one.domain)
        self.plain = {name: Smtp(one, name, False) for name in ("smtp", "submission")}  # that ask for TLS later
        self.sieve = Wire(one.port("managesieve"))
        while not self.sieve.line().startswith(b"OK"):
            pass

    def go_on(self):
        for s in (self.imap, self.imaps):
            s.select("INBOX")
            s.ok("NOOP")
        self.smtp.must("NOOP", 250)
        for s in self.plain.values():
            s.must("STARTTLS", 220)
            s.start_tls()
            s.must("EHLO client.test", 250)
        self.sieve.send(b"STARTTLS\r\n")
        if not self.sieve.line().startswith(b"OK"):
            raise AssertionError("no STARTTLS")
        self.sieve.start_tls()
        while not self.sieve.line().startswith(b"OK"):
            pass


def upgrade(n):
    before, open_before, walked = waiting(), Open(), walker()
    replace_programs(one)
    wait_for(lambda: all(is_new(one, pid, program(service)) for service, pid in before.items()), "new programs")
    tap.ok(waiting() == before, f"upgrade {n}: what waits for connections is the same process", before, waiting())
    wait_for(lambda: walker() and walker() != walked and is_new(one, walker()[0], "mda-remote"), "a new walker")
    tap.run(f"upgrade {n}: connections from before go on, and can still ask for TLS", open_before.go_on)


def new_certificate():
    session = Imap(one, "alice@" + one.domain, True)
    shown = replace_certificate(one, "new.example.test")
    wait_for(lambda: certificate(one) == shown, "the new certificate", 30)
    tap.ok(certificate(one, "submissions") == shown, "the new certificate is shown to new connections")
    session.ok("NOOP")


def arrived():
    return {re.search(r"X-Token: (\S+)", open(p, errors="replace").read())[1] for p in glob.glob(one.maildir("bob@" + one.domain) + "/[cn]*/*")}


print(f"# UPGRADES={UPGRADES}")
with Instance({"login-delay": "0", "plain-passwords": "1", "max-per-address": "100"}) as one:
    add_accounts(one, NAMES)
    load = Load(one, pause=0.1)
    load.start()
    wait_for(lambda: load.failures or len(load.counts) == 5, "a session of each kind")
    for n in range(1, UPGRADES + 1):
        tap.run(f"upgrade {n}", upgrade, n)
        if n == 1:
            tap.run("another certificate", new_certificate)
    had = dict(load.counts)
    wait_for(lambda: load.failures or all(load.counts[k] > had[k] + 1 for k in had), "more sessions of each kind")
    acked = load.stop()
    tap.ok(not load.failures, f"no connection failed: {load.counts}", *load.failures[:10])
    there = arrived()
    tap.ok(acked and set(acked) <= there, f"{len(acked)} messages were acknowledged, all are there", sorted(set(acked) - there)[:5])
    wait_for(lambda: all(is_new(one, pid, "tls-keeper") for pid in keepers()), "the end of the holders from before")
    tap.ok(True, "holders from before end with the last connection that may ask them for TLS")
    stopped = one.stop()
    tap.ok(stopped.returncode == 0 and not processes([one.dir]), "nothing is left", stopped.stderr, processes([one.dir]))
    print(f"# proof: no connection fails while programs and certificates are replaced | {sum(load.counts.values())} | {len(load.failures)}")
tap.done()
