/* The handlers of the dispatch table (commands.c), by the file that defines them. */
#ifndef SMTP_RECV_HANDLERS_H
#define SMTP_RECV_HANDLERS_H

#include "lib/command.h"

extern struct command const smtp_commands[];

/* greet.c */
command_fn do_helo, do_ehlo, do_noop, do_rset, do_quit, do_vrfy, do_expn, do_help, do_http;
command_fn do_starttls, do_xforward;
/* envelope.c */
command_fn do_mail, do_rcpt;
/* data.c */
command_fn do_data, do_bdat;
/* auth.c */
command_fn do_auth;

#endif
