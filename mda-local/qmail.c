#include "mda-local/qmail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-local/mailbox.h"
#include "mda-local/mbox.h"
#include "mda-local/outgoing.h"
#include "mda-local/program.h"
#include "mda-local/qmail-file.h"
#include "mda-local/qmail-parse.h"

int
qmail_there(struct worker *w)
{
	int const r = qmail_file_any(w->account->home);
	/* Names in the rules are relative to it. */
	return r > 0 && chdir(w->account->home) < 0 ? -1 : r;
}

/* One message, or the check for it. */
struct run {
	struct worker *w;
	struct order const *o;
	struct report *rep;
	struct outgoing *out;
	int fd; /* of the message */
	struct qmail_file file;
	struct qmail_lines lines;
	struct arena arena;
	stralloc new_sender, env;
	enum reply done; /* of lines that did something here; REPLY_NONE */
	int stop;	 /* a program has said that the rest is passed over */
};

/* Finds and reads the rules. 1; 0 there are none for the plain address, or an empty file: as
 * without rules; -1 the report says why not. */
static int
load(struct run *r)
{
	char const *why, *ext = r->o->ext;
	enum reply const found = qmail_file_find(&r->file, ext, &why);
	if (found == REPLY_NO_USER && !*ext)
		return 0;
	if (found) {
		int const e = found == REPLY_RULES_UNREADABLE ? errno : 0;
		worker_say(r->rep, found, e, why);
		return -1;
	}
	if (!r->file.text.len)
		return 0;
	why = qmail_parse(
	    &r->arena, r->file.text.s, r->file.text.len, r->file.forward_only, &r->lines);
	if (why)
		worker_say(r->rep, REPLY_RULES, 0, why);
	return why ? -1 : 1;
}

static void
end(struct run *r)
{
	qmail_file_free(&r->file);
	arena_free(&r->arena);
	stralloc_free(&r->new_sender);
	stralloc_free(&r->env);
}

/* ---- RCPT ---- */

void
qmail_check(struct worker *w, struct order const *o, struct report *rep)
{
	struct run r = {.w = w, .o = o, .rep = rep, .file = QMAIL_FILE_ZERO};
	int const loaded = load(&r);
	if (!loaded)
		mailbox_check(w, o, rep);
	else if (loaded > 0)
		rep->reply = REPLY_RCPT_OK;
	for (size_t i = 0; loaded > 0 && i < r.lines.count && rep->reply == REPLY_RCPT_OK; i++)
		if (r.lines.line[i].kind == QMAIL_MAILDIR)
			mailbox_path_check(w, o, r.lines.line[i].text, rep);
	/* qmail looks for its Delivered-To whatever the rules are; a mailbox without any takes what
	 * was there before. */
	rep->may_send = loaded > 0;
	rep->may_refuse = r.lines.programs != 0;
	end(&r);
}

/* ---- one line ---- */

static void
do_program(struct run *r, char const *command)
{
	struct program_result result;
	if (!r->env.len)
		qmail_environment(&r->env, r->w, r->o, r->file.rest, sa_str(&r->new_sender));
	struct program const p = {.command = command, .codes = PROGRAM_QMAIL, .env = &r->env};
	program_run(r->w, &p, r->fd, r->o->size, r->o->until, &result);
	r->stop = result.end == PROGRAM_STOP;
	worker_say(
	    r->rep, result.reply, 0, result.end == PROGRAM_DONE || r->stop ? 0 : result.output);
}

static void
do_mbox(struct run *r, char const *path)
{
	int const bad = mbox_deliver(path, r->o, r->fd, r->o->size, r->o->until) < 0;
	int const e = bad ? errno : 0;
	log_event("mbox");
	log_str("path", path);
	if (bad)
		log_errno("reason", e);
	log_send();
	worker_say(r->rep, bad ? worker_reply(e) : REPLY_DELIVERED, e, 0);
}

/* A name without a domain is one of the account's. */
static void
do_forward(struct run *r, char const *address)
{
	stralloc to = STRALLOC_ZERO, from = STRALLOC_ZERO;
	int const kept = !strcmp(sa_str(&r->new_sender), r->o->sender);
	sa_cats(&to, address);
	if (!strchr(address, '@')) {
		sa_append(&to, '@');
		sa_cats(&to, *r->o->domain ? r->o->domain : conf_me());
	}
	qmail_sender_for(&from, r->new_sender.s, sa_str(&to));
	int const bad = outgoing_forward(r->out, kept ? 0 : sa_str(&from), to.s) < 0;
	worker_say(r->rep, bad ? REPLY_RULES : REPLY_SENT_ON, bad ? errno : 0,
	    bad ? "address in rules file cannot be used" : 0);
	stralloc_free(&to);
	stralloc_free(&from);
}

/* Not 0: it failed, and the report says so. */
static int
do_line(struct run *r, struct qmail_line const *l)
{
	switch (l->kind) {
	case QMAIL_PROGRAM:
		do_program(r, l->text);
		break;
	case QMAIL_MBOX:
		do_mbox(r, l->text);
		break;
	case QMAIL_MAILDIR:
		mailbox_path(r->w, r->o, r->fd, r->o->size, l->text, r->rep);
		break;
	case QMAIL_FORWARD:
		do_forward(r, l->text);
		break;
	}
	enum reply const reply = (enum reply)r->rep->reply;
	if (reply_class(reply) == 2 && reply != REPLY_SENT_ON && r->done != REPLY_DELIVERED)
		r->done = reply;
	return reply_class(reply) != 2;
}

/* ---- the message ---- */

/* In their order, to the first that fails; the forwards are records, which the parent sends when
 * all the others are done, and a failure has none of them sent. */
static void
do_lines(struct run *r)
{
	if (qmail_new_sender(&r->new_sender, r->o) < 0) {
		worker_say(r->rep, REPLY_RULES_UNREADABLE, errno, 0);
		return;
	}
	r->rep->reply = REPLY_RULES_DONE;
	for (size_t i = 0; i < r->lines.count && !r->stop; i++)
		if (do_line(r, &r->lines.line[i]))
			return;
	if (r->done || !outgoing_count(r->out))
		r->rep->reply = r->done ? r->done : REPLY_RULES_DONE;
	else
		r->rep->reply = REPLY_SENT_ON;
}

void
qmail_deliver(
    struct worker *w, struct order const *o, int fd, struct report *rep, struct outgoing *out)
{
	struct run r = {.w = w, .o = o, .rep = rep, .out = out, .fd = fd, .file = QMAIL_FILE_ZERO};
	int const loaded = load(&r);
	if (!loaded)
		mailbox_deliver(w, o, fd, rep);
	else if (loaded > 0 && o->looped)
		worker_say(rep, REPLY_MAIL_LOOP, 0, 0);
	else if (loaded > 0)
		do_lines(&r);
	end(&r);
}
