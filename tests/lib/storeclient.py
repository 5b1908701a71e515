"""What a client of the store asks for, at random, and what the model makes of it.

Each act gives a command of the driver, and a function that changes the model: called with the answer's lines, or with None
when the command was cut short, so that nobody knows how much of it was done."""
WORDS = [f"k{i}" for i in range(36)]


def cut_words(item, words):
    """Its keywords may not have come to it yet."""
    for word in words:
        item.partly(lambda flags, had: (flags, had - {word}))


class Client:
    ACTS = "mail", "save", "flags", "words", "copy", "move", "expunge"

    def __init__(self, model, rng, name=""):
        self.model, self.rng, self.name, self.folders = model, rng, name, list(model.folders)
        self.exact = True  # the session has noticed all that others did
        self.few, self.many = 0, 60

    def mine(self, token):
        return token.startswith(self.name)

    def items(self, s):
        return [i for i in self.model.folders[s.folder].items if self.mine(i.token)]

    def some(self, s):
        """Messages that the session lists."""
        items = [i for i in self.items(s) if i.uid in s.view]
        return sorted(self.rng.sample(items, min(len(items), self.rng.choice((1, 1, 2, 5)))), key=lambda i: i.uid)

    def act(self, s, what=None):
        return getattr(self, what or self.rng.choice(self.ACTS))(s)

    def token(self):
        return f"{self.name}m{next(self.model.tokens)}"

    def mail(self, s):
        token, to = self.token(), self.rng.choice(self.folders)
        return f"mail {to} {token}", self.arrival(to, token)

    def save(self, s):
        token, to = self.token(), self.rng.choice(self.folders)
        flags, words = self.rng.sample("DFRS", self.rng.randrange(3)), self.rng.sample(WORDS, self.rng.randrange(3))
        return f"save {to} {''.join(flags) or '-'} {token} {' '.join(words)}", self.arrival(to, token, flags, words)

    def arrival(self, to, token, flags="", words=()):
        highest = self.model.folders[to].highest

        def then(answer):
            item = self.model.add(to, token, flags, words, after=highest, uid=int(answer[0]) if answer else None)
            if answer is None:
                item.maybe_gone = True
                cut_words(item, words)
        return then

    def changed(self, s, sign, flags, words):
        items, highest = self.some(s), self.model.folders[s.folder].highest
        flags, words = frozenset(flags), frozenset(words)

        def fn(f, w):
            return (f | flags, w | words) if sign == "+" else (f - flags, w - words) if sign == "-" else (flags, words)

        def then(answer):
            for item in items:
                if answer is None:
                    item.partly(fn)
                else:
                    item.change(fn, highest, self.exact)
        return items and f"flags {uids(items)} {sign} {''.join(flags) or '-'} {' '.join(words)}", then

    def flags(self, s):
        return self.changed(s, self.rng.choice("+-+-="), self.rng.sample("DFRST", self.rng.randrange(1, 3)), ())

    def words(self, s):
        return self.changed(s, self.rng.choice("++-="), "", self.rng.sample(WORDS, self.rng.randrange(1, 4)))

    def copy(self, s, verb="copy"):
        here, items = s.folder, self.some(s) if verb == "move" or len(self.items(s)) < self.many else []
        to = self.rng.choice([f for f in self.folders if verb == "copy" or f != here])
        highest, before = self.model.folders[to].highest, self.model.folders[here].highest

        def then(answer):
            for i, item in enumerate(items):
                new = self.model.add(to, item.token, after=highest)
                new.alts = set(item.alts)
                if answer:
                    new.uid, new.emailid = int(answer[i]), self.model.folders[here].told[item.uid].emailid
                else:
                    new.maybe_gone = True  # and the file may come without its line, so under another EMAILID
                    cut_words(new, WORDS if verb == "copy" else ())
                if verb == "move" and answer:
                    self.model.drop(here, item, before)
                elif verb == "move":
                    item.maybe_gone, item.gone_after = True, before
                    self.model.pairs.append((item, new))
        return items and f"{verb} {uids(items)} {to}", then

    def move(self, s):
        return self.copy(s, "move")

    def expunge(self, s):
        here, items = s.folder, self.some(s) if len(self.items(s)) > self.few else []
        before = self.model.folders[here].highest

        def then(answer):
            for item in items:
                if answer is None:
                    item.maybe_gone, item.gone_after = True, before
                else:
                    self.model.drop(here, item, before)
        return items and f"expunge {uids(items)}", then


def uids(items):
    return ",".join(str(i.uid) for i in items)
