#include "smtp-recv/milter-packet.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"

struct cursor {
	char const *p;
	size_t left;
};

static int
get_number(struct cursor *c, uint32_t *n)
{
	if (c->left < 4)
		return -1;
	unsigned char const *u = (unsigned char const *)c->p;
	*n = (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
	c->p += 4;
	c->left -= 4;
	return 0;
}

static char const *
get_string(struct cursor *c)
{
	char const *s = c->p, *nul = c->left ? memchr(s, 0, c->left) : 0;
	if (!nul)
		return 0;
	c->left -= (size_t)(nul - s) + 1;
	c->p = nul + 1;
	return s;
}

/* ---- what a filter says ---- */

enum shape { BARE, TEXT, ADDRESS_ARGS, NAME_TEXT, INDEX_NAME_TEXT, OCTETS };

/* clang-format off */
static struct row {
	char letter;
	enum milter_kind kind;
	enum shape shape;
	uint32_t action; /* one of these must have been announced; 0: none */
} const rows[] = {
	{'c', MILTER_CONTINUE,      BARE,            0},
	{'a', MILTER_ACCEPT,        BARE,            0},
	{'r', MILTER_REJECT,        BARE,            0},
	{'d', MILTER_DISCARD,       BARE,            0},
	{'t', MILTER_TEMPFAIL,      BARE,            0},
	{'y', MILTER_REPLY,         TEXT,            0},
	{'f', MILTER_CLOSE,         BARE,            0},
	{'4', MILTER_CLOSE,         BARE,            0},
	{'s', MILTER_SKIPS,         BARE,            0},
	{'p', MILTER_PROGRESS,      BARE,            0},
	{'h', MILTER_ADD_HEADER,    NAME_TEXT,       MILTER_MAY_ADD_HEADER},
	{'i', MILTER_INSERT_HEADER, INDEX_NAME_TEXT, MILTER_MAY_ADD_HEADER},
	{'m', MILTER_CHANGE_HEADER, INDEX_NAME_TEXT, MILTER_MAY_HEADER},
	{'b', MILTER_BODY,          OCTETS,          MILTER_MAY_BODY},
	{'+', MILTER_ADD_RCPT,      TEXT,            MILTER_MAY_ADD_RCPT},
	{'2', MILTER_ADD_RCPT,      ADDRESS_ARGS,    MILTER_MAY_ADD_RCPT_ARGS},
	{'-', MILTER_DEL_RCPT,      TEXT,            MILTER_MAY_DEL_RCPT},
	{'e', MILTER_FROM,          ADDRESS_ARGS,    MILTER_MAY_FROM},
	{'q', MILTER_QUARANTINE,    TEXT,            MILTER_MAY_QUARANTINE},
};
/* clang-format on */

/* RFC 5322 2.2: printable, no colon. */
static int
field_name_ok(char const *s)
{
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 127 || s[i] == ':')
			return 0;
	return n > 0;
}

static int
get_text(struct cursor *c, struct milter_answer *a)
{
	a->text = get_string(c);
	if (!a->text)
		return -1;
	a->len = strlen(a->text);
	return 0;
}

static int
get_field(struct cursor *c, struct milter_answer *a)
{
	a->name = get_string(c);
	return a->name && field_name_ok(a->name) ? get_text(c, a) : -1;
}

static int
get_arguments(struct cursor *c, enum shape shape, struct milter_answer *a)
{
	switch (shape) {
	case BARE: /* some send a NUL along */
		c->left = 0;
		return 0;
	case TEXT:
		return get_text(c, a);
	case ADDRESS_ARGS:
		if (get_text(c, a) < 0)
			return -1;
		if (c->left && !(a->args = get_string(c)))
			return -1;
		return 0;
	case NAME_TEXT:
		return get_field(c, a);
	case INDEX_NAME_TEXT:
		return get_number(c, &a->index) < 0 ? -1 : get_field(c, a);
	case OCTETS:
		a->text = c->p;
		a->len = c->left;
		c->left = 0;
	}
	return 0;
}

int
milter_parse(char letter, char const *data, size_t n, uint32_t actions, struct milter_answer *a)
{
	struct cursor c = {data, n};
	memset(a, 0, sizeof *a);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].letter != letter)
			continue;
		a->kind = rows[i].kind;
		if (rows[i].action & ~actions)
			return -1;
		return get_arguments(&c, rows[i].shape, a) < 0 || c.left ? -1 : 0;
	}
	return -1;
}

int
milter_options_parse(char const *data, size_t n, struct milter_options *o)
{
	struct cursor c = {data, n};
	memset(o, 0, sizeof *o);
	if (get_number(&c, &o->version) < 0 || get_number(&c, &o->actions) < 0 ||
	    get_number(&c, &o->protocol) < 0)
		return -1;
	if (o->version < MILTER_VERSION_MIN || o->version > MILTER_VERSION ||
	    o->actions & ~(uint32_t)MILTER_MAY_ALL || o->protocol & ~(uint32_t)MILTER_PROTOCOL_ALL)
		return -1;
	while (c.left) {
		uint32_t stage;
		char const *list;
		if (get_number(&c, &stage) < 0 || !(list = get_string(&c)) ||
		    stage >= MILTER_STAGES)
			return -1;
		o->macros[stage] = list;
	}
	return 0;
}

/* ---- a reply in a filter's words ---- */

static int
code_of(char const *s)
{
	if ((*s != '4' && *s != '5') || !ascii_isdigit(s[1]) || !ascii_isdigit(s[2]))
		return 0;
	return (s[0] - '0') * 100 + (s[1] - '0') * 10 + s[2] - '0';
}

/* RFC 3463 2, of the reply's class. */
static int
has_status(char const *s, char class)
{
	size_t n = strspn(s, "0123456789.");
	return n >= 5 && n <= 9 && s[0] == class && s[1] == '.' && (!s[n] || s[n] == ' ');
}

/* One line's words: what a reply line cannot hold becomes "?". */
static void
put_words(stralloc *text, char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && i + 1 < n && s[i + 1] == '%')
			i++;
		sa_append(text, s[i] >= ' ' && s[i] < 127 ? s[i] : '?');
	}
}

int
milter_reply_text(struct milter_answer const *a, stralloc *text)
{
	int code = code_of(a->text);
	sa_reset(text);
	for (char const *s = a->text; *s;) {
		size_t n = strcspn(s, "\r\n");
		/* RFC 5321 4.2.1: every line has the same code. */
		if (!code || code_of(s) != code || (n > 3 && s[3] != ' ' && s[3] != '-'))
			return 0;
		char const *words = s + 3 + (n > 3);
		if (text->len)
			sa_append(text, '\n');
		if (!has_status(words, *s))
			sa_catf(text, "%c.7.1 ", *s);
		put_words(text, words, (size_t)(s + n - words));
		s += n;
		s += strspn(s, "\r\n");
	}
	sa_str(text);
	return code;
}

/* ---- writing ---- */

void
milter_begin(stralloc *out, char letter)
{
	sa_copyb(out, "\0\0\0\0", 4);
	sa_append(out, letter);
}

void
milter_string(stralloc *out, char const *s)
{
	sa_catb(out, s, strlen(s) + 1);
}

static void
pack(char *s, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		s[i] = (char)(n >> (24 - 8 * i) & 255);
}

void
milter_number(stralloc *out, uint32_t n)
{
	char s[4];
	pack(s, n);
	sa_catb(out, s, 4);
}

void
milter_end(stralloc *out)
{
	pack(out->s, (uint32_t)(out->len - 4));
}
