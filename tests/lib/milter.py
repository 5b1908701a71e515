"""A scripted milter: it speaks the filter's side of protocol version 6, answers as it is told, and
remembers all that it heard."""
import struct, threading

from listener import Listener

ACTIONS, PROTOCOL = 0x1ff, 0x1fffff
VERDICTS = dict(cont="c", accept="a", reject="r", discard="d", tempfail="t", fail="f", shutdown="4", skip="s", progress="p")
EVENTS = {"C": "connect", "H": "helo", "M": "mail", "R": "rcpt", "T": "data", "L": "header", "N": "eoh", "B": "body",
          "E": "eom", "U": "unknown", "A": "abort", "Q": "quit", "K": "quit-nc"}
SILENT = {"connect": 0x1000, "helo": 0x2000, "mail": 0x4000, "rcpt": 0x8000, "data": 0x10000, "unknown": 0x20000,
          "header": 0x80, "eoh": 0x40000, "body": 0x80000}
UNWANTED = {"connect": 1, "helo": 2, "mail": 4, "rcpt": 8, "body": 0x10, "header": 0x20, "eoh": 0x40, "unknown": 0x100, "data": 0x200}


def packet(letter, data=b""):
    return struct.pack(">I", len(data) + 1) + letter.encode() + data


def strings(*words):
    return b"".join(w.encode("utf-8", "surrogateescape") + b"\0" for w in words)


def add(name, value):
    return packet("h", strings(name, value))


def insert(index, name, value):
    return packet("i", struct.pack(">I", index) + strings(name, value))


def change(index, name, value):
    return packet("m", struct.pack(">I", index) + strings(name, value))


def body(text):
    return packet("b", text)


def code(text):
    return packet("y", strings(text))


class Milter(Listener):
    """answers: event (or "rcpt:" and what begins its argument) to what is said: a word of VERDICTS, packets
    (bytes), a list of such, "close" (the connection drops), "hang"; several messages: a list of lists under
    "each:EVENT", used up one by one. options: what is said in the negotiation (bytes: raw, None: nothing)."""

    def __init__(self, path=None, answers=None, host="127.0.0.1", actions=ACTIONS, protocol=0, version=6, macros=(), options=False):
        self.answers, self.protocol = dict(answers or {}), protocol
        self.hello = struct.pack(">III", version, actions, protocol) + b"".join(struct.pack(">I", n) + strings(w) for n, w in macros)
        self.options = options
        self.heard, self.macros = [], {}
        self.changed = threading.Condition()
        super().__init__(path, host)
        self.name = "unix:" + path if path else f"inet:{f'[{host}]' if ':' in host else host}:{self.port}"

    def talk(self, peer, f):
        while True:
            head = f.read(4)
            if len(head) < 4:
                return
            data = f.read(struct.unpack(">I", head)[0])
            letter, data = chr(data[0]), data[1:]
            if letter == "O":
                self.note("options", struct.unpack(">III", data))
                if self.options is not False:
                    if self.options is None:
                        threading.Event().wait(60)
                    peer.sendall(self.options)
                    continue
                peer.sendall(packet("O", self.hello))
            elif letter == "D":
                words = data[1:].split(b"\0")[:-1]
                new = dict(zip([w.decode() for w in words[::2]], [w.decode() for w in words[1::2]]))
                self.macros.setdefault(EVENTS[chr(data[0])], []).append(new)
            elif letter == "Q":
                self.note("quit", None)
                return
            else:
                self.event(peer, EVENTS[letter], data)

    def note(self, event, what):
        with self.changed:
            self.heard.append((event, what))
            self.changed.notify_all()

    def event(self, peer, event, data):
        self.note(event, data)
        if event == "abort" or (self.protocol & SILENT.get(event, 0)):
            return
        said = self.answers.get(event, "cont")
        first = data.split(b"\0")[0].decode("utf-8", "replace")
        for key, value in self.answers.items():
            if ":" in key and key.split(":", 1)[0] == event and first.startswith(key.split(":", 1)[1]):
                said = value
        if "each:" + event in self.answers:
            said = self.answers["each:" + event].pop(0) if self.answers["each:" + event] else "cont"
        for s in said if isinstance(said, list) else [said]:
            if s == "hang":
                threading.Event().wait(60)
            if s == "close":
                raise OSError
            peer.sendall(s if isinstance(s, bytes) else packet(VERDICTS[s]))

    def events(self):
        return [e for e, _ in self.heard if e != "options"]

    def said(self, event):
        """The strings of each such event."""
        return [[w.decode("utf-8", "replace") for w in d.split(b"\0")[:-1]] for e, d in self.heard if e == event]

    def octets(self, event):
        return [d for e, d in self.heard if e == event]

    def wait(self, event, seconds=60):
        with self.changed:
            return self.changed.wait_for(lambda: any(e == event for e, _ in self.heard), seconds)
