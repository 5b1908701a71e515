/* Apart from account.c, which links the tables and all that they need. */
#include <stdint.h>

#include "lib/account.h"
#include "lib/conf.h"

uid_t
account_uid_min(void)
{
	return (uid_t)conf_uint("account-uid-min", ACCOUNT_UID_MIN, 1, UINT32_MAX - 1);
}
