"""What a disk may hold after a power cut: a recorded trace of file operations, replayed on a model of a file system.

Content lasts when its file was synced, a name when its directory was. On a disk with a journal that has it so (ext4, XFS) a file's sync keeps its name, too, when
that came by a rename, and all that was done before in those directories: durable_learn of lib/durable.h; and the sync of a new file without a name keeps all names. Which of the two a program takes its disk for is what the
disk is, or what TOLD says. Of the rest anything may have survived: of each
directory's changes the first ones, in their order, whatever happened to other directories; of a file's writes some, torn,
or as zeros. A rename between directories is one change, as every journal has it.
Inode numbers and times are kept, so that what was written down of them can be found right, or wrong, afterwards."""
import os
import re

TRACE = ["strace", "-f", "-qq", "-v", "-ttt", "-xx", "-s", "1000000", "-e", "signal=none", "-e",
         "trace=/^(open.*|creat|close.*|dup.*|fcntl|read|readv|write.*|pwrite.*|lseek|ftruncate|truncate|fallocate|rename.*|link.*|symlink.*|unlink.*|mkdir.*|rmdir|clone|clone3|fork|vfork|execve|"
         "mknod.*|fsync|fdatasync|sync.*|f?statfs|msync|utime.*|futimes.*|newfstatat|fstat|stat|lstat|statx|copy_file_range|sendfile|splice|mmap|chdir|fchdir|ioctl)$"]
# Words for strace: every disk says that it is XFS, which has such a journal; or tmpfs, of which nothing is known.
TOLD = {True: ["-e", "inject=statfs,fstatfs:poke_exit=@arg2=4253465800000000"], False: ["-e", "inject=statfs,fstatfs:poke_exit=@arg2=9419020100000000"]}
NS = 10**9


class Node:
    """A file, a directory or a symbolic link (data is a str, its target), as it is and as it is sure to be after a power cut."""

    def __init__(self, ino=None, data=b"", names=None, mtime=0):
        self.ino, self.mtime, self.synced_mtime = ino, mtime, mtime
        self.data = self.synced = data                                # of a file
        self.names, self.synced_names = names, dict(names or {})      # of a directory: name to Node
        self.pending, self.renamed = [], []                           # what is not synced; a file's renames

    def is_dir(self):
        return self.names is not None

    def write(self, at, octets, when):
        self.pending.append((at, octets))
        self.data = splice(self.data, at, octets)
        self.mtime = when

    def sync(self):
        if self.is_dir():
            while self.pending:
                self.pending[0].sync(self)
        else:
            self.pending.clear()
            self.synced = self.data
        self.synced_mtime = self.mtime


class Entry:
    """A change of a directory's names; other: the change of another directory that happens with it or not at all."""

    def __init__(self, directory, changes, when, other=None):
        self.directory, self.changes, self.mtime, self.other = directory, changes, when, other
        if other:
            other.other = self
        apply(directory.names, changes)
        directory.pending.append(self)
        directory.mtime = when

    def sync(self, directory):
        directory.pending.remove(self)
        apply(directory.synced_names, self.changes)
        directory.synced_mtime = self.mtime
        while self.other and self.other in self.other.directory.pending:
            self.other.directory.pending[0].sync(self.other.directory)


def apply(names, changes):
    for name, node in changes:
        if node:
            names[name] = node
        else:
            names.pop(name, None)


def splice(data, at, octets):
    """octets None: cut there."""
    if octets is None:
        return data[:at] + bytes(max(0, at - len(data)))
    return data[:at] + bytes(max(0, at - len(data))) + octets + data[at + len(octets):]


# ---- the disk as the system calls leave it ----


def load(path):
    """What lies there: (inode number, time, octets, a link's target, or a directory's names)."""
    st = os.lstat(path)
    if os.path.islink(path):
        return st.st_ino, st.st_mtime_ns, os.readlink(path)
    if os.path.isdir(path):
        return st.st_ino, st.st_mtime_ns, {e.name: load(e.path) for e in os.scandir(path) if is_kept(e)}
    with open(path, "rb") as f:
        return st.st_ino, st.st_mtime_ns, f.read()


def syncs_names(path):
    """As durable_learn decides."""
    best = ("", "")
    with open("/proc/self/mounts", encoding="utf-8") as f:
        for mount, kind in (line.split()[1:3] for line in f):
            best = max(best, (mount, kind)) if os.path.join(path, "").startswith(os.path.join(mount, "")) else best
    device = os.stat(path).st_dev
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))
    journals = os.listdir("/proc/fs/jbd2") if os.path.isdir("/proc/fs/jbd2") else []
    return best[1] == "xfs" or best[1] == "ext4" and any(j.rpartition("-")[0] == name for j in journals)


def is_kept(entry):
    """Fifos and sockets are not part of the model."""
    return entry.is_symlink() or entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)


def contents(root):
    """{path: octets or target} of every file and link."""
    return {e.path: load(e.path)[2] for p, _, _ in os.walk(root) for e in os.scandir(p) if is_kept(e) and not e.is_dir(follow_symlinks=False)}


class Disk:
    """loaded: what is there, all of it synced. inos: numbers of the files that will be made, as far as they are known. names: whether a file's sync keeps its name;
    None: as on the disk that root is on."""

    def __init__(self, root, loaded, inos=(), names=None):
        self.root, self.made, self.inos, self.nodes, self.names = root, [], inos, {}, syncs_names(root) if names is None else names
        self.top = self.node(*loaded)

    def node(self, ino, mtime, content):
        if ino not in self.nodes:
            if isinstance(content, dict):
                self.nodes[ino] = Node(ino, names={n: self.node(*x) for n, x in content.items()}, mtime=mtime)
            else:
                self.nodes[ino] = Node(ino, content, mtime=mtime)
        return self.nodes[ino]

    def make(self, **values):
        n = len(self.made)
        self.made.append(Node(self.inos[n] if n < len(self.inos) else None, **values))
        return self.made[-1]

    def learn(self, path="", node=None):
        """At the end: inode numbers of what is there."""
        node = node or self.top
        node.ino = node.ino or os.lstat(self.root + path).st_ino
        for name, child in (node.names or {}).items():
            self.learn(f"{path}/{name}", child)
        return [n.ino for n in self.made]

    def everything(self):
        """All nodes that are or were reachable, in no order."""
        seen, left = set(), [self.top]
        while left:
            node = left.pop()
            if node not in seen:
                seen.add(node)
                left += [*(node.names or {}).values(), *node.synced_names.values()]
                left += [c for e in node.pending if node.is_dir() for _, c in e.changes if c]
        return seen

    def crash(self, rng, how):
        """{Node: (names or octets, mtime)}: what is there after a power cut now. how: none, all, some of what is not synced."""
        nodes = self.everything()
        kept = {n: 0 if how == "none" else len(n.pending) if how == "all" else rng.choice((0, len(n.pending), rng.randrange(len(n.pending) + 1)))
                for n in nodes}
        again = True
        while again:
            again = False
            for n in nodes:
                for entry in n.pending[:kept[n]] if n.is_dir() else ():
                    if entry.other and entry.other in entry.other.directory.pending:
                        at = entry.other.directory.pending.index(entry.other) + 1
                        if kept[entry.other.directory] < at:
                            kept[entry.other.directory], again = at, True
        return {n: self.survived(n, kept[n], rng, how) for n in nodes}

    def survived(self, node, n, rng, how):
        done = node.pending[:n]
        if node.is_dir():
            names = dict(node.synced_names)
            for entry in done:
                apply(names, entry.changes)
            return names, done[-1].mtime if done else node.synced_mtime
        data = node.synced
        for at, octets in done:
            data = splice(data, at, octets)
        if how == "some" and node.pending:
            more = rng.randrange(4)
            if more == 0 and n < len(node.pending) and node.pending[n][1]:      # the next write is torn
                at, octets = node.pending[n]
                data = splice(data, at, octets[:rng.randrange(len(octets) + 1)])
            elif more == 1 and len(node.data) > len(node.synced):               # the size is there, the content is not
                data = data[:len(node.synced)] + bytes(len(node.data) - len(node.synced))
        return data, rng.choice((node.mtime, node.synced_mtime)) if how == "some" else node.mtime if done else node.synced_mtime


# ---- from a trace to operations ----


def arguments(text):
    """A call's arguments as strace writes them; nothing in quotes is anything but \\x."""
    out, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "{[(") - (c in "}])")
        if c == "," and not depth:
            out.append(text[start:i].strip())
            start = i + 1
    return out + [text[start:].strip()]


def octets(text):
    return bytes.fromhex(text.strip('"').replace("\\x", ""))


def calls(path):
    """(time in ns, name, arguments, result) of each call that succeeded."""
    with open(path) as f:
        for line in f:
            m = re.match(r"(?:\d+ +)?(\d+)\.(\d{6}) (\w+)\((.*)\) += (-?\d+)", line)
            if m and int(m[5]) >= 0:
                yield int(m[1]) * NS + int(m[2]) * 1000, m[3], arguments(m[4]), int(m[5])
            elif not m and "exit" not in line and "= ?" not in line:
                raise ValueError("a line of the trace: " + line[:200])


def calls_of_all(path):
    """(process, time in ns, name, arguments, result) of each call that succeeded, by any of the processes, as they ended."""
    begun = {}
    with open(path) as f:
        for line in f:
            pid, line = line.split(" ", 1)
            line = line.lstrip()
            if line.endswith(" <unfinished ...>\n"):
                begun[pid] = line[:-len(" <unfinished ...>\n")]
                continue
            if m := re.match(r"(\d+\.\d+) <\.\.\. \w+ resumed>(.*\n)", line):
                line = begun.pop(pid) + m[2]
                line = f"{m[1]} {line.split(' ', 1)[1]}"
            m = re.match(r"(\d+)\.(\d{6}) (\w+)\((.*)\) += (-?\d+)", line)
            if m and int(m[5]) >= 0:
                yield int(pid), int(m[1]) * NS + int(m[2]) * 1000, m[3], arguments(m[4]), int(m[5])
            elif not m and "exit" not in line and "= ?" not in line:
                raise ValueError("a line of the trace: " + line[:200])


class Processes:
    """All of them: a child has its parent's descriptors."""

    def __init__(self, disk):
        self.disk, self.of = disk, {}

    def run(self, pid, when, name, a, result):
        process = self.of.setdefault(pid, Process(self.disk))
        if name in ("fork", "vfork", "clone", "clone3"):
            child = self.of.setdefault(result, Process(self.disk))
            child.inherit(process, "CLONE_FILES" in str(a))
            return 0
        return process.run(when, name, a, result)


class Process:
    """A process's descriptors, and what its calls do to the disk."""

    def __init__(self, disk):
        self.disk, self.fd = disk, {}  # number: [Node or None, offset, append]
        self.closing = set()           # those that the next program does not get
        self.newest = set()            # files of the disk without a name
        self.directory, self.executed = None, False

    def inherit(self, parent, same):
        """What a child has of it; its parent's call may return when the child has already gone on."""
        if same:
            self.fd, self.closing = parent.fd, parent.closing
            return
        given = {n: f for n, f in parent.fd.items() if not (self.executed and n in parent.closing)}
        self.fd = {**given, **self.fd}
        self.closing |= parent.closing if not self.executed else set()
        self.directory = self.directory or parent.directory

    def node(self, arg):
        n = re.match(r"\d+", arg)
        return self.fd.get(int(n[0]), [None])[0] if n else None

    def place(self, at, path):
        """(directory, name) of a path; None: outside."""
        path = octets(path).decode(errors="surrogateescape")
        if path.startswith("/") or not at[:1].isdigit() and not self.directory:
            if not (path + "/").startswith(self.disk.root + "/"):
                return None
            node, path = self.disk.top, path[len(self.disk.root):]
        else:
            node = self.node(at) if at[:1].isdigit() else self.directory
        parts = [p for p in path.split("/") if p not in ("", ".")]
        for part in parts[:-1]:
            node = node and node.names.get(part)
        return (node, parts[-1] if parts else None) if node else None

    def find(self, at, path):
        there = self.place(at, path)
        return there and (there[0].names.get(there[1]) if there[1] else there[0])

    def run(self, when, name, a, result):
        """1 if the disk changed."""
        return getattr(self, "do_" + name, self.nothing)(when, a, result)

    def nothing(self, when, a, result):
        return 0

    def do_openat(self, when, a, result):
        there, changed = None if "O_TMPFILE" in a[2] else self.place(a[0], a[1]), 0
        node = self.find(a[0], a[1]) if there else None
        if there and not node and "O_CREAT" in a[2]:
            node, changed = self.disk.make(mtime=when), 1
            Entry(there[0], [(there[1], node)], when)
        if node and "O_TRUNC" in a[2] and node.data:
            node.write(0, None, when)
            changed = 1
        self.begin(result, [node, 0, "O_APPEND" in a[2]], "O_CLOEXEC" in a[2])
        if "O_TMPFILE" in a[2] and self.find(a[0], a[1]):
            self.newest.add(result)
        return changed

    def begin(self, number, file, closing):
        self.fd[number] = file
        self.newest.discard(number)
        (self.closing.add if closing else self.closing.discard)(number)

    def do_close(self, when, a, result):
        self.fd.pop(int(a[0]), None)

    def do_close_range(self, when, a, result):
        some = {n for n in self.fd if int(a[0]) <= n <= int(a[1])}
        if "CLOEXEC" in a[2]:
            self.closing |= some
        else:
            self.forget(some)

    def do_execve(self, when, a, result):
        self.forget(self.closing)
        self.closing, self.executed = set(), True

    def forget(self, numbers):
        for n in numbers:
            self.fd.pop(n, None)

    def do_dup(self, when, a, result):
        self.begin(result, self.fd.get(int(a[0]), [None, 0, False]), "CLOEXEC" in " ".join(a[1:]))

    def do_dup2(self, when, a, result):
        self.do_dup(when, a, result)
    do_dup3 = do_dup2

    def do_fcntl(self, when, a, result):
        if "F_DUPFD" in a[1]:
            self.do_dup(when, a, result)
        elif "F_SETFD" in a[1]:
            (self.closing.add if "FD_CLOEXEC" in a[2] else self.closing.discard)(int(a[0]))

    def do_read(self, when, a, result):
        if int(a[0]) in self.fd:
            self.fd[int(a[0])][1] += result

    def do_chdir(self, when, a, result):
        self.directory = self.find("", a[0])

    def do_fchdir(self, when, a, result):
        self.directory = self.node(a[0])

    def do_lseek(self, when, a, result):
        if int(a[0]) in self.fd:
            self.fd[int(a[0])][1] = result

    def do_write(self, when, a, result):
        if not (f := self.fd.get(int(a[0]))) or not f[0]:
            return 0
        at = len(f[0].data) if f[2] else f[1]
        f[0].write(at, octets(a[1])[:result], when)
        f[1] = at + result
        return 1

    def do_pwrite64(self, when, a, result):
        if not (node := self.node(a[0])):
            return 0
        node.write(int(a[3]), octets(a[1])[:result], when)
        return 1

    def do_pwritev(self, when, a, result):
        return self.vector(when, a, result, int(a[3]) if self.node(a[0]) else 0)

    def do_writev(self, when, a, result):
        f = self.fd.get(int(a[0]), [None, 0, False])
        done = self.vector(when, a, result, len(f[0].data) if f[0] and f[2] else f[1])
        f[1] += result
        return done

    def vector(self, when, a, result, at):
        if not (node := self.node(a[0])):
            return 0
        text = b"".join(octets(x) for x in re.findall(r'iov_base=("[^"]*")', a[1]))
        node.write(at, text[:result], when)
        return 1

    def do_ftruncate(self, when, a, result):
        if node := self.node(a[0]):
            node.write(int(a[1]), None, when)
        return 1

    def do_fsync(self, when, a, result):
        if self.disk.names and int(re.match(r"\d+", a[0])[0]) in self.newest:
            self.commit()
        if node := self.node(a[0]):
            node.sync()
            for entry in node.renamed if self.disk.names else ():
                while entry in entry.directory.pending:
                    entry.directory.pending[0].sync(entry.directory)
        return 1
    do_fdatasync = do_fsync

    def commit(self):
        """A file that was made last is in the journal behind all names that changed before (durable_commit of lib/durable.h)."""
        for node in self.disk.everything():
            if node.is_dir():
                node.sync()

    def do_syncfs(self, when, a, result):
        for node in self.disk.everything():
            node.sync()
        return 1

    def do_sync_file_range(self, when, a, result):
        """As the log of ext4 and XFS has it: blocks and size stand before whatever is done next."""
        if node := self.node(a[0]):
            node.pending.clear()
            node.synced = node.data
        return 1

    def rename(self, when, old, new):
        if not old or not new:
            raise ValueError("a rename over the edge of what is watched")
        node = old[0].names[old[1]]
        if old[0] is new[0]:
            node.renamed.append(Entry(old[0], [(old[1], None), (new[1], node)], when))
        else:
            node.renamed.append(Entry(old[0], [(old[1], None)], when, Entry(new[0], [(new[1], node)], when)))
        return 1

    def do_rename(self, when, a, result):
        return self.rename(when, self.place("", a[0]), self.place("", a[1]))

    def do_renameat(self, when, a, result):
        return self.rename(when, self.place(a[0], a[1]), self.place(a[2], a[3]))
    do_renameat2 = do_renameat

    def do_linkat(self, when, a, result):
        there, node = self.place(a[2], a[3]), self.find(a[0], a[1])
        Entry(there[0], [(there[1], node)], when)
        return 1

    def do_symlinkat(self, when, a, result):
        if there := self.place(a[1], a[2]):
            Entry(there[0], [(there[1], self.disk.make(data=octets(a[0]).decode(), mtime=when))], when)
        return 1

    def do_symlink(self, when, a, result):
        return self.do_symlinkat(when, [a[0], "", a[1]], result)

    def do_unlinkat(self, when, a, result):
        if there := self.place(a[0], a[1]):
            Entry(there[0], [(there[1], None)], when)
        return 1

    def do_unlink(self, when, a, result):
        return self.do_unlinkat(when, ["", a[0]], result)

    def do_mkdirat(self, when, a, result):
        if there := self.place(a[0], a[1]):
            Entry(there[0], [(there[1], self.disk.make(names={}, mtime=when))], when)
        return 1

    def do_mkdir(self, when, a, result):
        return self.do_mkdirat(when, ["", a[0]], result)

    def do_utimensat(self, when, a, result):
        node = self.node(a[0]) if a[1] == "NULL" else self.find(a[0], a[1])
        sec = re.findall(r"tv_sec=(\d+)", a[2])
        nsec = re.findall(r"tv_nsec=(\d+|UTIME_\w+)", a[2])
        if node and (len(sec) == 2 or a[2] == "NULL"):
            node.mtime = when if a[2] == "NULL" or nsec[-1] == "UTIME_NOW" else int(sec[1]) * NS + int(nsec[1])
        return 1

    def do_newfstatat(self, when, a, result):
        """Not a change: tells the very time that a session may write down."""
        node = self.node(a[0]) if a[1] == '""' else self.find(a[0], a[1])
        m = re.search(r"st_ino=(\d+),.* st_mtime=(-?\d+).* st_mtime_nsec=(\d+)", a[2])
        if node and m:
            node.ino, node.mtime = int(m[1]), int(m[2]) * NS + int(m[3])
            if node.is_dir() and node.pending:
                node.pending[-1].mtime = node.mtime
            elif not node.pending:
                node.synced_mtime = node.mtime

    def do_fstat(self, when, a, result):
        return self.do_newfstatat(when, [a[0], '""', a[1]], result)

    def do_mmap(self, when, a, result):
        if self.node(a[4]) and "PROT_WRITE" in a[2] and "MAP_SHARED" in a[3]:
            raise ValueError("a file is written through memory; this model does not see it")

    def unknown(self, when, a, result):
        raise ValueError("a call that this model does not know")
    do_copy_file_range = do_sendfile = do_splice = do_fallocate = do_truncate = do_creat = do_link = do_open = unknown


# ---- putting it there ----


class Stage:
    """The recorded directory itself, made to be what a power cut would have left. Each file is kept under its inode number."""

    def __init__(self, root, graves, own):
        self.root, self.graves, self.own = root, graves, own
        os.mkdir(graves)

    def bury(self, path=None):
        """Keeps a link to every file that is there, so that no inode number is lost."""
        path = path or self.root
        for e in os.scandir(path):
            if e.is_dir(follow_symlinks=False):
                self.bury(e.path)
            elif e.is_file(follow_symlinks=False):
                try:
                    os.link(e.path, f"{self.graves}/{e.inode()}")
                except FileExistsError:
                    pass

    def set(self, state, node, path=None):
        """Makes the directory what the state says."""
        if not path:
            path, self.used = self.root, {}
        names, mtime = state[node]
        there = {e.name: e for e in os.scandir(path) if is_kept(e)}
        for name, e in there.items():
            if name not in names or (not names[name].is_dir() and names[name].ino != e.inode()):
                remove(e.path)
        for name, child in names.items():
            file = f"{path}/{name}"
            if child.is_dir():
                if not os.path.isdir(file):
                    os.mkdir(file, 0o700)
                    self.own(file)
                self.set(state, child, file)
            else:
                self.put(file, child, *state[child])
        os.utime(path, ns=(mtime, mtime))

    def put(self, file, node, data, mtime):
        if isinstance(data, str):
            self.lead(file, data)
            return
        grave = f"{self.graves}/{node.ino}"
        # A number that the trace gave to a later file, when this one's removal had not been lost: a number of its own.
        other = self.used.setdefault(node.ino, node) is not node
        if other and os.path.exists(file):
            os.unlink(file)
        if not os.path.exists(file):
            if node.ino and not other and os.path.exists(grave):
                os.link(grave, file)
            else:
                with open(file, "xb"):
                    self.own(file)
        with open(file, "rb") as f:
            same = f.read() == data
        if not same:
            with open(file, "wb") as f:
                f.write(data)
        if file.endswith(".lock"):
            mtime -= 3600 * NS  # it takes a while until the machine runs again
        os.utime(file, ns=(mtime, mtime))

    def lead(self, file, target):
        """A symbolic link; the number of its inode is nobody's business."""
        if os.path.lexists(file):
            os.unlink(file)
        os.symlink(target, file)
        self.own(file)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        for name in os.listdir(path):
            remove(f"{path}/{name}")
        os.rmdir(path)
    else:
        os.unlink(path)
