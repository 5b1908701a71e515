#include "mda-local/parser.h"

#include <unistd.h>

#include "lib/sandbox.h"
#include "lib/ucspi.h"
#include "mda-local/lmtp.h"

void
parser_run(int fd_parent, int fd_memory)
{
	static struct lmtp lmtp;
	struct sandbox const s = {
	    .memory = MDA_PARSER_MEMORY, .file_size = SANDBOX_UNLIMITED, .processes = SANDBOX_ANY};
	int const keep[] = {fd_parent, fd_memory};
	struct ucspi peer;
	sandbox_close_but(keep, 2);
	ucspi_init(&peer);
	lmtp_init(&lmtp, fd_memory);
	sandbox_drop_user();
	sandbox_enter(&s);
	lmtp_serve(&lmtp, fd_parent);
	_exit(0);
}
