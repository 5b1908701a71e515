/* postern-tables NAME...: compiles tables of the control directory to cdb (lib/table.h).
 * postern-tables -a ADDRESS: prints it as tables have it (account_key), for scripts.
 * postern-tables -q TABLE KEY: prints the value that programs find, in whatever source
 * (lib/lookup.h).
 *
 * Descriptors: 1 with -a and -q, 2 messages. Environment: POSTERN_DIR. Exit: 0, 100 usage, no
 * address, or no such key, 111 system, or a source that does not answer. Privileges: whoever owns
 * the control directory. A table that does not exist is passed over; its old cdb is removed. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/strerr.h>

#include "lib/account.h"
#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/table.h"
#include "lib/utf8.h"

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

static void
print_key(char const *address)
{
	stralloc key = STRALLOC_ZERO;
	if (!utf8_valid(address, strlen(address)) || account_key(&key, address) < 0)
		strerr_dief2x(100, "not an address: ", address);
	sa_append(&key, '\n');
	if (allwrite(1, key.s, key.len) < key.len)
		strerr_diefu1sys(111, "write");
	stralloc_free(&key);
}

static void
print_value(char const *table, char const *name)
{
	stralloc value = STRALLOC_ZERO;
	int const r = table_find(table, name, strlen(name), &value);
	if (r < 0)
		strerr_diefu4sys(111, "look ", name, " up in ", table);
	if (!r)
		_exit(100);
	sa_append(&value, '\n');
	if (allwrite(1, value.s, value.len) < value.len)
		strerr_diefu1sys(111, "write");
	stralloc_free(&value);
}

int
main(int argc, char **argv)
{
	PROG = "postern-tables";
	if (argc == 3 && !strcmp(argv[1], "-a")) {
		print_key(argv[2]);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "-q")) {
		print_value(argv[2], argv[3]);
		return 0;
	}
	if (argc < 2 || argv[1][0] == '-')
		strerr_dieusage(100, "postern-tables -a ADDRESS | -q TABLE KEY | NAME...");
	for (int i = 1; i < argc; i++)
		compile(argv[i]);
	return 0;
}
