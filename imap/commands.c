#include "imap/commands.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "imap/compress.h"
#include "imap/limits.h"
#include "imap/notify.h"
#include "imap/reply.h"
#include "imap/sync.h"
#include "lib/log.h"

char const done[] = "done";

#define ANY (STATE_AUTH | STATE_SELECTED)
#define SEL STATE_SELECTED

/* clang-format off */
struct command const commands[] = {
	/* verb            handler          states  flags                             RFC */
	{"CAPABILITY",     cmd_capability,  ANY,    ALONE},                        /* 3501 6.1.1 */
	{"NOOP",           cmd_noop,        ANY,    ALONE},                        /* 3501 6.1.2 */
	{"LOGOUT",         cmd_logout,      ANY,    ALONE | TELLS_NOTHING},        /* 3501 6.1.3 */
	{"STARTTLS",       0,               0,      0},                            /* 3501 6.2.1 */
	{"AUTHENTICATE",   0,               0,      0},                            /* 3501 6.2.2 */
	{"LOGIN",          0,               0,      0},                            /* 3501 6.2.3 */
	{"ID",             cmd_id,          ANY,    0},                            /* 2971 3.1 */
	{"ENABLE",         cmd_enable,      ANY,    0},                            /* 5161 3.1 */
	{"NAMESPACE",      cmd_namespace,   ANY,    ALONE},                        /* 2342 5 */
	{"SELECT",         cmd_select,      ANY,    TELLS_NOTHING},                /* 3501 6.3.1 */
	{"EXAMINE",        cmd_examine,     ANY,    TELLS_NOTHING},                /* 3501 6.3.2 */
	{"CREATE",         cmd_create,      ANY,    0},                            /* 3501 6.3.3, 6154 3 */
	{"DELETE",         cmd_delete,      ANY,    0},                            /* 3501 6.3.4 */
	{"RENAME",         cmd_rename,      ANY,    0},                            /* 3501 6.3.5 */
	{"SUBSCRIBE",      cmd_subscribe,   ANY,    0},                            /* 3501 6.3.6 */
	{"UNSUBSCRIBE",    cmd_unsubscribe, ANY,    0},                            /* 3501 6.3.7 */
	{"LIST",           cmd_list,        ANY,    0},                            /* 3501 6.3.8, 5258, 5819, 6154 */
	{"LSUB",           cmd_lsub,        ANY,    0},                            /* 3501 6.3.9 */
	{"STATUS",         cmd_status,      ANY,    0},                            /* 3501 6.3.10, 8438 */
	{"APPEND",         cmd_append,      ANY,    0},                            /* 3501 6.3.11, 3502, 4469 3 */
	{"REPLACE",        cmd_replace,     SEL,    NUMBERED | EXPUNGES},            /* 8508 3.2 */
	{"UID REPLACE",    cmd_replace,     SEL,    UID_FORM | EXPUNGES},            /* 8508 3.3 */
	{"COMPRESS",       cmd_compress,    ANY,    0},                            /* 4978 3 */
	{"IDLE",           cmd_idle,        ANY,    ALONE},                        /* 2177 3 */
	{"GETQUOTA",       cmd_getquota,    ANY,    0},                            /* 9208 4.1.1 */
	{"GETQUOTAROOT",   cmd_getquotaroot, ANY,   0},                            /* 9208 4.1.2 */
	{"SETQUOTA",       cmd_setquota,    ANY,    0},                            /* 9208 4.1.3 */
	{"GETMETADATA",    cmd_getmetadata, ANY,    0},                            /* 5464 4.2 */
	{"SETMETADATA",    cmd_setmetadata, ANY,    0},                            /* 5464 4.3 */
	{"SETACL",         cmd_setacl,      ANY,    0},                            /* 4314 3.1 */
	{"DELETEACL",      cmd_deleteacl,   ANY,    0},                            /* 4314 3.2 */
	{"GETACL",         cmd_getacl,      ANY,    0},                            /* 4314 3.3 */
	{"LISTRIGHTS",     cmd_listrights,  ANY,    0},                            /* 4314 3.4 */
	{"MYRIGHTS",       cmd_myrights,    ANY,    0},                            /* 4314 3.5 */
	{"NOTIFY",         cmd_notify,      ANY,    0},                            /* 5465 3.1 */
	{"CHECK",          cmd_noop,        SEL,    ALONE},                        /* 3501 6.4.1 */
	{"CLOSE",          cmd_close,       SEL,    ALONE | TELLS_NOTHING},        /* 3501 6.4.2 */
	{"UNSELECT",       cmd_unselect,    SEL,    ALONE | TELLS_NOTHING},        /* 3691 2 */
	{"EXPUNGE",        cmd_expunge,     SEL,    ALONE | EXPUNGES},               /* 3501 6.4.3 */
	{"UID EXPUNGE",    cmd_uid_expunge, SEL,    UID_FORM | EXPUNGES},            /* 4315 2.1 */
	{"SEARCH",         cmd_search,      SEL,    NUMBERED | KEEPS_NUMBERS},     /* 3501 6.4.4, 4731 */
	{"UID SEARCH",     cmd_search,      SEL,    UID_FORM},                     /* 3501 6.4.8 */
	{"SORT",           cmd_sort,        SEL,    NUMBERED | KEEPS_NUMBERS},     /* 5256 3, 5957, 5267 3 */
	{"UID SORT",       cmd_sort,        SEL,    UID_FORM},                     /* 5256 3 */
	{"THREAD",         cmd_thread,      SEL,    NUMBERED | KEEPS_NUMBERS},     /* 5256 3 */
	{"UID THREAD",     cmd_thread,      SEL,    UID_FORM},                     /* 5256 3 */
	{"ESEARCH",        cmd_esearch,     ANY,    KEEPS_NUMBERS},                /* 7377 2 */
	{"UIDBATCHES",     cmd_uidbatches,  SEL,    0},                            /* 10022 3.1 */
	{"FETCH",          cmd_fetch,       SEL,    NUMBERED | KEEPS_NUMBERS},     /* 3501 6.4.5 */
	{"UID FETCH",      cmd_fetch,       SEL,    UID_FORM},                     /* 3501 6.4.8 */
	{"STORE",          cmd_store,       SEL,    NUMBERED | KEEPS_NUMBERS},     /* 3501 6.4.6 */
	{"UID STORE",      cmd_store,       SEL,    UID_FORM},                     /* 3501 6.4.8 */
	{"CANCELUPDATE",   cmd_cancelupdate, SEL,   0},                            /* 5267 4.3.5 */
	{"COPY",           cmd_copy,        SEL,    NUMBERED},                     /* 3501 6.4.7 */
	{"UID COPY",       cmd_copy,        SEL,    UID_FORM},                     /* 3501 6.4.8 */
	{"MOVE",           cmd_move,        SEL,    NUMBERED | EXPUNGES},            /* 6851 3.1 */
	{"UID MOVE",       cmd_move,        SEL,    UID_FORM | EXPUNGES},            /* 6851 3.2 */
	{0, 0, 0, 0},
};
/* clang-format on */

/* Asks the kernel once in a tick of its coarse clock, some milliseconds. */
int
session_stopped(struct session *s)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	int64_t const tick = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	if (tick == s->tick)
		return s->ended || s->net.werr;
	s->tick = tick;
	net_deadline(&s->net, s->write_seconds);
	struct pollfd x[] = {
	    {.fd = s->fd_signal, .events = POLLIN},
	    {.fd = s->net.fd_in, .events = POLLRDHUP},
	    {.fd = s->net.fd_out},
	};
	if (s->ended || s->net.werr || poll(x, 3, 0) <= 0)
		return s->ended || s->net.werr;
	if (x[0].revents)
		session_bye(s, REPLY_BYE_SHUTDOWN);
	else if (x[2].revents & (POLLERR | POLLHUP))
		s->ended = 1;
	else if (x[1].revents) {
		/* The client sends no more. Whether it still listens, a word to it will show. */
		tain_now_g();
		if (!tain_future(&s->sign)) {
			tain_addsec_g(&s->sign, STOPPED_ALIVE);
			net_puts(&s->net, REPLY_ALIVE);
			net_flush(&s->net);
		}
	}
	return s->ended || s->net.werr;
}

/* Reads the verb, with the word behind UID, and finds its row. */
static struct command const *
find(struct parse *p)
{
	struct text verb, second;
	if (!parse_sp(p) || !parse_word(p, &verb))
		return 0;
	char *name = arena_alloc(p->arena, p->len + 8);
	strcpy(name, verb.s);
	if (!strcmp(name, "UID")) {
		if (!parse_sp(p) || !parse_word(p, &second))
			return 0;
		strcat(strcat(name, " "), second.s);
	}
	for (struct command const *c = commands; c->verb; c++)
		if (!strcmp(c->verb, name))
			return c;
	parse_fail(p, "Unknown command");
	return 0;
}

/* The checks that the row can express, then the handler. */
static char const *
dispatch(struct session *s, struct command const *c)
{
	if (!c)
		return BAD;
	if (!c->states)
		return parse_fail(&s->parse, "Already logged in"), BAD;
	if (!(c->states & session_state(s)))
		return parse_fail(&s->parse, "No mailbox is selected"), BAD;
	if (c->flags & ALONE && !parse_end(&s->parse))
		return BAD;
	if (c->flags & NUMBERED && s->parse.uidonly)
		return parse_fail(&s->parse, ERROR_UIDREQUIRED), BAD;
	s->uid = (c->flags & UID_FORM) != 0;
	s->numbers = (c->flags & KEEPS_NUMBERS) != 0;
	s->missed = 0;
	s->lowest = 0;
	notify_command(s);
	return c->fn(s, &s->parse);
}

/* RFC 9738 3.1: that only a part was done; untagged where the tagged OK has a code of its own. */
static int
tell_limit(struct session *s, char const *reply, int plain)
{
	if (!s->lowest || !reply)
		return 0;
	if (reply == DONE && plain)
		net_putf(&s->net, "%s OK " REPLY_LIMITED "\r\n", s->tag, s->message_limit, s->lowest,
		    s->message_limit);
	else
		net_putf(&s->net, "* NO " REPLY_LIMITED "\r\n", s->message_limit, s->lowest,
		    s->message_limit);
	return reply == DONE && plain;
}

/* Tells what changed, then the tagged reply. */
static void
answer(struct session *s, struct command const *c, char const *reply)
{
	char const *name = c ? c->verb : "";
	unsigned int what = s->numbers ? FOLDER_NEW | FOLDER_FLAGS : SYNC_ALL;
	uint64_t highest = 0;
	int quiet = !c || !reply || c->flags & TELLS_NOTHING;
	s->bad = reply ? 0 : s->bad + 1;
	what = notify_mask(s, what, 0) |
	       (c && c->flags & EXPUNGES ? (unsigned int)FOLDER_EXPUNGED : 0);
	if (!quiet && !s->ended) {
		sync_tell(s, what);
		highest = sync_highest(s);
	}
	if (!quiet && s->ended)
		return; /* BYE was the last word, but for LOGOUT */
	if (tell_limit(s, reply, !s->missed && !highest))
		return;
	if (highest && reply == DONE && !s->missed) {
		/* RFC 7162 3.2.7: EXPUNGE has it in its tagged reply. */
		net_putf(&s->net, "%s OK [HIGHESTMODSEQ %llu] %s completed.\r\n", s->tag,
		    (unsigned long long)highest, name);
		return;
	}
	sync_say(s, highest);
	if (reply == DONE)
		net_putf(&s->net, s->missed ? "%s " REPLY_MISSED : "%s OK %s completed.\r\n",
		    s->tag, name);
	else if (reply)
		net_putf(&s->net, "%s %s\r\n", s->tag, reply);
	else if (s->parse.error[0] == '[')
		net_putf(&s->net, "%s BAD %s\r\n", s->tag, s->parse.error);
	else
		net_putf(
		    &s->net, "%s BAD %s%s%s.\r\n", s->tag, name, *name ? ": " : "", s->parse.error);
}

/* The connection cannot be read any more: says why, where somebody may hear it. */
static void
closed(struct session *s)
{
	if (s->parse.closed == PARSE_LATE)
		session_late(s, "command", REPLY_BYE_LATE);
	else if (s->parse.closed == PARSE_LONG)
		session_bye(s, REPLY_BYE_LINE);
	s->ended = 1;
}

static void
one_command(struct session *s)
{
	struct parse *p = &s->parse;
	struct command const *c = 0;
	char const *reply = BAD;
	struct text tag;
	net_whole(&s->net);
	s->tag = "*"; /* an unreadable tag (RFC 3501 7.1.3) */
	if (parse_tag(p, &tag)) {
		s->tag = tag.s;
		c = find(p);
		net_deadline(&s->net, s->write_seconds);
		tain_addsec_g(&s->sign, STOPPED_ALIVE);
		s->progress_due = 0;
		s->progress_told = 0;
		reply = dispatch(s, c);
	}
	net_deadline(&s->net, s->write_seconds);
	if (p->closed) {
		closed(s);
		return;
	}
	s->commands++;
	if (!reply)
		parse_fail(p, "Invalid arguments");
	answer(s, c, reply);
	if (s->compress && !s->net.layer) {
		net_flush(&s->net);
		compress_start(&s->net);
	}
	if (!reply && parse_finish(p) < 0)
		session_bye(s, REPLY_BYE_LITERAL);
	else if (s->bad > LIMIT_BAD)
		session_bye(s, REPLY_BYE_BAD);
}

/* Waits for input, a signal, or what NOTIFY waits for: as idle_wait, 3 for the last. */
static int
await_event(struct session *s, tain const *latest)
{
	struct watch *w = notify_watch(s);
	int const fd[1 + WATCH_FDS] = {s->fd_signal, w ? w->fd[0] : -1, w ? w->fd[1] : -1};
	tain end = *latest;
	tain_now_g();
	if (w && w->poll) {
		tain_addsec_g(&end, (int)w->poll);
		if (tain_less(latest, &end))
			end = *latest;
	}
	int r = session_wait(s, fd, w ? 1 + WATCH_FDS : 1, &end);
	return r > 3 || (!r && w && tain_future(latest)) ? 3 : r;
}

/* Waits for a command's first octet: 1, or 0 when the session has ended. */
static int
await(struct session *s)
{
	struct pollfd x = {.fd = s->fd_signal, .events = POLLIN};
	tain latest;
	int r;
	tain_now_g();
	tain_addsec_g(&latest, (int)s->timeout);
	/* A client that pipelines without end is stopped, too. */
	while ((r = poll(&x, 1, 0) > 0 ? 2 : await_event(s, &latest)) == 3) {
		net_deadline(&s->net, s->write_seconds);
		notify_between(s);
		arena_reset(&s->arena);
		if (s->ended)
			return 0;
	}
	if (r == 1)
		return 1;
	if (r == 2)
		session_bye(s, REPLY_BYE_SHUTDOWN);
	else if (!r)
		session_late(s, "idle", REPLY_BYE_IDLE); /* RFC 3501 5.4 */
	s->ended = 1;
	return 0;
}

void
commands_run(struct session *s)
{
	while (!s->ended && await(s)) {
		if (parse_start(&s->parse) == NET_LINE)
			one_command(s);
		else
			closed(s);
		arena_reset(&s->arena);
	}
}
