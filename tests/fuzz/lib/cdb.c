/* A cdb that others have made, or damaged: a key is found, is not, or the file is bad. The first octet is the key's length. */
#include "tests/fuzz/session.h"

#include "lib/cdb-read.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct cdb_read c;
	stralloc value = STRALLOC_ZERO;
	char path[100];
	size_t const len = size ? *data % 16 : 0;
	if (size < len + 1)
		return 0;
	instance_file("x.cdb", data + 1 + len, size - 1 - len);
	snprintf(path, sizeof path, "%s/x.cdb", instance_dir);
	if (!cdb_read_open(&c, path)) {
		if (cdb_read_find(&c, (char const *)data + 1, len, 1 << 16, &value) == 1 && strlen(value.s) != value.len)
			abort();
		(void)cdb_read_find(&c, "", 0, 100, &value);
		(void)cdb_read_begins(&c, "abc", 3);
		cdb_read_close(&c);
	}
	stralloc_free(&value);
	return 0;
}
