#include "bin/sendmail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"

/* What input is, byte by byte: cron pipes the output of hours in here, so the message is complete
 * before a server is asked to wait for it. */
struct input {
	struct sendmail *s;
	int bol, dot, cr; /* at a line's begin; behind its dot; a CR is held back */
	int end;
	char out[4096];
	size_t len;
};

static int
temporary(void)
{
	char const *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	char name[] = "/tmp/sendmail.XXXXXX";
	fd = mkstemp(name);
	if (fd < 0)
		sendmail_die(SENDMAIL_OS, "unable to make a temporary file: ", strerror(errno));
	unlink(name);
	return fd;
}

static void
flush(struct input *in)
{
	struct sendmail *s = in->s;
	if (s->fd_rest < 0 && s->text.len + in->len > SENDMAIL_MEMORY)
		s->fd_rest = temporary();
	if (s->fd_rest < 0)
		sa_catb(&s->text, in->out, in->len);
	else if (durable_write(s->fd_rest, in->out, in->len) < 0)
		sendmail_die(SENDMAIL_IO, "unable to write a temporary file: ", strerror(errno));
	in->len = 0;
}

static void
put(struct input *in, char c)
{
	if (in->len == sizeof in->out)
		flush(in);
	in->out[in->len++] = c;
	in->bol = c == '\n';
}

static void
take(struct input *in, char c)
{
	if (c == '\r' && !in->cr) {
		in->cr = 1;
		return;
	}
	if (in->dot) {
		in->dot = 0;
		if (c == '\n') {
			in->end = 1;
			return;
		}
		put(in, '.');
	}
	if (in->cr && c != '\n')
		put(in, '\r');
	in->cr = c == '\r';
	if (in->cr)
		return;
	if (c == '.' && in->bol && !in->s->no_dots)
		in->dot = 1;
	else
		put(in, c);
}

void
sendmail_read(struct sendmail *s)
{
	struct input in = {.s = s, .bol = 1};
	char buf[16384];
	ssize_t n;
	while (!in.end && (n = read(0, buf, sizeof buf))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			sendmail_die(SENDMAIL_IO, "unable to read the message: ", strerror(errno));
		for (ssize_t i = 0; i < n && !in.end; i++)
			take(&in, buf[i]);
	}
	/* A dot that is the very last byte ended the message too. */
	if (!in.bol && !in.end)
		put(&in, '\n');
	flush(&in);
	sa_str(&s->text);
}
