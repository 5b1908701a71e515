/* XCLIENT (Postfix's XCLIENT_README): a proxy in front, which etc/smtp-xclient lists, says whom it
 * speaks for. What this server made of the proxy's own address is forgotten: nothing is relayed,
 * and no password taken in clear, because the proxy might. Once the proxy has given an address,
 * what comes behind may be its client's own words, so the command is over with that. */
#include "smtp-recv/handlers.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/xtext.h"
#include "smtp-recv/session.h"

/* What one command says; all of it counts, or none. */
struct claim {
	struct ucspi peer;
	char name[SMTP_DOMAIN_MAX + 1], user[LOGIN_NAME_MAX + 1];
	int address; /* ADDR was given */
};

static int
unavailable(char const *value)
{
	return !strcmp(value, "[UNAVAILABLE]") || !strcmp(value, "[TEMPUNAVAIL]");
}

/* Letters of host names, which may hold underscores in the world as it is. */
static int
is_host(char const *s)
{
	if (!*s || strlen(s) > SMTP_DOMAIN_MAX || *s == '.' || strstr(s, ".."))
		return 0;
	for (; *s; s++)
		if (!ascii_isdigit(*s) && !strchr("-._", *s) &&
		    !(ascii_tolower(*s) >= 'a' && ascii_tolower(*s) <= 'z'))
			return 0;
	return 1;
}

static int
put(char *to, size_t size, char const *value)
{
	size_t n = strlen(value);
	if (n >= size)
		return -1;
	memcpy(to, value, n + 1);
	return 0;
}

/* "192.0.2.1", "IPV6:2001:db8::1" or none, as lib/ucspi.h has them; the length, -1 if it is none.
 */
static int
scan_address(char const *value, char ip[UCSPI_IPMAX], unsigned char addr[16])
{
	ip[0] = 0;
	if (unavailable(value))
		return 0;
	int six = !strncasecmp(value, "IPV6:", 5);
	value += six ? 5 : 0;
	unsigned int len = ucspi_scan(value, addr);
	if (!len || six != !!strchr(value, ':'))
		return -1;
	/* In lower case; a mapped address is the IPv4 one that it stands for. */
	inet_ntop(len == 4 ? AF_INET : AF_INET6, addr, ip, UCSPI_IPMAX);
	return (int)len;
}

static int
scan_port(char const *value, uint16_t *port)
{
	*port = 0;
	return unavailable(value) || uint160_scan(value, port) == strlen(value) ? 0 : -1;
}

/* ---- the attributes: 0, or -1 if the value is bad ---- */

static int
set_addr(struct claim *c, char const *value)
{
	int len = scan_address(value, c->peer.remote_ip, c->peer.remote_addr);
	if (len < 0)
		return -1;
	c->peer.kind = UCSPI_TCP;
	c->peer.remote_len = (unsigned int)len;
	c->address = 1;
	return 0;
}

static int
set_name(struct claim *c, char const *value)
{
	c->name[0] = 0;
	return unavailable(value) ? 0 : is_host(value) ? put(c->name, sizeof c->name, value) : -1;
}

static int
set_port(struct claim *c, char const *value)
{
	return scan_port(value, &c->peer.remote_port);
}

static int
set_login(struct claim *c, char const *value)
{
	c->user[0] = 0;
	for (char const *s = value; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return -1;
	return unavailable(value) ? 0 : put(c->user, sizeof c->user, value);
}

static int
set_destaddr(struct claim *c, char const *value)
{
	unsigned char addr[16];
	return scan_address(value, c->peer.local_ip, addr) < 0 ? -1 : 0;
}

static int
set_destport(struct claim *c, char const *value)
{
	return scan_port(value, &c->peer.local_port);
}

/* The name that the DNS gives the address, without a second look: nothing here trusts it. */
static int
check_host(struct claim *c, char const *value)
{
	(void)c;
	return unavailable(value) || is_host(value) ? 0 : -1;
}

/* The greeting that follows tells both, as with Postfix. */
static int
check_helo(struct claim *c, char const *value)
{
	(void)c;
	return strlen(value) <= SMTP_DOMAIN_MAX ? 0 : -1;
}

static int
check_proto(struct claim *c, char const *value)
{
	(void)c;
	return !strcasecmp(value, "SMTP") || !strcasecmp(value, "ESMTP") ? 0 : -1;
}

static struct attribute {
	char const *name;
	int (*fn)(struct claim *c, char const *value);
} const attributes[] = {
    {"NAME", set_name},
    {"ADDR", set_addr},
    {"PORT", set_port},
    {"PROTO", check_proto},
    {"HELO", check_helo},
    {"LOGIN", set_login},
    {"DESTADDR", set_destaddr},
    {"DESTPORT", set_destport},
    {"REVERSE_NAME", check_host},
};

/* "NAME=xtext": 0, or -1. */
static int
take(struct claim *c, char const *s, size_t n)
{
	stralloc value = STRALLOC_ZERO;
	char const *eq = memchr(s, '=', n);
	size_t len = eq ? (size_t)(eq - s) : 0;
	int r = -1;
	if (eq && len + 1 < n && !xtext_decode(&value, eq + 1, n - len - 1) &&
	    strlen(sa_str(&value)) == value.len)
		for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
			if (ascii_ieq(s, len, attributes[i].name))
				r = attributes[i].fn(c, value.s);
	stralloc_free(&value);
	return r;
}

/* ---- the command ---- */

static void
log_claim(struct session const *s, char const *proxy)
{
	log_event("xclient");
	log_str("proxy", proxy);
	log_str("ip", s->peer.remote_ip);
	log_num("port", s->peer.remote_port);
	log_str("name", s->client_name);
	log_str("user", s->user);
	log_send();
}

/* All that hangs on who is there. Not 0: the login parent did not follow. */
static int
become(struct session *s, struct claim const *c)
{
	if (c->address && s->login && login_peer(s->login, &s->net, c->peer.remote_ip) < 0)
		return 1;
	login_forget_certificate();
	s->peer = c->peer;
	memcpy(s->client_name, c->name, sizeof s->client_name);
	s->set.relayclient = 0;
	s->trusted_network = s->cleartext = s->any_sender = 0;
	s->proxy = !c->address;
	s->local_user[0] = 0;
	memcpy(s->user, c->user, sizeof s->user);
	put(s->mechanism, sizeof s->mechanism, *c->user ? "XCLIENT" : "");
	s->helo[0] = s->ident[0] = 0;
	s->esmtp = 0;
	session_reset(s);
	milters_peer_changed(s);
	door_renew(s);
	s->state = ST_START;
	return 0;
}

int
do_xclient(void *session, char *arg, size_t len)
{
	struct session *s = session;
	struct claim c = {.peer = s->peer};
	char proxy[UCSPI_IPMAX];
	(void)len;
	if (!s->proxy)
		return reply(s, REPLY_NO_XCLIENT);
	memcpy(c.name, s->client_name, sizeof c.name);
	/* Said in an earlier command of the same proxy; a password that it has shown itself is none
	 * of its client's. */
	if (!strcmp(s->mechanism, "XCLIENT"))
		memcpy(c.user, s->user, sizeof c.user);
	for (char *word = arg; *word; word += strspn(word, " \t")) {
		size_t n = strcspn(word, " \t");
		if (take(&c, word, n) < 0) {
			word[n] = 0;
			return reply_with(s, REPLY_BAD_XCLIENT, word);
		}
		word += n;
	}
	memcpy(proxy, s->peer.remote_ip, sizeof proxy);
	if (become(s, &c))
		return reply(s, REPLY_AUTH_GONE);
	log_claim(s, proxy);
	if (!rate_refuses_client(s))
		session_greeting(s);
	return 0;
}
