/* Strangers' words in texts of ours: notifications have lines of 998 octets at most and no control but their line ends, JSON's strings
 * are strings, and a rewritten sender comes back. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dsn.h"
#include "lib/json.h"
#include "lib/sa.h"
#include "lib/srs.h"
#include "lib/utf8.h"

#define NOW 1700000000

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
must(int holds)
{
	if (!holds)
		__builtin_trap();
}

static void
notification(char const *s)
{
	stralloc out = STRALLOC_ZERO;
	char parameter[501]; /* RFC 3461 4.2; words may be longer */
	snprintf(parameter, sizeof parameter, "%s", s);
	struct dsn_recipient const r[] = {
	    {.action = DSN_FAILED, .final = parameter, .orcpt = parameter, .status = "5.1.1", .code = 550, .text = s, .host = "mx.test", .ip = "192.0.2.1"},
	    {.action = DSN_DELAYED, .final = "a@b", .text = s, .will_retry_until = NOW}};
	for (int utf8 = 0; utf8 < 2; utf8++) {
		struct dsn const d = {.me = "me.test", .id = "1", .to = "a@b", .about = "x", .envid = parameter, .now = NOW, .arrival = NOW, .utf8 = utf8};
		sa_reset(&out);
		dsn_begin(&out, &d, r, 2);
		dsn_end(&out, &d);
		size_t at = 0;
		for (size_t i = 0; i < out.len; i++) {
			unsigned char const c = (unsigned char)out.s[i];
			must((c >= ' ' || c == '\n' || c == '\t') && c != 127);
			must(i - at <= 998);
			if (c == '\n')
				at = i + 1;
		}
		must(utf8_valid(out.s, out.len));
	}
	stralloc_free(&out);
}

static void
quoted(char const *s)
{
	stralloc out = STRALLOC_ZERO;
	json_string(&out, s);
	must(out.len >= 2 && out.s[0] == '"' && out.s[out.len - 1] == '"' && utf8_valid(out.s, out.len));
	for (size_t i = 1; i + 1 < out.len; i++) {
		must((unsigned char)out.s[i] >= ' ' && out.s[i] != '"');
		i += out.s[i] == '\\';
		must(i + 1 < out.len);
	}
	stralloc_free(&out);
}

static void
rewritten(char const *s)
{
	static struct srs_key const key = {"0123456789abcdef", 16};
	stralloc out = STRALLOC_ZERO, local = STRALLOC_ZERO, domain = STRALLOC_ZERO;
	if (*s && !srs_forward(&out, &key, s, "example.test", NOW)) {
		must(srs_reverse(&local, &domain, &key, sa_str(&out), NOW) == 1);
		must(local.len && domain.len);
	}
	local.len = domain.len = 0;
	(void)srs_reverse(&local, &domain, &key, s, NOW);
	stralloc_free(&out);
	stralloc_free(&local);
	stralloc_free(&domain);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char *s = xstrndup((char const *)data, size);
	notification(s);
	quoted(s);
	rewritten(s);
	free(s);
	must(dsn_header_length((char const *)data, size) <= size);
	return 0;
}
