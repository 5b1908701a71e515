#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/sa.h"
#include "lib/smtp-client.h"
#include "tests/unit/tap.h"

static struct smtp_client c;
static int peer;

static void
start(char const *says)
{
	int fd[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	smtp_client_fds(&c, fd[0], fd[0]);
	smtp_client_deadline(&c, 5);
	peer = fd[1];
	if (write(peer, says, strlen(says)) < 0)
		tap_ok(0, "write");
	shutdown(peer, SHUT_WR);
}

static size_t
stop(char *sent, size_t max)
{
	size_t n = 0;
	ssize_t r;
	net_flush(&c.net);
	smtp_client_close(&c);
	while ((r = read(peer, sent + n, max - n)) > 0)
		n += (size_t)r;
	close(peer);
	return n;
}

static void
replies(void)
{
	static struct {
		char const *in;
		int ok, code, error;
		char const *text, *status;
	} const rows[] = {
	    {"250 ok\r\n", 0, 250, 0, "ok", ""},
	    {"250\r\n", 0, 250, 0, "", ""},
	    {"250-a\r\n250-b\r\n250 c\n", 0, 250, 0, "a\nb\nc", ""},
	    {"550 5.1.1 No such user\r\n", 0, 550, 0, "5.1.1 No such user", "5.1.1"},
	    {"550 4.1.1 wrong class\r\n", 0, 550, 0, "4.1.1 wrong class", ""},
	    {"550 5.1.1000 x\r\n", 0, 550, 0, "5.1.1000 x", ""},
	    {"250 a\tb\001c\r\n", 0, 250, 0, "a b c", ""},
	    {"250-a\r\n251 b\r\n", -1, 0, EPROTO, 0, 0},
	    {"25x\r\n", -1, 0, EPROTO, 0, 0},
	    {"150 x\r\n", -1, 0, EPROTO, 0, 0},
	    {"250x\r\n", -1, 0, EPROTO, 0, 0},
	    {"", -1, 0, ECONNRESET, 0, 0},
	    {"250-a\r\n", -1, 0, ECONNRESET, 0, 0},
	    {"250 cut", -1, 0, ECONNRESET, 0, 0},
	};
	struct smtp_reply r = SMTP_REPLY_ZERO;
	char sent[10];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		start(rows[i].in);
		errno = 0;
		int ok = smtp_client_reply(&c, &r);
		int e = errno;
		tap_ok(ok == rows[i].ok && r.code == rows[i].code && (!ok || e == rows[i].error), "%s",
		    rows[i].in);
		if (!ok) {
			tap_str("text", r.text.s, rows[i].text);
			tap_str("status", r.status, rows[i].status);
		}
		stop(sent, sizeof sent);
	}
	stralloc_free(&r.text);
}

static void
body(char const *in, size_t cut, char const *want)
{
	char sent[500];
	size_t n = strlen(in);
	start("");
	smtp_client_send(&c, in, cut < n ? cut : n);
	if (cut < n)
		smtp_client_send(&c, in + cut, n - cut);
	smtp_client_send_end(&c);
	tap_mem(in, sent, stop(sent, sizeof sent), want, strlen(want));
}

/* Behind BDAT. */
static void
chunk(char const *in, char const *want)
{
	char sent[500];
	start("");
	c.chunk = 1;
	smtp_client_send(&c, in, strlen(in));
	smtp_client_send_end(&c);
	tap_num("chunk is over", c.chunk, 0);
	tap_mem(in, sent, stop(sent, sizeof sent), want, strlen(want));
}

static void
hello(void)
{
	struct smtp_reply r = SMTP_REPLY_ZERO;
	char sent[500];
	start("220 x\r\n250-x\r\n250-SIZE 1000\r\n250-AUTH PLAIN LOGIN\r\n250-AUTH=LOGIN\r\n"
	      "250-XFORWARD IDENT\r\n250 DSN\r\n");
	tap_num("accepted", smtp_client_hello(&c, "me", &r), 0);
	tap_num("extensions", c.ext, EXT_SIZE | EXT_AUTH | EXT_XFORWARD | EXT_DSN);
	tap_num("size", (long long)c.size_limit, 1000);
	tap_str("auth", c.auth.s, " PLAIN LOGIN LOGIN");
	struct smtp_mail m = {.from.text = "a@b.test", .size = 5, .body = BODY_8BITMIME};
	tap_num("two replies to come", smtp_client_mail(&c, &m, "id.1"), 2);
	size_t n = stop(sent, sizeof sent);
	char const *want = "EHLO me\r\nXFORWARD IDENT=id.1\r\nMAIL FROM:<a@b.test> SIZE=5\r\n";
	tap_mem("sent", sent, n, want, strlen(want));

	start("220 x\r\n250-x\r\n250 xforward NAME login\r\n");
	smtp_client_hello(&c, "me", &r);
	tap_num("XFORWARD takes LOGIN", c.ext, EXT_XFORWARD | EXT_XFORWARD_LOGIN);
	m.login = "a+b@c";
	smtp_client_mail(&c, &m, "id.1");
	want = "EHLO me\r\nXFORWARD IDENT=id.1 LOGIN=a+2Bb@c\r\nMAIL FROM:<a@b.test>\r\n";
	n = stop(sent, sizeof sent);
	tap_mem("with a login", sent, n, want, strlen(want));
	start("220 x\r\n250-x\r\n250 XFORWARD LOGINS XLOGIN\r\n");
	smtp_client_hello(&c, "me", &r);
	tap_num("other words are not LOGIN", c.ext, EXT_XFORWARD);
	stop(sent, sizeof sent);

	start("220 x\r\n250-x\r\n250-LIMITS RCPTMAX=20  mailmax=5 RCPTDOMAINMAX=1234567 X=1\r\n250 CHUNKING\r\n");
	smtp_client_hello(&c, "me", &r);
	tap_ok(c.limits.rcpt == 20 && c.limits.mail == 5 && !c.limits.domain, "LIMITS");
	stop(sent, sizeof sent);

	start("220 x\r\n502 no\r\n250 yes\r\n");
	tap_num("HELO after EHLO was refused", smtp_client_hello(&c, "me", &r), 0);
	n = stop(sent, sizeof sent);
	tap_mem("EHLO, HELO", sent, n, "EHLO me\r\nHELO me\r\n", 18);
	start("554 go away\r\n");
	tap_num("refused in the greeting", smtp_client_hello(&c, "me", &r), 1);
	stop(sent, sizeof sent);
	start("220 x\r\n421 busy\r\n");
	tap_num("a temporary refusal is not answered by HELO", smtp_client_hello(&c, "me", &r), 1);
	stop(sent, sizeof sent);

	start("");
	c.lmtp = c.early = 1;
	tap_num("nobody greets", smtp_client_hello(&c, "me", &r), -1);
	n = stop(sent, sizeof sent);
	tap_mem("LHLO was said before", sent, n, "LHLO me\r\n", 9);
	start("220 x\r\n250-x\r\n250 DSN\r\n");
	c.lmtp = c.early = 1;
	tap_num("the greeting comes behind", smtp_client_hello(&c, "me", &r), 0);
	tap_num("and the extensions", c.ext, EXT_DSN);
	n = stop(sent, sizeof sent);
	tap_mem("once", sent, n, "LHLO me\r\n", 9);
	start("421 busy\r\n");
	c.lmtp = c.early = 1;
	tap_num("refused in the greeting all the same", smtp_client_hello(&c, "me", &r), 1);
	stop(sent, sizeof sent);
	stralloc_free(&r.text);
}

int
main(void)
{
	replies();
	hello();
	for (size_t cut = 0; cut < 4; cut++) {
		body("a\n.b\n", cut, "a\r\n..b\r\n.\r\n");
		body(".", cut, "..\r\n.\r\n");
		body("", cut, ".\r\n");
		body("a", cut, "a\r\n.\r\n");
		body("a\r\nb\n", cut, "a \r\nb\r\n.\r\n");
		body("\n.\n", cut, "\r\n..\r\n.\r\n");
	}
	chunk(".\n..\n", ".\r\n..\r\n");
	chunk("a\rb", "a b\r\n");
	chunk("", "");
	return tap_done();
}
