/* What local programs give sendmail: the header that goes out has its end and no Bcc, and every recipient is an address. */
// seeds: messages
#include "tests/fuzz/session.h"

#include <sanitizer/lsan_interface.h>
#include <setjmp.h>
#include <strings.h>

#include "bin/sendmail.h"

static jmp_buf died;

void
sendmail_die(int code, char const *what, char const *more)
{
	(void)what, (void)more;
	if (code != SENDMAIL_DATA)
		abort();
	longjmp(died, 1);
}

static void
check(struct sendmail const *s)
{
	if (!s->header.len || s->header.s[s->header.len - 1] != '\n' || s->body_at > s->text.len)
		abort();
	for (size_t i = 0; i + 4 < s->header.len; i++)
		if ((!i || s->header.s[i - 1] == '\n') && !strncasecmp(s->header.s + i, "Bcc:", 4))
			abort();
	for (unsigned int i = 0; i < s->rcpts; i++)
		if (!*s->rcpt[i].to.domain || strpbrk(s->rcpt[i].to.text, "\r\n"))
			abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct sendmail s;
	if (!*instance_dir)
		instance_file("etc/me", "mx.test\n", 8);
	s = (struct sendmail){.from_header = 1, .login = "user", .full_name = "A (b) \"User\"", .fd_rest = -1, .mail = {.from = {.text = "", .local = "", .domain = ""}}};
	/* A program that dies gives nothing back. */
	__lsan_disable();
	sa_catb(&s.text, (char const *)data, size);
	sa_str(&s.text);
	if (!setjmp(died)) {
		sendmail_header(&s);
		check(&s);
	}
	__lsan_enable();
	arena_free(&s.arena);
	stralloc_free(&s.text);
	stralloc_free(&s.header);
	free(s.rcpt);
	return 0;
}
