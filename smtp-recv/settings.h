/* The settings of smtp-recv, read once before the sandbox. man/smtp-recv.8 lists them. */
#ifndef SMTP_RECV_SETTINGS_H
#define SMTP_RECV_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

struct settings {
	char const *me;
	char const *relayclient;  /* RELAYCLIENT, null if not set */
	char const *separators;	  /* between user and subaddress */
	char const *lmtp, *spool; /* sockets */
	char const *directory;	  /* for long messages */
	uint64_t size_max;
	size_t line_max;
	unsigned int recipients_max, hops_max, errors_max, messages_max, user_connections;
	unsigned int reply_seconds, idle_seconds, session_seconds;
	int submission, repair_newlines, requiretls;
};

/* Reads all; a bad one ends the program with exit 100 and its name. */
void settings_read(struct settings *s, int submission);

#endif
