#include "lib/login-parent.h"

#include <string.h>

#include "lib/log.h"
#include "lib/login-penalty.h"
#include "lib/skalibs-compat.h"

/* An account that strangers guess at must stay usable. */
#define ACCOUNT_DELAY_MAX 2000 /* milliseconds */

/* delay_ms for one failure, doubled with each further one. */
static unsigned int
milliseconds(struct login_parent const *p, unsigned int failures, unsigned int max)
{
	unsigned int ms = failures ? p->delay_ms : 0;
	for (unsigned int i = 1; i < failures && ms < max; i++)
		ms *= 2;
	return ms < max ? ms : max;
}

static unsigned int
beyond_free(unsigned int failures)
{
	return failures > LOGIN_FAILURES_FREE ? failures - LOGIN_FAILURES_FREE : 0;
}

static void
wait_from(struct login_parent *p, tain const *begin, unsigned int ms)
{
	tain deadline, t;
	tain_from_millisecs(&t, (int)ms);
	tain_now_g();
	tain_add(&deadline, begin, &t);
	while (!p->ending && p->child && tain_future(&deadline))
		login_parent_wait(p, -1, &deadline);
}

static void
log_slowed(struct login_parent const *p, char const *login, unsigned int ms)
{
	log_event("slowed");
	log_str("user", login);
	if (p->address)
		log_str("ip", p->address);
	log_num("ms", ms);
	log_send();
}

/* A guesser who hangs up at the first silence and calls again waits here. */
void
login_delay_before(struct login_parent *p, char const *login)
{
	tain now;
	if (!p->delay_ms)
		return;
	unsigned int a =
	    milliseconds(p, beyond_free(login_failures_address(p->address)), LOGIN_DELAY_MAX);
	unsigned int b =
	    milliseconds(p, beyond_free(login_failures_account(login)), ACCOUNT_DELAY_MAX);
	if (!a && !b)
		return;
	log_slowed(p, login, a > b ? a : b);
	tain_now_g();
	tain_copynow(&now);
	wait_from(p, &now, a > b ? a : b);
}

void
login_delay_count(struct login_parent *p, struct login_request const *r,
    unsigned char const attempt[static HASH_MAX])
{
	if (p->delay_ms)
		login_failures_add(p->address, r->login, attempt, HASH_MAX);
}

/* Makes guessing slow; a child in a stranger's hands cannot skip it. Counted from the request, so
 * that the time of the check (is there such an account? which hash has it?) does not show. */
void
login_delay_after(struct login_parent *p, struct login_request const *r, tain const *begin)
{
	unsigned int n = p->failures;
	if (p->delay_ms) {
		unsigned int a = login_failures_address(p->address);
		unsigned int b = login_failures_account(r->login);
		n = a > n ? a : n;
		n = b > n ? b : n;
	}
	wait_from(p, begin, milliseconds(p, n, LOGIN_DELAY_MAX));
}
