#include "mda-local/sieve-spam.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <skalibs/strerr.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/header.h"
#include "lib/sa.h"
#include "sieve/regex.h"

/* ---- settings ---- */

/* "Field" or "Field: regular expression". */
static int
take_field(char *value, char const **name, char const **regex)
{
	struct sieve_regex re;
	char const *error;
	*name = value;
	*regex = 0;
	char *const colon = strchr(value, ':');
	if (!colon)
		return 0;
	*colon = 0;
	*regex = colon + 1 + strspn(colon + 1, " \t");
	if (regex_compile(&re, *regex, strlen(*regex), 1, &error) < 0)
		return -1;
	regex_free(&re);
	return 0;
}

static int
take_number(char const *s, double *to)
{
	char *end;
	*to = strtod(s, &end);
	return end == s || *end || !(*to > 0) ? -1 : 0;
}

static int
take_type(struct spam_test *t, char const *s)
{
	static char const *const names[] = {"score", "strlen", "text"};
	for (unsigned int i = 0; i < 3; i++)
		if (!strcasecmp(s, names[i])) {
			t->type = (enum spam_type)i;
			return 0;
		}
	return -1;
}

/* "name = value", the name as in Dovecot's configuration, with or without its prefix. */
static int
take(struct spam_test *t, char *line)
{
	static char const *const prefixes[] = {"sieve_spamtest_", "sieve_virustest_"};
	char *value = line + strcspn(line, " \t=");
	if (*value)
		*value++ = 0;
	value += strspn(value, " \t=");
	for (size_t i = 0; i < 2; i++)
		if (!strncmp(line, prefixes[i], strlen(prefixes[i])))
			line += strlen(prefixes[i]);
	if (!strcmp(line, "status_type"))
		return take_type(t, value);
	if (!strcmp(line, "status_header"))
		return take_field(value, &t->status, &t->status_regex);
	if (!strcmp(line, "max_header"))
		return take_field(value, &t->max, &t->max_regex);
	if (!strcmp(line, "max_value"))
		return take_number(value, &t->max_value);
	if (strncmp(line, "text_value", 10) || !ascii_isdigit(line[10]))
		return -1;
	long const n = strtol(line + 10, 0, 10);
	if (n >= SPAM_TEXTS)
		return -1;
	t->text[n] = value;
	return 0;
}

static void
one_setting(struct spam_test *t, char const *name, stralloc *all, unsigned int count)
{
	char *s = all->s;
	*t = (struct spam_test){.lines = count};
	if (count > SPAM_LINES_MAX)
		strerr_dief3x(100, "etc/", name, ": too many lines");
	for (unsigned int i = 0; i < count; i++) {
		size_t const len = strlen(s) + 1;
		t->line[i] = xstrdup(s);
		if (take(t, s) < 0)
			strerr_dief5x(100, "etc/", name, ": \"", t->line[i], "\"");
		s += len;
	}
}

void
spam_settings(struct spam_test *spam, struct spam_test *virus)
{
	/* They live until exit; that they are read again for a connection is rare and small. */
	stralloc a = STRALLOC_ZERO, b = STRALLOC_ZERO;
	unsigned int n = conf_lines("sieve-spamtest", &a);
	one_setting(spam, "sieve-spamtest", &a, n);
	n = conf_lines("sieve-virustest", &b);
	one_setting(virus, "sieve-virustest", &b, n);
}

/* ---- verdicts ---- */

/* The field's text, or what group `group` of the expression finds in it (0 and no group: all that
 * it finds), in out: 1, 0 there is none. */
static int
find_text(stralloc *out, char const *header, size_t n, char const *name, char const *regex,
    unsigned int group)
{
	struct header_field f;
	struct sieve_regex re;
	struct regex_span span[3];
	char const *error;
	out->len = 0;
	if (!name || !header_find(header, n, name, &f))
		return 0;
	header_unfold(out, &f);
	char const *s = sa_str(out); /* of an empty field, too */
	size_t len = out->len;
	ascii_trim(&s, &len);
	if (regex && !regex_compile(&re, regex, strlen(regex), 1, &error)) {
		int const found = regex_match(&re, s, len, span, 3);
		unsigned int const k = re.groups < group ? re.groups : group;
		regex_free(&re);
		if (found != 1 || span[k].from == SIZE_MAX)
			return 0;
		s += span[k].from;
		len = span[k].to - span[k].from;
	}
	char *const copy = xstrndup(s, len);
	sa_copys(out, copy);
	free(copy);
	return 1;
}

static int
find_number(char const *header, size_t n, char const *name, char const *regex, unsigned int group,
    double *to)
{
	stralloc s = STRALLOC_ZERO;
	char *end = 0;
	int ok = find_text(&s, header, n, name, regex, group);
	if (ok) {
		*to = strtod(sa_str(&s), &end);
		ok = end != s.s && *to == *to;
	}
	stralloc_free(&s);
	return ok;
}

static void
set_value(double ratio, unsigned int scale, unsigned int *value)
{
	ratio = ratio < 0 ? 0 : ratio > 1 ? 1 : ratio;
	/* A ratio of two decimals must not come out below itself. */
	*value = scale == 100 ? (unsigned int)(ratio * 100 + 1e-9)
			      : 1 + (unsigned int)(ratio * (scale - 1) + 1e-9);
}

/* What filters write when nobody has told them otherwise. */
static struct {
	char const *field, *regex;
	double max; /* 0: the regular expression's second group */
} const usual_fields[] = {
    {"X-Spamd-Result", "\\[(-?[0-9.]+) / (-?[0-9.]+)\\]", 0},
    {"X-Spam-Status", "score=(-?[0-9.]+) required=(-?[0-9.]+)", 0},
    {"X-Spam-Score", "(-?[0-9.]+)", 15},
};

static int
usual_value(char const *header, size_t n, unsigned int scale, unsigned int *value)
{
	for (size_t i = 0; i < sizeof usual_fields / sizeof *usual_fields; i++) {
		char const *const field = usual_fields[i].field, *const regex =
								     usual_fields[i].regex;
		double score, max = usual_fields[i].max;
		if (!find_number(header, n, field, regex, 1, &score) ||
		    (max == 0 && !find_number(header, n, field, regex, 2, &max)) || !(max > 0))
			continue;
		set_value(score / max, scale, value);
		return 1;
	}
	return 0;
}

static int
text_value(struct spam_test const *t, char const *s, unsigned int scale, unsigned int *value)
{
	for (unsigned int i = 0; i < SPAM_TEXTS; i++)
		if (t->text[i] && !strcmp(s, t->text[i])) {
			if (!i)
				return 0;
			*value = scale == 100 ? (i - 1) * 100 / 9 : i > scale ? scale : i;
			return 1;
		}
	return 0;
}

int
spam_value(struct spam_test const *t, char const *header, size_t n, int usual, unsigned int scale,
    unsigned int *value)
{
	stralloc s = STRALLOC_ZERO;
	double score = 0, max = t->max_value;
	int known = 0;
	if (!t->status)
		return usual ? usual_value(header, n, scale, value) : 0;
	if (t->type != SPAM_SCORE)
		known = find_text(&s, header, n, t->status, t->status_regex, 1);
	if (t->type == SPAM_TEXT)
		known = known && text_value(t, sa_str(&s), scale, value);
	else {
		score = (double)s.len;
		if (t->type == SPAM_SCORE)
			known = find_number(header, n, t->status, t->status_regex, 1, &score);
		if (t->max)
			known = known && find_number(header, n, t->max, t->max_regex, 1, &max);
		known = known && max > 0;
		if (known)
			set_value(score / max, scale, value);
	}
	stralloc_free(&s);
	return known;
}
