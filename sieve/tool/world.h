/* What a script that is tried may ask of: folders of the command line, scripts in files. */
#ifndef POSTERN_SIEVE_TOOL_WORLD_H
#define POSTERN_SIEVE_TOOL_WORLD_H

#include "sieve/sieve.h"

#define WORLD_FOLDERS_MAX 1000
#define WORLD_SCRIPTS_MAX 100 /* those on top */

struct world {
	char const *folders[WORLD_FOLDERS_MAX];
	unsigned int folders_count;
	int every;		       /* every folder exists */
	char const *personal, *global; /* folders of included scripts */
	struct sieve_limits const *limits;
	struct arena *arena;
	char const *names[WORLD_SCRIPTS_MAX];
	struct sieve_code const *scripts[WORLD_SCRIPTS_MAX];
	unsigned int scripts_count;
	struct world_script *loaded;
};

/* From now on there is this folder. */
void world_folder(struct world *w, char const *name);
/* Loads a script that is run; one with errors ends the program with 100, its errors on fd 2. */
void world_script(struct world *w, char const *file);

int world_folder_exists(void *arg, char const *folder);
int world_include(
    void *arg, int global, char const *name, struct sieve_code const **code, char const **why);
#define WORLD_HOST(w)                                                                              \
	{                                                                                          \
		.arg = (w), .folder_exists = world_folder_exists, .include = world_include         \
	}

#endif
