#include "mda-remote/tlsrpt-report.h"

#include <stdio.h>
#include <string.h>

#include "lib/conf.h"
#include "lib/json.h"
#include "lib/sa.h"
#include "mda-remote/tlsrpt.h"

/* The rows from `from` on that are of the same domain and policy: their end; the sessions that went
 * well and that failed. */
static size_t
group(struct tlsrpt_day const *d, size_t from, uint64_t *good, uint64_t *bad)
{
	size_t i = from;
	*good = *bad = 0;
	for (; i < d->rows && !strcmp(d->row[i].domain, d->row[from].domain) &&
	       !strcmp(d->row[i].policy, d->row[from].policy);
	     i++)
		*(strcmp(d->row[i].type, TLSRPT_OK) ? bad : good) += d->row[i].count;
	return i;
}

/* RFC 8460 4.4 */
static char const *
type_of(char const *policy)
{
	return strcmp(policy, "none") ? policy : "no-policy-found";
}

static int
failed(struct tlsrpt_row const *r)
{
	return strcmp(r->type, TLSRPT_OK) != 0;
}

/* ---- in words ---- */

void
tlsrpt_show(struct tlsrpt_day const *d)
{
	uint64_t good, bad;
	for (size_t i = 0, end; i < d->rows; i = end) {
		struct tlsrpt_row const *r = d->row + i;
		end = group(d, i, &good, &bad);
		if (!i || strcmp(r[-1].domain, r->domain))
			printf("%s\n", r->domain);
		printf("\t%s: %llu successful, %llu failed\n", type_of(r->policy),
		    (unsigned long long)good, (unsigned long long)bad);
		for (; r < d->row + end; r++)
			if (failed(r))
				printf("\t\t%llu %s %s %s %s %s\n", (unsigned long long)r->count,
				    r->type, r->host, r->ip, r->ours, r->reason);
	}
	if (!d->rows)
		printf("nothing on %s\n", d->name);
}

/* ---- as JSON ---- */

static void
member(stralloc *sa, char const *name, char const *value)
{
	sa_catf(sa, "\"%s\":", name);
	json_string(sa, value);
}

/* The lines of a policy as an array; mx: only the values of its mx lines. 1 if there are any. */
static int
lines(stralloc *sa, char const *name, char const *text, int mx)
{
	int n = 0;
	for (char const *s = text; *s;) {
		stralloc line = STRALLOC_ZERO;
		size_t len = strcspn(s, "|");
		size_t skip = mx ? 3 : 0;
		if (len > skip && (!mx || !strncmp(s, "mx:", 3))) {
			while (mx && skip < len && s[skip] == ' ')
				skip++;
			sa_copyb(&line, s + skip, len - skip);
			sa_catf(sa, n++ ? "," : ",\"%s\":[", name);
			json_string(sa, sa_str(&line));
		}
		stralloc_free(&line);
		s += len + (s[len] == '|');
	}
	if (n)
		sa_append(sa, ']');
	return n;
}

static void
policy_json(stralloc *sa, struct tlsrpt_day const *d, struct tlsrpt_row const *r)
{
	char const *text = "";
	for (size_t i = 0; i < d->texts; i++)
		if (!strcmp(d->text[i].domain, r->domain) && !strcmp(d->text[i].policy, r->policy))
			text = d->text[i].reason;
	sa_cats(sa, "{\"policy\":{");
	member(sa, "policy-type", type_of(r->policy));
	lines(sa, "policy-string", text, 0);
	sa_append(sa, ',');
	member(sa, "policy-domain", r->domain);
	if (!strcmp(r->policy, "sts"))
		lines(sa, "mx-host", text, 1);
	sa_append(sa, '}');
}

static void
detail_json(stralloc *sa, struct tlsrpt_row const *r)
{
	sa_append(sa, '{');
	member(sa, "result-type", r->type);
	if (strcmp(r->ours, "-")) {
		sa_append(sa, ',');
		member(sa, "sending-mta-ip", r->ours);
	}
	if (strcmp(r->host, "-")) {
		sa_append(sa, ',');
		member(sa, "receiving-mx-hostname", r->host);
	}
	if (strcmp(r->ip, "-")) {
		sa_append(sa, ',');
		member(sa, "receiving-ip", r->ip);
	}
	sa_catf(sa, ",\"failed-session-count\":%llu", (unsigned long long)r->count);
	if (*r->reason) {
		sa_append(sa, ',');
		member(sa, "failure-reason-code", r->reason);
	}
	sa_append(sa, '}');
}

static void
group_json(
    stralloc *sa, struct tlsrpt_day const *d, size_t from, size_t end, uint64_t good, uint64_t bad)
{
	int n = 0;
	policy_json(sa, d, d->row + from);
	sa_catf(sa,
	    ",\"summary\":{\"total-successful-session-count\":%llu,\"total-failure-session-count\":"
	    "%llu}",
	    (unsigned long long)good, (unsigned long long)bad);
	for (struct tlsrpt_row const *r = d->row + from; r < d->row + end; r++)
		if (failed(r)) {
			sa_cats(sa, n++ ? "," : ",\"failure-details\":[");
			detail_json(sa, r);
		}
	sa_cats(sa, n ? "]}" : "}");
}

void
tlsrpt_json(struct tlsrpt_day const *d, char const *domain)
{
	stralloc sa = STRALLOC_ZERO, id = STRALLOC_ZERO;
	uint64_t good, bad;
	sa_catf(&id, "%s.%s@%s", d->name, domain, conf_me());
	sa_append(&sa, '{');
	member(&sa, "organization-name", conf_me());
	sa_catf(&sa,
	    ",\"date-range\":{\"start-datetime\":\"%sT00:00:00Z\",\"end-datetime\":\"%sT23:59:"
	    "59Z\"},",
	    d->name, d->name);
	char const *postmaster = conf_address("postmaster");
	stralloc contact = STRALLOC_ZERO;
	if (postmaster)
		sa_cats(&contact, postmaster);
	else
		sa_catf(&contact, "postmaster@%s", conf_me());
	member(&sa, "contact-info", sa_str(&contact));
	sa_append(&sa, ',');
	member(&sa, "report-id", sa_str(&id));
	sa_cats(&sa, ",\"policies\":[");
	for (size_t i = 0, end; i < d->rows; i = end) {
		end = group(d, i, &good, &bad);
		if (i)
			sa_append(&sa, ',');
		group_json(&sa, d, i, end, good, bad);
	}
	sa_cats(&sa, "]}");
	puts(sa_str(&sa));
	stralloc_free(&sa);
	stralloc_free(&id);
	stralloc_free(&contact);
}
