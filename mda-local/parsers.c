#include "mda-local/parsers.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <skalibs/selfpipe.h>

#include "lib/conf-watch.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "mda-local/channel.h"
#include "mda-local/parent.h"
#include "mda-local/parser.h"

#define ZYGOTE "mda-local-z"
#define SERVING "mda-local"

void
parsers_init(struct parsers *p, unsigned int max)
{
	*p = (struct parsers){.pid = xmalloc(max * sizeof *p->pid), .zygote = ZYGOTE_NONE};
}

/* Confined once, and copied for each connection: settings are those of etc/ as it was then. */
static int
start_zygote(struct parsers *p, uint32_t generation)
{
	enum { CONNECTION, CHANNEL, COUNT };
	int fd[COUNT];
	char nothing;
	int const r = zygote_start(&p->zygote);
	if (!r) {
		selfpipe_finish();
		prctl(PR_SET_NAME, ZYGOTE);
		parent_leave_connection();
		parser_prepare();
		zygote_serve(&nothing, 1, fd, COUNT);
		prctl(PR_SET_NAME, SERVING);
		if (dup2(fd[CONNECTION], 0) < 0 || dup2(fd[CONNECTION], 1) < 0)
			_exit(111);
		close(fd[CONNECTION]);
		/* Nobody is executed who would find it in the environment. */
		char id[ID_MAX + 1];
		id_new(id);
		parser_serve(fd[CHANNEL], id);
	}
	p->generation = generation;
	p->until = channel_now() + CONF_FRESH_MS;
	return r < 0 ? -1 : 0;
}

pid_t
parsers_add(struct parsers *p, uint32_t generation, int fd, int fd_channel)
{
	int const fds[] = {fd, fd_channel};
	if (p->generation != generation || channel_now() >= p->until)
		zygote_end(&p->zygote);
	/* One that has died has a successor. */
	for (int tries = 0; tries < 2; tries++) {
		if (p->zygote.fd < 0 && start_zygote(p, generation) < 0)
			break;
		pid_t const pid = zygote_copy(&p->zygote, "", 1, fds, sizeof fds / sizeof *fds);
		if (pid > 0) {
			p->pid[p->count++] = pid;
			return pid;
		}
		zygote_end(&p->zygote);
	}
	return -1;
}

int
parsers_bury(struct parsers *p, pid_t pid)
{
	for (unsigned int i = 0; i < p->count; i++)
		if (p->pid[i] == pid) {
			p->pid[i] = p->pid[--p->count];
			return 1;
		}
	return 0;
}
