#include "maildir/own.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"

char *
own_maildir(void)
{
	char const *dir = getenv("MAILDIR"), *home = getenv("HOME");
	stralloc path = STRALLOC_ZERO;
	if (dir && *dir)
		sa_copys(&path, dir);
	else if (home && *home)
		sa_catf(&path, "%s/Maildir", home);
	else
		return 0;
	while (path.len > 1 && path.s[path.len - 1] == '/')
		path.len--;
	return sa_str(&path);
}

int
own_allowed(char const *maildir)
{
	struct stat st;
	stralloc home = STRALLOC_ZERO;
	if (geteuid())
		return 1;
	int r = stat(maildir, &st);
	if (r < 0) {
		char const *slash = strrchr(maildir, '/');
		sa_copyb(&home, slash ? maildir : ".", slash ? (size_t)(slash - maildir) + 1 : 1);
		r = stat(sa_str(&home), &st);
		stralloc_free(&home);
	}
	/* Where there is not even a home nothing can be made, which is seen soon enough. */
	return r < 0 || !st.st_uid;
}
