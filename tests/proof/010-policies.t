#!/usr/bin/env python3
"""An attacker in the place of each confined process's parser: what it must not be able to do fails, what the process is there for
works; as root starts it, with a user for each part, and all under one user; with older kernels' Landlock, and without a layer.
BUDGET 10 CPU s. PROOF=1: every process under every kernel; else a seeded sample (SEED)."""
import os, random, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import rig
from instance import tap
from policies import DESCRIPTORS, NOTHING, PROCESSES, UIDS
from world import World

LONG, SEED = bool(os.environ.get("PROOF")), int(os.environ.get("SEED", "1"))
NEWEST = 6  # what is new in later versions of Landlock makes no difference here
KERNELS = [(v, True) for v in (5, 3, 2, 1, 0)] + [(NEWEST, False), (2, False)]  # version of Landlock, whether there is seccomp
SAMPLE = 6
EFBIG, EBADF = 27, 9  # a limit was first; nothing to be tried with
points, failed = {}, {}


def count(process, tried, wrong):
    """For the table: before login there are strangers, behind it users."""
    promise = "7. an account's processes touch one user's mail" if process.who == "alice" else "6. what strangers talk to has no privilege"
    points[promise] = points.get(promise, 0) + tried
    failed[promise] = failed.get(promise, 0) + wrong


def attack(world, p, landlock=NEWEST, seccomp=True):
    world.restore()
    words = ["told"] + ([f"landlock={landlock}"] if landlock < NEWEST else []) + ([] if seccomp else ["no-seccomp"])
    with rig.Attack(world, p.program, p.at, p.who, p.into, ",".join(words)) as a:
        return p.start(a) or a.report()


def judge(p, r, alone, landlock=NEWEST, seccomp=True):
    """What worked and must not have, and what did not and must."""
    may = {a for a in alone & set(r.attempts) if p.may(a, landlock, seccomp)}
    holes = {a for a in r.worked() - may - p.beyond if not p.may_be(a, landlock, seccomp)}
    lost = {a for a in may - r.worked() if not p.may_be(a, landlock, seccomp) and r.attempts[a] not in (EFBIG, EBADF)}
    return sorted(holes), sorted(lost)


def whole(world, p, alone):
    r = attack(world, p)
    holes, lost = judge(p, r, alone)
    count(p, len(r.attempts), len(holes) + (not r.ended))
    tap.ok(r.ended and not holes, f"{p.name}: {len(r.attempts) - len(r.worked())} attempts fail", f"worked: {holes}", "" if r.ended else r.text)
    tap.ok(r.ended and not lost, f"{p.name}: {len(r.worked())} things work that are its own, or harm nobody", f"fail: {[(a, r.attempts[a]) for a in lost]}")
    if r.status:
        tap.ok("etc/users" not in r.fds, f"{p.name}: what its launcher left open is closed", r.fds)
    if not r.status or not p.confined:
        return
    u = world.user[p.who]
    ids = set(r.status["Uid"].split()) == {str(u.uid)} and set(r.status["Gid"].split()) == {str(u.gid)}
    groups = set(map(int, r.status["Groups"].split())) <= set(u.groups)
    tap.ok(ids and groups and int(r.status["CapEff"], 16) == 0 and r.status["NoNewPrivs"] == "1" and (r.status["Seccomp"] == "2") == p.filtered,
           f"{p.name}: one user for good, no group of others, no capability, no new ones by exec" + ", a filter" * p.filtered,
           {k: r.status[k] for k in ("Uid", "Gid", "Groups", "CapEff", "NoNewPrivs", "Seccomp")})
    tap.ok(sorted(set(r.fds)) == sorted(DESCRIPTORS[p.name].split()), f"{p.name}: no descriptor but its own", r.fds)


def lowered(world, p, alone, landlock, seccomp):
    """The layers that are left hold what they are there for; more fails than the model knows where limits do, too."""
    r = attack(world, p, landlock, seccomp)
    holes, lost = judge(p, r, alone, landlock, seccomp)
    count(p, len(r.attempts), len(holes) + (not r.ended))
    good = r.ended and not holes and not (seccomp and lost)
    tap.ok(good, f"{p.name}: Landlock {landlock or 'none'}, {'' if seccomp else 'no '}seccomp: {len(r.attempts) - len(r.worked())} attempts fail",
           f"worked: {holes}", f"fail: {lost}", "" if r.ended else r.text)


def controls(world):
    """What each user may do by itself: an attempt that fails here proves nothing later."""
    alone = {}
    for who in ("postern", "postspool", "posttls", "alice"):
        r = attack(world, NOTHING[who])
        alone[who] = r.worked()
        tap.ok(r.ended and len(alone[who]) > 100, f"{who}, with nothing that holds it: {len(alone[who])} attempts work", r.text[-500:])
        for what in ("read", "write", "connect") if world.separate else ():
            got = {a.split("/")[1] for a in alone[who] if a.startswith(what + "/")}
            tap.ok(got == UIDS[who][what], f"{who} may {what} no more than its own", got ^ UIDS[who][what])
    return alone


def vacuous(everywhere, attempts):
    never = sorted(attempts - everywhere)
    print(f"# {len(never)} attempts work for nobody but root, or not on this machine: {' '.join(never)}")


random.seed(SEED)
print(f"# SEED={SEED}")
for separate in ([True] if os.getuid() == 0 else []) + [False]:
    print(f"# {'a user for each part, started by root' if separate else 'all under one user'}")
    with World(separate) as world:
        alone = controls(world)
        for p in [p for p in PROCESSES if not (separate and p.together)]:
            whole(world, p, alone[p.who])
        vacuous(set().union(*alone.values()), set(attack(world, NOTHING["alice"]).attempts))
        confined = [p for p in PROCESSES if p.confined and not (separate and p.together)]
        for landlock, seccomp in KERNELS:
            for p in confined if LONG else random.sample(confined, SAMPLE) if not separate else []:
                lowered(world, p, alone[p.who], landlock, seccomp)
for promise in points:
    print(f"# proof: {promise} | {points[promise]} | {failed[promise]}")
tap.done()
