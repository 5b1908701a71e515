#include "mda-local/command-line.h"

#include <errno.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "lib/durable.h"
#include "lib/idna.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/utf8.h"
#include "mda-local/deliver-rules.h"
#include "mda-local/incoming.h"
#include "mda-local/junk.h"

/* A bare login name is an address here: accounts may have one as their key. */
static int
parse_address(struct arena *a, char const *s, struct smtp_path *out)
{
	if (strchr(s, '@') || !strcasecmp(s, "postmaster"))
		return smtp_path_set(a, s, out);
	if (!*s || strlen(s) > SMTP_LOCAL_MAX || s[strcspn(s, " <>\"\\")])
		return -1;
	for (char const *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return -1;
	*out = (struct smtp_path){.text = s, .local = s, .domain = ""};
	return 0;
}

static struct deliver_rcpt const *
check(struct command_line const *c, struct deliver *d)
{
	struct smtp_mail m = {.size = 0};
	struct smtp_rcpt r = {.notify = 0};
	static struct deliver_rcpt const bad = {.verdict = REPLY_BAD_ADDRESS};
	stralloc domain = STRALLOC_ZERO;
	char id[ID_MAX + 1];
	if (*c->sender && strcmp(c->sender, "<>") &&
	    smtp_path_set(&d->arena, c->sender, &m.from) < 0)
		strerr_dief2x(100, "bad sender address: ", c->sender);
	if (!m.from.text)
		m.from.text = "";
	if (parse_address(&d->arena, c->address, &r.to) < 0)
		return &bad;
	if (c->id && !id_valid(c->id))
		strerr_dief2x(100, "bad id: ", c->id);
	id_new(id);
	deliver_mail(d, c->id ? c->id : id, &m);
	if (!utf8_has8bit(r.to.domain, strlen(r.to.domain)))
		sa_copys(&domain, r.to.domain);
	else if (idna_to_ascii(&domain, r.to.domain, strlen(r.to.domain)) < 0)
		return &bad;
	return deliver_check(d, &r, arena_strndup(&d->arena, domain.s, domain.len));
}

/* ---- the message on descriptor 0 ---- */

/* Lines come with LF or CR LF; the first may be mbox's "From ", which is none of the message's. */
struct reader {
	struct incoming *m;
	int held_cr;
	size_t matched; /* octets of "From " seen at the very beginning */
	int skipping;	/* 1 in the "From " line, -1 it is decided */
};

static void
put(struct reader *r, char const *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		if (r->held_cr) {
			r->held_cr = 0;
			if (s[i] != '\n')
				incoming_write(r->m, "\r", 1);
		}
		char const *cr = memchr(s + i, '\r', n - i);
		size_t part = cr ? (size_t)(cr - s) - i : n - i;
		incoming_write(r->m, s + i, part);
		i += part + (cr ? 1 : 0);
		r->held_cr = cr != 0;
	}
}

static void
feed(struct reader *r, char const *s, size_t n)
{
	static char const from[] = "From ";
	while (n && r->skipping >= 0) {
		if (r->skipping)
			r->skipping = *s == '\n' ? -1 : 1;
		else if (*s == from[r->matched])
			r->skipping = ++r->matched == sizeof from - 1;
		else {
			put(r, from, r->matched);
			r->skipping = -1;
			break;
		}
		s++;
		n--;
	}
	put(r, s, n);
}

static void
read_message(struct incoming *m)
{
	char buf[65536];
	struct reader r = {.m = m};
	ssize_t n;
	while ((n = read(0, buf, sizeof buf)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			strerr_diefu1sys(111, "read the message");
		feed(&r, buf, (size_t)n);
	}
	/* A message shorter than "From ". */
	if (!r.skipping)
		put(&r, "From ", r.matched);
	if (incoming_end(m) < 0)
		strerr_diefu1sys(111, "hold the message");
}

static struct deliver_rcpt const *
deliver(struct deliver *d)
{
	static struct incoming m;
	incoming_init(&m, incoming_memory());
	if (m.fd_memory < 0)
		strerr_diefu1sys(111, "make memory for the message");
	read_message(&m);
	struct deliver_rcpt *r = &d->rcpt[0];
	int const fd = incoming_fd(&m);
	r->looped = (r->remote || r->may_send) && incoming_delivered_to(fd, r->address);
	junk_init();
	d->junk = junk_marked(fd);
	deliver_message(d, fd, m.size);
	deliver_rules_notices(d, fd);
	return r;
}

int
command_line(struct command_line const *c, struct deliver *d)
{
	struct deliver_rcpt const *r = check(c, d);
	if (reply_class(r->verdict) == 2 && !c->check)
		r = deliver(d);
	int const class = reply_class(r->verdict);
	if (c->check || class != 2) {
		stralloc reply = STRALLOC_ZERO;
		reply_format(&reply, "\n", r->verdict, r->text);
		if (durable_write(c->check ? 1 : 2, reply.s, reply.len) < 0)
			strerr_diefu1sys(111, "write");
		stralloc_free(&reply);
	}
	deliver_end(d);
	return class == 2 ? 0 : class == 5 ? 100 : 111;
}
