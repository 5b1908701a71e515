#!/usr/bin/env python3
"""Behind Debian's Postfix, as its LMTP delivery. Needs root and Postfix; an instance of its own."""
import os, re, shutil, smtplib, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import postfixserver
from instance import wait_for
from mdalocal import Instance, LIMIT, PROGRAM, Tap, need_root
from ports import free_port

need_root()
if not postfixserver.available or not shutil.which("s6-ipcserver"):
    print("1..0 # SKIP no postfix or no s6-ipcserver")
    sys.exit(0)
tap = Tap()
i = Instance(users="alice@example.test: x\nbob@example.test: x::::::userdb_quota_rule=*:bytes=100\n")
os.chmod(i.dir, 0o755)
lmtp = i.start(["s6-ipcserver", "-a", "0666", i.path("sock"), PROGRAM])
wait_for(lambda: os.path.exists(i.path("sock")), "its socket")
port = free_port()
with postfixserver.Postfix({("127.0.0.1", port): {}}, myhostname="pf.test", virtual_mailbox_domains="example.test", virtual_mailbox_maps="", virtual_transport=f"lmtp:unix:{i.path('sock')}",
                           default_transport="smtp:", lmtp_send_xforward_command="yes") as postfix:
    client = smtplib.SMTP("127.0.0.1", port, timeout=LIMIT)
    client.sendmail("s@remote.test", ["alice@example.test", "bob@example.test", "no@example.test"],
                    "Subject: through Postfix\r\n\r\n.dot\r\n" + "x" * 200 + "\r\n")
    client.quit()
    wait_for(lambda: all(f"to=<{u}@example.test>" in postfix.log() for u in ("alice", "bob", "no")), "three recipients are decided")
    log = postfix.log()
    tap.like(log, r"to=<alice@example\.test>.*?dsn=2\.0\.0, status=sent \(250 2\.0\.0 delivered\)", "alice: sent")
    tap.like(log, r"to=<no@example\.test>.*?dsn=5\.1\.1, status=bounced", "no such user: bounced")
    tap.like(log, r"to=<bob@example\.test>.*?dsn=4\.2\.2, status=deferred", "mailbox full: deferred")
    tap.like(i.messages("alice")[0], "^Return-Path: <s@remote.test>\nDelivered-To: alice@example.test\nReceived: .*\n\n\\.dot\nx{200}\n$", "the copy")
    ident = re.search(r"(\w+): to=<alice", log)[1]
    tap.ok(f"id={ident} event=deliver" in i.log(), "Postfix's queue id stands in our log: XFORWARD IDENT")
lmtp.terminate()
lmtp.wait()
i.done()
tap.done()
