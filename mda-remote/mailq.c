/* mailq [-dj] [-f [ID...]]: shows what waits in the spool; -f has it tried now.
 *
 * Descriptors: 1 the list, 2 messages. Arguments: -d what waits for each domain; -j (or --json) as
 * JSON, an object a line; -f alone: everything is tried now; with ids: those messages. Environment:
 * POSTERN_DIR. Exit: 0, 100 usage or not permitted, 111 temporary (mda-remote does not run).
 * Touches: spool/ (reads; with -f writes to its fifo). Privileges: the spool's owner; root becomes
 * it. It lives here and not in bin/ because it knows the spool's format. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "mda-remote/queue.h"
#include "mda-remote/spool.h"

#define USAGE "mailq [-dj] [-f [id...]]"

struct list {
	int json, domains;
	uint64_t count, bytes;
	struct queue_domains by_domain;
};

static void
take(void *arg, struct queued const *q)
{
	struct list *l = arg;
	l->count++;
	l->bytes += q->damaged ? 0 : q->e.length;
	if (l->domains)
		queue_domains_add(&l->by_domain, q);
	else if (l->json)
		queue_show_json(q);
	else
		queue_show(q);
}

static void
list(int fd_spool, struct list *l)
{
	queue_state(fd_spool); /* if no walker answers, the files tell what they can */
	queue_each(fd_spool, take, l);
	if (l->domains)
		queue_domains_show(&l->by_domain, l->json);
	if (l->json)
		return;
	if (l->count)
		printf("%llu message%s, %llu bytes\n", (unsigned long long)l->count,
		    l->count == 1 ? "" : "s", (unsigned long long)l->bytes);
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

static int
open_spool(void)
{
	spool_become_owner();
	int fd_spool = spool_open();
	if (fd_spool < 0 && (errno == EACCES || errno == EPERM))
		strerr_dief3x(
		    100, "only root and the owner of ", conf_dir(), "/spool may look into it");
	if (fd_spool < 0)
		strerr_diefu3sys(111, "open ", conf_dir(), "/spool");
	return fd_spool;
}

int
main(int argc, char **argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	static struct list what;
	int now = 0;
	PROG = "mailq";
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			argv[i] = "-j";
	for (int c; (c = subgetopt_r(argc, (char const *const *)argv, "dfj", &l)) >= 0;)
		switch (c) {
		case 'd':
			what.domains = 1;
			break;
		case 'f':
			now = 1;
			break;
		case 'j':
			what.json = 1;
			break;
		default:
			strerr_dieusage(100, USAGE);
		}
	if (now ? what.json || what.domains : l.ind < argc)
		strerr_dieusage(100, USAGE);
	int fd_spool = open_spool();
	if (now)
		retry(fd_spool, (char const *const *)argv + l.ind);
	else
		list(fd_spool, &what);
	return fflush(stdout) ? 111 : 0;
}
