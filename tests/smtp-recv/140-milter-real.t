#!/usr/bin/env python3
"""Filters that are in use everywhere, over Unix and TCP sockets, alone and one behind the other: OpenDKIM, OpenDMARC, rspamd,
clamav-milter and SpamAssassin's milter. As root all of it runs in a network of its own, where a name server can be what
resolv.conf names; without one OpenDMARC, which knows no other way to the DNS, is left out."""
import email.utils, os, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

SPACE = ["unshare", "-m", "-n"]
inside = sys.argv[1:] == ["inside"]
if not inside and not os.getuid() and not subprocess.run([*SPACE, "true"], capture_output=True).returncode:
    os.execvp(SPACE[0], [*SPACE, sys.executable, __file__, "inside"])

import dns
from filters import GTUBE, MARKED, RENAMED, VIRUS, Filters, there
from smtprecv import SPOOL_EXT, Instance, Tap

tap = Tap()
filters = Filters()
# Nothing that SpamAssassin would mind: of now, from an address that is nobody's.
REST = f"To: u@example.test\r\nDate: {email.utils.formatdate()}\r\nMessage-ID: {email.utils.make_msgid(domain='example.org')}\r\n"
CLIENT = "10.1.2.3"
MESSAGE = ("From: Alice <alice@example.org>\r\nSubject: a  folded\r\n\tone \r\n" + REST +
           "\r\nhello  \r\n.dot\r\n" + "a line of the body\r\n" * 100 + "\r\n\r\n")
LONG = MESSAGE + "a line of the body\r\n" * 5000 + "\r\n\r\n"
SHORT = "From: Bob <bob@elsewhere.test>\r\nSubject: short\r\n" + REST + "\r\n"


def send(names, message, args=(), sender="alice@example.org", **env):
    """The last reply, header and body as they were delivered, whether the spool holds it, and the log."""
    i = Instance(milters=filters.lines(*names), tables={"senders": "root: @example.org\nnobody: @example.org\n"})
    i.spool.ext = (*SPOOL_EXT[:-1], "XFORWARD IDENT LOGIN HOLD")
    c = i.client(*args, **({} if env.get("unix") else {"TCPREMOTEIP": CLIENT}), **env)
    answers, last = c.mail(["u@example.test"], message.replace("\r\n.", "\r\n.."), sender=sender)
    c.close()
    head, _, body = ((i.lmtp.messages or [{"body": b""}])[0]["body"]).decode(errors="replace").partition("\r\n\r\n")
    held = [l for l in i.spool.lines if " HOLD=" in l]
    log = i.logged()
    i.close()
    head = "\r\n" + head if head else ""
    return last or "", head, body, held, f"{last}\n{head[:2000]}\n{log}\n{filters.logs()}"


def opendkim():
    if inside:
        filters.opendkim("dkim", "unix", "Canonicalization relaxed/relaxed\nNameservers 127.0.0.1\n")
    else:
        filters.opendkim("dkim", "unix", f"Canonicalization relaxed/relaxed\nTestPublicKeys {filters.path('keys')}\n")
    filters.opendkim("dkim-tcp", "inet", f"Canonicalization simple/simple\nTestPublicKeys {filters.path('keys')}\n")


def name_server(record):
    """What resolv.conf names, with the policies of some domains."""
    policy = lambda p: f'_dmarc TXT "v=DMARC1; p={p}"'
    pieces = '" "'.join(record[n:n + 200] for n in range(0, len(record), 200))
    zones = {"example.org": f'{policy("reject")}\nsel._domainkey TXT "{pieces}"', "held.example.org": policy("quarantine"), "example.com": ""}
    n = dns.Nsd(zones)
    n.port = 53
    subprocess.run(["mount", "--bind", filters.write("resolv.conf", "nameserver 127.0.0.1\n"), "/etc/resolv.conf"], check=True)
    filters.start(*n.command(), user=None)


def check_opendkim():
    for name, message in (("dkim", LONG), ("dkim-tcp", MESSAGE)):
        last, head, body, _, all = send([name], message, args=("-s",), unix=True)
        tap.ok(last.startswith("250") and "\r\nDKIM-Signature: v=1;" in head and body == message.split("\r\n\r\n", 1)[1], f"OpenDKIM ({name}) signs a submission", all)
        signed = head[head.find("DKIM-Signature"):] + "\r\n\r\n" + body
        last, head, body, _, all = send([name], signed)
        tap.ok(last.startswith("250") and "\r\nAuthentication-Results: mx.example.test;" in head and "dkim=pass" in head, "and tells of its signature when the message comes from outside", all)
        tap.ok(head.count("DKIM-Signature: ") == 1, "which it does not sign", all)
        last, head, body, _, all = send([name], signed.replace("hello", "hallo"))
        tap.ok(last.startswith("250") and "dkim=fail" in head, "a body that was changed behind the signature fails", all)
    return signed


def check_opendmarc(signed):
    for name in ("dmarc", "dmarc-tcp"):
        last, head, _, _, all = send(["dkim", name], signed)
        tap.ok(last.startswith("250") and "dkim=pass" in head and "dmarc=pass" in head, f"OpenDMARC ({name}) reads what OpenDKIM has found", all)
        last, head, _, _, all = send(["dkim", name], MESSAGE)
        tap.ok(last.startswith("550 5.7.1 rejected by DMARC policy for example.org"), "p=reject without a signature is refused, in its words", all)
    forged = "Authentication-Results: mx.example.test; dkim=pass header.d=example.org\r\n"
    last, head, _, _, all = send(["dkim", "dmarc"], forged + MESSAGE)
    tap.ok(last.startswith("550 5.7.1 rejected by DMARC policy"), "a result that the sender has written himself is taken away before", all)
    last, head, _, _, all = send(["dkim"], 3 * forged + MESSAGE)
    tap.ok(last.startswith("250") and "dkim=pass" not in head, "all of them", all)
    last, head, _, held, all = send(["dkim", "dmarc"], MESSAGE.replace("@example.org", "@held.example.org"), sender="a@held.example.org")
    tap.ok(last.startswith("250") and not head and held, "p=quarantine is held", all)
    last, head, _, _, all = send(["dkim", "dmarc"], MESSAGE.replace("@example.org", "@example.com"), sender="a@example.com")
    tap.ok(last.startswith("250") and "dmarc=none" in head, "no policy", all)
    last, head, _, _, all = send(["dkim", "dmarc"], MESSAGE, args=("-s",), unix=True)
    tap.ok(last.startswith("250") and "dmarc=" not in head, "who is known is not asked for a policy", all)


def check_rspamd():
    for name in ("rspamd", "rspamd-tcp"):
        last, head, body, _, all = send([name], MESSAGE)
        tap.ok(last.startswith("250") and "\r\nX-Spamd-Result: default: False" in head and "X-Spam:" not in head and body == MESSAGE.split("\r\n\r\n", 1)[1], f"rspamd ({name}) adds its result", all)
        last, _, _, _, all = send([name], SHORT + GTUBE + "\r\n")
        tap.ok(last.startswith("554 5.7.1 Gtube pattern"), "and refuses GTUBE, in its words", all)
        last, head, _, _, all = send([name], SHORT + MARKED + "\r\n")
        tap.ok(last.startswith("250") and "\r\nX-Spam: Yes" in head, "\"add header\" is a mark for mda-local", all)
    last, head, _, held, all = send(["rspamd-hold"], SHORT + GTUBE + "\r\n")
    tap.ok(last.startswith("250") and not head and held, "what it refuses may be held instead", all)
    last, head, _, _, all = send(["rspamd"], SHORT + RENAMED + "\r\n")
    tap.ok(last.startswith("250") and "\r\nSubject: *** SPAM *** short" in head and "Subject: short" not in head, "\"rewrite subject\" does", all)
    last, _, _, _, all = send(["rspamd"], SHORT + "greylist me\r\n", sender="new@grey.test")
    tap.ok(last.startswith("451 4.7.1 Try again later"), "\"greylist\" is a reply for now, in its words", all)


def check_clamav():
    for name in ("clamav", "clamav-tcp"):
        last, head, body, _, all = send([name], MESSAGE)
        tap.ok(last.startswith("250") and "X-Virus-Status: Clean" in head and body == MESSAGE.split("\r\n\r\n", 1)[1], f"ClamAV ({name}) lets a clean message pass, and says so", all)
        last, head, _, _, all = send([name], MESSAGE + VIRUS + "\r\n")
        tap.ok(last.startswith("550 5.7.1 infected: Test.Postern"), "and refuses what bears the signature, in its words", all)
    last, head, _, held, all = send(["clamav-hold"], MESSAGE + VIRUS + "\r\n")
    tap.ok(last.startswith("250") and not head and held, "or puts it in quarantine", all)


def check_spamassassin():
    for name in ("spamass", "spamass-tcp"):
        last, head, _, _, all = send([name], MESSAGE)
        tap.ok(last.startswith("250") and "\r\nX-Spam-Status: No, score=" in head, f"SpamAssassin ({name}) adds its status", all)
        last, _, _, _, all = send([name], SHORT + GTUBE + "\r\n")
        tap.ok(last.startswith("550 5.7.1 Blocked by SpamAssassin"), "and refuses GTUBE, in its words", all)
    last, head, body, _, all = send(["spamass-mark"], SHORT + GTUBE + "\r\n")
    tap.ok(last.startswith("250") and "X-Spam-Flag: YES" in head and "Content-Type: multipart/mixed" in head and "Spam detection software" in body, "or marks it, and writes its report into the body", all)


def check_chain(names, signed):
    last, head, body, _, all = send(names, signed)
    want = [mark for name, mark in (("dkim", "dkim=pass"), ("dmarc", "dmarc=pass"), ("rspamd", "X-Spamd-Result:"), ("clamav-tcp", "X-Virus-Status: Clean"), ("spamass", "X-Spam-Status: No")) if name in names]
    tap.ok(last.startswith("250") and [m for m in want if m in head] == want and body == signed.split("\r\n\r\n", 1)[1], f"{', '.join(names)}: each has left its mark", all)
    last, head, _, _, all = send(names, signed.replace("hello", GTUBE))
    tap.ok(last[:3] in ("550", "554") and not head, "and one that refuses is enough", all)


def missing(name, *programs):
    if not there(*programs):
        tap.ok(True, f"{name} SKIP not installed")
    return not there(*programs)


with filters:
    have = [n for n, p in (("dkim", ["opendkim"]), ("rspamd", ["rspamd", "redis-server"]), ("clamav", ["clamd", "clamav-milter"]), ("spamass", ["spamd", "spamass-milter"])) if not missing(n, *p)]
    record = filters.key()
    filters.write("keys", f"sel._domainkey.example.org {record}\n")
    if inside:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        name_server(record)
    if "dkim" in have:
        opendkim()
        if inside and not missing("opendmarc", "opendmarc"):
            have.append("dmarc")
            filters.opendmarc("dmarc", "unix")
            filters.opendmarc("dmarc-tcp", "inet")
        elif not inside:
            tap.ok(True, "opendmarc SKIP needs root and a network namespace")
    if "rspamd" in have:
        filters.rspamd()
    if "clamav" in have:
        filters.clamd()
    if "spamass" in have:
        filters.spamassassin(**{"spamass": ("unix", ["-r", "15"]), "spamass-tcp": ("inet", ["-r", "15"]), "spamass-mark": ("unix", [])})
    if "clamav" in have:
        reject = "OnInfected Reject\nRejectMsg infected: %v\nAddHeader Replace\n"
        filters.clamav(**{"clamav": ("unix", reject), "clamav-tcp": ("inet", reject), "clamav-hold": ("unix", "OnInfected Quarantine\n")})
    filters.wait()
    signed = MESSAGE
    if "dkim" in have:
        signed = check_opendkim()
    if "dmarc" in have:
        check_opendmarc(signed)
    if "rspamd" in have:
        check_rspamd()
    if "clamav" in have:
        check_clamav()
    if "spamass" in have:
        check_spamassassin()
    names = {"clamav": "clamav-tcp"}
    check_chain([names.get(n, n) for n in ("dkim", "dmarc", "rspamd", "clamav", "spamass") if n in have], signed)
tap.done()
