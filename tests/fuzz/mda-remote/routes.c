/* Values of etc/routes and etc/tls-policy, orders of the administrator, and the name that a connection has. */
#include "tests/fuzz/session.h"

#include "mda-remote/queue.h"
#include "mda-remote/route.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct route r;
	char const *name;
	stralloc key = STRALLOC_ZERO;
	char *s = xstrndup((char const *)data, size);
	if (!route_parse(s, "example.test", &r)) {
		route_key(&key, &r);
		if (memchr(key.s, 0, key.len) || memchr(key.s, '\n', key.len) || strlen(r.name) >= sizeof r.name)
			abort();
		route_require(&r, 1, 0);
		route_require(&r, 0, 1);
		(void)route_dane(&r);
	}
	(void)queue_span(s);
	if (order_parse(s, &name) >= 0 && name && (strchr(name, '/') || !*name))
		abort();
	stralloc_free(&key);
	free(s);
	return 0;
}
