/* An LMTP session: whatever comes, no octet outside a line or chunk is touched. The first octets say what the parent answers. */
#include "tests/fuzz/session.h"

#include "mda-local/channel.h"
#include "mda-local/lmtp.h"
#include "mda-local/replies.h"

#define ANSWERS 12

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct lmtp l;
	static struct answer all[ANSWERS];
	static int memory = -1;
	if (size < ANSWERS || size > INPUT_MAX)
		return 0;
	if (memory < 0) {
		instance();
		memory = incoming_memory();
		lmtp_settings(&l);
		lmtp_init(&l, "id");
	}
	for (size_t i = 0; i < ANSWERS; i++) {
		/* Most recipients are taken. */
		all[i].reply = data[i] < 128 ? REPLY_RCPT_OK : data[i] % REPLY_COUNT;
		all[i].forwards = data[i] & 1;
	}
	l.state = LMTP_NEW;
	l.errors = 0;
	stand_in_for_client(data + ANSWERS, size - ANSWERS);
	int fd = answers(all, sizeof *all, ANSWERS, channel_send, memory);
	lmtp_serve(&l, fd);
	lmtp_reset(&l);
	return 0;
}
