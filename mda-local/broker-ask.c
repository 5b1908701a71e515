/* The server's side of broker.h. */
#include "mda-local/broker-ask.h"

#include <string.h>

#include "lib/fnv.h"
#include "mda-local/broker.h"
#include "mda-local/channel.h"

uint64_t
broker_digest(struct worker_policy const *p)
{
	return fnv64(FNV64_BEGIN, (char const *)p, sizeof *p);
}

static int
put(char *to, size_t room, char const *from)
{
	size_t const n = from ? strlen(from) : 0;
	if (n >= room)
		return 0;
	memcpy(to, from ? from : "", n + 1);
	return 1;
}

static int
ask_of(struct broker_question *q, struct account const *a)
{
	q->uid = a->uid;
	q->gid = a->gid;
	q->has_quota = a->quota_rule != 0;
	return !a->alias && a->shell && put(q->name, sizeof q->name, a->name) &&
	       put(q->home, sizeof q->home, a->home) &&
	       put(q->maildir, sizeof q->maildir, a->maildir) &&
	       put(q->shell, sizeof q->shell, a->shell) &&
	       put(q->quota_rule, sizeof q->quota_rule, a->quota_rule);
}

int
broker_link(int fd, struct account const *a, struct worker_policy const *p, uint32_t stale,
    struct broker_worker *got)
{
	static struct broker_question q;
	int fd_link;
	memset(&q, 0, sizeof q);
	q.op = BROKER_LINK;
	q.id = stale;
	q.policy = broker_digest(p);
	if (!ask_of(&q, a) || channel_send(fd, &q, sizeof q, -1) < 0 ||
	    channel_recv(fd, got, sizeof *got, &fd_link, CHANNEL_FOREVER) != 1)
		return -1;
	return fd_link;
}

void
broker_kill(int fd, uint32_t id)
{
	static struct broker_question const none;
	struct broker_question q = none;
	q.op = BROKER_KILL;
	q.id = id;
	channel_send(fd, &q, sizeof q, -1);
}
