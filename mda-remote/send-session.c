#include "mda-remote/send-open.h"

#include <stdlib.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/sa.h"

/* "NAME IP PORT SINCE SESSION" */
void
send_session_line(struct send *s, char *value)
{
	char *save, *name = strtok_r(value, " ", &save), *ip = strtok_r(0, " ", &save);
	char *port = strtok_r(0, " ", &save), *since = strtok_r(0, " ", &save);
	uint16_t number;
	for (unsigned int i = 0; since && uint160_scan(port, &number) && i < s->hosts; i++) {
		struct send_host *h = s->host + i;
		if (h->session || h->port != number || strcmp(h->name, name) || strcmp(h->ip, ip))
			continue;
		h->session = xstrdup(save);
		uint640_scan(since, &h->since);
		return;
	}
}

char const *
send_session_take(struct send *s)
{
	struct send_host *h = s->host + (s->peer - s->host);
	s->session_host = h;
	s->session_since = h->since;
	free(s->session);
	s->session = h->session;
	h->session = 0;
	return s->session;
}

void
send_session_report(struct send *s)
{
	char text[TLS_SESSION_MAX + 1];
	unsigned int n = 0;
	for (; n < TLS_SESSIONS_EACH && tls_client_session(text); n++)
		send_report_session(s->session_host, s->session_since, text);
	/* A server that gives no new one for it (as Postfix does not) takes the old one again. */
	if (!n && s->session && s->tls_state.reused)
		send_report_session(s->session_host, s->session_since, s->session);
	free(s->session);
	s->session = 0;
	for (unsigned int i = 0; i < s->hosts; i++) {
		struct send_host *h = s->host + i;
		if (h->session)
			send_report_session(h, h->since, h->session);
		free(h->session);
		h->session = 0;
	}
}
