#include "imap/keys.h"

#include <errno.h>

#include "imap/hand.h"
#include "imap/progress.h"
#include "imap/sort.h"
#include "maildir/limits.h"

#define SHARE 8 /* such a part of the folder's messages is most of them */

struct source {
	struct session *s;
	struct folder *f;
	struct hand h;
	struct progress progress;
};

/* A header may be too long to be kept. */
static char const *
header_of(struct source *x, size_t *len)
{
	char const *const kept = hand_text(&x->h, TEXT_HEADERS, len);
	if (kept || !hand_header(&x->h))
		return kept;
	*len = x->h.top.body;
	return x->h.s;
}

/* A message that is gone, or has no such text, is as an empty one: for everyone. One that only this
 * process cannot read is not. */
static int
text_of(void *arg, uint32_t i, enum message_text which, char const **text, size_t *len)
{
	struct source *x = arg;
	if (hand_stopped(&x->h, x->s, i))
		return KEYS_STOP;
	progress_tell(x->s, &x->progress);
	hand_take(&x->h, x->f, i);
	errno = 0;
	*text = which == TEXT_HEADERS ? header_of(x, len) : hand_keys(&x->h, which, len);
	if (!*text && errno && errno != ENOENT)
		return KEYS_UNREADABLE;
	if (!*text)
		*len = 0;
	return KEYS_TEXT;
}

uint32_t
keys_worth(struct folder *f)
{
	uint32_t const share = folder_count(f) / SHARE;
	return share < MAILDIR_KEYS_WORTH ? MAILDIR_KEYS_WORTH : share;
}

int
keys_find(struct folder_keys *k, struct folder *f, size_t count, unsigned int columns)
{
	*k = (struct folder_keys)FOLDER_KEYS_ZERO;
	return count >= keys_worth(f) && folder_keys_open(k, f, columns) && !k->moved;
}

int
keys_get(struct folder_keys *k, struct session *s, struct folder *f, uint32_t count,
    unsigned int columns)
{
	struct source x = {.s = s, .f = f, .h = HAND_ZERO, .progress = {0, PROGRESS_UNKNOWN}};
	if (keys_find(k, f, count, columns))
		return 1;
	folder_keys_close(k);
	if (count < keys_worth(f) || (uint64_t)folder_count(f) * SORT_OCTETS > s->search_memory)
		return 0;
	int const mapped = folder_map_texts(f);
	int const ok = folder_keys_make(k, f, columns, text_of, &x);
	if (mapped)
		folder_unmap_texts(f);
	hand_free(&x.h);
	return ok;
}
