#include "pop3/capa.h"

#include "lib/sasl.h"
#include "pop3/replies.h"

void
pop3_capa(struct net *n, int passwords, int stls)
{
	net_puts(n, OK_CAPA "TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
			    "EXPIRE NEVER\r\n");
	if (passwords) {
		net_puts(n, "USER\r\nSASL");
		for (unsigned int i = 0; sasl_name(i); i++)
			net_putf(n, " %s", sasl_name(i));
		net_puts(n, "\r\n");
	}
	if (stls)
		net_puts(n, "STLS\r\n");
	net_puts(n, "IMPLEMENTATION " POP3_IMPLEMENTATION "\r\n.\r\n");
}
