/* A whole session: the input is what the client sends, behind SELECT, to a small Maildir of its
 * own. */
#include <errno.h>
#include <stdio.h>

#include "maildir/deliver.h"
#include "tests/fuzz/imap/set-up.h"

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
	run(s, fd[0]);
	return 0;
}
