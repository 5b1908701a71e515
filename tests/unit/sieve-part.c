/* Parts of messages as Sieve reads and writes them (sieve/part.h, sieve/compose.h). */
// libs: -lunistring
#include "sieve/part.h"

#include <stdlib.h>

#include "lib/sa.h"
#include "lib/utf8.h"
#include "sieve/compose.h"
#include "tests/unit/tap.h"

static struct {
	char const *message, *text;
	int html;
	size_t max;
} const texts[] = {
    {"Subject: x\n\nabc\n", "abc\n", 0, 100},
    {"Subject: x\r\n\r\nabc\r\nd\r\n", "abc\nd\n", 0, 100},
    {"MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\naGVsbG8NCndvcmxk\n", "hello\nworld",
	0, 100},
    {"MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\na=3Db=\nc\n", "a=bc\n", 0,
	100},
    {"MIME-Version: 1.0\nContent-Transfer-Encoding: x-odd\n\nabc\n", "", 0, 100},
    {"MIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\n\n\xe9\n", "\xc3\xa9\n", 0,
	100},
    {"MIME-Version: 1.0\nContent-Type: text/plain; charset=x-none\n\na\xe9\n", "a\xef\xbf\xbd\n", 0,
	100},
    {"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\na\xc3\xa9z", "a\xc3\xa9", 0, 3},
    {"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\na\xc3\xa9z", "a", 0, 2},
    {"MIME-Version: 1.0\nContent-Type: text/html\n\n<p>one<b>two</b></p>", "<p>one<b>two</b></p>",
	0, 100},
    {"MIME-Version: 1.0\nContent-Type: application/x\nContent-Transfer-Encoding: base64\n\n/wA=\n",
	"\xef\xbf\xbd", 0, 3},
};

static void
read_texts(void)
{
	struct arena a = ARENA_ZERO;
	stralloc out = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char const *const m = texts[i].message;
		struct mime_part *const p = mime_parse(&a, m, strlen(m));
		out.len = 0;
		sieve_part_text(&out, &a, m, p, texts[i].html, 0, texts[i].max);
		tap_mem("text of a part", out.s, out.len, texts[i].text, strlen(texts[i].text));
	}
	char const *const html =
	    "Content-Type: text/html; charset=utf-8\n\n<p>one <b>two</b></p><style>x</style>";
	struct mime_part *const p = mime_parse(&a, html, strlen(html));
	out.len = 0;
	sieve_part_text(&out, &a, html, p, 1, 0, 100);
	tap_ok(memmem(out.s, out.len, "one two", 7) && !memchr(out.s, '<', out.len) &&
		   !memchr(out.s, 'x', out.len),
	    "what html shows");
	/* larger than a piece, in another encoding */
	stralloc big = STRALLOC_ZERO;
	sa_cats(&big, "MIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\n\n");
	for (int i = 0; i < 200000; i++)
		sa_append(&big, '\xe9');
	struct mime_part *const q = mime_parse(&a, big.s, big.len);
	out.len = 0;
	sieve_part_text(&out, &a, big.s, q, 0, 0, 1000000);
	tap_num("a large part", (long long)out.len, 400000);
	out.len = 0;
	sieve_part_text(&out, &a, big.s, q, 0, 0, 1001);
	tap_num("no more than asked for, and whole characters", (long long)out.len, 1000);
	stralloc_free(&big);
	stralloc_free(&out);
	arena_free(&a);
}

#define MULTI                                                                                      \
	"From: a@b.test\nSubject: old\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "         \
	"boundary=x\n\nintro\n--x\nContent-Type: text/plain\n\none\n--x\nContent-Type: "           \
	"application/exe\n\ntwo\n--x--\nend\n"

/* part: number in MULTI, 0 the whole. */
static struct {
	char const *message;
	unsigned int part;
	struct sieve_part_new with;
	char const *result;
} const replaced[] = {
    {MULTI, 2, {0, 0, "gone\n", 0},
	"From: a@b.test\nSubject: old\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
	"boundary=x\n\nintro\n--x\nContent-Type: text/plain\n\none\n--x\nContent-Type: text/plain; "
	"charset=utf-8\nContent-Transfer-Encoding: 7bit\n\ngone\n--x--\nend\n"},
    {MULTI, 1, {0, 0, "Content-Type: text/html\nX-No: no\n\n<p>", 1},
	"From: a@b.test\nSubject: old\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
	"boundary=x\n\nintro\n--x\nContent-Type: text/html\n\n<p>\n--x\nContent-Type: "
	"application/exe\n\ntwo\n--x--\nend\n"},
    {MULTI, 0, {"new", 0, "text", 0},
	"From: a@b.test\nOriginal-Subject: old\nSubject: new\nMIME-Version: 1.0\nContent-Type: "
	"text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\ntext\n"},
    {MULTI, 0, {0, "\"J\xc3\xb6rg\" <j@b.test>", "t\xc3\xa4xt", 0},
	"Original-From: a@b.test\nSubject: old\nFrom: =?utf-8?B?SsO2cmc=?= "
	"<j@b.test>\nMIME-Version: "
	"1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
	"quoted-printable\n\nt=C3=A4xt\n"},
    {"From: a@b.test\r\n\r\nx\r\n", 0, {0, 0, "y", 0},
	"From: a@b.test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-"
	"Transfer-Encoding: 7bit\r\n\r\ny\r\n"},
    {"", 0, {0, 0, "y", 0},
	"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
	"7bit\n\ny\n"},
    {"Subject: a\nno field\n", 0, {0, 0, "y", 0},
	"Subject: a\nno field\nMIME-Version: 1.0\nContent-Type: text/plain; "
	"charset=utf-8\nContent-Transfer-Encoding: 7bit\n\ny\n"},
};

static void
replace(void)
{
	struct arena a = ARENA_ZERO;
	for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
		char const *const m = replaced[i].message;
		struct mime_part *p = mime_parse(&a, m, strlen(m));
		if (replaced[i].part)
			p = p->children;
		for (unsigned int k = 1; k < replaced[i].part; k++)
			p = p->next;
		size_t len;
		char const *const s =
		    sieve_part_replace(&a, m, strlen(m), p, &replaced[i].with, &len);
		tap_mem("a part replaced", s, len, replaced[i].result, strlen(replaced[i].result));
	}
	arena_free(&a);
}

static void
enclose(void)
{
	struct arena a = ARENA_ZERO;
	char const *const m = "From: a@b.test\nSubject: old\n\nb\xc3\xa4\n";
	char const *const fields[] = {"From: x@y.test"};
	struct sieve_part_new const with = {0, "me@here.test", "look", 0};
	size_t len;
	char const *const s = sieve_part_enclose(&a, m, strlen(m), &with, fields, 1, &len);
	struct mime_part const *const p = mime_parse(&a, s, len);
	stralloc text = STRALLOC_ZERO;
	tap_ok(
	    p->kind == MIME_MULTIPART && p->count == 2 && p->children->next->kind == MIME_MESSAGE,
	    "two parts, of which one is a message");
	sieve_part_text(&text, &a, s, p->children, 0, 0, 100);
	tap_mem("the text", text.s, text.len, "look\n", 5);
	struct mime_part const *const q = p->children->next;
	tap_mem("the message as it was", s + q->body, q->end - q->body, m, strlen(m));
	struct header_field f;
	tap_ok(header_find(s, p->body, "From", &f) && f.body_len &&
		   memmem(f.body, f.body_len, "x@y.test", 8),
	    "a field that was given");
	tap_ok(header_find(s, p->body, "Date", &f), "a date");
	tap_ok(header_find(s, p->body, "Subject", &f) && memmem(f.body, f.body_len, "old", 3),
	    "its subject");
	tap_ok(header_find(s, p->body, "Content-Transfer-Encoding", &f) &&
		   memmem(f.body, f.body_len, "8bit", 4),
	    "8bit outside");
	stralloc_free(&text);
	arena_free(&a);
}

static struct {
	char const *text, *field;
} const fields[] = {
    {"hello", "X: hello\n"},
    {"  a\r\nBcc: you@there.test\t\x01 ", "X: a  Bcc: you@there.test\n"},
    {"", "X: \n"},
    {"caf\xc3\xa9", "X: =?utf-8?B?Y2Fmw6k=?=\n"},
    {"=?utf-8?Q?no?=", "X: =?utf-8?B?PT91dGYtOD9RP25vPz0=?=\n"},
    {"a\xff", "X: =?utf-8?B?Ye+/vQ==?=\n"},
    {"one two three four five six seven eight nine ten eleven twelve thirteen fourteen",
	"X: one two three four five six seven eight nine ten eleven twelve thirteen\n fourteen\n"},
    {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
     "\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
	"X: =?utf-8?B?w6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6Q=?=\n "
	"=?utf-8?B?w6Q=?=\n"},
};

static void
compose(void)
{
	stralloc out = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		out.len = 0;
		compose_text(&out, "X", fields[i].text, strlen(fields[i].text));
		tap_mem("a field", out.s, out.len, fields[i].field, strlen(fields[i].field));
	}
	stralloc longest = STRALLOC_ZERO;
	for (int i = 0; i < 10000; i++)
		sa_cats(&longest, "a");
	out.len = 0;
	compose_text(&out, "X", longest.s, longest.len);
	tap_ok(out.len < 400 && memmem(out.s, out.len, "...\n", 4),
	    "of a longer field the end is left out");
	/* quoted-printable and back, its lines bounded */
	struct arena a = ARENA_ZERO;
	longest.len = 0;
	for (int i = 0; i < 3000; i++)
		sa_append(&longest, "\xc3\xa4 =x\n\t"[(unsigned int)rand() % 7]);
	sa_append(&longest, '\n');
	sa_copys(&out, "MIME-Version: 1.0\n");
	compose_body(&out, longest.s, longest.len);
	size_t widest = 0, column = 0;
	for (size_t i = 0; i < out.len; i++) {
		column = out.s[i] == '\n' ? 0 : column + 1;
		widest = widest > column ? widest : column;
	}
	struct mime_part const *const p = mime_parse(&a, out.s, out.len);
	stralloc back = STRALLOC_ZERO, want = STRALLOC_ZERO;
	sieve_part_text(&back, &a, out.s, p, 0, 0, 100000);
	utf8_repair(&want, longest.s, longest.len);
	tap_mem("quoted-printable is read back", back.s, back.len, want.s, want.len);
	tap_ok(widest <= 76, "no line of it is too long");
	out.len = 0;
	compose_addresses(&out, "To", "a b <c@d.test>, broken, x@y.test", 32);
	tap_mem(
	    "good addresses of a list", out.s, out.len, "To: \"a b\" <c@d.test>,\n x@y.test\n", 32);
	out.len = 0;
	compose_addresses(&out, "To", "nobody", 6);
	tap_num("none", (long long)out.len, 0);
	stralloc_free(&out);
	stralloc_free(&longest);
	stralloc_free(&back);
	stralloc_free(&want);
	arena_free(&a);
}

int
main(void)
{
	read_texts();
	replace();
	enclose();
	compose();
	return tap_done();
}
