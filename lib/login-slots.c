#include "lib/login-slots.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/login-state.h"
#include "lib/skalibs-compat.h"

/* The number of a login: its places lie behind this offset in its file. */
static off_t
place(char const *service, char const *login, unsigned int *file)
{
	char text[512];
	unsigned char d[HASH_MAX];
	int n = snprintf(text, sizeof text, "%s %s", service, login);
	size_t len = n < (int)sizeof text ? (size_t)n : sizeof text - 1;
	ascii_lower(text, len);
	hash_of(HASH_SHA256, text, len, d);
	*file = d[0] % LOGIN_SLOT_FILES;
	uint64_t number = 0;
	for (int i = 1; i < 6; i++)
		number = number << 8 | d[i];
	return (off_t)(number << 16);
}

static int fd = -1; /* closing it lets go */

void
login_slot_keep(void)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, 0);
}

int
login_slot_take(char const *service, char const *login, unsigned int max)
{
	unsigned int file;
	char name[32];
	if (!max)
		return 1;
	struct flock l = {.l_type = F_WRLCK, .l_start = place(service, login, &file), .l_len = 1};
	snprintf(name, sizeof name, "sessions-%02u", file);
	if (fd >= 0)
		close(fd);
	fd = login_state_open(name);
	if (fd < 0)
		return 1;
	/* Only another's lock says that a place is taken. */
	for (unsigned int i = 0; i < max; i++, l.l_start++)
		if (!fcntl(fd, F_SETLK, &l) || (errno != EACCES && errno != EAGAIN))
			return 1;
	return 0;
}
