#include "lib/login-penalty.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "lib/login-state.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspi.h"

#define FAILURES_MAX 255

/* A place, as one word that is replaced at once: whose (24 bits), how many (8), in which minute
 * (16), and what was tried last (16). */
struct place {
	uint32_t whose;
	unsigned int count, minute, last;
};

static uint64_t *table;
static unsigned char secret[HASH_MAX];

static uint64_t
pack(struct place const *p)
{
	return (uint64_t)p->whose << 40 | (uint64_t)p->count << 32 | (uint64_t)p->minute << 16 |
	       p->last;
}

static unsigned int
minute_now(void)
{
	return (unsigned int)(time(0) / 60) & 0xffff;
}

/* As it stands now: old failures count less. */
static struct place
unpack(uint64_t word)
{
	struct place p = {.whose = (uint32_t)(word >> 40),
	    .count = (unsigned int)(word >> 32) & 0xff,
	    .minute = (unsigned int)(word >> 16) & 0xffff,
	    .last = (unsigned int)word & 0xffff};
	unsigned int halvings = ((minute_now() - p.minute) & 0xffff) / LOGIN_HALVING_MINUTES;
	p.count = halvings > 8 ? 0 : p.count >> halvings;
	if (halvings)
		p.minute = (p.minute + halvings * LOGIN_HALVING_MINUTES) & 0xffff;
	return p;
}

/* With its blocks, where the file system can: a store where none is left would be the end of us. */
static int
fill(int fd, size_t size)
{
	int e = posix_fallocate(fd, 0, (off_t)size);
	if (e == EOPNOTSUPP || e == EINVAL)
		e = ftruncate(fd, (off_t)size) < 0 ? errno : 0;
	if (!e)
		return 1;
	log_event("no-state");
	log_str("file", "failures");
	log_errno("why", e);
	log_send();
	return 0;
}

static int
open_table(void)
{
	size_t const size = LOGIN_FAILURES_SLOTS * sizeof *table;
	static int tried;
	struct stat st;
	if (table || tried)
		return table != 0;
	tried = 1;
	int fd = login_state_secret(secret) < 0 ? -1 : login_state_open("failures");
	if (fd < 0)
		return 0;
	if (!fstat(fd, &st) && ((size_t)st.st_size >= size || fill(fd, size))) {
		void *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		table = p == MAP_FAILED ? 0 : p;
	}
	close(fd);
	return table != 0;
}

/* Where a key belongs, and whose place it then is. Keyed, so that nobody can aim at another's. */
static uint64_t *
find(char kind, void const *key, size_t len, uint32_t *whose)
{
	unsigned char d[HASH_MAX];
	struct hmac m;
	uint32_t index;
	hmac_init(&m, HASH_SHA256, secret, sizeof secret);
	hmac_add(&m, &kind, 1);
	hmac_add(&m, key, len);
	hmac_end(&m, d);
	memcpy(&index, d, sizeof index);
	*whose = (uint32_t)(d[4] << 16 | d[5] << 8 | d[6]);
	return table + index % LOGIN_FAILURES_SLOTS;
}

static unsigned int
count(char kind, void const *key, size_t len)
{
	uint32_t whose;
	if (!len || !open_table())
		return 0;
	struct place p = unpack(__atomic_load_n(find(kind, key, len, &whose), __ATOMIC_RELAXED));
	return p.whose == whose ? p.count : 0;
}

static void
add(char kind, void const *key, size_t len, unsigned int what)
{
	uint32_t whose;
	if (!len || !open_table())
		return;
	uint64_t *word = find(kind, key, len, &whose),
		 was = __atomic_load_n(word, __ATOMIC_RELAXED), now;
	do {
		struct place p = unpack(was);
		if (p.whose != whose && p.count)
			p.count--; /* taken; more of ours will displace it */
		else {
			int again = p.whose == whose && p.count && p.last == what;
			if (p.whose != whose)
				p = (struct place){.whose = whose};
			if (p.count < FAILURES_MAX && !again)
				p.count++;
			if (!p.minute || p.count == 1)
				p.minute = minute_now();
			p.last = what;
		}
		now = pack(&p);
	} while (
	    !__atomic_compare_exchange_n(word, &was, now, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

/* A subscriber has a /64, so that is one address. */
static size_t
address_key(char const *ip, unsigned char addr[static 16])
{
	unsigned int n = ip && *ip ? ucspi_scan(ip, addr) : 0;
	return n == 16 ? 8 : n;
}

static size_t
account_key(char const *login, char *low, size_t size)
{
	size_t n = strlen(login);
	if (n > size)
		n = size;
	memcpy(low, login, n);
	ascii_lower(low, n);
	return n;
}

unsigned int
login_failures_address(char const *ip)
{
	unsigned char addr[16];
	return count('a', addr, address_key(ip, addr));
}

unsigned int
login_failures_account(char const *login)
{
	char low[256];
	return count('u', low, account_key(login, low, sizeof low));
}

void
login_failures_add(char const *ip, char const *login, void const *what, size_t n)
{
	unsigned char addr[16], d[HASH_MAX];
	char low[256];
	struct hmac m;
	if (!open_table())
		return;
	size_t len = account_key(login, low, sizeof low), addr_len = address_key(ip, addr);
	hmac_init(&m, HASH_SHA256, secret, sizeof secret);
	hmac_add(&m, low, len);
	hmac_add(&m, "", 1);
	hmac_add(&m, addr, addr_len);
	hmac_add(&m, what, n);
	hmac_end(&m, d);
	explicit_bzero(&m, sizeof m);
	unsigned int last = (unsigned int)(d[0] << 8 | d[1]);
	add('a', addr, addr_len, last);
	add('u', low, len, last);
}
