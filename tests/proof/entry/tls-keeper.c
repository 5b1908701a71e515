#include "tests/proof/attacker.h"

ENTRY(tls_session_handshake)
ENTRY(client_read)
ENTRY(zygote_serve)
