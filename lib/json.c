#include "lib/json.h"

#include <string.h>

#include "lib/sa.h"
#include "lib/utf8.h"

void
json_string(stralloc *out, char const *s)
{
	stralloc clean = STRALLOC_ZERO;
	utf8_repair(&clean, s, strlen(s));
	sa_append(out, '"');
	for (size_t i = 0; i < clean.len; i++) {
		unsigned char c = (unsigned char)clean.s[i];
		if (c < ' ' || c == 127) {
			sa_catf(out, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			sa_append(out, '\\');
		sa_append(out, clean.s[i]);
	}
	sa_append(out, '"');
	stralloc_free(&clean);
}
