#include "mda-remote/attempt.h"

#include <fcntl.h>
#include <stdio.h>
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

void
why_load(int fd_spool, char const *name, stralloc *text)
{
	char path[SPOOL_PATH_MAX], buf[8192];
	ssize_t n;
	spool_path(path, name, ":why");
	sa_reset(text);
	int fd = openat(fd_spool, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (text->len < WHY_FILE_MAX && (n = read(fd, buf, sizeof buf)) > 0)
		sa_catb(text, buf, (size_t)n);
	close(fd);
}

int
why_find(stralloc const *text, uint64_t at, struct attempt *t)
{
	int found = 0;
	char line[2000];
	for (size_t i = 0; i < text->len;) {
		char const *s = text->s + i;
		char const *lf = memchr(s, '\n', text->len - i);
		size_t n = lf ? (size_t)(lf - s) : text->len - i;
		uint64_t which, when;
		i += n + 1;
		if (!lf || n >= sizeof line)
			continue;
		memcpy(line, s, n);
		line[n] = 0;
		size_t a = uint64_scan(line, &which);
		if (!a || which != at || line[a] != ' ')
			continue;
		size_t b = uint64_scan(line + a + 1, &when);
		if (!b || line[a + 1 + b] != ' ')
			continue;
		struct attempt got;
		if (!attempt_parse(&got, line + a + b + 2)) {
			*t = got;
			found = 1;
		}
	}
	return found;
}
