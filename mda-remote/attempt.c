#include "mda-remote/attempt.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/durable.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/spool.h"

#define LINE_BREAK '\t' /* stands for the '\n' of a reply on our one line */

static void
copy(char *to, size_t max, char const *from)
{
	snprintf(to, max, "%s", from ? from : "");
	for (; *to; to++)
		if (((unsigned char)*to < ' ' && *to != '\n') || *to == 127)
			*to = '?';
}

void
attempt_set(struct attempt *t, char verdict, int code, char const *status, char const *text)
{
	memset(t, 0, sizeof *t);
	t->verdict = verdict;
	t->code = code;
	copy(t->text, sizeof t->text, text);
	copy(t->status, sizeof t->status, status);
	if (!t->status[0])
		strcpy(t->status, verdict == 'w' ? "4.0.0" : verdict == 'f' ? "5.0.0" : "2.0.0");
}

void
attempt_peer(struct attempt *t, char const *host, char const *ip)
{
	copy(t->host, sizeof t->host, host);
	copy(t->ip, sizeof t->ip, ip);
	/* It is a word of the line: a path may hold blanks. */
	for (char *p = t->host; *p; p++)
		if (*p == ' ')
			*p = '?';
}

void
attempt_log(struct attempt const *t, char const *to, char const *tls, int64_t delay)
{
	log_event(t->verdict == RCPT_WAITING  ? "deferred"
		  : t->verdict == RCPT_FAILED ? "failed"
					      : "delivered");
	log_str("to", to);
	log_str("host", t->host);
	log_str("ip", t->ip);
	log_str("tls", tls ? tls : "");
	log_num("code", (uint64_t)t->code);
	log_str("status", t->status);
	log_str("reply", t->text);
	log_num("delay", delay < 0 ? 0 : (uint64_t)delay);
	log_send();
}

void
attempt_format(stralloc *out, struct attempt const *t)
{
	sa_catf(out, "%c %d %s %s %s ", t->verdict, t->code, t->status, t->host[0] ? t->host : "-",
	    t->ip[0] ? t->ip : "-");
	for (char const *p = t->text; *p; p++)
		sa_append(out, *p == '\n' ? LINE_BREAK : *p);
}

/* A word behind s into to: what follows it, or null. */
static char const *
word(char const *s, char *to, size_t max)
{
	size_t n = strcspn(s, " ");
	if (!n || n >= max || !s[n])
		return 0;
	memcpy(to, s, n);
	to[n] = 0;
	if (!strcmp(to, "-"))
		*to = 0;
	return s + n + 1;
}

int
attempt_parse(struct attempt *t, char const *s)
{
	unsigned int code;
	memset(t, 0, sizeof *t);
	if (!*s || !strchr("wdsf", *s) || s[1] != ' ')
		return -1;
	t->verdict = *s;
	size_t n = uint_scan(s + 2, &code);
	if (!n || code > 599 || s[2 + n] != ' ')
		return -1;
	t->code = (int)code;
	s = word(s + n + 3, t->status, sizeof t->status);
	s = s ? word(s, t->host, sizeof t->host) : 0;
	s = s ? word(s, t->ip, sizeof t->ip) : 0;
	if (!s)
		return -1;
	snprintf(t->text, sizeof t->text, "%s", s);
	for (char *p = t->text; *p; p++)
		if (*p == LINE_BREAK)
			*p = '\n';
	return 0;
}

void
why_add(int fd_spool, char const *name, uint64_t at, struct attempt const *t)
{
	char path[SPOOL_PATH_MAX];
	stralloc sa = STRALLOC_ZERO;
	spool_path(path, name, ":why");
	int fd = openat(fd_spool, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	sa_catf(&sa, "%llu %lld ", (unsigned long long)at, (long long)time(0));
	attempt_format(&sa, t);
	sa_append(&sa, '\n');
	durable_write(fd, sa.s, sa.len);
	close(fd);
	stralloc_free(&sa);
}

/* "AT TIME attempt" at line; *attempt is where it is, or null where that is no such line. */
static uint64_t
line_at(char const *line, char const **attempt, int64_t *when)
{
	uint64_t at, t = 0;
	size_t a = uint64_scan(line, &at);
	size_t b = a && line[a] == ' ' ? uint64_scan(line + a + 1, &t) : 0;
	*attempt = b && line[a + 1 + b] == ' ' ? line + a + b + 2 : 0;
	*when = (int64_t)(t & INT64_MAX);
	return at;
}

static int
compare(void const *a, void const *b)
{
	struct why_line const *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->attempt < y->attempt ? -1 : x->attempt > y->attempt;
}

void
why_index(struct why *w)
{
	size_t room = 0, n = 0;
	w->count = 0;
	for (char *s = w->text.s, *end = s + w->text.len, *lf; s < end; s = lf + 1) {
		char const *attempt;
		struct attempt t;
		int64_t when;
		lf = memchr(s, '\n', (size_t)(end - s));
		if (!lf)
			break;
		*lf = 0;
		uint64_t at = line_at(s, &attempt, &when);
		if (!attempt || attempt_parse(&t, attempt) < 0)
			continue;
		if (n == room) {
			room = room ? room * 2 : 64;
			w->line = xrealloc(w->line, room, sizeof *w->line);
		}
		w->line[n++] = (struct why_line){at, (size_t)(attempt - w->text.s), when};
	}
	if (n)
		qsort(w->line, n, sizeof *w->line, compare);
	/* Of each recipient the last one. */
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || w->line[i + 1].at != w->line[i].at)
			w->line[w->count++] = w->line[i];
}

void
why_load(int fd_spool, char const *name, struct why *w)
{
	char path[SPOOL_PATH_MAX], buf[8192];
	ssize_t n;
	spool_path(path, name, ":why");
	sa_reset(&w->text);
	int fd = openat(fd_spool, path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && w->text.len < WHY_FILE_MAX && (n = read(fd, buf, sizeof buf)) > 0)
		sa_catb(&w->text, buf, (size_t)n);
	if (fd >= 0)
		close(fd);
	why_index(w);
}

void
why_trim(int fd_spool, char const *name, struct why const *w)
{
	char path[SPOOL_PATH_MAX];
	stralloc sa = STRALLOC_ZERO;
	if (w->text.len < WHY_TRIM)
		return;
	for (size_t i = 0; i < w->count; i++)
		sa_catf(&sa, "%llu %lld %s\n", (unsigned long long)w->line[i].at,
		    (long long)w->line[i].when, w->text.s + w->line[i].attempt);
	spool_path(path, name, ":why");
	int fd =
	    sa.len > w->text.len / 2 ? -1 : openat(fd_spool, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd >= 0) {
		durable_write(fd, sa.s, sa.len);
		close(fd);
	}
	stralloc_free(&sa);
}

void
why_free(struct why *w)
{
	stralloc_free(&w->text);
	free(w->line);
	*w = (struct why)WHY_ZERO;
}

static struct why_line const *
line_of(struct why const *w, uint64_t at)
{
	size_t low = 0, high = w->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (w->line[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->count && w->line[low].at == at ? w->line + low : 0;
}

int
why_find(struct why const *w, uint64_t at, struct attempt *t)
{
	struct why_line const *l = line_of(w, at);
	return l && !attempt_parse(t, w->text.s + l->attempt);
}

int64_t
why_time(struct why const *w, uint64_t at)
{
	struct why_line const *l = line_of(w, at);
	return l ? l->when : 0;
}
