#include "pop3/capa.h"

#include <string.h>

#include "pop3/replies.h"

void
pop3_capa(struct net *n, char const *mechanisms, int stls)
{
	net_puts(n, OK_CAPA "TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
			    "EXPIRE NEVER\r\nUTF8 USER\r\n");
	if (mechanisms && (strstr(mechanisms, "PLAIN") || strstr(mechanisms, "LOGIN")))
		net_puts(n, "USER\r\n");
	if (mechanisms && *mechanisms)
		net_putf(n, "SASL %s\r\n", mechanisms);
	if (stls)
		net_puts(n, "STLS\r\n");
	net_puts(n, "IMPLEMENTATION " POP3_IMPLEMENTATION "\r\n.\r\n");
}
