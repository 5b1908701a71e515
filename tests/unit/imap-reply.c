/* What an error of the store becomes: the response codes that take a full disk, a minute's lock or
 * a fault to see. */
// objects: imap/reply.o
#include "imap/reply.h"

#include <errno.h>

#include "tests/unit/tap.h"

static struct {
	int e;
	char const *reply;
} const table[] = {
    {ENOENT, "NO [NONEXISTENT] "}, {EACCES, "NO [NOPERM] "}, {EMLINK, "NO [LIMIT] "},
    {EDQUOT, "NO [OVERQUOTA] "}, {ENOSPC, "NO [UNAVAILABLE] "}, {ETIMEDOUT, "NO [INUSE] "},
    {ESTALE, "NO [CLOSED] "}, {EIO, "NO [SERVERBUG] "},
    {0, "NO [SERVERBUG] "}, /* a plain failure */
};

int
main(void)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char const *got = reply_errno(table[i].e);
		tap_ok(!strncmp(got, table[i].reply, strlen(table[i].reply)), "%s", got);
	}
	return tap_done();
}
