#include "imap/keys.h"

#include "imap/hand.h"
#include "imap/progress.h"
#include "maildir/limits.h"

#define SHARE 8 /* such a part of the folder's messages is most of them */

struct source {
	struct session *s;
	struct folder *f;
	struct hand h;
	struct progress progress;
};

static char const *
text_of(void *arg, uint32_t i, enum message_text which, size_t *len)
{
	struct source *x = arg;
	if (hand_stopped(&x->h, x->s, i))
		return 0;
	x->progress.done = i;
	progress_tell(x->s, &x->progress);
	hand_take(&x->h, x->f, i);
	if (which != TEXT_HEADERS)
		return hand_keys(&x->h, which, len);
	char const *const kept = hand_text(&x->h, which, len);
	if (kept || !hand_header(&x->h))
		return kept;
	/* A header that is too long to be kept. */
	*len = x->h.top.body;
	return x->h.s;
}

int
keys_get(struct folder_keys *k, struct session *s, struct folder *f, uint32_t count,
    unsigned int columns)
{
	struct source x = {s, f, HAND_ZERO, {0, folder_count(f)}};
	*k = (struct folder_keys)FOLDER_KEYS_ZERO;
	if (count < MAILDIR_KEYS_WORTH || count < folder_count(f) / SHARE)
		return 0;
	if (folder_keys_open(k, f, columns) && !k->moved)
		return 1;
	folder_keys_close(k);
	int const mapped = folder_map_texts(f);
	int const ok = folder_keys_make(k, f, columns, text_of, &x);
	if (mapped)
		folder_unmap_texts(f);
	hand_free(&x.h);
	return ok;
}
