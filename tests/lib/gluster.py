"""A GlusterFS volume of three bricks (replica 3) on this machine, mounted twice, for tests that run as root.

    gluster.need()                  skips the test with a reason, or goes on in namespaces of its own
    with gluster.Volume() as v:     v.mounts: two directories

Everything, servers and mounts, lives in a network, mount, process and host name namespace that ends with the test, whatever becomes of it."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

ADDRESS = "192.0.2.1"  # on the namespace's own loopback interface: GlusterFS takes no brick on 127.0.0.1
STATE = ("/var/lib/glusterd", "/var/run/gluster", "/var/log/glusterfs")
MANAGEMENT = """volume management
    type mgmt/glusterd
    option working-directory /var/lib/glusterd
    option transport-type socket
    option transport.socket.bind-address {address}
    option transport.address-family inet
    option ping-timeout 0
    option glusterd-sockfile {dir}/glusterd.sock
end-volume
"""
# Without these a client answers from its caches for a second after another one's change, in spite of every lock (doc/store.md).
CACHES = ("quick-read", "io-cache", "read-ahead", "readdir-ahead", "open-behind", "stat-prefetch", "write-behind")
UNCACHED = ("--attribute-timeout=0", "--entry-timeout=0", "--fopen-keep-cache=false")
NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]


def skip(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


def need():
    if os.environ.get("GLUSTER_NAMESPACES"):
        return
    if os.getuid():
        skip("only root can mount")
    if not shutil.which("glusterd") or not shutil.which("glusterfs"):
        skip("glusterfs-server and glusterfs-client are not installed")
    if not os.path.exists("/dev/fuse"):
        skip("there is no /dev/fuse")
    if subprocess.run(NAMESPACES + ["true"], stderr=subprocess.DEVNULL, check=False).returncode:
        skip("namespaces are not allowed here")
    os.environ["GLUSTER_NAMESPACES"] = "1"
    os.execvp(NAMESPACES[0], NAMESPACES + [sys.executable] + sys.argv)


def run(*argv, check=True):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout}")
    return done


class Volume:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="gluster.")
        os.chmod(self.dir, 0o755)
        self.bricks = [f"{self.dir}/brick{i}" for i in range(3)]
        self.mounts = [f"{self.dir}/mount{i}" for i in range(2)]
        self.daemon = None
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise

    def start(self):
        for d in self.bricks + self.mounts:
            os.mkdir(d)
        run("ip", "link", "set", "lo", "up")
        run("ip", "address", "add", ADDRESS + "/32", "dev", "lo")
        for d in STATE:
            os.makedirs(d, exist_ok=True)
            run("mount", "-t", "tmpfs", "none", d)
        with open(self.dir + "/glusterd.vol", "w", encoding="ascii") as f:
            f.write(MANAGEMENT.format(address=ADDRESS, dir=self.dir))
        self.daemon = subprocess.Popen(["glusterd", "--no-daemon", "-f", self.dir + "/glusterd.vol", "-l", self.dir + "/glusterd.log",
                                        "-p", self.dir + "/glusterd.pid"], stdin=subprocess.DEVNULL)
        self.wait_until(lambda: not self.gluster("pool", "list", check=False).returncode, "glusterd")
        self.gluster("volume", "create", "mail", "replica", "3", *[f"{ADDRESS}:{b}" for b in self.bricks], "force")
        for name in CACHES:
            self.gluster("volume", "set", "mail", "performance." + name, "off")
        self.gluster("volume", "start", "mail")
        for m in self.mounts:
            run("glusterfs", "--volfile-server=" + ADDRESS, "--volfile-id=mail", *UNCACHED, m)
            self.wait_until(lambda mount=m: os.path.ismount(mount) and self.usable(mount), m)
        os.chmod(self.mounts[0], 0o755)

    @staticmethod
    def usable(mount):
        try:
            os.listdir(mount)
            return True
        except OSError:
            return False

    def gluster(self, *argv, check=True):
        return run("gluster", f"--glusterd-sock={self.dir}/glusterd.sock", "--mode=script", *argv, check=check)

    @staticmethod
    def wait_until(condition, what):
        end = time.monotonic() + 120
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(what)
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for m in self.mounts:
            run("umount", "-l", m, check=False)
        self.gluster("volume", "stop", "mail", check=False)
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
