#include "smtp-recv/milter-macros.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/date.h"
#include "lib/sa.h"
#include "smtp-recv/session.h"

/* At the end of a message everybody is told its id again: MILTER_AT_EOM, _DATA and _EOH have "i".
 */
/* clang-format off */
static struct macro {
	char const *name;
	enum milter_stage stage; /* at which it is sent unasked */
	stralloc value;		 /* empty: none */
} macros[] = {
	{"j",                MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"_",                MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"v",                MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{daemon_name}",    MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{daemon_addr}",    MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{daemon_port}",    MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{if_name}",        MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{if_addr}",        MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{client_addr}",    MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{client_name}",    MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{client_port}",    MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{client_ptr}",     MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{client_resolve}", MILTER_AT_CONNECT, STRALLOC_ZERO},
	{"{tls_version}",    MILTER_AT_HELO,    STRALLOC_ZERO},
	{"{cipher}",         MILTER_AT_HELO,    STRALLOC_ZERO},
	{"{cipher_bits}",    MILTER_AT_HELO,    STRALLOC_ZERO},
	{"{cert_subject}",   MILTER_AT_HELO,    STRALLOC_ZERO},
	{"{cert_issuer}",    MILTER_AT_HELO,    STRALLOC_ZERO},
	{"{verify}",         MILTER_AT_HELO,    STRALLOC_ZERO},
	{"i",                MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"b",                MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"r",                MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"s",                MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"{auth_type}",      MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"{auth_authen}",    MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"{auth_author}",    MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"{auth_ssf}",       MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"{mail_mailer}",    MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"{mail_host}",      MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"{mail_addr}",      MILTER_AT_MAIL,    STRALLOC_ZERO},
	{"{rcpt_mailer}",    MILTER_AT_RCPT,    STRALLOC_ZERO},
	{"{rcpt_host}",      MILTER_AT_RCPT,    STRALLOC_ZERO},
	{"{rcpt_addr}",      MILTER_AT_RCPT,    STRALLOC_ZERO},
	{"{msg_id}",         MILTER_AT_EOM,     STRALLOC_ZERO},
};
/* clang-format on */
#define MACROS (sizeof macros / sizeof *macros)

/* With or without its braces. */
static int
is(struct macro const *m, char const *name, size_t n)
{
	char const *s = m->name;
	size_t len = strlen(s);
	return (len == n && !memcmp(s, name, n)) ||
	       (*s == '{' && len == n + 2 && !memcmp(s + 1, name, n));
}

/* Null: no value. */
static void
set(char const *name, char const *value)
{
	for (size_t i = 0; i < MACROS; i++)
		if (!strcmp(macros[i].name, name)) {
			sa_copys(&macros[i].value, value ? value : "");
			sa_str(&macros[i].value);
		}
}

static void
set_number(char const *name, unsigned int n)
{
	char text[12];
	snprintf(text, sizeof text, "%u", n);
	set(name, text);
}

void
macros_connect(struct session const *s)
{
	struct ucspi const *p = &s->peer;
	struct door const *d = &s->door;
	int local = p->kind == UCSPI_UNIX;
	char const *ip = local ? "127.0.0.1" : p->remote_ip;
	/* A client without a name is "unknown" here, as with Postfix. */
	char const *name = local ? "localhost" : *d->name ? d->name : "unknown";
	char const *ptr = local ? name : *d->ptr ? d->ptr : "unknown";
	char whole[DNS_NAME_TEXT + UCSPI_IPMAX + sizeof " [] (may be forged)"];
	snprintf(
	    whole, sizeof whole, "%s [%s]%s", ptr, ip, strcmp(name, ptr) ? " (may be forged)" : "");
	set("j", s->set.me);
	set("_", whole);
	set("v", "postern");
	set("{daemon_name}", s->set.service);
	set("{daemon_addr}", p->local_ip);
	set_number("{daemon_port}", p->local_port);
	set("{if_name}", s->set.me);
	set("{if_addr}", p->local_ip);
	set("{client_addr}", ip);
	set("{client_name}", name);
	set_number("{client_port}", p->remote_port);
	set("{client_ptr}", ptr);
	set("{client_resolve}", local ? "OK" : client_status_word(d->status));
}

void
macros_helo(struct session const *s)
{
	static char const *const names[][2] = {
	    {"{tls_version}", "SSL_PROTOCOL"},
	    {"{cipher}", "SSL_CIPHER"},
	    {"{cipher_bits}", "SSL_CIPHER_BITS"},
	    {"{cert_subject}", "SSL_PEER_CERT_SUBJECT"},
	    {"{cert_issuer}", "SSL_PEER_CERT_ISSUER"},
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		set(names[i][0], s->tls ? getenv(names[i][1]) : 0);
	/* A certificate that does not descend from ours ends the handshake. */
	set("{verify}", !s->tls ? 0 : getenv("SSL_PEER_CERT_HASH") ? "OK" : "NO");
}

void
macros_mail(struct session const *s)
{
	struct smtp_path const *from = &s->tx.mail.from;
	stralloc date = STRALLOC_ZERO;
	int64_t now = (int64_t)time(0);
	date_rfc5322(&date, now, date_local_zone(now));
	set("i", s->tx.id);
	set("b", sa_str(&date));
	stralloc_free(&date);
	set("r", s->esmtp ? "ESMTP" : "SMTP");
	set("s", s->helo);
	set("{auth_type}", !s->user[0] ? 0 : s->mechanism[0] ? s->mechanism : "EXTERNAL");
	set("{auth_authen}", s->user);
	set("{auth_author}", s->user);
	set("{auth_ssf}", s->user[0] ? "0" : 0); /* no SASL layer: that is what TLS is for */
	set("{mail_mailer}", session_may_relay(s) ? "local" : "smtp");
	set("{mail_host}", from->domain);
	set("{mail_addr}", from->text);
}

void
macros_rcpt(struct smtp_rcpt const *r, int local, char const *refusal)
{
	char status[12] = "";
	if (refusal)
		snprintf(status, sizeof status, "%.*s", (int)strcspn(refusal, " "), refusal);
	set("{rcpt_mailer}", refusal ? "error" : local ? "local" : "smtp");
	set("{rcpt_host}", refusal ? status : r->to.domain);
	set("{rcpt_addr}", refusal ? refusal : r->to.text);
}

void
macros_message(char const *id)
{
	set("{msg_id}", id);
}

static void
put(stralloc *out, struct macro const *m)
{
	if (!m->value.len)
		return;
	milter_string(out, m->name);
	milter_string(out, m->value.s);
}

int
macros_packet(stralloc *out, char command, enum milter_stage stage, char const *wanted)
{
	milter_begin(out, 'D');
	sa_append(out, command);
	size_t before = out->len;
	for (size_t i = 0; !wanted && i < MACROS; i++)
		/* The id goes along with every later stage. */
		if (macros[i].stage == stage ||
		    (stage > MILTER_AT_MAIL && !strcmp(macros[i].name, "i")))
			put(out, macros + i);
	while (wanted && *wanted) {
		size_t n = strcspn(wanted, " ,\t");
		for (size_t i = 0; n && i < MACROS; i++)
			if (is(macros + i, wanted, n))
				put(out, macros + i);
		wanted += n + strspn(wanted + n, " ,\t");
	}
	milter_end(out);
	return out->len > before;
}
