/* TAP for unit tests: tables of input and expected output. A test is a main that calls these and
 * ends with `return tap_done();`. */
#ifndef POSTERN_TAP_H
#define POSTERN_TAP_H

#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((unused, format(printf, 2, 3))) static int
tap_ok(int ok, char const *fmt, ...)
{
	char name[400];
	__builtin_va_list ap;
	__builtin_va_start(ap, fmt);
	vsnprintf(name, sizeof name, fmt, ap);
	__builtin_va_end(ap);
	for (char *p = name; *p; p++)
		if (*p == '\n' || *p == '\r' || *p == '#')
			*p = '.';
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tap_count, name);
	if (!ok)
		tap_failed++;
	return ok;
}

__attribute__((unused)) static void
tap_show(char const *what, char const *s, size_t n)
{
	printf("# %s (%zu): ", what, n);
	for (size_t i = 0; i < n; i++)
		if (s[i] >= ' ' && s[i] < 127)
			putchar(s[i]);
		else
			printf("\\x%02x", (unsigned char)s[i]);
	putchar('\n');
}

/* got[0..n) equals want[0..m). */
__attribute__((unused)) static int
tap_mem(char const *name, char const *got, size_t n, char const *want, size_t m)
{
	int ok = tap_ok(n == m && (!n || !memcmp(got, want, n)), "%s", name);
	if (!ok) {
		tap_show("got ", got, n);
		tap_show("want", want, m);
	}
	return ok;
}

__attribute__((unused)) static int
tap_str(char const *name, char const *got, char const *want)
{
	return tap_mem(name, got ? got : "(null)", strlen(got ? got : "(null)"), want, strlen(want));
}

__attribute__((unused)) static int
tap_num(char const *name, long long got, long long want)
{
	int ok = tap_ok(got == want, "%s", name);
	if (!ok)
		printf("# got %lld, want %lld\n", got, want);
	return ok;
}

static int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
