/* What folders are for: an entry of postern-metadata. */
#include <errno.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "maildir/metadata.h"

/* RFC 6154 2 and RFC 8457 3. */
static char const *const special_uses[] = {
    "\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash", "\\Important", 0};

static int
known_use(char const *s, size_t n)
{
	for (unsigned int i = 0; special_uses[i]; i++)
		if (ascii_ieq(s, n, special_uses[i]))
			return 1;
	return 0;
}

int
special_use_get(struct maildir_tree const *t, char const *name, stralloc *uses)
{
	return metadata_get(t, name, METADATA_SPECIAL_USE, uses);
}

int
special_use_valid(char const *uses)
{
	for (char const *s = uses; *s;) {
		size_t n = strcspn(s, " ");
		if (!known_use(s, n))
			return 0;
		s += n + (s[n] == ' ');
	}
	return 1;
}

int
special_use_set(struct maildir_tree const *t, char const *name, char const *uses)
{
	if (!special_use_valid(uses)) {
		errno = EINVAL;
		return -1;
	}
	return metadata_set(t, name, METADATA_SPECIAL_USE, *uses ? uses : 0, strlen(uses));
}

struct searching {
	char const *use;
	stralloc *name;
};

static int
match_use(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	struct searching *s = arg;
	(void)key;
	for (char const *p = value, *end = value + len; p < end;) {
		char const *sp = memchr(p, ' ', (size_t)(end - p));
		size_t n = (size_t)((sp ? sp : end) - p);
		if (ascii_ieq(p, n, s->use)) {
			sa_cats(s->name, name);
			return 1;
		}
		p += n + 1;
	}
	return 0;
}

int
special_use_find(struct maildir_tree const *t, char const *use, stralloc *name)
{
	struct searching s = {use, name};
	return metadata_each(t, METADATA_SPECIAL_USE, match_use, &s);
}
