#!/usr/bin/env python3
"""Clients that nobody here wrote, each doing a day's work: Python's imaplib, mbsync, offlineimap, Perl's Mail::IMAPClient, curl,
fetchmail, getmail, imapfilter, s-nail, alpine, Node's imapflow. And what Landlock keeps a session from."""
import fcntl
import imaplib
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.path.insert(0, "tests/lib")
import imapwire
from instance import LIMIT, Tap

tap = Tap()
BIN = os.path.abspath(os.path.join(os.environ.get("POSTERN_BUILD", "build"), "bin"))
SCREEN_SECONDS = 120
MESSAGE = b"From: a@example.test\r\nSubject: hi\r\n\r\nbody\r\n"


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}\nwanted {want!r}")


def tunnel(box):
    return f"env MAILDIR={box} POSTERN_DIR={os.path.dirname(box)} {BIN}/imap 2>/dev/null"


def with_imaplib(base):
    c = imaplib.IMAP4_stream(tunnel(base + "/lib"))
    equal(c.state, "AUTH")
    equal(c.create("Work")[0], "OK")
    equal(c.append("Work", r"(\Seen)", '"05-Nov-2020 10:00:00 +0000"', MESSAGE)[0], "OK")
    equal(c.select("Work"), ("OK", [b"1"]))
    equal(c.fetch("1", "(RFC822 FLAGS)")[1][0][1], MESSAGE)
    equal(c.search(None, "SUBJECT", "hi")[1], [b"1"])
    equal(c.store("1", "+FLAGS", r"(\Deleted)")[0], "OK")
    equal(c.uid("COPY", "1", "INBOX")[0], "OK")
    equal(c.expunge()[1], [b"1"])
    equal(c.status("INBOX", "(MESSAGES UNSEEN)")[1], [b"INBOX (MESSAGES 1 UNSEEN 0)"])
    equal(c.list()[1], [b'(\\HasNoChildren \\UnMarked) "." INBOX', b'(\\HasNoChildren \\UnMarked) "." Work'])
    equal(c.subscribe("Work")[0], "OK")
    equal(c.lsub()[1], [b'() "." Work'])
    equal(c.rename("Work", "Play")[0], "OK")
    equal(c.close()[0], "OK")
    equal(c.delete("Play")[0], "OK")
    equal(c.namespace()[1], [b'(("" ".")) NIL NIL'])
    equal(c.logout()[0], "BYE")


def contents(box):
    """{(folder, Subject's text): flags} of a Maildir."""
    found = {}
    for where, _, files in os.walk(box):
        for name in files:
            if where.endswith(("/cur", "/new")):
                with open(os.path.join(where, name), "rb") as f:
                    subject = [line for line in f.read().splitlines() if line.startswith(b"Subject")][0]
                folder = os.path.relpath(os.path.dirname(where), box).strip("./") or "INBOX"
                found[folder, subject] = "".join(sorted(name.rpartition(":2,")[2])) if ":2," in name else ""
    return found


def with_mbsync(base):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{base}/far/{sub}")
        os.makedirs(f"{base}/near/INBOX/{sub}")
    for i in range(20):
        with open(f"{base}/far/cur/{i}.far:2,{'S' if i % 2 else 'F'}", "w", encoding="ascii") as f:
            f.write(f"Subject: far {i}\nMessage-ID: <{i}@far>\n\nbody\n")
        with open(f"{base}/near/INBOX/cur/{i}.near:2,{'RS' if i % 3 else ''}", "w", encoding="ascii") as f:
            f.write(f"Subject: near {i}\nMessage-ID: <{i}@near>\n\nbody\n")
    with open(base + "/mbsyncrc", "w", encoding="ascii") as f:
        f.write(f'''IMAPStore far
Tunnel "{tunnel(base + "/far")}"

MaildirStore near
Path {base}/near/
Inbox {base}/near/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState {base}/state/
''')
    os.makedirs(base + "/state")

    def sync():
        done = subprocess.run(["mbsync", "-c", base + "/mbsyncrc", "-a"], capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)

    sync()
    want = {("INBOX", b"Subject: far %d" % i): "S" if i % 2 else "F" for i in range(20)}
    want.update({("INBOX", b"Subject: near %d" % i): "RS" if i % 3 else "" for i in range(20)})
    equal(contents(base + "/far"), want)
    equal(contents(base + "/near"), want)
    # A folder made here, flags changed there, a message removed on either side.
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{base}/near/Lists/{sub}")
    with open(f"{base}/near/Lists/cur/1.list:2,S", "w", encoding="ascii") as f:
        f.write("Subject: list\nMessage-ID: <l@near>\n\nbody\n")
    with imapwire.Session(["imap"], MAILDIR=base + "/far", POSTERN_DIR=base) as s:
        s.ok("SELECT INBOX")
        s.ok(r'STORE 1 FLAGS (\Answered)')
        s.ok(r"STORE 2 FLAGS (\Deleted)")
        s.ok("EXPUNGE")
    for name in os.listdir(base + "/near/INBOX/cur"):
        with open(f"{base}/near/INBOX/cur/{name}", "rb") as f:
            gone = b"Subject: near 7\n" in f.read()
        if gone:
            os.unlink(f"{base}/near/INBOX/cur/{name}")
    sync()
    far = contents(base + "/far")
    equal(far, contents(base + "/near"))
    equal(len(far), 39)
    equal(far["Lists", b"Subject: list"], "S")


def confined(base):
    """doc/architecture.md, 7: a session reaches one Maildir, whatever lies in it."""
    os.makedirs(base + "/other/cur")
    with open(base + "/other/cur/1.x:2,", "w", encoding="ascii") as f:
        f.write("Subject: secret\n\nx\n")
    os.makedirs(base + "/mine/cur")
    os.symlink(base + "/other", base + "/mine/.evil")
    os.symlink(base + "/other/cur/1.x:2,", base + "/mine/cur/9.x:2,")
    with imapwire.Session(["imap"], MAILDIR=base + "/mine", POSTERN_DIR=base) as s:
        untagged, tagged = s.command("SELECT evil")
        if tagged.startswith(b"OK"):
            raise AssertionError((untagged, tagged))
        s.command("SELECT INBOX")
        untagged, tagged = s.command("FETCH 1:* BODY[]")
        equal([u for u in untagged if b"secret" in u], [])
        with open(f"/proc/{s.process.pid}/status", encoding="ascii") as f:
            status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        equal(status["NoNewPrivs"], "1")


def with_mail_imapclient(base):
    """Perl's Mail::IMAPClient, compressed, through a socket."""
    script = r"""
use strict; use warnings; use Mail::IMAPClient; use Socket; use Compress::Zlib ();
my ($imap) = @ARGV;
socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die $!;
my $pid = fork // die;
if (!$pid) { open STDIN, '<&', $theirs; open STDOUT, '>&', $theirs; open STDERR, '>', '/dev/null'; close $ours; exec $imap; }
close $theirs; select((select($ours), $| = 1)[0]); $ours->autoflush(1);
my $c = Mail::IMAPClient->new(Uid => 1, Ignoresizeerrors => 1, Timeout => 20) or die;
$c->Socket($ours); $c->State($c->Authenticated);
<$ours>;
sub ok { my ($what, $good) = @_; print $good ? "ok $what\n" : "not ok $what: " . ($c->LastError // '') . "\n"; }
ok('capability', $c->has_capability('COMPRESS=DEFLATE'));
ok('compress', $c->compress);
ok('create', $c->create('Work'));
my $uid = $c->append_string('Work', "Subject: hi\r\nFrom: a\@example.test\r\n\r\nbody\r\n", '\Seen');
ok('append', $uid);
ok('select', $c->select('Work'));
ok('count', $c->message_count == 1);
ok('search', ($c->search('SUBJECT', 'hi'))[0] == $uid);
ok('body', $c->message_string($uid) eq "Subject: hi\r\nFrom: a\@example.test\r\n\r\nbody\r\n");
ok('header', $c->subject($uid) eq 'hi');
ok('flags', grep { $_ eq '\Seen' } $c->flags($uid));
ok('copy', $c->copy('INBOX', $uid));
ok('move', $c->move('INBOX', $uid));
ok('expunge', defined $c->expunge);
ok('empty', $c->message_count('Work') == 0);
ok('folders', join(' ', sort $c->folders) eq 'INBOX Work');
my $tag = $c->idle; ok('idle', $tag); ok('done', $c->done($tag));
ok('status', $c->message_count('INBOX') == 2);
ok('logout', $c->logout);
"""
    with open(base + "/client.pl", "w", encoding="ascii") as f:
        f.write(script)
    env = dict(os.environ, MAILDIR=base + "/perl", POSTERN_DIR=base)
    done = subprocess.run(["perl", base + "/client.pl", BIN + "/imap"], capture_output=True, text=True, timeout=120, env=env)
    if done.returncode or "not ok" in done.stdout or done.stdout.count("ok ") != 19:
        raise AssertionError(done.stdout + done.stderr)


def with_offlineimap(base):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{base}/off/{sub}")
    for i in range(10):
        with open(f"{base}/off/cur/{i}.far:2,{'S' if i % 2 else 'F'}", "w", encoding="ascii") as f:
            f.write(f"Subject: far {i}\nMessage-ID: <{i}@far>\n\nbody\n")
    with open(base + "/offlineimaprc", "w", encoding="ascii") as f:
        f.write(f"""[general]
accounts = a
metadata = {base}/off-state
ui = quiet
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {base}/off-near
[Repository far]
type = IMAP
preauthtunnel = {tunnel(base + "/off")}
""")

    def sync():
        done = subprocess.run(["offlineimap", "-o", "-c", base + "/offlineimaprc"], capture_output=True, text=True, timeout=120,
                              env=dict(os.environ, HOME=base))
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)

    sync()
    want = {("INBOX", b"Subject: far %d" % i): "S" if i % 2 else "F" for i in range(10)}

    def near():
        return {key: "".join(flags) for key, flags in contents(base + "/off-near").items()}
    equal(near(), want)
    os.makedirs(base + "/off-near/Lists/cur")
    os.makedirs(base + "/off-near/Lists/new")
    os.makedirs(base + "/off-near/Lists/tmp")
    with open(base + "/off-near/Lists/cur/1.list:2,S", "w", encoding="ascii") as f:
        f.write("Subject: list\nMessage-ID: <l@near>\n\nbody\n")
    with imapwire.Session(["imap"], MAILDIR=base + "/off", POSTERN_DIR=base) as s:
        s.ok("SELECT INBOX")
        s.ok(r"STORE 1 FLAGS (\Answered)")
        s.ok(r"STORE 2 FLAGS (\Deleted)")
        s.ok("EXPUNGE")
    sync()
    far = contents(base + "/off")
    equal(far, near())
    equal(len(far), 10)
    equal(far["Lists", b"Subject: list"], "S")


class Server:
    """On a port of 127.0.0.1, with imap-login before the session, for clients that know nothing else."""

    def __init__(self, base):
        os.makedirs(base + "/etc", exist_ok=True)
        with open(base + "/check", "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\nMAILDIR={base}/served exec \"$@\"\n")
        os.chmod(base + "/check", 0o755)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.base, self.children = base, []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            env = dict(os.environ, POSTERN_DIR=self.base, PROTO="TCP", TCPREMOTEIP="127.0.0.1", TCPREMOTEPORT="1", TCPLOCALIP="127.0.0.1",
                       TCPLOCALPORT="143", UID="65534", GID="65534", PATH=BIN + ":" + os.environ["PATH"])
            env.pop("POSTERN_ID", None)
            self.children.append(subprocess.Popen(["imap-login", self.base + "/check", "imap"], stdin=connection, stdout=connection,
                                                  stderr=subprocess.DEVNULL, env=env, executable=BIN + "/imap-login"))
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)
        for child in self.children:
            child.terminate()
            child.wait(120)


def served(run):
    def wrapped(base):
        base += "/" + run.__name__
        os.makedirs(base)
        with Server(base) as server:
            with imapwire.Session(["imap"], MAILDIR=base + "/served", POSTERN_DIR=base) as s:
                for i in range(3):
                    m = MESSAGE.replace(b"hi", b"mail %d" % i)
                    s.ok(b"APPEND INBOX {%d+}\r\n" % len(m) + m)
                s.ok("CREATE Done")
            run(base, server.port)
    return wrapped


def ran(argv, **more):
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT, check=False, **more)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"{argv}: not done in {LIMIT} s\n{late.stdout}") from late
    if done.returncode:
        raise AssertionError(f"{argv}: {done.returncode}\n{done.stdout}")
    return done.stdout


@served
def with_curl(base, port):
    url = f"imap://127.0.0.1:{port}"
    user = ["curl", "-sS", "-u", "u:p"]
    equal('"." Done' in ran(user + [url]), True)
    equal(ran(user + [url + "/INBOX;MAILINDEX=2"]).replace("\r", ""), MESSAGE.replace(b"hi", b"mail 1").decode().replace("\r", ""))
    equal(ran(user + [url + "/INBOX?SUBJECT%20%22mail%201%22"]).strip(), "* SEARCH 2")
    with open(base + "/m", "wb") as f:
        f.write(MESSAGE)
    ran(user + ["-T", base + "/m", url + "/Done"])
    equal("EXISTS" in ran(user + ["-X", "EXAMINE Done", url]), True)
    equal(len(contents(base + "/served")), 4)


@served
def with_fetchmail(base, port):
    with open(base + "/rc", "w", encoding="ascii") as f:
        f.write(f'poll 127.0.0.1 port {port} protocol imap user u password p sslproto "" fetchall mda "cat >>{base}/got"\n')
    os.chmod(base + "/rc", 0o600)
    ran(["fetchmail", "-f", base + "/rc", "--nosyslog", "--pidfile", base + "/pid"], env=dict(os.environ, HOME=base, FETCHMAILHOME=base))
    with open(base + "/got", encoding="ascii") as f:
        equal(f.read().count("Subject: mail"), 3)
    equal(contents(base + "/served"), {})


@served
def with_getmail(base, port):
    with open(base + "/getmailrc", "w", encoding="ascii") as f:
        f.write(f"[retriever]\ntype = SimpleIMAPRetriever\nserver = 127.0.0.1\nport = {port}\nusername = u\npassword = p\n"
                f"[destination]\ntype = MDA_external\npath = /bin/sh\n"
                f"arguments = (\"-c\", \"cat >>{base}/got\")\nallow_root_commands = true\n[options]\ndelete = true\nverbose = 0\n")
    ran(["tests/lib/getmail.py", "-g", base, "-r", "getmailrc"])
    with open(base + "/got", encoding="ascii") as f:
        equal(f.read().count("Subject: mail"), 3)
    equal(contents(base + "/served"), {})


@served
def with_imapfilter(base, port):
    with open(base + "/config.lua", "w", encoding="ascii") as f:
        f.write(f"""options.timeout = 20
options.subscribe = true
account = IMAP {{ server = '127.0.0.1', port = {port}, username = 'u', password = 'p' }}
found = account.INBOX:contain_subject('mail 1')
found:move_messages(account['Done'])
account.INBOX:contain_subject('mail 2'):mark_flagged()
account.INBOX:contain_subject('mail 0'):delete_messages()
account:create_mailbox('Made')
""")
    ran(["imapfilter", "-c", base + "/config.lua"], env=dict(os.environ, HOME=base, IMAPFILTER_HOME=base))
    equal(contents(base + "/served"), {("Done", b"Subject: mail 1"): "", ("INBOX", b"Subject: mail 2"): "F"})
    equal(os.path.isdir(base + "/served/.Made"), True)


@served
def with_s_nail(base, port):
    script = f"copy 2 {base}/copied\ndelete 3\nquit\n"
    ran(["s-nail", "-n", "-S", "v15-compat",
         "-f", f"imap://u:p@127.0.0.1:{port}/INBOX"], input=script, env=dict(os.environ, HOME=base, MAILRC="/dev/null"))
    with open(base + "/copied", encoding="ascii") as f:
        equal(f.read().count("Subject: mail 1"), 1)
    equal(len(contents(base + "/served")), 2)


class Screen:
    """A program at a terminal: what it writes, up to a regular expression, and keys."""

    def __init__(self, argv, env):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execvpe(argv[0], argv, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def until(self, *words):
        end = time.monotonic() + SCREEN_SECONDS
        while not all(re.search(word, self.text) for word in words):
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {words} in {self.text[-1500:]!r}")
            self.text += os.read(self.fd, 65536)

    def keys(self, keys, *words):
        self.text = b""
        os.write(self.fd, keys)
        self.until(*words)

    def close(self):
        os.kill(self.pid, signal.SIGHUP)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@served
def with_alpine(base, port):
    place = f"{{127.0.0.1:{port}/imap/notls/user=u}}"
    with open(base + "/pinerc", "w", encoding="ascii") as f:
        f.write(f"""personal-name=u
user-domain=example.test
inbox-path={place}INBOX
folder-collections=there {place}[]
feature-list=quit-without-confirm,expunge-without-confirm,expunge-without-confirm-everywhere
last-version-used=9.9
""")
    s = Screen(["alpine", "-i", "-p", base + "/pinerc"], dict(os.environ, HOME=base, TERM="ansi", LC_ALL="C"))
    try:
        s.until(b"PASSWORD")
        s.keys(b"p\r", b"DISK")
        s.keys(b"n", b"mail 0", b"mail 1", b"mail 2")
        s.keys(b"\r", b"body")
        s.keys(b"<", b"mail 2")
        s.keys(b"d", b"D")
        s.keys(b"s", b"folder")
        s.keys(b"Done\r", rb"opied|Saving.*DONE\]")  # the latter if it took more than a moment
        s.keys(b"x", b"2 messages expunged")
        os.write(s.fd, b"q")
        try:
            while os.read(s.fd, 65536):
                pass
        except OSError:
            pass  # it has ended
    finally:
        s.close()
    equal(sorted((folder, subject) for folder, subject in contents(base + "/served")),
          [("Done", b"Subject: mail 1"), ("INBOX", b"Subject: mail 2")])


IMAPFLOW = r"""
const { ImapFlow } = require('imapflow');
(async () => {
    const c = new ImapFlow({ host: '127.0.0.1', port: Number(process.argv[2]), secure: false, doSTARTTLS: false,
        auth: { user: 'u', pass: 'p' }, logger: false });
    await c.connect();
    const want = (what, good) => { if (!good) throw new Error(what); };
    want('compress', c._capabilities?.has?.('COMPRESS=DEFLATE') ?? c.capabilities.has('COMPRESS=DEFLATE'));
    await c.mailboxCreate('Größe');
    const lock = await c.getMailboxLock('INBOX');
    want('exists', c.mailbox.exists === 3);
    const seen = [];
    for await (const m of c.fetch('1:*', { envelope: true, source: true, flags: true, bodyStructure: true, emailId: true, threadId: true })) {
        seen.push(m.envelope.subject);
        want('source', m.source.toString().includes('body'));
    }
    want('subjects', seen.join() === 'mail 0,mail 1,mail 2');
    want('search', (await c.search({ subject: 'mail 1' })).join() === '2');
    await c.messageFlagsAdd('2', ['\\Flagged']);
    await c.messageMove('3', 'Done');
    await c.append('Größe', 'Subject: new\r\n\r\nx\r\n', ['\\Seen']);
    await c.messageDelete('1');
    lock.release();
    want('status', (await c.status('Größe', { messages: true })).messages === 1);
    await c.logout();
    console.log('done');
})().catch(e => { console.error(e); process.exit(1); });
"""


@served
def with_imapflow(base, port):
    with open(base + "/client.js", "w", encoding="utf-8") as f:
        f.write(IMAPFLOW)
    env = dict(os.environ, NODE_PATH=os.path.abspath("build/node/node_modules"))
    equal(ran(["node", base + "/client.js", str(port)], env=env), "done\n")
    equal(sorted(subject for _, subject in contents(base + "/served")), [b"Subject: mail 1", b"Subject: mail 2", b"Subject: new"])



with tempfile.TemporaryDirectory() as directory:
    tap.run("imaplib", with_imaplib, directory)
    for name, run, program in (
            ("mbsync both ways", with_mbsync, "mbsync"), ("offlineimap both ways", with_offlineimap, "offlineimap"), ("curl", with_curl, "curl"),
            ("fetchmail", with_fetchmail, "fetchmail"), ("getmail", with_getmail, "getmail"), ("imapfilter", with_imapfilter, "imapfilter"),
            ("s-nail", with_s_nail, "s-nail"), ("alpine at a terminal", with_alpine, "alpine")):
        if shutil.which(program):
            tap.run(name, run, directory)
        else:
            tap.skip(name, program + " is not installed")
    if subprocess.run(["perl", "-MMail::IMAPClient", "-e", "1"], capture_output=True, check=False).returncode:
        tap.skip("Mail::IMAPClient", "it is not installed")
    else:
        tap.run("Mail::IMAPClient, compressed", with_mail_imapclient, directory)
    if os.path.isdir("build/node/node_modules/imapflow"):
        tap.run("imapflow", with_imapflow, directory)
    else:
        tap.skip("imapflow", "not there: npm install --prefix build/node imapflow")
    with imapwire.Session(["imap"], MAILDIR=directory + "/any") as session:
        pass
    if "event=sandbox" in session.said:
        tap.skip("one Maildir and nothing else", "the kernel lacks a layer: " + session.said.splitlines()[0])
    else:
        tap.run("one Maildir and nothing else", confined, directory)
tap.done()
