#!/usr/bin/env python3
"""Behind Debian's Postfix, as its LMTP delivery. Needs root and Postfix; an instance of its own."""
import grp, os, pwd, re, shutil, smtplib, socket, subprocess, sys, tempfile, time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mdalocal import Instance, LIMIT, PROGRAM, Tap, need_root

need_root()
FILES = next((f for f in ("/etc/postfix/postfix-files", os.environ.get("POSTFIX_FILES", "")) if os.path.exists(f)), None)
if not shutil.which("postfix") or not shutil.which("s6-ipcserver") or not FILES:
    print("1..0 # SKIP no postfix or no s6-ipcserver")
    sys.exit(0)


def known(find, *names):
    for name in names:
        try:
            find(name)
            return name
        except KeyError:
            pass


def wait_for(condition):
    end = time.monotonic() + LIMIT
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


tap = Tap()
i = Instance(users="alice@example.test: x\nbob@example.test: x::::::userdb_quota_rule=*:bytes=100\n")
os.chmod(i.dir, 0o755)
lmtp = i.start(["s6-ipcserver", "-a", "0666", i.path("sock"), PROGRAM])
wait_for(lambda: os.path.exists(i.path("sock")))
with socket.create_server(("127.0.0.1", 0)) as s:
    port = s.getsockname()[1]
d = tempfile.mkdtemp(prefix="postfix.")
os.chmod(d, 0o755)
owner = known(pwd.getpwnam, "postfix", "games")
for name in ("conf", "queue", "data"):
    os.mkdir(os.path.join(d, name))
shutil.chown(d + "/data", owner)
shutil.copy(FILES, d + "/conf/postfix-files")
for name in ("main.cf.proto", "master.cf.proto"):
    open(f"{d}/conf/{name}", "w").close()
with open(d + "/conf/main.cf", "w") as f:
    f.write(f"""compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
shlib_directory = /usr/lib/postfix
meta_directory = {d}/conf
mail_owner = {owner}
setgid_group = {known(grp.getgrnam, "postdrop", "man")}
default_privs = nobody
inet_interfaces = 127.0.0.1
myhostname = pf.test
mydestination =
virtual_mailbox_domains = example.test
virtual_mailbox_maps =
virtual_transport = lmtp:unix:{i.path("sock")}
lmtp_send_xforward_command = yes
maillog_file = {d}/log
maillog_file_prefixes = {d}
alias_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
""")
with open("/usr/share/postfix/master.cf.dist") as f:
    services = f.read()
services = re.sub(r"(?m)^smtp +inet.*", f"127.0.0.1:{port} inet n - n - - smtpd", services)
with open(d + "/conf/master.cf", "w") as f:
    f.write(re.sub(r"(?m)^(\w+ +\w[\w-]* +\S +\S +)y ", r"\1n ", services))  # no chroot
env = dict(os.environ, MAIL_CONFIG=d + "/conf")
try:
    started = subprocess.run(["postfix", "-c", d + "/conf", "start"], env=env, capture_output=True, text=True)
    tap.eq(started.returncode, 0, "postfix starts")
    client = smtplib.SMTP("127.0.0.1", port, timeout=LIMIT)
    client.sendmail("s@remote.test", ["alice@example.test", "bob@example.test", "no@example.test"],
                    "Subject: through Postfix\r\n\r\n.dot\r\n" + "x" * 200 + "\r\n")
    client.quit()

    def log():
        with open(d + "/log") as f:
            return f.read()
    tap.ok(wait_for(lambda: all(f"to=<{u}@example.test>" in log() for u in ("alice", "bob", "no"))), "three recipients are decided")
    tap.like(log(), r"to=<alice@example\.test>.*?dsn=2\.0\.0, status=sent \(250 2\.0\.0 delivered\)", "alice: sent")
    tap.like(log(), r"to=<no@example\.test>.*?dsn=5\.1\.1, status=bounced", "no such user: bounced")
    tap.like(log(), r"to=<bob@example\.test>.*?dsn=4\.2\.2, status=deferred", "mailbox full: deferred")
    tap.like(i.messages("alice")[0], "^Return-Path: <s@remote.test>\nDelivered-To: alice@example.test\nReceived: .*\n\n\\.dot\nx{200}\n$", "the copy")
    ident = re.search(r"(\w+): to=<alice", log())[1]
    tap.ok(f"id={ident} event=deliver" in i.log(), "Postfix's queue id stands in our log: XFORWARD IDENT")
finally:
    subprocess.run(["postfix", "-c", d + "/conf", "stop"], env=env, capture_output=True)
    lmtp.terminate()
    lmtp.wait()
    shutil.rmtree(d, ignore_errors=True)
    i.done()
tap.done()
