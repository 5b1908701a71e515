"""Filters of others, each as Debian has it, started privately as doc/filters.md tells an administrator to, all at
once. Each one's lines for etc/milters are in name; what is not installed is not there.

    with Filters() as f:
        f.opendkim("sign", "unix", ...); f.rspamd(); ...
        f.wait()
        f.line("rspamd")
"""
import os, shutil, socket, subprocess, tempfile, time

from ports import free_port

NOBODY = 65534
LIMIT = 120
LIBMILTER = ("opendkim", "opendmarc", "clamav-milter", "spamass-milter")
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
MARKED, RENAMED = "Y" + GTUBE[1:], "Z" + GTUBE[1:]  # rspamd's test patterns for "add header" and "rewrite subject"
VIRUS = "this stands for a virus"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def there(*programs):
    return all(shutil.which(p, path=PATH) for p in programs)


def drop():
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


class Filters:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="postern-filters.", dir="/var/tmp")
        os.chmod(self.dir, 0o777)
        self.processes, self.sockets = [], {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in reversed(self.processes):
            # libmilter looks every five seconds whether it is to end, and these have no children that would stay.
            (p.kill if p.args[0] in LIBMILTER else p.terminate)()
        for p in self.processes:
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        shutil.rmtree(self.dir, True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), 0o644)
        return self.path(name)

    def start(self, *command, user=drop):
        log = open(self.path(f"log.{len(self.processes)}"), "wb")
        env = dict(os.environ, PATH=PATH, HOME=self.dir, TMPDIR=self.dir)
        self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.dir, preexec_fn=user, env=env))
        return self.processes[-1]

    def socket(self, name, kind):
        """Where the filter is to listen: a path, or a port of 127.0.0.1."""
        self.sockets[name] = self.path(name + ".sock") if kind == "unix" else free_port()
        return self.sockets[name]

    def sendmail(self, name, kind):
        """The same, as Sendmail and libmilter write it."""
        at = self.socket(name, kind)
        return f"local:{at}" if kind == "unix" else f"inet:{at}@127.0.0.1"

    def line(self, name, options="timeout=120"):
        """The filter's line for etc/milters."""
        at = self.sockets[name]
        return f"{name} {f'unix:{at}' if isinstance(at, str) else f'inet:127.0.0.1:{at}'} {options}\n"

    def lines(self, *names):
        return "".join(map(self.line, names))

    def listens(self, at):
        with socket.socket(socket.AF_UNIX if isinstance(at, str) else socket.AF_INET) as s:
            try:
                s.connect(at if isinstance(at, str) else ("127.0.0.1", at))
                return True
            except OSError:
                return False

    def wait(self, *names):
        """Until these, or all, listen; raises with the logs when one has ended instead."""
        end = time.monotonic() + LIMIT
        for name in names or self.sockets:
            while not self.listens(self.sockets[name]):
                if time.monotonic() > end or any(p.poll() is not None for p in self.processes):
                    raise RuntimeError(f"{name} does not start:\n" + self.logs())
                time.sleep(0.02)  # the condition ends the wait

    def logs(self):
        return "\n".join(open(self.path(n), errors="replace").read()[-2000:] for n in sorted(os.listdir(self.dir)) if n.startswith("log."))

    # ---- the filters ----

    def key(self):
        """A DKIM key and its record: makes `key`, returns the record's text."""
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", self.path("key"), "2048"], check=True, capture_output=True)
        public = subprocess.run(["openssl", "rsa", "-in", self.path("key"), "-pubout"], check=True, capture_output=True, text=True).stdout
        os.chmod(self.path("key"), 0o600)
        if os.getuid() == 0:
            os.chown(self.path("key"), NOBODY, NOBODY)
        return "v=DKIM1; k=rsa; p=" + "".join(public.split("\n")[1:-2])

    def opendkim(self, name, kind, more):
        self.start("opendkim", "-f", "-x", self.write(name + ".conf", f"Syslog no\nBackground no\nRequireSafeKeys no\nMode sv\nDomain example.org\nSelector sel\n"
                   f"KeyFile {self.path('key')}\nInternalHosts {self.write('hosts', '192.0.2.250')}\nAuthservID mx.example.test\nSocket {self.sendmail(name, kind)}\n{more}"))

    def opendmarc(self, name, kind, more=""):
        self.start("opendmarc", "-f", "-l", "-c", self.write(name + ".conf", f"Syslog false\nAuthservID mx.example.test\nTrustedAuthservIDs mx.example.test\n"
                   f"PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat\nRejectFailures true\nHoldQuarantinedMessages true\nIgnoreAuthenticatedClients true\n"
                   f"RequiredHeaders true\nSPFSelfValidate true\nDNSTimeout 60\nSocket {self.sendmail(name, kind)}\n{more}"))

    def rspamd(self, greylist=True):
        """On both kinds of socket. Nothing of Debian's rules: they take a minute to compile on a slow machine."""
        redis, d = self.path("redis.sock"), self.dir
        if greylist:
            self.sockets["redis"] = redis
            self.start("redis-server", "--port", "0", "--unixsocket", redis, "--save", "", "--appendonly", "no", "--dir", d)
        rules = self.write("rspamd.lua", "config['regexp'] = {GREY = {re = '/greylist me/{body}', score = 5.0}}\n")
        tops = self.write("tld", "com\ntest\nexample\n")
        self.start("rspamd", "-f", "-i", "-c", self.write("rspamd.conf", f"""
options {{
	pidfile = "{d}/rspamd.pid"; tempdir = "{d}"; control_socket = "{d}/rspamd.control mode=0600";
	cache_file = "{d}/rspamd.cache"; stats_file = "{d}/rspamd.stats"; hs_cache_dir = "{d}"; url_tld = "{tops}";
	disable_hyperscan = true; enable_test_patterns = true; filters = "regexp"; task_timeout = 60s;
	dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
	local_addrs = [];
}}
logging {{ type = "console"; level = "info"; }}
lua = "{rules}";
modules {{ path = "/usr/share/rspamd/plugins/"; }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
regexp {{ }}
milter_headers {{ use = ["x-spamd-result", "x-spam-level"]; skip_local = false; skip_authenticated = false; }}
{f'redis {{ servers = "{redis}"; timeout = 60s; }} greylist {{ timeout = 1000s; }}' if greylist else ''}
worker "rspamd_proxy" {{
	bind_socket = "{self.socket('rspamd', 'unix')} mode=0666";
	bind_socket = "127.0.0.1:{self.socket('rspamd-tcp', 'inet')}";
	milter = yes; timeout = 60s; count = 1; spam_header = "X-Spam";
	upstream "local" {{ default = yes; self_scan = yes; }}
}}
worker "rspamd_proxy" {{
	bind_socket = "{self.socket('rspamd-hold', 'unix')} mode=0666";
	milter = yes; timeout = 60s; count = 1; quarantine_on_reject = true;
	upstream "local" {{ default = yes; self_scan = yes; }}
}}
"""))

    def clamd(self):
        """With a database of one signature."""
        os.mkdir(self.path("db"))
        self.write("db/test.ndb", f"Test.Postern:0:*:{VIRUS.encode().hex()}\n")
        clamd = self.sockets["clamd"] = self.path("clamd")
        self.start("clamd", "-F", "-c", self.write("clamd.conf", f"LocalSocket {clamd}\nDatabaseDirectory {self.path('db')}\nForeground yes\nTemporaryDirectory {self.dir}\n"))

    def clamav(self, **filters):
        """Filters: name=(kind, what of its own). They look for clamd when they start, and then only now and again."""
        self.wait("clamd")
        for name, (kind, more) in filters.items():
            at = self.socket(name, kind)
            self.start("clamav-milter", "-c", self.write(name + ".conf", f"MilterSocket {f'unix:{at}' if kind == 'unix' else f'inet:{at}@127.0.0.1'}\nClamdSocket unix:{self.sockets['clamd']}\n"
                       f"Foreground yes\nTemporaryDirectory {self.dir}\n{more}"))

    def spamassassin(self, **filters):
        """spamd with Debian's rules, nothing of the network, and filters: name=(kind, options)."""
        spamd = self.sockets["spamd"] = self.path("spamd.sock")
        self.start("spamd", "-L", "-x", "-m", "1", "--min-children=1", f"--socketpath={spamd}", "-s", "stderr", f"--helper-home-dir={self.dir}")
        for name, (kind, options) in filters.items():
            self.start("spamass-milter", "-p", self.sendmail(name, kind), *options, "--", "-U", spamd)
