#!/usr/bin/env python3
# dovecot-uidlist damaged in every way that a crash or a person brings about; lock holders killed.
import os
import time
import maildirtest as t

with t.Place() as place:
    s = t.Ours(place)
    for i in range(4):
        s.command(f"deliver INBOX m{i}")
    s.refresh()
    s.close()
    s = t.Ours(place)
    state, validity = s.state(), s.validity()
    s.close()
    path = place.mail + "/dovecot-uidlist"
    whole = open(path).read()
    lines = whole.splitlines(keepends=True)

    def after(text, name, want=None, same_validity=True):
        """Opens the folder with this uidlist: the UIDs that are seen; twice the same."""
        with open(path, "w") as f:
            f.write(text)
        place.own("/mail/dovecot-uidlist")
        a = t.Ours(place)
        got = sorted(a.state())
        t.same(got, want or sorted(state), name)
        t.same(a.validity() == validity, same_validity, "the same UIDVALIDITY" if same_validity else "a new UIDVALIDITY")
        a.close()
        b = t.Ours(place)
        t.same(sorted(b.state()), got, "and again")
        b.close()

    after(whole, "undamaged")
    after(lines[0].replace(lines[0].split(" ")[2], "N1") + "".join(lines[1:]), "N too low")
    after(whole + "5 :17", "a torn line at the end")
    after(whole[:-10], "the last line torn: its message gets the UID anew", [1, 2, 3, 4])
    after(lines[0] + "".join(lines[2:]), "a line is missing: its message gets a new UID", [2, 3, 4, 5])
    after(whole + "7 :no.such.file\n", "a line of a missing file")
    after(whole + lines[1].replace("1 ", "9 ", 1), "two lines of one file: the last counts", [2, 3, 4, 9])
    after(lines[0] + "rubbish\n\0\0\0\n" + "".join(lines[1:]), "rubbish between the lines")
    after("", "empty", [1, 2, 3, 4], False)
    after("rubbish\n", "rubbish", [1, 2, 3, 4], False)
    after(whole, "put back")

    # A holder of the lock is killed; another one lives on for a second.
    lock = place.mail + "/dovecot-uidlist.lock"
    h = t.Ours(place, folder=None)
    h.send("hold die")
    h.proc.wait()
    t.ok(os.path.exists(lock), "a killed process leaves its lock")
    place.put("new/1.x", "x\n")
    start = time.monotonic()
    a = t.Ours(place)
    t.ok(time.monotonic() - start < 30, "nobody waits for it")
    t.same(len(a.state()), 5, "and the new message has its UID")
    h = t.Ours(place, folder=None)
    h.command("hold")
    place.put("new/2.x", "x\n")
    a.send("refresh")
    a.wait_slept(20)
    t.ok(os.path.exists(lock) and len(open(path).read().splitlines()) == 6, "a living holder is waited for")
    h.proc.kill()
    h.proc.wait()
    t.same(a.answer(), ["exists 6"], "until it is gone")
    t.ok(not os.path.exists(lock), "no lock is left")
t.done()
