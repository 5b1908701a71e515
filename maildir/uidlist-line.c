/* Lines of dovecot-uidlist: taken apart, and asked for one by one where they stand. */
#include "maildir/uidlist-line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/sa.h"

#define UID_MAX UINT32_C(0xfffffffe)
#define CHUNK 65536

/* ---- parsing ----------------------------------------------------------------------------------
 */

/* A number at *s; 0 if there is none or it is too large. */
static int
number(char const **s, char const *end, uint32_t *v)
{
	uint64_t n = 0;
	char const *p = *s;
	for (; p < end && ascii_isdigit(*p) && n <= UINT32_MAX; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (p == *s || n > UINT32_MAX)
		return 0;
	*s = p;
	*v = (uint32_t)n;
	return 1;
}

int
uidlist_parse_header(struct uidlist *u, char const *s, char const *end)
{
	uint32_t version, v;
	if (!number(&s, end, &version) || version < 1 || version > 3)
		return 0;
	u->version = (int)version;
	if (version < 3)
		return s < end && *s++ == ' ' && number(&s, end, &u->validity) && s < end &&
		       *s++ == ' ' && number(&s, end, &u->next) && u->next <= UID_MAX;
	while (s < end) {
		char const *word = ++s;
		while (s < end && *s != ' ')
			s++;
		char const *value = word + 1;
		if (word >= s)
			continue;
		if (*word == 'V' || *word == 'N') {
			if (!number(&value, s, &v) || value < s)
				return 0;
			*(*word == 'V' ? &u->validity : &u->next) = v;
		} else if (*word == 'G' && (size_t)(s - value) < sizeof u->guid)
			memcpy(u->guid, value, (size_t)(s - value));
		else {
			sa_append(&u->extra, ' ');
			sa_catb(&u->extra, word, (size_t)(s - word));
		}
	}
	return u->validity != 0 && u->next <= UID_MAX;
}

int
uidlist_parse_line(int version, struct uidlist_line *l, char const *s, char const *end)
{
	if (!number(&s, end, &l->uid) || !l->uid || l->uid > UID_MAX || s >= end || *s++ != ' ')
		return 0;
	l->keys = s;
	if (version == 2)
		while (s < end && *s++ != ' ')
			;
	if (version == 3) {
		while (s < end && *s != ':') {
			s = memchr(s, ' ', (size_t)(end - s));
			if (!s)
				return 0;
			s++;
		}
		if (s++ >= end)
			return 0;
	}
	l->base = s;
	size_t k = (size_t)(s - l->keys);
	l->keys_len = version == 3 && k >= 2 ? k - 2 : 0; /* without " :" */
	char const *colon = memchr(s, ':', (size_t)(end - s));
	l->base_len = (size_t)((colon ? colon : end) - s);
	return l->base_len && !memchr(s, '/', (size_t)(end - s)) &&
	       !memchr(s, 0, (size_t)(end - s));
}

/* The line of this UID at an offset. 1, 0 there is none, -1 error. */
static int
line_at(struct uidlist const *u, uint32_t offset, uint32_t uid, char buf[static UIDLIST_LINE_MAX],
    struct uidlist_line *l)
{
	ssize_t n = pread(u->fd, buf, UIDLIST_LINE_MAX, (off_t)offset);
	char const *lf = n > 0 ? memchr(buf, '\n', (size_t)n) : 0;
	if (n < 0)
		return -1;
	return lf && uidlist_parse_line(u->version, l, buf, lf) && l->uid == uid;
}

int
uidlist_is_struck(struct uidlist const *u, uint32_t offset, uint32_t uid)
{
	char buf[UIDLIST_LINE_MAX];
	struct uidlist_line l;
	return line_at(u, offset, uid, buf, &l) == 1 && l.base[0] == '.';
}

int
uidlist_key(struct uidlist *u, uint32_t offset, uint32_t uid, char key, stralloc *value)
{
	char buf[UIDLIST_LINE_MAX];
	struct uidlist_line l;
	int r = line_at(u, offset, uid, buf, &l);
	if (r <= 0)
		return r < 0 ? -1 : 2;
	for (char const *s = l.keys, *end = s + l.keys_len; s < end; s++) {
		char const *sp = memchr(s, ' ', (size_t)(end - s));
		if (!sp)
			sp = end;
		if (*s == key) {
			sa_catb(value, s + 1, (size_t)(sp - s - 1));
			return 1;
		}
		s = sp;
	}
	return 0;
}

int
uidlist_struck(struct uidlist *u, uidlist_struck_fn *fn, void *arg)
{
	struct stat st;
	if (u->fd < 0 || fstat(u->fd, &st) < 0)
		return u->fd < 0 ? 0 : -1;
	if (!memcmp(&st.st_mtim, &u->struck, sizeof u->struck))
		return 0;
	char *buf = xmalloc(CHUNK);
	ssize_t n = 0;
	for (off_t at = 0; at < u->parsed; at += n) {
		n = pread(u->fd, buf, CHUNK, at);
		char *s = buf, *end = buf + (n > 0 ? n : 0), *lf;
		for (; (lf = memchr(s, '\n', (size_t)(end - s))); s = lf + 1) {
			struct uidlist_line l;
			if (at + (s - buf) && at + (s - buf) < u->parsed &&
			    uidlist_parse_line(3, &l, s, lf) && l.base[0] == '.')
				fn(arg, l.uid);
		}
		n = n > 0 ? s - buf : n;
		if (n <= 0)
			break;
	}
	free(buf);
	u->struck = st.st_mtim;
	return n < 0 ? -1 : 0;
}
