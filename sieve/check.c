/* What constants must be, and rules between the arguments of one command. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "sieve/compile.h"
#include "sieve/regex.h"
#include "sieve/values.h"

/* RFC 5228 5.1: address is for fields that have addresses: those that are known to, and whatever
 * ends in -to or -from. */
static int
address_header(char const *s, size_t n)
{
	static char const *const names[] = {"from", "to", "cc", "bcc", "sender", "resent-sender",
	    "resent-cc", "resent-bcc", "return-path", "apparently-to", "for-approval",
	    "for-handling", "for-comment", "x-admin", "x-beenthere", "return-receipt-requested",
	    "registered-mail-reply-requested-by", "list-post", "author"};
	for (unsigned int i = 0; i < sizeof names / sizeof *names; i++)
		if (ascii_ieq(s, n, names[i]))
			return 1;
	return (n > 3 && ascii_ieq(s + n - 3, 3, "-to")) ||
	       (n > 5 && ascii_ieq(s + n - 5, 5, "-from"));
}

/* A string of the pool has no NUL inside. */
static int
is_address(char const *s, size_t n, int named)
{
	stralloc copy = STRALLOC_ZERO;
	sa_copyb(&copy, s, n);
	int const ok = sieve_address_valid(sa_str(&copy), named, 0);
	stralloc_free(&copy);
	return ok;
}

static int
holds(enum argument_what what, char const *s, size_t n)
{
	int zone;
	switch (what) {
	case IS_HEADER:
		return value_header(s, n);
	case IS_ADDRESS_HEADER:
		return !value_header(s, n) || address_header(s, n);
	case IS_ENVELOPE:
		return ascii_ieq(s, n, "from") || ascii_ieq(s, n, "to");
	case IS_ADDRESS:
	case IS_NAMED_ADDRESS:
		return is_address(s, n, what == IS_NAMED_ADDRESS);
	case IS_FOLDER:
		return value_folder(s, n);
	case IS_VARIABLE:
	case IS_VARIABLES:
		return value_variable(s, n);
	case IS_DATE_PART:
		return value_date_part(s, n) >= 0;
	case IS_ZONE:
		return !value_zone(s, n, &zone);
	case IS_SCRIPT:
		return sieve_name_valid(s, n);
	case IS_METHOD:
		return value_method(s, n);
	case IS_IMPORTANCE:
		return n == 1 && *s >= '1' && *s <= '3';
	default:
		return 1;
	}
}

int
check_constant(
    struct compiler *c, unsigned int line, enum argument_what what, char const *s, size_t n)
{
	static char const *const names[] = {
	    [IS_HEADER] = "the name of a header field",
	    [IS_ADDRESS_HEADER] = "a header field with addresses",
	    [IS_ENVELOPE] = "a part of the envelope (\"from\" or \"to\")",
	    [IS_ADDRESS] = "an address",
	    [IS_NAMED_ADDRESS] = "an address",
	    [IS_FOLDER] = "a mailbox name",
	    [IS_VARIABLE] = "the name of a variable",
	    [IS_VARIABLES] = "the name of a variable",
	    [IS_DATE_PART] = "a part of a date",
	    [IS_ZONE] = "a time zone like \"+0100\"",
	    [IS_SCRIPT] = "the name of a script",
	    [IS_METHOD] = "a mailto: URI, the only method there is",
	    [IS_IMPORTANCE] = "an importance (\"1\", \"2\" or \"3\")",
	};
	if (holds(what, s, n))
		return 0;
	return compile_fail(c, line, "\"%.*s\" is not %s", n > 100 ? 100 : (int)n, s, names[what]);
}

/* The string itself at a place in the pool; *constant says whether it is one. */
static struct text
string_at(struct compiler *c, uint32_t at, int *constant)
{
	*constant = POOL_KIND(pool_word(c->pool.s, at)) == POOL_STRING;
	return pool_text(c->pool.s, at);
}

int
check_flag_variable(struct compiler *c, struct call const *call)
{
	if (call_has(call, 0))
		return compile_needs(
		    c, call->line, CAP(VARIABLES), "a variable of ", call->row->name);
	return 0;
}

int
check_deleteheader(struct compiler *c, struct call const *call)
{
	if (call_has(call, 3) && !call_has(call, 2))
		return compile_fail(c, call->line, "deleteheader: :last is only for :index");
	if (!call_has(call, 1) &&
	    (call_has(call, 4 + SLOT_MATCH) || call_has(call, 4 + SLOT_COMPARATOR)))
		return compile_fail(
		    c, call->line, "deleteheader: what is to be matched is missing");
	return 0;
}

/* RFC 6609 3.3 */
int
check_global(struct compiler *c, struct call const *call)
{
	return compile_needs(c, call->line, CAP(VARIABLES), "", "global");
}

int
check_extracttext(struct compiler *c, struct call const *call)
{
	if (compile_needs(c, call->line, CAP(VARIABLES), "", "extracttext") < 0)
		return -1;
	return c->loop_depth
		   ? 0
		   : compile_fail(c, call->line, "extracttext stands in foreverypart only");
}

int
check_what(struct compiler *c, struct call const *call)
{
	unsigned int const mime = row_shared(call->row, WITH_MIME),
			   what = row_shared(call->row, WITH_WHAT);
	if (call_has(call, what + SLOT_WHAT) && !call_has(call, mime + SLOT_MIME))
		return compile_fail(
		    c, call->line, "%s: parts of a field are only for :mime", call->row->name);
	return 0;
}

/* RFC 5228 5.9 */
int
check_size(struct compiler *c, struct call const *call)
{
	return call_has(call, 1) || call_has(call, 2)
		   ? 0
		   : compile_fail(c, call->line, "size: :over or :under is missing");
}

/* The keys, which are the last positional argument. */
static int
check_patterns(struct compiler *c, struct call const *call, int icase)
{
	unsigned int keys = 0;
	for (unsigned int i = 0; i < call->row->owns; i++)
		if (!call->row->own[i].tag)
			keys = i;
	if (!call_has(call, keys))
		return 0;
	int const list = call->row->own[keys].type == ARG_LIST;
	uint32_t const count = list ? call_count(call, keys) : 1;
	for (uint32_t i = 0; i < count; i++) {
		int constant;
		char const *why;
		struct sieve_regex re = SIEVE_REGEX_ZERO;
		struct text const s =
		    string_at(c, list ? call_item(call, keys, i) : call->slots[keys], &constant);
		if (!constant)
			continue;
		if (regex_compile(&re, s.s, s.n, icase, &why) < 0)
			return compile_fail(c, call->line, "regular expression \"%.*s\": %s",
			    s.n > 100 ? 100 : (int)s.n, s.s, why);
		regex_free(&re);
	}
	return 0;
}

int
check_match(struct compiler *c, struct call const *call)
{
	unsigned int const at = row_shared(call->row, WITH_MATCH);
	uint32_t const match = call_choice(call, at + SLOT_MATCH, MATCH_IS),
		       comparator = call_choice(call, at + SLOT_COMPARATOR, ASCII_CASEMAP);
	if (comparator == ASCII_NUMERIC &&
	    (match == MATCH_CONTAINS || match == MATCH_MATCHES || match == MATCH_REGEX))
		return compile_fail(c, call->line,
		    "%s: i;ascii-numeric compares numbers, it has no parts of them",
		    call->row->name);
	return match == MATCH_REGEX ? check_patterns(c, call, comparator != OCTET) : 0;
}
