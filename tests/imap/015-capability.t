#!/usr/bin/env python3
"""etc/imap-capabilities hides what the server can do, for everyone or for one user, before and after login; ENABLE follows."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/lib")
from instance import Tap

tap = Tap()
ROWS = re.findall(r'\{"([^"]+)", ([^,]+),', open("imap/capability.c", encoding="ascii").read())
ALL = [{"APPENDLIMIT": "APPENDLIMIT=104857600"}.get(name, name) for name, flags in ROWS
       if "OFF" not in flags and "ELSE" not in flags and name not in ("MESSAGELIMIT", "SAVELIMIT")]


def told(lines, user="alice@example.org", program=("imap",)):
    with tempfile.TemporaryDirectory(prefix="capability.") as d:
        os.makedirs(d + "/etc")
        if lines is not None:
            with open(d + "/etc/imap-capabilities", "w", encoding="ascii") as f:
                f.write(lines)
        env = dict(os.environ, POSTERN_DIR=d, MAILDIR=d + "/Maildir", USER=user, PROTO="TCP",
                   TCPREMOTEIP="127.0.0.1", UID="65534", GID="65534")
        p = subprocess.run(program, input=b"a CAPABILITY\r\nb LOGOUT\r\n", capture_output=True, env=env, check=False)
        found = re.search(rb"(?m)^\* CAPABILITY (.*)\r$", p.stdout)
        return found.group(1).decode().split() if found else (p.returncode, p.stderr.decode())


def case(what, lines, hidden, user="alice@example.org", shown=()):
    got = told(lines, user)
    tap.ok(got == [c for c in ALL if c not in hidden] + list(shown), what, got)


case("no setting: all", None, ())
case("hidden for all", "-MOVE -IDLE\n-UIDPLUS\n", ("MOVE", "IDLE", "UIDPLUS"))
case("hidden for this user", "alice@example.org -MOVE\n", ("MOVE",))
case("not for another", "bob@example.org -MOVE\n", ())
case("the name in any case", "Alice@Example.ORG -move\n", ("MOVE",))
case("a later line wins", "-MOVE -IDLE\nalice@example.org +MOVE\n", ("IDLE",))
login = ("imap-login", "true", "true")
tap.ok("ID" in told(None, program=login), "before login: all", told(None, program=login))
tap.ok("ID" not in told("-ID\n", program=login), "before login: hidden for all")
tap.ok("ID" in told("alice@example.org -ID\n", program=login), "before login nobody is a user")
for bad in ("-NOSUCH\n", "MOVE\n+\n", "alice@example.org MOVE\n"):
    code, err = told(bad)
    tap.ok(code == 100 and "imap-capabilities" in err, f"exit 100: {bad!r}", (code, err))
tap.done()
