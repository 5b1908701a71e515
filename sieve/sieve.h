/* Sieve (RFC 5228 and its extensions): a script is compiled once to flat code, the code is run for
 * each message, and what comes out is a list of actions that were not carried out yet. This library
 * knows no mailbox, no queue and no session; what a script may ask of the world goes through the
 * callbacks of struct sieve_host.
 *
 *     text --sieve_compile--> code --sieve_code_open--> struct sieve_code --sieve_run-->
 * sieve_result
 *          \------------- sieve_file_load: the same for a file, with the code kept beside it
 * ------/
 *
 * Out of memory ends the program (lib/sa.h); sizes are limited before (sieve/limits.h). */
#ifndef POSTERN_SIEVE_H
#define POSTERN_SIEVE_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "lib/charset.h"
#include "sieve/limits.h"

/* ---- limits and capabilities ------------------------------------------------------------------
 */

/* What an administrator may set; begin with SIEVE_LIMITS_DEFAULT. */
struct sieve_limits {
	size_t script;		/* octets of a script: sieve-max-script-size */
	unsigned int actions;	/* actions of one run: sieve-max-actions */
	unsigned int redirects; /* redirects of one run: sieve-max-redirects; 0 forbids them */
	uint64_t steps;		/* steps of one run: sieve-max-steps */
	/* Capabilities that `require` may name, blanks between them; null: all. A word "-name"
	 * takes one out of all: sieve-extensions. */
	char const *extensions;
};
#define SIEVE_LIMITS_DEFAULT                                                                       \
	{                                                                                          \
		SIEVE_SCRIPT_MAX, SIEVE_ACTIONS_MAX, SIEVE_REDIRECTS_MAX, SIEVE_STEPS_MAX, 0       \
	}
/* Reads the five settings from the control directory (lib/conf.h): a bad value ends the program
 * with 100, as all settings do. */
void sieve_limits_settings(struct sieve_limits *l);

/* Appends the names of the capabilities, blanks between them, as ManageSieve's SIEVE line lists
 * them (RFC 5804 1.7). l may be null: all. */
void sieve_capabilities(stralloc *out, struct sieve_limits const *l);
/* ManageSieve's NOTIFY line: the URI schemes of enotify. */
#define SIEVE_NOTIFY_METHODS "mailto"

/* ---- compiling ---------------------------------------------------------------------------------
 */

struct sieve_error {
	unsigned int line; /* from 1 */
	char const *text;  /* one line of UTF-8 without controls, without its end */
};
struct sieve_errors {
	unsigned int count;
	struct sieve_error list[SIEVE_ERRORS_MAX]; /* what comes after those is not told */
};

/* Compiles text[0..n), which may have LF or CR LF line ends, and appends the code, ready to be
 * written to a file. 0, or -1 with errors in e (at least one); nothing is appended then. The texts
 * live in a, which is also scratch. Scripts that are included need not exist. */
int sieve_compile(stralloc *code, struct arena *a, char const *text, size_t n,
    struct sieve_limits const *limits, struct sieve_errors *e);

/* Of a script that compiles: what is valid, but hardly meant (RFC 5804 1.3, WARNINGS), into w:
 * commands that are never reached, redirects that may be too many for a run. The texts live in a.
 */
void sieve_warnings(struct arena *a, char const *text, size_t n, struct sieve_limits const *limits,
    struct sieve_errors *w);

/* ---- code
 * ---------------------------------------------------------------------------------------- */

/* What a script may do at all, known without running it. Included scripts are not looked into:
 * SIEVE_USES_INCLUDE says that there may be more. */
enum sieve_uses {
	SIEVE_USES_REJECT = 1, /* reject or ereject: may refuse after DATA */
	SIEVE_USES_INCLUDE = 2,
	SIEVE_USES_REDIRECT = 4,
	SIEVE_USES_VACATION = 8,
	SIEVE_USES_NOTIFY = 16,
	SIEVE_USES_EDIT = 32, /* editheader, replace, enclose */
	SIEVE_USES_DUPLICATE = 64
};

/* Code that has been checked: every offset in it is within it, every instruction is known and has
 * its arguments. Points into the memory it was opened from. */
struct sieve_code {
	char const *name;  /* of the script, for messages; set by sieve_code_open */
	unsigned int uses; /* enum sieve_uses */
	uint32_t const *words;
	uint32_t words_count;
	char const *pool;
	uint32_t pool_size;
	uint64_t capabilities; /* bits of sieve/syntax.h */
	void *memory;	       /* of sieve_file_load, else null */
};

/* Opens code of sieve_compile, data[0..n), aligned for uint32_t; it must stay while c is used, as
 * must name. 0, or -1 (EPROTO: torn, damaged or of another version: compile again). No input does
 * harm. */
int sieve_code_open(struct sieve_code *c, void const *data, size_t n, char const *name);
/* Frees what sieve_file_load allocated; otherwise nothing. */
void sieve_code_close(struct sieve_code *c);

/* ---- files
 * --------------------------------------------------------------------------------------- */

/* The code of the script in the file `path`: from SCRIPT.code beside it when that was made from the
 * file as it is now (inode, size, times, and the limits), else compiled anew and, when `save`, kept
 * there (made aside and renamed, mode as the script's; where that fails the script runs all the
 * same). The code is beside `path` itself, also where that is a symbolic link.
 * 0; -1 and errno: ENOENT no such script, EINVAL it has errors (in e, texts in a), EFBIG too long
 * (one error in e), else it could not be read for now. c->name is path, which must stay. */
int sieve_file_load(struct sieve_code *c, struct arena *a, char const *path, int save,
    struct sieve_limits const *limits, struct sieve_errors *e);
#define SIEVE_CODE_SUFFIX ".code"
/* Writes errors to the file PATH.log beside the script, one "name: line N: text" a line, or removes
 * it when there are none. 0, or -1 and errno. Never longer than SIEVE_LOG_MAX. */
int sieve_file_log(char const *path, struct sieve_errors const *e);
#define SIEVE_LOG_SUFFIX ".log"

/* ---- running
 * --------------------------------------------------------------------------------------- */

struct sieve_envelope {
	char const *from;    /* reverse-path without brackets; "" for the empty one */
	char const *to;	     /* the recipient as the client gave it, before any alias */
	char const *account; /* the mailbox's own address (final recipient); may be null */
};

/* Of the duplicate test (RFC 7352). */
struct sieve_duplicate {
	char const *handle; /* "" for none */
	char const *id;	    /* the unique id: of :header, :uniqueid or Message-ID; size in id_len */
	size_t id_len;
	uint64_t seconds;
	int last; /* :last: the time counts from the last look, not from the first */
};

/* What a script may ask. Each may be null: the answer is then what stands in brackets. Strings
 * given are C strings without NULs inside and live only for the call. -1: it cannot be told for
 * now; the run ends with a run-time error, `temporary` set. */
struct sieve_host {
	void *arg;
	/* Is there such a folder, into which mail can be put? Name in UTF-8, separators "/" as in
	 * the script: the host maps "." or "INBOX." as it does for the account. 1, 0, -1. [1 for
	 * INBOX, else 0] (RFC 5490 3.1) */
	int (*folder_exists)(void *arg, char const *folder);
	/* The annotation `entry` of the folder (null: the server's, RFC 5490 3.4): 1 and appended,
	 * 0 none, -1. [0] */
	int (*metadata)(void *arg, char const *folder, char const *entry, stralloc *value);
	/* Has `folder` (null: any folder of the account) the special use `attribute` ("\\Junk")?
	 * The folder's name is appended to out when it is not null. 1, 0, -1. [0] (RFC 8579) */
	int (*special_use)(void *arg, char const *folder, char const *attribute, stralloc *out);
	/* The folder with this MAILBOXID: 1 and its name appended (out may be null), 0, -1. [0]
	 * (RFC 9042) */
	int (*mailbox_id)(void *arg, char const *id, stralloc *out);
	/* Has this id been recorded within its seconds? Records nothing: see sieve_result. 1, 0,
	 * -1. [0] */
	int (*duplicate)(void *arg, struct sieve_duplicate const *d);
	/* An item of environment (RFC 5183 4.1: domain, host, remote-host, remote-ip, ...): 1 and
	 * appended, 0 unknown, -1. name, version, location, phase are the library's. [0] */
	int (*environment)(void *arg, char const *name, stralloc *value);
	/* spamtest (RFC 5235 2.1): 1 and *value, 1 to 10, or 0 to 100 if `percent`; 0 not tested;
	 * -1. virustest: 1 and *value, 1 to 5; 0 not tested; -1. [0] */
	int (*spamtest)(void *arg, int percent, unsigned int *value);
	int (*virustest)(void *arg, unsigned int *value);
	/* The script that `include` names (RFC 6609), personal or global: its code, which lives at
	 * least as long as the run and is the same pointer for the same script. 1; 0 there is none;
	 * -1 with *why (one line, lives as long as the run): it has errors or cannot be read. [0]
	 */
	int (*include)(void *arg, int global, char const *name, struct sieve_code const **code,
	    char const **why);
};

struct sieve_message {
	char const *s; /* the message, LF or CR LF line ends; must stay as long as the result */
	size_t n;
	/* Octets as they are counted by `size` (RFC 5228 5.9: as on the wire); 0: n and a CR for
	 * each bare LF, counted when a script asks. */
	uint64_t size;
};

struct sieve_job {
	struct sieve_message message;
	struct sieve_envelope envelope;
	struct sieve_host const *host;
	struct sieve_limits limits;
	int64_t now;		   /* seconds since 1970 */
	int zone;		   /* minutes east of UTC */
	char const *separators;	   /* of subaddresses, any of these letters; null: "+" */
	charset_open_fn *charsets; /* for charsets that are not built in; null: none */
	/* Called for each command and test that is run, if not null: sieve-test -t. */
	void (*trace)(void *arg, char const *script, unsigned int line, char const *text);
	void *trace_arg;
};

/* A message as it is to be stored or sent: the pieces one after the other. Null in an action: the
 * original, untouched. */
struct sieve_piece {
	char const *s;
	size_t n;
};
struct sieve_edition {
	unsigned int count;
	struct sieve_piece const *pieces; /* fields, the empty line, body; into the message or the
					     arena */
};

enum sieve_action_kind {
	SIEVE_KEEP,	/* to the account's own inbox */
	SIEVE_FILEINTO, /* to a folder; where it cannot be stored there, to the inbox */
	SIEVE_REDIRECT,
	SIEVE_DISCARD, /* said so by the script; nothing is to be done */
	SIEVE_REJECT,  /* RFC 5429: text may be UTF-8 and several lines (LF) */
	SIEVE_EREJECT,
	SIEVE_VACATION,
	SIEVE_NOTIFY
};

struct sieve_vacation {
	uint64_t seconds;    /* :days or :seconds, within SIEVE_VACATION_MIN and _MAX; 0: answer
				each time (RFC 6131 3) */
	char const *subject; /* null: "Auto: " and the message's (RFC 5230 4.3) */
	char const *from;   /* :from, a valid address with or without a name; null: the account's */
	char const *handle; /* null: made of the other arguments (RFC 5230 4.7) */
	char const *reason; /* the text; with `mime` a MIME entity with its fields */
	int mime;
	char const *const *addresses; /* of the owner; null at the end */
	/* The arguments that an answer without handle is known by, as they stand in the script, no
	 * variable put in (RFC 5230 4.2); null: not known. */
	char const *identity;
};

struct sieve_notify {
	char const *method;	    /* the URI; "mailto:..." has been checked (RFC 5436) */
	char const *from;	    /* null: none given; else a valid address */
	char importance;	    /* '1' '2' '3' */
	char const *message;	    /* null: none given */
	char const *const *options; /* "name=value"; null at the end */
};

struct sieve_action {
	enum sieve_action_kind kind;
	int implicit;	    /* KEEP that no command asked for */
	char const *script; /* where it was asked for; null: nowhere */
	unsigned int line;
	/* Of KEEP, FILEINTO, REDIRECT: what is kept or sent; of VACATION and NOTIFY: what they are
	 * about (RFC 5293 7). */
	struct sieve_edition const *edition;
	/* KEEP, FILEINTO (RFC 5232): flags to set, blanks between them: "\\Seen $label"; "" none.
	 */
	char const *flags;
	/* FILEINTO: where, in this order: mailboxid if there is one (RFC 9042), else specialuse
	 * (RFC 8579: the folder with this use, made as `folder` if there is none and `create`),
	 * else folder, made if there is none and `create` (RFC 5490 3.2). */
	char const *folder, *specialuse, *mailboxid;
	int create;
	char const *address; /* REDIRECT: addr-spec */
	char const *text;    /* REJECT, EREJECT */
	struct sieve_vacation const *vacation;
	struct sieve_notify const *notify;
};

/* Everything lives in the arena of sieve_run. */
struct sieve_result {
	unsigned int count;
	/* At least one, in the order in which they were asked for; the same action twice is there
	 * once (RFC 5228 2.10.3). An implicit keep comes last; it is not there when the script has
	 * cancelled it. Where nothing else is left there is one SIEVE_DISCARD. */
	struct sieve_action const *actions;
	/* Ids to be recorded once the actions have been carried out (RFC 7352 3). */
	unsigned int duplicates_count;
	struct sieve_duplicate const *duplicates;
	/* The run-time error, or null. The actions are then an implicit keep of the message as it
	 * came to this script (RFC 5228 2.10.6), behind what the scripts before it asked for. */
	char const *error;
	char const *error_script;
	unsigned int error_line;
	int temporary; /* a callback said -1: a later try may go well */
	uint64_t steps;
};

/* Runs scripts one after the other: the next one only if the keep is still in effect after the one
 * before it (as administrators know from Dovecot's sieve_before, sieve_after); a keep counts only
 * in the end. Actions of all are together in r. The result lives in a. Never fails: see r->error.
 */
void sieve_run(struct sieve_result *r, struct arena *a, struct sieve_code const *const *scripts,
    unsigned int count, struct sieve_job const *job);

/* ---- names and addresses ------------------------------------------------------------------------
 */

/* Is s[0..n) a script's name (RFC 5804 1.6): UTF-8 of 1 to SIEVE_NAME_MAX octets without "/",
 * without controls and line separators, not beginning with a byte order mark? */
int sieve_name_valid(char const *s, size_t n);
/* Appends where the script of this valid name is, relative to the folder of scripts: NAME.sieve. A
 * longer name than a file can have is cut into directories: .long/PART/PART.sieve. */
void sieve_name_file(stralloc *out, char const *name, size_t n);
#define SIEVE_SCRIPT_SUFFIX ".sieve"
#define SIEVE_LONG_FOLDER ".long"
/* Octets of a name that fits into one file's, and of such a part. */
#define SIEVE_FILE_NAME_MAX (255 - (sizeof SIEVE_SCRIPT_SUFFIX - 1))
#define SIEVE_NAME_PART 240
/* Is s one address "local@domain", or a name and "<local@domain>" when `named`? The addr-spec is
 * appended to out, if that is not null. 1 or 0. */
int sieve_address_valid(char const *s, int named, stralloc *out);

#endif
