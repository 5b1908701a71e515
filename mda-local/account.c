#include "mda-local/account.h"

#include <errno.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/table.h"

/* Fields of a passwd-file line behind the key. */
enum {
	FIELD_PASSWORD,
	FIELD_UID,
	FIELD_GID,
	FIELD_GECOS,
	FIELD_HOME,
	FIELD_SHELL,
	FIELD_EXTRA,
	FIELD_COUNT
};

/* Cuts at colons; the last field keeps its own (quota rules have them). */
static void
split(char *line, char const *field[static FIELD_COUNT])
{
	for (int i = 0; i < FIELD_COUNT; i++) {
		field[i] = line;
		char *colon = i < FIELD_COUNT - 1 ? strchr(line, ':') : 0;
		if (colon)
			*colon++ = 0;
		line = colon ? colon : line + strlen(line);
	}
}

/* relative to base unless absolute; a slash at the end is dropped, maildir/ wants none. */
static char const *
absolute(struct arena *a, char const *base, char const *path)
{
	stralloc sa = STRALLOC_ZERO;
	if (*path != '/') {
		sa_cats(&sa, base);
		sa_append(&sa, '/');
	}
	sa_cats(&sa, path);
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
	sa_cats(&sa, "mail/");
	sa_cats(&sa, at + 1);
	sa_append(&sa, '/');
	sa_catb(&sa, key, (size_t)(at - key));
	char const *r = absolute(a, conf_dir(), sa_str(&sa));
	stralloc_free(&sa);
	return r;
}

/* userdb_mail=maildir:PATH[:OPTIONS], ~/ being the home. */
static int
set_maildir(struct arena *a, struct account *out, char const *value, size_t len)
{
	static char const prefix[] = "maildir:";
	if (len < sizeof prefix || strncmp(value, prefix, sizeof prefix - 1))
		return -1;
	value += sizeof prefix - 1;
	char const *path = arena_strndup(a, value, strcspn(value, ": \t"));
	if (!strncmp(path, "~/", 2))
		path += 2;
	out->maildir = absolute(a, out->home, path);
	return 0;
}

static int
read_extra(struct arena *a, struct account *out, char const *s)
{
	static char const mail[] = "userdb_mail=", quota[] = "userdb_quota_rule=";
	while (*s) {
		size_t n = strcspn(s, " \t");
		if (!strncmp(s, mail, sizeof mail - 1)) {
			if (set_maildir(a, out, s + sizeof mail - 1, n - sizeof mail + 1) < 0)
				return -1;
		} else if (!strncmp(s, quota, sizeof quota - 1))
			out->quota_rule =
			    arena_strndup(a, s + sizeof quota - 1, n - sizeof quota + 1);
		else if (ascii_ieq(s, n, "nodelivery"))
			out->nodelivery = 1;
		s += n;
		s += strspn(s, " \t");
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
	char const *field[FIELD_COUNT];
	unsigned int uid, gid;
	split(line, field);
	if (!id_field(field[FIELD_UID], geteuid(), &uid) ||
	    !id_field(field[FIELD_GID], getegid(), &gid))
		return -1;
	*out = (struct account){.name = arena_strndup(a, key, strlen(key)), .uid = uid, .gid = gid};
	out->home =
	    *field[FIELD_HOME] ? absolute(a, conf_dir(), field[FIELD_HOME]) : default_home(a, key);
	if (!out->home)
		return -1;
	out->maildir = absolute(a, out->home, "Maildir");
	return read_extra(a, out, field[FIELD_EXTRA]);
}

int
account_find(struct arena *a, char const *key, struct account *out)
{
	stralloc value = STRALLOC_ZERO;
	int r = table_find("users", key, strlen(key), &value);
	if (r == 1 && fill(a, key, value.s, out) < 0) {
		log_1("bad-account", "user", key);
		errno = EINVAL;
		r = -1;
	}
	int e = errno;
	stralloc_free(&value);
	errno = e;
	return r;
}

int
account_postmaster(struct arena *a, struct account *out)
{
	struct stat st;
	*out = (struct account){.name = "postmaster", .uid = geteuid(), .gid = getegid()};
	out->home = absolute(a, conf_dir(), "mail/postmaster");
	out->maildir = absolute(a, out->home, "Maildir");
	/* Of the two the Maildir's owner counts: the directory above it may be root's. */
	if (!stat(out->maildir, &st) || !stat(out->home, &st)) {
		out->uid = st.st_uid;
		out->gid = st.st_gid;
		return 0;
	}
	return geteuid() ? 0 : -1;
}
