/* An account, as the sources of the table users have it (doc/joints.md, doc/directories.md): what
 * auth-file and mda-local agree on. */
#ifndef POSTERN_ACCOUNT_H
#define POSTERN_ACCOUNT_H

#include <sys/types.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"

/* The smallest uid that root becomes for an account, unless etc/account-uid-min says otherwise: a
 * login is refused (event=bad-account), mail gets 451 4.3.5. */
#define ACCOUNT_UID_MIN 100

struct account {
	char const *name;     /* key in users */
	char const *password; /* {SCHEME}hash as it stands; for auth-file alone; may be null */
	/* SCRAM keys (lib/scram.h), indexed by enum hash; null: none */
	char const *scram[2];
	char const *allow_nets; /* networks that may log in, comma separated; null: all */
	uid_t uid;
	gid_t gid;
	char const *home;    /* absolute */
	char const *maildir; /* absolute */
	char const *shell;   /* "/bin/sh" if the line has none */
	/* A line for each rule (maildir/quota.h): those of etc/quota-rule, in whose place the
	 * account's own of the same number are. Null: the limit in maildirsize counts. */
	char const *quota_rule;
	int nologin, nodelivery;
	/* No account but what an alias of mda-local names: "|program" or "/file"; null: an account. */
	char const *alias;
};

/* Appends the key of a login or an address as people write it: the local part folded
 * (lib/table-key.h), a domain of U-labels in A-labels (RFC 5890 2.3.2.1). 0; -1 and nothing: there
 * is no such domain. */
int account_key(stralloc *out, char const *login);
/* The account with this key (local@domain, or a bare login; lower case). 1; 0 there is none; -1
 * with errno: table not readable, or EINVAL: its line cannot be used (event=bad-account). Strings
 * live in a. Empty uid and gid are this process's own. */
int account_find(struct arena *a, char const *key, struct account *out);
/* The same for a login or an address whose account may be known without its domain, as those of the
 * system are: exactly this key, else its local part where the domain is one of system-domains. */
int account_login(struct arena *a, char const *key, struct account *out);
/* The setting system-domains (without it this host's name, if "system" is a source of users), as
 * keys of the table domains: strings, each with its NUL, an empty one behind the last. Lives until
 * exit. */
char const *account_system_domains(void);
int account_is_system_domain(char const *domains, char const *domain);
/* Overwrites password and keys, for a process that lives on. */
void account_wipe(struct account *a);
/* 1 if the account may be opened from this address (text, as TCPREMOTEIP; null: the peer has none):
 * allow_nets in Dovecot's meaning: addresses, networks, and "local" for peers without an address.
 */
int account_allows(struct account const *a, char const *ip);
/* Mail for postmaster and abuse that nobody else gets: mail/postmaster/Maildir, as its owner,
 * without a password. 0; -1 if it does not exist and we are root, so that there is no owner. */
int account_postmaster(struct arena *a, struct account *out);
/* The setting account-uid-min: never 0. A bad value: exit 100. */
uid_t account_uid_min(void);

#endif
