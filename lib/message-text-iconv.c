/* Apart from lib/message-text.c, so that who does not call it does not carry iconv. */
#include "lib/message-text.h"

void
message_texts_make(struct message_texts *t, struct arena *a, char const *msg, size_t n, size_t body,
    unsigned int kinds)
{
	message_texts_make_by(t, a, msg, n, body, kinds, charset_iconv);
}
