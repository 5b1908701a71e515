#include "tests/proof/plan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proof/attacker.h"

#define PLAN_MAX 32768

struct plan plan;

static char const *const kinds[] = {[PLAN_DIR] = "dir",
    [PLAN_FILE] = "file",
    [PLAN_SYSTEM] = "system",
    [PLAN_SOCKET] = "socket",
    [PLAN_FIFO] = "fifo"};

static void
one_line(char *line)
{
	static struct {
		char const *word;
		int *value;
	} const numbers[] = {{"victim", &plan.victim}, {"tcp", &plan.tcp}, {"udp", &plan.udp},
	    {"free-port", &plan.free_port}};
	static struct {
		char const *word;
		char const **value;
	} const texts[] = {{"at", &plan.at}, {"into", &plan.into}, {"abstract", &plan.abstract}};
	char *save, *word = strtok_r(line, " ", &save), *a = strtok_r(0, " ", &save),
		    *b = strtok_r(0, " ", &save);
	for (size_t i = 0; a && i < sizeof numbers / sizeof *numbers; i++)
		if (!strcmp(word, numbers[i].word))
			*numbers[i].value = atoi(a);
	for (size_t i = 0; a && i < sizeof texts / sizeof *texts; i++)
		if (!strcmp(word, texts[i].word))
			*texts[i].value = a;
	for (unsigned int i = 0; b && i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(word, kinds[i]) && plan.count < PLAN_TARGETS_MAX)
			plan.target[plan.count++] = (struct plan_target){(enum plan_kind)i, a, b};
}

int
plan_read(char const *path)
{
	static char text[PLAN_MAX];
	int const fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	plan.count = 0;
	ssize_t const n = read(fd, text, sizeof text - 1);
	close(fd);
	char *save;
	for (char *l = n < 0 ? 0 : strtok_r(text, "\n", &save); l; l = strtok_r(0, "\n", &save))
		one_line(l);
	return n < 0 ? -1 : 0;
}

/* Whatever the program is about to give up, it has not done so yet. */
static void begin(void) __attribute__((constructor));
static void
begin(void)
{
	char const *path = getenv("PROOF_PLAN");
	if (path && plan_read(path) < 0)
		_exit(111);
}

int
proof_here(char const *function)
{
	return plan.at && !strcmp(plan.at, function);
}
