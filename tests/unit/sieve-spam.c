/* What filters' fields come to (mda-local/sieve-spam.h): settings and verdicts by table. */
// objects: mda-local/sieve-spam.o
// libs: -lunistring
#include "mda-local/sieve-spam.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/sieve-spam.XXXXXX";

static void
put(char const *name, char const *text)
{
	char path[200];
	snprintf(path, sizeof path, "%s/etc/%s", dir, name);
	int const fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		exit(111);
	close(fd);
}

#define PLAIN "status_type = score\nstatus_header = X-Score\nmax_value = 10\n"
#define RATIO "status_header = X-Both: ([0-9.]+)/\nmax_header = X-Both: /([0-9.]+)\n"
#define STARS "status_type = strlen\nstatus_header = X-Stars: ^([*]*)\nmax_value = 5\n"
#define WORDS                                                                                      \
	"sieve_virustest_status_type=text\nsieve_virustest_status_header=X-Word: ^is "             \
	"([a-z]+)$\nsieve_virustest_text_value1=clean\nsieve_virustest_text_value5=sick\nsieve_"   \
	"virustest_text_value0=unknown\n"

static struct {
	char const *setting, *header;
	unsigned int scale;
	int value; /* -1: not tested */
} const cases[] = {
    {PLAIN, "X-Score: 0\n", 10, 1},
    {PLAIN, "X-Score: 5\n", 10, 5},
    {PLAIN, "x-score:\t10.0\n", 10, 10},
    {PLAIN, "X-Score: 99\n", 10, 10},
    {PLAIN, "X-Score: -3\n", 10, 1},
    {PLAIN, "X-Score: 5\n", 100, 50},
    {PLAIN, "X-Score: 0.3\n", 100, 3},
    {PLAIN, "X-Score: none\n", 10, -1},
    {PLAIN, "X-Score: nan\n", 10, -1},
    {PLAIN, "X-Score:\n", 10, -1},
    {PLAIN, "Subject: x\n", 10, -1},
    {PLAIN, "", 10, -1},
    {"status_header = X-Score\n", "X-Score: 5\n", 10, -1},
    {RATIO, "X-Both: 3/6\n", 100, 50},
    {RATIO, "X-Both: 3/0\n", 100, -1},
    {RATIO, "X-Both: 3\n", 100, -1},
    {STARS, "X-Stars: ***\n", 100, 60},
    {STARS, "X-Stars: none\n", 10, 1},
    {WORDS, "X-Word: is clean\n", 5, 1},
    {WORDS, "X-Word: is sick\n", 5, 5},
    {WORDS, "X-Word: is unknown\n", 5, -1},
    {WORDS, "X-Word: is odd\n", 5, -1},
    {WORDS, "X-Word: was sick\n", 5, -1},
    /* without a setting */
    {"", "X-Spamd-Result: default: False [7.50 / 15.00];\n\tA(1)\n", 100, 50},
    {"", "X-Spamd-Result: default: True [-7.50 / 15.00]\n", 10, 1},
    {"", "X-Spam-Status: Yes, score=6.2 required=5.0\n\ttests=A\n", 10, 10},
    {"", "X-Spam-Status: No, score=2.5 required=5.0 tests=A\n", 100, 50},
    {"", "X-Spam-Score: 3.0\n", 100, 20},
    {"", "X-Spam-Flag: YES\n", 10, -1},
};

int
main(void)
{
	char path[100];
	if (!mkdtemp(dir))
		return 111;
	snprintf(path, sizeof path, "%s/etc", dir);
	mkdir(path, 0700);
	setenv("POSTERN_DIR", dir, 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct spam_test spam, virus;
		unsigned int value = 0;
		put("sieve-spamtest", cases[i].setting);
		spam_settings(&spam, &virus);
		int const r = spam_value(
		    &spam, cases[i].header, strlen(cases[i].header), 1, cases[i].scale, &value);
		tap_num(cases[i].header, r == 1 ? (int)value : -1, cases[i].value);
		if (!*cases[i].setting)
			tap_num("not without being asked",
			    spam_value(
				&virus, cases[i].header, strlen(cases[i].header), 0, 5, &value),
			    0);
	}
	stralloc gone = STRALLOC_ZERO;
	sa_catf(&gone, "rm -rf %s", dir);
	if (system(sa_str(&gone)))
		return 111;
	return tap_done();
}
