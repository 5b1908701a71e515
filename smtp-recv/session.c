#include "smtp-recv/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sigbus.h"
#include "lib/ucspitls.h"
#include "smtp-recv/handlers.h"
#include "smtp-recv/tarpit.h"

enum { LINE_END_TOLD = -2 };

/* ---- replies ---- */

static void
note(struct session *s, int code, char const *text)
{
	s->code = code;
	size_t n = strlen(text);
	if (n >= sizeof s->said)
		n = sizeof s->said - 1;
	memcpy(s->said, text, n);
	s->said[n] = 0;
	if (code >= 500)
		s->errors++;
}

int
reply_text(struct session *s, int code, char const *text)
{
	note(s, code, text);
	for (;;) {
		size_t n = strcspn(text, "\n");
		net_putf(&s->net, "%03d%c%.*s\r\n", code, text[n] ? '-' : ' ', (int)n, text);
		if (!text[n])
			return 0;
		text += n + 1;
	}
}

int
reply_with(struct session *s, enum reply r, char const *detail)
{
	char text[SMTP_REPLY_LINE_MAX];
	char const *words = reply_words(r);
	int code = (words[0] - '0') * 100 + (words[1] - '0') * 10 + words[2] - '0';
	snprintf(text, sizeof text, "%s%s%s", words + 4, *detail ? " " : "", detail);
	return reply_text(s, code, text);
}

int
reply(struct session *s, enum reply r)
{
	return reply_with(s, r, "");
}

int
reply_number(struct session *s, enum reply r, uint64_t n)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	return reply_with(s, r, text);
}

/* ---- state ---- */

int
session_trusted(struct session const *s)
{
	return s->peer.kind == UCSPI_UNIX || s->set.relayclient || s->trusted_network;
}

int
session_stranger(struct session const *s)
{
	return !s->user[0] && !s->proxy && !session_trusted(s) && !ucspi_is_loopback(&s->peer);
}

int
session_may_relay(struct session const *s)
{
	return s->user[0] || s->set.relayclient || s->trusted_network;
}

unsigned int
session_offers(struct session const *s)
{
	unsigned int ext = EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME | EXT_SMTPUTF8 | EXT_CHUNKING |
			   EXT_DSN | EXT_ENHANCEDSTATUSCODES | EXT_PRDR | EXT_LIMITS;
	if (s->set.binarymime)
		ext |= EXT_BINARYMIME;
	/* Mail clients (msmtp, for one) have such addresses and do not know of the parameter. */
	if (s->set.submission)
		ext |= EXT_SMTPUTF8_IMPLIED;
	if (!s->tls && ucspitls_available())
		ext |= EXT_STARTTLS;
	if (s->login && (s->tls || s->cleartext))
		ext |= EXT_AUTH;
	if (session_trusted(s))
		ext |= EXT_XFORWARD;
	if (s->set.submission)
		ext |= EXT_DELIVERBY | (s->set.future_max ? EXT_FUTURERELEASE : 0);
	/* RFC 8689 2: under TLS, and where nothing leaves this host. */
	if (s->set.requiretls && (s->tls || s->peer.kind == UCSPI_UNIX))
		ext |= EXT_REQUIRETLS;
	return ext;
}

void
session_reset(struct session *s)
{
	struct transaction *t = &s->tx;
	for (size_t i = 0; i < OUTLETS_MAX; i++)
		if (s->outlets[i])
			outlet_reset(s->outlets[i]);
	outlet_reset(s->spool);
	if (s->callout)
		outlet_reset(s->callout);
	milters_abort(s);
	door_reset(s);
	message_clear(&t->message);
	arena_reset(&t->arena);
	t->header = (struct header_scan)HEADER_SCAN_ZERO;
	t->count = t->asked = 0;
	t->alone = 0;
	t->is_binary = 0;
	binary_free(&t->binary);
	prdr_reset(&t->prdr);
	t->fault = REPLY_OK;
	t->renew = t->discard = 0;
	t->hold = 0;
	if (s->state > ST_EHLO)
		s->state = s->esmtp ? ST_EHLO : ST_HELO;
}

static struct session *whole;

static void
say_last(enum reply r)
{
	net_puts(&whole->net, reply_words(r));
	net_puts(&whole->net, "\r\n");
	net_flush(&whole->net);
}

static void
say_nomem(void)
{
	say_last(REPLY_NOMEM);
}

/* A mapped file was cut short by another program: state/greylist, state/rates, a table. It was
 * being looked at, so that no reply is half said. */
static void
say_state(void)
{
	say_last(REPLY_STATE);
}

void
session_init(struct session *s)
{
	net_init(&s->net, 0, 1);
	s->net.secret = s->login != 0;
	net_deadline(&s->net, s->set.session_seconds);
	s->end = s->net.deadline;
	s->state = ST_START;
	s->tls = ucspitls_active();
	s->tx.message = (struct message)MESSAGE_ZERO;
	s->spool = outlet_new(s->set.spool, s->set.me);
	milters_init(s);
	door_init(s);
	memcpy(s->user, s->local_user, sizeof s->user);
	whole = s;
	sa_nomem_hook = say_nomem;
	sigbus_catch(say_state);
}

/* ---- input ---- */

int
session_lost(struct session *s)
{
	int e = errno;
	log_event("lost");
	log_errno("reason", e);
	log_send();
	if (e == ETIMEDOUT) {
		/* The output must not wait for longer than the input did. */
		net_deadline(&s->net, FINISH_SECONDS);
		reply(s, REPLY_TIMEOUT);
	}
	return 1;
}

static int
told_to_end(struct session *s)
{
	return s->login ? login_wait(s->login, &s->net) : net_wait(&s->net, s->fd_end);
}

/* A client that thinks should not keep an mda-local busy: there may be more clients than those. */
static void
close_outlets(struct session *s)
{
	for (size_t i = 0; i < OUTLETS_MAX; i++)
		if (s->outlets[i])
			outlet_close(s->outlets[i]);
	outlet_close(s->spool);
	if (s->callout)
		outlet_close(s->callout);
}

/* Waits for input: as told_to_end. */
static int
await_line(struct session *s)
{
	char *buffered;
	if (net_peek(&s->net, &buffered))
		return 1;
	unsigned int idle = s->set.idle_seconds;
	unsigned int first =
	    s->state <= ST_EHLO && idle > OUTLET_IDLE_SECONDS ? OUTLET_IDLE_SECONDS : idle;
	net_deadline_before(&s->net, first, &s->end);
	int r = told_to_end(s);
	if (r || first == idle)
		return r;
	close_outlets(s);
	net_deadline_before(&s->net, idle - first, &s->end);
	return told_to_end(s);
}

int
session_line(struct session *s, char *line, size_t max, size_t *len)
{
	switch (await_line(s)) {
	case 0:
		errno = ETIMEDOUT;
		return NET_ERROR;
	case 1:
		/* One absolute deadline from here for the line, whatever drips in. */
		net_deadline_before(&s->net, s->set.idle_seconds, &s->end);
		return net_getline(&s->net, line, max, len);
	case 2:
		return LINE_END_TOLD;
	default:
		return NET_ERROR;
	}
}

/* ---- the loop ---- */

/* Why this row does not fit the state. */
static enum reply
wrong_state(struct session const *s, struct command const *row)
{
	switch (s->state) {
	case ST_START:
		return REPLY_NEED_HELO;
	case ST_HELO:
	case ST_EHLO:
		return row->states & (ST_HELO | ST_EHLO) ? REPLY_NEED_EHLO : REPLY_NEED_MAIL;
	case ST_MAIL:
		return row->states & ST_RCPT ? REPLY_NEED_RCPT : REPLY_NOT_NOW;
	case ST_BDAT:
		return REPLY_ONLY_BDAT;
	default:
		return REPLY_NOT_NOW;
	}
}

static int
run(struct session *s, struct command const *row, char *arg, size_t len)
{
	char *ahead;
	/* RFC 2920 3.1. Harmless here, since what follows is read as what it is; told in the log.
	 */
	if ((row->flags & COMMAND_LAST) && !s->early && net_peek(&s->net, &ahead)) {
		s->early = 1;
		log_1("early-talk", "verb", row->verb);
	}
	if (row->flags & COMMAND_HANGUP)
		log_2("not-smtp", "ip", s->peer.remote_ip, "verb", row->verb);
	s->junk = row->flags & SMTP_JUNK ? s->junk + 1 : 0;
	if (s->junk > JUNK_MAX)
		return reply(s, REPLY_JUNK);
	return row->fn(s, arg, len);
}

/* Checks one line against the table. Not 0: the session ends. */
static int
obey(struct session *s, char *line, size_t len, struct command const **row, char **arg)
{
	size_t n;
	enum command_verdict v = command_check(smtp_commands, s->state, line, len, row, arg, &n);
	if (*row && !((*row)->flags & (SMTP_LONG | SMTP_OCTETS)) && len > SMTP_LINE_MAX - 2)
		return reply(s, REPLY_LINE_LONG);
	switch (v) {
	case COMMAND_OK:
		return run(s, *row, *arg, n);
	case COMMAND_UNKNOWN:
		/* Where a password may come, an unknown word may be one, and no filter's. */
		return !s->net.secret && milters_unknown(s, line) ? 0 : reply(s, REPLY_UNKNOWN);
	case COMMAND_NUL:
		return reply(s, REPLY_CONTROL);
	case COMMAND_NEEDSARG:
		return reply_with(s, REPLY_NEEDSARG, (*row)->syntax);
	case COMMAND_NOARG:
		return reply_with(s, REPLY_NOARG, (*row)->syntax);
	case COMMAND_BADSTATE:
		break;
	}
	/* Octets that follow must not be taken for commands. */
	if ((*row)->flags & SMTP_OCTETS)
		return run(s, *row, *arg, n);
	return reply(s, wrong_state(s, *row));
}

/* What is wrong as a command may be a line of a message, from a client that lost its place. */
static int
is_loggable(struct session const *s, struct command const *row)
{
	return row && !(row->flags & COMMAND_SECRET) && s->code / 10 != 50;
}

static void
log_reject(struct session const *s, struct command const *row, char const *arg)
{
	log_event("reject");
	log_str("verb", row ? row->verb : "?");
	if (is_loggable(s, row))
		log_str("arg", arg);
	log_num("code", (uint64_t)s->code);
	log_str("reply", s->said);
	log_send();
}

/* Reads and obeys one line. Not 0: the session ends. */
static int
one_command(struct session *s, char *line)
{
	size_t len;
	struct command const *row = 0;
	char *arg = line;
	int end = 0;
	s->code = 0;
	log_id(s->state > ST_EHLO ? s->tx.id : id_connection());
	switch (session_line(s, line, COMMAND_LINE_MAX, &len)) {
	case NET_LINE:
		end = rate_reached(s, RATE_COMMANDS) || obey(s, line, len, &row, &arg);
		break;
	case NET_LONG:
		line[0] = 0;
		reply(s, REPLY_LINE_LONG);
		break;
	case NET_EOF:
		log_event("hangup");
		log_send();
		return 1;
	case LINE_END_TOLD:
		return !reply(s, REPLY_SHUTDOWN);
	default:
		return session_lost(s);
	}
	if (s->code >= 400)
		log_reject(s, row, arg);
	if (s->code >= 500 && !end) {
		tarpit(s);
		rate_reached(s, RATE_ERRORS);
	}
	if (s->code == 421) /* RFC 5321 3.8: whoever says it closes */
		return 1;
	if (!end && s->errors >= s->set.errors_max) {
		reply(s, REPLY_ERRORS);
		log_2("too-many-errors", "ip", s->peer.remote_ip, "reply", s->said);
		return 1;
	}
	return end;
}

static void
commands(struct session *s)
{
	/* On the stack each of its pages would be touched. */
	static char line[COMMAND_LINE_MAX];
	while (!one_command(s, line))
		if (s->net.secret)
			explicit_bzero(line, sizeof line);
}

void
session_greeting(struct session *s)
{
	net_putf(&s->net, "220 %s ESMTP postern\r\n", s->set.me);
}

void
session_run(struct session *s)
{
	log_id(id_connection());
	log_event("connect");
	log_str("ip", s->peer.kind == UCSPI_UNIX ? "local" : s->peer.remote_ip);
	if (s->peer.kind == UCSPI_UNIX)
		log_num("uid", s->peer.euid);
	log_num("port", s->peer.remote_port);
	if (s->tls)
		log_str("tls", getenv("SSL_PROTOCOL"));
	log_send();
	if (!rate_refuses_client(s) && door_open(s)) {
		session_greeting(s);
		commands(s);
	}
	close_outlets(s);
	milters_end(s);
	net_finish(&s->net, FINISH_SECONDS);
}
