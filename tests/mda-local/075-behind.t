#!/usr/bin/env python3
"""Behind Debian's Postfix (virtual_transport) and Exim (its lmtp transport over a socket, its smtp transport with protocol = lmtp) as they stand: many
recipients, 8BITMIME, SMTPUTF8, DSN, a reply for each, a full mailbox, unknown users, PIPELINING, CHUNKING. Needs root."""
import os, re, shutil, smtplib, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import postfixserver
from instance import wait_for
from mdalocal import Instance, LIMIT, Peer, PROGRAM, Tap, need_root
from ports import free_port
from receivers import UNPACKED, Receiver, missing

need_root()
if not shutil.which("s6-ipcserver-socketbinder"):
    print("1..0 # SKIP no s6-ipcserver-socketbinder")
    sys.exit(0)
tap = Tap()
MANY = [f"many{n}" for n in range(60)]
USERS = ["alice", "jörg", *MANY]
EIGHT = "Subject: eight\n\n.dot\nZürich\n" + "x" * 900 + "\n"
FULL = "full@example.test: x::::::userdb_quota_rule=*:bytes=100\n"


def instance():
    i = Instance(users="".join(f"{u}@example.test: x\n" for u in USERS) + FULL)
    os.chmod(i.dir, 0o755)
    return i


def copies(i, user, sender="s@remote.test"):
    """What it has, without what other programs have added."""
    out = []
    for m in i.messages(user):
        head, body = m.split("\n\n", 1)
        good = head.startswith(f"Return-Path: <{sender}>\nDelivered-To: {user}@example.test\n") and head.count("\nDelivered-To: ") == 1
        out.append((good, re.search("^Subject: (.*)", head, re.M)[1], body))
    return out


def fields(report):
    """Of a notification: the envelope's id, the recipient, what has become of it."""
    return [re.search(rf"^{f}: *(?:rfc822; *)?(.*?)\r?$", report, re.M)[1] for f in ("Original-Envelope-Id", "Final-Recipient", "Action")]


# ---- Postfix ----

def postfix_part():
    i = instance()
    relay = Peer(i, "relay")
    path = i.path("sock")
    lmtp = i.start(["s6-ipcserver-socketbinder", "-a", "0666", path, PROGRAM, "-l", "20"])
    wait_for(lambda: os.path.exists(path), "its socket")
    port = free_port()
    with postfixserver.Postfix({("127.0.0.1", port): {}}, myhostname="pf.test", virtual_mailbox_domains="example.test", virtual_mailbox_maps="", virtual_transport=f"lmtp:unix:{path}",
                               default_transport="discard:", lmtp_send_xforward_command="yes", smtputf8_enable="yes", virtual_alias_maps="", debug_peer_list="", local_header_rewrite_clients="") as postfix:
        def send(rcpts, text, options=(), rcpt_options=()):
            """Once all of them are decided."""
            before = len(postfix.log())
            with smtplib.SMTP("127.0.0.1", port, timeout=LIMIT) as c:
                c.ehlo("client.test")
                c.sendmail("s@remote.test", [r + "@example.test" for r in rcpts], text.replace("\n", "\r\n").encode(), options, rcpt_options)
            wait_for(lambda: len(re.findall(r"postfix/lmtp\[.*?: to=<", postfix.log()[before:])) >= len(rcpts), f"{len(rcpts)} recipients are decided")
            return postfix.log()[before:]

        def said(log, user):
            m = re.search(rf"postfix/lmtp\[.*?: to=<{user}@example\.test>.*?dsn=([\d.]+), status=(\w+) \((.*)\)", log)
            return m and (m[1], m[2], m[3])

        log = send([*MANY, "full", "no", "alice"], EIGHT, ["BODY=8BITMIME"])
        tap.eq([said(log, u) for u in MANY + ["alice"]], [("2.0.0", "sent", "250 2.0.0 delivered")] * 61, "Postfix: each of many recipients has its reply")
        tap.like(str(said(log, "full")), r"'4\.2\.2', 'deferred', .*452 4\.2\.2 mailbox full", "... a full mailbox waits")
        tap.like(str(said(log, "no")), r"'5\.1\.1', 'bounced', .*550 5\.1\.1 no such user", "... an unknown user is returned")
        tap.eq([copies(i, u) for u in MANY + ["alice"]], [[(True, "eight", EIGHT.split("\n\n", 1)[1])]] * 61, "... a copy for each, 8 bits and all")
        tap.eq(len(set(re.findall(r"id=(\w+) event=deliver", i.log()))), 1, "... its queue id stands in our log")
        send(["alice"], "Subject: tést\n\nx\n", ["SMTPUTF8", "BODY=8BITMIME"])
        log = send(["jörg"], "Subject: tést\n\nx\n", ["SMTPUTF8", "BODY=8BITMIME"])
        tap.eq((said(log, "jörg")[1], copies(i, "jörg")), ("sent", [(True, "tést", "x\n")]), "Postfix: SMTPUTF8")
        log = send(["alice", "no"], "Subject: dsn\n\nx\n", ["RET=HDRS", "ENVID=e1"], ["NOTIFY=SUCCESS,FAILURE"])
        tap.like(str(said(log, "alice")), "'sent'", "Postfix: DSN")
        # Who passes DSN on leaves the notification to us.
        wait_for(lambda: relay.messages, "the notification")
        tap.eq(fields(relay.messages[0]["body"]), ["e1", "alice@example.test", "delivered"], "... the notification is ours")
        i.put("quota-permanent", "yes\n")
        log = send(["full"], "Subject: full\n\n" + "x" * 200 + "\n")
        tap.like(str(said(log, "full")), r"'5\.2\.2', 'bounced', .*552 5\.2\.2 mailbox full", "Postfix: with quota-permanent a full mailbox is returned")
    lmtp.terminate()
    lmtp.wait()
    i.done()


# ---- Exim ----

class Exim(Receiver):
    """Exim, for one message at a time, whose transport is ours."""

    def configure(self, transport):
        for name in "spool", "log":
            os.makedirs(f"{self.dir}/{name}", exist_ok=True)
            os.chown(f"{self.dir}/{name}", 8101, 8101)
        self.put("conf", f"""primary_hostname = mx.exim.test
exim_path = {UNPACKED}/usr/sbin/exim4
spool_directory = {self.dir}/spool
log_file_path = {self.dir}/log/%s
log_selector = +pipelining +smtp_confirmation +8bitmime
never_users =
trusted_users = root
allow_utf8_domains
dsn_advertise_hosts = *
acl_smtp_rcpt = accept
qualify_domain = exim.test
begin routers
returned:
  driver = accept
  domains = remote.test
  transport = file
all:
  driver = {'manualroute' if 'smtp' in transport else 'accept'}
  domains = example.test
{'  route_list = * 127.0.0.1' + chr(10) + '  self = send' + chr(10) if 'smtp' in transport else ''}  transport = out
begin transports
file:
  driver = appendfile
  file = {self.dir}/spool/returned
  user = Debian-exim
out:
{transport}begin retry
* * F,1h,10m
""")

    def send(self, rcpts, text, *options):
        shutil.rmtree(f"{self.dir}/log")
        os.mkdir(f"{self.dir}/log")
        os.chown(f"{self.dir}/log", 8101, 8101)
        self.put("message", text)
        self.run(["sh", "-c", 'exec "$@" <"$0"', f"{self.dir}/message", f"{UNPACKED}/usr/sbin/exim4", "-C", f"{self.dir}/conf", "-odf", *options,
                  *["-f", "s@remote.test"] * bool(rcpts), *[r + "@example.test" for r in rcpts]], mounts="true &&")
        self.process.wait(LIMIT)
        if not os.path.exists(f"{self.dir}/log/main"):
            raise RuntimeError(self.log())
        with open(f"{self.dir}/log/main", encoding="utf-8") as f:
            return f.read()


def exim_part(name, transport, launch):
    i = instance()
    server, place = launch(i)
    exim = Exim("/dev/null", "/dev/null")
    try:
        exim.configure(transport.format(place))
        log = exim.send([*MANY, "full", "no", "alice"], EIGHT, "-B8BITMIME")
        sent = re.findall(r' [-=]> (\w+)(?: <\w+)?@example\.test>? .*?C="250 2\.0\.0 delivered"', log)
        tap.eq(sorted(sent), sorted(MANY + ["alice"]), f"{name}: each of many recipients has its reply")
        tap.like(log, r" == full@example\.test .*452 4\.2\.2 mailbox full", "... a full mailbox waits")
        tap.like(log, r" \*\* no@example\.test .*550 5\.1\.1 no such user", "... an unknown user is returned")
        tap.eq([copies(i, u) for u in MANY + ["alice"]], [[(True, "eight", EIGHT.split("\n\n", 1)[1])]] * 61, "... a copy for each, 8 bits and all")
        tap.eq("K " in log.split("=> ")[1], "smtp" in transport, "... by CHUNKING" if "smtp" in transport else "... by DATA")
        if "smtp" in transport:
            tap.like(log, r"=> \S+ .* L ", "... by PIPELINING")
            log = exim.send(["jörg"], "Subject: tést\n\nx\n")
            tap.eq(copies(i, "jörg"), [(True, "tést", "x\n")], f"{name}: SMTPUTF8" + log * (not copies(i, "jörg")))
            relay = Peer(i, "relay")
            exim.send([], "EHLO x\nMAIL FROM:<s@remote.test> ENVID=e2\nRCPT TO:<alice@example.test> NOTIFY=SUCCESS\nDATA\nSubject: dsn\n\nx\n.\nQUIT\n", "-bs")
            wait_for(lambda: relay.messages, "the notification")
            tap.eq(fields(relay.messages[0]["body"]), ["e2", "alice@example.test", "delivered"], f"{name}: DSN")
    finally:
        exim.__exit__()
        server.terminate()
        server.wait()
        i.done()


def by_socket(i):
    server = i.start(["s6-ipcserver-socketbinder", "-a", "0666", i.path("sock"), PROGRAM, "-l", "20"])
    wait_for(lambda: os.path.exists(i.path("sock")), "its socket")
    return server, i.path("sock")


def by_tcp(i):
    server = i.start([os.path.join(os.path.dirname(PROGRAM), "tcpserver"), "-1", "127.0.0.1", "0", PROGRAM], stdout=subprocess.PIPE)
    return server, int(server.stdout.readline().split()[0])


if postfixserver.available:
    postfix_part()
else:
    tap.ok(True, "SKIP no Postfix")
if missing()["Exim"]:
    tap.ok(True, "SKIP no Exim: " + missing()["Exim"])
else:
    exim_part("Exim's lmtp", "  driver = lmtp\n  socket = {}\n  batch_max = 100\n  user = Debian-exim\n", by_socket)
    exim_part("Exim's smtp", "  driver = smtp\n  protocol = lmtp\n  port = {}\n  allow_localhost\n  hosts_avoid_tls = *\n", by_tcp)
tap.done()
