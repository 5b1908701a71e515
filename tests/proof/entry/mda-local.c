#include "tests/proof/attacker.h"

ENTRY(lmtp_serve)
ENTRY(mailbox_deliver)
ENTRY(mailbox_check)
ENTRY(sieve_deliver)
ENTRY(qmail_deliver)
ENTRY(dot_forward_deliver)
ENTRY(smtp_client_hello)
ENTRY(include_open)
