/* SASL, line by line: what the client sends, what the server says (RFC 4616, RFC 4422). */
#include <stdlib.h>

#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/sasl.h"
#include "tests/unit/tap.h"

struct dialog {
	char const *name, *mechanism;
	char const *initial;	  /* base64, or null */
	char const *line[3];	  /* the client's answers, base64 */
	char const *challenge[3]; /* expected before each, base64 */
	enum sasl_status want;
	char const *login, *password;
};

/* clang-format off */
static struct dialog const dialogs[] = {
	{"PLAIN", "PLAIN", 0, {"AHRpbQB0YW5zdGFhZnRhbnN0YWFm"}, {""}, SASL_DONE, "tim", "tanstaaftanstaaf"},
	{"PLAIN, RFC 4616 4, other identity", "PLAIN", "VXJzZWwAS3VydAB4aXBqMzBweA==", {0}, {0}, SASL_AUTHZID, "Kurt", "xipj30px"},
	{"PLAIN, own identity", "plain", "dGltAHRpbQB4", {0}, {0}, SASL_DONE, "tim", "x"},
	{"PLAIN, UTF-8", "PLAIN", "AMOkAMO2", {0}, {0}, SASL_DONE, "\xc3\xa4", "\xc3\xb6"},
	{"PLAIN, empty initial response", "PLAIN", "=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, initial response of no length", "PLAIN", "", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, initial response *", "PLAIN", "*", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, one part", "PLAIN", "dGlt", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, two parts", "PLAIN", "AHRpbQ==", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, four parts", "PLAIN", "AHRpbQB4AHk=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, empty login", "PLAIN", "AAB4", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, empty password", "PLAIN", "AHRpbQA=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, not base64", "PLAIN", "AHRpbQB4!", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, padding missing", "PLAIN", "AHRpbQB4eQ", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN cancelled", "PLAIN", 0, {"*"}, {""}, SASL_CANCELLED, 0, 0},
	{"LOGIN", "LOGIN", 0, {"dGlt", "c2VjcmV0"}, {"VXNlcm5hbWU6", "UGFzc3dvcmQ6"}, SASL_DONE, "tim", "secret"},
	{"LOGIN, initial response", "login", "dGlt", {"c2VjcmV0"}, {"UGFzc3dvcmQ6"}, SASL_DONE, "tim", "secret"},
	{"LOGIN, empty login", "LOGIN", "=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"LOGIN, empty password", "LOGIN", "dGlt", {""}, {"UGFzc3dvcmQ6"}, SASL_SYNTAX, 0, 0},
	{"LOGIN, NUL in the login", "LOGIN", "AHg=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"LOGIN cancelled at the name", "LOGIN", 0, {"*"}, {"VXNlcm5hbWU6"}, SASL_CANCELLED, 0, 0},
	{"LOGIN cancelled at the password", "LOGIN", "dGlt", {"*"}, {"UGFzc3dvcmQ6"}, SASL_CANCELLED, 0, 0},
	{"no such mechanism", "GSSAPI", 0, {0}, {0}, SASL_UNKNOWN, 0, 0},
	{"a mechanism's beginning", "PLAI", "AHRpbQB4", {0}, {0}, SASL_UNKNOWN, 0, 0},
	{"no mechanism", "", 0, {0}, {0}, SASL_UNKNOWN, 0, 0},
};
/* clang-format on */

static void
run(struct dialog const *d)
{
	struct sasl s;
	enum sasl_status r = sasl_start(&s, d->mechanism, strlen(d->mechanism), d->initial,
	    d->initial ? strlen(d->initial) : 0);
	for (int i = 0; r == SASL_CONTINUE && i < 3 && d->line[i]; i++) {
		tap_str(d->name, s.challenge, d->challenge[i]);
		r = sasl_step(&s, d->line[i], strlen(d->line[i]));
	}
	tap_num(d->name, r, d->want);
	if (r == SASL_DONE) {
		tap_str(d->name, s.login, d->login);
		tap_str(d->name, s.password, d->password);
	}
	sasl_end(&s);
	static struct sasl const zero;
	tap_ok(!memcmp(&s, &zero, sizeof s), "%s: wiped", d->name);
}

/* A PLAIN message of n octets in base64. */
static enum sasl_status
sized(size_t n)
{
	static struct sasl s;
	stralloc text = STRALLOC_ZERO;
	char *message = malloc(n);
	memset(message, 'x', n);
	message[0] = message[2] = 0;
	base64_encode(&text, message, n);
	enum sasl_status r = sasl_start(&s, "PLAIN", 5, text.s, text.len);
	free(message);
	stralloc_free(&text);
	return r;
}

int
main(void)
{
	for (size_t i = 0; i < sizeof dialogs / sizeof *dialogs; i++)
		run(dialogs + i);
	tap_num("the longest message", sized(SASL_MESSAGE_MAX), SASL_DONE);
	tap_num("one octet more", sized(SASL_MESSAGE_MAX + 1), SASL_LONG);
	tap_num("a line too long", sized(SASL_LINE_MAX), SASL_LONG);
	tap_str("first mechanism", sasl_name(0), "PLAIN");
	tap_str("second mechanism", sasl_name(1), "LOGIN");
	tap_ok(!sasl_name(2), "no third");
	return tap_done();
}
