#!/usr/bin/env python3
"""scripts/bench: it lists its suites, each has a page, and a very short run of all of them writes a figure for every row of ours,
JSON, a chart that is XML, and the table into the page; nothing is left behind."""
import json, os, shutil, signal, subprocess, sys, tempfile, xml.dom.minidom

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import ROOT, tap

os.chdir(ROOT)
top = tempfile.mkdtemp(prefix="bench-test.", dir="/var/tmp")
os.chmod(top, 0o755)
ROWS = {"delivery": 7, "idle": 5, "imap": 15, "login": 5, "receive": 11, "remote": 7, "store": 23, "tls": 14, "users": 11}  # on each side's column


LIMIT = 1200  # seconds: the run of all suites takes two minutes where nothing else runs


def bench(*words):
    return subprocess.run(["scripts/bench", *words], capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL)


listed = bench("-l")
names = [line.split()[0] for line in listed.stdout.splitlines()]
tap.ok(listed.returncode == 0 and names == sorted(ROWS), "-l lists the suites", listed)
for words in (["nosuch"], ["-n", "x"], ["-n", "1"], ["-r", "0"], ["-t", "0"]):
    done = bench(*words)
    tap.ok(done.returncode == 100 and not done.stdout and "usage: " in done.stderr, f"{' '.join(words)} is an error", done)
for name in names:
    page = open(f"doc/bench/{name}.md", encoding="utf-8").read()
    tap.ok(page.count(f"<!-- scripts/bench {name} -->\n") == page.count("<!-- end -->\n") == 1, f"doc/bench/{name}.md has a place for the table")

os.mkdir(top + "/out")
shutil.copy("doc/bench/store.md", top + "/out")
done = bench("-n", "100", "-r", "1", "-t", "0.05", "-m", "-d", top, "-o", top + "/out")
tap.ok(done.returncode == 0, "a short run of all suites", done.stderr)
for name, rows in ROWS.items():
    def good():
        got = json.load(open(f"{top}/out/{name}.json", encoding="utf-8"))
        chart = xml.dom.minidom.parse(f"{top}/out/{name}.svg").documentElement
        page = open(f"{top}/out/{name}.md", encoding="utf-8").read()
        assert len(got["rows"]) >= rows - 4, [r["key"] for r in got["rows"]]  # without root memory cannot be seen
        assert all("postern" in r["medians"] for r in got["rows"]), got["rows"]
        # None to nothing; what COMPRESS adds may be nothing among so few sessions.
        assert all(r["ratio"] for r in got["rows"] if r["medians"].get(r["peer"]) and r["unit"] != "%" and (r["key"] != "compress" or r["medians"]["postern"])), got["rows"]
        assert all(v > 0 for v in got["machine"]["limits"].values()), got["machine"]
        assert chart.tagName == "svg" and len(chart.getElementsByTagName("rect")) == 1 + sum(bool(r["ratio"]) for r in got["rows"])
        assert all(r["work"].split("|")[0].replace("*", "\\*") in page for r in got["rows"]), page
        assert len(got["rows"]) == rows or os.getuid(), [r["key"] for r in got["rows"]]
    tap.run(f"{name}: JSON, chart and table", good)
page = open(f"{top}/out/store.md", encoding="utf-8").read()
old = open("doc/bench/store.md", encoding="utf-8").read()
mark, end = "<!-- scripts/bench store -->\n", "<!-- end -->\n"
tap.ok([page.split(mark)[0], page.split(end)[1]] == [old.split(mark)[0], old.split(end)[1]] and "| SELECT of 100," in page,
       "what stands around the table stays", page)
tap.ok(os.listdir(top) == ["out"], "nothing is left behind", os.listdir(top))

# Without Dovecot: its programs in sbin are not found.
path = ":".join(p for p in os.environ["PATH"].split(":") if not p.endswith("sbin"))
done = subprocess.run([sys.executable, "scripts/bench", "-n", "100", "-r", "1", "-t", "0.05", "-d", top, "-o", top + "/alone", "imap"],
                      env=dict(os.environ, PATH=path), capture_output=True, text=True, timeout=LIMIT)
got = json.load(open(top + "/alone/imap.json", encoding="utf-8")) if not done.returncode else {"rows": [{}]}
tap.ok("without a peer: dovecot" in done.stderr and all(list(r.get("medians", "")) == ["postern"] for r in got["rows"]),
       "a missing peer is said, its column left out", done.stderr)
xml.dom.minidom.parse(top + "/alone/imap.svg")

# Interrupted in the middle.


def with_our_directory():
    return [p for p in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout.splitlines() if top + "/postern" in p]


running = subprocess.Popen(["scripts/bench", "-n", "100", "-r", "1000", "-t", "0.05", "-d", top, "-o", top + "/never", "imap"],
                           stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
while ": round 1 of " not in running.stderr.readline():  # it is over, the next one runs
    assert running.poll() is None
running.send_signal(signal.SIGTERM)
code = running.wait(LIMIT)
running.stderr.close()
tap.ok(code == 128 + signal.SIGTERM and sorted(os.listdir(top)) == ["alone", "out"] and not with_our_directory(),
       "interrupted: all is ended and removed", code, os.listdir(top), with_our_directory())
shutil.rmtree(top)
tap.done()
