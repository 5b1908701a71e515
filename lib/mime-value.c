/* The structured values of MIME fields: types, dispositions, parameters (RFC 2045 5.1, RFC 2231).
 */
#include "lib/mime.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/charset.h"
#include "lib/header-token.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define SEGMENT_MAX 999 /* the highest number of a continuation */

/* A parameter as it is written: name*number*=value. */
struct segment {
	char const *name;
	size_t name_len; /* without "*" and what follows */
	int number;	 /* -1: no part of a continuation */
	int extended;
	char const *value;
	unsigned int order;
};

/* Splits a name by RFC 2231. What is not of its form stays a plain name. */
static void
segment_name(struct segment *g, char const *name)
{
	char const *star = strchr(name, '*'), *p = star;
	g->name = name;
	g->name_len = strlen(name);
	g->number = -1;
	g->extended = 0;
	if (!star)
		return;
	int number = 0;
	if (p[1])
		for (p++; ascii_isdigit(*p) && number <= SEGMENT_MAX; p++)
			number = number * 10 + (*p - '0');
	int const extended = *p == '*';
	if (p[extended] || number > SEGMENT_MAX)
		return;
	g->name_len = (size_t)(star - name);
	g->number = number;
	g->extended = extended;
}

static char const *
keep(struct arena *a, stralloc *sa)
{
	/* A NUL, which RFC 5322 does not allow, ends the string. */
	return arena_strndup(a, sa->len ? sa->s : "", sa->len);
}

/* A value that is no token: an encoded word without the quotes it needs, name==?utf-8?q?x?= */
static int
word_value(struct token_cursor *t, stralloc *out)
{
	char const *from = t->p;
	while (t->p < t->end && *t->p != ';' && !ascii_isspace(*t->p))
		t->p++;
	sa_catb(out, from, (size_t)(t->p - from));
	return token_skip(t);
}

/* `; name=value` at t. 1; 0 at the end; -1 if it is not there. */
static int
take_param(struct token_cursor *t, struct arena *a, stralloc *tmp, struct segment *g)
{
	if (t->p == t->end)
		return 0;
	if (*t->p != ';')
		return -1;
	t->p++;
	sa_reset(tmp);
	if (token_skip(t) <= 0 || token_mime(t, tmp) <= 0 || *t->p != '=')
		return -1;
	segment_name(g, keep(a, tmp));
	t->p++;
	sa_reset(tmp);
	int r = token_skip(t);
	if (r > 0)
		r = *t->p == '"'   ? token_quoted(t, tmp)
		    : *t->p == '=' ? word_value(t, tmp)
				   : token_mime(t, tmp);
	g->value = keep(a, tmp);
	return r < 0 ? -1 : 1;
}

static int
segment_order(void const *x, void const *y)
{
	struct segment const *g = x, *h = y;
	size_t const n = g->name_len < h->name_len ? g->name_len : h->name_len;
	int d = (g->number >= 0) - (h->number >= 0);
	if (!d && g->number >= 0) {
		d = strncasecmp(g->name, h->name, n);
		if (!d)
			d = (g->name_len > h->name_len) - (g->name_len < h->name_len);
		if (!d)
			d = g->number - h->number;
	}
	return d ? d : (g->order > h->order) - (g->order < h->order);
}

/* RFC 2231 4.1: a piece that is not extended, among pieces that are. */
static void
put_escaped(stralloc *out, char const *s)
{
	for (; *s; s++)
		sa_catb(out, *s == '%' ? "%25" : s, *s == '%' ? 3 : 1);
}

/* How many of g[0..n) are the pieces 0, 1, 2... of one parameter; 0 if one is missing. */
static unsigned int
run_length(struct segment const *g, unsigned int n, unsigned int *group)
{
	unsigned int i = 0;
	int whole = 1;
	size_t const len = g->name_len;
	while (i < n && g[i].name_len == len && !strncasecmp(g[i].name, g->name, len)) {
		whole &= g[i].number == (int)i;
		i++;
	}
	*group = i;
	return whole ? i : 0;
}

static void
join(
    struct arena *a, stralloc *tmp, struct segment const *g, unsigned int n, struct mime_param *out)
{
	int extended = 0;
	for (unsigned int i = 0; i < n; i++)
		extended |= g[i].extended;
	sa_copyb(tmp, g->name, g->name_len);
	if (extended)
		sa_append(tmp, '*');
	out->name = keep(a, tmp);
	sa_reset(tmp);
	for (unsigned int i = 0; i < n; i++)
		if (extended && !g[i].extended)
			put_escaped(tmp, g[i].value);
		else
			sa_cats(tmp, g[i].value);
	out->value = keep(a, tmp);
}

/* Segments to parameters: those of no continuation in their order, then the joined ones. */
static void
merge(struct arena *a, stralloc *tmp, struct segment *g, unsigned int n, struct mime_value *v)
{
	unsigned int group, plain = 0;
	while (plain < n && g[plain].number < 0)
		plain++;
	if (plain < n)
		qsort(g, n, sizeof *g, segment_order);
	v->params = arena_alloc(a, (n + 1) * sizeof *v->params);
	for (unsigned int i = 0; i < n; i += group) {
		group = 1;
		if (g[i].number < 0) {
			v->params[v->count++] = (struct mime_param){g[i].name, g[i].value};
			continue;
		}
		if (run_length(g + i, n - i, &group)) {
			join(a, tmp, g + i, group, &v->params[v->count++]);
			continue;
		}
		for (unsigned int k = i; k < i + group; k++) {
			sa_reset(tmp);
			sa_catb(tmp, g[k].name, g[k].name_len);
			sa_catf(tmp, "*%d%s", g[k].number, g[k].extended ? "*" : "");
			v->params[v->count++] = (struct mime_param){keep(a, tmp), g[k].value};
		}
	}
}

static void
parse_params(struct token_cursor *t, struct arena *a, stralloc *tmp, struct mime_value *v)
{
	struct segment g[MIME_PARAM_MAX];
	unsigned int n = 0;
	int r;
	while (n < MIME_PARAM_MAX && (r = take_param(t, a, tmp, &g[n])) != 0) {
		if (r < 0 && t->p == t->end)
			break;
		if (r < 0) {
			/* On to where a parameter may begin. */
			char const *semi = memchr(t->p + 1, ';', (size_t)(t->end - t->p - 1));
			if (!semi)
				break;
			t->p = semi;
			continue;
		}
		g[n].order = n;
		n++;
	}
	merge(a, tmp, g, n, v);
}

int
mime_content_type(struct arena *a, struct header_field const *f, struct mime_value *v)
{
	struct token_cursor t = {f->body, f->body + f->body_len, 0};
	stralloc tmp = STRALLOC_ZERO;
	int r = -1;
	*v = (struct mime_value){0};
	if (token_skip(&t) > 0 && token_mime(&t, &tmp) >= 0) {
		v->type = keep(a, &tmp);
		sa_reset(&tmp);
		if (token_at(&t, '/')) {
			t.p++;
			if (token_skip(&t) > 0 && token_mime(&t, &tmp) >= 0) {
				v->subtype = keep(a, &tmp);
				r = 0;
			}
		}
	}
	if (!r)
		parse_params(&t, a, &tmp, v);
	else
		v->type = 0;
	stralloc_free(&tmp);
	return r;
}

int
mime_part_type(struct arena *a, struct mime_part const *p, struct mime_value *v)
{
	if (!p->type)
		return mime_content_type(a, &p->fields[MIME_CONTENT_TYPE], v);
	*v = *p->type;
	return 0;
}

int
mime_disposition(struct arena *a, struct header_field const *f, struct mime_value *v)
{
	struct token_cursor t = {f->body, f->body + f->body_len, 0};
	stralloc tmp = STRALLOC_ZERO;
	int r = -1;
	*v = (struct mime_value){0};
	if (token_skip(&t) >= 0) {
		(void)token_mime(&t, &tmp);
		v->type = keep(a, &tmp);
		parse_params(&t, a, &tmp, v);
		r = 0;
	}
	stralloc_free(&tmp);
	return r;
}

char const *
mime_param(struct mime_value const *v, char const *name, int *extended)
{
	size_t const n = strlen(name);
	for (unsigned int i = 0; i < v->count; i++) {
		char const *have = v->params[i].name;
		if (strncasecmp(have, name, n) || (have[n] && strcmp(have + n, "*")))
			continue;
		*extended = have[n] == '*';
		return v->params[i].value;
	}
	return 0;
}

static int
hex_value(char c)
{
	c = ascii_tolower(c);
	return ascii_isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
mime_param_decode(stralloc *out, char const *s)
{
	char const *language = strchr(s, '\'');
	char const *text = language ? strchr(language + 1, '\'') : 0;
	stralloc octets = STRALLOC_ZERO;
	if (!text)
		return -1;
	for (text++; *text; text++) {
		int const high = *text == '%' ? hex_value(text[1]) : -1;
		int const low = high < 0 ? -1 : hex_value(text[2]);
		if (low < 0) {
			sa_append(&octets, *text);
		} else {
			sa_append(&octets, (char)(high << 4 | low));
			text += 2;
		}
	}
	if (charset_to_utf8(out, s, (size_t)(language - s), octets.s, octets.len, 0))
		utf8_repair(out, octets.s, octets.len);
	stralloc_free(&octets);
	return 0;
}

void
mime_type(stralloc *out, struct arena *a, struct mime_part const *p)
{
	struct header_field const *f = &p->fields[MIME_CONTENT_TYPE];
	struct mime_value v;
	size_t const from = out->len;
	if (!f->start || mime_part_type(a, p, &v)) {
		sa_cats(out, p->kind == MIME_MESSAGE ? "message/rfc822" : "text/plain");
		return;
	}
	sa_cats(out, v.type);
	sa_append(out, '/');
	sa_cats(out, v.subtype);
	ascii_lower(out->s + from, out->len - from);
}

char const *
mime_encoding(struct arena *a, struct mime_part const *p)
{
	struct header_field const *f = &p->fields[MIME_CONTENT_ENCODING];
	stralloc tmp = STRALLOC_ZERO;
	char const *token = 0;
	if (!f->start)
		return 0;
	struct token_cursor t = {f->body, f->body + f->body_len, 0};
	/* Nothing may follow: "base64;" is no encoding. */
	if (token_skip(&t) > 0 && token_mime(&t, &tmp) == 0)
		token = keep(a, &tmp);
	stralloc_free(&tmp);
	return token;
}
