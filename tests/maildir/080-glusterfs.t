#!/usr/bin/env python3
# A Maildir on GlusterFS (three bricks) that is mounted twice on this machine: what a session on the other mount must see, locks, the quota;
# the model tests with sessions on either mount, for GLUSTER_SECONDS each. As root. SEED.
import os
import subprocess
import sys
import time

sys.path.insert(0, "tests/lib")
import gluster  # noqa: E402

gluster.need()
import maildirtest as t  # noqa: E402

SECONDS = os.environ.get("GLUSTER_SECONDS", "5")


def whole_test(name, mounts, what, **more):
    """Another test over these mounts, as one of ours."""
    env = {**os.environ, "MAILDIR_MOUNTS": ":".join(mounts), **more}
    done = subprocess.run([sys.executable, "tests/maildir/" + name], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    t.ok(not done.returncode, f"{name} {what}")
    for line in done.stdout.splitlines():
        if done.returncode or line.startswith("# SEED"):
            print("# " + line[:1000])


def by_turns(v):
    """Each change on one mount is seen by a session on the other, as soon as it is done."""
    os.environ["MAILDIR_MOUNTS"] = ":".join(v.mounts)
    with t.Place() as place:
        a, b = t.Ours(place), t.Ours(place)
        uids = []
        for n in range(6):
            s = (a, b)[n % 2]
            uids.append(int(s.command(f"append INBOX S Subject:_{n}")[0]))
        t.same(uids, [1, 2, 3, 4, 5, 6], "sessions on both mounts number one after the other")
        for n in range(12):
            s, other = (a, b) if n % 2 else (b, a)
            s.refresh()
            s.command(f"flags {n % 6 + 1} + F k{n + 20}")
        a.refresh(), b.refresh()
        t.same(a.state(), b.state(), "keywords beyond the letters, set on both mounts, are all there")
        a.command("expunge 3")
        a.refresh()
        t.same(b.refresh(), ["expunged 3"], "an expunge on the other mount is told")
        t.same(int(b.command("append INBOX S Subject:_7")[0]), 7, "and its UID does not come back")
        holder = t.Ours(place)
        holder.send("hold")
        started = time.monotonic()
        b.send("append INBOX S Subject:_8")
        b.wait_slept(60)
        holder.proc.kill()
        t.same(b.answer(), ["8"], "the lock of a process that was killed is recognised from the other mount")
        t.ok(time.monotonic() - started < 10, "at once")
        t.same(place.complaints(), [], "no session has anything to complain of")


with gluster.Volume() as volume:
    by_turns(volume)
    whole_test("090-quota.t", volume.mounts, "over both mounts", QUOTA_SECONDS="3")
    whole_test("040-model.t", volume.mounts, "over both mounts", MODEL_SECONDS=SECONDS)
    whole_test("045-together.t", volume.mounts, "over both mounts", MODEL_SECONDS=SECONDS)
t.done()
