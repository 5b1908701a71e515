#include "smtp-recv/received.h"

#include <string.h>

#include "lib/date.h"
#include "lib/sa.h"

char const *
received_protocol(struct received const *r)
{
	/* [utf8][auth][tls] */
	static char const *const names[2][2][2] = {
	    {{"ESMTP", "ESMTPS"}, {"ESMTPA", "ESMTPSA"}},
	    {{"UTF8SMTP", "UTF8SMTPS"}, {"UTF8SMTPA", "UTF8SMTPSA"}},
	};
	/* No name is registered for HELO under TLS. */
	return r->esmtp ? names[!!r->utf8][!!r->auth][!!r->tls] : "SMTP";
}

/* Only what can stand in a comment and, for a name, in an atom. */
static void
cat_safe(stralloc *sa, char const *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		sa_append(sa, c > ' ' && c < 127 && !strchr("()<>@,;\\\"", c) ? *s : '?');
	}
}

void
received_write(stralloc *sa, struct received const *r)
{
	sa_cats(sa, "Received: from ");
	cat_safe(sa, *r->helo ? r->helo : "unknown");
	if (*r->ip) {
		sa_cats(sa, " (");
		if (r->name) {
			cat_safe(sa, *r->name ? r->name : "unknown");
			sa_append(sa, ' ');
		}
		sa_catf(sa, "[%s%s])", strchr(r->ip, ':') ? "IPv6:" : "", r->ip);
	} else
		sa_cats(sa, " (local)");
	sa_catf(sa, "\n\tby %s with %s id %s", r->me, received_protocol(r), r->id);
	if (r->tls) {
		sa_cats(sa, "\n\t(");
		cat_safe(sa, r->tls);
		sa_append(sa, ' ');
		cat_safe(sa, r->cipher ? r->cipher : "");
		sa_append(sa, ')');
	}
	if (r->rcpt)
		sa_catf(sa, "\n\tfor <%s>", r->rcpt);
	sa_cats(sa, ";\n\t");
	date_rfc5322(sa, r->time, r->zone);
	sa_append(sa, '\n');
}
