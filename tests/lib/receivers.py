"""Other mail servers as receivers on loopback: Debian's Postfix as installed; Exim and OpenSMTPD unpacked below build/receivers by scripts/check, in
a mount namespace of their own with the users and directories that were compiled into them; Dovecot's LMTP. All of them
need root."""
import glob, grp, os, pwd, re, shutil, signal, socket, subprocess, tempfile, time

from instance import ROOT, wait_for
from ports import free_port

UNPACKED = os.path.join(ROOT, os.environ.get("RECEIVERS", "build/receivers"))
USERS = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\nDebian-exim:x:8101:8101::/nonexistent:/bin/false\n" \
        "opensmtpd:x:8102:8102::/var/lib/opensmtpd/empty:/bin/false\nopensmtpq:x:8103:8103::/var/lib/opensmtpd/empty:/bin/false\n"
GROUPS = "root:x:0:\nnogroup:x:65534:\nmail:x:8:\nDebian-exim:x:8101:\nopensmtpd:x:8102:\nopensmtpq:x:8103:\n"


NAMES = ["plain", "eight", "one", "two", "chunk", "tls", "j\u00f6rg"] + [f"many{i}" for i in range(60)]


def missing():
    """Why this cannot be run here, by receiver; empty where it can."""
    why = {n: "" for n in ("Postfix", "Exim", "OpenSMTPD", "Dovecot")}
    if os.getuid() != 0:
        return {n: "not root" for n in why}
    if not shutil.which("postfix"):
        why["Postfix"] = "not installed"
    if not os.path.exists("/usr/sbin/dovecot") or not os.path.exists("/usr/lib/dovecot/lmtp"):
        why["Dovecot"] = "not installed"
    can = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    for name, program in ("Exim", "exim4"), ("OpenSMTPD", "smtpd"):
        if not os.path.exists(f"{UNPACKED}/usr/sbin/{program}"):
            why[name] = "scripts/check could not unpack it"
        elif not can:
            why[name] = "no mount namespaces here"
    return why


class Receiver:
    """domain; port, or path (LMTP). After start, mail for anybody in its domain but `bad` is taken."""

    together = False  # the mail of all lies in one folder

    def __init__(self, cert, key, big=200000, below=None):
        self.cert, self.key, self.big = cert, key, big
        self.dir = tempfile.mkdtemp(prefix="receiver.", dir=below)
        os.chmod(self.dir, 0o755)
        os.mkdir(f"{self.dir}/mail")
        os.chmod(f"{self.dir}/mail", 0o777)
        shutil.copy(cert, f"{self.dir}/cert.pem")
        shutil.copy(key, f"{self.dir}/key.pem")
        os.chmod(f"{self.dir}/key.pem", 0o600)
        self.port = free_port()
        self.process = None

    def put(self, name, text, mode=0o644):
        with open(f"{self.dir}/{name}", "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(f"{self.dir}/{name}", mode)

    def run(self, argv, mounts=""):
        """In its namespace where there are mounts; the process is ours to end."""
        if mounts:
            self.put("passwd", USERS)
            self.put("group", GROUPS)
            script = f"mount --bind {self.dir}/passwd /etc/passwd && mount --bind {self.dir}/group /etc/group && {mounts} exec \"$@\""
            argv = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", *argv]
        self.out = open(f"{self.dir}/out", "wb")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out, cwd="/", start_new_session=True)

    def ready(self):
        def answers():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=60) as s:
                    return s.recv(3) == b"220"
            except OSError:
                if self.process and self.process.poll() is not None:
                    raise RuntimeError(f"{type(self).__name__} has ended: " + self.log()) from None
        wait_for(answers, f"{type(self).__name__}: " + self.log())

    def log(self):
        return "".join(open(f, errors="replace").read()[-2000:] for f in glob.glob(f"{self.dir}/out") + glob.glob(f"{self.dir}/log*") + glob.glob(f"{self.dir}/log/*") if os.path.isfile(f))

    def messages(self, local):
        """What lies in the Maildir of a local part."""
        folder = "all" if self.together else glob.escape(local)
        return [open(f, "rb").read() for f in sorted(glob.glob(f"{self.dir}/mail/{folder}/new/*"))]

    def __enter__(self):
        try:
            self.start()
            self.ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)  # its own session, which we began


class Postfix(Receiver):
    domain, settings = "pf.test", ""  # more of main.cf

    def start(self):
        for name in "conf", "queue", "data":
            os.mkdir(f"{self.dir}/{name}")
        shutil.chown(f"{self.dir}/data", "postfix")
        files = next(f for f in ("/etc/postfix/postfix-files", os.environ.get("POSTFIX_FILES", "")) if os.path.exists(f))
        shutil.copy(files, f"{self.dir}/conf/postfix-files")
        for name in "main.cf.proto", "master.cf.proto":
            self.put(f"conf/{name}", "")
        nobody = pwd.getpwnam("nobody")
        self.put("conf/main.cf", f"""compatibility_level = 3.6
queue_directory = {self.dir}/queue
data_directory = {self.dir}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
shlib_directory = /usr/lib/postfix
meta_directory = {self.dir}/conf
inet_interfaces = 127.0.0.1
myhostname = mx.pf.test
mydestination =
virtual_mailbox_domains = pf.test
virtual_mailbox_maps = texthash:{self.dir}/conf/users
virtual_mailbox_base = {self.dir}/mail
virtual_minimum_uid = 100
virtual_uid_maps = static:{nobody.pw_uid}
virtual_gid_maps = static:{nobody.pw_gid}
message_size_limit = {self.big}
mailbox_size_limit = 0
smtputf8_enable = yes
smtpd_tls_security_level = may
smtpd_tls_cert_file = {self.dir}/cert.pem
smtpd_tls_key_file = {self.dir}/key.pem
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
maillog_file = {self.dir}/log
maillog_file_prefixes = {self.dir}
alias_maps =
{self.settings}""")
        self.put("conf/users", "".join(f"{n}@pf.test {n}/\n" for n in NAMES))
        with open("/usr/share/postfix/master.cf.dist") as f:
            services = re.sub(r"(?m)^smtp +inet.*", f"127.0.0.1:{self.port} inet n - n - - smtpd", f.read())
        self.put("conf/master.cf", re.sub(r"(?m)^(\w+ +\w[\w-]* +\S +\S +)y ", r"\1n ", services))
        self.env = dict(os.environ, MAIL_CONFIG=f"{self.dir}/conf")
        done = subprocess.run(["postfix", "-c", f"{self.dir}/conf", "start"], env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError("postfix: " + done.stderr)

    def stop(self):
        subprocess.run(["postfix", "-c", f"{self.dir}/conf", "stop"], env=self.env, capture_output=True)


class Exim(Receiver):
    domain, together, settings = "exim.test", True, ""
    folders = "*: all\n"  # local parts and theirs

    def start(self):
        for name in "spool", "log":
            os.mkdir(f"{self.dir}/{name}")
            os.chown(f"{self.dir}/{name}", 8101, 8101)
        os.chown(f"{self.dir}/key.pem", 8101, 8101)
        self.put("conf", f"""primary_hostname = mx.exim.test
exim_path = {UNPACKED}/usr/sbin/exim4
spool_directory = {self.dir}/spool
log_file_path = {self.dir}/log/%s
pid_file_path = {self.dir}/spool/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
never_users =
message_size_limit = {self.big}
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = {self.dir}/cert.pem
tls_privatekey = {self.dir}/key.pem
acl_smtp_rcpt = rcpt
{self.settings}begin acl
rcpt:
  deny message = no such user
    local_parts = bad
  deny message = log in first
    local_parts = ^private
    !authenticated = *
  accept domains = exim.test
  deny
begin routers
all:
  driver = accept
  domains = exim.test
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = {self.dir}/mail/${{bless:$local_part}}
  maildir_format
  user = Debian-exim
  group = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${{if def:tls_in_cipher}}
  server_condition = ${{if and{{{{eq{{$auth2}}{{user}}}}{{eq{{$auth3}}{{secret}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_advertise_condition = ${{if def:tls_in_cipher}}
  server_condition = ${{if and{{{{eq{{$auth1}}{{user}}}}{{eq{{$auth2}}{{secret}}}}}}}}
  server_set_id = $auth1
""".replace("${bless:$local_part}", "${lookup{$local_part}lsearch*{" + self.dir + "/names}}"))  # untainted
        self.put("names", self.folders)
        self.run([f"{UNPACKED}/usr/sbin/exim4", "-bdf", "-C", f"{self.dir}/conf"], mounts="true &&")


class OpenSmtpd(Receiver):
    domain, together, folder, settings = "os.test", True, "all", ""

    def start(self):
        self.put("conf", f"""pki mx.os.test cert "{self.dir}/cert.pem"
pki mx.os.test key "{self.dir}/key.pem"
smtp max-message-size "{self.big}"
{self.settings}listen on 127.0.0.1 port {self.port} hostname mx.os.test tls pki mx.os.test
action "m" maildir "{self.dir}/mail/{self.folder}" virtual {{ "@" = "nobody" }}
match from any for rcpt-to "bad@os.test" reject
match from any for domain "os.test" action "m"
""")
        # Its directories are compiled in.
        mounts = f"""mount -t tmpfs none /var/spool && mount -t tmpfs none /run && mount -t tmpfs none /var/lib && mkdir -p /var/lib/opensmtpd/empty &&
            mount --bind {UNPACKED}/usr/libexec /usr/libexec && mkdir -m 711 /var/spool/smtpd && """
        self.run([f"{UNPACKED}/usr/sbin/smtpd", "-d", "-f", f"{self.dir}/conf"], mounts=mounts)


class Dovecot(Receiver):
    """LMTP over a Unix socket: self.path."""

    domain = "dove.test"

    def start(self):
        nobody = pwd.getpwnam("nobody")
        os.mkdir(f"{self.dir}/run")
        self.path = f"{self.dir}/run/lmtp"
        self.put("conf", f"""base_dir = {self.dir}/run
state_dir = {self.dir}/run
log_path = {self.dir}/log
protocols = lmtp
ssl = no
default_login_user = nobody
default_internal_user = nobody
default_internal_group = {grp.getgrgid(nobody.pw_gid).gr_name}
first_valid_uid = 1
mail_location = maildir:{self.dir}/mail/%n
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = {self.dir}/users
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
""")
        self.put("users", "".join(f"{n}@dove.test::{nobody.pw_uid}:{nobody.pw_gid}::{self.dir}/mail/{n}::\n" for n in NAMES))
        self.run(["dovecot", "-F", "-c", f"{self.dir}/conf"])

    def ready(self):
        wait_for(lambda: os.path.exists(self.path), "Dovecot: " + self.log())
