/* For the targets that parse a file of a Maildir: a Maildir in memory, where that file is put. */
#ifndef TESTS_FUZZ_MAILDIR_FILES_H
#define TESTS_FUZZ_MAILDIR_FILES_H

#include <stdint.h>

#include "tests/unit/maildir-dir.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static int fd_dir = -1;

/* The first time makes the Maildir. */
__attribute__((unused)) static void
put_file(char const *name, uint8_t const *data, size_t size)
{
	if (fd_dir < 0) {
		if (!getenv("TMPDIR") && !access("/dev/shm", W_OK))
			setenv("TMPDIR", "/dev/shm", 0);
		dir_make();
		fd_dir = open(dir_path, O_RDONLY | O_DIRECTORY);
		mkdirat(fd_dir, "tmp", 0700);
		mkdirat(fd_dir, "cur", 0700);
		mkdirat(fd_dir, "new", 0700);
	}
	int fd = openat(fd_dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

#endif
