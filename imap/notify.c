#include "imap/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imap/limits.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "imap/status.h"
#include "imap/sync.h"
#include "lib/ascii.h"
#include "lib/fnv.h"
#include "lib/sa.h"
#include "maildir/metadata.h"

/* A stamp younger than this may be followed by another change within the same tick of the clock. */
#define YOUNG_NS 20000000
/* Directories of mailboxes selected once that stay watched, before all are watched anew. */
#define SELECTS 8
/* Octets of names that the client changed itself between two looks; beyond, some are told. */
#define MINE 65536

/* ---- stamps -----------------------------------------------------------------------------------
 */

static int
is_young(struct timespec const *t)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t age = (int64_t)(now.tv_sec - t->tv_sec) * 1000000000 + now.tv_nsec - t->tv_nsec;
	return age < YOUNG_NS;
}

/* Did one of the files change that tell of messages (1) or of entries (2)? */
static unsigned int
stamped(struct session const *s, struct notify_box *b)
{
	static char const *const files[] = {"cur", "new", "dovecot-uidlist", "postern-keywords",
	    "postern-metadata", "postern-metadata"};
	unsigned int changed = b->young || !b->known ? 3 : 0;
	char path[4096];
	b->young = 0;
	for (unsigned int i = 0; i < 6; i++) {
		struct stat st = {0};
		snprintf(path, sizeof path, "%s/%s", i == 5 ? s->tree.root : b->dir, files[i]);
		if (stat(path, &st) < 0)
			st.st_ino = 0;
		if (st.st_ino != b->stamp[i].ino || st.st_mtim.tv_sec != b->stamp[i].mtime.tv_sec ||
		    st.st_mtim.tv_nsec != b->stamp[i].mtime.tv_nsec)
			changed |= i < 4 ? 1 : 2;
		b->stamp[i].ino = st.st_ino;
		b->stamp[i].mtime = st.st_mtim;
		b->young |= st.st_ino && is_young(&st.st_mtim);
	}
	return changed;
}

/* ---- messages of other mailboxes --------------------------------------------------------------
 */

/* The items that the events ask for (RFC 5465 3.1). */
static unsigned int
items(struct session const *s, unsigned int events)
{
	unsigned int i = 0;
	if (events & NOTIFY_NEW)
		i |= STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;
	if (events & NOTIFY_EXPUNGE)
		i |= STATUS_MESSAGES;
	if (events & NOTIFY_FLAGS)
		i |= STATUS_UIDVALIDITY | STATUS_HIGHESTMODSEQ;
	return i | (session_condstore(s) ? STATUS_HIGHESTMODSEQ : 0u);
}

/* What of the changes is worth a STATUS (5.1 to 5.3). */
static unsigned int
changes(struct session const *s, struct notify_box const *b, struct folder_status const *st)
{
	unsigned int i = 0;
	if (st->uidvalidity != b->uidvalidity)
		return items(s, b->events) | STATUS_UIDVALIDITY;
	if ((b->events & NOTIFY_NEW && st->uidnext != b->uidnext) ||
	    (b->events & NOTIFY_EXPUNGE && st->messages != b->messages))
		i |= STATUS_MESSAGES | STATUS_UIDNEXT;
	if (b->events & NOTIFY_FLAGS && st->unseen != b->unseen)
		i |= STATUS_UNSEEN | STATUS_UIDVALIDITY;
	if (b->events & NOTIFY_FLAGS && session_condstore(s) && st->modseq != b->modseq)
		i |= STATUS_UIDVALIDITY;
	return i && session_condstore(s) ? i | STATUS_HIGHESTMODSEQ : i;
}

static void
know(struct notify_box *b, struct folder_status const *st)
{
	b->messages = st->messages;
	b->uidnext = st->uidnext;
	b->uidvalidity = st->uidvalidity;
	b->unseen = st->unseen;
	b->modseq = st->modseq;
}

enum telling { TELL_NOTHING, TELL_CHANGES, TELL_ALL };

static void
look_messages(struct session *s, struct notify_box *b, enum telling tell)
{
	struct folder_status st;
	/* What is selected is the selected group's; once it is no more, the client knows it. */
	if (mailbox_is_selected(s, b->name)) {
		b->known = 0;
		return;
	}
	unsigned int needs = status_needs(items(s, b->events));
	if (folder_status(&st, mailbox_tree(s, b->name), b->name, needs) < 0)
		return; /* gone, or no right to read it any more: names tell of that */
	unsigned int i = tell == TELL_ALL || (tell && b->later) ? items(s, b->events)
			 : tell && b->known			? changes(s, b, &st)
								: 0;
	b->later = 0;
	if (i)
		status_put(s, b->name, i, &st);
	know(b, &st);
	b->known = 1;
}

/* ---- entries ----------------------------------------------------------------------------------
 */

static int
take_entry(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	struct notify_box *b = arg;
	(void)name;
	b->entry = xrealloc(b->entry, b->entries + 1, sizeof *b->entry);
	b->entry[b->entries++] = (struct notify_entry){xstrdup(key), fnv64(FNV64_BEGIN, value, len)};
	return 0;
}

static struct notify_entry const *
find_entry(struct notify_box const *b, char const *key)
{
	for (size_t i = 0; i < b->entries; i++)
		if (ascii_ieq(key, strlen(key), b->entry[i].key))
			return &b->entry[i];
	return 0;
}

/* RFC 5464 4.4.2: names only. */
static void
put_key(struct session *s, struct notify_box const *b, char const *key, int *any)
{
	if (!*any) {
		sa_cats(&s->out, "* METADATA ");
		mailbox_put(s, &s->out, b->name);
	}
	*any = 1;
	sa_append(&s->out, ' ');
	imap_astring(&s->out, key, strlen(key));
}

static void
tell_entries(struct session *s, struct notify_box const *was, struct notify_box const *is)
{
	int any = 0;
	for (size_t i = 0; i < is->entries; i++) {
		struct notify_entry const *e = find_entry(was, is->entry[i].key);
		if (!e || e->hash != is->entry[i].hash)
			put_key(s, is, is->entry[i].key, &any);
	}
	for (size_t i = 0; i < was->entries; i++)
		if (!find_entry(is, was->entry[i].key))
			put_key(s, is, was->entry[i].key, &any);
	if (any) {
		sa_cats(&s->out, "\r\n");
		reply_out(s);
	}
}

static int
is_mine(struct notify const *n, char const *name)
{
	for (size_t at = 0; at < n->mine.len; at += strlen(n->mine.s + at) + 1)
		if (!strcmp(n->mine.s + at, name))
			return 1;
	return 0;
}

static void
look_entries(struct session *s, struct notify *n, struct notify_box *b, int tell)
{
	struct notify_box was = *b;
	if (!mailbox_may(s, b->name, RIGHT_READ))
		return;
	b->entry = 0;
	b->entries = 0;
	if (*b->name)
		(void)metadata_of(mailbox_tree(s, b->name), b->name, 1, take_entry, b);
	(void)metadata_of(&s->tree, b->name, 0, take_entry, b);
	if (tell && !is_mine(n, b->name))
		tell_entries(s, &was, b);
	for (size_t i = 0; i < was.entries; i++)
		free(was.entry[i].key);
	free(was.entry);
}

/* ---- looking ----------------------------------------------------------------------------------
 */

static void
look_boxes(struct session *s, struct notify *n, enum telling tell)
{
	for (size_t i = 0; i < n->boxes && !s->ended; i++) {
		struct notify_box *b = &n->box[i];
		int first = !b->known;
		unsigned int changed = stamped(s, b);
		if (changed & 1 && b->events & NOTIFY_MESSAGES)
			look_messages(s, b, tell);
		if (changed & 2 && b->events & NOTIFY_METADATA)
			look_entries(s, n, b, tell == TELL_CHANGES && !first);
		if (!(b->events & NOTIFY_MESSAGES))
			b->known = 1;
	}
}

int
notify_begin(struct session *s, struct notify *n, int status)
{
	if (n->groups > (n->selected != 0) && notify_names(s, n, 0) < 0)
		return -1;
	look_boxes(s, n, status ? TELL_ALL : TELL_NOTHING);
	return 0;
}

/* What a name is or was: whenever the root, or the file of subscriptions in it, was touched. */
static int
names_due(struct session const *s, struct notify *n)
{
	struct stat st;
	if (n->groups <= (n->selected != 0) || stat(s->tree.root, &st) < 0)
		return 0;
	int due = st.st_mtim.tv_sec != n->root.tv_sec || st.st_mtim.tv_nsec != n->root.tv_nsec;
	n->root = st.st_mtim;
	if (is_young(&st.st_mtim))
		n->root.tv_sec = 0;
	return due;
}

void
notify_look(struct session *s)
{
	struct notify *n = s->notify;
	if (!n || !n->groups)
		return;
	struct arena keep = s->arena;
	s->arena = (struct arena)ARENA_ZERO;
	watch_clear(&n->watch);
	int r = names_due(s, n) ? notify_names(s, n, 1) : 0;
	if (!r)
		look_boxes(s, n, TELL_CHANGES);
	n->mine.len = 0;
	arena_free(&s->arena);
	s->arena = keep;
	if (r < 0 && errno == EOVERFLOW) {
		net_puts(&s->net, REPLY_NOTIFY_OVERFLOW);
		n->groups = 0;
		n->selected = 0;
	} else if (r < 0)
		reply_errno(errno); /* logged; the next look may do better */
}

/* ---- the selected mailbox ---------------------------------------------------------------------
 */

void
notify_between(struct session *s)
{
	notify_look(s);
	unsigned int what = notify_mask(s, SYNC_ALL, 1);
	if (what && !s->ended)
		sync_tell(s, what);
}

unsigned int
notify_mask(struct session const *s, unsigned int what, int between)
{
	struct notify const *n = s->notify;
	if (!n)
		return between ? 0 : what;
	unsigned int events = n->selected ? n->selected->events : 0;
	unsigned int may = (events & NOTIFY_NEW ? (unsigned int)FOLDER_NEW : 0) |
			   (events & NOTIFY_EXPUNGE ? (unsigned int)FOLDER_EXPUNGED : 0) |
			   (events & NOTIFY_FLAGS ? (unsigned int)FOLDER_FLAGS : 0);
	/* 6.1.2 */
	if (between && n->selected && n->selected->filter == FILTER_DELAYED)
		may &= ~(unsigned int)FOLDER_EXPUNGED;
	return what & may;
}

void
notify_command(struct session *s)
{
	if (s->notify)
		s->notify->mine_new = (struct range){0, 0};
}

void
notify_selected(struct session *s)
{
	struct notify *n = s->notify;
	uint32_t const count = s->folder ? folder_count(s->folder) : 0;
	if (!n)
		return;
	if (n->folder != s->folder)
		notify_command(s);
	n->folder = s->folder;
	n->uid = count ? folder_uid(s->folder, count - 1) + 1 : 1;
}

void
notify_put(struct session *s, char const *name, uint32_t const *uid, size_t count)
{
	if (s->notify && count && mailbox_is_selected(s, name))
		s->notify->mine_new = (struct range){uid[0], uid[count - 1]};
}

static int
put_by_us(struct notify const *n, uint32_t uid)
{
	return uid >= n->mine_new.lo && uid <= n->mine_new.hi;
}

void
notify_new(struct session *s)
{
	struct notify *n = s->notify;
	struct hand h = HAND_ZERO;
	if (!n || !n->selected || !s->folder)
		return;
	uint32_t const count = folder_count(s->folder);
	uint32_t i = n->folder == s->folder ? folder_find(s->folder, n->uid) : count;
	notify_selected(s);
	if (!n->selected->fetch.count)
		return;
	for (; i < count && !hand_stopped(&h, s, i); i++) {
		if (put_by_us(n, folder_uid(s->folder, i)))
			continue;
		hand_take(&h, s->folder, i);
		if (fetch_write(s, &n->selected->fetch, &h) < 0 && errno != ENOENT)
			reply_errno(errno);
	}
	n->mine_new = (struct range){0, 0};
	hand_free(&h);
	if (folder_commit(s->folder) < 0)
		reply_errno(errno);
}

/* What was selected and is no more: from now on its changes are news. */
static void
learn(struct session *s, struct notify *n)
{
	for (size_t i = 0; i < n->boxes; i++) {
		struct notify_box *b = &n->box[i];
		if (!b->known && b->events & NOTIFY_MESSAGES && !mailbox_is_selected(s, b->name)) {
			(void)stamped(s, b);
			look_messages(s, b, TELL_NOTHING);
		}
	}
}

struct watch *
notify_watch(struct session *s)
{
	struct notify *n = s->notify;
	if (!n || !n->groups)
		return 0;
	learn(s, n);
	if (s->folder && n->selected && !watch_has(&n->watch, folder_dir(s->folder))) {
		if (n->selects++ >= SELECTS)
			notify_watch_all(s, n);
		watch_add(&n->watch, folder_dir(s->folder), WATCH_MESSAGES);
	}
	return &n->watch;
}

void
notify_own(struct session *s, char const *name)
{
	struct notify *n = s->notify;
	if (!n || !n->groups)
		return;
	if (n->mine.len > MINE)
		n->mine.len = 0;
	sa_catb(&n->mine, name, strlen(name) + 1);
}
