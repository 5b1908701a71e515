/* Senders of what is forwarded elsewhere (lib/srs.h). */
#ifndef POSTERN_MDA_LOCAL_REWRITE_H
#define POSTERN_MDA_LOCAL_REWRITE_H

#include "lib/arena.h"
#include "lib/smtp-envelope.h"
#include "lib/srs.h"

struct rewrite {
	char const *domain; /* rewritten senders' one; null: nothing is rewritten */
	struct srs_key key;
};
/* Settings srs-domain and srs-key, read once. Exit 100 if one is there without the other, or the
 * key is too short. */
void rewrite_init(struct rewrite *r);
/* The sender under which mail from `from`, of which only the text counts, is forwarded: rewritten
 * unless it is empty or of a domain of ours. *from itself if it need or cannot be. Strings live in
 * a. */
struct smtp_path rewrite_sender(
    struct rewrite const *r, struct arena *a, struct smtp_path const *from);
/* What a local part at r->domain stands for: 1 with its parts in a, 0 none, -1 refused. */
int rewrite_back(struct rewrite const *r, struct arena *a, char const *local, char const **to_local,
    char const **to_domain);

#endif
