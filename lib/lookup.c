#include "lib/lookup.h"

#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/cdb-read.h"
#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/table.h"
#include "lib/target.h"

#define PROGRAM "system-map"

struct lookup_table {
	char const *name;
	struct lookup_source source[LOOKUP_SOURCES_MAX];
	size_t count;
	int bad;
};

static struct {
	struct stat of; /* the file that it was read from; st_ino 0: none */
	struct arena arena;
	struct lookup_table table[LOOKUP_TABLES_MAX];
	size_t count;
	int unanswered; /* the last question */
} all;

/* ---- etc/lookup ---- */

static char const *
keep(char const *s, size_t n)
{
	return arena_strndup(&all.arena, s, n);
}

/* Below the instance directory, or absolute. */
static char const *
place(char const *before, char const *path, size_t n)
{
	stralloc sa = STRALLOC_ZERO;
	sa_cats(&sa, before);
	if (!n || *path != '/') {
		sa_cats(&sa, conf_dir());
		sa_append(&sa, '/');
	}
	sa_catb(&sa, path, n);
	char const *r = keep(sa.s, sa.len);
	stralloc_free(&sa);
	return r;
}

/* Answers may be passwords' hashes, in clear: they do not leave this host. */
static int
is_loopback(char const *address)
{
	static unsigned char const six[16] = {[15] = 1};
	ip46 ip;
	uint16_t port;
	if (target_parse(address, &ip, &port) < 0)
		return 0;
	return ip46_is6(&ip) ? !memcmp(ip.ip, six, 16) : ip.ip[0] == 127;
}

/* ADDRESS:MAP, behind "socketmap:". 0 or -1. */
static int
parse_socketmap(struct lookup_source *s, char const *t, size_t n)
{
	char const *const colon = memrchr(t, ':', n);
	size_t const address = colon ? (size_t)(colon - t) : 0;
	if (!address || address + 1 == n)
		return -1;
	s->map.map = keep(colon + 1, n - address - 1);
	if (address > 5 && !memcmp(t, "unix:", 5)) {
		s->map.address = place("unix:", t + 5, address - 5);
		return 0;
	}
	s->map.address = keep(t, address);
	return is_loopback(s->map.address) ? 0 : -1;
}

static int
parse_source(struct lookup_table *t, struct lookup_source *s, char const *w, size_t n)
{
	static char const cdb[] = "cdb:", map[] = "socketmap:";
	*s = (struct lookup_source){.word = keep(w, n), .map = {.fd = -1}};
	if (!strcmp(s->word, "file"))
		s->kind = LOOKUP_FILE;
	else if (!strcmp(s->word, "system") && !strcmp(t->name, "users")) {
		s->kind = LOOKUP_SYSTEM;
		s->map.address = "run:" PROGRAM;
		s->map.map = "passwd";
	} else if (n > sizeof cdb - 1 && !memcmp(w, cdb, sizeof cdb - 1)) {
		s->kind = LOOKUP_CDB;
		s->path = place("", w + sizeof cdb - 1, n - sizeof cdb + 1);
	} else if (n > sizeof map - 1 && !memcmp(w, map, sizeof map - 1)) {
		s->kind = LOOKUP_SOCKETMAP;
		return parse_socketmap(s, w + sizeof map - 1, n - sizeof map + 1);
	} else
		return -1;
	return 0;
}

static int
take_line(void *arg, char const *key, size_t klen, char const *value, size_t vlen)
{
	(void)arg;
	(void)vlen;
	if (all.count == LOOKUP_TABLES_MAX) {
		log_2("bad-lookup", "table", key, "why", "too many lines");
		errno = EINVAL;
		return -1;
	}
	struct lookup_table *const t = &all.table[all.count++];
	*t = (struct lookup_table){.name = keep(key, klen)};
	for (size_t n; *(value += strspn(value, " \t")); value += n) {
		n = strcspn(value, " \t");
		if (t->count == LOOKUP_SOURCES_MAX ||
		    parse_source(t, &t->source[t->count], value, n) < 0) {
			log_event("bad-lookup");
			log_str("table", t->name);
			log_strn("source", value, n);
			log_send();
			t->bad = 1;
			return 0;
		}
		t->count++;
	}
	t->bad = !t->count;
	return 0;
}

static void
forget(void)
{
	lookup_close();
	all.count = 0;
	all.of.st_ino = 0;
	arena_reset(&all.arena);
}

static int
same_file(struct stat const *a, struct stat const *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* As the file is now. 1 there are lines, 0 there is no such file, -1. */
static int
read_lookup(void)
{
	static char *path;
	struct stat st;
	if (!path)
		path = conf_path("etc/lookup");
	if (stat(path, &st) < 0) {
		if (all.of.st_ino)
			forget();
		return errno == ENOENT ? 0 : -1;
	}
	if (all.of.st_ino && same_file(&st, &all.of))
		return 1;
	forget();
	if (table_each("lookup", take_line, 0) < 0)
		return -1;
	all.of = st;
	return 1;
}

int
lookup_sources(char const *table, struct lookup_source **s, size_t *n)
{
	all.unanswered = 0;
	int const r = read_lookup();
	for (size_t i = 0; r > 0 && i < all.count; i++) {
		struct lookup_table *const t = &all.table[i];
		if (strcmp(t->name, table))
			continue;
		*s = t->source;
		*n = t->count;
		errno = EINVAL;
		return t->bad ? -1 : 1;
	}
	return r < 0 ? -1 : 0;
}

int
lookup_has(char const *table, enum lookup_kind kind)
{
	struct lookup_source *s;
	size_t n;
	if (lookup_sources(table, &s, &n) != 1)
		return 0;
	while (n--)
		if (s[n].kind == kind)
			return 1;
	return 0;
}

void
lookup_close(void)
{
	int const e = errno;
	for (size_t i = 0; i < all.count; i++)
		for (size_t k = 0; k < all.table[i].count; k++)
			socketmap_close(&all.table[i].source[k].map);
	errno = e;
}

/* ---- asking ---- */

static int
ask_cdb(char const *path, char const *key, size_t len, stralloc *value)
{
	struct cdb_read c;
	if (cdb_read_open(&c, path) < 0)
		return -1;
	int const r = cdb_read_find(&c, key, len, TABLE_VALUE_MAX, value), e = errno;
	cdb_read_close(&c);
	errno = e;
	return r;
}

static void
log_failure(struct lookup_source const *s, char const *why, int e)
{
	log_event("lookup");
	log_str("source", s->word);
	log_str("why", why);
	log_send();
	errno = e;
}

static int
ask_socketmap(struct lookup_source *s, char const *key, size_t len, stralloc *value)
{
	static unsigned int seconds;
	char const *why = "";
	tain deadline;
	if (!seconds)
		seconds = (unsigned int)conf_uint("lookup-seconds", LOOKUP_SECONDS, 1, 25);
	tain_now_g();
	if (s->rests && tain_future(&s->until)) {
		errno = ETIMEDOUT;
		return -1;
	}
	tain_addsec_g(&deadline, (int)seconds);
	int const r = socketmap_find(&s->map, key, len, &deadline, value, &why), e = errno;
	/* Or each recipient in turn would wait for who does not answer. */
	s->rests = r < 0 && e == ETIMEDOUT;
	tain_addsec_g(&s->until, LOOKUP_REST_SECONDS);
	if (r < 0)
		log_failure(s, why, e);
	return r;
}

int
lookup_ask(struct lookup_source *s, char const *key, size_t len, stralloc *value)
{
	int r = 0;
	if (s->kind == LOOKUP_CDB) {
		r = ask_cdb(s->path, key, len, value);
		if (r < 0)
			log_failure(s, strerror(errno), errno);
	} else if (s->kind == LOOKUP_SOCKETMAP || !memchr(key, '@', len))
		/* A system's account has no domain. */
		r = ask_socketmap(s, key, len, value);
	all.unanswered = r < 0;
	return r;
}

int
lookup_unanswered(void)
{
	return all.unanswered;
}
