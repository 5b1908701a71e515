#include "lib/account.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/table.h"

/* Fields of a passwd-file line behind the key. */
enum { PASSWORD, USER_ID, GROUP_ID, GECOS, HOME, SHELL, EXTRA, FIELDS };

/* Cuts at colons; the last field keeps its own (quota rules have them). */
static void
split(char *line, char const *field[static FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		field[i] = line;
		char *colon = i < FIELDS - 1 ? strchr(line, ':') : 0;
		if (colon)
			*colon++ = 0;
		line = colon ? colon : line + strlen(line);
	}
}

/* base + "/" + path[0..len), or path alone if it is absolute; no slash at the end. */
static char const *
below(struct arena *a, char const *base, char const *path, size_t len)
{
	stralloc sa = STRALLOC_ZERO;
	if (!len || *path != '/') {
		sa_cats(&sa, base);
		sa_append(&sa, '/');
	}
	sa_catb(&sa, path, len);
	while (sa.len > 1 && sa.s[sa.len - 1] == '/')
		sa.len--;
	char const *r = arena_strndup(a, sa.s, sa.len);
	stralloc_free(&sa);
	return r;
}

/* mail/DOMAIN/LOCAL for local@domain; null if the name could leave its place. */
static char const *
default_home(struct arena *a, char const *key)
{
	char const *at = strrchr(key, '@');
	if (!at || at == key || !at[1] || *key == '.' || at[1] == '.' || strchr(key, '/'))
		return 0;
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "mail/%s/%.*s", at + 1, (int)(at - key), key);
	char const *r = below(a, conf_dir(), sa.s, sa.len);
	stralloc_free(&sa);
	return r;
}

/* userdb_mail=maildir:PATH[:OPTIONS], ~/ being the home. */
static int
set_maildir(struct arena *a, struct account *out, char const *value, size_t len)
{
	static char const prefix[] = "maildir:";
	size_t const skip = sizeof prefix - 1;
	if (len <= skip || memcmp(value, prefix, skip))
		return -1;
	value += skip;
	char const *colon = memchr(value, ':', len - skip);
	size_t n = colon ? (size_t)(colon - value) : len - skip;
	if (n >= 2 && !memcmp(value, "~/", 2))
		value += 2, n -= 2;
	out->maildir = below(a, out->home, value, n);
	return 0;
}

static int
read_extra(struct arena *a, struct account *out, char const *s)
{
	static char const mail[] = "userdb_mail=", quota[] = "userdb_quota_rule=";
	for (size_t n; *s; s += n, s += strspn(s, " \t")) {
		n = strcspn(s, " \t");
		if (!strncmp(s, mail, sizeof mail - 1)) {
			if (set_maildir(a, out, s + sizeof mail - 1, n - sizeof mail + 1) < 0)
				return -1;
		} else if (!strncmp(s, quota, sizeof quota - 1))
			out->quota_rule =
			    arena_strndup(a, s + sizeof quota - 1, n - sizeof quota + 1);
		else if (ascii_ieq(s, n, "nologin"))
			out->nologin = 1;
		else if (ascii_ieq(s, n, "nodelivery"))
			out->nodelivery = 1;
	}
	return 0;
}

static int
id_field(char const *s, unsigned int own, unsigned int *id)
{
	*id = own;
	return !*s || uint0_scan(s, id);
}

static int
fill(struct arena *a, char const *key, char *line, struct account *out)
{
	char const *field[FIELDS];
	unsigned int uid, gid;
	split(line, field);
	if (!id_field(field[USER_ID], geteuid(), &uid) ||
	    !id_field(field[GROUP_ID], getegid(), &gid))
		return -1;
	*out = (struct account){.name = arena_strndup(a, key, strlen(key)),
	    .password = arena_strndup(a, field[PASSWORD], strlen(field[PASSWORD])),
	    .uid = uid,
	    .gid = gid,
	    .shell =
		*field[SHELL] ? arena_strndup(a, field[SHELL], strlen(field[SHELL])) : "/bin/sh"};
	out->home = *field[HOME] ? below(a, conf_dir(), field[HOME], strlen(field[HOME]))
				 : default_home(a, key);
	if (!out->home)
		return -1;
	out->maildir = below(a, out->home, "Maildir", strlen("Maildir"));
	return read_extra(a, out, field[EXTRA]);
}

int
account_find(struct arena *a, char const *key, struct account *out)
{
	stralloc value = STRALLOC_ZERO;
	int r = table_find("users", key, strlen(key), &value), e = errno;
	if (r == 1 && fill(a, key, value.s, out) < 0) {
		log_1("bad-account", "user", key);
		e = EINVAL;
		r = -1;
	}
	stralloc_free(&value);
	errno = e;
	return r;
}
