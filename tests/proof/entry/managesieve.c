#include "tests/proof/attacker.h"

ENTRY(idle_wait)
ENTRY(recv)
