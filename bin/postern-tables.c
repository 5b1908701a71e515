/* postern-tables NAME...: compiles tables of the control directory to cdb (lib/table.h).
 *
 * Descriptors: 2 messages. Environment: POSTERN_DIR. Exit: 0, 100 usage, 111 system.
 * Privileges: whoever owns the control directory. A table that does not exist is passed over; its
 * old cdb is removed. */
#include <errno.h>
#include <unistd.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/table.h"

static void
compile(char const *name)
{
	stralloc cdb = STRALLOC_ZERO;
	if (!table_compile(name))
		return;
	if (errno != ENOENT)
		strerr_diefu2sys(111, "compile table ", name);
	sa_cats(&cdb, "etc/");
	sa_cats(&cdb, name);
	sa_cats(&cdb, ".cdb");
	unlink(conf_path(sa_str(&cdb)));
	stralloc_free(&cdb);
}

int
main(int argc, char **argv)
{
	PROG = "postern-tables";
	if (argc < 2 || argv[1][0] == '-')
		strerr_dieusage(100, "postern-tables NAME...");
	for (int i = 1; i < argc; i++)
		compile(argv[i]);
	return 0;
}
