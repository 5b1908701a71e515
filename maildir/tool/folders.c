#include "maildir/tool/folders.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/tree.h"

static int
is_folder(int fd_root, char const *entry)
{
	static char const *const marks[] = {"cur", "new", "maildirfolder"};
	char path[600];
	for (unsigned int i = 0; i < sizeof marks / sizeof *marks; i++) {
		snprintf(path, sizeof path, "%s/%s", entry, marks[i]);
		if (!faccessat(fd_root, path, F_OK, 0))
			return 1;
	}
	return 0;
}

int
folders_each(char const *root, folder_fn *fn, void *arg)
{
	struct maildir_tree t = TREE_DEFAULT(root);
	DIR *d = opendir(root);
	if (!d)
		return -1;
	fn(arg, "", "INBOX");
	errno = 0;
	for (struct dirent *e; (e = readdir(d)); errno = 0) {
		stralloc name = STRALLOC_ZERO;
		char const *s = e->d_name;
		if (s[0] == '.' && s[1] && s[1] != '.' && strcmp(s, ".INBOX") &&
		    is_folder(dirfd(d), s))
			fn(arg, s,
			    tree_client_name(&t, s + 1, strlen(s + 1), &name) < 0 ? 0
										  : sa_str(&name));
		stralloc_free(&name);
	}
	int error = errno;
	closedir(d);
	errno = error;
	return error ? -1 : 0;
}
