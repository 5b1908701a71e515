/* A digest becomes a message. */
#include "mda-remote/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/durable.h"
#include "lib/log.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "mda-remote/bounce.h"
#include "mda-remote/walk.h"

void
digest_path(char path[static DIGEST_PATH_MAX], char const *file)
{
	snprintf(path, DIGEST_PATH_MAX, "digest/%s", file);
}

int
digest_sync(void)
{
	int fd = openat(walk.fd_spool, "digest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -1 : durable_dir(fd);
	if (fd >= 0)
		close(fd);
	return r;
}

static void
put_header(stralloc *out, struct address const *a, struct bounce const *b)
{
	sa_catf(out,
	    "From: Mail Delivery System <postmaster@%s>\nTo: <%s>\n"
	    "Subject: %llu more reports about your mail (summary)\nDate: ",
	    conf_me(), a->to, (unsigned long long)a->count);
	date_rfc5322(out, b->now, date_local_zone(b->now));
	/* RFC 3834 5.1 */
	sa_catf(out,
	    "\nMessage-ID: <%s@%s>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n",
	    b->id, conf_me());
	sa_catf(out,
	    "This is the mail system at %s.\n\nSo many reports were due to you that not each "
	    "was sent as a message of its own.\n%llu recipients, besides those of the reports "
	    "that you have had, are summed up here.\n%s",
	    conf_me(), (unsigned long long)a->count,
	    a->length >= DIGEST_TEXT_MAX ? "Only the first of them are listed.\n" : "");
}

/* In tmp/, synced. */
static int
park(struct address const *a, char const *name, struct bounce const *b)
{
	static struct spool_file f;
	static char text[2 * DIGEST_TEXT_MAX];
	struct arena arena = ARENA_ZERO;
	struct envelope e;
	struct envelope_rcpt r;
	stralloc head = STRALLOC_ZERO;
	char path[DIGEST_PATH_MAX];
	digest_path(path, a->file);
	int fd = openat(walk.fd_spool, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread_all(fd, text, (size_t)a->length, a->text_at);
	if (fd >= 0)
		close(fd);
	bounce_envelope(&arena, &e, &r, b, utf8_has8bit(a->to, strlen(a->to)));
	int ok = n >= 0 && !spool_begin(&f, walk.fd_spool, &e, name);
	if (ok) {
		put_header(&head, a, b);
		spool_write(&f, head.s, head.len);
		spool_write(&f, text, (size_t)n);
		ok = !spool_finish(&f, &e);
		if (!ok)
			spool_abort(&f);
	}
	stralloc_free(&head);
	arena_free(&arena);
	return ok ? spool_park(&f) : -1;
}

/* The file goes before the message: behind a crash one of the two is there (bounce_recover). */
int
digest_send(struct address *a)
{
	char name[SPOOL_NAME_MAX + 1], path[DIGEST_PATH_MAX];
	struct bounce b = {
	    .to = a->to, .id = a->file, .now = walk_now() / 1000, .requiretls = a->requiretls};
	snprintf(name, sizeof name, "%s+%c0", a->file, DIGEST_KIND);
	digest_path(path, a->file);
	if (park(a, name, &b) < 0)
		return -1;
	if (unlinkat(walk.fd_spool, path, 0) < 0 || digest_sync() < 0 ||
	    spool_publish(walk.fd_spool, name) < 0)
		strerr_diefu2sys(111, "publish the notification ", name);
	log_event("digest");
	log_str("file", name);
	log_str("to", a->to);
	log_num("count", a->count);
	log_send();
	if (!schedule_find(&walk.schedule, name))
		schedule_add(&walk.schedule, name, walk_now(), walk_now());
	return 0;
}
