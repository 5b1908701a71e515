#!/usr/bin/env python3
"""sendmail: every option that programs use, the header it makes, its exit codes; over the submission socket (a scripted
server) and, where nothing listens, through spool-recv."""
import os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from smtppeer import Peer, Remote

OWN_NAME = "valgrind runs a program under its own name" if "VALGRIND_ERRORS" in os.environ else ""

ENV = {"USER": "tester"}


def sendmail(remote, *args, text="Subject: s\n\nbody\n", argv0=None):
    if isinstance(text, str):
        text = text.encode()
    return subprocess.run([argv0 or "sendmail", *args], executable=None if not argv0 else remote.which, input=text,
                          env={**remote.env, **ENV}, capture_output=True, timeout=120, cwd="/")


with Remote() as r:
    os.makedirs(f"{r.dir}/run/submission")
    r.which = subprocess.run(["which", "sendmail"], env=r.env, capture_output=True, text=True).stdout.strip()
    peer = Peer(path=f"{r.dir}/run/submission/sock")

    def sent(*args, **kw):
        """The message as the server got it, and the exit code."""
        peer.messages.clear()
        done = sendmail(r, *args, **kw)
        m = peer.messages[0] if peer.messages else None
        return m, done

    me = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip() + "@mx.home.test"
    m, done = sent("a@x.test")
    tap.ok(done.returncode == 0 and m.mail.startswith(f"MAIL FROM:<{me}>") and m.rcpts == ["RCPT TO:<a@x.test>"], "a recipient", done, m and m.mail)
    head = m.data.split(b"\r\n\r\n")[0].decode()
    tap.ok(re.search(r"^From: .*" + re.escape(me), head, re.M) and re.search(r"^Date: \w{3}, ", head, re.M)
           and re.search(r"^Message-ID: <\S+@mx\.home\.test>", head, re.M) and m.data.endswith(b"Subject: s\r\n\r\nbody\r\n"), "From, Date and Message-ID are added", m.data)
    full = "From: x@y.test\nDate: Mon, 2 Jan 2006 15:04:05 +0000\nMessage-ID: <1@y>\nSubject: s\n\nbody\n"
    m, done = sent("a@x.test", text=full)
    tap.ok(m.data == full.replace("\n", "\r\n").encode(), "a whole header stays as it is", m.data)

    # Options with an effect.
    for args, mail, rcpts in (
            (["-fz@y.test", "a@x.test"], "MAIL FROM:<z@y.test>", ["a@x.test"]),
            (["-f", "z@y.test", "a@x.test"], "MAIL FROM:<z@y.test>", ["a@x.test"]),
            (["-r", "z@y.test", "--", "a@x.test"], "MAIL FROM:<z@y.test>", ["a@x.test"]),
            (["-f", "z", "a@x.test"], "MAIL FROM:<z@mx.home.test>", ["a@x.test"]),
            (["-f", "", "a@x.test"], "MAIL FROM:<>", ["a@x.test"]),
            (["-f", "<>", "a@x.test"], "MAIL FROM:<>", ["a@x.test"]),
            (["-f", "<z@y.test>", "a@x.test"], "MAIL FROM:<z@y.test>", ["a@x.test"]),
            (["-i", "a@x.test", "b@x.test"], "MAIL FROM:", ["a@x.test", "b@x.test"]),
            (["a@x.test, Bob <b@x.test>"], "MAIL FROM:", ["a@x.test", "b@x.test"]),
            (["a@x.test", "-fz@y.test"], "MAIL FROM:<z@y.test>", ["a@x.test"]),
            (["root"], "MAIL FROM:", ["root@mx.home.test"]),
            (["a@x.test", "a@x.test"], "MAIL FROM:", ["a@x.test"])):
        m, done = sent(*args)
        tap.ok(done.returncode == 0 and m.mail.startswith(mail) and [x.split("<")[1].split(">")[0] for x in m.rcpts] == rcpts,
               " ".join(args), done, m and (m.mail, m.rcpts))
    m, done = sent("-N", "success,delay", "-R", "hdrs", "-V", "id+1", "-B8BITMIME", "a@x.test")
    tap.ok("RET=HDRS" in m.mail and "ENVID=id+2B1" in m.mail and "BODY=8BITMIME" in m.mail and "NOTIFY=SUCCESS,DELAY" in m.rcpts[0], "-N -R -V -B", m.mail, m.rcpts)
    m, done = sent("-F", "Full Name", "-f", "z@y.test", "a@x.test")
    tap.ok(re.search(rb"^From: \"?Full Name\"? <z@y.test>", m.data, re.M), "-F", m.data)
    m, done = sent("-v", "a@x.test")
    tap.ok(b">>> MAIL FROM" in done.stderr and b"<<< 250" in done.stderr, "-v shows the dialog", done.stderr)

    # Options without an effect here.
    for args in (("-oem", "-odi", "-odb", "-om", "-oi", "-em", "-m", "-n", "-x", "-E", "-G", "-I", "-J", "-U", "-c", "-s", "-q", "-q15m", "-qRx", "-Am", "-Ac", "-QReason",
                 "-bm", "-pESMTP", "-d8.1", "-B7BIT"), ("-C", "x"), ("-L", "tag"), ("-O", "a=b"), ("-X", "log"), ("-h", "3"), ("-D", "x"), ("-o", "em"),
                 ("-e", "m"), ("-p", "ESMTP"), ("-M", "id"), ("-O", "DeliveryMode=b"), ("-O", "IgnoreDots=false")):
        for one in ([args] if len(args) == 2 else [[a] for a in args]):
            m, done = sent(*one, "a@x.test")
            tap.ok(done.returncode == 0 and m and m.rcpts == ["RCPT TO:<a@x.test>"], " ".join(one) + " is accepted", done)

    # The dot.
    dots = "Subject: s\n\none\n.\ntwo\n"
    for args, body in (([], b"one\r\n"), (["-i"], b"one\r\n.\r\ntwo\r\n"), (["-oi"], b"one\r\n.\r\ntwo\r\n"), (["-ti"], b"one\r\n.\r\ntwo\r\n"),
                       (["-o", "i"], b"one\r\n.\r\ntwo\r\n"), (["-O", "IgnoreDots"], b"one\r\n.\r\ntwo\r\n"), (["-OIgnoreDots=True"], b"one\r\n.\r\ntwo\r\n"), (["-O", "IgnoreDots=false"], b"one\r\n")):
        m, done = sent(*args, "a@x.test", text=dots)
        tap.ok(m.data.endswith(b"\r\n\r\n" + body), f"a dot alone with {args}", m.data)
    m, done = sent("a@x.test", text=b"Subject: s\r\n\r\none\r\n.\r\ntwo\r\n")
    tap.ok(m.data.endswith(b"\r\n\r\none\r\n"), "and with CR LF", m.data)
    m, done = sent("-i", "a@x.test", text=b"Subject: s\n\nb\rare\n.dot\nend")
    tap.ok(m.data.endswith(b"\r\n\r\nb are\r\n.dot\r\nend\r\n"), "bare CR, leading dot, no line end", m.data)

    # -t
    text = "To: a@x.test, Bob <b@x.test>\nCc: group: c@x.test,\n d@x.test;\nBcc: e@x.test\nSubject: s\n\nbody\n"
    m, done = sent("-t", text=text)
    tap.ok(sorted(re.findall(r"<(.*)>", " ".join(m.rcpts).replace("> ", ">\n"))) == [f"{c}@x.test" for c in "abcde"], "-t: To, Cc, Bcc, groups", m.rcpts)
    tap.ok(b"Bcc" not in m.data and b"e@x.test" not in m.data and b"Cc: group: c@x.test,\r\n d@x.test;\r\n" in m.data, "Bcc is removed", m.data)
    m, done = sent("-t", "f@x.test", text="To: a@x.test\n\nx\n")
    tap.ok(sorted(m.rcpts) == ["RCPT TO:<a@x.test>", "RCPT TO:<f@x.test>"], "recipients of the command line are added", m.rcpts)
    m, done = sent("-t", text="Resent-To: z@x.test\nTo: a@x.test\nFrom: q@x.test\n\nx\n")
    tap.ok(m.rcpts == ["RCPT TO:<z@x.test>"] and b"Resent-Date" in m.data and b"Resent-From" in m.data, "Resent fields", m.rcpts, m.data)
    m, done = sent("-t", text="Subject: nobody\n\nTo: a@x.test\n")
    tap.ok(m is None and done.returncode == 64, "-t without recipient", done)

    # Messages that are hardly any.
    m, done = sent("a@x.test", text="just text\nmore\n")
    tap.ok(m.data.endswith(b"\r\n\r\njust text\r\nmore\r\n") and b"Message-ID" in m.data, "no header", m.data)
    m, done = sent("a@x.test", text="")
    tap.ok(done.returncode == 0 and b"Message-ID" in m.data, "nothing at all", done)
    m, done = sent("a@x.test", text="From joe Sat Jan  1 00:00:00 2000\nSubject: s\n\nx\n")
    tap.ok(b"From joe" not in m.data and b"Subject: s" in m.data, "an mbox line", m.data)
    big = "Subject: s\n\n" + ("y" * 70 + "\n") * 30000
    m, done = sent("a@x.test", text=big)
    tap.ok(m.data.endswith(big[20:].replace("\n", "\r\n").encode()) and done.returncode == 0, "2 MB")
    m, done = sent("a@x.test", text="Subject: " + "s" * 400000 + "\n\nx\n")
    tap.ok(m is None and done.returncode == 65, "a header without end", done)
    m, done = sent("-f", "z@y.test", "a@x.test", text="Subject: \u00e4\n\n\u00e4\n")
    tap.ok("BODY=8BITMIME" in m.mail and "SMTPUTF8" not in m.mail, "8-bit text", m.mail)
    m, done = sent("-f", "j\u00f6rg@y.test", "a@x.test")
    tap.ok("SMTPUTF8" in m.mail, "an address in UTF-8", m.mail)

    # Modes.
    tap.ok(sendmail(r, "-bi").returncode == 0, "-bi does nothing")
    if OWN_NAME:
        tap.skip("newaliases", OWN_NAME)
    else:
        tap.ok(sendmail(r, argv0="newaliases").returncode == 0, "nor does newaliases")
    done = sendmail(r, "-bs", text="EHLO x\r\nMAIL FROM:<a@b.test>\r\nQUIT\r\n")
    tap.ok(done.returncode == 0 and done.stdout.startswith(b"220 ") and done.stdout.endswith(b"221 2.0.0 bye\r\n"), "-bs is SMTP", done)
    peer.messages.clear()
    done = sendmail(r, "-bv", "a@x.test")
    tap.ok(done.returncode == 0 and b"a@x.test" in done.stderr and not peer.messages, "-bv asks and sends nothing", done)

    # Nothing to send: it does not wait for a message.
    for args, code in ((), 64), (("-q",), 111), (("-q15m",), 111):
        p = subprocess.run(["sendmail", *args], stdin=(hang := os.pipe())[0], env={**r.env, **ENV}, capture_output=True, timeout=120, cwd="/")
        tap.ok(p.returncode == code, f"{args}: no recipient, nothing is read; exit {code}", p)
        os.close(hang[0]), os.close(hang[1])

    # More recipients than the server takes at once.
    taken = {"n": 0}

    def three(line):
        taken["n"] += 1
        return "452 4.5.3 too many" if taken["n"] % 4 == 0 else None
    peer.script = {"RCPT": three}
    m, done = sent(*[f"u{i}@x.test" for i in range(8)])
    tap.ok(done.returncode == 0 and [len(m.rcpts) for m in peer.messages] == [3, 3, 2] and len({m.data for m in peer.messages}) == 1, "8 recipients in transactions of 3, the same message", done, [m.rcpts for m in peer.messages])
    peer.script = {}

    # Exit codes.
    for args, code in ((["-Z", "a@x.test"], 64), (["-bd"], 64), (["-f"], 64), ([], 64), (["-N", "what", "a@x.test"], 64), (["-R", "x", "a@x.test"], 64),
                       (["a@"], 65), (["-f", "a b@c", "a@x.test"], 64)):
        done = sendmail(r, *args)
        tap.ok(done.returncode == code and done.stderr.startswith(b"sendmail: "), f"{' '.join(args) or 'nothing'}: exit {code}", done)
    for script, code in (({"RCPT": "550 5.1.1 no"}, 67), ({"RCPT": "450 4.2.0 later"}, 75), ({"MAIL": "550 5.7.1 not yours"}, 69), ({"dot": "554 5.6.0 bad"}, 69),
                         ({"dot": "452 4.3.1 full"}, 75), ({"DATA": "drop"}, 75), ({"greeting": "421 busy"}, 75), ({"greeting": "554 no"}, 69)):
        peer.script = dict(script)
        m, done = sent("a@x.test")
        tap.ok(done.returncode == code and done.stderr, f"{script}: exit {code}", done)
    peer.script = {"RCPT": lambda line: "550 5.1.1 no" if "bad" in line else None}
    m, done = sent("good@x.test", "bad@x.test")
    tap.ok(done.returncode == 67 and b"bad@x.test" in done.stderr and m.rcpts == ["RCPT TO:<good@x.test>"], "one refused: the others get it, exit 67", done)
    peer.close()

    # Nothing listens: spool-recv.
    m = sendmail(r, "-f", "z@y.test", "a@x.test", "b@x.test")
    files = r.files()
    tap.ok(m.returncode == 0 and len(files) == 1, "nothing listens: it is queued", m, files)
    text = open(list(files.values())[0]).read()
    tap.ok("f z@y.test\n" in text and text.count("\nr w-") == 2 and text.endswith("Subject: s\n\nbody\n"), "with both recipients", text)
    done = sendmail(r, "-bs", text="QUIT\r\n")
    tap.ok(done.returncode == 75 and done.stdout.startswith(b"421 "), "-bs: 421", done)
    done = sendmail(r, "-bp")
    tap.ok(done.returncode == 0 and b"a@x.test" in done.stdout and b"1 message" in done.stdout, "-bp runs mailq", done)
    if OWN_NAME:
        tap.skip("mailq", OWN_NAME)
    else:
        done = sendmail(r, argv0="/usr/bin/mailq")
        tap.ok(done.returncode == 0 and b"a@x.test" in done.stdout and b"1 message" in done.stdout, "so it does under the name mailq", done)
tap.done()
