#include "lib/conns.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/pread-all.h"
#include "lib/sa.h"

/* One array without order: a look through 16384 of them takes microseconds, a spawn a third of a
 * millisecond. */
static struct conn *conns;
static unsigned int count;

void
conns_init(unsigned int max)
{
	conns = xmalloc(max * sizeof *conns);
}

unsigned int
conns_count(void)
{
	return count;
}

unsigned int
conns_from(ip46 const *ip)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < count; i++)
		if (!memcmp(conns[i].ip.ip, ip->ip, ip46_is6(ip) ? 16 : 4))
			n++;
	return n;
}

void
conns_add(struct conn const *c)
{
	conns[count++] = *c;
}

int
conns_remove(pid_t pid, struct conn *c)
{
	for (unsigned int i = 0; i < count; i++)
		if (conns[i].pid == pid) {
			*c = conns[i];
			conns[i] = conns[--count];
			return 1;
		}
	return 0;
}

void
conns_kill(int sig)
{
	for (unsigned int i = 0; i < count; i++)
		kill(conns[i].pid, sig);
}

int
conns_save(int fd)
{
	return durable_write(fd, (char const *)conns, count * sizeof *conns);
}

int
conns_load(int fd, unsigned int max)
{
	ssize_t const n = pread_all(fd, (char *)conns, max * sizeof *conns, 0);
	if (n < 0)
		return -1;
	count = (unsigned int)((size_t)n / sizeof *conns);
	return 0;
}
