"""Which scenarios there are, by name."""
import flow, store

NAMES = {**flow.NAMES, **{op: lambda op=op: store.Store(op) for op in store.OPS}}


def make(name):
    return NAMES[name]()
