/* smtp-send with a server that says whatever it likes: every recipient has a verdict, or the message waits. The first octet says whether
 * it is LMTP, and how much the message asks. */
#include "tests/fuzz/session.h"

#include <sys/mman.h>

#include "mda-remote/envelope.h"
#include "mda-remote/send.h"
#include "mda-remote/spool.h"

__attribute__((weak)) int
send_report(uint64_t at, struct attempt const *t)
{
	(void)at;
	if (!strchr("wdsf", t->verdict) || strlen(t->text) >= sizeof t->text || strlen(t->status) >= sizeof t->status)
		abort();
	return 0;
}

__attribute__((weak)) int
send_orphaned(void)
{
	return 0;
}

__attribute__((weak)) void
send_report_tls(struct send *s, char const *policy, char const *type, char const *reason)
{
	(void)s, (void)policy, (void)type, (void)reason;
}

__attribute__((weak)) void
send_report_session(struct send_host const *h, uint64_t since, char const *session)
{
	(void)h, (void)since, (void)session;
}

static char const message[] = "Subject: x\xc3\xa4\n\n.dot\nline\n";

/* A spool file with three recipients; at: their places. */
static int
spool_file(uint64_t at[3], uint8_t how)
{
	struct envelope_rcpt rcpt[3] = {{.rcpt.to.text = "a@b.test", .state = RCPT_WAITING, .delay = DELAY_UNTOLD},
	    {.rcpt.to.text = "c@b.test", .rcpt.orcpt = "rfc822;c@b.test", .state = RCPT_WAITING, .delay = DELAY_UNTOLD},
	    {.rcpt.to.text = how & 8 ? "d\xc3\xa4@b.test" : "d@b.test", .state = RCPT_WAITING, .delay = DELAY_UNTOLD}};
	struct envelope e = {.id = "id", .arrival = 1, .expiry = 2, .mail = {.from = {.text = "x@y.test"}, .smtputf8 = how & 8 ? 1 : 0, .body = how & 16 ? BODY_8BITMIME : BODY_7BIT},
	    .eightbit = how & 4 ? 1 : 0, .length = sizeof message - 1, .rcpt = rcpt, .count = 3};
	stralloc sa = STRALLOC_ZERO;
	char sizes[ENVELOPE_SIZES_LEN + 1];
	envelope_format(&sa, &e);
	e.mail.size = sizeof message + 4;
	envelope_sizes(sizes, &e);
	memcpy(sa.s + ENVELOPE_SIZES_AT, sizes, ENVELOPE_SIZES_LEN);
	sa_catb(&sa, message, sizeof message - 1);
	for (int i = 0; i < 3; i++)
		at[i] = rcpt[i].at;
	int fd = memfd_create("spool", MFD_CLOEXEC);
	if (fd < 0 || write(fd, sa.s, sa.len) != (ssize_t)sa.len)
		abort();
	stralloc_free(&sa);
	return fd;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct send s;
	struct attempt why;
	uint64_t at[3];
	if (!size || size > INPUT_MAX)
		return 0;
	instance();
	int fd = input(data + 1, size - 1), out = open("/dev/null", O_WRONLY), file = spool_file(at, *data);
	s.lmtp = s.c.lmtp = *data & 1;
	s.socket = (char *)(uintptr_t)"/socket";
	s.timeout = 1;
	s.mails = 0;
	s.open = s.stale = 0;
	smtp_client_fds(&s.c, fd, out);
	s.c.lmtp = s.lmtp;
	smtp_client_deadline(&s.c, 1);
	if (!smtp_client_hello(&s.c, "me.test", &s.reply)) {
		if (*data & 2)
			send_verify(&s, "v@b.test", &why);
		for (int i = 0; i < 3 && !send_mail(&s, file, at, 3); i++) {
			close(file);
			file = spool_file(at, *data);
		}
	}
	close(file);
	smtp_client_close(&s.c);
	arena_free(&s.arena);
	return 0;
}
