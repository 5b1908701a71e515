/* What a server says: greeting, extensions, replies to a whole transaction. What is taken for a reply has a code, and lines that end. */
#include "tests/fuzz/session.h"

#include "lib/smtp-client.h"

static void
check(struct smtp_reply const *r)
{
	if (r->code < 200 || r->code > 599 || memchr(r->text.s, 0, r->text.len) || strlen(r->text.s) != r->text.len ||
	    strlen(r->status) >= sizeof r->status || strpbrk(r->text.s, "\r"))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct smtp_client c;
	struct smtp_reply r = SMTP_REPLY_ZERO;
	struct smtp_mail const mail = {.from = {.text = "a@b"}, .size = 10, .envid = "x", .smtputf8 = 1};
	struct smtp_rcpt const rcpt = {.to = {.text = "c@d"}, .orcpt = "rfc822;c@d"};
	if (!size || size > INPUT_MAX)
		return 0;
	int fd = input(data + 1, size - 1), out = open("/dev/null", O_WRONLY);
	smtp_client_fds(&c, fd, out);
	c.lmtp = *data & 1;
	smtp_client_deadline(&c, 1);
	if (smtp_client_hello(&c, "me.test", &r) >= 0) {
		check(&r);
		int n = smtp_client_mail(&c, &mail, "id");
		smtp_client_rcpt(&c, &rcpt);
		for (n += 2; n-- && !smtp_client_reply(&c, &r);)
			check(&r);
		smtp_client_send(&c, ".a\nb", 4);
		smtp_client_send_end(&c);
		while (!smtp_client_reply(&c, &r))
			check(&r);
	}
	stralloc_free(&r.text);
	smtp_client_close(&c);
	return 0;
}
