#include "mda-remote/bounce.h"

#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"
#include "lib/dsn.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "mda-remote/attempt.h"
#include "mda-remote/limits.h"
#include "mda-remote/spool.h"

static enum dsn_action
action_of(enum bounce_kind kind, struct attempt const *t)
{
	if (kind == BOUNCE_FAILED)
		return DSN_FAILED;
	if (kind == BOUNCE_DELAYED || kind == BOUNCE_BY)
		return DSN_DELAYED;
	/* Behind a Unix socket stands the mailbox itself (LMTP), not another server. */
	return t->host[0] == '/' ? DSN_DELIVERED : DSN_RELAYED;
}

static struct dsn
head_of(struct bounce const *b)
{
	return (struct dsn){
	    .me = conf_me(),
	    .id = b->id,
	    .to = b->to,
	    .about = b->e->id,
	    .envid = b->e->mail.envid,
	    .now = b->now,
	    .arrival = b->e->arrival,
	    .deliver_by = b->e->mail.by_mode ? b->e->mail.by : 0,
	    .future = b->e->mail.future,
	    .utf8 = b->e->mail.smtputf8,
	    .eightbit = b->e->eightbit,
	    .doubled = b->doubled,
	    .full = b->kind == BOUNCE_FAILED && b->e->mail.ret != RET_HDRS && !b->e->mail.requiretls &&
		    b->e->length <= BOUNCE_FULL_MAX,
	};
}

/* What is to be told of each; t has room for the reasons. */
static void
fill(struct bounce const *b, struct dsn_recipient *r, struct attempt *t)
{
	int const delay = b->kind == BOUNCE_DELAYED || b->kind == BOUNCE_BY;
	char const verdict = delay ? 'w' : (char)b->kind;
	for (unsigned int i = 0; i < b->count; i++) {
		if (!why_find(b->why, b->rcpt[i]->at, t + i))
			attempt_set(t + i, verdict, 0, 0, "no reason is on record");
		if (b->kind == BOUNCE_BY) /* RFC 2852 4.1.3: delivery time expired */
			strcpy(t[i].status, "4.4.7");
		r[i] = (struct dsn_recipient){
		    .action = action_of(b->kind, t + i),
		    .final = b->rcpt[i]->rcpt.to.text,
		    .orcpt = b->rcpt[i]->rcpt.orcpt,
		    .status = t[i].status,
		    .code = t[i].code,
		    .text = t[i].text,
		    .host = t[i].host,
		    .ip = t[i].ip,
		    .last_attempt = b->now,
		    .will_retry_until = delay ? b->e->expiry : 0,
		};
	}
}

static void
write_original(struct spool_file *f, struct bounce const *b, int full)
{
	static char buf[DSN_HEADER_MAX];
	uint64_t at = b->e->offset, end = at + b->e->length;
	while (at < end) {
		size_t want = end - at < sizeof buf ? (size_t)(end - at) : sizeof buf;
		ssize_t n = pread_all(b->fd, buf, want, at);
		if (n <= 0)
			return;
		if (!full) {
			spool_write(f, buf, dsn_header_length(buf, (size_t)n));
			return;
		}
		spool_write(f, buf, (size_t)n);
		at += (uint64_t)n;
	}
}

void
bounce_write(struct spool_file *f, struct bounce const *b)
{
	struct dsn_recipient *r = xmalloc(b->count * sizeof *r);
	struct attempt *t = xmalloc(b->count * sizeof *t);
	struct dsn d = head_of(b);
	stralloc text = STRALLOC_ZERO;
	fill(b, r, t);
	dsn_begin(&text, &d, r, b->count);
	spool_write(f, text.s, text.len);
	write_original(f, b, d.full);
	sa_reset(&text);
	dsn_end(&text, &d);
	spool_write(f, text.s, text.len);
	stralloc_free(&text);
	free(r);
	free(t);
}

int
bounce_utf8(struct bounce const *b)
{
	int utf8 = b->e->mail.smtputf8 || utf8_has8bit(b->to, strlen(b->to));
	for (unsigned int i = 0; i < b->count && !utf8; i++)
		utf8 = b->rcpt[i]->rcpt.to.utf8 ||
		       (b->rcpt[i]->rcpt.orcpt &&
			   utf8_has8bit(b->rcpt[i]->rcpt.orcpt, strlen(b->rcpt[i]->rcpt.orcpt)));
	return utf8;
}
