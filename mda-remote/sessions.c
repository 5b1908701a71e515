/* TLS sessions of servers, in memory, for the next connection to the same address. */
#include "mda-remote/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/tally.h"

#define HEX "0123456789ABCDEF"

/* Oldest first. */
static struct session {
	uint32_t hash; /* of the key */
	char *key;     /* the destination's, name, address and port */
	uint64_t since;
	char *text;
} sessions[TLS_SESSIONS_MAX];
static unsigned int count;

static char *
make_key(struct dest const *d, char const *name, char const *ip, char const *port)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "%s\n%s %s %s", d->key, name, ip, port);
	return sa_str(&sa); /* whose memory is malloc'd */
}

static int
is(struct session const *s, uint32_t hash, char const *key)
{
	return s->hash == hash && !strcmp(s->key, key);
}

static void
drop(unsigned int i)
{
	free(sessions[i].key);
	free(sessions[i].text);
	memmove(sessions + i, sessions + i + 1, (--count - i) * sizeof *sessions);
}

/* What has been verified too long ago, or by a clock that was ahead. */
static int
stale(struct session const *s)
{
	uint64_t now = (uint64_t)walk_now() / 1000;
	return s->since > now || now - s->since > TLS_SESSION_SECONDS;
}

/* Room for one more with this key. */
static void
make_room(uint32_t hash, char const *key)
{
	unsigned int n = 0, oldest = count;
	for (unsigned int i = count; i--;)
		if (is(sessions + i, hash, key)) {
			oldest = i;
			n++;
		}
	if (n == TLS_SESSIONS_EACH)
		drop(oldest);
	else if (count == TLS_SESSIONS_MAX)
		drop(0);
}

void
sessions_keep(struct dest const *d, char *line)
{
	char *save, *name = strtok_r(line, " ", &save), *ip = strtok_r(0, " ", &save);
	char *port = strtok_r(0, " ", &save), *since = strtok_r(0, " ", &save);
	uint64_t now = (uint64_t)walk_now() / 1000;
	struct session s;
	if (!since || !uint640_scan(since, &s.since) || !*save || strlen(save) > TLS_SESSION_MAX ||
	    strlen(name) >= DNS_NAME_MAX || save[strspn(save, HEX)])
		return;
	if (s.since > now) /* this round has begun before */
		s.since = now;
	s.key = make_key(d, name, ip, port);
	s.hash = tally_key(s.key, strlen(s.key));
	s.text = xstrdup(save);
	make_room(s.hash, s.key);
	sessions[count++] = s;
}

/* The newest with this key that is not stale: a line of the packet. It is not given twice, so that
 * nobody can tell connections apart by it (RFC 8446 C.4). */
static void
add_line(stralloc *packet, char const *key)
{
	uint32_t hash = tally_key(key, strlen(key));
	for (unsigned int i = count; i--;) {
		struct session const *s = sessions + i;
		if (!is(s, hash, key))
			continue;
		int old = stale(s);
		if (!old && packet->len + strlen(s->text) + DNS_NAME_MAX + 100 > SEND_PACKET_MAX)
			return;
		if (!old)
			sa_catf(packet, "S %s %llu %s\n", strrchr(key, '\n') + 1,
			    (unsigned long long)s->since, s->text);
		drop(i);
		if (!old)
			return;
	}
}

void
sessions_give(struct dest const *d, stralloc *packet)
{
	char name[DNS_NAME_MAX], ip[64], port[6];
	for (char const *l = d->packet; count && l && *l; l = strchr(l, '\n'), l += l != 0) {
		if (sscanf(l, "h %255s %63s %5s", name, ip, port) != 3)
			continue;
		char *key = make_key(d, name, ip, port);
		add_line(packet, key);
		free(key);
	}
}

void
sessions_forget(void)
{
	while (count)
		drop(count - 1);
}
