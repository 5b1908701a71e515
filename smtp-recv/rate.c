#include "smtp-recv/rate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "lib/state-table.h"
#include "smtp-recv/session.h"

/* ---- what a word says ---- */

/* The key's tag (22 bits), and a time in milliseconds since 1970: when all that was taken will have
 * come back (the generic cell rate algorithm, ITU-T I.371). */
#define TIME_BITS 42
#define TIME_OF(word) ((word) & ((UINT64_C(1) << TIME_BITS) - 1))
#define TAG_OF(tag) ((uint64_t)(tag) >> (TIME_BITS - 32) << TIME_BITS)
#define IS_OF(word, tag) ((word) && ((word) >> TIME_BITS << TIME_BITS) == TAG_OF(tag))

/* The key's word, or the one that has least to say. */
static uint64_t *
find(uint64_t *bucket, uint32_t tag)
{
	uint64_t *least = bucket;
	for (uint64_t *w = bucket; w < bucket + STATE_BUCKET; w++) {
		if (IS_OF(state_word(w), tag))
			return w;
		if (TIME_OF(state_word(w)) < TIME_OF(state_word(least)))
			least = w;
	}
	return least;
}

uint64_t
rate_step(struct rate const *r, uint64_t *bucket, uint32_t tag, uint64_t now, int take)
{
	uint64_t const each = (uint64_t)r->seconds * 1000 / r->count;
	uint64_t const all = each * r->count;
	for (int again = 0; again < STATE_BUCKET; again++) {
		uint64_t *place = find(bucket, tag);
		uint64_t const was = state_word(place);
		uint64_t full = IS_OF(was, tag) && TIME_OF(was) > now ? TIME_OF(was) : now;
		if (full > now + all) /* the clock was set back */
			full = now;
		if (full + each > now + all)
			return full + each - (now + all);
		if (!take || state_word_change(place, was, TAG_OF(tag) | (full + each)))
			return 0;
	}
	return 0;
}

/* ---- the limits of a session ---- */

/* What it is counted under; null: this limit is not for it. */
static char const *
key_of(struct session const *s, enum rate_per per, char network[static UCSPI_NETMAX])
{
	if (per == RATE_USER)
		return s->user[0] ? s->user : 0;
	if (!session_stranger(s) || !s->peer.remote_len)
		return 0;
	if (per == RATE_ADDRESS)
		return s->peer.remote_ip;
	ucspi_network(&s->peer, network);
	return network;
}

static uint64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* 1: no room. Without the table there is room for all. */
static int
is_full(struct session const *s, struct rate const *r, char const *whose, int take)
{
	static struct state_table table = STATE_TABLE_ZERO;
	char key[LOGIN_NAME_MAX + 64];
	uint32_t tag;
	if (state_table_open(&table, s->set.rates_file, RATE_ENTRIES) < 0)
		return 0;
	/* Another limit begins anew. */
	int n = snprintf(
	    key, sizeof key, "%d %d %u %u %s", r->what, r->per, r->count, r->seconds, whose);
	ascii_lower(key, (size_t)n);
	uint64_t *bucket = state_table_bucket(&table, key, (size_t)n, &tag);
	return rate_step(r, bucket, tag, now_ms(), take) != 0;
}

/* Tells the client which limit it is, and the log who. */
static int
refuse(struct session *s, struct rate const *r, char const *key)
{
	static enum reply const replies[] = {
	    [RATE_CONNECTIONS] = REPLY_RATE_END,
	    [RATE_COMMANDS] = REPLY_RATE_END,
	    [RATE_ERRORS] = REPLY_RATE_END,
	    [RATE_MESSAGES] = REPLY_RATE_MESSAGES,
	    [RATE_RECIPIENTS] = REPLY_RATE_RECIPIENTS,
	};
	char limit[80];
	snprintf(limit, sizeof limit, "%s per %s, %u in %u seconds", rate_what_word(r->what),
	    rate_per_word(r->per), r->count, r->seconds);
	log_event("limit");
	if (s->peer.remote_len)
		log_str("ip", s->peer.remote_ip);
	log_str("limit", rate_what_word(r->what));
	log_str("per", rate_per_word(r->per));
	log_str("key", key);
	log_num("count", r->count);
	log_num("seconds", r->seconds);
	log_send();
	reply_with(s, replies[r->what], limit);
	return 1;
}

static int
look(struct session *s, enum rate_what what, int take)
{
	char network[UCSPI_NETMAX];
	for (size_t i = 0; i < s->set.rates_count; i++) {
		struct rate const *r = s->set.rates + i;
		char const *key = r->what == what ? key_of(s, r->per, network) : 0;
		if (key && is_full(s, r, key, take))
			return refuse(s, r, key);
	}
	return 0;
}

int
rate_reached(struct session *s, enum rate_what what)
{
	return look(s, what, 1);
}

int
rate_refuses_client(struct session *s)
{
	return look(s, RATE_ERRORS, 0) || look(s, RATE_CONNECTIONS, 1);
}
