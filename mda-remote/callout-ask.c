#include "mda-remote/callout.h"

#include <string.h>
#include <time.h>

#include "lib/idna.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/envelope.h"
#include "mda-remote/errand.h"
#include "mda-remote/settings.h"

/* Words for the client: what the server has said, without its address, or ours. */
static char const accepted[] = "2.1.5 its server takes it",
		  no_answer[] = "4.4.0 the server of this domain cannot be asked now, try later",
		  no_route[] = "4.3.5 there is no way to this domain now, try later";

static uint64_t timeout_ms;

void
callout_init(void)
{
	timeout_ms = conf_duration("callout-timeout", "25s", 1, CALLOUT_MS_MAX);
	cache_open();
	server_init();
}

/* The first line. */
static void
say(struct answer *a, uint16_t code, char const *text)
{
	size_t n = strcspn(text, "\n");
	memset(a, 0, sizeof *a); /* all of it is summed */
	a->code = code;
	memcpy(a->text, text, n < sizeof a->text ? n : sizeof a->text - 1);
}

/* What it has said, behind its enhanced code. */
static void
say_reply(struct answer *a, uint16_t code, struct attempt const *why)
{
	stralloc sa = STRALLOC_ZERO;
	size_t n = strlen(why->status);
	int twice = !strncmp(why->text, why->status, n) && why->text[n] == ' ';
	sa_catf(&sa, "%s its server says: %s", why->status, why->text + (twice ? n + 1 : 0));
	say(a, code, sa_str(&sa));
	stralloc_free(&sa);
}

static void
log_answer(char const *to, struct answer const *a, struct attempt const *why, int64_t ms)
{
	log_event("callout");
	log_str("to", to);
	log_num("code", a->code);
	log_str("reply", a->text);
	if (!why)
		log_str("known", "yes");
	else {
		if (why->host[0])
			log_str("host", why->host);
		if (a->code != 250)
			log_str("reason", why->text);
		log_num("ms", (uint64_t)ms);
	}
	log_send();
}

static int64_t
milliseconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Asks the server, and remembers what is not just for now. */
static void
ask_server(struct route const *r, char const *route, char const *who, struct smtp_path const *to,
    struct answer *a)
{
	struct attempt why;
	tain latest;
	int64_t began = milliseconds();
	tain_now_g();
	tain_from_millisecs(&latest, (int)timeout_ms);
	tain_add_g(&latest, &latest);
	attempt_set(&why, RCPT_WAITING, 0, "", "");
	int verdict = server_ask(r, to->text, &latest, &why);
	if (verdict == RCPT_DONE)
		say(a, 250, accepted);
	else if (verdict == RCPT_FAILED)
		say_reply(a, 550, &why);
	else if (why.code >= 400 && why.code < 500)
		say_reply(a, 450, &why);
	else
		say(a, 450, no_answer);
	if (a->code != 450)
		cache_put(who, a);
	else if (verdict < 0)
		cache_put(route, a);
	log_answer(to->text, a, &why, milliseconds() - began);
}

/* The domain as tables have it: A-labels, lower case. */
static int
table_form(stralloc *sa, char const *domain)
{
	if (*domain != '[' && !strchr(domain, '_'))
		return idna_to_ascii(sa, domain, strlen(domain));
	sa_cats(sa, domain);
	return 0;
}

void
callout_ask(struct smtp_path const *to, struct answer *a)
{
	struct smtp_mail mail = {.from = {.text = "", .local = "", .domain = ""}};
	struct route r;
	stralloc domain = STRALLOC_ZERO, route = STRALLOC_ZERO, who = STRALLOC_ZERO;
	char const *why = "the domain is none";
	if (table_form(&domain, to->domain) < 0 ||
	    errand_route(sa_str(&domain), &mail, &r, &why) < 0) {
		log_2("no-route", "to", to->text, "reason", why);
		say(a, 450, no_route);
	} else {
		/* Another route is another server, which may know others. */
		route_key(&route, &r);
		sa_catf(&who, "%s %s@%s", sa_str(&route), to->local, domain.s);
		if (cache_get(sa_str(&who), a) || cache_get(route.s, a))
			log_answer(to->text, a, 0, 0);
		else
			ask_server(&r, route.s, who.s, to, a);
	}
	stralloc_free(&domain);
	stralloc_free(&route);
	stralloc_free(&who);
}
