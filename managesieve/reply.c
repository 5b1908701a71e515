#include "managesieve/replies.h"

#include "lib/utf8.h"
#include "managesieve/parse.h"
#include "sieve/sieve.h"

#define QUOTED_MAX 1024

static int
can_be_quoted(char const *s, size_t len)
{
	size_t more = 0;
	for (size_t i = 0; i < len; i++) {
		if (!s[i] || s[i] == '\r' || s[i] == '\n')
			return 0;
		more += s[i] == '"' || s[i] == '\\';
	}
	return len + more <= QUOTED_MAX && utf8_valid(s, len);
}

void
manage_put_string(struct net *n, char const *s, size_t len)
{
	if (!can_be_quoted(s, len)) {
		net_putf(n, "{%zu}\r\n", len);
		net_put(n, s, len);
		return;
	}
	net_put(n, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			net_put(n, "\\", 1);
		net_put(n, s + i, 1);
	}
	net_put(n, "\"", 1);
}

void
manage_put_noop(struct net *n, struct manage_arg const *tag)
{
	if (!tag) {
		net_puts(n, OK_NOOP);
		return;
	}
	net_puts(n, "OK (TAG ");
	manage_put_string(n, tag->s, tag->len);
	net_puts(n, ") \"Done\"\r\n");
}

static int
has_word(char const *list, char const *word)
{
	size_t n = strlen(word);
	for (char const *s = list; (s = strstr(s, word)); s += n)
		if ((s == list || s[-1] == ' ') && (s[n] == ' ' || !s[n]))
			return 1;
	return 0;
}

static void
put(struct net *n, char const *name, char const *value)
{
	net_putf(n, "\"%s\" ", name);
	manage_put_string(n, value, strlen(value));
	net_puts(n, "\r\n");
}

void
manage_put_capabilities(struct net *n, struct manage_capability const *c)
{
	put(n, "IMPLEMENTATION", MANAGE_IMPLEMENTATION);
	put(n, "SIEVE", c->sieve);
	if (c->sasl)
		put(n, "SASL", c->sasl);
	if (c->starttls)
		net_puts(n, "\"STARTTLS\"\r\n");
	if (has_word(c->sieve, "enotify"))
		put(n, "NOTIFY", SIEVE_NOTIFY_METHODS);
	net_putf(n, "\"MAXREDIRECTS\" \"%u\"\r\n", c->redirects);
	put(n, "LANGUAGE", "en");
	if (c->owner)
		put(n, "OWNER", c->owner);
	net_puts(n, "\"VERSION\" \"1.0\"\r\n");
}
