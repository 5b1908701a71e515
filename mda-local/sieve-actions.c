#include "mda-local/sieve-actions.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "maildir/metadata.h"
#include "maildir/name.h"
#include "maildir/subscriptions.h"
#include "mda-local/incoming.h"
#include "mda-local/limits.h"
#include "mda-local/mailbox.h"
#include "mda-local/sieve-host.h"
#include "mda-local/sieve-settings.h"

/* Keywords of one copy; of more the last are left out. */
#define KEYWORDS_MAX 64

/* One copy; edition null: of the message as it came. */
struct place {
	struct sieve_edition const *edition;
	struct mailbox_copy copy;
	int done;
};

struct plan {
	struct place *place;
	size_t count, redirects;
	char const *refusal; /* null: it is not refused */
};

/* ---- where copies go ---- */

static void
log_folder(struct sieve_work const *k, char const *folder, char const *why)
{
	log_event("sieve-folder");
	log_str("user", k->worker->account->name);
	log_str("folder", folder);
	log_str("reason", why);
	log_send();
}

/* Makes the folder, which clients are to see. */
static int
make_folder(struct sieve_work const *k, char const *name, char const *use)
{
	struct maildir_tree const *const t = &k->worker->tree;
	if (tree_create(t, name) < 0 && errno != EEXIST)
		return -1;
	if (subscriptions_set(t, name, 1) < 0 || (use && special_use_set(t, name, use) < 0))
		log_folder(k, name, strerror(errno));
	return 0;
}

/* The folder that the action means, "" INBOX, which is always there: what cannot be had is told in
 * the log. In k->a. */
static char const *
place_of(struct sieve_work const *k, struct sieve_action const *x)
{
	struct worker *const w = k->worker;
	stralloc name = STRALLOC_ZERO;
	int r = x->mailboxid ? sieve_folder_by_id(w, x->mailboxid, &name) : 0;
	if (r != 1 && x->specialuse)
		r = special_use_find(&w->tree, x->specialuse, &name);
	if (r != 1) {
		r = sieve_folder(w, x->folder, &name);
		/* RFC 8579 4: a folder that is made for a use gets it. */
		if (!r && (x->create || sieve_settings()->autocreate))
			r = make_folder(k, sa_str(&name), x->specialuse) < 0 ? -1 : 1;
	}
	if (r != 1)
		log_folder(k, x->folder, r < 0 ? strerror(errno) : "no such folder");
	char const *const place =
	    r == 1 && strcmp(sa_str(&name), "INBOX") ? arena_strndup(k->a, name.s, name.len) : "";
	stralloc_free(&name);
	return place;
}

/* ---- flags (RFC 5232) ---- */

static struct {
	char const *name;
	unsigned int flag;
} const flags[] = {{"\\Seen", FLAG_SEEN}, {"\\Answered", FLAG_ANSWERED},
    {"\\Flagged", FLAG_FLAGGED}, {"\\Deleted", FLAG_DELETED}, {"\\Draft", FLAG_DRAFT},
    {"$Forwarded", FLAG_PASSED}};

static unsigned int
system_flag(char const *s, size_t n)
{
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (strlen(flags[i].name) == n && !strncasecmp(s, flags[i].name, n))
			return flags[i].flag;
	return 0;
}

/* What IMAP takes for a keyword (RFC 3501 9: flag-keyword); others would be of no use to anybody.
 */
static int
is_keyword(char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 127 || strchr("(){%*\"\\]", s[i]))
			return 0;
	return n && n <= MAILDIR_KEYWORD_MAX;
}

static void
set_flags(struct sieve_work const *k, struct mailbox_copy *copy, char const *s)
{
	char const **const list = arena_alloc(k->a, (KEYWORDS_MAX + 1) * sizeof *list);
	size_t count = 0, n;
	for (s = s ? s : ""; *(s += strspn(s, " ")); s += n) {
		n = strcspn(s, " ");
		unsigned int const flag = system_flag(s, n);
		copy->flags |= flag;
		if (!flag && is_keyword(s, n) && count < KEYWORDS_MAX)
			list[count++] = arena_strndup(k->a, s, n);
	}
	list[count] = 0;
	copy->keywords = count ? list : 0;
}

/* ---- the plan ---- */

static void
add_copy(
    struct sieve_work const *k, struct plan *p, struct sieve_action const *x, char const *folder)
{
	struct place *const to = &p->place[p->count++];
	*to = (struct place){.edition = x->edition, .copy = {.folder = folder}};
	set_flags(k, &to->copy, x->flags);
}

/* A redirect to the account itself would come back: it means to keep the message. */
static int
to_itself(struct sieve_work const *k, char const *address)
{
	return !strcasecmp(address, k->order->rcpt) ||
	       !strcasecmp(address, k->job->envelope.account);
}

/* Content of an edited copy: what stands in front of the message's own last octets. */
static void
write_edition(struct sieve_work *k, struct sieve_edition const *e, struct outgoing_record *r)
{
	char const *const end = k->job->message.s + k->job->message.n;
	unsigned int n = e->count;
	r->at = k->out->size;
	r->tail = OUTGOING_NO_TAIL;
	if (n && e->pieces[n - 1].s >= k->job->message.s &&
	    e->pieces[n - 1].s + e->pieces[n - 1].n == end)
		r->tail = (uint64_t)(e->pieces[--n].s - k->job->message.s);
	for (unsigned int i = 0; i < n; i++)
		outgoing_write(k->out, e->pieces[i].s, e->pieces[i].n);
	r->size = k->out->size - r->at;
}

static int
add_redirect(struct sieve_work *k, struct sieve_action const *x)
{
	struct outgoing_record r;
	if (!x->edition)
		return outgoing_forward(k->out, 0, x->address);
	if (strlen(x->address) >= WORK_ADDRESS_MAX)
		return -1;
	memset(&r, 0, sizeof r);
	r.kind = OUTGOING_FORWARD;
	r.same_sender = 1;
	strcpy(r.rcpt, x->address);
	write_edition(k, x->edition, &r);
	return outgoing_add(k->out, &r);
}

static void
plan_one(struct sieve_work *k, struct plan *p, struct sieve_action const *x)
{
	switch (x->kind) {
	case SIEVE_KEEP:
		/* Where the script has not decided, a filter's mark does. */
		add_copy(k, p, x, x->implicit ? k->order->folder : k->order->ext);
		break;
	case SIEVE_FILEINTO:
		add_copy(k, p, x, place_of(k, x));
		break;
	case SIEVE_REDIRECT:
		if (!to_itself(k, x->address) && !add_redirect(k, x))
			p->redirects++;
		else
			add_copy(k, p, x, k->order->folder);
		break;
	case SIEVE_REJECT:
	case SIEVE_EREJECT:
		p->refusal = x->text ? x->text : "";
		break;
	default:
		break;
	}
}

/* ---- copies ---- */

/* The edited message as a file of its own; -1 and errno. */
static int
edited(struct sieve_edition const *e, uint64_t *size)
{
	int const fd = incoming_memory();
	int ok = fd >= 0;
	*size = 0;
	for (unsigned int i = 0; ok && i < e->count; i++) {
		ok = !durable_write(fd, e->pieces[i].s, e->pieces[i].n);
		*size += e->pieces[i].n;
	}
	if (ok || fd < 0)
		return fd;
	int const error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* The copies with the content of p->place[i], those that are not stored yet. */
static void
store_alike(struct sieve_work *k, struct plan *p, size_t i, struct report *rep)
{
	struct mailbox_copy copy[MDA_COPIES_MAX];
	struct sieve_edition const *const edition = p->place[i].edition;
	uint64_t size = k->order->size;
	size_t n = 0;
	for (; i < p->count && n < MDA_COPIES_MAX; i++)
		if (!p->place[i].done && p->place[i].edition == edition) {
			p->place[i].done = 1;
			copy[n++] = p->place[i].copy;
		}
	int const fd = edition ? edited(edition, &size) : k->fd;
	if (fd < 0) {
		worker_say(rep, REPLY_STORAGE, errno, 0);
		return;
	}
	mailbox_copies(k->worker, k->order, fd, size, copy, n, rep);
	/* A folder has as many keywords as it can: better without than not at all. */
	if (rep->error == EOVERFLOW && reply_class(rep->reply) != 2) {
		log_folder(k, copy->folder, "too many keywords");
		for (size_t j = 0; j < n; j++)
			copy[j].keywords = 0;
		rep->error = 0;
		mailbox_copies(k->worker, k->order, fd, size, copy, n, rep);
	}
	if (edition)
		close(fd);
}

/* All copies; what cannot be stored beside others that are committed is told in the log, since the
 * whole would be doubled if the sender tried again. */
static void
store(struct sieve_work *k, struct plan *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct report more = *k->rep;
		if (p->place[i].done)
			continue;
		more.reply = REPLY_NONE;
		store_alike(k, p, i, i ? &more : k->rep);
		if (!i && reply_class(k->rep->reply) != 2)
			return;
		if (i && reply_class(more.reply) != 2)
			log_folder(k, p->place[i].copy.folder, reply_text(more.reply));
		else if (i)
			k->rep->disk += more.disk;
	}
}

void
sieve_carry_out(struct sieve_work *k)
{
	struct plan p = {.place = arena_zalloc(k->a, (k->result->count + 1) * sizeof *p.place)};
	for (unsigned int i = 0; i < k->result->count; i++)
		plan_one(k, &p, &k->result->actions[i]);
	if (p.refusal && !p.count && !p.redirects) {
		worker_say(k->rep, REPLY_RULES_REFUSE, 0, p.refusal);
		if (k->order->smtputf8)
			reply_clean_utf8(k->rep->text, sizeof k->rep->text, p.refusal);
		return;
	}
	/* It was here before, and would go round. */
	if (k->order->looped && p.redirects) {
		worker_say(k->rep, REPLY_MAIL_LOOP, 0, 0);
		return;
	}
	k->rep->reply = p.redirects ? REPLY_SENT_ON : REPLY_RULES_DONE;
	if (p.count)
		store(k, &p);
	if (reply_class(k->rep->reply) != 2)
		return;
	/* Copies that are sent on may yet fail, and then the script is run again. */
	if (k->rep->reply != REPLY_SENT_ON)
		sieve_remember_ids(k);
	sieve_send_answers(k);
}
