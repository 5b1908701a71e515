#!/usr/bin/env python3
# System calls of every change to a Maildir fail, and are the last before a kill -9 (a sample of them; all in `make soak`). Afterwards
# what this file itself reads from the disk: no message is lost or doubled, no UID changed or names two, no letter
# is without its keyword, no litter lies outside tmp/. Then the change succeeds, the next session sees the same, with the index and
# without, nobody waits for a lock, and Dovecot sees the same in a copy. Where only a file of the index fails, the change is made all the same.
# FAULTS_OPS="move flags" picks; FAULTS_STEP=3 tries every third call only; FAULTS_ALL=1 tries every call and error, and Dovecot after every kill.
# FAULTS_ERROR=ENOENT tries that error only. SEED.
import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile
import time
import maildirtest as t
from storemodel import DISPOSABLE, parse, read_text

if not shutil.which("strace"):
    t.skip_all("strace is not installed")
DRIVER = os.path.abspath(t.DRIVER)
ENV = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}
ERRORS = {"openat": "EDQUOT", "write": "ENOSPC", "pwrite64": "ENOSPC", "ftruncate": "EIO", "fsync": "EIO", "fdatasync": "EIO",
          "linkat": "ENOSPC", "renameat": "ENOSPC", "renameat2": "ENOSPC", "rename": "ENOSPC", "unlinkat": "EIO", "mkdirat": "EDQUOT",
          "mkdir": "EDQUOT", "newfstatat": "EIO", "fstat": "EIO", "getdents64": "EIO", "pread64": "EIO", "read": "EIO", "utimensat": "EIO",
          "fchmod": "EIO", "lseek": "EIO", "flock": "ENOLCK", "getrandom": "EIO", "mmap": "ENOMEM", "futimens": "EIO", "fstatfs": "EIO", "pwritev": "ENOSPC",
          "writev": "ENOSPC"}
EVERY = "ENOSPC", "EIO", "EDQUOT", "ENOENT", "ESTALE", "EROFS"
ALL = "FAULTS_ALL" in os.environ
ONLY = os.environ.get("FAULTS_ERROR")
# No directory that exists answers getdents64 with ENOENT, and readdir(3) takes it for the end: nobody can tell it from an empty one.
NEVER = {("getdents64", "ENOENT")}
STEP = int(os.environ.get("FAULTS_STEP", "1" if ALL else "5"))
KILLS = {"openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "linkat", "renameat", "renameat2", "rename", "unlinkat", "mkdirat",
         "mkdir", "utimensat", "fchmod", "flock", "pwritev", "writev", "mmap"}
# What is done (the first line prepares), to which message, and what the same session does next.
OPS = {
    "deliver": ("open INBOX", "deliver INBOX fresh", None, "deliver INBOX next"),
    "append": ("open INBOX", "append INBOX S Subject:_fresh", None, "append INBOX S Subject:_next"),
    "number": ("", "open Unread", None, "open Unread"),
    "create": ("", "open Foreign", None, "open Foreign"),
    "flags": ("open INBOX", "flags 2 + FS", "m2", "flags 2 + FS"),
    "letter": ("open INBOX", "flags 2 + - another", "m2", "flags 2 + - another"),
    "beyond": ("open Many", "flags 1 + - another", "many1", "flags 1 + - another"),
    "copy": ("open Many", "copy 1 Other", "many1", "copy 3 Other"),
    "move": ("open Many", "move 1 Other", "many1", "move 3 Other"),
    "expunge": ("open INBOX", "expunge 2\nrefresh", "m2", "refresh"),
    "rename": ("", "rename Many Moved", None, "status INBOX"),
    "subscribe": ("", "subscribe Many", None, "subscribe INBOX"),
    "use": ("", "use Many \\Archive", None, "use Other \\Sent"),
    "folder": ("open INBOX", "create Made", None, "create Next"),
    "several": ("open Many", "move 1,2 Other", "many1 many2", "move 3 Other"),
    "log": ("open INBOX\nflags 2 + FS", "settle wait", "m2", "settle wait"),
    "index": ("open Foreign", "settle wait", None, "settle wait"),
    "compact": ("open Long\nflags 1,2 + FS\nflags 1,2 - FS\nflags 1,2 + DS\nflags 1,2 + FS", "settle wait", "long1 long2", "settle wait"),
    "text": ("open INBOX", "texts keep\nsettle wait", None, "texts"),
    "keys": ("open INBOX", "keys", None, "keys"),
    "look": ("", "open Changed\nfacts\nsettle wait", None, "open Changed"),
}
FOLDERS = ["INBOX", "Other", "Many", "Unread", "Foreign", "Long", "Changed"]
KNOWN = re.compile(r"cur|new|tmp|postern-index|postern-index\.log|postern-text|postern-keys|maildirfolder|dovecot-uidlist|dovecot-keywords|dovecot-uidvalidity(\.[0-9a-f]{8})?|postern-keywords|postern-metadata|subscriptions|maildirsize|\..*")


def run(root, text, prefix=()):
    """The driver's answers: one list per command, None for one that failed. And how it ended."""
    p = subprocess.run([*prefix, DRIVER, root], input=text + "\n", capture_output=True, text=True, env=ENV, timeout=120)
    answers, lines = [], []
    for line in p.stdout.splitlines():
        if line == "ok" or line.startswith("no "):
            answers.append(lines if line == "ok" else None)
            lines = []
        else:
            lines.append(line)
    return answers, p


def template(root):
    text = ["create " + name for name in FOLDERS[1:]]
    text += [f"deliver INBOX m{i}" for i in range(1, 5)] + [f"deliver Other o{i}" for i in (1, 2)] + [f"deliver Many many{i}" for i in (1, 2, 3)]
    text += [f"deliver {name} {name.lower()}{i}" for name in ("Long", "Changed") for i in (1, 2)]
    text += ["subscribe Other", "use Other \\Junk", "open INBOX", "flags 1 + S red", "flags 2 + R red blue", "open Other", "flags 1 + - blue"]
    text += ["open Many"] + [f"flags 1 + - k{i}" for i in range(29)] + ["flags 2 + - k28", "flags 3 + - k27", "open Unread"]
    text += [f"deliver Unread u{i}" for i in (1, 2, 3)] + [line for name in ("INBOX", "Other", "Many") for line in (f"open {name}", "settle wait")]
    text += ["open Changed", "flags 1 + S", "texts keep", "settle wait", "open Long"] + [f"flags 1 {c} F" for c in "+-" * 115]
    answers, _ = run(root, "\n".join(text))
    assert None not in answers, answers
    while os.path.getsize(root + "/.Long/postern-index.log") < 65536 - 600:  # the next change makes it worth a new snapshot
        run(root, "open Long\nflags 1 + F\nflags 1 - F\nsettle wait")
    for name in os.listdir(root + "/.Changed/cur"):
        os.rename(f"{root}/.Changed/cur/{name}", f"{root}/.Changed/cur/{name}R")
    for i in (1, 2):
        with open(f"{root}/.Foreign/cur/170000000{i}.x.example:2,S", "w") as f:
            f.write(f"Subject: f{i}\n\nf{i}\n")
    with open(f"{root}/maildirsize", "w") as f:
        f.write("1000000S\n")
    run(root, "usage")


def name_of(root, folder):
    """The folder's name, if it may have been renamed."""
    return "Moved" if folder == "Many" and not os.path.isdir(root + "/.Many") else folder


class Disk:
    """A folder as it stands on disk, read without the library: {text: (uid, flags, keywords)}."""

    def __init__(self, root, folder):
        path = root if folder == "INBOX" else f"{root}/.{name_of(root, folder)}"
        self.bad, self.messages, self.path = [], {}, path
        uids, lines = {}, self.text("dovecot-uidlist").split("\n")[:-1]
        self.next = int(re.search(r" N(\d+)", lines[0])[1]) if lines else 1
        self.validity = lines[0].split(" ")[1] if lines else None
        for line in lines[1:]:
            m = re.fullmatch(r"(\d+)((?: [A-Z]\S*)*) :(.+)", line)
            if not m:
                self.bad.append(f"uidlist: {line}")
                continue
            self.next = max(self.next, int(m[1]) + 1)
            uids[m[3]] = int(m[1])
        self.letters = {}  # uid: words that Dovecot knows
        names = dict(re.findall(r"^(\d+) (\S+)$", self.text("dovecot-keywords"), re.M))
        names.update(re.findall(r"^K (\d+) (\S+)$", self.text("postern-keywords"), re.M))
        sets = {m[1]: m[0] for m in re.findall(r"^M (\S+) (.*)$", self.text("postern-keywords"), re.M)}
        for sub in ("cur", "new"):
            for file in os.listdir(f"{path}/{sub}"):
                base, _, flags = file.partition(":2,")
                numbers = [str(ord(c) - 97) for c in flags if c.islower()] + [n for n in sets.get(base, "-").split(",") if n != "-"]
                words = sorted(names.get(n, "?" + n) for n in numbers)
                self.letters[uids.get(base)] = sorted(names.get(n, "?" + n) for n in numbers if int(n) < 26)
                with open(f"{path}/{sub}/{file}") as f:
                    text = re.split("[ _\n]", f.read())[1]
                if text in self.messages:
                    self.bad.append(f"{text} is there twice")
                self.messages[text] = (uids.get(base), "".join(sorted(c for c in flags if c.isupper())), words)
                if any(w[0] == "?" for w in words):
                    self.bad.append(f"{text} has nameless keywords: {words}")
        told = [m[0] for m in self.messages.values() if m[0]]
        if len(told) != len(set(told)):
            self.bad.append(f"UIDs of two messages: {told}")
        self.litter = [e for e in os.listdir(path) if not re.fullmatch(KNOWN, e) and not e.endswith((".lock", ".tmp"))]
        self.litter += [e for e in os.listdir(path) if e[0] == "." and not os.path.isdir(f"{path}/{e}")]
        self.locks = [e for e in os.listdir(path) if e.endswith(".lock")]

    def text(self, name):
        try:
            with open(f"{self.path}/{name}") as f:
                return f.read()
        except FileNotFoundError:
            return ""


def disk(root):
    return {f: Disk(root, f) for f in FOLDERS}


def sessions(root):
    """The same through a new session in each folder; and what is wrong with its texts."""
    out, bad = {}, []
    answers = run(root, "\n".join(f"open {name_of(root, f)}\nfacts\ntexts" for f in FOLDERS))[0]
    for f, facts, texts in zip(FOLDERS, answers[1::3], answers[2::3]):
        head, rows = parse(facts)
        out[f] = {r.token: (uid, "".join(sorted(r.flags)), sorted(r.words)) for uid, r in rows.items()}, head.uidnext
        bad += [f"{f}: cached text {x}" for x in texts if not re.fullmatch(r"\d+ [0-9a-f]+", x)]
    return out, bad


def judge(op, fault, before, after, done, answer, killed):
    """What must be true of the disk after one fault; done: the change was acknowledged."""
    bad, targets = [], (OPS[op][2] or "").split()
    target = targets[0] if targets else None
    for folder in FOLDERS:
        a, b = after[folder], before[folder]
        bad += a.bad + [f"{folder}: litter {e}" for e in a.litter]
        # A lock that could not be looked at or removed stays until its process ends.
        if not killed and not fault.startswith(("unlinkat", "newfstatat")):
            bad += [f"{folder}: {e} is left" for e in a.locks]
        if b.validity and a.validity != b.validity:
            bad.append(f"{folder}: UIDVALIDITY changed")
        if a.next < b.next:
            bad.append(f"{folder}: next UID went back")
        for text, was in b.messages.items():
            now = a.messages.get(text)
            if text == "many3":
                continue # what the session does next
            if text in targets:
                if not now and op not in ("move", "expunge", "several"):
                    bad.append(f"{text} is lost")
                if now and now[0] != was[0]:
                    bad.append(f"{text}: UID {was[0]} is {now[0]}")
                if now and not set(was[2]) <= set(now[2]):
                    bad.append(f"{text} lost keywords: {now}")
            elif not now or now[1:] != was[1:] or (was[0] and now[0] != was[0]):
                bad.append(f"{folder} {text}: {was} became {now}")
    for i, target in enumerate(targets if op in ("copy", "move", "several") else ()):
        there, here = after["Other"].messages.get(target), after["Many"].messages.get(target)
        if op != "copy" and bool(there) == bool(here):
            bad.append(f"moved: here {here}, there {there}")
        if done and (not there or there[0] != int(answer[i])):
            bad.append(f"told UID {answer}, has {there}")
        if there and (done or op != "copy") and there[2] != before["Many"].messages[target][2]:
            bad.append(f"keywords lost on the way: {there[2]}")
    root = after["INBOX"]
    if "\nOther\n" not in root.text("subscriptions") or (op == "subscribe" and done and "\nMany\n" not in root.text("subscriptions")):
        bad.append("subscriptions: " + root.text("subscriptions"))
    uses = re.findall(r"^(\w+)\t/private/specialuse\t\\(\w+)$", root.text("postern-metadata"), re.M)
    if "Other" not in [u[0] for u in uses] or (op == "use" and done and ("Many", "Archive") not in uses):
        bad.append(f"special uses: {uses}")
    if op == "rename" and done and name_of(root.path, "Many") == "Many":
        bad.append("not renamed")
    inbox = after["INBOX"].messages
    if op in ("deliver", "append") and done and "fresh" not in inbox:
        bad.append("acknowledged and not there")
    if op == "append" and done and inbox.get("fresh", [None])[0] != int(answer[0]):
        bad.append(f"told UID {answer}, has {inbox.get('fresh')}")
    if op in ("number", "create") and done:
        bad += [f"{m} was told without a UID" for m, v in after["Unread" if op == "number" else "Foreign"].messages.items() if not v[0]]
    if op == "expunge" and done and target in inbox:
        bad.append("expunged and still there")
    if op in ("letter", "beyond") and done and "another" not in after["INBOX" if op == "letter" else "Many"].messages[target][2]:
        bad.append("the keyword was set and is not there")
    if op == "flags" and done and inbox[target][1] != "FRS":
        bad.append(f"flags were set and are {inbox[target][1]}")
    return bad


def after_that(op, root, before, now):
    """The next sessions: the same as on disk, at once; what has no UID gets a larger one."""
    bad, start = [], time.monotonic()
    seen, wrong = sessions(root)
    bad += wrong
    for folder in FOLDERS:
        messages, uidnext = seen[folder]
        d = now[folder]
        for text, (uid, flags, words) in d.messages.items():
            if messages.get(text, [None])[1:] != (flags, words) or (uid and messages[text][0] != uid) or (not uid and messages[text][0] < d.next):
                bad.append(f"{folder} {text}: on disk {d.messages[text]}, in a session {messages.get(text)}")
        bad += [f"{folder}: {x} came from nowhere" for x in set(messages) - set(d.messages)]
    if time.monotonic() - start > 40:
        bad.append("somebody waited for a lock")
    for folder in FOLDERS:
        for file in DISPOSABLE:
            if os.path.exists(f"{now[folder].path}/{file}"):
                os.unlink(f"{now[folder].path}/{file}")
    again = sessions(root)[0]
    bad += [f"{f}: with the index {seen[f]}, without {again[f]}" for f in FOLDERS if seen[f] != again[f]]
    usage = run(root, "usage")[0][0]
    if not usage or usage[0].split(" ")[2] != "1000000":
        bad.append(f"the quota is {usage}")
    return bad


def dovecot(root, now):
    """Dovecot sees in a copy what is on the disk."""
    bad = []
    with t.Place() as place:
        # A dead session's lock is broken by ours at once, but Dovecot waits two minutes for it.
        shutil.copytree(root, place.mail, ignore=shutil.ignore_patterns("*.lock"))
        place.own("/mail")
        try:
            session = t.Dovecot(place)
        except RuntimeError as e:
            return [f"Dovecot: {e}: {place.complaints()} {read_text(place.dir + '/log/dovecot')[-500:]}"]
        for folder in FOLDERS:
            d = now[folder]
            want = {m[0]: (m[1], ",".join(d.letters[m[0]])) for m in d.messages.values() if m[0]}
            try:
                session.command("SELECT " + name_of(root, folder))
                got = {uid: x[:2] for uid, x in session.state().items() if uid < d.next} if want else {}
            except RuntimeError as e:
                got = f"{e}: {place.complaints()} {read_text(place.dir + '/log/dovecot')[-500:]}"
            if got != want:
                bad.append(f"{folder}: on disk {want}, Dovecot says {got}")
    return bad


def one(base, before, op, fault, killed, must=False, foreign=False, closing=False):
    root = tempfile.mkdtemp(dir=base)
    try:
        shutil.copytree(base + "/template", root, dirs_exist_ok=True)
        prepare, change, _, then = OPS[op]
        n = len(prepare.split("\n")) if prepare else 0
        last = n + len(change.split("\n"))
        text = "\n".join(filter(None, [prepare, change, "" if killed or closing else then]))
        answers, p = run(root, text, ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={fault.split(':')[0]}", "-e", f"inject={fault}"])
        if not killed and p.returncode:
            return [f"ended with {p.returncode}: {p.stderr[-300:]}"]
        if killed:
            done = len(answers) >= last and None not in answers[:last]
            answer = answers[n] if done else None
            again = [1]
        else:
            done = None not in answers[n:last]
            answer, again = answers[n], answers[last:]
        if must and closing and not done:
            return [f"a change that was answered before: {answers}"]
        now = disk(root)
        # A copy is another message with the same text.
        if op == "copy":
            for d in now.values():
                d.bad = [b for b in d.bad if "twice" not in b]
        bad = judge(op, fault, before, now, done, answer, killed)
        if must and not done and not killed:
            bad.append("only the index failed, and the change was not made")
        if foreign and os.path.exists(t.DOVECOT):
            bad += dovecot(root, now)
        if None in again:
            bad.append("what comes next failed, too")
        return bad + after_that(op, root, before, now)
    except subprocess.TimeoutExpired:
        return ["it hangs"]
    finally:
        shutil.rmtree(root)


def calls(base, op):
    """(system call, its how-many-th, is it about the index, has the change been answered) of a run without faults."""
    root, trace = tempfile.mkdtemp(dir=base), base + "/trace"
    shutil.copytree(base + "/template", root, dirs_exist_ok=True)
    answers, _ = run(root, "\n".join(filter(None, OPS[op][:2])), ["strace", "-qq", "-y", "-o", trace])
    assert None not in answers, (op, answers)
    count, out, begun = {}, [], False
    skip, left = [len(x.split("\n")) if x else 0 for x in OPS[op][:2]]
    for line in open(trace):
        m = re.match(r"(\w+)\(([^,)]*)", line)
        if not m:
            continue
        name = m[1]
        count[name] = count.get(name, 0) + 1
        if name == "read" and m[2][:2] == "0<":
            begun = True
        elif begun and skip and name == "write" and m[2][:2] == "1<":
            skip -= '"ok' in line
        elif begun and name == "write" and m[2][:2] == "1<":
            left -= '"ok' in line
        elif begun and not skip and name in ERRORS and not (name in ("write", "read") and m[2][:2] in ("0<", "1<")):
            if name != "mmap" or "postern" in line:
                out.append((name, count[name], any(f in line for f in DISPOSABLE), left <= 0))
    shutil.rmtree(root)
    return out


rng, tried, wrong = t.seed(), 0, 0
print("# left out:", *(f"{e} of {name}" for name, e in sorted(NEVER)), "(does not happen on a directory that exists)")
base = tempfile.mkdtemp(prefix="faults.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
try:
    os.mkdir(base + "/template")
    template(base + "/template")
    before = disk(base + "/template")
    t.same([b for d in before.values() for b in d.bad], [], "the Maildir to begin with")
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "3"))) as pool:
        for op in os.environ.get("FAULTS_OPS", "").split() or OPS:
            found = calls(base, op)[rng.randrange(STEP)::STEP]
            faults = []
            for name, n, index, closing in found:
                errors = {ONLY} if ONLY else {ERRORS[name], *EVERY} if ALL else {rng.choice((ERRORS[name], rng.choice(EVERY)))}
                errors = {e for e in errors if (name, e) not in NEVER}
                faults += [(f"{name}:error={e}:when={n}", False, index, False, closing) for e in sorted(errors)]
            if not ONLY:
                faults += [(f"{name}:signal=KILL:when={n}", True, False, ALL or rng.random() < 0.04) for name, n, *_ in found if name in KILLS]
            # File systems without links, without promises, and two of them.
            faults += [("renameat2:error=EINVAL", False), ("linkat:error=EPERM", False)]
            if op in ("deliver", "append", "copy", "move"):
                faults.append(("/^(renameat2|linkat)$:error=EXDEV:when=1", False))
            bad = []
            for (fault, *_), b in zip(faults, pool.map(lambda f: one(base, before, op, *f), faults)):
                bad += [f"{fault}: {x}" for x in b]
            tried, wrong = tried + len(faults), wrong + len(bad)
            if not t.ok(not bad, f"{op}: {len(faults)} faults"):
                print("\n".join("# " + b for b in bad[:40]))
finally:
    shutil.rmtree(base)
print(f"# proof: the store, whichever call of a change fails or is the last | {tried} | {wrong}")
t.done()
