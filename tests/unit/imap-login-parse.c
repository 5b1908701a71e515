/* imap-login's arguments: atoms, strings, literals (RFC 3501 9, RFC 7888). */
// objects: imap/login-parse.o
#include <stdint.h>

#include "imap/login.h"
#include "tests/unit/tap.h"

struct astring {
	char const *text;
	int ok;
	char const *value;
	size_t rest; /* octets left */
};

/* clang-format off */
static struct astring const astrings[] = {
	{"abc def", 1, "abc", 4},
	{"a]b", 1, "a]b", 0},
	{"a%", 1, "a", 1},
	{"", 0, 0, 0}, {" a", 0, 0, 0}, {"(a)", 0, 0, 0}, {"*", 0, 0, 0}, {"\x7f", 0, 0, 0}, {"\xc3\xa4", 0, 0, 0},
	{"\"\"", 1, "", 0},
	{"\"a b\" c", 1, "a b", 2},
	{"\"a\\\"b\\\\c\"", 1, "a\"b\\c", 0},
	{"\"\xc3\xa4\"", 1, "\xc3\xa4", 0},
	{"\"a", 0, 0, 0}, {"\"a\\", 0, 0, 0}, {"\"a\\n\"", 0, 0, 0}, {"\"a\r\n\"", 0, 0, 0}, {"\"", 0, 0, 0},
	{"{0}\r\n", 1, "", 0},
	{"{3}\r\na\"b x", 1, "a\"b", 2},
	{"{3+}\r\nabc", 1, "abc", 0},
	{"{2}\r\n\r\n.", 1, "\r\n", 1},
	{"{4}\r\nabc", 0, 0, 0}, {"{3}abc", 0, 0, 0}, {"{}\r\nabc", 0, 0, 0}, {"{+}\r\n", 0, 0, 0}, {"{3", 0, 0, 0},
	{"{3}\r", 0, 0, 0}, {"{1}\rx", 0, 0, 0},
	{"{3-}\r\nabc", 0, 0, 0}, {"{99999999999999999999}\r\n", 0, 0, 0}, {"{", 0, 0, 0},
};
static struct {
	char const *line;
	size_t head, size;
	int synchronizing;
} const literals[] = {
	{"a LOGIN {5}", 3, 5, 1},
	{"a LOGIN {12+}", 5, 12, 0},
	{"{0}", 3, 0, 1},
	{"a {4294967296}", 12, UINT32_MAX, 1},
	{"a {18446744073709551617}", 22, UINT32_MAX, 1},
	{"a {5} ", 0, 0, 0}, {"a {}", 0, 0, 0}, {"a {+}", 0, 0, 0}, {"a 5}", 0, 0, 0}, {"}", 0, 0, 0}, {"a {x}", 0, 0, 0}, {"", 0, 0, 0},
};
/* clang-format on */

static void
test_astring(struct astring const *t)
{
	char text[100], *s;
	size_t len;
	struct imap_login_cursor c = {.s = text, .len = strlen(t->text)};
	memcpy(text, t->text, c.len + 1);
	int ok = imap_login_astring(&c, &s, &len);
	tap_num(t->text, ok, t->ok);
	if (!ok || !t->ok)
		return;
	tap_mem(t->text, s, len, t->value, strlen(t->value));
	tap_num("what is left", (long long)(c.len - c.at), (long long)t->rest);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof astrings / sizeof *astrings; i++)
		test_astring(astrings + i);
	for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
		size_t size = 0;
		int synchronizing = 0;
		size_t head = imap_login_literal(
		    literals[i].line, strlen(literals[i].line), &size, &synchronizing);
		tap_num(literals[i].line, (long long)head, (long long)literals[i].head);
		if (!head)
			continue;
		tap_num("its size", (long long)size, (long long)literals[i].size);
		tap_num("synchronizing", synchronizing, literals[i].synchronizing);
	}
	return tap_done();
}
