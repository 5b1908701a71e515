/* What is known of the domains' MTA-STS policies: in memory for a while, on disk in
 * spool/policy/DOMAIN for as long as they last. RFC 8461 5.1 */
#include "mda-remote/sts-domain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/domain.h"
#include "lib/durable.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/tally.h"
#include "mda-remote/walk.h"

#define HASH 1024
#define SWEEP (HASH / 16) /* places of the table that one call makes room in */
#define HEAD "postern-policy 1"
#define PATH_MAX_OURS (DNS_NAME_MAX + 8)
#define AHEAD_SECONDS 3600 /* that a clock may have been ahead */

static struct sts_domain *table[HASH];
static unsigned int count;

int
sts_name_valid(char const *name)
{
	size_t const n = strlen(name);
	return n <= DNS_NAME_MAX - 20 && domain_valid(name, n);
}

int
sts_valid(struct sts_domain const *d)
{
	return d->has && d->known.until > walk_now() / 1000;
}

int
sts_aged(struct sts_domain const *d)
{
	int64_t age = walk_now() / 1000 - d->known.fetched;
	return age > STS_REFRESH_SECONDS || age > d->known.policy.max_age / 2;
}

/* ---- on disk ---- */

static void
path_of(char to[static PATH_MAX_OURS], struct sts_domain const *d)
{
	snprintf(to, PATH_MAX_OURS, "policy/%s", d->name);
}

static void
complain(struct sts_domain const *d)
{
	log_event("error");
	log_str("policy", d->name);
	log_errno("why", errno);
	log_send();
}

int
sts_directory(void)
{
	return openat(walk.fd_spool, "policy", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
sts_touch(struct sts_domain const *d)
{
	char path[PATH_MAX_OURS];
	path_of(path, d);
	utimensat(walk.fd_spool, path, 0, AT_SYMLINK_NOFOLLOW);
}

void
sts_save(struct sts_domain *d)
{
	stralloc sa = STRALLOC_ZERO;
	struct stat st;
	int fd = sts_directory();
	int const old = d->looked && fd >= 0 && !fstatat(fd, d->name, &st, AT_SYMLINK_NOFOLLOW);
	sa_catf(&sa, HEAD "\n%lld %s\n", (long long)d->known.fetched, d->known.id);
	sa_catb(&sa, d->known.text.s, d->known.text.len);
	if (fd < 0 || durable_replace(fd, d->name, sa.s, sa.len, 0600) < 0)
		complain(d);
	else if (old)
		utimensat(
		    fd, d->name, (struct timespec[]){st.st_atim, st.st_mtim}, AT_SYMLINK_NOFOLLOW);
	if (fd >= 0)
		close(fd);
	stralloc_free(&sa);
}

int
sts_adopt(struct sts_domain *d, char const *text, size_t n, char const *id, int64_t fetched,
    char const **why)
{
	struct sts_policy p;
	if (sts_policy_parse(&p, text, n, why) < 0) {
		sts_policy_free(&p);
		return -1;
	}
	sts_policy_free(&d->known.policy);
	d->known.policy = p;
	sa_copyb(&d->known.text, text, n);
	sa_str(&d->known.text);
	snprintf(d->known.id, sizeof d->known.id, "%s", id);
	d->known.fetched = fetched;
	d->known.until = fetched + p.max_age;
	d->has = 1;
	d->unread = 0;
	return 0;
}

/* The file into sa: 1; 0 if there is none; -1 and errno. */
static int
read_file(struct sts_domain const *d, stralloc *sa)
{
	char path[PATH_MAX_OURS], buf[4096];
	ssize_t n = 0;
	path_of(path, d);
	int fd = openat(walk.fd_spool, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	while (sa->len <= 2 * STS_POLICY_MAX && (n = read(fd, buf, sizeof buf)) > 0)
		sa_catb(sa, buf, (size_t)n);
	int const e = errno;
	close(fd);
	errno = e;
	return n < 0 ? -1 : 1;
}

/* A file that cannot be read (no descriptor is free, the disk is bad) is not one that is not there:
 * whoever took it for none would send without the policy. */
static void
load(struct sts_domain *d)
{
	stralloc sa = STRALLOC_ZERO;
	char id[STS_ID_MAX + 1];
	long long fetched;
	int at = 0;
	char const *why;
	int const r = read_file(d, &sa);
	if (r < 0 && !d->unread)
		complain(d);
	d->unread = r < 0;
	/* A clock that was ahead when it was written is no reason to believe it for longer. */
	if (r > 0 && sscanf(sa_str(&sa), HEAD "\n%lld %32s%n", &fetched, id, &at) == 2 &&
	    sa.s[at] == '\n' && fetched >= 0 && fetched <= walk_now() / 1000 + AHEAD_SECONDS)
		sts_adopt(d, sa.s + at + 1, sa.len - (size_t)at - 1, id, fetched, &why);
	stralloc_free(&sa);
}

/* ---- in memory ---- */

static void
forget(struct sts_domain **p)
{
	struct sts_domain *d = *p;
	*p = d->next;
	sts_policy_free(&d->known.policy);
	stralloc_free(&d->known.text);
	free(d->name);
	free(d);
	count--;
}

/* A part of the table at a time, from where it stopped. */
static void
make_room(void)
{
	static size_t hand;
	for (unsigned int n = SWEEP; count >= STS_DOMAINS_MAX && n; n--, hand = (hand + 1) % HASH)
		for (struct sts_domain **p = table + hand; *p;)
			if ((*p)->state == STS_IDLE && (*p)->fetch_not_before < walk_now())
				forget(p);
			else
				p = &(*p)->next;
}

/* Of the last two labels of a name. */
static uint32_t
parent_key(char const *name)
{
	char const *s = name + strlen(name);
	for (int dots = 0; s > name && (s[-1] != '.' || ++dots < 2);)
		s--;
	return tally_key(s, strlen(s));
}

struct sts_domain *
sts_find(char const *name)
{
	size_t const place = tally_key(name, strlen(name)) % HASH;
	struct sts_domain *d = table[place];
	while (d && strcmp(d->name, name))
		d = d->next;
	if (d) {
		if (d->unread)
			load(d);
		return d;
	}
	make_room();
	d = xmalloc(sizeof *d);
	memset(d, 0, sizeof *d);
	d->name = xstrdup(name);
	d->parent = parent_key(name);
	d->next = table[place];
	table[place] = d;
	count++;
	load(d);
	return d;
}
