#include "maildir/subscriptions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "maildir/limits.h"
#include "maildir/side-file.h"
#include "maildir/tab-escape.h"

#define FILE_NAME "subscriptions"
#define COURIER_NAME "courierimapsubscribed"
#define V2_HEADER "V\t2\n\n"
#define FILE_MAX 8388608

/* Calls fn for every line, with the folder's name on disk ("INBOX", "A.B"). */
typedef void line_fn(void *arg, char const *line, size_t len, stralloc const *disk);

static int
is_v2(stralloc const *text)
{
	return text->len >= sizeof V2_HEADER - 1 &&
	       !memcmp(text->s, V2_HEADER, sizeof V2_HEADER - 1);
}

/* Version 2: parts separated by tabs. */
static void
disk_from_v2(char const *s, size_t n, stralloc *disk)
{
	char const *field;
	size_t len;
	for (char const *p = s; tab_field(&p, s + n, &field, &len);) {
		if (disk->len)
			sa_append(disk, '.');
		tab_unescape(disk, field, len);
	}
}

/* Version 1 and Courier's: a name with the storage's separator, maybe with a prefix of its
 * namespace. */
static void
disk_from_v1(struct maildir_tree const *t, char const *s, size_t n, int courier, stralloc *disk)
{
	if ((courier || *t->prefix) && n > 6 && ascii_ieq(s, 6, "INBOX."))
		s += 6, n -= 6;
	sa_catb(disk, s, n);
}

static void
each_line(struct maildir_tree const *t, stralloc const *text, int courier, line_fn *fn, void *arg)
{
	stralloc disk = STRALLOC_ZERO;
	if (!text->len)
		return;
	int v2 = is_v2(text);
	char const *s = text->s + (v2 ? sizeof V2_HEADER - 1 : 0), *end = text->s + text->len;
	for (char const *lf; s < end; s = lf + 1) {
		lf = memchr(s, '\n', (size_t)(end - s));
		if (!lf)
			lf = end;
		size_t n = (size_t)(lf - s);
		if (!n || (courier && *s == '#'))
			continue;
		sa_reset(&disk);
		if (v2)
			disk_from_v2(s, n, &disk);
		else
			disk_from_v1(t, s, n, courier, &disk);
		if (disk.len == 5 && ascii_ieq(disk.s, 5, "INBOX"))
			sa_copys(&disk, "INBOX");
		fn(arg, s, n, &disk);
	}
	stralloc_free(&disk);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

struct reading {
	struct maildir_tree const *t;
	struct subscriptions *s;
	size_t room;
};

static void
add_name(void *arg, char const *line, size_t len, stralloc const *disk)
{
	struct reading *r = arg;
	stralloc name = STRALLOC_ZERO;
	(void)line, (void)len;
	if (r->s->count < MAILDIR_SUBSCRIPTIONS &&
	    !tree_client_name(r->t, disk->s, disk->len, &name)) {
		if (r->s->count == r->room) {
			r->room = r->room ? 2 * r->room : 32;
			r->s->name = xrealloc(r->s->name, r->room, sizeof *r->s->name);
		}
		r->s->name[r->s->count++] = xstrndup(name.s, name.len);
	}
	stralloc_free(&name);
}

int
subscriptions_read(struct maildir_tree const *t, struct subscriptions *s)
{
	stralloc text = STRALLOC_ZERO;
	struct reading reading = {t, s, 0};
	*s = (struct subscriptions)SUBSCRIPTIONS_ZERO;
	int r = side_file_read(t->root, FILE_NAME, FILE_MAX, &text), courier = 0;
	if (!r) {
		courier = 1;
		r = side_file_read(t->root, COURIER_NAME, FILE_MAX, &text);
	}
	if (r > 0)
		each_line(t, &text, courier, add_name, &reading);
	int e = errno;
	stralloc_free(&text);
	errno = e;
	return r < 0 ? -1 : 0;
}

void
subscriptions_free(struct subscriptions *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->name[i]);
	free(s->name);
	*s = (struct subscriptions)SUBSCRIPTIONS_ZERO;
}

int
subscriptions_has(struct subscriptions const *s, char const *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->name[i], name))
			return 1;
	return 0;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

struct changing {
	struct maildir_tree const *t;
	stralloc disk; /* the name that is added or removed */
	int add, found;
	int v2, convert; /* the file to be written is version 2; lines have to be made anew */
	size_t count;
	stralloc *fresh;
};

static void
put_name(struct changing *c, stralloc const *disk)
{
	if (!c->v2)
		sa_catb(c->fresh, disk->s, disk->len);
	for (size_t at = 0; c->v2 && at <= disk->len;) {
		char const *dot = memchr(disk->s + at, '.', disk->len - at);
		size_t n = (dot ? (size_t)(dot - disk->s) : disk->len) - at;
		if (at)
			sa_append(c->fresh, '\t');
		tab_escape(c->fresh, disk->s + at, n);
		at += n + 1;
	}
	sa_append(c->fresh, '\n');
}

/* Keeps a line, as it stands where possible, unless it is the one to be removed. */
static void
keep_line(void *arg, char const *line, size_t len, stralloc const *disk)
{
	struct changing *c = arg;
	if (disk->len == c->disk.len && !memcmp(disk->s, c->disk.s, disk->len)) {
		c->found = 1;
		if (!c->add)
			return;
	}
	c->count++;
	if (c->convert)
		put_name(c, disk);
	else {
		sa_catb(c->fresh, line, len);
		sa_append(c->fresh, '\n');
	}
}

static int
change(void *arg, stralloc const *old, int exists, stralloc *fresh)
{
	struct changing *c = arg;
	stralloc courier = STRALLOC_ZERO;
	/* A new file takes over what Courier had. */
	if (!exists && side_file_read(c->t->root, COURIER_NAME, FILE_MAX, &courier) < 0)
		return -1;
	c->fresh = fresh;
	c->v2 = !exists || !old->len || is_v2(old);
	c->convert = !exists;
	if (c->v2)
		sa_cats(fresh, V2_HEADER);
	each_line(c->t, exists ? old : &courier, !exists, keep_line, c);
	stralloc_free(&courier);
	if (c->found == c->add && exists)
		return 0;
	if (c->add && !c->found) {
		if (c->count >= MAILDIR_SUBSCRIPTIONS) {
			errno = EMLINK;
			return -1;
		}
		put_name(c, &c->disk);
	}
	return 1;
}

int
subscriptions_set(struct maildir_tree const *t, char const *name, int subscribed)
{
	struct changing c = {.t = t, .add = !!subscribed};
	int r = tree_disk_name(t, name, &c.disk);
	if (!r)
		r = side_file_change(t->root, FILE_NAME, FILE_MAX, change, &c);
	int e = errno;
	stralloc_free(&c.disk);
	errno = e;
	return r;
}
