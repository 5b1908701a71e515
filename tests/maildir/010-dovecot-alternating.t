#!/usr/bin/env python3
# Dovecot opens the Maildir after us and we after it, over and over: UIDVALIDITY, UIDs, flags, keywords and sizes agree.
import maildirtest as t

t.need_dovecot()
rng = t.seed()
with t.Place() as place:
    n = 0
    state, validity, highest = {}, None, 0
    for turn in range(12):
        kind = t.Dovecot if turn % 2 else t.Ours
        s = kind(place)
        if turn:
            t.same(s.state(), state, f"turn {turn}: {kind.__name__} sees what the other left")
            t.same(s.validity(), validity, "same UIDVALIDITY")
        before = set(s.state())
        for _ in range(8):
            n += 1
            t.change(s, rng, sorted(s.state()), n)
            s.refresh()
        state, validity = s.state(), s.validity()
        fresh = set(state) - before
        t.ok(all(uid > highest for uid in fresh), "new messages have new UIDs")
        highest = max([highest, *state])
        s.close()
    t.same(place.complaints(), [], "no session has anything to complain of")
t.done()
