/* What errand.c asks and errand-serve.c answers: packets (link.h) from one process to the one that it
 * has forked. */
#ifndef POSTERN_MDA_REMOTE_ERRAND_FORM_H
#define POSTERN_MDA_REMOTE_ERRAND_FORM_H

#include <stdint.h>

#include "mda-remote/route.h"
#include "mda-remote/settings.h"

#define ERRAND_TEXT_MAX 4096 /* of a request */
#define ERRAND_WHY_MAX 128

/* Sent as far as its text goes. */
struct errand {
	enum errand_kind {
		ERRAND_RUN,
		ERRAND_SIGNAL,
		ERRAND_ROUTE,
		ERRAND_SETTINGS,
		ERRAND_STAMP
	} kind;
	int32_t number; /* RUN: the program; SIGNAL: the process */
	int32_t signal;
	uint32_t length;
	char text[ERRAND_TEXT_MAX]; /* ROUTE: domain, sender, login, each with its NUL; no login is "" */
};

/* The answers. RUN: an int32_t and the link; STAMP: a uint64_t; SIGNAL: none. */
struct errand_route {
	int32_t error;
	char why[ERRAND_WHY_MAX];
	struct route r;
};
struct errand_settings {
	int32_t error;
	struct settings s;
};

/* errand-serve.c: the process itself, with this end of the link. */
void errand_serve(int fd) __attribute__((noreturn));

#endif
