#include <errno.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/log.h"
#include "pop3/capa.h"
#include "pop3/replies.h"
#include "pop3/session.h"

void
pop3_error(struct pop3 *s, char const *reply)
{
	s->errors++;
	net_puts(&s->net, reply);
}

/* The message that msg names, 0-based, into i; 0 after an error reply. */
static int
find(struct pop3 *s, char const *msg, uint32_t *i)
{
	uint32_t n;
	if (!uint320_scan(msg, &n) || !n || n > s->count) {
		pop3_error(s, ERR_NO_MESSAGE);
		return 0;
	}
	*i = n - 1;
	if (!(s->marks[*i] & MARK_DELETED))
		return 1;
	pop3_error(s, ERR_DELETED);
	return 0;
}

/* Octets of message i; what another program has removed meanwhile keeps its number and counts 0. */
static uint64_t
size_of(struct pop3 *s, uint32_t i)
{
	uint64_t size;
	return folder_size(s->folder, i, &size) < 0 ? 0 : size;
}

static void
drop_listing(struct pop3 *s, uint32_t *count, uint64_t *octets)
{
	*count = 0;
	*octets = 0;
	for (uint32_t i = 0; i < s->count; i++)
		if (!(s->marks[i] & MARK_DELETED)) {
			++*count;
			*octets += size_of(s, i);
		}
}

/* RFC 2449 5 */
static int
do_capa(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	(void)arg, (void)len;
	pop3_capa(&s->net, s->mechanisms, 0);
	return 0;
}

/* RFC 1939 5 */
static int
do_stat(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	uint32_t count;
	uint64_t octets;
	(void)arg, (void)len;
	drop_listing(s, &count, &octets);
	net_putf(&s->net, "+OK %u %llu\r\n", count, (unsigned long long)octets);
	return 0;
}

static int
do_list(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	uint32_t i;
	if (len) {
		if (find(s, arg, &i))
			net_putf(
			    &s->net, "+OK %u %llu\r\n", i + 1, (unsigned long long)size_of(s, i));
		return 0;
	}
	net_puts(&s->net, OK_LIST);
	for (i = 0; i < s->count; i++)
		if (!(s->marks[i] & MARK_DELETED)) {
			net_putnum(&s->net, i + 1);
			net_put(&s->net, " ", 1);
			net_putnum(&s->net, size_of(s, i));
			net_put(&s->net, "\r\n", 2);
		}
	net_puts(&s->net, ".\r\n");
	return 0;
}

static int
do_retr(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	uint32_t i;
	(void)len;
	if (!find(s, arg, &i))
		return 0;
	int r = pop3_send(s, i, SEND_WHOLE);
	if (!r)
		s->marks[i] |= MARK_READ;
	return r > 0;
}

/* RFC 1939 7 */
static int
do_top(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	uint32_t i, lines;
	(void)len;
	size_t n = strcspn(arg, " \t");
	char const *count = arg + n + strspn(arg + n, " \t");
	arg[n] = 0;
	if (!uint320_scan(count, &lines)) {
		pop3_error(s, ERR_ARGUMENT "TOP message lines\r\n");
		return 0;
	}
	if (!find(s, arg, &i))
		return 0;
	return pop3_send(s, i, lines < SEND_WHOLE ? lines : SEND_WHOLE - 1) > 0;
}

static int
do_dele(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	uint32_t i;
	(void)len;
	if (find(s, arg, &i)) {
		s->marks[i] |= MARK_DELETED;
		net_puts(&s->net, OK_DELE);
	}
	return 0;
}

static int
do_noop(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	(void)arg, (void)len;
	net_puts(&s->net, OK_NOOP);
	return 0;
}

static int
do_rset(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	(void)arg, (void)len;
	for (uint32_t i = 0; i < s->count; i++)
		s->marks[i] &= (unsigned char)~MARK_DELETED;
	net_puts(&s->net, OK_RSET);
	return 0;
}

/* 1 if there was one to tell. A message that is gone may have taken its unique id along. */
static int
put_uidl(struct pop3 *s, char const *before, uint32_t i)
{
	s->id.len = 0;
	if (folder_uidl(s->folder, i, &s->id) < 0)
		return 0;
	net_puts(&s->net, before);
	net_putnum(&s->net, i + 1);
	net_put(&s->net, " ", 1);
	net_put(&s->net, s->id.s, s->id.len);
	net_put(&s->net, "\r\n", 2);
	return 1;
}

/* RFC 1939 7 */
static int
do_uidl(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	uint32_t i;
	if (len) {
		if (find(s, arg, &i) && !put_uidl(s, "+OK ", i))
			net_puts(&s->net, ERR_GONE);
		return 0;
	}
	net_puts(&s->net, OK_LIST);
	for (i = 0; i < s->count; i++)
		if (!(s->marks[i] & MARK_DELETED))
			put_uidl(s, "", i);
	net_puts(&s->net, ".\r\n");
	return 0;
}

/* RFC 1939 6: the UPDATE state. Removing goes on after a failure, which is told; a message that was
 * only read becomes seen, if it can. */
static int
do_quit(void *session, char *arg, size_t len)
{
	struct pop3 *s = session;
	uint32_t deleted = 0, failed = 0;
	(void)arg, (void)len;
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->marks[i] & MARK_DELETED) {
			deleted++;
			failed += folder_expunge(s->folder, i) < 0;
		} else if (s->marks[i] & MARK_READ)
			folder_change_flags(s->folder, i, FLAGS_ADD, FLAG_SEEN, 0);
	}
	if (folder_commit(s->folder) < 0 && deleted)
		failed++;
	log_event("quit");
	log_num("deleted", deleted);
	log_num("failed", failed);
	log_send();
	net_puts(&s->net, failed ? ERR_NOT_DELETED : OK_QUIT);
	return 1;
}

/* clang-format off */
struct command const pop3_commands[] = {
	{"CAPA", do_capa, POP3_TRANSACTION, ARGS_NONE, 0, "CAPA"},
	{"STAT", do_stat, POP3_TRANSACTION, ARGS_NONE, 0, "STAT"},
	{"LIST", do_list, POP3_TRANSACTION, ARGS_ANY,  0, "LIST [message]"},
	{"UIDL", do_uidl, POP3_TRANSACTION, ARGS_ANY,  0, "UIDL [message]"},
	{"RETR", do_retr, POP3_TRANSACTION, ARGS_SOME, 0, "RETR message"},
	{"TOP",  do_top,  POP3_TRANSACTION, ARGS_SOME, 0, "TOP message lines"},
	{"DELE", do_dele, POP3_TRANSACTION, ARGS_SOME, 0, "DELE message"},
	{"NOOP", do_noop, POP3_TRANSACTION, ARGS_NONE, 0, "NOOP"},
	{"RSET", do_rset, POP3_TRANSACTION, ARGS_NONE, 0, "RSET"},
	{"QUIT", do_quit, POP3_TRANSACTION, ARGS_NONE, 0, "QUIT"},
	{0, 0, 0, 0, 0, 0},
};
/* clang-format on */
