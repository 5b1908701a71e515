#!/usr/bin/env python3
# Two of our sessions and one of Dovecot's work in a folder at the same time.
import maildirtest as t

t.need_dovecot()
rng = t.seed()
with t.Place() as place:
    a, d, b = t.Ours(place), t.Dovecot(place), t.Ours(place)
    sessions = [a, d, b]
    expunged, known = set(), set()
    for n in range(90):
        s = rng.choice(sessions)
        uids = sorted(s.state())
        try:
            what, uid = t.change(s, rng, uids, n)
            if what == "expunge":
                expunged.add(uid)
        except RuntimeError as e:
            # Another session was faster: the message is gone.
            if "No such file" not in str(e) and "Some of the" not in str(e) and "EXPUNGEISSUED" not in str(e):
                raise
        s.refresh()
        # A UID goes only when someone expunged its message.
        lost = known - set(s.state()) - expunged
        if lost:
            t.ok(False, f"{n}: {type(s).__name__} lost {sorted(lost)}")
            expunged |= lost
        known |= set(s.state())
        if n % 15 == 14:
            t.agree(a, b, f"{n}: our two sessions agree")
            t.agree(a, d, f"{n}: and Dovecot's")
    fresh = t.Ours(place)
    t.same(fresh.state(), a.state(), "a new session agrees")
    t.agree(t.Dovecot(place), a, "a new one of Dovecot's, too")
    t.same(place.complaints(), [], "no session has anything to complain of")
t.done()
