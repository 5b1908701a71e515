/* A Maildir folder that is imported: its messages with what its server kept beside them. Only read.
 */
#ifndef POSTERN_MAILDIR_TOOL_SOURCE_H
#define POSTERN_MAILDIR_TOOL_SOURCE_H

#include "maildir/keywords.h"
#include "maildir/tool/names.h"
#include "maildir/uidlist.h"

enum source_kind {
	SOURCE_MAILDIR =
	    0,		/* whatever is there: Dovecot's files (ours are the same), else Courier's */
	SOURCE_DOVECOT, /* Dovecot's only */
	SOURCE_COURIER	/* Courier's only */
};

struct source_message {
	size_t file; /* its name, in source.text */
	size_t keys; /* record keys, in source.text; 0: none */
	uint32_t uid;
	uint8_t base_len, in_new;
	unsigned int flags;
	struct keyword_set set;
};

struct source {
	char const *dir;
	int fd_dir, fd_cur, fd_new;
	struct uidlist uidlist; /* validity, next, guid; all 0 without one */
	struct keywords keywords;
	struct names index;	  /* base names to messages */
	struct source_message *m; /* those with UIDs first, ascending; then by order of arrival */
	size_t count, room;
	stralloc text;
	int letters;	  /* small letters in names are keywords */
	int complete;	  /* all has been read */
	unsigned int odd; /* keywords that are none, or one too many for the store */
};

/* Reads the folder at dir (which must live on). root: the Maildir, for what is kept there; null:
 * this folder is not its INBOX. 0 or -1; source_close after both. */
int source_open(struct source *s, char const *dir, char const *root, enum source_kind kind);
void source_close(struct source *s);
/* A file is not where it was: learns what all files are called now. 0 or -1. */
int source_look_again(struct source *s);
#define SOURCE_LOOKS 20 /* for one message, before it counts as gone */
static inline char const *
source_file(struct source const *s, struct source_message const *m)
{
	return s->text.s + m->file;
}
static inline int
source_fd(struct source const *s, struct source_message const *m)
{
	return m->in_new ? s->fd_new : s->fd_cur;
}

/* The message of a base name; null if there is none. */
struct source_message *source_find(struct source *s, char const *base, size_t len);
/* Record keys of a message; a later call replaces an earlier one. */
void source_set_keys(struct source *s, struct source_message *m, char const *keys, size_t len);

/* ---- source-courier.c ---- */
/* courierimapkeywords of the folder. 0 or -1. */
int courier_keywords(struct source *s);
/* courierpop3dsizelist at the root: what POP3 clients know the INBOX's messages by. 0 or -1. */
int courier_uidls(struct source *s, char const *root);

#endif
