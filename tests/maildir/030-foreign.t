#!/usr/bin/env python3
# Other programs work in the folder while a session is open: mutt, mv, another MDA, a restored file.
import os
import shutil
import subprocess
import maildirtest as t

with t.Place() as place:
    s = t.Ours(place)
    for i in range(3):
        s.command(f"deliver INBOX m{i}")
    t.same(s.refresh(), ["exists 3"], "deliveries are seen")

    place.put("new/1234.foreign.host", "Subject: foreign\n\nx\n")
    t.same(s.refresh(), ["exists 4"], "another MDA's, too")
    t.same(sorted(s.state()), [1, 2, 3, 4], "UIDs")

    first = [f for f in place.files() if f.startswith("1") and "foreign" not in f][0]
    os.rename(f"{place.mail}/cur/{first}", f"{place.mail}/cur/{first}RS")
    t.same(s.refresh(), ["flags 1 RS - " + str(s.state()[1][2])], "mv changes flags")
    t.ok("m0" in s.command("read 1")[0], "the message is found under its new name")

    if not shutil.which("mutt"):
        print("# mutt is not installed")
    else:
        # Flag the second message, delete the third.
        rc = place.dir + "/muttrc"
        with open(rc, "w") as f:
            f.write("set mbox_type=Maildir delete=yes quit=yes confirmappend=no sort=date-received maildir_trash=no\n"
                    "push '2<enter><flag-message>3<enter><delete-message><sync-mailbox><exit>'\n")
        argv = ["script", "-qfc", f"mutt -n -F {rc} -f {place.mail}", "/dev/null"]
        env = {**os.environ, "HOME": place.dir, "TERM": "xterm"}
        subprocess.run(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, timeout=120)
        place.own()
        before = s.state()
        told = s.refresh()
        after = s.state()
        gone = sorted(set(before) - set(after))
        t.same(len(gone), 1, "what mutt deleted is told as expunged")
        t.ok(f"expunged {gone[0] if gone else 0}" in told, "by its UID")
        t.ok(any("F" in v[0] for v in after.values()), "the flag that mutt set is seen")
        t.same({u for u in after}, set(before) - set(gone), "all others keep their UIDs")

    # Taken away and put back: the same UID as long as nobody was told.
    uids = sorted(s.state())
    name = place.files()[0]
    os.rename(f"{place.mail}/cur/{name}", f"{place.dir}/{name}")
    s.command("refresh noexpunge")
    os.rename(f"{place.dir}/{name}", f"{place.mail}/cur/{name}")
    t.same(s.refresh(), [], "back before its absence was told: nothing to tell")
    t.same(sorted(s.state()), uids, "the same UIDs")
    os.rename(f"{place.mail}/cur/{name}", f"{place.dir}/{name}")
    t.ok(s.refresh()[0].startswith("expunged"), "its absence is told")
    os.rename(f"{place.dir}/{name}", f"{place.mail}/cur/{name}")
    t.ok("exists" in s.refresh()[0] and max(s.state()) > max(uids), "back afterwards: a new UID")

    # Everything at once: a full copy of the Maildir keeps UIDs and UIDVALIDITY.
    shutil.copytree(place.mail, place.dir + "/copy")
    os.rename(place.mail, place.dir + "/old")
    os.rename(place.dir + "/copy", place.mail)
    place.own()
    copy = t.Ours(place)
    t.same((copy.state(), copy.validity()), (s.state(), s.validity()), "a copied Maildir is the same")
    t.same(place.complaints(), [], "no session has anything to complain of")
t.done()
