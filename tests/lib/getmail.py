#!/usr/bin/python3
"""getmail, whose parent waits for its delivering children: the packaged one sets its SIGCHLD handler behind the fork and begins to
listen later still, so that a child that is quicker than that, as on a busy machine, leaves it waiting for three minutes
(getmail6 issues 52, 226). The rest is getmail as it is."""
import os
import runpy
import shutil

from getmailcore.baseclasses import ForkingBase

ForkingBase._prepare_child = lambda self: None
ForkingBase._wait_for_child = lambda self, child: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
runpy.run_path(shutil.which("getmail"), run_name="__main__")
