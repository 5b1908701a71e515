/* Sieve: any text is compiled or refused with errors; any code that compiles runs and ends, on a
 * message that is the input's own, too. Code with a right checksum but damaged inside does no harm.
 * The script ends at the first NUL; what follows is the message. */
// seeds: messages
#include <stdlib.h>
#include <string.h>

#include "lib/crc32c.h"
#include "lib/sa.h"
#include "sieve/code.h"
#include "sieve/sieve.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t n);

static struct arena arena;
static struct sieve_code self; /* what is included: the script itself, and another copy of it */

static int
include(void *arg, int global, char const *name, struct sieve_code const **code, char const **why)
{
	static struct sieve_code copy[8];
	(void)arg, (void)global, (void)why;
	unsigned int const i = (unsigned char)*name % 8;
	copy[i] = self;
	*code = copy + i;
	return 1;
}

static int
folder_exists(void *arg, char const *folder)
{
	(void)arg;
	return strlen(folder) % 2;
}

static void
run(char const *message, size_t n)
{
	static struct sieve_host const host = {.include = include, .folder_exists = folder_exists};
	struct sieve_code const *const scripts[] = {&self, &self};
	struct sieve_result r;
	struct sieve_job job = {.message = {message, n, 0},
	    .envelope = {"a+b@example.org", "c+d@example.test", 0},
	    .host = &host,
	    .limits = SIEVE_LIMITS_DEFAULT,
	    .now = 1700000000,
	    .separators = "+"};
	job.limits.steps = 20000;
	sieve_run(&r, &arena, scripts, 2, &job);
	if (!r.count || (r.error && r.actions[r.count - 1].kind != SIEVE_KEEP))
		__builtin_trap();
	for (unsigned int i = 0; i < r.count; i++)
		if (r.actions[i].kind == SIEVE_FILEINTO && !*r.actions[i].folder)
			__builtin_trap();
}

/* One word of the code is another one. */
static void
damage(stralloc *code, uint32_t hash)
{
	struct code_header h;
	size_t const behind = offsetof(struct code_header, crc) + sizeof h.crc;
	size_t const at = offsetof(struct code_header, capabilities) / 4 +
			  hash % (code->len / 4 - offsetof(struct code_header, capabilities) / 4);
	uint32_t w = hash >> 8 & 0xff;
	memcpy(code->s + at * 4, &w, sizeof w);
	memcpy(&h, code->s, sizeof h);
	h.crc = crc32c(0, code->s + behind, code->len - behind);
	memcpy(code->s, &h, sizeof h);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t n)
{
	static char const message[] =
	    "From: a@b.test\nTo: c+d@e.test, \"x\" <y@z.test>\nSubject: =?utf-8?q?a_b?= c\nDate: "
	    "Mon, 2 Jan 2006 15:04:05 +0100\n"
	    "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: "
	    "text/html\n\n<p>hello\n--x--\n";
	struct sieve_limits const limits = SIEVE_LIMITS_DEFAULT;
	struct sieve_errors e;
	stralloc code = STRALLOC_ZERO;
	char *const text = malloc(n + 1); /* so that what is behind it is found */
	memcpy(text, data, n);
	text[n] = 0;
	size_t const script = strlen(text) < n ? strlen(text) : n;
	int const r = sieve_compile(&code, &arena, text, script, &limits, &e);
	if (r < 0 && (!e.count || code.len))
		__builtin_trap();
	if (!r) {
		if (sieve_code_open(&self, code.s, code.len, "script") < 0)
			__builtin_trap();
		run(message, sizeof message - 1);
		if (script < n)
			run(text + script + 1, n - script - 1);
		damage(&code, crc32c(0, data, n));
		if (sieve_code_open(&self, code.s, code.len, "script") == 0)
			run(message, sizeof message - 1);
	}
	free(text);
	stralloc_free(&code);
	arena_reset(&arena);
	return 0;
}
