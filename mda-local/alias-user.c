#include "mda-local/alias-user.h"

#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/local-user.h"

#define ALIAS_USER "nobody"

static struct alias_user const *
user(struct arena *a, uid_t uid, gid_t gid, char const *name)
{
	struct alias_user *u = arena_alloc(a, sizeof *u);
	*u = (struct alias_user){uid, gid, arena_strndup(a, name, strlen(name))};
	return u;
}

/* UID:GID. */
static int
scan_ids(char const *s, uid_t *uid, gid_t *gid)
{
	size_t const n = uid_scan(s, uid);
	return n && s[n] == ':' && gid0_scan(s + n + 1, gid);
}

static struct alias_user const *
by_setting(struct arena *a)
{
	struct local_user found;
	uid_t uid;
	gid_t gid;
	char const *name = conf_string("alias-user", ALIAS_USER);
	if (!scan_ids(name, &uid, &gid)) {
		if (!local_user_find(name, 0, &found))
			return 0;
		uid = found.uid;
		gid = found.gid;
	}
	return uid && gid ? user(a, uid, gid, name) : 0;
}

struct alias_user const *
alias_user(struct arena *a, uid_t uid, gid_t gid)
{
	struct local_user found;
	uid_t const me = geteuid();
	if (!me && !uid)
		return by_setting(a);
	if (me) {
		uid = me;
		gid = getegid();
	}
	int const known = local_user_find(0, uid, &found);
	if (known && !me)
		gid = found.gid;
	return me || gid ? user(a, uid, gid, found.name) : 0;
}

static unsigned int
places(char const *setting, char const *s)
{
	static struct {
		char const *name;
		unsigned int place;
	} const words[] = {{"alias", ALIAS_IN_TABLE}, {"forward", ALIAS_IN_FORWARD},
	    {"include", ALIAS_IN_INCLUDE}};
	static char const blanks[] = " \t,";
	unsigned int all = 0;
	if (!strcmp(s, "none"))
		return 0;
	for (s += strspn(s, blanks); *s; s += strspn(s, blanks)) {
		size_t const n = strcspn(s, blanks);
		size_t i = 0;
		while (i < sizeof words / sizeof *words &&
		       (strlen(words[i].name) != n || memcmp(words[i].name, s, n)))
			i++;
		if (i == sizeof words / sizeof *words)
			strerr_dief4x(
			    100, "etc/", setting, ": alias, forward, include or none, not ", s);
		all |= words[i].place;
		s += n;
	}
	return all;
}

void
alias_allowed_init(struct alias_allowed *p)
{
	static char const usual[] = "alias forward";
	p->commands =
	    places("allow-mail-to-commands", conf_string("allow-mail-to-commands", usual));
	p->files = places("allow-mail-to-files", conf_string("allow-mail-to-files", usual));
}
