#include "lib/ucspitls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/types.h>

#include "lib/tls-holder.h"

extern char **environ;

enum { CTL, READ, WRITE, FDS };

static int fds[FDS] = {-1, -1, -1};
static char reply[UCSPITLS_REPLY_MAX];
static size_t reply_len;
static int started;
static struct {
	char const *path, *id, *ip; /* path null: there is none, or it has the connection already */
	int at_once;		    /* it waits for no command */
} holder;

static char const *const fd_names[FDS] = {"SSLCTLFD", "SSLREADFD", "SSLWRITEFD"};

/* The only names that a reply may set or unset. */
static char const *const reply_names[] = {"SSL_PROTOCOL", "SSL_CIPHER", "SSL_CIPHER_BITS",
    "SSL_TLS_SNI_SERVERNAME", "SSL_PEER_CERT_HASH", "SSL_PEER_CERT_SUBJECT", "SSL_PEER_CERT_ISSUER",
    0};

/* What the launcher needs and no program behind it may see; a name that ends in ":" is a prefix. */
static char const *const launcher_names[] = {"KEYFILE", "CERTFILE",
    "KEYFILE:", "CERTFILE:", "CADIR", "CAFILE", "TLS_UID", "TLS_GID", "TLS_ENGINE", "TLS_TICKETS",
    "TLS_ALPN", "TLS_CIPHERS", 0};

/* The name of a variable that belongs to the launcher, copied out of `var`, or null. */
static char *
launcher_name(char const *var)
{
	size_t n = strcspn(var, "=");
	for (char const *const *p = launcher_names; *p; p++) {
		size_t len = strlen(*p);
		int prefix = (*p)[len - 1] == ':';
		if (n >= len && !memcmp(var, *p, len) && (prefix || n == len))
			return strndup(var, n);
	}
	return 0;
}

void
ucspitls_hide(void)
{
	for (char **p = environ; p && *p;) {
		char *name = launcher_name(*p);
		if (name && !unsetenv(name))
			p = environ; /* the array has moved: from the start */
		else
			p++;
		free(name);
	}
}

/* The descriptor that the environment names, if it is open, close-on-exec; else -1. */
static int
take_fd(char const *name)
{
	unsigned int fd;
	char const *s = getenv(name);
	int ok = s && uint0_scan(s, &fd) && fd <= 0x7fffffff && coe((int)fd) >= 0;
	unsetenv(name);
	return ok ? (int)fd : -1;
}

int
ucspitls_init(void)
{
	for (int i = 0; i < FDS; i++)
		fds[i] = take_fd(fd_names[i]);
	ucspitls_hide();
	started = 0;
	if (!ucspitls_available()) {
		ucspitls_close();
		return 0;
	}
	/* What can still be started is not on, whatever the environment has from elsewhere. */
	for (char const *const *p = reply_names; *p; p++)
		unsetenv(*p);
	return 1;
}

static int
launched(void)
{
	return fds[CTL] >= 0 && fds[READ] >= 0 && fds[WRITE] >= 0;
}

int
ucspitls_available(void)
{
	return launched() || holder.path;
}

int
ucspitls_init_holder(char const *path, char const *id, char const *ip)
{
	ucspitls_init();
	ucspitls_close();
	for (char const *const *p = reply_names; *p; p++)
		unsetenv(*p);
	holder.path = path && *path ? path : 0;
	holder.id = id;
	holder.ip = ip;
	return ucspitls_available();
}

int
ucspitls_hand_over(int at_once)
{
	struct tls_pipes p;
	tain deadline;
	if (!holder.path)
		return 0;
	struct tls_request const r = {.at_once = at_once,
	    .timeout_ms = TLS_HANDSHAKE_MS,
	    .verbosity = 1,
	    .alpn = "",
	    .id = holder.id,
	    .ip = holder.ip};
	if (tls_pipes(&p) < 0)
		return -1;
	tain_now_g();
	tain_addsec_g(&deadline, TLS_HOLDER_SECONDS);
	int const fd = tls_holder_hand_over(holder.path, &r, p.from_app, p.to_app, &deadline);
	int const e = errno;
	close(p.from_app);
	close(p.to_app);
	fds[CTL] = fd;
	fds[READ] = p.app_read;
	fds[WRITE] = p.app_write;
	if (fd < 0)
		ucspitls_close();
	else
		holder.path = 0;
	holder.at_once = at_once;
	errno = e;
	return fd < 0 ? -1 : 0;
}

int
ucspitls_active(void)
{
	return started || getenv("SSL_PROTOCOL") != 0;
}

size_t
ucspitls_fds(int out[static 3])
{
	if (!launched())
		return 0;
	memcpy(out, fds, sizeof fds);
	return FDS;
}

void
ucspitls_close(void)
{
	for (int i = 0; i < FDS; i++) {
		/* All three may be one descriptor. */
		for (int j = 0; j < i; j++)
			if (fds[i] == fds[j])
				fds[i] = -1;
		if (fds[i] > 2)
			close(fds[i]);
	}
	fds[CTL] = fds[READ] = fds[WRITE] = -1;
}

static int
protocol_error(void)
{
	errno = EPROTO;
	return -1;
}

static int
known_name(char const *s)
{
	size_t n = strcspn(s, "=");
	for (char const *const *p = reply_names; *p; p++)
		if (strlen(*p) == n && !memcmp(*p, s, n))
			return 1;
	return 0;
}

int
ucspitls_setenv(char const *s, size_t len)
{
	if (len && s[len - 1])
		return protocol_error();
	for (char const *end = s + len; s < end; s += strlen(s) + 1) {
		char const *eq = strchr(s, '=');
		if (!known_name(s))
			continue;
		char *name = strndup(s, strcspn(s, "="));
		int r = !name ? -1 : eq ? setenv(name, eq + 1, 1) : unsetenv(name);
		free(name);
		if (r < 0)
			return -1;
	}
	return 0;
}

int
ucspitls_ask(int fd_control)
{
	/* The launcher may be gone: EPIPE, not a signal. */
	if (send(fd_control, "Y", 1, MSG_NOSIGNAL) == 1)
		return 0;
	return errno == EPIPE || errno == ECONNRESET ? protocol_error() : -1;
}

/* The reply ends with two NULs; *n is then without the last of them. */
int
ucspitls_answer(
    int fd_control, char buf[static UCSPITLS_REPLY_MAX], size_t *n, tain const *deadline)
{
	size_t len = 0;
	while (len < 2 || buf[len - 1] || buf[len - 2]) {
		ssize_t r =
		    net_read_before(fd_control, buf + len, UCSPITLS_REPLY_MAX - len, deadline);
		if (r < 0)
			return errno == ECONNRESET ? protocol_error() : -1;
		len += (size_t)r;
		if (!r || (len == UCSPITLS_REPLY_MAX && (buf[len - 1] || buf[len - 2])))
			return protocol_error();
	}
	/* No variable at all is two bare NULs. */
	*n = len == 2 ? 0 : len - 1;
	return 0;
}

static int
swap_descriptors(int fd_in, int fd_out)
{
	int r = dup2(fds[READ], fd_in) < 0 || dup2(fds[WRITE], fd_out) < 0 ? -1 : 0;
	ucspitls_close();
	started = !r;
	return r;
}

int
ucspitls_start(struct net *n)
{
	tain deadline;
	if (ucspitls_hand_over(1) < 0)
		return -1;
	if (!launched()) {
		errno = ENOTCONN;
		return -1;
	}
	if (n->fd_in == n->fd_out && fds[READ] != fds[WRITE]) {
		errno = EINVAL;
		return -1;
	}
	net_discard(n);
	tain_now_g();
	tain_addsec_g(&deadline, UCSPITLS_SECONDS);
	if ((!holder.at_once && ucspitls_ask(fds[CTL]) < 0) ||
	    ucspitls_answer(fds[CTL], reply, &reply_len, &deadline) < 0 ||
	    ucspitls_setenv(reply, reply_len) < 0)
		return -1;
	if (swap_descriptors(n->fd_in, n->fd_out) < 0)
		return -1;
	if (ndelay_on(n->fd_in) < 0 || ndelay_on(n->fd_out) < 0)
		return -1;
	return 0;
}

char const *
ucspitls_reply(size_t *len)
{
	*len = reply_len;
	return reply;
}

int
ucspitls_adopt(int fd_in, int fd_out, char const *s, size_t len)
{
	if (!launched() || len > UCSPITLS_REPLY_MAX)
		return protocol_error();
	if (ucspitls_setenv(s, len) < 0)
		return -1;
	return swap_descriptors(fd_in, fd_out);
}
