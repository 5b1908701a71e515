#include "lib/conf.h"

#include <skalibs/strerr.h>

#include "lib/arena.h"
#include "lib/smtp-envelope.h"

char const *
conf_address(char const *name)
{
	struct arena a = ARENA_ZERO;
	struct smtp_path path;
	char const *s = conf_string(name, 0);
	if (s && (smtp_path_set(&a, s, &path) < 0 || !*path.domain))
		strerr_dief5x(100, "etc/", name, ": bad value \"", s, "\"");
	arena_free(&a);
	return s;
}
