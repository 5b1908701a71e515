/* The names of a folder's messages: one arena, compacted when most of it is unused. */
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "maildir/folder-state.h"

#define WASTE_WORTH 1048576

static void
compact(struct folder *f)
{
	stralloc fresh = STRALLOC_ZERO;
	sa_room(&fresh, f->names.len - f->waste + MAILDIR_NAME_MAX);
	for (uint32_t i = 0; i < f->count; i++) {
		struct record *r = f->msg + i;
		uint32_t at = (uint32_t)fresh.len;
		sa_catb(&fresh, record_name(f, r), (size_t)r->name_len + 1);
		r->name = at;
	}
	stralloc_free(&f->names);
	f->names = fresh;
	f->waste = 0;
}

void
record_rename(struct folder *f, struct record *r, char const *name, size_t len)
{
	char copy[MAILDIR_NAME_MAX + 1];
	memcpy(copy, name, len);
	if (r->name_len >= len && f->names.len) {
		/* It fits where the old one stands. */
		memcpy(f->names.s + r->name, copy, len);
		f->names.s[r->name + len] = 0;
		f->waste += r->name_len - len;
		r->name_len = (uint8_t)len;
		return;
	}
	f->waste += r->name_len ? (size_t)r->name_len + 1 : 0;
	r->name = (uint32_t)f->names.len;
	r->name_len = (uint8_t)len;
	sa_catb(&f->names, copy, len);
	sa_0(&f->names);
	if (f->waste > WASTE_WORTH && f->waste > f->names.len / 2 && r < f->msg + f->count)
		compact(f);
}

char *
record_path(struct folder *f, struct record const *r)
{
	return f->names.s + r->name;
}

void
folder_map(struct folder const *f, struct basemap *m)
{
	for (uint32_t i = 0; i < f->count; i++) {
		struct record const *r = f->msg + i;
		/* Of two records of one base name the later, larger UID counts. */
		basemap_put(m, f->names.s, r->name, r->base_len, i);
	}
}
