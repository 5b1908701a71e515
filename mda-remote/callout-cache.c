/* What servers have said, in a file of fixed size that all smtp-callout share. A record is written
 * at once and bears a sum under a secret key, so that one that is torn, or half of two, is none;
 * nobody waits for anybody. */
#include "mda-remote/callout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/siphash.h"
#include "mda-remote/settings.h"

#define WAYS 4		 /* places that an answer may have */
#define AHEAD_SECONDS 60 /* a record from so far in the future is none: the clock was set */

struct record {
	uint64_t sum, who;
	int64_t when; /* seconds since 1970 */
	struct answer a;
};
_Static_assert(sizeof(struct record) == 256, "a record is 256 bytes");

static int file = -1;
static struct siphash_key key;
static int64_t positive, negative;

/* The secret is the file's first 16 bytes, made by whoever has the empty file first. */
static int
read_key(void)
{
	if (flock(file, LOCK_EX) < 0)
		return -1;
	ssize_t n = pread(file, &key, sizeof key, 0);
	if (n >= 0 && n < (ssize_t)sizeof key)
		n = siphash_key(&key) < 0 ? -1 : pwrite(file, &key, sizeof key, 0);
	flock(file, LOCK_UN);
	return n == sizeof key ? 0 : -1;
}

void
cache_open(void)
{
	positive =
	    (int64_t)conf_duration("callout-positive", "1d", 0, 365 * 86400000ull) / 1000;
	negative =
	    (int64_t)conf_duration("callout-negative", "1h", 0, 365 * 86400000ull) / 1000;
	char *path = conf_path("run/callout/answers");
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (file >= 0 && !read_key())
		return;
	log_event("no-cache");
	log_errno("reason", errno);
	log_send();
	if (file >= 0)
		close(file);
	file = -1;
}

static uint64_t
sum_of(struct record const *r)
{
	return siphash(&key, (char const *)&r->who, sizeof *r - sizeof r->sum);
}

static off_t
place(uint64_t who, unsigned int way)
{
	uint64_t set = who % (CALLOUT_SLOTS / WAYS);
	return (off_t)(sizeof key + (set * WAYS + way) * sizeof(struct record));
}

/* 1 if there is a whole record. */
static int
read_record(uint64_t who, unsigned int way, struct record *r)
{
	return pread(file, r, sizeof *r, place(who, way)) == sizeof *r && r->sum == sum_of(r);
}

static int64_t
lasts(uint16_t code)
{
	return code == 250   ? positive
	       : code == 550 ? negative
	       : code == 450 ? CALLOUT_DOWN_SECONDS
			     : 0;
}

/* Whatever time and code a record has: it may be of another release. */
static int
counts(struct record const *r, int64_t now)
{
	return r->when > now - lasts(r->a.code) && r->when < now + AHEAD_SECONDS &&
	       lasts(r->a.code);
}

int
cache_get(char const *name, struct answer *a)
{
	struct record r;
	uint64_t who = siphash(&key, name, strlen(name));
	int64_t now = time(0);
	for (unsigned int i = 0; i < WAYS && file >= 0; i++)
		if (read_record(who, i, &r) && r.who == who && counts(&r, now)) {
			*a = r.a;
			a->text[CALLOUT_TEXT_MAX - 1] = 0;
			return 1;
		}
	return 0;
}

void
cache_put(char const *name, struct answer const *a)
{
	struct record r, new = {.who = siphash(&key, name, strlen(name)), .when = time(0), .a = *a};
	unsigned int best = 0;
	int64_t oldest = INT64_MAX;
	if (file < 0 || !lasts(a->code))
		return;
	for (unsigned int i = 0; i < WAYS; i++) {
		int64_t when = read_record(new.who, i, &r) && r.who != new.who ? r.when : INT64_MIN;
		if (when < oldest) {
			oldest = when;
			best = i;
		}
	}
	new.sum = sum_of(&new);
	if (pwrite(file, &new, sizeof new, place(new.who, best)) != sizeof new)
		log_1("no-cache", "reason", strerror(errno));
}
