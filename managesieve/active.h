/* Which script is active: the symbolic link HOME/.dovecot.sieve into HOME/sieve. Changing it takes
 * rights on HOME, and with these goes the right to remove files anywhere below. So a process of its
 * own has them: it hears nothing from the client, only the requests of active_set and active_adopt,
 * and may make, rename and remove names in HOME, but read no file. */
#ifndef POSTERN_MANAGESIEVE_ACTIVE_H
#define POSTERN_MANAGESIEVE_ACTIVE_H

#include <skalibs/stralloc.h>

#define ACTIVE_LINK ".dovecot.sieve"
#define ACTIVE_FOLDER "sieve"

struct active {
	int fd;	       /* to that process */
	int fd_home;   /* names only (O_PATH) */
	int fd_folder; /* HOME/sieve; the caller's */
};

/* Forks that process, which ends with this one. Before the sandbox. 0, or -1 and errno. */
int active_start(struct active *a, char const *home, int fd_folder);

enum active_kind {
	ACTIVE_NONE,
	ACTIVE_SCRIPT, /* a link into HOME/sieve */
	ACTIVE_FILE,   /* a plain file in the link's place: a script that was put there by hand */
	ACTIVE_OTHER,  /* a link to somewhere else */
};
/* Whether there is one; of ACTIVE_SCRIPT its file, relative to HOME/sieve (it need not be there).
 * -1 and errno. */
int active_read(struct active const *a, stralloc *file);

/* Lets the link lead to HOME/sieve/FILE, or removes it (null). Durable. 0, or -1 and errno (EAGAIN:
 * there is a plain file in its place). */
int active_set(struct active const *a, char const *file);
/* Of ACTIVE_FILE: the plain file becomes HOME/sieve/FILE, which must not exist (EEXIST), and a link
 * to it takes its place. No moment is without the script. Durable. 0, or -1 and errno. */
int active_adopt(struct active const *a, char const *file);

#endif
