#!/usr/bin/env python3
"""Tables of smtp-recv in directories and in cdbs of others: domains, relay-domains, relay-recipients, senders, behind the sandbox. What does not
answer is 451."""
import base64, os, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from directory import Directory, end, netstring
from smtprecv import Instance, Lmtp, Tap

tap = Tap()
i = Instance()
other = Lmtp(i.path("run/other/sock"))
maps = {"domains": {"dir.test": "", "aliased.test": "alias:dir.test", "xn--bcher-kva.test": "alias:other.test", "other.test": "lmtp:run/other/sock", "broken.test": netstring(b"TEMP x"), "gone.test": end},
        "relay": {"relay.test": "", "list.test": "list", "perm.test": netstring(b"PERM x")}, "recipients": {"ann@list.test": "", "\u00e4nn@list.test": "", "temp@list.test": netstring(b"TEMP x")}}
os.makedirs(i.path("run/dir"))
d = Directory(maps, i.path("run/dir/sock"))
where = "socketmap:unix:run/dir/sock:"
i.write("lookup", f"domains: file {where}domains\nrelay-domains: {where}relay\nrelay-recipients: {where}recipients file\n")
i.write("relay-recipients", "filed@list.test:\n")


def rcpt(c, address, wanted):
    c.cmd("RSET")
    c.cmd("MAIL FROM:<s@b.example> SMTPUTF8")
    tap.like(c.cmd(f"RCPT TO:<{address}>"), "^" + wanted, f"<{address}>: {wanted}")


ROWS = [("a@example.test", "250"), ("a@dir.test", "250"), ("a@DIR.test", "250"), ("a@aliased.test", "250"), ("a@b\u00fccher.test", "250"), ("a@other.test", "250"),
        ("a@unknown.test", "550"), ("a@broken.test", "451 4.3.0 a directory does not answer, try later"), ("a@gone.test", "451"), ("a@relay.test", "250"), ("ann@list.test", "250"), ("ANN+x@list.test", "250"),
        ("\u00c4NN@list.test", "250"), ("filed@list.test", "250"), ("nobody@list.test", "550"), ("temp@list.test", "451"), ("a@perm.test", "451")]
c = i.client()
c.cmd("EHLO a.example")
for row in ROWS:
    rcpt(c, *row)
tap.ok(d.connections < 12, "connections are kept", d.connections)
d.drop()
rcpt(c, "a@dir.test", "250")
# A change within the session: in place it is heard, a file of another inode the sandbox hides.
i.write("lookup", "domains: file\nrelay-domains: file\n")
rcpt(c, "a@dir.test", "550")
os.rename(i.path("etc/lookup"), i.path("etc/lookup.old"))
i.write("lookup", f"domains: file {where}domains\n")
os.chmod(i.path("etc/lookup"), 0o644)
said = c.cmd("RSET") and c.cmd("MAIL FROM:<s@b.example>") and c.cmd("RCPT TO:<a@dir.test>")
tap.ok(said is None or said[:3] in ("451", "421", "250"), "a lookup that was replaced: 451 where Landlock hides it", said)
c.close()
d.close()
c = i.client()
c.cmd("EHLO a.example")
rcpt(c, "a@dir.test", "451")
rcpt(c, "a@example.test", "250")
c.close()
tap.like(i.logged(), r"event=lookup source=socketmap:unix:run/dir/sock:domains why=x\n", "the log has the directory's words")

# Cdbs of others, one of them outside of etc/.
for name, text in (("domains", "cdb.test:\n"), ("relay-domains", "relay.cdb.test:\n")):
    i.write(name, text)
    subprocess.run(["postern-tables", name], env=i.environment(), check=True)
    os.rename(i.path(f"etc/{name}.cdb"), i.path(f"run/{name}.cdb"))
i.write("domains", "example.test:\n")
i.write("relay-domains", "")
i.write("lookup", "domains: file cdb:run/domains.cdb\nrelay-domains: cdb:" + i.path("run/relay-domains.cdb") + "\n")
c = i.client()
c.cmd("EHLO a.example")
for row in [("a@example.test", "250"), ("a@cdb.test", "250"), ("a@relay.cdb.test", "250"), ("a@unknown.test", "550")]:
    rcpt(c, *row)
c.close()

# Senders of submission.
i.write("senders", "")
maps["senders"] = {"alice@example.test": "boss@example.test", "bob@example.test": netstring(b"TEMP x")}
os.unlink(d.path)
d = Directory(maps, d.path)
i.write("lookup", f"senders: {where}senders\n")
checker = i.path("checker")
with open(checker, "w") as f:
    f.write("#!/bin/sh\nexit 0\n")
os.chmod(checker, 0o755)
os.chmod(i.dir, 0o755)
for login, sender, wanted in [("alice@example.test", "alice@example.test", "250"), ("alice@example.test", "boss@example.test", "250"), ("alice@example.test", "other@example.test", "5"),
                              ("bob@example.test", "boss@example.test", "4"), ("carol@example.test", "boss@example.test", "5")]:
    c = i.client("-s", checker, "true", TCPREMOTEIP="127.0.0.1")
    c.cmd("EHLO a.example")
    tap.like(c.cmd("AUTH PLAIN " + base64.b64encode(f"\0{login}\0x".encode()).decode()), "^235", f"{login} has logged in")
    tap.like(c.cmd(f"MAIL FROM:<{sender}>"), "^" + wanted, f"{login} as <{sender}>: {wanted}")
    c.close()
d.close()
other.close()
i.close()
tap.done()
