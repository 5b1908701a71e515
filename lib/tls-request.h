/* What is said on the key holder's socket (doc/tls.md). No OpenSSL here: tlsd and ucspitlsd send
 * it, the key holder reads it. */
#ifndef POSTERN_TLS_REQUEST_H
#define POSTERN_TLS_REQUEST_H

#include <stddef.h>

/* A request and a reply are each one message of at most so many bytes. */
#define TLS_REQUEST_MAX 2048
#define TLS_REPLY_MAX 4096
/* The descriptors with a request, in this order: network to read from and to write to, plaintext
 * from the application, plaintext to the application. */
enum { TLS_FD_NET_IN, TLS_FD_NET_OUT, TLS_FD_FROM_APP, TLS_FD_TO_APP, TLS_FDS };

/* A handshake may take so long. */
#define TLS_HANDSHAKE_MS 30000
#define TLS_HANDSHAKE_MS_MAX 600000

/* Exit codes of tlsd and the engine, those of s6-tlsd; TLS_FAILED_MARK and one of them is the
 * answer to a request that started at once and failed. */
enum {
	TLS_EXIT_KEYS = 96,
	TLS_EXIT_HANDSHAKE = 97,
	TLS_EXIT_ENGINE = 98, /* timeouts, and errors later on */
	TLS_EXIT_USAGE = 100,
	TLS_EXIT_SYSTEM = 111,
};
#define TLS_FAILED_MARK 1

enum tls_client_cert { TLS_CERT_NONE, TLS_CERT_ASK, TLS_CERT_MUST };

struct tls_request {
	int at_once; /* else when 'Y' or 'y' comes on the socket */
	enum tls_client_cert client_cert;
	int strict_eof; /* a peer's end without close_notify is an error */
	unsigned int timeout_ms;
	unsigned int verbosity; /* 0 errors, 1 connections too, 2 everything */
	/* C strings, "" for none: protocol names separated by commas, the connection's id, its
	 * peer. */
	char const *alpn, *id, *ip;
};

/* Writes r into buf; its length, 0 if it does not fit. */
size_t tls_request_fmt(char buf[static TLS_REQUEST_MAX], struct tls_request const *r);
/* Reads a whole request; the strings point into buf. Unknown names are passed over. 1, or 0 when it
 * is none. */
int tls_request_scan(char const *buf, size_t len, struct tls_request *r);

#endif
