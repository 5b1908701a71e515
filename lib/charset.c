#include "lib/charset.h"

#include <string.h>
#include <strings.h>

#include "lib/ascii.h"
#include "lib/charset-tables.h"
#include "lib/sa.h"
#include "lib/utf8.h"

static void
put(stralloc *out, uint32_t c)
{
	char u[UTF8_MAX];
	sa_catb(out, u, utf8_encode(u, c));
}

static size_t
ascii_run(char const *s, size_t n)
{
	size_t i = 0;
	while (i < n && !((unsigned char)s[i] & 0x80))
		i++;
	return i;
}

/* 8-bit charsets; us-ascii has no table, its octets above 127 mean nothing. */
static void
table_feed(struct charset *c, stralloc *out, char const *s, size_t n, int last)
{
	(void)last;
	for (size_t i = 0; i < n;) {
		size_t const k = ascii_run(s + i, n - i);
		sa_catb(out, s + i, k);
		for (i += k; i < n && (unsigned char)s[i] > 127; i++)
			put(out, c->table ? c->table[(unsigned char)s[i] - 128] : UTF8_REPLACEMENT);
	}
}

static void
utf8_feed(struct charset *c, stralloc *out, char const *s, size_t n, int last)
{
	/* A held beginning of a character is completed octet by octet. */
	while (c->held_len && n) {
		c->held[c->held_len++] = *s++;
		n--;
		if (utf8_partial(c->held, c->held_len))
			continue;
		uint32_t u;
		size_t const len = utf8_decode(c->held, c->held_len, &u) ? c->held_len : 1;
		utf8_repair(out, c->held, c->held_len - (len == 1));
		if (len == 1) { /* the octet that broke it may begin a character itself */
			s--;
			n++;
		}
		c->held_len = 0;
	}
	size_t keep = 0;
	for (size_t back = 1; !last && back < UTF8_MAX && back <= n && !keep; back++)
		keep = utf8_partial(s + n - back, back);
	utf8_repair(out, s, n - keep);
	if (keep)
		memcpy(c->held + c->held_len, s + n - keep, keep);
	c->held_len += (unsigned int)keep;
	if (last) {
		utf8_repair(out, c->held, c->held_len);
		c->held_len = 0;
	}
}

/* Names of what needs no table. */
static struct {
	char name[20];
	int utf8;
} const plain[] = {
    {"", 0}, {"us-ascii", 0}, {"ascii", 0}, {"ansi_x3.4-1968", 0}, {"utf-8", 1}, {"utf8", 1}};

int
charset_open(struct charset *c, char const *name, size_t n, charset_open_fn *otherwise)
{
	char copy[CHARSET_NAME_MAX + 1];
	*c = (struct charset){.feed = table_feed};
	ascii_trim(&name, &n);
	if (n > CHARSET_NAME_MAX || (n && memchr(name, 0, n)))
		return -1;
	if (n)
		memcpy(copy, name, n);
	copy[n] = 0;
	for (unsigned int i = 0; i < sizeof plain / sizeof *plain; i++)
		if (!strcasecmp(copy, plain[i].name)) {
			c->feed = plain[i].utf8 ? utf8_feed : table_feed;
			return 0;
		}
	c->table = charset_table(copy);
	return c->table ? 0 : otherwise ? otherwise(c, copy) : -1;
}

void
charset_feed(struct charset *c, stralloc *out, char const *s, size_t n, int last)
{
	c->feed(c, out, s, n, last);
}

void
charset_close(struct charset *c)
{
	if (c->close)
		c->close(c);
}

int
charset_to_utf8(stralloc *out, char const *name, size_t name_len, char const *s, size_t n,
    charset_open_fn *otherwise)
{
	struct charset c;
	if (charset_open(&c, name, name_len, otherwise))
		return -1;
	charset_feed(&c, out, s, n, 1);
	charset_close(&c);
	return 0;
}

enum cte
cte_by_name(char const *name)
{
	static struct {
		char name[20];
		enum cte cte;
	} const names[] = {{"7bit", CTE_IDENTITY}, {"8bit", CTE_IDENTITY}, {"binary", CTE_IDENTITY},
	    {"base64", CTE_BASE64}, {"quoted-printable", CTE_QP}};
	if (!name)
		return CTE_IDENTITY;
	for (unsigned int i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcasecmp(name, names[i].name))
			return names[i].cte;
	return CTE_UNKNOWN;
}

void
cte_start(struct cte_stream *c, enum cte cte)
{
	*c = (struct cte_stream){.cte = cte};
}

void
cte_feed(struct cte_stream *c, stralloc *out, char const *s, size_t n, int last)
{
	if (c->cte == CTE_BASE64) {
		base64_feed(&c->base64, out, s, n);
		if (last)
			base64_feed(&c->base64, out, "=", 1);
	} else if (c->cte == CTE_QP) {
		qp_feed(&c->qp, out, s, n, last);
	} else {
		sa_catb(out, s, n);
	}
}
