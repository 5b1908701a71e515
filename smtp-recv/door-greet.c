/* Before the greeting: who cannot wait for it is a program that never listens (RFC 5321 3.1, 4.3.1:
 * the client must). The DNS is asked meanwhile. */
#include "smtp-recv/door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "smtp-recv/limits.h"
#include "smtp-recv/session.h"

/* RFC 5321 3.1: behind 554 there is only QUIT; everything else is told so. */
static void
only_quit(struct session *s)
{
	char line[SMTP_LINE_MAX];
	size_t len;
	net_deadline(&s->net, REFUSED_SECONDS);
	if (tain_less(&s->net.deadline, &s->end))
		s->end = s->net.deadline;
	for (int i = 0; i < REFUSED_COMMANDS_MAX; i++) {
		enum net_line r = session_line(s, line, sizeof line, &len);
		if (r != NET_LINE && r != NET_LONG)
			return;
		if (r == NET_LINE && !strncasecmp(line, "QUIT", 4) &&
		    (!line[4] || line[4] == ' ')) {
			reply(s, REPLY_GOODBYE);
			return;
		}
		reply(s, REPLY_DOOR_CLOSED);
	}
}

static int
talks_ahead(struct session *s)
{
	char *ahead;
	ssize_t n = net_fill(&s->net, &ahead);
	if (n <= 0) {
		log_event("hangup");
		log_send();
		return 0;
	}
	size_t line = 0;
	while (line < (size_t)n && line < PREGREET_LOGGED && ahead[line] != '\r' &&
	       ahead[line] != '\n')
		line++;
	log_event("door");
	log_str("check", "pregreet");
	log_str("verdict", "refuse");
	log_strn("reason", ahead, line);
	log_str("ip", s->peer.remote_ip);
	log_send();
	reply(s, REPLY_DOOR_EARLY);
	only_quit(s);
	return 0;
}

/* Until something happens to the client, the program or the DNS. As net_wait_any. */
static int
pause_for(struct session *s, tain const *until)
{
	int fd[5] = {s->login ? s->login->fd : s->fd_end};
	tain when[2];
	dns_watch(&s->door.reverse, fd + 1, when);
	dns_watch(&s->door.lists, fd + 3, when + 1);
	s->net.deadline = *until;
	for (int i = 0; i < 2; i++)
		if (tain_less(when + i, &s->net.deadline))
			s->net.deadline = when[i];
	return net_wait_any(&s->net, fd, 5);
}

int
greet_wait(struct session *s)
{
	tain until, span;
	tain_now_g();
	tain_from_millisecs(&span, (int)s->set.door.pregreet);
	tain_add_g(&until, &span);
	for (;;) {
		/* Nothing is late yet: what is not known is waited for where it is needed. */
		reverse_step(s);
		dns_step(&s->door.lists);
		switch (pause_for(s, &until)) {
		case 1:
			return talks_ahead(s);
		case 2:
			reply(s, REPLY_SHUTDOWN);
			return 0;
		case -1:
			session_lost(s);
			return 0;
		}
		tain_now_g();
		if (!tain_future(&until))
			return 1;
	}
}
