#include "mda-remote/tlsrpt-report.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"

/* ---- the file ---- */

/* Cuts the next word off *s; null if there is none. */
static char *
word(char **s)
{
	char *w = *s;
	size_t n = strcspn(w, " ");
	if (!n || !w[n])
		return 0;
	w[n] = 0;
	*s = w + n + 1;
	return w;
}

static void
add(struct tlsrpt_row **list, size_t *n, struct tlsrpt_row r)
{
	/* Rooms of powers of two. */
	if (!(*n & (*n - 1)))
		*list = xrealloc(*list, *n ? *n * 2 : 1, sizeof **list);
	(*list)[(*n)++] = r;
}

static void
take(struct tlsrpt_day *d, char *line, char const *domain)
{
	struct tlsrpt_row r = {0};
	char *first = word(&line);
	int text = first && !strcmp(first, "policy");
	if (!first || (!text && (!uint640_scan(first, &r.count) || !r.count)))
		return;
	r.domain = word(&line);
	r.policy = word(&line);
	if (!r.policy || (domain && strcasecmp(domain, r.domain)))
		return;
	if (text) {
		r.type = r.host = r.ip = r.ours = "";
		r.reason = line;
		add(&d->text, &d->texts, r);
		return;
	}
	r.type = word(&line);
	r.host = word(&line);
	r.ip = word(&line);
	r.ours = word(&line);
	r.reason = line;
	if (r.ours)
		add(&d->row, &d->rows, r);
}

static int
compare(void const *a, void const *b)
{
	struct tlsrpt_row const *x = a, *y = b;
	char const *const p[] = {x->domain, x->policy, x->type, x->host, x->ip, x->ours,
	    x->reason};
	char const *const q[] = {y->domain, y->policy, y->type, y->host, y->ip, y->ours,
	    y->reason};
	int r = 0;
	for (size_t i = 0; !r && i < sizeof p / sizeof *p; i++)
		r = strcmp(p[i], q[i]);
	return r;
}

/* What is the same becomes one row. */
static void
merge(struct tlsrpt_day *d)
{
	size_t n = 0;
	if (d->rows)
		qsort(d->row, d->rows, sizeof *d->row, compare);
	for (size_t i = 0; i < d->rows; i++)
		if (n && !compare(d->row + n - 1, d->row + i))
			d->row[n - 1].count += d->row[i].count;
		else
			d->row[n++] = d->row[i];
	d->rows = n;
}

int
tlsrpt_read(struct tlsrpt_day *d, int fd_spool, char const *day, char const *domain)
{
	static stralloc text; /* the rows point into it */
	char path[32], buf[65536];
	ssize_t n;
	memset(d, 0, sizeof *d);
	d->name = day;
	snprintf(path, sizeof path, "tlsrpt/%s", day);
	int fd = openat(fd_spool, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	sa_reset(&text);
	while (text.len <= TLSRPT_DAY_MAX && (n = read(fd, buf, sizeof buf)) > 0)
		sa_catb(&text, buf, (size_t)n);
	close(fd);
	char *s = sa_str(&text), *end = s + text.len;
	/* A line without its end is still being written. */
	for (char *lf; (lf = memchr(s, '\n', (size_t)(end - s))); s = lf + 1) {
		*lf = 0;
		take(d, s, domain);
	}
	merge(d);
	return 0;
}

/* ---- who wants it ---- */

/* The value of rua in "v=TLSRPTv1; rua=URI,URI; ...". */
static int
parse_record(char const *s, stralloc *rua)
{
	s += strlen("v=TLSRPTv1");
	while (*s) {
		s += strspn(s, " \t;");
		size_t n = strcspn(s, ";");
		if (n > 4 && ascii_ieq(s, 4, "rua=")) {
			char const *value = s + 4;
			size_t len = n - 4;
			ascii_trim(&value, &len);
			sa_copyb(rua, value, len);
			return !strncmp(sa_str(rua), "mailto:", 7) || !strncmp(rua->s, "https:", 6);
		}
		s += n;
	}
	return 0;
}

int
tlsrpt_rua(char const *texts, stralloc *rua)
{
	char const *found = 0;
	for (char const *s = texts; *s; s += strlen(s) + 1) {
		if (strncmp(s, "v=TLSRPTv1", 10) || !s[10] || !strchr(" \t;", s[10]))
			continue;
		/* RFC 8460 3: of more than one, none counts. */
		if (found)
			return 0;
		found = s;
	}
	return found && parse_record(found, rua);
}
