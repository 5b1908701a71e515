#include "mda-local/forward-list.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/conf.h"
#include "lib/log.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "lib/smtp-envelope.h"
#include "lib/table-key.h"
#include "mda-local/alias-include.h"
#include "mda-local/limits.h"

/* Files being read, innermost first. */
struct reading {
	struct reading const *up;
	char const *path;
	unsigned int depth;
};

/* ---- entries ---- */

static int
add(struct forward_list *l, enum forward_kind kind, char const *text, char const *mark)
{
	for (struct forward_entry *e = l->first; e; e = e->next)
		if (e->kind == kind && !strcmp(e->text, text))
			return 0;
	struct forward_entry *e = arena_zalloc(l->a, sizeof *e);
	e->kind = kind;
	e->text = text;
	strcpy(e->mark, mark);
	*l->last = e;
	l->last = &e->next;
	return 0;
}

static int
same_name(char const *a, size_t n, char const *b)
{
	stralloc x = STRALLOC_ZERO, y = STRALLOC_ZERO;
	key_fold(&x, a, n);
	key_fold(&y, b, strlen(b));
	int const same = x.len == y.len && (!x.len || !memcmp(x.s, y.s, x.len));
	stralloc_free(&x);
	stralloc_free(&y);
	return same;
}

/* Where the item names the account itself, its folder; else null. Bare names are of the account's
 * own domain. */
static char const *
own_folder(struct forward_list const *l, struct alias_item const *item)
{
	struct order const *o = l->o;
	char const *separators = l->w->policy->forward.separators;
	if (item->domain && !same_name(item->domain, strlen(item->domain), o->domain))
		return 0;
	if (same_name(item->text, strlen(item->text), o->local))
		return "";
	size_t const n = strcspn(item->text, separators);
	return item->text[n] && same_name(item->text, n, o->local) ? item->text + n + 1 : 0;
}

/* The address as written on the wire; null: it is none. */
static char const *
wire_address(struct forward_list const *l, struct alias_item const *item)
{
	stralloc local = STRALLOC_ZERO, text = STRALLOC_ZERO;
	struct smtp_path path;
	char const *domain = item->domain ? item->domain : *l->o->domain ? l->o->domain : conf_me();
	if (item->past)
		sa_append(&local, '\\');
	sa_cats(&local, item->text);
	struct address const address = {.mailbox = sa_str(&local), .host = domain};
	address_spec(&text, &address);
	int const bad =
	    smtp_path_set(l->a, sa_str(&text), &path) < 0 || text.len >= WORK_ADDRESS_MAX;
	stralloc_free(&local);
	stralloc_free(&text);
	return bad ? 0 : path.text;
}

static int
add_address(struct forward_list *l, struct alias_item const *item)
{
	char const *folder = own_folder(l, item), *address = wire_address(l, item);
	if (folder)
		return add(l, FORWARD_MAILBOX, folder, "");
	if (!address) {
		errno = EBADMSG;
		return -1;
	}
	/* An address that led here, by an alias or another name of the domain. */
	if (same_name(address, strlen(address), l->o->rcpt))
		return add(l, FORWARD_MAILBOX, "", "");
	return add(l, FORWARD_ADDRESS, address, "");
}

static int
add_destination(struct forward_list *l, struct alias_item const *item, int included)
{
	struct alias_allowed const *allowed = &l->w->policy->forward.allowed;
	int const program = item->kind == ALIAS_PROGRAM;
	unsigned int const place = included ? ALIAS_IN_INCLUDE : ALIAS_IN_FORWARD;
	char mark[ALIAS_MARK + 1];
	if (!((program ? allowed->commands : allowed->files) & place)) {
		log_2("bad-forward", "target", item->text, "error", "not allowed");
		l->restricted = 1;
		return 0;
	}
	alias_mark(mark, item);
	char *text = arena_alloc(l->a, strlen(item->text) + 2);
	strcpy(text, program ? "|" : "");
	strcat(text, item->text);
	return add(l, FORWARD_DESTINATION, text, mark);
}

/* ---- files ---- */

static int walk(struct forward_list *l, struct reading const *up, char const *path, int fd);

static int
add_include(struct forward_list *l, struct reading const *up, char const *path)
{
	for (struct reading const *r = up; r; r = r->up)
		if (!strcmp(r->path, path) || r->depth == MDA_ALIAS_DEPTH) {
			errno = ELOOP;
			return -1;
		}
	int const fd = include_open(path);
	return fd < 0 ? -1 : walk(l, up, path, fd);
}

static int
add_item(struct forward_list *l, struct reading const *r, struct alias_item const *item)
{
	if (++l->items > MDA_ALIAS_STEPS) {
		errno = E2BIG;
		return -1;
	}
	switch (item->kind) {
	case ALIAS_ADDRESS:
		return add_address(l, item);
	case ALIAS_PROGRAM:
	case ALIAS_FILE:
	case ALIAS_MAILDIR:
		return add_destination(l, item, r->depth > 0);
	case ALIAS_INCLUDE:
		return add_include(l, r, item->text);
	case ALIAS_BAD:
		break;
	}
	errno = EBADMSG;
	return -1;
}

/* Reads fd, which it closes. */
static int
walk(struct forward_list *l, struct reading const *up, char const *path, int fd)
{
	struct reading const r = {up, path, up ? up->depth + 1 : 0};
	struct alias_item item;
	struct stat st;
	char *text = 0;
	ssize_t n = fstat(fd, &st);
	if (!n) {
		text = arena_alloc(l->a, (size_t)st.st_size + 1);
		n = pread_all(fd, text, (size_t)st.st_size, 0);
	}
	int bad = n < 0;
	int const e = errno;
	close(fd);
	errno = e;
	struct alias_list list = alias_list(text, bad ? 0 : (size_t)n);
	while (!bad && alias_next(&list, l->a, &item)) {
		bad = add_item(l, &r, &item) < 0;
		if (bad) {
			int const why = errno;
			log_event("bad-forward");
			log_str("file", path);
			log_str("target", item.text);
			log_errno("reason", why);
			log_send();
			errno = why;
		}
	}
	return bad ? -1 : 0;
}

/* What Postfix requires of the file: its descriptor, -1 with errno (ENOENT: none that counts). */
static int
open_forward(char const *path)
{
	struct stat st;
	char const *wrong = 0;
	if (stat(path, &st) < 0) {
		if (errno == ENOTDIR || errno == ENAMETOOLONG)
			errno = ENOENT;
		return -1;
	}
	if (!S_ISREG(st.st_mode))
		wrong = "not a regular file";
	else if (st.st_uid && st.st_uid != geteuid())
		wrong = "another owner";
	else if (st.st_mode & S_IWOTH)
		wrong = "everybody may write it";
	else
		return include_open(path);
	log_2("bad-forward", "file", path, "error", wrong);
	errno = ENOENT;
	return -1;
}

/* HOME/.forward and, with a subaddress, what stands behind the name first. */
static int
find(struct forward_list const *l, char const **path)
{
	struct order const *o = l->o;
	stralloc sa = STRALLOC_ZERO;
	int fd = -1;
	errno = ENOENT;
	sa_catf(&sa, "%s/.forward", l->w->account->home);
	size_t const plain = sa.len;
	if (*o->ext && o->separator && !strchr(o->ext, '/')) {
		sa_append(&sa, o->separator);
		sa_cats(&sa, o->ext);
		fd = open_forward(sa_str(&sa));
	}
	if (fd < 0 && errno == ENOENT) {
		sa.len = plain;
		fd = open_forward(sa_str(&sa));
	}
	*path = arena_strndup(l->a, sa.s, sa.len);
	stralloc_free(&sa);
	return fd;
}

int
forward_list(struct forward_list *l, struct arena *a, struct worker const *w, struct order const *o)
{
	char const *path;
	*l = (struct forward_list){.a = a, .w = w, .o = o, .last = &l->first};
	int const fd = find(l, &path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (walk(l, 0, path, fd) < 0)
		return -1;
	return l->first || l->restricted;
}
