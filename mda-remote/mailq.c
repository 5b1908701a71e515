/* mailq [-f [ID...]]: shows what waits in the spool; -f has it tried now.
 *
 * Descriptors: 1 the list, 2 messages. Arguments: -f alone: everything is tried now; with ids:
 * those messages. Environment: POSTERN_DIR. Exit: 0, 100 usage or not permitted, 111 temporary
 * (mda-remote does not run). Touches: spool/ (reads; with -f writes to its fifo). Privileges: the
 * spool's owner; root becomes it. It lives here and not in bin/ because it knows the spool's
 * format. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "mda-remote/attempt.h"
#include "mda-remote/spool.h"

#define USAGE "mailq [-f [id...]]"

static unsigned int count;
static uint64_t bytes;

/* "3h", "12m": one unit is enough. */
static void
put_span(int64_t seconds)
{
	static struct {
		char unit;
		int64_t seconds;
	} const units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
	unsigned int i = 0;
	if (seconds < 0)
		seconds = 0;
	while (i < 3 && seconds < units[i].seconds)
		i++;
	printf("%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
}

/* Replies come from strangers: no control reaches the terminal. */
static void
put_text(char const *s)
{
	for (; *s; s++)
		putchar(*s == '\n' ? ' ' : (unsigned char)*s < ' ' || *s == 127 ? '?' : *s);
}

static char const *
word_for(char state)
{
	switch (state) {
	case RCPT_WAITING:
		return "waiting";
	case RCPT_DONE:
	case RCPT_RELAYED:
		return "delivered";
	default:
		return "failed";
	}
}

static void
put_recipient(struct envelope_rcpt const *r, struct why const *why)
{
	struct attempt t;
	printf("    %-9s ", word_for(r->state));
	put_text(r->rcpt.to.text);
	putchar('\n');
	if (!why_find(why, r->at, &t))
		return;
	printf("              %s ", t.status);
	if (t.host[0]) {
		put_text(t.host);
		printf(t.ip[0] ? " [%s]: " : ": ", t.ip);
	}
	if (t.code)
		printf("%d ", t.code);
	put_text(t.text);
	putchar('\n');
}

static void
put_message(char const *name, struct envelope const *e, int64_t due, struct why const *why)
{
	int64_t now = time(0);
	printf("%s  %llu bytes  age ", name, (unsigned long long)e->length);
	put_span(now - e->arrival);
	fputs(due > now ? "  next try in " : "  due ", stdout);
	if (due > now)
		put_span(due - now);
	else
		fputs("now", stdout);
	fputs("  from <", stdout);
	put_text(e->mail.from.text);
	fputs(">\n", stdout);
	for (unsigned int i = 0; i < e->count; i++)
		put_recipient(e->rcpt + i, why);
}

static void
show(int fd_spool, char const *name)
{
	struct arena arena = ARENA_ZERO;
	struct envelope e;
	struct stat st;
	char const *reason = "it cannot be read";
	struct why why = WHY_ZERO;
	int fd = spool_file_open(fd_spool, name, O_RDONLY);
	if (fd < 0)
		return; /* delivered in this moment */
	if (fstat(fd, &st) < 0 || spool_read(&arena, fd, &e, &reason) <= 0)
		printf("%s  damaged: %s\n", name, reason);
	else {
		why_load(fd_spool, name, &why);
		put_message(name, &e, st.st_mtime, &why);
		bytes += e.length;
	}
	count++;
	close(fd);
	arena_free(&arena);
	why_free(&why);
}

static void
list(int fd_spool)
{
	for (unsigned int i = 0; i < SPOOL_HASHES; i++) {
		int fd = openat(fd_spool, (char[]){"0123456789abcdef"[i], 0},
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *dir = fd < 0 ? 0 : fdopendir(fd);
		if (!dir)
			continue;
		for (struct dirent *d; (d = readdir(dir));)
			if (spool_name_valid(d->d_name))
				show(fd_spool, d->d_name);
		closedir(dir);
	}
	if (count)
		printf("%u message%s, %llu bytes\n", count, count == 1 ? "" : "s",
		    (unsigned long long)bytes);
	else
		puts("the spool is empty");
}

static void
wake(int fd_spool, char const *line)
{
	if (spool_wake(fd_spool, line) < 0)
		strerr_diefu1sys(111, "wake mda-remote");
}

static void
retry(int fd_spool, char const *const *names)
{
	char line[SPOOL_NAME_MAX + 8];
	if (!*names)
		wake(fd_spool, "!retry");
	for (; *names; names++) {
		if (!spool_name_valid(*names))
			strerr_dief2x(100, "not an id: ", *names);
		snprintf(line, sizeof line, "!retry %s", *names);
		wake(fd_spool, line);
	}
}

int
main(int argc, char **argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	int now = 0;
	PROG = "mailq";
	for (int c; (c = subgetopt_r(argc, (char const *const *)argv, "f", &l)) >= 0; now = 1)
		if (c != 'f')
			strerr_dieusage(100, USAGE);
	if (!now && l.ind < argc)
		strerr_dieusage(100, USAGE);
	spool_become_owner();
	int fd_spool = spool_open();
	if (fd_spool < 0 && (errno == EACCES || errno == EPERM))
		strerr_dief3x(
		    100, "only root and the owner of ", conf_dir(), "/spool may look into it");
	if (fd_spool < 0)
		strerr_diefu3sys(111, "open ", conf_dir(), "/spool");
	if (now)
		retry(fd_spool, (char const *const *)argv + l.ind);
	else
		list(fd_spool);
	return fflush(stdout) ? 111 : 0;
}
