#include "imap/mailbox.h"

#include <strings.h>

#include "imap/limits.h"
#include "lib/imap-text.h"
#include "lib/mutf7.h"
#include "lib/sa.h"

int
mailbox_parse(struct parse *p, char const **name)
{
	struct text t;
	if (!parse_astring(p, &t))
		return 0;
	stralloc sa = STRALLOC_ZERO;
	*name = 0;
	if (t.len && t.len <= LIMIT_NAME && !mutf7_decode(&sa, t.s, t.len))
		*name = !strcasecmp(sa_str(&sa), "INBOX") ? "INBOX"
							  : arena_strndup(p->arena, sa.s, sa.len);
	stralloc_free(&sa);
	return 1;
}

void
mailbox_put(stralloc *out, char const *name)
{
	stralloc sa = STRALLOC_ZERO;
	if (mutf7_encode(&sa, name, strlen(name)) < 0)
		sa_copys(&sa, name); /* the store gives UTF-8 only */
	imap_astring(out, sa.s, sa.len);
	stralloc_free(&sa);
}

char const *
mailbox_canonical(struct session *s, char const *name)
{
	stralloc disk = STRALLOC_ZERO, own = STRALLOC_ZERO;
	if (!tree_disk_name(&s->tree, name, &disk) &&
	    !tree_client_name(&s->tree, disk.s, disk.len, &own))
		name = arena_strndup(&s->arena, own.s, own.len);
	stralloc_free(&disk);
	stralloc_free(&own);
	return name;
}

int
mailbox_is_selected(struct session const *s, char const *name)
{
	return s->folder && !strcmp(s->name, name);
}
