#!/usr/bin/env python3
"""Junk: what bears a field that filters mark it with goes into the folder for it."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Client, Instance, Tap

tap = Tap()
USERS = "alice@example.test: x\nbob@example.test: x\n"
FIELDS = "# rspamd, SpamAssassin\nX-Spam: Yes\nX-Spam-Flag:YES\n"
i = Instance(users=USERS, junk_fields=FIELDS)
for name in (".Junk", ".Lists"):
    i.folder("alice", name)
c = Client(i)
for name, header, address, folder in (
        ("not marked", "", "alice", ""), ("rspamd's mark", "X-Spam: Yes\r\n", "alice", ".Junk"), ("SpamAssassin's", "x-spam-flag:\tyes \r\n", "alice", ".Junk"),
        ("another value", "X-Spam: No\r\n", "alice", ""), ("a longer value", "X-Spam: Yes, a little\r\n", "alice", ""), ("a longer name", "XX-Spam: Yes\r\n", "alice", ""),
        ("marked twice", "X-Spam: no\r\nX-Spam: yes\r\n", "alice", ".Junk"), ("the next message is not", "", "alice", ""),
        ("the address names a folder", "X-Spam: Yes\r\n", "alice+Lists", ".Lists"), ("who has no such folder", "X-Spam: Yes\r\n", "bob", "")):
    user = address.split("+")[0]
    before = len(i.messages(user, folder))
    replies = c.deliver([address + "@example.test"], f"Subject: x\r\n{header}\r\nX-Spam: Yes\r\n")
    tap.eq((replies, len(i.messages(user, folder)) - before), (["250 2.0.0 delivered"], 1), f"{name}: {folder or 'INBOX'}")
before = len(i.messages("alice", ".Junk"))
i.run("alice@example.test", message=b"X-Spam: Yes\n\nhello\n")
tap.eq(len(i.messages("alice", ".Junk")) - before, 1, "from the command line, too")
c.quit()
i.done()

i = Instance(users=USERS, junk_fields=FIELDS, junk_folder="Bad.Mail")
for name in (".Junk", ".Bad.Mail"):
    i.folder("alice", name)
c = Client(i)
c.deliver(["alice@example.test"], "X-Spam: Yes\r\n\r\nhello\r\n")
tap.eq([len(i.messages("alice", f)) for f in ("", ".Junk", ".Bad.Mail")], [0, 0, 1], "another folder")
c.quit()
i.done()
i = Instance(users=USERS)
i.folder("alice", ".Junk")
c = Client(i)
c.deliver(["alice@example.test"], "X-Spam: Yes\r\n\r\nhello\r\n")
tap.eq([len(i.messages("alice", f)) for f in ("", ".Junk")], [1, 0], "without the setting nothing is junk")
c.quit()
i.done()
for bad in ("X-Spam", ": Yes", "X-Spam:", "X-Spam: "):
    i = Instance(users=USERS, junk_fields=bad + "\n")
    r = i.run("alice@example.test", message=b"Subject: x\n\nhello\n")
    tap.eq(r[0], 100, f"no field: {bad!r}")
    i.done()
tap.done()
