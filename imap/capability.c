#include "imap/capability.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/sa.h"

enum {
	BEFORE = 1, /* told before login, too */
	OFF = 2,    /* told only if the setting says so */
	ELSE = 4,   /* after login only where the row above is hidden, which says more */
	VALUE = 8,  /* told with its number, and only if that is set */
};

/* Advertised when whole, and never before. */
static struct capability {
	char const *name;
	unsigned int flags, enables;
} capabilities[] = {
    {"IMAP4rev1", BEFORE, 0},	  /* RFC 3501 */
    {"IMAP4rev2", BEFORE, ENABLE_REV2}, /* RFC 9051 */
    {"LITERAL+", 0, 0},		  /* RFC 7888 */
    {"LITERAL-", BEFORE | ELSE, 0}, /* RFC 7888 section 5: before login literals are short */
    {"SASL-IR", BEFORE, 0},	  /* RFC 4959 */
    {"ID", BEFORE, 0},		  /* RFC 2971 */
    {"ENABLE", 0, 0},		  /* RFC 5161 */
    {"IDLE", 0, 0},		  /* RFC 2177 */
    {"NAMESPACE", 0, 0},	  /* RFC 2342 */
    {"CHILDREN", 0, 0},		  /* RFC 3348 */
    {"UNSELECT", 0, 0},		  /* RFC 3691 */
    {"UIDPLUS", 0, 0},		  /* RFC 4315 */
    {"MOVE", 0, 0},		  /* RFC 6851 */
    {"CONDSTORE", 0, ENABLE_CONDSTORE},
    {"QRESYNC", 0, ENABLE_CONDSTORE | ENABLE_QRESYNC}, /* RFC 7162 */
    {"ESEARCH", 0, 0},		  /* RFC 4731 */
    {"SEARCHRES", 0, 0},	  /* RFC 5182 */
    {"WITHIN", 0, 0},		  /* RFC 5032 */
    {"CONTEXT=SEARCH", 0, 0},	  /* RFC 5267 */
    {"SORT", 0, 0},		  /* RFC 5256 */
    {"SORT=DISPLAY", 0, 0},	  /* RFC 5957 */
    {"ESORT", 0, 0},		  /* RFC 5267 section 3 */
    {"THREAD=ORDEREDSUBJECT", 0, 0}, /* RFC 5256 */
    {"THREAD=REFERENCES", 0, 0},  /* RFC 5256 */
    {"THREAD=REFS", 0, 0},	  /* draft-ietf-morg-inthread */
    {"MULTISEARCH", 0, 0},	  /* RFC 7377 */
    {"PARTIAL", 0, 0},		  /* RFC 9394 */
    {"INPROGRESS", 0, 0},	  /* RFC 9585 */
    {"I18NLEVEL=1", 0, 0},	  /* RFC 5255 */
    {"LIST-EXTENDED", 0, 0},	  /* RFC 5258 */
    {"LIST-STATUS", 0, 0},	  /* RFC 5819 */
    {"STATUS=SIZE", 0, 0},	  /* RFC 8438 */
    {"SPECIAL-USE", 0, 0},	  /* RFC 6154 */
    {"CREATE-SPECIAL-USE", 0, 0}, /* RFC 6154 */
    {"MULTIAPPEND", 0, 0},	  /* RFC 3502 */
    {"CATENATE", 0, 0},		  /* RFC 4469 */
    {"REPLACE", 0, 0},		  /* RFC 8508 */
    {"APPENDLIMIT", VALUE, 0},	  /* RFC 7889 */
    {"MESSAGELIMIT", VALUE, 0},	  /* RFC 9738 */
    {"SAVELIMIT", VALUE, 0},	  /* RFC 9738 section 3 */
    {"COMPRESS=DEFLATE", 0, 0},	  /* RFC 4978 */
    {"BINARY", 0, 0},		  /* RFC 3516 */
    {"PREVIEW", 0, 0},		  /* RFC 8970 */
    {"SAVEDATE", 0, 0},		  /* RFC 8514 */
    {"UTF8=ACCEPT", 0, ENABLE_UTF8}, /* RFC 6855 */
    {"QUOTA", 0, 0},		  /* RFC 9208 */
    {"QUOTA=RES-STORAGE", 0, 0},  /* RFC 9208 5.1 */
    {"QUOTA=RES-MESSAGE", 0, 0},  /* RFC 9208 5.2 */
    {"METADATA", 0, 0},		  /* RFC 5464 */
    {"LIST-METADATA", 0, 0},	  /* RFC 9590 */
    {"ACL", 0, 0},		  /* RFC 4314 */
    {"RIGHTS=texk", 0, 0},	  /* RFC 4314 5.1.1 */
    {"LIST-MYRIGHTS", 0, 0},	  /* RFC 8440 */
    {"OBJECTID", 0, 0},		  /* RFC 8474 */
    {"NOTIFY", 0, 0},		  /* RFC 5465 */
    {"UIDONLY", OFF, ENABLE_UIDONLY}, /* RFC 9586: clients mishandle it */
    {"UIDBATCHES", OFF, 0},	  /* RFC 10022: few clients know it */
    {0, 0, 0},
};

static uint64_t values[sizeof capabilities / sizeof *capabilities];

static struct capability *
find(char const *name)
{
	for (struct capability *c = capabilities; c->name; c++)
		if (!strcasecmp(c->name, name))
			return c;
	return 0;
}

/* "+NAME" or "-NAME": 0 if it is neither, or nothing is called so. */
static int
change(char const *word)
{
	struct capability *c = *word == '+' || *word == '-' ? find(word + 1) : 0;
	if (!c)
		return 0;
	if (*word == '+')
		c->flags &= ~(unsigned int)OFF;
	else
		c->flags |= OFF;
	return 1;
}

static void
setting(char *line, char const *user)
{
	char *rest = line, *word = strsep(&rest, " \t");
	if (*word != '+' && *word != '-') {
		if (!user || strcasecmp(word, user))
			return;
		word = strsep(&rest, " \t");
	}
	for (; word; word = strsep(&rest, " \t"))
		if (*word && !change(word))
			strerr_dief2x(100,
			    "etc/imap-capabilities: not +NAME or -NAME of a capability: ", word);
}

void
capability_settings(char const *user)
{
	stralloc lines = STRALLOC_ZERO;
	conf_lines("imap-capabilities", &lines);
	for (size_t at = 0, next; at < lines.len; at = next) {
		next = at + strlen(lines.s + at) + 1;
		setting(lines.s + at, user);
	}
	stralloc_free(&lines);
}

static int
is_after(struct capability const *c)
{
	return !(c->flags & ELSE) || c[-1].flags & OFF;
}

static int
is_shown(struct capability const *c)
{
	return !(c->flags & OFF) && (!(c->flags & VALUE) || values[c - capabilities]);
}

void
capability_value(char const *name, uint64_t value)
{
	values[find(name) - capabilities] = value;
}

void
capability_list(stralloc *out, int logged_in)
{
	char const *between = "";
	for (struct capability const *c = capabilities; c->name; c++)
		if (is_shown(c) && (logged_in ? is_after(c) : (c->flags & BEFORE) != 0)) {
			sa_cats(out, between);
			sa_cats(out, c->name);
			if (c->flags & VALUE)
				sa_catf(out, "=%llu", (unsigned long long)values[c - capabilities]);
			between = " ";
		}
}

int
capability_shown(char const *name)
{
	struct capability const *c = find(name);
	return c && is_shown(c);
}

unsigned int
capability_enables(char const *name)
{
	struct capability const *c = find(name);
	return c && !(c->flags & OFF) ? c->enables : 0;
}
