#include "mda-local/parser.h"

#include <unistd.h>

#include "lib/id.h"
#include "lib/sandbox.h"
#include "lib/ucspi.h"
#include "mda-local/lmtp.h"

/* The connection, the message's memory and the channel to its parent: no file by name, no socket, no
 * process; the one that is copied for each connection may make these copies. */
static struct sandbox const sandbox_policy = {.memory = MDA_PARSER_MEMORY,
    .file_size = SANDBOX_UNLIMITED,
    .processes = SANDBOX_ANY};

static struct lmtp lmtp;

static void
confine(unsigned int calls)
{
	struct sandbox s = sandbox_policy;
	s.calls |= calls;
	lmtp_settings(&lmtp);
	sandbox_drop_user();
	sandbox_enter(&s);
}

void
parser_prepare(void)
{
	confine(SANDBOX_ZYGOTE);
}

void
parser_serve(int fd_parent, char const *id)
{
	lmtp_init(&lmtp, id);
	lmtp_serve(&lmtp, fd_parent);
	_exit(0);
}

void
parser_run(int fd_parent)
{
	struct ucspi peer;
	sandbox_close_but(&fd_parent, 1);
	ucspi_init(&peer);
	confine(0);
	parser_serve(fd_parent, id_connection());
}
