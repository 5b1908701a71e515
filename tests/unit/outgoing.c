/* What rules send elsewhere: records written are read again; every broken form is refused. And the
 * text of a reply. */
// objects: mda-local/outgoing.o mda-local/incoming.o mda-local/replies.o mda-local/channel.o
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/sa.h"
#include "mda-local/incoming.h"
#include "mda-local/limits.h"
#include "mda-local/outgoing.h"

static struct arena a;

static void
round_trip(void)
{
	struct outgoing out = OUTGOING_ZERO;
	struct outgoing_record notice = {.kind = OUTGOING_NOTICE, .tail = OUTGOING_NO_TAIL};
	strcpy(notice.rcpt, "sender@example.org");
	tap_ok(!outgoing_forward(&out, 0, "bob@example.org"), "a forward");
	tap_ok(
	    !outgoing_forward(&out, "owner@example.test", "\"a b\"@example.org"), "another sender");
	tap_ok(outgoing_add(&out, &notice) < 0 && errno == EINVAL, "a notice without content");
	outgoing_write(&out, "xx", 2);
	notice.at = out.size;
	outgoing_write(&out, "Subject: a\n\n", 12);
	notice.size = out.size - notice.at;
	tap_ok(!outgoing_add(&out, &notice), "one with");
	tap_ok(outgoing_forward(&out, 0, "bob\n@example.org") < 0, "a control character");
	tap_ok(outgoing_forward(&out, 0, "") < 0, "no recipient");
	tap_ok(outgoing_count(&out) == 3 && !outgoing_end(&out), "three");
	struct outgoing_record *r = outgoing_read(&a, out.fd, 3);
	tap_ok(r != 0, "read");
	tap_str("its recipient", r[0].rcpt, "bob@example.org");
	tap_ok(r[0].same_sender && !r[0].size && !r[0].tail, "the message itself");
	tap_str("its sender", r[1].sender, "owner@example.test");
	tap_ok(r[2].kind == OUTGOING_NOTICE && r[2].at == 2 && r[2].size == 12, "its content");
	tap_ok(!outgoing_read(&a, out.fd, 0) && errno == EFBIG, "no record");
	tap_ok(!outgoing_read(&a, out.fd, MDA_OUTGOING_MAX + 1) && errno == EFBIG, "too many");
	outgoing_reset(&out);
	tap_ok(!outgoing_forward(&out, 0, "bob@example.org") && !outgoing_end(&out), "one");
	tap_ok(!outgoing_read(&a, out.fd, 2) && errno == EPROTO, "more than there are");
	outgoing_reset(&out);
	for (int i = 0; i < MDA_OUTGOING_MAX; i++)
		outgoing_forward(&out, 0, "bob@example.org");
	tap_ok(outgoing_forward(&out, 0, "bob@example.org") < 0 && errno == EMLINK, "one too many");
	outgoing_reset(&out);
}

/* clang-format off */
static struct broken {
	char const *what;
	struct outgoing_record r;
} const broken[] = {
	{"a whole one",         {OUTGOING_FORWARD, 1, 0, 0, 0, "", "a@b.test"}},
	{"an unknown kind",     {7, 1, 0, 0, 0, "", "a@b.test"}},
	{"a flag of 2",         {OUTGOING_FORWARD, 2, 0, 0, 0, "", "a@b.test"}},
	{"no recipient",        {OUTGOING_FORWARD, 1, 0, 0, 0, "", ""}},
	{"a line end",          {OUTGOING_FORWARD, 1, 0, 0, 0, "", "a@b.test\r\nDATA"}},
	{"one in the sender",   {OUTGOING_FORWARD, 0, 0, 0, 0, "a\n", "a@b.test"}},
	{"behind the contents", {OUTGOING_FORWARD, 1, 4, 2, 0, "", "a@b.test"}},
	{"larger than they",    {OUTGOING_FORWARD, 1, 0, 6, 0, "", "a@b.test"}},
	{"a sum that is small", {OUTGOING_FORWARD, 1, 2, UINT64_MAX, 0, "", "a@b.test"}},
	{"a place far out",     {OUTGOING_FORWARD, 1, UINT64_MAX, 2, 0, "", "a@b.test"}},
	{"an empty notice",     {OUTGOING_NOTICE, 1, 0, 0, OUTGOING_NO_TAIL, "", "a@b.test"}},
};
/* clang-format on */

static int
file_of(char const *s, size_t n, struct outgoing_record const *r)
{
	int fd = incoming_memory();
	tap_ok(write(fd, s, n) == (ssize_t)n && write(fd, r, sizeof *r) == (ssize_t)sizeof *r,
	    "written");
	return fd;
}

static void
broken_forms(void)
{
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		int fd = file_of("12345", 5, &broken[i].r);
		tap_ok(!outgoing_read(&a, fd, 1) == (i > 0), "%s", broken[i].what);
		close(fd);
	}
	struct outgoing_record r = broken[0].r;
	memset(r.rcpt, 'a', sizeof r.rcpt);
	int fd = file_of("", 0, &r);
	tap_ok(!outgoing_read(&a, fd, 1), "a string without an end");
	close(fd);
	int p[2];
	tap_ok(!pipe(p) && !outgoing_read(&a, p[0], 1), "a pipe, whose reading would wait");
}

/* clang-format off */
static struct said {
	char const *said, *sent;
} const replies[] = {
	{0,           "550 5.7.1 refused by the recipient's rules\r\n"},
	{"",          "550 5.7.1 refused by the recipient's rules\r\n"},
	{"no",        "550 5.7.1 no\r\n"},
	{"no\nand no", "550-5.7.1 no\r\n550 5.7.1 and no\r\n"},
	{"no\n\nx",   "550-5.7.1 no\r\n550-5.7.1 \r\n550 5.7.1 x\r\n"},
	{"no\r\nx\n\n", "550-5.7.1 no\r\n550 5.7.1 x\r\n"},
	{"t\tb\a\303\244", "550 5.7.1 t b???\r\n"},
};
/* clang-format on */

static void
texts(void)
{
	char clean[WORK_TEXT_MAX], wide[3 * MDA_REPLY_LINE];
	stralloc sa = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
		reply_clean(clean, sizeof clean, replies[i].said ? replies[i].said : "");
		sa_reset(&sa);
		reply_format(&sa, "\r\n", REPLY_RULES_REFUSE, replies[i].said ? clean : 0);
		tap_str("reply", sa_str(&sa), replies[i].sent);
	}
	memset(wide, 'x', sizeof wide - 1);
	wide[sizeof wide - 1] = 0;
	wide[100] = wide[300] = ' ';
	sa_reset(&sa);
	reply_format(&sa, "\n", REPLY_RULES_REFUSE, wide);
	size_t longest = 0, lines = 0;
	for (char const *s = sa_str(&sa); *s; s += strcspn(s, "\n") + 1, lines++)
		if (strcspn(s, "\n") > longest)
			longest = strcspn(s, "\n");
	tap_ok(longest <= MDA_REPLY_LINE + 10 && lines == 4,
	    "long lines are folded, at a blank where there is one");
	reply_clean(clean, 4, "abcdef");
	tap_str("cut", clean, "abc");
	stralloc_free(&sa);
}

int
main(void)
{
	round_trip();
	broken_forms();
	texts();
	return tap_done();
}
