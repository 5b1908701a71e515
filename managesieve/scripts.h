/* The scripts of an account: HOME/sieve/NAME.sieve (sieve_name_file), as Dovecot has them. What is
 * reported as done survives a power cut, and a name has at every moment the old script or the new
 * one. Of several sessions one changes something at a time; who else puts files there is not asked
 * to wait. All names given are valid (sieve_name_valid). */
#ifndef POSTERN_MANAGESIEVE_SCRIPTS_H
#define POSTERN_MANAGESIEVE_SCRIPTS_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "managesieve/active.h"

struct scripts {
	int fd;	    /* HOME/sieve */
	int fd_tmp; /* HOME/sieve/tmp */
	struct active active;
};

/* Opens the folder, made where it is missing, and starts the process of active.h; removes what a
 * killed session left. Before the sandbox. 0, or -1 and errno. */
int scripts_open(struct scripts *s, char const *home);

struct script {
	char *name;
	size_t len;
	uint64_t size; /* octets */
	int active;
};
struct scripts_list {
	struct script *script; /* by name */
	size_t count, room;
	uint64_t size; /* of all together */
};
/* What there is: 0, or -1 and errno, and then nothing is to be freed. An active script that is a
 * plain file beside the folder is there under the name that scripts_adopt will give it. */
int scripts_list(struct scripts const *s, struct scripts_list *l);
void scripts_list_free(struct scripts_list *l);
struct script const *scripts_find(struct scripts_list const *l, char const *name, size_t len);

/* Each: 0, or -1 and errno. ENOENT: there is no such script. */
/* Appends the text; EFBIG if it is longer than max. */
int scripts_read(struct scripts const *s, char const *name, size_t len, size_t max, stralloc *text);
int scripts_put(struct scripts const *s, char const *name, size_t len, char const *text, size_t n);
/* EBUSY: it is the active one. */
int scripts_remove(struct scripts const *s, char const *name, size_t len);
/* EEXIST: there is one of the new name. The active script stays active. */
int scripts_rename(
    struct scripts const *s, char const *from, size_t from_len, char const *to, size_t to_len);
/* len 0: none is active. */
int scripts_activate(struct scripts const *s, char const *name, size_t len);
/* A plain file in the active link's place becomes a script like others. */
int scripts_adopt(struct scripts const *s);

/* Around what changes anything: waits for other sessions of the account. 0, or -1 (EAGAIN: after so
 * many seconds). */
int scripts_lock(struct scripts const *s, unsigned int seconds);
void scripts_unlock(struct scripts const *s);

#endif
