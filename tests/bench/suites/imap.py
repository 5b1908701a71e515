"""IMAP commands that read, over up to 10,000 messages, searches over all of them, APPEND, and IDLE."""
import time

import bench
import sides
from bench import Row

TITLE = "IMAP commands"
MESSAGES = 10000
AT_ONCE, EACH, OCTETS = 10, 100, 4096  # sessions, messages of each, of so many octets
SESSIONS = 3  # of a round, one after the other: one FETCH alone is soon over, and a busy machine's next turn late
PUSHES = 5
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
        Row("append", "APPEND of 4 KB, 10 sessions at once", "/s", 2, limit="commits"),
        Row("idle-memory", "private memory of an idle session, all its processes, of up to 200", "KiB", most=150),
        Row("push", "from the OK of APPEND to * n EXISTS in IDLE, with up to 200 idle", "ms", most=10)]


class Suite(bench.MailSuite):
    accounts = {"inbox.test": 1, "all.test": 1, "append.test": AT_ONCE, "idle.test": 1}

    def __init__(self, b):
        super().__init__(b)
        self.all, self.messages = self.messages, min(self.messages, MESSAGES)
        self.steps = [self.session, self.search, self.append, self.idle]
        self.pushed = {}

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
        load = self.imap(side, "inbox.test", "SELECT INBOX", *COMMANDS.values(), sessions=SESSIONS)
        self.bench.note(side, "login", *load.ms("connect", "login"))
        for key, command in {"select": "SELECT INBOX", **COMMANDS}.items():
            self.bench.note(side, key, *load.ms(command))

    def append(self, side):
        """Into each session's own INBOX, durable on both sides."""
        load = self.bench.mail_load("imap", side.imap, "u#@append.test", f"APPEND INBOX {EACH}:{OCTETS}", "LOGOUT", clients=AT_ONCE)
        self.bench.note(side, "append", AT_ONCE * EACH / load.seconds)

    def idle(self, side):
        """Sessions of one user that wait: what each of them holds, and how soon a delivery is told."""
        before, sessions = set(side.pids()), []
        try:
            for _ in range(max(5, min(200, self.all // 500))):
                sessions.append(bench.IdleSession(side.imap, "u0@idle.test"))
            self.note_memory(side, [p for p in side.pids() if p not in before and side.of_session(p)], len(sessions))
            sender = sessions[0]
            sender.socket.sendall(b"DONE\r\n")
            for k in range(PUSHES):
                self.pushed[side] = self.pushed.get(side, 0) + 1
                sender.socket.sendall(b"p%d APPEND INBOX {%d+}\r\n%s\r\n" % (k, OCTETS, b"x" * OCTETS))
                sender.until(b"p%d OK" % k)
                begin = time.monotonic()
                sessions[1 + k % (len(sessions) - 1)].until(b"* %d EXISTS" % self.pushed[side])
                self.bench.note(side, "push", 1000 * (time.monotonic() - begin))
        finally:
            for session in sessions:
                session.close()

    def note_memory(self, side, processes, sessions):
        end, now = time.monotonic() + 5, None
        while time.monotonic() < end:
            before, now = now, [bench.private_kib(p) for p in processes]
            if before == now:
                break
            time.sleep(0.2)
        if None not in now:
            self.bench.note(side, "idle-memory", sum(map(sum, now)) / sessions)
