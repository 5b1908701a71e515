/* What mda-remote reads: spool files, and the packets of its children. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/sa.h"
#include "mda-remote/attempt.h"
#include "mda-remote/envelope.h"
#include "mda-remote/mx.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct mx_answer answer;
	struct arena arena = ARENA_ZERO;
	struct envelope e;
	struct attempt t;
	char const *reason;
	struct why why = WHY_ZERO;
	envelope_parse(&arena, (char const *)data, size, &e, &reason);
	sa_catb(&why.text, (char const *)data, size);
	why_index(&why);
	why_find(&why, 1, &t);
	why_free(&why);
	char *s = xstrndup((char const *)data, size);
	attempt_parse(&t, s);
	mx_parse(&answer, s);
	free(s);
	arena_free(&arena);
	return 0;
}
