"""An IMAP client that works on folders of its own and knows what must be in them.

What a server acknowledged is certain. A command whose reply was lost leaves its message open: it may have been done,
not done, or be done yet by a session that has lost its client. Open messages are left alone and judged at the end."""
import re

from traffic import Client, text_of, whole
from wire import Imap

FLAGS = "\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Work", "Blue", "Green"
FOLDERS = "Work", "Done"


class Item:
    def __init__(self, token, flags):
        self.token, self.flags = token, {frozenset(flags)}  # the flag sets it may have
        self.may_be_gone = False


class Worker(Client):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.account = "work@" + self.one.domain
        self.items = {f: {} for f in FOLDERS}   # uid -> Item
        self.loose = {f: {} for f in FOLDERS}   # token -> how many more there may be than items
        self.moves = []                         # (token, uid in Work): must be in one of the folders
        self.made_folders = False

    # ---- commands ----

    def append(self, s, folder):
        token, flags = self.token("w"), self.random.sample(FLAGS, self.random.randrange(4))
        data = f"From: <{self.account}>\nX-Token: {token}\n\n{text_of(token)}".replace("\n", "\r\n").encode()
        self.let(folder, token, 1)
        tagged = s.ok(f"APPEND {folder} ({' '.join(flags)})", data)[1]
        self.let(folder, token, -1)
        self.learn(folder, int(re.search(r"\[APPENDUID \d+ (\d+)\]", tagged)[1]), Item(token, flags))

    def store(self, s, uid):
        item = self.items["Work"][uid]
        [before], chosen = item.flags, self.random.sample(FLAGS, self.random.randrange(1, 4))
        sign = self.random.choice(("+", "-", ""))
        after = before | set(chosen) if sign == "+" else before - set(chosen) if sign == "-" else frozenset(chosen)
        self.change(s, uid, item, f"{sign}FLAGS ({' '.join(chosen)})", after)

    def change(self, s, uid, item, what, after):
        item.flags.add(frozenset(after))
        s.ok(f"UID STORE {uid} {what}")
        item.flags = {frozenset(after)}

    def copy(self, s, uid):
        item = self.items["Work"][uid]
        self.let("Done", item.token, 1)
        tagged = s.ok(f"UID COPY {uid} Done")[1]
        self.arrived(tagged, uid, item)

    def move(self, s, uid):
        item = self.items["Work"][uid]
        self.let("Done", item.token, 1)
        item.may_be_gone = True
        self.moves.append((item.token, uid))
        untagged, _ = s.ok(f"UID MOVE {uid} Done")
        self.moves.pop()
        del self.items["Work"][uid]
        self.arrived(b"\n".join(untagged).decode("latin-1"), uid, item)

    def arrived(self, text, uid, item):
        self.let("Done", item.token, -1)
        there = re.search(r"\[COPYUID \d+ (\d+) (\d+)\]", text)
        if int(there[1]) != uid:
            self.record.complain(f"{self.account}: COPYUID names {there[1]}, not {uid}")
        self.learn("Done", int(there[2]), Item(item.token, *item.flags))

    def expunge(self, s, uid):
        item = self.items["Work"][uid]
        [before] = item.flags
        self.change(s, uid, item, "+FLAGS (\\Deleted)", before | {"\\Deleted"})
        item.may_be_gone = True
        s.ok(f"UID EXPUNGE {uid}")
        del self.items["Work"][uid]

    def let(self, folder, token, n):
        self.loose[folder][token] = self.loose[folder].get(token, 0) + n

    def learn(self, folder, uid, item):
        if uid in self.items[folder] or (self.account, folder, uid) in self.record.uids:
            self.record.complain(f"{self.account} {folder}: UID {uid} was given twice")
        self.items[folder][uid] = item
        self.record.count("IMAP changes acknowledged")

    # ---- what is there ----

    def verify(self, s, folder):
        """Against the model; complains of whatever was acknowledged and is not so."""
        validity, uidnext = s.select(folder)
        seen = s.fetch("1:*", "FLAGS BODY.PEEK[]")
        self.record.opened(self.account, folder, validity, uidnext, [u for u in seen if u not in self.items[folder]])
        extra = {}
        for uid, (flags, octets) in seen.items():
            self.record.met(self.account, folder, uid, octets)
            token, item = whole(octets), self.items[folder].get(uid)
            if not item:
                extra[token] = extra.get(token, 0) + 1
            elif token != item.token or flags not in item.flags:
                self.record.complain(f"{self.account} {folder} {uid}: {token} {set(flags)}, not {item.token} {item.flags}")
        for uid, item in self.items[folder].items():
            if uid not in seen and not item.may_be_gone:
                self.record.complain(f"{self.account} {folder} {uid} is missing: {item.token}")
        for token, n in extra.items():
            if n > self.loose[folder].get(token, 0):
                self.record.complain(f"{self.account} {folder}: {n} of {token} that nobody put there")
        return seen, sum(extra.values())

    def finish(self):
        """After the last kill: (messages, commands without a reply, messages of such, those in both folders after such a MOVE)."""
        s = Imap(self.one, self.account, False)
        seen, extra = {}, 0
        for folder in FOLDERS:
            seen[folder], n = self.verify(s, folder)
            extra += n
        s.close()
        tokens = [{whole(octets) for _, octets in seen[f].values()} for f in FOLDERS]
        both = 0
        for token, uid in self.moves:
            if uid not in seen["Work"] and token not in tokens[1]:
                self.record.complain(f"{self.account}: {token} is lost between its folders")
            both += uid in seen["Work"] and token in tokens[1]
        unanswered = sum(n for f in FOLDERS for n in self.loose[f].values()) + sum(
            len(i.flags) > 1 or i.may_be_gone for i in self.items["Work"].values()) - len(self.moves)
        return sum(map(len, seen.values())), unanswered, extra, both

    # ---- the client ----

    def settled(self):
        return [u for u, i in self.items["Work"].items() if len(i.flags) == 1 and not i.may_be_gone]

    def step(self):
        s = Imap(self.one, self.account, self.random.random() < 0.3)
        try:
            for folder in FOLDERS:
                if not self.made_folders:
                    s.command("CREATE " + folder)
            self.made_folders = True
            for folder in reversed(FOLDERS):
                self.verify(s, folder)
            for _ in range(12):
                if self.traffic.over.is_set():
                    break
                uids = self.settled()
                what = self.random.choice((self.append, self.store, self.store, self.copy, self.move, self.expunge) if uids else (self.append,))
                what(s, "Work" if what == self.append else self.random.choice(uids))
        finally:
            s.close()
