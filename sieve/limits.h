/* Every limit of Sieve, by name. What happens at each stands beside it: an error of the compiler has
 * its line; an error of a run ends it with an implicit keep, so that no mail is lost. */
#ifndef POSTERN_SIEVE_LIMITS_H
#define POSTERN_SIEVE_LIMITS_H

/* Octets of a script: "script too large". Default of the setting sieve-max-script-size. */
#define SIEVE_SCRIPT_MAX ((size_t)1 << 20)
/* Actions of one run: "too many actions". Default of the setting sieve-max-actions. */
#define SIEVE_ACTIONS_MAX 32
/* Redirects of one run: "too many redirects". Default of the setting sieve-max-redirects. */
#define SIEVE_REDIRECTS_MAX 4
/* Steps of one run: commands, tests, values compared, kilobytes looked at: "too many steps". Default
 * of the setting sieve-max-steps. */
#define SIEVE_STEPS_MAX 10000000
/* Octets that one run may take for what it looks at and makes: "too much memory". */
#define SIEVE_MEMORY_MAX ((size_t)64 << 20)
/* Blocks within blocks: "blocks nested too deeply". */
#define SIEVE_BLOCK_DEPTH 32
/* Tests within tests: "tests nested too deeply". */
#define SIEVE_TEST_DEPTH 32
/* Arguments of one command or test; strings of one list: "too many ...". */
#define SIEVE_ARGUMENTS_MAX 64
#define SIEVE_LIST_MAX 10000
/* Octets of one string: "string too long". */
#define SIEVE_STRING_MAX 65536
/* Octets of an identifier or tag: "identifier too long". */
#define SIEVE_IDENTIFIER_MAX 32
/* Errors of one compilation that are told; octets of the text of one, and of the file of errors. */
#define SIEVE_ERRORS_MAX 20
#define SIEVE_ERROR_MAX 400
#define SIEVE_LOG_MAX 65536
/* Octets of compiled code: "script too large". A larger file is compiled anew. */
#define SIEVE_CODE_MAX ((size_t)16 << 20)
/* Variables of a script (RFC 5229 6 wants 128 at least): "too many variables". Octets of a name:
 * "variable name too long"; of a value: what is longer is cut at a character (RFC 5229 6: 4000). */
#define SIEVE_VARIABLES_MAX 256
#define SIEVE_VARIABLE_NAME_MAX 64
#define SIEVE_VARIABLE_MAX 65536
/* Match variables ${0} to ${31}; a higher number is an error at compile time (RFC 5229 6: 9 at
 * least). */
#define SIEVE_MATCH_VALUES 32
/* Scripts included within one another, and includes of one run: "too many includes". */
#define SIEVE_INCLUDE_DEPTH 10
#define SIEVE_INCLUDES_MAX 255
/* Octets of a script's name (RFC 5804 1.6: 128 characters). */
#define SIEVE_NAME_MAX 512
/* foreverypart within foreverypart (RFC 5703 3). */
#define SIEVE_LOOP_DEPTH 4
/* Octets of the text of body parts that body and extracttext look at; what lies behind is not
 * seen. */
#define SIEVE_BODY_MAX ((size_t)4 << 20)
/* Fields of a header that are looked at; what stands behind is not seen. */
#define SIEVE_FIELDS_MAX 10000
/* Fields added by addheader in one run: "too many header edits". */
#define SIEVE_EDITS_MAX 100
/* Octets of the value of addheader: "value too long". */
#define SIEVE_FIELD_MAX 10000
/* Octets of all flags of one variable or action (RFC 5232): what comes then is left out. */
#define SIEVE_FLAGS_MAX 10000
/* Seconds between two vacation answers (RFC 5230 4.1, RFC 6131 3): a number out of these counts as
 * the nearer one; the default is seven days. 0 seconds is taken as it is. */
#define SIEVE_VACATION_MIN 60
#define SIEVE_VACATION_MAX (90 * 86400)
#define SIEVE_VACATION_DEFAULT (7 * 86400)
/* Seconds that an id is remembered for duplicate: the most (a longer time counts as this), and the
 * default (RFC 7352 3.1). Ids of one run: "too many duplicate tests". */
#define SIEVE_DUPLICATE_MAX (30 * 86400)
#define SIEVE_DUPLICATE_DEFAULT (7 * 86400)
#define SIEVE_DUPLICATES_MAX 32

#endif
