#!/usr/bin/env python3
"""Other mail servers and their small relatives send to a running instance: Debian's Postfix, Exim, OpenSMTPD, nullmailer and dma, each
with a smarthost. What arrives is, byte for byte, what each was given. And SMTPUTF8: by msmtp to an address outside ASCII, read by
IMAP and POP3."""
import glob, imaplib, os, poplib, re, shutil, smtplib, ssl, subprocess

import receivers
from instance import Instance, tap, wait_for
from ports import free_port

UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE
ALICE, FROM = "alice@example.test", "someone@example.test"
JOERG = "j\u00f6rg@b\u00fccher.test"
# What senders stumble over: dots at the start, the envelope of mbox, blanks at the end, octets above 127, long lines.
BODY = b".\n..\n.dot\nFrom here on\nblank \n\xc3\xa4\xf6\n" + b"x" * 990 + b"\n\n" + b"".join(b"%070d\n" % i for i in range(3000)) + b"\n.\n"


def text(name):
    return f"From: <{FROM}>\nTo: <{ALICE}>\nSubject: by {name}\nDate: Mon, 02 Nov 2026 10:00:00 +0000\nMessage-ID: <{name}@s.test>\n\
MIME-Version: 1.0\nContent-Type: text/plain; charset=x-unknown\nContent-Transfer-Encoding: 8bit\n\n".encode() + BODY


def stored(one, address, subject):
    """The messages with this subject."""
    address, found = address.replace("b\u00fccher", "xn--bcher-kva"), []
    for path in glob.glob(one.maildir(address) + "/new/*") + glob.glob(one.maildir(address) + "/cur/*"):
        try:
            with open(path, "rb") as f:
                data = f.read()
        except FileNotFoundError:
            continue
        if f"Subject: {subject}\n".encode() in data:
            found.append(data)
    return found


def check(one, name, protocol):
    """One copy, its body as it was, and how it came."""
    wait_for(lambda: stored(one, ALICE, "by " + name), f"delivery of {name}'s message", limit=100)
    found = stored(one, ALICE, "by " + name)
    head, _, body = found[0].partition(b"\n\n")
    by = re.search(rb"^Received: (?:[^\n]|\n[ \t])*?with (\w+)", head, re.M)
    tap.ok(len(found) == 1 and body == BODY, f"{name}: one copy, its body as it was", len(found), len(body), len(BODY))
    tap.ok(by and by.group(1).decode() in protocol, f"{name}: with {' or '.join(protocol)}", head.decode(errors="replace"))
    tap.ok(f"Return-Path: <{FROM}>\n".encode() in head, f"{name}: from the sender", head.decode(errors="replace"))


class Postfix(receivers.Postfix):
    def __init__(self, cert, key):
        super().__init__(cert, key, 10 * len(BODY))

    def start(self):
        super().start()
        with open(f"{self.dir}/conf/main.cf", "a") as f:
            f.write(f"mynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions = permit_mynetworks, reject\ndefault_transport = smtp:[127.0.0.1]:{self.to}\n"
                    "smtp_tls_security_level = may\nsmtp_balance_inet_protocols = no\n")
        subprocess.run(["postfix", "-c", f"{self.dir}/conf", "reload"], env=self.env, capture_output=True, check=True)


class OpenSmtpd(receivers.OpenSmtpd):
    def put(self, name, text, mode=0o644):
        if name == "conf":
            text = f"""listen on 127.0.0.1 port {self.port} hostname s.test
action "out" relay host "smtp://127.0.0.1:{self.to}"
match from any for any action "out"
"""
        super().put(name, text, mode)


def by_smtp(one, name, server):
    """A server that takes it from us and passes it on."""
    server.to = one.port("smtp")
    with server:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=120) as s:
            s.sendmail(FROM, [ALICE], text(name).replace(b"\n", b"\r\n"), mail_options=["BODY=8BITMIME"])
        try:
            check(one, name, ("ESMTPS", "ESMTP"))
        except TimeoutError:
            tap.ok(False, name, server.log())


def box(one, name, argv, given, files, mounts="", owner=0):
    """A program in a mount namespace with files of its own below /etc and directories below /var."""
    top = os.path.join(one.top, name)
    for path, content in files.items():
        os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
        with open(f"{top}/{path}", "w") as f:
            f.write(content)
    script = f"mount --bind {top}/etc /etc && mount -t tmpfs none /var/spool && {mounts} exec \"$@\""
    done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", *argv], input=given, capture_output=True,
                          timeout=120, cwd="/")
    said = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode:
        raise AssertionError(f"{name}: exit {done.returncode}\n{said}")
    return said


PASSWD = {"etc/passwd": receivers.USERS + "mail:x:8:8::/var/mail:/bin/false\n", "etc/group": receivers.GROUPS,
          "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n", "etc/hosts": "127.0.0.1 localhost\n", "etc/mailname": "s.test\n"}


def exim(one):
    config = f"""exim_path = {receivers.UNPACKED}/usr/sbin/exim4
keep_environment =
primary_hostname = s.test
spool_directory = /var/spool/exim
log_file_path = /var/spool/exim/%s
trusted_users = root
never_users =
begin routers
all:
  driver = manualroute
  transport = out
  route_list = * 127.0.0.1
  self = send
begin transports
out:
  driver = smtp
  port = {one.port("smtp")}
  hosts_try_prdr = *
  tls_verify_certificates =
  hosts_try_chunking = *
  hosts_try_fastopen =
"""
    said = box(one, "exim", [f"{receivers.UNPACKED}/usr/sbin/exim4", "-C", "/etc/exim.conf", "-v", "-odf", "-oi", "-f", FROM, ALICE], text("exim"),
        {**PASSWD, "etc/exim.conf": config}, "mkdir -m 750 /var/spool/exim && chown 8101:8101 /var/spool/exim &&")
    tap.ok("Completed" in said or "=>" in said, "exim has delivered", said)
    check(one, "exim", ("ESMTPS",))


def dma(one):
    box(one, "dma", [f"{receivers.UNPACKED}/usr/sbin/dma", "-D", "-i", "-f", FROM, ALICE], text("dma"),
        {**PASSWD, "etc/dma/dma.conf": f"SMARTHOST 127.0.0.1\nPORT {one.port('smtp')}\nSECURETRANSFER\nSTARTTLS\nMAILNAME s.test\n"},
        "mkdir -m 2775 /var/spool/dma && chown 0:8 /var/spool/dma &&")
    check(one, "dma", ("ESMTPS",))


def nullmailer(one):
    """Its sending half, as nullmailer-send runs it; the password and STARTTLS are its own."""
    path = os.path.join(one.top, "nullmailer.mail")
    with open(path, "wb") as f:
        f.write(f"{FROM}\n{ALICE}\n\n".encode() + text("nullmailer"))
    done = subprocess.run(["sh", "-c", f"exec \"$@\" 3<{path}", "sh", f"{receivers.UNPACKED}/usr/lib/nullmailer/smtp", "--host=127.0.0.1",
                           f"--port={one.port('smtp')}", "--starttls", "--insecure"], stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                          env=dict(os.environ, HELOHOST="s.test"))
    if done.returncode:
        raise AssertionError((done.stdout + done.stderr).decode(errors="replace"))
    check(one, "nullmailer", ("SMTP",))  # it says HELO again behind STARTTLS


def smtputf8(one):
    """RFC 6531, 6855, 6856."""
    config = os.path.join(one.top, "msmtprc")
    with open(config, "w") as f:
        f.write(f"account default\nhost localhost\nport {one.port('submission')}\nauth plain\nuser {JOERG}\npassword {one.password[JOERG]}\n"
                f"from {JOERG}\ntls on\ntls_starttls on\ntls_trust_file {one.dir}/etc/tls/cert.pem\n")
    os.chmod(config, 0o600)
    given = f"From: <{JOERG}>\nTo: <{JOERG}>\nSubject: gr\u00fc\u00dfe\n\nJ\u00f6rg\n"
    done = subprocess.run(["msmtp", "-C", config, JOERG], input=given.encode(), capture_output=True, timeout=120)
    tap.ok(done.returncode == 0, "SMTPUTF8: msmtp, which does not say it, sends to and from an address outside ASCII", done.stderr.decode(errors="replace"))
    if done.returncode:
        return
    data = wait_for(lambda: stored(one, JOERG, "gr\u00fc\u00dfe"), "the message to " + JOERG)[0].decode()
    tap.ok(f"Return-Path: <{JOERG}>\nDelivered-To: {JOERG}\n" in data and "with UTF8SMTPSA" in data, "SMTPUTF8: the addresses are kept (RFC 6531 4.3)", data)
    with imaplib.IMAP4_SSL("127.0.0.1", one.port("imaps"), ssl_context=UNSAFE) as m:
        m._encoding = "utf-8"
        m.authenticate("PLAIN", lambda _: b"\0" + JOERG.encode() + b"\0" + one.password[JOERG].encode())
        m._get_capabilities()
        m.enable("UTF8=ACCEPT")
        m.select()
        envelope = b"".join(p if isinstance(p, bytes) else b"".join(p) for p in m.fetch("1", "(ENVELOPE)")[1]).decode()  # with its literals
        tap.ok("gr\u00fc\u00dfe" in envelope and re.search(r"\bj\u00f6rg\W+b\u00fccher\.test\b|\}j\u00f6rg \{\d+\}b\u00fccher\.test", envelope), "SMTPUTF8: IMAP gives them with UTF8=ACCEPT", envelope)
        m.logout()
    p = poplib.POP3_SSL("127.0.0.1", one.port("pop3s"), context=UNSAFE)
    p.encoding = "utf-8"
    p.utf8()
    p.user(JOERG)
    p.pass_(one.password[JOERG])
    got = b"\n".join(p.retr(1)[1]).decode()
    p.quit()
    tap.ok(f"To: <{JOERG}>" in got and "Subject: gr\u00fc\u00dfe" in got, "SMTPUTF8: POP3 gives them after UTF8", got)


why = receivers.missing()
SENDERS = {"postfix": (why["Postfix"], lambda one: by_smtp(one, "postfix", Postfix(*one.pair))),
           "opensmtpd": (why["OpenSMTPD"], lambda one: by_smtp(one, "opensmtpd", OpenSmtpd(*one.pair))),
           "exim": (why["Exim"], exim), "dma": (why["OpenSMTPD"], dma), "nullmailer": (why["OpenSMTPD"], nullmailer)}
with Instance({"domains": "example.test:\nxn--bcher-kva.test:"}, users=[JOERG]) as one:
    one.pair = f"{one.dir}/etc/tls/cert.pem", f"{one.dir}/etc/tls/key.pem"
    for name, (absent, send) in SENDERS.items():
        if absent:
            tap.skip(name, absent)
        else:
            tap.run(name + " has sent", send, one)
    tap.run("SMTPUTF8, from end to end", smtputf8, one)
tap.done()
