#include "lib/conf.h"

#include <errno.h>
#include <strings.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#define CONF_DEFAULT_DIR "/var/lib/postern"
#define CONF_FILE_MAX (1 << 20)

char const *
conf_dir(void)
{
	static char *dir;
	if (!dir) {
		char const *e = getenv("POSTERN_DIR");
		dir = xstrdup(e && *e ? e : CONF_DEFAULT_DIR);
		size_t n = strlen(dir);
		while (n > 1 && dir[n - 1] == '/')
			dir[--n] = 0;
	}
	return dir;
}

char *
conf_path(char const *relative)
{
	stralloc sa = STRALLOC_ZERO;
	sa_cats(&sa, conf_dir());
	sa_append(&sa, '/');
	sa_cats(&sa, relative);
	return sa_str(&sa);
}

int
conf_text(char const *name, stralloc *text)
{
	stralloc path = STRALLOC_ZERO;
	sa_cats(&path, conf_dir());
	sa_cats(&path, "/etc/");
	sa_cats(&path, name);
	char const *file = sa_str(&path);
	sa_reset(text);
	int ok = openslurpclose(text, file);
	if (!ok && errno != ENOENT)
		strerr_diefu2sys(errno == EACCES || errno == EISDIR ? 100 : 111, "read ", file);
	if (ok && text->len > CONF_FILE_MAX)
		strerr_dief2x(100, file, " is larger than 1 MiB");
	stralloc_free(&path);
	return ok;
}

int
conf_line(char const *name, stralloc *value)
{
	stralloc text = STRALLOC_ZERO;
	int found = conf_text(name, &text);
	sa_reset(value);
	if (found) {
		char const *s = text.s;
		char const *lf = text.len ? memchr(s, '\n', text.len) : 0;
		size_t n = lf ? (size_t)(lf - s) : text.len;
		ascii_trim(&s, &n);
		sa_catb(value, s, n);
	}
	sa_str(value);
	stralloc_free(&text);
	return found && value->len;
}

char const *
conf_string(char const *name, char const *otherwise)
{
	stralloc sa = STRALLOC_ZERO;
	if (conf_line(name, &sa))
		return sa.s;
	stralloc_free(&sa);
	return otherwise;
}

static void bad_value(char const *where, char const *value) __attribute__((noreturn));
static void
bad_value(char const *where, char const *value)
{
	strerr_dief4x(100, where, ": bad value \"", value, "\"");
}

static void bad_setting(char const *name, char const *value) __attribute__((noreturn));
static void
bad_setting(char const *name, char const *value)
{
	stralloc sa = STRALLOC_ZERO;
	sa_cats(&sa, "etc/");
	sa_cats(&sa, name);
	bad_value(sa_str(&sa), value);
}

static int
in_range(char const *s, uint64_t shift, uint64_t min, uint64_t max, uint64_t *r)
{
	uint64_t n;
	size_t len = uint64_scan(s, &n);
	if (!len || s[len] || n > (UINT64_MAX >> shift))
		return 0;
	*r = n << shift;
	return *r >= min && *r <= max;
}

uint64_t
conf_uint(char const *name, uint64_t otherwise, uint64_t min, uint64_t max)
{
	stralloc sa = STRALLOC_ZERO;
	uint64_t n = otherwise;
	if (conf_line(name, &sa) && !in_range(sa.s, 0, min, max, &n))
		bad_setting(name, sa.s);
	stralloc_free(&sa);
	return n;
}

uint64_t
conf_size(char const *name, uint64_t otherwise, uint64_t min, uint64_t max)
{
	stralloc sa = STRALLOC_ZERO, digits = STRALLOC_ZERO;
	uint64_t n = otherwise;
	if (conf_line(name, &sa)) {
		static char const units[] = "KMG";
		char const *unit = strchr(units, ascii_toupper(sa.s[sa.len - 1]));
		sa_copyb(&digits, sa.s, sa.len - (unit ? 1 : 0));
		uint64_t shift = unit ? 10 * (uint64_t)(unit - units + 1) : 0;
		if (!in_range(sa_str(&digits), shift, min, max, &n))
			bad_setting(name, sa.s);
	}
	stralloc_free(&sa);
	stralloc_free(&digits);
	return n;
}

int
conf_flag(char const *name, int otherwise)
{
	static char const *const yes[] = {"yes", "1", "on", "true", "", 0};
	static char const *const no[] = {"no", "0", "off", "false", 0};
	stralloc text = STRALLOC_ZERO, sa = STRALLOC_ZERO;
	int r = otherwise;
	if (conf_text(name, &text)) {
		conf_line(name, &sa);
		r = -1;
		for (char const *const *p = yes; *p; p++)
			if (!strcasecmp(sa.s, *p))
				r = 1;
		for (char const *const *p = no; *p; p++)
			if (!strcasecmp(sa.s, *p))
				r = 0;
		if (r < 0)
			bad_setting(name, sa.s);
	}
	stralloc_free(&text);
	stralloc_free(&sa);
	return r;
}

unsigned int
conf_lines(char const *name, stralloc *list)
{
	stralloc text = STRALLOC_ZERO;
	unsigned int count = 0;
	conf_text(name, &text);
	for (size_t i = 0; i < text.len;) {
		char const *s = text.s + i;
		char const *lf = memchr(s, '\n', text.len - i);
		size_t n = lf ? (size_t)(lf - s) : text.len - i;
		i += n + 1;
		ascii_trim(&s, &n);
		if (!n || *s == '#')
			continue;
		sa_catb(list, s, n);
		sa_0(list);
		count++;
	}
	stralloc_free(&text);
	return count;
}

static char *me;

char const *
conf_me(void)
{
	if (!me) {
		char host[CONF_ME_MAX] = "localhost";
		stralloc sa = STRALLOC_ZERO;
		if (!conf_line("me", &sa)) {
			gethostname(host, sizeof host - 1);
			sa_copys(&sa, host);
		}
		me = sa_str(&sa);
		ascii_lower(me, strlen(me));
	}
	return me;
}

void
conf_me_is(char const *name)
{
	if (!name || !me || strcmp(me, name))
		me = name ? xstrdup(name) : 0;
}

uint64_t
env_uint(char const *name, uint64_t otherwise, uint64_t min, uint64_t max)
{
	uint64_t n = otherwise;
	char const *s = getenv(name);
	if (s && *s && !in_range(s, 0, min, max, &n))
		bad_value(name, s);
	return n;
}
