#include "sieve/syntax.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "sieve/compile.h"
#include "sieve/machine.h"

#define COUNT(x) ((unsigned int)(sizeof(x) / sizeof *(x)))

/* clang-format off */
char const *const capability_names[CAPS] = {
	[CAP_FILEINTO] = "fileinto",
	[CAP_REJECT] = "reject",
	[CAP_EREJECT] = "ereject",
	[CAP_ENVELOPE] = "envelope",
	[CAP_ENCODED_CHARACTER] = "encoded-character",
	[CAP_COPY] = "copy",
	[CAP_BODY] = "body",
	[CAP_VARIABLES] = "variables",
	[CAP_IMAP4FLAGS] = "imap4flags",
	[CAP_RELATIONAL] = "relational",
	[CAP_SUBADDRESS] = "subaddress",
	[CAP_DATE] = "date",
	[CAP_INDEX] = "index",
	[CAP_MAILBOX] = "mailbox",
	[CAP_MBOXMETADATA] = "mboxmetadata",
	[CAP_SERVERMETADATA] = "servermetadata",
	[CAP_SPECIAL_USE] = "special-use",
	[CAP_MAILBOXID] = "mailboxid",
	[CAP_ENVIRONMENT] = "environment",
	[CAP_INCLUDE] = "include",
	[CAP_DUPLICATE] = "duplicate",
	[CAP_IHAVE] = "ihave",
	[CAP_VACATION] = "vacation",
	[CAP_VACATION_SECONDS] = "vacation-seconds",
	[CAP_ENOTIFY] = "enotify",
	[CAP_EDITHEADER] = "editheader",
	[CAP_REGEX] = "regex",
	[CAP_MIME] = "mime",
	[CAP_FOREVERYPART] = "foreverypart",
	[CAP_EXTRACTTEXT] = "extracttext",
	[CAP_REPLACE] = "replace",
	[CAP_ENCLOSE] = "enclose",
	[CAP_SPAMTEST] = "spamtest",
	[CAP_SPAMTESTPLUS] = "spamtestplus",
	[CAP_VIRUSTEST] = "virustest",
	[CAP_OCTET] = "comparator-i;octet",
	[CAP_ASCII_CASEMAP] = "comparator-i;ascii-casemap",
	[CAP_ASCII_NUMERIC] = "comparator-i;ascii-numeric",
	[CAP_UNICODE_CASEMAP] = "comparator-i;unicode-casemap",
};

/* tag, type, what, group, needs, optional, most */
#define POSITION(type, what) {0, ARG_##type, IS_##what, 0, 0, 0, 0}
#define FIRST_OF_MORE(type, what) {0, ARG_##type, IS_##what, 0, 0, 1, 0}
#define MAY_FOLLOW FIRST_OF_MORE
#define FLAG(tag, group, needs) {tag, ARG_FLAG, IS_ANY, group, needs, 0, 0}
#define TAG(tag, type, what, group, needs) {tag, ARG_##type, IS_##what, group, needs, 0, 0}

/* RFC 5232 4: which variable, where one may be named. */
static struct argument const args_flag_commands[] = {FIRST_OF_MORE(STRING, VARIABLE), POSITION(LIST, ANY)};
static struct argument const args_keep[] = {TAG("flags", LIST, ANY, 0, CAP(IMAP4FLAGS))};
static struct argument const args_fileinto[] = {
	POSITION(STRING, FOLDER), FLAG("copy", 0, CAP(COPY)), FLAG("create", 0, CAP(MAILBOX)),
	TAG("flags", LIST, ANY, 0, CAP(IMAP4FLAGS)), TAG("specialuse", STRING, ANY, 1, CAP(SPECIAL_USE)),
	TAG("mailboxid", STRING, ANY, 1, CAP(MAILBOXID))};
static struct argument const args_redirect[] = {POSITION(STRING, ADDRESS), FLAG("copy", 0, CAP(COPY))};
static struct argument const args_text[] = {POSITION(STRING, ANY)};
static struct argument const args_list[] = {POSITION(LIST, ANY)};
static struct argument const args_set[] = {
	POSITION(STRING, VARIABLE), POSITION(STRING, ANY),
	FLAG("lower", 1, 0), FLAG("upper", 1, 0), FLAG("lowerfirst", 2, 0), FLAG("upperfirst", 2, 0),
	FLAG("quotewildcard", 3, 0), FLAG("quoteregex", 3, CAP(REGEX)),
	FLAG("encodeurl", 4, CAP(ENOTIFY)), FLAG("length", 5, 0)};
static struct argument const args_extracttext[] = {
	POSITION(STRING, VARIABLE), TAG("first", NUMBER, ANY, 0, 0),
	FLAG("lower", 1, 0), FLAG("upper", 1, 0), FLAG("lowerfirst", 2, 0), FLAG("upperfirst", 2, 0),
	FLAG("quotewildcard", 3, 0), FLAG("quoteregex", 3, CAP(REGEX)),
	FLAG("encodeurl", 4, CAP(ENOTIFY)), FLAG("length", 5, 0)};
static struct argument const args_vacation[] = {
	POSITION(STRING, ANY), TAG("days", NUMBER, ANY, 1, 0),
	TAG("seconds", NUMBER, ANY, 1, CAP(VACATION_SECONDS)), TAG("subject", STRING, ANY, 0, 0),
	TAG("from", STRING, NAMED_ADDRESS, 0, 0), TAG("addresses", LIST, ADDRESS, 0, 0),
	FLAG("mime", 0, 0), TAG("handle", STRING, ANY, 0, 0)};
static struct argument const args_notify[] = {
	POSITION(STRING, METHOD), TAG("from", STRING, NAMED_ADDRESS, 0, 0),
	TAG("importance", STRING, IMPORTANCE, 0, 0), TAG("options", LIST, ANY, 0, 0),
	TAG("message", STRING, ANY, 0, 0)};
static struct argument const args_addheader[] = {
	POSITION(STRING, HEADER), POSITION(STRING, ANY), FLAG("last", 0, 0)};
static struct argument const args_deleteheader[] = {
	POSITION(STRING, HEADER), MAY_FOLLOW(LIST, ANY), TAG("index", NUMBER, ANY, 0, 0), FLAG("last", 0, 0)};
static struct argument const args_include[] = {
	POSITION(STRING, SCRIPT), FLAG("personal", 1, 0), FLAG("global", 1, 0), FLAG("once", 0, 0), FLAG("optional", 0, 0)};
static struct argument const args_global[] = {POSITION(LIST, VARIABLES)};
static struct argument const args_foreverypart[] = {TAG("name", STRING, LABEL, 0, 0)};
static struct argument const args_replace[] = {
	POSITION(STRING, ANY), FLAG("mime", 0, 0), TAG("subject", STRING, ANY, 0, 0),
	TAG("from", STRING, NAMED_ADDRESS, 0, 0)};
static struct argument const args_enclose[] = {
	POSITION(STRING, ANY), TAG("subject", STRING, ANY, 0, 0), TAG("headers", LIST, ANY, 0, 0)};

static struct argument const args_address[] = {POSITION(LIST, ADDRESS_HEADER), POSITION(LIST, ANY)};
static struct argument const args_envelope[] = {POSITION(LIST, ENVELOPE), POSITION(LIST, ANY)};
/* RFC 5228 2.4.2.2: what cannot be the name of a field is no error in a test, it matches none. */
static struct argument const args_header[] = {POSITION(LIST, ANY), POSITION(LIST, ANY)};
static struct argument const args_size[] = {POSITION(NUMBER, ANY), FLAG("over", 1, 0), FLAG("under", 1, 0)};
static struct argument const args_body[] = {
	POSITION(LIST, ANY), FLAG("raw", 1, 0), TAG("content", LIST, ANY, 1, 0), FLAG("text", 1, 0)};
static struct argument const args_string[] = {POSITION(LIST, ANY), POSITION(LIST, ANY)};
static struct argument const args_hasflag[] = {FIRST_OF_MORE(LIST, VARIABLES), POSITION(LIST, ANY)};
static struct argument const args_date[] = {
	POSITION(STRING, ANY), POSITION(STRING, DATE_PART), POSITION(LIST, ANY),
	TAG("zone", STRING, ZONE, 1, 0), FLAG("originalzone", 1, 0)};
static struct argument const args_currentdate[] = {
	POSITION(STRING, DATE_PART), POSITION(LIST, ANY), TAG("zone", STRING, ZONE, 1, 0)};
static struct argument const args_metadata[] = {POSITION(STRING, FOLDER), POSITION(STRING, ANY), POSITION(LIST, ANY)};
static struct argument const args_metadataexists[] = {POSITION(STRING, FOLDER), POSITION(LIST, ANY)};
static struct argument const args_name_keys[] = {POSITION(STRING, ANY), POSITION(LIST, ANY)};
static struct argument const args_specialuse[] = {FIRST_OF_MORE(STRING, FOLDER), POSITION(LIST, ANY)};
static struct argument const args_duplicate[] = {
	TAG("handle", STRING, ANY, 0, 0), TAG("header", STRING, ANY, 1, 0), TAG("uniqueid", STRING, ANY, 1, 0),
	TAG("seconds", NUMBER, ANY, 0, 0), FLAG("last", 0, 0)};
static struct argument const args_ihave[] = {POSITION(LIST, CONSTANT)};
static struct argument const args_spamtest[] = {POSITION(STRING, ANY), FLAG("percent", 0, CAP(SPAMTESTPLUS))};
static struct argument const args_capability[] = {POSITION(STRING, ANY), POSITION(STRING, ANY), POSITION(LIST, ANY)};

#define OWN(x) args_##x, COUNT(args_##x)
#define NO_OWN 0, 0

struct row const commands[] = {
	/* RFC 5228 3, 4 */
	{"require", 0, CONTROL, OWN(ihave), 0, 0, 0},
	{"if", 0, CONTROL | TEST | BLOCK, NO_OWN, 0, 0, 0},
	{"elsif", 0, CONTROL | TEST | BLOCK, NO_OWN, 0, 0, 0},
	{"else", 0, CONTROL | BLOCK, NO_OWN, 0, 0, 0},
	{"stop", 0, 0, NO_OWN, 0, run_stop, 0},
	{"keep", 0, 0, OWN(keep), 0, run_keep, 0},
	{"discard", 0, 0, NO_OWN, 0, run_discard, 0},
	{"fileinto", CAP(FILEINTO), 0, OWN(fileinto), 0, run_fileinto, 0},
	{"redirect", 0, 0, OWN(redirect), 0, run_redirect, SIEVE_USES_REDIRECT},
	/* RFC 5429 2 */
	{"reject", CAP(REJECT), 0, OWN(text), 0, run_reject, SIEVE_USES_REJECT},
	{"ereject", CAP(EREJECT), 0, OWN(text), 0, run_ereject, SIEVE_USES_REJECT},
	/* RFC 5229 4 */
	{"set", CAP(VARIABLES), 0, OWN(set), 0, run_set, 0},
	/* RFC 5232 4 */
	{"setflag", CAP(IMAP4FLAGS), 0, OWN(flag_commands), check_flag_variable, run_setflag, 0},
	{"addflag", CAP(IMAP4FLAGS), 0, OWN(flag_commands), check_flag_variable, run_addflag, 0},
	{"removeflag", CAP(IMAP4FLAGS), 0, OWN(flag_commands), check_flag_variable, run_removeflag, 0},
	/* RFC 5230, RFC 6131 */
	{"vacation", CAP(VACATION) | CAP(VACATION_SECONDS), 0, OWN(vacation), 0, run_vacation, SIEVE_USES_VACATION},
	/* RFC 5435 3 */
	{"notify", CAP(ENOTIFY), 0, OWN(notify), 0, run_notify, SIEVE_USES_NOTIFY},
	/* RFC 5293 4, 5 */
	{"addheader", CAP(EDITHEADER), 0, OWN(addheader), 0, run_addheader, SIEVE_USES_EDIT},
	{"deleteheader", CAP(EDITHEADER), WITH_MATCH, OWN(deleteheader), check_deleteheader, run_deleteheader, SIEVE_USES_EDIT},
	/* RFC 6609 3 */
	{"include", CAP(INCLUDE), 0, OWN(include), 0, run_include, SIEVE_USES_INCLUDE},
	{"return", CAP(INCLUDE), 0, NO_OWN, 0, run_return, 0},
	{"global", CAP(INCLUDE), 0, OWN(global), check_global, run_global, 0},
	/* RFC 5463 5 */
	{"error", CAP(IHAVE), 0, OWN(text), 0, run_error, 0},
	/* RFC 5703 3, 5, 6, 7; its example of extracttext requires no foreverypart. */
	{"foreverypart", CAP(FOREVERYPART) | CAP(EXTRACTTEXT), CONTROL | BLOCK, OWN(foreverypart), 0, 0, 0},
	{"break", CAP(FOREVERYPART) | CAP(EXTRACTTEXT), CONTROL, OWN(foreverypart), 0, 0, 0},
	{"extracttext", CAP(EXTRACTTEXT), 0, OWN(extracttext), check_extracttext, run_extracttext, 0},
	{"replace", CAP(REPLACE), 0, OWN(replace), 0, run_replace, SIEVE_USES_EDIT},
	{"enclose", CAP(ENCLOSE), 0, OWN(enclose), 0, run_enclose, SIEVE_USES_EDIT},
};
unsigned int const commands_count = COUNT(commands);

struct row const tests[] = {
	/* RFC 5228 5 */
	{"allof", 0, CONTROL | TESTS, NO_OWN, 0, 0, 0},
	{"anyof", 0, CONTROL | TESTS, NO_OWN, 0, 0, 0},
	{"not", 0, CONTROL | TEST, NO_OWN, 0, 0, 0},
	{"true", 0, 0, NO_OWN, 0, test_true, 0},
	{"false", 0, 0, NO_OWN, 0, test_false, 0},
	{"address", 0, WITH_MATCH | WITH_PART | WITH_INDEX | WITH_MIME, OWN(address), 0, test_address, 0},
	{"envelope", CAP(ENVELOPE), WITH_MATCH | WITH_PART, OWN(envelope), 0, test_envelope, 0},
	{"exists", 0, WITH_MIME, OWN(list), 0, test_exists, 0},
	{"header", 0, WITH_MATCH | WITH_INDEX | WITH_MIME | WITH_WHAT, OWN(header), check_what, test_header, 0},
	{"size", 0, 0, OWN(size), check_size, test_size, 0},
	/* RFC 5173 */
	{"body", CAP(BODY), WITH_MATCH, OWN(body), 0, test_body, 0},
	/* RFC 5229 5 */
	{"string", CAP(VARIABLES), WITH_MATCH, OWN(string), 0, test_string, 0},
	/* RFC 5232 5 */
	{"hasflag", CAP(IMAP4FLAGS), WITH_MATCH, OWN(hasflag), check_flag_variable, test_hasflag, 0},
	/* RFC 5260 4, 5 */
	{"date", CAP(DATE), WITH_MATCH | WITH_INDEX, OWN(date), 0, test_date, 0},
	{"currentdate", CAP(DATE), WITH_MATCH, OWN(currentdate), 0, test_currentdate, 0},
	/* RFC 5490 3 */
	{"mailboxexists", CAP(MAILBOX), 0, OWN(list), 0, test_mailboxexists, 0},
	{"metadata", CAP(MBOXMETADATA), WITH_MATCH, OWN(metadata), 0, test_metadata, 0},
	{"metadataexists", CAP(MBOXMETADATA), 0, OWN(metadataexists), 0, test_metadataexists, 0},
	{"servermetadata", CAP(SERVERMETADATA), WITH_MATCH, OWN(name_keys), 0, test_servermetadata, 0},
	{"servermetadataexists", CAP(SERVERMETADATA), 0, OWN(list), 0, test_servermetadataexists, 0},
	/* RFC 8579 3, RFC 9042 4 */
	{"specialuse_exists", CAP(SPECIAL_USE), 0, OWN(specialuse), 0, test_specialuse_exists, 0},
	{"mailboxidexists", CAP(MAILBOXID), 0, OWN(list), 0, test_mailboxidexists, 0},
	/* RFC 5183 4 */
	{"environment", CAP(ENVIRONMENT), WITH_MATCH, OWN(name_keys), 0, test_environment, 0},
	/* RFC 7352 3 */
	{"duplicate", CAP(DUPLICATE), 0, OWN(duplicate), 0, test_duplicate, SIEVE_USES_DUPLICATE},
	/* RFC 5463 4 */
	{"ihave", CAP(IHAVE), CONTROL, OWN(ihave), 0, 0, 0},
	/* RFC 5235 2 */
	{"spamtest", CAP(SPAMTEST) | CAP(SPAMTESTPLUS), WITH_MATCH, OWN(spamtest), 0, test_spamtest, 0},
	{"virustest", CAP(VIRUSTEST), WITH_MATCH, OWN(text), 0, test_virustest, 0},
	/* RFC 5435 4, 5 */
	{"valid_notify_method", CAP(ENOTIFY), 0, OWN(list), 0, test_valid_notify_method, 0},
	{"notify_method_capability", CAP(ENOTIFY), WITH_MATCH, OWN(capability), 0, test_notify_method_capability, 0},
};
unsigned int const tests_count = COUNT(tests);

/* The slots of the shared groups, for the loader. */
static struct argument const slots_match[SLOTS_MATCH] = {
	{0, ARG_CHOICE, IS_ANY, 0, 0, 0, UNICODE_CASEMAP}, {0, ARG_CHOICE, IS_ANY, 0, 0, 0, MATCH_COUNT},
	{0, ARG_CHOICE, IS_ANY, 0, 0, 0, REL_NE}};
static struct argument const slots_part[SLOTS_PART] = {{0, ARG_CHOICE, IS_ANY, 0, 0, 0, PART_DETAIL}};
static struct argument const slots_index[SLOTS_INDEX] = {POSITION(NUMBER, ANY), POSITION(FLAG, ANY)};
static struct argument const slots_mime[SLOTS_MIME] = {POSITION(FLAG, ANY), POSITION(FLAG, ANY)};
static struct argument const slots_what[SLOTS_WHAT] = {{0, ARG_CHOICE, IS_ANY, 0, 0, 0, WHAT_PARAM}, POSITION(LIST, ANY)};

static struct {
	unsigned int with, slots;
	struct argument const *slot;
} const shared[] = {
	{WITH_MATCH, SLOTS_MATCH, slots_match},
	{WITH_PART, SLOTS_PART, slots_part},
	{WITH_INDEX, SLOTS_INDEX, slots_index},
	{WITH_MIME, SLOTS_MIME, slots_mime},
	{WITH_WHAT, SLOTS_WHAT, slots_what},
};

static struct {
	unsigned int with, slot;
	struct argument tag;
} const shared_tags[] = {
	{WITH_MATCH, SLOT_COMPARATOR, {"comparator", ARG_CHOICE, IS_COMPARATOR, 0, 0, 0, 0}},
	{WITH_MATCH, SLOT_MATCH, {"is", ARG_CHOICE, IS_ANY, 0, 0, 0, MATCH_IS}},
	{WITH_MATCH, SLOT_MATCH, {"contains", ARG_CHOICE, IS_ANY, 0, 0, 0, MATCH_CONTAINS}},
	{WITH_MATCH, SLOT_MATCH, {"matches", ARG_CHOICE, IS_ANY, 0, 0, 0, MATCH_MATCHES}},
	{WITH_MATCH, SLOT_MATCH, {"regex", ARG_CHOICE, IS_ANY, 0, CAP(REGEX), 0, MATCH_REGEX}},
	{WITH_MATCH, SLOT_MATCH, {"value", ARG_CHOICE, IS_RELATION, 0, CAP(RELATIONAL), 0, MATCH_VALUE}},
	{WITH_MATCH, SLOT_MATCH, {"count", ARG_CHOICE, IS_RELATION, 0, CAP(RELATIONAL), 0, MATCH_COUNT}},
	{WITH_PART, SLOT_PART, {"all", ARG_CHOICE, IS_ANY, 0, 0, 0, PART_ALL}},
	{WITH_PART, SLOT_PART, {"localpart", ARG_CHOICE, IS_ANY, 0, 0, 0, PART_LOCAL}},
	{WITH_PART, SLOT_PART, {"domain", ARG_CHOICE, IS_ANY, 0, 0, 0, PART_DOMAIN}},
	{WITH_PART, SLOT_PART, {"user", ARG_CHOICE, IS_ANY, 0, CAP(SUBADDRESS), 0, PART_USER}},
	{WITH_PART, SLOT_PART, {"detail", ARG_CHOICE, IS_ANY, 0, CAP(SUBADDRESS), 0, PART_DETAIL}},
	{WITH_INDEX, SLOT_INDEX, {"index", ARG_NUMBER, IS_ANY, 0, CAP(INDEX), 0, 0}},
	{WITH_INDEX, SLOT_LAST, {"last", ARG_FLAG, IS_ANY, 0, CAP(INDEX), 0, 0}},
	{WITH_MIME, SLOT_MIME, {"mime", ARG_FLAG, IS_ANY, 0, CAP(MIME), 0, 0}},
	{WITH_MIME, SLOT_ANYCHILD, {"anychild", ARG_FLAG, IS_ANY, 0, CAP(MIME), 0, 0}},
	{WITH_WHAT, SLOT_WHAT, {"type", ARG_CHOICE, IS_ANY, 0, CAP(MIME), 0, WHAT_TYPE}},
	{WITH_WHAT, SLOT_WHAT, {"subtype", ARG_CHOICE, IS_ANY, 0, CAP(MIME), 0, WHAT_SUBTYPE}},
	{WITH_WHAT, SLOT_WHAT, {"contenttype", ARG_CHOICE, IS_ANY, 0, CAP(MIME), 0, WHAT_CONTENTTYPE}},
	{WITH_WHAT, SLOT_WHAT, {"param", ARG_CHOICE, IS_PARAM, 0, CAP(MIME), 0, WHAT_PARAM}},
};
/* clang-format on */

int
capability_find(char const *name, size_t n)
{
	for (int i = 0; i < CAPS; i++)
		if (strlen(capability_names[i]) == n && !memcmp(capability_names[i], name, n))
			return i;
	return -1;
}

uint64_t
capability_allowed(struct sieve_limits const *l)
{
	uint64_t const all = (UINT64_C(1) << CAPS) - 1;
	char const *p = l && l->extensions ? l->extensions : "";
	uint64_t with = 0, without = 0;
	while (*p) {
		p += strspn(p, " \t");
		size_t n = strcspn(p, " \t");
		int const out = *p == '-';
		int const cap = capability_find(p + out, n - (size_t)out);
		if (n && cap >= 0)
			*(out ? &without : &with) |= UINT64_C(1) << cap;
		p += n;
	}
	return (with ? with : all) & ~without;
}

void
sieve_capabilities(stralloc *out, struct sieve_limits const *l)
{
	uint64_t const allowed = capability_allowed(l);
	size_t const from = out->len;
	for (int i = 0; i < CAPS; i++)
		if (allowed >> i & 1)
			sa_catf(out, "%s%s", out->len > from ? " " : "", capability_names[i]);
}

struct row const *
row_find(struct row const *rows, unsigned int count, char const *name, size_t n)
{
	for (unsigned int i = 0; i < count; i++)
		if (ascii_tolower(*name) == *rows[i].name && ascii_ieq(name, n, rows[i].name))
			return rows + i;
	return 0;
}

unsigned int
row_shared(struct row const *r, unsigned int with)
{
	unsigned int at = r->owns;
	for (unsigned int i = 0; i < COUNT(shared) && shared[i].with != with; i++)
		if (r->flags & shared[i].with)
			at += shared[i].slots;
	return at;
}

unsigned int
row_slots(struct row const *r)
{
	return row_shared(r, 0);
}

struct argument const *
row_slot(struct row const *r, unsigned int i)
{
	if (i < r->owns)
		return r->own + i;
	i -= r->owns;
	for (unsigned int k = 0; k < COUNT(shared); k++) {
		if (!(r->flags & shared[k].with))
			continue;
		if (i < shared[k].slots)
			return shared[k].slot + i;
		i -= shared[k].slots;
	}
	return 0;
}

struct argument const *
row_tag(struct row const *r, char const *tag, size_t n, unsigned int *slot)
{
	for (unsigned int i = 0; i < r->owns; i++)
		if (r->own[i].tag && ascii_ieq(tag, n, r->own[i].tag)) {
			*slot = i;
			return r->own + i;
		}
	for (unsigned int i = 0; i < COUNT(shared_tags); i++)
		if (r->flags & shared_tags[i].with && ascii_ieq(tag, n, shared_tags[i].tag.tag)) {
			*slot = row_shared(r, shared_tags[i].with) + shared_tags[i].slot;
			return &shared_tags[i].tag;
		}
	return 0;
}
