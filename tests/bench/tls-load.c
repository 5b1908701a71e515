/* tls-load [-t SECONDS] [-n LEAST] [-c CONCURRENCY] [-r] [-p tls1.2] HOST PORT [COMMAND...]: a load
 * of short TLS connections, for so long and until so many have ended.
 *
 * Each connects, makes the handshake (-r: resumes the session of the one before in its slot), waits
 * for a line of greeting, says the COMMANDs (each when the one before was answered OK, with the tag
 * "a"), says LOGOUT, and reads to the end. Prints one line of JSON: connections,
 * per second, milliseconds from connect to end (median, 99th percentile), resumed, failed. */
// libs: -lssl -lcrypto
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define SLOTS_MAX 256
#define SAMPLES_MAX 1000000

struct slot {
	int fd;
	SSL *ssl;
	SSL_SESSION *session;
	enum { CONNECTING, GREETING, SAYING, ANSWER, ENDING } state;
	int said;	 /* commands */
	char last[4096]; /* the end of what was read: a line with all capabilities fits */
	size_t len;
	short events;
	int64_t start;
};

static SSL_CTX *ctx;
static struct sockaddr_in address;
static struct slot slots[SLOTS_MAX];
static float samples[SAMPLES_MAX];
static unsigned int count, resumed, failed;
static int resume;
static char *const *commands; /* up to a null: LOGOUT comes behind them */

static int64_t
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
begin(struct slot *s)
{
	s->start = now();
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connect(s->fd, (struct sockaddr *)&address, sizeof address) < 0 &&
	    errno != EINPROGRESS) {
		perror("tls-load: connect");
		exit(111);
	}
	s->ssl = SSL_new(ctx);
	SSL_set_fd(s->ssl, s->fd);
	SSL_set_connect_state(s->ssl);
	SSL_set_app_data(s->ssl, s);
	if (resume && s->session)
		SSL_set_session(s->ssl, s->session);
	s->state = CONNECTING;
	s->said = 0;
	s->len = 0;
	s->events = POLLOUT;
}

static void
finish(struct slot *s, int good)
{
	if (good) {
		resumed += SSL_session_reused(s->ssl) ? 1 : 0;
		if (count < SAMPLES_MAX)
			samples[count] = (float)(now() - s->start) / 1000;
		count++;
		SSL_shutdown(s->ssl);
	} else
		failed++;
	SSL_free(s->ssl);
	close(s->fd);
	begin(s);
}

static int
new_session(SSL *ssl, SSL_SESSION *session)
{
	struct slot *s = SSL_get_app_data(ssl);
	SSL_SESSION_free(s->session);
	s->session = session;
	return 1;
}

/* Is the answer there? It is the last line of what was read: the tag and OK. 0; -1: another answer.
 */
static int
answered(struct slot *s, char const *buf, size_t n)
{
	size_t const room = sizeof s->last - 1, keep = n < room ? n : room;
	size_t const old = s->len + keep > room ? room - keep : s->len;
	memmove(s->last, s->last + s->len - old, old);
	memcpy(s->last + old, buf + n - keep, keep);
	s->len = old + keep;
	s->last[s->len] = 0;
	if (s->last[s->len - 1] != '\n')
		return 0;
	char *line = s->last + s->len - 1;
	while (line > s->last && line[-1] != '\n')
		line--;
	return !strncmp(line, "a OK", 4) ? 1 : !strncmp(line, "a ", 2) ? -1 : 0;
}

static int
say(struct slot *s)
{
	char line[1024];
	char const *command = commands[s->said] ? commands[s->said] : "LOGOUT";
	int n = snprintf(line, sizeof line, "a %s\r\n", command);
	int r = SSL_write(s->ssl, line, n);
	if (r > 0) {
		s->state = commands[s->said] ? ANSWER : ENDING;
		s->said++;
		s->len = 0;
	}
	return r;
}

/* One step of the dialog: what SSL returned. */
static int
step(struct slot *s)
{
	char buf[16384];
	int r;
	switch (s->state) {
	case CONNECTING:
		if ((r = SSL_do_handshake(s->ssl)) == 1)
			s->state = GREETING;
		return r;
	case GREETING:
		if ((r = SSL_read(s->ssl, buf, sizeof buf)) > 0 && memchr(buf, '\n', (size_t)r))
			s->state = SAYING;
		return r;
	case SAYING:
		return say(s);
	case ANSWER:
		if ((r = SSL_read(s->ssl, buf, sizeof buf)) > 0)
			switch (answered(s, buf, (size_t)r)) {
			case 1:
				s->state = SAYING;
				break;
			case -1:
				return 0;
			}
		return r;
	default:
		return SSL_read(s->ssl, buf, sizeof buf);
	}
}

static void
advance(struct slot *s)
{
	int r;
	do {
		ERR_clear_error();
		r = step(s);
	} while (r > 0);
	switch (SSL_get_error(s->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		s->events = POLLIN;
		break;
	case SSL_ERROR_WANT_WRITE:
		s->events = POLLOUT;
		break;
	default:
		finish(s, s->state == ENDING);
	}
}

static void
run(int concurrency, int64_t end, unsigned int least)
{
	struct pollfd x[SLOTS_MAX];
	for (int i = 0; i < concurrency; i++)
		begin(slots + i);
	while (now() < end || count + failed < least) {
		for (int i = 0; i < concurrency; i++)
			x[i] = (struct pollfd){.fd = slots[i].fd, .events = slots[i].events};
		if (poll(x, (nfds_t)concurrency, 1000) < 0 && errno != EINTR)
			exit(111);
		for (int i = 0; i < concurrency; i++)
			if (x[i].revents)
				advance(slots + i);
	}
}

static int
by_size(void const *a, void const *b)
{
	float x = *(float const *)a, y = *(float const *)b;
	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	double seconds = 3;
	int concurrency = 8, version = 0;
	unsigned int least = 0;
	for (int c; (c = getopt(argc, argv, "t:n:c:rp:")) != -1;)
		if (c == 't')
			seconds = atof(optarg);
		else if (c == 'n')
			least = (unsigned int)atoi(optarg);
		else if (c == 'c')
			concurrency = atoi(optarg);
		else if (c == 'r')
			resume = 1;
		else if (c == 'p')
			version = strcmp(optarg, "tls1.2") ? TLS1_3_VERSION : TLS1_2_VERSION;
	if (argc - optind < 2 || concurrency < 1 || concurrency > SLOTS_MAX)
		return 100;
	signal(SIGPIPE, SIG_IGN);
	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
	if (inet_pton(AF_INET, argv[optind], &address.sin_addr) != 1)
		return 100;
	commands = argv + optind + 2;
	ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, new_session);
	int64_t start = now();
	run(concurrency, start + (int64_t)(seconds * 1e6), least);
	double took = (double)(now() - start) / 1e6;
	unsigned int n = count < SAMPLES_MAX ? count : SAMPLES_MAX;
	qsort(samples, n, sizeof *samples, by_size);
	printf("{\"connections\": %u, \"per_second\": %.2f, \"median_ms\": %.2f, \"p99_ms\": %.2f, "
	       "\"resumed\": %u, \"failed\": %u}\n",
	    count, count / took, n ? samples[n / 2] : 0.0f, n ? samples[n * 99 / 100] : 0.0f,
	    resumed, failed);
	return 0;
}
