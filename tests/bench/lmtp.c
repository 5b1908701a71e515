/* Messages per second into an LMTP server.
 *
 *     lmtp SOCKET PARALLEL CONNECTIONS MESSAGES RECIPIENTS USERS DOMAIN [BYTES]
 *
 * PARALLEL clients make CONNECTIONS connections in all; each delivers MESSAGES messages of BYTES
 * octets (4000) to RECIPIENTS of the addresses u0@DOMAIN ... u(USERS-1)@DOMAIN, in turn. Prints
 * JSON: deliveries (replies 250 after the dot) per second, and the median of milliseconds from MAIL
 * to the last reply. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/smtp-client.h"
#include "tests/bench/now.h"

#define SECONDS 60
#define USAGE "lmtp socket parallel connections messages recipients users domain [ bytes ]"

struct plan {
	char const *socket, *domain;
	unsigned int parallel, connections, messages, recipients, users, bytes;
};

static float *samples; /* milliseconds of each message; shared */

static void
expect(struct smtp_client *c, int code)
{
	struct smtp_reply r = SMTP_REPLY_ZERO;
	if (smtp_client_reply(c, &r) < 0)
		strerr_diefu1sys(111, "read a reply");
	if (r.code != code)
		strerr_dief2x(111, "unexpected reply: ", r.text.s);
	stralloc_free(&r.text);
}

static void
one_message(struct smtp_client *c, struct plan const *p, stralloc const *text, unsigned int *user)
{
	smtp_client_deadline(c, SECONDS);
	if (c->ext & EXT_SIZE)
		smtp_client_cmd(c, "MAIL FROM:<sender@remote.test> SIZE=%u", p->bytes);
	else
		smtp_client_cmd(c, "MAIL FROM:<sender@remote.test>");
	for (unsigned int i = 0; i < p->recipients; i++)
		smtp_client_cmd(c, "RCPT TO:<u%u@%s>", (*user)++ % p->users, p->domain);
	smtp_client_cmd(c, "DATA");
	for (unsigned int i = 0; i <= p->recipients; i++)
		expect(c, 250);
	expect(c, 354);
	smtp_client_send(c, text->s, text->len);
	smtp_client_send_end(c);
	for (unsigned int i = 0; i < p->recipients; i++)
		expect(c, 250);
}

static void
client(struct plan const *p, unsigned int number, stralloc const *text)
{
	unsigned int user = number * 7919;
	for (unsigned int k = number; k < p->connections; k += p->parallel) {
		struct smtp_client c;
		struct smtp_reply r = SMTP_REPLY_ZERO;
		if (smtp_client_unix(&c, p->socket, SECONDS) < 0)
			strerr_diefu2sys(111, "connect to ", p->socket);
		c.lmtp = 1;
		if (smtp_client_hello(&c, "bench.test", &r))
			strerr_dief1x(111, "no LMTP");
		for (unsigned int m = 0; m < p->messages; m++) {
			double const began = now();
			one_message(&c, p, text, &user);
			samples[k * p->messages + m] = (float)((now() - began) * 1000);
		}
		smtp_client_cmd(&c, "QUIT");
		expect(&c, 221);
		smtp_client_close(&c);
	}
	_exit(0);
}

static void
parse(struct plan *p, int argc, char **argv)
{
	unsigned int *const number[] = {
	    &p->parallel, &p->connections, &p->messages, &p->recipients, &p->users};
	*p = (struct plan){.bytes = 4000};
	if (argc < 8 || argc > 9)
		strerr_dieusage(100, USAGE);
	p->socket = argv[1];
	for (int i = 0; i < 5; i++)
		if (!uint0_scan(argv[2 + i], number[i]) || !*number[i])
			strerr_dieusage(100, USAGE);
	p->domain = argv[7];
	if (argc == 9 && !uint0_scan(argv[8], &p->bytes))
		strerr_dieusage(100, USAGE);
}

static int
by_size(void const *a, void const *b)
{
	float const x = *(float const *)a, y = *(float const *)b;
	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	struct plan p;
	stralloc text = STRALLOC_ZERO;
	int failed = 0, status;
	PROG = "lmtp";
	parse(&p, argc, argv);
	sa_cats(&text, "From: sender@remote.test\nSubject: measured\n\n");
	while (text.len < p.bytes)
		sa_cats(&text,
		    "abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrst\n");
	size_t const n = (size_t)p.connections * p.messages;
	samples =
	    mmap(0, n * sizeof *samples, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (samples == MAP_FAILED)
		strerr_diefu1sys(111, "map memory");
	double began = now();
	for (unsigned int i = 0; i < p.parallel; i++)
		if (!fork())
			client(&p, i, &text);
	while (wait(&status) > 0)
		failed |= status;
	double took = now() - began;
	if (failed)
		return 111;
	qsort(samples, n, sizeof *samples, by_size);
	printf("{\"per_second\": %.1f, \"median_ms\": %.4f}\n", (double)n * p.recipients / took,
	    (double)samples[n / 2]);
	return 0;
}
