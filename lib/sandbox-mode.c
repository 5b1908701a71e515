#include "lib/sandbox-mode.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sandbox-calls.h"
#include "lib/sandbox-filter.h"
#include "lib/sandbox-layers.h"

#define LANDLOCK "landlock="

static void
take_word(struct sandbox_mode *m, char const *s, size_t n)
{
	static struct {
		char const *word;
		size_t at;
		int value;
	} const words[] = {
	    {"refuse", offsetof(struct sandbox_mode, kill), 0},
	    {"kill", offsetof(struct sandbox_mode, kill), 1},
	    {"require", offsetof(struct sandbox_mode, require), 1},
	    {"told", offsetof(struct sandbox_mode, told), 1},
	    {"no-seccomp", offsetof(struct sandbox_mode, filter), 0},
	};
	unsigned int version;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].word) == n && !memcmp(s, words[i].word, n)) {
			*(int *)((char *)m + words[i].at) = words[i].value;
			return;
		}
	size_t const k = sizeof LANDLOCK - 1;
	if (n <= k || memcmp(s, LANDLOCK, k) || uint_scan(s + k, &version) != n - k ||
	    version > 1000)
		strerr_dief1x(100, "bad " SANDBOX_VARIABLE " in the environment");
	m->landlock = (int)version;
}

static void
read_mode(struct sandbox_mode *m)
{
	char const *s = getenv(SANDBOX_VARIABLE);
	while (s && *s) {
		size_t const n = strcspn(s, ",");
		take_word(m, s, n);
		s += n + (s[n] == ',');
	}
#ifdef SANDBOX_SANITIZED
	m->kill = 0;
#endif
	/* For tests: nobody shall forget it where it matters. */
	if (m->landlock >= 0 || !m->filter)
		log_1("sandbox", "lowered", getenv(SANDBOX_VARIABLE));
}

struct sandbox_mode const *
sandbox_mode(void)
{
	static struct sandbox_mode mode = {.landlock = -1, .filter = 1};
	static int read;
	if (!read)
		read_mode(&mode);
	read = 1;
	return &mode;
}

void
sandbox_mode_settings(char text[static SANDBOX_MODE_MAX])
{
	char const *violation = conf_string("sandbox-violation", "refuse");
	if (strcmp(violation, "refuse") != 0 && strcmp(violation, "kill") != 0)
		strerr_dief1x(100, "etc/sandbox-violation: neither refuse nor kill");
	strcpy(text, violation);
	if (conf_flag("require-sandbox", 0))
		strcat(text, ",require");
}

int
sandbox_has_landlock(void)
{
	int const forced = sandbox_mode()->landlock;
	long const version = syscall(SYS_landlock_create_ruleset, 0, 0, 1 /* which version */);
	int const has = version < 1 ? 0 : (int)version;
	return forced >= 0 && forced < has ? forced : has;
}

/* A filter that is nowhere tells a kernel that would look at it (EFAULT) from one that does not
 * know what that is. */
int
sandbox_has_filter(void)
{
	if (!sandbox_mode()->filter)
		return 0;
#ifdef SANDBOX_ARCHITECTURE
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0) < 0 && errno == EFAULT;
#else
	return 0;
#endif
}
