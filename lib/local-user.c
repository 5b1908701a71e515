#include "lib/local-user.h"

#include <stdio.h>
#include <string.h>

#include <skalibs/types.h>

#define PASSWD_LINE_MAX 1024

void
local_user(uid_t uid, char *name, size_t max)
{
	char line[PASSWD_LINE_MAX];
	FILE *f = fopen("/etc/passwd", "re");
	snprintf(name, max, "uid-%lu", (unsigned long)uid);
	while (f && fgets(line, sizeof line, f)) {
		uid_t found;
		char *colon = strchr(line, ':');
		char *id = colon ? strchr(colon + 1, ':') : 0;
		size_t n = id ? strcspn(id + 1, ":") : 0;
		if (!n)
			continue;
		*colon = id[1 + n] = 0;
		if (uid0_scan(id + 1, &found) && found == uid) {
			snprintf(name, max, "%s", line);
			break;
		}
	}
	if (f)
		fclose(f);
}
