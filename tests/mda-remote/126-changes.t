#!/usr/bin/env python3
"""What changes while mda-remote runs: settings that are links, another etc/, files that settings name, and settings that cannot be read."""
import os, shutil, signal, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Nsd
from instance import tap, wait_for
from smtppeer import Peer, Remote, certificate

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}
ZONE = """
@ MX 10 mx
mx A 127.0.0.11
_mta-sts TXT "v=STSv1; id=1"
mta-sts A 127.0.0.1
"""
ANCHOR = "signed.test. IN DS 20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d\n"


class Settings(Remote):
    def write(self, path, text):
        """As an editor does that keeps the file."""
        with open(f"{self.dir}/{path}", "w") as f:
            f.write(text)
        os.chmod(f"{self.dir}/{path}", 0o644)

    def reread(self):
        return len(self.log("event=settings", "state=read"))

    def changes(self, what, do):
        n = self.reread()
        do()
        tap.ok(wait_for(lambda: self.reread() > n, what), f"noticed: {what}")


with Settings(SLOW) as r, Nsd({"p.test": ZONE}) as nsd, Peer("127.0.0.11") as peer:
    ca, _ = certificate(r.dir, "ca")
    r.write("anchor", ANCHOR)
    for name, value in {"smtp-port": peer.port, "mta-sts-port": peer.port, "resolver": f"127.0.0.1@{nsd.port}", "resolver-anchor": f"{r.dir}/anchor", "tls-ca": ca,
                        "postmaster": "first@p.test"}.items():
        r.set(name, value)
    r.start()
    r.queue("a@p.test")
    r.wait("event=delivered", "to=a@p.test ")

    # Files that the children have read for good. (One look finds all of these changes.)
    resolver, fetcher = r.children("mda-remote-dns"), r.children("mda-remote-sts")
    r.write("made", "5\n")
    r.changes("a symbolic link", lambda: os.symlink("../made", f"{r.dir}/etc/remote-connections"))
    r.changes("a hard link", lambda: os.link(f"{r.dir}/made", f"{r.dir}/etc/remote-messages-per-sender"))

    def others():
        r.write("anchor", ANCHOR + "; another\n")
        shutil.copy(ca, f"{ca}.new")
        os.rename(f"{ca}.new", ca)
        r.write("made", "6\n")
    r.changes("the file of a link", others)
    tap.ok(wait_for(lambda: r.children("mda-remote-dns") not in ([], resolver), "another resolver"), "the file of resolver-anchor is another: so is mda-remote-dns")
    tap.ok(wait_for(lambda: r.children("mda-remote-sts") != fetcher, "the end of the one that fetches"), "the file of tls-ca is another: mda-remote-sts ends", fetcher)
    tap.ok(len(fetcher) == 1, "there was one", fetcher)

    # Another etc/, by name and by link, and what changes in it.
    def another():
        shutil.copytree(f"{r.dir}/etc", f"{r.dir}/etc.new", symlinks=True)
        os.rename(f"{r.dir}/etc", f"{r.dir}/etc.old")
        os.rename(f"{r.dir}/etc.new", f"{r.dir}/etc")
    r.changes("another etc/", another)
    r.changes("a setting in it", lambda: r.set("remote-messages-active", 100))

    os.rename(f"{r.dir}/etc", f"{r.dir}/etc.1")
    os.symlink("etc.1", f"{r.dir}/etc")
    r.changes("a setting in what a link leads to now", lambda: r.set("remote-messages-active", 98))
    shutil.copytree(f"{r.dir}/etc.1", f"{r.dir}/etc.2", symlinks=True)

    def elsewhere():
        os.symlink("etc.2", f"{r.dir}/link")
        os.rename(f"{r.dir}/link", f"{r.dir}/etc")
    r.changes("the link leads elsewhere", elsewhere)
    r.changes("a setting there", lambda: r.set("remote-messages-active", 99))

    # None at all: what was read stays.
    n = r.reread()
    os.rename(f"{r.dir}/etc", f"{r.dir}/etc.away")
    r.queue("b@p.test")
    tap.ok("status=4.3.5" in r.wait("event=deferred", "to=b@p.test ")[0], "no etc/ for a moment: mail waits", r.log("to=b@p.test "))
    os.rename(f"{r.dir}/etc.away", f"{r.dir}/etc")
    os.kill(r.process.pid, signal.SIGALRM)
    r.wait("event=delivered", "to=b@p.test ")
    tap.ok(r.reread() in (n, n + 1) and r.children("mda-remote-dns") != [], "... and goes by the settings of before", r.lines[-5:])

    # What cannot be read leaves what was read before, and the walker walks.
    for name in "resolver", "resolver-anchor", "postmaster", "remote-connections", "tls-ca":
        path = f"{r.dir}/etc/{name}"
        shutil.copy(path, f"{r.dir}/kept")
        bad = len(r.log("event=settings", "state=\"bad"))
        os.symlink(name, f"{r.dir}/loop")  # not even by root
        os.rename(f"{r.dir}/loop", path)
        wait_for(lambda: len(r.log("event=settings", "state=\"bad")) > bad, f"that {name} is bad") if name != "me" else 0
        to = f"{name}@p.test"
        r.queue(to)
        how = "deferred" if name == "tls-ca" else "delivered"  # smtp-send reads it
        r.wait(f"event={how}", f"to={to} ")
        tap.ok(r.process.poll() is None, f"{name} cannot be read: the walker goes on, mail is {how}")
        if name == "postmaster":
            peer.script = {"RCPT": lambda l: "550 5.1.1 no" if "nobody" in l else None}
            r.queue("nobody@p.test", sender="")
            r.wait("event=delivered", "to=first@p.test ")
            tap.ok(True, "... and the postmaster of before is told")
        r.changes(f"{name} is as before", lambda: os.rename(f"{r.dir}/kept", path))
        os.kill(r.process.pid, signal.SIGALRM)
        r.wait("event=delivered", f"to={to} ")
    tap.ok(r.stop() == 0, "it ends as it should")
tap.done()
