#include <string.h>

#include "lib/account.h"
#include "lib/idna.h"
#include "lib/sa.h"
#include "lib/table-key.h"
#include "lib/utf8.h"

int
account_key(stralloc *out, char const *login)
{
	size_t const was = out->len, len = strlen(login);
	char const *const at = strrchr(login, '@');
	size_t const domain = at ? (size_t)(at + 1 - login) : len;
	int const u_labels = utf8_has8bit(login + domain, len - domain);
	key_fold(out, login, u_labels ? domain : len);
	if (!u_labels || !idna_to_ascii(out, login + domain, len - domain))
		return 0;
	out->len = was;
	return -1;
}
