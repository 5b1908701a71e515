/* What Courier keeps beside a Maildir: courierimapkeywords (per folder) and courierpop3dsizelist
 * (at the root). Its courierimapuiddb has the form of version 1 of dovecot-uidlist. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "maildir/layout.h"
#include "maildir/side-file.h"
#include "maildir/tool/limits.h"
#include "maildir/tool/source.h"

/* The next line of *s up to end, without its LF: 1, or 0 at the end. */
static int
next_line(char const **s, char const *end, char const **line, size_t *len)
{
	if (*s >= end)
		return 0;
	char const *lf = memchr(*s, '\n', (size_t)(end - *s));
	*line = *s;
	*len = (size_t)((lf ? lf : end) - *s);
	*s = lf ? lf + 1 : end;
	return 1;
}

/* The next number of *s, and one octet behind it; UINT64_MAX if there is none. */
static uint64_t
next_number(char const **s, char const *end)
{
	uint64_t v = 0;
	char const *p = *s;
	for (; p < end && ascii_isdigit(*p) && v < UINT64_MAX / 16; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p == *s)
		return UINT64_MAX;
	*s = p < end ? p + 1 : p;
	return v;
}

static void
add_keyword(struct source *s, struct source_message *m, char const *name, size_t len)
{
	int n = keywords_make(&s->keywords, name, len);
	if (n < 0)
		s->odd++;
	else if (m)
		keyword_add(&m->set, (unsigned int)n);
}

/* ---- courierimapkeywords ----------------------------------------------------------------------
 */

/* ":list": the names, a line each, an empty line, then "BASE:NUMBER NUMBER ..." for every message.
 */
static void
take_list(struct source *s, stralloc const *text)
{
	char const *p = text->s, *end = text->s + text->len, *line;
	size_t len, names = 0;
	struct {
		char const *s;
		size_t len;
	} *name = 0;
	while (next_line(&p, end, &line, &len) && len) {
		name = xrealloc(name, names + 1, sizeof *name);
		name[names].s = line;
		name[names++].len = len;
	}
	while (next_line(&p, end, &line, &len)) {
		char const *colon = memchr(line, ':', len), *to = line + len;
		struct source_message *m = colon ? source_find(s, line, (size_t)(colon - line)) : 0;
		if (!m)
			continue;
		for (char const *q = colon + 1; q < to;) {
			uint64_t n = next_number(&q, to);
			if (n >= names)
				break;
			add_keyword(s, m, name[n].s, name[n].len);
		}
	}
	free(name);
}

/* A message's own file, a keyword per line, counts before the list. */
static void
take_own(struct source *s, struct source_message *m, stralloc const *text)
{
	char const *p = text->s, *end = text->s + text->len, *line;
	size_t len;
	m->set = (struct keyword_set)KEYWORD_SET_ZERO;
	while (next_line(&p, end, &line, &len))
		if (len)
			add_keyword(s, m, line, len);
}

/* A file of the directory: ".N.BASE", of which the highest N counts, or "BASE", which has just been
 * written and counts before all. */
struct own {
	char *file;
	struct source_message *m;
	uint64_t version; /* NEWEST for "BASE" */
};
#define NEWEST UINT64_MAX

/* 1 and what it is, or 0 if it belongs to no message. */
static int
own_file(struct source *s, char const *file, struct own *o)
{
	char const *base = file;
	o->version = NEWEST;
	if (*file == '.') {
		base++;
		o->version = next_number(&base, file + strlen(file));
		if (o->version == UINT64_MAX || base[-1] != '.')
			return 0;
	}
	o->m = source_find(s, base, strlen(base));
	return !!o->m;
}

static int
by_version(void const *a, void const *b)
{
	struct own const *x = a, *y = b;
	return x->version < y->version ? -1 : x->version > y->version;
}

static void
read_own(struct source *s, DIR *d, char const *dir)
{
	struct own *own = 0, o;
	size_t count = 0;
	stralloc text = STRALLOC_ZERO;
	for (struct dirent *e; (e = readdir(d));)
		if (own_file(s, e->d_name, &o)) {
			own = xrealloc(own, count + 1, sizeof *own);
			o.file = xstrdup(e->d_name);
			own[count++] = o;
		}
	if (count)
		qsort(own, count, sizeof *own, by_version);
	for (size_t i = 0; i < count; i++) {
		sa_reset(&text);
		if (side_file_read(dir, own[i].file, TOOL_SIDE_FILE, &text) > 0)
			take_own(s, own[i].m, &text);
		free(own[i].file);
	}
	free(own);
	stralloc_free(&text);
}

int
courier_keywords(struct source *s)
{
	stralloc dir = STRALLOC_ZERO, text = STRALLOC_ZERO;
	sa_catf(&dir, "%s/courierimapkeywords", s->dir);
	DIR *d = opendir(sa_str(&dir));
	int r = !d && errno != ENOENT ? -1 : 0;
	/* Without Dovecot's names a small letter means nothing. */
	for (size_t i = 0; d && !s->keywords.count && i < s->count; i++)
		s->m[i].set = (struct keyword_set)KEYWORD_SET_ZERO;
	if (d) {
		r = side_file_read(dir.s, ":list", TOOL_SIDE_FILE, &text);
		if (r > 0)
			take_list(s, &text);
		if (r >= 0)
			read_own(s, d, dir.s);
		closedir(d);
	}
	stralloc_free(&dir);
	stralloc_free(&text);
	return r < 0 ? -1 : 0;
}

/* ---- courierpop3dsizelist ---------------------------------------------------------------------
 */

/* "FILE SIZE UID:UIDV[:UTF8]": the UIDL was "UIDn-v", or "UIDn" where v is 0. */
static void
take_uidl(struct source *s, char const *line, size_t len)
{
	char const *end = line + len, *blank = memchr(line, ' ', len);
	char const *colon = blank ? memchr(line, ':', (size_t)(blank - line)) : 0;
	stralloc keys = STRALLOC_ZERO;
	if (!blank)
		return;
	struct source_message *m = source_find(s, line, (size_t)((colon ? colon : blank) - line));
	char const *p = blank + 1;
	uint64_t size = next_number(&p, end), uid = next_number(&p, end);
	uint64_t validity = next_number(&p, end);
	if (!m || size == UINT64_MAX || uid == UINT64_MAX)
		return;
	sa_catf(&keys, "PUID%llu", (unsigned long long)uid);
	if (validity && validity != UINT64_MAX)
		sa_catf(&keys, "-%llu", (unsigned long long)validity);
	source_set_keys(s, m, keys.s, keys.len);
	stralloc_free(&keys);
}

int
courier_uidls(struct source *s, char const *root)
{
	stralloc text = STRALLOC_ZERO;
	char const *line;
	size_t len;
	int r = side_file_read(root, "courierpop3dsizelist", TOOL_SIDE_FILE, &text);
	char const *p = text.s, *end = text.s + text.len;
	/* "/2 NEXT VALIDITY": of a version before the UIDs nothing can be kept. */
	if (r > 0 && next_line(&p, end, &line, &len) && len > 1 && line[0] == '/')
		while (next_line(&p, end, &line, &len))
			take_uidl(s, line, len);
	stralloc_free(&text);
	return r < 0 ? -1 : 0;
}
