#!/usr/bin/env python3
"""Filters that are in use everywhere: OpenDKIM signs and verifies, clamav-milter finds a test signature.
Each is started privately; what is not installed is skipped."""
import atexit, os, shutil, socket, subprocess, sys, tempfile, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from smtprecv import NOBODY, Instance, Tap

os.environ["PATH"] += ":/usr/sbin:/sbin"
tap = Tap()
dir = tempfile.mkdtemp(prefix="postern-test.")
os.chmod(dir, 0o777)
processes = []


def end():
    for p in processes:
        p.terminate()
    for p in processes:
        try:
            p.wait(20)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
    shutil.rmtree(dir, True)


atexit.register(end)


def path(name):
    return os.path.join(dir, name)


def write(name, text):
    with open(path(name), "w") as f:
        f.write(text)
    os.chmod(path(name), 0o644)
    return path(name)


def drop():
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def start(*command):
    log = open(path(f"log.{len(processes)}"), "wb")
    processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=dir, preexec_fn=drop))
    return processes[-1]


def ready(process, sock):
    """Until it listens there; 0 if it has ended."""
    for _ in range(1200):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(sock)
                return 1
            except OSError:
                pass
        if process.poll() is not None:
            return 0
        time.sleep(0.1)
    return 0


def logs():
    return "\n".join(open(path(n), errors="replace").read()[-1500:] for n in sorted(os.listdir(dir)) if n.startswith("log."))


def send(milters, message, tables=None, args=(), **env):
    i = Instance(milters=milters, tables=tables)
    c = i.client(*args, **env)
    answers, last = c.mail(["u@example.test"], message, sender="alice@example.test")
    c.close()
    body = i.lmtp.messages[0]["body"].decode(errors="replace") if i.lmtp.messages else ""
    log = i.logged()
    i.close()
    return last, body, log


MESSAGE = ("From: Alice <alice@example.test>\r\nTo: u@example.test\r\nSubject: a  folded\r\n\tone \r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.test>\r\n\r\n"
           "hello  \r\n.dot\r\n" + "a line of the body\r\n" * 5000 + "\r\n\r\n")
STUFFED = MESSAGE.replace("\r\n.", "\r\n..")

# ---- OpenDKIM ----

if not shutil.which("opendkim"):
    tap.ok(True, "opendkim SKIP not installed")
else:
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path("key"), "2048"], check=True, capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", path("key"), "-pubout"], check=True, capture_output=True, text=True).stdout
    os.chmod(path("key"), 0o600)
    if os.getuid() == 0:
        os.chown(path("key"), NOBODY, NOBODY)
    write("keys", "sel._domainkey.example.test v=DKIM1; k=rsa; p=" + "".join(public.split("\n")[1:-2]) + "\n")
    common = "Syslog no\nRequireSafeKeys no\nBackground no\n"
    for canon in ("simple/simple", "relaxed/relaxed"):
        name = canon.split("/")[0]
        sign = start("opendkim", "-f", "-x", write(f"sign.{name}", common + f"Mode s\nDomain example.test\nSelector sel\nKeyFile {path('key')}\nCanonicalization {canon}\n"
                     f"InternalHosts {write('hosts', '192.0.2.7')}\nSocket local:{path(name + '.s')}\n"))
        check = start("opendkim", "-f", "-x", write(f"check.{name}", common + f"Mode v\nTestPublicKeys {path('keys')}\nAuthservID mx.example.test\nSocket local:{path(name + '.v')}\n"))
        up = ready(sign, path(name + ".s")) and ready(check, path(name + ".v"))
        last, body, log = send(f"sign unix:{path(name + '.s')} timeout=100\ncheck unix:{path(name + '.v')} timeout=100\n", STUFFED)
        tap.ok(up and last and last.startswith("250") and "\r\nDKIM-Signature: v=1;" in body and "dkim=pass" in body, f"OpenDKIM signs, {canon}, and another verifies what the first has made",
               f"{last}\n{body[:1500]}\n{log}\n{logs()}")
        last, body, log = send(f"check unix:{path(name + '.v')} timeout=100\n", body.split("\r\n.dot", 1)[0].replace("hello", "hallo") + "\r\n")
        tap.ok(last and "dkim=fail" in body.split("\r\n\r\n")[0].split("DKIM-Signature")[0], "a body that was changed behind the signature fails", f"{last}\n{body[:800]}\n{logs()}")
# ---- ClamAV, with a signature of our own ----

if not (shutil.which("clamd") and shutil.which("clamav-milter")):
    tap.ok(True, "clamav-milter SKIP not installed")
else:
    virus = b"this stands for a virus\r\n"
    os.mkdir(path("db"))
    write("db/test.ndb", "Test.Postern:0:*:" + b"this stands for a virus".hex() + "\n")
    clamd = start("clamd", "-F", "-c", write("clamd.conf", f"LocalSocket {path('clamd')}\nDatabaseDirectory {path('db')}\nForeground yes\nTemporaryDirectory {dir}\n"))
    up = ready(clamd, path("clamd"))
    milter = start("clamav-milter", "-c", write("milter.conf", f"MilterSocket unix:{path('clam')}\nClamdSocket unix:{path('clamd')}\nForeground yes\nTemporaryDirectory {dir}\n"
                   "OnInfected Reject\nRejectMsg infected: %v\nAddHeader Replace\n"))
    holder = start("clamav-milter", "-c", write("holder.conf", f"MilterSocket unix:{path('hold')}\nClamdSocket unix:{path('clamd')}\nForeground yes\nTemporaryDirectory {dir}\nOnInfected Quarantine\n"))
    up = up and ready(milter, path("clam")) and ready(holder, path("hold"))
    last, body, log = send(f"clam unix:{path('clam')} timeout=100\n", STUFFED)
    tap.ok(up and last and last.startswith("250") and "X-Virus-Status: Clean" in body, "ClamAV lets a clean message pass, and says so in its header", f"{last}\n{body[:800]}\n{log}\n{logs()}")
    last, body, log = send(f"clam unix:{path('clam')} timeout=100\n", STUFFED + virus.decode())
    tap.ok(last and last.startswith("550 5.7.1 infected: Test.Postern") and not body, "and refuses what bears the signature, in its own words", f"{last}\n{log}\n{logs()}")
    last, body, log = send(f"hold unix:{path('hold')} timeout=100\n", STUFFED + virus.decode())
    tap.ok(last and last.startswith("451 4.3.0 the spool cannot hold") and "event=hold" in log, "or puts it in quarantine", f"{last}\n{log}\n{logs()}")
tap.done()
