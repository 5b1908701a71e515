/* NOTIFY (RFC 5465): which events of which mailboxes the client wants to hear of, at any time, and
 * what of them it knows already. Mailboxes other than the selected one are compared with what they
 * were: a look costs a few stats each when nothing changed, and is made when a watch wakes us. */
#ifndef POSTERN_IMAP_NOTIFY_H
#define POSTERN_IMAP_NOTIFY_H

#include <sys/stat.h>

#include "imap/fetch.h"
#include "imap/session.h"
#include "maildir/watch.h"

enum notify_event {
	NOTIFY_NEW = 1,
	NOTIFY_EXPUNGE = 2,
	NOTIFY_FLAGS = 4,
	NOTIFY_NAME = 8,
	NOTIFY_SUBSCRIPTION = 16,
	NOTIFY_METADATA = 32,
	NOTIFY_SERVER = 64, /* of the server, whatever the mailboxes */
	NOTIFY_MESSAGES = NOTIFY_NEW | NOTIFY_EXPUNGE | NOTIFY_FLAGS,
};

enum notify_filter {
	FILTER_SELECTED,
	FILTER_DELAYED,
	FILTER_PERSONAL, /* and inboxes, as mail is delivered into every folder (6.3) */
	FILTER_SUBSCRIBED,
	FILTER_SUBTREE,
	FILTER_MAILBOXES,
};

struct notify_group {
	enum notify_filter filter;
	char const **name; /* of SUBTREE and MAILBOXES, in one form */
	size_t names;
	unsigned int events;
	struct fetch fetch; /* of MessageNew; count 0: none */
};

/* What the client knows of one name. */
struct notify_name {
	char *name;
	ino_t ino; /* of its directory: a rename keeps it */
	int exists, children, subscribed;
	unsigned int events;
};

/* A mailbox that is looked at, "" for the server's entries. */
struct notify_box {
	char *name, *dir;
	unsigned int events;
	struct {
		struct timespec mtime;
		ino_t ino;
	} stamp[6]; /* of cur/, new/, dovecot-uidlist, postern-keywords, both postern-metadata */
	int young;  /* one of them was so young that the same tick may hold another change */
	int later;  /* it came after NOTIFY: its first STATUS is news */
	int known;  /* what follows is what the client knows */
	uint32_t messages, uidnext, uidvalidity, unseen;
	uint64_t modseq;
	struct notify_entry {
		char *key;
		uint64_t hash;
	} * entry; /* by key */
	size_t entries;
};

struct notify {
	struct arena arena; /* groups, and what fetch items are made of */
	struct notify_group *group;
	size_t groups;		       /* 0: NONE */
	struct notify_group *selected; /* the one for the selected mailbox, or null */
	unsigned int events;	       /* of all groups but that */
	struct watch watch;
	size_t selects; /* directories watched because they were selected once */
	struct notify_name *name;
	size_t names;
	struct timespec root; /* the Maildir's mtime when names were looked at */
	struct notify_box *box;
	size_t boxes;
	stralloc mine;	       /* names that this client changed itself, each with its NUL */
	struct folder *folder; /* for which uid holds */
	uint32_t uid;	       /* in the selected mailbox: told up to below this one */
	struct range mine_new; /* UIDs of the messages that the command in hand put there; hi 0: none */
};

/* A command begins: it has put no messages anywhere yet. */
void notify_command(struct session *s);
/* Takes the groups into use: looks at everything, and with status tells it (3.1). 0, or -1
 * (EOVERFLOW: more than LIMIT_NOTIFY mailboxes). */
int notify_begin(struct session *s, struct notify *n, int status);
void notify_free(struct notify *n);

/* Which events of the selected mailbox (enum folder_event) may be told now. idle: between commands
 * or in IDLE. */
unsigned int notify_mask(struct session const *s, unsigned int what, int between);
/* All messages of the selected mailbox so far are told; null: none is selected any more. */
void notify_selected(struct session *s);
/* The command in hand has put messages with these UIDs into the mailbox: of them no FETCH is told,
 * if it is the selected one (5.2). */
void notify_put(struct session *s, char const *name, uint32_t const *uid, size_t count);
/* After EXISTS: the FETCH of each new message that was asked for. */
void notify_new(struct session *s);
/* What to wait for, with the selected mailbox in it; null: nothing is to be told. */
struct watch *notify_watch(struct session *s);
/* Tells what happened in other mailboxes; ends with NOTIFICATIONOVERFLOW if it is too much (5.8).
 */
void notify_look(struct session *s);
/* Both, and the selected mailbox: when the watch wakes the session between two commands. */
void notify_between(struct session *s);
/* This client has changed the name, its subscription or entries itself: that is not told (5). */
void notify_own(struct session *s, char const *name);

/* notify-names.c: looks which names there are now, what of that is to be told, and which are to be
 * looked into. As notify_begin. */
int notify_names(struct session *s, struct notify *n, int tell);
/* Watches anew what is looked into, and nothing else. */
void notify_watch_all(struct session *s, struct notify *n);

#endif
