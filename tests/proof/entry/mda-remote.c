#include "tests/proof/attacker.h"

ENTRY(clock_poll)
ENTRY(stamp_etc)
