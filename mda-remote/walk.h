/* mda-remote's parts: one process, one loop, no part waits.
 *
 *     scan.c      the spool and its fifo     -> schedule
 *     active.c    a message read in          -> tasks, one per destination
 *     known.c     routes of a moment ago
 *     dest.c      destinations: queues, rests; dest-way.c: the way to them
 *     share.c     who may go on: shares of the active set, turns, concurrency
 *     resolve.c   questions to the DNS child
 *     conn.c      smtp-send processes
 *     sessions.c  TLS sessions that they may take up again
 *     outcome.c   results, back-off, removal -> bounce.c, digest.c
 *     obey.c      orders of administrators
 *     state.c     what mailq is told */
#ifndef POSTERN_MDA_REMOTE_WALK_H
#define POSTERN_MDA_REMOTE_WALK_H

#include <stdint.h>
#include <sys/types.h>
#include <skalibs/stralloc.h>
#include <skalibs/tai.h>

#include "lib/arena.h"
#include "mda-remote/attempt.h"
#include "mda-remote/envelope.h"
#include "mda-remote/lane.h"
#include "mda-remote/mx.h"
#include "mda-remote/packet.h"
#include "mda-remote/queue.h"
#include "mda-remote/route.h"
#include "mda-remote/schedule.h"
#include "mda-remote/settings.h"

/* The whole process: what main sets up and every part sees. */
struct walk {
	int fd_spool;
	struct settings set;
	unsigned int rereads; /* times that it was read again */
	struct schedule schedule;
	unsigned int active; /* messages read in */
	int stopping;	     /* SIGTERM came */
};
extern struct walk walk;

/* Milliseconds since 1970; of the round's begin. */
int64_t walk_now(void);
uint32_t walk_random(void);

/* ---- active.c: a message that is read in ---- */

struct active {
	struct message *m;
	struct arena arena; /* envelope and tasks */
	struct envelope e;
	int fd;		    /* of its file, for reading and writing */
	unsigned int tasks; /* admitted and not yet finished */
	struct task *left;  /* not admitted yet */
	int admitting;
	int64_t began;	    /* when it was read in, seconds since 1970 */
	int tried;	    /* somebody's attempt has been recorded */
	int64_t not_before; /* its destinations rest until then */
	int dirty;	    /* state bytes are not synced yet */
	int order;	    /* enum order, given when this round of attempts has ended; -1 none */
	struct active *dirty_next, **dirty_link;
};

/* The recipients of one message that go to one destination. */
struct task {
	struct active *a;
	struct envelope_rcpt **rcpt; /* null where it is decided */
	unsigned int count, room, undecided;
	unsigned int done; /* with a verdict that is final */
	int code;	   /* of the last reply that was not, 0 if there was none */
	struct dest *d;
	struct task *prev,
	    *next; /* in its destination's queue; next also in the list of those left */
};

/* Reads in what is due, up to the limits; less while the spool is being looked through. */
void active_start(int scanning);
/* Reads in one message that was claimed (schedule.h). */
void active_begin(struct message *m);
/* Parks it: of the tasks that are left none may go on now. */
void active_park(struct active *a);
/* Forgets it, as it stands on disk. */
void active_release(struct active *a);

/* ---- outcome.c: what became of it ---- */

/* How it went for r: logged, and what is final is marked. */
void active_record(
    struct active *a, struct envelope_rcpt *r, struct attempt const *why, char const *tls);
/* All that could be tried has been: it is removed, or put off. */
void active_settle(struct active *a);
/* It needs no sync any more. */
void active_unmark(struct active *a);
/* How it went for the task's recipient at `at`, or (at 0) for all that are left. peer: TLS protocol
 * of the connection or null. */
void active_result(struct task *t, uint64_t at, struct attempt const *why, char const *tls);
/* Its smtp-send has died: takes from the file what it had written there and could not tell. */
void active_untold(struct task *t, char const *tls);
/* Nothing more will be said of this task; it must not be used again. not_before: see above. */
void active_finish(struct task *t, int64_t not_before);
/* Forgets its tasks that are not admitted. */
void active_leave(struct active *a);
/* Syncs what was marked. */
void active_sync(void);
int active_unsynced(void);

/* ---- bounce.c: notifications (RFC 3464) ---- */

/* Sends what is owed to the sender of a: failures, relays, delays. 0; -1 if it could not be put
 * into the spool, then the states are as before. */
int bounce_owed(struct active *a, struct why const *why);

/* ---- bounce-recover.c ---- */

/* At the start: the recipients of a notification that a digest has counted are marked. */
void bounce_counted(char const *name);
/* At the start: notifications that were parked when mda-remote ended. */
void bounce_recover(void);

/* ---- digest.c: a flood of notifications to one address (doc/spool.md) ---- */

struct bounce;
#define DIGEST_KIND 'n' /* in the name of a digest: "ID+n0" */

/* Reads what an earlier mda-remote has counted. */
void digest_start(void);
/* 1 if b->to has had as many notifications as it may have for now, or this one was counted already:
 * digest_add takes it. Else 0: it is to be sent. */
int digest_wanted(struct bounce const *b, char const *name);
/* It was sent: it counts. */
void digest_sent(struct bounce const *b);
/* Counts the recipients of b, which would be the file `name`: 0 when that is on disk; -1 and errno.
 * The same name twice in a row is counted once. */
int digest_add(char const *name, struct bounce const *b);
/* 1 if there is a digest of this name that was not sent yet. */
int digest_open(char const *name);
/* Sends the digests that are due. */
void digest_tick(void);

/* ---- known.c ---- */

/* route_find, or what it said less than KNOWN_MS ago. */
int known_route(
    char const *domain, struct smtp_mail const *mail, struct route *r, char const **why);
/* etc/ has changed. */
void known_forget(void);

/* ---- dest.c ---- */

struct dest {
	struct dest *next; /* of the same hash */
	char *key;
	struct route route;
	struct task *head, *tail; /* newest message first */
	uint32_t hash;		  /* of the key */
	unsigned int waiting;	  /* tasks in the queue */
	struct task *making;	  /* the last one made for it, in this round (active.c) */
	uint64_t making_round;
	unsigned int tasks;	  /* all of messages that are read in */
	unsigned int admitted;	  /* tasks in the queue and under way */
	unsigned int connections;
	unsigned int window; /* connections that it may have now, up to the setting */
	unsigned int credit; /* messages since it has grown */
	int cautious;	     /* it was too many once */
	unsigned int row;    /* attempts in a row that were put off, weighed */
	int works;	     /* its last connection came about */
	struct lane lane;    /* messages that wait for it and are not read in */
	struct dest_ring {
		struct dest *before, *behind; /* null: not in it */
	} ring[2];			      /* enum ring */
	int resolving;
	int early; /* asked for before its MTA-STS policy was known */
	char *packet; /* for smtp-send; null: not resolved */
	int64_t packet_until;
	int64_t rests_until;   /* no connection before */
	unsigned int failures; /* in a row */
	char *last;	       /* why it rested last (attempt_format), or null */
};

struct dest *dest_get(struct route const *r);
/* The one with this hash, or null; and each in turn. */
struct dest *dest_known(uint32_t hash);
void dest_each(void (*fn)(void *arg, struct dest const *d), void *arg);
int dest_rests(struct dest const *d);
/* Queues a task; if the destination rests, finishes it at once. */
void dest_add(struct dest *d, struct task *t);
/* Finishes what waits of this message in any queue, without a result. */
void dest_drop(struct active const *a);
/* Takes the newest, or null. */
struct task *dest_take(struct dest *d);
/* It answered. */
void dest_works(struct dest *d);
/* It did not: rests, and its queue waits with this reason. A permanent verdict ends the queue's
 * recipients and lets it not rest. */
void dest_failed(struct dest *d, struct attempt const *why);
/* The DNS child's answer; null: it could not be asked. */
void dest_resolved(struct dest *d, struct mx_answer *a);
/* 1 if smtp-send can be started, 0 if the DNS is being asked. */
int dest_ready(struct dest *d);
/* Forgets rests: everything is tried now. */
void dest_wake(void);
/* The settings have changed: the way to each is made anew, and none rests longer than they say. */
void dest_reread(void);
/* Forgets destinations that nobody needs. */
void dest_sweep(void);

/* ---- share.c: who may go on (doc/spool.md, "Turns") ---- */

/* Destinations take turns in two rings: those with something to start, those with parked messages.
 */
enum ring { RING_BUSY, RING_PARKED };
void ring_in(struct dest *d, enum ring k);
void ring_out(struct dest *d, enum ring k);

/* 1 if another task of this sender may be admitted to d. */
int share_room(struct dest const *d, uint32_t sender);
/* A task is admitted, and has ended. */
void share_admit(struct dest *d, uint32_t sender);
void share_end(struct dest *d, uint32_t sender);
/* Parks a claimed message until d has room for it. */
void share_park(struct message *m, struct dest *d);
/* Looks again at all that are parked: a rest has ended, a setting has changed. */
void share_all(void);

/* Connections that d may have now. */
unsigned int share_window(struct dest const *d);
/* How a message went that was tried over a connection: with t->done it grows; an answer that puts
 * it off (`trouble`: no answer) lets it shrink, many in a row let it rest. */
void share_outcome(struct dest *d, struct task const *t, int trouble);
/* It was more than d takes: half of it. */
void share_shrink(struct dest *d);

/* 1 if the connection that has carried this many messages should end, for others to have one. */
int share_yield(struct dest const *d, unsigned int messages);
/* Starts connections and questions where there is work. */
void share_start(void);
/* When it has something to do by itself. */
int64_t share_next(void);

/* ---- resolve.c ---- */

void resolve_start(void);
/* Starts the child anew if its settings have changed. */
void resolve_reread(void);
/* Asks for d's route. 0, or -1 if too many questions are open. */
int resolve_ask(struct dest *d);
/* Asks for "txt" or "host" of a name. fn gets the answer's lines (mx.h, dns.c), or null if it could
 * not be had. 0 or -1, as above. */
typedef void resolve_fn(void *arg, char *lines);
int resolve_name(char const *kind, char const *name, resolve_fn *fn, void *arg);
int resolve_fd(void);
void resolve_read(void);
/* Restarts the child if it died or hangs. */
void resolve_check(void);
/* How many questions are open. */
unsigned int resolve_open(void);

/* ---- conn.c ---- */

/* Starts smtp-send for d with its next task. 0, or -1. */
int conn_start(struct dest *d);
unsigned int conn_count(void);
/* Of them, those that have not said yet whether there is a connection. */
unsigned int conn_unanswered(void);
/* Connections to a remote address, and those that will be. */
unsigned int conn_address(char const *ip);
/* Of each message that is being sent, the name. */
void conn_each(void (*fn)(void *arg, char const *name), void *arg);
/* Kills each that has said nothing for WALK_CONN_SECONDS: its own deadlines have failed. */
void conn_check(void);
/* Ends every smtp-send that is still at work. */
void conn_stop(void);
/* Appends the descriptors to be polled for reading; conn_read takes those that are ready. */
struct pollfd;
unsigned int conn_poll(struct pollfd *x);
void conn_read(struct pollfd const *x, unsigned int n);

/* ---- sessions.c ---- */

/* Keeps a TLS session that an smtp-send for d was given: "NAME IP PORT SINCE SESSION", SINCE being
 * when the certificate was looked at (seconds since 1970). What is malformed is dropped. */
void sessions_keep(struct dest const *d, char *line);
/* Appends one for each address of d->packet that has some: lines "S NAME IP PORT SINCE SESSION".
 * They are forgotten. */
void sessions_give(struct dest const *d, stralloc *packet);
/* The settings have changed, and with them perhaps what a certificate must be. */
void sessions_forget(void);

/* ---- state.c: what is told to mailq (queue.h) ---- */

void state_start(void);
int state_fd(void);
/* Answers who has connected. */
void state_tell(void);

/* ---- obey.c ---- */

/* Does what the order says to a message of which nothing is under way. */
void obey(struct message *m, enum order o);
/* A line of the fifo that begins with "!". */
void obey_line(char const *line);

/* ---- scan.c ---- */

void scan_start(void);
/* Looks at some files. 1 while there are more. */
int scan_step(void);
void scan_soon(void);
/* When the next whole scan begins. */
int64_t scan_next(void);
int scan_fd(void);
/* Reads the fifo. */
void scan_fifo(void);

#endif
