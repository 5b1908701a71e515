/* Whose connection it is, where it counts: by address. */
#include "lib/login-parent.h"

#include <errno.h>
#include <stdlib.h>

#define PEER_SECONDS 10 /* for the parent's answer, which takes no time */

void
login_forget_certificate(void)
{
	unsetenv("SSL_PEER_CERT_HASH");
	unsetenv("SSL_PEER_CERT_SUBJECT");
	unsetenv("SSL_PEER_CERT_ISSUER");
}

/* Not a webmail's, which has everybody's failures. */
char const *
login_peer_address(void)
{
	struct ucspi peer = {.kind = UCSPI_TCP};
	char const *ip = getenv("TCPREMOTEIP");
	peer.remote_len = ip ? ucspi_scan(ip, peer.remote_addr) : 0;
	if (!peer.remote_len || ucspi_is_loopback(&peer) ||
	    login_in_networks("login-trusted-networks", &peer))
		return 0;
	return ip;
}

enum login_verdict
login_peer_change(struct login_parent *p, struct login_request const *r)
{
	static char const *const others[] = {"TCPREMOTEPORT", "TCPREMOTEHOST", "TCPREMOTEINFO"};
	unsigned char addr[16];
	if (!p->proxy || (r->login[0] && !ucspi_scan(r->login, addr)))
		return LOGIN_TEMPFAIL;
	/* What follows is the client's, who may say what it likes. */
	p->proxy = 0;
	if (r->login[0] ? setenv("TCPREMOTEIP", r->login, 1) : unsetenv("TCPREMOTEIP")) {
		login_parent_error("peer-environment", errno);
		return LOGIN_TEMPFAIL;
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		unsetenv(others[i]);
	login_forget_certificate();
	p->address = login_peer_address();
	return LOGIN_OK;
}

int
login_peer(struct login *l, struct net *n, char const *ip)
{
	static struct login_answer a;
	struct login_request r;
	login_fill(&r, LOGIN_ASK_PEER,
	    &(struct login_credentials){.login = ip, .password = "", .mechanism = "-"});
	return login_ask(l, n, &r, "", 0, &a, PEER_SECONDS) < 0 || a.verdict != LOGIN_OK ? -1 : 0;
}
