/* Orders to mda-remote, by postern-queue and mailq through the fifo. */
#include "mda-remote/walk.h"

#include <errno.h>

#include "lib/log.h"

void
obey(struct message *m, enum order o)
{
	if (o == ORDER_RETRY && m->due == SCHEDULE_NEVER)
		return;
	if (order_file(walk.fd_spool, m->name, o) < 0 && errno != ENOENT) {
		log_event("error");
		log_str("file", m->name);
		log_errno("why", errno);
		log_send();
		return;
	}
	if (o == ORDER_RETRY || o == ORDER_RELEASE)
		dest_wake();
	if (o == ORDER_DELETE)
		schedule_remove(&walk.schedule, m);
	else
		schedule_at(&walk.schedule, m, o == ORDER_HOLD ? SCHEDULE_NEVER : walk_now());
}

static void
message(char const *name, enum order o)
{
	struct message *m = schedule_find(&walk.schedule, name);
	if (m && m->where == MESSAGE_ACTIVE) {
		/* What is being sent goes on; the rest of it goes no further. */
		if (o == ORDER_RETRY)
			return;
		m->active->order = (int)o;
		active_leave(m->active);
		dest_drop(m->active);
		return;
	}
	/* One that the scan has not come to yet. */
	if (!m && o != ORDER_RETRY)
		m = schedule_add(&walk.schedule, name, walk_now(), walk_now());
	if (m)
		obey(m, o);
}

void
obey_line(char const *line)
{
	char const *name;
	int const o = order_parse(line, &name);
	log_1("command", "line", line);
	if (o >= 0 && name)
		message(name, (enum order)o);
	else if (o == ORDER_RETRY) {
		dest_wake();
		schedule_all(&walk.schedule, walk_now());
		scan_soon();
	}
}
