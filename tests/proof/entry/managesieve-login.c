#include "tests/proof/attacker.h"

ENTRY(manage_read)
