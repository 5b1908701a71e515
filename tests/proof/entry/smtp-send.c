#include "tests/proof/attacker.h"

ENTRY(send_connect)
ENTRY(SSL_connect)
