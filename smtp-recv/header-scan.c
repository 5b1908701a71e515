#include "smtp-recv/header-scan.h"

#include "lib/ascii.h"

#define NOT_A_NAME (HEADER_NAME_MAX + 1)

static void
take_name(struct header_scan *h)
{
	/* RFC 5322 4.5.8: blanks before the colon were allowed once. */
	size_t n = h->len;
	while (n && ascii_isblank(h->name[n - 1]))
		n--;
	if (ascii_ieq(h->name, n, "Received"))
		h->received++;
	else if (ascii_ieq(h->name, n, "Date"))
		h->date = 1;
	else if (ascii_ieq(h->name, n, "Message-ID"))
		h->message_id = 1;
}

static void
take_byte(struct header_scan *h, char c)
{
	if (c == '\n') {
		h->done = !h->len;
		h->len = 0;
	} else if (h->len == NOT_A_NAME)
		return;
	else if (c == ':') {
		take_name(h);
		h->len = NOT_A_NAME;
	} else if (h->len == HEADER_NAME_MAX || (!h->len && ascii_isblank(c)))
		h->len = NOT_A_NAME;
	else
		h->name[h->len++] = c;
}

void
header_scan_feed(struct header_scan *h, char const *s, size_t n)
{
	for (size_t i = 0; i < n && !h->done; i++)
		take_byte(h, s[i]);
}
