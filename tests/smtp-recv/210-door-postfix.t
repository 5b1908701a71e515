#!/usr/bin/env python3
"""The door beside Debian's Postfix: the same clients, greetings and senders, the same DNS (nsd), the restriction that stands
beside each check in doc/door.md. Postfix asks port 53 alone, so its resolv.conf is one of its own, in a mount namespace: needs root."""
import atexit, os, random, shutil, socket, subprocess, sys, tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import postfixserver
from dns import Faults, Nsd
from ports import free_port
from smtprecv import LIMIT, Instance, Tap

tap = Tap()
NIBBLES = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
ZONES = {
    "2.0.192.in-addr.arpa": "7 PTR mail.host.test.\n8 PTR forged.host.test.\n10 PTR nowhere.host.test.\n11 CNAME 11.nets.host.test.\n13 PTR alias.host.test.\n15 PTR broken.fail.test.\n",
    "8.b.d.0.1.0.0.2.ip6.arpa": NIBBLES + " PTR mail.host.test.\n",
    "host.test": """
mail A 192.0.2.7
mail AAAA 2001:db8::7
forged A 192.0.2.99
11.nets PTR classless.host.test.
classless A 192.0.2.11
alias CNAME target
target A 192.0.2.13
six AAAA 2001:db8::8
mx MX 10 mail
text TXT "nothing else"
""",
    "send.test": '@ MX 10 mail.host.test.\na A 192.0.2.7\naaaa AAAA 2001:db8::7\nnull MX 0 .\ntext TXT "nothing else"\nalias CNAME a\n',
    "bl.test": f'7.2.0.192 A 127.0.0.2\n7.2.0.192 TXT "see bl.test"\n8.2.0.192 A 127.0.0.10\n{NIBBLES}.8.b.d.0.1.0.0.2 A 127.0.0.4\n',
    "rhs.test": "a.send.test A 127.0.1.2\n",
}
CLIENTS = [{"ip": ip} for ip in ("192.0.2.7", "192.0.2.8", "192.0.2.10", "192.0.2.11", "192.0.2.13", "192.0.2.15", "192.0.2.16", "203.0.113.1", "2001:db8::7", "2001:db8::9")]
GREETINGS = [{"helo": h} for h in ("mail.host.test", "mail.host.test.", "localhost", "-a.test", "a..test", "a_b.host.test", "[192.0.2.7]", "[192.0.2.300]", "[IPv6:2001:db8::7]",
                                   "six.host.test", "mx.host.test", "alias.host.test", "text.host.test", "nothing.host.test", "mail.fail.test")]
SENDERS = [{"sender": s} for s in ("u@send.test", "u@a.send.test", "u@aaaa.send.test", "u@null.send.test", "u@text.send.test", "u@alias.send.test", "u@nothing.send.test",
                                   "u@fail.test", "", "u@[192.0.2.7]")]
# Ours, Postfix's, what they are given, and where we differ: the first digit of our reply.
ROWS = (
    ({"smtp_check_ptr": "refuse"}, "reject_unknown_reverse_client_hostname", CLIENTS, {}),
    ({"smtp_check_name": "refuse"}, "reject_unknown_client_hostname", CLIENTS, {}),
    ({"smtp_check_helo_name": "refuse"}, "reject_invalid_helo_hostname,reject_non_fqdn_helo_hostname", GREETINGS, {}),
    # It asks for a name with a dot at its end as it stands, and for one that is none.
    ({"smtp_check_helo_dns": "refuse", "smtp_check_helo_name": "refuse"}, "reject_unknown_helo_hostname", GREETINGS, {"mail.host.test.": "2", "localhost": "5"}),
    ({"smtp_check_sender": "refuse"}, "reject_unknown_sender_domain", SENDERS, {}),
    ({"dnsbl": "bl.test\n"}, "reject_rbl_client,bl.test", CLIENTS, {}),
    ({"dnsbl": "bl.test answer=127.0.0.[2..9]\n"}, "reject_rbl_client,bl.test=127.0.0.[2..9]", CLIENTS[:3], {}),
    ({"dnsbl": "rhs.test sender\n"}, "reject_rhsbl_sender,rhs.test", SENDERS, {}),
)


class Postfix(postfixserver.Postfix):
    """With a resolver of its own."""
    resolv = None

    def run(self, what):
        if what != "start":
            return super().run(what)
        script = 'mount --bind "$1" /etc/resolv.conf && exec postfix -c "$2" start'
        return subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", self.resolv, self.dir + "/conf"], env=self.env, capture_output=True, text=True)


def case(ip="192.0.2.7", helo="mail.host.test", sender="u@send.test"):
    return ip, [f"EHLO {helo}", f"MAIL FROM:<{sender}>", "RCPT TO:<u@example.test>"]


def theirs(port, ip, lines):
    family, local = ("6", "2001:db8::1") if ":" in ip else ("4", "192.0.2.1")
    with socket.create_connection(("127.0.0.1", port), LIMIT) as s, s.makefile("rb") as f:
        for line in [f"PROXY TCP{family} {ip} {local} 4321 25", *lines]:
            s.sendall(line.encode() + b"\r\n")
            while (said := f.readline())[3:4] == b"-":
                pass
            if said[:1] != b"2":
                break
        return said.decode().strip()


def ours(i, ip, lines):
    c = i.client(TCPREMOTEIP=ip, TCPLOCALIP="192.0.2.1" if "." in ip else "2001:db8::1")
    for line in lines:
        said = c.cmd(line)
    c.cmd("QUIT")
    c.close()
    return said


def reason():
    if not postfixserver.available:
        return "no Postfix, or not root"
    probe = subprocess.run(["unshare", "-m", "mount", "--bind", "/etc/hosts", "/etc/resolv.conf"], capture_output=True, text=True)
    if probe.returncode:
        return probe.stderr.strip()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, socket.socket() as t:
            s.bind((host, 53))
            t.bind((host, 53))
    except OSError as e:
        return f"port 53 of {host}: {e}"
    return None


host = "127.%d.%d.%d" % (random.randint(1, 254), random.randint(0, 255), random.randint(1, 254))
why = reason()
if why:
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
directory = tempfile.mkdtemp(prefix="postern-test.")
atexit.register(shutil.rmtree, directory, True)
os.chmod(directory, 0o755)
with Nsd(ZONES) as nsd, Faults(nsd.port, [], host, 53) as resolver:
    Postfix.resolv = directory + "/resolv.conf"
    with open(Postfix.resolv, "w") as f:
        f.write(f"nameserver {host}\noptions timeout:30\n")
    ports = [free_port() for _ in ROWS]
    services = {("127.0.0.1", port): {"smtpd_recipient_restrictions": row[1]} for port, row in zip(ports, ROWS)}
    with Postfix(services, below=directory, smtpd_upstream_proxy_protocol="haproxy", smtpd_peername_lookup="yes", smtpd_delay_reject="yes", mynetworks="127.0.0.53/32", relay_domains="example.test",
                 smtpd_relay_restrictions="permit_auth_destination, reject", inet_protocols="all", **{f"unknown_{n}_reject_code": "550" for n in ("client", "address", "hostname")}) as postfix:
        for port, (settings, restriction, cases, differ) in zip(ports, ROWS):
            i = Instance(**{"resolver": f"{host}@53", "smtp_reverse_dns": "auto", "smtp_dns_seconds": 60, **settings})
            for one in cases:
                a, b = ours(i, *case(**one)), theirs(port, *case(**one))
                given = list(one.values())[0]
                tap.ok(a[0] == differ.get(given, b[0]), f"{restriction}: {given or '<>'}: {b[0]}xx with Postfix, {a[0]}xx here", f"ours    {a}\ntheirs  {b}\n{postfix.log()[-1500:]}")
            i.close()
tap.done()
