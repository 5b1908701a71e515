/* The application side of UCSPI-TLS: with a launcher played by this test, and (argument "serve") as
 * a server for tests/tls/030-starttls.t. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <skalibs/strerr.h>

#include "lib/net.h"
#include "lib/ucspitls.h"

static struct net net;

/* ---- a server ---------------------------------------------------------------------------------
 */

/* The way of a login pair: a child starts TLS, this process follows. */
static int
start_in_child(void)
{
	int fd[2];
	size_t len;
	char got[UCSPITLS_REPLY_MAX];
	if (pipe(fd) < 0)
		return -1;
	pid_t pid = fork();
	if (!pid) {
		if (ucspitls_start(&net) < 0)
			_exit(1);
		char const *reply = ucspitls_reply(&len);
		_exit(write(fd[1], reply, len) != (ssize_t)len);
	}
	close(fd[1]);
	ssize_t n = read(fd[0], got, sizeof got);
	net_discard(&net);
	if (n <= 0 || ucspitls_adopt(net.fd_in, net.fd_out, got, (size_t)n) < 0)
		return -1;
	ndelay_on(net.fd_in);
	ndelay_on(net.fd_out);
	return 0;
}

static int
serve(void)
{
	char line[100];
	size_t len;
	ucspitls_init();
	net_init(&net, 0, 1);
	net_deadline(&net, 10);
	net_puts(&net, "ready\n");
	if (net_getline(&net, line, sizeof line, &len) != NET_LINE || !ucspitls_available())
		return 1;
	net_puts(&net, "go\n");
	net_flush(&net);
	if ((strcmp(line, "adopt") ? ucspitls_start(&net) : start_in_child()) < 0)
		return 2;
	net_putf(&net, "inside %s\n", getenv("SSL_PROTOCOL"));
	if (net_getline(&net, line, sizeof line, &len) != NET_LINE)
		return 3;
	net_putf(&net, "%s\n", line);
	net_finish(&net, 5);
	return 0;
}

/* ---- replies ----------------------------------------------------------------------------------
 */

#define GOOD "SSL_PROTOCOL=TLSv1.3\0SSL_CIPHER=X\0SSL_TLS_SNI_SERVERNAME\0"

static struct {
	char const *name, *reply;
	size_t len;
	int error; /* 0: good */
} const replies[] = {
    {"a usual reply", GOOD "\0", sizeof GOOD, 0},
    {"no variable at all", "\0", 2, 0},
    {"a strange name is passed over", "PATH=x\0" GOOD "\0", sizeof "PATH=x" + sizeof GOOD, 0},
    {"end of file at once", "", 0, EPROTO},
    {"end of file in between", GOOD, sizeof GOOD - 1, EPROTO},
    {"one NUL", "", 1, EPROTO},
};

static void
set_fd(char const *name, int fd)
{
	char s[20];
	snprintf(s, sizeof s, "%d", fd);
	setenv(name, s, 1);
}

/* The three descriptors as a launcher gives them; returns the launcher's end of the control socket.
 */
static int
give_descriptors(int plain[2])
{
	int ctl[2], in[2], out[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ctl) < 0 || pipe(in) < 0 || pipe(out) < 0)
		exit(111);
	set_fd("SSLCTLFD", ctl[0]);
	set_fd("SSLREADFD", in[0]);
	set_fd("SSLWRITEFD", out[1]);
	plain[0] = out[0];
	plain[1] = in[1];
	return ctl[1];
}

static void
check_reply(size_t i)
{
	int plain[2], sv[2], ctl = give_descriptors(plain);
	char command = 0, buf[10];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) < 0)
		exit(111);
	setenv("SSL_PROTOCOL", "from elsewhere", 1);
	setenv("SSL_TLS_SNI_SERVERNAME", "old", 1);
	tap_num(replies[i].name, ucspitls_init(), 1);
	tap_num("not active yet", ucspitls_active(), 0);
	tap_ok(!getenv("SSLCTLFD") && !getenv("SSLREADFD") && !getenv("SSLWRITEFD"), "unset");
	net_init(&net, sv[0], dup(sv[0]));
	/* Clear text that came too early. */
	memcpy(net.in, "early", net.in_end = 5);
	if (write(ctl, replies[i].reply, replies[i].len) < 0)
		exit(111);
	shutdown(ctl, SHUT_WR);
	errno = 0;
	int r = ucspitls_start(&net);
	if (replies[i].error) {
		tap_ok(r < 0 && errno == replies[i].error, "fails");
		ucspitls_close();
	} else {
		tap_num("works", r, 0);
		tap_num("active", ucspitls_active(), 1);
		tap_ok(!ucspitls_available(), "only once");
		tap_ok(replies[i].len == 2 ||
			   (getenv("SSL_PROTOCOL") && !getenv("SSL_TLS_SNI_SERVERNAME")),
		    "environment");
		tap_num("early input is dropped", (long long)net_discard(&net), 0);
		net_puts(&net, "out");
		net_flush(&net);
		tap_ok(read(plain[0], buf, 3) == 3 && !memcmp(buf, "out", 3),
		    "output goes into the pipe");
	}
	tap_ok(read(ctl, &command, 1) == 1 && command == 'Y', "the command was Y");
	if (!replies[i].error)
		tap_num("and the only one", read(ctl, &command, 1), 0);
	close(net.fd_in);
	close(net.fd_out);
	close(ctl);
	close(plain[0]);
	close(plain[1]);
	close(sv[1]);
}

int
main(int argc, char **argv)
{
	int plain[2], ctl;
	PROG = "ucspitls";
	if (argc > 1)
		return strcmp(argv[1], "serve") ? 100 : serve();
	signal(SIGPIPE, SIG_IGN);
	tap_num("nothing there", ucspitls_init(), 0);
	setenv("SSLCTLFD", "3", 1);
	tap_num("one of three", ucspitls_init(), 0);
	set_fd("SSLREADFD", 987);
	set_fd("SSLWRITEFD", 988);
	setenv("SSLCTLFD", "989", 1);
	tap_num("not open", ucspitls_init(), 0);
	setenv("SSLCTLFD", "-1", 1);
	tap_num("no numbers", ucspitls_init(), 0);
	for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
		check_reply(i);

	setenv("KEYFILE", "x", 1);
	setenv("CERTFILE:a.example.test", "x", 1);
	setenv("KEYFILE:b", "x", 1);
	setenv("TLS_UID", "1", 1);
	setenv("KEYFILES", "stays", 1);
	ctl = give_descriptors(plain);
	ucspitls_init();
	tap_ok(!getenv("KEYFILE") && !getenv("CERTFILE:a.example.test") && !getenv("KEYFILE:b") &&
		   !getenv("TLS_UID") && getenv("KEYFILES"),
	    "the launcher's variables are hidden, others stay");
	ucspitls_close();
	char c;
	tap_num("declining closes the control socket", read(ctl, &c, 1), 0);
	tap_num("not available then", ucspitls_available(), 0);
	net_init(&net, 0, 1);
	tap_ok(ucspitls_start(&net) < 0 && errno == ENOTCONN, "starting then fails");
	net_release(&net);

	ctl = give_descriptors(plain);
	ucspitls_init();
	close(ctl);
	tap_ok(ucspitls_start(&net) < 0 && errno == EPROTO,
	    "a launcher that is gone: no signal, an error");
	ucspitls_close();
	tap_ok(ucspitls_setenv("SSL_PROTOCOL=x", 14) < 0, "a list without its NUL");
	tap_ok(ucspitls_adopt(0, 1, "", 0) < 0, "adopting without descriptors");
	return tap_done();
}
