#!/usr/bin/env python3
"""Charsets within the sandbox: of keys (SEARCH CHARSET, RFC 3501 6.4.4) and of messages; i;unicode-casemap (RFC 5255 4.2)."""
import base64
import os
import quopri
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import imapwire
from instance import Tap

# charset, its name in Python, a text, a part of it in letters of another case where there are such
TEXTS = (("iso-2022-jp", "iso2022_jp", "日本語の件名です", "の件名"),
         ("gb18030", "gb18030", "简体中文的邮件", "中文的"),
         ("windows-1251", "cp1251", "Привет, Мир", "привет, мир"),
         ("koi8-r", "koi8_r", "Доброе утро", "ДОБРОЕ УТ"),
         ("iso-8859-1", "latin1", "Grüße", "GRÜ"),
         ("utf-8", "utf-8", "Ąžuolas", "ąŽUO"),
         ("euc-kr", "euc_kr", "한국어 메일", "국어 메"),
         ("utf-16", "utf-16", "wide Ünder", "WIDE ü"),
         ("big5", "big5", "繁體中文", "體中"))
KEYS = ("utf-8", "koi8-r", "windows-1251", "iso-2022-jp", "gb18030", "iso-8859-1", "shift_jis", "euc-kr")
ENCODINGS = ("base64", "quoted-printable", "8bit")


def message(charset, data, encoding):
    word = b"=?" + charset.encode() + b"?b?" + base64.b64encode(data) + b"?="
    body = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring, "8bit": lambda d: d}[encoding](data)
    return (b"Subject: " + word + b"\nMIME-Version: 1.0\nContent-Type: text/plain; charset=" + charset.encode() +
            b"\nContent-Transfer-Encoding: " + encoding.encode() + b"\n\n" + body + b"\n")


def literal(data):
    return b"{%d+}\r\n" % len(data) + data


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="charsets.") as base:
        for sub in ("cur", "new", "tmp"):
            os.makedirs(f"{base}/Maildir/{sub}")
        for i, (charset, codec, text, _) in enumerate(TEXTS):
            encoding = "base64" if charset == "utf-16" else ENCODINGS[i % 3]
            with open(f"{base}/Maildir/cur/{1000000000 + i}.x:2,", "wb") as f:
                f.write(message(charset, text.encode(codec), encoding))
        with imapwire.Session(["imap"], MAILDIR=base + "/Maildir", POSTERN_DIR=base, TZ="UTC") as s:
            s.ok("SELECT INBOX")
            for i, (charset, _, text, part) in enumerate(TEXTS, 1):
                for key in KEYS:
                    try:
                        data = literal(part.encode("iso2022_jp" if key == "iso-2022-jp" else key))
                    except UnicodeEncodeError:
                        continue
                    got = [s.ok(b"SEARCH CHARSET " + key.encode() + b" " + what + b" " + data)[0]
                           for what in (b"SUBJECT", b"BODY", b"TEXT")]
                    tap.ok(got == [b"* SEARCH %d" % i] * 3, f"{charset} found by a key in {key}", got)
            for bad in ("x-none", "utf-99", "../../etc/passwd", "a" * 300):
                for command in (f"SEARCH CHARSET {bad} TEXT x", f"SORT (DATE) {bad} ALL", f"THREAD REFERENCES {bad} TEXT x"):
                    untagged, tagged = s.command(command)
                    tap.ok(not untagged and tagged.startswith(b"NO [BADCHARSET "), f"BADCHARSET: {command[:40]}", untagged, tagged)
    return tap.done()


sys.exit(main())
