#!/usr/bin/env python3
"""proxy-server: who is believed, what the program behind learns, that not one octet behind the header is taken, exit
codes and log lines."""
import os, socket, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from instance import tap

SIG = b"\r\n\r\n\0\r\nQUIT\n"
IN4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.1") + b"\x10\xe1\x00\x19"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 4321 25\r\n"
V2 = SIG + b"\x21\x11\x00\x0c" + IN4
LOCAL = SIG + b"\x20\x00\x00\x00"
LONG = SIG + b"\x21\x11" + (4080).to_bytes(2, "big") + IN4 + b"\4" * 4068
SHOW = ["sh", "-c", "env | grep -E '^(PROTO|TCP)' | sort; cat"]
TOLD = "PROTO=TCP\nTCPLOCALIP=198.51.100.1\nTCPLOCALPORT=25\nTCPREMOTEIP=192.0.2.7\nTCPREMOTEPORT=4321\n"
OWN = "PROTO=TCP\nTCPLOCALIP=127.0.0.1\nTCPLOCALPORT=25\nTCPREMOTEIP=127.0.0.9\nTCPREMOTEPORT=9\n"
top = tempfile.TemporaryDirectory()
os.makedirs(top.name + "/etc")


def setting(text):
    with open(top.name + "/etc/proxy-networks", "w") as f:
        f.write(text)


def run(data, *options, prog=SHOW, end=True, remote="127.0.0.9", **env):
    e = {"PATH": os.environ["PATH"], "POSTERN_DIR": top.name, "ASAN_OPTIONS": "detect_leaks=0", "PROTO": "TCP", "TCPLOCALIP": "127.0.0.1",
         "TCPLOCALPORT": "25", "TCPREMOTEIP": remote, "TCPREMOTEPORT": "9", "TCPREMOTEINFO": "who", "TCPREMOTEHOST": "host", **env}
    ours, theirs = socket.socketpair()
    with ours, theirs:
        p = subprocess.Popen(["proxy-server", *options, *prog], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=e)
        theirs.close()
        try:
            ours.sendall(data)
            if end:
                ours.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        out, err = p.communicate(timeout=120)
    return p.returncode, out.decode(), err.decode()


def check(name, want, data, *options, log="", **more):
    code, out, err = run(data, *options, **more)
    good = (code, out) == want if isinstance(want, tuple) else code == want and not out
    tap.ok(good and (log in err if log else not err), name, code, out, err)


setting("# proxies\n127.0.0.8/30\n2001:db8::9\n")
REST = b"EHLO a.example\r\n"
check("version 1, and what follows is for the program behind", (0, TOLD + REST.decode()), V1 + REST)
check("version 2", (0, TOLD + REST.decode()), V2 + REST)
check("version 2 with a TLV", (0, TOLD), SIG + b"\x21\x11\x00\x13" + IN4 + b"\2\0\4mail")
check("the longest that is taken", (0, TOLD + "x"), LONG + b"x")
check("one octet longer: exit 1", 1, LONG[:14] + b"\x0f\xf1" + LONG[16:] + b"x", log='event=no-proxy-header ip=127.0.0.9 reason="not one')
check("IPv6 of both ends", (0, TOLD.replace("198.51.100.1", "2001:db8::1").replace("192.0.2.7", "2001:db8::7")),
      b"PROXY TCP6 2001:db8::7 2001:db8:0::1 4321 25\r\n")
setting("127.0.0.9\n")
# What ucspi_init makes of the environment stays: only names that others have set go.
own = OWN.replace("TCPREMOTEIP", "TCPREMOTEHOST=host\nTCPREMOTEINFO=who\nTCPREMOTEIP")
check("LOCAL: the proxy's own connection", (0, own), LOCAL)
check("UNKNOWN", (0, own + "x"), b"PROXY UNKNOWN\r\nx")
check("a Unix socket behind the proxy", (0, own), SIG + b"\x21\x31\x00\xd8" + bytes(216))
check("-1 takes version 1", (0, TOLD), V1, "-1")
check("-1 takes no version 2: exit 1", 1, V2, "-1", log="event=no-proxy-header")
check("-2 takes version 2", (0, TOLD), V2, "-2")
check("-2 takes no version 1: exit 1", 1, V1, "-2", log="event=no-proxy-header")
check("a client that speaks without a header: exit 1", 1, REST, log="event=no-proxy-header ip=127.0.0.9")
check("malformed: exit 1", 1, b"PROXY TCP4 192.0.2.7\r\n", log="reason=malformed")
check("datagrams: exit 2", 2, SIG + b"\x21\x12\x00\x0c" + IN4, log='reason="of datagrams"')
check("the connection ends within it: exit 1", 1, V2[:20], log="ended within it")
check("it ends without a word, as a proxy looks whether we are there: no line", 1, b"")
check("too late: exit 111", 111, V1[:20], "-t", "50", end=False, log='reason="none came in time"')
check("nothing at all: exit 111", 111, b"", "-t", "50", end=False, log='reason="none came in time"')
check("not a proxy of ours: exit 1", 1, V1, remote="127.0.0.10", log='event=refused ip=127.0.0.10 reason="not a proxy of ours"')
check("-v 0: no line", 1, V1, "-v", "0", remote="127.0.0.10")
check("-v 2: a line of who it is", (0, TOLD), V1, "-v", "2", log="event=proxy ip=192.0.2.7 via=127.0.0.9")
check("-a goes before the setting", 1, V1, "-a", "192.0.2.0/24", log="event=refused")
check("-a twice", (0, TOLD), V1, "-a", "192.0.2.0/24", "-a", "127.0.0.0/8")
check("-a with IPv6", (0, TOLD), V1, "-a", "2001:db8::/32", remote="2001:db8::5")
os.unlink(top.name + "/etc/proxy-networks")
check("nobody is listed: nobody is believed", 1, V1, log="event=refused")
setting("localhost\n")
check("a setting that is no network: exit 100", 100, V1, log="etc/proxy-networks: bad value")
for name, words in (("no program", []), ("unknown option", ["-x", "true"]), ("-t no number", ["-t", "1s", "true"]),
                    ("-t too long", ["-t", "3600001", "true"]), ("-a no network", ["-a", "10/8x", "true"])):
    code, out, err = run(b"", *words, prog=[])
    tap.ok(code == 100 and not out, f"{name}: exit 100", code, err)
check("the program's own exit code", 7, V1, "-a", "127.0.0.9", prog=["sh", "-c", "exit 7"])
tap.done()
