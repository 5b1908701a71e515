/* The plan: what there is to be attacked. A file of lines, a word and its arguments; read once,
 * before main, into memory that later needs no right at all. */
#ifndef POSTERN_PROOF_PLAN_H
#define POSTERN_PROOF_PLAN_H

#include <stddef.h>

enum plan_kind {
	PLAN_DIR,    /* a directory with a file for each attempt, named as the attempt */
	PLAN_FILE,   /* one file */
	PLAN_SYSTEM, /* a file that is only read */
	PLAN_SOCKET, /* a Unix socket where somebody listens */
	PLAN_FIFO,   /* somebody reads */
};

#define PLAN_TARGETS_MAX 64

struct plan {
	char const *at, *into, *abstract;
	int victim, tcp, udp, free_port;
	size_t count;
	struct plan_target {
		enum plan_kind kind;
		char const *name, *path;
	} target[PLAN_TARGETS_MAX];
};
extern struct plan plan;

/* Reads the file: 0, or -1. */
int plan_read(char const *path);

#endif
