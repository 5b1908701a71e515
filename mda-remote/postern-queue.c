/* postern-queue COMMAND [-Aj] [-f SENDER] [-l LOGIN] [-t RECIPIENT] [-d DOMAIN] [-o AGE] [ID...]:
 * shows and changes what waits in the spool.
 *
 * Commands: list, show (with the message), retry, hold, release, delete, bounce; flush (everything
 * is tried now). Messages are meant that fit all options and are one of the ids, if any are given;
 * all of them only by -A. Descriptors: 1 the list, or a line for each message that was changed, 2
 * messages. Environment: POSTERN_DIR. Exit: 0, 1 no message fits, 100 usage or not permitted, 111
 * temporary. Touches: spool/ (reads; orders go to mda-remote through the fifo; while it does not
 * run, holds its lock and changes the files itself). Privileges: the spool's owner; root becomes
 * it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "mda-remote/queue.h"
#include "mda-remote/spool.h"

#define ORDER_SECONDS 30 /* for mda-remote to take an order */
#define USAGE                                                                                      \
	"postern-queue list|show|retry|hold|release|delete|bounce [-Aj] [-f sender] [-l "          \
	"login] [-t recipient] [-d domain] [-o age] [id...] | postern-queue flush"

enum { LIST = ORDERS, SHOW, FLUSH, COMMANDS };

struct queue_tool {
	struct queue_select select;
	char const *const *ids; /* null-terminated; empty: any */
	int command;		/* enum order, or one of the above */
	int all, json;
	int fd_spool;
	int walker; /* mda-remote runs */
	unsigned int count;
	stralloc names; /* of those that were selected; each ends with a NUL */
};

static int
command_of(char const *word)
{
	static char const *const others[] = {"list", "show", "flush"};
	for (int i = 0; i < ORDERS; i++)
		if (!strcmp(word, order_word[i]))
			return i;
	for (int i = LIST; i < COMMANDS; i++)
		if (!strcmp(word, others[i - LIST]))
			return i;
	strerr_dieusage(100, USAGE);
}

static void
options(struct queue_tool *t, int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	for (int c; (c = subgetopt_r(argc, argv, "Ajf:l:t:d:o:", &l)) >= 0;)
		switch (c) {
		case 'A':
			t->all = 1;
			break;
		case 'j':
			t->json = 1;
			break;
		case 'f':
			t->select.sender = l.arg;
			break;
		case 'l':
			t->select.login = l.arg;
			break;
		case 't':
			t->select.recipient = l.arg;
			break;
		case 'd':
			t->select.domain = l.arg;
			break;
		case 'o':
			if ((t->select.age = queue_span(l.arg)) < 0)
				strerr_dief2x(100, "not an age (90, 15m, 3h, 2d): ", l.arg);
			break;
		default:
			strerr_dieusage(100, USAGE);
		}
	t->ids = argv + l.ind;
}

/* What was asked for must make sense: nobody deletes all by forgetting an option. */
static void
check(struct queue_tool const *t)
{
	struct queue_select const *s = &t->select;
	int const narrowed =
	    *t->ids || s->sender || s->login || s->recipient || s->domain || s->age;
	for (char const *const *id = t->ids; *id; id++)
		if (!spool_name_valid(*id))
			strerr_dief2x(100, "not an id: ", *id);
	if (t->json && t->command != LIST)
		strerr_dieusage(100, USAGE);
	if (t->command == FLUSH ? narrowed || t->all : t->all && narrowed)
		strerr_dieusage(100, USAGE);
	if (!narrowed && !t->all && t->command != LIST && t->command != FLUSH)
		strerr_dief1x(100, "which messages? ids, -f, -l, -t, -d, -o; or -A: all of them");
}

static void
put_message(struct queued const *q)
{
	char buf[65536];
	uint64_t at = q->damaged ? 0 : q->e.offset;
	putchar('\n');
	for (ssize_t n; (n = pread_all(q->fd, buf, sizeof buf, at)) > 0; at += (uint64_t)n)
		fwrite(buf, 1, (size_t)n, stdout);
}

/* Orders come when all are known: a directory that is changed while it is read may show a message
 * twice. */
static void
take(void *arg, struct queued const *q)
{
	struct queue_tool *t = arg;
	if (!queue_selected(&t->select, q))
		return;
	t->count++;
	if (t->command < ORDERS)
		sa_catb(&t->names, q->name, strlen(q->name) + 1);
	else if (t->json)
		queue_show_json(q);
	else
		queue_show(q);
	if (t->command == SHOW)
		put_message(q);
}

static void
order(struct queue_tool *t, char const *line)
{
	if (spool_order(t->fd_spool, line, ORDER_SECONDS) < 0)
		strerr_diefu1sys(111, "reach mda-remote");
}

static void
order_all(struct queue_tool *t)
{
	char line[SPOOL_LINE_MAX];
	for (char const *name = t->names.s; name < t->names.s + t->names.len;
	     name += strlen(name) + 1) {
		snprintf(line, sizeof line, "!%s %s", order_word[t->command], name);
		if (t->walker)
			order(t, line);
		else if (order_file(t->fd_spool, name, (enum order)t->command) < 0 &&
			 errno != ENOENT)
			strerr_diefu4sys(111, order_word[t->command], " ", name, "");
		printf("%s %s\n", order_word[t->command], name);
	}
}

static void
open_spool(struct queue_tool *t)
{
	spool_become_owner();
	t->fd_spool = spool_open();
	if (t->fd_spool < 0 && (errno == EACCES || errno == EPERM))
		strerr_dief3x(
		    100, "only root and the owner of ", conf_dir(), "/spool may look into it");
	if (t->fd_spool < 0)
		strerr_diefu3sys(111, "open ", conf_dir(), "/spool");
	if (t->command == LIST || t->command == SHOW)
		return;
	int const locked = spool_lock(t->fd_spool);
	if (locked < 0)
		strerr_diefu1sys(111, "lock the spool");
	t->walker = !locked;
	if (!t->walker && (t->command == FLUSH || t->command == ORDER_RETRY))
		strerr_dief1x(111, "mda-remote does not run");
}

int
main(int argc, char **argv)
{
	static struct queue_tool t;
	PROG = "postern-queue";
	if (argc < 2)
		strerr_dieusage(100, USAGE);
	t.command = command_of(argv[1]);
	options(&t, argc - 1, (char const *const *)argv + 1);
	check(&t);
	open_spool(&t);
	if (t.command == FLUSH) {
		order(&t, "!retry");
		return 0;
	}
	for (char const *const *id = t.ids; *id; id++)
		queue_one(t.fd_spool, *id, take, &t);
	if (!*t.ids)
		queue_each(t.fd_spool, take, &t);
	order_all(&t);
	if (fflush(stdout))
		strerr_diefu1sys(111, "write");
	return t.count || t.command == LIST ? 0 : 1;
}
