"""Dovecot's imap program as an oracle: run on its own over a Maildir, without network or master.

    with oracle.Dovecot(messages) as d:      # [(name, octets)], served in this order
        d.fetch(1, ["ENVELOPE", "BODY[1]"])  # {item: octets}

available() says why it cannot run here, or None.
"""
import os
import pwd
import re
import shutil
import subprocess
import tempfile

from owner import give

IMAP = "/usr/lib/dovecot/imap"
CONF = """base_dir = {dir}/run
log_path = {dir}/log/dovecot
mail_location = maildir:{dir}/mail
ssl = no
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {uid}
mail_gid = {gid}
stats_writer_socket_path =
maildir_broken_filename_sizes = yes
"""


def available():
    return None if os.path.exists(IMAP) else "dovecot-imapd is not installed"


class Dovecot:
    def __init__(self, messages):
        self.dir = tempfile.mkdtemp(prefix="oracle.")
        # Dovecot serves no mail as root.
        user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        for sub in ("mail/cur", "mail/new", "mail/tmp", "run", "log"):
            os.makedirs(os.path.join(self.dir, sub))
        for i, (_, data) in enumerate(messages):
            with open(f"{self.dir}/mail/cur/{1000000000 + i}.m{i:06}.host:2,S", "wb") as f:
                f.write(data)
        with open(self.dir + "/conf", "w") as f:
            f.write(CONF.format(dir=self.dir, uid=user.pw_uid, gid=user.pw_gid))
        argv = [IMAP, "-c", self.dir + "/conf"]
        if os.getuid() == 0:
            give(user.pw_uid, user.pw_gid, self.dir)
            argv = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] + argv
        env = {"HOME": self.dir, "USER": user.pw_name, "PATH": os.environ["PATH"]}
        self.proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        self.line()
        self.tag = 0
        self.command("SELECT INBOX")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()
        self.proc.stdout.close()
        self.proc.wait()
        shutil.rmtree(self.dir)

    def line(self):
        """One response with its literals: [octets, literal, octets, ...]."""
        parts = []
        while True:
            text = self.proc.stdout.readline()
            if not text.endswith(b"\r\n"):
                raise EOFError("dovecot ended")
            m = re.search(rb"\{(\d+)\}\r\n$", text)
            parts.append(text)
            if not m:
                return parts
            parts.append(self.proc.stdout.read(int(m[1])))

    def command(self, text):
        self.tag += 1
        tag = b"t%d " % self.tag
        self.proc.stdin.write(tag + text.encode() + b"\r\n")
        self.proc.stdin.flush()
        responses = []
        while True:
            parts = self.line()
            if parts[0].startswith(tag):
                return responses, parts[0]
            responses.append(parts)

    def fetch(self, number, items):
        """Item by item, since a broken answer to one must not spoil the others."""
        answers = {}
        for item in items:
            responses, result = self.command(f"FETCH {number} ({item.replace('BODY[', 'BODY.PEEK[')})")
            data = next((b"".join(p) for p in responses if p[0].startswith(b"* %d FETCH (" % number)), None)
            if data is None:
                answers[item] = b"!" + result
                continue
            data = data[len(b"* %d FETCH (" % number):-3]
            name = item.encode()
            if not data.upper().startswith(name.upper() + b" "):
                raise ValueError((name, data))
            data = data[len(name) + 1:]
            if "[" in item:
                data = unstring(data)
            answers[item] = data
        return answers


def unstring(data):
    """The octets of a literal, a quoted string or NIL."""
    m = re.match(rb"\{\d+\}\r\n", data)
    if m:
        return data[m.end():]
    if data[:1] == b'"':
        return re.sub(rb"\\(.)", rb"\1", data[1:-1])
    return data
