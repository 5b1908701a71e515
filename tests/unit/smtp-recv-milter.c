// objects: smtp-recv/milter-packet.o smtp-recv/milter-header.o smtp-recv/message.o
/* What filters' packets mean, and a header while it is changed. */
#include <string.h>

#include "lib/sa.h"
#include "smtp-recv/milter-header.h"
#include "smtp-recv/milter-packet.h"
#include "tests/unit/tap.h"

#define ALL MILTER_MAY_ALL
#define DATA(s) s, sizeof s - 1

static struct {
	char letter;
	char const *data;
	size_t n;
	uint32_t actions;
	int want; /* a kind, or -1 */
	char const *text;
} const packets[] = {
    {'c', DATA(""), ALL, MILTER_CONTINUE, 0},
    {'c', DATA("\0"), ALL, MILTER_CONTINUE, 0},
    {'a', DATA(""), 0, MILTER_ACCEPT, 0},
    {'r', DATA(""), 0, MILTER_REJECT, 0},
    {'d', DATA(""), 0, MILTER_DISCARD, 0},
    {'t', DATA(""), 0, MILTER_TEMPFAIL, 0},
    {'f', DATA(""), 0, MILTER_CLOSE, 0},
    {'4', DATA(""), 0, MILTER_CLOSE, 0},
    {'s', DATA(""), 0, MILTER_SKIPS, 0},
    {'p', DATA(""), 0, MILTER_PROGRESS, 0},
    {'y', DATA("550 5.7.1 no\0"), 0, MILTER_REPLY, "550 5.7.1 no"},
    {'y', DATA("550"), 0, -1, 0},
    {'y', DATA(""), 0, -1, 0},
    {'h', DATA("A\0b\0"), ALL, MILTER_ADD_HEADER, "b"},
    {'h', DATA("A\0b\0"), ALL & ~MILTER_MAY_ADD_HEADER, -1, 0},
    {'h', DATA("A\0\0"), ALL, MILTER_ADD_HEADER, ""},
    {'h', DATA("\0b\0"), ALL, -1, 0},
    {'h', DATA("A:\0b\0"), ALL, -1, 0},
    {'h', DATA("A B\0b\0"), ALL, -1, 0},
    {'h', DATA("A\0b"), ALL, -1, 0},
    {'h', DATA("A\0b\0c\0"), ALL, -1, 0},
    {'i', DATA("\0\0\0\1A\0b\0"), ALL, MILTER_INSERT_HEADER, "b"},
    {'i', DATA("\0\0\1"), ALL, -1, 0},
    {'m', DATA("\0\0\0\1A\0\0"), ALL, MILTER_CHANGE_HEADER, ""},
    {'m', DATA("\0\0\0\1"), ALL, -1, 0},
    {'b', DATA("any\0thing"), ALL, MILTER_BODY, "any"},
    {'b', DATA(""), ALL, MILTER_BODY, ""},
    {'+', DATA("<a@b>\0"), ALL, MILTER_ADD_RCPT, "<a@b>"},
    {'2', DATA("<a@b>\0"), ALL, MILTER_ADD_RCPT, "<a@b>"},
    {'2', DATA("<a@b>\0X=1\0"), ALL, MILTER_ADD_RCPT, "<a@b>"},
    {'2', DATA("<a@b>\0X=1"), ALL, -1, 0},
    {'-', DATA("<a@b>\0"), ALL, MILTER_DEL_RCPT, "<a@b>"},
    {'e', DATA("<>\0"), ALL, MILTER_FROM, "<>"},
    {'q', DATA("why\0"), ALL, MILTER_QUARANTINE, "why"},
    {'q', DATA("why\0"), ALL & ~MILTER_MAY_QUARANTINE, -1, 0},
    {'l', DATA(""), ALL, -1, 0},
    {0, DATA(""), ALL, -1, 0},
};

static struct {
	char const *data;
	size_t n;
	int want;
} const options[] = {
    {DATA("\0\0\0\6\0\0\1\377\0\37\377\377"), 0},
    {DATA("\0\0\0\2\0\0\0\0\0\0\0\0"), 0},
    {DATA("\0\0\0\1\0\0\0\0\0\0\0\0"), -1},
    {DATA("\0\0\0\7\0\0\0\0\0\0\0\0"), -1},
    {DATA("\0\0\0\6\0\0\2\0\0\0\0\0"), -1},
    {DATA("\0\0\0\6\0\0\0\0\20\0\0\0"), -1},
    {DATA("\0\0\0\6\0\0\0\0\0\0\0"), -1},
    {DATA("\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\0j i\0\0\0\0\6\0"), 0},
    {DATA("\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\7j\0"), -1},
    {DATA("\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\0j"), -1},
    {DATA("\0\0\0\6\0\0\0\0\0\0\0\0\0"), -1},
};

static struct {
	char const *said;
	int code;
	char const *text;
} const replies[] = {
    {"550 5.7.1 no", 550, "5.7.1 no"},
    {"451 later", 451, "4.7.1 later"},
    {"550 5.1 x", 550, "5.7.1 5.1 x"},
    {"550 4.7.1 x", 550, "5.7.1 4.7.1 x"},
    {"550-5.7.1 a\r\n550 5.7.2 b", 550, "5.7.1 a\n5.7.2 b"},
    {"550 100%% %", 550, "5.7.1 100% %"},
    {"550\r\n", 550, "5.7.1 "},
    {"250 ok", 0, 0},
    {"5", 0, 0},
    {"5a0 x", 0, 0},
    {"550 a\n551 b", 0, 0},
    {"550_a", 0, 0},
    {"", 0, 0},
};

static void
headers(void)
{
	static char const head[] = "Received: by me\n\tnow\n";
	static char const text[] = "A: 1\nB : 2\n 3\na:4\nno field\n\nbody\n";
	struct milter_header h = MILTER_HEADER_ZERO;
	struct message m = MESSAGE_ZERO;
	stralloc out = STRALLOC_ZERO;
	size_t n;
	message_add(&m, text, sizeof text - 1);
	tap_num("loads", milter_header_load(&h, head, sizeof head - 1, &m), MILTER_HEADER_OK);
	tap_num("four fields", (long)h.count, 4);
	tap_num("the body begins where no field stands", (long)h.body, 18);
	tap_num("a name ends before its blanks", (long)h.fields[2].name_len, 1);
	char const *s = milter_field_body(h.fields + 2, 0, &n);
	tap_mem("a body without its blank", s, n, "2\n 3", 4);
	s = milter_field_body(h.fields + 2, 1, &n);
	tap_mem("and with it", s, n, " 2\n 3", 5);
	milter_header_change(&h, 2, "A", "x\r\ny\n z", 0);
	milter_header_change(&h, 1, "b", "", 0);
	milter_header_change(&h, 1, "received", "no", 0);
	milter_header_insert(&h, 0, "Top", "1", 1);
	milter_header_insert(&h, 99, "Last", "2", 0);
	milter_header_text(&h, &out);
	tap_str("changed", sa_str(&out),
	    "Top:1\nReceived: by me\n\tnow\nA: 1\nA: x\n\ty\n z\nreceived: no\nLast: 2\n\n");
	milter_header_free(&h);
	message_clear(&m);
	stralloc_free(&m.memory);
	stralloc_free(&out);
}

int
main(void)
{
	stralloc text = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
		struct milter_answer a;
		int r = milter_parse(
		    packets[i].letter, packets[i].data, packets[i].n, packets[i].actions, &a);
		tap_num("packet", r < 0 ? -1 : (int)a.kind, packets[i].want);
		if (packets[i].text && !r)
			tap_str("its text", a.text, packets[i].text);
	}
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		struct milter_options o;
		tap_num("options", milter_options_parse(options[i].data, options[i].n, &o),
		    options[i].want);
	}
	for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
		struct milter_answer a = {.text = replies[i].said};
		tap_num(replies[i].said, milter_reply_text(&a, &text), replies[i].code);
		if (replies[i].text)
			tap_str("its text", text.s, replies[i].text);
	}
	milter_begin(&text, 'L');
	milter_string(&text, "A");
	milter_number(&text, 0x01020304);
	milter_end(&text);
	tap_mem("a packet", text.s, text.len, DATA("\0\0\0\7LA\0\1\2\3\4"));
	headers();
	return tap_done();
}
