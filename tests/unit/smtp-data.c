#include <stdlib.h>

#include "lib/smtp-data.h"
#include "tests/unit/tap.h"

static struct row {
	char const *in, *out, *rest;
	int done, bare_cr, bare_lf;
} const rows[] = {
    {"a\r\nb\r\n.\r\nQUIT\r\n", "a\nb\n", "QUIT\r\n", 1, 0, 0},
    {".\r\n", "", "", 1, 0, 0},
    {"..\r\n.\r\n", ".\n", "", 1, 0, 0},
    {"...\r\n.\r\n", "..\n", "", 1, 0, 0},
    {".a\r\n.\r\n", "a\n", "", 1, 0, 0},
    {"a\r\n", "a\n", "", 0, 0, 0},
    /* the published smuggling cases: none of them ends the message */
    {"a\n.\r\nX\r\n.\r\n", "a\n.\nX\n", "", 1, 0, 1},
    {"a\r\n.\nX\r\n.\r\n", "a\n\nX\n", "", 1, 0, 1},
    {"a\n.\nX\r\n.\r\n", "a\n.\nX\n", "", 1, 0, 1},
    {"a\r.\rX\r\n.\r\n", "a . X\n", "", 1, 1, 0},
    {"a\r\n.\rX\r\n.\r\n", "a\n X\n", "", 1, 1, 0},
    {"a\r.\r\nX\r\n.\r\n", "a .\nX\n", "", 1, 1, 0},
    {"a\n\n.\r\nX\r\n.\r\n", "a\n\n.\nX\n", "", 1, 0, 1},
    {"a\r\r\n.\r\n", "a \n", "", 1, 1, 0},
    {"a\r\n.\r\r\nX\r\n.\r\n", "a\n \nX\n", "", 1, 1, 0},
    {"a\r\n\r.\r\nX\r\n.\r\n", "a\n .\nX\n", "", 1, 1, 0},
};

/* Feeds in pieces of `step` bytes. */
static void
run(struct row const *r, size_t step)
{
	struct smtp_data d;
	size_t n = strlen(r->in), used = 0, outlen = 0;
	char *out = malloc(n + 2);
	int done = 0;
	smtp_data_init(&d, 0);
	while (used < n && !done) {
		size_t o, part = n - used < step ? n - used : step;
		used += smtp_data_feed(&d, r->in + used, part, out + outlen, &o, &done);
		outlen += o;
	}
	tap_mem(r->in, out, outlen, r->out, strlen(r->out));
	tap_ok(done == r->done && !strcmp(r->in + used, r->rest), "end of data (step %zu)", step);
	tap_ok(d.bare_cr == r->bare_cr && d.bare_lf == r->bare_lf, "bare CR and LF are seen");
	free(out);
}

static void
chunked(char const *in, char const *want, uint64_t size)
{
	struct smtp_data d;
	size_t o, e;
	int done;
	char out[100];
	smtp_data_init(&d, 1);
	smtp_data_feed(&d, in, strlen(in), out, &o, &done);
	e = smtp_data_end(&d, out + o);
	tap_mem(in, out, o + e, want, strlen(want));
	tap_num("size on the wire", (long long)d.size, (long long)size);
}

/* RFC 3030 2 */
static struct {
	char const *arg;
	int r, last;
	uint64_t size;
} const bdats[] = {
    {"0", 0, 0, 0},
    {"0 LAST", 0, 1, 0},
    {"1000 last", 0, 1, 1000},
    {"9999999999999999999", 0, 0, 9999999999999999999ull},
    {"00000000000000000001", -1, 0, 0},
    {"99999999999999999999", -1, 0, 0},
    {"", -1, 0, 0},
    {"LAST", -1, 0, 0},
    {"-1", -1, 0, 0},
    {"+1", -1, 0, 0},
    {"1 ", -1, 0, 0},
    {"1LAST", -1, 0, 0},
    {"1  LAST", -1, 0, 0},
    {"1 LAST LAST", -1, 0, 0},
    {"1 FIRST", -1, 0, 0},
};

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t step = 1; step < 8; step += 3)
			run(rows + i, step);
	chunked(".\r\na\r\n", ".\na\n", 6);
	chunked("a", "a\n", 3);
	chunked("a\r", "a \n", 4);
	chunked("", "", 0);
	for (size_t i = 0; i < sizeof bdats / sizeof *bdats; i++) {
		uint64_t size = 0;
		int last = 0;
		int r = smtp_bdat_parse(bdats[i].arg, &size, &last);
		tap_ok(r == bdats[i].r && (r || (size == bdats[i].size && last == bdats[i].last)), "BDAT %s", bdats[i].arg);
	}
	struct smtp_data d;
	size_t o;
	int done;
	char out[100];
	smtp_data_init(&d, 0);
	smtp_data_feed(&d, "\xc3\xa4\0bc\r\nd\r\n.\r\n", 13, out, &o, &done);
	tap_ok(d.nul && d.eightbit && d.longest == 5 && d.size == 10, "NUL, 8 bit, longest, size");
	return tap_done();
}
