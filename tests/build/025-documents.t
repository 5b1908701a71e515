#!/usr/bin/env python3
"""What documents, man pages and comments name is there: files, tests, functions and limits, links, pages, programs, options,
variables, tables and settings. What of it must be named is here and in 020-promises.t."""
import glob, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import ROOT, tap

os.chdir(ROOT)
FOLDERS = ["bin", "smtp-recv", "mda-local", "mda-remote", "pop3", "imap", "managesieve", "maildir", "sieve", "lib", "scripts", "tests", "man", "doc"]
files = {f for d in FOLDERS for deep in ("*", "*/*", "*/*/*.[ch]") for f in glob.glob(f"{d}/{deep}") if os.path.isfile(f)}
files |= {f for f in os.listdir() if os.path.isfile(f)}
folders = {os.path.dirname(f) for f in files}
tests = {re.sub(r"\.t$", "", os.path.basename(f)) for f in files if f.startswith("tests/")}


def read(name):
    return open(name, encoding="utf-8").read()


def none(found, name):
    tap.ok(not found, name, "\n".join(map(str, sorted(found))))


documents = {f: read(f) for f in files if f.endswith(".md") or f in ("INSTALL", "CHANGES")}
pages = {os.path.basename(f): read(f) for f in files if f.startswith("man/")}
source = {f: read(f) for f in files if re.search(r"\.[ch]$|\.mk$", f) and not f.startswith("tests/")}
comments = {f: " ".join(re.findall(r"/\*.*?\*/|//[^\n]*", t, re.S)) for f, t in source.items() if not f.endswith(".mk")}
scripts = {f: read(f) for f in files if f.startswith("scripts/") or f == "Makefile"}

# ---- files, tests, names in the code, links

PATH = re.compile(r"(?<![\w/.~$}-])(?:" + "|".join(FOLDERS) + r")/[a-z0-9][a-z0-9/*.-]*(?:\.(?:c|h|md|t|py|sh)|\*)(?![\w/])"
                  r"|(?<![\w/.~$}-])(?:tests|scripts|doc)/[a-z0-9/-]+[a-z0-9](?![\w/.*-])")
named = [(f, n) for part in (documents, pages, comments, scripts) for f, t in part.items() for n in PATH.findall(t)]
none({f"{f}: {n}" for f, n in named if n not in files | folders and not glob.glob(n)}, "every file that is named is there")
alone = re.compile(r"(?<![\w/.*-])[a-z][a-z0-9-]+\.(?:c|t|md)(?![\w/])")
known = {os.path.basename(f) for f in files}
none({f"{f}: {n}" for part in (documents, comments) for f, t in part.items() for n in alone.findall(t) if n not in known},
     "and every one that is named without its folder")
none({f"{f}: {n}" for f, t in documents.items() for n in re.findall(r"(?<![\w.@/:-])\d{3}-[a-z][a-z0-9-]*", t) if n not in tests},
     "so is every test")
FOREIGN = set("mail_fsync default_vsz_limit service_count sieve_before sieve_after libgcc_eh no_application_protocol access_denied "
              "pthread_getattr_np child_spawn cdb_find socketmap_table".split())  # Dovecot's, the compiler's, alerts of TLS, skalibs', Postfix's
code = re.sub(r"/\*.*?\*/|//[^\n]*", "", " ".join(source.values()), flags=re.S)
testing = [read(f) for f in files if re.match(r"tests/(?!fuzz/..*/)", f) and re.search(r"\.(?:[cht]|py)$|/[a-z]+$", f)]
words = set(re.findall(r"\w+", " ".join([code, *scripts.values(), *testing]))) | FOREIGN
named = [(f, n) for f, t in documents.items() for quoted in re.findall(r"`([^`\n]+)`", t) for n in re.findall(r"\b[A-Za-z]\w*_\w+\b", quoted)]
named += [(f, n) for f, t in comments.items() for n in re.findall(r"\b[a-z][a-z0-9]*_[a-z0-9_]*[a-z0-9]\b", t)]
none({f"{f}: {n}" for f, n in named if n not in words and not re.fullmatch(r"msg_\d+", n)}, "every function, limit and variable is in the code")
said = set(re.findall(r"[a-z][a-z-]*[a-z]", " ".join(re.findall(r'"[^"\n]*"', code))))
none({f"{f}: {n}" for part in (documents, pages) for f, t in part.items() for n in re.findall(r"\bevent=([a-z][a-z-]*[a-z])", t) if n not in said},
     "every event of the log is in the code")
none({f"{f}: {link}" for f, t in documents.items() for link in re.findall(r"\]\(([^)#:]+)\)", t)
      if not os.path.exists(os.path.join(os.path.dirname(f), link))}, "every link leads somewhere")
index = documents["README.md"] + documents["doc/bench/README.md"].replace("](", "](doc/bench/")
none({f for f in documents if f.startswith("doc/") and f"]({f})" not in index}, "and README.md leads to every document")

# ---- programs and pages

programs = set(re.findall(r"^OBJ_(\S+)\s*:?=", read("programs.mk"), re.M)) | {os.path.basename(s) for s in glob.glob("scripts/postern-*")}
table = re.search(r"^## The programs\n(.*?)^## ", documents["README.md"], re.S | re.M).group(1)
short = {("postern" + n if n[0] == "-" else n) for row in re.findall(r"^\|([^|]*)\|", table, re.M) for n in re.findall(r"`([a-z0-9-]+)`", row)}
none(programs ^ short, "README.md has every program, and no other")
none({f"{f}: {n}({s})" for f, t in pages.items() for n, s in re.findall(r"^\.Xr (\S+) (\d)", t, re.M)
      if n in {p.rsplit(".", 1)[0] for p in pages} and f"{n}.{s}" not in pages}, "every page is referred to by its section")
none({p for p in pages if p != "postern.7" and ".Xr %s %s" % tuple(p.rsplit(".", 1)) not in pages["postern.7"]}, "postern(7) names every page")


def synopsis(page):
    """The letters of the options there."""
    part = re.search(r"^\.Sh SYNOPSIS\n(.*?)^\.Sh ", page, re.S | re.M).group(1)
    return {letter for line in part.split("\n") if "Fl " in line for word in re.findall(r"(?:Fl|\|)\s+([A-Za-z0-9]+)\b", line.replace("| Fl", "Fl"))
            for letter in word}


objects = {p: re.findall(r"[\w-]+\.o", o) for p, o in re.findall(r"^OBJ_(\S+)\s*:?=((?:.*\\\n)*.*)", read("programs.mk"), re.M)}
letters = {f: re.search(r'subgetopt_r\([^;"]*"([^"]*)"', t) for f, t in source.items()}
taken = {p: letters[f].group(1) for p, names in objects.items() for f in source if letters[f] and os.path.basename(f)[:-2] + ".o" in names}
taken["mda-local"] = letters["mda-local/mda-local.c"].group(1)  # its objects are a wildcard, as imap's, which has no options
taken.update({os.path.basename(f): re.search(r"getopts (\S+) ", t).group(1) for f, t in scripts.items()
              if re.match(r"scripts/postern-[a-z]+$", f) and "getopts " in t})
stated = {p: synopsis(pages[f"{p}.{s}"]) for p in taken for s in "18" if f"{p}.{s}" in pages}
none({f"{p}: {''.join(sorted(stated[p] ^ set(taken[p].replace(':', ''))))}" for p in taken if p in stated
      and stated[p] != set(taken[p].replace(":", ""))}, "a page's SYNOPSIS has the options that are taken")

# ---- variables, tables, settings

anywhere = " ".join(source.values()) + " ".join(scripts.values())


def variables(text, pattern):
    return {n for line in re.findall(pattern, text, re.M) for n in re.findall(r"\b[A-Z][A-Z0-9_]{2,}\b", line)}


environment = {f: variables(re.sub(r".*?^\.Sh ENVIRONMENT\n(.*?)^\.Sh .*", r"\1", t, flags=re.S | re.M), r"^\.(?:It )?Ev (.+)$")
               for f, t in pages.items() if "\n.Sh ENVIRONMENT\n" in t}
environment["doc/joints.md"] = variables(re.search(r"^## Environment\n(.*?)^## ", documents["doc/joints.md"], re.S | re.M).group(1), r"^\| ([^|]*)\|")
none({f"{f}: {n}" for f, names in environment.items() for n in names - {"NAME"}
      if not {n, re.sub("^TCP6?|[0-9]$", "", n)} & words}, "every variable of the environment is known to the code")
read_as_tables = set(re.findall(r'table_find\("([a-z-]+)"', anywhere)) | set(re.search(r"^\tpostern-tables (.*) \|\|", scripts["scripts/instance.sh"], re.M).group(1).split())
listed = set(re.findall(r"^\.It Pa ([a-z-]+)$", re.search(r"^\.Sh TABLES\n(.*?)^\.Sh ", pages["postern.7"], re.S | re.M).group(1), re.M))
joined = set(re.findall(r"^\| `([a-z-]+)` \|", re.search(r"^## Tables in `etc/`\n(.*?)^## ", documents["doc/joints.md"], re.S | re.M).group(1), re.M))
none(read_as_tables ^ (listed - {"lookup"}), "postern(7) has every table, and no other")
none(read_as_tables - joined, "doc/joints.md has every table")


def items(part):
    """Names of the settings that are items there."""
    for line in re.findall(r"^\.It Pa (.+)$", part, re.M):
        for name in line.split(" Ta ")[0].split(" , "):
            yield re.sub(r"^etc/", "", name.split()[0]).split("/")[0]


own = {n: p.rsplit(".", 1)[0] for p, t in pages.items() if p != "postern.7" for part in re.findall(r"^\.Sh SETTINGS\n(.*?)^\.Sh ", t, re.S | re.M)
       for n in items(part)}
under = {n: p for p, part in re.findall(r"^\.Ss (\S+)\(8\)\n(.*?)(?=^\.S[sh] )", pages["postern.7"], re.S | re.M) for n in items(part)}
none({n for n in own if own[n] != under.get(n)}, "postern(7) has each setting under the page that tells of it")
settings = {n.split("/")[0] for line in re.findall(r"^\.It Pa ([^\n]+)", pages["postern.7"], re.M) for n in re.split(r" Ta | , ", line)}
CONTROL = settings | listed | {"sieve"}  # a folder of scripts: mda-local(8)
none({f"{f}: etc/{n}" for part in (documents, pages, comments) for f, t in part.items()
      for n in re.findall(r"(?<![\w/])(?:/etc/postern/|etc/)([a-z][a-z0-9-]*[a-z0-9])(?![\w(])", t)
      if n not in CONTROL}, "every file of etc/ that is named is a setting or a table")
tap.done()
