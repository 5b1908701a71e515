#!/usr/bin/env python3
"""make install and postern-init, as root in private mount, network and process namespaces: the installed instance
with its users, and nothing of the machine changed."""
import os, subprocess, sys

from instance import ROOT, tap

if os.getuid() != 0:
    print("1..0 # SKIP needs root")
    sys.exit()
if "inside" not in sys.argv:
    probe = subprocess.run(["unshare", "-m", "-n", "-p", "-f", "true"], capture_output=True, text=True)
    if probe.returncode:
        print(f"1..0 # SKIP no namespaces here: {probe.stderr.strip()}")
        sys.exit()
    sys.exit(subprocess.run(["unshare", "-m", "-n", "-p", "-f", "--mount-proc", "--kill-child", sys.executable, __file__, "inside"]).returncode)

import base64, glob, imaplib, poplib, pwd, re, shutil, smtplib, socket, ssl, time  # noqa: E401,E402
from instance import wait_for  # noqa: E402
from smtppeer import Peer  # noqa: E402

UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE


def sh(command, **more):
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=120, cwd=ROOT, **more)


def must(command, **more):
    done = sh(command, **more)
    if done.returncode:
        print(f"Bail out! {command}: {done.stdout}{done.stderr}")
        sys.exit(1)
    return done.stdout


# A world of our own: /etc is a copy, /opt and /var/lib are empty, the network is a loopback.
must("mount --make-rprivate / && mount -t tmpfs -o mode=755 none /mnt && cp -a /etc /mnt/etc && mount --bind /mnt/etc /etc && "
     "mount -t tmpfs -o mode=755 none /opt && mount -t tmpfs -o mode=755 none /var/lib && ip link set lo up && mkdir -p /etc/systemd/system")
must(f"make -s install PREFIX=/opt/postern")
PATH = "/opt/postern/bin:/opt/postern/sbin:" + os.environ["PATH"].split("/build/bin:")[-1]
os.environ["PATH"] = PATH
os.environ.pop("POSTERN_DIR", None)
tap.ok(os.access("/opt/postern/bin/imap", os.X_OK) and os.path.exists("/opt/postern/share/man/man8/imap.8")
       and os.path.exists("/opt/postern/sbin/postern-user"), "make install")
staged = sh("make -s install DESTDIR=/mnt/stage PREFIX=/usr")
tap.ok(staged.returncode == 0 and os.path.exists("/mnt/stage/usr/bin/imap") and os.path.lexists("/mnt/stage/usr/sbin/sendmail"),
       "make install with DESTDIR", staged.stderr)

must("mkdir -p /etc/init.d && echo '#!/bin/sh' >/opt/postern/bin/openrc-run && chmod 755 /opt/postern/bin/openrc-run")  # as OpenRC has it
must("echo '. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D' >/etc/trusted-key.key")  # where dns-root-data has none
done = sh("postern-init -h mail.example.test example.test")
tap.ok(done.returncode == 0, "postern-init", done.stdout + done.stderr)
tap.ok("DANE stays off" in done.stderr and not os.path.exists("/etc/postern/resolver-anchor"), "no resolver here: no DANE", done.stderr)
tap.ok(all(sh("getent passwd " + user).returncode == 0 for user in ("postern", "postspool", "posttls", "postlog")), "its users are made")
tap.ok(os.path.realpath("/var/lib/postern/etc") == "/etc/postern", "the control directory is /etc/postern")
unit = open("/etc/systemd/system/postern.service").read()
tap.ok("@" not in unit and "/var/lib/postern/run/service" in unit, "a systemd unit is written", unit)
script = open("/etc/init.d/postern").read()
tap.ok("@" not in script and "/var/lib/postern/run/service" in script and os.access("/etc/init.d/postern", os.X_OK)
       and sh("sh -n /etc/init.d/postern").returncode == 0, "and an OpenRC script", script)
verify = sh("systemd-analyze verify /etc/systemd/system/postern.service") if shutil.which("systemd-analyze") else None
if verify:
    tap.ok("postern.service" not in verify.stderr, "systemd takes it", verify.stderr)
else:
    tap.skip("systemd takes it", "no systemd-analyze here")
tap.ok(set(sh("cat /etc/postern/listen").stdout.split()) <= {"127.0.0.1", "::1"}, "nothing listens in public")

secret = {"alice@example.test": "first secret", "bob@example.test": "second secret"}
for address, password in secret.items():
    done = sh("postern-user add " + address, input=password + "\n")
    tap.ok(done.returncode == 0, "postern-user add " + address, done.stderr)
uid = {line.split(":")[0]: int(line.split(":")[2]) for line in open("/etc/postern/users")}
tap.ok(len(set(uid.values())) == 2 and min(uid.values()) >= 400000, "each account has a uid of its own", uid)

must("echo 'recipients user 500 3600' >/etc/postern/smtp-rates")
backend = Peer(script={"RCPT": lambda line: "550 5.1.1 no" if "<no" in line else None})
must(f"echo 'asked.test: callout' >/etc/postern/relay-domains; echo 'asked.test: [127.0.0.1]:{backend.port}' >/etc/postern/routes; postern-services")
svscan = subprocess.Popen(["s6-svscan", "-t", "0", "/var/lib/postern/run/service"], stderr=open("/mnt/svscan", "w"),
                          env=dict(os.environ, POSTERN_DIR="/var/lib/postern"))


def ready():
    services = [os.path.dirname(run) for run in glob.glob("/var/lib/postern/run/service/*/run")]
    return services and all(sh(f"s6-svstat -o ready {s}").stdout.strip() == "true" for s in services)


def logs():
    return "".join(f"== {path}\n{open(path, errors='replace').read()[-1500:]}" for path in glob.glob("/var/lib/postern/log/*/current"))


tap.run("every service becomes ready", wait_for, ready, "readiness")


def submit(sender, recipient, port=587):
    with smtplib.SMTP("127.0.0.1", port, timeout=120) as s:
        s.starttls(context=UNSAFE)
        s.login(sender, secret[sender])
        s.sendmail(sender, [recipient], f"From: {sender}\r\nTo: {recipient}\r\nSubject: x\r\n\r\nbody\r\n")


def stranger():
    with smtplib.SMTP("127.0.0.1", 25, timeout=120) as s:
        s.sendmail("stranger@example.org", ["alice@example.test"], "From: stranger@example.org\r\nSubject: y\r\n\r\nbody\r\n")


def callout():
    with smtplib.SMTP("127.0.0.1", 25, timeout=120) as s:
        s.ehlo("x")
        s.mail("stranger@example.org")
        got = [s.rcpt(name + "@asked.test")[0] for name in ("bob", "nobody")]
    file = os.stat("/var/lib/postern/run/callout/answers")
    assert (got, pwd.getpwuid(file.st_uid).pw_name, file.st_mode & 0o777) == ([250, 550], "postspool", 0o600), (got, file)


def spooled():
    with smtplib.LMTP("/var/lib/postern/run/spool/sock") as s:
        s.sendmail("stranger@example.org", ["bob@example.test"], "From: stranger@example.org\r\nSubject: waited\r\n\r\nbody\r\n")
    wait_for(lambda: sh("grep -rl 'Subject: waited' /var/lib/postern/mail/example.test/bob/Maildir/new").stdout, "delivery from the spool")


def read_imap():
    with imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=UNSAFE) as m:
        m.login("bob@example.test", secret["bob@example.test"])
        return m.select()[1] == [b"1"] and b"body" in m.fetch("1", "(BODY[])")[1][0][1]


def read_pop3():
    p = poplib.POP3("127.0.0.1", 110, timeout=120)
    p.stls(context=UNSAFE)
    p.user("alice@example.test")
    p.pass_(secret["alice@example.test"])
    count = p.stat()[0]
    p.quit()
    return count == 1


def rules():
    """Alice's script, by ManageSieve; the session and what it writes are hers."""
    def answer(f):
        while not (line := f.readline()).startswith((b"OK", b"NO", b"BYE")):
            assert line, "the connection has ended"
        assert line.startswith(b"OK"), line
    with socket.create_connection(("127.0.0.1", 4190), 120) as s:
        answer(s.makefile("rb", buffering=0))
        s.sendall(b"STARTTLS\r\n")
        answer(s.makefile("rb", buffering=0))
        with UNSAFE.wrap_socket(s) as t:
            f = t.makefile("rb", buffering=0)
            answer(f)
            credentials = base64.b64encode(f"\0alice@example.test\0{secret['alice@example.test']}".encode())
            for command in b'AUTHENTICATE "PLAIN" "%s"' % credentials, b'PUTSCRIPT "rules" "keep;"', b'SETACTIVE "rules"':
                t.sendall(command + b"\r\n")
                answer(f)
            sessions = [r.split() for r in sh("ps -eo uid,comm:30").stdout.splitlines() if r.split()[1] == "managesieve"]
    home = "/var/lib/postern/mail/example.test/alice"
    owners = {os.lstat(home + name).st_uid for name in ("/.dovecot.sieve", "/sieve", "/sieve/rules.sieve")}
    assert owners == {uid["alice@example.test"]} and {int(u) for u, _ in sessions} == owners and len(sessions) == 2, (owners, sessions)


try:
    tap.run("alice submits to bob", submit, "alice@example.test", "bob@example.test")
    state = [(sh(f"stat -c %U:%a /var/lib/postern/{name}").stdout.strip()) for name in ("state", "state/rates")]
    tap.ok(state == ["postern:700", "postern:600"], "what is counted of alice is postern's", state)
    tap.run("a stranger's mail to alice is taken on port 25", stranger)
    tap.run("recipients of a relay domain are asked about at its server", callout)
    tap.run("bob reads it over IMAP", read_imap)
    tap.run("alice stores and activates rules over ManageSieve", rules)
    tap.run("alice reads it over POP3", read_pop3)
    tap.run("what waited in the spool for bob is delivered", spooled)
    # A connection in progress on each of these, so that there is a process to look at.
    waiting = smtplib.SMTP("127.0.0.1", 25, timeout=120)
    waiting.ehlo("x")
    waiting.mail("stranger@example.org")
    for address, owner in uid.items():
        home = "/var/lib/postern/mail/example.test/" + address.split("@")[0]
        wrong = [os.path.join(d, n) for d, ds, fs in os.walk(home) for n in ds + fs if os.stat(os.path.join(d, n)).st_uid != owner]
        tap.ok(not wrong and os.stat(home).st_mode & 0o777 == 0o700, f"all of {address}'s mail belongs to its uid", *wrong)
    # Whoever holds a connection's socket without being root's half of a pair.
    users = sh("ps -eo user:20,comm:30,args").stdout
    for program, user in ("smtp-recv", "postern"), ("mda-remote", "postspool"), ("spool-recv", "postspool"), ("s6-log", "postlog"):
        rows = [r for r in users.splitlines() if r.split()[1] == program]
        tap.ok(all(r.startswith(user + " ") for r in rows) and (rows or program == "spool-recv"), f"{program} runs as {user}", *rows)
    waiting.quit()
    imap = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=UNSAFE)
    engines = [r for r in sh("ps -eo user:20,comm:30").stdout.splitlines() if r.split() == ["posttls", "tls-engine"]]
    tap.ok(engines, "a TLS engine runs as posttls")
    pairs = [r for r in sh("ps -eo user:20,comm:30").stdout.splitlines() if r.split()[1] == "imap-login"]
    tap.ok(len(pairs) == 2 and {r.split()[0] for r in pairs} == {"root", "postern"}, "the login pair: a parent, and a parser as postern", *pairs)
    imap.login("bob@example.test", secret["bob@example.test"])
    session = [r for r in sh("ps -eo uid,comm:30").stdout.splitlines() if r.split()[1] == "imap"]
    tap.ok(session and all(int(r.split()[0]) == uid["bob@example.test"] for r in session), "the session runs as the account", *session)
    imap.logout()
    done = sh("printf 'Subject: from cron\\n\\nx\\n' | sendmail -f root@example.test bob@example.test")
    tap.ok(done.returncode == 0, "sendmail", done.stderr)

    before = must("cd /etc/postern && find . -type f ! -name '*.cdb' | sort | xargs sha256sum; find . | sort | xargs stat -c '%n %a %U'")
    os.system("echo 'info: alice@example.test' >> /etc/postern/aliases; echo 5M > /etc/postern/smtp-size")
    changed = must("cd /etc/postern && find . -type f ! -name '*.cdb' | sort | xargs sha256sum")
    done = sh("postern-init -h mail.example.test example.test")
    after = must("cd /etc/postern && find . -type f ! -name '*.cdb' | sort | xargs sha256sum")
    tap.ok(done.returncode == 0 and changed == after and before != after, "run again, it changes nothing that an administrator changed",
           done.stderr)
    # Another address instead of one of these.
    must("ip addr add 192.0.2.25/32 dev lo && printf '192.0.2.25\\n127.0.0.1\\n' >/etc/postern/listen")
    began = time.monotonic()
    done = sh("postern-services")
    took = time.monotonic() - began
    names = {s for s in os.listdir("/var/lib/postern/run/service") if "@" in s}
    tap.ok(done.returncode == 0 and {s.split("@")[1] for s in names} == {"192.0.2.25", "127.0.0.1"} and took < 60,
           "postern-services follows etc/listen", done.stderr, took, names)
    tap.run("every service becomes ready again", wait_for, ready, "readiness")
    listening = sh("ss -Hltn").stdout
    tap.ok("192.0.2.25:25 " in listening and "[::1]:25 " not in listening, "and listens on the new address only", listening)
except Exception as error:  # the logs tell more than the exception
    tap.ok(False, "the installed instance works", repr(error), logs())

must("s6-svscanctl -t /var/lib/postern/run/service")
tap.ok(svscan.wait(timeout=120) == 0, "the scan directory ends")
done = sh("printf 'Subject: queued\\n\\nx\\n' | s6-setuidgid nobody sendmail -f nobody@example.test someone@remote.test")
queued = sh("grep -rl 'Subject: queued' /var/lib/postern/spool").stdout
tap.ok(done.returncode == 0 and queued, "with nothing running, any user's sendmail queues (set-id spool-recv)", done.stderr, logs())
done = sh("mailq")
tap.ok("someone@remote.test" in done.stdout, "and mailq shows it", done.stdout + done.stderr)
must("make -s install PREFIX=/opt/postern")
must("printf '#!/bin/sh\\n[ $(id -un) = postspool ]\\n' >/opt/postern/bin/mda-remote-dns")  # as if all were well with the DNS
done = sh("postern-init")
tap.ok(done.returncode == 0 and os.stat("/opt/postern/bin/spool-recv").st_mode & 0o7777 == 0o4711,
       "after an upgrade postern-init alone makes it set-id again", done.stderr)
anchor = open("/etc/postern/resolver-anchor").read().strip()
tap.ok(os.path.exists(anchor) and anchor.endswith(".key"), "and sets resolver-anchor where answers can be validated", anchor)
must("echo '#' >/etc/postern/resolver-anchor")
tap.ok(sh("postern-init").returncode == 0 and open("/etc/postern/resolver-anchor").read() == "#\n", "unless an administrator does not want it")
# Filters' sockets are their groups' (doc/filters.md), and a tcpserver that drops rights itself sets no other groups than it is told.
must("groupadd filters && usermod -a -G filters postern && mkdir -p /etc/postern/access && postern-services")
groups = ",".join(sh("id -G postern").stdout.split())
run = open("/var/lib/postern/run/service/smtp@127.0.0.1/run").read()
tap.ok("," in groups and f" -G {groups} -- 127.0.0.1 25 " in run, "behind etc/access, too, smtp-recv is in all groups of postern", groups, run)
tap.done()
