#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "pop3/replies.h"
#include "pop3/session.h"

/* A message as it goes by, in pieces. */
struct sender {
	struct net *net;
	enum {
		INSIDE, /* a line */
		AT_START,
		AFTER_CR, /* that began the line: with an LF it is an empty one */
	} where;
	char last; /* the octet before */
	int in_body;
	uint32_t lines; /* of the body, still to be sent */
};

/* One line, or a piece of one. RFC 1939 3: it ends in CR LF, and a dot that begins it is doubled.
 */
static void
send_line(struct sender *t, char const *s, size_t len, int whole)
{
	size_t const cr = t->where == AT_START && s[0] == '\r';
	if (t->where == AT_START && s[0] == '.')
		net_put(t->net, ".", 1);
	if (!whole) {
		net_put(t->net, s, len);
		t->last = s[len - 1];
		t->where = cr && len == 1 ? AFTER_CR : INSIDE;
		return;
	}
	int const empty = t->where != INSIDE && len == 1 + cr;
	if ((len > 1 ? s[len - 2] : t->last) == '\r')
		net_put(t->net, s, len);
	else {
		net_put(t->net, s, len - 1);
		net_put(t->net, "\r\n", 2);
	}
	t->last = '\n';
	t->where = AT_START;
	if (t->in_body && t->lines != SEND_WHOLE)
		t->lines--;
	t->in_body |= empty;
}

/* 1, or 0 when the lines are used up. */
static int
send_part(struct sender *t, char const *s, size_t n)
{
	for (char const *end = s + n; s < end;) {
		if (t->where == AT_START && t->in_body && !t->lines)
			return 0;
		char const *lf = memchr(s, '\n', (size_t)(end - s));
		size_t len = lf ? (size_t)(lf - s) + 1 : (size_t)(end - s);
		send_line(t, s, len, lf != 0);
		s += len;
	}
	return 1;
}

/* No reply may take forever; a slow line gets the time that a large message needs on it. */
static void
set_deadline(struct pop3 *s, uint64_t size)
{
	uint64_t more = size / POP3_RATE_MIN;
	net_deadline(
	    &s->net, s->idle + (unsigned int)(more < POP3_SEND_MAX ? more : POP3_SEND_MAX));
}

static ssize_t
read_some(int fd, char *buf, size_t max)
{
	ssize_t n;
	do
		n = read(fd, buf, max);
	while (n < 0 && errno == EINTR);
	return n;
}

/* The file of `size` octets: of a small one the end is known without asking for it. */
static int
send_text(struct pop3 *s, int fd, uint64_t size, uint32_t lines)
{
	struct sender t = {.net = &s->net, .where = AT_START, .lines = lines};
	uint64_t at = 0;
	ssize_t n;
	do {
		n = read_some(fd, s->text, sizeof s->text);
		if (n <= 0 || !send_part(&t, s->text, (size_t)n) || s->net.werr)
			break;
		at += (uint64_t)n;
	} while ((size_t)n == sizeof s->text || at != size);
	if (n < 0) {
		log_event("read-error");
		log_errno("why", errno);
		log_send();
		return 1;
	}
	net_puts(&s->net, t.where == AT_START ? ".\r\n" : "\r\n.\r\n");
	return s->net.werr != 0;
}

int
pop3_send(struct pop3 *s, uint32_t i, uint32_t lines)
{
	uint64_t wire = 0, disk = 0;
	int fd = folder_open_message(s->folder, i);
	if (fd < 0) {
		net_puts(&s->net, errno == ENOENT ? ERR_GONE : ERR_READ);
		return -1;
	}
	folder_size(s->folder, i, &wire);
	folder_disk_size(s->folder, i, &disk);
	set_deadline(s, wire);
	if (lines == SEND_WHOLE) {
		net_puts(&s->net, "+OK ");
		net_putnum(&s->net, wire);
		net_puts(&s->net, " octets\r\n");
	} else
		net_puts(&s->net, OK_LIST);
	int r = send_text(s, fd, disk, lines);
	close(fd);
	return r;
}
