#include "imap/login.h"

#include <stdint.h>
#include <string.h>

#include "lib/ascii.h"

int
imap_login_space(struct imap_login_cursor *c)
{
	return imap_login_char(c, ' ');
}

int
imap_login_end(struct imap_login_cursor const *c)
{
	return c->at == c->len;
}

int
imap_login_char(struct imap_login_cursor *c, char wanted)
{
	if (c->at == c->len || c->s[c->at] != wanted)
		return 0;
	c->at++;
	return 1;
}

/* RFC 3501 9: ATOM-CHAR; astrings may hold "]" as well. */
static int
is_atom_char(char x, int astring)
{
	if ((unsigned char)x <= ' ' || (unsigned char)x >= 127)
		return 0;
	return !strchr("(){%*\"\\", x) && (astring || x != ']');
}

static int
bare(struct imap_login_cursor *c, char **s, size_t *len, int astring)
{
	size_t start = c->at;
	while (c->at < c->len && is_atom_char(c->s[c->at], astring))
		c->at++;
	*len = c->at - start;
	*s = c->s + start;
	return *len > 0;
}

int
imap_login_atom(struct imap_login_cursor *c, char **s, size_t *len)
{
	return bare(c, s, len, 0);
}

int
imap_login_astring_bare(struct imap_login_cursor *c, char **s, size_t *len)
{
	return bare(c, s, len, 1);
}

/* RFC 3501 9: quoted; only \" and \\ are escapes. 8-bit text is taken as it is (UTF-8 passwords).
 */
static int
quoted(struct imap_login_cursor *c, char **s, size_t *len)
{
	char *out = c->s + c->at;
	*s = out;
	while (c->at < c->len && c->s[c->at] != '"') {
		char x = c->s[c->at++];
		if (x == '\r' || x == '\n')
			return 0;
		if (x == '\\') {
			if (c->at == c->len || !strchr("\"\\", c->s[c->at]))
				return 0;
			x = c->s[c->at++];
		}
		*out++ = x;
	}
	*len = (size_t)(out - *s);
	return imap_login_char(c, '"');
}

/* As the reader left it: the header, CR LF, and the octets. */
static int
literal(struct imap_login_cursor *c, char **s, size_t *len)
{
	size_t size;
	int synchronizing;
	char *start = c->s + c->at, *end = c->s + c->len;
	char *crlf = memchr(start, '\r', c->len - c->at);
	if (!crlf || end - crlf < 2 || crlf[1] != '\n')
		return 0;
	size_t head = imap_login_literal(start, (size_t)(crlf - start), &size, &synchronizing);
	if (head != (size_t)(crlf - start) || size > (size_t)(end - crlf - 2))
		return 0;
	*s = crlf + 2;
	*len = size;
	c->at += head + 2 + size;
	return 1;
}

int
imap_login_string(struct imap_login_cursor *c, char **s, size_t *len)
{
	if (c->at < c->len && c->s[c->at] == '{')
		return literal(c, s, len);
	return imap_login_char(c, '"') && quoted(c, s, len);
}

int
imap_login_astring(struct imap_login_cursor *c, char **s, size_t *len)
{
	return bare(c, s, len, 1) || imap_login_string(c, s, len);
}

int
imap_login_nil(struct imap_login_cursor *c)
{
	if (c->len - c->at < 3 || !ascii_ieq(c->s + c->at, 3, "NIL"))
		return 0;
	c->at += 3;
	return 1;
}

/* RFC 3501 9, RFC 7888 3: "{" number ["+"] "}" at the end of the line. */
size_t
imap_login_literal(char const *line, size_t len, size_t *size, int *synchronizing)
{
	if (len < 3 || line[len - 1] != '}')
		return 0;
	size_t end = len - 1;
	*synchronizing = line[end - 1] != '+';
	if (!*synchronizing)
		end--;
	size_t start = end;
	while (start && ascii_isdigit(line[start - 1]))
		start--;
	if (start == end || !start || line[start - 1] != '{')
		return 0;
	uint64_t n = 0;
	for (size_t i = start; i < end && n <= UINT32_MAX; i++)
		n = 10 * n + (uint64_t)(line[i] - '0');
	*size = n < UINT32_MAX ? (size_t)n : UINT32_MAX;
	return len - start + 1;
}
