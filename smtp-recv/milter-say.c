#include "smtp-recv/milter-say.h"

#include <string.h>

#include "lib/sa.h"
#include "smtp-recv/session.h"

/* Programs of this host are localhost, as with every MTA: filters know their own by that. */
void
milter_say_connect(struct session const *s, stralloc *out)
{
	struct ucspi const *p = &s->peer;
	int local = p->kind == UCSPI_UNIX, six = !!strchr(p->remote_ip, ':');
	char port[2] = {(char)(p->remote_port >> 8), (char)(p->remote_port & 255)};
	milter_begin(out, 'C');
	if (*s->door.name)
		sa_cats(out, s->door.name);
	else if (!local && *p->remote_ip)
		sa_catf(out, "[%s]", p->remote_ip);
	else
		sa_cats(out, local ? "localhost" : "unknown");
	sa_0(out);
	sa_append(out, local ? '4' : !*p->remote_ip ? 'U' : six ? '6' : '4');
	if (local || *p->remote_ip) {
		sa_catb(out, port, 2);
		sa_cats(out, six ? "IPv6:" : "");
		milter_string(out, local ? "127.0.0.1" : p->remote_ip);
	}
	milter_end(out);
}

/* "<address>" and each parameter, out of a command as lib/smtp-envelope.h writes it. */
static void
path_packet(stralloc *out, char letter, stralloc *command, char const *address)
{
	milter_begin(out, letter);
	sa_catf(out, "<%s>", address);
	sa_0(out);
	char *save, *s = sa_str(command);
	s = strchr(s, ':') + 1;
	s += strlen(address) + 2;
	for (s = strtok_r(s, " \r\n", &save); s; s = strtok_r(0, " \r\n", &save))
		milter_string(out, s);
	milter_end(out);
}

void
milter_say_mail(struct session const *s, stralloc *out)
{
	stralloc command = STRALLOC_ZERO;
	smtp_mail_format(&command, &s->tx.mail, ~0u);
	path_packet(out, 'M', &command, s->tx.mail.from.text);
	stralloc_free(&command);
}

void
milter_say_rcpt(struct smtp_rcpt const *r, stralloc *out)
{
	stralloc command = STRALLOC_ZERO;
	smtp_rcpt_format(&command, r, ~0u);
	path_packet(out, 'R', &command, r->to.text);
	stralloc_free(&command);
}
