/* Control files as administrators write them, and accounts: etc/lookup, a line of users, times, networks, targets. */
#include "tests/fuzz/session.h"

#include <skalibs/ip46.h>

#include "lib/account-rules.h"
#include "lib/account.h"
#include "lib/conf.h"
#include "lib/lookup.h"
#include "lib/target.h"
#include "lib/ucspi.h"

static void
texts(char const *s)
{
	unsigned char net[16], addr[16] = {192, 0, 2, 1};
	unsigned int bits;
	uint64_t ms;
	ip46 ip;
	uint16_t port;
	(void)duration_scan(s, &ms);
	unsigned int const len = ucspi_scan_network(s, net, &bits);
	if (len && bits > 8 * len)
		abort();
	(void)ucspi_in_network(addr, 4, s);
	(void)ucspi_in_network(addr, 16, s);
	(void)target_parse(s, &ip, &port);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct arena a = ARENA_ZERO;
	struct account account;
	struct lookup_source *sources;
	size_t n;
	stralloc sa = STRALLOC_ZERO;
	instance_file("etc/lookup", "", 0);
	instance_file("etc/file", data, size);
	instance_file("etc/users", data, size);
	unsigned int lines = conf_lines("file", &sa);
	for (char *l = sa.s; lines--; l += strlen(l) + 1)
		texts(l);
	(void)conf_line("file", &sa);
	(void)conf_text("file", &sa);
	if (account_find(&a, "a@b", &account) == 1 &&
	    ((!account.alias && (!account.home || !account.maildir)) || !account.name || !account.shell))
		abort();
	(void)account_login(&a, "a", &account);
	sa.len = 0;
	char *s = xstrndup((char const *)data, size);
	if (account_key(&sa, s) < 0 && sa.len)
		abort();
	(void)account_rule_put(&a, s, 1, "x", 1);
	(void)account_rule_number(s, strlen(s));
	free(s);
	instance_file("etc/lookup", data, size);
	(void)lookup_sources("users", &sources, &n);
	stralloc_free(&sa);
	arena_free(&a);
	return 0;
}
