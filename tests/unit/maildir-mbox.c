/* The mbox parser: From_ lines, where messages end, their state, quoting both ways, long lines, CR
 * LF. */
// objects: maildir/tool/mbox.o maildir/tool/mbox-line.o
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/name.h"
#include "maildir/mbox-quote.h"
#include "maildir/tool/mbox.h"
#include "tests/unit/tap.h"

#define F "From a@example.test Mon Jan  2 15:04:05 2006\n"

static struct mbox box;

static void
open_text(char const *text, size_t len, enum mbox_format format)
{
	static int fd = -1;
	if (fd < 0)
		fd = memfd_create("mbox", 0);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, len, 0) != (ssize_t)len)
		exit(111);
	mbox_init(&box, fd, format);
}

static int
append(void *arg, char const *s, size_t n)
{
	sa_catb(arg, s, n);
	return 0;
}

/* clang-format off */
static struct {
	char const *line;
	long long date; /* -1: it is none */
} const from_lines[] = {
	{"From a@example.test Mon Jan  2 15:04:05 2006\n", 1136214245},
	{"From a@example.test Mon Jan 02 15:04:05 2006", 1136214245},
	{"From a@example.test  Mon Jan  2 15:04 2006\r\n", 1136214240},
	{"From a@example.test Mon Jan  2 15:04:05 +0100 2006\n", 1136210645},
	{"From a@example.test Mon Jan  2 15:04:05 2006 +0100\n", 1136210645},
	{"From a@example.test Mon Jan  2 15:04:05 2006 -0830\n", 1136244845},
	{"From a@example.test Mon Jan  2 15:04:05 GMT 2006\n", 1136214245},
	{"From a@example.test Mon Jan  2 15:04:05 XYZ 2006\n", 1136214245},
	{"From alice at example.test  Mon Jan  2 15:04:05 2006\n", 1136214245},
	{"From Mon Mon Jan  2 15:04:05 2006\n", 1136214245},
	{"From MAILER-DAEMON Thu Jan  1 00:00:00 1970 remote from x\n", 0},
	{"From a Mon Feb 30 15:04:05 2006 +0000\n", 1141311845},
	{"From here on it is text\n", -1},
	{"From Mon to Fri\n", -1},
	{"From a Mon Jan 32 15:04:05 2006\n", -1},
	{"From a Mon Jan  2 25:04:05 2006\n", -1},
	{"From a Mon Jan  2 15:04:05 06\n", -1},
	{"From a Mon Jam  2 15:04:05 2006\n", -1},
	{"From a\n", -1},
	{"From \n", -1},
	{"from a@example.test Mon Jan  2 15:04:05 2006\n", -1},
	{"", -1},
};

/* Messages are joined by '|' in what is wanted: content, then flags and UID where there are any. */
static struct {
	char const *name, *text;
	enum mbox_format format;
	char const *want;
} const boxes[] = {
	{"nothing", "", MBOX_ANY, ""},
	{"empty lines only", "\n\n", MBOX_ANY, ""},
	{"one", F "Subject: a\n\ntext\n\n", MBOX_ANY, "Subject: a\n\ntext\n|"},
	{"no empty line at the end", F "Subject: a\n\ntext\n", MBOX_ANY, "Subject: a\n\ntext\n|"},
	{"no line end at all", F "Subject: a\n\ntext", MBOX_ANY, "Subject: a\n\ntext|"},
	{"two", F "S: a\n\nx\n\n" F "S: b\n\ny\n\n", MBOX_ANY, "S: a\n\nx\n|S: b\n\ny\n|"},
	{"two without a line between", F "S: a\n\nx\n" F "S: b\n\ny\n", MBOX_ANY, "S: a\n\nx\n|S: b\n\ny\n|"},
	{"an empty last line of its own", F "S: a\n\nx\n\n\n" F "S: b\n\n\n\n", MBOX_ANY, "S: a\n\nx\n\n|S: b\n\n\n|"},
	{"empty body", F "S: a\n\n\n" F "S: b\n\n\n", MBOX_ANY, "S: a\n\n|S: b\n\n|"},
	{"a header alone", F "S: a\n\n" F "S: b\n\n", MBOX_ANY, "S: a\n|S: b\n|"},
	{"no header", F "\nx\n\n", MBOX_ANY, "\nx\n|"},
	{"nothing behind From_", F F "S: b\n\ny\n", MBOX_ANY, "|S: b\n\ny\n|"},
	{"From_ without a date is text", F "S: a\n\nFrom here\nx\n\n", MBOX_ANY, "S: a\n\nFrom here\nx\n|"},
	{"state", F "Status: RO\nX-Status: AFTD\nS: a\nX-UID: 7\n\nx\n", MBOX_ANY, "S: a\n\nx\n[59 7 ]|"},
	{"keywords, folded", F "X-Keywords: a  b\n c\nS: a\n d\n\nx\n", MBOX_ANY, "S: a\n d\n\nx\n[0 0 a b c ]|"},
	{"state in any case", F "STATUS: R\nx-uid:  9 \n\nx\n", MBOX_ANY, "\nx\n[16 9 ]|"},
	{"state in the body is text", F "S: a\n\nStatus: R\n", MBOX_ANY, "S: a\n\nStatus: R\n|"},
	{"UID out of range", F "X-UID: 4294967295\nS: a\n\nx\n", MBOX_ANY, "S: a\n\nx\n|"},
	{"Content-Length", F "Content-Length: 51\nS: a\n\n" F "12345\n\n" F "S: b\n\ny\n", MBOX_ANY,
	    "S: a\n\n" F "12345\n|S: b\n\ny\n|"},
	{"Content-Length to the end of the file", F "Content-Length: 3\n\nx\ny", MBOX_ANY, "\nx\ny|"},
	{"Content-Length 0", F "Content-Length: 0\nS: a\n\n\n" F "S: b\n\ny\n", MBOX_ANY, "S: a\n\n|S: b\n\ny\n|"},
	{"wrong Content-Length is text", F "Content-Length: 2\nS: a\n\nxyz\n\n" F "S: b\n\ny\n", MBOX_ANY,
	    "Content-Length: 2\nS: a\n\nxyz\n|S: b\n\ny\n|"},
	{"Content-Length beyond the end", F "Content-Length: 4000\n\nxyz\n", MBOX_ANY, "Content-Length: 4000\n\nxyz\n|"},
	{"huge Content-Length", F "Content-Length: 99999999999999999999999\n\nx\n", MBOX_ANY,
	    "Content-Length: 99999999999999999999999\n\nx\n|"},
	{"mboxrd does not look at it", F "Content-Length: 0\n\nx\n\n" F "\ny\n", MBOX_RD, "Content-Length: 0\n\nx\n|\ny\n|"},
	{"quoting, any", F "\n>From a\n>>From b\n> From c\n>From", MBOX_ANY, "\nFrom a\n>From b\n> From c\n>From|"},
	{"quoting, rd", F "\n>From a\n>>From b\n", MBOX_RD, "\nFrom a\n>From b\n|"},
	{"quoting, o", F "\n>From a\n>>From b\n", MBOX_O, "\nFrom a\n>>From b\n|"},
	{"quoting, cl", F "Content-Length: 10\n\n>From a\nx\n\n", MBOX_CL, "\nFrom a\nx\n|"},
	{"quoting, cl2", F "Content-Length: 7\n\n>From a\n", MBOX_CL2, "\n>From a|"},
	{"by length nothing is quoted", F "Content-Length: 8\n\n>From a\n\n", MBOX_ANY, "\n>From a\n|"},
	{"CR LF", "From a Mon Jan  2 15:04:05 2006\r\nStatus: R\r\nS: a\r\n\r\nx\r\n\r\n", MBOX_ANY, "S: a\n\nx\n[16 0 ]|"},
	{"the folder's own data", F "X-IMAP: 77 8\nStatus: RO\n\ninternal\n\n" F "S: a\n\nx\n", MBOX_ANY, "(77 8)|S: a\n\nx\n|"},
	{"the folder's own data stands first only", F "S: a\n\nx\n\n" F "X-IMAP: 77 8\n\ny\n", MBOX_ANY, "S: a\n\nx\n|\ny\n|"},
};
/* clang-format on */

static char const *
all(void)
{
	static stralloc out = STRALLOC_ZERO;
	struct mbox_message e = {.keywords = STRALLOC_ZERO};
	int r;
	sa_reset(&out);
	while ((r = mbox_next(&box, &e)) > 0) {
		if (e.internal)
			sa_catf(&out, "(%u %u)", box.uidvalidity, box.last_uid);
		else if (mbox_content(&box, &e, append, &out) < 0)
			sa_cats(&out, "!");
		if (!e.internal && (e.flags || e.uid || e.keywords.len)) {
			sa_catf(&out, "[%u %u ", e.flags, e.uid);
			for (size_t i = 0; i < e.keywords.len; i++)
				sa_append(&out, e.keywords.s[i] ? e.keywords.s[i] : ' ');
			sa_append(&out, ']');
		}
		sa_append(&out, '|');
	}
	if (r < 0)
		sa_cats(&out, "error");
	stralloc_free(&e.keywords);
	return sa_str(&out);
}

/* Messages with lines around the window's size, quoted and read again, octet by octet. */
static void
test_long(void)
{
	for (int delta = -8; delta <= 8; delta++) {
		stralloc text = STRALLOC_ZERO, file = STRALLOC_ZERO, back = STRALLOC_ZERO;
		struct mbox_quote q = MBOX_QUOTE_ZERO;
		struct mbox_message e = {.keywords = STRALLOC_ZERO};
		sa_cats(&text, "Subject: long\n\n");
		for (int i = 0; i < TOOL_MBOX_LINE + delta; i++)
			sa_append(&text, (char)('a' + i % 26));
		sa_cats(&text,
		    "\nFrom a@example.test Mon Jan  2 15:04:05 2006\n>>From x\n>Fro\n>\nend\n");
		sa_cats(&file, F);
		for (size_t i = 0; i < text.len; i++)
			mbox_quote_put(&q, &file, text.s + i, 1);
		mbox_quote_end(&q, &file);
		sa_cats(&file, "\n" F "\n\n");
		open_text(file.s, file.len, MBOX_RD);
		int r = mbox_next(&box, &e);
		r += mbox_content(&box, &e, append, &back);
		if (!tap_ok(r == 1 && back.len == text.len && !memcmp(back.s, text.s, text.len) &&
				mbox_next(&box, &e) == 1 && !mbox_next(&box, &e),
			"a line of the window's size %+d", delta))
			tap_show("got", back.s, back.len > 100 ? 100 : back.len);
		stralloc_free(&text), stralloc_free(&file), stralloc_free(&back);
	}
}

int
main(void)
{
	setenv("TZ", "UTC", 1);
	for (unsigned int i = 0; i < sizeof from_lines / sizeof *from_lines; i++) {
		int64_t date = -1;
		if (!mbox_from_line(from_lines[i].line, strlen(from_lines[i].line), &date))
			date = -1;
		tap_num(from_lines[i].line, date, from_lines[i].date);
	}
	for (unsigned int i = 0; i < sizeof boxes / sizeof *boxes; i++) {
		open_text(boxes[i].text, strlen(boxes[i].text), boxes[i].format);
		tap_str(boxes[i].name, all(), boxes[i].want);
	}
	open_text("no mbox\n", 8, MBOX_ANY);
	tap_str("not an mbox", all(), "error");
	test_long();
	return tap_done();
}
