/* dovecot-uidlist: whatever stands there, UIDs ascend, and what is added is read again. */
#include "tests/fuzz/maildir/files.h"

#include "maildir/uidlist.h"

static uint32_t last, found;

static void
on_line(void *arg, struct uidlist_line const *l)
{
	(void)arg;
	if (l->uid <= last || !l->base_len || l->base[0] == '.' ||
	    memchr(l->base, '/', l->base_len))
		abort();
	last = l->uid;
	if (l->base_len == 10 && !memcmp(l->base, "added.here", 10))
		found = l->uid;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct uidlist u = UIDLIST_ZERO;
	struct uidlist_line add = {0, 0, "added.here", "Gabc", 10, 4};
	put_file("dovecot-uidlist", data, size);
	last = found = 0;
	if (uidlist_read(&u, fd_dir, on_line, 0) > 0 && u.validity &&
	    u.next <= UINT32_C(0xfffffffe)) {
		uint32_t next = u.next;
		if (next <= last || uidlist_append(&u, fd_dir, &add, 1) < 0 || add.uid != next)
			abort();
		uidlist_forget(&u);
		last = found = 0;
		if (uidlist_read(&u, fd_dir, on_line, 0) != 2 || found != next ||
		    u.next != next + 1)
			abort();
		if (uidlist_strike(&u, fd_dir, (uint32_t const[]){add.offset, add.uid}, 1) < 0)
			abort();
		last = found = 0;
		uidlist_forget(&u);
		if (uidlist_read(&u, fd_dir, on_line, 0) != 2 || found == next ||
		    u.next != next + 1)
			abort();
	}
	uidlist_close(&u);
	return 0;
}
