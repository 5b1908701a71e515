/* postern-keys is written while it is within its limits and leaves the filesystem room. */
#include "maildir/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "maildir/limits.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

static struct statvfs disk;
static int disk_error;

/* In the C library's place. */
int
fstatvfs(int fd, struct statvfs *v)
{
	(void)fd;
	*v = disk;
	errno = disk_error;
	return disk_error ? -1 : 0;
}

/* One column of so many octets, the file counted as if so many more stood before it. */
static int
written(uint64_t before, size_t octets)
{
	static char const zeros[4096];
	struct keys_writer w;
	struct keys_header const h = {.validity = 1};
	int const dir = open(".", O_RDONLY | O_DIRECTORY);
	if (keys_write_begin(&w, dir, &h) < 0)
		return errno;
	w.at += before;
	keys_write_column(&w, KEYS_DATE);
	for (size_t n = 0; n < octets; n += sizeof zeros)
		keys_write(&w, zeros, sizeof zeros);
	int const r = keys_write_end(&w, 1) < 0 ? errno : 0;
	close(dir);
	return r;
}

static struct {
	char const *name;
	unsigned long blocks, avail;
	int error;
	uint64_t before;
	int want;
} const cases[] = {
    {"room", 1000000, 20000, 0, 0, 0},
    {"just enough", 1000000, 16460, 0, 0, 0},
    {"it would not stay free", 1000000, 16384, 0, 0, ENOSPC},
    {"nothing free", 1000000, 0, 0, 0, ENOSPC},
    {"of a size that nobody knows", 0, 0, 0, 0, 0},
    {"which does not tell", 1000000, 0, EIO, 0, 0},
    {"a file at its limit", 1000000, 20000, 0, MAILDIR_KEYS_FILE - 400000, 0},
    {"and beyond", 1000000, 20000, 0, MAILDIR_KEYS_FILE, EFBIG},
};

int
main(void)
{
	dir_make();
	mkdir("tmp", 0700);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct stat st;
		disk = (struct statvfs){.f_blocks = cases[i].blocks,
		    .f_bavail = cases[i].avail,
		    .f_frsize = 4096,
		    .f_bsize = 4096};
		disk_error = cases[i].error;
		unlink(KEYS_NAME);
		tap_num(cases[i].name, written(cases[i].before, 300000), cases[i].want);
		tap_ok(!stat(KEYS_NAME, &st) == !cases[i].want, "%s: %s", cases[i].name,
		    cases[i].want ? "no file" : "a file");
	}
	return tap_done();
}
