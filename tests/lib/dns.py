"""Real DNS servers on loopback: Debian's nsd with zones given as text, signed where asked for (ldnsutils), and faults
put between it and who asks."""
import os, shutil, signal, socket, struct, subprocess, tempfile, threading, time

from ports import free_port


def answers(port, name="localhost", limit=0.1):
    """One question for an A record: any answer at all."""
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(limit)
        try:
            s.sendto(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\x00\x00\x01\x00\x01", ("127.0.0.1", port))
            return s.recv(4096)
        except OSError:
            return None


class Server:
    """A process in a directory of its own, on a port that is tried again where somebody else was quicker."""

    def __enter__(self):
        for _ in range(5):
            self.port = free_port()
            self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            end = time.monotonic() + 120
            while self.process.poll() is None and time.monotonic() < end:
                if answers(self.port):
                    return self
        raise RuntimeError(f"{self.name} does not answer")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Nsd(Server):
    """zones: {"a.test": "@ MX 10 mail\\nmail A 127.0.0.1\\n"}; SOA and NS are added. signed: names of zones that are
    signed; a zone that lies in another one is delegated there, with a DS record if it is signed. The outermost
    signed zones are the trust anchors in the file `anchor`. tamper: {zone: function of the signed text};
    expired: zones whose signatures are."""

    name = "nsd"

    def __init__(self, zones, signed=(), tamper=None, expired=()):
        self.dir = tempfile.mkdtemp(prefix="postern-nsd.")
        self.zones, self.anchor = list(zones), f"{self.dir}/anchor"
        anchors = ""
        # Children first: their DS records stand in the parent.
        for zone in sorted(zones, key=lambda z: -z.count(".")):
            children = [z for z in zones if self.parent(z) == zone]
            text = f"$ORIGIN {zone}.\n$TTL 5\n@ SOA ns hostmaster 1 60 60 60 5\n@ NS ns\nns A 127.0.0.1\n{zones[zone]}\n"
            for child in children:
                text += f"{child}. NS ns.{child}.\nns.{child}. A 127.0.0.1\n" + (self.read(f"{child}.ds") if child in signed else "")
            self.write(f"{zone}.zone", text)
            if zone in signed:
                ds = self.sign(zone, zone in expired)
                if self.parent(zone) not in signed:
                    anchors += ds
                if tamper and zone in tamper:
                    self.write(f"{zone}.zone", tamper[zone](self.read(f"{zone}.zone")))
        self.write("anchor", anchors)
        os.chmod(self.dir, 0o755)

    def parent(self, zone):
        while "." in zone:
            zone = zone.partition(".")[2]
            if zone in self.zones:
                return zone

    def read(self, name):
        with open(f"{self.dir}/{name}") as f:
            return f.read()

    def write(self, name, text):
        with open(f"{self.dir}/{name}", "w") as f:
            f.write(text)

    def sign(self, zone, expired):
        """zone's DS record; its file becomes the signed one."""
        run = lambda *a: subprocess.run(a, cwd=self.dir, check=True, capture_output=True, text=True).stdout.strip()
        key = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone)
        when = ["-i", "20200101", "-e", "20200201"] if expired else []
        run("ldns-signzone", *when, "-o", zone, "-f", f"{zone}.signed", f"{zone}.zone", key)
        os.rename(f"{self.dir}/{zone}.signed", f"{self.dir}/{zone}.zone")
        self.write(f"{zone}.ds", self.read(f"{key}.ds"))
        return self.read(f"{key}.ds")

    def command(self):
        self.write("nsd.conf", f"""server:
  ip-address: 127.0.0.1@{self.port}
  username: ""
  chroot: ""
  zonesdir: "{self.dir}"
  pidfile: "{self.dir}/pid"
  xfrdfile: ""
  zonelistfile: "{self.dir}/zonelist"
  cookie-secret-file: ""
  database: ""
  verbosity: 0
  server-count: 1
  hide-version: yes
remote-control:
  control-enable: no
""" + "".join(f'zone:\n  name: "{z}"\n  zonefile: "{self.dir}/{z}.zone"\n' for z in self.zones))
        return ["nsd", "-d", "-c", f"{self.dir}/nsd.conf"]


class Unbound(Server):
    """A validating recursive resolver (Debian's unbound) in front of an Nsd."""

    name = "unbound"

    def __init__(self, nsd):
        self.dir, self.nsd = tempfile.mkdtemp(prefix="postern-unbound."), nsd

    def command(self):
        with open(f"{self.dir}/unbound.conf", "w") as f:
            f.write(f"""server:
  interface: 127.0.0.1
  port: {self.port}
  username: ""
  chroot: ""
  directory: "{self.dir}"
  pidfile: "{self.dir}/pid"
  use-syslog: no
  do-not-query-localhost: no
  local-zone: "test." transparent
  trust-anchor-file: "{self.nsd.anchor}"
stub-zone:
  name: "test."
  stub-addr: 127.0.0.1@{self.nsd.port}
remote-control:
  control-enable: no
""")
        return ["unbound", "-d", "-c", f"{self.dir}/unbound.conf"]


class Faults:
    """Between a resolver and `port`: rules is a list of (end of the name, type or 0, fault); the first that fits
    counts. Faults: "drop", "servfail", "refused", "truncate" (over UDP only: ask again over TCP), "garbage", or a function
    of the question that makes the answer, or a list of answers."""

    def __init__(self, port, rules, host="127.0.0.1", own=None):
        self.to, self.rules, self.seen = ("127.0.0.1", port), rules, []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.tcp = socket.socket(family)
        self.port = own or free_port()
        self.udp.bind((host, self.port))
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((host, self.port))
        self.tcp.listen(32)

    def __enter__(self):
        for serve in self.serve_udp, self.serve_tcp:
            threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        for s in self.udp, self.tcp:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def fault(self, question, tcp):
        """What is answered in the server's place: None nothing is wrong, b"" nothing at all."""
        if len(question) < 17:  # the end of the socket says so
            return b""
        name, i = [], 12
        while question[i]:
            name.append(question[i + 1:i + 1 + question[i]].decode("latin1").lower())
            i += 1 + question[i]
        kind, name, end = struct.unpack(">H", question[i + 1:i + 3])[0], ".".join(name), i + 5
        self.seen.append((name, kind, tcp))
        for suffix, wanted, fault in self.rules:
            if not (name == suffix or name.endswith("." + suffix)) or (wanted and wanted != kind):
                continue
            head = lambda flags: question[:2] + flags + b"\x00\x01" + bytes(6) + question[12:end]
            if fault == "truncate" and tcp:
                return None
            if callable(fault):
                return fault(question[:end])
            return {"drop": b"", "servfail": head(b"\x81\x82"), "refused": head(b"\x81\x85"), "truncate": head(b"\x87\x80"),
                    "garbage": question[:2] + b"\x84\x00" + b"\xff" * 40}[fault]
        return None

    def serve_udp(self):
        while True:
            try:
                question, who = self.udp.recvfrom(65536)
            except OSError:
                return
            threading.Thread(target=self.one_udp, args=(question, who), daemon=True).start()

    def one_udp(self, question, who):
        answer = self.fault(question, False)
        if answer is None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(60)
                s.sendto(question, self.to)
                try:
                    answer = s.recv(65536)
                except OSError:
                    return
        try:
            for one in answer if isinstance(answer, list) else [answer] if answer else []:
                self.udp.sendto(one, who)
        except OSError:
            pass

    def serve_tcp(self):
        while True:
            try:
                c, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.one_tcp, args=(c,), daemon=True).start()

    def one_tcp(self, c):
        with c, c.makefile("rb") as f:
            while True:
                head = f.read(2)
                question = f.read(struct.unpack(">H", head)[0]) if len(head) == 2 else b""
                if not question:
                    return
                answer = self.fault(question, True)
                if answer is None:
                    with socket.create_connection(self.to, 60) as s, s.makefile("rb") as g:
                        s.sendall(head + question)
                        answer = g.read(struct.unpack(">H", g.read(2))[0])
                if not answer:
                    return
                c.sendall(struct.pack(">H", len(answer)) + answer)
