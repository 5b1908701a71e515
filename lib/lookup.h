/* Where a table's entries come from: etc/lookup, itself a table. A line "TABLE: SOURCE SOURCE ..."
 * names them in the order in which they are asked; the first that has the key counts, and one that
 * cannot answer ends the look-up (never as "not there"). Without a line a table is its own file.
 *
 *     file                        etc/TABLE, text or cdb (lib/table.h)
 *     cdb:PATH                    a cdb made by others, no key of it known to us; below the
 * instance directory if it is relative. Its keys are in the tables' form (lib/account.h)
 *     socketmap:unix:PATH:MAP     a directory's server (lib/socketmap.h)
 *     socketmap:ADDRESS:PORT:MAP  the same by TCP, on this host alone: 127.0.0.0/8, [::1],
 * localhost system                      of users alone: the system's accounts, by system-map(8)
 *
 * A process that has no such line pays one stat for each look-up. */
#ifndef POSTERN_LOOKUP_H
#define POSTERN_LOOKUP_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#include "lib/socketmap.h"

#define LOOKUP_SOURCES_MAX 8 /* of one table */
#define LOOKUP_TABLES_MAX 16 /* lines */
#define LOOKUP_SECONDS 10    /* the setting lookup-seconds: one answer */
#define LOOKUP_REST_SECONDS                                                                        \
	5 /* a source that did not answer in time is not asked again for so long */

enum lookup_kind { LOOKUP_FILE, LOOKUP_CDB, LOOKUP_SOCKETMAP, LOOKUP_SYSTEM };

struct lookup_source {
	enum lookup_kind kind;
	char const *word; /* as etc/lookup has it */
	char const *path; /* of a cdb */
	struct socketmap map;
	int rests; /* it has not answered in time: not asked before `until` */
	tain until;
};

/* The table's sources, as etc/lookup has them now: 1, 0 it has no line, -1 etc/lookup cannot be
 * read, or its line is wrong (EINVAL, event=bad-lookup). They live until the next call. */
int lookup_sources(char const *table, struct lookup_source **s, size_t *n);
/* Asks one that is no LOOKUP_FILE. 1 and the value, 0, -1 and errno (event=lookup). */
int lookup_ask(struct lookup_source *s, char const *key, size_t len, stralloc *value);
/* 1 if the last look-up of this process ended at such a source: no file of ours is at fault, and
 * the same question may be answered in a while. */
int lookup_unanswered(void);
/* 1 if one of the table's sources is of this kind. */
int lookup_has(char const *table, enum lookup_kind kind);
/* Ends connections and the programs behind them: before exec, or where a process will live long
 * without look-ups. The next look-up begins anew. */
void lookup_close(void);

#endif
