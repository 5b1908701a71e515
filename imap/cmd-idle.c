/* IDLE (RFC 2177). */
#include "imap/commands.h"

#include <strings.h>

#include "imap/limits.h"
#include "imap/notify.h"
#include "imap/reply.h"
#include "imap/sync.h"
#include "maildir/watch.h"

enum { WAKE_END = -1, WAKE_TIMER, WAKE_CLIENT, WAKE_SIGNAL, WAKE_FOLDER };

/* Waits for the client, a signal, a change in the folder, or the time to look or to say something.
 */
static int
idle_wait(struct session *s, struct watch const *w, tain const *latest)
{
	struct watch *n = notify_watch(s);
	w = n ? n : w;
	int const fd[1 + WATCH_FDS] = {s->fd_signal, w->fd[0], w->fd[1]};
	unsigned int seconds = w->poll && w->poll < IDLE_ALIVE ? w->poll : IDLE_ALIVE;
	tain end;
	tain_now_g();
	tain_addsec_g(&end, (int)seconds);
	int r = session_wait(s, fd, 1 + WATCH_FDS, tain_less(latest, &end) ? latest : &end);
	return r > WAKE_FOLDER ? WAKE_FOLDER : r;
}

/* The line that ends IDLE. */
static char const *
idle_end(struct parse *p)
{
	if (parse_start(p) != NET_LINE)
		return DONE; /* p->closed: nobody hears it */
	if (p->len == 4 && !strncasecmp(p->line, "DONE", 4))
		return DONE;
	p->pos = p->len;
	return parse_fail(p, "DONE expected"), BAD;
}

static char const *
idle_loop(struct session *s, struct parse *p, struct watch *w)
{
	tain latest, alive;
	tain_addsec_g(&latest, (int)s->timeout);
	tain_addsec_g(&alive, IDLE_ALIVE);
	for (;;) {
		/* RFC 5465 section 4: what NOTIFY has asked for, and nothing else. */
		notify_look(s);
		watch_clear(w);
		sync_tell(s, notify_mask(s, SYNC_ALL, 0));
		if (s->ended)
			return DONE;
		sync_say(s, sync_highest(s));
		switch (idle_wait(s, w, &latest)) {
		case WAKE_CLIENT:
			return idle_end(p);
		case WAKE_SIGNAL:
			session_bye(s, REPLY_BYE_SHUTDOWN);
			return DONE;
		case WAKE_FOLDER:
			break;
		case WAKE_TIMER:
			if (!tain_future(&latest)) {
				session_late(s, "idle", REPLY_BYE_IDLE);
				return DONE;
			}
			if (!tain_future(&alive)) {
				net_puts(&s->net, REPLY_ALIVE);
				tain_addsec_g(&alive, IDLE_ALIVE);
			}
			break;
		default:
			parse_lost(p, -1);
			return DONE;
		}
	}
}

char const *
cmd_idle(struct session *s, struct parse *p)
{
	struct watch w = WATCH_ZERO;
	if (s->folder && !s->notify)
		watch_open(&w, folder_dir(s->folder));
	net_puts(&s->net, "+ idling\r\n");
	char const *reply = idle_loop(s, p, &w);
	watch_close(&w);
	return reply;
}
