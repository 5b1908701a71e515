#include "tests/proof/attacker.h"

ENTRY(commands_run)
