#!/usr/bin/env python3
"""Aliases and .forward in a whole instance: loops of every kind end with one clear error and no storm, and what failed for a time is tried alone until it can be
done, once."""
import glob, os, re, smtplib, subprocess

from instance import Instance, tap, wait_for

USERS = ["alice", "bob", "carol", "dave", "self", "away", "late"]
ALIASES = """ring: ring2
ring2: ring
list: carol
later: "|test -e DIR/ready || exit 75; cat >>DIR/later", dave
owned: someone@far.test
owner-owned: dave
"""
FORWARD = {  # to one another, to an alias that leads back, to oneself by the alias domain, to a program that sends to its user
    "alice": "bob\n", "bob": "alice@example.test\n", "carol": "list\n", "self": "self@also.test\n",
    "away": '"|SENDMAIL -i away@example.test; exit $?"\n', "late": '\\late, "|test -e DIR/ready || exit 75; cat >>DIR/late"\n'}


def send(one, to, sender="x@elsewhere.test"):
    """What the sender hears: 250, or the refusal."""
    with smtplib.SMTP("127.0.0.1", one.port("smtp"), timeout=120) as s:
        s.ehlo("client.test")
        try:
            s.sendmail(sender, [to], f"Subject: to {to}\r\n\r\nbody\r\n")
        except smtplib.SMTPRecipientsRefused as e:
            return "%d %s" % (list(e.recipients.values())[0][0], list(e.recipients.values())[0][1].decode())
        except smtplib.SMTPDataError as e:
            return "%d %s" % (e.smtp_code, e.smtp_error.decode())
    return "250"


def queue(one):
    return subprocess.run(["postern-queue", "list"], capture_output=True, text=True, env=dict(os.environ, POSTERN_DIR=one.dir)).stdout


def copies(one, name):
    return len(glob.glob(one.maildir(name + "@example.test") + "/new/*"))


def count(one, name):
    path = os.path.join(one.dir, name)
    return open(path).read().count("Subject:") if os.path.exists(path) else 0


with Instance({"domains": "example.test:\nalso.test: alias:example.test", "aliases": "", "resolver": "127.0.0.1@9"}, users=[u + "@example.test" for u in USERS if u not in ("alice", "bob")]) as one:
    for user in USERS:
        path = os.path.join(one.dir, "mail/example.test", user)
        os.makedirs(path, exist_ok=True)
        if user in FORWARD:
            with open(path + "/.forward", "w") as f:
                f.write(FORWARD[user].replace("DIR", one.dir).replace("SENDMAIL", f"POSTERN_DIR={one.dir} {os.path.abspath('build/bin/sendmail')}"))
            os.chmod(path + "/.forward", 0o644)
    one.set("aliases", ALIASES.replace("DIR", one.dir))

    # Loops.
    tap.ok(send(one, "ring@example.test").startswith("451 4.4.6"), "an alias that leads to itself: at RCPT")
    got = send(one, "alice@example.test")
    tap.ok(re.match("55[04] 5", got), "two users forward to each other: the sender is told", got)
    lines = [line for line in one.log("lmtp").splitlines() if "event=deliver" in line and "rules=forward" in line]
    tap.ok(2 <= len(lines) <= 4, "after one round", lines)
    tap.ok((copies(one, "alice"), copies(one, "bob")) == (0, 0), "no copy anywhere")
    tap.ok((send(one, "carol@example.test"), copies(one, "carol")) == ("250", 1), "to an alias that leads back: the mailbox")
    tap.ok((send(one, "self@example.test"), copies(one, "self")) == ("250", 1), "to oneself in an alias domain: the mailbox")
    got = send(one, "away@example.test")
    send(one, "ring@example.test")
    wait_for(lambda: one.log("lmtp").count("to=ring@example.test") == 2, "the log has come as far")
    ran = one.log("lmtp").count("event=program")
    tap.ok(ran == 1, "a program that sends to its own user runs once", ran, got, one.log("lmtp"))

    # Owners.
    tap.ok(send(one, "owned@example.test") == "250", "a list with an owner")
    wait_for(lambda: "owner-owned@example.test" in queue(one), "its mail waits under the owner's name")
    tap.ok("someone@far.test" in queue(one), "for the member", queue(one))

    # Once more alone.
    for name, box in (("late", "late"), ("later", "dave")):
        tap.ok(send(one, name + "@example.test") == "250", f"{name}: a program that fails for now beside a mailbox")
        wait_for(lambda: re.search(rf"\|[0-9a-f]{{16}}\|{name}\b", queue(one)), "it waits in the spool")
        tap.ok((copies(one, box), count(one, name)) == (1, 0), "the mailbox has its copy, the program has not run", queue(one))
    open(os.path.join(one.dir, "ready"), "w").close()
    subprocess.run(["postern-queue", "retry", "-A"], capture_output=True, env=dict(os.environ, POSTERN_DIR=one.dir))
    for name, box in (("late", "late"), ("later", "dave")):
        wait_for(lambda: count(one, name), f"{name}: the program is done when it can")
        wait_for(lambda: not re.search(rf"\|{name}\b", queue(one)), "and nothing waits any more")
        tap.ok((copies(one, box), count(one, name)) == (1, 1), f"{name}: each has the message once")
tap.done()
