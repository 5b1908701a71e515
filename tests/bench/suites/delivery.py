"""Durable deliveries over LMTP into 100 Maildirs."""
import bench
from bench import Row

TITLE = "local delivery"
USERS, OCTETS = 100, 4000
LOADS = {  # clients, connections, messages of each, recipients of a message
    "one": (1, 1, 500, 1),
    "connections": (10, 500, 1, 1),
    "messages": (10, 50, 20, 1),
    "recipients-10": (10, 50, 2, 10),
    "recipients-100": (10, 20, 1, 100),
}
TEXTS = {
    "one": "1 client, 1 connection, 1 recipient",
    "connections": "10 clients, 1 message a connection",
    "messages": "10 clients, 20 messages a connection",
    "recipients-10": "10 clients, 10 recipients a message",
    "recipients-100": "10 clients, 100 recipients a message",
}
ROWS = [Row(key, text, "/s", limit="deliveries" if key == "one" else "deliveries, 10 at once") for key, text in TEXTS.items()]


class Suite(bench.MailSuite):
    accounts = {"example.test": USERS}

    def __init__(self, b):
        super().__init__(b)
        self.steps = [lambda side, key=key: self.load(side, key) for key in LOADS]

    def describe(self):
        return f"messages of {OCTETS / 1000:.0f} KB into {USERS} Maildirs"

    def setup(self):
        pass

    def load(self, side, key):
        clients, connections, messages, recipients = LOADS[key]
        part = min(1, self.messages / 10000)  # a short run
        if connections == 1:
            messages = max(1, int(messages * part))
        else:
            connections = max(2, int(connections * part))
        self.bench.note(side, key, self.bench.lmtp(
            side.lmtp, clients, connections, messages, recipients, USERS, "example.test", OCTETS)["per_second"])
