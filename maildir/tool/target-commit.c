/* A batch is made to last. Order as in doc/store.md: contents synced; lock; names of keywords;
 * files; directory sync; keyword sets; lines of dovecot-uidlist, sync; unlock. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "maildir/lock.h"
#include "maildir/name.h"
#include "maildir/tool/target-item.h"
#include "maildir/watch.h"

static int
sync_contents(struct target *x)
{
	int fd[TOOL_BATCH];
	size_t n = 0;
	for (size_t i = 0; i < x->count; i++)
		if (x->item[i].fd >= 0)
			fd[n++] = x->item[i].fd;
	return durable_many(fd, n);
}

/* The folder's numbers for an item's keywords. What the folder has no room for, or what is no
 * keyword, is left out and counted. */
static void
translate(struct target *x, struct target_item *i)
{
	struct keyword_set here = KEYWORD_SET_ZERO;
	for (unsigned int k = 0; i->names && k < i->names->count; k++) {
		char const *name = i->names->name[k];
		if (!keyword_has(&i->set, k) || !name)
			continue;
		int n = keywords_make(&x->keywords, name, strlen(name));
		if (n < 0)
			x->keywords_lost++;
		else
			keyword_add(&here, (unsigned int)n);
	}
	i->set = here;
	i->names = 0;
}

/* The file goes from tmp/ to its place. One that is there already (another import at the same time)
 * stays. */
static int
place(struct target *x, struct target_item *i)
{
	char file[MAILDIR_NAME_MAX + 1];
	int in_new = i->in_new && !i->flags && keyword_none(&i->set);
	size_t len = strlen(i->base);
	if (in_new)
		memcpy(file, i->base, len + 1);
	else if (!name_format(file, i->base, len, i->flags, keyword_letters(&i->set))) {
		errno = ENAMETOOLONG;
		return -1;
	}
	i->in_new = in_new;
	if (!durable_rename_new(x->fd_tmp, i->tmp, in_new ? x->fd_new : x->fd_cur, file)) {
		free(i->tmp);
		i->tmp = 0;
		return 0;
	}
	return errno == EEXIST ? 0 : -1;
}

static int
place_all(struct target *x)
{
	unsigned int dirs = 0;
	for (size_t i = 0; i < x->count; i++)
		if (x->item[i].tmp) {
			if (place(x, x->item + i) < 0)
				return -1;
			dirs |= x->item[i].in_new ? 2 : 1;
		}
	if (dirs & 1 && durable_dir(x->fd_cur) < 0)
		return -1;
	return dirs & 2 ? durable_dir(x->fd_new) : 0;
}

static int
write_sets(struct target *x)
{
	struct keywords_line line[TOOL_BATCH];
	size_t n = 0;
	for (size_t i = 0; i < x->count; i++)
		if (keyword_beyond(&x->item[i].set))
			line[n++] = (struct keywords_line){
			    x->item[i].base, strlen(x->item[i].base), x->item[i].set};
	return keywords_append(&x->keywords, x->fd_dir, line, n);
}

/* Which UIDs they get, and the lines. A UID below the folder's next one is not to be had any more.
 */
static void
put_lines(struct target *x, stralloc *out)
{
	uint32_t next = x->uidlist.next;
	for (size_t i = 0; i < x->count; i++) {
		struct target_item *m = x->item + i;
		int kept = x->keep && m->uid >= next;
		uint32_t uid = kept ? m->uid : next;
		sa_catf(out, "%u ", uid);
		if (*m->keys)
			sa_catf(out, "%s ", m->keys);
		else if (!kept && m->uid && x->origin.validity)
			/* POP3 clients know it by this (folder_uidl). */
			sa_catf(out, "P%08x%08x ", m->uid, x->origin.validity);
		sa_catf(out, ":%s\n", m->base);
		x->renumbered += m->uid && !kept;
		next = uid + 1;
	}
}

/* Appends the lines. uidlist_append gives UIDs in a row; these have gaps. */
static int
write_lines(struct target *x)
{
	stralloc out = STRALLOC_ZERO;
	struct uidlist *u = &x->uidlist;
	if ((u->version != 3 || u->damaged) &&
	    (uidlist_rewrite(u, x->fd_dir) < 0 || target_read(x) < 0))
		return -1;
	if (u->next > UINT32_MAX - 2 - TOOL_BATCH || u->parsed > UINT32_MAX - (1 << 20)) {
		errno = EOVERFLOW;
		return -1;
	}
	put_lines(x, &out);
	/* What a killed writer left unfinished goes first; it was told to nobody. */
	int r = ftruncate(u->fd, u->parsed) < 0 || lseek(u->fd, u->parsed, SEEK_SET) < 0 ||
			durable_write(u->fd, out.s, out.len) < 0 || durable_data(u->fd) < 0
		    ? -1
		    : 0;
	int e = errno;
	stralloc_free(&out);
	errno = e;
	return r;
}

static int
commit_locked(struct target *x, struct lock *lock)
{
	if (target_read(x) < 0 || keywords_read(&x->keywords, x->fd_dir, 0, 0) < 0)
		return -1;
	for (size_t i = 0; i < x->count; i++)
		translate(x, x->item + i);
	if (keywords_save(&x->keywords, x->fd_dir) < 0 || place_all(x) < 0 || write_sets(x) < 0 ||
	    lock_touch(lock) < 0)
		return -1;
	return write_lines(x);
}

/* Counts what came in and forgets the batch. */
static void
settle(struct target *x)
{
	int64_t bytes = 0, messages = 0;
	for (; x->count; x->count--) {
		struct target_item *i = x->item + x->count - 1;
		if (i->tmp)
			unlinkat(x->fd_tmp, i->tmp, 0);
		else if (i->disk) {
			bytes += (int64_t)i->disk;
			messages++;
		}
		if (i->fd >= 0)
			close(i->fd);
		free(i->tmp), free(i->base), free(i->keys);
	}
	x->arrived += (uint64_t)messages;
	if (messages && quota_counts(&x->quota, x->dir))
		(void)quota_add(&x->quota, bytes, messages);
	watch_wake(x->fd_dir);
}

int
target_commit(struct target *x)
{
	struct lock lock = LOCK_ZERO;
	if (!x->count)
		return 0;
	quota_begin(&x->quota);
	if (sync_contents(x) < 0 || lock_take(&lock, x->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	int r = commit_locked(x, &lock);
	lock_release(&lock);
	if (!r)
		settle(x);
	return r;
}

int
target_finish(struct target *x)
{
	struct lock lock = LOCK_ZERO;
	if (target_commit(x) < 0)
		return -1;
	if (!x->keep || x->uidlist.next >= x->origin.next)
		return 0;
	if (lock_take(&lock, x->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	int r = target_read(x);
	if (!r && x->uidlist.next < x->origin.next) {
		x->uidlist.next = x->origin.next;
		r = uidlist_rewrite(&x->uidlist, x->fd_dir);
	}
	lock_release(&lock);
	return r;
}
