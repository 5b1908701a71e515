/* Inside the machine that runs code: what commands and tests are given, and who runs which. */
#ifndef POSTERN_SIEVE_MACHINE_H
#define POSTERN_SIEVE_MACHINE_H

#include <skalibs/stralloc.h>

#include "sieve/message.h"
#include "sieve/sieve.h"

struct variable {
	struct text name, value;
};
struct variables {
	struct variable *list;
	unsigned int count, room;
};

/* One foreverypart that is being run. */
struct part_loop {
	struct mime_part *root; /* of the message when it began, or was changed */
	struct mime_part *within, *part;
	unsigned int index, within_index; /* of part and within, depth first */
};

/* A script that is being run: one on top, or included. */
struct frame {
	struct frame *before;
	struct sieve_code const *code;
	struct variables variables;
	struct text *globals; /* names that `global` has told */
	unsigned int globals_count;
	struct text match[SIEVE_MATCH_VALUES]; /* RFC 5229 3.2 */
	unsigned int match_count;
	struct part_loop loops[SIEVE_LOOP_DEPTH];
	unsigned int loop_depth;
	uint32_t line; /* of the instruction that is run */
};

struct machine {
	struct arena *a;
	struct sieve_job const *job;
	struct sieve_host const *host;
	struct sieve_result *r;
	struct message message;
	struct frame *frame;
	struct variables globals;
	struct sieve_code const **included; /* each script that has been, for :once */
	unsigned int included_count, includes, depth;
	size_t memory; /* of the arena, at the beginning */
	uint64_t size; /* of the message on the wire; 0: not counted yet */
	uint64_t steps;
	stralloc flags; /* the internal variable of imap4flags, blanks between them */
	struct sieve_action *actions;
	unsigned int actions_count, actions_room, redirects, edits;
	int keep_cancelled; /* the implicit keep, in the scripts up to now */
	int kept;	    /* this script has asked for keep */
	struct sieve_duplicate *duplicates;
	unsigned int duplicates_count;
	char const *error; /* the run is over */
};

/* What a command says beside 0 and -1. */
enum { RUN_STOP = 2, RUN_RETURN };

/* machine.c */

/* The run ends with this error, printf; -1. machine_fail_now: it may go well another time. */
int machine_fail(struct machine *m, char const *fmt, ...) __attribute__((format(printf, 2, 3)));
int machine_fail_now(struct machine *m, char const *what);
/* Counts n steps: 0, or -1 when that is too many. */
int machine_steps(struct machine *m, uint64_t n);
int machine_run(struct machine *m, struct sieve_code const *code);

/* variables.c */

/* The string of a slot, variables put in; empty if it is not there. Its octets have a NUL behind. */
struct text machine_text(struct machine *m, struct call const *call, unsigned int slot);
/* The same of string i of a list. */
struct text machine_item(struct machine *m, struct call const *call, unsigned int slot, uint32_t i);
/* A C string, null if the slot is empty; what would be cut by a NUL inside is cut. */
char const *machine_string(struct machine *m, struct call const *call, unsigned int slot);
/* All strings of a list, null at the end; null without the slot. */
char const *const *machine_strings(struct machine *m, struct call const *call, unsigned int slot);
/* A variable's value (RFC 5229); empty if it was never set. */
struct text variable_get(struct machine *m, char const *name, size_t n);
int variable_set(struct machine *m, struct text name, struct text value);
/* Applies the modifiers of call's slots from `first` on (:lower ... :length) and sets. */
int variable_set_modified(struct machine *m, struct call const *call, unsigned int first, struct text name, struct text value);

/* flags.c: appends the flags of a list (RFC 5232 2.1: words of its strings) that are not there yet. */
void flags_add(stralloc *out, char const *s, size_t n);
/* The flags that the slot gives, or those of the internal variable: a C string in the arena. */
char const *flags_of(struct machine *m, struct call const *call, unsigned int slot);

/* actions.c: takes a keep back, since the next script decides about it; the implicit keep and the end
 * of a run. */
void actions_defer(struct machine *m);
void actions_keep(struct machine *m);

/* foreverypart.c */
int loop_begin(struct machine *m); /* 1: a part is there */
int loop_next(struct machine *m);  /* 1: another one is */

int run_stop(struct machine *m, struct call const *call);
int run_keep(struct machine *m, struct call const *call);
int run_discard(struct machine *m, struct call const *call);
int run_fileinto(struct machine *m, struct call const *call);
int run_redirect(struct machine *m, struct call const *call);
int run_reject(struct machine *m, struct call const *call);
int run_ereject(struct machine *m, struct call const *call);
int run_set(struct machine *m, struct call const *call);
int run_setflag(struct machine *m, struct call const *call);
int run_addflag(struct machine *m, struct call const *call);
int run_removeflag(struct machine *m, struct call const *call);
int run_vacation(struct machine *m, struct call const *call);
int run_notify(struct machine *m, struct call const *call);
int run_addheader(struct machine *m, struct call const *call);
int run_deleteheader(struct machine *m, struct call const *call);
int run_include(struct machine *m, struct call const *call);
int run_return(struct machine *m, struct call const *call);
int run_global(struct machine *m, struct call const *call);
int run_error(struct machine *m, struct call const *call);
int run_extracttext(struct machine *m, struct call const *call);
int run_replace(struct machine *m, struct call const *call);
int run_enclose(struct machine *m, struct call const *call);

int test_true(struct machine *m, struct call const *call);
int test_false(struct machine *m, struct call const *call);
int test_address(struct machine *m, struct call const *call);
int test_envelope(struct machine *m, struct call const *call);
int test_exists(struct machine *m, struct call const *call);
int test_header(struct machine *m, struct call const *call);
int test_size(struct machine *m, struct call const *call);
int test_body(struct machine *m, struct call const *call);
int test_string(struct machine *m, struct call const *call);
int test_hasflag(struct machine *m, struct call const *call);
int test_date(struct machine *m, struct call const *call);
int test_currentdate(struct machine *m, struct call const *call);
int test_mailboxexists(struct machine *m, struct call const *call);
int test_metadata(struct machine *m, struct call const *call);
int test_metadataexists(struct machine *m, struct call const *call);
int test_servermetadata(struct machine *m, struct call const *call);
int test_servermetadataexists(struct machine *m, struct call const *call);
int test_specialuse_exists(struct machine *m, struct call const *call);
int test_mailboxidexists(struct machine *m, struct call const *call);
int test_environment(struct machine *m, struct call const *call);
int test_duplicate(struct machine *m, struct call const *call);
int test_spamtest(struct machine *m, struct call const *call);
int test_virustest(struct machine *m, struct call const *call);
int test_valid_notify_method(struct machine *m, struct call const *call);
int test_notify_method_capability(struct machine *m, struct call const *call);

#endif
