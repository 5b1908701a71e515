#include "imap/login.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "imap/login-replies.h"
#include "lib/ascii.h"
#include "lib/log.h"
#include "lib/ucspitls.h"

static void
last_words(struct imap_login *s, int e)
{
	if (e != ETIMEDOUT)
		return;
	log_1("timeout", "during", "login");
	net_puts(&s->net, BYE_TIMEOUT);
}

enum net_line
imap_login_read_line(void *arg, char *line, size_t max, size_t *len)
{
	struct imap_login *s = arg;
	s->net.deadline = s->latest;
	int r = login_wait(&s->login, &s->net);
	if (r == 2)
		net_puts(&s->net, BYE_SHUTDOWN);
	if (r != 1) {
		last_words(s, r ? 0 : ETIMEDOUT);
		return NET_EOF;
	}
	enum net_line n = net_getline(&s->net, line, max, len);
	if (n != NET_ERROR)
		return n;
	last_words(s, errno);
	return NET_EOF;
}

/* RFC 3501 9: tag is of ASTRING-CHAR without "+". */
static int
take_tag(struct imap_login *s)
{
	char *tag;
	size_t len;
	if (!imap_login_astring_bare(&s->args, &tag, &len) || len > IMAP_LOGIN_TAG_MAX)
		return 0;
	if (memchr(tag, '+', len) || !imap_login_space(&s->args))
		return 0;
	memcpy(s->tag, tag, len);
	s->tag[len] = 0;
	return 1;
}

/* Everything that the table can tell about a command's first line: null, or the reply. */
static char const *
check_head(struct imap_login *s)
{
	char *verb;
	size_t len;
	if (memchr(s->args.s, 0, s->args.len))
		return SAY_NUL;
	if (!take_tag(s) || !imap_login_atom(&s->args, &verb, &len))
		return SAY_NO_TAG;
	struct imap_login_command const *row = imap_login_commands;
	while (row->verb && !ascii_ieq(verb, len, row->verb))
		row++;
	if (!row->verb)
		return SAY_UNKNOWN;
	s->row = row;
	if (row->has_args ? !imap_login_space(&s->args) : !imap_login_end(&s->args))
		return row->syntax;
	if (row->flags & IMAP_LOGIN_BEFORE_TLS && !ucspitls_available())
		return ucspitls_active() ? SAY_TLS_ALREADY : SAY_NO_TLS;
	if (row->flags & IMAP_LOGIN_PASSWORD && !imap_login_password_ok(s))
		return SAY_PRIVACY;
	return 0;
}

static int
drop(struct imap_login *s, size_t size)
{
	char *in;
	if (size > IMAP_LOGIN_DROP_MAX) {
		net_puts(&s->net, BYE_LITERAL);
		return 0;
	}
	while (size) {
		ssize_t n = net_fill(&s->net, &in);
		if (n <= 0) {
			last_words(s, n ? errno : 0);
			return 0;
		}
		size_t part = (size_t)n < size ? (size_t)n : size;
		net_consume(&s->net, part);
		size -= part;
	}
	return 1;
}

/* CR LF and the literal's octets, behind the line that announced them. */
static int
append(struct imap_login *s, size_t size)
{
	char *to = s->args.s + s->args.len;
	memcpy(to, "\r\n", 2);
	int r = net_readall(&s->net, to + 2, size);
	if (r <= 0) {
		last_words(s, r ? errno : 0);
		return 0;
	}
	s->args.len += 2 + size;
	return 1;
}

static char const *
check_literal(struct imap_login const *s, size_t size)
{
	if (!(s->row->flags & IMAP_LOGIN_LITERALS))
		return SAY_NO_LITERAL;
	if (size > IMAP_LOGIN_LITERAL_MAX || size + 2 >= sizeof s->text - s->args.len)
		return SAY_LITERAL;
	return 0;
}

/* The literals of a command and the lines behind them. With a problem they are read all the same
 * and dropped, lest their octets be taken for commands (RFC 7888 4). 0: the connection has ended.
 */
static int
read_literals(struct imap_login *s, char const **problem)
{
	size_t line = 0, size, len;
	int synchronizing;
	while (imap_login_literal(s->text + line, s->args.len - line, &size, &synchronizing)) {
		if (!*problem)
			*problem = check_literal(s, size);
		if (synchronizing && *problem)
			return 1;
		if (synchronizing)
			net_puts(&s->net, SAY_CONTINUE);
		if (*problem)
			s->args.len = 0;
		if (*problem ? !drop(s, size) : !append(s, size))
			return 0;
		line = s->args.len;
		enum net_line r =
		    imap_login_read_line(s, s->text + line, sizeof s->text - line, &len);
		if (r == NET_EOF)
			return 0;
		if (r == NET_LONG)
			len = 0, *problem = SAY_TOO_LONG;
		else if (memchr(s->text + line, 0, len) && !*problem)
			*problem = SAY_NUL;
		s->args.len += len;
	}
	return 1;
}

enum imap_login_read
imap_login_read(struct imap_login *s)
{
	char const *problem;
	s->tag[0] = 0;
	s->row = 0;
	s->args = (struct imap_login_cursor){.s = s->text};
	switch (imap_login_read_line(s, s->text, sizeof s->text, &s->args.len)) {
	case NET_LINE:
		break;
	case NET_LONG:
		imap_login_say(s, SAY_TOO_LONG);
		return IMAP_LOGIN_ERROR;
	default:
		return IMAP_LOGIN_END;
	}
	problem = check_head(s);
	if (!read_literals(s, &problem))
		return IMAP_LOGIN_END;
	if (!problem)
		return IMAP_LOGIN_COMMAND;
	imap_login_say(s, problem);
	return IMAP_LOGIN_ERROR;
}
