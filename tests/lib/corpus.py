"""A corpus of messages, nasty ones and ordinary ones, the same at every run.

    corpus.messages(n)          yields (name, octets) n times: the hand-made ones first, then made by rule
    corpus.write(directory, n)  writes them as files; returns their names
    corpus.real()               yields (name, octets) of the messages of Debian's libpython3.11-testsuite

As a program: corpus.py DIRECTORY N. Messages have LF line ends, but for those named crlf-*.
"""
import base64
import glob
import os
import random
import sys

REAL = "/usr/lib/python3.11/test/test_email/data/*.txt"


def header(**more):
    fields = {"From": "Alice <alice@example.test>", "To": "bob@example.test", "Subject": "test",
              "Date": "Mon, 02 Jan 2006 15:04:05 +0100", "Message-ID": "<1@example.test>"}
    fields.update({k.replace("_", "-"): v for k, v in more.items()})
    return "".join(f"{k}: {v}\n" for k, v in fields.items() if v is not None)


def message(body="body\n", **more):
    return header(**more) + "\n" + body


def multipart(body, kind="mixed", boundary="b"):
    return message(body, MIME_Version="1.0", Content_Type=f'multipart/{kind}; boundary="{boundary}"')


def part(text, ctype="text/plain", **more):
    fields = "".join(f"{k.replace('_', '-')}: {v}\n" for k, v in more.items())
    return (f"Content-Type: {ctype}\n" if ctype else "") + fields + "\n" + text


# Bodies of From, To and the like: RFC 5322 A.1 and A.5, obsolete forms, and what is no address.
ADDRESSES = [
    'John Doe <jdoe@machine.example>', 'Mary Smith: Personal Account <smith@home.example>',
    '"Joe Q. Public" <john.q.public@example.com>', '<boss@nil.test>, "Giant; \\"Big\\" Box" <s@example.net>',
    "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", "Undisclosed recipients:;",
    "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
    "A Group(Some people)\n     :Chris Jones <c@(Chris's host.)public.example>,\n"
    "         joe@example.org,\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
    "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
    "Joe Q. Public <john.q.public@example.com>", "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
    "<@a.test,@b.test:c@d.test>", "<@a.test c@d.test>", "a@b (Comment Name)", "a (one) @ b (two)",
    "a", "a b", "a b c@d", "a@", "@b", "<>", "<a>", "<a@b", "a@b>", "a@b c@d", "a@b;c@d", "a@b,,c@d", ",a@b", "a@b,",
    '"a b"@c', '"a\\"b"@c', '"unclosed <a@b>', "(unclosed a@b", "a@[192.0.2.1]", "a@[192.0.2.1", "a@[ 1 . 2 ]",
    "a..b@c", ".a@b", "a.@b", "a@b..c", "a@b.", "Name <a@b> trailing", "Name <a@b> (comment)", "Name <a@b>, x",
    "Name <a b@c>", "Name <a@b c>", "Name a@b", "Name", '"Name"', '"Name" <a@b>', "Na\tme  x <a@b>", "=?utf-8?q?J=C3=B6?= <a@b>",
    "J\u00f6rg <j\u00f6rg@ex\u00e4mple.test>", "a@b\n\tc", "Group: a@b, c@d", "Group: a@b; , c@d", "Group: (x);", "Group:; x@y",
    "Group:a;", "G: H: a@b;;", "x <y <z@w>>", "x@y@z", "a:b@c", "mailto:a@b", "a@b:c", "\\a@b", "[a]@b", "a@b\\c", "a<b@c>d",
    "a\x01b@c", '"" <a@b>', '""@b', '"a" "b" <c@d>', "a . b . c <d@e>", "a.b <c@d>", ". <a@b>", "a, b, c", "a@b (x) (y)", "(x) a@b",
    "(x) Name <a@b>", "a/b@c", "'a@b'", "'a b' <c@d>", "a@b <c@d>", "<a@b> <c@d>", '"a@b" <c@d>', "a(b(c)d)e@f", ";", ":", "::", "<", ">", '"', "\\",
]

CONTENT_TYPES = [
    "text/plain", "TEXT/Plain; CHARSET=UTF-8", "text/plain;", "text/plain; charset",
    "text/plain; charset=", 'text/plain; charset=""', "text/plain; charset=us-ascii (comment)", "text / plain ; a = b",
     "text/plain; ; a=b", "text/plain; a=b; a=c", "text/plain; a=b c=d", "text/html; a=\"b\\\"c\\\\d\"",
    'text/plain; name="unclosed', "text/plain; name=a b.txt", "text/plain; name=a/b(c).txt", "text/plain; name=J\u00f6rg",
    "text/plain; name*=utf-8''J%C3%B6rg", "application/x; url*0=\"ftp://\"; url*1=\"cs.test/pub\"",
    "application/x; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
    "application/x; t*1=b; t*0=a", "application/x; t*0=a; t*2=c", "application/x; t*0=a; t*0=b", "application/x; t*=a", "application/x; t*x=a",
    "application/x; t*0*=us-ascii''a%20; t*1=b c; t=d", "application/x; *=a; *0=b", "application/x; t*01=b; t*00=a", "application/x; T*0=a; t*1=b",
    "(comment) text/plain", "text/(comment)plain; (x) a=(y)b", "image/png\n\t;\n\tname=x", "text/plain; a=b,c",
    "text/plain; a='b c'", "text/x.y+z", "multipart/mixed",
    "message/partial; id=a; number=1", "message/external-body; access-type=x", "text/plain;charset=utf-8;format=flowed", "application/octet-stream",
     "text/plain; \"a\"=b", "text/plain; a==b", "text/plain; a=b=c", "text/plain; a=\"b\"c; d=e", "text/plain; a=b;c", ]

# No type "/" subtype, or junk behind it: RFC 2045 5.2 has a reading for these that Dovecot does not share.
BROKEN_TYPES = [
    "text", "text/", "/plain", "", ";", "text/plain charset=utf-8", "text/plain, text/html", "text/pl@in", "text\\plain", "multipart", "message", "a\tb/c",
    "X-unknown",
]

OTHERS = [  # name, values
    ("Content-Disposition", ["inline", "attachment; filename=a.txt", "ATTACHMENT; FileName=\"a b.txt\"", "attachment; filename", "", ";",
                             "attachment; filename*=iso-8859-1''%E4", "attachment; a=b; c=\"d\"", "=?utf-8?q?x?=", "a/b; c=d", "\"x\"; a=b", "(x) inline",
                             "attachment; filename*0=a; filename*1=b", "inline x; a=b"]),
    ("Content-Language", ["en", "en, de", "en,de , fr", "", "en (comment)", "en;q=1", "en de", ",en", "en,", "mi-NI", "\"en\""]),
    ("Content-Location", ["http://a.test/b", "", "a b\n c", "\"q\"", "\u00e4"]),
    ("Content-MD5", ["Q2hlY2sgSW50ZWdyaXR5IQ==", "", "a b"]),
    ("Content-ID", ["<a@b>", "", "a\tb", "<a\n b>", "\"x\""]),
    ("Content-Description", ["text", "a  b", "=?utf-8?q?x?=", "a\n\tb", "\u00e4\"\\", "", " x "]),
    ("Content-Transfer-Encoding", ["7bit", "BASE64", "quoted-printable (c)", "", "x y", "\"8bit\"", "8 bit", "base64;", "unknown", "quoted-printable; x=y"]),
    ("Date", ["", "x", "Mon,  2 Jan\n 2006", " \t x \t ", "a\"b\\c", "\u00e4", "a\tb"]),
    ("Subject", ["", " ", "a  b", "a\tb", "a\n b", "a\n\tb", "a \n  b", "\u00e4\u00f6", "\"q\"", "back\\slash", "=?utf-8?q?=C3=A4?=", "x ", "{5}", "NIL", "a\x00b", "a\rb", "\x7f", "\t", "\n x", "a\n \n b"]),
    ("Message-ID", ["", "<a@b", "<a@b> x", "a \"b\"", "<a\n b@c>", " <x@y> "]),
    ("In-Reply-To", ["<a@b>", "", "Your message of Monday <a@b>", "\u00e4", "<a@b>\n <c@d>"]),
    ("Sender", ["", "a@b", ",", "x"]), ("Reply-To", ["", "a@b, c@d", "()", "x:;"]), ("Cc", ["a@b", ""]), ("Bcc", ["a@b"]),
]

PNG = base64.encodebytes(bytes(range(200))).decode()
INNER = message("inner body\n", Subject="inner")

STRUCTURES = {
    "no-header-end": "Subject: x\nFrom: a@b",
    "only-header": "Subject: x\n\n",
    "header-no-newline-end": "Subject: x\n",
    "no-colon": "Subject: x\nthis is no field\nFrom: a@b\n\nbody\n",
    "from-line": "From a@b Mon Jan  2 15:04:05 2006\nSubject: x\n\nbody\n",
    "leading-blank": " Subject: x\nFrom: a@b\n\nbody\n",
    "space-before-colon": "Subject : x\nFrom\t: a@b\n\nbody\n",
    "colon-only": ": x\nFrom: a@b\n\nbody\n",
    "empty": "", "newline": "\n", "two-newlines": "\n\n", "body-only": "\nbody\n",
    "bare-cr": "Subject: a\rb\nFrom: a@b\r\r\n\nline\rline\r\r\n\n",
    "nul": "Subject: a\0b\nFrom: a\0b@c\nContent-Type: text/plain; name=a\0b\n\nbo\0dy\n",
    "8bit": "Subject: \u00e4\nFrom: J\u00f6rg <a@b>\n\n\u00e4\n",
    "folded-nothing": "Subject:\n \n\t\nFrom: a@b\n\nbody\n",
    "doubled-fields": "Subject: a\nSubject: b\nFrom: a@b\nFrom: c@d\nTo: e@f\nTo: g@h\nDate: 1\nDate: 2\nMessage-ID: <1>\nMessage-ID: <2>\n"
                      "Content-Type: text/html\nContent-Type: image/png\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 8bit\n"
                      "Content-ID: <a>\nContent-ID: <b>\nContent-Description: a\nContent-Description: b\nContent-Disposition: inline; a=b\n"
                      "Content-Disposition: attachment; c=d\nContent-Language: en\nContent-Language: de\nContent-MD5: a\nContent-MD5: b\n"
                      "Content-Location: a\nContent-Location: b\nIn-Reply-To: <a>\nIn-Reply-To: <b>\n\nbody\n",
    "doubled-multipart": "Content-Type: multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b\n\n--a\n\n1\n--b\n\n2\n--b--\n--a--\n",
    "doubled-text-multipart": "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n2\n--b--\n",
    "doubled-broken-first": "Content-Type: text\nContent-Type: text/html\nContent-Disposition: =\nContent-Disposition: inline\n\nx\n",
    "doubled-empty-first": "Content-Type:\nContent-Type: text/html\nContent-ID:\nContent-ID: <x>\nSubject:\nSubject: x\nFrom:\nFrom: x@y\nMessage-ID:\nMessage-ID: <x>\n\nx\n",
    "doubled-empty-last": "Content-ID: <x>\nContent-ID:\nSubject: x\nSubject:\nMessage-ID: <x>\nMessage-ID:\nDate: x\nDate:\n\nx\n",
    "no-final-newline": message("line\nlast"),
    "mp-plain": multipart("preamble\n--b\n" + part("one\n") + "--b\n" + part("<p>\n", "text/html") + "--b--\nepilogue\n"),
    "mp-no-newline-end": multipart("--b\n" + part("one\n") + "\n--b--"),
    "mp-unclosed": multipart("--b\n" + part("one\n") + "--b\n" + part("two\n")),
    "mp-unclosed-no-newline": multipart("--b\n" + part("one\n") + "--b\n" + part("two")),
    "mp-no-parts": multipart("only text\n"), "mp-empty-body": multipart(""),
    "mp-only-close": multipart("--b--\n"), "mp-only-open": multipart("--b\n"), "mp-open-close": multipart("--b\n--b--\n"),
    "mp-open-no-newline": multipart("--b"), "mp-two-opens": multipart("--b\n--b\n--b--\n"),
    "mp-empty-parts": multipart("--b\n\n--b\n\n\n--b\n\n\n\n--b--\n"),
    "mp-boundary-in-header": multipart("--b\nContent-Type: text/html\n--b\nContent-ID: <x>\n\nbody\n--b--\n"),
    "mp-boundary-in-header-close": multipart("--b\nContent-Type: text/html\n--b--\nrest\n"),
    "mp-after-close": multipart("--b\n\n1\n--b--\n--b\n\n2\n--b--\n"),
    "mp-boundary-padding": multipart("--b  \t\n\n1\n--b--  \n"), "mp-boundary-suffix": multipart("--bxyz\n\n1\n--b--xyz\n"),
    "mp-boundary-blank": multipart("--b \n\n1\n--b --\n", boundary="b "), "mp-boundary-inner-blank": multipart("--a b\n\n1\n--a b--\n", boundary="a b"),
    "mp-boundary-dashes": multipart("----\n\n1\n------\n", boundary="--"),
    "mp-boundary-long": multipart("--" + "x" * 70 + "\n\n1\n--" + "x" * 70 + "--\n", boundary="x" * 70),
    "mp-boundary-85": multipart("--" + "x" * 85 + "\n\n1\n--" + "x" * 85 + "--\n", boundary="x" * 85),
    "mp-boundary-200": multipart("--" + "x" * 200 + "\n\n1\n--" + "x" * 200 + "--\n", boundary="x" * 200),
    "mp-boundary-empty": multipart("--\n\n1\n----\n", boundary=""),
    "mp-boundary-case": multipart("--B\n\n1\n--B--\n"), "mp-no-boundary": message("--b\n\n1\n--b--\n", Content_Type="multipart/mixed"),
    "mp-boundary-extended": message("--b\n\n1\n--b--\n", Content_Type="multipart/mixed; boundary*=us-ascii''b"),
    "mp-boundary-continued": message("--bc\n\n1\n--bc--\n", Content_Type="multipart/mixed; boundary*0=b; boundary*1=c"),
    "mp-boundary-unquoted": message("--b=c\n\n1\n--b=c--\n", Content_Type="multipart/mixed; boundary=b=c"),
    "mp-boundary-twice": message("--b\n\n1\n--b--\n", Content_Type="multipart/mixed; boundary=b; boundary=c"),
    "mp-no-subtype": message("--b\n\n1\n--b--\n", Content_Type="multipart; boundary=b"),
    "mp-bad-type": message("--b\n\n1\n--b--\n", Content_Type="multipart/; boundary=b"),
    "mp-nested": multipart("--b\n" + part("--c\n\n1\n--c\n\n2\n--c--\nep\n", "multipart/alternative; boundary=c") + "--b\n\n3\n--b--\n"),
    "mp-nested-unclosed": multipart("--b\n" + part("--c\n\n1\n", "multipart/alternative; boundary=c") + "--b\n\n3\n--b--\n"),
    "mp-nested-same": multipart("--b\n" + part("--b\n\n1\n--b--\n", "multipart/alternative; boundary=b") + "--b\n\n3\n--b--\n"),
    "mp-nested-prefix": multipart("--b\n" + part("--bb\n\n1\n--bb--\n", "multipart/alternative; boundary=bb") + "--b\n\n3\n--b--\n"),
    "mp-nested-prefix-outer": multipart("--bb\n" + part("--b\n\n1\n--b--\n", "multipart/alternative; boundary=b") + "--bb\n\n3\n--bb--\n", boundary="bb"),
    "mp-nested-empty": multipart("--b\nContent-Type: multipart/alternative; boundary=c\n\n--b\n\n3\n--b--\n"),
    "mp-nested-no-body": multipart("--b\nContent-Type: multipart/alternative; boundary=c\n--b\n\n3\n--b--\n"),
    "mp-outer-closes-inner": multipart("--b\n" + part("--c\n\n1\n--b--\n--c\n\n2\n", "multipart/mixed; boundary=c")),
    "digest": multipart("--b\n\n" + INNER + "--b\n\n" + INNER + "--b\nContent-Type: text/plain\n\ntext\n--b--\n", "digest"),
    "digest-empty": multipart("--b\n\n--b--\n", "digest"),
    "digest-broken-type": multipart("--b\nContent-Type: text\n\nx\n--b\nContent-Type:\n\ny\n--b--\n", "digest"),
    "rfc822": message(INNER, Content_Type="message/rfc822"),
    "rfc822-empty": message("", Content_Type="message/rfc822"), "rfc822-base64": message(PNG, Content_Type="message/rfc822", Content_Transfer_Encoding="base64"),
    "rfc822-no-header-end": message("Subject: x", Content_Type="message/rfc822"),
    "rfc822-upper": message(INNER, Content_Type="MESSAGE/RFC822; a=b"), "rfc822-body-only": message("\nbody\n", Content_Type="message/rfc822"),
    "global": message(INNER, Content_Type="message/global"),
    "rfc822-in-mp": multipart("--b\n" + part(INNER, "message/rfc822") + "--b\n" + part("x\n") + "--b--\n"),
    "rfc822-cut-by-boundary": multipart("--b\nContent-Type: message/rfc822\n\nSubject: x\n--b\n\ny\n--b--\n"),
    "rfc822-cut-at-once": multipart("--b\nContent-Type: message/rfc822\n\n--b\n\ny\n--b--\n"),
    "rfc822-mp": message(multipart("--b\n" + part("1\n") + "--b\n" + part("2\n", "text/html") + "--b--\n"), Content_Type="message/rfc822"),
    "mp-rfc822-mp": multipart("--o\n" + part(multipart("--b\n" + part("1\n") + "--b\n" + part("2\n", "text/html") + "--b--\n"), "message/rfc822")
                              + "--o\n" + part(message("inner text\n"), "message/rfc822") + "--o--\n", boundary="o"),
    "rfc822-rfc822": message(message(INNER, Content_Type="message/rfc822"), Content_Type="message/rfc822"),
    "attachment": multipart("--b\n" + part("text\n") + "--b\n" + part(PNG, "image/png; name=\"a.png\"", Content_Transfer_Encoding="base64",
                            Content_Disposition="attachment; filename=\"a.png\"; size=200", Content_ID="<x@y>", Content_Description="an image") + "--b--\n"),
    "crlf-plain": message("a\nb\n").replace("\n", "\r\n"),
    "crlf-mp": multipart("pre\n--b\n" + part("one\n") + "--b\n" + part("two\n") + "--b--\nepi\n").replace("\n", "\r\n"),
    "crlf-mixed": multipart("pre\r\n--b\n" + part("one\r\n") + "--b\r\n" + part("two\n\r\n") + "--b--\nepi\n"),
    "crlf-header": header().replace("\n", "\r\n") + "\nbody\n",
    "long-line": message("x" * 5000 + "\n"), "long-header": message(Subject="x" * 3000), "long-to": message(To=", ".join(f"u{i}@example.test" for i in range(300))),
    "many-parts": multipart("".join(f"--b\n\n{i}\n" for i in range(150)) + "--b--\n"),
    "deep": None,
}


def deep(levels):
    text = "leaf\n"
    for i in range(levels, 0, -1):
        text = f"Content-Type: multipart/mixed; boundary=x{i:03}\n\n--x{i:03}\n{text if i < levels else chr(10) + text}--x{i:03}--\n"
    return "Subject: deep\n" + text


STRUCTURES["deep"] = deep(20)
# Beyond the limits that Dovecot and postern share: 100 levels, 10000 parts.
STRUCTURES["too-deep"] = "".join(f"Content-Type: multipart/mixed; boundary=x{i:03}\n\n--x{i:03}\n" for i in range(120)) + "\nleaf\n"
STRUCTURES["too-deep-rfc822"] = "Content-Type: message/rfc822\n\n" * 120 + "\nleaf\n"


def octets(text):
    return text.encode("utf-8")


def by_hand():
    for name, text in STRUCTURES.items():
        yield name, octets(text)
    for i, value in enumerate(ADDRESSES):
        yield f"address-{i:03}", octets(message(To=value, From=ADDRESSES[-1 - i]))
    for i, value in enumerate(CONTENT_TYPES):
        yield f"type-{i:03}", octets(message(Content_Type=value))
        yield f"type-part-{i:03}", octets(multipart("--b\n" + part("x\n", value) + "--b--\n"))
    for i, value in enumerate(BROKEN_TYPES):
        yield f"broken-type-{i:03}", octets(message(Content_Type=value))
        yield f"broken-type-part-{i:03}", octets(multipart("--b\n" + part("x\n", value or " ") + "--b--\n"))
    for name, values in OTHERS:
        for i, value in enumerate(values):
            yield f"{name.lower()}-{i:03}", octets(message(**{name.replace("-", "_"): value}))
    for i, raw in enumerate([b"\xe4\xff", b"a\x80b", b"\xc3", b"\xed\xa0\x80"]):
        yield f"8bit-{i:03}", (b"Subject: " + raw + b"\nFrom: " + raw + b" <a@b>\nContent-Type: text/plain; name=\"" + raw + b"\"\n"
                               b"Content-Description: " + raw + b"\n\n" + raw + b"\n")


def random_part(rng, depth, inside=""):
    if depth < 4 and rng.random() < 0.3:
        boundary = rng.choice(["b", "bb", "c", "x y", "=_1"])
        kind = rng.choice(["mixed", "alternative", "digest", "related; a=b", "MIXED"])
        lines = [rng.choice(["", "pre\n", "\n"])]
        for _ in range(rng.randrange(4)):
            lines.append(f"--{boundary}{rng.choice(['', '', '', ' ', 'z'])}\n{random_part(rng, depth + 1, kind)}{rng.choice(['', chr(10)])}")
        lines.append(rng.choice(["", f"--{boundary}--\n\n", f"\n--{boundary}--\nepilogue\n"]))
        return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n' + "".join(lines)
    if depth < 4 and rng.random() < 0.15:
        return "Content-Type: message/rfc822\n\n" + random_fields(rng) + random_part(rng, depth + 1, "message")
    # Empty bodies and headers cut by a boundary have their hand-made messages; here they stay out of the
    # places where Dovecot counts the boundary's line end (doc/differences.md).
    cut = depth <= 1 and not inside.startswith(("message", "digest"))
    text = "".join(rng.choice(["line\n", "\n", "--\n", "--b\n" if cut and rng.random() < 0.1 else "x\n", "a\r\n", "no end", "\u00e4\n"]) for _ in range(rng.randrange(2 if depth > 1 else 0, 7)))
    fields = "" if cut and rng.random() < 0.2 else f"Content-Type: {rng.choice(CONTENT_TYPES)}\n"
    for name, values in rng.sample(OTHERS[:7], rng.randrange(4)):
        fields += f"{name}: {rng.choice(values)}\n"
    return fields + rng.choice(["\n", "\n", "\n", "\n", "" if cut else "\n", "\r\n"]) + text


def random_fields(rng):
    fields = [f"{n}: {rng.choice(ADDRESSES)}\n" for n in rng.sample(["From", "To", "Cc", "Bcc", "Sender", "Reply-To"], rng.randrange(6))]
    fields += [f"{n}: {rng.choice(v)}\n" for n, v in rng.sample(OTHERS[7:], rng.randrange(5))]
    rng.shuffle(fields)
    return "".join(fields)


def by_rule(seed):
    rng = random.Random(seed)
    return octets(random_fields(rng) + random_part(rng, 0))


def messages(n):
    made = 0
    for name, data in by_hand():
        if made == n:
            return
        yield name, data
        made += 1
    for seed in range(n - made):
        yield f"rule-{seed:05}", by_rule(seed)


def real():
    for path in sorted(glob.glob(REAL)):
        with open(path, "rb") as f:
            yield "real-" + os.path.basename(path)[:-4], f.read()


def write(directory, n):
    os.makedirs(directory, exist_ok=True)
    names = []
    for name, data in messages(n):
        with open(os.path.join(directory, name), "wb") as f:
            f.write(data)
        names.append(name)
    return names


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]))
