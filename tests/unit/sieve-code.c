/* Compiled code that is torn, damaged or made by somebody else: it is refused, or does no harm;
 * scripts at the limits; many messages; time. */
// libs: -lunistring
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/crc32c.h"
#include "lib/sa.h"
#include "sieve/code.h"
#include "sieve/sieve.h"

#include "tests/unit/tap.h"

static struct arena arena;
static struct sieve_limits const limits = SIEVE_LIMITS_DEFAULT;

static char const script[] =
    "require [\"fileinto\", \"variables\", \"imap4flags\", \"date\", \"index\", \"foreverypart\", "
    "\"mime\", \"regex\", \"relational\","
    "\"include\", \"vacation\", \"body\", \"extracttext\"];\n"
    "set \"a\" \"b\";\n"
    "if anyof (header :matches \"subject\" [\"*x*\", \"?${a}\"], not size :over 10K, address "
    ":localpart [\"from\", \"to\"] \"x\")\n"
    "{ fileinto :flags [\"a\", \"b\"] \"x${1}\"; } elsif true { keep; } else { stop; }\n"
    "foreverypart { if header :mime :param [\"a\", \"b\"] :regex \"content-type\" \"x+\" { break; "
    "}\n"
    "  foreverypart :name \"y\" { extracttext :first 10 \"c\"; break :name \"y\"; } }\n"
    "if date :index 2 :last :zone \"+0100\" :value \"ge\" \"date\" \"hour\" [\"09\"] { stop; }\n"
    "include :once :optional \"q\"; vacation :days 3 :addresses [\"a@b.test\"] \"r\"; if body "
    ":contains \"x\" { keep; }\n";
static char const message[] =
    "From: a@b.test\nTo: c@d.test\nSubject: axb\nDate: Mon, 2 Jan 2006 15:04:05 +0100\n"
    "Content-Type: multipart/mixed; boundary=x; a=xx\n\n--x\n\nhello x\n--x--\n";

/* Code of at least 4 octets' alignment. */
static void
make(stralloc *code)
{
	struct sieve_errors e;
	code->len = 0;
	if (sieve_compile(code, &arena, script, strlen(script), &limits, &e) < 0)
		printf("# line %u: %s\n", e.list[0].line, e.list[0].text);
}

static void
run(struct sieve_code const *c, struct sieve_result *r)
{
	struct sieve_job job = {.message = {message, sizeof message - 1, 0},
	    .envelope = {"a@b.test", "c@d.test", 0},
	    .limits = limits,
	    .now = 1000000};
	job.limits.steps = 20000;
	arena_reset(&arena);
	sieve_run(r, &arena, &c, 1, &job);
}

/* 1 if it opened. */
static int
open_and_run(char const *s, size_t n)
{
	struct sieve_code c;
	struct sieve_result r;
	if (sieve_code_open(&c, s, n, "script") < 0)
		return 0;
	run(&c, &r);
	return r.count >= 1;
}

static void
checksum(char *s)
{
	struct code_header h;
	size_t const behind = offsetof(struct code_header, crc) + sizeof h.crc;
	memcpy(&h, s, sizeof h);
	h.crc = crc32c(0, s + behind, h.size - behind);
	memcpy(s, &h, sizeof h);
}

/* Code with a right checksum of which up to four words are others. */
static void
several_changes(stralloc const *code, char *copy)
{
	size_t ran = 0;
	for (unsigned int seed = 1; seed < 20000; seed++) {
		memcpy(copy, code->s, code->len);
		uint32_t x = seed * 2654435761u;
		for (unsigned int k = 0; k < 1 + seed % 4; k++, x = x * 1664525 + 1013904223) {
			size_t const at = sizeof(struct code_header) / 4 +
					  x % (code->len / 4 - sizeof(struct code_header) / 4);
			uint32_t w = x >> 7 & 1 ? x >> 24 : (x >> 8 & 0xffff) | (x >> 4 & 3) << 30;
			memcpy(copy + at * 4, &w, 4);
		}
		checksum(copy);
		ran += (size_t)open_and_run(copy, code->len);
	}
	tap_ok(1, "nor do 20000 of several changes (%zu ran)", ran);
}

static void
damaged(void)
{
	stralloc code = STRALLOC_ZERO;
	size_t opened = 0, ran = 0;
	make(&code);
	tap_ok(open_and_run(code.s, code.len), "the code opens and runs, %zu octets", code.len);
	char *const copy = xmalloc(code.len);
	for (size_t i = 0; i < code.len; i++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			memcpy(copy, code.s, code.len);
			copy[i] = (char)(copy[i] ^ (1 << bit));
			opened += (size_t)open_and_run(copy, code.len);
		}
	tap_num("no octet may change", (long long)opened, 0);
	for (size_t n = 0; n < code.len; n++)
		opened += (size_t)open_and_run(code.s, n);
	tap_num("no octet may be missing", (long long)opened, 0);
	/* With a right checksum: what opens runs, and ends. */
	static unsigned char const values[] = {
	    0, 1, 4, 0x7f, 0x80, 0xf0, 0xf1, 0xf5, 0xf6, 0xf7, 0xff};
	for (size_t i = offsetof(struct code_header, capabilities); i < code.len; i++)
		for (unsigned int k = 0; k < sizeof values; k++) {
			memcpy(copy, code.s, code.len);
			copy[i] = (char)values[k];
			checksum(copy);
			ran += (size_t)open_and_run(copy, code.len);
		}
	tap_ok(ran > 100, "hostile code does no harm (%zu variants ran)", ran);
	several_changes(&code, copy);
	free(copy);
	stralloc_free(&code);
}

/* ---- limits -------------------------------------------------------------------------------------
 */

static void
error_of(char const *name, stralloc const *text, char const *want)
{
	stralloc code = STRALLOC_ZERO;
	struct sieve_errors e = {0};
	arena_reset(&arena);
	int const r = sieve_compile(&code, &arena, text->s, text->len, &limits, &e);
	tap_str(name, r < 0 ? e.list[0].text : "compiled", want);
	stralloc_free(&code);
}

static void
repeat(stralloc *s, char const *before, char const *what, unsigned int times, char const *behind)
{
	sa_copys(s, before);
	for (unsigned int i = 0; i < times; i++)
		sa_cats(s, what);
	sa_cats(s, behind);
}

static void
at_limits(void)
{
	static struct {
		char const *name, *before, *what;
		unsigned int times;
		char const *behind, *want;
	} const rows[] = {
	    {"a script of 1 MB", "", "keep;\n", 174762, "stop",
		"\";\" or a block is missing behind this command"},
	    {"and an octet", "", "keep;\n", 174762, "stop;",
		"script too large: the limit is 1048576 octets"},
	    {"1000 blocks", "", "if true {", 1000, "keep;", "blocks nested too deeply"},
	    {"1000 tests", "if ", "not ", 1000, "true { keep; }", "tests nested too deeply"},
	    {"1000 parentheses", "if ", "anyof (", 1000, "true", "tests nested too deeply"},
	    {"100000 open blocks", "", "if true {", 100000, "", "blocks nested too deeply"},
	    {"arguments", "keep", " \"x\"", 65, ";", "too many arguments"},
	    {"strings of a list", "if exists [\"x\"", ",\"x\"", 10000, "] { keep; }",
		"too many strings in a list"},
	    {"a list that fits", "if exists [\"x\"", ",\"x\"", 9999, "] { keep; }", "compiled"},
	    {"a long string", "redirect \"", "x", 65537, "\";", "string too long"},
	    {"a long text", "require \"reject\"; reject text:\n", "xxxxxxx\n", 8193, ".\n;",
		"string too long"},
	    {"a text that fits", "require \"reject\"; reject text:\n", "xxxxxxx\n", 8192, ".\n;",
		"compiled"},
	    {"a long word", "", "x", 33, ";", "identifier too long"},
	    {"many commands", "", "stop;\n", 150000, "", "compiled"},
	    {"many elsifs", "if false { stop; }\n", "elsif false { stop; }\n", 30000, "",
		"compiled"},
	    {"many texts", "require \"reject\";", "reject text:\n.\n;", 60000, "", "compiled"},
	    {"loops in loops", "require \"foreverypart\";", "foreverypart {", 5, "keep; }}}}}",
		"foreverypart nested too deeply"},
	};
	stralloc s = STRALLOC_ZERO;
	for (unsigned int i = 0; i < sizeof rows / sizeof *rows; i++) {
		repeat(&s, rows[i].before, rows[i].what, rows[i].times, rows[i].behind);
		error_of(rows[i].name, &s, rows[i].want);
	}
	stralloc_free(&s);
}

/* What a run may not do; each script compiles. */
static struct run_row {
	char const *name, *before, *what;
	unsigned int times;
	char const *behind, *want;
} const run_rows[] = {
    {"actions", "require [\"fileinto\", \"variables\"]; set \"a\" \"\";",
	"set \"a\" \"${a}x\"; fileinto \"${a}\";", 33, "", "too many actions: the limit is 32"},
    {"variables", "require \"variables\";", "set \"aX\" \"\";", 257, "",
	"too many variables: the limit is 256"},
    {"edits", "require \"editheader\";", "addheader \"X\" \"y\";", 101, "",
	"too many header edits: the limit is 100"},
    {"duplicates", "require [\"duplicate\", \"variables\"]; set \"a\" \"\";",
	"set \"a\" \"${a}x\"; if duplicate :uniqueid \"${a}\" { stop; }", 33, "",
	"too many duplicate tests: the limit is 32"},
    {"a variable that doubles", "require \"variables\"; set \"a\" \"xxxxxxxxxxxxxxxx\";",
	"set \"a\" \"${a}${a}\";", 40, "", "none"},
    {"memory", "require \"variables\"; set \"a\" \"xxxxxxxxxxxxxxxx\";", "set \"a\" \"${a}${a}\";",
	2000, "", "too much memory: the limit is 67108864 octets"},
    {"a catastrophic regex", "require \"regex\"; if header :regex \"subject\" \"^(a*)*(a*)*(a*)*(",
	"a*", 100, ")*$\" { stop; }", "none"},
    {"a catastrophic glob", "if header :matches \"subject\" \"", "*a*b", 10000, "\" { stop; }",
	"none"},
};

/* Runs text on the message; the result lives in the arena. */
static void
run_text(stralloc const *text, struct sieve_message msg, struct sieve_result *r)
{
	static stralloc code;
	struct sieve_errors e = {0};
	struct sieve_code c;
	struct sieve_code const *const p = &c;
	struct sieve_job job = {.message = msg, .envelope = {"", "", 0}, .limits = limits};
	*r = (struct sieve_result){0};
	arena_reset(&arena);
	code.len = 0;
	if (sieve_compile(&code, &arena, text->s, text->len, &limits, &e) < 0 ||
	    sieve_code_open(&c, code.s, code.len, "x") < 0)
		printf("# %s\n", e.list[0].text);
	else
		sieve_run(r, &arena, &p, 1, &job);
}

/* Gives each "aX" of the text a name of its own. */
static void
name_apart(stralloc *s)
{
	unsigned int n = 0;
	for (char *at = s->s; (at = memmem(at, (size_t)(s->s + s->len - at), "\"aX", 3)); n++) {
		at[1] = (char)('a' + n % 26);
		at[2] = (char)(n / 26 < 10 ? '0' + n / 26 : 'a' + n / 26);
	}
}

static void
run_limits(void)
{
	static char text[70000];
	stralloc s = STRALLOC_ZERO;
	memset(text, 'a', sizeof text);
	memcpy(text, "Subject: ", 9);
	memcpy(text + sizeof text - 2, "\n\n", 2);
	for (unsigned int i = 0; i < sizeof run_rows / sizeof *run_rows; i++) {
		struct run_row const *const row = run_rows + i;
		struct sieve_result r;
		repeat(&s, row->before, row->what, row->times, row->behind);
		if (!strcmp(row->name, "variables"))
			name_apart(&s);
		run_text(&s, (struct sieve_message){text, sizeof text, 0}, &r);
		tap_str(row->name, r.error ? r.error : "none", row->want);
		if (r.error)
			tap_ok(r.count == 1 && r.actions[0].kind == SIEVE_KEEP &&
				   r.actions[0].implicit && !r.actions[0].edition,
			    "%s: the message is kept as it came", row->name);
	}
	stralloc_free(&s);
}

/* Tests of all parts of a message that has as many as are looked at, and more. */
static void
many_parts(void)
{
	stralloc msg = STRALLOC_ZERO, s = STRALLOC_ZERO;
	struct sieve_result r;
	repeat(&msg, "Content-Type: multipart/mixed; boundary=x\n\n",
	    "--x\nContent-Type: text/plain\nX-A: b\n\nhello\n", 12000, "--x--\n");
	repeat(&s, "require [\"mime\", \"body\"];",
	    "if anyof (header :mime :anychild \"x-a\" \"c\", body :contains \"xyz\") { discard; "
	    "}\n",
	    20, "");
	run_text(&s, (struct sieve_message){msg.s, msg.len, 0}, &r);
	tap_str("10000 parts, 40 tests of all", r.error ? r.error : "none", "none");
	stralloc_free(&msg);
	stralloc_free(&s);
}

/* ---- several scripts
 * ------------------------------------------------------------------------------ */

static struct {
	char const *name, *script[3], *want;
} const several_rows[] = {
    {"all keep", {"keep;", "", "keep;"}, "keep"},
    {"the second files", {"", "require \"fileinto\"; fileinto \"x\";", "discard;"}, "fileinto"},
    {"a copy, then a discard",
	{"require [\"copy\", \"fileinto\"]; fileinto :copy \"x\";", "discard;", "keep;"},
	"fileinto"},
    {"a keep that the next takes back", {"keep;", "discard;", "keep;"}, "discard"},
    {"stop ends its script",
	{"stop; discard;", "require \"fileinto\"; fileinto \"x\";", "discard;"}, "fileinto"},
    {"an error in the last, beside what others asked for",
	{"require [\"copy\", \"fileinto\"]; fileinto :copy \"x\";", "",
	    "require [\"reject\"]; keep; reject \"x\";"},
	"fileinto keep"},
    {"an error in the second",
	{"keep;", "require [\"ihave\", \"fileinto\"]; fileinto \"x\"; error \"e\";", "discard;"},
	"keep"},
    {"a discard, and what comes then", {"discard;", "keep;", "keep;"}, "discard"},
};

static void
several(void)
{
	static char const *const names[] = {"keep", "fileinto", "redirect", "discard"};
	for (unsigned int i = 0; i < sizeof several_rows / sizeof *several_rows; i++) {
		struct sieve_code c[3];
		struct sieve_code const *p[3] = {c, c + 1, c + 2};
		stralloc code[3] = {STRALLOC_ZERO, STRALLOC_ZERO, STRALLOC_ZERO};
		struct sieve_errors e;
		struct sieve_result r;
		struct sieve_job job = {.message = {message, sizeof message - 1, 0},
		    .envelope = {"", "", 0},
		    .limits = limits};
		arena_reset(&arena);
		for (unsigned int k = 0; k < 3; k++) {
			sieve_compile(code + k, &arena, several_rows[i].script[k],
			    strlen(several_rows[i].script[k]), &limits, &e);
			sieve_code_open(c + k, code[k].s, code[k].len, "x");
		}
		sieve_run(&r, &arena, p, 3, &job);
		char got[100] = "";
		for (unsigned int k = 0; k < r.count && k < 5; k++)
			sprintf(got + strlen(got), "%s%s", k ? " " : "", names[r.actions[k].kind]);
		tap_str(several_rows[i].name, got, several_rows[i].want);
		for (unsigned int k = 0; k < 3; k++)
			stralloc_free(code + k);
	}
}

static void
fifty_rules(stralloc *s, stralloc *msg)
{
	sa_cats(s, "require [\"fileinto\", \"imap4flags\", \"envelope\", \"relational\"];\n");
	for (unsigned int i = 0; i < 50; i++)
		sa_catf(s,
		    "%s anyof (header :contains [\"subject\", \"list-id\"] \"topic-%u\", address "
		    ":is \"from\" \"user%u@example.org\") { fileinto :flags \"\\\\Seen\" \"f%u\"; "
		    "stop; }\n",
		    "if", i, i, i);
	for (unsigned int i = 0; i < 18; i++)
		sa_catf(
		    msg, "X-Field-%u: some value of a field that is of a common length %u\n", i, i);
	sa_cats(msg, "From: Somebody <user49@example.org>\nTo: a@b.test\nSubject: "
		     "=?utf-8?q?Re=3A_something?= else\nList-Id: <l.example.org>\n\n");
	while (msg->len < 4096)
		sa_cats(msg, "This is a line of text of a message that has 4096 octets.\n");
}

/* A script of 50 rules on a message of 4 KB, told in microseconds. */
static void
measure(void)
{
	stralloc s = STRALLOC_ZERO, code = STRALLOC_ZERO, msg = STRALLOC_ZERO;
	struct sieve_errors e;
	struct sieve_code c;
	struct sieve_code const *const p = &c;
	struct sieve_result r;
	fifty_rules(&s, &msg);
	struct sieve_job job = {.message = {msg.s, msg.len, 0},
	    .envelope = {"a@b.test", "c@d.test", 0},
	    .limits = limits};
	struct timespec a, b;
	arena_reset(&arena);
	sieve_compile(&code, &arena, s.s, s.len, &limits, &e);
	sieve_code_open(&c, code.s, code.len, "x");
	clock_gettime(CLOCK_MONOTONIC, &a);
	unsigned int const times = 2000;
	for (unsigned int i = 0; i < times; i++) {
		arena_reset(&arena);
		sieve_run(&r, &arena, &p, 1, &job);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("# 50 rules, 4 KB: %.1f us\n",
	    ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / times / 1e3);
	tap_ok(r.count == 1 && r.actions[0].kind == SIEVE_FILEINTO &&
		   !strcmp(r.actions[0].folder, "f49"),
	    "the fiftieth rule");
	stralloc_free(&s);
	stralloc_free(&code);
	stralloc_free(&msg);
}

int
main(void)
{
	damaged();
	at_limits();
	run_limits();
	many_parts();
	several();
	measure();
	arena_free(&arena);
	return tap_done();
}
