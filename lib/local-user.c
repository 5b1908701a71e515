#include "lib/local-user.h"

#include <stdio.h>
#include <string.h>

#include <skalibs/types.h>

#define PASSWD_LINE_MAX 1024

/* name:password:uid:gid:... */
static int
parse(char *line, struct local_user *u)
{
	char *field[4], *s = line;
	for (int i = 0; i < 4; i++) {
		size_t const n = strcspn(s, ":\n");
		field[i] = s;
		if (s[n] != ':')
			return 0;
		s[n] = 0;
		s += n + 1;
	}
	return strlen(field[0]) < sizeof u->name && strcpy(u->name, field[0]) &&
	       uid0_scan(field[2], &u->uid) && gid0_scan(field[3], &u->gid);
}

int
local_user_find(char const *name, uid_t uid, struct local_user *out)
{
	char line[PASSWD_LINE_MAX];
	FILE *f = fopen("/etc/passwd", "re");
	struct local_user u;
	int found = 0;
	while (f && !found && fgets(line, sizeof line, f))
		found = parse(line, &u) && (name ? !strcmp(u.name, name) : u.uid == uid);
	if (f)
		fclose(f);
	if (found)
		*out = u;
	else
		snprintf(out->name, sizeof out->name, "uid-%lu", (unsigned long)uid);
	return found;
}

void
local_user(uid_t uid, char *name, size_t max)
{
	struct local_user u;
	local_user_find(0, uid, &u);
	snprintf(name, max, "%.*s", (int)(max - 1), u.name);
}
