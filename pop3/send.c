#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "maildir/message.h"
#include "pop3/replies.h"
#include "pop3/session.h"

/* A wire text as it goes by, in pieces. */
struct sender {
	struct net *net;
	enum {
		INSIDE, /* a line */
		AT_START,
		AFTER_CR, /* that began the line: with an LF it is an empty one */
	} where;
	int in_body;
	uint32_t lines; /* of the body, still to be sent */
};

/* Sends s[0..n); what is all of one line's rest is looked at once. RFC 1939 3: a dot that begins a
 * line is doubled. Returns how much may be sent: less than n once the lines are used up. */
static size_t
send_part(struct sender *t, char const *s, size_t n)
{
	size_t sent = 0, i = 0;
	while (i < n && !(t->where == AT_START && t->in_body && !t->lines)) {
		if (t->where == AT_START && s[i] == '.') {
			net_put(t->net, s + sent, i - sent);
			net_put(t->net, ".", 1);
			sent = i;
		}
		char const *lf = memchr(s + i, '\n', n - i);
		size_t len = lf ? (size_t)(lf - s) + 1 - i : n - i;
		size_t cr = t->where == AT_START && s[i] == '\r';
		int empty = t->where != INSIDE && lf && len == 1 + cr;
		if (lf && t->in_body && t->lines != SEND_WHOLE)
			t->lines--;
		t->in_body |= empty;
		t->where = lf ? AT_START : cr && len == 1 ? AFTER_CR : INSIDE;
		i += len;
	}
	net_put(t->net, s + sent, i - sent);
	return i;
}

/* No reply may take forever; a slow line gets the time that a large message needs on it. */
static void
set_deadline(struct pop3 *s, uint64_t size)
{
	uint64_t more = size / POP3_RATE_MIN;
	net_deadline(
	    &s->net, s->idle + (unsigned int)(more < POP3_SEND_MAX ? more : POP3_SEND_MAX));
}

static int
send_text(struct pop3 *s, struct message *m, uint32_t lines)
{
	static char buf[MESSAGE_BUFFER];
	struct sender t = {.net = &s->net, .where = AT_START, .lines = lines};
	ssize_t n;
	while ((n = message_read(m, buf, sizeof buf)) > 0)
		if (send_part(&t, buf, (size_t)n) < (size_t)n || s->net.werr)
			break;
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
	static struct message m;
	uint64_t size = 0;
	int fd = folder_open_message(s->folder, i);
	if (fd < 0 || message_init(&m, fd) < 0) {
		net_puts(&s->net, fd < 0 && errno == ENOENT ? ERR_GONE : ERR_READ);
		return -1;
	}
	folder_size(s->folder, i, &size);
	set_deadline(s, size);
	if (lines == SEND_WHOLE)
		net_putf(&s->net, "+OK %llu octets\r\n", (unsigned long long)size);
	else
		net_puts(&s->net, OK_LIST);
	int r = send_text(s, &m, lines);
	message_close(&m);
	return r;
}
