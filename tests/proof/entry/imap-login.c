#include "tests/proof/attacker.h"

ENTRY(imap_login_read)
