/* attacker PLAN [REPORT]: with nothing that holds it but its user. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/proof/attacker.h"
#include "tests/proof/plan.h"

int
main(int argc, char **argv)
{
	int const fd = argc > 2 ? open(argv[2], O_WRONLY | O_APPEND) : 2;
	if (argc < 2 || plan_read(argv[1]) < 0 || fd < 0 || (fd != 2 && dup2(fd, 2) < 0))
		return 100;
	proof_attack();
}
