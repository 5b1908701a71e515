#!/usr/bin/env python3
"""What the folder keeps of its messages answers as the messages do: every command in a folder without
index and texts, again with them, and once more after they were removed, octet by octet. With them no
message is opened: the answers stay as they are when no file can be read."""
import glob
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, "tests/lib")
import corpus
from imapwire import Session
from instance import Tap

tap = Tap()
COUNT = 500

KEPT = [
    "FETCH 1:* (ENVELOPE)", "FETCH 1:* (BODYSTRUCTURE)", "FETCH 1:* BODY", "FETCH 1:* FULL", "FETCH 1:* ALL",
    "UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE ENVELOPE BODY)",
    "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (Subject From Date)])", "UID FETCH 1:* BODY.PEEK[HEADER.FIELDS (to CC bcc)]",
    'FETCH 1:* BODY.PEEK[HEADER.FIELDS ("Message-ID" IN-REPLY-TO References)]',
    "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (Date)]<0.10> ENVELOPE BODY.PEEK[HEADER.FIELDS (Subject To)]<5.1000>)",
    "FETCH 1:* BODY.PEEK[HEADER.FIELDS (From)]<100000.5>", "FETCH 1:* BODY.PEEK[HEADER.FIELDS (Content-Type)]<0.1>",
    # What clients ask of each message of a list: Thunderbird, mutt, K-9, Roundcube, iOS.
    "UID FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority References "
    "Newsgroups In-Reply-To Content-Type Reply-To)])",
    "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM SENDER SUBJECT TO CC MESSAGE-ID REFERENCES CONTENT-TYPE "
    "CONTENT-DESCRIPTION IN-REPLY-TO REPLY-TO LINES LIST-POST X-LABEL)])",
    "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (date subject from content-type to cc reply-to message-id references "
    "in-reply-to list-unsubscribe X-K9mail-Identity)])",
    "UID FETCH 1:* (UID RFC822.SIZE FLAGS INTERNALDATE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT CONTENT-TYPE CC REPLY-TO LIST-POST "
    "DISPOSITION-NOTIFICATION-TO X-PRIORITY)])",
    "FETCH 1:* (INTERNALDATE UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (date subject from to cc message-id in-reply-to references content-type x-priority "
    "x-uniform-type-identifier x-universally-unique-identifier list-id list-unsubscribe)])",
    'SEARCH SUBJECT ""', "SEARCH SUBJECT test", "SEARCH FROM alice", "SEARCH TO example", 'SEARCH CC ""', "SEARCH BCC a@b",
    "SEARCH HEADER Message-ID 1@", 'UID SEARCH HEADER references ""', 'SEARCH HEADER In-Reply-To "a"',
    'SEARCH CHARSET UTF-8 SUBJECT "\u00e4"', "SEARCH SENTBEFORE 3-Jan-2006", "SEARCH SENTON 2-Jan-2006",
    "SEARCH SENTSINCE 1-Jan-1971", "SEARCH NOT SENTSINCE 1-Jan-1971",
    "SEARCH OR SUBJECT inner NOT FROM alice", "SEARCH RETURN (MIN MAX COUNT ALL) 100:300 FROM a SENTSINCE 1-Jan-2000",
]
OPENED = [
    "FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject X-Nothing)]", "FETCH 1:* BODY.PEEK[HEADER.FIELDS.NOT (Subject)]",
    "FETCH 1:* (ENVELOPE BODY.PEEK[HEADER])", "FETCH 1:* (BODY.PEEK[TEXT]<0.100> BODYSTRUCTURE)",
    "FETCH 1:* BODY.PEEK[1.HEADER.FIELDS (Subject)]", "FETCH 1:* BODY.PEEK[1]",
    'SEARCH HEADER X-Nothing ""', "SEARCH TEXT inner", "SEARCH BODY line", "SEARCH OR SUBJECT inner BODY line",
]


def long_ones():
    """Headers and messages at the borders: of what is kept, of what is read at once."""
    to = ", ".join(f"user{i}@example.test" for i in range(6000))
    yield corpus.message(To=to)
    yield corpus.message("x" * 70 + "\n", To=to, Subject="inner")
    yield corpus.message(("x" * 70 + "\n") * 3000, Subject="a large one")
    yield corpus.message(("x" * 70 + "\n") * 3000, Subject="a large one", X_Long="y" * 100000)
    yield corpus.multipart("".join(f"--b\nContent-Type: text/x-{i}\n\n{i}\n" for i in range(3000)) + "--b--\n")


def fill(box):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(f"{box}/{sub}")
    messages = [data for _, data in corpus.messages(COUNT)] + [corpus.octets(text) for text in long_ones()]
    for i, data in enumerate(messages):
        name = f"{box}/cur/{1000000000 + i}.m{i:05}.host:2,{'S' if i % 3 else ''}"
        with open(name, "wb") as f:
            f.write(data)
        os.utime(name, (1100000000 + i * 40000, 1100000000 + i * 40000))


def forget(box):
    for path in glob.glob(box + "/postern-*"):
        if os.path.isfile(path):
            os.unlink(path)


# Root reads what nobody may, unless it has given that up.
UNABLE = [] if os.getuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def session(box, before=()):
    s = Session([*before, "imap"], MAILDIR=box, POSTERN_DIR=os.path.dirname(box), TZ="Europe/Berlin")
    s.ok("EXAMINE INBOX")
    return s


def answer_of(s, command):
    return [re.sub(rb'\(TAG "t\d+"\)', b"", response) for response in s.ok(command)]


def same(command, got, want):
    if got == want:
        return
    for a, b in zip(got, want):
        if a != b:
            raise AssertionError(f"{command}\ngot    {a[:2000]!r}\nwanted {b[:2000]!r}")
    raise AssertionError(f"{command}: {len(got)} responses, {len(want)} wanted")


def all_same(box, commands, want):
    with session(box) as s:
        for command in commands:
            same(command, answer_of(s, command), want[command])
        s.command("LOGOUT")


def cold(box, commands):
    """Each command in a folder of which nothing is known but the UIDs."""
    answers = {}
    for command in commands:
        forget(box)
        with session(box) as s:
            answers[command] = answer_of(s, command)
            s.command("LOGOUT")
    return answers


def common_fields(box):
    """The kept fields beside those of the file: a field that is not kept makes the difference."""
    with session(box) as s:
        for names in ("Subject", "From To Cc", "Date Message-ID References", "Content-Type Sender"):
            for partial in ("", "<3.50>"):
                def literals(fields, partial=partial):
                    answer = s.ok(f"FETCH 1:* BODY.PEEK[HEADER.FIELDS ({fields})]{partial}")
                    return [re.sub(rb"BODY\[[^]]*\]", b"", response, count=1) for response in answer]
                same(f"{names}{partial}", literals(names), literals(names + " X-Nothing"))


def damage(box):
    """Some of the texts are damaged: they are made anew, one beside the other."""
    with open(box + "/postern-text", "r+b") as f:
        data = f.read()
        f.seek(len(data) // 2)
        f.write(bytes(c ^ 0x55 for c in data[len(data) // 2:len(data) // 2 + 5000]))


def gone(box, want):
    """A message that is gone is missed, whether its texts are kept or not."""
    name = sorted(os.listdir(box + "/cur"))[6]
    with session(box) as s:
        s.ok("FETCH 7 ENVELOPE")
        os.rename(f"{box}/cur/{name}", f"{box}/../{name}")
        untagged, tagged = s.command("FETCH 1:* ENVELOPE")
        s.command("LOGOUT")
    os.rename(f"{box}/../{name}", f"{box}/cur/{name}")
    got = [r for r in untagged if b"ENVELOPE" in r]
    # Whoever looks before or after: either all are told, or all but it and the client learns why.
    if got != want["FETCH 1:* (ENVELOPE)"]:
        same("without 7", got, want["FETCH 1:* (ENVELOPE)"][:6] + want["FETCH 1:* (ENVELOPE)"][7:])
        assert b"EXPUNGEISSUED" in tagged, tagged


def from_texts(box, want):
    """But for the ones with texts too long to be kept, which nobody can read now."""
    long = tuple(b"* %d " % (COUNT + i) for i in range(1, 6))
    with session(box, UNABLE) as s:
        for command in KEPT:
            answer = answer_of(s, command.replace("1:*", f"1:{COUNT}"))
            if "FETCH" in command:
                same(command, answer, [r for r in want[command] if not r.startswith(long)])
        assert s.command("FETCH 1 BODY.PEEK[]")[1].startswith(b"NO"), "FETCH of a file that cannot be read"
        s.command("LOGOUT")


def main():
    directory = tempfile.mkdtemp(prefix="imap-cached.")
    box = directory + "/Maildir"
    fill(box)
    everything = KEPT + OPENED
    want = cold(box, everything)
    forget(box)
    tap.run("the first of many commands keeps what the others need", lambda: all_same(box, everything, want))
    tap.run("kept texts answer as the messages do", lambda: all_same(box, everything, want))
    tap.run("and again, in reverse order", lambda: all_same(box, everything[::-1], want))
    tap.run("fields that are kept are as in the message", lambda: common_fields(box))
    tap.ok(os.path.exists(box + "/postern-text"), "texts are kept on disk")
    damage(box)
    tap.run("damaged texts are made anew", lambda: all_same(box, everything, want))
    tap.run("a message that is gone", lambda: gone(box, want))
    forget(box)
    tap.run("after all is removed", lambda: all_same(box, everything, want))
    for path in glob.glob(box + "/cur/*"):
        os.chmod(path, 0)
    tap.run("no message is opened for what is kept", lambda: from_texts(box, want))
    shutil.rmtree(directory)
    tap.done()


main()
