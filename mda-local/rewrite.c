#include "mda-local/rewrite.h"

#include <string.h>
#include <time.h>

#include <skalibs/strerr.h>

#include "lib/address.h"
#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/sa.h"
#include "mda-local/domain.h"

void
rewrite_init(struct rewrite *r)
{
	char const *domain = conf_string("srs-domain", 0), *key = conf_string("srs-key", 0);
	*r = (struct rewrite){0};
	if (!domain && !key)
		return;
	if (!domain || !key)
		strerr_dief1x(100, "etc/srs-domain and etc/srs-key go together");
	r->key = (struct srs_key){key, strlen(key)};
	if (r->key.len < SRS_KEY_MIN)
		strerr_dief1x(100, "etc/srs-key: at least 16 characters");
	char *low = xstrdup(domain);
	ascii_lower(low, strlen(low));
	r->domain = low;
}

struct smtp_path
rewrite_sender(struct rewrite const *r, struct arena *a, struct smtp_path const *from)
{
	stralloc local = STRALLOC_ZERO, text = STRALLOC_ZERO;
	struct smtp_path path, rewritten = *from;
	if (!r->domain || !from->text[0] || smtp_path_set(a, from->text, &path) < 0)
		return *from;
	char const *domain = path.domain;
	if (domain_kind(a, &domain) != DOMAIN_UNKNOWN ||
	    srs_forward(&local, &r->key, path.local, path.domain, time(0)) < 0)
		return *from;
	struct address const address = {.mailbox = sa_str(&local), .host = r->domain};
	address_spec(&text, &address);
	if (smtp_path_set(a, arena_strndup(a, text.s, text.len), &rewritten) < 0)
		rewritten = *from;
	stralloc_free(&local);
	stralloc_free(&text);
	return rewritten;
}

int
rewrite_back(struct rewrite const *r, struct arena *a, char const *local, char const **to_local,
    char const **to_domain)
{
	stralloc l = STRALLOC_ZERO, d = STRALLOC_ZERO;
	int const is = srs_reverse(&l, &d, &r->key, local, time(0));
	if (is > 0) {
		*to_local = arena_strndup(a, l.s, l.len);
		*to_domain = arena_strndup(a, d.s, d.len);
	}
	stralloc_free(&l);
	stralloc_free(&d);
	return is;
}
