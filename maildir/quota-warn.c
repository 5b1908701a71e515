#include "maildir/quota-warn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/fnv.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "maildir/deliver.h"
#include "maildir/quota-number.h"

#define PERCENT_MAX 1000

static char const standard[] =
    "From: Postmaster <postmaster@{domain}>\n"
    "To: {user}\n"
    "Subject: Your mailbox is {percent} % full\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "\n"
    "Your mailbox {user} is more than {percent} % full:\n"
    "{use}.\n"
    "\n"
    "When it is full, new messages are refused until you have removed others.\n";

/* ---- settings ---- */

/* The text of etc/quota-warning; what was read last is kept. */
static stralloc text;

static void
bad(char const *name, char const *value)
{
	strerr_dief5x(100, "etc/", name, ": bad value \"", value, "\"");
}

static int
ascending(void const *a, void const *b)
{
	unsigned int const x = *(unsigned int const *)a, y = *(unsigned int const *)b;
	return (x > y) - (x < y);
}

static void
read_percents(struct quota *q, char const *value)
{
	for (char const *s = value; *s; s += strspn(s, " \t,")) {
		unsigned int percent;
		size_t const n = uint_scan(s, &percent);
		s += n;
		if (!n || !percent || percent > PERCENT_MAX || (*s && !strchr(" \t,%", *s)) ||
		    q->watch_count == MAILDIR_QUOTA_WARNINGS)
			bad("quota-warnings", value);
		s += *s == '%';
		q->watched[q->watch_count++] = percent;
	}
	qsort(q->watched, q->watch_count, sizeof *q->watched, ascending);
}

void
quota_settings(struct quota *q)
{
	stralloc value = STRALLOC_ZERO;
	if (conf_line("quota-grace", &value) &&
	    quota_size(value.s, &q->grace, &q->grace_percent) < 0)
		bad("quota-grace", value.s);
	if (conf_line("quota-warnings", &value)) {
		read_percents(q, value.s);
		conf_me();
		if (!conf_text("quota-warning", &text))
			sa_copys(&text, standard);
		if (text.len > MAILDIR_QUOTA_TEXT)
			strerr_dief1x(100, "etc/quota-warning is too long");
		q->text = fnv64(FNV64_BEGIN, text.s, text.len);
	}
	stralloc_free(&value);
}

/* ---- the message ---- */

static void
put_octets(stralloc *out, uint64_t n)
{
	if (n < 1000000000)
		sa_catf(out, "%llu.%llu MB", (unsigned long long)n / 1000000,
		    (unsigned long long)n / 100000 % 10);
	else
		sa_catf(out, "%llu.%02llu GB", (unsigned long long)n / 1000000000,
		    (unsigned long long)n / 10000000 % 100);
}

/* "80.1 MB of 100.0 MB, 20 of 1000 messages" */
static void
put_use(stralloc *out, struct quota const *q)
{
	if (q->bytes_max) {
		put_octets(out, q->bytes);
		sa_cats(out, " of ");
		put_octets(out, q->bytes_max);
	}
	if (q->count_max)
		sa_catf(out, "%s%llu of %llu messages", q->bytes_max ? ", " : "",
		    (unsigned long long)q->count, (unsigned long long)q->count_max);
}

/* What stands between braces; what is none of these stays as it is. */
static int
put_variable(stralloc *out, char const *name, size_t len, struct quota const *q, char const *user)
{
	static char const *const names[] = {"me", "user", "domain", "percent", "use"};
	enum { ME, USER, DOMAIN, PERCENT, USE, NONE } which = ME;
	char const *at = strrchr(user, '@');
	while (which < NONE && (strlen(names[which]) != len || memcmp(names[which], name, len)))
		which++;
	switch (which) {
	case ME:
		sa_cats(out, conf_me());
		return 1;
	case USER:
		sa_cats(out, user);
		return 1;
	case DOMAIN:
		sa_cats(out, at ? at + 1 : conf_me());
		return 1;
	case PERCENT:
		sa_catnum(out, q->reached);
		return 1;
	case USE:
		put_use(out, q);
		return 1;
	case NONE:
		break;
	}
	return 0;
}

static void
put_text(stralloc *out, struct quota const *q, char const *user)
{
	for (size_t i = 0; i < text.len; i++) {
		char const *s = text.s + i, *end = *s == '{' ? memchr(s, '}', text.len - i) : 0;
		if (end && put_variable(out, s + 1, (size_t)(end - s) - 1, q, user))
			i += (size_t)(end - s);
		else
			sa_append(out, *s);
	}
	if (text.len && text.s[text.len - 1] != '\n')
		sa_append(out, '\n');
}

static void
put_message(stralloc *out, struct quota const *q, char const *user)
{
	char id[ID_MAX + 1];
	time_t const now = time(0);
	id_new(id);
	sa_catf(out, "Return-Path: <>\nDelivered-To: %s\nDate: ", user);
	date_rfc5322(out, now, date_local_zone(now));
	/* RFC 3834 section 5: nothing is to answer this. */
	sa_catf(out, "\nMessage-ID: <%s@%s>\nAuto-Submitted: auto-generated\n", id, conf_me());
	put_text(out, q, user);
}

static int
deliver(struct quota const *q, char const *user, uint64_t *size)
{
	struct delivery d = DELIVERY_ZERO;
	struct delivery_copy copy = {.dir = q->root};
	stralloc message = STRALLOC_ZERO;
	put_message(&message, q, user);
	*size = message.len;
	int r = delivery_begin(&d, q->root);
	if (!r)
		r = delivery_write(&d, message.s, message.len);
	if (!r)
		r = delivery_commit(&d, &copy, 1, 0);
	int e = errno;
	delivery_abort(&d);
	stralloc_free(&message);
	errno = e;
	return r;
}

void
quota_warn(struct quota *q, char const *user)
{
	while (q->reached) {
		uint64_t size;
		log_event("quota-warning");
		log_str("user", user ? user : "");
		log_num("percent", q->reached);
		int const failed = deliver(q, user ? user : "you", &size) < 0;
		if (failed)
			log_errno("error", errno);
		log_send();
		if (failed || !quota_counts(q, q->root))
			q->reached = 0;
		else
			(void)quota_add(q, (int64_t)size, 1);
	}
}
