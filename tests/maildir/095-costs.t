#!/usr/bin/env python3
# What each thing costs, in system calls: opening reads no directory that did not change and no message, however many there are; a transfer or an
# expunge reads no content, and syncs once for all its messages; new mail is seen without reading cur/.
import os
import re
import shutil
import time
import maildirtest as t

if not shutil.which("strace"):
    t.skip_all("strace is not installed")
CALL = re.compile(r"(\w+)\((.*)")
COARSE = 5  # CLOCK_REALTIME_COARSE, with which the kernel stamps
FD = re.compile(r"<([^>]*)>")


unproven = False  # other processes of this user hold all inotify instances: what changed cannot be proved to be ours


def unread(calls, name, what=("cur", "new")):
    """No such directory was read."""
    if unproven:
        t.skip(name, "no inotify instance is left to this user")
    else:
        t.same([d for d in directories(calls) if d in what], [], name)


def quiet(place):
    """Waits until the stamps of the directories can be trusted: the kernel's clock has moved on."""
    last = max(os.stat(f"{place.mail}/{sub}").st_mtime for sub in ("cur", "new"))
    while time.clock_gettime(COARSE) <= last:
        pass


def traced(place, *commands):
    """Per command its system calls: (name, arguments). The last list is what the end cost."""
    trace = place.dir + "/log/trace"
    p = place.start(["strace", "-y", "-s", "64", "-e", "trace=%file,%desc", "-o", trace, os.path.abspath(t.DRIVER), place.mail])
    out = p.communicate("".join(c + "\n" for c in commands).encode())[0].decode()
    t.same(out.count("ok\n"), len(commands), f"{commands[-1]}: done")
    calls = [[]]
    global unproven
    for line in open(trace, errors="replace"):
        unproven |= "inotify_init1" in line and "EMFILE" in line
        m = CALL.match(line)
        if m and m.group(1) == "write" and m.group(2).startswith("1<"):
            if "ok\\n" in m.group(2):
                calls.append([])
        elif m:
            calls[-1].append((m.group(1), m.group(2)))
    return calls


def of(calls, *names):
    """The last part of the path that each such call's descriptor leads to."""
    return [os.path.basename(FD.search(a).group(1)) for n, a in calls if n in names and FD.search(a)]


def syncs(calls):
    return of(calls, "fsync", "fdatasync")


def commit(calls):
    """Without that of lines that another process has just appended (doc/store.md)."""
    all = syncs(calls)
    return all[1:] if all[:1] == ["dovecot-uidlist"] and all.count("dovecot-uidlist") > 1 else all


def directories(calls):
    """Those of messages; tmp/ is looked into for what killed deliveries have left."""
    return sorted(set(of(calls, "getdents64")) & {"cur", "new"})


def contents(calls):
    """Messages whose content was read or written."""
    return [a for n, a in calls if re.fullmatch("(p?read|p?write)v?(64)?", n) and re.search(r"/mail/(.*/)?(cur|new|tmp)/\d", FD.search(a).group(1))]


def messages(place, n):
    place.session(*["create Other"], f"many INBOX {n}", "open Other", "open INBOX", "settle wait", "facts", "settle wait")
    quiet(place)
    traced(place, "open INBOX", "settle wait")


class Place(t.Place):
    def session(self, *commands):
        p = self.start([os.path.abspath(t.DRIVER), self.mail])
        out = p.communicate("".join(c + "\n" for c in commands).encode())[0].decode()
        assert out.count("ok\n") == len(commands), out


warm = {}
for n in (10, 3000):
    with Place() as place:
        messages(place, n)
        warm[n] = traced(place, "open INBOX")[0]
        unread(warm[n], f"{n} messages, a warm index: no directory is read")
        t.same(contents(warm[n]), [], "and no message")
t.ok(len(warm[3000]) <= len(warm[10]) + 2, f"as many system calls for 3,000 as for 10: {len(warm[3000])}, {len(warm[10])}")

with Place() as place:
    messages(place, 300)
    # Another program delivers.
    place.put("new/1700000000.1.x", "Subject: fresh\n\nx\n")
    calls = traced(place, "open INBOX", "settle wait")
    t.same(directories(calls[0]), ["new"], "new mail: new/ alone is read")
    quiet(place)
    unread(traced(place, "open INBOX", "settle wait")[0], "what was taken from there does not make the next session read cur/", ["cur"])
    # Our own changes.
    calls = traced(place, "open INBOX", "flags 1,2,3 + FS", "settle wait")
    t.same(of(calls[1], "renameat2", "renameat"), ["cur"] * 3, "flags: a rename each")
    t.same(syncs(calls[1]), ["cur"], "one sync for all")
    quiet(place)
    unread(traced(place, "open INBOX", "settle wait")[0], "flags that we changed: the next session reads no directory")
    # Transfers.
    calls = traced(place, "open INBOX", "append INBOX S Subject:_one")
    t.same([(len(contents([c])), c[0]) for c in calls[1] if contents([c])], [(1, "write")], "APPEND: the message is written once, in one piece, and read never")
    t.same([s if s in ("cur", "dovecot-uidlist") else "file" for s in commit(calls[1])], ["file", "dovecot-uidlist", "cur"],
           "synced: the file, the line, its directory, each once and in this order")
    calls = traced(place, "open INBOX", "copy 4,5,6,7 Other")
    t.same(len(of(calls[1], "linkat")), 4, "COPY: a link each")
    t.same(commit(calls[1]), ["dovecot-uidlist", "cur"], "one commit for four")
    t.same(contents(calls[1]), [], "no content is read")
    calls = traced(place, "open INBOX", "move 4,5,6,7 Other", "refresh")
    t.same(of(calls[1], "renameat2", "renameat"), ["cur"] * 4, "MOVE: a rename each")
    t.same(commit(calls[1]), ["dovecot-uidlist", "cur", "cur"], "one commit for four, and then the source's directory")
    t.same(contents(calls[1]), [], "no content is read")
    t.same(syncs(calls[2]), ["dovecot-uidlist"], "and one when they are told as gone")
    # Expunge.
    calls = traced(place, "open INBOX", "expunge 8,9,10", "refresh", "settle wait")
    t.same(of(calls[1], "unlinkat").count("cur"), 3, "expunge: an unlink each")
    t.same(syncs(calls[1]), ["cur"], "one sync for three")
    t.same(syncs(calls[2]), ["dovecot-uidlist"], "one before they are told")
    quiet(place)
    unread(traced(place, "open INBOX", "settle wait")[0], "the next session reads no directory")
    # Numbering.
    for i in range(40):
        place.put(f"new/17000000{i + 10}.2.x", "Subject: fresh\n\nx\n")
    calls = traced(place, "open INBOX")
    t.same(syncs(calls[0]).count("dovecot-uidlist"), 1, "forty new ones: one sync for their lines")
    t.same(contents(calls[0]), [], "none of them is read")
t.done()
