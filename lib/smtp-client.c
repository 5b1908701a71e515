#include "lib/smtp-client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/lines.h"
#include "lib/sa.h"
#include "lib/target.h"
#include "lib/xtext.h"

#define WIDE_ROOM 4096 /* in the output, for what is written there many octets at a time */

void
smtp_client_fds(struct smtp_client *c, int fd_in, int fd_out)
{
	net_init(&c->net, fd_in, fd_out);
	c->lmtp = c->early = 0;
	c->ext = 0;
	c->size_limit = c->by_min = 0;
	c->limits = (struct smtp_limits){0};
	c->auth = stralloc_zero;
	c->data_bol = 1;
	c->chunk = 0;
}

int
smtp_client_unix(struct smtp_client *c, char const *path, unsigned int seconds)
{
	tain latest;
	tain_now_set_stopwatch_g();
	tain_addsec_g(&latest, (int)seconds);
	int fd = target_unix(path, &latest);
	if (fd < 0)
		return -1;
	smtp_client_fds(c, fd, fd);
	c->net.deadline = latest;
	return 0;
}

void
smtp_client_deadline(struct smtp_client *c, unsigned int seconds)
{
	net_deadline(&c->net, seconds);
}

void
smtp_client_close(struct smtp_client *c)
{
	if (c->net.fd_out != c->net.fd_in)
		close(c->net.fd_out);
	close(c->net.fd_in);
	stralloc_free(&c->auth);
}

/* ---- replies (RFC 5321 4.2, RFC 2034) ---- */

/* Length of an enhanced status code at s, 0 if there is none or it belongs to another class. */
static size_t
status_length(char const *s, int code)
{
	size_t i = 1;
	if (s[0] != '0' + code / 100)
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t digits = 0;
		if (s[i++] != '.')
			return 0;
		while (ascii_isdigit(s[i]) && digits < 3)
			i++, digits++;
		if (!digits)
			return 0;
	}
	return s[i] && !ascii_isblank(s[i]) ? 0 : i;
}

/* As net_getline, but a line that is too long is not read to its end, which may never come. */
static enum net_line
get_line(struct net *n, char *line, size_t max, size_t *len)
{
	char *s, *lf = 0;
	*len = 0;
	while (!lf) {
		ssize_t r = net_fill(n, &s);
		if (r <= 0)
			return r ? NET_ERROR : NET_EOF;
		lf = memchr(s, '\n', (size_t)r);
		size_t part = lf ? (size_t)(lf - s) : (size_t)r;
		if (part >= max - *len)
			return NET_LONG;
		memcpy(line + *len, s, part);
		*len += part;
		net_consume(n, part + (lf ? 1 : 0));
	}
	if (*len && line[*len - 1] == '\r')
		--*len;
	line[*len] = 0;
	return NET_LINE;
}

/* One line of a reply: its code, or -1; *more says whether another follows. */
static int
reply_line(struct smtp_client *c, stralloc *text, int *more)
{
	char line[SMTP_REPLY_LINE_MAX];
	size_t len;
	switch (get_line(&c->net, line, sizeof line, &len)) {
	case NET_LINE:
		break;
	case NET_EOF:
		errno = ECONNRESET;
		return -1;
	case NET_LONG:
		errno = EPROTO;
		return -1;
	case NET_ERROR:
		return -1;
	}
	if (len < 3 || line[0] < '2' || line[0] > '5' || !ascii_isdigit(line[1]) ||
	    !ascii_isdigit(line[2]) || (len > 3 && line[3] != ' ' && line[3] != '-')) {
		errno = EPROTO;
		return -1;
	}
	*more = len > 3 && line[3] == '-';
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' ';
	if (text->len)
		sa_append(text, '\n');
	if (len > 4)
		sa_catb(text, line + 4, len - 4);
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

int
smtp_client_reply(struct smtp_client *c, struct smtp_reply *r)
{
	int more = 1;
	r->code = 0;
	r->status[0] = 0;
	sa_reset(&r->text);
	for (unsigned int lines = 0; more; lines++) {
		int code = lines < SMTP_REPLY_LINES_MAX ? reply_line(c, &r->text, &more) : -1;
		if (lines == SMTP_REPLY_LINES_MAX || (code > 0 && r->code && code != r->code))
			errno = EPROTO;
		if (code < 0 || (r->code && code != r->code)) {
			r->code = 0;
			return -1;
		}
		r->code = code;
	}
	sa_str(&r->text);
	size_t n = status_length(r->text.s, r->code);
	if (n < sizeof r->status) {
		memcpy(r->status, r->text.s, n);
		r->status[n] = 0;
	}
	return 0;
}

/* ---- commands ---- */

void
smtp_client_cmd(struct smtp_client *c, char const *fmt, ...)
{
	char line[SMTP_LINE_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	net_puts(&c->net, line);
	net_puts(&c->net, "\r\n");
}

int
smtp_client_mail(struct smtp_client *c, struct smtp_mail const *m, char const *id)
{
	stralloc sa = STRALLOC_ZERO;
	int replies = 1;
	if (id && (c->ext & EXT_XFORWARD)) {
		sa_catf(&sa, "XFORWARD IDENT=%s", id);
		if (m->login && (c->ext & EXT_XFORWARD_LOGIN)) {
			sa_cats(&sa, " LOGIN=");
			xtext_encode(&sa, m->login, strlen(m->login));
		}
		if (m->hold && (c->ext & EXT_XFORWARD_HOLD)) {
			sa_cats(&sa, " HOLD=");
			xtext_encode(&sa, m->hold, strlen(m->hold));
		}
		sa_cats(&sa, "\r\n");
		replies++;
	}
	smtp_mail_format(&sa, m, c->ext);
	net_put(&c->net, sa.s, sa.len);
	stralloc_free(&sa);
	return replies;
}

void
smtp_client_rcpt(struct smtp_client *c, struct smtp_rcpt const *rcpt)
{
	stralloc sa = STRALLOC_ZERO;
	smtp_rcpt_format(&sa, rcpt, c->ext);
	net_put(&c->net, sa.s, sa.len);
	stralloc_free(&sa);
}

/* ---- greeting ---- */

static struct {
	char const *keyword;
	unsigned int ext;
} const keywords[] = {
    {"PIPELINING", EXT_PIPELINING},
    {"SIZE", EXT_SIZE},
    {"8BITMIME", EXT_8BITMIME},
    {"SMTPUTF8", EXT_SMTPUTF8},
    {"CHUNKING", EXT_CHUNKING},
    {"BINARYMIME", EXT_BINARYMIME},
    {"DSN", EXT_DSN},
    {"ENHANCEDSTATUSCODES", EXT_ENHANCEDSTATUSCODES},
    {"STARTTLS", EXT_STARTTLS},
    {"AUTH", EXT_AUTH},
    {"REQUIRETLS", EXT_REQUIRETLS},
    {"XFORWARD", EXT_XFORWARD},
    {"PRDR", EXT_PRDR},
    {"LIMITS", EXT_LIMITS},
    {"FUTURERELEASE", EXT_FUTURERELEASE},
    {"DELIVERBY", EXT_DELIVERBY},
    {"XREFUSAL", EXT_XREFUSAL},
    {"XSEALED", EXT_XSEALED},
};

/* RFC 9422 4: "RCPTMAX=100 MAILMAX=10"; what is not known, or says nothing, is passed over. */
static void
note_limits(struct smtp_limits *l, char const *s, size_t n)
{
	struct {
		char const *name;
		unsigned int *value;
	} const known[] = {
	    {"MAILMAX=", &l->mail}, {"RCPTMAX=", &l->rcpt}, {"RCPTDOMAINMAX=", &l->domain}};
	for (char const *end = s + n; s < end;) {
		size_t word = 0;
		while (s + word < end && !ascii_isblank(s[word]))
			word++;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
			size_t len = strlen(known[i].name);
			/* At most six digits (RFC 9422 4). */
			if (word > len && word <= len + 6 && ascii_ieq(s, len, known[i].name))
				uint_scan(s + len, known[i].value);
		}
		s += word;
		while (s < end && ascii_isblank(*s))
			s++;
	}
}

/* Is `word` one of the words behind the keyword? */
static int
has_word(char const *s, size_t n, char const *word)
{
	size_t len = strlen(word);
	for (char const *end = s + n; s < end; s++)
		if (ascii_isblank(*s) && (size_t)(end - s) > len && ascii_ieq(s + 1, len, word) &&
		    (s + 1 + len == end || ascii_isblank(s[1 + len])))
			return 1;
	return 0;
}

static void
note_extension(struct smtp_client *c, char const *s, size_t n)
{
	size_t klen = 0;
	while (klen < n && !ascii_isblank(s[klen]) && s[klen] != '=')
		klen++;
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (ascii_ieq(s, klen, keywords[i].keyword))
			c->ext |= keywords[i].ext;
	if (ascii_ieq(s, klen, "SIZE") && klen < n)
		uint64_scan(s + klen + 1, &c->size_limit);
	if (ascii_ieq(s, klen, "XFORWARD") && has_word(s + klen, n - klen, "LOGIN"))
		c->ext |= EXT_XFORWARD_LOGIN;
	if (ascii_ieq(s, klen, "XFORWARD") && has_word(s + klen, n - klen, "HOLD"))
		c->ext |= EXT_XFORWARD_HOLD;
	if (ascii_ieq(s, klen, "DELIVERBY") && klen < n)
		uint64_scan(s + klen + 1, &c->by_min);
	if (ascii_ieq(s, klen, "LIMITS") && klen < n)
		note_limits(&c->limits, s + klen + 1, n - klen - 1);
	if (ascii_ieq(s, klen, "AUTH") && klen < n) { /* also the old "AUTH=LOGIN" */
		sa_append(&c->auth, ' ');
		sa_catb(&c->auth, s + klen + 1, n - klen - 1);
		sa_str(&c->auth);
	}
}

static void
note_extensions(struct smtp_client *c, stralloc const *text)
{
	char const *s = memchr(text->s, '\n', text->len);
	char const *end = text->s + text->len;
	c->ext = 0;
	c->size_limit = c->by_min = 0;
	c->limits = (struct smtp_limits){0};
	sa_reset(&c->auth);
	while (s) {
		s++;
		char const *lf = memchr(s, '\n', (size_t)(end - s));
		note_extension(c, s, (size_t)((lf ? lf : end) - s));
		s = lf;
	}
}

static void
say_hello(struct smtp_client *c, char const *me)
{
	smtp_client_cmd(c, "%s %s", c->lmtp ? "LHLO" : "EHLO", me);
}

static int
hear_hello(struct smtp_client *c, struct smtp_reply *r)
{
	if (smtp_client_reply(c, r) < 0)
		return -1;
	if (r->code / 100 != 2)
		return 1;
	note_extensions(c, &r->text);
	return 0;
}

int
smtp_client_ehlo(struct smtp_client *c, char const *me, struct smtp_reply *r)
{
	say_hello(c, me);
	return hear_hello(c, r);
}

int
smtp_client_hello(struct smtp_client *c, char const *me, struct smtp_reply *r)
{
	if (c->early)
		say_hello(c, me);
	if (smtp_client_reply(c, r) < 0)
		return -1;
	if (r->code / 100 != 2)
		return 1;
	int verdict = c->early ? hear_hello(c, r) : smtp_client_ehlo(c, me, r);
	if (verdict <= 0 || c->lmtp || r->code / 100 != 5)
		return verdict;
	smtp_client_cmd(c, "HELO %s", me);
	if (smtp_client_reply(c, r) < 0)
		return -1;
	c->ext = 0;
	return r->code / 100 != 2;
}

int
smtp_client_talks(struct smtp_client const *c)
{
	struct pollfd x = {.fd = c->net.fd_in, .events = POLLIN};
	return net_buffered(&c->net) || poll(&x, 1, 0) > 0;
}

/* ---- the message ---- */

void
smtp_client_bdat(struct smtp_client *c, uint64_t size)
{
	smtp_client_cmd(c, "BDAT %llu LAST", (unsigned long long)size);
	c->chunk = 1;
}

void
smtp_client_sealed(struct smtp_client *c, int fd)
{
	smtp_client_cmd(c, "XSEALED");
	net_pass(&c->net, fd);
}

/* Where no dot is special and no CR is in it: as much as goes many octets at a time. */
static size_t
send_wide(struct smtp_client *c, char const *s, size_t n)
{
	size_t done = 0, room;
	if (!c->chunk || memchr(s, '\r', n))
		return 0;
	for (;;) {
		char *const to = net_space(&c->net, WIDE_ROOM, &room);
		struct lines_copied const l =
		    lines_copy_crlf(to, room, s + done, n - done, done ? s[done - 1] : 0);
		if (!l.from)
			return done;
		net_wrote(&c->net, l.to);
		done += l.from;
		c->data_bol = s[done - 1] == '\n';
	}
}

int
smtp_client_send(struct smtp_client *c, char const *s, size_t n)
{
	size_t const wide = send_wide(c, s, n);
	s += wide;
	n -= wide;
	while (n) {
		if (c->data_bol && *s == '.' && !c->chunk)
			net_put(&c->net, ".", 1);
		/* A CR that the message should not hold must not leave as a bare one. */
		char const *lf = memchr(s, '\n', n);
		char const *cr = memchr(s, '\r', lf ? (size_t)(lf - s) : n);
		size_t part = cr ? (size_t)(cr - s) : lf ? (size_t)(lf - s) : n;
		net_put(&c->net, s, part);
		if (part < n) {
			net_puts(&c->net, cr ? " " : "\r\n");
			part++;
		}
		c->data_bol = !cr && lf;
		s += part;
		n -= part;
	}
	return c->net.werr ? -1 : 0;
}

uint64_t
smtp_client_length(char const *s, size_t n)
{
	return n + lines_count(s, n, 0).ends;
}

int
smtp_client_send_end(struct smtp_client *c)
{
	if (!c->data_bol)
		net_puts(&c->net, "\r\n");
	if (!c->chunk)
		net_puts(&c->net, ".\r\n");
	c->data_bol = 1;
	c->chunk = 0;
	return c->net.werr ? -1 : 0;
}
