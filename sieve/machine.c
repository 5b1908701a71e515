/* The machine: instructions one after the other, and what ends a run. */
#include "sieve/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/sa.h"

int
machine_fail(struct machine *m, char const *fmt, ...)
{
	char text[SIEVE_ERROR_MAX];
	va_list ap;
	if (m->error)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
	m->error = arena_strndup(m->a, text, strlen(text));
	m->r->error_script = m->frame ? m->frame->code->name : 0;
	m->r->error_line = m->frame ? m->frame->line : 0;
	return -1;
}

int
machine_fail_now(struct machine *m, char const *what)
{
	if (!m->error)
		m->r->temporary = 1;
	return machine_fail(m, "%s: unable to tell for now", what);
}

int
machine_steps(struct machine *m, uint64_t n)
{
	m->steps += n;
	if (m->steps > m->job->limits.steps)
		return machine_fail(m, "too many steps: the limit is %llu",
		    (unsigned long long)m->job->limits.steps);
	if (m->a->total - m->memory > SIEVE_MEMORY_MAX)
		return machine_fail(
		    m, "too much memory: the limit is %zu octets", SIEVE_MEMORY_MAX);
	return 0;
}

static void
trace(struct machine *m, struct row const *row, int test, int result)
{
	char text[100];
	snprintf(
	    text, sizeof text, test ? "test %s: %s" : "%s", row->name, result ? "true" : "false");
	m->job->trace(m->job->trace_arg, m->frame->code->name, m->frame->line, text);
}

/* A command or a test at w. */
static int
call_row(struct machine *m, uint32_t const *w)
{
	uint32_t const op = *w & 0xff;
	struct call const call = {op >= OP_TEST ? tests + (op - OP_TEST) : commands + op, w[1],
	    w + 2, m->frame->code->pool};
	m->frame->line = w[1];
	if (m->job->trace && op < OP_TEST)
		trace(m, call.row, 0, 0);
	int const r = call.row->run(m, &call);
	if (m->job->trace && op >= OP_TEST && r >= 0)
		trace(m, call.row, 1, r);
	return m->error ? -1 : r;
}

/* foreverypart's instructions: where to go on, or null. */
static uint32_t const *
loop(struct machine *m, uint32_t const *words, uint32_t const *w)
{
	uint32_t const op = *w & 0xff;
	if (op == OP_BREAK) {
		if (w[1] > m->frame->loop_depth) {
			machine_fail(m, "the compiled code is damaged");
			return 0;
		}
		m->frame->loop_depth -= w[1];
		return words + w[2];
	}
	int const r = op == OP_LOOP ? loop_begin(m) : loop_next(m);
	/* With a part OP_LOOP goes into the loop, which is what follows it; OP_NEXT goes back to
	 * it. */
	return r < 0 ? 0 : (op == OP_LOOP) == (r > 0) ? w + 2 : words + w[1];
}

/* Runs the code of the frame: RUN_STOP, RUN_RETURN, -1, or 0 at its end. */
static int
instructions(struct machine *m)
{
	uint32_t const *const words = m->frame->code->words, *w = words;
	int value = 0, r;
	while (w && machine_steps(m, 1) == 0) {
		uint32_t const op = *w & 0xff;
		switch (op) {
		case OP_END:
			return 0;
		case OP_JUMP:
			w = words + w[1];
			break;
		case OP_JUMP_IF:
			w = value ? words + w[1] : w + 2;
			break;
		case OP_JUMP_UNLESS:
			w = value ? w + 2 : words + w[1];
			break;
		case OP_NOT:
			value = !value;
			w++;
			break;
		case OP_LOOP:
		case OP_NEXT:
		case OP_BREAK:
			w = loop(m, words, w);
			break;
		default:
			r = call_row(m, w);
			if (r < 0 || (op < OP_TEST && r))
				return r;
			value = r;
			w += 2 + (*w >> 8);
		}
	}
	return -1;
}

int
machine_run(struct machine *m, struct sieve_code const *code)
{
	struct frame *const f = arena_zalloc(m->a, sizeof *f);
	f->code = code;
	f->before = m->frame;
	m->frame = f;
	m->depth++;
	int const r = instructions(m);
	m->depth--;
	m->frame = f->before;
	return r;
}

/* What a script leaves behind if it ends with an error. */
struct before {
	struct sieve_action *actions;
	unsigned int count, duplicates;
	struct sieve_edition const *edition;
};

static struct before
take_before(struct machine *m)
{
	struct before b = {0, m->actions_count, m->duplicates_count, message_edition(&m->message)};
	b.actions = arena_alloc(m->a, (b.count + 1) * sizeof *b.actions);
	if (b.count)
		memcpy(b.actions, m->actions, b.count * sizeof *b.actions);
	return b;
}

/* RFC 5228 2.10.6: an error, and the message is kept as it came to the script. What scripts before
 * it asked for (the administrator's) stays. */
static void
only_keep(struct machine *m, struct before const *b)
{
	struct sieve_result *const r = m->r;
	b->actions[b->count] = (struct sieve_action){
	    .kind = SIEVE_KEEP, .implicit = 1, .flags = "", .edition = b->edition};
	r->actions = b->actions;
	r->count = b->count + 1;
	r->duplicates = m->duplicates;
	r->duplicates_count = b->duplicates;
	r->error = m->error;
}

void
sieve_run(struct sieve_result *r, struct arena *a, struct sieve_code const *const *scripts,
    unsigned int count, struct sieve_job const *job)
{
	static struct sieve_host const nobody;
	struct machine m = {.a = a,
	    .job = job,
	    .host = job->host ? job->host : &nobody,
	    .r = r,
	    .memory = a->total};
	struct before before = {0};
	*r = (struct sieve_result){0};
	m.actions_room = job->limits.actions < 1000 ? job->limits.actions + 2 : 1002;
	m.actions = arena_alloc(a, m.actions_room * sizeof *m.actions);
	message_start(&m.message, a, job->message.s, job->message.n, job->charsets);
	for (unsigned int i = 0; i < count && !m.error; i++) {
		before = take_before(&m);
		m.kept = 0;
		m.flags.len = 0;
		machine_run(&m, scripts[i]);
		/* The next script decides on, if the message is still to be kept. */
		if (m.keep_cancelled && !m.kept)
			break;
		if (i + 1 < count && !m.error) {
			actions_defer(&m);
			m.keep_cancelled = 0;
		}
	}
	if (!m.error)
		actions_keep(&m);
	r->actions = m.actions;
	r->count = m.actions_count;
	r->duplicates = m.duplicates;
	r->duplicates_count = m.duplicates_count;
	if (m.error)
		only_keep(&m, &before);
	r->steps = m.steps;
	stralloc_free(&m.flags);
}
