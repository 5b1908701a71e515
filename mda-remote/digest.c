/* Too many notifications to one address: how many each has had is counted here, and what is beyond
 * the setting bounce-limit is written into a file of its own (digest/ID), until one message tells
 * it all when bounce-period is over (digest-file.c). */
#include "mda-remote/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/dsn.h"
#include "lib/durable.h"
#include "lib/fnv.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "mda-remote/bounce.h"
#include "mda-remote/walk.h"

#define BUCKETS 4096u
#define HEAD_MAX 2048 /* bytes of a file before its text */

static struct address *table[BUCKETS];
static unsigned int addresses;
static int64_t next_due = INT64_MAX; /* of all that have a file */

static struct address **
slot(char const *to, int requiretls)
{
	struct address **a = &table[fnv32_folded(FNV32_BEGIN, to, strlen(to)) % BUCKETS];
	while (*a && ((*a)->requiretls != requiretls || strcasecmp((*a)->to, to)))
		a = &(*a)->next;
	return a;
}

/* Forgets those whose period is over and who are owed nothing. */
static void
forget(void)
{
	for (unsigned int i = 0; i < BUCKETS; i++)
		for (struct address **a = &table[i]; *a;) {
			struct address *old = *a;
			if (old->file[0] || old->until > walk_now()) {
				a = &old->next;
				continue;
			}
			*a = old->next;
			free(old->to);
			free(old);
			addresses--;
		}
}

/* The entry of an address, for messages with or without REQUIRETLS, made if there is room; else
 * null. */
static struct address *
get(char const *to, int requiretls)
{
	if (addresses >= DIGEST_ADDRESSES_MAX && !*slot(to, requiretls))
		forget();
	struct address **place = slot(to, requiretls);
	if (*place || addresses >= DIGEST_ADDRESSES_MAX)
		return *place;
	struct address *a = xmalloc(sizeof *a);
	memset(a, 0, sizeof *a);
	a->to = xstrdup(to);
	a->requiretls = requiretls;
	*place = a;
	addresses++;
	return a;
}

int
digest_wanted(struct bounce const *b, char const *name)
{
	struct address *a = walk.set.bounce_limit ? get(b->to, b->requiretls) : 0;
	if (!a)
		return 0;
	if (!strcmp(a->last, name))
		return 1;
	/* A clock that was set back ends no period by itself. */
	int64_t const end = walk_now() + (int64_t)walk.set.bounce_period;
	if (!a->file[0] && (walk_now() >= a->until || a->until > end)) {
		a->until = end;
		a->sent = 0;
		a->last[0] = 0;
	}
	return a->file[0] || a->sent >= walk.set.bounce_limit;
}

void
digest_sent(struct bounce const *b)
{
	struct address *a = walk.set.bounce_limit ? get(b->to, b->requiretls) : 0;
	if (a)
		a->sent++;
}

/* ---- the file ---- */

/* A new file for a: its descriptor or -1. */
static int
create(struct address *a)
{
	char path[DIGEST_PATH_MAX];
	stralloc head = STRALLOC_ZERO;
	id_new(a->file);
	a->count = a->length = 0;
	a->last[0] = 0;
	digest_format(&head, a);
	digest_path(path, a->file);
	int fd = openat(walk.fd_spool, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = fd < 0 || durable_write(fd, head.s, head.len) < 0 || digest_sync() < 0 ? -1 : 0;
	stralloc_free(&head);
	if (!r)
		return fd;
	int const e = errno;
	if (fd >= 0) {
		close(fd);
		unlinkat(walk.fd_spool, path, 0);
	}
	a->file[0] = 0;
	errno = e;
	return -1;
}

/* What the digest says of one recipient. */
static void
describe(stralloc *out, struct bounce const *b, struct envelope_rcpt const *r)
{
	struct attempt t;
	sa_cats(out, b->kind == BOUNCE_FAILED	 ? "\nfailed: <"
		     : b->kind != BOUNCE_RELAYED ? "\ndelayed: <"
						 : "\nrelayed: <");
	dsn_line(out, r->rcpt.to.text);
	sa_catf(out, ">\n    message %s of ", b->e->id);
	date_rfc5322(out, b->e->arrival, date_local_zone(b->e->arrival));
	sa_append(out, '\n');
	if (b->kind == BOUNCE_RELAYED || !why_find(b->why, r->at, &t))
		return;
	sa_cats(out, "    ");
	/* A line of a message has at most 998 octets (RFC 5322 2.1.1). */
	t.text[400] = 0;
	if (t.code)
		sa_catf(out, "%d ", t.code);
	dsn_line(out, t.text);
	sa_append(out, '\n');
}

int
digest_add(char const *name, struct bounce const *b)
{
	struct address *a = get(b->to, b->requiretls);
	char path[DIGEST_PATH_MAX];
	stralloc text = STRALLOC_ZERO;
	if (!strcmp(a->last, name))
		return 0; /* its marks could not be written */
	digest_path(path, a->file);
	int fd = a->file[0] ? openat(walk.fd_spool, path, O_RDWR | O_CLOEXEC) : create(a);
	if (fd < 0)
		return -1;
	struct address next = *a;
	snprintf(next.last, sizeof next.last, "%s", name);
	next.count += b->count;
	for (unsigned int i = 0; i < b->count && a->length + text.len < DIGEST_TEXT_MAX; i++)
		describe(&text, b, b->rcpt[i]);
	next.length += text.len;
	ssize_t const want = (ssize_t)text.len;
	int r = pwrite(fd, text.s, text.len, (off_t)(a->text_at + a->length)) == want ? 0 : -1;
	sa_reset(&text);
	digest_format_n(&text, &next);
	ssize_t const line = (ssize_t)text.len;
	if (r < 0 || pwrite(fd, text.s, text.len, (off_t)a->n_at) != line || durable_data(fd) < 0)
		r = -1;
	close(fd);
	stralloc_free(&text);
	if (r < 0)
		return -1;
	*a = next;
	if (a->until < next_due)
		next_due = a->until;
	log_id(b->e->id);
	log_event("counted");
	log_str("file", name);
	log_str("to", b->to);
	log_str("digest", a->file);
	log_num("count", a->count);
	log_send();
	log_id(0);
	return 0;
}

/* ---- at the start ---- */

/* One file: into the table. 0, -1 if it is none, 1 if nothing was ever counted in it. */
static int
load(char const *name)
{
	char head[HEAD_MAX + 1], path[DIGEST_PATH_MAX], *to;
	struct address got;
	digest_path(path, name);
	int fd = openat(walk.fd_spool, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : pread_all(fd, head, HEAD_MAX, 0);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	head[n] = 0;
	memset(&got, 0, sizeof got);
	if (strlen(name) > ID_MAX)
		return -1;
	int const whole = !digest_parse(head, &got, &to);
	if (whole ? !got.count : !memmem(head, (size_t)n, "\n\n", 2))
		return 1;
	if (!whole)
		return -1;
	bounce_counted(got.last);
	struct address *a = get(to, got.requiretls);
	if (!a || a->file[0])
		return -1;
	strcpy(got.file, name);
	got.next = a->next;
	got.to = a->to;
	*a = got;
	if (a->until < next_due)
		next_due = a->until;
	return 0;
}

void
digest_start(void)
{
	if (mkdirat(walk.fd_spool, "digest", 0700) < 0 && errno != EEXIST)
		strerr_diefu1sys(111, "make spool/digest");
	int fd = openat(walk.fd_spool, "digest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? 0 : fdopendir(fd);
	if (!dir)
		strerr_diefu1sys(111, "open spool/digest");
	for (struct dirent *d; (d = readdir(dir));) {
		int const r = d->d_name[0] == '.' ? 0 : load(d->d_name);
		if (r > 0)
			unlinkat(fd, d->d_name, 0);
		if (r >= 0)
			continue;
		log_2("damaged", "file", d->d_name, "why", "not a digest of version 1");
		spool_set_aside_at(walk.fd_spool, "digest", d->d_name);
	}
	closedir(dir);
}

int
digest_open(char const *name)
{
	char path[DIGEST_PATH_MAX];
	struct stat st;
	if (strlen(name) > ID_MAX)
		return 0;
	digest_path(path, name);
	return !fstatat(walk.fd_spool, path, &st, AT_SYMLINK_NOFOLLOW);
}

void
digest_tick(void)
{
	int64_t const period = (int64_t)walk.set.bounce_period;
	if (walk_now() < next_due && next_due <= walk_now() + period)
		return;
	next_due = INT64_MAX;
	for (unsigned int i = 0; i < BUCKETS; i++)
		for (struct address *a = table[i]; a; a = a->next) {
			if (!a->file[0])
				continue;
			/* Due; or further off than any is put: the clock was wrong then. */
			int const due = a->until <= walk_now() || a->until > walk_now() + period;
			if (due && digest_send(a) == 0) {
				a->file[0] = 0;
				a->until = walk_now() + period;
				a->sent = 1;
				continue;
			}
			if (due)
				a->until = walk_now() + (int64_t)walk.set.retry_min;
			if (a->until < next_due)
				next_due = a->until;
		}
}
