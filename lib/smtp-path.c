/* Paths: RFC 5321 4.1.2, 4.1.3; RFC 6531 3.3. Interface: lib/smtp-envelope.h. */
#include "lib/smtp-envelope.h"

#include <string.h>
#include <strings.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/ucspi.h"
#include "lib/utf8.h"

/* A cursor over one path; `error` sticks. */
struct scan {
	char const *s;
	unsigned int flags;
	int error, utf8;
};

/* The next byte must be c; the cursor never passes the end. */
static void
expect(struct scan *p, char c)
{
	if (*p->s == c)
		p->s++;
	else
		p->error = 1;
}

static int
is_high(char c)
{
	return (unsigned char)c > 127;
}

/* atext, the dot, and with SMTP_PATH_UTF8 what RFC 6531 3.3 adds. Dots may stand anywhere: real
 * addresses break that rule. */
static int
is_local_char(struct scan *p, char c)
{
	if (is_high(c)) {
		p->utf8 = 1;
		return (p->flags & SMTP_PATH_UTF8) != 0;
	}
	return c > ' ' && c != 127 && !strchr("()<>[]:;@\\,\"", c);
}

/* Scans "quoted" or plain; puts the unquoted text into out. */
static void
scan_local(struct scan *p, stralloc *out)
{
	int quoted = *p->s == '"';
	p->s += quoted;
	for (; *p->s && out->len <= SMTP_LOCAL_MAX; p->s++) {
		if (quoted && *p->s == '"')
			break;
		if (quoted && *p->s == '\\' && p->s[1])
			p->s++;
		else if (!quoted && !is_local_char(p, *p->s))
			break;
		if (is_high(*p->s))
			p->utf8 = 1;
		if ((unsigned char)*p->s < ' ' || *p->s == 127)
			p->error = 1;
		sa_append(out, *p->s);
	}
	if (quoted)
		expect(p, '"');
	if ((!out->len && !quoted) || out->len > SMTP_LOCAL_MAX)
		p->error = 1;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). */
static int
literal_ok(char const *s, size_t n)
{
	char text[UCSPI_IPMAX + 8];
	unsigned char addr[16];
	if (n < 3 || n >= sizeof text || s[n - 1] != ']')
		return 0;
	memcpy(text, s + 1, n - 2);
	text[n - 2] = 0;
	if (!strncasecmp(text, "ipv6:", 5))
		return strchr(text, ':') && ucspi_scan(text + 5, addr) && !strchr(text, '%');
	return ucspi_scan(text, addr) == 4 && !strchr(text, ':');
}

/* Labels of letters, digits, hyphens, underscores (which the DNS carries) and, with SMTP_PATH_UTF8,
 * anything above ASCII; none empty. */
static int
labels_ok(struct scan *p, char const *s, size_t n)
{
	size_t label = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.') {
			if (!label)
				return 0;
			label = 0;
			continue;
		}
		char c = ascii_tolower(s[i]);
		if (is_high(c))
			p->utf8 = 1;
		else if (!(c >= 'a' && c <= 'z') && !ascii_isdigit(c) && c != '-' && c != '_')
			return 0;
		label++;
	}
	return label && (!p->utf8 || (p->flags & SMTP_PATH_UTF8));
}

static void
scan_domain(struct scan *p, stralloc *out)
{
	size_t n = *p->s == '[' ? strcspn(p->s, "]> ") : strcspn(p->s, "> \t,:");
	if (*p->s == '[' && p->s[n] == ']')
		n++;
	char const *s = p->s;
	p->s += n;
	if (n && *s != '[' && s[n - 1] == '.')
		n--;
	if (!n || n > SMTP_DOMAIN_MAX || !(*s == '[' ? literal_ok(s, n) : labels_ok(p, s, n))) {
		p->error = 1;
		return;
	}
	sa_copyb(out, s, n);
	ascii_lower(out->s, out->len);
}

static int
needs_quotes(char const *s, size_t n)
{
	struct scan p = {.flags = SMTP_PATH_UTF8};
	if (!n)
		return 1;
	for (size_t i = 0; i < n; i++)
		if (!is_local_char(&p, s[i]))
			return 1;
	return 0;
}

static void
format_text(stralloc *text, stralloc const *local, stralloc const *domain)
{
	int quotes = needs_quotes(local->s, local->len);
	if (quotes)
		sa_append(text, '"');
	for (size_t i = 0; i < local->len; i++) {
		if (quotes && (local->s[i] == '"' || local->s[i] == '\\'))
			sa_append(text, '\\');
		sa_append(text, local->s[i]);
	}
	if (quotes)
		sa_append(text, '"');
	if (domain->len) {
		sa_append(text, '@');
		sa_catb(text, domain->s, domain->len);
	}
}

static void
path_store(struct arena *a, struct scan const *p, stralloc *local, stralloc *domain,
    struct smtp_path *out)
{
	stralloc text = STRALLOC_ZERO;
	if (local->len || domain->len)
		format_text(&text, local, domain);
	out->text = arena_strndup(a, text.s ? text.s : "", text.len);
	out->local = arena_strndup(a, local->s ? local->s : "", local->len);
	out->domain = arena_strndup(a, domain->s ? domain->s : "", domain->len);
	out->utf8 = p->utf8;
	stralloc_free(&text);
}

/* "@a,@b:" in front of an address: to be ignored (RFC 5321 appendix C). */
static void
skip_route(struct scan *p)
{
	if (*p->s != '@')
		return;
	size_t n = strcspn(p->s, ":>");
	if (p->s[n] == ':')
		p->s += n + 1;
	else
		p->error = 1;
}

/* local@domain, or what the flags allow without domain. */
static void
scan_mailbox(struct scan *p, stralloc *local, stralloc *domain)
{
	scan_local(p, local);
	if (*p->s == '@') {
		p->s++;
		scan_domain(p, domain);
	} else if (!(p->flags & SMTP_PATH_POSTMASTER) || !ascii_ieq(local->s, local->len, "postmaster"))
		p->error = 1;
}

char const *
smtp_path_parse(struct arena *a, char const *s, unsigned int flags, struct smtp_path *out)
{
	struct scan p = {.s = s, .flags = flags};
	stralloc local = STRALLOC_ZERO, domain = STRALLOC_ZERO;
	int bracket = *p.s == '<';
	p.s += bracket;
	if (bracket && *p.s == '>' && (flags & SMTP_PATH_NULL))
		;
	else {
		if (bracket)
			skip_route(&p);
		scan_mailbox(&p, &local, &domain);
	}
	if (bracket)
		expect(&p, '>');
	else if (*p.s && !ascii_isblank(*p.s))
		p.error = 1;
	if (!p.error && (p.s - s > SMTP_PATH_MAX || (p.utf8 && !utf8_valid(s, (size_t)(p.s - s)))))
		p.error = 1;
	if (!p.error)
		path_store(a, &p, &local, &domain, out);
	stralloc_free(&local);
	stralloc_free(&domain);
	return p.error ? 0 : p.s;
}

int
smtp_path_set(struct arena *a, char const *address, struct smtp_path *out)
{
	char const *end = *address == '<' ? 0
	    : smtp_path_parse(a, address, SMTP_PATH_UTF8 | SMTP_PATH_POSTMASTER, out);
	return end && !*end ? 0 : -1;
}
