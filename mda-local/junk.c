#include "mda-local/junk.h"

#include <string.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "mda-local/incoming.h"

static stralloc fields = STRALLOC_ZERO;
static unsigned int count;

void
junk_init(void)
{
	count = conf_lines("junk-fields", &fields);
	char const *s = fields.s;
	for (unsigned int i = 0; i < count; i++, s += strlen(s) + 1) {
		char const *colon = strchr(s, ':');
		if (!colon || colon == s || !colon[1 + strspn(colon + 1, " \t")])
			strerr_dief3x(100, "etc/junk-fields: not \"Name: value\": \"", s, "\"");
	}
}

int
junk_marked(int fd)
{
	char const *s = fields.s;
	for (unsigned int i = 0; i < count; i++, s += strlen(s) + 1) {
		char const *colon = strchr(s, ':');
		if (incoming_has(
			fd, s, (size_t)(colon - s) + 1, colon + 1 + strspn(colon + 1, " \t")) > 0)
			return 1;
	}
	return 0;
}
