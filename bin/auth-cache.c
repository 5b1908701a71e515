#include "bin/auth-cache.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/login-state.h"
#include "lib/secret.h"
#include "lib/skalibs-compat.h"

#define FILE_NAME "passwords"
#define BOOT_MAX 64

/* The file: its head, then AUTH_CACHE_SLOTS records. */
struct head {
	int64_t born;
	char boot[BOOT_MAX]; /* the kernel's id of this boot */
	unsigned char key[HASH_MAX];
};

/* The digest covers the time too, so a record that was half overwritten fits nothing. */
struct record {
	int64_t when;
	unsigned char digest[HASH_MAX];
};

static int fd = -1;
static struct head head;

static void
read_boot(char boot[static BOOT_MAX])
{
	memset(boot, 0, BOOT_MAX);
	int f = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (f < 0)
		return;
	if (read(f, boot, BOOT_MAX - 1) < 0)
		boot[0] = 0;
	close(f);
}

static int
is_current(void)
{
	char boot[BOOT_MAX];
	int64_t now = time(0);
	read_boot(boot);
	return pread(fd, &head, sizeof head, 0) == sizeof head && head.born <= now &&
	       now - head.born < AUTH_CACHE_FILE_SECONDS && !memcmp(boot, head.boot, BOOT_MAX);
}

/* Opens the file, or makes a new one: old digests are of no use without their key. */
static int
open_file(void)
{
	struct head new = {.born = time(0)};
	read_boot(new.boot);
	if (getrandom(new.key, sizeof new.key, 0) != sizeof new.key)
		return 0;
	fd = login_state_open_with(FILE_NAME, &new, sizeof new);
	if (fd < 0)
		return 0;
	if (!is_current()) {
		close(fd);
		fd = login_state_replace(FILE_NAME, &new, sizeof new);
		head = new;
	}
	explicit_bzero(&new, sizeof new);
	return fd >= 0;
}

static void
digest(int64_t when, char const *login, char const *password, char const *hash,
    unsigned char out[static HASH_MAX])
{
	struct hmac m;
	hmac_init(&m, HASH_SHA256, head.key, sizeof head.key);
	hmac_add(&m, &when, sizeof when);
	hmac_add(&m, login, strlen(login) + 1);
	hmac_add(&m, password, strlen(password) + 1);
	hmac_add(&m, hash, strlen(hash));
	hmac_end(&m, out);
	explicit_bzero(&m, sizeof m);
}

static off_t
place(char const *login)
{
	unsigned char d[HASH_MAX];
	uint32_t n;
	hmac_of(HASH_SHA256, head.key, sizeof head.key, login, strlen(login), d);
	memcpy(&n, d, sizeof n);
	return (off_t)(sizeof head + n % AUTH_CACHE_SLOTS * sizeof(struct record));
}

int
auth_cache_has(char const *login, char const *password, char const *hash, unsigned int seconds)
{
	struct record r;
	unsigned char want[HASH_MAX];
	int64_t now = time(0);
	if (!seconds) {
		unlink(conf_path("run/auth/" FILE_NAME));
		return 0;
	}
	if (!open_file() || pread(fd, &r, sizeof r, place(login)) != sizeof r)
		return 0;
	digest(r.when, login, password, hash, want);
	int same = secret_same(want, r.digest, HASH_MAX);
	return same && r.when <= now && now - r.when < seconds;
}

void
auth_cache_close(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
	explicit_bzero(&head, sizeof head);
}

void
auth_cache_put(char const *login, char const *password, char const *hash)
{
	struct record r = {.when = time(0)};
	if (fd < 0)
		return;
	digest(r.when, login, password, hash, r.digest);
	/* A cache: if it cannot be written, the next login is slow. */
	if (pwrite(fd, &r, sizeof r, place(login)) < 0)
		unlink(conf_path("run/auth/" FILE_NAME));
	explicit_bzero(&r, sizeof r);
}
