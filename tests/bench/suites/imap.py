"""IMAP commands that read, over up to 10,000 messages, searches over all of them, and APPEND."""
import bench
from bench import Row

TITLE = "IMAP commands"
MESSAGES = 10000
AT_ONCE, EACH, OCTETS = 10, 100, 4096  # sessions, messages of each, of so many octets
SESSIONS = 3  # of a round, one after the other: one FETCH alone is soon over, and a busy machine's next turn late
TIMES = {"bodies": 3}  # that a session asks for it, for as many messages as are steady; one of them counts
TARGETS = {"bodies": 3}
COMMANDS = {
    "flags": "FETCH 1:* (FLAGS)",
    "sizes": "UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)",
    "bodies": "FETCH 1:* (BODY.PEEK[])",
    "envelopes": "FETCH 1:* (ENVELOPE)",
    "fields": "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (Subject From Date)])",
    "search-subject": "SEARCH SUBJECT nosuch",
    "search-text": "SEARCH TEXT nosuch",
}
# In a folder of as many messages as are asked for, warm: asked twice before. {key: (command, target)}
SEARCHES = {
    "search-subject-all": ("SEARCH SUBJECT nosuch", 10),
    "search-text-all": ("SEARCH TEXT nosuch", 8),
    "sort-date": ("SORT (DATE) UTF-8 ALL", 10),
    "sort-subject": ("SORT (SUBJECT) UTF-8 ALL", 10),
    "thread-references": ("THREAD REFERENCES UTF-8 ALL", 10),
}
ROWS = [Row("login", "connection and login", "ms"), Row("select", "SELECT INBOX", "ms"),
        *(Row(key, command, "ms", TARGETS.get(key, 0), **(dict(limit="files read", count=lambda n: n) if key in ("bodies", "search-text") else {}))
          for key, command in COMMANDS.items()),
        *(Row(key, f"{command}, of all messages", "ms", target) for key, (command, target) in SEARCHES.items()),
        Row("append", "APPEND of 4 KB, 10 sessions at once", "/s", 2, limit="commits")]


class Suite(bench.MailSuite):
    accounts = {"inbox.test": 1, "all.test": 1, "append.test": AT_ONCE}

    def __init__(self, b):
        super().__init__(b)
        self.all, self.messages = self.messages, min(self.messages, MESSAGES)
        self.steps = [self.session, self.search, self.append]

    def describe(self):
        return f"{super().describe()}; all messages: {self.all:,}"

    def setup(self):
        for side in self.sides:
            self.pool.fill(side.maildir("inbox.test"), self.messages)
            self.settle(side.maildir("inbox.test") + "/cur")
            for _ in range(2):
                self.imap(side, "inbox.test", "SELECT INBOX", *COMMANDS.values())
            self.pool.fill(side.maildir("all.test"), self.all)
            self.settle(side.maildir("all.test") + "/cur")
            for _ in range(2):
                self.imap(side, "all.test", "SELECT INBOX", "FETCH 1:* (ENVELOPE)",
                          *(command for key, (command, _) in SEARCHES.items() if key != "search-text-all"))

    def search(self, side):
        """Each in a session of its own, as clients come and ask one question."""
        for key, (command, _) in SEARCHES.items():
            self.bench.note(side, key, *self.imap(side, "all.test", "SELECT INBOX", command).ms(command))

    def session(self, side):
        commands = [command for key, command in COMMANDS.items() for _ in range(TIMES.get(key, 1))]
        load = self.imap(side, "inbox.test", "SELECT INBOX", *commands, sessions=SESSIONS)
        self.bench.note(side, "login", *load.ms("connect", "login"))
        for key, command in {"select": "SELECT INBOX", **COMMANDS}.items():
            self.bench.note(side, key, *(ms / TIMES.get(key, 1) for ms in load.ms(command)))

    def append(self, side):
        """Into each session's own INBOX, durable on both sides."""
        load = self.bench.mail_load("imap", side.imap, "u#@append.test", f"APPEND INBOX {EACH}:{OCTETS}", "LOGOUT", clients=AT_ONCE)
        self.bench.note(side, "append", AT_ONCE * EACH / load.seconds)
