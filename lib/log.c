#include "lib/log.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/id.h"

static char id_now[ID_MAX + 1];
static char line[LOG_LINE];
static size_t used;

void
log_id(char const *id)
{
	size_t const n = id ? strnlen(id, ID_MAX) : 0;
	if (n)
		memcpy(id_now, id, n);
	id_now[n] = 0;
}

/* Keeps one byte for the newline. */
static void
add(char const *s, size_t n)
{
	if (n > LOG_LINE - 1 - used)
		n = LOG_LINE - 1 - used;
	memcpy(line + used, s, n);
	used += n;
}

void
log_event(char const *event)
{
	used = 0;
	add(PROG, strlen(PROG));
	add(":", 1);
	if (id_now[0])
		log_str("id", id_now);
	log_str("event", event);
}

static int
is_plain(unsigned char c)
{
	return c > ' ' && c < 127 && c != '"' && c != '\\';
}

static void
add_quoted(char const *value, size_t len)
{
	static char const hex[16] = "0123456789abcdef";
	add("\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];
		if (is_plain(c) || c == ' ')
			add(value + i, 1);
		else if (c == '"' || c == '\\')
			add((char[]){'\\', (char)c}, 2);
		else
			add((char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
	}
	add("\"", 1);
}

void
log_strn(char const *key, char const *value, size_t len)
{
	size_t i = 0;
	add(" ", 1);
	add(key, strlen(key));
	add("=", 1);
	while (i < len && is_plain((unsigned char)value[i]))
		i++;
	if (len && i == len)
		add(value, len);
	else
		add_quoted(value, len);
}

void
log_str(char const *key, char const *value)
{
	log_strn(key, value ? value : "", value ? strlen(value) : 0);
}

void
log_num(char const *key, uint64_t value)
{
	char fmt[UINT64_FMT];
	log_strn(key, fmt, uint64_fmt(fmt, value));
}

void
log_errno(char const *key, int e)
{
	log_str(key, strerror(e));
}

void
log_send(void)
{
	int e = errno;
	line[used++] = '\n';
	/* A log that cannot be written must not stop the mail. */
	if (write(2, line, used) < 0) {
	}
	errno = e;
}

void
log_1(char const *event, char const *key, char const *value)
{
	log_event(event);
	log_str(key, value);
	log_send();
}

void
log_2(char const *event, char const *k1, char const *v1, char const *k2, char const *v2)
{
	log_event(event);
	log_str(k1, v1);
	log_str(k2, v2);
	log_send();
}

int
log_killed(char const *event, pid_t pid, int status)
{
	if (!WIFSIGNALED(status))
		return 0;
	log_event(event);
	log_num("pid", (uint64_t)pid);
	log_num("signal", (uint64_t)WTERMSIG(status));
	log_send();
	return 1;
}
