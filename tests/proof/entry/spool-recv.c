#include "tests/proof/attacker.h"

ENTRY(net_getline)
