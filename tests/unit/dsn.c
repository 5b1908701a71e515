/* Notifications: every field, what is hostile in their values, how much of a header comes back. */
#include "lib/dsn.h"
#include "lib/sa.h"

#include "tests/unit/tap.h"

static struct dsn const head = {
    .me = "mx.test", .id = "id1", .to = "s@a.test", .about = "m1", .envid = "a+2Bb", .now = 1, .arrival = 1};

#define TEN "0123456789 "
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define WORD "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_WORD WORD WORD WORD WORD

static struct {
	char const *name;
	struct dsn_recipient r;
	char const *has, *hasnot;
} const rows[] = {
    {"failed", {.action = DSN_FAILED, .final = "b@c.test"},
	"\nFinal-Recipient: rfc822; b@c.test\nAction: failed\nStatus: 5.0.0\n", "Diagnostic-Code"},
    {"a reply of two lines",
	{.action = DSN_FAILED,
	    .final = "b@c.test",
	    .status = "5.1.1",
	    .code = 550,
	    .text = "5.1.1 no\nuser",
	    .host = "mx.c.test",
	    .ip = "192.0.2.1"},
	"Status: 5.1.1\nRemote-MTA: dns; mx.c.test\nDiagnostic-Code: smtp; 550 5.1.1 no\n user\n",
	0},
    {"... for people",
	{.action = DSN_FAILED,
	    .final = "b@c.test",
	    .code = 550,
	    .text = "no\nuser",
	    .host = "mx.c.test",
	    .ip = "192.0.2.1"},
	"<b@c.test>\n    mx.c.test [192.0.2.1] said:\n    550 no\n    user\n", 0},
    {"our own words", {.action = DSN_FAILED, .final = "b@c.test", .text = "too old"},
	"Diagnostic-Code: x-postern; too old\n", "Remote-MTA"},
    {"a socket is no name", {.action = DSN_FAILED, .final = "b@c.test", .host = "/run/sock"},
	"    /run/sock:\n", "Remote-MTA"},
    {"controls", {.action = DSN_FAILED, .final = "b@c.test", .text = "a\r\tb", .host = ""},
	"x-postern; a  b\n", "\r"},
    {"delayed",
	{.action = DSN_DELAYED, .final = "b@c.test", .last_attempt = 1, .will_retry_until = 2},
	"Status: 4.0.0\nLast-Attempt-Date: Thu, 01 Jan 1970 ", 0},
    {"... until", {.action = DSN_DELAYED, .final = "b@c.test", .will_retry_until = 2},
	"\nWill-Retry-Until: Thu, 01 Jan 1970 ", "Last-Attempt"},
    {"a success has no diagnostics",
	{.action = DSN_RELAYED, .final = "b@c.test", .code = 250, .text = "ok"},
	"Action: relayed\n", "Diagnostic"},
    {"the original recipient",
	{.action = DSN_FAILED, .final = "b@c.test", .orcpt = "rfc822;x+2By@d.test"},
	"Original-Recipient: rfc822; x+y@d.test\n", 0},
    {"a control in its type", {.action = DSN_FAILED, .final = "b@c.test", .orcpt = "a\x12;b"},
	"Original-Recipient: a ; b\n", 0},
    {"an empty one", {.action = DSN_FAILED, .final = "b@c.test", .orcpt = "rfc822;"},
	"Original-Recipient: rfc822; \n", 0},
    {"a line end in it",
	{.action = DSN_FAILED, .final = "b@c.test", .orcpt = "rfc822;x+0AAction: y"}, 0,
	"\nAction: y"},
    {"the envelope's id", {.action = DSN_FAILED, .final = "b@c.test"},
	"Original-Envelope-Id: a+b\nReporting-MTA: dns; mx.test\nArrival-Date: ", 0},
    {"the id in the log", {.action = DSN_FAILED, .final = "b@c.test"},
	"\nX-Postern-Id: m1\n\nFinal-Recipient: ", 0},
    {"UTF-8 in a reply: not in an ASCII report",
	{.action = DSN_FAILED, .final = "b@c.test", .code = 550, .text = "n\xc3\xb6 \xff"},
	"Diagnostic-Code: smtp; 550 n? ?\n", 0},
    {"... but for people", {.action = DSN_FAILED, .final = "b@c.test", .text = "n\xc3\xb6 \xff"},
	"\n    n\xc3\xb6 ?\n", 0},
    {"... and in a report of UTF-8",
	{.action = DSN_FAILED, .final = "\xc3\xa4@c.test", .text = "n\xc3\xb6 \xff"},
	"Diagnostic-Code: x-postern; n\xc3\xb6 ?\n", 0},
    {"C1 controls are none of them",
	{.action = DSN_FAILED, .final = "\xc3\xa4@c.test", .text = "a\xc2\x9b" "b\xc2\xa0"},
	"; a?b\xc2\xa0\n", 0},
    {"a long reply is folded", {.action = DSN_FAILED, .final = "b@c.test", .text = LONG},
	"0123456789 0123456789\n 0123456789", LONG},
    {"one without blanks is broken",
	{.action = DSN_FAILED, .final = "b@c.test", .text = LONG_WORD}, "xxxx\n xxxx", LONG_WORD},
    {"octets that no field may hold stay encoded",
	{.action = DSN_FAILED, .final = "b@c.test", .orcpt = "rfc822;x+C3+B6@d.test"},
	"Original-Recipient: rfc822; x+C3+B6@d.test\n", 0},
    {"utf-8 in ASCII stays encoded",
	{.action = DSN_FAILED, .final = "b@c.test", .orcpt = "utf-8;x\\x{F6}@d.test"},
	"Original-Recipient: utf-8; x\\x{F6}@d.test\n", "global"},
    {"... and is decoded in UTF-8",
	{.action = DSN_FAILED, .final = "\xc3\xa4@c.test", .orcpt = "UTF-8;x\\x{F6}\\x{3D}\\x{1F600}@d.test"},
	"Original-Recipient: UTF-8; x\xc3\xb6=\xf0\x9f\x98\x80@d.test\n", 0},
    {"... but for what is no character",
	{.action = DSN_FAILED, .final = "\xc3\xa4@c.test", .orcpt = "utf-8;\\x{D800}\\x{1}\\x{0A}\\x{110000}\\x{F6@d.test"},
	"Original-Recipient: utf-8; \\x{D800}\\x{1}\\x{0A}\\x{110000}\\x{F6@d.test\n", 0},
    {"an original recipient in UTF-8 makes the report so",
	{.action = DSN_FAILED, .final = "b@c.test", .orcpt = "utf-8;\xc3\xb6@d.test"},
	"report-type=global-delivery-status;", 0},
    {"RFC 6533", {.action = DSN_FAILED, .final = "\xc3\xa4@c.test"},
	"Final-Recipient: utf-8; \xc3\xa4@c.test\n", "message/delivery-status"},
    {"... the type", {.action = DSN_FAILED, .final = "\xc3\xa4@c.test"},
	"report-type=global-delivery-status;", 0},
};

static void
check_lengths(void)
{
	static struct {
		char const *s;
		size_t n;
	} const lengths[] = {{"A: b\nC: d\n\nbody\n", 10}, {"A: b\n", 5}, {"A: b\nC: d", 5},
	    {"\nbody\n", 0}, {"", 0}};
	static char big[DSN_HEADER_MAX + 100];
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
		tap_num("header's length",
		    (long long)dsn_header_length(lengths[i].s, strlen(lengths[i].s)),
		    (long long)lengths[i].n);
	memset(big, 'x', sizeof big);
	big[9] = '\n';
	tap_num("one too long: cut at a line", (long long)dsn_header_length(big, sizeof big), 10);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		stralloc out = STRALLOC_ZERO;
		dsn_begin(&out, &head, &rows[i].r, 1);
		dsn_end(&out, &head);
		char const *text = sa_str(&out);
		tap_ok((!rows[i].has || strstr(text, rows[i].has)) &&
			   (!rows[i].hasnot || !strstr(text, rows[i].hasnot)),
		    "%s: %s", rows[i].name, rows[i].has ? rows[i].has : "");
		stralloc_free(&out);
	}
	check_lengths();
	return tap_done();
}
