#include "tests/proof/attacker.h"

ENTRY(clock_poll)
ENTRY(scan_step)
