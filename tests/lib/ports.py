"""Ports for servers that must be told theirs before they run. The kernel gives none of these to anybody who asks for any port, and no
other test that asks here gets one that this process has been given."""
import errno, itertools, random, socket

FIRST, BASES, END = 10000, 20000, 32000  # below what Linux gives away by itself; bases of whole instances apart
held = []


def reserve(name):
    """Until the process ends: an abstract socket needs no cleaning up."""
    s = socket.socket(socket.AF_UNIX)
    try:
        s.bind(f"\0postern-test-{name}")
    except OSError:
        s.close()
        return False
    held.append(s)
    return True


def is_free(port, *ips):
    """For TCP and UDP. An address that there is not is nobody's; a connection that has ended does no harm to a server."""
    for ip, kind in itertools.product(ips, (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
        with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, kind) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
            try:
                s.bind((ip, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
    return True


def free_port(*ips):
    """A port of these addresses, 127.0.0.1 if none is named."""
    while True:
        port = random.randrange(FIRST, BASES)
        if reserve(f"port-{port}") and is_free(port, *(ips or ("127.0.0.1",))):
            return port


def free_base(offsets):
    """A number, with each of these offsets a port of both loopback addresses: two of them 100 apart share no port."""
    bases = range(BASES, END - max(offsets), 100)
    for base in random.sample(bases, len(bases)):
        if all(is_free(base + n, "127.0.0.1", "::1") for n in offsets) and reserve(f"base-{base}"):
            return base
    raise RuntimeError("no free ports")
