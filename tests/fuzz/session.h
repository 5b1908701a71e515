/* For targets that are sessions or read an instance: what a peer sends stands in a pipe that nobody writes to any more, what it is
 * told is read by nobody; and an instance directory of their own. */
#ifndef TESTS_FUZZ_SESSION_H
#define TESTS_FUZZ_SESSION_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/login-request.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#define INPUT_MAX 60000 /* a pipe holds so much without a reader */

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static char instance_dir[60];

__attribute__((unused)) static void
instance_end(void)
{
	rm_rf(instance_dir);
}

/* Once: POSTERN_DIR with an empty etc, run, spool and state. */
__attribute__((unused)) static char const *
instance(void)
{
	static char const *const parts[] = {"etc", "run", "run/tmp", "run/spool", "spool", "spool/tlsrpt", "state"};
	char path[120];
	if (*instance_dir)
		return instance_dir;
	strcpy(instance_dir, access("/dev/shm", W_OK) ? "/tmp/fuzz.XXXXXX" : "/dev/shm/fuzz.XXXXXX");
	if (!mkdtemp(instance_dir))
		abort();
	atexit(instance_end);
	setenv("POSTERN_DIR", instance_dir, 1);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(path, sizeof path, "%s/%s", instance_dir, parts[i]);
		if (mkdir(path, 0755) < 0)
			abort();
	}
	return instance_dir;
}

/* A file of the instance. */
__attribute__((unused)) static void
instance_file(char const *name, void const *data, size_t size)
{
	char path[120];
	snprintf(path, sizeof path, "%s/%s", instance(), name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

__attribute__((unused)) static int
input(void const *data, size_t size)
{
	int fd[2];
	if (size > INPUT_MAX || pipe2(fd, O_CLOEXEC) < 0 || write(fd[1], data, size) != (ssize_t)size)
		abort();
	close(fd[1]);
	return fd[0];
}

/* The same as descriptor 0; 1 leads to nowhere. */
__attribute__((unused)) static void
stand_in_for_client(void const *data, size_t size)
{
	/* An input may have closed them. */
	while (fcntl(0, F_GETFD) < 0 || fcntl(1, F_GETFD) < 0)
		if (open("/dev/null", O_RDWR) < 0)
			abort();
	int fd = input(data, size), out = open("/dev/null", O_WRONLY);
	if (dup2(fd, 0) < 0 || dup2(out, 1) < 0)
		abort();
	close(fd);
	close(out);
}

/* One end of a pair of sockets: what `count` packets of size octets say can be read there, then its end; what is written there
 * nobody reads, as long as there is room. fd: goes with each packet, or -1. */
__attribute__((unused)) static int
answers(void const *packet, size_t size, unsigned int count, int (*send_one)(int, void const *, size_t, int), int fd)
{
	int pair[2];
	int const room = 1 << 20;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	for (unsigned int i = 0; i < count; i++)
		(void)send_one(pair[1], (char const *)packet + i * size, size, fd);
	shutdown(pair[1], SHUT_WR);
	/* The other end is closed with the next call: until then it takes what is sent. */
	static int before = -1;
	if (before >= 0)
		close(before);
	before = pair[1];
	return pair[0];
}

__attribute__((unused)) static int
send_plainly(int fd, void const *s, size_t n, int pass)
{
	(void)pass;
	return send(fd, s, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
}

/* A login pair's parent that refuses most of what it is asked, for one reason or another. */
__attribute__((unused)) static void
stand_in_for_parent(struct login *l, enum login_kind kind)
{
	static enum login_verdict const verdicts[] = {LOGIN_OK, LOGIN_REFUSED, LOGIN_TEMPFAIL, LOGIN_LIMIT, LOGIN_TEMPFAIL, LOGIN_TOOMANY};
	static struct login_answer all[6];
	for (size_t i = 0; i < 6; i++) {
		/* A session would take the connection over. */
		all[i].verdict = kind == LOGIN_SESSION && verdicts[i] == LOGIN_OK ? LOGIN_REFUSED : verdicts[i];
		all[i].len = sizeof all[i].data;
		strcpy(all[i].data, "user");
	}
	if (l->fd > 2)
		close(l->fd);
	memset(l, 0, sizeof *l);
	l->kind = kind;
	l->answer_seconds = 1;
	l->offered = ~0u >> (32 - SASL_MECHANISMS);
	l->oauth_error = "";
	l->fd = answers(all, sizeof *all, 6, send_plainly, -1);
}

#endif
