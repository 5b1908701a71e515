#!/usr/bin/env python3
"""Policies of MTA-STS on disk: how long they stay, how they are kept up to date, what cannot be read; and policy hosts that answer
nobody hold up nobody else."""
import os, re, signal, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Nsd
from instance import tap, wait_for
from policyhost import Https, Tarpit, https, many_names, policy
from smtppeer import ALL, Peer, Remote, server_tls

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h", "remote-messages-per-sender": "1000"}
DAY = 86400
EACH, ALL_FETCHES = 5, 50  # STS_FETCHES_EACH, STS_FETCHES_MAX
KEPT = ["renewed", "unused", "used", "locked", "healed"]
RENEW = [f"r{i}.many" for i in range(60)]
BELOW = [f"e{i}.evil" for i in range(60)]
BESIDE = [f"t{i}" for i in range(60)]
PIT = "127.0.0.16"


def zone():
    out = "mx A 127.0.0.11\n"
    for name, id, address in [(n, 1, "127.0.0.1") for n in [*KEPT, "first"]] + [("cached", 2, "127.0.0.1")] + [(n, 1, None) for n in RENEW] + [(n, 1, PIT) for n in BELOW + BESIDE]:
        out += f'{name} MX 10 mx\n_mta-sts.{name} TXT "v=STSv1; id={id}"\n' + (f"mta-sts.{name} A {address}\n" if address else "")
    return out


with Remote(SLOW) as r:
    mx = many_names(r.dir, "mx", ["mx.test"])
    web = many_names(r.dir, "web", [f"mta-sts.{n}.test" for n in [*KEPT, "first", "cached"]])
    with open(f"{r.dir}/ca.pem", "w") as f:
        f.write("".join(open(c).read() for c in (mx[0], web[0])))
    os.chmod(f"{r.dir}/ca.pem", 0o644)
    server = https("127.0.0.1", 0, *web)
    pit = Tarpit(PIT, server.server_address[1])
    os.mkdir(f"{r.dir}/spool/policy")

    def path(name):
        return f"{r.dir}/spool/policy/{name}.test"

    def put(name, fetched, asked, what=None, mode=0o600):
        """A policy that was fetched and last asked for so many seconds ago."""
        with open(path(name), "w") as f:
            f.write(f"postern-policy 1\n{int(time.time()) - fetched} 1\n" + (what or policy("enforce", "mx.test", 30 * DAY)))
        os.chmod(path(name), mode)
        os.utime(path(name), (time.time() - asked,) * 2)
        if os.getuid() == 0:
            os.chown(path(name), 65534, 65534)

    def age(name):
        return time.time() - os.stat(path(name)).st_mtime

    if os.getuid() == 0:
        os.chown(f"{r.dir}/spool/policy", 65534, 65534)
    Https.policies = {n: policy("enforce", "mx.test", 30 * DAY) for n in [*KEPT, "first", "cached"]}
    Https.policies["locked"] = 500
    with Nsd({"test": zone()}) as nsd, Peer("127.0.0.11", ext=ALL + ["STARTTLS"], tls=server_tls(*mx)) as peer:
        for name, value in {"tls-ca": f"{r.dir}/ca.pem", "mta-sts-port": server.server_address[1], "smtp-port": peer.port, "resolver": f"127.0.0.1@{nsd.port}"}.items():
            r.set(name, value)
        # What no mail asks for is kept up to date for 60 days; that it is does not count as being asked for.
        put("renewed", 2 * DAY, 10 * DAY, policy("enforce", "else.test", 30 * DAY))
        put("unused", 100, 61 * DAY)
        put("used", 100, 59 * DAY)
        put("locked", 100, 10, policy("enforce", "else.test", 30 * DAY), 0)
        put("healed", 100, 10, policy("enforce", "else.test", 30 * DAY), 0)
        for name in RENEW:
            put(name, 2 * DAY, 10)
        r.start()
        wait_for(lambda: not os.path.exists(path("unused")), "the end of what nobody asks for")
        wait_for(lambda: "else" not in open(path("renewed")).read(), "a renewed policy")
        tap.ok(wait_for(lambda: age("renewed") > 9.9 * DAY, "its mtime"), "a policy that is renewed without mail is as long unused as before")
        tap.ok(age("used") > 58 * DAY, "one that is not old stays as it is, one unused for 60 days goes")
        r.queue("a@renewed.test")
        r.wait("event=delivered", "to=a@renewed.test ")
        tap.ok(age("renewed") < DAY, "mail asks for it")
        # However many are due, and however they fail: each has its turn.
        found = r.wait("event=mta-sts", ".many.test", "sts-policy-fetch-error", count=len(RENEW))
        tap.ok({re.search(r"domain=(\S+)", l)[1] for l in found} == {n + ".test" for n in RENEW}, "60 policies are due, and none can be had: all are asked for", len(found))
        # What cannot be read is not what is not there.
        r.queue("a@locked.test")
        line = r.wait("to=a@locked.test ")[0]
        tap.ok("event=deferred" in line and "status=4.3.0" in line and "cannot be read" in line, "a policy that cannot be read: mail waits", line)
        tap.ok(len(r.log("event=error", "policy=locked.test")) == 1, "which is told once", r.log("event=error"))
        tap.ok(os.path.exists(path("locked")), "and it is not removed")
        os.chmod(path("locked"), 0o600)
        os.kill(r.process.pid, signal.SIGALRM)
        line = r.wait("to=a@locked.test ", count=2)[1]
        tap.ok("status=4.7.5" in line, "when it can be, it holds", line)
        r.queue("a@healed.test")
        line = r.wait("to=a@healed.test ")[0]
        tap.ok("event=delivered" in line and "TLS" in line and "mx.test" in open(path("healed")).read(), "where the domain answers, its policy takes the place", line)
        r.stop()
        # Policy hosts that answer nobody: of one owner, then of as many as there are turns.
        put("cached", 100, 10)
        r.start()
        r.queue([f"a@{name}.test" for name in BELOW])
        wait_for(lambda: len(pit.open) >= EACH, "fetches that hang")
        r.queue("a@first.test")
        line = r.wait("to=a@first.test ")[0]
        tap.ok("event=delivered" in line and "verified=pkix" in "".join(r.log("event=connect")[-1:]), "60 of them below one name: another domain's first mail goes at once", line)
        tap.ok(len(pit.open) == EACH and not r.log("to=a@e") and not r.log(".evil.test"), f"{EACH} of them are asked at once, their mail waits", len(pit.open))
        r.queue([f"a@{name}.test" for name in BESIDE])
        wait_for(lambda: len(pit.open) >= ALL_FETCHES, "more of them")
        asked = len(Https.asked)
        r.queue("a@cached.test")
        line = r.wait("to=a@cached.test ")[0]
        tap.ok("event=delivered" in line and len(Https.asked) == asked, "every turn is taken: who has a policy goes by that", line)
        tap.ok(len(pit.open) == ALL_FETCHES and not r.log("domain=t") and not r.log(".evil.test"), f"{ALL_FETCHES} are fetched at once", len(pit.open))
        r.stop()
    pit.close()
    server.shutdown()
tap.done()
