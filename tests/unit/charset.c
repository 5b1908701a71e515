/* Charsets, encoded words, transfer encodings, domains, collation and search. */
// libs: -lidn2 -lunistring
#include "lib/casemap.h"
#include "lib/charset.h"
#include "lib/idna.h"
#include "lib/sa.h"

#include "tests/unit/tap.h"

struct row {
	char const *in, *out;
};

static struct row const words[] = {
    {"plain text", "plain text"},
    {"=?ISO-8859-1?Q?a?=", "a"}, /* RFC 2047 8 */
    {"=?ISO-8859-1?Q?a?= b", "a b"},
    {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
    {"=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"},
    {"=?ISO-8859-1?Q?a_b?=", "a b"},
    {"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"},
    {"=?US-ASCII?Q?Keith_Moore?= <moore@cs.test>", "Keith Moore <moore@cs.test>"},
    {"=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xc3\xa9 Pirard"},
    {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= "
     "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	"If you can read this you understand the example."},
    {"=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=", "\xd7\x9d\xd7\x95\xd7\x9c\xd7\xa9 \xd7\x9f\xd7\x91 "
					      "\xd7\x99\xd7\x9c\xd7\x98\xd7\xa4\xd7\xa0"},
    {"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xc3\xa4"}, /* split inside a character */
    {"=?utf-8?q?=C3?= =?iso-8859-1?q?=A4?=", "\xef\xbf\xbd\xc2\xa4"},
    {"=?utf-8?b?w6Q?= x", "\xc3\xa4 x"},   /* padding missing */
    {"=?utf-8*de?q?=C3=A4?=", "\xc3\xa4"}, /* RFC 2231 5 */
    {"=?x-unknown?q?a?= b", "=?x-unknown?q?a?= b"},
    {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
    {"=?utf-8?q?=4?=", "=?utf-8?q?=4?="},
    {"=?utf-8?q?a", "=?utf-8?q?a"},
    {"=?utf-8?q?a b?=", "a b"},
    {"=?ut f-8?q?a?=", "=?ut f-8?q?a?="},
    {"=?utf-8?q?"
     "?=",
	""},
    {"a=?utf-8?q?b?=c", "abc"},
    {"=?utf-8?q?=FF?=", "\xef\xbf\xbd"},
    {"a\xe4", "a\xef\xbf\xbd"},
    {"=?shift_jis?b?k/qWew==?=", "\xe6\x97\xa5\xe6\x9c\xac"},
    {"=?=?utf-8?q?a?=", "=?a"},
    {"", ""},
};

static struct {
	char const *charset, *in, *out;
} const charsets[] = {
    {"", "a\xe4", "a\xef\xbf\xbd"},
    {"US-ASCII", "ab", "ab"},
    {"utf-8", "\xc3\xa4\xff", "\xc3\xa4\xef\xbf\xbd"},
    {"ISO-8859-1", "\xe4\x80", "\xc3\xa4\xc2\x80"},
    {" latin1 ", "\xe4", "\xc3\xa4"},
    {"iso-8859-15", "\xa4", "\xe2\x82\xac"},
    {"iso-8859-3", "\xa5", "\xef\xbf\xbd"},
    {"Windows-1252", "\x80\x81", "\xe2\x82\xac\xef\xbf\xbd"},
    {"windows-1251", "\xcf", "\xd0\x9f"},
    {"koi8-r", "\xf0", "\xd0\x9f"},
    {"iso-2022-jp", "\x1b$BF|K\\\x1b(B", "\xe6\x97\xa5\xe6\x9c\xac"},
    {"gb18030", "\xc4\xe3x", "\xe4\xbd\xa0x"},
    {"gb18030", "\xff\xff", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"big5", "a\xa7", "a\xef\xbf\xbd"},
    {"utf-7", "+AOQ-", "\xc3\xa4"},
    {"no-such", "a", 0},
    {"utf-8//IGNORE", "a", 0},
    {"x234567890123456789012345678901234567890123456789012345678901234567890", "a", 0},
};

static void
check_charsets(void)
{
	for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++) {
		char const *name = charsets[i].charset, *in = charsets[i].in;
		stralloc whole = STRALLOC_ZERO, pieces = STRALLOC_ZERO;
		struct charset c;
		int const bad =
		    charset_to_utf8(&whole, name, strlen(name), in, strlen(in), charset_iconv);
		if (!charsets[i].out) {
			tap_ok(bad == -1 && !whole.len, "charset: %s is unknown", name);
			continue;
		}
		tap_mem(name, whole.s, whole.len, charsets[i].out, strlen(charsets[i].out));
		charset_open(&c, name, strlen(name), charset_iconv);
		for (size_t k = 0; k < strlen(in); k++)
			charset_feed(&c, &pieces, in + k, 1, 0);
		charset_feed(&c, &pieces, "", 0, 1);
		charset_close(&c);
		tap_mem("  octet by octet", pieces.s, pieces.len, whole.s, whole.len);
		stralloc_free(&whole);
		stralloc_free(&pieces);
	}
	stralloc out = STRALLOC_ZERO;
	tap_ok(
	    charset_to_utf8(&out, "gb18030", 7, "a", 1, 0) == -1, "charset: no iconv, no gb18030");
}

static struct {
	char const *name, *in, *out;
} const ctes[] = {
    {0, "a=3D", "a=3D"},
    {"7BIT", "a", "a"},
    {"binary", "\xff", "\xff"},
    {"Base64", "Zm9v\nYmE", "fooba"},
    {"quoted-printable", "a=3D=\nb", "a=b"},
    {"x-unknown", "a", 0},
};

static void
check_cte(void)
{
	for (size_t i = 0; i < sizeof ctes / sizeof *ctes; i++) {
		struct cte_stream c;
		stralloc out = STRALLOC_ZERO;
		enum cte const cte = cte_by_name(ctes[i].name);
		if (!ctes[i].out) {
			tap_num("cte: unknown", cte, CTE_UNKNOWN);
			continue;
		}
		cte_start(&c, cte);
		for (char const *p = ctes[i].in; *p; p++)
			cte_feed(&c, &out, p, 1, 0);
		cte_feed(&c, &out, "", 0, 1);
		tap_mem("cte", out.s, out.len, ctes[i].out, strlen(ctes[i].out));
		stralloc_free(&out);
	}
}

static struct {
	char const *in, *ascii, *utf8;
} const domains[] = {
    {"Example.TEST", "example.test", "example.test"},
    {"example.test.", "example.test", "example.test"},
    {"b\xc3\xbc"
     "cher.example",
	"xn--bcher-kva.example",
	"b\xc3\xbc"
	"cher.example"},
    {"B\xc3\x9c"
     "CHER.example",
	"xn--bcher-kva.example",
	"b\xc3\xbc"
	"cher.example"},
    {"XN--BCHER-KVA.example", "xn--bcher-kva.example",
	"b\xc3\xbc"
	"cher.example"},
    {"fa\xc3\x9f.de", "xn--fa-hia.de", "fa\xc3\x9f.de"},
    {"\xe4\xbe\x8b\xe3\x80\x82test", "xn--fsq.test", "\xe4\xbe\x8b.test"},
    {"localhost", "localhost", "localhost"},
    {"a--b.test", "a--b.test", "a--b.test"},
    {"xn--zz-9999999999.test", 0, 0},
    {"", 0, 0},
    {".", 0, 0},
    {"a..b", 0, 0},
    {".a", 0, 0},
    {"-a.test", 0, 0},
    {"a-.test", 0, 0},
    {"a_b.test", 0, 0},
    {"a b.test", 0, 0},
    {"192.0.2.1", 0, 0},
    {"a@b", 0, 0},
    {"\xff.test", 0, 0},
    {"1234567890123456789012345678901234567890123456789012345678901234.test", 0, 0},
};

static void
check_domains(void)
{
	char longest[DOMAIN_MAX + 2];
	for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
		stralloc out = STRALLOC_ZERO, back = STRALLOC_ZERO;
		int const bad = idna_to_ascii(&out, domains[i].in, strlen(domains[i].in));
		if (!domains[i].ascii) {
			tap_ok(bad == -1 && !out.len, "idna: refused: %s", domains[i].in);
			continue;
		}
		tap_mem(domains[i].in, out.s, out.len, domains[i].ascii, strlen(domains[i].ascii));
		idna_to_utf8(&back, out.s, out.len);
		tap_mem("  and back", back.s, back.len, domains[i].utf8, strlen(domains[i].utf8));
		stralloc_free(&out);
		stralloc_free(&back);
	}
	memset(longest, 'a', sizeof longest);
	for (size_t i = 60; i < sizeof longest; i += 61)
		longest[i] = '.';
	tap_ok(domain_valid(longest, DOMAIN_MAX), "domain: 253 octets");
	tap_ok(!domain_valid(longest, DOMAIN_MAX + 1), "domain: 254 octets");
}

static struct row const casemaps[] = {
    {"aBc", "ABC"}, {"\xc3\xa4", "A\xcc\x88"}, /* a umlaut: decomposed */
    {"\xc7\x84", "Dz\xcc\x8c"},		       /* RFC 5051 2, U+01C4 */
    {"\xef\xac\x81", "fi"},		       /* ligature: compatibility decomposition */
    {"\xff", "\xff"}, {"\xcf\x83\xcf\x82", "\xce\xa3\xce\xa3"}, /* both sigmas */
};

static struct {
	char const *key, *text;
	int found;
} const searches[] = {
    {"", "x", 1},
    {"abc", "xxABCxx", 1},
    {"abc", "ababc", 1},
    {"aab", "aaaab", 1},
    {"ababc", "abababc", 1},
    {"abc", "ab c", 0},
    {"\xc3\x84", "x\xc3\xa4y", 1},
    {"\xc3\xa4", "a\xcc\x88", 1},
    {"\xc3\xa9t\xc3\xa9", "\xc3\x89T\xc3\x89", 1},
    {"a", "\xc3\xa4", 1}, /* a canonicalised umlaut begins with an a */
    {"x", "", 0},
    {"\xe6\x97\xa5", "\xe6\x9c\xac\xe6\x97\xa5", 1},
    {"\xff", "a\xff", 1},
    {"b",
	"\xe6\x97"
	"b",
	1},
};

static void
check_search(void)
{
	for (size_t i = 0; i < sizeof casemaps / sizeof *casemaps; i++) {
		stralloc out = STRALLOC_ZERO;
		casemap_unicode(&out, casemaps[i].in, strlen(casemaps[i].in));
		tap_mem("casemap", out.s, out.len, casemaps[i].out, strlen(casemaps[i].out));
		stralloc_free(&out);
	}
	for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
		struct matcher m;
		char const *t = searches[i].text;
		matcher_init(&m, searches[i].key, strlen(searches[i].key));
		tap_num("search at once", matcher_feed(&m, t, strlen(t)), searches[i].found);
		matcher_reset(&m);
		for (size_t k = 0; k < strlen(t); k++)
			matcher_feed(&m, t + k, 1);
		tap_num("search octet by octet", m.found, searches[i].found);
		matcher_free(&m);
	}
	struct matcher m;
	stralloc longest = STRALLOC_ZERO;
	sa_room(&longest, MATCHER_KEY_MAX + 1);
	memset(longest.s, 'a', MATCHER_KEY_MAX + 1);
	tap_num("search: key of 65536", matcher_init(&m, longest.s, MATCHER_KEY_MAX), 0);
	matcher_free(&m);
	tap_num("search: key of 65537", matcher_init(&m, longest.s, MATCHER_KEY_MAX + 1), -1);
	stralloc_free(&longest);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		stralloc out = STRALLOC_ZERO;
		charset_decode_words(&out, words[i].in, strlen(words[i].in), charset_iconv);
		tap_mem(words[i].in, out.s, out.len, words[i].out, strlen(words[i].out));
		stralloc_free(&out);
	}
	check_charsets();
	check_cte();
	check_domains();
	check_search();
	return tap_done();
}
