#include "smtp-recv/greylist.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <skalibs/strerr.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/domain.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/state-table.h"
#include "smtp-recv/session.h"

/* ---- what a word says ---- */

/* The key's tag (31 bits), whether it is known, and the time, in seconds since 1970: of its last
 * use if it is, else of its first try. */
#define KNOWN (UINT64_C(1) << 32)
#define TIME_OF(word) ((uint32_t)(word))
#define IS_OF(word, tag) ((word) && (uint32_t)((word) >> 33) == (tag) >> 1)

static uint64_t
word_of(uint32_t tag, uint64_t known, uint32_t now)
{
	return (uint64_t)(tag >> 1) << 33 | known | now;
}

static uint32_t
age(uint64_t word, uint32_t now)
{
	return TIME_OF(word) < now ? now - TIME_OF(word) : 0;
}

/* Nobody waits for a clock that was set back: his first try is this one. */
static int
is_over(struct greylist const *g, uint64_t word, uint32_t now)
{
	if (word & KNOWN)
		return age(word, now) > g->keep;
	return !word || TIME_OF(word) > now || age(word, now) > g->window;
}

/* How little is lost with it: nothing, a first try, a sender that is known; the older the less. */
static uint64_t
worthless(struct greylist const *g, uint64_t word, uint32_t now)
{
	if (is_over(g, word, now))
		return UINT64_MAX;
	return (word & KNOWN ? 0 : KNOWN) | age(word, now);
}

/* The key's word, or the one to put it into. */
static uint64_t *
find(struct greylist const *g, uint64_t *bucket, uint32_t tag, uint32_t now)
{
	uint64_t *least = bucket;
	for (uint64_t *w = bucket; w < bucket + STATE_BUCKET; w++) {
		if (IS_OF(state_word(w), tag))
			return w;
		if (worthless(g, state_word(w), now) > worthless(g, state_word(least), now))
			least = w;
	}
	return least;
}

uint32_t
greylist_look(
    struct greylist const *g, uint64_t *bucket, uint32_t tag, uint32_t now, uint32_t *waited)
{
	*waited = 0;
	/* Where others change it at the same moment, what they wrote counts. */
	for (int again = 0; again < STATE_BUCKET; again++) {
		uint64_t *place = find(g, bucket, tag, now);
		uint64_t const was = state_word(place);
		uint64_t is = word_of(tag, KNOWN, now);
		uint32_t const since = age(was, now);
		uint32_t wait = 0;
		int const seen = IS_OF(was, tag) && !is_over(g, was, now);
		if (seen && was & KNOWN && since < GREYLIST_RENEW_SECONDS)
			return 0;
		if (seen && !(was & KNOWN) && since < g->delay)
			return g->delay - since;
		if (!seen) {
			is = word_of(tag, 0, now);
			wait = g->delay;
		}
		if (state_word_change(place, was, is)) {
			*waited = seen && !(was & KNOWN) ? since : 0;
			return wait;
		}
	}
	return g->delay;
}

/* ---- who is spared ---- */

void
greylist_read(struct greylist *g)
{
	unsigned char net[16];
	unsigned int bits;
	if (!conf_lines("greylist-exempt", &g->exempt))
		return;
	for (char *s = g->exempt.s; s < g->exempt.s + g->exempt.len; s += strlen(s) + 1) {
		char const *domain = s + (*s == '.');
		ascii_lower(s, strlen(s));
		if (!ucspi_scan_network(s, net, &bits) && !domain_valid(domain, strlen(domain)))
			strerr_dief3x(100,
			    "etc/greylist-exempt: neither a network nor a domain: \"", s, "\"");
	}
}

/* ".example.org" is all below, "example.org" itself. */
static int
in_domain(char const *domain, char const *listed)
{
	size_t n = strlen(domain), m = strlen(listed);
	return *listed == '.' ? n > m && !strcasecmp(domain + n - m, listed)
			      : !strcasecmp(domain, listed);
}

/* The client's name counts where it is looked up, and leads back to it. */
static int
is_exempt(struct session *s)
{
	stralloc const *list = &s->set.greylist.exempt;
	char const *domain = s->tx.mail.from.domain;
	if (list->len)
		reverse_wait(s);
	for (char const *e = list->s; e < list->s + list->len; e += strlen(e) + 1)
		if (in_domain(domain, e) || in_domain(s->door.name, e) ||
		    ucspi_in_network(s->peer.remote_addr, s->peer.remote_len, e))
			return 1;
	return 0;
}

/* Lists of good ones have the client (etc/dnsbl). */
static int
vouched(struct session const *s)
{
	return s->door.scored && s->door.score < 0;
}

/* ---- the question ---- */

static void
tell(struct session const *s, char const *event, char const *network, char const *key, uint32_t n)
{
	log_event(event);
	log_str("network", network);
	log_str("domain", s->tx.mail.from.domain);
	log_num(key, n);
	log_send();
}

int
greylist_refuses(struct session *s, struct recipient const *r)
{
	static struct state_table table = STATE_TABLE_ZERO;
	struct greylist const *g = &s->set.greylist;
	char network[UCSPI_NETMAX], key[UCSPI_NETMAX + SMTP_DOMAIN_MAX + 2];
	uint32_t tag, waited;
	if (!g->delay || !session_stranger(s) || vouched(s) || !s->peer.remote_len ||
	    door_must_be_reached(&r->rcpt.to) || is_exempt(s))
		return 0;
	/* Without the table nobody is known, and mail goes its way. */
	if (state_table_open(&table, g->file, GREYLIST_ENTRIES) < 0)
		return 0;
	ucspi_network(&s->peer, network);
	int n = snprintf(key, sizeof key, "%s %s", network, s->tx.mail.from.domain);
	uint64_t *bucket = state_table_bucket(&table, key, (size_t)n, &tag);
	uint32_t wait = greylist_look(g, bucket, tag, (uint32_t)time(0), &waited);
	if (wait)
		tell(s, "greylist", network, "wait", wait);
	else if (waited)
		tell(s, "greylist-known", network, "waited", waited);
	if (wait)
		reply_number(s, REPLY_GREYLIST, wait);
	return wait != 0;
}
