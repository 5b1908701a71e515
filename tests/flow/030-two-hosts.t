#!/usr/bin/env python3
"""Two instances with a real DNS server between them: mail goes both ways; one is stopped, mail waits, it starts, mail
arrives once; what cannot be delivered comes back as a DSN that Python's email package parses."""
import email, glob, os, re, smtplib, ssl, subprocess

from dns import Nsd
from instance import Instance, PORTS, tap, wait_for
from ports import free_base

UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE
ZONES = {
    "a.test": "@ MX 10 mail\nmail A 127.0.0.1",
    # The first MX answers nothing on its port; the second is the one.
    "b.test": "@ MX 10 dead\n@ MX 20 mail\ndead A 127.0.0.3\nmail A 127.0.0.1\nmail AAAA ::1",
    "plain.test": "@ A 127.0.0.1",
    "null.test": "@ MX 0 .",
    "loop.test": "@ MX 10 mail.a.test.",
}


def submit(one, sender, recipients, subject, **options):
    with smtplib.SMTP("127.0.0.1", one.port("submission"), timeout=120) as s:
        s.starttls(context=UNSAFE)
        s.login(sender, one.password[sender])
        s.sendmail(sender, recipients, f"From: {sender}\r\nTo: {recipients[0]}\r\nSubject: {subject}\r\n\r\nbody\r\n", **options)


def arrived(one, address, subject):
    found = []
    for path in glob.glob(one.maildir(address) + "/new/*") + glob.glob(one.maildir(address) + "/cur/*"):
        text = open(path, errors="replace").read()
        if f"Subject: {subject}\n" in text:
            found.append(text)
    return found


def wait_mail(one, address, subject):
    return wait_for(lambda: arrived(one, address, subject), f"{subject} for {address}")


def spool_empty(one):
    return not [p for p in glob.glob(one.dir + "/spool/**", recursive=True) if re.search(r"/spool/\w+/[^/]+$", p) and "/tmp/" not in p]


def dsn(one, subject_of_original, address="alice@a.test"):
    """The report about that message, parsed: (whole, fields per recipient)."""
    def look():
        for path in glob.glob(one.maildir(address) + "/new/*"):
            report = email.message_from_file(open(path))
            if report.get_content_type() == "multipart/report" and subject_of_original in report.as_string():
                return report
    report = wait_for(look, "a DSN about " + subject_of_original)
    parts = report.get_payload()
    status = [p for p in parts if p.get_content_type() == "message/delivery-status"][0].get_payload()
    return report, parts, status


def bounce(a):
    subject = "to nobody"
    submit(a, "alice@a.test", ["nobody@b.test"], subject)
    report, parts, status = dsn(a, subject)
    tap.ok(report["Return-Path"] == "<>" and report.get_param("report-type") == "delivery-status", "a DSN comes back, from <>", report.as_string()[:500])
    tap.ok(report["Auto-Submitted"] and report["From"] and report["Date"] and report["Message-ID"], "with the fields it needs", report.as_string()[:800])
    tap.ok([p.get_content_type() for p in parts][1:] in (["message/delivery-status", "message/rfc822"], ["message/delivery-status", "text/rfc822-headers"]),
           "its parts are those of RFC 3462", [p.get_content_type() for p in parts])
    message, recipient = status
    tap.ok(message["Reporting-MTA"].startswith("dns;") and message["Arrival-Date"], "its per-message fields", message.as_string())
    tap.ok(recipient["Final-Recipient"].replace(" ", "") == "rfc822;nobody@b.test" and recipient["Action"] == "failed"
           and recipient["Status"] == "5.1.1" and "550" in recipient["Diagnostic-Code"], "its per-recipient fields", recipient.as_string())


def rules(one, files):
    """.qmail files of alice's: to which address each extension leads."""
    home = os.path.dirname(one.maildir("alice@" + one.domain))
    owner = os.stat(home)
    for ext, address in files.items():
        path = os.path.join(home, ".qmail-" + ext)
        with open(path, "w") as f:
            f.write(f"&{address}\n")
        os.chown(path, owner.st_uid, owner.st_gid)


def deliveries(one):
    """How many there were, and how many of them ended a loop."""
    log = one.log("lmtp")
    return len(re.findall("event=deliver ", log)), log.count('verdict="554 5.4.6')


def loops(a, b):
    rules(a, {"self": "alice+self@a.test", "ann": "alice+ben@a.test", "ben": "alice+ann@a.test", "far": "alice+near@b.test"})
    rules(b, {"near": "alice+far@a.test"})
    for first, hops in ("self", 2), ("ann", 3):
        before = deliveries(a)
        with smtplib.SMTP("127.0.0.1", a.port("smtp"), timeout=120) as s:
            s.ehlo("client.test")
            s.mail("sender@elsewhere.test")
            s.rcpt(f"alice+{first}@a.test")
            code, text = s.data("Subject: round\r\n\r\nx\r\n")
        tap.ok(code == 550 and text.startswith(b"5.7.1"), f"a loop of {hops - 1} is refused in the session", code, text)
        tap.run(f"after {hops} deliveries, of which one refuses", wait_for, lambda: deliveries(a) == (before[0] + hops, before[1] + 1), "it", 60)
    before = deliveries(a), deliveries(b)
    submit(a, "bob@a.test", ["alice+far@a.test"], "between hosts")
    wait_mail(a, "bob@a.test", "between hosts")
    wait_for(lambda: spool_empty(a) and spool_empty(b), "empty spools")
    bounces = arrived(a, "bob@a.test", "between hosts")
    tap.ok(len(bounces) == 1 and "5.4.6" in bounces[0], "a loop between hosts comes back once, as one", *bounces)
    # At a: the forward, the same again, refused, and the report.
    (at_a, looped), (at_b, _) = before
    tap.run("and no storm", wait_for, lambda: (deliveries(a), deliveries(b)[0]) == ((at_a + 3, looped + 1), at_b + 1), "it", 60)


base = {"a": free_base(PORTS.values())}
with Nsd(ZONES) as nsd:
    common = {"resolver": f"127.0.0.1@{nsd.port}", "retry-min": "200ms", "retry-max": "400ms", "host-retry-min": "200ms",
              "host-retry-max": "400ms", "login-delay": "0"}
    with Instance(common, domain="a.test") as a, Instance(common, domain="b.test") as b:
        a.set("smtp-port", str(b.port("smtp")))
        b.set("smtp-port", str(a.port("smtp")))
        submit(a, "alice@a.test", ["bob@b.test"], "a to b")
        tap.run("mail goes from a to b, past the dead MX", wait_mail, b, "bob@b.test", "a to b")
        submit(b, "bob@b.test", ["alice@a.test"], "b to a")
        tap.run("and from b to a", wait_mail, a, "alice@a.test", "b to a")
        text = arrived(b, "bob@b.test", "a to b")[0]
        tap.ok(re.search(r"^Received: from mail\.a\.test .*?ESMTPS ", text, re.M | re.S), "under TLS, since b offers it", text)

        b.stop()
        submit(a, "alice@a.test", ["bob@b.test", "alice@b.test"], "while b is away")
        wait_for(lambda: a.log("mda-remote").count("b.test") > 2, "an attempt")
        listing = subprocess.run(["build/bin/mailq"], env=dict(a.env, POSTERN_DIR=a.dir), capture_output=True, text=True)
        tap.ok("bob@b.test" in listing.stdout and "alice@b.test" in listing.stdout, "mailq shows what waits", listing.stdout + listing.stderr)
        b.start()
        wait_mail(b, "bob@b.test", "while b is away")
        wait_mail(b, "alice@b.test", "while b is away")
        wait_for(lambda: spool_empty(a), "an empty spool")
        tap.ok(len(arrived(b, "bob@b.test", "while b is away")) == 1 and len(arrived(b, "alice@b.test", "while b is away")) == 1,
               "mail waits, and arrives once")

        tap.run("an address that does not exist comes back", bounce, a)
        for domain, status in ("null.test", "5.1.10"), ("loop.test", "5.4.6"), ("missing.a.test", "5.1.2"):
            submit(a, "alice@a.test", ["x@" + domain], "to " + domain)
            try:
                fields = dsn(a, "to " + domain)[2][1]
                tap.ok(fields["Status"] == status and fields["Action"] == "failed", f"{domain} comes back as {status}", fields.as_string())
            except TimeoutError as error:
                tap.ok(False, f"{domain} comes back", error, a.log("mda-remote")[-1500:])

        # A bounce that cannot be delivered is never bounced.
        with smtplib.SMTP("127.0.0.1", a.port("submission"), timeout=120) as s:
            s.starttls(context=UNSAFE)
            s.login("alice@a.test", a.password["alice@a.test"])
            refused = s.mail("")[0]
        tap.ok(refused >= 500 or refused == 250, "the null sender on submission is answered", refused)
        wait_for(lambda: spool_empty(a), "an empty spool")
        tap.ok(spool_empty(b) and spool_empty(a), "nothing is left in either spool")
        loops(a, b)
tap.done()
