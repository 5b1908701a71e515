#include "lib/conf-watch.h"

#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/conf.h"

/* Octets of words that are read at once: one tells enough. */
#define EVENTS_MAX 4096

int
conf_watch(void)
{
	/* The directory itself, wherever the name leads. */
	char *etc = conf_path("etc");
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd >= 0 && inotify_add_watch(fd, etc,
			   IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVE |
			       IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) < 0) {
		close(fd);
		fd = -1;
	}
	free(etc);
	return fd;
}

int
conf_changed(int fd)
{
	char events[EVENTS_MAX];
	int changed = fd < 0;
	while (fd >= 0 && read(fd, events, sizeof events) > 0)
		changed = 1;
	return changed;
}
