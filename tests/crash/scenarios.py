"""Which scenarios there are, by name."""
import flow, store, walker

NAMES = {**flow.NAMES, **walker.NAMES, **{op: lambda op=op: store.Store(op) for op in store.OPS}, **{op: lambda op=op: store.Big(op) for op in store.BIG}}


def make(name):
    return NAMES[name]()


def cuts():
    """Those of one program and what it starts, of which a power cut can be replayed."""
    return [n for n in NAMES if n not in ("acceptance", "submission", "walker", "digest", "sender")]
