#include "tests/proof/attacker.h"

ENTRY(session_run)
ENTRY(zygote_serve)
