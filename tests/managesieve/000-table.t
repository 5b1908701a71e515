#!/usr/bin/env python3
"""Every verb of both tables, every argument's kind, every reply, every response code of RFC 5804 1.3, every limit and every
setting of managesieve-login and managesieve is in some test; no reply is there that nobody gives."""
import glob, os, re, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from instance import Tap


def read(*patterns):
    texts = []
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
            if "000-" not in path:
                with open(path, encoding="utf-8", errors="replace") as f:
                    texts.append(f.read())
    return "\n".join(texts)


tap = Tap()
login, session = read("tests/managesieve-login/*.t"), read("tests/managesieve/*.t")
every = read("tests/managesieve-login/*.t", "tests/managesieve/*.t", "tests/login/*.t", "tests/flow/*.t", "tests/build/*.t")


def rows(what, names, found, enough):
    missing = [n for n in names if not found(n)]
    tap.ok(len(names) >= enough and not missing, f"every {what} ({len(names)})", missing)


for name, source, tests in ("managesieve-login", "managesieve/login-commands.c", login), ("managesieve", "managesieve/commands.c", session):
    verbs = re.findall(r'^\t\{"([A-Z]+)",', read(source), re.M)
    rows(f"verb of {name}", verbs, lambda v: re.search(rf"(?mi)^C[:!] {v}\b", tests), 13)
text = read("managesieve/replies.h")
replies = dict(re.findall(r'^#define ((?:OK|NO|BYE)_\w+)\s+"(.*?)(?:\\r\\n)?"(?:\s|$)', text, re.M))
source = read("managesieve/*.c")
# Each as it is sent; of those that go on with something the beginning. NO_FAILED has its own line in the log, and faults of the system are its tests.
wire = every.replace('\\"', '"')
rows("reply", [n for n in replies if n not in ("NO_ROOM", "BYE_NOMEM")], lambda n: replies[n].replace('\\"', '"').split("%")[0] in wire or n == "NO_FAILED" and "NO (TRYLATER)" in session, 60)
rows("reply is given", list(replies), lambda n: re.search(rf"\b{n}\b", source), 60)
rows("syntax", re.findall(r'"NO \\"(Syntax: .*?)\\"', source), lambda s: f'NO "{s}"' in every, 8)
codes = {"AUTH-TOO-WEAK", "ENCRYPT-NEEDED", "QUOTA", "QUOTA/MAXSCRIPTS", "QUOTA/MAXSIZE", "REFERRAL", "SASL", "TRYLATER", "ACTIVE", "NONEXISTENT", "ALREADYEXISTS", "TAG", "WARNINGS"}
given = set(re.findall(r'(?:OK|NO|BYE) \(([A-Z/-]+)', text + source))
tap.ok(given == codes, "every response code of RFC 5804 1.3 but TRANSITION-NEEDED, which would tell of users", given ^ codes)
rows("setting", re.findall(r'"(managesieve-[a-z-]+)"', source), lambda s: s in every or s.replace("-", "_") in every or s == "managesieve-login", 5)
tap.done()
