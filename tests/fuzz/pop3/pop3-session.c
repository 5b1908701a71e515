/* A POP3 session after login, over a small Maildir that DELE empties and the next input finds full again. */
#include "tests/fuzz/session.h"

#include "maildir/deliver.h"
#include "pop3/session.h"

static char root[80];

static void
put(char const *name, char const *text)
{
	char path[120];
	snprintf(path, sizeof path, "mail/cur/%s", name);
	instance_file(path, text, strlen(text));
}

static void
fill(void)
{
	put("1000000000.a:2,", "Subject: a\n\n.\n..dots\nline\n");
	put("1000000001.b:2,S", "Subject: b\r\n\r\ncr lf\r\n\r.\r\n");
	put("1000000002.c", "no header, no end");
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct pop3 s;
	struct maildir_tree tree = TREE_DEFAULT(root);
	size_t len;
	if (size > INPUT_MAX)
		return 0;
	if (!*root) {
		snprintf(root, sizeof root, "%s/mail", instance());
		if (mkdir(root, 0700) < 0 || tree_create_inbox(&tree) < 0)
			abort();
	}
	fill();
	s.quota = (struct quota)QUOTA_DEFAULT(root);
	if (folder_open(&s.folder, &tree, "INBOX", 0, &s.quota) < 0)
		abort();
	s.count = folder_count(s.folder);
	s.marks = xmalloc(s.count + 1);
	memset(s.marks, 0, s.count + 1);
	s.idle = 1;
	s.errors = 0;
	s.mechanisms = data && size && *data & 1 ? "PLAIN" : 0;
	stand_in_for_client(data, size);
	net_init(&s.net, 0, 1);
	for (int over = 0; !over && net_getline(&s.net, s.line, sizeof s.line, &len) == NET_LINE;) {
		struct command const *row;
		char *arg;
		size_t arg_len;
		if (command_check(pop3_commands, POP3_TRANSACTION, s.line, len, &row, &arg, &arg_len) == COMMAND_OK)
			over = row->fn(&s, arg, arg_len);
	}
	folder_close(s.folder);
	free(s.marks);
	return 0;
}
