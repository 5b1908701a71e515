/* Taking in what the index says of messages, into records that may know more; shared by
 * folder-replay.c and folder-load.c. */
#ifndef POSTERN_MAILDIR_FOLDER_REPLAY_H
#define POSTERN_MAILDIR_FOLDER_REPLAY_H

#include "maildir/folder-state.h"

struct replay {
	struct folder *f;
	int live;    /* the session is on: what changes is to be told */
	int merging; /* a snapshot: what it says less than we know makes another one necessary */
	uint32_t next;	 /* the position that the next entry is most likely of */
	uint64_t before; /* the last state that was read before this snapshot was there */
	int any_state;
	struct index_state state;
};

/* Reads the log on. As index_log_read. */
int replay_log(struct replay *p);
/* A message that is not known yet. */
void replay_new(struct folder *f, struct record const *r, char const *name, size_t len);
/* One that is, at this position: the later change counts. */
void replay_known(
    struct replay *p, uint32_t at, struct record const *r, char const *name, size_t len);
/* One was expunged, and that was told. */
void replay_expunge(struct replay *p, struct log_expunge const *e);

#endif
