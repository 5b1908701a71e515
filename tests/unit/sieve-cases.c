/* Scripts, messages and what comes of them: the cases of tests/sieve/NAME.cases. A case is
 *
 *     == name
 *     % from|to|folder|seen|spam|limit VALUE      the world around it, any number of lines
 *     script
 *     -- name of a script                         others that it may include, personal ones
 *     script
 *     -- message                                  none: that of the case before
 *     message
 *     -->
 *     what sieve-test would print, or "LINE: error" of the compiler
 *
 * Each script is also run from code that was moved, so that nothing in it depends on its place. */
// objects: sieve/tool/show.o
// libs: -lunistring
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/sa.h"
#include "sieve/sieve.h"
#include "sieve/tool/show.h"

#include "tests/unit/tap.h"

#define SCRIPTS 16
#define NOW 1163936096 /* Sun, 19 Nov 2006 11:34:56 UTC */

struct script {
	char name[64];
	stralloc text;
	stralloc code;
	struct sieve_code open;
	int compiled;
};

static struct {
	char name[200], from[100], to[100], folder[10][100], seen[100], extensions[100];
	unsigned int folders, spam;
	struct script scripts[SCRIPTS]; /* [0] is run */
	unsigned int count;
	stralloc message, want;
	struct sieve_limits limits;
} c;
static struct arena arena;

static int
folder_exists(void *arg, char const *folder)
{
	(void)arg;
	if (!strcmp(folder, "unknown"))
		return -1;
	for (unsigned int i = 0; i < c.folders; i++)
		if (!strcmp(c.folder[i], folder))
			return 1;
	return !strcasecmp(folder, "INBOX");
}

static int
metadata(void *arg, char const *folder, char const *entry, stralloc *value)
{
	(void)arg;
	if (strcmp(entry, folder ? "/private/vendor/comment" : "/shared/admin"))
		return 0;
	sa_cats(value, folder ? folder : "mailto:admin@example.test");
	return 1;
}

static int
special_use(void *arg, char const *folder, char const *use, stralloc *out)
{
	(void)arg, (void)out;
	return (!folder || !strcmp(folder, "Spam")) && !strcasecmp(use, "\\Junk");
}

static int
mailbox_id(void *arg, char const *id, stralloc *out)
{
	(void)arg, (void)out;
	return !strcmp(id, "F1");
}

static int
duplicate(void *arg, struct sieve_duplicate const *d)
{
	(void)arg;
	return d->id_len == strlen(c.seen) && !memcmp(d->id, c.seen, d->id_len);
}

static int
environment(void *arg, char const *name, stralloc *value)
{
	(void)arg;
	if (strcasecmp(name, "domain"))
		return 0;
	sa_cats(value, "example.test");
	return 1;
}

static int
spamtest(void *arg, int percent, unsigned int *value)
{
	(void)arg;
	*value = percent ? c.spam * 10 : c.spam;
	return c.spam > 0;
}

static int
virustest(void *arg, unsigned int *value)
{
	(void)arg;
	*value = c.spam / 2;
	return c.spam > 0;
}

static int compile(struct script *s, struct sieve_errors *e);

static int
include(void *arg, int global, char const *name, struct sieve_code const **code, char const **why)
{
	(void)arg;
	for (unsigned int i = 1; i < c.count; i++)
		if (!strcmp(c.scripts[i].name + (*c.scripts[i].name == '/'), name) &&
		    (*c.scripts[i].name == '/') == global) {
			struct sieve_errors e;
			*why = "it has errors";
			*code = &c.scripts[i].open;
			return c.scripts[i].compiled || compile(&c.scripts[i], &e) == 0 ? 1 : -1;
		}
	return 0;
}

static struct sieve_host const host = {.folder_exists = folder_exists,
    .metadata = metadata,
    .special_use = special_use,
    .mailbox_id = mailbox_id,
    .duplicate = duplicate,
    .environment = environment,
    .spamtest = spamtest,
    .virustest = virustest,
    .include = include};

static int
compile(struct script *s, struct sieve_errors *e)
{
	s->code.len = 0;
	sa_cats(
	    &s->code, "12345678"); /* code behind it is at another place than where it was made */
	s->compiled = 1;
	if (sieve_compile(&s->code, &arena, s->text.s ? s->text.s : "", s->text.len, &c.limits, e) <
	    0)
		return -1;
	return sieve_code_open(
	    &s->open, s->code.s + 8, s->code.len - 8, *s->name ? s->name : "script");
}

static void
put_result(FILE *out)
{
	struct sieve_errors e = {0};
	struct sieve_result r;
	struct sieve_code const *const code = &c.scripts[0].open;
	struct sieve_job job = {.message = {c.message.s ? c.message.s : "", c.message.len, 0},
	    .envelope = {c.from, c.to, 0},
	    .host = &host,
	    .limits = c.limits,
	    .now = NOW,
	    .zone = 60,
	    .separators = "+",
	    .charsets = charset_iconv};
	if (compile(&c.scripts[0], &e) < 0) {
		for (unsigned int i = 0; i < e.count; i++)
			fprintf(out, "%u: %s\n", e.list[i].line, e.list[i].text);
		if (!e.count)
			fprintf(out, "the code does not open\n");
		return;
	}
	sieve_run(&r, &arena, &code, 1, &job);
	show_result(out, &r, "INBOX");
	for (unsigned int i = 0; i < r.duplicates_count; i++)
		fprintf(out, "record \"%s\" \"%.*s\" %llu%s\n", r.duplicates[i].handle,
		    (int)r.duplicates[i].id_len, r.duplicates[i].id,
		    (unsigned long long)r.duplicates[i].seconds,
		    r.duplicates[i].last ? " last" : "");
	if (memmem(c.want.s, c.want.len, "\n\n", 2))
		show_message(out, &r, &job.message);
}

static void
run_case(void)
{
	char *got = 0;
	size_t n = 0;
	FILE *const out = open_memstream(&got, &n);
	put_result(out);
	fclose(out);
	/* The message is compared as far as it is there in the case. */
	if (c.want.len && n > c.want.len && memmem(c.want.s, c.want.len, "\n\n", 2))
		n = c.want.len;
	tap_mem(c.name, got, n, c.want.s ? c.want.s : "", c.want.len);
	free(got);
	arena_reset(&arena);
}

static void
setting(char const *s)
{
	char key[20], value[100];
	if (sscanf(s, "%% %19s %99[^\n]", key, value) != 2)
		return;
	if (!strcmp(key, "from"))
		snprintf(c.from, sizeof c.from, "%s", strcmp(value, "<>") ? value : "");
	else if (!strcmp(key, "to"))
		snprintf(c.to, sizeof c.to, "%s", value);
	else if (!strcmp(key, "folder"))
		snprintf(c.folder[c.folders++], sizeof *c.folder, "%s", value);
	else if (!strcmp(key, "seen"))
		snprintf(c.seen, sizeof c.seen, "%s", value);
	else if (!strcmp(key, "spam"))
		c.spam = (unsigned int)atoi(value);
	else if (!strcmp(key, "steps"))
		c.limits.steps = (unsigned int)atoi(value);
	else if (!strcmp(key, "extensions"))
		c.limits.extensions = strcpy(c.extensions, value);
}

static void
begin_case(char const *file, char const *name)
{
	for (unsigned int i = 0; i < SCRIPTS; i++) {
		c.scripts[i].text.len = 0;
		c.scripts[i].compiled = 0;
		*c.scripts[i].name = 0;
	}
	c.count = 1;
	c.folders = c.spam = 0;
	*c.seen = 0;
	snprintf(c.from, sizeof c.from, "sender@example.org");
	snprintf(c.to, sizeof c.to, "me+box@example.test");
	c.limits = (struct sieve_limits)SIEVE_LIMITS_DEFAULT;
	c.want.len = 0;
	snprintf(c.name, sizeof c.name, "%s: %.*s", strrchr(file, '/') + 1,
	    (int)strcspn(name, "\n"), name);
}

static void
read_cases(char const *file)
{
	FILE *const f = fopen(file, "r");
	char line[4096];
	stralloc *to = 0;
	int some = 0;
	while (f && fgets(line, sizeof line, f)) {
		if (!strncmp(line, "== ", 3)) {
			if (some)
				run_case();
			some = 1;
			begin_case(file, line + 3);
			to = &c.scripts[0].text;
		} else if (to == &c.scripts[0].text && !to->len && *line == '%') {
			setting(line);
		} else if (!strcmp(line, "-->\n")) {
			to = &c.want;
		} else if (to != &c.want && !strcmp(line, "-- message\n")) {
			to = &c.message;
			to->len = 0;
		} else if (to != &c.want && !strncmp(line, "-- ", 3)) {
			snprintf(c.scripts[c.count].name, sizeof c.scripts->name, "%.*s",
			    (int)strcspn(line + 3, "\n"), line + 3);
			to = &c.scripts[c.count++].text;
		} else if (to) {
			sa_cats(to, line);
		}
	}
	if (some)
		run_case();
	if (f)
		fclose(f);
}

int
main(void)
{
	glob_t files;
	setenv("TZ", "UTC-1", 1);
	if (glob("tests/sieve/*.cases", 0, 0, &files))
		return 111;
	for (size_t i = 0; i < files.gl_pathc; i++)
		read_cases(files.gl_pathv[i]);
	globfree(&files);
	return tap_done();
}
