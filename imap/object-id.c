#include "imap/object-id.h"

#include <stdint.h>

#include "lib/ascii.h"
#include "lib/fnv.h"
#include "lib/sa.h"

#define OBJECT_ID_MAX 255
#define OTHER_BEGIN UINT64_C(0x6c62272e07bb0142)

/* Two of them: equal ids only for equal texts, unless somebody works hard for nothing. */
static void
put_hash(stralloc *out, char const *s, size_t n)
{
	sa_catf(out, "%016llx%016llx", (unsigned long long)fnv64(FNV64_BEGIN, s, n),
	    (unsigned long long)fnv64(OTHER_BEGIN, s, n));
}

static int
is_alnum(char c)
{
	char const l = ascii_tolower(c);
	return ascii_isdigit(c) || (l >= 'a' && l <= 'z');
}

int
emailid_put(stralloc *out, struct folder *f, uint32_t i)
{
	stralloc id = STRALLOC_ZERO;
	size_t const start = out->len;
	int r = folder_emailid(f, i, &id);
	sa_append(out, 'M');
	for (size_t k = 0; !r && k < id.len; k++)
		if (is_alnum(id.s[k]))
			sa_append(out, id.s[k]);
		else
			sa_catf(out, "_%02X", (unsigned char)id.s[k]);
	if (out->len - start > OBJECT_ID_MAX) {
		out->len = start;
		sa_cats(out, "M-");
		put_hash(out, id.s, id.len);
	}
	stralloc_free(&id);
	return r;
}

/* The first reference, else the message's own id. */
static int
root_of(char const *keys, size_t len, char const **id, size_t *n)
{
	char const *own;
	size_t at = 0, own_len;
	if (!message_thread_keys(keys, len, &at, &own, &own_len))
		return 0;
	if (!message_thread_keys(keys, len, &at, id, n)) {
		*id = own;
		*n = own_len;
	}
	return *n > 0;
}

int
threadid_put(stralloc *out, struct hand *h, int cached)
{
	char const *id;
	size_t len, n;
	char const *keys = (cached ? hand_cached : hand_text)(h, TEXT_THREAD, &len);
	if (!keys)
		return -1;
	sa_append(out, 'T');
	if (root_of(keys, len, &id, &n)) {
		put_hash(out, id, n);
		return 0;
	}
	stralloc email = STRALLOC_ZERO;
	int r = emailid_put(&email, h->folder, h->i);
	put_hash(out, email.s, email.len);
	stralloc_free(&email);
	return r;
}
