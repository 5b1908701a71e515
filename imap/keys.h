/* postern-keys of a folder (maildir/folder-keys.h), for a command that asks for most messages. */
#ifndef POSTERN_IMAP_KEYS_H
#define POSTERN_IMAP_KEYS_H

#include "imap/session.h"
#include "maildir/folder-keys.h"

/* How many messages a command has to ask for. */
uint32_t keys_worth(struct folder *f);
/* Opens it with these columns (bits) for a command that needs them of so many messages. 1, or 0: they
 * are few, or it is not there so. folder_keys_close in any case. */
int keys_find(struct folder_keys *k, struct folder *f, size_t count, unsigned int columns);
/* The same; makes what is missing, unless it takes more than imap-search-memory. */
int keys_get(struct folder_keys *k, struct session *s, struct folder *f, uint32_t count,
    unsigned int columns);

#endif
