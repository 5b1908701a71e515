/* The scripts that count for an account: the administrator's before, the account's own or else the
 * default one, the administrator's after; and those that they include. Loaded by a worker before it
 * is shut in; included ones when they are asked for. */
#ifndef POSTERN_MDA_LOCAL_SIEVE_SCRIPTS_H
#define POSTERN_MDA_LOCAL_SIEVE_SCRIPTS_H

#include <sys/types.h>
#include <time.h>

#include "lib/arena.h"
#include "sieve/sieve.h"

/* Below the home: the active script, scripts, what is remembered. Dovecot's names. */
#define SCRIPT_ACTIVE ".dovecot.sieve"
#define SCRIPT_FOLDER "sieve"
#define SCRIPT_STATE "sieve/.state"
/* Scripts that are run for one message, without those that they include; included ones that are
 * kept. Of more, the last are left out (event=sieve-error). */
#define SCRIPT_MAIN_MAX 50
#define SCRIPT_INCLUDES_MAX 255

struct script_stamp {
	dev_t dev;
	ino_t ino; /* 0: there is none */
	off_t size;
	struct timespec mtime, ctime;
};

struct script {
	char *path;
	struct script_stamp stamp;
	int good; /* code is there */
	struct sieve_code code;
	char *why; /* why not; null: there is no such script */
};

struct scripts {
	char *home;
	struct script *main[SCRIPT_MAIN_MAX], *include[SCRIPT_INCLUDES_MAX];
	unsigned int mains, includes;
	struct script *own; /* the account's, of main; null: it has none */
	unsigned int uses;  /* enum sieve_uses, of all in main */
	int fd_log;	    /* beside the account's own, for errors of runs; -1: none */
	int temporary;	    /* errno if one could not be read for now */
};

/* Loads what the account with this home has, the errors of its own script go to the file beside it.
 * How many scripts there are. */
unsigned int scripts_load(struct scripts *s, char const *home);
/* Are they all as they were? 1 or 0. */
int scripts_fresh(struct scripts const *s);
/* As struct sieve_host's include. */
int scripts_include(struct scripts *s, int global, char const *name, struct sieve_code const **code,
    char const **why);
/* Tells of an error of a run: in the log, and in the file beside the account's script. */
void scripts_error(struct scripts *s, struct sieve_result const *r, int64_t now);

#endif
