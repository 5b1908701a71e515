"""Who owns what a test has made: sessions at work may take a file away between chown's look at a directory and its change."""
import os, subprocess

TRIES = 100


def give(uid, gid, *paths):
    """All below these paths, where root runs the test."""
    command = ["chown", "-Rh", f"{uid}:{gid}", *paths]
    if os.geteuid() == 0 and not any(subprocess.call(command, stderr=subprocess.DEVNULL) == 0 for _ in range(TRIES)):
        subprocess.check_call(command)
