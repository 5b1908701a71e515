/* Searches of hostile mail: the input's first line is a command, SEARCH, SORT, THREAD or ESEARCH
 * with its arguments, and the rest a message, which stands in a folder between two others. */
#include <stdio.h>

#include "tests/fuzz/imap/set-up.h"

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
begin(struct session *s)
{
	static char const one[] =
	    "Subject: one\nMessage-ID: <1@x>\nDate: 1 Jan 2000 00:00 +0000\n\n1\n",
			  two[] = "Subject: Re: one\nReferences: <1@x> <2@x>\n\n2\n";
	prepare(s);
	put("1000000001.x:2,", one, sizeof one - 1);
	put("1000000003.x:2,S", two, sizeof two - 1);
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
		begin(s);
	if (n > 8000 || pipe(fd) < 0)
		return 0;
	forget();
	put("1000000002.x:2,F", lf ? lf + 1 : data, lf ? size - n - 1 : 0);
	if (write(fd[1], before, sizeof before - 1) < 0 || (n && write(fd[1], data, n) < 0) ||
	    write(fd[1], behind, sizeof behind - 1) < 0)
		abort();
	close(fd[1]);
	run(s, fd[0]);
	return 0;
}
