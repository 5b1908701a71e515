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

static enum reply
check(struct command_line const *c, struct deliver *d)
{
	struct smtp_mail m = {.size = 0};
	struct smtp_rcpt r = {.notify = 0};
	stralloc domain = STRALLOC_ZERO;
	char id[ID_MAX + 1];
	if (*c->sender && strcmp(c->sender, "<>") &&
	    smtp_path_set(&d->arena, c->sender, &m.from) < 0)
		strerr_dief2x(100, "bad sender address: ", c->sender);
	if (!m.from.text)
		m.from.text = "";
	if (parse_address(&d->arena, c->address, &r.to) < 0)
		return REPLY_BAD_ADDRESS;
	if (c->id && !id_valid(c->id))
		strerr_dief2x(100, "bad id: ", c->id);
	id_new(id);
	deliver_mail(d, c->id ? c->id : id, &m);
	if (!utf8_has8bit(r.to.domain, strlen(r.to.domain)))
		sa_copys(&domain, r.to.domain);
	else if (idna_to_ascii(&domain, r.to.domain, strlen(r.to.domain)) < 0)
		return REPLY_BAD_ADDRESS;
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

static enum reply
deliver(struct deliver *d)
{
	static struct incoming m;
	incoming_init(&m, incoming_memory());
	if (m.fd_memory < 0)
		strerr_diefu1sys(111, "make memory for the message");
	read_message(&m);
	struct deliver_rcpt *r = &d->rcpt[0];
	r->looped = r->forwards && incoming_delivered_to(incoming_fd(&m), r->address);
	junk_init();
	d->junk = junk_marked(incoming_fd(&m));
	deliver_message(d, incoming_fd(&m), m.size);
	return r->verdict;
}

int
command_line(struct command_line const *c, struct deliver *d)
{
	enum reply verdict = check(c, d);
	if (reply_class(verdict) == 2 && !c->check)
		verdict = deliver(d);
	deliver_end(d);
	if (c->check || reply_class(verdict) != 2) {
		char const *text = reply_text(verdict);
		int fd = c->check ? 1 : 2;
		if (durable_write(fd, text, strlen(text)) < 0 || durable_write(fd, "\n", 1) < 0)
			strerr_diefu1sys(111, "write");
	}
	return reply_class(verdict) == 2 ? 0 : reply_class(verdict) == 5 ? 100 : 111;
}
