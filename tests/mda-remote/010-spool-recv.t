#!/usr/bin/env python3
"""spool-recv: a case for each row of its command table, its limits, what lies in the spool afterwards."""
import os, re, resource, socket, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap
from smtppeer import Remote

HELLO = "LHLO c\r\n"
ONE = HELLO + "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n"


def codes(out):
    return " ".join(l[:3] for l in out.split("\r\n") if l and l[3:4] != "-")


with Remote() as r:
    # dialog, final codes of all replies (220 of the greeting first)
    for dialog, want in (
            ("QUIT\r\n", "220 221"), ("NOOP\r\nNOOP x\r\nQUIT\r\n", "220 250 250 221"), ("HELP\r\n", "220 214"), ("VRFY a\r\n", "220 252"), ("VRFY\r\n", "220 501"),
            ("EHLO x\r\nHELO x\r\n", "220 500 500"), ("LHLO\r\n", "220 501"), ("MAIL FROM:<a@b.test>\r\n", "220 503"),
            (HELLO + "RCPT TO:<a@b.test>\r\n", "220 250 503"), (HELLO + "DATA\r\n", "220 250 503"), (HELLO + "MAIL FROM:<a@b.test>\r\nDATA\r\n", "220 250 250 503"),
            (HELLO + "RSET\r\nRSET x\r\n", "220 250 250 501"), (HELLO + "XFORWARD IDENT=abc\r\nXFORWARD NAME=x IDENT=\r\nXFORWARD\r\n", "220 250 250 250 501"),
            (HELLO + "XFORWARD LOGIN=a+2Bb\r\nXFORWARD LOGIN=\r\nXFORWARD ident=x login=y\r\nXFORWARD LOGIN\r\n", "220 250 250 250 250 250"),
            (HELLO + "MAIL FROM:<a@b.test>\r\nMAIL FROM:<a@b.test>\r\n", "220 250 250 503"),
            (HELLO + "MAIL FROM:<a@b.test>\r\nRSET\r\nRCPT TO:<a@b.test>\r\n", "220 250 250 250 503"),
            (HELLO + "MAIL FROM:<>\r\nRCPT TO:<>\r\nRCPT TO:<postmaster>\r\nRCPT TO:<a b@c>\r\n", "220 250 250 501 550 501"),
            (HELLO + "MAIL FROM:<a@b.test> SIZE=999999999999\r\n", "220 250 552"),
            (HELLO + "MAIL FROM:<a@b.test> BODY=BINARYMIME\r\nMAIL FROM:<a@b.test> FOO=1\r\n", "220 250 501 555"),
            (HELLO + "MAIL FROM:<\u00e4@b.test>\r\nMAIL FROM:<\u00e4@b.test> SMTPUTF8\r\n", None),
            ("FOO\r\n\r\nN\0OP\r\n" + "X" * 5000 + "\r\nNOOP\r\n", "220 500 500 500 500 250"),
            (ONE + "DATA\r\nx\r\n.\r\nDATA\r\n", "220 250 250 250 354 250 503"),
            (ONE + "BDAT 3\r\nx\r\nBDAT 0 LAST\r\n", "220 250 250 250 250 250"), (ONE + "BDAT 1 LAST\r\nxNOOP\r\n", "220 250 250 250 250 250"),
            (HELLO + "BDAT 4 LAST\r\nNOOPNOOP\r\n", "220 250 503 250"), (ONE + "BDAT x\r\nNOOP\r\n", "220 250 250 250 501"), (ONE + "BDAT 1 FIRST\r\nx", "220 250 250 250 501"),
            (ONE + "BDAT 1\r\nxDATA\r\nRSET\r\n", "220 250 250 250 250 503 250"), (ONE + "BDAT 1\r\nxMAIL FROM:<>\r\n", "220 250 250 250 250 503"),
            ("BAD\r\n" * 30, "220 " + "500 " * 21 + "421"),
            (ONE + "RCPT TO:<e@d.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n", "220 250 250 250 250 354 250 250 221")):
        before = len(r.files())
        out = r.lmtp(dialog.encode())
        if want:
            tap.ok(codes(out) == want, repr(dialog[-60:]), codes(out), out[-300:])
        else:
            tap.ok(codes(out) in ("220 250 501 250", "220 250 553 250", "220 250 555 250"), "SMTPUTF8 only when asked for", out)
    tap.ok(not r.unnamed(), "nothing stays without a name")

    # The replies of LHLO.
    out = r.lmtp(HELLO.encode())
    tap.ok(all("250" + s + w in out for s, w in (("-", "PIPELINING"), ("-", "SIZE "), ("-", "8BITMIME"), ("-", "SMTPUTF8"), ("-", "CHUNKING"), ("-", "DSN"), (" ", "ENHANCEDSTATUSCODES"), ("-", "XFORWARD IDENT LOGIN HOLD\r\n")))
           and out.startswith("220 mx.home.test"), "LHLO announces what is there", out)

    # What is written.
    name = r.queue([("c@d.test", "NOTIFY=FAILURE,DELAY ORCPT=rfc822;x+2By@z.test"), "e@f.test"], id="ident.7", mail="RET=FULL ENVID=e1 BODY=8BITMIME",
                   body=b"Subject: \xc3\xa4\n\n.x\n..\n")
    data = open(r.files()[name], "rb").read()
    tap.ok(name == "ident.7" and data.startswith(b"postern-spool 1\n") and data.endswith(b"\n\nSubject: \xc3\xa4\n\n.x\n..\n"), "the file bears the id; dots are undone", data)
    for line in (b"i ident.7", b"f sender@home.test", b"b 1", b"R 1", b"e e1", b"c 8", b"r w- 12 rfc822;x+2By@z.test c@d.test", b"r w- 0 - e@f.test"):
        tap.ok(b"\n" + line + b"\n" in data, line.decode())
    length = int(re.search(rb"\nl (\d+)", data)[1])
    tap.ok(len(data) - data.index(b"\n\nSubj") - 2 == length and int(re.search(rb"\ns (\d+)", data)[1]) == length + 4, "lengths on disk and on the wire", data)
    tap.ok("id=ident.7 event=queued" in r.spool_log, "the id is logged", r.spool_log)
    tap.ok(b"\nL " not in data and "user=" not in r.spool_log, "nobody handed it in", data)
    # Who handed it in; what is no login (an empty one, a control character, 256 octets) is nobody.
    for said, want in (("alice@home.test", b"alice@home.test"), ("us+20er+C3+A4+2B1", "us er\u00e4+1".encode()), ("x" * 255, b"x" * 255),
                       ("x" * 256, None), ("a+0Ab", None), ("a+00b", None), ("a+7Fb", None), ("+C", None)):
        who = r.queue("c@d.test", id="who", login=said)
        path = r.files()[who]
        record = re.search(rb"\nL (.*)\n", open(path, "rb").read())
        tap.ok((record and record[1]) == want and ("user=" in r.spool_log) == bool(want), f"LOGIN={said[:20]} ({len(said)}): in the spool and in the log", record, r.spool_log)
        os.unlink(path)
    out = r.lmtp((HELLO + "XFORWARD LOGIN=alice\r\n" + 2 * (ONE.split("\r\n", 1)[1] + "DATA\r\nx\r\n.\r\n")).encode())
    both = [open(r.files()[n], "rb").read() for n in re.findall(r"Queued as (\S+)", out)]
    tap.ok([b"\nL alice\n" in b for b in both] == [True, False], "a login is that of one message", both)
    out = r.lmtp((HELLO + "XFORWARD LOGIN=alice\r\nMAIL FROM:<a b>\r\n" + ONE.split("\r\n", 1)[1] + "DATA\r\nx\r\n.\r\n").encode())
    tap.ok(b"\nL " not in open(r.files()[re.search(r"Queued as (\S+)", out)[1]], "rb").read(), "also of one that was refused", out)
    # What is held is so from the start; that is said of one message.
    for said, modes in (("HOLD=1", [0o400, 0o600]), ("IDENT=held LOGIN=a hold=x:+20bad", [0o400, 0o600]), ("HOLD=", [0o600, 0o600]), ("HOLD=a+0Ab", [0o400, 0o600]), ("HOLD=" + 300 * "x", [0o400, 0o600]), ("HOLD=1\r\nMAIL FROM:<a b>", [0o600, 0o600])):
        out = r.lmtp((HELLO + f"XFORWARD {said}\r\n" + 2 * (ONE.split("\r\n", 1)[1] + "DATA\r\nx\r\n.\r\n")).encode())
        paths = [r.files()[n] for n in re.findall(r"Queued as (\S+)", out)]
        tap.ok([os.stat(p).st_mode & 0o777 for p in paths] == modes, f"XFORWARD {said!r}: held or not", out)
        why = {"HOLD=1": b"1", "IDENT=held LOGIN=a hold=x:+20bad": b"x: bad"}.get(said, b"?")
        tap.ok([b"\nH " + why + b"\n" in open(p, "rb").read() for p in paths] == [m == 0o400 for m in modes], "and why", paths)
        for p in paths:
            os.unlink(p)
    second = r.queue("c@d.test", id="ident.7")
    tap.ok(second == "ident.7-2", "a second file of that id gets another name", second)
    plus = r.queue("c@d.test", id="a+f0")
    tap.ok(plus == "a_f0", "an id cannot look like a notification", plus)
    dot = r.queue("c@d.test", id=".x")
    tap.ok(dot == "_x", "or be hidden", dot)
    mode = os.stat(r.files()[name]).st_mode & 0o777
    tap.ok(mode == 0o600 and os.stat(f"{r.dir}/spool/tmp").st_mode & 0o777 == 0o700, "only the owner may read", oct(mode))

    # Cut off before the end: nothing stays.
    before = set(r.files())
    for cut in (ONE + "DATA\r\nhalf", ONE + "DATA\r\nhalf\r\n.\r", ONE + "BDAT 10\r\nhalf", ONE + "BDAT 4\r\nhalf", ONE):
        r.lmtp(cut.encode())
    tap.ok(set(r.files()) == before and not r.unnamed(), "a message that was cut off is none")
    r.lmtp((ONE + "DATA\r\na\n.\nb\r\n.\rc\r\n.\r\n").encode())
    got = open(r.files()[(set(r.files()) - before).pop()], "rb").read()
    tap.ok(got.endswith(b"\na\n.\nb\n. c\n") or got.endswith(b"\na\n.\nb\n c\n"), "only CR LF . CR LF ends it", got)
    tap.ok(re.search(rb"\n\nReceived: by \S+ \(postern, from uid \d+\) id \S+;\n\t.*\na\n", got), "without an id from the peer: a Received field", got)
    before = set(r.files())
    r.lmtp(("LHLO a\r\nXFORWARD IDENT=known\r\n" + ONE.split("\r\n", 1)[1] + "DATA\r\na\r\n.\r\n").encode())
    got = open(r.files()[(set(r.files()) - before).pop()], "rb").read()
    tap.ok(got.endswith(b"\n\na\n") and b"\ni known\n" in got, "with one: none", got)

    # Limits.
    r.set("spool-recipients", 2)
    out = r.lmtp((ONE + "RCPT TO:<d@d.test>\r\nRCPT TO:<e@d.test>\r\n").encode())
    tap.ok(codes(out) == "220 250 250 250 250 452" and "4.5.3" in out, "too many recipients: 452", out)
    r.set("smtp-size", 1024)
    out = r.lmtp((ONE + "DATA\r\n" + "y" * 70000 + "\r\n.\r\nNOOP\r\n").encode())
    tap.ok(codes(out) == "220 250 250 250 354 552 250", "too large: 552, read to its end", out)
    out = r.lmtp((ONE + "BDAT 70000 LAST\r\n" + "y" * 70000 + "NOOP\r\n").encode())
    tap.ok(codes(out) == "220 250 250 250 552 250", "with BDAT too", out)
    r.set("smtp-size", "1M")
    r.set("spool-min-free", "9999999G")
    out = r.lmtp(ONE.encode())
    tap.ok("452 4.3.1" in out, "no room: 452 at MAIL", out)
    r.set("spool-min-free", "0")

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
    p = subprocess.run(["spool-recv"], input=(ONE + "DATA\r\n" + ("y" * 70 + "\r\n") * 5000 + ".\r\nNOOP\r\n").encode(), env=r.env, capture_output=True, cwd="/", preexec_fn=small)
    tap.ok(codes(p.stdout.decode()) == "220 250 250 250 354 452 250", "a full disk in the midst of it: 452, and nothing stays", p.stdout, p.stderr)
    tap.ok(not r.unnamed(), "really nothing")
    r.set("smtp-size", "many")
    p = subprocess.run(["spool-recv"], input=b"", env=r.env, capture_output=True, cwd="/")
    tap.ok(p.returncode == 100 and b"etc/smtp-size" in p.stderr, "a bad setting: exit 100, its name", p)
    r.set("smtp-size", "1M")

    # It makes the spool's directories when they are missing.
with Remote() as r:
    r.queue("a@b.test")
    tap.ok(sorted(os.listdir(f"{r.dir}/spool")) == sorted(list("0123456789abcdef") + ["tmp", "damaged", "trigger"]), "an empty spool is filled", os.listdir(f"{r.dir}/spool"))
tap.done()
