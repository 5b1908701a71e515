/* What becomes of a recipient: the mailboxes and forward addresses that it leads to. Pure look-ups
 * in domains, users and aliases; doc/delivery.md has the order. */
#ifndef POSTERN_MDA_LOCAL_RESOLVE_H
#define POSTERN_MDA_LOCAL_RESOLVE_H

#include <stddef.h>

#include "lib/account.h"
#include "lib/arena.h"
#include "mda-local/alias-user.h"
#include "mda-local/forward.h"
#include "mda-local/replies.h"
#include "mda-local/rewrite.h"

/* Where one copy goes: into a mailbox here, or to an address elsewhere. */
struct target {
	struct account const *account; /* null: forward */
	char const *folder;	       /* what stood behind the separator, as written; "" INBOX */
	char separator;		       /* in front of it, or what would be; 0 none */
	char const *local, *domain;    /* of a mailbox's address, without the folder */
	int past;		       /* past .forward, too: \alice */
	char const *only; /* the one program or file of .forward that is meant (alias_mark) */
	/* Elsewhere: who hears of what fails, by the alias owner-NAME; null: the sender. */
	char const *owner;
	/* The address that leads to exactly this target, past every alias. */
	char const *address;
	/* Of a copy that an account's rules send on: */
	char const *sender;		       /* null: the message's */
	struct forward_content const *content; /* null: the message itself */
	enum reply verdict;		       /* REPLY_NONE until it is decided */
	char const *text;		       /* what rules say of it; null: the verdict's own */
};

/* Settings; read once. */
struct resolver {
	char const *separators;	    /* each begins a subaddress; "" none */
	char const *postmaster;	    /* address, or null */
	char const *system_domains; /* account_system_domains() */
	int expand_owner;	    /* the sender is what owner-NAME leads to, not owner-NAME */
	struct alias_allowed allowed;
	struct rewrite rewrite;
};
void resolver_init(struct resolver *r);

/* The targets of one transaction, each at most once. */
struct targets {
	struct target *v;
	size_t count, room;
};

/* Appends one, whose strings outlive the transaction: its number. */
size_t targets_append(struct targets *t, struct target const *new);

/* Adds what local@domain leads to, and writes the numbers of its targets (at most max) to index.
 * domain: A-labels, "" for a bare name. REPLY_RCPT_OK, with *n >= 1; another reply: refused, and
 * *n is 0. Accounts and strings live in a. A part of an alias that leads nowhere beside others that
 * do is logged and left out. */
enum reply resolve(struct resolver const *r, struct arena *a, struct targets *t, char const *local,
    char const *domain, size_t *index, size_t max, size_t *n);

#endif
