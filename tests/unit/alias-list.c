/* Lists in sendmail's syntax: what is read from each, as Postfix reads it unless a comment says so.
 */
#include "tests/unit/tap.h"

#include <stdlib.h>
#include <time.h>

#include "lib/sa.h"
#include "lib/alias-list.h"

/* clang-format off */
/* Items: [local@domain], \[past all aliases], |program|, f(file), m(Maildir), i(include), !bad!. */
static struct row {
	char const *list, *items;
} const rows[] = {
	{"", ""},
	{" , ,;\t\n,", ""},
	/* addresses */
	{"a@r.test, b@r.test", "[a@r.test] [b@r.test]"},
	{"a@r.test b@r.test", "[a@r.test] [b@r.test]"},
	{"a@r.test; b@r.test", "[a@r.test] [b@r.test]"},
	{"a@r.test,,b@r.test,", "[a@r.test] [b@r.test]"},
	{"a\nb\r\n  c", "[a] [b] [c]"},
	{"alice (a comment) , b@r.test", "[alice] [b@r.test]"},
	{"x@r.test (nested (comment), \\) still) , y", "[x@r.test] [y]"},
	{"(only a comment)", ""},
	{"(never closed, x\ny", "[y]"},
	{"\"A, Name\" <x@r.test>", "[x@r.test]"},
	{"Some Name <x@r.test>, y@r.test", "[x@r.test] [y@r.test]"},
	{"Some (or <none>) Name < x @ r . test > trailing", "[x@r.test] [trailing]"},
	{"<x@r.test>", "[x@r.test]"},
	{"<@a.test,@b.test:x@r.test>", "[x@r.test]"},
	{"<\"a b\"@r.test>", "[a b@r.test]"},
	{"group: a@r.test, b@r.test;", "[a@r.test] [b@r.test]"},
	{"Name of group:;, c", "[Name] [of] [c]"}, /* a phrase is no group's name; nor there */
	{"\"x\"@r.test", "[x@r.test]"},
	{"\"a,b\"@r.test", "[a,b@r.test]"},
	{"\"a b\"@r.test", "[a b@r.test]"},
	{"\"a\\\"b\\\\c\"@r.test", "[a\"b\\c@r.test]"},
	{"\"x@r.test\"", "[x@r.test]"},
	{"\"x@r.test, y\"@r.test", "[x@r.test, y@r.test]"},
	{"\"x\"y@r.test", "[x] [y@r.test]"},
	{"\"x\".y@r.test", "[x.y@r.test]"},
	{"a . b @ r.test", "[a.b@r.test]"},
	{"'x y'@r.test", "['x] [y'@r.test]"},
	{"a@[192.0.2.1]", "[a@[192.0.2.1]]"},
	{"a@[IPv6:2001:db8::1], b", "[a@[IPv6:2001:db8::1]] [b]"},
	{"a@r.test # b@r.test", "[a@r.test] [#] [b@r.test]"},
	{"j\xc3\xbcrgen@r.test", "[j\xc3\xbcrgen@r.test]"},
	/* past all aliases */
	{"\\alice", "\\[alice]"},
	{"\\alice, |true", "\\[alice] |true|"},
	{"\"\\alice\"", "\\[alice]"},
	{"\\alice@example.test", "\\[alice@example.test]"},
	{"<\\alice>", "\\[alice]"},
	{"\\\"a b\"@r.test", "\\[a b@r.test]"},
	{"a\\lice", "[alice]"},
	/* programs */
	{"\"|exit 0\"", "|exit 0|"},
	{"|\"exit 0\"", "|exit 0|"},
	{"| \"exit 0\"", "|exit 0|"},
	{"\"| exit 0\"", "|exit 0|"},
	{"|true, \"|exit 67\"", "|true| |exit 67|"},
	{"\"|exit 0\"x", "|exit 0| [x]"},
	{"\"|/bin/echo \\\"q\\\" \\\\ x, y (z)\"", "|/bin/echo \"q\" \\ x, y (z)|"},
	{"\"|IFS=' ' && exec /usr/bin/procmail -f- || exit 75 #user\"", "|IFS=' ' && exec /usr/bin/procmail -f- || exit 75 #user|"},
	{"|exit,0", "|exit| [0]"},
	/* With blanks and no quotes it is one program up to the comma, as sendmail has it. */
	{"|exit 0", "|exit 0|"},
	{"| exit 0 , x", "|exit 0| [x]"},
	{"|cd /x; run \"a, b\" (c)\ny", "|cd /x; run \"a, b\" (c)| [y]"},
	{"|run \"never closed, x\ny", "|run \"never closed, x| [y]"},
	/* files */
	{"/var/mail/box", "f(/var/mail/box)"},
	{"/var/mail/box one", "f(/var/mail/box) [one]"},
	{"\"/var/mail/box one\"", "f(/var/mail/box one)"},
	{"/var/mail/\"box one\",x", "f(/var/mail/box one) [x]"},
	{"/home/a/Maildir/", "m(/home/a/Maildir/)"},
	{"\"/home/a/Mail dir/\", b", "m(/home/a/Mail dir/) [b]"},
	{"/", "m(/)"},
	{"/dev/null", "f(/dev/null)"},
	/* includes */
	{":include:/list", "i(/list)"},
	{":INCLUDE:/list, x", "i(/list) [x]"},
	{"\":include:/a list\"", "i(/a list)"},
	{":include:\"/a list\"", "i(/a list)"},
	{":include: /list", "i() f(/list)"},
	{":include:list", "i(list)"},
	/* comments */
	{"# a, b\n  # c\nd\n#", "[d]"},
	{"a #b\n#c\n", "[a] [#b]"},
	{"a, #b", "[a] [#b]"},
	/* nothing that one could deliver to */
	{"\"unterminated, x\ny", "!unterminated, x! [y]"},
	{"/a\"b\nc", "!/ab! [c]"},
	{"a@", "!a@!"},
	{"@r.test", "!@r.test!"},
	{"a@b@r.test", "!a@b@r.test!"},
	{"\"\"", "!!"},
	{"\\", "!!"},
	{"<>", "!!"},
	{"<a b>", "!a!"},
	{"<a, b", "!a! [b]"},
	{"a@[192.0.2.1", "!a@[192.0.2.1!"},
	{"a)b", "[a] !)! [b]"},
	{"a. )b", "[a.] !)! [b]"},
	{"a>b", "[a] !>! [b]"},
	{"|", "!!"},
	{"\"|\"", "!!"},
	{"|a\x01", "!a\x01!"},
	{"/a\x7f", "!/a\x7f!"},
	{"a\x02@r.test", "!a\x02@r.test!"},
	{"\"a\tb\"@r.test", "!a\tb@r.test!"},
};
/* clang-format on */

static void
show(stralloc *out, struct alias_item const *i)
{
	static char const *const form[] = {[ALIAS_ADDRESS] = "[]",
	    [ALIAS_PROGRAM] = "||",
	    [ALIAS_FILE] = "f()",
	    [ALIAS_MAILDIR] = "m()",
	    [ALIAS_INCLUDE] = "i()",
	    [ALIAS_BAD] = "!!"};
	char const *f = form[i->kind];
	size_t n = strlen(f);
	if (out->len)
		sa_append(out, ' ');
	if (i->past)
		sa_append(out, '\\');
	sa_catb(out, f, n - 1);
	sa_cats(out, i->text);
	if (i->domain) {
		sa_append(out, '@');
		sa_cats(out, i->domain);
	}
	sa_append(out, f[n - 1]);
}

static size_t
count(char const *s, size_t n)
{
	struct arena a = ARENA_ZERO;
	struct alias_list l = alias_list(s, n);
	struct alias_item item;
	size_t items = 0;
	while (alias_next(&l, &a, &item))
		items++;
	arena_free(&a);
	return items;
}

/* A mebibyte of each of these in one line is read in a moment. */
static void
check_long(void)
{
	static char const *const parts[] = {"a ", "a,", "\"", "(", "<", "\\", "|\"", "[", ":", "a<",
	    "\"\" ", "a@b. ", "<@ ", "\\\" "};
	size_t const n = 1 << 20;
	char *s = xmalloc(n);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t const len = strlen(parts[i]);
		for (size_t k = 0; k < n; k++)
			s[k] = parts[i][k % len];
		clock_t const began = clock();
		size_t const items = count(s, n);
		tap_ok(clock() - began < 5 * CLOCKS_PER_SEC, "a MiB of %s: %zu items", parts[i],
		    items);
	}
	free(s);
}

int
main(void)
{
	stralloc got = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena a = ARENA_ZERO;
		/* Without the NUL, so that a sanitizer sees a step beyond. */
		size_t const n = strlen(rows[i].list);
		char *copy = xmalloc(n ? n : 1);
		memcpy(copy, rows[i].list, n);
		struct alias_list l = alias_list(copy, n);
		struct alias_item item;
		sa_reset(&got);
		while (alias_next(&l, &a, &item))
			show(&got, &item);
		tap_str(rows[i].list, sa_str(&got), rows[i].items);
		arena_free(&a);
		free(copy);
	}
	stralloc_free(&got);
	tap_num("an octet 0 is refused", (long long)count("a\0b", 3), 3);
	check_long();
	return tap_done();
}
