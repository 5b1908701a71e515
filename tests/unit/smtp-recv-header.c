/* What the header scanner counts, each header fed whole and byte by byte; the Received field's
 * parts. */
// objects: smtp-recv/header-scan.o smtp-recv/received.o
#include "smtp-recv/header-scan.h"

#include <string.h>

#include "lib/sa.h"
#include "smtp-recv/received.h"
#include "tests/unit/tap.h"

static struct {
	char const *name, *text;
	unsigned int received;
	int date, message_id, done;
} const rows[] = {
    {"nothing", "", 0, 0, 0, 0},
    {"empty line first", "\nReceived: x\nDate: y\n", 0, 0, 0, 1},
    {"all", "Received: a\nreceived:b\nDATE : c\nmessage-id:\n\nbody", 2, 1, 1, 1},
    {"folded lines are no fields", "Subject: x\n Received: y\n\tDate: z\n\n", 0, 0, 0, 1},
    {"similar names", "Received-SPF: x\nX-Received: y\nResent-Date: z\nDat: q\nDates: r\n\n", 0, 0,
	0, 1},
    {"long names", "Receivedreceivedreceivedreceived: x\nDate: y\n\n", 0, 1, 0, 1},
    {"no colon", "Received\nDate\n\n", 0, 0, 0, 1},
    {"body is not looked at", "A: b\n\nReceived: x\nDate: y\n", 0, 0, 0, 1},
    {"colon in a value", "Subject: Date: x\n\n", 0, 0, 0, 1},
};

static void
scan(size_t i, size_t step)
{
	struct header_scan h = HEADER_SCAN_ZERO;
	size_t n = strlen(rows[i].text);
	for (size_t k = 0; k < n; k += step)
		header_scan_feed(&h, rows[i].text + k, n - k < step ? n - k : step);
	tap_ok(h.received == rows[i].received && h.date == rows[i].date &&
		   h.message_id == rows[i].message_id && h.done == rows[i].done,
	    "%s, in steps of %zu", rows[i].name, step);
}

static struct {
	char const *name;
	struct received r;
	char const *text;
} const fields[] = {
    {"all of it", {"a.example", "n.example", "192.0.2.1", "me", "id", "bob@x", "TLSv1.3", "AES", 1, 1, 1, 0, 0},
	"Received: from a.example (n.example [192.0.2.1])\n\tby me with UTF8SMTPSA id id\n\t(TLSv1.3 "
	"AES)\n\tfor <bob@x>;\n"
	"\tThu, 01 Jan 1970 00:00:00 +0000\n"},
    {"nothing known", {"", 0, "", "me", "id", 0, 0, 0, 0, 0, 0, 0, 60},
	"Received: from unknown (local)\n\tby me with SMTP id id;\n\tThu, 01 Jan 1970 01:00:00 "
	"+0100\n"},
    {"a name full of tricks", {"a)b\n(c;\x7f\xff", 0, "", "me", "id", 0, "T)", 0, 1, 0, 0, 0, 0},
	"Received: from a?b??c??? (local)\n\tby me with ESMTPS id id\n\t(T? );\n\tThu, 01 Jan 1970 "
	"00:00:00 +0000\n"},
    {"not looked up", {"h", 0, "192.0.2.1", "me", "id", 0, 0, 0, 0, 0, 0, 0, 0},
	"Received: from h ([192.0.2.1])\n\tby me with SMTP id id;\n\tThu, 01 Jan 1970 00:00:00 +0000\n"},
    {"IPv6", {"h", "", "2001:db8::1", "me", "id", 0, 0, 0, 1, 1, 0, 0, 0},
	"Received: from h (unknown [IPv6:2001:db8::1])\n\tby me with ESMTPA id id;\n\tThu, 01 Jan 1970 "
	"00:00:00 +0000\n"},
};

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		scan(i, 1);
		scan(i, 3);
		scan(i, 1000);
	}
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		stralloc sa = STRALLOC_ZERO;
		received_write(&sa, &fields[i].r);
		tap_ok(!strcmp(sa_str(&sa), fields[i].text), "%s", fields[i].name);
		stralloc_free(&sa);
	}
	return tap_done();
}
