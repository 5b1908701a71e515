/* CAPA (RFC 2449 5), the same words before and after login: what a client learned in one state must
 * hold in the other (RFC 2449 6). */
#ifndef POSTERN_POP3_CAPA_H
#define POSTERN_POP3_CAPA_H

#include "lib/net.h"

/* The whole reply. mechanisms: null, or SASL is among them with these names, and USER if passwords
 * are; stls: STLS is. */
void pop3_capa(struct net *n, char const *mechanisms, int stls);

#endif
