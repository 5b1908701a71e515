/* system-map: answers for the system's accounts (getpwnam), as a server of the socketmap protocol
 * (lib/socketmap.h) on descriptors 0 and 1: "passwd NAME" gets the line that etc/users would have.
 * It is the source "system" of etc/lookup, whose programs are linked statically and run this one,
 * which is not: static glibc reads no nsswitch.conf.
 *
 * An account counts whose uid is account-uid-min or more, and whose home is there and its own:
 * qmail's rule, without which mail to "messagebus" would make a home for it. Descriptors: 0
 * questions, 1 answers. Environment: POSTERN_DIR. Exit: 0 at the end of the questions, 100 what
 * came is no question, 111 system. Touches: what the system's name service reads; homes, by stat.
 * Privileges: whoever asks has them. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/strerr.h>

#include "lib/account.h"
#include "lib/sa.h"

#define QUESTION_MAX 1100 /* octets: the key of a table (lib/table.c) and the map's name */

/* Reads one question into s as a C string: 1, 0 there is none any more. */
static int
read_question(char s[static QUESTION_MAX + 1])
{
	size_t length = 0;
	for (char c = '0'; c != ':'; length = c == ':' ? length : 10 * length + (size_t)(c - '0')) {
		ssize_t const r = fd_read(0, &c, 1);
		if (r < 0)
			strerr_diefu1sys(111, "read");
		if (!r)
			return 0;
		if ((c < '0' || c > '9') && c != ':')
			strerr_dief1x(100, "not a netstring");
		if (length > QUESTION_MAX)
			strerr_dief1x(100, "a question is too long");
	}
	if (length > QUESTION_MAX)
		strerr_dief1x(100, "a question is too long");
	char comma;
	if (allread(0, s, length) < length || allread(0, &comma, 1) < 1 || comma != ',')
		strerr_dief1x(100, "not a netstring");
	s[length] = 0;
	return 1;
}

/* Fields are kept apart by colons: what cannot be told so is no account of ours. */
static int
can_be_told(struct passwd const *pw)
{
	for (char const *s = pw->pw_dir; *s; s++)
		if (*s == ':' || (unsigned char)*s < ' ')
			return 0;
	return *pw->pw_dir == '/' && !strpbrk(pw->pw_shell, ":\n");
}

static void
tell(stralloc *out, struct passwd const *pw)
{
	struct stat st;
	if (pw->pw_uid < account_uid_min() || !can_be_told(pw)) {
		sa_copys(out, "NOTFOUND ");
		return;
	}
	int const r = stat(pw->pw_dir, &st);
	if (r < 0 && errno != ENOENT && errno != ENOTDIR) {
		sa_copys(out, "TEMP unable to see the home: ");
		sa_cats(out, strerror(errno));
	} else if (r < 0 || st.st_uid != pw->pw_uid)
		sa_copys(out, "NOTFOUND ");
	else {
		sa_reset(out);
		sa_catf(out, "OK x:%lu:%lu::%s:%s:", (unsigned long)pw->pw_uid,
		    (unsigned long)pw->pw_gid, pw->pw_dir, pw->pw_shell);
	}
}

/* POSIX has 0 for "there is none", and implementations some more. */
static int
is_absent(int e)
{
	return !e || e == ENOENT || e == ESRCH || e == EBADF || e == EPERM;
}

static void
answer(stralloc *out, char const *question)
{
	static char const map[] = "passwd ";
	if (strncmp(question, map, sizeof map - 1)) {
		sa_copys(out, "PERM there is no map but passwd");
		return;
	}
	errno = 0;
	struct passwd const *const pw = getpwnam(question + sizeof map - 1);
	if (pw)
		tell(out, pw);
	else if (is_absent(errno))
		sa_copys(out, "NOTFOUND ");
	else {
		sa_copys(out, "TEMP ");
		sa_cats(out, strerror(errno));
	}
}

int
main(int argc, char **argv)
{
	static char question[QUESTION_MAX + 1];
	stralloc out = STRALLOC_ZERO, line = STRALLOC_ZERO;
	PROG = "system-map";
	(void)argv;
	if (argc != 1)
		strerr_dieusage(100, "system-map");
	while (read_question(question)) {
		answer(&out, question);
		sa_reset(&line);
		sa_catf(&line, "%zu:", out.len);
		sa_catb(&line, out.s, out.len);
		sa_append(&line, ',');
		if (allwrite(1, line.s, line.len) < line.len)
			strerr_diefu1sys(111, "write");
	}
	return 0;
}
