/* What the walker says of its destinations (state.c), for mailq. Lines:
 *
 *     t NOW MESSAGES ACTIVE CONNECTIONS
 *     d WAITING SENDING CONNECTIONS LIMIT RESTS-UNTIL FAILURES RESOLVING KEY
 *     l ATTEMPT                of the destination before: why it rests
 *     m NAME                   a message that is being sent */
#include "mda-remote/queue.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/idna.h"
#include "lib/sa.h"
#include "mda-remote/link.h"
#include "mda-remote/route.h"
#include "mda-remote/tally.h"

#define ANSWER_SECONDS 10 /* the walker may be reading a large spool */
#define HASH 16384

static struct queue_dest *dests[HASH];
static int known; /* the walker has answered */

/* A domain, a sender and a login whose destination has been looked up. */
static struct domain {
	struct domain *next;
	char *name, *key; /* key null: its route is not clear */
} * domains[HASH];

static struct name {
	struct name *next;
	char name[];
} * sending[HASH];

/* ---- asking ---- */

/* The file that it hands over, or -1. */
static int
ask(int fd_spool)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "state"};
	struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	char word[8];
	int fd_text = -1, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int fd_here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (!fchdir(fd_spool) && !connect(fd, (struct sockaddr *)&a, sizeof a) &&
	    link_recv(fd, word, sizeof word, &fd_text) <= 0)
		fd_text = -1;
	if (fd_here >= 0) {
		if (fchdir(fd_here) < 0)
			fd_text = -1;
		close(fd_here);
	}
	close(fd);
	return fd_text;
}

static struct queue_dest *
add_dest(char const *line)
{
	struct queue_dest d = {0};
	long long until;
	int at = 0;
	if (sscanf(line, "d %zu %u %u %u %lld %u %d %n", &d.waiting, &d.sending, &d.connections,
		&d.limit, &until, &d.failures, &d.resolving, &at) != 7 ||
	    !at)
		return 0;
	struct queue_dest *p = xmalloc(sizeof *p);
	struct queue_dest **place = dests + tally_key(line + at, strlen(line + at)) % HASH;
	*p = d;
	p->rests_until = until;
	p->key = xstrdup(line + at);
	p->next = *place;
	*place = p;
	return p;
}

static void
add_name(char const *name)
{
	size_t n = strlen(name);
	struct name **place = sending + tally_key(name, n) % HASH, *p = xmalloc(sizeof *p + n + 1);
	memcpy(p->name, name, n + 1);
	p->next = *place;
	*place = p;
}

static int
is_sent(char const *name)
{
	struct name const *p = sending[tally_key(name, strlen(name)) % HASH];
	while (p && strcmp(p->name, name))
		p = p->next;
	return p != 0;
}

int
queue_state(int fd_spool)
{
	struct queue_dest *last = 0;
	char *save, *text;
	struct stat st;
	int fd = ask(fd_spool);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	text = xmalloc((size_t)st.st_size + 1);
	ssize_t n = pread(fd, text, (size_t)st.st_size, 0);
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(0, "\n", &save))
		if (*l == 'd')
			last = add_dest(l);
		else if (*l == 'l' && last)
			last->rested = !attempt_parse(&last->last, l + 2);
		else if (*l == 'm' && l[1])
			add_name(l + 2);
	free(text);
	known = 1;
	return 0;
}

/* ---- looking up ---- */

static char *
key_of(char const *name, struct smtp_mail const *mail)
{
	stralloc domain = STRALLOC_ZERO, key = STRALLOC_ZERO;
	struct route r;
	char const *why;
	int bad = 0;
	if (*name == '[' || !*name)
		sa_copys(&domain, name);
	else
		bad = idna_to_ascii(&domain, name, strlen(name));
	if (bad >= 0 && route_find(sa_str(&domain), mail, &r, &why) >= 0)
		route_key(&key, &r);
	stralloc_free(&domain);
	return key.len ? sa_str(&key) : 0;
}

struct queue_dest const *
queue_dest(char const *domain, struct smtp_mail const *mail)
{
	struct smtp_mail const none = {.from = {.text = ""}};
	stralloc both = STRALLOC_ZERO;
	if (!known)
		return 0;
	if (!mail)
		mail = &none;
	sa_catf(&both, "%s %s %s", domain, mail->from.text, mail->login ? mail->login : "");
	struct domain **p = domains + tally_key(sa_str(&both), both.len) % HASH;
	while (*p && strcmp((*p)->name, both.s))
		p = &(*p)->next;
	if (!*p) {
		*p = xmalloc(sizeof **p);
		**p = (struct domain){.name = xstrdup(both.s), .key = key_of(domain, mail)};
	}
	stralloc_free(&both);
	char const *key = (*p)->key;
	struct queue_dest *d = key ? dests[tally_key(key, strlen(key)) % HASH] : 0;
	while (d && strcmp(d->key, key))
		d = d->next;
	return d;
}

enum queue_waits
queue_waits(struct queued const *q, char const *domain, int64_t now, int64_t *next)
{
	struct queue_dest const *d = queue_dest(domain, &q->e.mail);
	*next = q->due;
	if (q->held)
		return QUEUE_HELD;
	if (is_sent(q->name))
		return QUEUE_SENDING;
	if (d && d->rests_until > now) {
		if (*next < d->rests_until)
			*next = d->rests_until;
		return QUEUE_RESTS;
	}
	if (q->due > now)
		return QUEUE_LATER;
	*next = now;
	return d && d->waiting ? QUEUE_TURN : QUEUE_DUE;
}

char const *const queue_waits_word[] = {
    [QUEUE_HELD] = "held",
    [QUEUE_SENDING] = "sending",
    [QUEUE_RESTS] = "destination rests",
    [QUEUE_LATER] = "later",
    [QUEUE_TURN] = "its turn",
    [QUEUE_DUE] = "due",
};
