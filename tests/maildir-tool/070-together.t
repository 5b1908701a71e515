#!/usr/bin/env python3
"""The tool while sessions of ours and Dovecot's work in the same folder: nothing is lost, nothing doubled, no UID changes."""
import os, random, re, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildirtool as tool
from maildirtool import Place, imap_state, ok, same

tool.need_dovecot()
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
SEED = int(os.environ.get("SEED", 0)) or random.randrange(1, 10**9)
print(f"# SEED={SEED}", flush=True)
rng = random.Random(SEED)
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "Work", "Later"]


def append(s, number):
    data = b"Subject: %d\r\n\r\nx\r\n" % number
    code = s.command(b"APPEND INBOX (%s) {%d+}\r\n" % (" ".join(rng.sample(FLAGS, 2)).encode(), len(data)) + data)[1]
    return re.search(rb"APPENDUID (\d+) (\d+)", code)


with Place() as p:
    p.maildir("src")
    for i in range(600):
        p.write(f"src/cur/{1100000000 + i}.M{i}.host:2,S", f"Subject: import {i}\n\n{'x' * 2000}\n", 1100000000 + i)
    p.maildir("mail")
    with p.session("dovecot") as d:
        first = append(d, 0)
    told, number = {int(first[2]): 0}, 0
    codes = []
    with p.session("ours") as a, p.session("dovecot") as b:
        for s in a, b:
            s.ok("SELECT INBOX")
        runs = [["import", p.at("src"), p.mail]] + [["check", p.mail], ["index", p.mail], ["stat", p.mail], ["expire", "-n", "-d", "1", p.mail]] * ROUNDS
        for words in runs:
            process = p.start(*words)
            while process.poll() is None or not number % 20:
                s = rng.choice([a, b])
                number += 1
                if rng.random() < 0.4:
                    m = append(s, number)
                    told[int(m[2])] = number
                else:
                    s.ok(f"STORE 1 {rng.choice('+-')}FLAGS.SILENT ({rng.choice(FLAGS)})")
            out, err = process.communicate()
            codes.append((words[0], process.returncode, err.decode(), out.decode()[-1500:] if process.returncode else ""))
    ok(all(code in ((0, 2) if name == "check" else (0,)) and not err for name, code, err, _ in codes), f"{len(codes)} runs beside {number} commands", [c for c in codes if c[1]])
    ours, theirs = imap_state(p, "ours")["INBOX"], imap_state(p, "dovecot")["INBOX"]
    same({u: (m[0], m[3]) for u, m in ours[2].items()} == {u: (m[0], m[3]) for u, m in theirs[2].items()}, True, "both servers agree on UIDs, flags, keywords")
    same(ours[0], theirs[0], "and on UIDVALIDITY")
    same({u: ours[2].get(u, (0,) * 4)[3] for u in told}, {u: f"Subject: {n}" for u, n in told.items()}, f"{len(told)} UIDs that were told stay")
    subjects = sorted(m[3] for m in ours[2].values())
    same(subjects, sorted([f"Subject: {n}" for n in told.values()] + [f"Subject: import {i}" for i in range(600)]), "nothing is lost, nothing doubled")
    r = p.run("check", "--json", p.mail)
    ok(r.code in (0, 2), "check ends content", r)

# The source's server goes on renaming: every message is found under its new name.
with Place() as p:
    names = [f"{1100000000 + i}.M{i}.host" for i in range(3000)]
    for i, base in enumerate(names):
        p.write(f"src/cur/{base}:2,", f"Subject: {i}\n\nx\n", 1100000000 + i)
    process, renames = p.start("import", "--json", p.at("src"), p.mail), 0
    while process.poll() is None:
        base = rng.choice(names[-1000:])
        for old, new in (":2,", ":2,S"), (":2,S", ":2,"):
            if os.path.exists(p.at("src/cur", base + old)):
                os.rename(p.at("src/cur", base + old), p.at("src/cur", base + new))
                renames += 1
                break
    out, err = process.communicate()
    same((process.returncode, err, sorted(f.split(":")[0] for f in os.listdir(p.at("mail/cur")))), (0, b"", sorted(names)), f"{renames} renames in the source meanwhile")
tool.done()
