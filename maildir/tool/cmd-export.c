/* maildir export: a folder as mboxrd on descriptor 1 (RFC 4155; the state's fields as Dovecot, mutt
 * and Pine have them). Any size of message goes through a buffer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/strerr.h>

#include "lib/ascii.h"
#include "lib/header.h"
#include "lib/sa.h"
#include "maildir/folder.h"
#include "maildir/tool/limits.h"
#include "maildir/mbox-quote.h"
#include "maildir/tool/mbox.h"
#include "maildir/tool/say.h"

#define CHUNK 65536

struct export
{
	struct tool *t;
	struct folder *f;
	uint32_t i;
	int fd;
	int first;
	stralloc out;
	struct mbox_quote quote;
};

static void
send(struct export *x)
{
	if (fwrite(x->out.s, 1, x->out.len, stdout) != x->out.len)
		strerr_diefu1sys(111, "write to standard output");
	x->out.len = 0;
}

/* The next octets of the message: their number, 0 at the end. */
static size_t
more(struct export *x, char *buf, size_t max)
{
	size_t len = 0;
	while (len < max) {
		ssize_t n = read(x->fd, buf + len, max - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			strerr_diefu1sys(111, "read a message");
		if (!n)
			break;
		len += (size_t)n;
	}
	return len;
}

/* The address in a Return-Path field, if it can stand in a From_ line. */
static void
put_sender(stralloc *out, char const *header, size_t n)
{
	struct header_field f;
	char const *s, *end;
	if (header_find(header, n, "Return-Path", &f) && (s = memchr(f.body, '<', f.body_len)) &&
	    (end = memchr(s, '>', (size_t)(f.body + f.body_len - s))) && end - s > 1) {
		char const *p = ++s;
		while (p<end && * p> ' ' && *p < 127)
			p++;
		if (p == end) {
			sa_catb(out, s, (size_t)(end - s));
			return;
		}
	}
	sa_cats(out, "MAILER-DAEMON");
}

/* The date is UTC and says so: without a zone, readers differ. */
static void
put_from(struct export *x, char const *header, size_t n)
{
	static char const days[] = "SunMonTueWedThuFriSat";
	static char const months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct timespec date = {0, 0};
	struct tm t = {0};
	(void)folder_internaldate(x->f, x->i, &date);
	if (!gmtime_r(&date.tv_sec, &t) || t.tm_year < 0 || t.tm_year > 8099)
		t = (struct tm){.tm_mday = 1, .tm_year = 70, .tm_wday = 4};
	sa_cats(&x->out, "From ");
	put_sender(&x->out, header, n);
	sa_catf(&x->out, " %.3s %.3s %2d %02d:%02d:%02d %d +0000\n", days + 3 * t.tm_wday,
	    months + 3 * t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_year + 1900);
}

static void
put_state(struct export *x)
{
	static struct {
		unsigned int flag;
		char letter;
	} const letters[] = {
	    {FLAG_ANSWERED, 'A'}, {FLAG_FLAGGED, 'F'}, {FLAG_DRAFT, 'T'}, {FLAG_DELETED, 'D'}};
	unsigned int flags = folder_flags(x->f, x->i);
	struct keyword_set set = folder_keyword_set(x->f, x->i);
	struct keywords const *k = folder_keywords(x->f);
	int any = 0;
	if (x->first)
		sa_catf(&x->out, "X-IMAPbase: %u %u\n", folder_uidvalidity(x->f),
		    folder_uidnext(x->f) - 1);
	sa_catf(&x->out, "X-UID: %u\nStatus: %sO\n", folder_uid(x->f, x->i),
	    flags & FLAG_SEEN ? "R" : "");
	for (unsigned int i = 0; i < sizeof letters / sizeof *letters; i++)
		if (flags & letters[i].flag)
			sa_catf(&x->out, "%s%c", any++ ? "" : "X-Status: ", letters[i].letter);
	sa_cats(&x->out, any ? "\n" : "");
	any = 0;
	for (unsigned int i = 0; i < k->count; i++)
		if (keyword_has(&set, i) && k->name[i] &&
		    !(flags & FLAG_PASSED &&
			ascii_ieq(k->name[i], strlen(k->name[i]), "$Forwarded")))
			sa_catf(&x->out, "%s%s", any++ ? " " : "X-Keywords: ", k->name[i]);
	if (flags & FLAG_PASSED)
		sa_catf(&x->out, "%s$Forwarded", any++ ? " " : "X-Keywords: ");
	sa_cats(&x->out, any ? "\n" : "");
}

/* The header without what a reader of mboxes would take for the mbox's own, then the state. Who
 * wrote the message must not set its flags, nor say where it ends. */
static void
put_header(struct export *x, char const *s, size_t n)
{
	struct header_cursor c;
	struct header_field f;
	header_start(&c, s, n);
	while (header_next(&c, &f))
		if (!mbox_state_field(f.name, f.name_len) &&
		    !ascii_ieq(f.name, f.name_len, "Content-Length"))
			mbox_quote_put(&x->quote, &x->out, f.start, f.len);
	mbox_quote_end(&x->quote, &x->out);
	put_state(x);
}

/* Where the header's fields end: before the empty line. */
static size_t
fields_len(char const *s, size_t body)
{
	if (body && s[body - 1] == '\n' && (body == 1 || s[body - 2] == '\n'))
		return body - 1;
	if (body > 1 && s[body - 1] == '\n' && s[body - 2] == '\r' &&
	    (body == 2 || s[body - 3] == '\n'))
		return body - 2;
	return body;
}

static void
export_message(struct export *x, stralloc *head)
{
	char buf[CHUNK];
	sa_reset(head);
	sa_room(head, TOOL_HEADER);
	for (size_t n = 1; n && head->len < TOOL_HEADER;) {
		n = more(x, head->s + head->len, head->len ? TOOL_HEADER - head->len : CHUNK);
		head->len += n;
		if (header_len(head->s, head->len) < head->len)
			break;
	}
	size_t body = header_len(head->s, head->len), fields = fields_len(head->s, body);
	x->quote = (struct mbox_quote)MBOX_QUOTE_ZERO;
	put_from(x, head->s, body);
	if (body == TOOL_HEADER)
		fields = 0; /* who knows in the middle of what that is */
	put_header(x, head->s, fields);
	mbox_quote_put(&x->quote, &x->out, head->s + fields, head->len - fields);
	for (size_t n; (n = more(x, buf, sizeof buf)) > 0;) {
		send(x);
		mbox_quote_put(&x->quote, &x->out, buf, n);
	}
	mbox_quote_end(&x->quote, &x->out);
	sa_append(&x->out, '\n');
	send(x);
	x->first = 0;
}

int
cmd_export(struct tool *t)
{
	char const *name = t->arg[1] ? t->arg[1] : "INBOX";
	struct export x = {.t = t, .first = 1};
	struct progress p;
	stralloc head = STRALLOC_ZERO;
	if (folder_open(&x.f, &t->tree, name, FOLDER_READONLY, 0) < 0)
		strerr_diefu2sys(
		    errno == ENOENT || errno == EINVAL ? 100 : 111, "open folder ", name);
	uint32_t count = folder_count(x.f);
	progress_begin(&p, t, name, count);
	for (; x.i < count && !tool_stop; x.i++) {
		x.fd = folder_open_message(x.f, x.i);
		if (x.fd >= 0) {
			export_message(&x, &head);
			close(x.fd);
		} else if (errno != ENOENT) /* expunged meanwhile */
			strerr_diefu2sys(111, "read a message of ", name);
		progress_at(&p, x.i + 1);
	}
	progress_end(&p);
	folder_close(x.f);
	stralloc_free(&head);
	stralloc_free(&x.out);
	return tool_stop ? VERDICT_INTERRUPTED : VERDICT_OK;
}
