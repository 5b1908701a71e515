"""Which scenarios there are, by name."""
import flow, store, walker

NAMES = {**flow.NAMES, **walker.NAMES, **{op: lambda op=op: store.Store(op) for op in store.OPS}, **{op: lambda op=op: store.Big(op) for op in store.BIG}}


def make(name):
    return NAMES[name]()
