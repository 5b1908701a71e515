"""Imported: the programs under test are killed for a system call that is not on their list (sandbox-check(8)),
so that none fails without a word. STRICT is for environments that are not made of this one."""
import os

os.environ.setdefault("POSTERN_SANDBOX", "kill")
STRICT = {"POSTERN_SANDBOX": os.environ["POSTERN_SANDBOX"]}
