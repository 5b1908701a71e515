#!/usr/bin/env python3
"""ENVELOPE, BODY, BODYSTRUCTURE, RFC822.SIZE and every section of a corpus of nasty, made-up and real
messages: lib's answers beside those of Debian's Dovecot. What differs must stand in
doc/differences.md's table (message pattern, item pattern), whose rows must all be used.

MIME_CORPUS sets the number of messages (default 900)."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import corpus
import differences
import imapwire
import oracle


def value(item, data):
    """Structures as lists, to be compared value by value."""
    return data if "[" in item or data.startswith(b"!") else imapwire.parse(data)


def ours(directory, names):
    out = subprocess.run([os.path.abspath("build/bench/mime"), "-i"] + names, cwd=directory, stdout=subprocess.PIPE, check=True).stdout
    answers, at = {}, 0
    while at < len(out):
        end = out.index(b"\n", at)
        name, item, n = out[at:end].decode().split("\t")
        answers.setdefault(name, {})[item] = out[end + 1:end + 1 + int(n)]
        at = end + 1 + int(n) + 1
    return answers


def main():
    why = oracle.available()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    subprocess.run(["make", "-s", "build/bench/mime"], check=True, stdout=subprocess.DEVNULL)
    messages = list(corpus.messages(int(os.environ.get("MIME_CORPUS", "900")))) + list(corpus.real())
    rows, used, tests, failed = differences.rows("doc/differences.md"), set(), 0, 0
    with tempfile.TemporaryDirectory() as directory, oracle.Dovecot(messages) as dovecot:
        names = [name for name, _ in messages]
        for name, data in messages:
            with open(os.path.join(directory, name), "wb") as f:
                f.write(data)
        got = ours(directory, names)
        for number, (name, data) in enumerate(messages, 1):
            items = got[name]
            want = dovecot.fetch(number, list(items))
            bad = []
            for item in items:
                if items[item] == want[item]:
                    continue
                row = differences.allow(rows, name, data, item, value(item, items[item]), value(item, want[item]))
                used.add(row)
                if not row:
                    bad.append(item)
            tests += 1
            failed += bool(bad)
            print(f"{'not ' if bad else ''}ok {tests} - {name}: {len(items)} items")
            for item in bad:
                print(f"# {item}\n#  ours    {items[item]!r}\n#  dovecot {want[item]!r}")
    for row in rows:
        tests += 1
        failed += row not in used
        print(f"{'' if row in used else 'not '}ok {tests} - doc/differences.md: {row[0]} {row[1]} is seen")
    print(f"1..{tests}")
    sys.exit(failed != 0)


main()
