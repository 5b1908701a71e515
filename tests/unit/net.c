#include "lib/net.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/idle.h"
#include "lib/memory.h"

#include "tests/unit/tap.h"

static struct net net;
static int peer;

static void
connect_net(void)
{
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		exit(111);
	net_init(&net, fd[0], fd[0]);
	net_deadline(&net, 10);
	peer = fd[1];
}

static void
disconnect_net(void)
{
	close(net.fd_in);
	close(peer);
}

/* What came at the other end, all of it. */
static size_t
received(char *buf, size_t max)
{
	net_flush(&net);
	ssize_t n = read(peer, buf, max);
	return n > 0 ? (size_t)n : 0;
}

static void
numbers(void)
{
	static uint64_t const table[] = {0, 1, 9, 10, 11, 99, 100, 101, 109, 110, 999, 1000, 1001,
	    9999, 10000, 65535, 100000, 999999, 1000000, 4294967295, 4294967296,
	    9999999999999999999u, 10000000000000000000u, UINT64_MAX};
	char want[24], got[24];
	connect_net();
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		int n = snprintf(want, sizeof want, "%llu", (unsigned long long)table[i]);
		net_putnum(&net, table[i]);
		size_t len = received(got, sizeof got);
		tap_mem(want, got, len, want, (size_t)n);
	}
	disconnect_net();
}

/* Octets written in place and octets put, in turns, across the buffer's end. */
static void
in_place(void)
{
	static char got[3 * NET_OUTSIZE], want[3 * NET_OUTSIZE];
	size_t len = 0, have = 0;
	connect_net();
	for (unsigned int i = 0; len < 2 * NET_OUTSIZE; i++) {
		size_t room;
		char *to = net_space(&net, 1, &room);
		size_t n = room < 1000 ? room : 1000;
		memset(to, 'a' + (int)(i % 26), n);
		memset(want + len, 'a' + (int)(i % 26), n);
		net_wrote(&net, n);
		net_put(&net, "0123456789", 10);
		memcpy(want + len + n, "0123456789", 10);
		len += n + 10;
	}
	while (have < len)
		have += received(got + have, sizeof got - have);
	tap_mem("written in place", got, have, want, len);
	disconnect_net();
	size_t room;
	close(peer);
	connect_net();
	close(peer);
	memset(net_space(&net, 1, &room), 'x', NET_OUTSIZE);
	net_wrote(&net, NET_OUTSIZE);
	tap_ok(net_space(&net, 1, &room) && room, "room after a write error");
	tap_ok(net_put(&net, "x", 1) < 0 && net_flush(&net) < 0 && errno == EPIPE, "which stays");
	close(net.fd_in);
}

static void
rest(void)
{
	static char area[5 * 4096];
	memset(area, 'x', sizeof area);
	memory_rest(area, sizeof area);
	size_t zeros = 0;
	for (size_t i = 0; i < sizeof area; i++)
		zeros += !area[i];
	tap_ok(zeros >= 4 * 4096 && zeros % 4096 == 0, "whole pages are given back");
	connect_net();
	memcpy(net.in, "line\r\n", 6);
	net.in_end = 6;
	net_puts(&net, "kept");
	net_rest(&net);
	memory_trim();
	char got[8], line[8];
	size_t len;
	tap_mem("buffers with something in them stay", got, received(got, sizeof got), "kept", 4);
	tap_ok(net_getline(&net, line, sizeof line, &len) == NET_LINE && !strcmp(line, "line"),
	    "and what came");
	disconnect_net();
}

static struct calls {
	int settled, rested, again;
	int twice; /* settled only when at rest */
} calls;

static int
settle(void *arg)
{
	struct calls *c = arg;
	c->settled++;
	if (c->twice && c->rested)
		c->again = -1;
	/* The client speaks when it has seen all of it. */
	if (c->rested > c->twice && write(peer, "x", 1) != 1)
		exit(111);
	return c->again;
}

static void
note_rest(void *arg)
{
	((struct calls *)arg)->rested++;
}

static void
idling(void)
{
	struct idle const w = {settle, note_rest, &calls};
	tain latest;
	char got[8];
	connect_net();
	calls.again = 1;
	tain_addsec_g(&latest, 10);
	net_puts(&net, "answer");
	tap_num("input ends it", idle_wait(&net, &w, 0, 0, &latest), 1);
	tap_mem("the answer went first", got, received(got, sizeof got), "answer", 6);
	tap_num("at rest once", calls.rested, 1);
	tap_ok(calls.settled > 2, "settled again and again");
	calls.settled = calls.rested = 0;
	tap_num("what is there already", idle_wait(&net, &w, 0, 0, &latest), 1);
	tap_num("is not kept waiting", calls.settled, 0);
	tap_ok(read(net.fd_in, got, 1) == 1, "taken");
	calls = (struct calls){.again = 1, .twice = 1};
	tap_num("and again", idle_wait(&net, &w, 0, 0, &latest), 1);
	tap_num("at rest again when all is settled", calls.rested, 2);
	tap_ok(read(net.fd_in, got, 1) == 1, "taken");
	calls = (struct calls){.again = -1};
	tain_now_g();
	tap_num("it is late", idle_wait(&net, &w, 0, 0, &STAMP), 0);
	disconnect_net();
}

/* A reply that could not be written: its peer waits for it, so nothing is waited for here. */
static void
unsaid(void)
{
	int fd[2];
	char *s;
	tap_ok(!pipe(fd), "a pipe");
	net_init(&net, fd[0], open("/dev/full", O_WRONLY));
	net_deadline(&net, 60);
	net_puts(&net, "answer");
	net_flush(&net);
	tap_ok(net_fill(&net, &s) < 0 && errno == ENOSPC, "no wait behind a reply that was not sent");
	close(fd[0]);
	close(fd[1]);
	close(net.fd_out);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	numbers();
	in_place();
	rest();
	idling();
	unsaid();
	return tap_done();
}
