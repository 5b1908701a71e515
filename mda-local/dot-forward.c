#include "mda-local/dot-forward.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/address.h"
#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-local/destination.h"
#include "mda-local/forward-list.h"
#include "mda-local/mailbox.h"
#include "mda-local/outgoing.h"

static char const name[] = ".forward";
#define NAME_LEN (sizeof name - 1)

void
forward_policy_init(struct forward_policy *p)
{
	char const *separators = conf_string("subaddress", "+");
	alias_allowed_init(&p->allowed);
	if (!strcmp(separators, "none"))
		separators = "";
	if (strlen(separators) >= sizeof p->separators)
		strerr_dief1x(100, "etc/subaddress: too many");
	strcpy(p->separators, separators);
}

/* No file, or none that the user could see: there are no rules. Whatever else it is, they may be
 * there, and what they would send elsewhere is not for the mailbox. */
static int
is_absent(void)
{
	return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
}

/* HOME/.forward+EXT, with any separator. 1, 0 or -1. */
static int
any_for_subaddress(struct worker const *w)
{
	char const *separators = w->policy->forward.separators;
	DIR *d = *separators ? opendir(w->account->home) : 0;
	struct dirent const *e;
	int found = 0;
	if (!d)
		return !*separators || is_absent() ? 0 : -1;
	errno = 0;
	while (!found && (e = readdir(d)))
		found = !strncmp(e->d_name, name, NAME_LEN) && e->d_name[NAME_LEN] &&
			strchr(separators, e->d_name[NAME_LEN]);
	int const bad = !found && errno;
	closedir(d);
	return bad ? -1 : found;
}

/* Also where there are files for subaddresses alone. */
int
dot_forward_there(struct worker *w)
{
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/%s", w->account->home, name);
	int const there = !access(sa_str(&path), F_OK), absent = there || is_absent();
	stralloc_free(&path);
	return there ? 1 : absent ? any_for_subaddress(w) : -1;
}

/* The list; 0 there is none, and the mailbox has answered; -1 refused. */
static int
load(struct worker *w, struct order const *o, int fd, struct arena *a, struct forward_list *l,
    struct report *rep)
{
	int const r = forward_list(l, a, w, o);
	if (r < 0)
		worker_say(rep, errno == EBADMSG ? REPLY_RULES : REPLY_RULES_UNREADABLE, errno, 0);
	else if (*o->only)
		return 1;
	else if (r && !l->first)
		worker_say(rep, REPLY_ALIAS_REFUSED, 0, 0);
	else if (r)
		return 1;
	else if (o->work == WORK_CHECK)
		mailbox_check(w, o, rep);
	else
		mailbox_deliver(w, o, fd, rep);
	return 0;
}

/* The order for the account's own mailbox, perhaps with another folder. */
static struct order const *
order_for(struct order const *o, struct forward_entry const *e, struct order *room)
{
	if (!*e->text || strlen(e->text) >= sizeof room->folder)
		return o;
	*room = *o;
	strcpy(room->folder, e->text);
	return room;
}

static int
is_meant(struct order const *o, struct forward_entry const *e)
{
	return !*o->only || !strcmp(o->only, e->mark);
}

/* ---- RCPT ---- */

static void
check_one(
    struct worker *w, struct order const *o, struct forward_entry const *e, struct report *rep)
{
	struct order room;
	switch (e->kind) {
	case FORWARD_MAILBOX:
		mailbox_check(w, order_for(o, e, &room), rep);
		break;
	case FORWARD_ADDRESS:
		rep->reply = REPLY_RCPT_OK;
		rep->may_send = 1;
		break;
	case FORWARD_DESTINATION:
		destination_check(w, e->text, rep);
		break;
	}
}

/* As good as the best of its parts: what then fails for a time is tried again alone. */
void
dot_forward_check(struct worker *w, struct order const *o, struct report *rep)
{
	struct arena a = ARENA_ZERO;
	struct forward_list l;
	if (load(w, o, -1, &a, &l, rep) > 0) {
		struct report best = *rep, one;
		best.reply = REPLY_NO_USER;
		for (struct forward_entry const *e = l.first; e; e = e->next) {
			if (!is_meant(o, e))
				continue;
			one = *rep;
			check_one(w, o, e, &one);
			one.may_refuse |= best.may_refuse;
			one.may_send |= best.may_send;
			if (reply_class(best.reply) == 2) {
				best.may_refuse = one.may_refuse;
				best.may_send = one.may_send;
			} else
				best = one;
		}
		*rep = best;
	}
	arena_free(&a);
}

/* ---- the message ---- */

/* How the parts have gone. */
struct outcome {
	struct report good, temporary, permanent; /* of the first that ended so */
	unsigned int done, failed, refused, sent;
};

static void
deliver_one(struct worker *w, struct order const *o, int fd, struct forward_entry const *e,
    struct report *rep)
{
	struct order room;
	if (e->kind == FORWARD_MAILBOX)
		mailbox_deliver(w, order_for(o, e, &room), fd, rep);
	else
		destination_deliver(w, o, fd, e->text, rep);
}

/* Where a part that has failed for a time can be had alone: \alice, and of her file \|MARK|alice.
 */
static int
send_again(struct order const *o, struct forward_entry const *e, struct outgoing *out)
{
	stralloc local = STRALLOC_ZERO, text = STRALLOC_ZERO;
	char const *ext = e->kind == FORWARD_MAILBOX && *e->text ? e->text : o->ext;
	sa_append(&local, '\\');
	if (*e->mark)
		sa_catf(&local, "|%s|", e->mark);
	sa_cats(&local, o->local);
	if (*ext && o->separator)
		sa_catf(&local, "%c%s", o->separator, ext);
	struct address const address = {
	    .mailbox = sa_str(&local), .host = *o->domain ? o->domain : conf_me()};
	address_spec(&text, &address);
	int const r = outgoing_forward(out, 0, sa_str(&text));
	stralloc_free(&local);
	stralloc_free(&text);
	return r;
}

static void
note(struct outcome *n, struct forward_entry const *e, struct report const *rep)
{
	int const class = reply_class(rep->reply);
	unsigned int *count = class == 2 ? &n->done : class == 4 ? &n->failed : &n->refused;
	struct report *first = class == 2 ? &n->good : class == 4 ? &n->temporary : &n->permanent;
	if (class != 2)
		log_2("forward-part", "target", *e->text ? e->text : "mailbox", "verdict",
		    reply_text(rep->reply));
	if (!(*count)++)
		*first = *rep;
}

/* What goes elsewhere is sent by the parent when this worker has reported; what failed here for a
 * time beside a part that is done goes the same way, to come back alone. 0 or -1. */
static int
send_rest(struct order const *o, struct forward_list const *l, struct outcome *n,
    char const *failed, struct outgoing *out)
{
	size_t i = 0;
	for (struct forward_entry const *e = l->first; e; e = e->next, i++) {
		int r = 0;
		if (e->kind == FORWARD_ADDRESS && is_meant(o, e)) {
			r = outgoing_forward(out, 0, e->text);
			n->sent++;
		} else if (failed[i] && n->done)
			r = send_again(o, e, out);
		if (r < 0)
			return -1;
	}
	return 0;
}

static void
deliver_parts(struct worker *w, struct order const *o, int fd, struct forward_list *l,
    struct report *rep, struct outgoing *out)
{
	struct outcome n = {.done = 0};
	char *failed = arena_zalloc(l->a, l->items + 1);
	size_t i = 0;
	for (struct forward_entry const *e = l->first; e; e = e->next, i++) {
		struct report one = *rep;
		if (e->kind == FORWARD_ADDRESS || !is_meant(o, e))
			continue;
		deliver_one(w, o, fd, e, &one);
		failed[i] = reply_class(one.reply) == 4;
		note(&n, e, &one);
	}
	if (send_rest(o, l, &n, failed, out) < 0)
		worker_say(rep, REPLY_RULES, errno, 0);
	else if (n.done)
		*rep = n.good;
	else if (n.failed)
		*rep = n.temporary;
	else if (n.sent)
		rep->reply = REPLY_SENT_ON;
	else if (n.refused)
		*rep = n.permanent;
	else
		rep->reply = REPLY_NO_USER;
}

/* A message that has been here before goes nowhere from here again. */
static int
leaves(struct forward_list const *l)
{
	for (struct forward_entry const *e = l->first; e; e = e->next)
		if (e->kind == FORWARD_ADDRESS || *e->text == '|')
			return 1;
	return 0;
}

void
dot_forward_deliver(
    struct worker *w, struct order const *o, int fd, struct report *rep, struct outgoing *out)
{
	struct arena a = ARENA_ZERO;
	struct forward_list l;
	if (load(w, o, fd, &a, &l, rep) > 0) {
		if (o->looped && leaves(&l))
			worker_say(rep, REPLY_MAIL_LOOP, 0, 0);
		else
			deliver_parts(w, o, fd, &l, rep, out);
	}
	arena_free(&a);
}
