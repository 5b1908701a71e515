#include "mda-local/sieve-host.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "maildir/metadata.h"
#include "maildir/tree.h"
#include "maildir/uidlist-line.h"
#include "mda-local/sieve-settings.h"
#include "sieve/state.h"

/* ---- names of folders ---- */

/* The tree as clients see it. */
static struct maildir_tree
seen(struct worker const *w)
{
	struct maildir_tree t = w->tree;
	t.separator = sieve_settings()->separator;
	t.prefix = sieve_settings()->prefix;
	return t;
}

/* One reading of the name: as sieve_folder. */
static int
try_name(struct worker *w, char const *name, stralloc *to)
{
	struct maildir_tree const t = seen(w);
	stralloc disk = STRALLOC_ZERO, dir = STRALLOC_ZERO;
	int r = -1;
	to->len = 0;
	if (!tree_disk_name(&t, name, &disk) && !tree_client_name(&w->tree, disk.s, disk.len, to))
		r = tree_dir(&w->tree, sa_str(to), &dir);
	stralloc_free(&disk);
	stralloc_free(&dir);
	return r;
}

static void
separate(char *s, char from, char to)
{
	for (; *s; s++)
		if (*s == from)
			*s = to;
}

int
sieve_folder(struct worker *w, char const *name, stralloc *to)
{
	struct maildir_tree const t = seen(w);
	char const other = t.separator == '.' ? '/' : '.';
	stralloc s = STRALLOC_ZERO, best = STRALLOC_ZERO;
	int r = -1;
	/* As it stands; with the other separator; below the prefix; without INBOX in front. */
	for (int way = 0; way < 4 && r != 1; way++) {
		int const inbox =
		    !strncasecmp(name, "INBOX", 5) && name[5] && strchr("./", name[5]);
		if ((way == 2 && !*t.prefix) || (way == 3 && !inbox))
			continue;
		sa_copys(&s, way == 2 ? t.prefix : "");
		size_t const at = s.len;
		sa_cats(&s, way == 3 ? name + 6 : name);
		sa_str(&s);
		if (way)
			separate(s.s + at, other, t.separator);
		int const k = try_name(w, s.s, to);
		/* What could be made is the first of these. */
		if (k == 1 || (!k && r < 0)) {
			r = k;
			sa_copyb(&best, to->s, to->len);
		}
	}
	sa_copyb(to, best.s, best.len);
	sa_str(to);
	stralloc_free(&s);
	stralloc_free(&best);
	return r;
}

static int
folder_exists(void *arg, char const *folder)
{
	struct sieve_message_host *m = arg;
	stralloc s = STRALLOC_ZERO;
	int const r = sieve_folder(m->worker, folder, &s);
	stralloc_free(&s);
	return r == 1;
}

/* ---- what is known of folders ---- */

static int
metadata(void *arg, char const *folder, char const *entry, stralloc *value)
{
	struct sieve_message_host *m = arg;
	stralloc name = STRALLOC_ZERO;
	char *const key = xstrdup(entry);
	int r = 0;
	ascii_lower(key, strlen(key));
	sa_str(&name);
	if (!folder || sieve_folder(m->worker, folder, &name) == 1)
		r = metadata_get(&m->worker->tree, name.s, key, value);
	stralloc_free(&name);
	free(key);
	return r;
}

static int
has_word(char const *s, size_t n, char const *word)
{
	for (size_t i = 0, len; i < n; i += len + 1) {
		char const *const blank = memchr(s + i, ' ', n - i);
		len = blank ? (size_t)(blank - (s + i)) : n - i;
		if (ascii_ieq(s + i, len, word))
			return 1;
	}
	return 0;
}

static int
special_use(void *arg, char const *folder, char const *attribute, stralloc *out)
{
	struct sieve_message_host *m = arg;
	stralloc name = STRALLOC_ZERO, uses = STRALLOC_ZERO;
	int r;
	if (!folder)
		r = special_use_find(&m->worker->tree, attribute, &name);
	else {
		r = sieve_folder(m->worker, folder, &name) == 1
			? special_use_get(&m->worker->tree, name.s, &uses)
			: 0;
		r = r == 1 ? has_word(uses.s, uses.len, attribute) : r;
	}
	if (r == 1 && out)
		sa_catb(out, name.s, name.len);
	stralloc_free(&name);
	stralloc_free(&uses);
	return r;
}

/* Is this the MAILBOXID of the folder in dir? */
static int
has_id(char const *dir, char const *id)
{
	char s[512];
	struct uidlist u = UIDLIST_ZERO;
	stralloc path = STRALLOC_ZERO;
	sa_cats(&path, dir);
	sa_cats(&path, "/dovecot-uidlist");
	int const fd = open(sa_str(&path), O_RDONLY | O_CLOEXEC);
	ssize_t const n = fd < 0 ? -1 : read(fd, s, sizeof s);
	char const *const lf = n > 0 ? memchr(s, '\n', (size_t)n) : 0;
	int const same = lf && uidlist_parse_header(&u, s, lf) && !strcasecmp(u.guid, id);
	if (fd >= 0)
		close(fd);
	uidlist_close(&u);
	stralloc_free(&path);
	return same;
}

int
sieve_folder_by_id(struct worker *w, char const *id, stralloc *to)
{
	struct tree_list list = {0, 0};
	stralloc dir = STRALLOC_ZERO;
	int found = 0;
	if (!*id)
		return 0;
	if (tree_list(&w->tree, &list) < 0)
		return -1;
	for (size_t i = 0; i < list.count && !found; i++) {
		char const *const name = list.folder[i].name;
		if (list.folder[i].flags & TREE_NOSELECT || tree_dir(&w->tree, name, &dir) != 1)
			continue;
		found = has_id(dir.s, id);
		if (found && to) {
			sa_copys(to, name);
			sa_str(to);
		}
	}
	tree_list_free(&list);
	stralloc_free(&dir);
	return found;
}

static int
mailbox_id(void *arg, char const *id, stralloc *out)
{
	struct sieve_message_host *m = arg;
	stralloc name = STRALLOC_ZERO;
	int const r = sieve_folder_by_id(m->worker, id, &name);
	if (r == 1 && out)
		sa_catb(out, name.s, name.len);
	stralloc_free(&name);
	return r;
}

/* ---- everything else ---- */

char *
sieve_state_path(struct worker const *w, char const *name)
{
	stralloc s = STRALLOC_ZERO;
	sa_cats(&s, w->account->home);
	sa_cats(&s, "/" SCRIPT_STATE "/");
	sa_cats(&s, name);
	char *const path = xstrdup(sa_str(&s));
	stralloc_free(&s);
	return path;
}

void
sieve_duplicate_key(unsigned char *key, struct sieve_duplicate const *d)
{
	char *const id = xstrndup(d->id, d->id_len);
	char const *const texts[] = {"duplicate", d->handle, id};
	sieve_state_key(key, texts, 3);
	free(id);
}

static int
duplicate(void *arg, struct sieve_duplicate const *d)
{
	struct sieve_message_host *m = arg;
	unsigned char key[SIEVE_KEY];
	char *const path = sieve_state_path(m->worker, "duplicate");
	sieve_duplicate_key(key, d);
	int const r = sieve_state_find(path, key, m->now, 0);
	/* What cannot be read is as empty: mail must not wait for it. */
	if (r < 0)
		log_1("sieve-state", "path", path);
	free(path);
	return r == 1;
}

/* RFC 5183 4.1. What is known of the client, the parser keeps to itself. */
static int
environment(void *arg, char const *name, stralloc *value)
{
	(void)arg;
	char const *const host = sieve_settings()->host, *const dot = strchr(host, '.');
	if (!strcasecmp(name, "host"))
		sa_cats(value, host);
	else if (!strcasecmp(name, "domain"))
		sa_cats(value, dot ? dot + 1 : host);
	else
		return 0;
	return 1;
}

static int
spamtest(void *arg, int percent, unsigned int *value)
{
	struct sieve_message_host *m = arg;
	return spam_value(&sieve_settings()->spam, m->header, m->n, 1, percent ? 100 : 10, value);
}

static int
virustest(void *arg, unsigned int *value)
{
	struct sieve_message_host *m = arg;
	return spam_value(&sieve_settings()->virus, m->header, m->n, 0, 5, value);
}

static int
include(void *arg, int global, char const *name, struct sieve_code const **code, char const **why)
{
	struct sieve_message_host *m = arg;
	return scripts_include(m->scripts, global, name, code, why);
}

void
sieve_host_init(struct sieve_host *h, struct sieve_message_host *m)
{
	*h = (struct sieve_host){.arg = m,
	    .folder_exists = folder_exists,
	    .metadata = metadata,
	    .special_use = special_use,
	    .mailbox_id = mailbox_id,
	    .duplicate = duplicate,
	    .environment = environment,
	    .spamtest = spamtest,
	    .virustest = virustest,
	    .include = include};
}
