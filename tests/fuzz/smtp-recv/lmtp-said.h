/* What an LMTP client has said, checked against the replies that it was given: nothing of a message is ever taken for a command, and no
 * command has a control in it. */
#ifndef POSTERN_FUZZ_LMTP_SAID_H
#define POSTERN_FUZZ_LMTP_SAID_H

#include <stdlib.h>
#include <string.h>

struct lmtp_said {
	char const *at, *end;
	char const *(*reply)(size_t n); /* behind that to LHLO, the first is 0 */
	size_t replies, rcpts;
};

static inline int
lmtp_is(char const *line, size_t n, char const *verb)
{
	return n >= strlen(verb) && !memcmp(line, verb, strlen(verb));
}

/* A line without its end; 0: there is no whole one. */
static inline size_t
lmtp_line(struct lmtp_said *s, char const **line)
{
	char const *end = memmem(s->at, (size_t)(s->end - s->at), "\r\n", 2);
	if (!end)
		return 0;
	*line = s->at;
	s->at = end + 2;
	for (char const *c = *line; c < end; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			abort();
	return (size_t)(end - *line);
}

static inline void
lmtp_text(char const *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((text[i] == '\n' && (!i || text[i - 1] != '\r')) || (text[i] == '\r' && (i + 1 == n || text[i + 1] != '\n')) || !text[i])
			abort();
}

/* What follows DATA, up to its dot. 0: it has no end. */
static inline int
lmtp_dots(struct lmtp_said *s)
{
	char const *dot = s->end - s->at >= 3 && !memcmp(s->at, ".\r\n", 3) ? s->at : memmem(s->at, (size_t)(s->end - s->at), "\r\n.\r\n", 5);
	if (!dot)
		return 0;
	dot += *dot == '\r' ? 2 : 0;
	lmtp_text(s->at, (size_t)(dot - s->at));
	s->at = dot + 3;
	return 1;
}

static inline int
lmtp_chunk(struct lmtp_said *s, char const *line)
{
	size_t const n = strtoul(line + 5, 0, 10);
	if ((size_t)(s->end - s->at) < n)
		return 0;
	lmtp_text(s->at, n);
	s->at += n;
	s->replies += s->rcpts ? s->rcpts - 1 : 0;
	s->rcpts = 0;
	return 1;
}

/* 0: what was said ends here. */
static inline int
lmtp_command(struct lmtp_said *s)
{
	char const *line;
	size_t const n = lmtp_line(s, &line);
	if (!n)
		return 0;
	if (lmtp_is(line, n, "LHLO "))
		return 1;
	char const *reply = s->reply(s->replies++);
	if (lmtp_is(line, n, "BDAT "))
		return lmtp_chunk(s, line);
	if (lmtp_is(line, n, "RCPT TO:<"))
		s->rcpts += *reply == '2';
	else if (lmtp_is(line, n, "MAIL FROM:<") || lmtp_is(line, n, "RSET"))
		s->rcpts = 0;
	else if (lmtp_is(line, n, "DATA") && *reply == '3') {
		s->replies += s->rcpts;
		s->rcpts = 0;
		return lmtp_dots(s);
	} else if (!lmtp_is(line, n, "DATA") && !lmtp_is(line, n, "XFORWARD ") && !lmtp_is(line, n, "QUIT"))
		abort();
	return 1;
}

#endif
