/* The session's end of the joint from login to session. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/session.h"
#include "tests/unit/tap.h"

static struct net n;

/* What the login program sends on the descriptor (null: there is none), what stands in the
 * environment, and what must come of it. */
static struct {
	char const *name, *preamble, *start;
	int want, logged_in;
	char const *tag, *command, *input;
} const cases[] = {
    {"by hand", 0, 0, 0, 0, "", "", ""},
    {"descriptor", "a1 LOGIN\n", 0, 0, 1, "a1", "LOGIN", ""},
    {"descriptor with input", "- PASS\nSTAT\r\nQU", 0, 0, 1, "-", "PASS", "STAT\r\nQU"},
    {"descriptor before environment", "a1 LOGIN\nx", "b LOGIN eQ==", 0, 1, "a1", "LOGIN", "x"},
    {"environment", 0, "a1 AUTHENTICATE U1RBVA==", 0, 1, "a1", "AUTHENTICATE", "STAT"},
    {"environment without input", 0, "a1 LOGIN ", 0, 1, "a1", "LOGIN", ""},
    {"no preamble", "", 0, -1, 1, 0, 0, 0},
    {"no line", "a1 LOGIN", 0, -1, 1, 0, 0, 0},
    {"no command", "a1\n", 0, -1, 1, 0, 0, 0},
    {"no tag", " LOGIN\n", 0, -1, 1, 0, 0, 0},
    {"bad base64", 0, "a1 LOGIN ****", -1, 1, 0, 0, 0},
    {"bad environment", 0, "a1", -1, 1, 0, 0, 0},
};

static void
set_descriptor(char const *preamble, int pair[2])
{
	char number[12];
	if (!preamble)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
	    write(pair[0], preamble, strlen(preamble)) < 0)
		abort();
	shutdown(pair[0], SHUT_WR);
	snprintf(number, sizeof number, "%d", pair[1]);
	setenv("POSTERN_SESSION_FD", number, 1);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct session_start s;
		int pair[2] = {-1, -1};
		char up[8] = "", *in;
		net_init(&n, 0, 1);
		unsetenv("POSTERN_SESSION_FD");
		unsetenv("POSTERN_SESSION_START");
		if (cases[i].start)
			setenv("POSTERN_SESSION_START", cases[i].start, 1);
		set_descriptor(cases[i].preamble, pair);
		int r = session_begin(&s, &n);
		tap_num(cases[i].name, r, cases[i].want);
		tap_num("logged in", s.logged_in, cases[i].logged_in);
		tap_ok(!getenv("POSTERN_SESSION_FD") && !getenv("POSTERN_SESSION_START"), "unset");
		if (cases[i].preamble) {
			tap_mem("report", up, (size_t)read(pair[0], up, sizeof up), "up\n", 3);
			close(pair[0]);
		}
		if (r)
			continue;
		tap_str("tag", s.tag, cases[i].tag);
		tap_str("command", s.command, cases[i].command);
		size_t len = net_peek(&n, &in);
		tap_mem("input", in, len, cases[i].input, strlen(cases[i].input));
	}
	/* A login program that no longer waits; a descriptor that is something else by now. */
	struct session_start s;
	int pair[2];
	set_descriptor("", pair);
	close(pair[0]);
	tap_num("nobody waits", session_begin(&s, &n), -1);
	setenv("POSTERN_SESSION_FD", "0", 1);
	setenv("POSTERN_SESSION_START", "a1 LOGIN ", 1);
	tap_num("not a socket", session_begin(&s, &n), 0);
	tap_str("so from the environment", s.tag, "a1");
	setenv("POSTERN_SESSION_FD", "999", 1);
	tap_num("not open, nothing else", session_begin(&s, &n), -1);
	return tap_done();
}
