/* From new/ to cur/. A few go there before their session tells of them: then it is the only one for
 * which they are \Recent. Many go when the client has its answer, some at a time. Until then they
 * are \Recent for every session that opens the folder, and again when this one is killed: RFC 3501
 * 2.3.2 has a message be recent when it is not known which session was the first. */
#include <errno.h>
#include <string.h>

#include "lib/durable.h"
#include "maildir/folder-state.h"

#define AT_ONCE 32

/* 1 if it is in cur/ now; 0: another was faster, or the name is taken: the next look tells. */
static int
take(struct folder *f, uint32_t p)
{
	char to[MAILDIR_NAME_MAX + 1];
	struct record *r = folder_at(f, p);
	char const *from = record_path(f, r);
	size_t len = strlen(from);
	memcpy(to, from, len + 1);
	if (r->base_len == len) {
		if (len + 3 > MAILDIR_NAME_MAX)
			return 0;
		memcpy(to + len, ":2,", 4);
		len += 3;
	}
	if (durable_rename_new(f->fd_new, from, f->fd_cur, to) < 0) {
		if (errno == ENOENT && p >= f->announced)
			r->flags &= (uint8_t)~FLAG_RECENT; /* it is the other's */
		return 0;
	}
	record_uncount(f, r);
	r->state &= ~(uint32_t)RECORD_NEW;
	record_count(f, p);
	record_rename(f, r, to, len);
	record_touch(f, p);
	return 1;
}

int
folder_take(struct folder *f)
{
	unsigned int tried = 0, taken = 0;
	if (!f->take_due)
		return 0;
	int known = folder_begin_change(f);
	uint32_t left = f->totals.in_new;
	/* Most likely they are the last. */
	for (uint32_t p = f->count; left && tried < AT_ONCE && p--;) {
		struct record const *r = folder_at(f, p);
		if (!record_live(r) || !(r->state & RECORD_NEW))
			continue;
		left--;
		tried++;
		taken += (unsigned int)take(f, p);
	}
	folder_end_change(f, known, taken);
	f->new.racy = 1; /* changed by us; empty most likely, so that another look costs nothing */
	f->take_due = taken == tried && left;
	return f->take_due;
}

void
folder_take_few(struct folder *f)
{
	f->take_due = f->options & FOLDER_TAKE_NEW && f->totals.in_new;
	if (f->totals.in_new <= AT_ONCE)
		(void)folder_take(f);
}
