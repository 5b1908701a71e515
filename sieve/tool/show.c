#include "sieve/tool/show.h"

#include <string.h>

static void
put_string(FILE *out, char const *s)
{
	putc('"', out);
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", out);
		else if ((unsigned char)*s < 32 || *s == 127)
			fprintf(out, "\\x%02x", (unsigned char)*s);
		else
			putc(*s, out);
	putc('"', out);
}

static void
put_named(FILE *out, char const *name, char const *value)
{
	if (!value || !*value)
		return;
	fprintf(out, " %s=", name);
	put_string(out, value);
}

static void
put_list(FILE *out, char const *name, char const *const *list)
{
	for (; *list; list++)
		put_named(out, name, *list);
}

static void
put_word(FILE *out, int is, char const *word)
{
	if (is)
		fprintf(out, " %s", word);
}

static void
show_vacation(FILE *out, struct sieve_vacation const *v)
{
	put_string(out, v->reason);
	fprintf(out, " seconds=%llu", (unsigned long long)v->seconds);
	put_named(out, "subject", v->subject);
	put_named(out, "from", v->from);
	put_named(out, "handle", v->handle);
	put_word(out, v->mime, "mime");
	put_list(out, "address", v->addresses);
}

static void
show_notify(FILE *out, struct sieve_notify const *n)
{
	put_string(out, n->method);
	fprintf(out, " importance=%c", n->importance);
	put_named(out, "from", n->from);
	put_named(out, "message", n->message);
	put_list(out, "option", n->options);
}

static void
show_action(FILE *out, struct sieve_action const *x, char const *inbox)
{
	static char const *const names[] = {"keep", "fileinto ", "redirect ", "discard", "reject ",
	    "ereject ", "vacation ", "notify "};
	fputs(names[x->kind], out);
	if (x->kind == SIEVE_KEEP && strcmp(inbox, "INBOX"))
		put_named(out, "folder", inbox);
	if (x->kind == SIEVE_FILEINTO)
		put_string(out, x->folder);
	if (x->kind == SIEVE_REDIRECT)
		put_string(out, x->address);
	if (x->text)
		put_string(out, x->text);
	if (x->vacation)
		show_vacation(out, x->vacation);
	if (x->notify)
		show_notify(out, x->notify);
	put_named(out, "flags", x->flags);
	put_named(out, "specialuse", x->specialuse);
	put_named(out, "mailboxid", x->mailboxid);
	put_word(out, x->create, "create");
	put_word(out, x->edition != 0, "edited");
	put_word(out, x->implicit, "implicit");
	putc('\n', out);
}

void
show_result(FILE *out, struct sieve_result const *r, char const *inbox)
{
	if (r->error) {
		fputs("error ", out);
		put_string(out, r->error_script ? r->error_script : "");
		fprintf(out, " %u ", r->error_line);
		put_string(out, r->error);
		putc('\n', out);
	}
	for (unsigned int i = 0; i < r->count; i++)
		show_action(out, r->actions + i, inbox);
}

void
show_message(FILE *out, struct sieve_result const *r, struct sieve_message const *original)
{
	struct sieve_edition const *e = 0;
	for (unsigned int i = 0; i < r->count; i++)
		if (r->actions[i].kind <= SIEVE_REDIRECT)
			e = r->actions[i].edition;
	putc('\n', out);
	if (!e)
		fwrite(original->s, 1, original->n, out);
	for (unsigned int i = 0; e && i < e->count; i++)
		fwrite(e->pieces[i].s, 1, e->pieces[i].n, out);
}
