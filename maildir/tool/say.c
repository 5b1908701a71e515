#include "maildir/tool/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/json.h"
#include "lib/sa.h"

#define BAR 30
#define DRAW_MS 100

static stralloc line = STRALLOC_ZERO;
static int first_item;
static struct progress *bar; /* on the screen */

static long long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
wipe(void)
{
	if (bar && bar->shown)
		fputs("\r\033[K", stderr);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void
put_key(char const *key)
{
	if (line.len > 1)
		sa_append(&line, ',');
	json_string(&line, key);
	sa_append(&line, ':');
}

void
json_begin(void)
{
	sa_copys(&line, "{");
}

void
json_str(char const *key, char const *value)
{
	put_key(key);
	json_string(&line, value);
}

void
json_num(char const *key, uint64_t value)
{
	put_key(key);
	sa_catnum(&line, value);
}

void
json_list_begin(char const *key)
{
	put_key(key);
	sa_append(&line, '[');
	first_item = 1;
}

void
json_item(char const *value)
{
	if (!first_item)
		sa_append(&line, ',');
	first_item = 0;
	json_string(&line, value);
}

void
json_list_end(void)
{
	sa_append(&line, ']');
}

void
json_end(void)
{
	sa_cats(&line, "}\n");
	fwrite(line.s, 1, line.len, stdout);
	(void)say_flush();
}

/* ---- text -------------------------------------------------------------------------------------
 */

__attribute__((format(printf, 1, 0))) static void
make_line(char const *fmt, va_list ap)
{
	char buf[2000];
	int n = vsnprintf(buf, sizeof buf, fmt, ap);
	sa_copyb(&line, buf, n < (int)sizeof buf ? (size_t)n : sizeof buf - 1);
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.s[i] < ' ' || line.s[i] == 127)
			line.s[i] = '?';
}

void
say(struct tool const *t, char const *fmt, ...)
{
	va_list ap;
	if (t->json || t->quiet)
		return;
	va_start(ap, fmt);
	make_line(fmt, ap);
	va_end(ap);
	wipe();
	sa_append(&line, '\n');
	fwrite(line.s, 1, line.len, stdout);
}

void
say_warn(int e, char const *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	make_line(fmt, ap);
	va_end(ap);
	(void)say_flush();
	sa_cats(&line, e ? ": " : "\n");
	if (e)
		sa_catf(&line, "%s\n", strerror(e));
	fprintf(stderr, "maildir: warning: %s", sa_str(&line));
}

int
say_flush(void)
{
	wipe();
	return fflush(stdout) || ferror(stdout) ? -1 : 0;
}

/* ---- the bar ----------------------------------------------------------------------------------
 */

static void
draw(struct progress *p)
{
	char cells[BAR + 1];
	unsigned int full = p->total ? (unsigned int)(p->done * BAR / p->total) : 0;
	if (full > BAR)
		full = BAR;
	memset(cells, '#', full);
	memset(cells + full, '.', BAR - full);
	cells[BAR] = 0;
	fprintf(stderr, "\r\033[K%.30s ", p->label);
	if (p->total)
		fprintf(stderr, "[%s] %3u%% ", cells, (unsigned int)(p->done * 100 / p->total));
	fprintf(stderr, "%llu", (unsigned long long)p->done);
	p->shown = now_ms();
}

void
progress_begin(struct progress *p, struct tool const *t, char const *label, uint64_t total)
{
	*p = (struct progress){!t->quiet && isatty(2), label, total, 0, 0};
	if (p->on) {
		bar = p;
		draw(p);
	}
}

void
progress_at(struct progress *p, uint64_t done)
{
	p->done = done;
	if (p->on && now_ms() - p->shown >= DRAW_MS)
		draw(p);
}

void
progress_end(struct progress *p)
{
	if (!p->on)
		return;
	draw(p);
	wipe();
	bar = 0;
	p->on = 0;
}
