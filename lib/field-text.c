#include "lib/field-text.h"

#include "lib/charset.h"

void
field_text(stralloc *out, stralloc *line, struct header_field const *f)
{
	size_t const from = out->len;
	line->len = 0;
	header_unfold(line, f);
	charset_decode_words(out, line->s, line->len, charset_iconv);
	for (size_t i = from; i < out->len; i++)
		if (out->s[i] == '\t')
			out->s[i] = ' ';
}

void
field_text_squeeze(stralloc *out, size_t from)
{
	size_t n = from;
	for (size_t i = from; i < out->len; i++)
		if (out->s[i] != ' ' || n == from || out->s[n - 1] != ' ')
			out->s[n++] = out->s[i];
	out->len = n;
}
