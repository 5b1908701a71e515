#!/usr/bin/env python3
"""doc/security.md has a row for every program and every process that was attacked, and says of it what tests/proof/010-policies.t proves."""
import os, re, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
from instance import ROOT, tap
from policies import PROCESSES, UIDS
from world import TARGETS

NAMES = {"own-mail": "own mail", "own-home": "own home", "own-scripts": "own scripts", "tables": "tables", "temporary": "temporary files", "spool": "the spool", "shared-mail": "shared folders"}
CONNECTS = {"connect/spool": "Unix", "connect-tcp": "TCP", "send-udp": "UDP"}
USER = {"alice": "the account"}
NEWEST = 6
text = open(os.path.join(ROOT, "doc/security.md"), encoding="utf-8").read()
table = re.search(r"^## Every process\n.*?^\|---.*?\n(.*?)\n\n", text, re.S | re.M)[1]
rows = {cells[0]: cells[1:] for cells in ([c.strip() for c in line.strip("|").split("|")] for line in table.splitlines())}

programs = re.findall(r"^OBJ_(\S+)\s*:?=", open(os.path.join(ROOT, "programs.mk")).read(), re.M)
without = set(programs) - set(re.findall(r"`([^`]+)`", " ".join(r[0] for r in rows.values())))
tap.ok(not without, "every program has a row", without)
tap.ok(all(len(r) == 7 and all(r) for r in rows.values()), "every cell is filled", [n for n, r in rows.items() if len(r) != 7 or not all(r)])


def said(cell):
    """The words of a cell, without what stands in parentheses."""
    words = {w.strip() for w in re.sub(r"\([^)]*\)", "", cell).split(",")}
    return words - {"nothing"}


def may(p, op):
    return {NAMES.get(t, t) for t, kind, *_ in TARGETS if p.may(f"{op}/{t}", NEWEST, True)}


for p in PROCESSES:
    row = rows.get(p.name)
    if not row:
        tap.ok(False, f"{p.name} has a row")
        continue
    _, user, reads, writes, connects = row[:5]
    if p.confined:
        want = [may(p, "read"), may(p, "write") | may(p, "unlink"), {w for a, w in CONNECTS.items() if p.may(a, NEWEST, True)}]
    else:
        want = [{"as its user"}] * 3
    got = [said(reads), said(writes), said(connects)]
    tap.ok(got == want and user == USER.get(p.who, p.who), f"{p.name}: what is said is what is proven", f"said   {user} {got}", f"proven {p.who} {want}")
tap.ok(all(f"| `{who}` |" in text for who in UIDS if who != "alice"), "every user has a row")
tap.done()
