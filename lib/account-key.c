/* Apart from account.c, so that only who takes logins from people links IDNA's tables. */
#include <string.h>

#include "lib/account.h"
#include "lib/ascii.h"
#include "lib/idna.h"
#include "lib/sa.h"
#include "lib/utf8.h"

int
account_key(stralloc *out, char const *login)
{
	size_t const was = out->len, len = strlen(login);
	char const *const at = strrchr(login, '@');
	size_t const domain = at ? (size_t)(at + 1 - login) : len;
	int const u_labels = utf8_has8bit(login + domain, len - domain);
	sa_catb(out, login, u_labels ? domain : len);
	ascii_lower(out->s + was, out->len - was);
	if (!u_labels || !idna_to_ascii(out, login + domain, len - domain))
		return 0;
	out->len = was;
	return -1;
}
