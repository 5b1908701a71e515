/* One look at cur/ and new/ of a folder. Nearly all names are what the records say: of these no
 * more is noted than that they are there. The others are kept, by base name. */
#ifndef POSTERN_MAILDIR_SCAN_H
#define POSTERN_MAILDIR_SCAN_H

#include "maildir/basemap.h"
#include "maildir/folder-state.h"

#define SCAN_NEW 1
#define SCAN_CUR 2

struct found {
	uint32_t name;	    /* offset in scan.names */
	uint32_t uid, line; /* 0: none known */
	uint32_t msg;	    /* the position of its record, or BASEMAP_NONE */
	uint32_t hash;	    /* of its base name */
	uint8_t name_len, base_len;
	uint8_t in_new, plain;
};

/* What was seen of a record's file. */
enum seen { SEEN_NOT, SEEN_AS_KNOWN, SEEN_FOUND /* see scan.f */ };

struct scan {
	unsigned int which;  /* SCAN_NEW | SCAN_CUR: what was looked at */
	int still;	     /* the stamps were the same before and after */
	int stable;	     /* nothing moved meanwhile: what is not here was not there */
	uint32_t known;	     /* positions when it looked */
	unsigned char *seen; /* enum seen, per position */
	struct found *f;
	uint32_t count, room;
	stralloc names;
	struct basemap map;	       /* base names to indexes of f */
	struct stamp cur, new;	       /* as they were before */
	struct stamp cur_end, new_end; /* and when all was read */
	uint32_t expected;	       /* where in the index's order of cur/ we are */
	struct numbers order;	       /* of cur/: positions, or SCAN_FOUND and an index of f */
};
#define SCAN_FOUND UINT32_C(0x80000000)

/* Reads the directories. 0 or -1; scan_free after both. */
int scan_run(struct scan *s, struct folder *f, unsigned int which);
/* Makes the look stable if `before` found all as this one did: a change between the two would show
 * in the stamps, as the clock had moved on. */
void scan_confirm(struct scan *s, struct scan const *before);
/* Makes the look unstable if something moved since: what was read elsewhere meanwhile may be newer.
 */
void scan_recheck(struct scan *s, struct folder *f);
/* What was found by this base name; null: nothing, or SEEN_AS_KNOWN. */
struct found *scan_find(struct scan const *s, uint32_t hash, char const *base, size_t len);
/* The file of a record, whose state may be about to change; null: it was not seen. Good until the
 * next call. */
struct found *scan_file(struct scan *s, struct folder *f, uint32_t position);
/* The processor is told of a name that will be asked for soon: most lie in two lines of its caches. */
static inline void
scan_expect_name(struct scan const *s, char const *names, uint32_t i)
{
	char const *name = names + s->f[i].name;
	__builtin_prefetch(name);
	__builtin_prefetch(name + s->f[i].name_len);
}
void scan_free(struct scan *s);

#endif
