/* What crosses between the two processes of lib/login.h; both are the same program. */
#ifndef POSTERN_LOGIN_REQUEST_H
#define POSTERN_LOGIN_REQUEST_H

#include <stdint.h>

#include "lib/login.h"
#include "lib/ucspitls.h"

#define LOGIN_MECHANISM_MAX 32
#define LOGIN_COMMAND_MAX 32

/* One message (SOCK_SEQPACKET), all C strings, with the connection's two descriptors if the kind is
 * LOGIN_SESSION and none otherwise. Behind it ssl_len bytes of NAME=value strings, each with its
 * NUL, and input_len bytes that the client has sent already. */
struct login_request {
	char login[LOGIN_NAME_MAX + 1];
	char password[LOGIN_CREDENTIALS_MAX];
	char mechanism[LOGIN_MECHANISM_MAX + 1];
	char tag[LOGIN_TAG_MAX + 1];
	char command[LOGIN_COMMAND_MAX + 1];
	uint32_t ssl_len, input_len;
};
#define LOGIN_TAIL_MAX (UCSPITLS_REPLY_MAX + NET_INSIZE)

/* The answer is one byte, an enum login_verdict. */

#endif
