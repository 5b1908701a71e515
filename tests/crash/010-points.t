#!/bin/sh
# A sample of the points of every scenario (tests/crash/run says more); all of them with PROOF=1, as `make crash` has it.
exec "$(dirname "$0")/run"
