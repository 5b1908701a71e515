"""A real DNS server (Debian's nsd) on a loopback port, serving zones given as text."""
import os, shutil, signal, socket, subprocess, tempfile, time


class Nsd:
    """zones: {"a.test": "@ MX 10 mail\\nmail A 127.0.0.1\\n"}; SOA and NS are added. One server, one port."""

    def __init__(self, zones):
        self.dir = tempfile.mkdtemp(prefix="postern-nsd.")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        config = f"""server:
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
"""
        for name, text in zones.items():
            with open(f"{self.dir}/{name}.zone", "w") as f:
                f.write(f"$ORIGIN {name}.\n$TTL 5\n@ SOA ns hostmaster 1 60 60 60 5\n@ NS ns\nns A 127.0.0.1\n{text}\n")
            config += f'zone:\n  name: "{name}"\n  zonefile: "{self.dir}/{name}.zone"\n'
        with open(f"{self.dir}/nsd.conf", "w") as f:
            f.write(config)

    def __enter__(self):
        self.process = subprocess.Popen(["nsd", "-d", "-c", f"{self.dir}/nsd.conf"], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02ns\x00\x00\x01\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.1)
            while True:  # any answer at all means that it listens
                try:
                    s.sendto(question, ("127.0.0.1", self.port))
                    s.recv(512)
                    return self
                except OSError:
                    if time.monotonic() > end or self.process.poll() is not None:
                        raise RuntimeError("nsd does not answer") from None

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        shutil.rmtree(self.dir, ignore_errors=True)
