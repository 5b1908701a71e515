/* sieve-check [-s] [-x EXTENSIONS] FILE...: compiles scripts and tells their errors.
 *
 * Descriptors: 1 the errors, "FILE:LINE: text" a line; 2 what cannot be read. FILE "-" is 0.
 * Environment: POSTERN_DIR (settings sieve-max-script-size, sieve-extensions). Exit: 0 all compile;
 * 100 usage, or one has errors; 111 one cannot be read for now. Touches: with -s FILE.code.
 * Privileges: the caller's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/sa.h"
#include "sieve/sieve.h"

#define USAGE "sieve-check [-s] [-x extensions] file..."

/* All of fd 0, as far as a script may be long, and one octet more. */
static void
read_input(stralloc *text, size_t max)
{
	ssize_t n = 1;
	while (n > 0 && text->len <= max) {
		sa_room(text, 65536);
		n = read(0, text->s + text->len, 65536);
		if (n < 0 && errno != EINTR)
			strerr_diefu1sys(111, "read standard input");
		text->len += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
}

static int
check_input(struct arena *a, struct sieve_limits const *l, struct sieve_errors *e)
{
	stralloc text = STRALLOC_ZERO, code = STRALLOC_ZERO;
	read_input(&text, l->script);
	int const r = sieve_compile(&code, a, text.s ? text.s : "", text.len, l, e);
	stralloc_free(&text);
	stralloc_free(&code);
	errno = EINVAL;
	return r;
}

/* The exit code for this file. */
static int
check(char const *file, int save, struct sieve_limits const *l)
{
	struct arena a = ARENA_ZERO;
	struct sieve_errors e = {0};
	struct sieve_code c = {0};
	int const r =
	    strcmp(file, "-") ? sieve_file_load(&c, &a, file, save, l, &e) : check_input(&a, l, &e);
	int const why = errno;
	for (unsigned int i = 0; i < e.count; i++)
		printf("%s:%u: %s\n", file, e.list[i].line, e.list[i].text);
	sieve_code_close(&c);
	arena_free(&a);
	errno = why;
	if (r < 0 && !e.count)
		strerr_warnwu2sys("read ", file);
	return !r ? 0 : e.count || why == ENOENT || why == EINVAL ? 100 : 111;
}

int
main(int argc, char const **argv)
{
	struct sieve_limits l;
	subgetopt o = SUBGETOPT_ZERO;
	int save = 0, worst = 0;
	PROG = "sieve-check";
	sieve_limits_settings(&l);
	for (int c; (c = subgetopt_r(argc, argv, "sx:", &o)) >= 0;)
		switch (c) {
		case 's':
			save = 1;
			break;
		case 'x':
			l.extensions = o.arg;
			break;
		default:
			strerr_dieusage(100, USAGE);
		}
	if (o.ind == argc)
		strerr_dieusage(100, USAGE);
	for (int i = o.ind; i < argc; i++) {
		int const r = check(argv[i], save, &l);
		worst = r > worst ? r : worst;
	}
	return fflush(stdout) < 0 ? 111 : worst;
}
