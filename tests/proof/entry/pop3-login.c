#include "tests/proof/attacker.h"

ENTRY(login_wait)
