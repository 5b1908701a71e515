#include "mda-local/server.h"

#include <unistd.h>

#include "lib/conf-watch.h"
#include "lib/log.h"
#include "mda-local/channel.h"
#include "mda-local/parent.h"

void
server_run(int fd, int fd_broker)
{
	static struct deliver d;
	uint32_t generation = 0;
	int64_t fresh = 0;
	struct server_task task;
	int parser;
	d.pool.fd_broker = fd_broker;
	while (channel_recv(fd, &task, sizeof task, &parser, CHANNEL_FOREVER) == 1) {
		if (task.generation != generation || channel_now() >= fresh) {
			deliver_init(&d);
			generation = task.generation;
			fresh = channel_now() + CONF_FRESH_MS;
		}
		int32_t const r = parent_serve(&d, parser);
		close(parser);
		pool_shrink(&d.pool, task.keep);
		log_id(0);
		if (channel_send(fd, &r, sizeof r, -1) < 0)
			break;
	}
	deliver_end(&d);
	_exit(0);
}
