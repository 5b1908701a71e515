/* The dispatch table and the loop over it. */
#ifndef POSTERN_IMAP_COMMANDS_H
#define POSTERN_IMAP_COMMANDS_H

#include "imap/session.h"

/* A handler reads its arguments from s->parse, sends untagged responses, and returns the tagged one
 * without its tag: DONE ("OK VERB completed."), a text of imap/reply.h or of the arena, or null for
 * a syntax error (BAD with parse.error). It never writes the tag itself, so that the loop can tell
 * what changed in the folder just before. */
typedef char const *command_fn(struct session *s, struct parse *p);
extern char const done[];
#define DONE done
#define BAD ((char const *)0)

enum {
	/* No EXPUNGE may be told while it runs: sequence numbers are in use (RFC 3501 7.4.1, 5.5).
	 */
	KEEPS_NUMBERS = 1,
	/* Nothing is told after it: the folder is closed, or the handler has told all. */
	TELLS_NOTHING = 2,
	/* The UID form of a command: s->uid is set. */
	UID_FORM = 4,
	/* It removes messages: the client hears of it whatever NOTIFY says. */
	EXPUNGES = 16,
	/* It takes or gives sequence numbers: not for a client that wants UIDs only (RFC 9586). */
	NUMBERED = 32,
	/* It has no arguments: the loop checks that. */
	ALONE = 8,
};

struct command {
	char const *verb; /* the UID forms are rows of their own, "UID FETCH" */
	command_fn *fn;
	unsigned int states; /* enum state bits; 0: known, but only before login */
	unsigned int flags;
};
extern struct command const commands[];

/* Runs commands until the session ends: LOGOUT, BYE, or the connection is gone. */
void commands_run(struct session *s);
/* Answers "OK [CAPABILITY ...] text" data, as the arena's. */
char const *capability_text(struct arena *a);

/* cmd-session.c */
command_fn cmd_capability, cmd_noop, cmd_logout, cmd_id, cmd_enable, cmd_namespace;
/* cmd-select.c */
command_fn cmd_select, cmd_examine, cmd_close, cmd_unselect;
/* cmd-status.c, cmd-idle.c, cmd-append.c */
command_fn cmd_status, cmd_idle, cmd_append, cmd_replace;
/* compress.c */
command_fn cmd_compress;
/* cmd-mailbox.c */
command_fn cmd_create, cmd_delete, cmd_rename, cmd_subscribe, cmd_unsubscribe;
/* cmd-list.c */
command_fn cmd_list, cmd_lsub;
/* cmd-sort.c, cmd-thread.c, cmd-esearch.c, context.c */
command_fn cmd_sort, cmd_thread, cmd_esearch;
command_fn cmd_cancelupdate;
/* cmd-batches.c */
command_fn cmd_uidbatches;
/* cmd-notify.c */
command_fn cmd_notify;
/* cmd-quota.c, cmd-metadata.c, cmd-acl.c */
command_fn cmd_getquota, cmd_getquotaroot, cmd_setquota;
command_fn cmd_getmetadata, cmd_setmetadata;
command_fn cmd_setacl, cmd_deleteacl, cmd_getacl, cmd_listrights, cmd_myrights;
/* Sends "* MYRIGHTS name rights". */
void acl_tell_mine(struct session *s, char const *name);
/* cmd-fetch.c, cmd-store.c, cmd-search.c, cmd-copy.c, cmd-expunge.c */
command_fn cmd_fetch, cmd_store, cmd_search, cmd_copy, cmd_move, cmd_expunge, cmd_uid_expunge;

#endif
