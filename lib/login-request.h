/* What crosses between the two processes of lib/login.h; both are the same program. */
#ifndef POSTERN_LOGIN_REQUEST_H
#define POSTERN_LOGIN_REQUEST_H

#include <stdint.h>

#include "lib/login.h"
#include "lib/ucspitls.h"

#define LOGIN_MECHANISM_MAX 32
#define LOGIN_COMMAND_MAX 32

/* The first four open an account: a session begins, or in LOGIN_VERDICT the parent says yes. */
enum login_ask {
	LOGIN_ASK_PASSWORD,    /* login and password */
	LOGIN_ASK_TOKEN,       /* data: the token; login: who the client says it is of, may be empty */
	LOGIN_ASK_CERTIFICATE, /* login: who the client wants to be, may be empty */
	LOGIN_ASK_PROVED,      /* login, as LOGIN_ASK_PROOF has found it right */
	LOGIN_ASK_KEYS,	       /* login, mechanism; the answer is a struct sasl_keys */
	LOGIN_ASK_PROOF,       /* data: HASH_MAX octets of proof and AuthMessage; the answer: HASH_MAX of signature */
	LOGIN_ASK_TLS,	       /* start TLS; the answer is the launcher's reply (lib/ucspitls.h) */
	LOGIN_ASK_PEER,	       /* login: the address that a proxy speaks for, may be empty */
	LOGIN_ASKS,
};

/* One message (SOCK_SEQPACKET), all C strings, with the connection's two descriptors if the kind is
 * LOGIN_SESSION and an account is to be opened, none otherwise. Behind it data_len bytes and
 * input_len that the client has sent already. */
struct login_request {
	uint32_t ask; /* enum login_ask */
	char login[LOGIN_NAME_MAX + 1];
	char password[LOGIN_CREDENTIALS_MAX];
	char mechanism[LOGIN_MECHANISM_MAX + 1];
	char tag[LOGIN_TAG_MAX + 1];
	char command[LOGIN_COMMAND_MAX + 1];
	uint32_t data_len, input_len;
};
#define LOGIN_DATA_MAX SASL_MESSAGE_MAX
#define LOGIN_TAIL_MAX (LOGIN_DATA_MAX + NET_INSIZE)

/* The answer: verdict and len octets of data. An account that was opened in LOGIN_VERDICT: its login,
 * a C string. */
struct login_answer {
	uint32_t verdict; /* enum login_verdict */
	uint32_t len;
	char data[UCSPITLS_REPLY_MAX];
};
#define LOGIN_ANSWER_HEAD (sizeof(struct login_answer) - UCSPITLS_REPLY_MAX)

/* login-child.c. Sends r with data, and waits seconds for the answer: 0; -1 there is none. */
int login_ask(struct login *l, struct net *n, struct login_request *r, char const *data,
    size_t data_len, struct login_answer *a, unsigned int seconds);
/* The same for what opens an account, as login_check has it. */
enum login_verdict login_open(
    struct login *l, struct net *n, struct login_request *r, char const *data, size_t data_len);
/* Fills r; strings that cannot be a login or a password become empty. */
void login_fill(struct login_request *r, enum login_ask ask, struct login_credentials const *c);

#endif
