#!/usr/bin/env python3
"""Scripts and messages made at random: what sieve-test says, and what the sieve-test of Debian's dovecot-sieve says.
Every test of a script files a copy under its number (and what its wildcards stood for), so that each is compared
for itself. SIEVE_SEED and SIEVE_ROUNDS make others, and more of them."""
import concurrent.futures, os, random, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import ROOT, tap

DOVECOT = "/usr/bin/sieve-test"
SEED = int(os.environ.get("SIEVE_SEED", "7"))
ROUNDS = int(os.environ.get("SIEVE_ROUNDS", "200"))
TESTS = 25

if not os.path.exists(DOVECOT) or "dovecot" not in subprocess.run(["dpkg", "-S", DOVECOT], capture_output=True, text=True).stdout:
    print("1..0 # SKIP no sieve-test of dovecot-sieve here")
    sys.exit()

work = tempfile.TemporaryDirectory()
os.chdir(work.name)
os.chmod(work.name, 0o755)
for d in ("run", "mail", "home", "s"):
    os.mkdir(d)
    os.chmod(d, 0o777)
uid = os.getuid() or 65534
with open("dovecot.conf", "w") as f:
    f.write(f"""mail_location = maildir:{work.name}/mail
mail_home = {work.name}/home
mail_uid = {uid}
mail_gid = {os.getgid() or 65534}
first_valid_uid = 0
base_dir = {work.name}/run
log_path = /dev/stderr
postmaster_address = postmaster@example.test
plugin {{
  sieve_extensions = +editheader +vacation-seconds
  sieve_max_actions = 100
}}
""")

REQUIRE = ["fileinto", "copy", "variables", "relational", "date", "index", "subaddress", "envelope", "imap4flags", "body", "regex",
           "mime", "comparator-i;ascii-numeric", "encoded-character", "environment", "ihave", "mailbox", "foreverypart"]
WORDS = ["", "a", "b", "ab", "hello", "Hello world", "x*y", "a?b", "foo", "7", "07", "10", "9x", "Grüße", "alice", "example", "list", "[foo] bar", "a.b"]
FIELDS = ["Subject", "X-One", "X-Two", "Received", "From", "To", "Cc", "X-None", "X-Empty", "Date", "Message-ID"]
ADDRESSES = ["From", "To", "Cc", "Sender", "Resent-To"]
DATES = ["year", "month", "day", "date", "julian", "hour", "minute", "second", "time", "iso8601", "std11", "zone", "weekday"]


def quote(s):
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def one(self, *of):
        return self.r.choice(of)

    def some(self, of, most=3):
        n = self.r.randint(1, most)
        if n == 1:
            return quote(self.r.choice(of))
        return "[" + ", ".join(quote(self.r.choice(of)) for _ in range(n)) + "]"

    def match(self):
        """Tags, and what keys may be."""
        comparator = self.one("", "", "", ':comparator "i;octet" ', ':comparator "i;ascii-casemap" ')
        kind = self.r.random()
        if kind < 0.3:
            return comparator + self.one("", ":is "), WORDS + ["hello world", "HELLO", "alice@example.org", "box", "2007", "example.org", "05"]
        if kind < 0.5:
            return comparator + ":contains ", WORDS + ["HELL", "@", "e", "o w"]
        if kind < 0.75:
            return comparator + ":matches ", ["*", "?", "*a*", "h*o*", "*?", "[*] *", "*@*.*", "?*?", "", "*\\\\**", "**", "a\\*b", "*o*o*", "H?llo*", "*lo w*", "*e*", "\\h*", "*x\\?"]
        if kind < 0.85:
            return comparator + ":regex ", ["^h.*o", "(a|b)+", "([a-z]+)@([a-z.]+)", "l{2}", "^$", "[0-9]+", "(foo|bar)?x?", ".", "[^a]b", "(.*) (.*)", "^\\[([^]]*)\\]"]
        if kind < 0.93:
            numeric = self.r.random() < 0.5
            return (':comparator "i;ascii-numeric" ' if numeric else comparator) + f':value "{self.one("gt", "ge", "lt", "le", "eq", "ne")}" ', WORDS + ["5", "100"]
        return f':comparator "i;ascii-numeric" :count "{self.one("gt", "ge", "lt", "le", "eq", "ne")}" ', ["0", "1", "2", "3"]

    def index(self, tags):
        """Dovecot counts all, whatever the index."""
        return "" if ":count" in tags else self.one("", "", "", f":index {self.r.randint(1, 3)} ", f":index {self.r.randint(1, 2)} :last ")

    def part(self, tags):
        """Dovecot counts also those that have no detail."""
        return self.one("", ":all ", ":localpart ", ":domain ", ":user ", ":user " if ":count" in tags else ":detail ")

    def test(self, depth=0):
        kind = self.r.randint(0, 13 if depth < 2 else 9)
        tags, keys = self.match()
        key = self.some(keys)
        if kind <= 2:
            return f"header {self.index(tags)}{tags}{self.some(FIELDS)} {key}"
        if kind <= 4:
            return f"address {self.index(tags)}{self.part(tags)}{tags}{self.some(ADDRESSES)} {key}"
        if kind == 5:
            return f"envelope {self.part(tags)}{tags}{self.some(['from', 'to'])} {key}"
        if kind == 6:
            return self.one(f"exists {self.some(FIELDS)}", f"size {self.one(':over', ':under')} {self.one('1', '100', '300', '400', '1K', '1M')}")
        if kind == 7:
            zone = self.one(":originalzone ", ':zone "+0100" ', ':zone "-0330" ', ':zone "+0000" ')
            return f"date {zone}{tags}{quote(self.one('Date', 'Received', 'X-One'))} {quote(self.one(*DATES))} {key}"
        if kind == 8:
            # Dovecot's string is i;octet by default, where RFC 5228 2.7.3 says i;ascii-casemap.
            tags = tags if ":comparator" in tags else ':comparator "i;ascii-casemap" ' + tags
            return f'string {tags}{self.some(WORDS + ["${v}", "${w}${v}", "x${unset}y"])} {key}'
        if kind == 9:
            if ":regex" in tags or ":value" in tags or ":count" in tags:
                tags, key = ":contains ", self.some(WORDS)
            elif ":matches" in tags:  # our line ends are one character
                key = self.some(["*", "*a*", "h*o*", "*w*", "*foo*", "x*"])
            return f"body {self.one('', ':text ', ':raw ', ':content ' + quote('text') + ' ', ':content ' + quote('text/plain') + ' ')}{tags}{key}"
        if kind == 10:
            return "not " + self.test(depth + 1)
        name = self.one("allof", "anyof")
        return name + " (" + ", ".join(self.test(depth + 1) for _ in range(self.r.randint(1, 3))) + ")"

    def script(self):
        lines = ["require [" + ", ".join(quote(r) for r in REQUIRE) + "];", 'set "v" "Hello"; set :upper :length "w" "abc";']
        for i in range(TESTS):
            t = self.test()
            # What the wildcards stood for, where they are known to be this test's.
            values = " ${1}-${2}" if re.match(r"(header|address|string|envelope)\b.*:(matches|regex)", t) and ":raw" not in t else ""
            lines.append(f'if {t} {{ fileinto :copy "r{i}{values}"; }}')
        if self.r.random() < 0.3:
            lines.append(self.one("discard;", "keep;", 'redirect "a@b.test";', 'addflag "\\\\Seen"; keep;', 'fileinto "last";'))
        return "\n".join(lines) + "\n"

    def value(self):
        v = self.one(*WORDS, "hello  world", "aXbXc", "Hello World hello world", "12", "x" * 50)
        if self.r.random() < 0.2:
            v = self.one("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "=?iso-8859-1?Q?Gr=FC=DFe?= =?utf-8?b?aGVsbG8=?=", "=?utf-8?q?a_b?= c", "=?broken?=", "a\r\n b", "a =?us-ascii?q?b?=")
        return v if v.isascii() else "Gr=FC"

    def address(self):
        return self.one("alice@example.org", "Alice <alice@example.org>", '"A, B" <a.b+box@example.org>', "bob+list+x@Sub.Example.ORG", "(c) x@y.test (d)",
                        "<foo@bar.test>", "Friends: a@b.test, c@d.test;", '"quo ted"@example.org', "a@b.test, c+7@example.org, D <d@e.test>")

    def message(self):
        fields = [("From", self.address()), ("To", self.address()), ("Subject", self.value()),
                  ("Date", self.one("Tue, 02 Jan 2007 23:05:04 -0500", "Mon, 1 Jul 2019 00:00:00 +0000", "1 Feb 2003 1:02:03 GMT", "Sat, 29 Feb 2020 12:34:56 +0530"))]
        for name in ("X-One", "X-One", "X-Two", "X-Empty", "Received", "Received", "Cc", "Sender", "Message-ID"):
            if self.r.random() < 0.5:
                value = "" if name == "X-Empty" else self.address() if name in ("Cc", "Sender") else \
                    "from a by b; Wed, 03 Jan 2007 05:05:05 +0100" if name == "Received" else self.value()
                fields.append((name, value))
        self.r.shuffle(fields)
        body = self.one("hello world\r\n", "Grusse, a*b\r\nfoo bar\r\n", "x" * 300 + "\r\n", "\r\n")
        return "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n" + body


def normal(acts):
    """A discard beside other actions is none."""
    return sorted([a for a in acts if a != "discard"] or ["discard"])


def ours(script, message, sender, recipient):
    p = subprocess.run(["sieve-test", "-f", sender, "-a", recipient, script, message], capture_output=True)
    out, acts = p.stdout.decode("utf-8", "replace"), []
    for line in out.splitlines():
        m = re.match(r'(fileinto|redirect) "((?:[^"\\]|\\.)*)"(.*)', line)
        if m:
            acts.append(m.group(1) + " " + re.sub(r"\\(.)", r"\1", m.group(2)))
        else:
            acts.append(re.sub(r" implicit$| flags=.*", "", line))
    return normal(acts), (out + p.stderr.decode("utf-8", "replace")).strip()


def theirs(script, message, sender, recipient):
    p = subprocess.run([DOVECOT, "-c", "dovecot.conf", "-f", sender, "-a", recipient, script, message], capture_output=True)
    out, acts = p.stdout.decode("utf-8", "replace"), []
    for line in out.splitlines():
        m = re.match(r" \* store message in folder: (.*)", line)
        if m:
            acts.append("keep" if m.group(1) == "INBOX" else "fileinto " + m.group(1))
        m = re.match(r" \* redirect message to: <(.*)>", line)
        if m:
            acts.append("redirect " + m.group(1))
        if line == " * discard":
            acts.append("discard")
    return normal(acts), (out + p.stderr.decode("utf-8", "replace")).strip()


def round_(n):
    maker = Maker(SEED * 100000 + n)
    script, message = f"s/{n}.sieve", f"s/{n}.msg"
    with open(script, "w", encoding="utf-8") as f:
        f.write(maker.script())
    with open(message, "w", encoding="utf-8", newline="") as f:
        f.write(maker.message())
    sender, recipient = maker.one("alice@example.org", "bob+x@b.test"), maker.one("me+box@example.test", "me@example.test")
    a, said_a = ours(script, message, sender, recipient)
    b, said_b = theirs(script, message, sender, recipient)
    if a == b:
        return None
    rules = open(script, encoding="utf-8").read().splitlines()
    told = [f"round {n} (SIEVE_SEED={SEED}), from <{sender}> to <{recipient}>"]
    for line in sorted(set(a) ^ set(b)):
        m = re.match(r"fileinto r(\d+)", line)
        told.append(("ours:   " if line in a else "theirs: ") + line + ("    " + rules[int(m.group(1)) + 2] if m else ""))
    if b == ["discard"] or a == ["discard"]:
        told += [said_a[-500:], said_b[-500:]]
    return "\n".join(told + [open(message, encoding="utf-8").read()])


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    found = [x for x in pool.map(round_, range(ROUNDS)) if x]
for x in found:
    print("# " + x.replace("\n", "\n# "))
tap.ok(not found, f"{ROUNDS} scripts of {TESTS} tests each: as Dovecot's")
tap.done()
