/* A session over a Maildir of its own, for the targets that give imap commands. */
#ifndef POSTERN_FUZZ_IMAP_SET_UP_H
#define POSTERN_FUZZ_IMAP_SET_UP_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imap/commands.h"
#include "imap/compress.h"
#include "imap/limits.h"
#include "lib/sa.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static char root[] = "/tmp/fuzz-imap.XXXXXX";
static char line[LIMIT_LINE];
static struct session session;

__attribute__((weak)) void
session_bye(struct session *s, char const *text)
{
	net_putf(&s->net, "* BYE %s\r\n", text);
	s->ended = 1;
}

__attribute__((weak)) void
session_late(struct session *s, char const *during, char const *text)
{
	(void)during;
	session_bye(s, text);
}

static void
cleanup(void)
{
	rm_rf(root);
}

/* Once: an empty INBOX, and limits that keep an input short. */
static void
prepare(struct session *s)
{
	if (!mkdtemp(root))
		abort();
	atexit(cleanup);
	s->tree = (struct maildir_tree)TREE_DEFAULT(root);
	s->tree.folders_max = 20;
	s->quota = (struct quota)QUOTA_DEFAULT(root);
	s->append_limit = 1000;
	s->timeout = 1;
	s->search_memory = LIMIT_SEARCH_MEMORY;
	if (tree_create_inbox(&s->tree) < 0)
		abort();
	s->parse.line = line;
	s->parse.seconds = 1;
	s->parse.arena = &s->arena;
	s->parse.net = &s->net;
	s->fd_signal = -1;
	s->net.fd_out = open("/dev/null", O_WRONLY);
}

/* Runs what the pipe holds, which nobody writes to any more, to its end. */
static void
run(struct session *s, int fd)
{
	net_init(&s->net, fd, s->net.fd_out);
	s->ended = 0;
	s->bad = 0;
	commands_run(s);
	session_unselect(s);
	session_close_left(s);
	compress_end(&s->net);
	s->compress = 0;
	s->enabled = s->parse.utf8 = 0;
	s->parse.uidonly = 0;
	close(fd);
}

#endif
