#include "imap/ahead.h"

#include "imap/limits.h"
#include "imap/messages.h"
#include "lib/read-ahead.h"

void
ahead_begin(struct ahead *a, struct folder *f, struct set const *set, uint64_t since)
{
	*a = (struct ahead){.folder = f, .set = set, .since = since};
	a->alone = messages_count(set) < AHEAD_LEAST ? UINT32_MAX : AHEAD_LEAST / 2;
}

/* Message i is to be read, if it will be and can be: 1; 0: there is no room for it. */
static int
put(struct ahead *a, uint32_t i)
{
	int fd_dir;
	uint64_t size;
	char const *name;
	if (folder_gone(a->folder, i) || (a->since && folder_modseq(a->folder, i) <= a->since) ||
	    folder_place(a->folder, i, &fd_dir, &name, &size) < 0 || size > READ_AHEAD_FILE)
		return 1;
	return read_ahead_put(a->files, i, fd_dir, name, (size_t)size);
}

static void
fill(struct ahead *a)
{
	while (a->range < a->set->n) {
		struct range const *const r = a->set->r + a->range;
		a->next = a->next < r->lo ? r->lo : a->next;
		if (a->next > r->hi)
			a->range++;
		else if (put(a, a->next))
			a->next++;
		else
			break;
	}
	/* The thread is not woken for each that there is room for. */
	a->enough = read_ahead_count(a->files) / 2;
}

char *
ahead_take(struct ahead *a, uint32_t i, size_t *size)
{
	char *s = 0;
	if (!a->files && (!a->alone || --a->alone || !(a->files = read_ahead_begin())))
		return 0;
	while (read_ahead_count(a->files) && read_ahead_number(a->files) < i)
		(void)read_ahead_take(a->files, size);
	if (read_ahead_count(a->files) && read_ahead_number(a->files) == i)
		s = read_ahead_take(a->files, size);
	a->next = a->next <= i ? i + 1 : a->next;
	if (read_ahead_count(a->files) <= a->enough)
		fill(a);
	return s;
}

void
ahead_end(struct ahead *a)
{
	if (a->files)
		read_ahead_end(a->files);
}
