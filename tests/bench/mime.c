// libs: -lunistring
/* mime FILE...     speed, by processor time, of structure, ENVELOPE and BODYSTRUCTURE of messages,
 * and of all texts that are kept of one (lib/message-text.h) mime -i FILE...  what IMAP sends about
 * each message, for tests/mime/: lines "FILE ITEM LENGTH" with tabs, each followed by LENGTH octets
 * and an LF */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/imap-text.h"
#include "lib/message-text.h"
#include "lib/sa.h"
#include "lib/wire.h"

#define ROUND_BYTES 100000000u

static char const *
map(char const *path, size_t *n)
{
	struct stat st;
	int const fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		perror(path);
		exit(111);
	}
	*n = (size_t)st.st_size;
	char const *s = *n ? mmap(0, *n, PROT_READ, MAP_PRIVATE, fd, 0) : "";
	close(fd);
	return s;
}

static void
show(char const *file, char const *item, char const *s, size_t n)
{
	printf("%s\t%s\t%zu\n", file, item, n);
	if (n)
		fwrite(s, 1, n, stdout);
	putchar('\n');
}

static void
show_section(char const *file, char const *name, char const *msg, struct mime_part const *root)
{
	struct arena a = ARENA_ZERO;
	struct imap_section sec;
	stralloc out = STRALLOC_ZERO, item = STRALLOC_ZERO;
	size_t from, to;
	if (imap_section_parse(&sec, &a, name, strlen(name))) {
		fprintf(stderr, "mime: bad section %s\n", name);
		exit(100);
	}
	int const r = imap_section_find(&sec, msg, root, &from, &to, &out);
	if (r == 1)
		wire_put_imap(&out, msg + from, to - from);
	sa_catf(&item, "BODY[%s]", name);
	show(file, sa_str(&item), out.s, out.len);
	stralloc_free(&out);
	stralloc_free(&item);
	arena_free(&a);
}

/* All sections of the part at path and below. */
static void
show_parts(char const *file, char const *path, char const *msg, struct mime_part const *root,
    struct mime_part const *p)
{
	static char const *const message[] = {
	    "", ".MIME", ".HEADER", ".TEXT", ".HEADER.FIELDS (From SUBJECT)"};
	char name[1000];
	unsigned int const kinds = p->kind == MIME_MESSAGE ? 5 : 2;
	for (unsigned int i = 0; *path && i < kinds; i++) {
		snprintf(name, sizeof name, "%s%s", path, message[i]);
		show_section(file, name, msg, root);
	}
	if (*path && p->kind == MIME_LEAF)
		return;
	if (*path && p->kind == MIME_MESSAGE && !(p = p->children))
		return;
	unsigned int number = 1;
	char const *const dot = *path ? "." : "";
	for (struct mime_part const *child = p->children; p->kind == MIME_MULTIPART && child;
	     child = child->next) {
		snprintf(name, sizeof name, "%s%s%u", path, dot, number++);
		show_parts(file, name, msg, root, child);
	}
	snprintf(name, sizeof name, "%s%s1", path, dot);
	if (p->kind != MIME_MULTIPART)
		show_parts(file, name, msg, root, p);
}

static void
show_message(char const *file)
{
	static char const *const sections[] = {"", "HEADER", "TEXT",
	    "HEADER.FIELDS (FROM Subject X-None)", "HEADER.FIELDS.NOT (Received subject)", "99",
	    "1.1", "1.99", "1.1.1", "1.1.1.1"};
	struct arena a = ARENA_ZERO;
	stralloc out = STRALLOC_ZERO;
	size_t n;
	char const *msg = map(file, &n);
	struct mime_part const *root = mime_parse(&a, msg, n);
	sa_catnum(&out, root->header_wire + root->body_wire);
	show(file, "RFC822.SIZE", out.s, out.len);
	sa_reset(&out);
	imap_envelope(&out, &a, msg, root->body);
	show(file, "ENVELOPE", out.s, out.len);
	for (int extended = 0; extended < 2; extended++) {
		sa_reset(&out);
		imap_bodystructure(&out, &a, msg, root, extended);
		show(file, extended ? "BODYSTRUCTURE" : "BODY", out.s, out.len);
	}
	for (unsigned int i = 0; i < sizeof sections / sizeof *sections; i++)
		show_section(file, sections[i], msg, root);
	show_parts(file, "", msg, root, root);
	stralloc_free(&out);
	arena_free(&a);
	if (n)
		munmap((void *)(uintptr_t)msg, n);
}

struct text {
	char const *s;
	size_t n;
};

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Goes over the messages until 100 MB have been read. */
static void
measure(char const *what, struct text const *texts, int count, int wire_text)
{
	struct arena a = ARENA_ZERO;
	stralloc out = STRALLOC_ZERO;
	size_t bytes = 0, made = 0, messages = 0;
	double const start = now();
	for (int i = 0; bytes < ROUND_BYTES; i = (i + 1) % count) {
		struct mime_part const *root = mime_parse(&a, texts[i].s, texts[i].n);
		sa_reset(&out);
		if (wire_text) {
			imap_envelope(&out, &a, texts[i].s, root->body);
			imap_bodystructure(&out, &a, texts[i].s, root, 1);
		}
		made += out.len;
		messages++;
		bytes += texts[i].n + 1;
		arena_reset(&a);
	}
	double const seconds = now() - start;
	printf("%s: %.0f MB/s, %.0f messages/s (%zu messages of %zu bytes on average, %zu bytes of "
	       "wire text)\n",
	    what, (double)bytes / 1e6 / seconds, (double)messages / seconds, messages,
	    bytes / messages, made);
	stralloc_free(&out);
	arena_free(&a);
}

/* The same for the texts of these kinds. */
static void
measure_texts(char const *what, struct text const *texts, int count, unsigned int kinds)
{
	struct arena a = ARENA_ZERO;
	size_t bytes = 0, made = 0, messages = 0;
	double const start = now();
	for (int i = 0; bytes < ROUND_BYTES; i = (i + 1) % count) {
		struct message_texts t;
		size_t const body = header_len(texts[i].s, texts[i].n);
		message_texts_make_by(&t, &a, texts[i].s, texts[i].n, body, kinds, 0);
		for (unsigned int k = 0; k < TEXT_KINDS; k++)
			made += t.len[k];
		messages++;
		bytes += texts[i].n + 1;
		arena_reset(&a);
	}
	double const seconds = now() - start;
	printf("%s: %.2f us a message (%zu bytes each)\n", what, seconds * 1e6 / (double)messages,
	    made / messages);
	arena_free(&a);
}

int
main(int argc, char **argv)
{
	int const items = argc > 1 && !strcmp(argv[1], "-i");
	if (argc < 2 + items) {
		fprintf(stderr, "usage: mime [-i] FILE...\n");
		return 100;
	}
	if (items) {
		for (int i = 2; i < argc; i++)
			show_message(argv[i]);
		return 0;
	}
	struct text *texts = xmalloc((size_t)argc * sizeof *texts);
	for (int i = 1; i < argc; i++)
		texts[i - 1].s = map(argv[i], &texts[i - 1].n);
	measure("structure", texts, argc - 1, 0);
	measure("structure, envelope, bodystructure", texts, argc - 1, 1);
	measure_texts("ENVELOPE and BODYSTRUCTURE", texts, argc - 1,
	    1u << TEXT_ENVELOPE | 1u << TEXT_BODYSTRUCTURE);
	static char const *const names[] = {
	    "ENVELOPE", "HEADERS", "SORT", "THREAD", "BODY", "BODYSTRUCTURE", "PREVIEW"};
	for (unsigned int k = 0; k < TEXT_KINDS; k++)
		measure_texts(names[k], texts, argc - 1, 1u << k);
	measure_texts("all", texts, argc - 1, TEXT_ALL);
	free(texts);
	return 0;
}
