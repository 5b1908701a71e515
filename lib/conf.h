/* Settings: the environment for what belongs to one invocation, the control directory for the rest.
 *
 * The instance directory is POSTERN_DIR (default /var/lib/postern); its control directory is etc/
 * below it. One setting per file, first line counts, blanks around it are cut. A bad value ends the
 * program with exit 100 and the file's name; a file that exists and cannot be read with 111, or 100
 * where only its mode or what it is can change that.
 * Read before the sandbox is on. */
#ifndef POSTERN_CONF_H
#define POSTERN_CONF_H

#include <stdint.h>
#include <skalibs/stralloc.h>

/* The instance directory, without a slash at its end. */
char const *conf_dir(void);
/* instance directory + "/" + relative, as a malloced C string that lives until exit. */
char *conf_path(char const *relative);

/* First line of etc/NAME into value (len without NUL, C string): 1, or 0 if there is no such file
 * or its first line is empty. */
int conf_line(char const *name, stralloc *value);
/* The same with a default; lives until exit; null stays null. */
char const *conf_string(char const *name, char const *otherwise);
/* A number in [min, max]. */
uint64_t conf_uint(char const *name, uint64_t otherwise, uint64_t min, uint64_t max);
/* A number of bytes; K, M, G (powers of 1024) may follow. */
uint64_t conf_size(char const *name, uint64_t otherwise, uint64_t min, uint64_t max);
/* "yes"/"1"/"on"/"true" or an empty existing file: 1; "no"/"0"/"off"/"false": 0. */
int conf_flag(char const *name, int otherwise);
/* An address, local@domain; lives until exit; null where there is none. */
char const *conf_address(char const *name);
/* Every line that is neither empty nor a comment (#), each with a NUL, appended: their number. */
unsigned int conf_lines(char const *name, stralloc *list);

/* All of etc/NAME: 1, or 0 if there is no such file. */
int conf_text(char const *name, stralloc *text);

/* A time: a number and ms, s, m, h or d (s if nothing). In milliseconds; as conf_uint. */
uint64_t conf_duration(char const *name, char const *otherwise, uint64_t min, uint64_t max);
/* Reads such a text: 0, or -1 if it is none. */
int duration_scan(char const *s, uint64_t *ms);

/* This host's name: etc/me, else gethostname; lower case. */
char const *conf_me(void);
/* From now on it is this; null: what etc/me says now. Names that it gave before stay where they
 * are. */
void conf_me_is(char const *name);
#define CONF_ME_MAX 256 /* bytes of gethostname's, with its NUL */

/* The environment: a number in [min, max], or otherwise; a bad one is exit 100. */
uint64_t env_uint(char const *name, uint64_t otherwise, uint64_t min, uint64_t max);

#endif
