#include "sieve/tool/world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <skalibs/strerr.h>

#include "lib/sa.h"

struct world_script {
	struct world_script *next;
	char const *path;
	struct sieve_code code;
};

void
world_folder(struct world *w, char const *name)
{
	if (w->folders_count == WORLD_FOLDERS_MAX)
		strerr_dief1x(100, "too many folders");
	w->folders[w->folders_count++] = name;
}

/* A script, loaded once: null and errno. */
static struct world_script *
load(struct world *w, char const *path, struct sieve_errors *e)
{
	for (struct world_script *x = w->loaded; x; x = x->next)
		if (!strcmp(x->path, path))
			return x;
	struct world_script *const x = arena_zalloc(w->arena, sizeof *x);
	x->path = arena_strndup(w->arena, path, strlen(path));
	if (sieve_file_load(&x->code, w->arena, x->path, 0, w->limits, e) < 0)
		return 0;
	x->next = w->loaded;
	return w->loaded = x;
}

void
world_script(struct world *w, char const *file)
{
	struct sieve_errors e;
	if (w->scripts_count == WORLD_SCRIPTS_MAX)
		strerr_dief1x(100, "too many scripts");
	struct world_script const *const x = load(w, file, &e);
	if (x) {
		w->scripts[w->scripts_count++] = &x->code;
		return;
	}
	for (unsigned int i = 0; i < e.count; i++)
		fprintf(stderr, "%s:%u: %s\n", file, e.list[i].line, e.list[i].text);
	if (e.count)
		strerr_dief2x(100, file, " does not compile");
	strerr_diefu2sys(errno == ENOENT ? 100 : 111, "read ", file);
}

int
world_folder_exists(void *arg, char const *folder)
{
	struct world const *const w = arg;
	for (unsigned int i = 0; i < w->folders_count; i++)
		if (!strcmp(w->folders[i], folder))
			return 1;
	return w->every || !strcasecmp(folder, "INBOX");
}

int
world_include(
    void *arg, int global, char const *name, struct sieve_code const **code, char const **why)
{
	struct world *const w = arg;
	struct sieve_errors e;
	char const *const folder = global ? w->global : w->personal;
	stralloc path = STRALLOC_ZERO;
	if (!folder || !sieve_name_valid(name, strlen(name)))
		return 0;
	sa_catf(&path, "%s/", folder);
	sieve_name_file(&path, name, strlen(name));
	struct world_script const *const x = load(w, sa_str(&path), &e);
	int const missing = !x && errno == ENOENT;
	stralloc_free(&path);
	if (!x) {
		*why = e.count ? e.list[0].text : "cannot be read";
		return missing ? 0 : -1;
	}
	*code = &x->code;
	return 1;
}
