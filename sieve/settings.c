/* What an administrator may set. */
#include "lib/conf.h"
#include "sieve/sieve.h"

void
sieve_limits_settings(struct sieve_limits *l)
{
	*l = (struct sieve_limits)SIEVE_LIMITS_DEFAULT;
	l->script = conf_size("sieve-max-script-size", SIEVE_SCRIPT_MAX, 1, SIEVE_SCRIPT_MAX * 4);
	l->actions = (unsigned int)conf_uint("sieve-max-actions", SIEVE_ACTIONS_MAX, 1, 1000);
	l->redirects = (unsigned int)conf_uint("sieve-max-redirects", SIEVE_REDIRECTS_MAX, 0, 1000);
	l->steps = conf_uint("sieve-max-steps", SIEVE_STEPS_MAX, 1000, UINT64_C(1) << 40);
	l->extensions = conf_string("sieve-extensions", 0);
}
