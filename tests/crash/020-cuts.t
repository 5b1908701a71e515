#!/bin/sh
# A power cut at some of the moments of the scenarios (tests/crash/cut says more); at all of them with PROOF=1, as `make crash` has it.
exec "$(dirname "$0")/cut"
