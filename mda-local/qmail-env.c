/* Who a .qmail file's forwards come from, and what its programs are told: qmail-local.8,
 * qmail-command(8). */
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/arena.h"
#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/smtp-envelope.h"
#include "mda-local/mbox.h"
#include "mda-local/program.h"
#include "mda-local/qmail-file.h"
#include "mda-local/qmail.h"

static char const verp[] = "-@[]";

static char const *
host_of(struct order const *o)
{
	return *o->domain ? o->domain : conf_me();
}

/* The local part with the extension, as it was written. */
static void
put_local(stralloc *out, struct order const *o)
{
	sa_cats(out, o->local);
	if (!*o->ext)
		return;
	sa_append(out, o->separator ? o->separator : '-');
	sa_cats(out, o->ext);
}

/* ---- senders ---- */

int
qmail_new_sender(stralloc *out, struct order const *o)
{
	/* Bounces keep their sender, or they would go round. */
	int owner = 0, each = 0;
	if (*o->sender && strcmp(o->sender, "#@[]"))
		owner = qmail_file_exists(o->ext, "-owner");
	if (owner > 0)
		each = qmail_file_exists(o->ext, "-owner-default");
	if (owner < 0 || each < 0)
		return -1;
	if (!owner) {
		sa_cats(out, o->sender);
		return 0;
	}
	put_local(out, o);
	/* Behind the account's name stands what separates extensions here. */
	sa_append(out, *o->ext || !o->separator ? '-' : o->separator);
	sa_cats(out, each ? "owner-@" : "owner@");
	sa_cats(out, host_of(o));
	if (each)
		sa_cats(out, verp);
	return 0;
}

void
qmail_sender_for(stralloc *out, char const *new_sender, char const *rcpt)
{
	struct arena a = ARENA_ZERO;
	stralloc local = STRALLOC_ZERO;
	struct smtp_path path;
	size_t const len = strlen(new_sender), mark = sizeof verp - 1;
	char const *at = strrchr(new_sender, '@');
	if (len <= mark || strcmp(new_sender + len - mark, verp) ||
	    smtp_path_set(&a, rcpt, &path) < 0) {
		sa_cats(out, new_sender);
		arena_free(&a);
		return;
	}
	/* local-owner-@domain-@[] */
	at = memchr(new_sender, '@', len - mark);
	sa_catb(&local, new_sender, (size_t)(at - new_sender));
	sa_cats(&local, path.local);
	sa_append(&local, '=');
	sa_cats(&local, path.domain);
	char const *host = arena_strndup(&a, at + 1, len - mark - (size_t)(at + 1 - new_sender));
	struct address const from = {.mailbox = sa_str(&local), .host = host};
	address_spec(out, &from);
	stralloc_free(&local);
	arena_free(&a);
}

/* ---- environment ---- */

/* NAME2, NAME3, NAME4: what stands before the last, the second last, the third last dot. */
static void
put_hosts(stralloc *env, char const *host)
{
	static char const *const name[] = {"HOST2", "HOST3", "HOST4"};
	char *s = xstrdup(host);
	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		char *dot = strrchr(s, '.');
		if (dot)
			*dot = 0;
		program_env(env, name[i], s);
	}
	free(s);
}

/* What stands behind the first, the second, the third dash. */
static void
put_exts(stralloc *env, char const *ext)
{
	static char const *const name[] = {"EXT2", "EXT3", "EXT4"};
	program_env(env, "EXT", ext);
	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		ext += strcspn(ext, "-");
		ext += *ext == '-';
		program_env(env, name[i], ext);
	}
}

void
qmail_environment(stralloc *env, struct worker const *w, struct order const *o, char const *rest,
    char const *new_sender)
{
	stralloc sa = STRALLOC_ZERO;
	program_env_account(env, w);
	program_env(env, "SENDER", o->sender);
	program_env(env, "NEWSENDER", new_sender);
	put_local(&sa, o);
	program_env(env, "LOCAL", sa_str(&sa));
	program_env(env, "HOST", host_of(o));
	put_hosts(env, host_of(o));
	put_exts(env, o->ext);
	if (rest)
		program_env(env, "DEFAULT", rest);
	sa_append(&sa, '@');
	sa_cats(&sa, host_of(o));
	program_env(env, "RECIPIENT", sa_str(&sa));
	sa_reset(&sa);
	worker_front(&sa, o->sender, o->rcpt);
	size_t const line = strcspn(sa_str(&sa), "\n") + 1;
	program_env(env, "DTLINE", sa.s + line);
	sa.s[line] = 0;
	program_env(env, "RPLINE", sa.s);
	sa_reset(&sa);
	mbox_from(&sa, o->sender);
	program_env(env, "UFLINE", sa_str(&sa));
	stralloc_free(&sa);
}
