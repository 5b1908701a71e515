#!/usr/bin/env python3
"""PRDR with Debian's Exim as the sender: it asks for it by itself, hears what becomes of each recipient, and does as it is told."""
import os, re, subprocess, sys
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from receivers import UNPACKED, Receiver, missing
from smtprecv import BIN, LIMIT, Instance, Tap

why = missing()["Exim"]
if why:
    print(f"1..0 # SKIP Exim: {why}")
    sys.exit(0)


class Sender(Receiver):
    """Exim, for one message."""

    def run_once(self, rcpts):
        for name in "spool", "log":
            os.mkdir(f"{self.dir}/{name}")
            os.chown(f"{self.dir}/{name}", 8101, 8101)
        self.put("conf", f"""primary_hostname = mx.exim.test
exim_path = {UNPACKED}/usr/sbin/exim4
spool_directory = {self.dir}/spool
log_file_path = {self.dir}/log/%s
never_users =
qualify_domain = exim.test
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = {self.port}
  hosts_avoid_tls = *
begin retry
* * F,1h,10m
""")
        self.put("message", "Subject: x\n\nhello\n")
        self.run(["sh", "-c", 'exec "$@" <"$0"', f"{self.dir}/message", f"{UNPACKED}/usr/sbin/exim4", "-C", f"{self.dir}/conf", "-odf",
                  "-f", "sender@exim.test", *rcpts], mounts="true &&")
        self.process.wait(LIMIT)
        return self.log()


tap = Tap()
i = Instance(lmtp={"dot:full": "552 5.2.2 over quota", "dot:slow": "451 4.3.2 not now", "no": "550 5.1.1 no such user"})
env = i.environment()
server = subprocess.Popen([BIN + "/tcpserver", "-1", "127.0.0.1", "0", BIN + "/smtp-recv"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=i.log, env=env)
try:
    exim = Sender("/dev/null", "/dev/null")
    exim.port = int(server.stdout.readline().split()[0])
    log = exim.run_once([f"{r}@example.test" for r in ("ann", "full", "slow", "no", "bob")])
    tap.like(log, r" => ann@example.test [^\n]*PRDR", "it uses PRDR")
    tap.like(log, r" [-=]> bob@example.test ", "who has the message is done")
    tap.like(log, r" \*\* full@example.test [^\n]*552 5.2.2 over quota", "who was refused for good after the message is returned")
    tap.like(log, r" == slow@example.test [^\n]*451 4.3.2 not now", "who was refused for a time waits at the sender")
    tap.like(log, r" \*\* no@example.test [^\n]*550 5.1.1", "who was refused at RCPT is returned")
    tap.eq([sorted(re.findall(r"<(\w+)@", " ".join(m["rcpts"]))) for m in i.lmtp.messages if "sender@" in m["mail"]], [["ann", "bob"]], "two copies")
    tap.ok(not i.spool.messages, "nothing waits here")
    exim.__exit__()
finally:
    server.terminate()
    server.wait(LIMIT)
    i.close()
tap.done()
