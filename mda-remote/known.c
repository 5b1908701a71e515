/* The routes of a moment ago: a message would cost ten files of etc/ otherwise. */
#include "mda-remote/walk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "mda-remote/errand.h"
#include "mda-remote/limits.h"
#include "mda-remote/tally.h"

static struct known {
	stralloc key; /* domain, sender and login, each with its NUL */
	int64_t until;
	struct route route;
} table[KNOWN_ROUTES];

void
known_forget(void)
{
	for (size_t i = 0; i < KNOWN_ROUTES; i++)
		table[i].until = 0;
}

/* Neither past nor, where the clock was set back, further off than any is put. */
static int
holds(struct known const *k)
{
	int64_t const now = walk_now();
	return k->until > now && k->until <= now + KNOWN_MS;
}

/* While there is no etc/ (another one is about to take its place) there is no route. */
static int
find(char const *domain, struct smtp_mail const *mail, struct route *r, char const **why)
{
	char *etc = conf_path("etc");
	int const missing = access(etc, F_OK) < 0;
	free(etc);
	if (!missing)
		return errand_route(domain, mail, r, why);
	*why = "there is no etc/ to look into";
	return -1;
}

int
known_route(char const *domain, struct smtp_mail const *mail, struct route *r, char const **why)
{
	char const *sender = mail->from.text, *login = mail->login ? mail->login : "";
	stralloc key = STRALLOC_ZERO;
	sa_catb(&key, domain, strlen(domain) + 1);
	sa_catb(&key, sender, strlen(sender) + 1);
	sa_catb(&key, login, strlen(login) + 1);
	struct known *k = table + tally_key(key.s, key.len) % KNOWN_ROUTES;
	int error = 0;
	if (!holds(k) || k->key.len != key.len || memcmp(k->key.s, key.s, key.len)) {
		k->until = 0;
		error = find(domain, mail, &k->route, why);
		if (!error) {
			sa_copyb(&k->key, key.s, key.len);
			k->until = walk_now() + KNOWN_MS;
		}
	}
	*r = k->route;
	stralloc_free(&key);
	return error;
}
