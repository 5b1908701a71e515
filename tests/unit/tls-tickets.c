/* Ticket key files: what is read, in which order, and that no key outlives a day. */
// objects: bin/tls-tickets.o bin/tls-file.o
// libs: -lssl -lcrypto
#include "tests/unit/tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/tls-tickets.h"

#define NOW 1000000
#define K(d) \
	d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d \
	    d d d d d d d d d d d d d d d d d d d d d d d d d d d d d d
#define A K("0a")
#define B K("b0")

static struct {
	char const *name, *text;
	int count;
	long long first; /* when the first was born */
} const files[] = {
    {"one key", "999000 " A "\n", 1, 999000},
    {"newest first", "999000 " A "\n999500 " B "\n", 2, 999500},
    {"a day old is too old", "913600 " A "\n", 0, 0},
    {"a second less is not", "913601 " A "\n", 1, 913601},
    {"not born yet", "1000301 " A "\n", 0, 0},
    {"a clock a little behind", "1000300 " A "\n", 1, 1000300},
    {"empty", "", 0, 0},
    {"no newline", "999000 " A, -1, 0},
    {"short", "999000 " "0a\n", -1, 0},
    {"long", "999000 " A "0a\n", -1, 0},
    {"no hex", "999000 " K("0x") "\n", -1, 0},
    {"capitals", "999000 " K("0A") "\n", -1, 0},
    {"no time", A "\n", -1, 0},
    {"an empty line", "999000 " A "\n\n", -1, 0},
    {"two blanks", "999000  " A "\n", -1, 0},
};

static void
write_file(char const *path, char const *text)
{
	FILE *f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		exit(111);
}

static void
many(void)
{
	char text[4000] = "";
	struct tls_ticket_key keys[TLS_TICKET_KEYS];
	for (int i = 0; i < 12; i++)
		sprintf(text + strlen(text), "%d " A "\n", 999000 + i);
	tap_num("only so many", tls_tickets_parse(text, strlen(text), NOW, keys), TLS_TICKET_KEYS);
	tap_num("the newest", keys[0].born, 999011);
	tap_num("of them", keys[TLS_TICKET_KEYS - 1].born, 999004);
}

static void
rotation(void)
{
	struct tls_tickets t;
	tls_tickets_init(&t, 0, 1);
	tls_tickets_refresh(&t, NOW);
	struct tls_ticket_key first = t.key[0];
	tap_num("a key of its own", (long long)t.count, 1);
	tls_tickets_refresh(&t, NOW + TLS_TICKET_ROTATE_SECONDS - 1);
	tap_num("not renewed too early", (long long)t.count, 1);
	for (int i = 1; i <= 8; i++) {
		time_t now = NOW + (time_t)i * TLS_TICKET_ROTATE_SECONDS;
		tls_tickets_refresh(&t, now);
		tap_ok(t.key[0].born == now, "renewed");
		for (size_t j = 0; j < t.count; j++)
			tap_ok(now - t.key[j].born < TLS_TICKET_KEY_SECONDS, "none older than a day");
	}
	tap_ok(memcmp(&first, &t.key[0], sizeof first) != 0, "keys differ");
	tls_tickets_forget(&t);
	struct tls_ticket_key const zero = {.born = 0};
	tap_ok(!t.count && !memcmp(&t.key[0], &zero, sizeof zero), "forgotten");
}

static void
file(void)
{
	char path[] = "/tmp/tickets.XXXXXX";
	int fd = mkstemp(path);
	struct tls_tickets t;
	close(fd);
	write_file(path, "999000 " A "\n");
	tls_tickets_init(&t, path, 1);
	tls_tickets_refresh(&t, NOW);
	tap_ok(t.from_file && t.count == 1 && t.key[0].name[0] == 0x0a, "the file's key");
	tls_tickets_refresh(&t, NOW + TLS_TICKET_ROTATE_SECONDS + 1);
	tap_num("no own one beside it", (long long)t.count, 1);
	write_file(path, "999900 " B "\n999000 " A "\n");
	tls_tickets_refresh(&t, NOW);
	tap_ok(t.count == 2 && t.key[0].mac[0] == 0xb0, "a new file is read");
	tls_tickets_refresh(&t, 999000 + TLS_TICKET_KEY_SECONDS);
	tap_num("the older one dies in memory too", (long long)t.count, 1);
	tls_tickets_refresh(&t, 999900 + TLS_TICKET_KEY_SECONDS);
	tap_ok(t.count == 1 && !t.from_file, "a file that nobody rotates is replaced by own keys");
	write_file(path, "garbage\n");
	tls_tickets_refresh(&t, NOW);
	tap_ok(t.count == 1 && !t.from_file, "a bad file changes nothing");
	unlink(path);
}

int
main(void)
{
	struct tls_ticket_key keys[TLS_TICKET_KEYS];
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		int n = tls_tickets_parse(files[i].text, strlen(files[i].text), NOW, keys);
		tap_num(files[i].name, n, files[i].count);
		if (n > 0)
			tap_num("first", keys[0].born, files[i].first);
	}
	many();
	rotation();
	file();
	return tap_done();
}
