/* Tests of what is around a message: folders, annotations, environment, duplicates, other programs'
 * verdicts, ways of notification. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "sieve/match.h"
#include "sieve/values.h"

/* ---- folders (RFC 5490 3, RFC 8579 3, RFC 9042 4)
 * ---------------------------------------------------- */

static int
exists(struct machine *m, char const *folder)
{
	if (!value_folder(folder, strlen(folder)))
		return 0;
	int const r = m->host->folder_exists ? m->host->folder_exists(m->host->arg, folder)
					     : !strcasecmp(folder, "INBOX");
	return r < 0 ? machine_fail_now(m, "mailboxexists") : r;
}

int
test_mailboxexists(struct machine *m, struct call const *call)
{
	char const *const *p = machine_strings(m, call, 0);
	int r = 1;
	for (; r > 0 && *p; p++)
		r = machine_steps(m, 10) < 0 ? -1 : exists(m, *p);
	return r;
}

int
test_specialuse_exists(struct machine *m, struct call const *call)
{
	char const *const folder = machine_string(m, call, 0), *const *p =
								   machine_strings(m, call, 1);
	int r = folder ? exists(m, folder) : 1;
	for (; r > 0 && *p; p++) {
		r = machine_steps(m, 10) < 0 ? -1
		    : m->host->special_use   ? m->host->special_use(m->host->arg, folder, *p, 0)
					     : 0;
		if (r < 0)
			return machine_fail_now(m, "specialuse_exists");
	}
	return r;
}

int
test_mailboxidexists(struct machine *m, struct call const *call)
{
	int r = 1;
	for (char const *const *p = machine_strings(m, call, 0); r > 0 && *p; p++) {
		r = machine_steps(m, 10) < 0 ? -1
		    : m->host->mailbox_id    ? m->host->mailbox_id(m->host->arg, *p, 0)
					     : 0;
		if (r < 0)
			return machine_fail_now(m, "mailboxidexists");
	}
	return r;
}

/* ---- annotations (RFC 5490 3.3 to 3.6)
 * ----------------------------------------------------------------- */

/* 1 and the value in a, or 0. */
static int
annotation(struct machine *m, char const *folder, char const *entry, struct text *value)
{
	stralloc out = STRALLOC_ZERO;
	int const r = machine_steps(m, 10) < 0 ? -1
		      : m->host->metadata ? m->host->metadata(m->host->arg, folder, entry, &out)
					  : 0;
	*value = (struct text){arena_strndup(m->a, out.s ? out.s : "", out.len), out.len};
	stralloc_free(&out);
	return r < 0 ? machine_fail_now(m, "metadata") : r;
}

static int
match_annotation(struct machine *m, struct call const *call, char const *folder, unsigned int entry,
    unsigned int keys)
{
	struct match match;
	struct text value;
	if (match_start(&match, m, call, keys) == 0 &&
	    annotation(m, folder, machine_string(m, call, entry), &value) > 0)
		match_value(&match, value);
	return match_end(&match);
}

static int
annotations_exist(struct machine *m, char const *folder, char const *const *entries)
{
	struct text value;
	int r = 1;
	for (; r > 0 && *entries; entries++)
		r = annotation(m, folder, *entries, &value);
	return r;
}

int
test_metadata(struct machine *m, struct call const *call)
{
	return match_annotation(m, call, machine_string(m, call, 0), 1, 2);
}

int
test_metadataexists(struct machine *m, struct call const *call)
{
	return annotations_exist(m, machine_string(m, call, 0), machine_strings(m, call, 1));
}

int
test_servermetadata(struct machine *m, struct call const *call)
{
	return match_annotation(m, call, 0, 0, 1);
}

int
test_servermetadataexists(struct machine *m, struct call const *call)
{
	return annotations_exist(m, 0, machine_strings(m, call, 0));
}

/* ---- environment (RFC 5183 4)
 * ---------------------------------------------------------------------------- */

int
test_environment(struct machine *m, struct call const *call)
{
	static struct {
		char const *name, *value;
	} const own[] = {{"name", "postern"}, {"location", "MDA"}, {"phase", "during"}};
	struct match match;
	stralloc out = STRALLOC_ZERO;
	char const *const name = machine_string(m, call, 0);
	int found = m->host->environment ? m->host->environment(m->host->arg, name, &out) : 0;
	for (unsigned int i = 0; !found && i < sizeof own / sizeof *own; i++)
		if (!strcasecmp(name, own[i].name)) {
			sa_copys(&out, own[i].value);
			found = 1;
		}
	if (found < 0)
		machine_fail_now(m, "environment");
	if (match_start(&match, m, call, 1) == 0 && found > 0)
		match_value(&match,
		    (struct text){arena_strndup(m->a, out.s ? out.s : "", out.len), out.len});
	stralloc_free(&out);
	return match_end(&match);
}

/* ---- duplicate (RFC 7352 3)
 * -------------------------------------------------------------------------------- */

/* The id of the message; a null one: there is none, so it is no duplicate. */
static struct text
unique_id(struct machine *m, struct call const *call, unsigned int header, unsigned int unique)
{
	struct text name = {"Message-ID", 10};
	if (call_has(call, unique))
		return machine_text(m, call, unique);
	if (call_has(call, header))
		name = machine_text(m, call, header);
	struct field *const f = header_first(&m->message.header, name.s, name.n);
	return f ? field_raw(&m->message, f) : (struct text){0, 0};
}

/* Ids are recorded when the run has gone well; one that this run has met is one. */
static int
met(struct machine *m, struct sieve_duplicate const *d)
{
	for (unsigned int i = 0; i < m->duplicates_count; i++) {
		struct sieve_duplicate const *const x = m->duplicates + i;
		if (x->id_len == d->id_len && !memcmp(x->id, d->id, d->id_len) &&
		    !strcmp(x->handle, d->handle))
			return 1;
	}
	return 0;
}

int
test_duplicate(struct machine *m, struct call const *call)
{
	enum { HANDLE, HEADER, UNIQUEID, SECONDS, LAST };
	struct text const id = unique_id(m, call, HEADER, UNIQUEID);
	char const *const handle = machine_string(m, call, HANDLE);
	uint64_t const seconds = call_number(call, SECONDS, SIEVE_DUPLICATE_DEFAULT);
	struct sieve_duplicate d = {
	    .handle = handle ? handle : "", .id_len = id.n, .last = call_has(call, LAST)};
	if (!id.s || !id.n)
		return 0;
	d.id = arena_strndup(m->a, id.s, id.n);
	d.seconds = seconds < SIEVE_DUPLICATE_MAX ? seconds : SIEVE_DUPLICATE_MAX;
	int const r = m->host->duplicate ? m->host->duplicate(m->host->arg, &d) : 0;
	if (r < 0)
		return machine_fail_now(m, "duplicate");
	/* RFC 7352 3.1: a time that counts from the first is not begun anew. */
	if (met(m, &d) || (r && !d.last))
		return r;
	if (m->duplicates_count == SIEVE_DUPLICATES_MAX)
		return machine_fail(
		    m, "too many duplicate tests: the limit is %d", SIEVE_DUPLICATES_MAX);
	if (!m->duplicates)
		m->duplicates = arena_alloc(m->a, SIEVE_DUPLICATES_MAX * sizeof *m->duplicates);
	m->duplicates[m->duplicates_count++] = d;
	return r;
}

/* ---- spamtest, virustest (RFC 5235 2)
 * ------------------------------------------------------------------------ */

static int
match_number(struct machine *m, struct call const *call, int found, unsigned int value)
{
	struct match match;
	stralloc out = STRALLOC_ZERO;
	if (found < 0)
		machine_fail_now(m, call->row->name);
	sa_catnum(&out, found > 0 ? value : 0);
	/* What was not tested has the value 0, but counts as none (RFC 5235 3.1). */
	if (match_start(&match, m, call, 0) == 0 && (found > 0 || match.type != MATCH_COUNT))
		match_value(&match, (struct text){arena_strndup(m->a, out.s, out.len), out.len});
	stralloc_free(&out);
	return match_end(&match);
}

int
test_spamtest(struct machine *m, struct call const *call)
{
	unsigned int value = 0;
	int const r =
	    m->host->spamtest ? m->host->spamtest(m->host->arg, call_has(call, 1), &value) : 0;
	return match_number(m, call, r, value);
}

int
test_virustest(struct machine *m, struct call const *call)
{
	unsigned int value = 0;
	int const r = m->host->virustest ? m->host->virustest(m->host->arg, &value) : 0;
	return match_number(m, call, r, value);
}

/* ---- enotify (RFC 5435 4, 5; RFC 5436)
 * -------------------------------------------------------------------------- */

int
test_valid_notify_method(struct machine *m, struct call const *call)
{
	for (char const *const *p = machine_strings(m, call, 0); *p; p++)
		if (machine_steps(m, 2) < 0 || !value_method(*p, strlen(*p)))
			return 0;
	return 1;
}

/* RFC 5436 2.3: whether who gets mail is there can never be told. */
int
test_notify_method_capability(struct machine *m, struct call const *call)
{
	struct match match;
	struct text const method = machine_text(m, call, 0), capability = machine_text(m, call, 1);
	if (match_start(&match, m, call, 2) == 0 && value_method(method.s, method.n) &&
	    ascii_ieq(capability.s, capability.n, "online"))
		match_value(&match, (struct text){"maybe", 5});
	return match_end(&match);
}
