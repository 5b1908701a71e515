/* Lines and literals of a command, as they come (RFC 3501 4.3, RFC 7888, RFC 3516). */
#include "imap/parse.h"

#include <errno.h>
#include <string.h>

#include "imap/limits.h"
#include "lib/ascii.h"

int
parse_lost(struct parse *p, ssize_t result)
{
	p->closed = result < 0 && errno == ETIMEDOUT ? PARSE_LATE : PARSE_LOST;
	return parse_fail(p, "Connection lost");
}

static enum net_line
read_line(struct parse *p)
{
	net_deadline(p->net, p->seconds);
	p->pos = p->len = 0;
	enum net_line r = net_getline(p->net, p->line, LIMIT_LINE, &p->len);
	if (r == NET_LONG)
		p->closed = PARSE_LONG;
	else if (r != NET_LINE)
		parse_lost(p, r);
	return r;
}

enum net_line
parse_start(struct parse *p)
{
	p->error = 0;
	p->closed = PARSE_OPEN;
	p->literals = 0;
	return read_line(p);
}

/* The size and kind of the literal that ends the line at its head: 1, or 0 if none does. */
static int
literal_scan(char const *s, size_t n, struct literal *l)
{
	size_t i = 1;
	*l = (struct literal){0, 0, n && s[0] == '~'};
	s += l->binary;
	n -= (size_t)l->binary;
	if (n < 3 || s[0] != '{' || s[n - 1] != '}')
		return 0;
	l->wait = s[n - 2] != '+'; /* LITERAL+ (RFC 7888) */
	size_t end = n - (l->wait ? 1 : 2);
	if (i == end)
		return 0;
	for (; i < end; i++)
		if (!ascii_isdigit(s[i]) || __builtin_mul_overflow(l->size, 10, &l->size) ||
		    __builtin_add_overflow(l->size, (uint64_t)(s[i] - '0'), &l->size))
			return 0;
	return 1;
}

static int
skip_octets(struct parse *p, uint64_t n)
{
	char *s;
	while (n) {
		ssize_t r = net_fill(p->net, &s);
		if (r <= 0)
			return -1;
		size_t part = (uint64_t)r < n ? (size_t)r : (size_t)n;
		net_consume(p->net, part);
		n -= part;
	}
	return 0;
}

int
parse_finish(struct parse *p)
{
	for (;;) {
		struct literal l;
		if (p->closed)
			return -1;
		char const *head =
		    p->pos < p->len ? memrchr(p->line + p->pos, '{', p->len - p->pos) : 0;
		if (!head || !literal_scan(head, p->len - (size_t)(head - p->line), &l) || l.wait)
			return 0;
		net_deadline(p->net, p->seconds);
		if (l.size > LIMIT_SKIP || skip_octets(p, l.size) < 0 || read_line(p) != NET_LINE)
			return -1;
	}
}

int
parse_literal_head(struct parse *p, struct literal *out)
{
	if (p->error)
		return 0;
	if (!literal_scan(p->line + p->pos, p->len - p->pos, out))
		return parse_fail(p, "Invalid literal");
	/* RFC 7888 section 5: LITERAL- */
	if (!out->wait && p->literal_max && out->size > p->literal_max)
		return parse_fail(p, "[TOOBIG] Only a synchronizing literal may be that long");
	/* The cursor stays in front, so that parse_finish skips a literal that nobody took. */
	return 1;
}

int
parse_continue(struct parse *p)
{
	enum net_line r = read_line(p);
	return r == NET_LINE ? 1 : parse_fail(p, "Command line too long");
}

int
parse_literal(struct parse *p, struct text *out, int binary)
{
	struct literal l;
	if (!parse_literal_head(p, &l))
		return 0;
	if (l.size > LIMIT_LITERALS - p->literals)
		return parse_fail(p, "[TOOBIG] Literal too long");
	p->literals += (size_t)l.size;
	if (l.wait)
		net_puts(p->net, "+ OK\r\n");
	char *s = arena_alloc(p->arena, (size_t)l.size + 1);
	net_deadline(p->net, p->seconds);
	int r = net_readall(p->net, s, (size_t)l.size);
	if (r != 1)
		return parse_lost(p, r);
	s[l.size] = 0;
	out->s = s;
	out->len = (size_t)l.size;
	if (!parse_continue(p))
		return 0;
	return binary || strlen(s) == l.size ? 1 : parse_fail(p, "NUL in a literal"); /* CHAR8 */
}
