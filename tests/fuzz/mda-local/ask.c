/* What a parser in a stranger's hands asks of mda-local's parent: it is served, or the parser is ended; nothing else. Each line is a
 * request: operation and numbers in its first octets, then its texts between vertical bars. */
#include "tests/fuzz/session.h"

#include "mda-local/ask.h"
#include "mda-local/channel.h"
#include "mda-local/parent.h"

#define ASKS 30

static void
fill(struct ask *q, char const *s, size_t n)
{
	char *const to[] = {q->id, q->path, q->local, q->domain, q->extra};
	size_t const room[] = {sizeof q->id, sizeof q->path, sizeof q->local, sizeof q->domain, sizeof q->extra};
	memset(q, 0, sizeof *q);
	if (n < 6)
		return;
	q->op = (uint32_t)(s[0] - '0');
	q->notify = (uint32_t)s[1];
	q->size = (uint64_t)(s[2] - '0');
	q->body = (uint32_t)(s[3] - '0');
	q->ret = (uint32_t)(s[4] - '0');
	q->smtputf8 = s[5] & 1;
	q->requiretls = s[5] & 2;
	s += 6, n -= 6;
	for (size_t i = 0; i < 5 && n; i++) {
		char const *bar = memchr(s, '|', n);
		size_t const len = bar ? (size_t)(bar - s) : n;
		memcpy(to[i], s, len < room[i] ? len : room[i]); /* not ended, when it is that long */
		s += len + (bar != 0);
		n -= len + (bar != 0);
	}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct deliver d;
	static struct ask all[ASKS];
	static int begun;
	char const *s = (char const *)data, *const end = s + size;
	unsigned int count = 0;
	if (!begun++) {
		static char const domains[] = "example.test: local\n", users[] = "a@example.test: x:1:1::/dev/null/home:\n";
		instance_file("etc/domains", domains, sizeof domains - 1);
		instance_file("etc/users", users, sizeof users - 1);
		deliver_init(&d);
	}
	while (s < end && count < ASKS) {
		char const *lf = memchr(s, '\n', (size_t)(end - s));
		fill(&all[count++], s, (size_t)((lf ? lf : end) - s));
		s = lf ? lf + 1 : end;
	}
	/* One by one, or as many in a packet as there may be. */
	unsigned int const together = count % ASK_TOGETHER ? 1 : ASK_TOGETHER;
	int fd = answers(all, together * sizeof *all, count / together, send_plainly, -1);
	parent_serve(&d, fd);
	close(fd);
	return 0;
}
