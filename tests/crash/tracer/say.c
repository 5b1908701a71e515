#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static FILE *file;

void
die(char const *what)
{
	fprintf(stderr, "tracer: fatal: %s: %s\n", what, strerror(errno));
	_exit(111);
}

int
report_open(char const *path)
{
	file = fopen(path, "we");
	return file ? 0 : -1;
}

void
report(char const *format, ...)
{
	va_list list;
	if (!file)
		return;
	va_start(list, format);
	vfprintf(file, format, list);
	va_end(list);
}

void
report_close(void)
{
	if (file && fclose(file) < 0)
		die("the report");
}
