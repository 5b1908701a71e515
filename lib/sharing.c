#include "lib/sharing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"

#define FILE_NAME "postern-shared"

static void
complain(char const *owner, char const *why)
{
	log_2("sharing", "owner", owner, "why", why);
}

/* The owner may put anything there, while we may be root: only a file of the owner's own counts,
 * and opening it never waits. 1 read, 0 not. */
static int
read_shared(struct account const *owner, stralloc *text)
{
	stralloc path = STRALLOC_ZERO;
	struct stat st;
	ssize_t n = 0;
	sa_catf(&path, "%s/" FILE_NAME, owner->maildir);
	int fd = open(sa_str(&path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	stralloc_free(&path);
	if (fd < 0)
		return 0;
	int ok = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == owner->uid &&
		 st.st_size <= SHARING_FILE;
	if (!ok)
		complain(owner->name, "postern-shared is not the owner's, or too long");
	sa_room(text, SHARING_FILE);
	while (ok && text->len < SHARING_FILE &&
	       (n = read(fd, text->s + text->len, SHARING_FILE - text->len)) > 0)
		text->len += (size_t)n;
	close(fd);
	return ok && n >= 0;
}

/* "user=bob@example.org", or one who is everybody. */
static int
means(char const *id, size_t len, char const *user)
{
	return ascii_ieq(id, len, "anyone") || ascii_ieq(id, len, "authenticated") ||
	       (len > 5 && !memcmp(id, "user=", 5) && ascii_ieq(id + 5, len - 5, user));
}

/* TAB and each folder that names the reader; two lines may name one folder: once is enough. */
static void
put_folders(stralloc *out, stralloc const *text, char const *reader)
{
	char const *s = text->s, *end = s + text->len, *last = 0;
	size_t last_len = 0;
	for (char const *lf; s < end && (lf = memchr(s, '\n', (size_t)(end - s))); s = lf + 1) {
		char const *tab = memchr(s, '\t', (size_t)(lf - s));
		size_t n = tab ? (size_t)(lf - tab) : 0;
		if (n < 2 || !means(s, (size_t)(tab - s), reader) || memchr(tab + 1, '\t', n - 1) ||
		    (n == last_len && !memcmp(tab, last, n)))
			continue;
		sa_catb(out, tab, n);
		last = tab;
		last_len = n;
	}
}

static void
add_owner(struct sharing *out, struct account const *owner, char const *reader, gid_t min_gid)
{
	stralloc text = STRALLOC_ZERO, line = STRALLOC_ZERO;
	if (min_gid && owner->gid < min_gid)
		complain(owner->name, "its gid is too low");
	else if (strpbrk(owner->maildir, "\t\n"))
		complain(owner->name, "its Maildir's name cannot be used");
	else if (read_shared(owner, &text)) {
		sa_catf(&line, "%s\t%s", owner->name, owner->maildir);
		size_t const empty = line.len;
		if (text.len)
			put_folders(&line, &text, reader);
		sa_append(&line, '\n');
		if (line.len > empty + 1 && !memchr(line.s, 0, line.len)) {
			if (out->list.len + line.len <= SHARING_LIST) {
				sa_catb(&out->list, line.s, line.len);
				if (min_gid)
					out->group[out->count++] = owner->gid;
			} else
				complain(owner->name, "too many folders are shared");
		}
	}
	stralloc_free(&text);
	stralloc_free(&line);
}

void
sharing_find(struct arena *a, struct account const *reader, gid_t min_gid, struct sharing *out)
{
	stralloc owners = STRALLOC_ZERO;
	struct account owner;
	unsigned int looked = 0;
	*out = (struct sharing)SHARING_ZERO;
	conf_lines("sharing", &owners);
	out->on = owners.len > 0;
	for (size_t at = 0; at < owners.len; at += strlen(owners.s + at) + 1) {
		char *name = owners.s + at;
		ascii_lower(name, strlen(name));
		if (!strcmp(name, reader->name)) {
			out->offers = 1;
			continue;
		}
		if (looked++ == SHARING_OWNERS) {
			complain(name, "too many owners");
			break;
		}
		if (account_login(a, name, &owner) == 1)
			add_owner(out, &owner, reader->name, min_gid);
	}
	stralloc_free(&owners);
}
