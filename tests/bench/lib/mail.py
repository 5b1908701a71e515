"""The mail that is measured: a fixed set of realistic messages, always the same, and Maildirs of hard links to
them.

    pool = mail.Pool(directory, 2000, uid)    # writes the messages, 13 KB on average
    pool.fill(maildir, 100000)                # links with names of their own in cur/, flags :2,S
    pool.add(maildir, "new", 1000)            # more, as another program would put them there
"""
import base64
import os
import random
import textwrap

AVERAGE = 13000
SUBDIRECTORIES = ("cur", "new", "tmp")
WORDS = ("the of and to in that is was for it with as his on be at by had not are but from or have an they which one you were "
         "all her she there would their we him been has when who will no more if out so up said what its about than into them "
         "can only other time new some could these two may first then do any like my now over such our man me even most made "
         "after also did many off before must well back through years where much your way down should because long each just "
         "state people those too mister how little good world make very year still see own work men day get here old life both "
         "between being under three never know same last another while us might great go come since against right came take").split()
NAMES = "Alice Bob Carol Dave Erin Frank Grace Heidi Ivan Judy Karl Laura Mallory Niaj Olivia Peggy Rupert Sybil Trent Victor".split()
PLACES = "example.org example.test mail.example.org lists.example.org shop.example.test".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
SUBJECTS = ("Re: {0}", "{0}", "{0} {1}", "=?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus_{0}?=", "[list-{1}] {0} again", "Fwd: {0} and {1}",
            "=?utf-8?B?w5xiZXJzaWNodCBkZXIgV29jaGU=?= {0}", "Your order {0} has been shipped")


class Writer:
    """One message after the other, each from the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.blob = base64.encodebytes(self.random.randbytes(1500000)).decode()
        self.prose = "\n".join(textwrap.wrap(" ".join(self.random.choices(WORDS, k=20000)), 72))

    def text(self, octets):
        at = self.random.randrange(len(self.prose) // 2)
        return self.prose[at:at + octets] + "\n"

    def address(self, named=True):
        name = self.random.choice(NAMES)
        plain = f"{name.lower()}{self.random.randrange(200)}@{self.random.choice(PLACES)}"
        return f"{name} Example <{plain}>" if named else plain

    def date(self):
        r = self.random
        return (f"{r.randrange(1, 29):02} {r.choice(MONTHS)} {r.randrange(2016, 2025)} {r.randrange(24):02}:{r.randrange(60):02}:"
                f"{r.randrange(60):02} {r.choice(('+0000', '+0100', '-0500', '+0530'))}")

    def id(self):
        return f"<{self.random.getrandbits(64):016x}@{self.random.choice(PLACES)}>"

    def head(self):
        r = self.random
        trace, out = [f"Return-Path: <{self.address(False)}>", "Delivered-To: me@example.test"], []
        for hop in range(r.randrange(1, 5)):
            trace.append(f"Received: from mx{hop}.example.org (mx{hop}.example.org [192.0.2.{r.randrange(1, 250)}])\n"
                         f"\tby mail.example.test with ESMTPS id {r.getrandbits(48):012x}\n\tfor <me@example.test>; {self.date()}")
        if r.random() < 0.6:
            trace.append("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=mail;\n"
                         "\th=from:to:subject:date:message-id; bh=" + self.blob[:44] + ";\n\tb=" + self.blob[100:400].replace("\n", "\n\t "))
        out += [f"From: {self.address()}", "To: " + ", ".join(self.address() for _ in range(r.choice((1, 1, 1, 2, 5)))),
                "Subject: " + r.choice(SUBJECTS).format(r.choice(WORDS), r.choice(WORDS)),
                f"Date: {self.date()}", f"Message-ID: {self.id()}"]
        if r.random() < 0.3:
            out.append("Cc: " + ", ".join(self.address() for _ in range(r.randrange(1, 4))))
        if r.random() < 0.45:
            refs = [self.id() for _ in range(r.randrange(1, 8))]
            out += [f"In-Reply-To: {refs[-1]}", "References: " + "\n ".join(refs)]
        if r.random() < 0.25:
            out += ["List-Id: <list.lists.example.org>", "List-Unsubscribe: <https://lists.example.org/u?" + self.blob[10:60] + ">",
                    "Precedence: list", "Sender: list-bounces@lists.example.org"]
        if r.random() < 0.2:
            out += [f"Reply-To: {self.address(False)}", "X-Mailer: Example Mailer 1.0"]
        r.shuffle(out)
        return trace + out

    def encoded(self, octets):
        octets = min(octets, len(self.blob) - 1)
        at = self.random.randrange((len(self.blob) - octets) // 77 + 1) * 77
        return self.blob[at:at + octets // 77 * 77 + 77]

    def multipart(self, kind, parts):
        boundary = f"=_{self.random.getrandbits(80):020x}"
        return (f'multipart/{kind};\n boundary="{boundary}"',
                "".join(f"--{boundary}\n{p}\n" for p in parts) + f"--{boundary}--\n")

    def alternative(self, octets):
        html = "<html><body>" + self.text(octets * 2 // 3).replace("\n", "<br>\n") + "</body></html>"
        return self.multipart("alternative", [
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + self.text(octets // 3),
            "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n" + html])

    def message(self):
        """About two in five plain, one in three text and HTML, one in five with attachments, the rest forwards."""
        r, head = self.random, self.head()
        kind, octets = r.random(), int(r.lognormvariate(8.3, 0.8))
        if kind < 0.4:
            kind, body = "text/plain; charset=" + r.choice(("us-ascii", "utf-8", "iso-8859-1")), self.text(octets)
        elif kind < 0.75:
            kind, body = self.alternative(octets * 2)
        elif kind < 0.93:
            inner, text = self.alternative(min(octets, 8000))
            parts = [f"Content-Type: {inner}\n\n{text}"]
            for i in range(r.choice((1, 1, 2, 3))):
                size = int(min(800000, r.lognormvariate(8.9, 1.0)))
                parts.append(f'Content-Type: application/pdf; name="file{i}.pdf"\nContent-Transfer-Encoding: base64\n'
                             f'Content-Disposition: attachment; filename="file{i}.pdf"; size={size}\n\n' + self.encoded(size))
            kind, body = self.multipart("mixed", parts)
        else:
            inner = "\n".join(self.head()) + "\nMIME-Version: 1.0\nContent-Type: text/plain\n\n" + self.text(octets)
            kind, body = self.multipart("mixed", ["Content-Type: text/plain\n\n" + self.text(500),
                                                  "Content-Type: message/rfc822\n\n" + inner])
        return "\n".join(head + ["MIME-Version: 1.0", "Content-Type: " + kind]) + "\n\n" + body


class Pool:
    def __init__(self, directory, distinct, owner, seed=1):
        self.owner, self.added = owner, {}  # how many there are, by Maildir
        self.files = []  # (path, the part of the name that tells the sizes)
        os.makedirs(directory)
        writer, self.octets = Writer(seed), 0
        for i in range(distinct):
            data = writer.message().encode()
            path = f"{directory}/{i}"
            with open(path, "wb") as f:
                f.write(data)
            os.utime(path, (1500000000 + i * 1000,) * 2)
            os.chown(path, *owner)
            self.files.append((path, f",S={len(data)},W={len(data) + data.count(10)}"))
            self.octets += len(data)
        self.average = self.octets // distinct

    def maildir(self, path):
        for sub in ("", *SUBDIRECTORIES):
            os.makedirs(os.path.join(path, sub), 0o700, exist_ok=True)
            os.chown(os.path.join(path, sub), *self.owner)
        return path

    def add(self, maildir, where, count, flags=":2,S"):
        """Names as a delivery makes them; the same on both sides, if the same is done to both."""
        to = os.open(f"{maildir}/{where}", os.O_RDONLY | os.O_DIRECTORY)
        try:
            first = self.added.get(maildir, 0)
            self.added[maildir] = first + count
            for i in range(first, first + count):
                path, sizes = self.files[i % len(self.files)]
                os.link(path, f"{1600000000 + i}.M{i * 7919 % 1000000}P4711Q{i}.mail{sizes}{flags if where == 'cur' else ''}",
                        dst_dir_fd=to)
        finally:
            os.close(to)

    def fill(self, maildir, count, flags=":2,S"):
        self.maildir(maildir)
        self.add(maildir, "cur", count, flags)
