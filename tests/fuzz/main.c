/* The targets of a folder in one program: FUZZ_TARGET names the one that the fuzzer's octets go to ("-" is "_" in
 * C's names, either will do). TARGETS is a file of lines TARGET(name), made by the Makefile. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int target(uint8_t const *data, size_t size);

#define TARGET(name) target fuzz_##name;
#include TARGETS
#undef TARGET

static struct {
	char const *name;
	target *run;
} const targets[] = {
#define TARGET(name) {#name, fuzz_##name},
#include TARGETS
};

static target *chosen;

target LLVMFuzzerTestOneInput;
int LLVMFuzzerInitialize(int *argc, char ***argv);

static int
same(char const *wanted, char const *name)
{
	for (; *wanted && *name; wanted++, name++)
		if (*wanted != *name && (*wanted != '-' || *name != '_'))
			return 0;
	return *wanted == *name;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	char const *wanted = getenv("FUZZ_TARGET");
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		if (wanted && same(wanted, targets[i].name))
			chosen = targets[i].run;
	if (chosen)
		return 0;
	fprintf(stderr, "FUZZ_TARGET must be one of:\n");
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		fprintf(stderr, "\t%s\n", targets[i].name);
	exit(100);
}

/* With -close_fd_mask=2 what programs log goes nowhere; no file must get that number. */
static void
log_nowhere(void)
{
	for (int fd = fcntl(2, F_GETFD) < 0 ? 0 : 3; fd < 3;)
		if ((fd = open("/dev/null", O_RDWR)) < 0)
			abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static int begun;
	if (!begun++)
		log_nowhere();
	return chosen(data, size);
}
