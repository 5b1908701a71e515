#include "bin/auth-hash.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/scram.h"
#include "lib/secret.h"

/* What a hash of this scheme begins with; "" for every kind that libcrypt knows. */
static struct scheme {
	char const *name, *prefix;
} const schemes[] = {
    {"CRYPT", ""},
    {"SHA256-CRYPT", "$5$"},
    {"SHA512-CRYPT", "$6$"},
    {"BLF-CRYPT", "$2"},
};

/* A hash of a password that nobody has, at the cost of those that auth_hash_make makes. */
static char const nobody[] =
    "$y$j9T$AAAAAAAAAAAAAAAAAAAAA/$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.";
static char const nobody_sha512[] = "$6$AAAAAAAAAAAAAAAA$";

/* The password under a setting (a hash will do), or null: libcrypt cannot. Wiped by the next call
 * to wipe. */
static struct crypt_data room;

static char const *
crypt_of(char const *password, char const *setting)
{
	memset(&room, 0, sizeof room);
	char const *r = crypt_r(password, setting, &room);
	return r && *r != '*' ? r : 0;
}

static void
wipe(void)
{
	explicit_bzero(&room, sizeof room);
}

static int
verify_crypt(char const *hash, char const *password)
{
	char const *r = crypt_of(password, hash);
	int ok = !r ? -1 : secret_same_text(r, hash);
	wipe();
	return ok;
}

static int
verify_scram(enum hash h, char const *keys, char const *password)
{
	struct scram_keys k;
	return scram_scan(&k, h, keys, strlen(keys)) < 0 ? -1 : scram_is_password(&k, password);
}

void
auth_hash_waste(char const *password)
{
	if (!crypt_of(password, nobody))
		crypt_of(password, nobody_sha512);
	wipe();
}

int
auth_hash_verify(char const *hash, char const *password, int plain_ok)
{
	if (!*hash || *hash == '*' || *hash == '!') {
		auth_hash_waste(password);
		return 0;
	}
	if (*hash != '{')
		return verify_crypt(hash, password);
	char const *end = strchr(hash, '}');
	size_t n = end ? (size_t)(end - hash - 1) : 0;
	if (!n)
		return -1;
	enum hash h;
	if (scram_hash(hash + 1, n, &h))
		return verify_scram(h, end + 1, password);
	if (ascii_ieq(hash + 1, n, "PLAIN"))
		return !plain_ok ? -1 : end[1] && secret_same_text(end + 1, password);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (ascii_ieq(hash + 1, n, schemes[i].name) &&
		    !strncmp(end + 1, schemes[i].prefix, strlen(schemes[i].prefix)))
			return auth_hash_verify(end + 1, password, 0);
	return -1;
}

int
auth_hash_is_slow(char const *hash)
{
	return strncasecmp(hash, "{PLAIN}", 7) != 0;
}

int
auth_hash_scram(stralloc *out, char const *password, unsigned int iterations)
{
	static char const *const names[] = {
	    [HASH_SHA1] = " scram-sha-1=", [HASH_SHA256] = "scram-sha-256="};
	for (int h = HASH_SHA256; h >= HASH_SHA1; h--) {
		struct scram_keys k = {.iterations = iterations};
		if (scram_salt(&k) < 0)
			return -1;
		scram_make(&k, (enum hash)h, password);
		sa_cats(out, names[h]);
		scram_format(out, &k);
		explicit_bzero(&k, sizeof k);
	}
	return 0;
}

#ifdef CRYPT_GENSALT_OUTPUT_SIZE
static int
make_setting(char *setting, size_t size)
{
	return crypt_gensalt_rn("$y$", 0, 0, 0, setting, (int)size) ? 0 : -1;
}
#define SETTING_MAX CRYPT_GENSALT_OUTPUT_SIZE
#else
#define SETTING_MAX 20
static int
make_setting(char *setting, size_t size)
{
	static char const digits[64] =
	    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	unsigned char r[16];
	if (size < SETTING_MAX || getrandom(r, sizeof r, 0) != sizeof r)
		return -1;
	memcpy(setting, "$6$", 3);
	for (size_t i = 0; i < sizeof r; i++)
		setting[3 + i] = digits[r[i] & 63];
	setting[3 + sizeof r] = 0;
	return 0;
}
#endif

int
auth_hash_make(stralloc *out, char const *password)
{
	char setting[SETTING_MAX];
	if (make_setting(setting, sizeof setting) < 0)
		return -1;
	char const *r = crypt_of(password, setting);
	if (r) {
		sa_cats(out, "{CRYPT}");
		sa_cats(out, r);
	} else
		errno = ENOSYS;
	wipe();
	return r ? 0 : -1;
}
