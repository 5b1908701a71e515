/* .qmail files: each line that counts has an instruction, nothing leaves the text, and what is for
 * forwards only has nothing else. */
#include <stdint.h>
#include <string.h>

#include "mda-local/qmail-parse.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t n);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t n)
{
	struct arena a = ARENA_ZERO;
	struct qmail_lines lines;
	for (int forward_only = 0; forward_only < 2; forward_only++) {
		if (qmail_parse(&a, (char const *)data, n, forward_only, &lines))
			continue;
		size_t octets = 0;
		for (size_t i = 0; i < lines.count; i++) {
			struct qmail_line const *l = &lines.line[i];
			size_t const len = strlen(l->text);
			octets += len;
			if (strchr(l->text, '\n') || (forward_only && l->kind != QMAIL_FORWARD) ||
			    (l->kind == QMAIL_MAILDIR && (!len || l->text[len - 1] != '/')) ||
			    (l->kind == QMAIL_PROGRAM && !lines.programs))
				__builtin_trap();
		}
		if (octets > n)
			__builtin_trap();
	}
	arena_free(&a);
	return 0;
}
