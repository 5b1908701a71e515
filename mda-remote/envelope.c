#include "mda-remote/envelope.h"

#include <stdio.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/id.h"
#include "lib/sa.h"

/* The first line is the version: another grammar gets another number. */
#define MAGIC "postern-spool 1\n"

void
envelope_sizes(char text[static ENVELOPE_SIZES_LEN + 1], struct envelope const *e)
{
	snprintf(text, ENVELOPE_SIZES_LEN + 1, "l %020llu\ns %020llu\nc %c\nt %c\nk %08x\n",
	    (unsigned long long)e->length, (unsigned long long)e->mail.size,
	    e->eightbit ? '8' : '7', e->tls_optional ? 'n' : '-', e->sum);
}

int
envelope_text_valid(char const *s)
{
	size_t n = 0;
	while ((unsigned char)s[n] >= ' ' && s[n] != 127)
		n++;
	return n && n <= ENVELOPE_TEXT_MAX && !s[n];
}

int64_t
envelope_begin(struct envelope const *e)
{
	int64_t const release = e->released ? 0 : e->mail.release;
	return release > e->arrival ? release : e->arrival;
}

int
envelope_future(struct envelope const *e, int64_t now)
{
	return !e->released && e->mail.release > now;
}

int
envelope_too_late(struct envelope const *e, int64_t now)
{
	return e->mail.by_mode == BY_RETURN && now >= e->mail.by;
}

unsigned int
envelope_waiting(struct envelope const *e)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < e->count; i++)
		n += e->rcpt[i].state == RCPT_WAITING;
	return n;
}

static void
format_rcpt(stralloc *out, struct envelope_rcpt *r)
{
	r->at = out->len + 2;
	sa_catf(out, "r %c%c %u %s %s\n", r->state, r->delay, r->rcpt.notify,
	    r->rcpt.orcpt ? r->rcpt.orcpt : "-", r->rcpt.to.text);
}

void
envelope_format(stralloc *out, struct envelope *e)
{
	char sizes[ENVELOPE_SIZES_LEN + 1];
	envelope_sizes(sizes, e);
	sa_copys(out, MAGIC);
	sa_cats(out, sizes);
	sa_catf(out, "i %s\na %lld\nx %lld\nf %s\n", e->id, (long long)e->arrival,
	    (long long)e->expiry, e->mail.from.text);
	sa_catf(out, "b %d\n", (int)e->mail.body);
	if (e->mail.smtputf8)
		sa_cats(out, "u\n");
	if (e->mail.requiretls)
		sa_cats(out, "q\n");
	if (e->mail.ret != RET_UNSET)
		sa_catf(out, "R %d\n", (int)e->mail.ret);
	if (e->mail.envid)
		sa_catf(out, "e %s\n", e->mail.envid);
	if (e->mail.login)
		sa_catf(out, "L %s\n", e->mail.login);
	if (e->hold)
		sa_catf(out, "H %s\n", e->hold);
	if (e->mail.release) {
		e->release_at = out->len + 2;
		sa_catf(out, "W %c %lld %s\n", RELEASE_WAITS, (long long)e->mail.release,
		    e->mail.future);
	}
	if (e->mail.by_mode)
		sa_catf(out, "B %lld %c%s\n", (long long)e->mail.by, e->mail.by_mode,
		    e->mail.by_trace ? "T" : "");
	for (unsigned int i = 0; i < e->count; i++)
		format_rcpt(out, e->rcpt + i);
	sa_append(out, '\n');
	e->offset = out->len;
}

/* ---- reading ---- */

struct parse {
	struct arena *a;
	struct envelope *e;
	unsigned int room; /* of e->rcpt */
	unsigned int seen; /* bit per row of the table below */
	uint64_t value_at; /* where the value stands in the file */
};

static int
scan_number(char const *s, uint64_t *n)
{
	size_t len = uint64_scan(s, n);
	return len && !s[len] ? 0 : -1;
}

static int
scan_path(struct parse *p, char const *s, struct smtp_path *path)
{
	if (*s)
		return smtp_path_set(p->a, s, path);
	path->text = path->local = path->domain = "";
	path->utf8 = 0;
	return 0;
}

static int
read_length(struct parse *p, char *s)
{
	return scan_number(s, &p->e->length);
}

static int
read_size(struct parse *p, char *s)
{
	return scan_number(s, &p->e->mail.size);
}

static int
read_content(struct parse *p, char *s)
{
	p->e->eightbit = *s == '8';
	return (*s == '7' || *s == '8') && !s[1] ? 0 : -1;
}

static int
read_tls_required(struct parse *p, char *s)
{
	p->e->tls_optional = *s == 'n';
	return (*s == 'n' || *s == '-') && !s[1] ? 0 : -1;
}

static int
read_sum(struct parse *p, char *s)
{
	p->e->summed = 1;
	return uint32_xscan(s, &p->e->sum) == 8 && !s[8] ? 0 : -1;
}

static int
read_id(struct parse *p, char *s)
{
	p->e->id = s;
	return id_valid(s) ? 0 : -1;
}

static int
read_time(char const *s, int64_t *t)
{
	uint64_t n;
	if (scan_number(s, &n) < 0 || n > ENVELOPE_TIME_MAX)
		return -1;
	*t = (int64_t)n;
	return 0;
}

static int
read_arrival(struct parse *p, char *s)
{
	return read_time(s, &p->e->arrival);
}

static int
read_expiry(struct parse *p, char *s)
{
	return read_time(s, &p->e->expiry);
}

static int
read_from(struct parse *p, char *s)
{
	return scan_path(p, s, &p->e->mail.from);
}

static int
read_body(struct parse *p, char *s)
{
	p->e->mail.body = (enum smtp_body)(*s - '0');
	return *s >= '0' && *s <= '2' && !s[1] ? 0 : -1;
}

static int
read_smtputf8(struct parse *p, char *s)
{
	p->e->mail.smtputf8 = 1;
	return *s ? -1 : 0;
}

static int
read_requiretls(struct parse *p, char *s)
{
	p->e->mail.requiretls = 1;
	return *s ? -1 : 0;
}

static int
read_ret(struct parse *p, char *s)
{
	p->e->mail.ret = (enum smtp_ret)(*s - '0');
	return (*s == '1' || *s == '2') && !s[1] ? 0 : -1;
}

static int
read_envid(struct parse *p, char *s)
{
	p->e->mail.envid = s;
	return *s ? 0 : -1;
}

static int
read_login(struct parse *p, char *s)
{
	p->e->mail.login = s;
	return envelope_text_valid(s) ? 0 : -1;
}

static int
read_hold(struct parse *p, char *s)
{
	p->e->hold = s;
	return envelope_text_valid(s) ? 0 : -1;
}

/* "- 1797324000 for;3600" */
static int
read_release(struct parse *p, char *s)
{
	char *end = s[0] && s[1] == ' ' ? strchr(s + 2, ' ') : 0;
	if ((s[0] != RELEASE_WAITS && s[0] != RELEASE_NOW) || !end)
		return -1;
	*end = 0;
	p->e->release_at = p->value_at;
	p->e->released = s[0] == RELEASE_NOW;
	p->e->mail.future = end + 1;
	return read_time(s + 2, &p->e->mail.release) < 0 || !p->e->mail.release ||
		       !envelope_text_valid(end + 1)
		   ? -1
		   : 0;
}

/* "1797324000 RT" */
static int
read_by(struct parse *p, char *s)
{
	struct smtp_mail *m = &p->e->mail;
	char *mode = strchr(s, ' ');
	if (!mode)
		return -1;
	*mode++ = 0;
	m->by_mode = *mode;
	m->by_trace = *mode && mode[1] == 'T';
	return (*mode != BY_NOTIFY && *mode != BY_RETURN) || mode[1 + m->by_trace] ||
		       read_time(s, &m->by) < 0
		   ? -1
		   : 0;
}

static struct envelope_rcpt *
new_rcpt(struct parse *p)
{
	struct envelope *e = p->e;
	if (e->count == p->room) {
		p->room = p->room ? p->room * 2 : 4;
		struct envelope_rcpt *more = arena_alloc(p->a, p->room * sizeof *more);
		if (e->count)
			memcpy(more, e->rcpt, e->count * sizeof *more);
		e->rcpt = more;
	}
	struct envelope_rcpt *r = e->rcpt + e->count++;
	memset(r, 0, sizeof *r);
	return r;
}

/* "w- 12 rfc822;xtext address" */
static int
read_rcpt(struct parse *p, char *s)
{
	struct envelope_rcpt *r = new_rcpt(p);
	r->at = p->value_at;
	r->state = s[0];
	if (!s[0] || !strchr("wdsfF", s[0]) ||
	    (s[1] != DELAY_UNTOLD && s[1] != DELAY_TOLD && s[1] != DELAY_BY_TOLD) || s[2] != ' ')
		return -1;
	r->delay = s[1];
	s += 3;
	size_t n = uint_scan(s, &r->rcpt.notify);
	if (!n || r->rcpt.notify > 15 || s[n] != ' ')
		return -1;
	char *orcpt = s + n + 1;
	char *address = strchr(orcpt, ' ');
	if (!address)
		return -1;
	*address++ = 0;
	if (strcmp(orcpt, "-"))
		r->rcpt.orcpt = orcpt;
	return smtp_path_set(p->a, address, &r->rcpt.to);
}

static struct {
	char letter;
	int needed, many;
	int (*fn)(struct parse *p, char *value);
} const records[] = {
    {'l', 1, 0, read_length},	    /* bytes of the message in this file */
    {'s', 1, 0, read_size},	    /* octets of the message on the wire */
    {'c', 1, 0, read_content},	    /* 7 or 8: the message's octets */
    {'t', 0, 0, read_tls_required}, /* the header's TLS-Required: n, or - */
    {'k', 0, 0, read_sum},	    /* CRC-32C of what follows the line */
    {'i', 1, 0, read_id},	    /* the message's id */
    {'a', 1, 0, read_arrival},	    /* seconds since 1970 */
    {'x', 1, 0, read_expiry},	    /* no attempt after this */
    {'f', 1, 0, read_from},	    /* sender, empty: <> */
    {'b', 1, 0, read_body},	    /* BODY=: enum smtp_body */
    {'u', 0, 0, read_smtputf8},	    /* SMTPUTF8 was asked for */
    {'q', 0, 0, read_requiretls},   /* REQUIRETLS was asked for */
    {'R', 0, 0, read_ret},	    /* RET=: enum smtp_ret */
    {'e', 0, 0, read_envid},	    /* ENVID=, xtext */
    {'L', 0, 0, read_login},	    /* who handed it in, where that is known */
    {'H', 0, 0, read_hold},	    /* why it was held from the start */
    {'W', 0, 0, read_release},	    /* not before, and how that was asked for */
    {'B', 0, 0, read_by},	    /* BY=: deliver by, mode and trace */
    {'r', 1, 1, read_rcpt},	    /* a recipient */
};
#define RECORDS (sizeof records / sizeof *records)

static char const *
read_line(struct parse *p, char *line, size_t n, uint64_t at)
{
	if (memchr(line, 0, n) || (n > 1 && line[1] != ' '))
		return "malformed envelope line";
	for (unsigned int i = 0; i < RECORDS; i++) {
		if (records[i].letter != line[0])
			continue;
		if ((p->seen & (1u << i)) && !records[i].many)
			return "envelope record given twice";
		p->seen |= 1u << i;
		p->value_at = at + 2;
		return records[i].fn(p, n > 1 ? line + 2 : line + 1) < 0
			   ? "bad value in the envelope"
			   : 0;
	}
	return "unknown envelope record";
}

static char const *
missing(struct parse const *p)
{
	for (unsigned int i = 0; i < RECORDS; i++)
		if (records[i].needed && !(p->seen & (1u << i)))
			return "envelope record missing";
	return 0;
}

int
envelope_parse(struct arena *a, char const *s, size_t n, struct envelope *e, char const **reason)
{
	struct parse p = {.a = a, .e = e};
	size_t i = strlen(MAGIC);
	memset(e, 0, sizeof *e);
	*reason = "not a spool file of version 1";
	if (n < i)
		return memcmp(s, MAGIC, n) ? -1 : 0;
	if (memcmp(s, MAGIC, i))
		return -1;
	for (;;) {
		char const *lf = memchr(s + i, '\n', n - i);
		if (!lf)
			return 0;
		size_t len = (size_t)(lf - s) - i;
		if (!len)
			break;
		*reason = read_line(&p, arena_strndup(a, s + i, len), len, i);
		if (*reason)
			return -1;
		i += len + 1;
	}
	e->offset = i + 1;
	*reason = missing(&p);
	return *reason ? -1 : 1;
}
