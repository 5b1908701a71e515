/* maildir index: every folder's index and every message's texts, made before anyone asks for them.
 * What is there already is kept, so a run that was interrupted goes on where it stopped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/strerr.h>

#include "lib/arena.h"
#include "lib/header.h"
#include "lib/sa.h"
#include "maildir/folder-keys.h"
#include "maildir/folder.h"
#include "maildir/limits.h"
#include "maildir/tool/limits.h"
#include "maildir/tool/say.h"

struct indexing {
	struct folder *f;
	struct arena arena;
	stralloc content;
	uint64_t made, there, failed;
};

/* The whole message, or of one that is too long its beginning. 1 whole, 0 not, -1. */
static int
read_message(struct indexing *x, uint32_t i)
{
	ssize_t n = 1;
	int fd = folder_open_message(x->f, i);
	if (fd < 0)
		return -1;
	sa_reset(&x->content);
	while (n > 0 && x->content.len < TOOL_INDEX_MESSAGE) {
		sa_room(&x->content, 65536);
		n = read(fd, x->content.s + x->content.len, 65536);
		if (n > 0)
			x->content.len += (size_t)n;
	}
	int e = errno;
	close(fd);
	errno = e;
	return n < 0 ? -1 : !n;
}

/* 0 or -1. */
static int
index_message(struct indexing *x, uint32_t i)
{
	struct message_texts have = {0}, fresh = {0};
	if (folder_text(x->f, i, &have) < 0)
		have.has = 0;
	unsigned int missing = TEXT_ALL & ~have.has;
	if (!missing) {
		x->there++;
		return 0;
	}
	int whole = read_message(x, i);
	if (whole < 0)
		return errno == ENOENT ? 0 : -1;
	size_t body = header_len(x->content.s, x->content.len);
	message_texts_make(&fresh, &x->arena, x->content.s, x->content.len, body,
	    whole ? missing : missing & TEXT_FROM_HEADER);
	folder_keep_text(x->f, i, &fresh);
	arena_reset(&x->arena);
	x->made++;
	return 0;
}

/* For keys-make.c; a header that is too long to be kept is read again. */
static int
text_of(void *arg, uint32_t i, enum message_text which, char const **text, size_t *len)
{
	struct indexing *x = arg;
	struct message_texts have;
	*text = 0;
	*len = 0;
	if (tool_stop)
		return KEYS_STOP;
	if (folder_text(x->f, i, &have) > 0 && have.has >> which & 1) {
		*text = have.s[which];
		*len = have.len[which];
		return KEYS_TEXT;
	}
	if (read_message(x, i) < 0)
		return errno == ENOENT ? KEYS_TEXT : KEYS_UNREADABLE;
	size_t const body = header_len(x->content.s, x->content.len);
	if (which == TEXT_HEADERS) {
		*text = x->content.s;
		*len = body;
	} else {
		arena_reset(&x->arena);
		message_texts_make(
		    &have, &x->arena, x->content.s, x->content.len, body, 1u << which);
		if (have.has >> which & 1) {
			*text = have.s[which];
			*len = have.len[which];
		}
	}
	return KEYS_TEXT;
}

static void
index_keys(struct indexing *x)
{
	struct folder_keys k;
	unsigned int const all = (1u << KEYS_COLUMNS) - 1;
	if (folder_count(x->f) < MAILDIR_KEYS_WORTH)
		return;
	int const mapped = folder_map_texts(x->f);
	int const there = folder_keys_open(&k, x->f, all);
	folder_keys_close(&k);
	if (!there)
		(void)folder_keys_make(&k, x->f, all, text_of, x);
	folder_keys_close(&k);
	if (mapped)
		folder_unmap_texts(x->f);
}

static void
index_messages(struct indexing *x, struct tool *t, char const *name)
{
	struct progress p;
	uint32_t count = folder_count(x->f);
	progress_begin(&p, t, name, count);
	for (uint32_t i = 0; i < count && !tool_stop; i++) {
		if (index_message(x, i) < 0) {
			say_warn(
			    errno, "unable to read message %u of %s", folder_uid(x->f, i), name);
			x->failed++;
		}
		if (i % TOOL_INDEX_BATCH == TOOL_INDEX_BATCH - 1)
			(void)folder_settle(x->f);
		progress_at(&p, i + 1);
	}
	(void)folder_settle(x->f);
	progress_end(&p);
}

static int
index_folder(struct tool *t, char const *name)
{
	struct indexing x = {.arena = ARENA_ZERO};
	if (folder_open(&x.f, &t->tree, name, 0, 0) < 0) {
		if (errno == ENOENT)
			return VERDICT_OK; /* deleted meanwhile */
		say_warn(errno, "unable to open folder %s", name);
		return VERDICT_PROBLEMS;
	}
	uint32_t count = folder_count(x.f);
	index_messages(&x, t, name);
	index_keys(&x);
	folder_close(x.f);
	arena_free(&x.arena);
	stralloc_free(&x.content);
	if (t->json) {
		json_begin();
		json_str("dir", t->dir);
		json_str("folder", name);
		json_num("messages", count);
		json_num("made", x.made);
		json_num("already", x.there);
		json_num("failed", x.failed);
		json_end();
	} else
		say(t, "%s %s: %u messages, texts of %llu made, %llu were there", t->dir, name,
		    count, (unsigned long long)x.made, (unsigned long long)x.there);
	return x.failed ? VERDICT_PROBLEMS : VERDICT_OK;
}

int
cmd_index(struct tool *t)
{
	struct tree_list list;
	int verdict = VERDICT_OK;
	if (tree_list(&t->tree, &list) < 0)
		strerr_diefu2sys(111, "read ", t->dir);
	for (size_t i = 0; i < list.count && !tool_stop; i++)
		if (!(list.folder[i].flags & TREE_NOSELECT))
			verdict = verdict_worse(verdict, index_folder(t, list.folder[i].name));
	tree_list_free(&list);
	return tool_stop ? VERDICT_INTERRUPTED : verdict;
}
