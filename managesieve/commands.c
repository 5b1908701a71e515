#include "managesieve/session.h"

#include <errno.h>

#include "lib/log.h"
#include "lib/sa.h"

void
manage_error(struct manage_session *s, char const *reply)
{
	s->errors++;
	net_puts(&s->net, reply);
}

/* The reply for what the scripts' functions leave in errno. */
static char const *
why_not(int e)
{
	static struct {
		int e;
		char const *reply;
	} const replies[] = {
	    {ENOENT, NO_SUCH_SCRIPT},
	    {ENOTDIR, NO_SUCH_SCRIPT},
	    {EEXIST, NO_EXISTS},
	    {EBUSY, NO_DELETE},
	    {EFBIG, NO_SIZE},
	    {EAGAIN, NO_BUSY},
	    {ENOSPC, NO_ROOM},
	    {EDQUOT, NO_ROOM},
	};
	for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
		if (replies[i].e == e)
			return replies[i].reply;
	log_event("failed");
	log_errno("why", e);
	log_send();
	return NO_FAILED;
}

static void
log_change(char const *event, struct manage_arg const *name)
{
	log_event(event);
	log_strn("script", name->s, name->len);
	log_send();
}

/* 0 for a handler: the reply to a change, which is logged when it was made. */
static int
answer(struct manage_session *s, int r, char const *reply, char const *event,
    struct manage_arg const *name)
{
	int const e = errno;
	if (!r && event)
		log_change(event, name);
	net_puts(&s->net, r ? why_not(e) : reply);
	return 0;
}

/* RFC 5804 2.4 */
static int
do_capability(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	(void)arg, (void)count;
	manage_put_capabilities(&s->net, &s->capability);
	net_puts(&s->net, OK_CAPABILITY);
	return 0;
}

/* RFC 5804 2.13 */
static int
do_noop(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	if (count && arg->len > MANAGE_TAG_MAX)
		manage_error(s, NO_TAG);
	else
		manage_put_noop(&s->net, count ? arg : 0);
	return 0;
}

/* RFC 5804 2.3 */
static int
do_logout(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	(void)arg, (void)count;
	net_puts(&s->net, OK_LOGOUT);
	return 1;
}

/* RFC 5804 2.1 and 2.2: once per connection, and before login. */
static int
do_late(void *session, struct manage_arg *arg, unsigned int count)
{
	(void)arg, (void)count;
	manage_error(session, NO_LATE);
	return 0;
}

/* RFC 5804 1.5: would a script of this name and size be too much? Null, or the reply. */
static char const *
check_room(struct manage_session *s, struct manage_arg const *name, uint64_t size)
{
	struct scripts_list l;
	char const *why = 0;
	if (size > s->limits.script)
		return NO_SIZE;
	if (scripts_list(&s->scripts, &l) < 0)
		return why_not(errno);
	struct script const *old = scripts_find(&l, name->s, name->len);
	if (!old && l.count >= s->max_scripts)
		why = NO_SCRIPTS;
	else if (s->max_storage && l.size - (old ? old->size : 0) + size > s->max_storage)
		why = NO_STORAGE;
	scripts_list_free(&l);
	return why;
}

/* RFC 5804 2.5 */
static int
do_havespace(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	(void)count;
	char const *why = check_room(s, arg, arg[1].number);
	net_puts(&s->net, why ? why : OK_SPACE);
	return 0;
}

/* RFC 5804 2.6: all that was found, a line each, behind "NO" or the like. */
static void
put_errors(struct manage_session *s, char const *verdict, struct sieve_errors const *e)
{
	stralloc text = STRALLOC_ZERO;
	for (unsigned int i = 0; i < e->count; i++)
		sa_catf(&text, "%sline %u: %s", i ? "\r\n" : "", e->list[i].line, e->list[i].text);
	net_puts(&s->net, verdict);
	manage_put_string(&s->net, text.s, text.len);
	net_puts(&s->net, "\r\n");
	stralloc_free(&text);
}

/* Compiles as delivery does. 1, or 0 and the errors are told. */
static int
is_valid(struct manage_session *s, char const *text, size_t n)
{
	stralloc code = STRALLOC_ZERO;
	struct sieve_errors e = {0};
	int r = sieve_compile(&code, &s->arena, text, n, &s->limits, &e);
	stralloc_free(&code);
	if (r < 0)
		put_errors(s, NO_ERRORS, &e);
	return !r;
}

/* The OK for a valid script. */
static void
put_valid(struct manage_session *s, char const *reply, char const *text, size_t n)
{
	struct sieve_errors w = {0};
	sieve_warnings(&s->arena, text, n, &s->limits, &w);
	if (w.count)
		put_errors(s, OK_WARNINGS, &w);
	else
		net_puts(&s->net, reply);
}

/* RFC 5804 2.6 */
static int
do_putscript(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	struct manage_arg const *text = arg + 1;
	(void)count;
	char const *why = text->len ? check_room(s, arg, text->len) : NO_EMPTY;
	if (why)
		net_puts(&s->net, why);
	else if (is_valid(s, text->s, text->len)) {
		int r = scripts_put(&s->scripts, arg->s, arg->len, text->s, text->len);
		if (r < 0)
			return answer(s, r, 0, 0, 0);
		log_change("put", arg);
		put_valid(s, OK_PUT, text->s, text->len);
	}
	return 0;
}

/* RFC 5804 2.12: whatever room there is. */
static int
do_checkscript(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	(void)count;
	if (is_valid(s, arg->s, arg->len))
		put_valid(s, OK_CHECKED, arg->s, arg->len);
	return 0;
}

/* RFC 5804 2.7 */
static int
do_listscripts(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	struct scripts_list l;
	(void)arg, (void)count;
	int r = scripts_list(&s->scripts, &l), e = errno;
	for (size_t i = 0; !r && i < l.count; i++) {
		manage_put_string(&s->net, l.script[i].name, l.script[i].len);
		net_puts(&s->net, l.script[i].active ? " ACTIVE\r\n" : "\r\n");
	}
	scripts_list_free(&l);
	errno = e;
	return answer(s, r, OK_LIST, 0, 0);
}

/* RFC 5804 2.8. What somebody has put there by hand may be wrong, and would then filter nothing. */
static int
do_setactive(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	stralloc text = STRALLOC_ZERO;
	(void)count;
	if (!arg->len)
		return answer(
		    s, scripts_activate(&s->scripts, "", 0), OK_INACTIVE, "activate", arg);
	int r = scripts_read(&s->scripts, arg->s, arg->len, s->limits.script, &text);
	if (r < 0)
		answer(s, r, 0, 0, 0);
	else if (is_valid(s, text.s, text.len))
		answer(
		    s, scripts_activate(&s->scripts, arg->s, arg->len), OK_ACTIVE, "activate", arg);
	stralloc_free(&text);
	return 0;
}

/* RFC 5804 2.9 */
static int
do_getscript(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	stralloc text = STRALLOC_ZERO;
	(void)count;
	int r = scripts_read(&s->scripts, arg->s, arg->len, s->limits.script, &text), e = errno;
	/* A client that does not read it keeps no other session waiting. */
	scripts_unlock(&s->scripts);
	if (!r) {
		net_putf(&s->net, "{%zu}\r\n", text.len);
		net_put(&s->net, text.s, text.len);
		net_puts(&s->net, "\r\n");
	}
	stralloc_free(&text);
	errno = e;
	return answer(s, r, OK_GET, 0, 0);
}

/* RFC 5804 2.10 */
static int
do_deletescript(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	(void)count;
	return answer(s, scripts_remove(&s->scripts, arg->s, arg->len), OK_DELETED, "delete", arg);
}

/* RFC 5804 2.11 */
static int
do_renamescript(void *session, struct manage_arg *arg, unsigned int count)
{
	struct manage_session *s = session;
	(void)count;
	int r = scripts_rename(&s->scripts, arg->s, arg->len, arg[1].s, arg[1].len);
	return answer(s, r, OK_RENAMED, "rename", arg);
}

/* With the scripts to itself, where the row says so. */
static int
call(struct manage_session *s, struct manage_row const *row, struct manage_line *c)
{
	if (!(row->flags & MANAGE_LOCKED))
		return row->fn(s, c->arg, c->count);
	int r = scripts_lock(
	    &s->scripts, s->seconds < MANAGE_LOCK_SECONDS ? s->seconds : MANAGE_LOCK_SECONDS);
	if (r < 0)
		return answer(s, r, 0, 0, 0);
	r = scripts_adopt(&s->scripts);
	int over = r < 0 ? answer(s, r, 0, 0, 0) : row->fn(s, c->arg, c->count);
	scripts_unlock(&s->scripts);
	return over;
}

int
manage_command(struct manage_session *s, struct manage_line *c)
{
	struct manage_row const *row;
	char const *why = manage_check(manage_rows, c, &row);
	if (!why)
		return call(s, row, c);
	manage_error(s, why);
	return 0;
}

/* clang-format off */
struct manage_row const manage_rows[] = {
	{"HAVESPACE",    do_havespace,    "n#",  0,             "NO \"Syntax: HAVESPACE name size\"\r\n"},
	{"PUTSCRIPT",    do_putscript,    "nc",  MANAGE_LOCKED, "NO \"Syntax: PUTSCRIPT name script\"\r\n"},
	{"LISTSCRIPTS",  do_listscripts,  "",    0,             NO_NO_ARGUMENTS},
	{"SETACTIVE",    do_setactive,    "a",   MANAGE_LOCKED, "NO \"Syntax: SETACTIVE name\"\r\n"},
	{"GETSCRIPT",    do_getscript,    "n",   MANAGE_LOCKED, "NO \"Syntax: GETSCRIPT name\"\r\n"},
	{"DELETESCRIPT", do_deletescript, "n",   MANAGE_LOCKED, "NO \"Syntax: DELETESCRIPT name\"\r\n"},
	{"RENAMESCRIPT", do_renamescript, "nn",  MANAGE_LOCKED, "NO \"Syntax: RENAMESCRIPT name new-name\"\r\n"},
	{"CHECKSCRIPT",  do_checkscript,  "c",   0,             "NO \"Syntax: CHECKSCRIPT script\"\r\n"},
	{"CAPABILITY",   do_capability,   "",    0,             NO_NO_ARGUMENTS},
	{"NOOP",         do_noop,         "?s",  0,             NO_NOOP},
	{"LOGOUT",       do_logout,       "",    0,             NO_NO_ARGUMENTS},
	{"AUTHENTICATE", do_late,         "?ss", 0,             NO_LATE},
	{"STARTTLS",     do_late,         "",    0,             NO_LATE},
	{0, 0, 0, 0, 0},
};
/* clang-format on */
