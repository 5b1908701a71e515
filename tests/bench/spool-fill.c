/* spool-fill COUNT OCTETS SECONDS DOMAIN: puts COUNT messages of about OCTETS octets, for u@DOMAIN,
 * into the spool of POSTERN_DIR, to be tried in SECONDS. Nothing is synced and no walker is woken:
 * it makes queues for measurements. Exit: 0, 100 usage, 111 it cannot. */
// objects: mda-remote/spool.o mda-remote/spool-write.o mda-remote/envelope.o
#include "mda-remote/spool.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/crc32c.h"
#include "lib/sa.h"

#define NAME "1m0v20tnlg%07x.0" /* all of one length */
#define WRITERS 2u

/* Envelope and message; the id is all in which they differ. */
static void
compose(stralloc *out, char const *id, char const *domain, unsigned int octets, int64_t now)
{
	stralloc text = STRALLOC_ZERO, to = STRALLOC_ZERO;
	sa_catf(&to, "u@%s", domain);
	struct envelope_rcpt r = {.state = RCPT_WAITING, .delay = DELAY_UNTOLD};
	r.rcpt.to.text = sa_str(&to);
	struct envelope e = {
	    .id = id, .arrival = now, .expiry = now + 5 * 86400, .rcpt = &r, .count = 1};
	e.mail.from.text = "sender@example.test";
	sa_catf(&text, "Subject: queued\n\n");
	while (text.len < octets)
		sa_cats(&text, "All work and no play makes a message that is long enough.\n");
	e.length = e.mail.size = text.len;
	envelope_format(out, &e);
	char sizes[ENVELOPE_SIZES_LEN + 1];
	sa_catb(out, text.s, text.len);
	e.sum = crc32c(0, out->s + ENVELOPE_SUMMED_AT, out->len - ENVELOPE_SUMMED_AT);
	envelope_sizes(sizes, &e);
	memcpy(out->s + ENVELOPE_SIZES_AT, sizes, ENVELOPE_SIZES_LEN);
	stralloc_free(&text);
	stralloc_free(&to);
}

static void
put(int fd_spool, char const *name, stralloc const *content, int64_t due)
{
	char path[SPOOL_PATH_MAX];
	struct timespec const t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = due}};
	spool_path(path, name, "");
	int fd = openat(fd_spool, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, content->s, content->len) != (ssize_t)content->len ||
	    futimens(fd, t) < 0)
		strerr_diefu2sys(111, "write ", path);
	close(fd);
}

/* The messages first, first + WRITERS, ... below count. */
static void
fill(int fd_spool, unsigned int first, unsigned int count, char **argv, int64_t due)
{
	stralloc content = STRALLOC_ZERO;
	unsigned int octets, seconds;
	uint0_scan(argv[2], &octets);
	uint0_scan(argv[3], &seconds);
	for (unsigned int i = first; i < count; i += WRITERS) {
		char name[40];
		snprintf(name, sizeof name, NAME, i);
		content.len = 0;
		compose(&content, name, argv[4], octets, due - seconds);
		put(fd_spool, name, &content, due);
	}
}

int
main(int argc, char **argv)
{
	unsigned int n[3];
	int status, good = 1;
	PROG = "spool-fill";
	if (argc != 5 || !uint0_scan(argv[1], n) || !uint0_scan(argv[2], n + 1) ||
	    !uint0_scan(argv[3], n + 2))
		strerr_dieusage(100, "spool-fill count octets seconds domain");
	spool_become_owner();
	int const fd_spool = spool_open();
	if (fd_spool < 0)
		strerr_diefu1sys(111, "open the spool");
	for (unsigned int w = 0; w < WRITERS; w++)
		if (!fork()) {
			fill(fd_spool, w, n[0], argv, time(0) + n[2]);
			return 0;
		}
	while (wait(&status) > 0)
		good &= !status;
	return good ? 0 : 111;
}
