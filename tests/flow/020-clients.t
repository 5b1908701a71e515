#!/usr/bin/env python3
"""Programs that nobody here wrote, against a running instance: curl, swaks, msmtp, mutt, mbsync, getmail, fetchmail,
Python's imaplib, poplib and smtplib, openssl."""
import glob, imaplib, os, poplib, re, shutil, smtplib, ssl, subprocess, tempfile, threading

from instance import Instance, LIMIT, ROOT, tap, wait_for

UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE
ALICE, BOB = "alice@example.test", "bob@example.test"


def message(subject, body="body\r\n", sender=ALICE, recipient=BOB):
    return f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\n{body}"


class Clients:
    def __init__(self, one):
        self.one = one
        self.home = tempfile.mkdtemp(dir=one.top)
        self.cert = os.path.join(one.dir, "etc/tls/cert.pem")

    def file(self, name, text, mode=0o600):
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def sh(self, *words, given=None, good=(0,)):
        try:
            done = subprocess.run(list(map(str, words)), input=given, capture_output=True, text=True, timeout=LIMIT,
                                  env=dict(os.environ, HOME=self.home, TERM="dumb", MAIL="/dev/null"), cwd=self.home)
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"{words[0]}: not done in {LIMIT} s\n{late.stdout}\n{late.stderr}") from late
        if done.returncode not in good:
            raise AssertionError(f"{words[0]}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout + done.stderr

    def arrived(self, subject, address=BOB):
        """Waits for the message in INBOX; returns its file's text."""
        def look():
            for path in glob.glob(self.one.maildir(address) + "/new/*") + glob.glob(self.one.maildir(address) + "/cur/*"):
                try:
                    text = open(path, errors="replace").read()
                except FileNotFoundError:
                    continue
                if f"Subject: {subject}\n" in text:
                    return text
        return wait_for(look, f"delivery of {subject}")

    # ---- sending

    def send_curl(self):
        path = self.file("m", message("by curl"))
        for scheme, port, more in ("smtp", "submission", ["--ssl-reqd"]), ("smtps", "submissions", []), ("smtp", "smtp", None):
            login = ["--user", f"{ALICE}:{self.one.password[ALICE]}"] if more is not None else []
            self.sh("curl", "-sS", "-k", f"{scheme}://127.0.0.1:{self.one.port(port)}/client.test", "--mail-from", ALICE,
                    "--mail-rcpt", BOB, "--upload-file", path, *login, *(more or []))
        self.arrived("by curl")

    def send_swaks(self):
        base = ["swaks", "--server", "127.0.0.1", "--from", ALICE, "--to", BOB, "--h-Subject", "by swaks"]
        for auth in "PLAIN", "LOGIN":
            self.sh(*base, "--port", self.one.port("submission"), "-tls", "-a", auth, "-au", ALICE, "-ap", self.one.password[ALICE])
        self.sh(*base, "--port", self.one.port("submissions"), "-tlsc", "-a", "PLAIN", "-au", ALICE, "-ap", self.one.password[ALICE])
        self.sh(*base, "--server", "::1", "--port", self.one.port("smtp"), "--pipeline")
        refused = self.sh(*base, "--to", "nobody@example.test", "--port", self.one.port("smtp"), good=(24,))
        assert "550 5.1.1" in refused, refused
        relay = self.sh(*base, "--to", "someone@elsewhere.test", "--port", self.one.port("smtp"), good=(24,))
        assert re.search(r"<[-~*]+ 5\d\d 5\.7\.1", relay), relay
        forged = self.sh(*base, "--from", BOB, "--port", self.one.port("submission"), "-tls", "-a", "PLAIN", "-au", ALICE,
                         "-ap", self.one.password[ALICE], good=(23, 24))
        assert re.search(r"<[-~*]+ 5\d\d 5\.7\.1", forged), forged
        self.arrived("by swaks")

    def send_msmtp(self):
        config = self.file("msmtprc", f"""account default
host 127.0.0.1
port {self.one.port("submission")}
auth on
user {ALICE}
password {self.one.password[ALICE]}
from {ALICE}
tls on
tls_starttls on
tls_trust_file {self.cert}
host localhost
""")
        self.sh("msmtp", "-C", config, BOB, given=message("by msmtp"))
        self.arrived("by msmtp")

    def send_smtplib(self):
        with smtplib.SMTP_SSL("127.0.0.1", self.one.port("submissions"), context=UNSAFE, timeout=120) as s:
            s.login(ALICE, self.one.password[ALICE])
            refused = s.sendmail(ALICE, [BOB, "nobody@example.test"], message("by smtplib"))
            assert list(refused) == ["nobody@example.test"], refused
        text = self.arrived("by smtplib")
        assert re.search(r"^Message-ID: <", text, re.M) and re.search(r"^Date: ", text, re.M), text
        assert text.startswith(f"Return-Path: <{ALICE}>\nDelivered-To: {BOB}\n"), text[:200]

    def send_big(self):
        body = "".join(f"{i:077}\r\n" for i in range(60000))
        with smtplib.SMTP("127.0.0.1", self.one.port("smtp"), timeout=120) as s:
            s.sendmail("x@elsewhere.test", [BOB], message("big", body))
        assert self.arrived("big").endswith("0059999\n")

    # ---- reading

    def read_imaplib(self):
        with imaplib.IMAP4("127.0.0.1", self.one.port("imap")) as m:
            m.starttls(UNSAFE)
            m.login(BOB, self.one.password[BOB])
            count = int(m.select()[1][0])
            assert count >= 8, count
            uids = m.uid("SEARCH", "SUBJECT", '"by smtplib"')[1][0].split()
            assert len(uids) == 1, uids
            assert m.uid("STORE", uids[0].decode(), "+FLAGS", "(\\Flagged Work)")[0] == "OK"
            flags = m.uid("FETCH", uids[0].decode(), "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][0]
            assert b"\\Flagged" in flags and b"Work" in flags, flags
            assert m.uid("COPY", uids[0].decode(), "Archive")[0] == "OK"
            assert m.append("Drafts", "\\Draft", None, message("a draft").encode())[0] == "OK"
            assert sorted(line.decode().split()[-1].strip('"') for line in m.lsub()[1]) == sorted(
                ["Archive", "Drafts", "Junk", "Sent", "Trash"]), m.lsub()
        assert glob.glob(self.one.maildir(BOB) + "/.Archive/cur/*")

    def read_poplib(self):
        p = poplib.POP3("127.0.0.1", self.one.port("pop3"), timeout=120)
        p.stls(UNSAFE)
        p.user(BOB)
        p.pass_(self.one.password[BOB])
        count, size = p.stat()
        assert count == len(p.list()[1]) == len(p.uidl()[1]) and size == sum(int(l.split()[1]) for l in p.list()[1])
        for number in range(1, count + 1):
            octets = sum(len(line) + 2 for line in p.retr(number)[1])
            assert octets == int(p.list(number).split()[2]), (number, octets)
        assert p.top(1, 0)[1][-1] == b""
        p.quit()

    def read_curl(self):
        login = ["--user", f"{BOB}:{self.one.password[BOB]}", "-sS", "-k"]
        for url in f"pop3://127.0.0.1:{self.one.port('pop3')}/1", f"pop3s://127.0.0.1:{self.one.port('pop3s')}/1", \
                f"imap://127.0.0.1:{self.one.port('imap')}/INBOX;MAILINDEX=1", \
                f"imaps://[::1]:{self.one.port('imaps')}/INBOX;MAILINDEX=1":
            shown = self.sh("curl", url, *login, *([] if url.startswith(("pop3s", "imaps")) else ["--ssl-reqd"]))
            assert "Subject: " in shown, (url, shown)

    def read_mbsync(self):
        local = os.path.join(self.home, "mbsync")
        os.makedirs(local)
        config = self.file("mbsyncrc", f"""IMAPAccount bob
Host localhost
Port {self.one.port("imaps")}
User {BOB}
Pass "{self.one.password[BOB]}"
SSLType IMAPS
CertificateFile {self.cert}

IMAPStore far
Account bob

MaildirStore near
Path {local}/
Inbox {local}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
        self.sh("mbsync", "-c", config, "-a")
        far = len(glob.glob(self.one.maildir(BOB) + "/cur/*") + glob.glob(self.one.maildir(BOB) + "/new/*"))
        near = glob.glob(local + "/INBOX/cur/*") + glob.glob(local + "/INBOX/new/*")
        assert len(near) == far > 0, (near, far)
        # Back again: a new message, a flag, a deletion, a folder.
        self.file("mbsync/INBOX/new/1.local.test", message("from mbsync").replace("\r", ""))
        one = near[0]
        # Its U=n ties the file to its pair, so the name stays and only the flags change.
        os.rename(one, os.path.join(local, "INBOX/cur", os.path.basename(one).split(":2,")[0] + ":2,FS"))
        os.makedirs(local + "/Made near/cur"), os.makedirs(local + "/Made near/new"), os.makedirs(local + "/Made near/tmp")
        self.sh("mbsync", "-c", config, "-a")
        self.arrived("from mbsync")
        assert any(":2,FS" in p for p in glob.glob(self.one.maildir(BOB) + "/cur/*"))
        assert os.path.isdir(self.one.maildir(BOB) + "/.Made near"), os.listdir(self.one.maildir(BOB))
        quiet = self.sh("mbsync", "-V", "-c", config, "-a")
        assert not re.search(r"(far|near): \+[1-9]|[*#][1-9]", quiet.split("\n")[-2]), quiet

    def read_mutt(self):
        config = self.file("muttrc", f"""set folder="imaps://localhost:{self.one.port("imaps")}/"
set imap_user="{BOB}" imap_pass="{self.one.password[BOB]}" ssl_verify_host=no ssl_verify_dates=no
set certificate_file="{self.cert}" ssl_force_tls=yes header_cache='' delete=yes move=no quit=yes timeout=1 confirmappend=no
set spoolfile=+INBOX
""")
        # Over IMAP: flag one message, copy it to Archive, leave.
        before = len(glob.glob(self.one.maildir(BOB) + "/.Archive/cur/*"))
        push = "set wait_key=no; push '<limit>~s big<enter><flag-message><copy-message>=Archive<enter><exit>'"
        self.terminal("mutt", "-n", "-F", config, "-e", push)
        assert len(glob.glob(self.one.maildir(BOB) + "/.Archive/cur/*")) + len(
            glob.glob(self.one.maildir(BOB) + "/.Archive/new/*")) == before + 1

    def terminal(self, *words):
        """A terminal for programs that insist on one; they end by themselves."""
        self.sh("script", "-qec", " ".join("'" + w.replace("'", "'\\''") + "'" for w in words), "/dev/null")

    def mutt_on_the_maildir(self):
        """mutt deletes and flags in the Maildir itself while an IMAP session is open on it."""
        with imaplib.IMAP4_SSL("127.0.0.1", self.one.port("imaps"), ssl_context=UNSAFE) as m:
            m.login(BOB, self.one.password[BOB])
            m.select()
            uid = m.uid("SEARCH", "SUBJECT", '"by msmtp"')[1][0].decode()
            assert uid
            config = self.file("muttrc2", "set delete=yes move=no quit=yes mark_old=no mbox_type=Maildir\n" f"set folder={self.one.maildir(BOB)}\n")
            self.terminal("mutt", "-n", "-F", config, "-f", self.one.maildir(BOB), "-e",
                          "push '<limit>~s msmtp<enter><flag-message><limit>~A<enter><delete-pattern>~s big<enter><quit>'")
            m.noop()
            flags = m.uid("FETCH", uid, "(FLAGS)")[1][0].decode()
            assert "\\Flagged" in flags, (flags, os.listdir(self.one.maildir(BOB) + "/cur"))
            m.noop()
            assert m.uid("SEARCH", "SUBJECT", '"big"')[1][0] == b""
            assert m.uid("SEARCH", "SUBJECT", '"by msmtp"')[1][0].decode() == uid

    def read_getmail(self):
        # getmail delivers as nobody else than root's delegate.
        user = "user = nobody" if os.getuid() == 0 else ""
        for directory in "got", "got/cur", "got/new", "got/tmp":
            os.makedirs(f"{self.home}/{directory}")
            if user:
                shutil.chown(f"{self.home}/{directory}", "nobody")
        os.chmod(self.home, 0o711)
        for kind, port in ("SimplePOP3SSLRetriever", "pop3s"), ("SimpleIMAPSSLRetriever", "imaps"):
            self.file(".getmail/getmailrc", f"""[retriever]
type = {kind}
server = localhost
port = {self.one.port(port)}
username = {BOB}
password = {self.one.password[BOB]}
[destination]
type = Maildir
path = {self.home}/got/
{user}
[options]
read_all = true
delete = false
""")
            before = len(os.listdir(self.home + "/got/new"))
            shown = self.sh(ROOT + "/tests/lib/getmail.py")
            assert len(os.listdir(self.home + "/got/new")) > before, shown

    def read_fetchmail(self):
        for protocol, port in ("pop3", "pop3s"), ("imap", "imaps"):
            config = self.file(".fetchmailrc", f"""poll localhost proto {protocol} port {self.one.port(port)}
  user "{BOB}" password "{self.one.password[BOB]}" ssl sslcertfile "{self.cert}" sslcertck sslcommonname "localhost"
  keep fetchall mda "cat >> {self.home}/{protocol}.mbox"
""")
            self.sh("fetchmail", "-f", config, "--nobounce", "-v", "--pidfile", self.home + "/fetchmail.pid")  # root's other one is everybody's
            assert "Subject: by curl" in open(f"{self.home}/{protocol}.mbox").read()

    # ---- TLS

    def resumption(self):
        session = os.path.join(self.home, "session")
        for port, more in (("imaps", []), ("submission", ["-starttls", "smtp"]), ("pop3", ["-starttls", "pop3"])):
            for version in "-tls1_2", "-tls1_3":
                base = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.one.port(port)}", version, *more]
                # TLS 1.3 tickets come behind the handshake: read on until the server has said something.
                lines = {"imaps": "a LOGOUT\r\n"}.get(port, "QUIT\r\n")
                first = self.sh(*base, "-sess_out", session, "-ign_eof", given=lines)
                assert "New, TLSv1." in first, first
                again = self.sh(*base, "-sess_in", session, "-ign_eof", given=lines)
                assert "Reused, TLSv1." in again, (port, version, again)

    def new_certificate(self):
        def subject():
            shown = self.sh("openssl", "s_client", "-connect", f"127.0.0.1:{self.one.port('imaps')}", given="")
            return re.search(r"subject=(.*)", shown)[1]
        before = subject()
        owner = os.stat(self.cert)
        key = os.path.join(self.one.dir, "etc/tls/key.pem")
        self.sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                "-subj", "/CN=new.example.test", "-keyout", self.home + "/key", "-out", self.home + "/cert")
        for new, old in (self.home + "/key", key), (self.home + "/cert", self.cert):
            os.chown(new, owner.st_uid, owner.st_gid)
            os.rename(new, old)
        wait_for(lambda: subject() != before, "the new certificate")
        assert "new.example.test" in subject()

    # ---- many at once

    def crowd(self):
        wrong = []

        def client(number):
            try:
                with imaplib.IMAP4_SSL("127.0.0.1", self.one.port("imaps"), ssl_context=UNSAFE) as m:
                    m.login(BOB, self.one.password[BOB])
                    m.select()
                    for i in range(5):
                        m.append("INBOX", None, None, message(f"crowd {number} {i}").encode())
                        m.noop()
            except Exception as error:  # noqa: BLE001
                wrong.append(error)
        threads = [threading.Thread(target=client, args=(n,)) for n in range(10)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        assert not wrong, wrong
        with imaplib.IMAP4_SSL("127.0.0.1", self.one.port("imaps"), ssl_context=UNSAFE) as m:
            m.login(BOB, self.one.password[BOB])
            m.select()
            assert len(m.search(None, "SUBJECT", "crowd")[1][0].split()) == 50


with Instance(settings={"login-delay": "0"}) as one:
    clients = Clients(one)
    for name in ("send_curl", "send_swaks", "send_msmtp", "send_smtplib", "send_big", "read_imaplib", "read_poplib", "read_curl",
                 "read_mutt", "mutt_on_the_maildir", "read_mbsync", "read_getmail", "read_fetchmail", "resumption", "crowd",
                 "new_certificate"):
        before = tap.failed
        tap.run(name.replace("_", " "), getattr(clients, name))
        if tap.failed > before:
            print("\n".join("# " + line for line in one.logs().splitlines()[-60:]))
tap.done()
