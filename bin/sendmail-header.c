#include "bin/sendmail.h"

#include <string.h>
#include <time.h>

#include "lib/address.h"
#include "lib/conf.h"
#include "lib/date.h"
#include "lib/header.h"
#include "lib/id.h"
#include "lib/sa.h"

char const *
sendmail_qualify(struct sendmail *s, char const *address)
{
	stralloc sa = STRALLOC_ZERO;
	size_t n = strlen(address);
	if (n >= 2 && address[0] == '<' && address[n - 1] == '>') {
		address++;
		n -= 2;
	}
	sa_copyb(&sa, address, n);
	if (n && !memchr(address, '@', n)) {
		sa_append(&sa, '@');
		sa_cats(&sa, conf_me());
	}
	char const *r = arena_strndup(&s->arena, sa.s ? sa.s : "", sa.len);
	stralloc_free(&sa);
	return r;
}

static void
add_rcpt(struct sendmail *s, char const *address)
{
	struct smtp_rcpt r = {.notify = s->notify};
	if (smtp_path_set(&s->arena, sendmail_qualify(s, address), &r.to) < 0 || !*r.to.domain)
		sendmail_die(SENDMAIL_DATA, "bad recipient address: ", address);
	for (unsigned int i = 0; i < s->rcpts; i++)
		if (!strcmp(s->rcpt[i].to.text, r.to.text))
			return;
	if (s->rcpts == s->room) {
		s->room = s->room ? s->room * 2 : 8;
		s->rcpt = xrealloc(s->rcpt, s->room, sizeof *s->rcpt);
	}
	s->rcpt[s->rcpts++] = r;
}

/* ---- recipients ---- */

static int
is_one_of(struct header_field const *f, char const *const *names)
{
	for (; *names; names++)
		if (header_is(f, *names))
			return 1;
	return 0;
}

void
sendmail_add_list(struct sendmail *s, char const *list, size_t n)
{
	stralloc one = STRALLOC_ZERO;
	for (struct address *a = address_parse(&s->arena, list, n); a; a = a->next) {
		if (a->kind != ADDRESS_MAILBOX)
			continue;
		if (a->broken || !a->mailbox)
			sendmail_die(SENDMAIL_DATA,
			    "bad recipient address: ", arena_strndup(&s->arena, list, n));
		sa_reset(&one);
		if (a->host && *a->host)
			address_spec(&one, a);
		else
			sa_cats(&one, a->mailbox);
		add_rcpt(s, sa_str(&one));
	}
	stralloc_free(&one);
}

/* The recipients of a message that is sent on stand in Resent- fields (RFC 5322 3.6.6). */
static void
collect(struct sendmail *s, char const *h, size_t n, int resent)
{
	static char const *const usual[] = {"To", "Cc", "Bcc", "Apparently-To", 0};
	static char const *const again[] = {"Resent-To", "Resent-Cc", "Resent-Bcc", 0};
	struct header_cursor c;
	struct header_field f;
	header_start(&c, h, n);
	while (header_next(&c, &f))
		if (is_one_of(&f, resent ? again : usual))
			sendmail_add_list(s, f.body, f.body_len);
}

/* ---- the header that goes out ---- */

/* Where the message's own fields end: at the empty line, or at the first line that is no field. */
static size_t
fields_end(char const *h, size_t n)
{
	struct header_cursor c;
	struct header_field f;
	size_t end = 0;
	header_start(&c, h, n);
	while (header_next(&c, &f) && f.name_len)
		end = (size_t)(f.start + f.len - h);
	return end;
}

/* "From a@b Sat Jan ..." of an mbox file, and the same quoted. */
static size_t
skip_mbox_line(char const *s, size_t n)
{
	size_t i = n && s[0] == '>';
	if (n - i < 5 || memcmp(s + i, "From ", 5))
		return 0;
	char const *lf = memchr(s, '\n', n);
	return lf ? (size_t)(lf - s) + 1 : 0;
}

static void
add_from(struct sendmail *s, char const *prefix)
{
	struct address a = {.name = s->full_name && *s->full_name ? s->full_name : 0};
	char const *address =
	    *s->mail.from.text ? s->mail.from.text : sendmail_qualify(s, s->login);
	char const *at = strrchr(address, '@');
	struct smtp_path p;
	if (!at || smtp_path_set(&s->arena, address, &p) < 0)
		return;
	a.mailbox = p.local;
	a.host = at + 1;
	sa_cats(&s->header, prefix);
	sa_cats(&s->header, "From: ");
	address_format(&s->header, &a);
	sa_append(&s->header, '\n');
}

/* RFC 6409 8 */
static void
add_missing(struct sendmail *s, char const *h, size_t n, int resent)
{
	char const *prefix = resent ? "Resent-" : "";
	struct header_field f;
	char id[ID_MAX + 1];
	int64_t now = time(0);
	if (!header_find(h, n, resent ? "Resent-From" : "From", &f))
		add_from(s, prefix);
	if (!header_find(h, n, resent ? "Resent-Date" : "Date", &f)) {
		sa_catf(&s->header, "%sDate: ", prefix);
		date_rfc5322(&s->header, now, date_local_zone(now));
		sa_append(&s->header, '\n');
	}
	if (header_find(h, n, resent ? "Resent-Message-ID" : "Message-ID", &f))
		return;
	id_new(id);
	sa_catf(&s->header, "%sMessage-ID: <%s@%s>\n", prefix, id, conf_me());
}

static int
is_resent(char const *h, size_t n)
{
	static char const *const names[] = {
	    "Resent-To", "Resent-Cc", "Resent-Bcc", "Resent-From", "Resent-Date", 0};
	struct header_cursor c;
	struct header_field f;
	header_start(&c, h, n);
	while (header_next(&c, &f))
		if (is_one_of(&f, names))
			return 1;
	return 0;
}

void
sendmail_header(struct sendmail *s)
{
	static char const *const hidden[] = {"Bcc", "Resent-Bcc", "Return-Path", 0};
	struct header_cursor c;
	struct header_field f;
	size_t skip = skip_mbox_line(s->text.s, s->text.len);
	char const *h = s->text.s + skip;
	size_t n = fields_end(h, s->text.len - skip);
	if (n == s->text.len - skip && s->fd_rest >= 0)
		sendmail_die(SENDMAIL_DATA, "the header is too large", "");
	int resent = is_resent(h, n);
	if (s->from_header)
		collect(s, h, n, resent);
	add_missing(s, h, n, resent);
	header_start(&c, h, n);
	while (header_next(&c, &f)) {
		if (is_one_of(&f, hidden))
			continue;
		sa_catb(&s->header, f.start, f.len);
		if (s->header.s[s->header.len - 1] != '\n')
			sa_append(&s->header, '\n');
	}
	s->body_at = skip + n;
	/* A message without an empty line behind its fields gets one. */
	if (s->body_at < s->text.len && s->text.s[s->body_at] == '\n')
		s->body_at++;
	sa_append(&s->header, '\n');
}
