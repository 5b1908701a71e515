#include "imap/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uninorm.h>

#include "imap/limits.h"
#include "imap/notify.h"
#include "imap/reply.h"
#include "lib/imap-text.h"
#include "lib/mutf7.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "maildir/quota-warn.h"

/* RFC 6855 section 3: no controls, no line or paragraph separator. */
static int
utf8_name(stralloc *out, char const *s, size_t n)
{
	uint32_t c;
	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_decode(s + i, n - i, &c);
		if (!len || c < ' ' || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029)
			return -1;
	}
	sa_catb(out, s, n);
	return 0;
}

int
mailbox_parse(struct parse *p, char const **name)
{
	struct text t;
	if (!parse_astring(p, &t))
		return 0;
	stralloc sa = STRALLOC_ZERO;
	*name = 0;
	if (t.len && t.len <= LIMIT_NAME && !(p->utf8 ? utf8_name : mutf7_decode)(&sa, t.s, t.len))
		*name = !strcasecmp(sa_str(&sa), "INBOX") ? "INBOX"
							  : arena_strndup(p->arena, sa.s, sa.len);
	stralloc_free(&sa);
	return 1;
}

int
mailbox_parse_new(struct parse *p, char const **name)
{
	if (!mailbox_parse(p, name))
		return 0;
	if (!*name || !p->utf8)
		return 1;
	size_t const n = strlen(*name);
	size_t len = 0;
	uint8_t *nfc = u8_normalize(UNINORM_NFC, (uint8_t const *)*name, n, 0, &len);
	if (!nfc || len != n || memcmp(nfc, *name, n) != 0)
		*name = 0;
	free(nfc);
	return 1;
}

void
mailbox_wire(struct session const *s, stralloc *out, char const *name, size_t len)
{
	if (s->parse.utf8 || mutf7_encode(out, name, len) < 0)
		sa_catb(out, name, len); /* the store gives UTF-8 only */
}

void
mailbox_astring(struct session const *s, stralloc *out, char const *wire, size_t len)
{
	if (s->parse.utf8 && utf8_has8bit(wire, len))
		imap_string_utf8(out, wire, len);
	else
		imap_astring(out, wire, len);
}

void
mailbox_put(struct session const *s, stralloc *out, char const *name)
{
	stralloc wire = STRALLOC_ZERO;
	mailbox_wire(s, &wire, name, strlen(name));
	mailbox_astring(s, out, wire.s, wire.len);
	stralloc_free(&wire);
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
mailbox_is_own(struct session const *s, char const *name)
{
	char const *others = s->tree.others;
	return !others || strncmp(name, others, strlen(others)) != 0;
}

struct maildir_tree const *
mailbox_tree(struct session *s, char const *name)
{
	struct shared_owner *o = mailbox_is_own(s, name) ? 0 : shared_find(&s->shared, name);
	if (!o)
		return &s->tree; /* of another who shares nothing, it has none */
	o->tree.denied = RIGHTS_ALL & ~mailbox_rights(s, name);
	return &o->tree;
}

unsigned int
mailbox_rights(struct session *s, char const *name)
{
	if (mailbox_is_own(s, name))
		return RIGHTS_ALL;
	return shared_rights(&s->shared, name);
}

char const *
mailbox_refused(struct session *s, char const *name)
{
	return reply_errno(mailbox_may(s, name, RIGHT_LOOKUP) ? EACCES : ENOENT);
}

struct quota *
mailbox_quota(struct session *s, char const *name)
{
	return mailbox_is_own(s, name) ? quota_of(&s->quota, &s->tree, name) : 0;
}

void
mailbox_arrived(struct session *s, char const *name, uint32_t const *uid, size_t count)
{
	notify_put(s, name, uid, count);
	if (s->quota.reached)
		quota_warn(&s->quota, getenv("USER"));
}

int
mailbox_is_selected(struct session const *s, char const *name)
{
	return s->folder && !strcmp(s->name, name);
}
