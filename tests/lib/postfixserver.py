"""Debian's Postfix as a receiver, in a directory of its own: services on loopback addresses, each with options of its own; what
it takes it discards. Needs root."""
import grp, os, pwd, re, shutil, socket, subprocess, tempfile

FILES = next((f for f in ("/etc/postfix/postfix-files", os.environ.get("POSTFIX_FILES", "")) if os.path.exists(f)), None)
available = not os.getuid() and shutil.which("postfix") and FILES


def known(find, *names):
    for name in names:
        try:
            return find(name) and name
        except KeyError:
            pass


class Postfix:
    """services: {(address, port), or the name of a Unix socket in queue/public: {parameter: value}}. below: the directory in which its own is made."""

    def __init__(self, services, below=None, **settings):
        self.dir = d = tempfile.mkdtemp(prefix="postfix.", dir=below)
        os.chmod(d, 0o755)
        for name in ("conf", "queue", "data"):
            os.mkdir(f"{d}/{name}")
        owner = known(pwd.getpwnam, "postfix", "games")
        shutil.chown(d + "/data", owner)
        shutil.copy(FILES, d + "/conf/postfix-files")
        for name in ("main.cf.proto", "master.cf.proto"):
            open(f"{d}/conf/{name}", "w").close()
        main = dict(dict(compatibility_level="3.6", queue_directory=f"{d}/queue", data_directory=f"{d}/data", daemon_directory="/usr/lib/postfix/sbin",
                    command_directory="/usr/sbin", shlib_directory="/usr/lib/postfix", meta_directory=f"{d}/conf", mail_owner=owner,
                    setgid_group=known(grp.getgrnam, "postdrop", "man"), default_privs="nobody", inet_interfaces="127.0.0.1", inet_protocols="ipv4",
                    myhostname="receiver.test", mydestination="", maillog_file=f"{d}/log", maillog_file_prefixes=d, alias_maps="", smtpd_tls_loglevel="1",
                    smtpd_relay_restrictions="permit_mynetworks, reject", mynetworks="127.0.0.0/8", default_transport="discard:", relay_transport="discard:", smtpd_peername_lookup="no"), **settings)
        with open(d + "/conf/main.cf", "w") as f:
            f.writelines(f"{k} = {v}\n" for k, v in main.items())
        lines = "".join((f"{place} unix" if isinstance(place, str) else "%s:%d inet" % place) + " n - n - - smtpd\n" + "".join(f"  -o {k}={v}\n" for k, v in options.items()) for place, options in services.items())
        with open("/usr/share/postfix/master.cf.dist") as f:
            text = re.sub(r"(?m)^smtp +inet.*\n", lambda _: lines, f.read())
        with open(d + "/conf/master.cf", "w") as f:
            f.write(re.sub(r"(?m)^(\w+ +\w[\w-]* +\S +\S +)y ", r"\1n ", text))  # no chroot
        self.env = dict(os.environ, MAIL_CONFIG=d + "/conf")

    def run(self, what):
        return subprocess.run(["postfix", "-c", self.dir + "/conf", what], env=self.env, capture_output=True, text=True)

    def __enter__(self):
        started = self.run("start")
        if started.returncode:
            raise RuntimeError("postfix does not start: " + started.stderr + self.log())
        return self

    def __exit__(self, *_):
        self.run("stop")
        shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        try:
            with open(self.dir + "/log") as f:
                return f.read()
        except OSError:
            return ""
