/* What maildir-driver tells of a whole folder, for tests that compare it with a model and with
 * itself. */
#ifndef TESTS_MAILDIR_FACTS_H
#define TESTS_MAILDIR_FACTS_H

#include <inttypes.h>

#include "maildir/folder-keys.h"
#include "maildir/message.h"
#include "tests/unit/maildir-dir.h"
#include "lib/sa.h"

/* The message as wire text; 0 or -1. */
static int
facts_content(struct folder *f, uint32_t i, stralloc *out)
{
	struct message m;
	char buf[4096];
	ssize_t n;
	int fd = folder_open_message(f, i);
	if (fd < 0 || message_init(&m, fd) < 0)
		return -1;
	sa_reset(out);
	while ((n = message_read(&m, buf, sizeof buf)) > 0)
		sa_catb(out, buf, (size_t)n);
	message_close(&m);
	return n < 0 ? -1 : 0;
}

static void
facts_flags(struct folder *f, uint32_t i)
{
	struct keyword_set k = folder_keyword_set(f, i);
	unsigned int flags = folder_flags(f, i);
	for (unsigned int b = 0; b < 6; b++)
		if (flags >> b & 1)
			putchar("DFPRST"[b]);
	printf("%s ", flags & FLAG_LETTERS ? "" : "-");
	int any = 0;
	for (unsigned int b = 0; b < folder_keywords(f)->count; b++)
		if (keyword_has(&k, b) && folder_keywords(f)->name[b])
			printf("%s%s", any++ ? "," : "", folder_keywords(f)->name[b]);
	printf("%s ", any ? "" : "-");
}

/* UID FLAGS KEYWORDS WIRE DISK DATE.NS EMAILID UIDL SAVEDATE MODSEQ TOKEN, TOKEN being the second
 * word of the message; or UID gone. A datum that cannot be had is "?". */
static void
facts_message(struct folder *f, uint32_t i)
{
	stralloc s = STRALLOC_ZERO;
	struct timespec date;
	uint64_t n;
	int64_t saved;
	if (folder_gone(f, i)) {
		printf("%u gone\n", folder_uid(f, i));
		return;
	}
	printf("%u ", folder_uid(f, i));
	facts_flags(f, i);
	folder_size(f, i, &n) < 0 ? printf("? ") : printf("%" PRIu64 " ", n);
	folder_disk_size(f, i, &n) < 0 ? printf("? ") : printf("%" PRIu64 " ", n);
	if (folder_internaldate(f, i, &date) < 0)
		printf("? ");
	else
		printf("%lld ", (long long)date.tv_sec);
	int emailid = folder_emailid(f, i, &s);
	sa_cats(&s, " ");
	int uidl = folder_uidl(f, i, &s);
	printf("%s ", emailid < 0 || uidl < 0 ? "? ?" : sa_str(&s));
	int dated = folder_savedate(f, i, &saved);
	dated == 1 ? printf("%" PRId64 " ", saved) : printf("%s ", dated ? "?" : "-");
	printf("%" PRIu64 " ", folder_modseq(f, i));
	char const *token = facts_content(f, i, &s) < 0 ? 0 : strpbrk(sa_str(&s), " _");
	printf("%.*s\n", token ? (int)strcspn(token + 1, " \r\n") : 1, token ? token + 1 : "?");
	stralloc_free(&s);
}

/* folder UIDVALIDITY UIDNEXT COUNT RECENT FIRST-UNSEEN MAILBOXID HIGHESTMODSEQ, and each message.
 */
static void
facts_folder(struct folder *f)
{
	(void)folder_last_modseqs(f);
	uint32_t first = folder_first_unseen(f), count = folder_count(f);
	printf("folder %u %u %u %u %u %s %" PRIu64 "\n", folder_uidvalidity(f), folder_uidnext(f),
	    count, folder_recent(f), first < count ? folder_uid(f, first) : 0, folder_mailboxid(f),
	    folder_highest_modseq(f));
	for (uint32_t i = 0; i < count; i++)
		facts_message(f, i);
}

/* UID KINDS of each message with cached text (hexadecimal), KINDS being followed by "differs" if
 * one is not what is made of the message; with keep, the fresh ones are handed over to be kept. */
static void
facts_texts(struct folder *f, int keep)
{
	struct arena a = ARENA_ZERO;
	stralloc s = STRALLOC_ZERO;
	for (uint32_t i = 0; i < folder_count(f); i++, arena_reset(&a)) {
		struct message_texts fresh = {0}, kept = {0};
		if (folder_gone(f, i) || facts_content(f, i, &s) < 0)
			continue;
		char const *end = strstr(sa_str(&s), "\r\n\r\n");
		size_t body = end ? (size_t)(end + 4 - s.s) : s.len;
		message_texts_make(&fresh, &a, s.s, s.len, body, TEXT_ALL);
		int r = folder_text(f, i, &kept), same = 1;
		for (unsigned int k = 0; r > 0 && k < TEXT_KINDS; k++)
			if (kept.has >> k & 1)
				same &= fresh.has >> k & 1 && kept.len[k] == fresh.len[k] &&
					!memcmp(kept.s[k], fresh.s[k], fresh.len[k]);
		if (r)
			printf("%u %x%s\n", folder_uid(f, i), r > 0 ? kept.has : 0,
			    r < 0  ? " ?"
			    : same ? ""
				   : " differs");
		if (keep)
			folder_keep_text(f, i, &fresh);
	}
	arena_free(&a);
	stralloc_free(&s);
}

struct facts_keys {
	struct folder *f;
	struct arena arena;
	stralloc content;
	struct message_texts texts;
};

static int
facts_key_text(void *arg, uint32_t i, enum message_text which, char const **text, size_t *len)
{
	struct facts_keys *x = arg;
	arena_reset(&x->arena);
	if (facts_content(x->f, i, &x->content) < 0)
		return KEYS_UNREADABLE;
	char const *end = strstr(sa_str(&x->content), "\r\n\r\n");
	size_t const body = end ? (size_t)(end + 4 - x->content.s) : x->content.len;
	message_texts_make(&x->texts, &x->arena, x->content.s, x->content.len, body, TEXT_ALL);
	*len = x->texts.len[which];
	*text = x->texts.s[which];
	return KEYS_TEXT;
}

/* Opens postern-keys, or makes it, and says of each message whether its rows are right. */
static void
facts_keys(struct folder *f)
{
	unsigned int const all = (1u << KEYS_COLUMNS) - 1;
	struct facts_keys x = {.f = f, .arena = ARENA_ZERO};
	struct folder_keys k;
	struct message_sort sort;
	size_t len;
	int there = folder_keys_open(&k, f, all);
	if (!there) {
		folder_keys_close(&k);
		there = folder_keys_make(&k, f, all, facts_key_text, &x);
	}
	for (uint32_t i = 0; there && i < k.covered; i++) {
		uint32_t const row = folder_keys_row(&k, i);
		char const *text;
		if (facts_key_text(&x, i, TEXT_SORT, &text, &len) != KEYS_TEXT)
			text = 0;
		int64_t const *const date = keys_column(&k.file, KEYS_DATE, &len);
		struct keys_thread const *const t = keys_column(&k.file, KEYS_THREAD, &len);
		int const same = text && message_sort_keys(&sort, text, x.texts.len[TEXT_SORT]) &&
				 sort.date == date[row] &&
				 t[row].subject == keys_subject(&k.file.h.key, &sort);
		printf("%u%s\n", folder_uid(f, i), text && !same ? " differs" : "");
	}
	folder_keys_close(&k);
	arena_free(&x.arena);
	stralloc_free(&x.content);
}

/* A message of some size and shape, both following from its token: plain or multipart, with LF or
 * CR LF. */
static void
facts_compose(stralloc *s, char const *token)
{
	unsigned int n = 0;
	for (char const *c = token; *c; c++)
		n = n * 31 + (unsigned char)*c;
	char const *end = n % 5 ? "\n" : "\r\n";
	sa_reset(s);
	sa_catf(s, "Subject: %s %s%sFrom: Bob <%s@example.test>%s", token,
	    n % 3 ? "again" : "=?utf-8?q?gr=C3=BCn?=", end, token, end);
	sa_catf(s, "To: ann@example.test%sDate: Mon, %u Jan 2024 10:00:00 +0100%s", end, n % 28 + 1,
	    end);
	sa_catf(s, "Message-ID: <%s@example.test>%sReferences: <%u@example.test>%s", token, end,
	    n % 7, end);
	if (n % 4 == 1)
		sa_catf(s,
		    "Content-Type: multipart/mixed; boundary=b%s%s--b%s%sone%s--b%sContent-Type: "
		    "text/html%s%s<p>two%s--b--%s",
		    end, end, end, end, end, end, end, end, end, end);
	else
		sa_cats(s, end);
	for (unsigned int i = n % 40; i > 0; i--)
		sa_catf(s, "line %u of %s%s", i, token, end);
}

#endif
