#include "mda-local/links.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/sa.h"
#include "mda-local/channel.h"

enum { BROKER, FIRST };

static void
tell(struct links *l, struct links_word const *word)
{
	if (l->fd_broker >= 0)
		channel_send(l->fd_broker, word, sizeof *word, -1);
}

static void
add(struct links *l, int fd)
{
	if (l->count == l->room) {
		l->room = 2 * l->room + FIRST + 1;
		l->poll = xrealloc(l->poll, l->room, sizeof *l->poll);
	}
	l->poll[l->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

void
links_init(struct links *l, int fd_link, int fd_broker)
{
	*l = (struct links){.fd_broker = fd_broker, .had = 1};
	add(l, fd_broker);
	add(l, fd_link);
	l->next = l->count;
}

void
links_open(struct links *l, struct worker_place const *place)
{
	tell(l, &(struct links_word){.op = LINKS_OPEN, .place = *place});
}

void
links_close(struct links *l)
{
	tell(l, &(struct links_word){.op = LINKS_CLOSED});
}

/* The last takes its place, and is looked at next. */
static void
drop(struct links *l, size_t i)
{
	close(l->poll[i].fd);
	l->poll[i] = l->poll[--l->count];
	l->next = i;
}

void
links_drop(struct links *l, int fd)
{
	for (size_t i = FIRST; i < l->count; i++)
		if (l->poll[i].fd == fd) {
			drop(l, i);
			return;
		}
}

/* Another link; or the broker has nothing more to say. */
static void
hear(struct links *l)
{
	uint32_t nothing;
	int fd;
	int const r = channel_recv(l->fd_broker, &nothing, sizeof nothing, &fd, CHANNEL_FOREVER);
	if (r == 1 && fd >= 0) {
		l->had++;
		l->unused = 0;
		add(l, fd);
	} else {
		close(l->fd_broker);
		l->fd_broker = l->poll[BROKER].fd = -1;
	}
}

/* Of those that poll has found ready. */
static int
next_ready(struct links *l, struct order *o, int *fd_message)
{
	while (l->next < l->count) {
		struct pollfd *const p = &l->poll[l->next++];
		int const fd = p->fd, ready = p->revents;
		p->revents = 0;
		if (!ready)
			continue;
		if (p == &l->poll[BROKER])
			hear(l);
		else if (channel_recv(fd, o, sizeof *o, fd_message, CHANNEL_FOREVER) == 1)
			return fd;
		else
			drop(l, (size_t)(p - l->poll));
	}
	return -1;
}

int
links_next(struct links *l, int64_t until, struct order *o, int *fd_message)
{
	for (;;) {
		int const fd = next_ready(l, o, fd_message);
		if (fd >= 0)
			return fd;
		if (l->count == FIRST && l->fd_broker < 0)
			return LINKS_END;
		if (l->count == FIRST && !l->unused) {
			l->unused = 1;
			tell(l, &(struct links_word){.op = LINKS_UNUSED, .links = l->had});
		}
		int const r = poll(l->poll, l->count, channel_timeout(until));
		if (!r)
			return LINKS_LATE;
		if (r < 0 && errno != EINTR)
			return LINKS_END;
		l->next = 0;
	}
}
