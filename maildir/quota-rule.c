/* The rules of a quota, as Dovecot writes them. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/sa.h"
#include "maildir/quota-number.h"
#include "maildir/quota.h"

#define VARIABLE "QUOTA_RULE"

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* ---- numbers ---- */

int
quota_number(char const **s, uint64_t *v)
{
	char const *p = *s;
	for (*v = 0; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(*v, 10, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(*p - '0'), v))
			return 0;
	int any = p > *s;
	*s = p;
	return any;
}

/* 10K, 5M, 2G, 1T: powers of 1024; a number alone is in `unit`. */
static int
size_with_unit(char const **s, uint64_t unit, uint64_t *v)
{
	static char const units[] = "BKMGT";
	if (!quota_number(s, v))
		return 0;
	char const *u = **s ? strchr(units, **s & ~32) : 0;
	if (u) {
		unit = (uint64_t)1 << (10 * (u - units));
		(*s)++;
	}
	return !__builtin_mul_overflow(*v, unit, v) && *v <= INT64_MAX;
}

/* ---- reading ---- */

/* One limit behind its "=". percent null: only a plain number will do. */
static int
parse_limit(char const **s, uint64_t unit, int64_t *limit, int *percent)
{
	uint64_t v;
	int const minus = **s == '-';
	if (minus || **s == '+') {
		if (!percent)
			return 0;
		(*s)++;
	}
	char const *digits = *s;
	if (!quota_number(s, &v))
		return 0;
	int const share = **s == '%';
	if (share) {
		if (!percent || v > INT_MAX || (minus && v >= 100))
			return 0;
		*percent = minus ? -(int)v : (int)v;
		(*s)++;
		return 1;
	}
	*s = digits;
	if (!size_with_unit(s, unit, &v))
		return 0;
	*limit = minus ? -(int64_t)v : (int64_t)v;
	if (percent)
		*percent = 0;
	return 1;
}

/* Limits up to the end; relative: of one folder, they may have a sign and be percents. */
static int
parse_limits(char const *s, struct quota_rule *r, int relative)
{
	int *const bytes_percent = relative ? &r->bytes_percent : 0;
	int *const count_percent = relative ? &r->count_percent : 0;
	for (int ok; *s; s++) {
		if (!strncmp(s, "bytes=", 6))
			s += 6, ok = parse_limit(&s, 1, &r->bytes, bytes_percent);
		else if (!strncmp(s, "storage=", 8))
			s += 8, ok = parse_limit(&s, 1024, &r->bytes, bytes_percent);
		else if (!strncmp(s, "messages=", 9))
			s += 9, ok = parse_limit(&s, 1, &r->count, count_percent);
		else
			return 0;
		if (!ok || (*s && *s != ':'))
			return 0;
		if (!*s)
			break;
	}
	return 1;
}

/* The limit of all folders. force: also where maildirsize has one. */
static int
set_default(struct quota *q, char const *limits, int force)
{
	struct quota_rule r = {.bytes = (int64_t)q->bytes_max, .count = (int64_t)q->count_max};
	if (!strcmp(limits, "ignore"))
		r.bytes = r.count = 0;
	else if (!*limits || !parse_limits(limits, &r, 0))
		return invalid();
	q->bytes_max = (uint64_t)r.bytes;
	q->count_max = (uint64_t)r.count;
	q->given |= force;
	return 0;
}

/* The rule with this mask, or a new one; null: there are too many. */
static struct quota_rule *
rule_of_mask(struct quota *q, char const *mask, size_t len)
{
	for (size_t i = 0; i < q->rules; i++)
		if (q->rule[i].len == len && !memcmp(q->rule[i].mask, mask, len))
			return &q->rule[i];
	if (q->rules == MAILDIR_QUOTA_RULES)
		return 0;
	q->rule[q->rules] = (struct quota_rule){.mask = mask, .len = len};
	return &q->rule[q->rules];
}

int
quota_rule(struct quota *q, char const *rule)
{
	char const *colon = strchr(rule, ':');
	size_t const len = colon ? (size_t)(colon - rule) : 0;
	if (!len)
		return invalid();
	if (len == 1 && (*rule == '*' || *rule == '?'))
		return set_default(q, colon + 1, *rule == '*');
	struct quota_rule *r = rule_of_mask(q, rule, len), was;
	if (!r)
		return invalid();
	was = *r;
	if (!strcmp(colon + 1, "ignore"))
		r->ignore = 1;
	else if (!parse_limits(colon + 1, r, 1)) {
		*r = was;
		return invalid();
	}
	q->rules += r == &q->rule[q->rules];
	return 0;
}

int
quota_rules(struct quota *q, char const *text)
{
	int r = 0;
	/* The rule alone is read from a copy; its mask stays in the text. */
	for (char const *s = text, *end; s && *s && !r; s = *end ? end + 1 : end) {
		char rule[MAILDIR_QUOTA_RULE + 1];
		size_t const n = strcspn(s, "\n"), before = q->rules;
		end = s + n;
		if (!n)
			continue;
		if (n > MAILDIR_QUOTA_RULE)
			return invalid();
		memcpy(rule, s, n);
		rule[n] = 0;
		r = quota_rule(q, rule);
		if (q->rules > before)
			q->rule[before].mask = s;
	}
	return r;
}

int
quota_rules_environment(struct quota *q, char const **bad)
{
	char name[sizeof VARIABLE + 10];
	for (int i = 1; i <= MAILDIR_QUOTA_RULES; i++) {
		snprintf(name, sizeof name, i > 1 ? VARIABLE "%d" : VARIABLE, i);
		*bad = getenv(name);
		if (*bad && **bad && quota_rule(q, *bad) < 0)
			return -1;
	}
	return 0;
}

int
quota_size(char const *text, uint64_t *size, unsigned int *percent)
{
	struct quota_rule r = {.bytes = 0};
	if (!parse_limit(&text, 1, &r.bytes, &r.bytes_percent) || *text || r.bytes < 0 ||
	    r.bytes_percent < 0)
		return invalid();
	*size = (uint64_t)r.bytes;
	*percent = (unsigned int)r.bytes_percent;
	return 0;
}

/* ---- what they say of a folder ---- */

/* "*" any run of octets, "?" any one; Dovecot's '/' between folders is ours on the disk. */
static int
fits_mask(char const *mask, char const *end, char const *name)
{
	for (; mask < end; mask++, name++) {
		if (*mask == '*') {
			for (;; name++)
				if (fits_mask(mask + 1, end, name))
					return 1;
				else if (!*name)
					return 0;
		}
		if (!*name || (*mask != '?' && *mask != *name && !(*mask == '/' && *name == '.')))
			return 0;
	}
	return !*name;
}

/* INBOX is meant however it is written; other names as they are, also behind the prefix "INBOX."
 * under which clients may see them. */
static int
is_meant(struct quota_rule const *r, char const *name)
{
	char const *const mask = r->mask, *const end = mask + r->len;
	if (r->len == 5 && !strncasecmp(mask, "INBOX", 5))
		return !strcmp(name, "INBOX");
	return fits_mask(mask, end, name) ||
	       (r->len > 6 && !strncasecmp(mask, "INBOX", 5) && strchr("./", mask[5]) &&
		   fits_mask(mask + 6, end, name));
}

static struct quota_rule const *
rule_of(struct quota const *q, char const *dir)
{
	struct quota_rule const *found = 0;
	stralloc name = STRALLOC_ZERO;
	struct maildir_tree const t = TREE_DEFAULT(q->root);
	char const *entry = dir ? strrchr(dir, '/') : 0;
	if (!q->rules || !dir)
		return 0;
	entry = entry ? entry + 1 : dir;
	if (!strcmp(dir, q->root) || !strcmp(entry, "."))
		sa_cats(&name, "INBOX");
	else if (*entry != '.' || tree_client_name(&t, entry + 1, strlen(entry + 1), &name) < 0)
		sa_cats(&name, entry);
	sa_str(&name);
	for (size_t i = 0; i < q->rules && !found; i++)
		if (is_meant(&q->rule[i], name.s))
			found = &q->rule[i];
	stralloc_free(&name);
	return found;
}

int
quota_counts(struct quota const *q, char const *dir)
{
	struct quota_rule const *const r = rule_of(q, dir);
	return !r || !r->ignore;
}

struct quota *
quota_of(struct quota *q, struct maildir_tree const *t, char const *name)
{
	stralloc dir = STRALLOC_ZERO;
	int const counts =
	    !q->rules || tree_dir(t, name, &dir) != 1 || quota_counts(q, sa_str(&dir));
	stralloc_free(&dir);
	return counts ? q : 0;
}

static uint64_t
part(uint64_t of, unsigned int percent)
{
	return of / 100 * percent + of % 100 * percent / 100;
}

/* The limit with a rule's share. What a rule has taken away whole leaves room for nothing. */
static uint64_t
with_rule(uint64_t max, int64_t by, int percent)
{
	int64_t sum = (int64_t)max;
	if (percent)
		by = percent < 0 ? -(int64_t)part(max, (unsigned int)-percent)
				 : (int64_t)part(max, (unsigned int)percent);
	if (!max && !by)
		return UINT64_MAX;
	if (__builtin_add_overflow(sum, by, &sum))
		return UINT64_MAX;
	return sum < 0 ? 0 : (uint64_t)sum;
}

void
quota_limits(struct quota const *q, char const *dir, uint64_t *bytes, uint64_t *count)
{
	static struct quota_rule const none;
	struct quota_rule const *r = q->bytes_max || q->count_max ? rule_of(q, dir) : 0;
	if (!r)
		r = &none;
	*bytes = r->ignore ? UINT64_MAX : with_rule(q->bytes_max, r->bytes, r->bytes_percent);
	*count = r->ignore ? UINT64_MAX : with_rule(q->count_max, r->count, r->count_percent);
}

uint64_t
quota_grace_of(struct quota const *q)
{
	return q->grace + part(q->bytes_max, q->grace_percent);
}

int
quota_reaches(uint64_t max, unsigned int percent, uint64_t before, uint64_t after)
{
	uint64_t const mark = max / 100 * percent + (max % 100 * percent + 99) / 100;
	return max && before < mark && after >= mark;
}
