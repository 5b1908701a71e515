/* What a launcher says behind a handshake (UCSPI-TLS), read from its descriptor, and what the other process of a pair is told that it
 * said: variables, or nonsense. */
#include "tests/fuzz/session.h"

#include "lib/ucspitls.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static char reply[UCSPITLS_REPLY_MAX];
	size_t n;
	tain deadline;
	if (size > INPUT_MAX)
		return 0;
	tain_now_set_stopwatch_g();
	tain_addsec_g(&deadline, 1);
	int fd = input(data, size);
	if (!ucspitls_answer(fd, reply, &n, &deadline) && (ucspitls_setenv(reply, n) < 0 || getenv("PATH")))
		abort();
	(void)ucspitls_setenv((char const *)data, size);
	close(fd);
	clearenv();
	return 0;
}
