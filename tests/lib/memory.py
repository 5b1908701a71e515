"""What the processes of an instance hold: who they are, and whether a word stands anywhere in what they can write to.

    for p in family(one.dir): holds(p, needles("marker"))"""
import base64, os, re

CHUNK = 1 << 20


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""  # it has ended


def parents():
    """{pid: parent's pid}"""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        stat = read(f"/proc/{pid}/stat")
        if stat:
            found[int(pid)] = int(stat[stat.rindex(b")") + 2:].split()[1])
    return found


def family(directory):
    """{pid: program} of all processes that bear the directory as POSTERN_DIR, and of all that descend from them (login-wait has no environment)."""
    above, wanted = parents(), b"POSTERN_DIR=" + directory.encode()
    ours = {pid for pid in above if wanted in read(f"/proc/{pid}/environ").split(b"\0")}
    more = ours
    while more:
        more = {pid for pid, parent in above.items() if parent in more} - ours
        ours |= more
    return {pid: read(f"/proc/{pid}/comm").decode().strip() for pid in sorted(ours) if os.path.exists(f"/proc/{pid}/comm")}


def needles(word):
    """A pattern of the word as it is, and in base64 wherever it may begin in a group of three."""
    forms = [re.escape(word.encode())]
    for before in range(3):
        text = base64.b64encode(b"\0" * before + word.encode())
        forms.append(re.escape(text[(before * 8 + 5) // 6:len(text) // 4 * 4 - 4]))
    return re.compile(b"|".join(forms))


def writable(pid):
    """(first, last) of each mapping that the process may write to and that is its own: stack, heap, data, unnamed memory."""
    for line in read(f"/proc/{pid}/maps").decode(errors="replace").splitlines():
        fields = line.split(None, 5)
        if fields[1].startswith("rw") and "[v" not in line:
            yield tuple(int(x, 16) for x in fields[0].split("-")), fields[5] if len(fields) > 5 else ""


def holds(pid, pattern):
    """[(mapping, where in it, what stands around it)] of each match; PermissionError where the memory may not be read."""
    found = []
    try:
        f = open(f"/proc/{pid}/mem", "rb", 0)
    except (FileNotFoundError, ProcessLookupError):
        return found  # it has ended
    with f:
        for (first, last), name in writable(pid):
            for at in range(first, last, CHUNK):
                try:
                    f.seek(at)
                    data = f.read(min(CHUNK, last - at) + 64)
                except OSError:
                    continue
                found += [(name, hex(at + m.start()), data[max(0, m.start() - 40):m.end() + 24]) for m in pattern.finditer(data)]
    return found


def leaves_core(pid):
    """Would the process leave a core, be it to a program that takes them through a pipe, for which a limit of 0 is none? Of one that may not be dumped,
    /proc belongs to root."""
    limit = re.search(rb"Max core file size +(\S+) +(\S+)", read(f"/proc/{pid}/limits"))
    uid = re.search(rb"Uid:\t(\d+)", read(f"/proc/{pid}/status"))
    if not limit or not uid or limit[1] == b"1":
        return False
    try:
        return os.stat(f"/proc/{pid}/maps").st_uid == int(uid[1]) or uid[1] == b"0"
    except OSError:
        return False
