#include "lib/smtp-envelope.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/date-utc.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define ENVID_MAX 100 /* RFC 3461 4.4 */
#define ORCPT_MAX 500 /* RFC 3461 4.2 */
#define AUTH_MAX 500  /* RFC 4954 3 */

/* ---- parameters (RFC 5321 4.1.2, esmtp-param) ---- */

static char const syntax_from[] = "501 5.5.4 Syntax: MAIL FROM:<address>";
static char const syntax_to[] = "501 5.5.4 Syntax: RCPT TO:<address>";
static char const bad_sender[] = "501 5.1.7 Bad sender address syntax";
static char const bad_rcpt[] = "501 5.1.3 Bad recipient address syntax";
static char const bad_value[] = "501 5.5.4 Bad parameter value";
static char const unknown_param[] = "555 5.5.4 Parameter not recognized or not offered";
static char const needs_utf8[] = "553 5.6.7 The address needs SMTPUTF8";
static char const twice[] = "501 5.5.4 Parameter given twice";

struct parse {
	struct arena *a;
	struct smtp_mail *mail;
	struct smtp_rcpt *rcpt;
};

/* A handler gets the value (C string, "" if there is none): 0, or -1 if it is bad. */
struct param {
	char const *keyword;
	unsigned int ext; /* the extension that brings it */
	int has_value;
	int (*fn)(struct parse *p, char const *value);
};

/* xtext: printable but "+" and "=", or "+" and two upper-case hex digits (RFC 3461 4). */
static int
is_xtext(char const *s)
{
	static char const hex[] = "0123456789ABCDEF";
	for (; *s; s++) {
		if (*s == '+') {
			if (!s[1] || !s[2] || !strchr(hex, s[1]) || !strchr(hex, s[2]))
				return 0;
			s += 2;
		} else if (*s < '!' || *s > '~' || *s == '=')
			return 0;
	}
	return 1;
}

static int
param_size(struct parse *p, char const *value)
{
	return strlen(value) <= 20 && uint640_scan(value, &p->mail->size) ? 0 : -1;
}

static int
param_body(struct parse *p, char const *value)
{
	static char const *const names[] = {"7BIT", "8BITMIME", "BINARYMIME"};
	for (int i = 0; i < 3; i++)
		if (!strcasecmp(value, names[i])) {
			p->mail->body = (enum smtp_body)i;
			return 0;
		}
	return -1;
}

static int
param_smtputf8(struct parse *p, char const *value)
{
	(void)value;
	p->mail->smtputf8 = 1;
	return 0;
}

static int
param_requiretls(struct parse *p, char const *value)
{
	(void)value;
	p->mail->requiretls = 1;
	return 0;
}

static int
param_prdr(struct parse *p, char const *value)
{
	(void)value;
	p->mail->prdr = 1;
	return 0;
}

static int
param_ret(struct parse *p, char const *value)
{
	p->mail->ret = !strcasecmp(value, "FULL") ? RET_FULL
	    : !strcasecmp(value, "HDRS")          ? RET_HDRS
	                                          : RET_UNSET;
	return p->mail->ret == RET_UNSET ? -1 : 0;
}

static int
param_envid(struct parse *p, char const *value)
{
	p->mail->envid = value;
	return strlen(value) <= ENVID_MAX && is_xtext(value) ? 0 : -1;
}

static int
param_auth(struct parse *p, char const *value)
{
	p->mail->auth = value;
	return strlen(value) <= AUTH_MAX && is_xtext(value) ? 0 : -1;
}

/* RFC 4865 4: the one excludes the other, and each is a time to come; one that is over already is at
 * once. */
static int
hold_until(struct parse *p, char const *kind, char const *value, int64_t t)
{
	stralloc sa = STRALLOC_ZERO;
	if (p->mail->release)
		return -1;
	sa_catf(&sa, "%s;%s", kind, value);
	p->mail->future = arena_strndup(p->a, sa.s, sa.len);
	p->mail->release = t;
	stralloc_free(&sa);
	return 0;
}

static int
param_holdfor(struct parse *p, char const *value)
{
	uint64_t n;
	size_t const len = ascii_isdigit(*value) && *value != '0' ? uint64_scan(value, &n) : 0;
	if (!len || value[len] || n > FUTURE_MAX)
		return -1;
	return hold_until(p, "for", value, (int64_t)time(0) + (int64_t)n);
}

static int
param_holduntil(struct parse *p, char const *value)
{
	int64_t t;
	if (date_utc_parse(value, &t) < 0)
		return -1;
	return hold_until(p, "until", value, t > 1 ? t : 1);
}

/* by-time ";" by-mode [by-trace], RFC 2852 4 */
static int
param_by(struct parse *p, char const *value)
{
	uint64_t n;
	int const negative = *value == '-';
	value += negative || *value == '+';
	size_t const len = ascii_isdigit(*value) ? uint64_scan(value, &n) : 0;
	if (!len || len > 9 || value[len] != ';')
		return -1;
	value += len + 1;
	p->mail->by_mode = (char)ascii_toupper(*value);
	if (p->mail->by_mode != BY_NOTIFY && p->mail->by_mode != BY_RETURN)
		return -1;
	p->mail->by_trace = ascii_toupper(value[1]) == 'T';
	if (value[1 + p->mail->by_trace] || (p->mail->by_mode == BY_RETURN && (negative || !n)))
		return -1;
	p->mail->by = (int64_t)time(0) + (negative ? -(int64_t)n : (int64_t)n);
	return 0;
}

static int
notify_bit(char const *s, size_t n, unsigned int *bits)
{
	static struct {
		char const *word;
		unsigned int bit;
	} const words[] = {{"NEVER", NOTIFY_NEVER}, {"SUCCESS", NOTIFY_SUCCESS},
	    {"FAILURE", NOTIFY_FAILURE}, {"DELAY", NOTIFY_DELAY}};
	for (size_t i = 0; i < 4; i++)
		if (ascii_ieq(s, n, words[i].word)) {
			*bits |= words[i].bit;
			return 0;
		}
	return -1;
}

static int
param_notify(struct parse *p, char const *value)
{
	unsigned int bits = 0;
	for (char const *s = value;; s++) {
		size_t n = strcspn(s, ",");
		if (notify_bit(s, n, &bits) < 0)
			return -1;
		s += n;
		if (!*s)
			break;
	}
	p->rcpt->notify = bits;
	/* NEVER stands alone: RFC 3461 4.1 */
	return (bits & NOTIFY_NEVER) && bits != NOTIFY_NEVER ? -1 : 0;
}

static int
param_orcpt(struct parse *p, char const *value)
{
	size_t n = strcspn(value, ";");
	p->rcpt->orcpt = value;
	if (!n || !value[n] || strlen(value) > ORCPT_MAX)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (value[i] != '-' && !ascii_isdigit(value[i])
		    && !(ascii_tolower(value[i]) >= 'a' && ascii_tolower(value[i]) <= 'z'))
			return -1;
	/* "utf-8" addresses have an encoding of their own (RFC 6533 3), a superset of printable
	 * text. */
	if (ascii_ieq(value, n, "utf-8"))
		return utf8_valid(value, strlen(value)) ? 0 : -1;
	return is_xtext(value + n + 1) ? 0 : -1;
}

static struct param const mail_params[] = {
    {"SIZE", EXT_SIZE, 1, param_size},             /* RFC 1870 */
    {"BODY", EXT_8BITMIME, 1, param_body},         /* RFC 6152, 3030 */
    {"SMTPUTF8", EXT_SMTPUTF8, 0, param_smtputf8}, /* RFC 6531 3.4 */
    {"RET", EXT_DSN, 1, param_ret},                /* RFC 3461 4.3 */
    {"ENVID", EXT_DSN, 1, param_envid},            /* RFC 3461 4.4 */
    {"AUTH", EXT_AUTH, 1, param_auth},             /* RFC 4954 5 */
    {"REQUIRETLS", EXT_REQUIRETLS, 0, param_requiretls}, /* RFC 8689 */
    {"PRDR", EXT_PRDR, 0, param_prdr},
    {"HOLDFOR", EXT_FUTURERELEASE, 1, param_holdfor},     /* RFC 4865 4 */
    {"HOLDUNTIL", EXT_FUTURERELEASE, 1, param_holduntil}, /* RFC 4865 4 */
    {"BY", EXT_DELIVERBY, 1, param_by},                   /* RFC 2852 4 */
    {0, 0, 0, 0},
};

static struct param const rcpt_params[] = {
    {"NOTIFY", EXT_DSN, 1, param_notify}, /* RFC 3461 4.1 */
    {"ORCPT", EXT_DSN, 1, param_orcpt},   /* RFC 3461 4.2 */
    {0, 0, 0, 0},
};

static char const *
one_param(struct parse *p, struct param const *table, unsigned int offered, char const *s, size_t n,
    unsigned int *seen)
{
	char const *eq = memchr(s, '=', n);
	size_t klen = eq ? (size_t)(eq - s) : n;
	for (unsigned int i = 0; table[i].keyword; i++) {
		if (!ascii_ieq(s, klen, table[i].keyword))
			continue;
		if (!(offered & table[i].ext))
			return unknown_param;
		if (*seen & (1u << i))
			return twice;
		*seen |= 1u << i;
		if (table[i].has_value != (eq && klen + 1 < n))
			return bad_value;
		char const *value = arena_strndup(p->a, eq ? eq + 1 : "", eq ? n - klen - 1 : 0);
		return table[i].fn(p, value) < 0 ? bad_value : 0;
	}
	return unknown_param;
}

static char const *
parse_params(struct parse *p, struct param const *table, unsigned int offered, char const *s)
{
	unsigned int seen = 0;
	for (;;) {
		s += strspn(s, " \t");
		size_t n = strcspn(s, " \t");
		if (!n)
			return 0;
		char const *error = one_param(p, table, offered, s, n, &seen);
		if (error)
			return error;
		s += n;
	}
}

/* "FROM:" or "TO:" and blanks, which RFC 5321 forbids and peers send. */
static char const *
skip_word(char const *s, char const *word)
{
	size_t n = strlen(word);
	if (strncasecmp(s, word, n))
		return 0;
	s += n;
	return s + strspn(s, " \t");
}

char const *
smtp_mail_parse(struct arena *a, char const *arg, unsigned int offered, struct smtp_mail *out)
{
	struct parse p = {.a = a, .mail = out};
	unsigned int utf8 = offered & EXT_SMTPUTF8 ? SMTP_PATH_UTF8 : 0;
	memset(out, 0, sizeof *out);
	char const *s = skip_word(arg, "FROM:");
	if (!s || !*s)
		return syntax_from;
	s = smtp_path_parse(a, s, SMTP_PATH_NULL | utf8, &out->from);
	if (!s || (*s && !ascii_isblank(*s)))
		return bad_sender;
	char const *error = parse_params(&p, mail_params, offered, s);
	if (error)
		return error;
	if (out->body == BODY_BINARYMIME && !(offered & EXT_BINARYMIME))
		return bad_value;
	if (offered & EXT_SMTPUTF8_IMPLIED)
		out->smtputf8 |= out->from.utf8;
	return out->from.utf8 && !out->smtputf8 ? needs_utf8 : 0;
}

char const *
smtp_rcpt_parse(struct arena *a, char const *arg, unsigned int offered, int smtputf8,
    struct smtp_rcpt *out)
{
	struct parse p = {.a = a, .rcpt = out};
	memset(out, 0, sizeof *out);
	char const *s = skip_word(arg, "TO:");
	if (!s || !*s)
		return syntax_to;
	unsigned int utf8 = offered & EXT_SMTPUTF8 ? SMTP_PATH_UTF8 : 0;
	s = smtp_path_parse(a, s, SMTP_PATH_POSTMASTER | utf8, &out->to);
	if (!s || (*s && !ascii_isblank(*s)))
		return bad_rcpt;
	char const *error = parse_params(&p, rcpt_params, offered, s);
	if (error)
		return error;
	return out->to.utf8 && !smtputf8 && !(offered & EXT_SMTPUTF8_IMPLIED) ? needs_utf8 : 0;
}
