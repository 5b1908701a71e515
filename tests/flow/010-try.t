#!/usr/bin/env python3
"""scripts/try as a person uses it, two instances side by side, accounts, supervision, bad settings, tracing."""
import glob, imaplib, os, pty, re, shutil, signal, smtplib, socket, ssl, subprocess, tempfile

from instance import Instance, PORTS, ROOT, tap, wait_for
from ports import free_base

UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE


def banner(port, address="127.0.0.1", tls=False):
    with socket.create_connection((address, port), 120) as s:
        with UNSAFE.wrap_socket(s) if tls else s as t:
            return t.recv(200).decode()


def processes(directory):
    """Whoever has the directory in its environment as POSTERN_DIR."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            if f"POSTERN_DIR={directory}".encode() in open(path, "rb").read().split(b"\0"):
                found.append(path.split("/")[2])
        except OSError:
            pass
    return found


def owner(pid):
    try:
        return os.stat("/proc/" + pid).st_uid
    except OSError:  # ended meanwhile
        return None


def parent(pid):
    try:
        return int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


def demonstration():
    top = tempfile.mkdtemp(prefix="postern-flow.", dir="/var/tmp")
    os.chmod(top, 0o755)
    directory, base = os.path.join(top, "instance"), free_base(PORTS.values())
    process = subprocess.Popen(["scripts/try", "-d", directory, "-p", str(base)], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # tests run in the background ignore it
    shown = ""
    try:
        for line in process.stdout:
            shown += line
            if line.startswith("Logs:"):
                break
        steps = ["alice sends bob a message", "bob reads it over POP3", "bob reads it over IMAP",
                 "alice sends carol@second.test", "and lies in her Maildir there", "Point a mail client at it"]
        tap.ok(all(step in shown for step in steps), "scripts/try shows mail sent, read and forwarded", shown)
        tap.ok(shown.count("Delivered-To: bob@example.test") == 2 and "Delivered-To: carol@second.test" in shown,
               "each copy bears Delivered-To", shown)
        root = [p for p in processes(directory) if owner(p) == 0 and parent(p) != process.pid]  # its own sleep is no service
        if os.getuid() == 0:
            tap.ok(not root, "as root nothing of the instance runs as root",
                   *[open(f"/proc/{p}/cmdline").read().replace("\0", " ") for p in root])
        else:
            tap.skip("as root nothing of the instance runs as root", "not root")
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()  # communicate() would pass over what is buffered already
        process.wait(timeout=120)
    tap.ok(process.returncode == 0 and "stopped" in rest, "an interrupt ends it with 0", process.returncode, rest)
    tap.ok(not processes(directory) and not processes(directory + "/second"), "all that it started ended with it")
    shutil.rmtree(top, ignore_errors=True)


def send(one, sender, recipient, subject="test"):
    with smtplib.SMTP("127.0.0.1", one.port("submission"), timeout=120) as s:
        s.starttls(context=UNSAFE)
        s.login(sender, one.password[sender])
        s.sendmail(sender, [recipient], f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nbody\r\n")


def prompted(command, *answers):
    """Runs a command at a terminal, gives each answer when it asks; what the terminal showed, and the exit code."""
    terminal, its = pty.openpty()
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    shown = b""
    try:
        for number, answer in enumerate(answers, 1):
            while shown.count(b": ") < number:
                shown += os.read(terminal, 1000)
            os.write(terminal, answer.encode() + b"\n")
        while True:
            shown += os.read(terminal, 1000)
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return shown.decode(), process.wait(timeout=120)


def ordinary_user():
    """The whole as somebody who is not root."""
    if os.getuid() != 0:
        return tap.skip("scripts/try as an ordinary user", "all of this test ran as one")
    top, base = tempfile.mkdtemp(prefix="postern-flow.", dir="/var/tmp"), free_base(PORTS.values())
    os.chown(top, 65534, 65534)
    script = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "scripts/try", "-d", top + "/instance"]
    if subprocess.run([*script[:4], "test", "-r", ROOT + "/scripts/try"], cwd="/").returncode:
        return tap.skip("scripts/try as an ordinary user", "the tree is closed to others")
    try:
        done = subprocess.run([*script, "-p", str(base), "-b"], cwd=ROOT, capture_output=True, text=True, timeout=120)
        owners = {os.stat("/proc/" + p).st_uid for p in processes(top + "/instance")}
        tap.ok(done.returncode == 0 and owners == {65534}, "scripts/try as an ordinary user", done.stdout + done.stderr, owners)
        tap.ok(not done.returncode and "OK" in banner(base + 993, tls=True), "serves")
    finally:
        done = subprocess.run([*script, "stop"], cwd=ROOT, capture_output=True, text=True, timeout=120)
        tap.ok(done.returncode == 0 and not processes(top + "/instance"), "and stops", done.stderr)
        shutil.rmtree(top, ignore_errors=True)


def missing_packages():
    """A system on which nothing is installed, as its package manager says it."""
    top = tempfile.mkdtemp()
    for name in "dpkg-query", "apk", "pacman", "xbps-query":
        with open(f"{top}/{name}", "w") as f:
            f.write("#!/bin/sh\nexit 1\n")
        os.chmod(f"{top}/{name}", 0o755)
    done = subprocess.run(["scripts/setup", "-n", "try"], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ, PATH=f"{top}:{os.environ['PATH']}"))
    lines = done.stderr.splitlines()
    tap.ok(done.returncode == 100 and len(lines) == 2 and " && " in lines[1] and "curl" in lines[1].split(),
           "missing packages are named in one command line, exit 100", done.stderr)
    shutil.rmtree(top)


def accounts(one):
    def user(*words, **more):
        return one.script("scripts/postern-user", "-i", one.dir, *words, **more)

    done = user("add", "carol@example.test", input="one\n")
    tap.ok(done.returncode == 0, "postern-user add", done.stderr)
    tap.ok("carol@example.test" in user("list").stdout.split(), "postern-user list")
    names = sorted(os.path.basename(p) for p in glob.glob(one.maildir("carol@example.test") + "/.[A-Z]*"))
    tap.ok(names == [".Archive", ".Drafts", ".Junk", ".Sent", ".Trash"], "its folders are made", names)
    with imaplib.IMAP4_SSL("127.0.0.1", one.port("imaps"), ssl_context=UNSAFE) as m:
        m.login("carol@example.test", "one")
        m.xatom("LIST", "(SPECIAL-USE SUBSCRIBED)", '""', "*")
        listed = b"\n".join(m.response("LIST")[1]).decode()
    tap.ok(all(re.search(rf"\\{n[1:]}\b.* {n[1:]}$", listed, re.M) for n in names), "with their special-use, and subscribed", listed)
    one.password["carol@example.test"] = "one"
    tap.run("it may send without a restart", send, one, "carol@example.test", "bob@example.test")
    keys = lambda: re.findall(r"^carol@\S+ (.*scram-sha-256=.*)$", open(one.dir + "/etc/users").read().replace("::scram", ":: scram"), re.M)  # noqa: E731
    before = keys()
    tap.ok(user("passwd", "carol@example.test", input="two\n").returncode == 0, "postern-user passwd")
    tap.ok(len(before) == len(keys()) == 1 and before != keys(), "and its SCRAM keys are others", (before, keys()))
    try:
        send(one, "carol@example.test", "bob@example.test")
        tap.ok(False, "the old password is refused at once")
    except smtplib.SMTPAuthenticationError as error:
        tap.ok(error.smtp_code == 535, "the old password is refused at once", error)
    one.password["carol@example.test"] = "two"
    tap.run("the new one is taken", send, one, "carol@example.test", "bob@example.test")
    for again, code in ("three", 0), ("other", 100):
        shown, status = prompted([ROOT + "/scripts/postern-user", "-i", one.dir, "passwd", "carol@example.test"], "three", again)
        tap.ok(status == code and "three" not in shown, f"at a terminal it asks twice, without echo: exit {code}", shown, status)
    one.password["carol@example.test"] = "three"
    tap.run("and what was typed is the password", send, one, "carol@example.test", "bob@example.test")
    for words, given, code in (("add", "carol@example.test"), "x\n", 100), (("add", "x@nowhere.test"), "x\n", 100), \
            (("add", "bad address@example.test"), "x\n", 100), (("add", "d@example.test"), "\n", 100), \
            (("passwd", "nobody@example.test"), "x\n", 100), (("del", "nobody@example.test"), "", 100), (("frob",), "", 100):
        done = user(*words, input=given)
        tap.ok(done.returncode == code and done.stderr.count("\n") == 1, f"postern-user {' '.join(words)}: exit {code}",
               done.returncode, done.stderr)
    done = user("del", "carol@example.test")
    tap.ok(done.returncode == 0 and "is kept in" in done.stdout and "carol@example.test" not in user("list").stdout,
           "postern-user del keeps the mail", done.stderr)
    domain = lambda *words: one.script("scripts/postern-domain", "-i", one.dir, *words)  # noqa: E731
    tap.ok(domain("add", "more.test").returncode == 0 and "more.test" in domain("list").stdout, "postern-domain add, list")
    tap.ok(domain("del", "example.test").returncode == 100, "a domain with accounts is not deleted")
    tap.ok(domain("del", "more.test").returncode == 0 and "more.test" not in domain("list").stdout, "postern-domain del")


def supervision(one):
    before = one.script("s6-svstat", "-o", "pid", f"{one.dir}/run/service/imap@127.0.0.1").stdout.strip()
    os.kill(int(before), signal.SIGKILL)

    def back():
        try:
            return "OK" in banner(one.port("imap"))
        except OSError:
            return False
    tap.run("a killed service comes back by itself", wait_for, back, "the service")


def settings(one):
    one.set("smtp-size", "as much as you like")
    with socket.create_connection(("127.0.0.1", one.port("smtp")), 120) as s:
        said = s.recv(100)
    log = wait_for(lambda: "smtp-size" in one.log("smtp@127.0.0.1") and one.log("smtp@127.0.0.1"), "the log line")
    tap.ok(re.search(r"smtp-recv: fatal: .*etc/smtp-size.*as much as you like", log), "a bad setting is named with its file", log[-400:])
    tap.ok(not said or said.startswith(b"421"), "its program ends", said)
    tap.ok("OK" in banner(one.port("pop3")), "other services go on")
    os.unlink(f"{one.dir}/etc/smtp-size")
    tap.ok(banner(one.port("smtp")).startswith("220"), "and it holds again from the next connection on")


def tracing(one):
    send(one, "alice@example.test", "bob@example.test", "trace me")
    traced = lambda what: one.script("scripts/postern-trace", "-i", one.dir, what)  # noqa: E731
    done = wait_for(lambda: (lambda d: "mda-local" in d.stdout and d)(traced("bob@example.test")), "the trace")
    tap.ok(re.search(r"submission@127.0.0.1.*smtp-recv: .*from=.*alice@example.test", done.stdout) is not None
           and re.search(r"lmtp.*mda-local: .*bob", done.stdout) is not None, "postern-trace ADDRESS shows every program", done.stdout)
    message = re.findall(r"id=(\S+\.\d+) ", done.stdout)
    again = traced(message[-1]) if message else done
    tap.ok(message and "mda-local" in again.stdout and "smtp-recv" in again.stdout, "postern-trace ID does too", again.stdout)
    tap.ok(traced("nobody@nowhere.test").returncode == 1, "nothing found: exit 1")


demonstration()
ordinary_user()
missing_packages()
with Instance() as one, Instance(domain="other.test") as two:
    for name in PORTS:
        for address in "127.0.0.1", "::1":
            said = banner(one.port(name), address, name in ("submissions", "pop3s", "imaps"))
            tap.ok(said[:3] in ("220", "+OK", "* O", '"IM'), f"{name} on {address} greets", said)
    tap.run("the second instance beside it serves its own accounts", send, two, "alice@other.test", "bob@other.test")
    again = one.script("scripts/try", "-b", "-d", one.dir, "-p", str(one.base))
    tap.ok(again.returncode == 100 and "runs already" in again.stderr, "a second start is refused", again.stdout + again.stderr)
    accounts(one)
    supervision(one)
    settings(one)
    tracing(one)
    done = one.stop()
    tap.ok(done.returncode == 0 and not processes(one.dir), "stop waits until all of it is gone", done.stderr, processes(one.dir))
    tap.ok("220" in banner(two.port("smtp")), "and leaves the other instance alone")
done = subprocess.run(["scripts/try", "-p", "x"], cwd=ROOT, capture_output=True)
tap.ok(done.returncode == 100, "a bad option: exit 100")
tap.done()
