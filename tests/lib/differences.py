"""The tables of doc/differences*.md: what may be answered differently than Dovecot does.

    rows = differences.rows("doc/differences.md", ...)
    differences.allow(rows, name, data, item, ours, theirs)      the row that explains it, or None

A row is | `message` | `item` | ..., both patterns. An item that begins with "+" is a rule: a function below
that looks at the message and at both answers (octets, or lists as imapwire.parse makes them).
"""
import fnmatch
import re


def rows(*pages):
    found = []
    for page in pages:
        with open(page, encoding="utf-8") as f:
            found += re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", f.read(), re.M)
    return found


def one_line_end_less(ours, theirs):
    """The same but for a line end that theirs has more: in octets, in sizes, in numbers of lines."""
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(one_line_end_less(a, b) for a, b in zip(ours, theirs))
    if ours == theirs:
        return True
    if not isinstance(ours, bytes) or not isinstance(theirs, bytes):
        return False
    if ours.isdigit() and theirs.isdigit():
        return int(theirs) - int(ours) in (1, 2)
    return theirs in (ours + b"\r\n", ours + b"\r\n\r\n")  # the latter: named fields, with an empty line


def outer_line_end(data, ours, theirs):
    """RFC 2046 5.1.1: the line end before a boundary belongs to it. Where a part within a part ends at an outer
    boundary, Dovecot counts it to the inner one."""
    nested = len(re.findall(rb"(?i)multipart/", data)) > 1 or re.search(rb"(?i)message/rfc822|multipart/digest", data)
    return bool(nested) and one_line_end_less(ours, theirs)


def encoding_alone(data, ours, theirs):
    """RFC 2045 section 4: what Content-Transfer-Encoding says in a message without MIME-Version (SEARCH)."""
    named = re.search(rb"(?im)^content-transfer-encoding[ \t]*:", data) and not re.search(rb"(?im)^mime-version[ \t]*:", data)
    return bool(named) and ours is None and theirs is None


RULES = {"+outer-line-end": outer_line_end, "+encoding-alone": encoding_alone}


def allow(table, name, data, item, ours, theirs):
    for row in table:
        if not fnmatch.fnmatchcase(name, row[0]):
            continue
        if row[1] in RULES and RULES[row[1]](data, ours, theirs) or fnmatch.fnmatchcase(item, row[1]):
            return row
    return None
