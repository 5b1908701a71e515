/* base64, quoted-printable, xtext, UTF-8, modified UTF-7, FNV-1a. */
#include "lib/base64.h"
#include "lib/fnv.h"
#include "lib/mutf7.h"
#include "lib/qp.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "lib/xtext.h"

#include "tests/unit/tap.h"

typedef int codec_fn(stralloc *out, char const *s, size_t n);

/* Null: the input is refused. */
struct row {
	char const *name, *in, *out;
};

static void
check(char const *what, codec_fn *fn, struct row const *r, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		stralloc out = STRALLOC_ZERO;
		char name[200];
		sa_cats(&out, "kept ");
		int const bad = fn(&out, r[i].in, strlen(r[i].in));
		snprintf(name, sizeof name, "%s: %s", what, r[i].name);
		if (r[i].out && !bad) {
			tap_mem(name, out.s + 5, out.len - 5, r[i].out, strlen(r[i].out));
		} else {
			tap_ok(bad == (r[i].out ? 0 : -1), "%s", name);
			tap_ok(out.len == 5, "%s: output as it was", name);
		}
		stralloc_free(&out);
	}
}
#define CHECK(what, fn, rows) check(what, fn, rows, sizeof rows / sizeof *rows)

static struct row const base64_rows[] = {
    {"empty", "", ""},
    {"f (RFC 4648 10)", "Zg==", "f"},
    {"fo", "Zm8=", "fo"},
    {"foo", "Zm9v", "foo"},
    {"foobar", "Zm9vYmFy", "foobar"},
    {"no padding", "Zg", 0},
    {"unused bits set", "Zh==", 0},
    {"unused bits set, two octets", "Zm9=", 0},
    {"padding inside", "Zg==Zg==", 0},
    {"white space", "Zm9v\n", 0},
    {"only padding", "====", 0},
    {"three pads", "Z===", 0},
    {"other alphabet", "Zm-_", 0},
    {"8-bit", "Zm9\xc3", 0},
};

static int
base64_enc(stralloc *out, char const *s, size_t n)
{
	base64_encode(out, s, n);
	return 0;
}

static struct row const base64_enc_rows[] = {
    {"empty", "", ""},
    {"f", "f", "Zg=="},
    {"fo", "fo", "Zm8="},
    {"foo", "foo", "Zm9v"},
    {"high octets", "\xff\xfe\xfd", "//79"},
};

/* Fed octet by octet, so that every state is crossed. */
static int
base64_lenient(stralloc *out, char const *s, size_t n)
{
	struct base64_stream b = {0};
	for (size_t i = 0; i < n; i++)
		base64_feed(&b, out, s + i, 1);
	base64_feed(&b, out, "=", 1);
	return 0;
}

static struct row const lenient_rows[] = {
    {"line breaks", "Zm9v\r\nYmFy\n", "foobar"},
    {"noise", "Z!m*9\tv", "foo"},
    {"no padding", "Zm8", "fo"},
    {"goes on behind padding", "Zg==Zg==", "ff"},
    {"lone character", "Zm9vZ", "foo"},
    {"nothing", "!!", ""},
};

static int
qp(stralloc *out, char const *s, size_t n)
{
	struct qp_stream q = {0};
	for (size_t i = 0; i < n; i++)
		qp_feed(&q, out, s + i, 1, 0);
	qp_feed(&q, out, "", 0, 1);
	return 0;
}

static int
qp_whole(stralloc *out, char const *s, size_t n)
{
	struct qp_stream q = {0};
	qp_feed(&q, out, s, n, 1);
	return 0;
}

static struct row const qp_rows[] = {
    {"RFC 2045 6.7", "Now's the time =\r\nfor all folk to come=\r\n to the aid.",
	"Now's the time for all folk to come to the aid."},
    {"escapes", "=C3=A4=3D", "\xc3\xa4="},
    {"lower case", "=c3=a4", "\xc3\xa4"},
    {"blanks at line end", "a \t\r\nb  \nc ", "a\r\nb\nc"},
    {"blanks behind a soft break", "a= \t\r\nb", "ab"},
    {"not an escape", "=G1=4=", "=G1=4"},
    {"cut escape", "a=4", "a=4"},
    {"escape cut by a line", "a=4\nb", "a=4\nb"},
    {"equals at the end", "a=", "a"},
    {"bare CR", "a\rb", "a\rb"},
    {"double equals", "==41", "=A"},
};

/* More blanks than are held back are text. */
static void
qp_blanks(void)
{
	char in[3 * QP_HELD + 4];
	for (int escape = 0; escape < 2; escape++) {
		stralloc out = STRALLOC_ZERO;
		memset(in, ' ', sizeof in);
		in[0] = escape ? '=' : 'a';
		in[sizeof in - 2] = 'x';
		in[sizeof in - 1] = 'y';
		qp(&out, in, sizeof in);
		tap_mem("quoted-printable: long blanks", out.s, out.len, in, sizeof in);
		stralloc_free(&out);
	}
}

static struct row const word_rows[] = {
    {"underscore", "a_b=20c", "a b c"},
    {"bad escape", "a=2", 0},
    {"not hexadecimal", "=xy", 0},
};

static int
xtext_enc(stralloc *out, char const *s, size_t n)
{
	xtext_encode(out, s, n);
	return 0;
}

static struct row const xtext_enc_rows[] = {
    {"plain", "a@b.test", "a@b.test"},
    {"plus, equals, blank", "a+b=c d", "a+2Bb+3Dc+20d"},
    {"8-bit and control", "\xc3\n", "+C3+0A"},
};

static struct row const xtext_rows[] = {
    {"RFC 3461 style", "rfc822;a+2Bb+3Dc", "rfc822;a+b=c"},
    {"lower case", "+2b", 0},
    {"cut", "a+2", 0},
    {"bare equals", "a=b", 0},
    {"blank", "a b", 0},
    {"8-bit", "\xc3\xa4", 0},
};

static struct row const mutf7_rows[] = {
    {"ascii", "INBOX.Sent", "INBOX.Sent"},
    {"ampersand", "a & b", "a &- b"},
    {"RFC 3501 5.1.3", "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
	"~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
    {"umlaut", "Entw\xc3\xbcrfe", "Entw&APw-rfe"},
    {"beyond the BMP", "\xf0\x9f\x98\x80", "&2D3eAA-"},
    {"control", "a\tb", "a&AAk-b"},
    {"not UTF-8", "a\xff", 0},
    {"surrogate", "\xed\xa0\x80", 0},
};

static struct row const mutf7_dec_rows[] = {
    {"RFC 3501 5.1.3", "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
    {"ampersand", "a &- b", "a & b"},
    {"two ampersands", "&-&-", "&&"},
    {"beyond the BMP", "&2D3eAA-", "\xf0\x9f\x98\x80"},
    {"superfluous shift (RFC 3501 5.1.3)", "&Jjo-!", "\xe2\x98\xba!"},
    {"shift for ASCII", "&AGE-", 0},
    {"two shifts in a row", "&U,BTFw-&ZeVnLIqe-", 0},
    {"ampersand behind a shift", "&APw-&-", "\xc3\xbc&"},
    {"unfinished", "a&APw", 0},
    {"lone ampersand", "a&b", 0},
    {"slash for comma", "&U/BTFw-", 0},
    {"padding", "&APw=-", 0},
    {"unused bits", "&APx-", 0},
    {"odd octets", "&AA-", 0},
    {"lone high surrogate", "&2D0-", 0},
    {"lone low surrogate", "&3gA-", 0},
    {"8-bit", "\xc3\xbc", 0},
    {"control", "a\tb", 0},
};

static void
utf8_rows(void)
{
	static struct {
		char const *s;
		int valid;
		size_t partial;
	} const rows[] = {
	    {"a", 1, 0},
	    {"\xc3\xa4", 1, 0},
	    {"\xef\xbf\xbf", 1, 0},
	    {"\xf4\x8f\xbf\xbf", 1, 0},
	    {"\xf4\x90\x80\x80", 0, 0},
	    {"\xc0\x80", 0, 0},
	    {"\xc1\xbf", 0, 0},
	    {"\xe0\x9f\xbf", 0, 0},
	    {"\xf0\x8f\xbf\xbf", 0, 0},
	    {"\xed\xa0\x80", 0, 0},
	    {"\x80", 0, 0},
	    {"\xff", 0, 0},
	    {"\xc3", 0, 1},
	    {"\xe2\x82", 0, 2},
	    {"\xf0\x9f\x98", 0, 3},
	    {"\xe2(", 0, 0},
	    {"\xed\xa0", 0, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t const n = strlen(rows[i].s);
		tap_ok(utf8_valid(rows[i].s, n) == rows[i].valid, "utf8: valid, row %zu", i);
		tap_ok(utf8_partial(rows[i].s, n) == rows[i].partial, "utf8: partial, row %zu", i);
	}
	stralloc out = STRALLOC_ZERO;
	utf8_repair(&out, "a\xff\xc3\xa4\xe2\x82", 6);
	tap_mem(
	    "utf8: repair", out.s, out.len, "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd", 12);
	stralloc_free(&out);
}

/* Names longer than one piece of the encoder come back. */
static void
mutf7_long(void)
{
	stralloc name = STRALLOC_ZERO, code = STRALLOC_ZERO, back = STRALLOC_ZERO;
	int same = 1;
	for (unsigned int n = 0; n < 400; n++) {
		sa_cats(&name, n % 3 ? "\xc3\xa4" : "\xf0\x9f\x98\x80");
		code.len = back.len = 0;
		same &= !mutf7_encode(&code, name.s, name.len) &&
			!mutf7_decode(&back, code.s, code.len) && back.len == name.len &&
			!memcmp(back.s, name.s, name.len);
	}
	tap_ok(same, "mutf7: 400 long names come back");
	stralloc_free(&name);
	stralloc_free(&code);
	stralloc_free(&back);
}

/* The authors' values; in one go and in two. */
static void
fnv_rows(void)
{
	static struct {
		char const *text;
		uint32_t h32;
		uint64_t h64;
	} const rows[] = {
	    {"", 0x811c9dc5, UINT64_C(0xcbf29ce484222325)},
	    {"a", 0xe40c292c, UINT64_C(0xaf63dc4c8601ec8c)},
	    {"foobar", 0xbf9cf968, UINT64_C(0x85944171f73967e8)},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char const *s = rows[i].text;
		size_t const n = strlen(s), k = n / 2;
		tap_ok(fnv32(FNV32_BEGIN, s, n) == rows[i].h32, "FNV-1a, 32 bits: %s", s);
		tap_ok(fnv32(fnv32(FNV32_BEGIN, s, k), s + k, n - k) == rows[i].h32, "in two: %s", s);
		tap_ok(fnv64(FNV64_BEGIN, s, n) == rows[i].h64, "FNV-1a, 64 bits: %s", s);
		tap_ok(fnv64(fnv64(FNV64_BEGIN, s, k), s + k, n - k) == rows[i].h64, "in two: %s", s);
		tap_ok(fnv32_folded(FNV32_BEGIN, s, n) == rows[i].h32, "folded: %s", s);
	}
	tap_ok(fnv32_folded(FNV32_BEGIN, "FooBAR\xc4", 7) == fnv32(FNV32_BEGIN, "foobar\xc4", 7),
	    "folded: only ASCII letters are alike");
}

int
main(void)
{
	CHECK("base64 decode", base64_decode, base64_rows);
	CHECK("base64 encode", base64_enc, base64_enc_rows);
	CHECK("base64 lenient", base64_lenient, lenient_rows);
	CHECK("quoted-printable", qp, qp_rows);
	CHECK("quoted-printable at once", qp_whole, qp_rows);
	CHECK("q word", qp_decode_word, word_rows);
	CHECK("xtext encode", xtext_enc, xtext_enc_rows);
	CHECK("xtext decode", xtext_decode, xtext_rows);
	CHECK("mutf7 encode", mutf7_encode, mutf7_rows);
	CHECK("mutf7 decode", mutf7_decode, mutf7_dec_rows);
	qp_blanks();
	mutf7_long();
	utf8_rows();
	fnv_rows();
	return tap_done();
}
