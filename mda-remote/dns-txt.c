#include "mda-remote/dns.h"

#include <unbound.h>

#include "lib/sa.h"

/* The strings of one record, joined (RFC 8461 3.1, RFC 8460 3). What is no printable ASCII is '?',
 * which no record that we know may hold. */
static void
add_text(struct question *q, unsigned char const *s, size_t n)
{
	char text[DNS_TXT_MAX];
	size_t len = 0;
	while (n && *s < n) {
		for (unsigned int i = 1; i <= *s; i++, len++) {
			if (len == sizeof text)
				return;
			text[len] = (char)((s[i] < ' ' && s[i] != '\t') || s[i] > 126 ? '?' : s[i]);
		}
		n -= *s + 1u;
		s += *s + 1u;
	}
	if (!n && len > 2 && text[0] == 'v' && text[1] == '=')
		sa_catf(&q->text, "x %.*s\n", (int)len, text);
}

static void
got_txt(void *data, int error, struct ub_result *r)
{
	struct question *q = data;
	if (!q->answered) {
		q->a.status = dns_status_of(q, error, r);
		q->a.secure = r && r->secure;
		for (int i = 0; q->a.status == DNS_OK && r->data[i] && i < DNS_TXT_COUNT; i++)
			add_text(q, (unsigned char const *)r->data[i], (size_t)r->len[i]);
	}
	ub_resolve_free(r);
	dns_release(q);
}

void
dns_ask_txt(struct question *q)
{
	q->pending++;
	int e = ub_resolve_async(dns_ctx, q->name, DNS_TXT, DNS_CLASS_IN, q, got_txt, 0);
	if (e)
		got_txt(q, e, 0);
}
