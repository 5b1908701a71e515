#include "tests/proof/attacker.h"

ENTRY(link_recv)
