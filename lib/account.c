#include "lib/account.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/account-rules.h"
#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/hmac.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/table.h"
#include "lib/ucspi.h"

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

/* NAME or NAME=VALUE, as Dovecot writes it: 1, or 0 where the value says no. */
static int
is_set(char const *s, size_t n)
{
	static char const *const no[] = {"n", "no", "0", "false"};
	char const *eq = memchr(s, '=', n);
	for (size_t i = 0; eq && i < sizeof no / sizeof *no; i++)
		if (ascii_ieq(eq + 1, (size_t)(s + n - eq - 1), no[i]))
			return 0;
	return 1;
}

static int
read_extra(struct arena *a, struct account *out, char const *s)
{
	static char const mail[] = "userdb_mail=";
	struct {
		char const *name, **value;
	} const texts[] = {
	    {"allow_nets", &out->allow_nets},
	    {"scram-sha-1", &out->scram[HASH_SHA1]},
	    {"scram-sha-256", &out->scram[HASH_SHA256]},
	};
	for (size_t n; *s; s += n, s += strspn(s, " \t")) {
		n = strcspn(s, " \t");
		size_t name = strcspn(s, "= \t");
		for (size_t i = 0; s[name] == '=' && i < sizeof texts / sizeof *texts; i++)
			if (ascii_ieq(s, name, texts[i].name))
				*texts[i].value = arena_strndup(a, s + name + 1, n - name - 1);
		unsigned int const rule = account_rule_number(s, name);
		if (rule && s[name] == '=')
			out->quota_rule =
			    account_rule_put(a, out->quota_rule, rule, s + name + 1, n - name - 1);
		if (!strncmp(s, mail, sizeof mail - 1)) {
			if (set_maildir(a, out, s + sizeof mail - 1, n - sizeof mail + 1) < 0)
				return -1;
		} else if (ascii_ieq(s, name, "nologin"))
			out->nologin = is_set(s, n);
		else if (ascii_ieq(s, name, "nodelivery"))
			out->nodelivery = is_set(s, n);
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
	    .quota_rule = account_rules(a),
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
	if (value.s)
		explicit_bzero(value.s, value.a);
	stralloc_free(&value);
	errno = e;
	return r;
}

/* The strings are in an arena, which others cannot know to be constant. */
static void
wipe(char const *s)
{
	if (s)
		explicit_bzero((char *)(uintptr_t)s, strlen(s));
}

void
account_wipe(struct account *a)
{
	wipe(a->password);
	wipe(a->scram[HASH_SHA1]);
	wipe(a->scram[HASH_SHA256]);
}

int
account_allows(struct account const *a, char const *ip)
{
	unsigned char addr[16];
	char network[64];
	unsigned int len = ip ? ucspi_scan(ip, addr) : 0;
	if (!a->allow_nets)
		return 1;
	for (char const *s = a->allow_nets; *s; s += *s == ',') {
		size_t n = strcspn(s, ",");
		if (n < sizeof network) {
			memcpy(network, s, n);
			network[n] = 0;
			if (len ? ucspi_in_network(addr, len, network) : !strcmp(network, "local"))
				return 1;
		}
		s += n;
	}
	return 0;
}

int
account_postmaster(struct arena *a, struct account *out)
{
	struct stat st;
	*out = (struct account){
	    .name = "postmaster", .uid = geteuid(), .gid = getegid(), .nologin = 1};
	out->home = below(a, conf_dir(), "mail/postmaster", strlen("mail/postmaster"));
	out->maildir = below(a, out->home, "Maildir", strlen("Maildir"));
	/* Of the two the Maildir's owner counts: the directory above it may be root's. */
	if (!stat(out->maildir, &st) || !stat(out->home, &st)) {
		out->uid = st.st_uid;
		out->gid = st.st_gid;
		return 0;
	}
	return geteuid() ? 0 : -1;
}
