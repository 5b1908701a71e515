/* Searches of hostile mail: the input's first line is a command, SEARCH, SORT, THREAD or ESEARCH with
 * its arguments, and the rest a message, which stands in a folder between two others. */
// sources: imap/[!il]*.c imap/list-*.c
// libs: -lunistring -lz
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imap/commands.h"
#include "imap/limits.h"
#include "lib/sa.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static char root[] = "/tmp/fuzz-search.XXXXXX";
static char line[LIMIT_LINE];
static struct session session;

void
session_bye(struct session *s, char const *text)
{
	net_putf(&s->net, "* BYE %s\r\n", text);
	s->ended = 1;
}

static void
cleanup(void)
{
	rm_rf(root);
}

static void
put(char const *name, void const *s, size_t n)
{
	char path[200];
	snprintf(path, sizeof path, "%s/cur/%s", root, name);
	FILE *f = fopen(path, "w");
	if (!f || fwrite(s, 1, n, f) != n || fclose(f))
		abort();
}

static void
prepare(struct session *s)
{
	static char const one[] = "Subject: one\nMessage-ID: <1@x>\nDate: 1 Jan 2000 00:00 +0000\n\n1\n",
			  two[] = "Subject: Re: one\nReferences: <1@x> <2@x>\n\n2\n";
	if (!mkdtemp(root))
		abort();
	atexit(cleanup);
	s->tree = (struct maildir_tree)TREE_DEFAULT(root);
	s->quota = (struct quota)QUOTA_DEFAULT(root);
	s->timeout = 1;
	s->search_memory = LIMIT_SEARCH_MEMORY;
	if (tree_create_inbox(&s->tree) < 0)
		abort();
	put("1000000001.x:2,", one, sizeof one - 1);
	put("1000000003.x:2,S", two, sizeof two - 1);
	s->parse.line = line;
	s->parse.seconds = 1;
	s->parse.arena = &s->arena;
	s->parse.net = &s->net;
	s->fd_signal = -1;
	s->net.fd_out = open("/dev/null", O_WRONLY);
}

/* Another message under the same name: what was kept of the last one is not its. */
static void
forget(void)
{
	static char const *const files[] = {"postern-index", "postern-index.log", "postern-text"};
	char path[200];
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", root, files[i]);
		(void)unlink(path);
	}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static char const before[] = "s SELECT INBOX\r\nt ", behind[] = "\r\nu NOOP\r\n";
	struct session *s = &session;
	uint8_t const *lf = memchr(data, '\n', size);
	size_t const n = lf ? (size_t)(lf - data) : size;
	int fd[2];
	if (!s->parse.line)
		prepare(s);
	if (n > 8000 || pipe(fd) < 0)
		return 0;
	forget();
	put("1000000002.x:2,F", lf ? lf + 1 : data, lf ? size - n - 1 : 0);
	if (write(fd[1], before, sizeof before - 1) < 0 || (n && write(fd[1], data, n) < 0) ||
	    write(fd[1], behind, sizeof behind - 1) < 0)
		abort();
	close(fd[1]);
	net_init(&s->net, fd[0], s->net.fd_out);
	s->ended = 0;
	s->bad = 0;
	commands_run(s);
	session_unselect(s);
	session_close_left(s);
	close(fd[0]);
	return 0;
}
