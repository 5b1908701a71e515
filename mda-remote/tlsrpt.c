#include "mda-remote/tlsrpt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/walk.h"

/* Rows of the same words, not yet on disk. */
static struct row {
	char *words;
	unsigned int count;
} rows[TLSRPT_ROWS_MAX];
static unsigned int row_count;
static int64_t flush_at;
static char day[11];	/* that is written to */
static char **policies; /* written down today: "DOMAIN POLICY" */
static size_t policy_count;
static int full; /* said of this day */

static void
today(char to[static 11])
{
	time_t t = (time_t)(walk_now() / 1000);
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(to, 11, "%Y-%m-%d", &tm);
}

/* ---- the files ---- */

/* Days are names that sort as they follow one another. */
static void
prune(int fd_dir)
{
	char last[11];
	time_t t = (time_t)(walk_now() / 1000) - (time_t)TLSRPT_DAYS * 86400;
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(last, sizeof last, "%Y-%m-%d", &tm);
	int fd = openat(fd_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? 0 : fdopendir(fd);
	for (struct dirent *e; dir && (e = readdir(dir));)
		if (strlen(e->d_name) == 10 && e->d_name[0] == '2' && strcmp(e->d_name, last) < 0)
			unlinkat(fd_dir, e->d_name, 0);
	if (dir)
		closedir(dir);
}

static void
append(stralloc const *text)
{
	struct stat st;
	int fd_dir = openat(walk.fd_spool, "tlsrpt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd =
	    fd_dir < 0 ? -1 : openat(fd_dir, day, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && !fstat(fd, &st)) {
		int room = (uint64_t)st.st_size + text->len <= TLSRPT_DAY_MAX;
		if (!st.st_size)
			prune(fd_dir);
		if (room)
			durable_write(fd, text->s, text->len);
		else if (!full)
			log_2("tlsrpt", "day", day, "state", "full");
		full = !room;
	}
	if (fd >= 0)
		close(fd);
	if (fd_dir >= 0)
		close(fd_dir);
}

static void
write_rows(void)
{
	stralloc sa = STRALLOC_ZERO;
	for (unsigned int i = 0; i < row_count; i++) {
		sa_catf(&sa, "%u %s\n", rows[i].count, rows[i].words);
		free(rows[i].words);
	}
	row_count = 0;
	if (sa.len)
		append(&sa);
	stralloc_free(&sa);
}

/* The day that is written to is today. */
static void
turn(void)
{
	char now[11];
	today(now);
	if (!strcmp(now, day))
		return;
	write_rows();
	strcpy(day, now);
	full = 0;
	while (policy_count)
		free(policies[--policy_count]);
}

void
tlsrpt_flush(int all)
{
	if (!row_count ||
	    (!all && walk_now() < flush_at && flush_at - walk_now() <= TLSRPT_FLUSH_MS))
		return;
	write_rows();
}

/* ---- what is counted ---- */

/* One line of printable ASCII. */
static char *
clean(stralloc *sa)
{
	for (size_t i = 0; i < sa->len; i++)
		if ((unsigned char)sa->s[i] < ' ' || (unsigned char)sa->s[i] > 126)
			sa->s[i] = '?';
	return sa_str(sa);
}

void
tlsrpt_add(char const *domain, char const *policy, char const *type, char const *host,
    char const *ip, char const *ours, char const *reason)
{
	stralloc sa = STRALLOC_ZERO;
	turn();
	sa_catf(&sa, "%s %s %s %s %s %s %.*s", domain, policy, type, host, ip, ours,
	    TLSRPT_REASON_MAX,
	    strcmp(type, TLSRPT_OK) ? reason : "");
	clean(&sa);
	unsigned int i = 0;
	while (i < row_count && strcmp(rows[i].words, sa.s))
		i++;
	if (i == TLSRPT_ROWS_MAX) {
		write_rows();
		i = 0;
	}
	if (!row_count)
		flush_at = walk_now() + TLSRPT_FLUSH_MS;
	if (i == row_count)
		rows[row_count++] = (struct row){xstrdup(sa.s), 0};
	rows[i].count++;
	stralloc_free(&sa);
}

void
tlsrpt_policy(char const *domain, char const *policy, char const *text)
{
	stralloc sa = STRALLOC_ZERO;
	turn();
	sa_catf(&sa, "%s %s", domain, policy);
	for (size_t i = 0; i < policy_count; i++)
		if (!strcmp(policies[i], sa_str(&sa))) {
			stralloc_free(&sa);
			return;
		}
	if (policy_count < TLSRPT_POLICIES_MAX) {
		policies = xrealloc(policies, policy_count + 1, sizeof *policies);
		policies[policy_count++] = xstrdup(sa.s);
		sa_reset(&sa);
		sa_catf(&sa, "policy %s %s ", domain, policy);
		for (char const *s = text; *s; s++)
			if (*s == '\n')
				sa_append(&sa, '|');
			else if (*s != '\r')
				sa_append(&sa, *s);
		clean(&sa);
		sa_append(&sa, '\n');
		append(&sa);
	}
	stralloc_free(&sa);
}

/* As RFC 8460 4.4 writes them. */
void
tlsrpt_tlsa(char const *domain, unsigned int port, struct mx_answer const *a, unsigned int n)
{
	stralloc text = STRALLOC_ZERO;
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = 0; a->host[i].tlsa == DNS_OK && j < a->host[i].records; j++)
			sa_catf(&text, "_%u._tcp.%s. IN TLSA %s\n", port, a->host[i].base,
			    a->host[i].record[j]);
	if (text.len)
		tlsrpt_policy(domain, "tlsa", sa_str(&text));
	stralloc_free(&text);
}

void
tlsrpt_start(void)
{
	if (mkdirat(walk.fd_spool, "tlsrpt", 0700) < 0 && errno != EEXIST)
		log_2("error", "file", "tlsrpt", "why", "it cannot be made");
}
