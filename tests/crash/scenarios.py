"""Which scenarios there are, by name."""
import flow, managesieve, pop3, rules, store, walker

NAMES = {**flow.NAMES, **rules.NAMES, **managesieve.NAMES, **pop3.NAMES, **walker.NAMES, **{op: lambda op=op: store.Store(op) for op in store.OPS}, **{op: lambda op=op: store.Big(op) for op in store.BIG}}


def make(name):
    return NAMES[name]()


def cuts():
    """What a power cut is tried on: each scenario, but those that differ from another only in what fails; and where mail is delivered, a disk with a journal, too."""
    return [n for n in NAMES if n not in ("digest", "sender")] + [f"{n}@journal" for n in JOURNALED]


JOURNALED = "delivery", "acceptance"
