/* What the child of a login pair asks, when it is in a stranger's hands: what passes is made of texts that end where they may. */
#include "tests/fuzz/session.h"

#include "lib/login-parent.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct login_message m;
	static struct login_request r;
	static char packet[sizeof r + LOGIN_TAIL_MAX];
	struct login_parent p = {.kind = size && *data & 1 ? LOGIN_SESSION : LOGIN_VERDICT};
	int fds[2];
	if (size < 2 || size > sizeof packet)
		return 0;
	/* With a second octet below 128 the texts are put where they belong; else all is as it comes. */
	memcpy(packet, data + 2, size - 2);
	size_t n = size - 2;
	if (data[1] < 128) {
		char *const to[] = {r.login, r.password, r.mechanism, r.tag, r.command};
		size_t const room[] = {sizeof r.login, sizeof r.password, sizeof r.mechanism, sizeof r.tag, sizeof r.command};
		char const *s = packet, *end = packet + n;
		memset(&r, 0, sizeof r);
		r.ask = data[1] % (LOGIN_ASKS + 1);
		for (size_t i = 0; i < 5 && s < end; i++) {
			char const *lf = memchr(s, '\n', (size_t)(end - s));
			size_t const len = (size_t)((lf ? lf : end) - s);
			memcpy(to[i], s, len < room[i] ? len : room[i]);
			s = lf ? lf + 1 : end;
		}
		r.data_len = (uint32_t)(end - s);
		memmove(packet + sizeof r, s, (size_t)(end - s));
		memcpy(packet, &r, sizeof r);
		n = sizeof r + (size_t)r.data_len;
	}
	p.fd = answers(packet, n, 1, send_plainly, -1);
	if (login_receive(&p, &m, fds) == 1 &&
	    (m.r.ask >= LOGIN_ASKS || strlen(m.r.login) > LOGIN_NAME_MAX || strlen(m.r.tag) > LOGIN_TAG_MAX ||
		m.r.data_len > LOGIN_DATA_MAX || strlen(m.r.login) + strlen(m.r.password) + 3 > LOGIN_CREDENTIALS_MAX))
		abort();
	close(p.fd);
	return 0;
}
