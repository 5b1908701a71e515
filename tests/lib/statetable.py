"""The tables of state/ (lib/state-table.h), for tests in which time passes: a file's words as numbers."""
import array

HEAD = 64


def words(path):
    with open(path, "rb") as f:
        return array.array("Q", f.read()[HEAD:])


def change(path, fn):
    """Every word that is not 0, in place, as the processes that have it mapped see it."""
    table = words(path)
    with open(path, "r+b") as f:
        for n, w in enumerate(table):
            if w:
                f.seek(HEAD + 8 * n)
                f.write(fn(w).to_bytes(8, "little"))


def pass_seconds(path, seconds):
    """So much time goes by for state/greylist."""
    change(path, lambda w: w - seconds)


def pass_ms(path, ms):
    """So much time goes by for state/rates."""
    change(path, lambda w: w - min(ms, w & (1 << 42) - 1))
