/* A whole session: the input is what the client sends, behind SELECT, to a small Maildir of its
 * own. */
// sources: imap/[!il]*.c imap/list-*.c
// libs: -lunistring -lz
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap/commands.h"
#include "imap/compress.h"
#include "imap/limits.h"
#include "lib/sa.h"
#include "maildir/deliver.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static char root[] = "/tmp/fuzz-imap.XXXXXX";
static char line[LIMIT_LINE];
static struct session session;

void
session_bye(struct session *s, char const *text)
{
	net_putf(&s->net, "* BYE %s\r\n", text);
	s->ended = 1;
}

static void
cleanup(void)
{
	rm_rf(root);
}

/* Messages with parts, fields and charsets for the commands to find. */
static void
fill(void)
{
	static char const *const messages[] = {
	    "From: a@example.test\nTo: \"b c\" <b@example.test>\nSubject: =?utf-8?q?x=C3=A4?=\n"
	    "Date: Mon, 02 Jan 2006 15:04:05 +0100\nMessage-ID: <1@example.test>\n\nbody\n",
	    "Content-Type: multipart/mixed; boundary=b\nMIME-Version: 1.0\n\n--b\n"
	    "Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n\nwcLD\n"
	    "--b\nContent-Type: message/rfc822\n\nSubject: in\n\ntext\n--b--\n",
	    "no header\n"};
	for (size_t i = 0; i < 3; i++) {
		struct delivery d = DELIVERY_ZERO;
		struct delivery_copy copy = {.dir = root, .flags = (unsigned int)i * 8};
		if (delivery_begin(&d, root) < 0 ||
		    delivery_write(&d, messages[i], strlen(messages[i])) < 0 ||
		    delivery_commit(&d, &copy, 1, 0) < 0)
			abort();
	}
}

static void
prepare(struct session *s)
{
	if (!mkdtemp(root))
		abort();
	atexit(cleanup);
	s->tree = (struct maildir_tree)TREE_DEFAULT(root);
	s->tree.folders_max = 20;
	s->quota = (struct quota)QUOTA_DEFAULT(root);
	s->append_limit = 1000;
	s->timeout = 1;
	s->search_memory = LIMIT_SEARCH_MEMORY;
	if (tree_create_inbox(&s->tree) < 0)
		abort();
	s->parse.line = line;
	s->parse.seconds = 1;
	s->parse.arena = &s->arena;
	s->parse.net = &s->net;
	s->fd_signal = -1;
	s->net.fd_out = open("/dev/null", O_WRONLY);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static char const select[] = "s SELECT INBOX\r\n";
	struct session *s = &session;
	struct folder_status status;
	int fd[2];
	if (!s->parse.line)
		prepare(s);
	if (folder_status(&status, &s->tree, "INBOX", 0) < 0 || status.messages < 3)
		fill(); /* an input has expunged */
	if (size > 60000 || pipe(fd) < 0)
		return 0;
	if (write(fd[1], select, sizeof select - 1) < 0 || write(fd[1], data, size) < 0)
		abort();
	close(fd[1]);
	net_init(&s->net, fd[0], s->net.fd_out);
	s->ended = 0;
	s->bad = 0;
	commands_run(s);
	session_unselect(s);
	compress_end(&s->net);
	s->compress = 0;
	s->enabled = s->parse.utf8 = 0;
	close(fd[0]);
	return 0;
}
